"""What is predicted for learners that were not tried, in words and as rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import words
from .clean import clean, clip

if TYPE_CHECKING:
    from ..diagnostics.document import Diagnosis, Gap, UntriedLearner


@dataclass(frozen=True, slots=True)
class Row:
    """One strategy with a learner that was not tried."""

    learner: str
    title: str
    first: bool
    n_rows: int
    strategy: str
    best: bool
    gap: Gap


def rows(d: Diagnosis) -> list[Row]:
    """Return the rows of the table, one learner after the other."""
    return [
        Row(
            one.learner, one.title, i == 0, len(one.gaps), found.strategy,
            found.strategy == one.strategy, found.gap,
        )
        for one in d.untried
        for i, found in enumerate(one.gaps)
    ]  # fmt: skip


def in_short(d: Diagnosis) -> str:
    """Return one line of the terminal: each learner's gap with its best strategy."""
    found = [text for one in d.untried if (text := _one(one, d))]
    if not found:
        return ""
    unit = d.metric.unit if d.metric else "of error"
    piloted = clip(clean(d.untried[0].piloted), 16)
    return f"{', '.join(found)} {unit}; predicted from the {piloted} pilot"


def _one(one: UntriedLearner, d: Diagnosis) -> str:
    gap = next((found.gap for found in one.gaps if found.strategy == one.strategy), None)
    if gap is None:
        return ""
    w = words.gap_words(gap, d.metric)
    return f"{clip(clean(one.learner), 16)} {w.estimate} ({w.interval})"
