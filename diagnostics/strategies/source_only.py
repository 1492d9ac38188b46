"""The source model as it is."""

from ..learners import Learner, Predictor
from ._base import Training, register


@register(
    "source-only",
    title="use the source model as it is",
    family="model transfer",
    uses_target_labels=False,
    preconditions="Assumes that inputs mean the same for the label in both domains; "
    "fails under concept shift and outside the source's support.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Return the model fitted on the source."""
    return training.source_model
