"""Linear optimal transport: the cheapest affine map between two normal laws."""

from ..learners import Learner, Predictor
from ._base import Training, register
from ._moments import moments, power
from ._precheck import no_label_shift
from ._rows import fit_together


@register(
    "align-linear-ot",
    title="move source inputs by linear optimal transport, then train on both",
    family="data transferability: features",
    adapted=True,
    needs={"source rows", "target inputs"},
    assumes={"feature shift"},
    fails_when="class shares differ, or inputs changed by a rotation of more than a right angle",
    fits=(1, 0),
    fast=True,
    precheck=no_label_shift,
    preconditions="Assumes that inputs differ by a symmetric affine map and labels have the same "
    "shares; under label shift it mixes the classes.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Apply A = S^(-1/2) (S^(1/2) T S^(1/2))^(1/2) S^(-1/2) to the source (Dowson & Landau 1982).

    S and T are the covariances; unlike CORAL's map, A is symmetric and moves rows least.
    """
    mean_s, cov_s = moments(training.source_X)
    mean_t, cov_t = moments(training.target_inputs)
    root, back = power(cov_s, 0.5), power(cov_s, -0.5)
    monge = back @ power(root @ cov_t @ root, 0.5) @ back
    moved = (training.source_X - mean_s) @ monge + mean_t
    return fit_together(learner, training, moved, training.source_y)
