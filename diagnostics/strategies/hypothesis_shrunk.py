"""A linear model whose coefficients are drawn towards the source's (L2-SP)."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ._base import ALL_SHIFTS, Training, register
from ._inner import inner_folds, out_of_fold, parted
from ._offset import add_linear, fit_offset, softmax

Floats = NDArray[np.float64]

PENALTIES = (0.1, 1.0, 10.0, 100.0)
FOLDS = 5


@register(
    "hypothesis-shrunk",
    title="train a linear model with coefficients drawn towards the source's",
    family="model transferability",
    adapted=True,
    needs={"source rows", "target labels"},
    assumes=ALL_SHIFTS - {"feature shift"},
    fails_when="the relation is not linear, or the source's is opposed and labelled rows are few",
    fits=(0, 0),
    fast=True,
    own_model=True,
    preconditions="Assumes a linear relation close to the source's; brings its own linear model, "
    "whatever the learner.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Minimise the target's loss plus penalty/2 |w - w_s|^2 (Li, Grandvalet & Davoine 2018).

    Logistic regression, or ridge regression for quantities; the penalty from a few by
    cross-validation on the target, by log loss or squared error.
    """
    source = training.memo.get("hypothesis-shrunk", lambda: _source_coefficients(training))
    folds = inner_folds(training, FOLDS)
    losses = [_loss(training, source, folds, penalty) for penalty in PENALTIES]
    # With nothing to choose by, stay near the source; between equals too.
    best = len(PENALTIES) - 1 - int(np.argmin(losses[::-1]))
    return _near(training, source, PENALTIES[best])


def _source_coefficients(training: Training) -> Floats:
    """Return coefficients (p + 1, outputs) of the linear model of the source."""
    n_classes = training.n_classes
    if n_classes:
        blank = np.zeros((len(training.source_y), n_classes))
        return fit_offset(training.source_X, training.source_y, blank, 1.0)
    from sklearn.linear_model import RidgeCV

    ridge = RidgeCV(alphas=np.logspace(-2, 4, 13)).fit(training.source_X, training.source_y)
    return np.append(ridge.coef_, ridge.intercept_)[:, None]


def _near(training: Training, source: Floats, penalty: float) -> Predictor:
    X, y = training.target_X, training.target_y
    if training.n_classes:
        coefficients = source + fit_offset(X, y, add_linear(X, source), penalty)
        return lambda rows: softmax(add_linear(rows, coefficients))
    rest = y - add_linear(X, source)[:, 0]
    # The level is free: a source in other units is off there first.
    centre, level = X.mean(axis=0), float(rest.mean())
    moved = X - centre
    gram = moved.T @ moved
    gram[np.diag_indices_from(gram)] += penalty
    slope = np.linalg.solve(gram, moved.T @ (rest - level))
    return lambda rows: add_linear(rows, source)[:, 0] + level + (rows - centre) @ slope


def _loss(training: Training, source: Floats, folds: NDArray[np.int64], penalty: float) -> float:
    if not parted(folds):
        return 0.0
    held_out = out_of_fold(training, lambda part: _near(part, source, penalty), folds)
    if training.n_classes == 0:
        return float(((held_out - training.target_y) ** 2).mean())
    hit = held_out[np.arange(len(held_out)), training.target_y]
    return float(-np.log(np.maximum(hit, 1e-12)).mean())
