"""Entropic optimal transport: source rows sent to the target rows they are matched with."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ._base import Training, register
from ._precheck import no_label_shift
from ._rows import at_most, fit_together

Floats = NDArray[np.float64]

MAX_ROWS = 500
REGULARISATION = 0.05
"""Of the entropy, in units of the mean cost."""
STEPS = 300


@register(
    "align-entropic-ot",
    title="move source inputs by entropic optimal transport, then train on both",
    family="data transferability: features",
    adapted=True,
    needs={"source rows", "target inputs"},
    assumes={"feature shift"},
    fails_when="class shares differ, or the classes changed places",
    fits=(1, 0),
    cost="medium",
    precheck=no_label_shift,
    preconditions="Assumes that every source row has its like in the target at little cost and "
    "labels have the same shares; with few target rows the source shrinks onto them.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Send each source row to the mean of its matches (barycentric map, Courty et al. 2017).

    Means of matches lie closer together than the matches: inputs shrink a little, which costs
    more where the label is a quantity.  The plan is found between at most 500 rows a side; a
    source row outside is moved as the nearest one inside.
    """
    source, target = training.source_X, training.target_inputs
    inside = at_most(source, MAX_ROWS, training.seed)
    target = target[at_most(target, MAX_ROWS, training.seed)]
    moved = _moved(source[inside], target)
    if len(inside) < len(source):
        from sklearn.neighbors import NearestNeighbors

        near = NearestNeighbors(n_neighbors=1).fit(source[inside])
        nearest = near.kneighbors(source, return_distance=False)[:, 0]
        moved = source + (moved - source[inside])[nearest]
    return fit_together(learner, training, moved, training.source_y)


def _moved(source: Floats, target: Floats) -> Floats:
    import ot

    cost = np.asarray(ot.dist(source, target, metric="sqeuclidean"), dtype=np.float64)
    mean = float(cost.mean())
    if mean <= 0:
        return source
    rows, columns = (np.full(n, 1 / n) for n in cost.shape)
    # In the log domain: exp(-cost / regularisation) of a far row would be 0.
    plan = ot.sinkhorn(
        rows, columns, cost / mean, REGULARISATION, method="sinkhorn_log",
        numItermax=STEPS, stopThr=1e-6, warn=False,
    )  # fmt: skip
    mass = plan.sum(axis=1, keepdims=True)
    found: Floats = np.asarray(plan @ target / np.maximum(mass, 1e-300), dtype=np.float64)
    return found
