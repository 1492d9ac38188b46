"""The headline learner at home: is there something to transfer, and can one model serve both?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner
from ..strategies import STRATEGIES, Training
from .folds import HeldOut, assign_folds, strata_of
from .held_out import may_be_held_out
from .split import Split, at_random

if TYPE_CHECKING:
    from ..domain import Pair

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Home:
    """The source model on source rows it has not seen, and one model for both domains.

    Attributes
    ----------
    frame : HeldOut
        The source rows held out at home.
    own, joint_source : ndarray of shape (1, n_rows[, n_classes])
        Predictions on them by a model of the source alone, and by one of both domains.
    joint_target : ndarray of shape (1, n_held_out[, n_classes])
        Predictions of the joint model on the target rows the pilot holds out.
    """

    frame: HeldOut
    own: Floats
    joint_source: Floats
    joint_target: Floats


def at_home(
    learner: Learner,
    pair: Pair,
    source_rows: NDArray[np.int64],
    target_rows: NDArray[np.int64],
    n_classes: int,
    seed: int,
    k: int = 5,
    split: Split | None = None,
) -> Home:
    """Cross-validate the learner on the source, alone and jointly with the target.

    The joint model gives both domains equal total weight; what it loses against one model
    for each domain estimates the part of the target error that no amount of source data can
    remove (lambda of Ben-David et al. 2010).

    The target rows are those held out by the pilot, and are given folds of their own; with a
    `split` they are all it was made for, and it says what is held out.
    """
    source, target = pair.source, pair.target
    rng = np.random.default_rng([seed, 12])
    regression = n_classes == 0
    k_s = min(k, np.unique(source.group[source_rows]).size)
    fold_s = assign_folds(
        strata_of(source.y[source_rows], regression=regression), source.group[source_rows], k_s, rng
    )
    if split is None:
        k_t = min(k, np.unique(target.group[target_rows]).size)
        strata = strata_of(target.y[target_rows], regression=regression)
        every = np.ones(len(target_rows), dtype=np.bool_)
        split = at_random(strata, target.group[target_rows], every, k_t, 1, rng)
    X_s, y_s = source.X[source_rows], source.y[source_rows]
    X_t, y_t = target.X[target_rows], target.y[target_rows]
    tail = (n_classes,) if n_classes else ()
    own, joint_s = np.empty((len(y_s), *tail)), np.empty((len(y_s), *tail))
    joint_t = np.empty((len(y_t), *tail))
    joint = STRATEGIES["pooled-equal-weight" if learner.takes_weights else "pooled"]
    for fold in range(max(k_s, split.k)):
        keep_s = fold_s != fold
        keep_t, held_t = split.kept(0, fold), split.held(0, fold)
        alone = learner.fit(X_s[keep_s], y_s[keep_s], n_classes=n_classes, seed=seed + fold)
        both = joint.fit(
            learner,
            Training(
                X_s[keep_s], y_s[keep_s], X_t[keep_t], y_t[keep_t], n_classes, alone, seed + fold
            ),
        )
        if not keep_s.all():
            own[~keep_s], joint_s[~keep_s] = alone(X_s[~keep_s]), both(X_s[~keep_s])
        if held_t.any():
            joint_t[held_t] = both(X_t[held_t])
    usable = may_be_held_out(source, target)[source_rows]
    scale = float(np.std(y_s, ddof=1)) if regression else 1.0
    frame = HeldOut(y_s[usable], source.group[source_rows][usable], scale, k_s, 1)
    return Home(frame, own[None, usable], joint_s[None, usable], joint_t[None, split.usable])
