"""What a network is given: rows prepared by the user's function, or in the plainest way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain._words import short
from ._doors import CandidateDoor

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ._probe_rows import Rows


def plain(batch: Any, module: nn.Module, rows: Rows, door: CandidateDoor) -> Any:
    """Return the inputs of a network that came without a preprocessing."""
    import torch

    if rows.kind == "texts":
        raise door.error(
            f"is shown the texts of {short(rows.name)}, of which a network understands none; give "
            "preprocess=, a function from a list of texts to what it takes (its tokenizer)"
        )
    if not isinstance(batch, np.ndarray):
        raise door.error(
            f"is shown the table {short(rows.name)}, which has columns of text; give preprocess=, "
            "a function from a data frame to what it takes"
        )
    values = torch.from_numpy(np.ascontiguousarray(batch))
    if rows.kind != "images":
        return values
    pixels = values.permute(0, 3, 1, 2)
    pixels = pixels.float() / 255 if values.dtype == torch.uint8 else pixels
    if pixels.shape[1] == 1 and _first_channels(module) == 3:
        pixels = pixels.expand(-1, 3, -1, -1)
    return pixels


def note_plain(module: nn.Module, batch: Any, rows: Rows, door: CandidateDoor) -> None:
    """Say what the plainest way was, for images."""
    if rows.kind != "images":
        return
    eight_bit = getattr(batch, "dtype", None) == np.uint8
    scaled = "pixels from 0 to 1" if eight_bit else "pixels as they are"
    grey = getattr(batch, "shape", (0,))[-1] == 1 and _first_channels(module) == 3
    door.note(
        f"is shown {scaled}{', grey ones three times' if grey else ''}; if it was trained on "
        "others, give preprocess="
    )


def _first_channels(module: nn.Module) -> int | None:
    from torch import nn

    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            return part.in_channels
    return None


def placed(prepared: Any, device: torch.device, dtype: torch.dtype | None) -> Any:
    """Return inputs as tensors on a device; floating ones in the network's own precision."""
    import torch

    if isinstance(prepared, np.ndarray):
        prepared = torch.from_numpy(np.ascontiguousarray(prepared))
    if isinstance(prepared, torch.Tensor):
        floating = prepared.is_floating_point() and dtype is not None
        return prepared.to(device=device, dtype=dtype if floating else None)
    if isinstance(prepared, Mapping):
        return {name: placed(value, device, dtype) for name, value in prepared.items()}
    if isinstance(prepared, (tuple, list)):
        return tuple(placed(value, device, dtype) for value in prepared)
    return prepared


def called(module: nn.Module, inputs: Any) -> Any:
    """Call a network with a tensor, a tuple of inputs, or a mapping of them."""
    if isinstance(inputs, dict):
        return module(**inputs)
    if isinstance(inputs, tuple):
        return module(*inputs)
    return module(inputs)


def shape_words(inputs: Any) -> str:
    """Return the shapes of inputs, for sentences."""
    if isinstance(inputs, Mapping):
        return ", ".join(f"{name} {shape_words(value)}" for name, value in inputs.items())
    if isinstance(inputs, (tuple, list)):
        return ", ".join(shape_words(value) for value in inputs[:4])
    shape = getattr(inputs, "shape", None)
    return f"of shape {tuple(shape)}" if shape is not None else f"of type {type(inputs).__name__}"
