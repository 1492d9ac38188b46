"""The source model, its probabilities made softer or sharper and its class shares moved."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ._base import CLASSES, Training, register
from ._offset import fit_scaling, softmax
from ._rows import log_odds

Floats = NDArray[np.float64]

FLOOR = 1e-3


@register(
    "source-recalibrated-classes",
    title="use the source model, recalibrated by temperature and class shares",
    family="model transferability",
    adapted=True,
    needs={"source model", "target labels"},
    assumes={"covariate shift", "label shift"},
    fails_when="the source model orders the target wrongly",
    fits=(0, 0),
    fast=True,
    tasks=CLASSES,
    preconditions="Assumes that the source model orders the target rightly (of two classes also "
    "exactly wrongly) and only its certainty and its class shares are off.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Replace log P by a log P + b, a and b of the best penalised log loss on the target labels.

    Normal priors of variance 1 around a = 1 and b = 0 keep few labels from claiming much.  A
    negative `a` reads a reversed model backwards.
    """
    logs = log_odds(training.source_model(training.target_X), FLOOR)
    slope, bias = fit_scaling(logs, training.target_y)
    model = training.source_model
    return lambda rows: softmax(slope * log_odds(model(rows), FLOOR) + bias)
