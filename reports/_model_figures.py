"""Pictures of a comparison of models: which one, and what the scores beside the probe say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _model_words as told
from . import words
from .scales import Scale, Tick, fit, ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..diagnostics.models.document import Bracket, Candidate, ModelRanking, Score

STEP = 36
MOST_LANES = 12
LEFT, RIGHT = 10.0, 390.0


@dataclass(frozen=True, slots=True)
class RankRow:
    """One candidate: its error on the axis that all share."""

    y: float
    name: str
    state: told.State
    value: float | None
    interval: tuple[float, float] | None
    beside: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A line that the candidates are held against."""

    kind: str
    x: float
    label: str
    anchor: str
    band: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Joined:
    """Candidates that cannot be told apart, joined at the side of the picture."""

    x: float
    ys: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RankingPlot:
    """Measured errors, best first, with what cannot be told apart joined by brackets."""

    height: float
    end: float
    rows: tuple[RankRow, ...]
    references: tuple[Reference, ...]
    brackets: tuple[Joined, ...]
    left_out: int
    ticks: tuple[Tick, ...]
    unit: str
    desc: str


def ranking_plot(ranking: ModelRanking, most: int = 60) -> RankingPlot | None:
    """Return the candidates' errors on one axis, or None where no candidate has one."""
    shown = ranking.candidates[:most]
    if not any(_known(c.error) for c in shown):
        return None
    lanes, left_out = _lanes(ranking.brackets, [c.name for c in shown])
    n_lanes = 1 + max((lane for lane, _ in lanes), default=-1)
    width = min(11.0, 84 / n_lanes) if n_lanes else 0.0
    end = RIGHT - (width * n_lanes + 8 if n_lanes else 0)
    scale, far = _axis(ranking, shown, end)
    top = 34.0
    ys = [round(top + STEP * i + 24, 1) for i in range(len(shown))]
    f = ranking.metric.scale
    return RankingPlot(
        round(top + STEP * len(shown) + 4, 1),
        end,
        tuple(_row(c, y, scale, f) for c, y in zip(shown, ys, strict=True)),
        _references(ranking, scale, far),
        tuple(
            Joined(round(end + 8 + width * (lane + 0.5), 1), tuple(ys[i] for i in members))
            for lane, members in lanes
        ),
        left_out,
        tuple(Tick(scale(t), words.number(t)) for t in ticks(scale.low, scale.high, 5)),
        f"{ranking.metric.error_name}, {ranking.metric.unit}",
        _finding(ranking, shown),
    )


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _axis(
    ranking: ModelRanking, shown: Sequence[Candidate], end: float
) -> tuple[Scale, float | None]:
    """Return the axis, and the error of a constant where that lies too far away to be on it."""
    f = ranking.metric.scale
    values = [c.error for c in shown]
    values += [v for c in shown if (i := c.error_interval) for v in (i.low, i.high)]
    if (raw := ranking.raw_probe) is not None:
        values += [raw.error, raw.interval.low, raw.interval.high]
    known = [v * f for v in values if v is not None and math.isfinite(v)]
    chance, far = told.chance_error(ranking), None
    if chance is not None and _known(chance):
        low, high = min(known), max(known)
        if chance * f > high + 1.2 * (high - low):
            far = chance
        else:
            known.append(chance * f)
    scale = fit(known, LEFT, end)
    if scale.low < 0 <= min(known):  # an error below zero there is not
        scale = Scale(0.0, scale.high, LEFT, end)
    return scale, far


def _row(c: Candidate, y: float, scale: Scale, f: float) -> RankRow:
    i = c.error_interval
    rank = "no rank" if c.rank is None else f"rank {told.rank_words(c.rank)}"
    return RankRow(
        y,
        told.short(c.name, 27),
        told.outcome_state(c.gap),
        scale(c.error * f) if c.error is not None else None,
        (scale(i.low * f), scale(i.high * f)) if i is not None else None,
        f"{told.outcome_words(c.gap)} · {rank}",
    )


