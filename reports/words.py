"""How numbers, units and states are put into words: one catalogue for all views."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..diagnostics.document import (
        CheckResult,
        Diagnosis,
        Gap,
        MetricInfo,
        NullReference,
        Rerun,
        StrategyResult,
        Threshold,
    )

MISSING = "–"
MINUS = "−"
NBSP = "\u00a0"

STATE_GLYPHS = {
    "pass": "●",
    "warn": "▲",
    "fail": "■",
    "insufficient": "◇",
    "not-applicable": "–",
    "error": "✕",
}
STATE_WORDS = {state: state.replace("-", " ") for state in STATE_GLYPHS}
RAN = frozenset({"pass", "warn", "fail"})

CONDITION_STATES = {
    "holds": "pass",
    "fails": "fail",
    "cannot tell": "insufficient",
    "not testable": "not-applicable",
}

VERDICT_GLYPHS = {
    "transfer": "●",
    "transfer-with-adaptation": "◐",
    "caution": "▲",
    "do-not-transfer": "■",
    "not-enough-evidence": "◇",
}
VERDICT_HEADLINES = {
    "transfer": "Transfer",
    "transfer-with-adaptation": "Transfer, with adaptation",
    "caution": "Caution",
    "do-not-transfer": "Do not transfer",
    "not-enough-evidence": "We cannot tell yet",
}
EFFECT_NAMES = {
    "wasserstein_in_iqr": "Wasserstein-1 in interquartile ranges",
    "wasserstein_in_sd": "Wasserstein-1 in standard deviations",
    "total_variation": "total variation distance",
}
OUTCOME_WORDS = {"helps": "helps", "cannot tell": "cannot tell", "hurts": "hurts"}


def number(value: float | None, digits: int = 3) -> str:
    """Format `value` to `digits` significant digits; a missing number is a dash."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if not -4 <= size < 6:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return _sign(f"{_strip(mantissa)}e{int(exponent)}")
    return _sign(_strip(f"{value:,.{max(0, digits - 1 - size)}f}"))


def count(value: int | None) -> str:
    """Format a whole number with separators."""
    return MISSING if value is None else f"{value:,}"


def percent(share: float | None) -> str:
    """Format a share of one as a percentage; never a false 0 or 100 %."""
    if share is None or not math.isfinite(share):
        return MISSING
    hundredths = 100 * share
    if 0 < hundredths < 1:
        return f"<{NBSP}1{NBSP}%"
    if 99 < hundredths < 100:
        return f">{NBSP}99{NBSP}%"
    return f"{hundredths:.0f}{NBSP}%"


def chance(probability: float | None) -> str:
    """Format an estimated probability; never certainty."""
    if probability is None or not math.isfinite(probability):
        return MISSING
    return percent(min(0.995, max(0.005, probability)))


def p_value(value: float | None) -> str:
    """Format a p-value; never a false zero."""
    if value is None or not math.isfinite(value):
        return MISSING
    return "< 0.001" if value < 0.001 else number(value, 2)


def plural(n: int, one: str, many: str | None = None) -> str:
    """Return `n` with the noun in the right form."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


@dataclass(frozen=True, slots=True)
class GapWords:
    """A gap in the user's unit, its three numbers to the same decimals."""

    estimate: str
    low: str
    high: str
    unit: str
    level: str
    p_harm: str

    @property
    def interval(self) -> str:
        """The interval in words."""
        return f"{self.low} to {self.high}"


def gap_words(gap: Gap | Rerun, metric: MetricInfo | None, level: float | None = None) -> GapWords:
    """Format `gap` in the unit of `metric`, as finely as its interval warrants.

    A rerun has the level of the verdict's gap, which is to be given as `level`.
    """
    scale = metric.scale if metric else 1.0
    unit = metric.unit if metric else "error"
    numbers = [gap.estimate * scale, gap.low * scale, gap.high * scale]
    decimals = _decimals(gap, scale)
    estimate, low, high = (_signed(v, decimals) for v in numbers)
    level = getattr(gap, "level", level)
    return GapWords(estimate, low, high, unit, percent(level), chance(gap.p_harm))


