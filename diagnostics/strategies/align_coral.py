"""CORAL: source inputs given the target's mean and covariance (Sun, Feng & Saenko 2016)."""

from ..learners import Learner, Predictor
from ._base import Training, register
from ._moments import moments, power
from ._precheck import no_label_shift
from ._rows import fit_together


@register(
    "align-coral",
    title="move source inputs to the target's means and covariances, then train on both",
    family="data transferability: features",
    adapted=True,
    needs={"source rows", "target inputs"},
    assumes={"feature shift"},
    fails_when="class shares differ, or inputs changed by more than an affine map",
    fits=(1, 0),
    fast=True,
    precheck=no_label_shift,
    preconditions="Assumes that inputs differ by an affine map and labels have the same shares; "
    "under label shift it mixes the classes.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Whiten the source, colour it as the target, and add the labelled target rows."""
    mean_s, cov_s = moments(training.source_X)
    mean_t, cov_t = moments(training.target_inputs)
    moved = (training.source_X - mean_s) @ power(cov_s, -0.5) @ power(cov_t, 0.5) + mean_t
    return fit_together(learner, training, moved, training.source_y)
