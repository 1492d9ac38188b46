"""Fine-tuning with every weight drawn towards the source's (L2-SP)."""

from ..learners import Learner, Predictor
from ._base import Training, register
from ._network import TITLE, source_network, train

PULL = 0.1


@register(
    "network-l2-sp",
    title="fine-tune a small network, its weights drawn towards the source's",
    family="model transferability",
    adapted=True,
    needs={"source rows", "target labels"},
    assumes={"covariate shift"},
    fails_when="the relation is opposed, so that the starting point is wrong",
    fits=(0, 0),
    cost="dear",
    own_model=True,
    preconditions=f"Assumes that a network near the source's serves the target; brings its own "
    f"({TITLE}), whatever the learner.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Add 0.1/2 |w - w_source|^2 to the loss (Li, Grandvalet & Davoine 2018).

    The head too is drawn to the source's, because both sides have the same labels.
    """
    start = source_network(training)
    network = train(
        start, training.target_X, training.target_y, training.n_classes, training.seed,
        towards=start.weights, pull=PULL,
    )  # fmt: skip
    return network.predictor(training.n_classes)
