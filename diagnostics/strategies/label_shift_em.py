"""The source model corrected for class shares estimated without labels (EM)."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from . import target_only
from ._base import CLASSES, Training, register
from ._inner import inner_folds, out_of_fold, parted
from ._offset import fit_scaling, softmax
from ._precheck import classes_known
from ._rows import log_odds

Floats = NDArray[np.float64]

FLOOR = 1e-3
FOLDS = 3
MIN_ROWS = 10
STEPS = 1000


@register(
    "label-shift-em",
    title="use the source model, corrected for the target's class shares (EM)",
    family="target prediction enhancement",
    adapted=True,
    needs={"source rows", "source model", "target inputs"},
    assumes={"label shift"},
    fails_when="inputs of one class look different on the two sides",
    fits=(0, 0),
    fast=True,
    tasks=CLASSES,
    precheck=classes_known,
    preconditions="Assumes that inputs of each class are the same on both sides and only class "
    "shares differ; otherwise it corrects for shares that are not there.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Multiply probabilities by target over source shares (Saerens et al. 2002).

    They are calibrated first, on source rows the model had not seen: EM exaggerates what an
    overconfident model says (Alexandari et al. 2020).
    """
    n_classes, model = training.n_classes, training.source_model
    calibration = training.memo.get("label-shift-em", lambda: _calibration(learner, training))
    slope, bias = calibration
    source_shares = np.bincount(training.source_y, minlength=n_classes) / len(training.source_y)

    def calibrated(rows: Floats) -> Floats:
        return softmax(slope * log_odds(model(rows), FLOOR) + bias)

    weights = _ratios(calibrated(training.target_inputs), source_shares)

    def predict(rows: Floats) -> Floats:
        raised = calibrated(rows) * weights
        found: Floats = raised / raised.sum(axis=1, keepdims=True)
        return found

    return predict


def _calibration(learner: Learner, training: Training) -> tuple[float, Floats]:
    """Return slope and class biases of log probabilities, on source rows held out."""
    y, seed = training.source_y, training.memo.seed
    as_target = replace(
        training, target_X=training.source_X, target_y=y, target_unlabelled_X=None, seed=seed
    )
    folds = inner_folds(as_target, FOLDS)
    if not parted(folds):
        return 1.0, np.zeros(training.n_classes)
    held_out = out_of_fold(as_target, lambda part: target_only.fit(learner, part), folds)
    return fit_scaling(log_odds(held_out, FLOOR), y)


def _ratios(proba: Floats, source_shares: Floats) -> Floats:
    """Return target over source class shares: the likeliest ones, by EM from equal shares."""
    known = source_shares > 0
    if len(proba) < MIN_ROWS:
        return np.ones(len(source_shares))
    # One pseudo-row a class, so that a class unseen among few rows keeps a chance.
    shares = source_shares.copy()
    for _ in range(STEPS):
        joint = proba * np.where(known, shares / np.where(known, source_shares, 1), 0)
        joint /= np.maximum(joint.sum(axis=1, keepdims=True), 1e-300)
        new = (joint.sum(axis=0) + source_shares) / (len(proba) + 1)
        moved = float(np.abs(new - shares).max())
        shares = new
        if moved < 1e-8:
            break
    return np.where(known, shares / np.where(known, source_shares, 1), 1.0)
