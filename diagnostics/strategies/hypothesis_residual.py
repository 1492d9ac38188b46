"""The source model, and a target model of what it leaves unexplained."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ._base import Training, register
from ._offset import add_linear, fit_offset, softmax
from ._rows import log_odds

Floats = NDArray[np.float64]

FLOOR = 0.02
PENALTY = 1.0


@register(
    "hypothesis-residual",
    title="correct the source model by a target model of its errors",
    family="model transferability",
    adapted=True,
    needs={"source model", "target labels"},
    assumes={"covariate shift", "label shift", "concept shift"},
    fails_when="the relations differ by more than few labelled rows can teach",
    fits=(0, 1),
    fast=True,
    preconditions="Assumes that the target's relation is the source's plus something simpler; for "
    "classes the correction is linear whatever the learner.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Fit y - f_s(x), or for classes a linear term on top of the source's log odds.

    A classifier cannot be fitted to residuals: for classes the second model is a logistic
    regression (penalty 1) with the source's log probabilities as offset.
    """
    if training.n_classes:
        return _classes(training)
    model = training.source_model
    rest = learner.fit(
        training.target_X, training.target_y - model(training.target_X), n_classes=0,
        seed=training.seed,
    )  # fmt: skip
    return lambda rows: model(rows) + rest(rows)


def _classes(training: Training) -> Predictor:
    model = training.source_model
    # The floor bounds what one wrong certainty of the source can cost.
    offset = log_odds(model(training.target_X), FLOOR)
    coefficients = fit_offset(training.target_X, training.target_y, offset, PENALTY)

    def predict(rows: Floats) -> Floats:
        return softmax(log_odds(model(rows), FLOOR) + add_linear(rows, coefficients))

    return predict
