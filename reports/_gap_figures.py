"""Pictures of gaps: one axis in the user's unit, zero in it, harm on the right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _prediction_words as told
from . import words
from .scales import Scale, Tick, fit, ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..diagnostics.document import Gap, MetricInfo, Rerun, StrategyResult


@dataclass(frozen=True, slots=True)
class GapAxis:
    """The axis that all gaps of a picture share, in the user's unit."""

    scale: Scale
    factor: float
    margin: float | None
    ticks: tuple[Tick, ...]

    def x(self, gap: float) -> float:
        """Place a gap as stored."""
        return self.scale(gap * self.factor)

    @property
    def zero(self) -> float:
        """Where transfer neither helps nor hurts."""
        return self.scale(0)

    @property
    def harm(self) -> float:
        """Width of the region in which transfer hurts."""
        return round(self.scale.end - self.zero, 1)

    @property
    def margins(self) -> tuple[float, float] | None:
        """The region of gaps too small to matter."""
        if self.margin is None:
            return None
        return self.x(-self.margin), self.x(self.margin)


@dataclass(frozen=True, slots=True)
class GapBar:
    """One gap on its axis."""

    estimate: float
    low: float
    high: float
    title: str
    desc: str
    outside: bool = False


def gap_axis(
    gaps: Sequence[Gap | Rerun], metric: MetricInfo | None, start: float, end: float
) -> GapAxis | None:
    """Return the axis that holds all `gaps`, zero and the margin."""
    gaps = [g for g in gaps if all(map(math.isfinite, (g.estimate, g.low, g.high)))]
    if not gaps:
        return None
    factor = metric.scale if metric else 1.0
    margin = metric.margin if metric else None
    values = [factor * v for g in gaps for v in (g.low, g.estimate, g.high)]
    reach = max(map(abs, values))
    values += [0.0, 0.12 * reach, -0.12 * reach]
    if margin is not None and math.isfinite(margin):
        values += [factor * margin, -factor * margin]
    scale = fit(values, start, end)
    marks = tuple(Tick(scale(t), words.number(t)) for t in ticks(scale.low, scale.high))
    return GapAxis(scale, factor, margin, marks)


def gap_bar(gap: Gap | None, axis: GapAxis | None, metric: MetricInfo | None) -> GapBar | None:
    """Place a gap on its axis."""
    if gap is None or axis is None:
        return None
    if not all(map(math.isfinite, (gap.estimate, gap.low, gap.high))):
        return None
    w = words.gap_words(gap, metric)
    outside = told.extrapolated(gap)
    beyond = " Outside the range of measured transfers." if outside else ""
    return GapBar(
        axis.x(gap.estimate),
        axis.x(gap.low),
        axis.x(gap.high),
        f"Gap {w.estimate} {w.unit}",
        f"{w.level} interval {w.interval} {w.unit}; above zero transfer hurts. "
        f"Chance of harm {w.p_harm}. In words: {words.gap_meaning(gap, metric)}.{beyond}",
        outside,
    )


@dataclass(frozen=True, slots=True)
class SideLine:
    """A thin bar below the gap's own: another interval, or another estimate."""

    kind: str
    y: float
    estimate: float
    low: float
    high: float
    words: str


LINE_TOP, LINE_STEP = 80.0, 27.0


def beside(gap: Gap | None) -> list[tuple[str, Gap]]:
    """Return what stands beside the gap: for the labels at hand, and by the pilot alone."""
    if gap is None:
        return []
    found = (("own", told.own_gap(gap)), ("pilot", told.pilot_gap(gap)))
    return [(kind, other) for kind, other in found if other is not None]


def side_lines(
    gap: Gap | None, axis: GapAxis | None, metric: MetricInfo | None
) -> tuple[SideLine, ...]:
    """Place the thin bars on the axis of the gap."""
    if axis is None:
        return ()
    lines = []
    for i, (kind, other) in enumerate(beside(gap)):
        w = words.gap_words(other, metric)
        said = (
            f"for the very labels at hand: {w.interval}"
            if kind == "own"
            else f"the pilot alone: {w.estimate} ({w.interval})"
        )
        ends = axis.x(other.estimate), axis.x(other.low), axis.x(other.high)
        lines.append(SideLine(kind, LINE_TOP + LINE_STEP * i, *ends, said))
    return tuple(lines)


@dataclass(frozen=True, slots=True)
class ChanceBar:
    """The probabilities of clear gain, of a gap too small to matter, and of clear harm."""

    gain: float
    middle: float
    harm: float
    gain_words: str
    middle_words: str
    harm_words: str
    desc: str


def chance_bar(gap: Gap) -> ChanceBar | None:
    """Split a bar of width 392 by the three probabilities."""
    if not all(map(math.isfinite, (gap.p_clear_gain, gap.p_clear_harm))):
        return None
    middle = max(0.0, 1 - gap.p_clear_gain - gap.p_clear_harm)
    said = [words.chance(p) for p in (gap.p_clear_gain, middle, gap.p_clear_harm)]
    return ChanceBar(
        round(392 * gap.p_clear_gain, 1),
        round(392 * middle, 1),
        round(392 * gap.p_clear_harm, 1),
        said[0],
        said[1],
        said[2],
        f"Clear gain {said[0]}, too small to matter {said[1]}, clear harm {said[2]}.",
    )


@dataclass(frozen=True, slots=True)
class StrategyRow:
    """A row of the table of strategies."""

    result: StrategyResult
    bar: GapBar | None
    numbers: words.GapWords | None
    carries_verdict: bool
