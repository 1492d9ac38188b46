"""Pictures of many measures at once: each on the scale of its own chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import words
from .scales import Scale, Tick, fit, ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..diagnostics.document import Component, MeasureInfo, NullReference

STEP = 26
MARKS = (-30.0, -3.0, 0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One measure: where it lies, in widths of its own null band."""

    y: float
    name: str
    value: float | None
    interval: tuple[float, float] | None
    band: tuple[float, float] | None
    value_words: str
    chance_words: str
    times: str


@dataclass(frozen=True, slots=True)
class MeasuresPlot:
    """All measures on one axis: 0 is the middle of chance, 1 its 95 % point."""

    height: float
    rows: tuple[MeasureRow, ...]
    zero: float
    one: float
    ticks: tuple[Tick, ...]
    desc: str


def measures_plot(measures: Sequence[MeasureInfo]) -> MeasuresPlot | None:
    """Return the forest plot of the measures, or None where none lies on a scale of chance."""
    shown = [m for m in measures if m.value is not None]
    placed = [m.times_chance for m in shown if m.times_chance is not None]
    if not placed:
        return None
    spots = [_squeeze(v) for t in placed for v in (t.value, t.lowest, *(t.interval or ()))]
    scale = fit([0.0, 1.0, *spots], 150, 392)
    rows = tuple(_row(m, scale, i) for i, m in enumerate(shown))
    marks = [t for t in MARKS if scale.low <= _squeeze(t) <= scale.high]
    said = [f"{r.name}: {r.value_words}, {r.times}" for r in rows if r.times]
    return MeasuresPlot(
        8.0 + STEP * len(rows),
        rows,
        scale(0.0),
        scale(_squeeze(1.0)),
        tuple(Tick(scale(_squeeze(t)), words.number(t)) for t in _thinned(marks, scale)),
        "; ".join(said),
    )


def _thinned(marks: Sequence[float], scale: Scale) -> list[float]:
    """Leave out the marks whose labels would touch the one before; 0 and 1 always stay."""
    kept: list[float] = []
    for mark in sorted(marks, key=lambda t: (t not in (0.0, 1.0), abs(t))):
        here = scale(_squeeze(mark))
        if all(abs(here - scale(_squeeze(other))) >= 22 for other in kept) or mark == 1.0:
            kept.append(mark)
    return kept


def _squeeze(times: float) -> float:
    """Bend the axis so that 1 and 1,000 times chance both stay readable."""
    return math.copysign(math.log1p(abs(times)), times)


def _row(m: MeasureInfo, scale: Scale, number: int) -> MeasureRow:
    y, name, times = 10.0 + STEP * number, words.measure_name(m.name), m.times_chance
    told = words.number(m.value)
    if times is None or m.null is None:
        return MeasureRow(y, name, None, None, None, told, "", "")

    def place(value: float) -> float:
        return scale(_squeeze(value))

    return MeasureRow(
        y,
        name,
        place(times.value),
        (place(times.interval[0]), place(times.interval[1])) if times.interval else None,
        (place(times.lowest), place(1.0)),
        told,
        words.null_ranges(m.null),
        f"{words.number(times.value, 2)} times the reach of chance"
        if times.value > 1
        else "within chance",
    )


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """One of the five distributions: how far it moved, over what chance gives."""

    y: float
    name: str
    start: float
    end: float
    interval: tuple[float, float] | None
    bands: tuple[tuple[str, float, float], ...]
    moved: bool
    told: str
    chance: str
    p_words: str


@dataclass(frozen=True, slots=True)
class ComponentsPlot:
    """Five bars with their null bands on one axis."""

    height: float
    rows: tuple[ComponentRow, ...]
    zero: float
    ticks: tuple[Tick, ...]
    unit: str
    desc: str


def components_plot(components: Sequence[Component]) -> ComponentsPlot:
    """Return what moved, of the five distributions, as bars over their null bands."""
    ends = [v for c in components if c.interval for v in (c.interval.low, c.interval.high)]
    bands = [v for c in components for _, q in _bands(c.null) for v in q]
    scale = fit([0.0, *(c.value for c in components), *ends, *bands], 84, 372)
    rows = tuple(_component(c, scale, i) for i, c in enumerate(components))
    said = [f"{r.name} {'moved' if r.moved else 'did not move'}: {r.told}" for r in rows]
    return ComponentsPlot(
        8.0 + 38 * len(rows),
        rows,
        scale(0.0),
        tuple(Tick(scale(t), words.number(t)) for t in ticks(scale.low, scale.high, 5)),
        components[0].unit,
        "; ".join(said),
    )


def _bands(null: NullReference) -> list[tuple[str, list[float]]]:
    sides = (("source", null.source_quantiles), ("target", null.target_quantiles))
    return [(s, q) for s, q in sides if q and len(q) == 3 and all(map(math.isfinite, q))]


def _component(c: Component, scale: Scale, number: int) -> ComponentRow:
    return ComponentRow(
        8.0 + 38 * number,
        c.name,
        min(scale(0.0), scale(c.value)),
        max(scale(0.0), scale(c.value)),
        (scale(c.interval.low), scale(c.interval.high)) if c.interval else None,
        tuple((side, scale(q[0]), scale(q[2])) for side, q in _bands(c.null)),
        c.moved,
        f"{words.number(c.value)} {c.unit}",
        words.null_ranges(c.null),
        f"p {words.p_value(c.p_value)}, adjusted {words.p_value(c.p_adjusted)}",
    )
