"""Runs microsoft/otdd as it stands on today's libraries, without touching its files.

A checkout of github.com/microsoft/otdd (last changed in 2022) fails on current versions for
reasons that have nothing to do with its formulas. Four things are put in from here:
``Tensor.symeig``, which torch removed, by ``torch.linalg.eigh``; ``geomloss.utils``, which
moved; POT's exact solver called with one kind of array; and empty modules for what only its
plots and text data sets import.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import types
import warnings
from pathlib import Path
from typing import Any

VARIABLE = "OTDD_PATH"
NOT_NEEDED = ("munkres", "PIL", "PIL.Image", "PIL.ImageOps", "otdd.plotting", "otdd.pytorch.nets")
DRAWING = ("matplotlib", "matplotlib.pyplot", "matplotlib.cm")


class Empty(types.ModuleType):
    """A module in which every name stands for nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Empty(name)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return Empty(self.__name__)


def find(folder: str | None) -> tuple[Any, str]:
    """Return the peer's module of distances, or None and a sentence that says what to do."""
    folder = folder or os.environ.get(VARIABLE)
    if folder is None:
        return None, (
            "microsoft/otdd is not timed: clone github.com/microsoft/otdd, install geomloss, and "
            f"pass the folder by `--otdd FOLDER` or the environment variable {VARIABLE}."
        )
    if not (Path(folder) / "otdd" / "pytorch" / "distance.py").is_file():
        return None, (
            f"microsoft/otdd is not timed: {folder} holds no otdd/pytorch/distance.py; pass the "
            "top folder of a clone of github.com/microsoft/otdd."
        )
    try:
        return _load(folder), ""
    except ImportError as fault:
        return None, f"microsoft/otdd is not timed: it needs {fault.name}, which is not installed."


def _load(folder: str) -> Any:
    import geomloss
    import torch

    torch.Tensor.symeig = lambda matrix, eigenvectors: torch.linalg.eigh(matrix)  # type: ignore[attr-defined]
    if not hasattr(geomloss, "utils"):
        geomloss.utils = importlib.import_module("geomloss._legacy.utils")
    sys.path.insert(0, str(Path(folder).resolve()))
    for name in NOT_NEEDED:
        sys.modules[name] = Empty(name)
    with contextlib.suppress(ImportError):
        importlib.import_module("matplotlib.pyplot")
    for name in DRAWING:
        sys.modules.setdefault(name, Empty(name))
    for parent in ("otdd.pytorch.wasserstein", "otdd.pytorch.distance"):
        importlib.import_module(parent)
    sys.modules["otdd.pytorch.wasserstein"].ot = types.SimpleNamespace(  # type: ignore[attr-defined]
        unif=lambda count: None, emd2=_exact_cost
    )
    return sys.modules["otdd.pytorch.distance"]


def _exact_cost(first: Any, second: Any, cost: Any) -> float:
    import ot

    return float(ot.emd2([], [], cost.numpy()))


def value(peer: Any, source: Any, target: Any, *, inner: str, entreg: float = 0.1) -> float:
    """Return the peer's distance between (rows, classes) and (rows, classes).

    Its default path in double precision: a debiased Sinkhorn value over halved costs. `inner`
    exact means the exact transport between classes, as ours, not its Sinkhorn one.
    """
    import torch

    sides = [
        torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(y))
        for X, y in (source, target)
    ]
    for side, (_, y) in zip(sides, (source, target), strict=True):
        side.targets = torch.from_numpy(y)
        side.classes = list(range(int(y.max()) + 1))
    options = (
        {"inner_ot_method": "exact", "inner_ot_loss": "wasserstein"}
        if inner == "exact"
        else {"inner_ot_method": "gaussian_approx"}
    )
    # Its progress bars and deprecation warnings would drown the table.
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        distance = peer.DatasetDistance(
            *sides, entreg=entreg, precision="double", verbose=0, device="cpu", **options
        )
        return float(distance.distance(maxsamples=10**9))
