"""The picture of what a predicted gap is made of: one signed bar a group, and their sum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import words
from ._prediction_words import GROUP_WORDS
from .clean import clean, clip
from .scales import Scale, Tick, fit, ticks

if TYPE_CHECKING:
    from ..diagnostics.document import Gap, MetricInfo

TOP, STEP = 20.0, 32.0
SUM = "sum of these: the predicted gap"


@dataclass(frozen=True, slots=True)
class ContributionRow:
    """One group of evidence and what it adds."""

    y: float
    name: str
    start: float
    end: float
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ContributionPlot:
    """All groups in the document's order, the sum last, on one axis."""

    rows: tuple[ContributionRow, ...]
    total: ContributionRow
    zero: float
    harm: float
    ticks: tuple[Tick, ...]
    height: float
    desc: str


def contribution_plot(gap: Gap | None, metric: MetricInfo | None) -> ContributionPlot | None:
    """Place the contributions to `gap`; None where it was not predicted from any."""
    if gap is None or not gap.contributions or not math.isfinite(gap.estimate):
        return None
    parts = [c for c in gap.contributions if math.isfinite(c.value)]
    values = [*(c.value for c in parts), gap.estimate]
    factor = metric.scale if metric else 1.0
    reach = max(map(abs, values)) * factor or 1.0
    scale = fit([0.0, 0.1 * reach, -0.1 * reach, *(v * factor for v in values)], 8, 392)
    said = words.alike(values, metric)
    rows = tuple(
        _row(i, c.group, c.value * factor, scale, said[i], GROUP_WORDS.get(c.group, ""))
        for i, c in enumerate(parts)
    )
    total = _row(len(rows), SUM, gap.estimate * factor, scale, said[-1], "")
    unit = metric.unit if metric else "error"
    listed = "; ".join(f"{row.name}: {row.value}" for row in rows)
    return ContributionPlot(
        rows, total, scale(0.0), round(scale.end - scale(0.0), 1),
        tuple(Tick(scale(t), words.number(t)) for t in ticks(scale.low, scale.high)),
        TOP + STEP * (len(rows) + 1) + 4, f"{listed}. Sum {said[-1]} {unit}.",
    )  # fmt: skip


def _row(i: int, name: str, value: float, scale: Scale, said: str, meaning: str) -> ContributionRow:
    start, end = sorted((scale(0.0), scale(value)))
    return ContributionRow(TOP + STEP * i, clip(clean(name), 48), start, end, said, meaning)
