"""What more target labels would change: break-even, and labels until the pilot can tell."""

from __future__ import annotations

import math

from ..document import CurvePoint, Gap, LabelWorth, MetricInfo, Outlook, StrategyResult
from .break_even import break_even, labels_until_known
from .terms import METRICS, STRATEGIES
from .worth import LARGEST, Situation, worth

FEWEST = 10
WIDTH_80 = 2.5631
"""Of the 80 % interval of a normal distribution, in standard deviations."""
UNKNOWN = "How many labels would tell help from harm cannot be said {}."


def outlook(
    row: StrategyResult, metric: MetricInfo, *, regression: bool, here: Situation | None = None
) -> Outlook | None:
    """Return the outlook for one strategy, or ``None`` where none was measured of the kind.

    Parameters
    ----------
    row : StrategyResult
        With a gap.
    metric : MetricInfo
    regression : bool
    here : Situation, optional
        What is known of the target, to say what transfer is worth in labels.
    """
    gap = row.gap
    if gap is None or row.error_target_only is None or row.n_labels < FEWEST:
        return None
    usual = metric.name in METRICS
    predicted = gap.in_calibrated_range is not None
    if not (usual or predicted) or row.strategy not in STRATEGIES:
        return None
    sd = spread_of(gap)
    found = break_even(gap.estimate, sd, row.n_labels, row.error_target_only,
        strategy=row.strategy, regression=regression,
    )  # fmt: skip
    low, high = (gap.low, gap.high) if gap.pilot_low is None else (gap.pilot_low, gap.pilot_high)
    assert high is not None
    known = None
    if usual:
        known = labels_until_known(
            gap.estimate, sd, row.n_labels, row.error_target_only, (high - low) / WIDTH_80,
            margin=metric.margin, strategy=row.strategy, regression=regression,
            pilot_gap=gap.pilot_estimate,
        )  # fmt: skip
    unknown = UNKNOWN.format("for regression" if regression else f"in {metric.name}")
    return Outlook(
        strategy=row.strategy, learner=row.learner, n_labels=row.n_labels,
        break_even=_finite(found.n), low=_finite(found.low), high=_finite(found.high),
        level=found.level, p_already_past=found.p_already_past, p_never=found.p_never,
        p_beyond=found.p_beyond, largest=found.largest, sentence=found.sentence,
        curve=[CurvePoint(n_labels=n, gap=g, low=lo, high=hi) for n, g, lo, hi in found.curve],
        labels_until_known=_finite(known.n) if known else None,
        until_known_sentence=known.sentence if known else unknown,
        worth=_worth(gap, row, here) if usual else None,
    )  # fmt: skip


def spread_of(gap: Gap) -> float:
    """Return the standard deviation of a gap: its 80 % interval is 2 x 1.2816 of them wide."""
    return max((gap.high - gap.low) / WIDTH_80, 1e-6)


def _worth(gap: Gap, row: StrategyResult, here: Situation | None) -> LabelWorth | None:
    if here is None or here.n >= LARGEST:
        return None
    found = worth(here, gap.estimate, spread_of(gap))
    return LabelWorth(
        more_labels=_finite(found.more), low=_finite(found.low), high=_finite(found.high),
        level=found.level, p_none=found.p_none, p_beyond=found.p_beyond, largest=found.largest,
        words=found.words(), sentence=found.sentence(row.strategy, row.learner),
    )  # fmt: skip


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
