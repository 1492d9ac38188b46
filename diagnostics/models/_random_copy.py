"""The same architecture with weights drawn anew: what a network gives that has learned nothing."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, TypeVar

from ..errors import InputError
from ._optional import first_line

if TYPE_CHECKING:
    from torch import Tensor, nn

Module = TypeVar("Module", bound="nn.Module")


def random_copy(module: Module, seed: int = 0) -> Module:
    """Return a copy of a network whose weights are drawn anew; the network stays as it is.

    Parameters
    ----------
    module : nn.Module
    seed : int

    Returns
    -------
    nn.Module
        On the same device and in the same mode.

    Notes
    -----
    Every part that has ``reset_parameters`` is initialised by it, as for training from
    scratch.  A tensor of weights that none of them has touched, and that is not constant, is
    shuffled: same values, same scale, nothing learned.  Running statistics of batch
    normalisation are reset to mean 0 and variance 1, which no untrained network has;
    extraction estimates them in one pass over at most 256 rows.  The global random state is
    left alone, on the CPU and on the network's device.

    Examples
    --------
    >>> import torch
    >>> layer = torch.nn.Linear(3, 2)
    >>> same = random_copy(layer, 1).weight.equal(random_copy(layer, 1).weight)
    >>> same, random_copy(layer, 1).weight.equal(layer.weight)
    (True, False)
    """
    import torch

    try:
        twin = copy.deepcopy(module)
    except Exception as error:
        raise InputError(
            f"the network {type(module).__name__!r} cannot be copied ({first_line(error)!r}); give "
            "an untrained network of the same architecture as a candidate of its own"
        ) from error
    devices = sorted({p.device.index or 0 for p in module.parameters() if p.device.type == "cuda"})
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        torch.manual_seed(seed)
        for part in twin.modules():
            _reset(part)
        generator = torch.Generator().manual_seed(seed)
        trained = dict(module.named_parameters())
        for name, weights in twin.named_parameters():
            if weights.equal(trained[name]):
                _shuffle(weights, generator)
    return twin


def _reset(part: nn.Module) -> None:
    """Initialise a part by its own rule, if it has one that works."""
    reset = getattr(part, "reset_parameters", None)
    if not callable(reset):
        return
    try:
        reset()
    except Exception:
        return  # its weights stay, and are shuffled


def _shuffle(weights: Tensor, generator: object) -> None:
    import torch

    assert isinstance(generator, torch.Generator)
    if weights.numel() < 2 or bool((weights == weights.flatten()[0]).all()):
        return
    order = torch.randperm(weights.numel(), generator=generator).to(weights.device)
    weights.copy_(weights.flatten()[order].reshape(weights.shape))
