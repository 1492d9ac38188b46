"""Every column three times: shared, the source's own, the target's own."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ._base import Training, register
from ._rows import fit_together

Floats = NDArray[np.float64]


def _source_form(X: Floats) -> Floats:
    return np.hstack([X, X, np.zeros_like(X)])


def _target_form(X: Floats) -> Floats:
    return np.hstack([X, np.zeros_like(X), X])


@register(
    "feature-augmentation",
    title="train on both with shared, source and target copies of every column",
    family="data transferability: features",
    adapted=True,
    needs={"source rows", "target labels"},
    assumes={"covariate shift", "concept shift"},
    fails_when="the learner is a forest on few target rows, or columns are many",
    fits=(2, 0),
    fast=True,
    preconditions="Assumes a part of the relation that is common and a part that is each "
    "domain's own; made for linear learners with a penalty.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Fit on (x, x, 0) for the source and (x, 0, x) for the target (Daume 2007).

    Only penalised learners profit: the shared copy is cheaper than two of one's own.
    """
    model = fit_together(
        learner, training, _source_form(training.source_X), training.source_y,
        _target_form(training.target_X),
    )  # fmt: skip
    return lambda rows: model(_target_form(rows))
