"""Label reversal: does the source model point the wrong way on the target?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._words import shortened
from ..document import CheckResult, Interval, State
from ..gap import LEVEL
from ..pilot import LABELS_FOR_REVERSAL, Pilot
from ._base import Check, Evidence, register
from ._references import (
    agreement,
    best_other_assignment,
    source_null,
    upper_bound,
)
from ._units import hang_together


@register(
    "NT303", "label reversal", "tasks",
    """Does the source model point the wrong way on the target? Two classes: 2 AUC - 1 of the
    source model on the target's labels; a quantity: Spearman's correlation; more classes: hits
    as labelled minus hits under the best other assignment of classes, per row. All run from -1
    (reversed) to 1. A failure usually means swapped label codes, and is the extreme case of
    negative transfer; about 30 labels detect it. Marginal measures cannot see it. It warns when
    the value is not negative but far below what source rows playing the target show.""",
)  # fmt: skip
def label_reversal(check: Check, evidence: Evidence) -> CheckResult:
    pilot, learner = evidence.pilot, evidence.headline
    if pilot is None or learner is None:
        return check.not_run(
            evidence, evidence.no_pilot or "No pilot was run.", n_required=LABELS_FOR_REVERSAL,
            remedy=f"Label about {LABELS_FOR_REVERSAL} target rows drawn at random: enough to "
            "detect a reversal.",
        )  # fmt: skip
    predicted = pilot.predictions[learner.name, "source-only"][0]
    value = agreement(pilot.y, predicted)
    units = pilot.groups if hang_together(evidence.pair) else None
    resampled = "row" if units is None else "unit"
    low, high, p_reversed = _agreement_interval(pilot.y, predicted, value, evidence.seed, units)
    home = pilot.home
    at_home = agreement(home.frame.y, home.own[0])
    reference = None if evidence.reference is None else evidence.reference.agreement
    null = source_null(reference, value)
    state: State = "insufficient"
    if p_reversed <= 0.01 and high < 0:
        state = "fail"
    elif reference is not None and high < -upper_bound(-reference):
        state = "warn"
    elif low > 0 or (low > -0.2 and value > 0):
        state = "pass"
    return check.result(
        evidence, state=state,
        severity={"fail": "high", "warn": "moderate"}.get(state, "none"),
        value=value, unit=_agreement_unit(pilot),
        direction="negative means reversed",
        interval=Interval(low=low, high=high, level=LEVEL, method=f"{resampled} bootstrap"),
        null=null, p_value=p_reversed, n_source=len(pilot.source_rows), n_target=len(pilot.y),
        n_required=LABELS_FOR_REVERSAL, facts={"at_home": at_home, "learner": learner.name},
        message=_reversal_message(evidence, pilot, predicted, value, at_home, state),
        remedy="Check how the label is coded on both sides before anything else."
        if state == "fail" else "Label more target rows." if state == "insufficient"
        else "Do not use the source model as it is." if state == "warn" else "",
        not_run_reason="too few target labels to tell" if state == "insufficient" else None,
    )  # fmt: skip


def _agreement_unit(pilot: Pilot) -> str:
    if pilot.n_classes == 0:
        return "rank correlation"
    return "2 AUC - 1" if pilot.n_classes == 2 else "excess hits per row"


def _agreement_interval(
    y: NDArray[Any], predicted: NDArray[np.float64], value: float, seed: int,
    units: NDArray[np.int64] | None = None, draws: int = 400,
) -> tuple[float, float, float]:  # fmt: skip
    """Return a bootstrap interval and a one-sided p-value for 'not reversed'.

    Rows are resampled within classes, or whole units where rows of one hang together; p comes
    from a normal approximation around zero, so that it does not stop at one over the number of
    draws.
    """
    from scipy.stats import norm

    rng = np.random.default_rng([seed, 15])
    n = len(y)
    rows: Iterable[NDArray[np.int64]]
    if units is not None:
        members = [np.flatnonzero(units == unit) for unit in np.unique(units)]
        n = len(members)
        rows = [np.concatenate([members[i] for i in rng.integers(n, size=n)]) for _ in range(draws)]
    elif predicted.ndim == 2:
        parts = [np.flatnonzero(y == c) for c in np.unique(y)]
        rows = np.concatenate([rng.choice(part, (draws, part.size)) for part in parts], axis=1)
    else:
        rows = rng.integers(n, size=(draws, n))
    values = np.array([agreement(y[r], predicted[r]) for r in rows])
    # A floor, because few rows (or units) that all agree have a bootstrap spread of zero.
    spread = max(float(values.std(ddof=1)), 1 / n)
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high), float(norm.cdf(value / spread))


def _reversal_message(
    evidence: Evidence, pilot: Pilot, predicted: NDArray[np.float64], value: float,
    at_home: float, state: State,
) -> str:  # fmt: skip
    if state == "fail" and pilot.n_classes > 2:
        hits, other, mapping = best_other_assignment(pilot.y, predicted)
        moved = [
            f"{shortened(evidence.pair.classes[i])} as {shortened(evidence.pair.classes[int(j)])}"
            for i, j in enumerate(mapping)
            if i != j
        ]
        return (
            f"Classes look swapped: the source model is right on {hits} of {len(pilot.y)} target "
            f"rows, and on {other} if it reads {', '.join(moved[:4])}."
        )
    what = _agreement_unit(pilot)
    if state == "fail":
        return (
            f"The source model points the wrong way on the target: {what} {value:.2f}, at home "
            f"{at_home:.2f}. The label looks reversed."
        )
    if state == "warn":
        return (
            f"The source model is not reversed on the target, but follows it far less than at "
            f"home: {what} {value:.2f}, at home {at_home:.2f}."
        )
    if state == "pass":
        return f"The source model points the right way on the target: {what} {value:.2f}, " \
            f"at home {at_home:.2f}."  # fmt: skip
    return f"Too few labels to exclude a reversal: {what} {value:.2f}, at home {at_home:.2f}."
