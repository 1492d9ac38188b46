"""Source rows, changed or weighted, in one training set with the labelled target rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ._base import Training

Floats = NDArray[np.float64]


def fit_together(
    learner: Learner,
    training: Training,
    source_X: Floats,
    source_y: NDArray[Any],
    target_X: Floats | None = None,
    *,
    source_weight: Floats | None = None,
) -> Predictor:
    """Fit on these source rows and the labelled target rows, which count 1 each.

    `target_X` stands for the target rows where both sides are written in other coordinates.
    """
    target_X = training.target_X if target_X is None else target_X
    weight = None
    if source_weight is not None:
        weight = np.concatenate([source_weight, np.ones(len(training.target_y))])
        # Mean weight 1 over all rows, so that the learner's penalty keeps its meaning.
        weight *= len(weight) / weight.sum()
        used = weight > 0
        source_X, source_y = source_X[used[: len(source_y)]], source_y[used[: len(source_y)]]
        weight = weight[used]
    return learner.fit(
        np.concatenate([source_X, target_X]),
        np.concatenate([source_y, training.target_y]),
        n_classes=training.n_classes,
        seed=training.seed,
        weight=weight,
    )


def answers(y: NDArray[Any], n_classes: int) -> Floats:
    """Return labels in the form of predictions: one-hot rows, or the quantities."""
    if n_classes == 0:
        return np.asarray(y, dtype=np.float64)
    return np.eye(n_classes)[np.asarray(y, dtype=np.int64)]


def log_odds(proba: Floats, floor: float) -> Floats:
    """Return log probabilities, none below `floor`: a forest's 0 is not a certainty."""
    return np.log(np.maximum(proba, floor))


def at_most(X: Floats, limit: int, seed: int) -> NDArray[np.int64]:
    """Return all rows, or a random subset of `limit`, as sorted indices."""
    if len(X) <= limit:
        return np.arange(len(X))
    rng = np.random.default_rng([seed, 61])
    return np.sort(rng.choice(len(X), limit, replace=False))
