"""Attribution maps of a torch module, leaving the module as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Method: TypeAlias = Literal["saliency", "gradient_input"]
Target: TypeAlias = Literal["sum", "largest"] | int
Maps: TypeAlias = NDArray[np.float32 | np.float64]


def attribution_maps(
    model: Any, inputs: Any, name: str, *, method: Method, target: Target | NDArray[np.int64],
    batch_size: int,
) -> Maps:  # fmt: skip
    """Return one map for each row, shape (n, pixels): channels averaged, the rest flattened."""
    import torch

    device, dtype = _where(model)
    maps = []
    with torch.inference_mode(False), torch.enable_grad(), _evaluating(model):
        for start in range(0, len(inputs), batch_size):
            batch = inputs[start : start + batch_size].to(device=device, dtype=dtype)
            batch = batch.detach().clone().requires_grad_(True)
            chosen = _chosen(_output(model, batch, name), target, start, name)
            gradient = _gradient(chosen, batch, name)
            found = gradient.abs() if method == "saliency" else gradient * batch.detach()
            if found.ndim > 2:
                found = found.mean(dim=1)
            maps.append(found.flatten(1).detach().cpu().to(_wide(dtype)).numpy())
    joined = np.concatenate(maps)
    if not np.isfinite(joined).all():
        raise ValueError(
            f"The gradients of `{name}` contain missing or infinite values; check its weights."
        )
    return joined


def _where(model: Any) -> tuple[Any, Any]:
    import torch

    for held in (*model.parameters(), *model.buffers()):
        if held.is_floating_point():
            return held.device, held.dtype
    return torch.device("cpu"), torch.float32


def _wide(dtype: Any) -> Any:
    import torch

    return torch.float64 if dtype == torch.float64 else torch.float32


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    # each part by itself: a caller may have frozen some parts and not others
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def _output(model: Any, batch: Any, name: str) -> Any:
    import torch

    try:
        output = model(batch)
    except (RuntimeError, ValueError, IndexError) as error:
        raise ValueError(
            f"`{name}` does not take inputs of shape {tuple(batch.shape[1:])}; both models must "
            f"take the same rows, so resize or wrap one of them ({str(error).splitlines()[0]})."
        ) from error
    if not isinstance(output, torch.Tensor) or output.ndim == 0 or len(output) != len(batch):
        raise TypeError(
            f"`{name}` must return one tensor with a row for each input, got "
            f"{tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__};"
            " wrap it in a module that returns such a tensor."
        )
    return output.flatten(1) if output.ndim > 1 else output[:, None]


def _chosen(output: Any, target: Target | NDArray[np.int64], start: int, name: str) -> Any:
    import torch

    if isinstance(target, str):
        return output.sum() if target == "sum" else output.max(dim=1).values.sum()
    if isinstance(target, int):
        wanted = torch.full((len(output),), target, device=output.device)
    else:
        wanted = torch.from_numpy(target[start : start + len(output)]).to(output.device)
    if int(wanted.max()) >= output.shape[1]:
        raise ValueError(
            f"`target` asks for output {int(wanted.max())}, but `{name}` has {output.shape[1]}, "
            "counted from 0."
        )
    return output.gather(1, wanted[:, None]).sum()


def _gradient(chosen: Any, batch: Any, name: str) -> Any:
    import torch

    found = (
        torch.autograd.grad(chosen, batch, allow_unused=True)[0] if chosen.requires_grad else None
    )
    if found is None:
        raise ValueError(
            f"The output of `{name}` does not depend on its inputs by a gradient; it must not "
            "detach them nor round them."
        )
    return found
