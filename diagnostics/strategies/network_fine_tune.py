"""A small network trained on the source, then trained on with the target's labels."""

from ..learners import Learner, Predictor
from ._base import Training, register
from ._network import TITLE, source_network, train


@register(
    "network-fine-tune",
    title="fine-tune a small network trained on the source",
    family="model transferability",
    adapted=True,
    needs={"source rows", "target labels"},
    assumes={"covariate shift"},
    fails_when="labelled rows are few and distort the features, or the relation is opposed",
    fits=(0, 0),
    cost="dear",
    own_model=True,
    preconditions=f"Assumes that a network near the source's serves the target; brings its own "
    f"({TITLE}), whatever the learner.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Train all weights on the target for 300 steps from where the source left them."""
    network = train(
        source_network(training), training.target_X, training.target_y, training.n_classes,
        training.seed,
    )  # fmt: skip
    return network.predictor(training.n_classes)
