"""Concept shift: do inputs mean the same for the label in both domains?"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..document import CheckResult, Confusion, Interval, Severity, State
from ..gap import Difference, compare, to_gap
from ..pilot import BASELINE, LABELS_FOR_REVERSAL, Pilot
from ._base import Check, Evidence, register
from ._references import source_null, upper_bound

CLEAR = 0.975
N_BINS = 5


@register(
    "NT302", "concept shift", "tasks",
    """Does the source model do on the target what a model of the target does? The error of
    the source model on the labelled target rows minus that of the same learner cross-validated
    on those rows, paired row by row; its null reference repeats this with source rows playing
    the target, at the same number of labels; whole units of them where units are named and most
    are new to the source. Clearly positive: the relation between inputs
    and label differs, or the target lies where the source model extrapolates (NT204 tells).
    Only labels can show this; without them it is the most common unseen cause of negative
    transfer.""",
)  # fmt: skip
def concept_shift(check: Check, evidence: Evidence) -> CheckResult:
    pilot, learner = evidence.pilot, evidence.headline
    if pilot is None or learner is None:
        return check.not_run(
            evidence,
            evidence.no_pilot or "No pilot was run.",
            n_required=LABELS_FOR_REVERSAL,
            remedy="Label target rows drawn at random: about 30 show a reversal, more a gradual "
            "change.",
        )
    metric, name = pilot.metric, learner.name
    away, own = pilot.predictions[name, "source-only"], pilot.predictions[name, BASELINE]
    found = compare(pilot.frame, metric, away, own)
    gap = to_gap(found, margin=metric.margin, method="paired cross-validation")
    proper = to_gap(
        compare(pilot.frame, pilot.proper, away, own), margin=pilot.proper.margin, method=""
    )
    reference = None if evidence.reference is None else evidence.reference.difference
    null = source_null(reference, found.estimate)
    top = None if reference is None else upper_bound(reference)
    beyond = top is None or found.estimate > top
    worse = max(gap.p_harm, proper.p_harm)
    state: State = "insufficient"
    if worse >= CLEAR and found.estimate > 0 and beyond:
        state = "fail"
    elif gap.p_clear_harm <= 0.1 or (top is not None and found.estimate <= top):
        state = "pass"
    severity: Severity = "none" if state != "fail" else _size(found, metric.margin)
    return check.result(
        evidence, state=state, severity=severity,
        value=gap.estimate, unit=f"{metric.error_name}, source model minus target model",
        direction="positive means the source model is worse on the target",
        interval=Interval(low=gap.low, high=gap.high, level=gap.level, method=gap.method),
        null=null, p_value=min(1.0, 2 * (1 - worse)) if worse > 0.5 else 1.0,
        n_source=len(pilot.source_rows), n_target=len(pilot.y),
        message=_concept_message(pilot, name, found, state), confusion=_confusion(evidence, pilot),
        facts={"learner": name, "error_source_model": found.first,
               "error_target_model": found.second},
        remedy="" if state == "pass" else
        "Learn from the target's labels; check that the label is defined and coded alike."
        if state == "fail" else "Label more target rows.",
        not_run_reason="too few target labels to tell" if state == "insufficient" else None,
    )  # fmt: skip


def _size(found: Difference, margin: float) -> Severity:
    return "high" if found.estimate > 10 * margin else "moderate"


def _concept_message(pilot: Pilot, learner: str, found: Difference, state: State) -> str:
    home = pilot.home
    at_home = np.mean([pilot.metric.score(home.frame.y, p, home.frame.scale)[0] for p in home.own])
    away, own, here = (_error(pilot, v) for v in (found.first, found.second, float(at_home)))
    words = {
        "fail": "inputs do not mean the same for the label",
        "pass": "no sign that inputs mean something else",
    }.get(state, "too few labels to tell whether inputs mean the same")
    return (
        f"{words[0].upper()}{words[1:]}: {pilot.metric.error_name} of the source's model {away} "
        f"on the target, {here} at home; of a target model {own} ({learner}, {len(pilot.y)} "
        "target labels)."
    )


def _error(pilot: Pilot, value: float) -> str:
    metric = pilot.metric
    if metric.unit == "points":
        return f"{100 * value:.3g} %"
    return f"{value:.3g} {metric.unit}"


def _confusion(evidence: Evidence, pilot: Pilot) -> Confusion | None:
    """Return what the source model makes of each true class (or fifth of the quantity)."""
    assert evidence.headline is not None
    name = evidence.headline.name
    home, away = pilot.home, pilot.predictions[name, "source-only"][0]
    if pilot.n_classes:
        if pilot.n_classes > 12:
            return None
        return Confusion(
            names=list(evidence.pair.classes),
            home=_rates(home.frame.y, home.own[0].argmax(axis=1), pilot.n_classes),
            away=_rates(pilot.y, away.argmax(axis=1), pilot.n_classes),
        )
    cuts = np.quantile(np.concatenate([home.frame.y, pilot.y]), np.linspace(0, 1, N_BINS + 1)[1:-1])
    if np.unique(cuts).size < N_BINS - 1:
        return None

    def place(values: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.searchsorted(cuts, values, side="right").astype(np.int64)

    return Confusion(
        names=[f"below {cuts[0]:.3g}"]
        + [f"{a:.3g} to {b:.3g}" for a, b in itertools.pairwise(cuts)]
        + [f"above {cuts[-1]:.3g}"],
        home=_rates(place(home.frame.y), place(home.own[0]), N_BINS),
        away=_rates(place(pilot.y), place(away), N_BINS),
    )


def _rates(true: NDArray[Any], predicted: NDArray[Any], n: int) -> list[list[float]]:
    counts = np.zeros((n, n))
    np.add.at(counts, (true, predicted), 1)
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return [[float(x) for x in row] for row in counts / totals]
