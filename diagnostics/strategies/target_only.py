"""The baseline of every gap: the target's own labels, and nothing else."""

from ..learners import Learner, Predictor
from ._base import ALL_SHIFTS, Training, register

NAME = "target-only"


@register(
    NAME,
    title="train on the target alone",
    family="baseline",
    needs={"target labels"},
    assumes=ALL_SHIFTS,
    fails_when="the target has few labelled rows",
    fits=(0, 1),
    fast=True,
    preconditions="Needs labelled target rows; weak while they are few.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Fit on the labelled target rows."""
    return learner.fit(
        training.target_X, training.target_y, n_classes=training.n_classes, seed=training.seed
    )
