"""Source and target rows together, the source's weight found by cross-validation."""

from functools import partial

import numpy as np

from ..learners import Learner, Predictor
from . import target_only
from ._base import ALL_SHIFTS, Training, register
from ._inner import inner_folds, out_of_fold, parted, squared_loss
from ._rows import answers, fit_together

FOLDS = 3
SHARES = (0.1, 1.0)
"""Total weight of the source in total weights of the target; besides, 0 and every row alike."""


@register(
    "pooled-cv-weight",
    title="train on both, the source's weight found by cross-validation (0 included)",
    family="secure transfer",
    adapted=True,
    needs={"source rows", "target labels"},
    assumes=ALL_SHIFTS,
    fails_when="labelled rows are so few that the weight is a matter of chance",
    fits=(1 + FOLDS * (len(SHARES) + 1), 1 + FOLDS),
    cost="medium",
    needs_weights=True,
    preconditions="Assumes nothing of the source: its weight falls to 0 where it does not help; "
    "with few labelled rows the weight is found by chance.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Fit with the weight of least cross-validated squared loss; the smaller one wins a tie."""
    n_source, n_target = len(training.source_y), len(training.target_y)
    weights = sorted({0.0, *(share * n_target / n_source for share in SHARES), 1.0})
    folds = inner_folds(training, FOLDS)
    answer = answers(training.target_y, training.n_classes)
    if not parted(folds):
        return target_only.fit(learner, training)
    losses = [
        squared_loss(out_of_fold(training, partial(_fit, learner, weight), folds), answer)
        for weight in weights
    ]
    return _fit(learner, weights[int(np.argmin(losses))], training)


def _fit(learner: Learner, weight: float, training: Training) -> Predictor:
    if weight == 0:
        return target_only.fit(learner, training)
    return fit_together(
        learner, training, training.source_X, training.source_y,
        source_weight=np.full(len(training.source_y), weight),
    )  # fmt: skip
