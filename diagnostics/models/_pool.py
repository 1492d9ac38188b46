"""Outputs of layers made one vector a row: averages over places, over tokens, or one token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

_ENTRIES = ("last_hidden_state", "logits", "out", "features")


@dataclass(frozen=True, slots=True)
class Widths:
    """Which widths of a network are those of channels, and which those of tokens.

    An output of shape (n, a, b) is a sequence of tokens unless `a` is a width of a
    one-dimensional convolution and `b` none of tokens; one of shape (n, a, b, c) has its
    channels first unless only `c` is a width of tokens (as in Swin).
    """

    line: frozenset[int]
    plane: frozenset[int]
    tokens: frozenset[int]

    @classmethod
    def of(cls, module: nn.Module) -> Widths:
        """Read the widths off the layers of a network."""
        from torch import nn

        line: set[int] = set()
        plane: set[int] = set()
        tokens: set[int] = set()
        for part in module.modules():
            if isinstance(part, nn.Conv1d):
                line.add(part.out_channels)
            elif isinstance(part, nn.Conv2d):
                plane.add(part.out_channels)
            elif isinstance(part, nn.LayerNorm):
                tokens.add(int(part.normalized_shape[-1]))
            elif isinstance(part, (nn.Embedding, nn.MultiheadAttention)):
                tokens.add(part.embedding_dim if isinstance(part, nn.Embedding) else part.embed_dim)
        return cls(frozenset(line), frozenset(plane), frozenset(tokens))


NO_WIDTHS = Widths(frozenset(), frozenset(), frozenset())


def tensor_of(output: Any) -> Tensor | None:
    """Return the tensor of an output: itself, or the first of a tuple, list or mapping."""
    import torch

    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, Mapping):
        named = [output[k] for k in _ENTRIES if k in output]
        return tensor_of((*named, *output.values()))
    if isinstance(output, (tuple, list)):
        return next((t for t in output if isinstance(t, torch.Tensor)), None)
    return None


def pool(
    tensor: Tensor, *, pooling: str = "mean", mask: Tensor | None = None, widths: Widths = NO_WIDTHS
) -> Tensor:
    """Return one vector for each row.

    Parameters
    ----------
    tensor : Tensor of shape (n, ...)
    pooling : {"mean", "cls"}
        For tokens: their mean, or the first.
    mask : Tensor of shape (n, tokens), optional
        1 for tokens that count, 0 for padding.
    widths : Widths

    Returns
    -------
    Tensor of float32, shape (n, d)
    """
    values = tensor.float()
    if values.ndim <= 2:
        # an activation that works in place would change what was kept here
        return values.reshape(len(values), -1).clone()
    if values.ndim == 3:
        first, last = values.shape[1], values.shape[2]
        if first in widths.line and last not in widths.tokens:
            return values.mean(dim=2)
        return _of_tokens(values, pooling, mask)
    if values.ndim == 4:
        first, last = values.shape[1], values.shape[3]
        if last in widths.tokens and first not in widths.plane | widths.tokens:
            return values.mean(dim=(1, 2))
    return values.flatten(start_dim=2).mean(dim=2)


def _of_tokens(values: Tensor, pooling: str, mask: Tensor | None) -> Tensor:
    if pooling == "cls":
        return values[:, 0].clone()
    if mask is None or mask.shape != values.shape[:2]:
        return values.mean(dim=1)
    weight = mask.to(values.dtype).unsqueeze(2)
    return (values * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1.0)
