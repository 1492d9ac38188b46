"""A mixture of the source model and the target model, its share found by cross-validation."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from . import target_only
from ._base import ALL_SHIFTS, Training, register
from ._inner import inner_folds, out_of_fold, parted
from ._rows import answers

Floats = NDArray[np.float64]

FOLDS = 5


@register(
    "stacking",
    title="mix the source model and a target model, the share found by cross-validation",
    family="secure transfer",
    adapted=True,
    needs={"source model", "target labels"},
    assumes=ALL_SHIFTS,
    fails_when="labelled rows are so few that the share is a matter of chance",
    fits=(0, 1 + FOLDS),
    fast=True,
    preconditions="Assumes nothing of the source: its share falls to 0 where it does not help; "
    "with few labelled rows the share is found by chance.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Mix predictions with the source's share of least squared loss (Breiman 1996).

    The share lies in [0, 1] and minimises the Brier score (or the squared error) of target rows
    predicted by target models that have not seen them.
    """
    own, borrowed = target_only.fit(learner, training), training.source_model
    folds, share = inner_folds(training, FOLDS), 0.0
    if parted(folds):
        held_out = out_of_fold(training, lambda part: target_only.fit(learner, part), folds)
        answer = answers(training.target_y, training.n_classes)
        share = best_share(borrowed(training.target_X), held_out, answer)
    return lambda rows: share * borrowed(rows) + (1 - share) * own(rows)


def best_share(first: Floats, second: Floats, answer: Floats) -> float:
    """Return the share of `first` in [0, 1] that brings the mixture nearest to `answer`."""
    apart = (first - second).ravel()
    size = float(apart @ apart)
    if size <= 0:
        return 0.0
    return float(np.clip(apart @ (answer - second).ravel() / size, 0, 1))
