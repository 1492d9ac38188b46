"""TrAdaBoost: source rows the model gets wrong lose weight, target rows gain it."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from . import target_only
from ._base import CLASSES, Training, register

Floats = NDArray[np.float64]

ROUNDS = 10
RATE = 0.25
LEAST_ERROR = 0.02
"""Without training error a vote would be infinite."""


@register(
    "reweight-tradaboost",
    title="train on both in rounds, source rows that contradict the target losing weight",
    family="data transferability: instances",
    adapted=True,
    needs={"source rows", "target labels"},
    assumes={"covariate shift", "concept shift"},
    fails_when="labels are noisy, or the learner fits its training rows without error",
    fits=(ROUNDS, 0),
    cost="medium",
    needs_weights=True,
    tasks=CLASSES,
    preconditions="Assumes that source rows which contradict the target are told by errors of a "
    "joint model; for classes only, and weak with learners that fit without error.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Boost as in Dai et al. (2007), the second half of the rounds voting with probabilities.

    The errors of several classes count as in SAMME (Zhu et al. 2009), and target rows gain a
    quarter of the exponent: boosted in full, the rows that gain are those with wrong labels.
    Not offered for quantities: TrAdaBoost.R2 needs a cross-validation in every round.
    """
    n_source, n_target = len(training.source_y), len(training.target_y)
    X = np.concatenate([training.source_X, training.target_X])
    y = np.concatenate([training.source_y, training.target_y])
    # Both sides start with the same total, or a large opposed source would never be outvoted.
    weight = np.repeat([n_target / n_source, 1.0], [n_source, n_target])
    others = max(np.unique(y).size - 1, 1)
    shrink = 1 / (1 + np.sqrt(2 * np.log(n_source) / ROUNDS))
    votes: list[tuple[float, Predictor]] = []
    for round_ in range(ROUNDS):
        model = learner.fit(
            X, y, n_classes=training.n_classes, seed=training.seed + round_,
            weight=weight * len(weight) / weight.sum(),
        )  # fmt: skip
        wrong = model(X).argmax(axis=1) != y
        error = float(weight[n_source:] @ wrong[n_source:] / weight[n_source:].sum())
        error = min(max(error, LEAST_ERROR), 1 - LEAST_ERROR)
        # At most 0 for a model that is no better than chance: it neither votes nor boosts.
        vote = max(float(np.log((1 - error) / error * others)), 0.0)
        votes.append((vote, model))
        weight[:n_source] *= np.where(wrong[:n_source], shrink, 1)
        weight[n_source:] *= np.where(wrong[n_source:], np.exp(RATE * vote), 1)
    heard = [one for one in votes[ROUNDS // 2 :] if one[0] > 0]
    return _vote(heard) if heard else target_only.fit(learner, training)


def _vote(votes: list[tuple[float, Predictor]]) -> Predictor:
    total = sum(vote for vote, _ in votes)

    def predict(rows: Floats) -> Floats:
        found: Floats = np.sum([vote / total * model(rows) for vote, model in votes], axis=0)
        return found

    return predict
