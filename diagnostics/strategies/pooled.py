"""Source and target rows in one training set, every row counting the same."""

import numpy as np

from ..learners import Learner, Predictor
from ._base import Training, register


@register(
    "pooled",
    title="train on source and target rows together",
    family="data transferability: instances",
    needs={"source rows", "target labels"},
    assumes={"covariate shift"},
    fails_when="a large source has another relation, or other class shares",
    fits=(1, 0),
    fast=True,
    preconditions="Assumes one relation for both domains; the larger domain decides, so a "
    "large source with another relation outvotes the target.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Fit on all labelled rows."""
    return learner.fit(
        np.concatenate([training.source_X, training.target_X]),
        np.concatenate([training.source_y, training.target_y]),
        n_classes=training.n_classes,
        seed=training.seed,
    )