def _references(ranking: ModelRanking, scale: Scale, far: float | None) -> tuple[Reference, ...]:
    f, metric = ranking.metric.scale, ranking.metric
    found = []
    if (raw := ranking.raw_probe) is not None:
        label = f"raw inputs {words.in_metric(raw.error, metric, bare=True)}"
        band = (scale(raw.interval.low * f), scale(raw.interval.high * f))
        found.append(_reference("raw", scale(raw.error * f), label, scale, band))
    if (chance := told.chance_error(ranking)) is not None:
        label = f"constant {words.in_metric(chance, metric, bare=True)}"
        if far is None:
            found.append(_reference("chance", scale(chance * f), label, scale, None))
        else:
            found.append(Reference("far", scale.end, f"{label}: further right →", "end", None))
    return tuple(found)


def _reference(
    kind: str, x: float, label: str, scale: Scale, band: tuple[float, float] | None
) -> Reference:
    right = x > (scale.start + scale.end) / 2
    return Reference(kind, x, label, "end" if right else "start", band)


def _lanes(
    brackets: Iterable[Bracket], names: Sequence[str]
) -> tuple[list[tuple[int, list[int]]], int]:
    """Return each bracket's lane and rows; brackets in the same lane do not touch."""
    places = {name: i for i, name in reversed(list(enumerate(names)))}
    runs = [sorted({places[m] for m in b.members if m in places}) for b in brackets]
    found: list[tuple[int, list[int]]] = []
    last: list[int] = []
    left_out = 0
    for run in sorted((r for r in runs if len(r) > 1), key=lambda r: r[0]):
        lane = next((k for k, end in enumerate(last) if end < run[0]), len(last))
        if lane >= MOST_LANES:
            left_out += 1
            continue
        last[lane:] = [run[-1], *last[lane + 1 :]]
        found.append((lane, run))
    return found, left_out


def _finding(ranking: ModelRanking, shown: Sequence[Candidate]) -> str:
    metric = ranking.metric
    said = [
        f"{told.short(c.name, 32)}: {told.error_words(c, metric)} {metric.unit}, "
        f"{told.rank_sentence(c.rank)}, {told.outcome_words(c.gap)[2:]}"
        for c in shown[:6]
    ]
    return ". ".join([*said, *told.separation(ranking)[:6]])


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One candidate's score on its best layer."""

    y: float
    name: str
    start: float
    end: float
    value_words: str


@dataclass(frozen=True, slots=True)
class ScorePanel:
    """One score of all candidates: 0 by chance, 1 at best."""

    name: str
    label_only: bool
    height: float
    zero: float
    one: float
    rows: tuple[ScoreRow, ...]
    ticks: tuple[Tick, ...]
    desc: str


def score_panels(candidates: Sequence[Candidate], most: int = 60) -> tuple[ScorePanel, ...]:
    """Return a panel for every score that any candidate has on its best layer."""
    shown = candidates[:most]
    scored = [(c, {s.name: s for s in told.best_scores(c)}) for c in shown]
    names = dict.fromkeys(name for _, scores in scored for name in scores)
    return tuple(_panel(name, [(c, scores.get(name)) for c, scores in scored]) for name in names)


def _panel(name: str, scored: Sequence[tuple[Candidate, Score | None]]) -> ScorePanel:
    values = [s.normalised if s is not None else None for _, s in scored]
    known = [v for v in values if v is not None and math.isfinite(v)]
    low, high = min(0.0, *known, 0.0), max(1.0, *known, 1.0)
    scale = Scale(low, high, 104, 224)
    rows = tuple(
        ScoreRow(
            6.0 + 18 * i,
            f"{i + 1} {told.short(c.name, 12)}",
            min(scale(0.0), scale(v)) if _known(v) and v is not None else scale(0.0),
            max(scale(0.0), scale(v)) if _known(v) and v is not None else scale(0.0),
            words.number(v, 2),
        )
        for i, ((c, _), v) in enumerate(zip(scored, values, strict=True))
    )
    said = ", ".join(f"{r.name[2:].strip()} {r.value_words}" for r in rows[:6])
    return ScorePanel(
        told.score_name(name),
        any(s.label_only for _, s in scored if s is not None),
        8.0 + 18 * len(rows),
        scale(0.0),
        scale(1.0),
        rows,
        (Tick(scale(0.0), "0"), Tick(scale(1.0), "1")),
        f"0 is chance, 1 the best there can be. {said}",
    )
