"""Source and target rows together, each domain with the same total weight."""

import numpy as np

from ..learners import Learner, Predictor
from ._base import Training, register


@register(
    "pooled-equal-weight",
    title="train on both, source and target with equal total weight",
    family="data transferability: instances",
    needs={"source rows", "target labels"},
    assumes={"covariate shift"},
    fails_when="the target has fewer than about 20 labelled rows, or relations are opposed",
    fits=(1, 0),
    fast=True,
    adapted=True,
    needs_weights=True,
    preconditions="Needs a learner that honours sample weights; few target rows get large "
    "weights, which makes it noisy below about 20 of them.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Fit on all labelled rows, the source's weights scaled to the target's total."""
    n_source, n_target = len(training.source_y), len(training.target_y)
    # Mean weight 1 over all rows, so that the learner's penalty keeps its meaning.
    total = n_source + n_target
    weight = np.concatenate(
        [np.full(n_source, total / (2 * n_source)), np.full(n_target, total / (2 * n_target))]
    )
    return learner.fit(
        np.concatenate([training.source_X, training.target_X]),
        np.concatenate([training.source_y, training.target_y]),
        n_classes=training.n_classes,
        seed=training.seed,
        weight=weight,
    )
