"""Transfer component analysis: directions of much variance and little difference of means."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ._base import Training, register
from ._precheck import no_label_shift
from ._rows import at_most, fit_together

Floats = NDArray[np.float64]

MAX_ROWS = 250
MAX_COMPONENTS = 30
PENALTY = 0.1
"""On the size of the components, in units of the kernel's mean eigenvalue."""


@register(
    "align-tca",
    title="train on transfer components, directions in which both sides look alike",
    family="data transferability: features",
    adapted=True,
    needs={"source rows", "target inputs"},
    assumes={"covariate shift", "feature shift"},
    fails_when="class shares differ, or what the sides differ in is what the label depends on",
    fits=(1, 0),
    cost="medium",
    precheck=no_label_shift,
    preconditions="Assumes that the label depends on directions in which the sides are alike and "
    "labels have the same shares; sensitive to its kernel (radial, median distance).",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Solve K H K w = v (K L K + penalty I) w and train on the leading K w (Pan et al. 2011).

    A generalised symmetric problem: the inverse of one side times the other is not symmetric,
    and a symmetric solver applied to it gives other directions.
    """
    some_s = at_most(training.source_X, MAX_ROWS, training.seed)
    target = training.target_inputs
    target = target[at_most(target, MAX_ROWS, training.seed)]
    basis = np.concatenate([training.source_X[some_s], target])
    width = _median_distance(basis)

    def features(rows: Floats) -> Floats:
        from sklearn.metrics.pairwise import rbf_kernel

        if len(rows) == 0:
            return np.empty((0, weights.shape[1]))
        kernel = rbf_kernel(rows, basis, gamma=1 / (2 * width**2))
        projected: Floats = np.asarray((kernel - middle) @ weights, dtype=np.float64)
        return projected

    middle, weights = _components(basis, len(some_s), width)
    model = fit_together(
        learner, training, features(training.source_X), training.source_y,
        features(training.target_X),
    )  # fmt: skip
    return lambda rows: model(features(rows))


def _median_distance(X: Floats) -> float:
    from scipy.spatial.distance import pdist

    found = pdist(X)
    width = float(np.median(found)) if found.size else 0.0
    return width if width > 0 else float(found.max(initial=0.0)) or 1.0


def _components(basis: Floats, n_source: int, width: float) -> tuple[Floats, Floats]:
    """Return the kernel's column means and the weights of the components, scaled to variance 1."""
    from scipy.linalg import eigh
    from sklearn.metrics.pairwise import rbf_kernel

    n = len(basis)
    kernel = rbf_kernel(basis, gamma=1 / (2 * width**2))
    middle = kernel.mean(axis=0)
    centred = kernel - middle
    between = kernel[:n_source].mean(axis=0) - kernel[n_source:].mean(axis=0)
    # L is the outer product of the difference of means, taken n times as large so that both
    # matrices grow alike with the rows.
    near = n * np.outer(between, between)
    near[np.diag_indices(n)] += PENALTY * float(np.trace(kernel)) / n
    d = min(MAX_COMPONENTS, n - 1) if n > 1 else 1
    _, weights = eigh(centred.T @ centred, near, subset_by_index=[n - d, n - 1])
    spread = (centred @ weights).std(axis=0)
    alive = spread > 1e-9 * max(float(spread.max(initial=0.0)), 1e-300)
    if not alive.any():
        alive[-1:], spread = True, np.ones_like(spread)
    return middle, weights[:, alive] / spread[alive]
