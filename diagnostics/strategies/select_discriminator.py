"""Source rows that a discriminator of (x, y) finds likely enough in the target."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from . import target_only
from ._base import Training, register
from ._rows import answers, at_most, fit_together

Floats = NDArray[np.float64]

GATE = 0.5
"""Least odds of the target, sides counted alike: at least half as likely there as here."""
FOLDS = 2
MAX_SOURCE = 2000
MIN_SHARE = 0.05
C = 0.3


def gated(training: Training) -> NDArray[np.bool_]:
    """Return which source rows pass.

    The discriminator sees x, y and their products: a relation that differs shows only there.
    Both sides weigh as much as the smaller one has rows, so that the penalty is right for it,
    and a source row is judged by a fit on the other half.
    """
    from sklearn.linear_model import LogisticRegression

    source = _joint(training.source_X, training.source_y, training)
    target = _joint(training.target_X, training.target_y, training)
    fold = np.random.default_rng([training.seed, 63]).permutation(len(source)) % FOLDS
    odds = np.empty(len(source))
    for one in range(FOLDS):
        held = fold == one
        used = np.flatnonzero(~held)
        used = used[at_most(source[used], MAX_SOURCE, training.seed)]
        small = min(len(used), len(target))
        weight = np.repeat([small / len(used), small / len(target)], [len(used), len(target)])
        model = LogisticRegression(C=C, max_iter=500)
        model.fit(
            np.concatenate([source[used], target]),
            np.repeat([0, 1], [len(used), len(target)]),
            sample_weight=weight,
        )
        odds[held] = np.exp(np.clip(model.decision_function(source[held]), -50, 50))
    passed: NDArray[np.bool_] = odds >= GATE
    return passed


def _joint(X: Floats, y: NDArray[np.float64], training: Training) -> Floats:
    """Return x, y and x times y; a quantity in units of the source's spread."""
    if training.n_classes:
        # One class less: the last is told by the others.
        label = answers(y, training.n_classes)[:, :-1] - 1 / training.n_classes
    else:
        both = np.concatenate([training.source_y, training.target_y])
        label = ((y - both.mean()) / max(float(both.std()), 1e-300))[:, None]
    return np.hstack([X, label, *(X * column[:, None] for column in label.T)])


def precheck(training: Training) -> str | None:
    """Return a reason where next to no source row passes."""
    share = float(gated(training).mean())
    if share >= MIN_SHARE:
        return None
    return f"{100 * share:.2g} % of the source rows look like the target's in inputs and label"


def note(training: Training) -> str:
    """Return in words how many rows pass."""
    passed = gated(training)
    return f"{int(passed.sum())} of {len(passed)} source rows pass the gate"


@register(
    "select-discriminator",
    title="train on the target and the source rows that look like it in inputs and label",
    family="data transferability: instances",
    adapted=True,
    needs={"source rows", "target labels"},
    assumes={"covariate shift", "label shift", "concept shift"},
    fails_when="labelled target rows are few, or the difference is not linear in x, y and x times "
    "y",
    fits=(1, 0),
    precheck=precheck,
    note=note,
    preconditions="Assumes that a part of the source follows the target's relation and can be told "
    "by inputs, label and their products.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Fit on the rows that pass and the labelled target rows."""
    passed = gated(training)
    if not passed.any():
        return target_only.fit(learner, training)
    return fit_together(learner, training, training.source_X[passed], training.source_y[passed])
