"""The source model, its output moved and scaled to the target's labels."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ._base import REGRESSION, Training, register


@register(
    "source-recalibrated",
    title="use the source model, recalibrated by offset and scale",
    family="model transferability",
    needs={"source model", "target labels"},
    assumes={"covariate shift", "label shift"},
    fails_when="the source model orders the target wrongly",
    fits=(0, 0),
    fast=True,
    adapted=True,
    tasks=REGRESSION,
    preconditions="Assumes that the source model orders the target rightly (or exactly "
    "wrongly) and only its level and spread are off.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Fit offset and scale by least squares of the target labels on the source's output."""
    predicted = training.source_model(training.target_X)
    spread = float(np.var(predicted))
    scale = 0.0
    if spread > 1e-12 * max(1.0, float(np.mean(predicted) ** 2)):
        scale = float(np.mean((predicted - predicted.mean()) * training.target_y)) / spread
    offset = float(np.mean(training.target_y)) - scale * float(np.mean(predicted))
    model = training.source_model

    def predict(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return offset + scale * model(rows)

    return predict
