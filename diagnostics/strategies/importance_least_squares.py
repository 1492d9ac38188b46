"""Source rows weighted by a density ratio fitted by relative least squares."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ._base import Training, register
from ._precheck import effective_share, enough_left
from ._rows import fit_together

Floats = NDArray[np.float64]

MAX_ROWS = 1000
MIN_TARGET_ROWS = 5


def weights(training: Training) -> Floats:
    """Return the ratio of the target's density to a mixture with a tenth of it, mean 1.

    The tenth bounds the ratio by 10, which is what clipping does for other weights.
    """
    from ...metrics import relative_density_ratio

    target = training.target_inputs
    if min(len(target), len(training.source_X)) < MIN_TARGET_ROWS:
        return np.ones(len(training.source_y))
    found = relative_density_ratio(
        training.source_X, target, alpha=0.1, n_centres=50, max_rows=MAX_ROWS, n_splits=1,
        n_draws=2, random_state=training.seed,
    ).source_weights  # fmt: skip
    mean = float(found.mean())
    return found / mean if mean > 0 else np.ones(len(found))


def note(training: Training) -> str:
    """Return the effective sample size in words."""
    n = len(training.source_y)
    left = effective_share(weights(training)) * n
    return f"effective sample size {left:.0f} of {n} source rows"


@register(
    "importance-least-squares",
    title="weight source rows by a least-squares density ratio, then train on both",
    family="data transferability: instances",
    adapted=True,
    needs={"source rows", "target inputs"},
    assumes={"covariate shift"},
    fails_when="there are more than about ten columns, or the relation of inputs to label differs",
    fits=(1, 0),
    needs_weights=True,
    cost="medium",
    precheck=enough_left(weights),
    note=note,
    preconditions="Assumes one relation for both domains and overlapping inputs; distances say "
    "little in more than about ten columns.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Fit on weighted source rows and the labelled target rows."""
    return fit_together(
        learner, training, training.source_X, training.source_y, source_weight=weights(training)
    )
