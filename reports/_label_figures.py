"""Pictures of labels: how many, how shared out, and how a model confuses them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import words
from .clean import clean, clip
from .scales import Scale, Tick, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..diagnostics.document import Confusion, DomainInfo, LabelShares


@dataclass(frozen=True, slots=True)
class SharesRow:
    """One class: its share on both sides."""

    y: float
    name: str
    source: float
    target: float
    source_words: str
    target_words: str


@dataclass(frozen=True, slots=True)
class SharesPlot:
    """How the labels are shared out, class by class."""

    height: float
    rows: tuple[SharesRow, ...]
    left_out: int
    desc: str


def shares_plot(shares: LabelShares, most: int = 24) -> SharesPlot:
    """Return paired bars, at most `most` classes; the table beside it has all."""
    triples = list(zip(shares.names, shares.source, shares.target, strict=False))
    scale = fit([0.0, *(v for t in triples for v in t[1:])], 0, 200, pad=0)
    rows = tuple(
        SharesRow(
            8 + 36 * i,
            clip(clean(name), 15),
            scale(source),
            scale(target),
            words.percent(source),
            words.percent(target),
        )
        for i, (name, source, target) in enumerate(triples[:most])
    )
    said = [f"{r.name}: source {r.source_words}, target {r.target_words}" for r in rows[:6]]
    return SharesPlot(12 + 36 * len(rows), rows, len(triples) - len(rows), "; ".join(said))


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a confusion matrix."""

    x: float
    y: float
    shade: float
    text: str
    diagonal: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """One confusion matrix: rows true, columns predicted."""

    side: str
    caption: str
    size: float
    step: float
    foot: float
    font: float
    cells: tuple[Cell, ...]
    names: tuple[tuple[float, str], ...]
    desc: str
    table: tuple[tuple[str, tuple[str, ...]], ...]


MATRIX_SIDE = 220

MATRIX_MOST = 30


def matrices(confusion: Confusion) -> tuple[Matrix, ...]:
    """Return the pair of matrices there are: at home, and on the target."""
    sides = (
        ("source", "At home: the source model, cross-validated on the source", confusion.home),
        ("target", "Away: the same model on the target's labels", confusion.away),
    )
    return tuple(_matrix(side, cap, confusion.names, m) for side, cap, m in sides if m)


def _matrix(side: str, caption: str, names: Sequence[str], rows: list[list[float]]) -> Matrix:
    k = len(rows)
    shown = min(k, MATRIX_MOST)
    step = round(MATRIX_SIDE / shown, 2)
    numbers = shown <= 12
    cells = tuple(
        Cell(
            round(j * step, 1),
            round(i * step, 1),
            round(0.5 * min(1.0, max(0.0, v)), 2),
            f"{100 * v:.0f}" if numbers else "",
            i == j,
        )
        for i, row in enumerate(rows[:shown])
        for j, v in enumerate(row[:shown])
        if math.isfinite(v)
    )
    short = [clip(clean(str(n)), 12 if shown <= 12 else 7) for n in names[:shown]]
    right = [row[i] for i, row in enumerate(rows[:6]) if i < len(row)]
    said = "; ".join(f"{n}: {words.percent(p)} right" for n, p in zip(short, right, strict=False))
    return Matrix(
        side,
        caption,
        round(step * shown, 1),
        step,
        36 if step >= 80 else 80,
        round(min(13.0, 0.42 * step), 1),
        cells,
        tuple((round((i + 0.5) * step, 1), n) for i, n in enumerate(short)),
        f"Share of each true class that is predicted as each class. {said}",
        tuple((n, tuple(map(words.percent, r))) for n, r in zip(names, rows, strict=False)),
    )


@dataclass(frozen=True, slots=True)
class CountRow:
    """Labelled rows of one class on both sides."""

    y: float
    name: str
    source: float | None
    target: float | None
    source_words: str
    target_words: str


@dataclass(frozen=True, slots=True)
class CountsPlot:
    """Labelled rows per class on a logarithmic axis, with the number wanted."""

    height: float
    rows: tuple[CountRow, ...]
    needed: float | None
    needed_words: str
    ticks: tuple[Tick, ...]
    left_out: int
    desc: str


def counts_plot(
    source: DomainInfo, target: DomainInfo, needed: int | None, most: int = 24
) -> CountsPlot | None:
    """Return dots for the labelled rows per class, or in all where there are no classes."""
    here, there = source.classes or {}, target.classes or {}
    if not here and not there:
        here, there = {"labelled rows": source.n_labelled}, {"labelled rows": target.n_labelled}
    names = list(dict.fromkeys([*here, *there]))
    top = max([10, needed or 0, *here.values(), *there.values()])
    scale = Scale(0, math.log10(1 + top), 120, 372)

    def x(n: int) -> float:
        return scale(math.log10(1 + n))

    rows = []
    for i, name in enumerate(names[:most]):
        a, b = here.get(name, 0), there.get(name, 0)
        rows.append(
            CountRow(18 + 22 * i, clip(clean(name), 15), x(a), x(b), words.count(a), words.count(b))
        )
    marks = [10**k for k in range(1, 10) if 10**k <= top]
    while len(marks) > 5:
        marks = marks[::2]
    said = [
        f"{r.name}: {r.source_words} in the source, {r.target_words} in the target" for r in rows
    ]
    return CountsPlot(
        18 + 22 * len(rows),
        tuple(rows),
        x(needed) if needed else None,
        words.count(needed),
        tuple(Tick(x(n), words.count(n)) for n in [0, *marks]),
        len(names) - len(rows),
        "Labelled rows. " + "; ".join(said[:6]),
    )
