"""Without target labels: what the source alone lets one expect of a transfer."""

from __future__ import annotations

from ..document import CheckResult, Interval
from ..errors import InputError
from ..learners import Learner, default_learners
from ..predictor.no_labels import NoLabelPrediction, by_chance, without_labels
from ._base import Check, Evidence, register, to_null

PLANNED = 50
"""Planned target labels in which the value is expressed."""
N_HALVES = 10
HALVES = "one random half of the source as target, without its labels"


@register(
    "NT502", "without target labels", "pilot",
    """Runs only where there are no target labels for a pilot. A model fitted on several hundred
    measured transfers predicts the gap of the source model, used as it is, to a linear model
    trained on 50 target labels, from the source's learning curve, estimates of the source
    model's error on the target (average confidence, difference of confidences, thresholded
    confidence, confidence optimal transport, agreement of two models) and how far apart the
    inputs are. What inputs mean for the label on the target cannot be seen that way: reversed
    labels change nothing here. So it may warn, and never finds that transfer is fine. The null
    reference is the same number with one random half of the source as target. Label about 30
    target rows, drawn at random, to measure the gap.""",
)  # fmt: skip
def without_target_labels(check: Check, evidence: Evidence) -> CheckResult:
    from ...metrics import NullBand

    if evidence.pilot is not None:
        return check.not_run(
            evidence, "Not needed: the pilot measures the gap with target labels.",
            applicable=False,
        )  # fmt: skip
    pair, learner = evidence.pair, _linear(evidence)
    try:
        found = without_labels(pair, learner, seed=evidence.seed)
    except InputError as fault:
        return check.not_run(evidence, str(fault), remedy="Label target rows drawn at random.")
    n_splits = max(3, round(N_HALVES * evidence.effort))
    chance_gaps = by_chance(pair, learner, planned=PLANNED, seed=evidence.seed, n_splits=n_splits)
    at = found.at(PLANNED)
    hurts = at.outcome == "likely hurts"
    null = to_null(NullBand(chance_gaps, None), at.gap, what=HALVES) if chance_gaps.size else None
    return check.result(
        evidence, state="warn" if hurts else "insufficient",
        severity="moderate" if hurts else "none",
        value=at.gap, unit=f"{_unit(evidence)}, source model minus model of {PLANNED} labels",
        direction="positive means transfer hurts",
        interval=Interval(
            low=at.low, high=at.high, level=found.level, method="fitted on measured transfers"
        ),
        null=null, n_source=int(pair.source.labelled.sum()), n_target=len(pair.target.y),
        message=found.sentence, facts=_facts(found, learner),
        remedy="Label about 30 target rows, drawn at random, so that the gap can be measured.",
        not_run_reason=None if hurts else "without target labels the sign cannot be told",
    )  # fmt: skip


def _linear(evidence: Evidence) -> Learner:
    """Return the learner whose measured transfers the model was fitted on."""
    return default_learners(evidence.pair.task == "regression")[0]


def _unit(evidence: Evidence) -> str:
    return "RMSE in target sd" if evidence.pair.task == "regression" else "error rate"


def _facts(found: NoLabelPrediction, learner: Learner) -> dict[str, float | int | str | None]:
    facts: dict[str, float | int | str | None] = {
        "learner": learner.name, "source_error_at_home": found.home,
        "estimated_source_error": found.error, "estimated_source_error_low": found.error_low,
        "estimated_source_error_high": found.error_high,
        "planned_labels_at_even_odds": found.break_even,
    }  # fmt: skip
    for one in found.planned:
        facts[f"chance_of_harm_at_{one.n_labels}"] = one.p_harm
    facts |= {f"error_by_{name}": value for name, value in found.estimates.items()}
    facts["validity"] = " ".join(found.validity)
    facts["outside_measured_range"] = ", ".join(found.outside) or None
    return facts
