"""The source model as it is."""

from ..learners import Learner, Predictor
from ._base import Training, register


@register(
    "source-only",
    title="use the source model as it is",
    family="model transferability",
    needs={"source model"},
    assumes={"covariate shift"},
    fails_when="inputs mean something else for the label, or lie outside the source's support",
    fits=(0, 0),
    fast=True,
    preconditions="Assumes that inputs mean the same for the label in both domains; "
    "fails under concept shift and outside the source's support.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Return the model fitted on the source."""
    return training.source_model
