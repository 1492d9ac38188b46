"""Source rows weighted by the odds of a classifier that tells the sides apart."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ._base import Training, register
from ._precheck import effective_share, enough_left
from ._rows import fit_together

Floats = NDArray[np.float64]

CLIP = 20.0
"""Largest weight, in mean weights."""
MIN_TARGET_ROWS = 5


def weights(training: Training) -> Floats:
    """Return p / (1 - p) of every source row, p the chance of the target, mean 1, clipped.

    Target over source: the inverse would favour the rows least like the target.
    """
    from ...metrics import classifier_density_ratio

    target = training.target_inputs
    if len(target) < MIN_TARGET_ROWS:
        return np.ones(len(training.source_y))
    found = classifier_density_ratio(
        training.source_X, target, n_folds=3, n_splits=1, n_draws=2, random_state=training.seed
    ).source_weights
    clipped = np.minimum(found / found.mean(), CLIP)
    scaled: Floats = clipped / clipped.mean()
    return scaled


def note(training: Training) -> str:
    """Return the effective sample size in words."""
    n = len(training.source_y)
    left = effective_share(weights(training)) * n
    return f"effective sample size {left:.0f} of {n} source rows"


@register(
    "importance-classifier",
    title="weight source rows by a classifier of the sides, then train on both",
    family="data transferability: instances",
    adapted=True,
    needs={"source rows", "target inputs"},
    assumes={"covariate shift"},
    fails_when="the sides hardly overlap, or the relation of inputs to label differs",
    fits=(1, 0),
    needs_weights=True,
    cost="medium",
    precheck=enough_left(weights),
    note=note,
    preconditions="Assumes one relation for both domains and overlapping inputs; few source rows "
    "are left in effect where the sides are far apart.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Fit on weighted source rows and the labelled target rows."""
    return fit_together(
        learner, training, training.source_X, training.source_y, source_weight=weights(training)
    )
