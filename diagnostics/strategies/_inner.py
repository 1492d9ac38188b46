"""Folds inside the labelled target rows, for what a strategy chooses itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..learners import Predictor
from ._base import Training

Floats = NDArray[np.float64]


def inner_folds(training: Training, k: int) -> NDArray[np.int64]:
    """Return a fold of every labelled target row: stratified, identical rows together.

    All zeros where the rows are too few to be parted; see :func:`parted`.
    """
    # The pilot imports the strategies, so this cannot stand above.
    from ..pilot.folds import assign_folds, strata_of

    y = training.target_y
    _, groups = np.unique(training.target_X, axis=0, return_inverse=True)
    groups = np.asarray(groups, dtype=np.int64).ravel()
    k = min(k, int(groups.max(initial=0)) + 1)
    if k < 2 or len(y) < 2 * k:
        return np.zeros(len(y), dtype=np.int64)
    strata = strata_of(y, regression=training.n_classes == 0)
    return assign_folds(strata, groups, k, np.random.default_rng([training.seed, 62]))


def parted(folds: NDArray[np.int64]) -> bool:
    """Return whether there is more than one fold."""
    return int(folds.max(initial=0)) > 0


def out_of_fold(
    training: Training, fit: Callable[[Training], Predictor], folds: NDArray[np.int64]
) -> Floats:
    """Return predictions on the labelled target rows by models that have not seen them."""
    tail = (training.n_classes,) if training.n_classes else ()
    out = np.empty((len(folds), *tail))
    for fold in np.unique(folds):
        keep = folds != fold
        part = replace(training, target_X=training.target_X[keep], target_y=training.target_y[keep])
        out[~keep] = fit(part)(training.target_X[~keep])
    return out


def squared_loss(predicted: Floats, answer: Floats) -> float:
    """Return the mean squared difference: the Brier score, or the squared error."""
    return float(((predicted - answer) ** 2).sum() / len(answer))
