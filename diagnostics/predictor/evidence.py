"""The evidence of one learner and strategy, as plain numbers.

The same functions make the evidence of the measured transfers the model is fitted on and of
the pair at hand, so that both mean the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..gap import Difference, compare, to_gap
from ..learners import Learner, default_learners
from ..pilot import BASELINE, Metric, Pilot, mean_error, proper_score, resolve_metric
from ..strategies import STRATEGIES, Memo, Strategy, Training
from .no_labels_evidence import Sides, distances

if TYPE_CHECKING:
    from ..domain import Pair

UNLABELLED = 300
"""Target rows without labels on which predictions are compared, at most."""
FEWEST = 10
FAULTS = (ValueError, ArithmeticError, RuntimeError)
MAX_APART = 10.0


def of_pilot(pilot: Pilot, pair: Pair, learner: str) -> dict[str, float]:
    """Return what is the same for all strategies: sizes, home, and what the labels allow."""
    home, y, scale = pilot.home, pilot.y, pilot.scale
    own = pilot.predictions[learner, BASELINE]
    classes = np.unique(y, return_counts=True)[1] if pilot.n_classes else np.zeros(1)
    return {
        "n_source": float(len(pilot.source_rows)),
        "n_unlabelled": float((~pair.target.labelled).sum()),
        "n_columns": float(pair.target.X.shape[1]),
        "n_classes": float(pilot.n_classes),
        "n_held_out": float(len(y)),
        "least_class": float(classes.min()),
        "base": mean_error(pilot.metric, y, own, scale),
        "base_proper": mean_error(pilot.proper, y, own, scale),
        "constant": mean_error(pilot.metric, y, pilot.constant, scale),
        "constant_proper": mean_error(pilot.proper, y, pilot.constant, scale),
        "home": mean_error(pilot.metric, home.frame.y, home.own, home.frame.scale),
        "home_proper": mean_error(pilot.proper, home.frame.y, home.own, home.frame.scale),
        "joint_home_proper": mean_error(
            pilot.proper, home.frame.y, home.joint_source, home.frame.scale
        ),
        "joint_proper": mean_error(pilot.proper, y, home.joint_target, scale),
        "scale_ratio": pilot.scale / home.frame.scale,
    }


def of_inputs(pair: Pair, *, seed: int = 0) -> dict[str, float]:
    """Return how far apart the two sides are without any target label; NaN where not known."""
    linear = default_learners(pair.task == "regression")[0]
    found = distances(Sides.of_pair(pair), linear, seed=seed)
    return {f"shift_{name}": value for name, value in found.items()}


def of_strategy(pilot: Pilot, learner: str, strategy: str) -> dict[str, float]:
    """Return the paired differences to the target alone, in the metric and the proper score."""
    found: dict[str, float] = {}
    for tag, score in (("pilot", pilot.metric), ("pilot_proper", pilot.proper)):
        difference = paired(pilot, learner, strategy, score)
        gap = to_gap(difference, margin=score.margin, method="")
        found |= {
            f"{tag}_gap": difference.estimate,
            f"{tag}_se": difference.standard_error,
            f"{tag}_error": difference.first,
            f"{tag}_p_harm": gap.p_harm,
        }
        found["pilot_df"] = difference.df
    return found


def in_usual_metric(pilot: Pilot, task: str) -> Pilot:
    """Return the pilot judged by the error rate or the RMSE, in which transfers were measured.

    The same object where it is already.
    """
    usual = resolve_metric(None, task)
    if pilot.metric.name == usual.name:
        return pilot
    return replace(pilot, metric=usual, proper=proper_score(usual, task))


def in_metric(pilot: Pilot, learner: str, strategy: str, metric: Metric) -> dict[str, float]:
    """Return what the pilot says in a metric besides the usual one."""
    difference = paired(pilot, learner, strategy, metric)
    return {"metric_gap": difference.estimate, "metric_se": difference.standard_error}


def paired(pilot: Pilot, learner: str, strategy: str, score: Metric) -> Difference:
    """Return the paired difference of a strategy to the target alone."""
    first, second = (pilot.predictions[learner, name] for name in (strategy, BASELINE))
    return compare(pilot.frame, score, first, second)


def disagreement(
    pair: Pair,
    learner: Learner,
    strategies: Iterable[Strategy],
    *,
    pilot: Pilot | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Return by strategy how far its predictions lie from the target alone's, without labels.

    On target rows that have no label: the share of rows called otherwise, or the root mean
    square difference in standard deviations of the labels.  Where there are fewer than ten,
    the rows the `pilot` held out take their place.

    Parameters
    ----------
    pair : Pair
    learner : Learner
    strategies : iterable of Strategy
    pilot : Pilot, optional
        Its source rows are used, and its held-out rows where unlabelled ones are too few.
    seed : int
    """
    s, t = pair.source, pair.target
    regression = pair.task == "regression"
    n_classes = 0 if regression else len(pair.classes)
    sd = float(np.std(t.y[t.labelled])) or 1.0 if regression else 1.0
    rest = t.X[~t.labelled]
    if len(rest) < FEWEST:
        return {} if pilot is None else _held_out(pilot, learner.name, strategies, regression)
    rows = np.flatnonzero(s.labelled) if pilot is None else pilot.source_rows
    has = np.flatnonzero(t.labelled) if pilot is None else pilot.target_rows
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = learner.fit(s.X[rows], s.y[rows], n_classes=n_classes, seed=seed)
        training = Training(
            s.X[rows], s.y[rows], t.X[has], t.y[has], n_classes, model, seed, rest, Memo(seed)
        )
        own = STRATEGIES[BASELINE].fit(learner, training)(rest[:UNLABELLED])
        for one in strategies:
            usable = pair.task in one.tasks and (learner.takes_weights or not one.needs_weights)
            if not usable or one.own_model or one.name == BASELINE:
                continue
            try:
                other = one.fit(learner, training)(rest[:UNLABELLED])
            except FAULTS:
                continue
            found[one.name] = apart(own, other, sd=sd, regression=regression)
    return found


def apart(own: np.ndarray, other: np.ndarray, *, sd: float, regression: bool) -> float:
    """Return the share of rows called otherwise, or the RMS difference in sd."""
    if regression:
        return min(MAX_APART, float(np.sqrt(np.mean((own - other) ** 2))) / sd)
    return float(np.mean(own.argmax(axis=-1) != other.argmax(axis=-1)))


def _held_out(
    pilot: Pilot, learner: str, strategies: Iterable[Strategy], regression: bool
) -> dict[str, float]:
    own = pilot.predictions[learner, BASELINE]
    return {
        one.name: apart(
            own, pilot.predictions[learner, one.name], sd=pilot.scale, regression=regression
        )
        for one in strategies
        if (learner, one.name) in pilot.predictions
    }
