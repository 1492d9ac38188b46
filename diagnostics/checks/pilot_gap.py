"""The pilot's gap as a check, beside the others."""

from __future__ import annotations

import numpy as np

from .._words import chance
from ..document import CheckResult, Interval, State, Threshold
from ..gap import HARM, exchanged
from ..pilot import BASELINE
from ._base import Check, Evidence, register, to_null
from ._references import EXCHANGED


@register(
    "NT501", "gap in the pilot", "pilot",
    """The error of the best transfer strategy minus that of the target-only model: same
    learner, same target labels, same held-out rows, in your metric. Positive means transfer
    hurts. From repeated, stratified cross-validation on the labelled target rows; the interval
    allows for overlapping training sets (Nadeau & Bengio 2003) and for few rows. It belongs to
    the learner, the strategy and the number of labels named with it: with more labels the
    target-only model gets better and the gap moves up.""",
)  # fmt: skip
def pilot_gap(check: Check, evidence: Evidence) -> CheckResult:
    from ...metrics import NullBand

    pilot = evidence.pilot
    best = next((row for row in evidence.strategies if row.recommended), None)
    if pilot is None or best is None or best.gap is None:
        return check.not_run(
            evidence, evidence.no_pilot or "No strategy could be tried.",
            remedy="Label target rows drawn at random.",
        )  # fmt: skip
    gap, metric = best.gap, pilot.metric
    state: State = "pass"
    if gap.outcome == "hurts":
        state = "fail" if gap.p_clear_harm >= 0.5 else "warn"
    elif gap.outcome == "cannot tell" and gap.p_clear_harm > 0.2:
        state = "warn"
    by_chance = exchanged(
        pilot.frame, metric, pilot.predictions[best.learner, best.strategy],
        pilot.predictions[best.learner, BASELINE], np.random.default_rng([evidence.seed, 18]),
    )  # fmt: skip
    low, middle, high = (
        f"{value * metric.unit_scale:+.2g}" for value in (gap.low, gap.estimate, gap.high)
    )
    words = {"hurts": "hurts", "helps": "helps"}.get(gap.outcome, "may help or hurt")
    return check.result(
        evidence, state=state, severity={"pass": "none", "warn": "moderate", "fail": "high"}[state],
        value=gap.estimate, unit=f"{metric.error_name}, transfer minus target only",
        direction="positive means transfer hurts",
        interval=Interval(low=gap.low, high=gap.high, level=gap.level, method=gap.method),
        null=to_null(NullBand(None, by_chance), gap.estimate, what=EXCHANGED),
        n_source=len(pilot.source_rows), n_target=pilot.n_labels,
        threshold=Threshold(value=HARM, origin="default", of="chance of harm"),
        facts={"learner": best.learner, "strategy": best.strategy, "p_harm": gap.p_harm,
               "folds": pilot.n_folds, "repeats": pilot.n_repeats},
        message=f"Best strategy tried, {best.strategy}, {words}: gap {middle} {metric.unit} "
        f"[{low}, {high}], chance of harm {chance(gap.p_harm)} ({best.learner}, "
        f"{best.n_labels} target labels).",
        remedy="" if state == "pass" else "Train on the target alone, or label more target rows.",
    )  # fmt: skip