def in_metric(value: float | None, metric: MetricInfo | None, *, bare: bool = False) -> str:
    """Format an error in the user's unit, the unit named unless `bare`."""
    if value is None:
        return MISSING
    text = number(value * (metric.scale if metric else 1.0))
    if bare or metric is None:
        return text
    unit = metric.unit
    return f"{text} {unit[:-1] if text == '1' and unit.endswith('s') else unit}"


def gap_meaning(gap: Gap, metric: MetricInfo | None) -> str:
    """Say in the user's metric what the estimate means, direction included."""
    scale = metric.scale if metric else 1.0
    unit = f" {metric.unit}" if metric else ""
    decimals = _decimals(gap, scale)
    size = f"{abs(gap.estimate * scale):,.{decimals}f}"
    name = metric.name if metric else "error"
    if not float(size.replace(",", "")):
        return f"{name} the same with and without transfer"
    worse = gap.estimate > 0
    lower = worse if metric and metric.greater_is_better else not worse
    return (
        f"{name} {size}{unit} {'lower' if lower else 'higher'} "
        f"({'worse' if worse else 'better'}) with transfer"
    )


def counter_title(diagnosis: Diagnosis) -> str:
    """Return the heading of the counter-reasons; without a verdict there is no other way."""
    undecided = diagnosis.verdict.label == "not-enough-evidence"
    return "What is known" if undecided else "Points the other way"


def gap_owner(diagnosis: Diagnosis) -> StrategyResult | None:
    """Return the strategy whose gap the verdict rests on, if it is in the table."""
    gap = diagnosis.verdict.gap
    owners = [s for s in diagnosis.strategies if gap is not None and s.gap == gap]
    wanted = (diagnosis.verdict.strategy, diagnosis.verdict.learner)
    owners.sort(key=lambda s: (s.learner != wanted[1], s.strategy != wanted[0]))
    return owners[0] if owners else None


def gap_belongs(diagnosis: Diagnosis) -> str:
    """Name the learner, the strategy and the number of target labels of the verdict's gap."""
    owner = gap_owner(diagnosis)
    verdict = diagnosis.verdict
    strategy = owner.strategy if owner else verdict.strategy
    learner = owner.learner if owner else verdict.learner or diagnosis.headline_learner
    labels = owner.n_labels if owner else verdict.n_labels
    learner_words = f"learner {learner}" if learner else "learner not named"
    return f"{strategy}, {learner_words}, {plural(labels, 'target label')}"


def labels_to_settle(n: int) -> str:
    """Say what would settle the question."""
    return f"About {plural(n, 'labelled target row')} would settle it."


def would_change(diagnosis: Diagnosis) -> str:
    """Say what would change the verdict, and how many labels that takes, once."""
    verdict = diagnosis.verdict
    parts = [sentence(verdict.would_change_if)]
    settle = verdict.labels_to_settle
    said = re.findall(r"\d+", verdict.would_change_if.replace(",", ""))
    if settle and str(settle) not in said:
        parts.append(labels_to_settle(settle))
    return " ".join(filter(None, parts))


