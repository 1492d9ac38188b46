"""Only those source rows whose class also occurs in the target."""

import numpy as np

from ..learners import Learner, Predictor
from ._base import CLASSES, Training, register
from ._rows import fit_together


def precheck(training: Training) -> str | None:
    """Return a reason where there is no class to leave out, or no source row would be left."""
    common = np.isin(np.unique(training.source_y), training.target_y)
    if common.all():
        return "every class of the source occurs in the target, so there is none to leave out"
    return None if common.any() else "source and target share no class"


@register(
    "source-class-subset",
    title="train on both, without the source's classes that the target does not have",
    family="data transferability: instances",
    adapted=True,
    needs={"source rows", "target labels"},
    assumes={"covariate shift", "label shift"},
    fails_when="a class is rare in the target and by chance has no labelled row",
    fits=(1, 0),
    fast=True,
    tasks=CLASSES,
    precheck=precheck,
    preconditions="Assumes that classes without a labelled target row do not occur in the target.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Fit on all labelled rows but the source's of foreign classes."""
    keep = np.isin(training.source_y, training.target_y)
    return fit_together(learner, training, training.source_X[keep], training.source_y[keep])
