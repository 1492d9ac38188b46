"""The picture of the verdicts with other seeds: one line a run, under its verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import words
from ._gap_figures import GapAxis, gap_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..diagnostics.document import Diagnosis, Gap, Rerun

TOP, HEAD = 22, 20
WIDE_STEP, NARROW_STEP, MANY = 10.0, 6.0, 30


@dataclass(frozen=True, slots=True)
class RerunMark:
    """The gap of one run with its interval."""

    estimate: float
    low: float
    high: float
    y: float


@dataclass(frozen=True, slots=True)
class RerunGroup:
    """The runs of one verdict."""

    label: str
    words: str
    y: float
    marks: tuple[RerunMark, ...]


@dataclass(frozen=True, slots=True)
class RerunStrip:
    """All runs, this one first, on one axis."""

    axis: GapAxis
    groups: tuple[RerunGroup, ...]
    height: float
    desc: str


def rerun_strip(d: Diagnosis) -> RerunStrip | None:
    """Place the reruns by verdict, the smallest gap first."""
    reruns = [r for r in d.sensitivity if all(map(math.isfinite, (r.estimate, r.low, r.high)))]
    own = [d.verdict.gap] if d.verdict.gap else []
    axis = gap_axis([*own, *reruns], d.metric, 8, 392)
    if axis is None or not reruns:
        return None
    step = WIDE_STEP if len(reruns) <= MANY else NARROW_STEP
    groups: list[RerunGroup] = []
    y = float(TOP)
    if own:
        groups.append(_group(d.verdict.label, f"{d.verdict.label}: this run", own, axis, y, step))
        y += HEAD + step
    for label in words.VERDICT_GLYPHS:
        found = sorted((r for r in reruns if r.label == label), key=lambda r: r.estimate)
        if found:
            said = f"{label}: {words.plural(len(found), 'rerun')}"
            groups.append(_group(label, said, found, axis, y, step))
            y += HEAD + step * len(found)
    counts = "; ".join(group.words for group in groups)
    desc = f"{words.fragility(d)} {counts}. Gaps {words.gap_range(reruns, d.metric)}."
    return RerunStrip(axis, tuple(groups), round(y + 2, 1), desc)


def _group(
    label: str, said: str, runs: Sequence[Gap | Rerun], axis: GapAxis, y: float, step: float
) -> RerunGroup:
    marks = tuple(
        RerunMark(axis.x(r.estimate), axis.x(r.low), axis.x(r.high), y + HEAD - 2 + step * i)
        for i, r in enumerate(runs)
    )
    return RerunGroup(label, said, y + 9, marks)
