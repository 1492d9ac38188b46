"""Which layers of a network are looked at: those named, or a few spread over its depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain._words import did_you_mean, listing, short
from ._doors import CandidateDoor

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

MOST_LAYERS = 8
OUTPUT, PENULTIMATE = "output", "penultimate"
HEADS = frozenset(["classifier", "fc", "head", "heads", "last_linear", "linear", "logits"])
_OWN_NAMES = (OUTPUT, PENULTIMATE)


def check_names(module: nn.Module, wanted: Sequence[str], door: CandidateDoor) -> None:
    """Refuse names that are no layers of the network."""
    known = [name for name, _ in module.named_modules() if name]
    for name in wanted:
        if name in known or name in _OWN_NAMES:
            continue
        near = did_you_mean(name, [*known, *_OWN_NAMES])
        tops = [name for name, _ in module.named_children()]
        raise door.error(
            f"has no layer {short(name)}{near}; give one of {listing([*tops, *_OWN_NAMES], 12)}"
        )


def blocks(module: nn.Module) -> list[str]:
    """Return the names of the blocks a network is made of, in the order they are written.

    Its children; a block that holds more than half of all layers with weights is opened in
    turn, and so is a mere list of blocks, which never runs itself.
    """
    total = _n_weighted(module)
    found: list[str] = []

    def walk(prefix: str, part: nn.Module) -> None:
        for name, child in part.named_children():
            path = f"{prefix}{name}"
            if _opens(child, total):
                walk(f"{path}.", child)
            else:
                found.append(path)

    walk("", module)
    return found


def n_parameters(module: nn.Module) -> int:
    """Return how many numbers a network has learned."""
    from torch.nn.parameter import is_lazy

    return sum(p.numel() for p in module.parameters() if not is_lazy(p))


def _n_weighted(module: nn.Module) -> int:
    return sum(any(True for _ in m.parameters(recurse=False)) for m in module.modules())


def _opens(part: nn.Module, total: int) -> bool:
    from torch import nn

    if not any(True for _ in part.children()):
        return False
    if type(part).forward is nn.Module.forward:  # a list of blocks, which never runs itself
        return True
    container = isinstance(part, (nn.Sequential, nn.TransformerEncoder, nn.TransformerDecoder))
    if type(part).__module__.startswith("torch.nn.modules.") and not container:
        return False
    return 2 * _n_weighted(part) > total


def choose(
    module: nn.Module, ran: dict[str, NDArray[Any]], final: str | None, head: bool
) -> list[str]:
    """Return the layers that "auto" takes, from the input side.

    Parameters
    ----------
    module : nn.Module
    ran : dict of str to ndarray
        Pooled outputs of one batch, in the order the blocks ran; with ``output`` and, where
        there is a final linear layer, ``penultimate``.
    final : str, optional
        The name of that layer.
    head : bool
        Whether it is the head of the source task, whose logits are no features.
    """
    inner = [name for name in ran if name not in _OWN_NAMES]
    if final is not None:
        # what comes after the final layer is as much of the head as that layer
        place = next(
            (i for i, name in enumerate(inner) if f"{final}.".startswith(f"{name}.")), None
        )
        inner = inner if place is None else inner[:place]
    kept = _without_halves(module, inner, ran)
    ends = [PENULTIMATE] if PENULTIMATE in ran else []
    if OUTPUT in ran and not head:
        ends.append(OUTPUT)
    order = _without_copies([*kept, *ends], ran)
    ends = [name for name in ends if name in order]
    kept = [name for name in order if name not in ends]
    return [*_spread(kept, MOST_LAYERS - len(ends)), *ends]


def _without_halves(module: nn.Module, names: list[str], ran: dict[str, NDArray[Any]]) -> list[str]:
    """Leave out what only passes on, and a layer before its normalisation or activation."""
    kept = []
    for name, following in zip(names, [*names[1:], None], strict=True):
        if _passes(module.get_submodule(name)):
            continue
        same = following is not None and ran[following].shape == ran[name].shape
        if same and following is not None and _finishes(module.get_submodule(following)):
            continue
        kept.append(name)
    return kept


def _passes(part: nn.Module) -> bool:
    from torch import nn

    return isinstance(part, nn.Identity | nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.Flatten)


def _finishes(part: nn.Module) -> bool:
    """Tell normalisations and activations: what belongs to the layer before."""
    from torch import nn

    norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm, nn.LayerNorm)
    return isinstance(part, norms) or type(part).__module__ == "torch.nn.modules.activation"


def _without_copies(names: list[str], ran: dict[str, NDArray[Any]]) -> list[str]:
    """Leave out a layer whose features the next one repeats; the output, if it repeats any."""
    kept: list[str] = []
    if OUTPUT in names and any(_same(ran[n], ran[OUTPUT]) for n in names if n != OUTPUT):
        names = [n for n in names if n != OUTPUT]
    for name in reversed(names):
        if kept and _same(ran[name], ran[kept[-1]]):
            continue
        kept.append(name)
    return kept[::-1]


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.shape == other.shape and np.allclose(one, other)


def _spread(names: list[str], most: int) -> list[str]:
    if len(names) <= most:
        return names
    places = np.unique(np.linspace(0, len(names) - 1, most).round().astype(int))
    return [names[i] for i in places]