def sentence(text: str) -> str:
    """Return `text` with a capital at its start and a full stop at its end."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?:…" else ".")


def effect_name(name: str) -> str:
    """Put the name of an effect into words."""
    return EFFECT_NAMES.get(name, name.replace("_", " "))


MEASURE_NAMES = {
    "classifier_two_sample_test": "classifier test",
    "coral_distance": "CORAL distance",
    "frechet_distance": "Fréchet distance",
    "max_sliced_wasserstein": "max-sliced Wasserstein",
    "sliced_wasserstein": "sliced Wasserstein",
}


def measure_name(name: str) -> str:
    """Put the name of a measure into words."""
    return MEASURE_NAMES.get(name, name.replace("_", " "))


def signed(value: float | None) -> str:
    """Format a difference, its sign always written."""
    text = number(value)
    return f"+{text}" if value is not None and value > 0 and text != MISSING else text


def null_words(null: NullReference) -> list[str]:
    """Say where the null reference lies, one phrase a side."""
    phrases = []
    sides = (("source", null.source_quantiles), ("target", null.target_quantiles))
    for side, quantiles in sides:
        if quantiles and len(quantiles) == 3:
            low, middle, high = (number(q) for q in quantiles)
            phrases.append(f"{null.what}, {side}: {low} to {high}, middle {middle}")
    return phrases


def null_ranges(null: NullReference) -> str:
    """Say in short what chance gives: the 5 % to 95 % range, one a side."""
    sides = (("source", null.source_quantiles), ("target", null.target_quantiles))
    return "; ".join(
        f"{side} {number(q[0])} to {number(q[-1])}" for side, q in sides if q and len(q) == 3
    )


def null_rank(null: NullReference) -> str:
    """Say how the value ranks among the null values."""
    if null.percentile is None or not math.isfinite(null.percentile):
        return ""
    draws = plural(null.n_splits, "draw")
    if null.percentile >= 100:
        return f"larger than in all {draws} of {null.what}"
    if null.percentile <= 0:
        return f"smaller than in all {draws} of {null.what}"
    return f"larger than in {percent(null.percentile / 100)} of {draws} of {null.what}"


def value_words(check: CheckResult) -> str:
    """Value, unit and interval of a check."""
    if check.value is None:
        return MISSING
    words = f"{number(check.value)} {check.unit}".strip()
    if check.interval:
        low, high = number(check.interval.low), number(check.interval.high)
        words += f" ({percent(check.interval.level)} interval {low} to {high})"
    return words


def threshold_words(threshold: Threshold) -> str:
    """Threshold, what it is held against, and where it comes from."""
    of = f" on the {threshold.of}" if threshold.of else ""
    return f"{number(threshold.value)}{of} ({threshold.origin})"


def ran(diagnosis: Diagnosis) -> str:
    """Count the checks that came to a result, out of all."""
    return f"{sum(c.state in RAN for c in diagnosis.checks)}/{len(diagnosis.checks)}"


def fragility(diagnosis: Diagnosis) -> str:
    """Say in how many reruns the verdict was the same, and what it was otherwise."""
    reruns = diagnosis.sensitivity
    if not reruns:
        return ""
    own = diagnosis.verdict.label
    same = sum(one.label == own for one in reruns)
    rest = [
        f"{label} {count(n)}"
        for label in VERDICT_GLYPHS
        if label != own and (n := sum(one.label == label for one in reruns))
    ]
    others = f" (the others: {', '.join(rest)})" if rest else ""
    return f"Same verdict in {count(same)} of {plural(len(reruns), 'rerun')}{others}."


def gap_range(gaps: Sequence[Gap | Rerun], metric: MetricInfo | None) -> str:
    """Return the smallest and the largest estimate of `gaps` in the user's unit."""
    scale, unit = (metric.scale, metric.unit) if metric else (1.0, "error")
    found = sorted(gap.estimate * scale for gap in gaps)
    decimals = max(0, max((_decimals(gap, scale) for gap in gaps), default=0))
    low, high = (_signed(value, decimals) for value in (found[0], found[-1]))
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"


def alike(values: Sequence[float], metric: MetricInfo | None) -> list[str]:
    """Format gaps in the user's unit with their signs, all to the same decimals.

    Two digits of the largest, but nothing much finer than the margin.
    """
    scale = metric.scale if metric else 1.0
    largest = max((abs(v * scale) for v in values if math.isfinite(v)), default=0.0)
    decimals = min(6, _two_digits(largest))
    if metric and math.isfinite(metric.margin):
        decimals = min(decimals, _two_digits(metric.margin * scale) or 6)
    return [_signed(v * scale, decimals) if math.isfinite(v) else MISSING for v in values]


def _decimals(gap: Gap | Rerun, scale: float) -> int:
    """Return decimals for two digits of the largest number and of the interval's width."""
    largest = max(abs(v * scale) for v in (gap.estimate, gap.low, gap.high))
    width = (gap.high - gap.low) * scale
    wanted = [
        digits - math.floor(math.log10(v))
        for digits, v in ((1, largest), (1, width))
        if math.isfinite(v) and v > 0
    ]
    return min(6, max(0, *wanted)) if wanted else 2


def _two_digits(value: float) -> int:
    """Return the decimals that show two digits of a number above zero."""
    return max(0, 1 - math.floor(math.log10(value))) if value > 0 else 0


def _signed(value: float, decimals: int) -> str:
    text = f"{value:+,.{decimals}f}"
    if not any(c in "123456789" for c in text):
        return text[1:]
    return _sign(text)


def _sign(text: str) -> str:
    return text.replace("-", MINUS)


def _strip(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
