"""The picture of measured transfers: what was predicted for each, and what came of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import words
from ._prediction_words import coverage, held
from .scales import Scale, Tick, fit

if TYPE_CHECKING:
    from ..diagnostics.document import Gap, MetricInfo, ReferenceCase, ReferenceCases

LEFT, RIGHT, TOP, BOTTOM = 46.0, 392.0, 8.0, 354.0
BEND = 3.0
"""From about so many margins on, the axes are logarithmic: most gaps lie close to zero."""
DEFAULT_MARGIN = 0.01
APART = 24.0


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A measured transfer in words."""

    case: ReferenceCase
    predicted: str
    interval: str
    observed: str
    held: bool


@dataclass(frozen=True, slots=True)
class CasePoint:
    """A measured transfer in the picture: its interval lies along the axis of predictions."""

    x: float
    y: float
    low: float
    high: float
    title: str


@dataclass(frozen=True, slots=True)
class ReferencePlot:
    """Predicted against observed, both axes alike; this case is a place on the first."""

    near: tuple[CasePoint, ...]
    others: tuple[CasePoint, ...]
    here: float | None
    band: tuple[float, float] | None
    zero: tuple[float, float]
    names: tuple[tuple[float, float, str, str], ...]
    ticks: tuple[Tick, ...]
    rises: tuple[Tick, ...]
    desc: str


@dataclass(frozen=True, slots=True)
class _Bent:
    """A scale that is straight near zero and logarithmic far from it."""

    scale: Scale
    unit: float

    def __call__(self, value: float) -> float:
        return self.scale(math.asinh(value / self.unit))


def _marks(across: _Bent) -> list[float]:
    """Return round numbers on the axis, zero and powers of ten first, their labels apart."""
    low, high = (across.unit * math.sinh(v) for v in (across.scale.low, across.scale.high))
    top = math.ceil(math.log10(max(-low, high)))
    wanted = [s * m * 10.0**k for m in (1, 3) for k in range(top, top - 5, -1) for s in (-1, 1)]
    kept: list[float] = []
    for mark in [0.0, *wanted]:
        if low <= mark <= high and all(abs(across(mark) - across(k)) >= APART for k in kept):
            kept.append(mark)
    return sorted(kept)


def case_rows(reference: ReferenceCases | None, metric: MetricInfo | None) -> list[CaseRow]:
    """Put the measured transfers into words, in the document's order."""
    rows = []
    for case in reference.cases if reference else []:
        numbers = (case.predicted, case.low, case.high, case.observed)
        predicted, low, high, observed = words.alike(numbers, metric)
        rows.append(CaseRow(case, predicted, f"{low} to {high}", observed, held(case)))
    return rows


def reference_plot(
    reference: ReferenceCases | None, gap: Gap | None, metric: MetricInfo | None
) -> ReferencePlot | None:
    """Place the measured transfers, and `gap` beside them."""
    rows = [row for row in case_rows(reference, metric) if _finite(row.case)]
    if reference is None or not rows:
        return None
    factor = metric.scale if metric else 1.0
    unit = BEND * factor * (metric.margin if metric and metric.margin > 0 else DEFAULT_MARGIN)
    here = gap if gap and all(map(math.isfinite, (gap.estimate, gap.low, gap.high))) else None
    values = [factor * v for row in rows for v in (row.case.predicted, row.case.observed)]
    values += [factor * v for v in ((here.low, here.high, here.estimate) if here else ())]
    bent = [math.asinh(v / unit) for v in values]
    room = 0.4 * max(map(abs, bent))  # for the names of the quarters
    straight = fit([*bent, room, -room], LEFT, RIGHT, pad=0.05)
    across = _Bent(straight, unit)
    up = _Bent(Scale(straight.low, straight.high, BOTTOM, TOP), unit)
    marks = _marks(across)

    def points(near: bool) -> tuple[CasePoint, ...]:
        return tuple(_point(row, across, up, factor) for row in rows if row.case.near is near)

    zero = across(0.0), up(0.0)
    near = points(True)
    said = [f"Here {words.alike([here.estimate], metric)[0]} is predicted."] if here else []
    return ReferencePlot(
        near, points(False),
        across(here.estimate * factor) if here else None,
        (across(here.low * factor), across(here.high * factor)) if here else None,
        zero, _names(zero),
        tuple(Tick(across(t), words.number(t)) for t in marks),
        tuple(Tick(up(t), words.number(t)) for t in marks),
        " ".join([
            f"{words.plural(len(rows), 'measured transfer')}, {len(near)} of them most like this "
            f"one; the {words.percent(reference.level)} interval held in "
            f"{sum(row.held for row in rows)} of those drawn.", coverage(reference), *said,
        ]),
    )  # fmt: skip


def _finite(case: ReferenceCase) -> bool:
    return all(map(math.isfinite, (case.predicted, case.low, case.high, case.observed)))


def _point(row: CaseRow, across: _Bent, up: _Bent, factor: float) -> CasePoint:
    case = row.case
    x, low, high = (across(v * factor) for v in (case.predicted, case.low, case.high))
    title = (
        f"{case.data_set}, {case.source} → {case.target}, {words.plural(case.n_labels, 'label')}: "
        f"predicted {row.predicted} ({row.interval}), observed {row.observed}"
    )
    return CasePoint(x, up(case.observed * factor), low, high, title)


def _names(zero: tuple[float, float]) -> tuple[tuple[float, float, str, str], ...]:
    """Name the four quarters: what was said, and what came."""
    x, y = zero
    if not (LEFT < x < RIGHT and TOP < y < BOTTOM):
        return ()
    return (
        (LEFT + 6, TOP + 13, "start", "harm not foreseen"),
        (RIGHT - 6, TOP + 13, "end", "harm foreseen"),
        (LEFT + 6, BOTTOM - 7, "start", "gain foreseen"),
        (RIGHT - 6, BOTTOM - 7, "end", "gain not foreseen"),
    )
