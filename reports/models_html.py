"""The page of a comparison of models: one self-contained file, as the page of a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _model_words, figures, words
from .html import Section, environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..diagnostics.document import Gap
    from ..diagnostics.models.document import Candidate, ModelRanking

MOST_CANDIDATES = 60

SECTIONS = (
    Section("verdict", "Verdict", "Does one of the models help?"),
    Section("why", "Why", "Which facts carry the verdict?"),
    Section("models", "Which model?", "Which is best, and which cannot be told apart?"),
    Section("layers", "Which layer?", "Where does a model hold what the labels need?"),
    Section("use", "How to use it", "What to do with each, and what does it gain?"),
    Section("heads", "Source heads", "What do the source's own outputs and labels say?"),
    Section("method", "How to read this", "What do the terms mean, and how was it made?"),
)


@dataclass(frozen=True, slots=True)
class UseRow:
    """A candidate with its gap against the raw inputs, drawn and in words."""

    candidate: Candidate
    bar: Any
    raw: str
    random: str
    best: str
    hurts: bool


def render_models_html(ranking: ModelRanking, *, date: str | None = None) -> str:
    """Return the comparison as one self-contained HTML page.

    Parameters
    ----------
    ranking : ModelRanking
        The finished document.
    date : str, optional
        The date to print in the identity strip.  The document has no clock, so without it
        the page names no date, and the same document gives the same bytes.

    Returns
    -------
    str
        The page: no script, no external address, readable on paper and in the dark.
    """
    return environment().get_template("models_page.html.j2").render(_context(ranking, date))


def _context(r: ModelRanking, date: str | None) -> dict[str, Any]:
    first = r.candidates[0] if r.candidates else None
    gap = first.gap if first is not None else None
    shown = r.candidates[:MOST_CANDIDATES]
    gaps = [c.gap for c in shown if c.gap is not None]
    axis = figures.gap_axis(gaps, r.metric, 6, 234)
    return {
        "d": r,
        "v": r.verdict,
        "mw": _model_words,
        "date": date,
        "unclear": r.verdict.label == "not-enough-evidence",
        "sections": _sections(r),
        "first": first,
        "first_gap": gap,
        "gap": words.gap_words(gap, r.metric) if gap is not None else None,
        "gap_axis": figures.gap_axis([gap] if gap is not None else [], r.metric, 8, 392),
        "shown": shown,
        "more": len(r.candidates) - len(shown),
        "plot": figures.ranking_plot(r, MOST_CANDIDATES),
        "panels": figures.score_panels(r.candidates, MOST_CANDIDATES),
        "strips": figures.strips(r.candidates, MOST_CANDIDATES),
        "use_axis": axis,
        "uses": [_use(c, axis, r) for c in shown],
        "hurting": [c.name for c in r.candidates if _hurts(c.gap)],
    }


def _use(c: Candidate, axis: Any, r: ModelRanking) -> UseRow:
    raw, random, best = (
        _model_words.gap_short(g, r.metric) for g in (c.gap, c.gap_random, c.gap_best)
    )
    return UseRow(c, figures.gap_bar(c.gap, axis, r.metric), raw, random, best, _hurts(c.gap))


def _hurts(gap: Gap | None) -> bool:
    return gap is not None and gap.outcome == "hurts"


def _sections(r: ModelRanking) -> Sequence[Section]:
    """Leave out the source heads where no candidate has one."""
    heads = any(c.source_scores for c in r.candidates)
    return [s for s in SECTIONS if heads or s.id != "heads"]
