"""A new head on the source network's features first, then all weights."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ._base import Training, register
from ._network import HIDDEN, TARGET_RATE, TITLE, Network, source_network, train, with_head
from ._offset import fit_offset

Floats = NDArray[np.float64]


@register(
    "network-probe-then-tune",
    title="put a new head on a small network trained on the source, then fine-tune it",
    family="model transferability",
    adapted=True,
    needs={"source rows", "target labels"},
    assumes={"covariate shift", "label shift", "concept shift"},
    fails_when="the features learned on the source do not tell what the target asks",
    fits=(0, 0),
    cost="dear",
    own_model=True,
    preconditions=f"Assumes that the features of the source's network serve the target; brings its "
    f"own ({TITLE}), whatever the learner.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Fit the head alone, then everything at a fifth of the rate (Kumar et al. 2022).

    A head that is right from the start leaves the features as they are.
    """
    network = source_network(training)
    probed = with_head(network, _head(network, training))
    tuned = train(
        probed, training.target_X, training.target_y, training.n_classes, training.seed,
        rate=TARGET_RATE / 5,
    )  # fmt: skip
    return tuned.predictor(training.n_classes)


def _head(network: Network, training: Training) -> Floats:
    """Return a logistic or ridge head, penalty 1 on features of unit scale."""
    features = network.features(training.target_X)
    scale = np.maximum(network.features(training.source_X).std(axis=0), 1e-6)
    scaled, y = features / scale, training.target_y
    if training.n_classes:
        head = fit_offset(scaled, y, np.zeros((len(y), training.n_classes)), 1.0)
    else:
        design = np.hstack([scaled, np.ones((len(y), 1))])
        gram = design.T @ design + np.diag(np.append(np.ones(HIDDEN), 1e-6))
        answer = (y - network.level) / network.spread
        head = np.linalg.solve(gram, design.T @ answer)[:, None]
    head[:-1] /= scale[:, None]
    return head
