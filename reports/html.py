"""The page: one self-contained file that can be read, printed, signed and kept."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from . import _cost_words, _prediction_words, _untried_words, figures, glossary, words
from .clean import clean, clip, prose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from ..diagnostics.document import CheckResult, Diagnosis, Feature

FEATURE_PICTURES = 20
FEATURE_ROWS = 2000
REASON_ROWS = 7


class Exact(str):
    """Text to be shown whole, such as a command to copy; still cleaned and escaped."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page."""

    id: str
    title: str
    question: str


SECTIONS = (
    Section("verdict", "Verdict", "Should we transfer?"),
    Section("why", "Why", "Which facts carry the verdict?"),
    Section("data", "Is there enough data?", "Could we have seen a problem?"),
    Section("domains", "How different are the domains?", "Do the columns differ, beyond chance?"),
    Section("labels", "Do labels mean the same?", "Do the labels, or their relation, differ?"),
    Section("gap", "The gap", "How big is it, and how do we know?"),
    Section("columns", "Where does it differ?", "Which columns?"),
    Section("strategies", "What can we do?", "Which strategy?"),
    Section("fragile", "How fragile is this?", "Would another seed say otherwise?"),
    Section("method", "How to read this", "What do the terms mean, and how was it made?"),
)


def render_html(diagnosis: Diagnosis, *, date: str | None = None) -> str:
    """Return the report as one self-contained HTML page.

    Parameters
    ----------
    diagnosis : Diagnosis
        The finished document.
    date : str, optional
        The date to print in the identity strip.  The document has no clock, so without it
        the page names no date, and the same document gives the same bytes.

    Returns
    -------
    str
        The page: no script, no external address, readable on paper and in the dark.
    """
    return environment().get_template("page.html.j2").render(_context(diagnosis, date))


@cache
def environment() -> Environment:
    """Return the templates' environment: everything printed is cleaned, then escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def finalize(value: Any) -> Any:
        if value is None:
            return words.MISSING
        if isinstance(value, Markup):
            return value
        if isinstance(value, Exact):
            return clean(value)
        if isinstance(value, str):
            return prose(value)
        if isinstance(value, float):
            return f"{value:g}" if math.isfinite(value) else words.MISSING
        return value

    env = Environment(
        loader=PackageLoader("negtransfer.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters |= {
        "num": words.number,
        "count": words.count,
        "percent": words.percent,
        "p": words.p_value,
        "chance": words.chance,
        "plural": words.plural,
        "clip": lambda text, length=48: clip(clean(text[:20_000]), length),
        "exact": lambda text, most=20_000: Exact(text[:most]),
        "css": _css_string,
        "svg": lambda value: Markup(f"{value:g}"),
    }
    env.globals |= {"w": words, "fig": figures, "glossary": glossary, "told": _prediction_words}
    env.globals |= {"cost": _cost_words, "untried": _untried_words}
    return env


def _context(d: Diagnosis, date: str | None) -> dict[str, Any]:
    unclear = d.verdict.label == "not-enough-evidence"
    features = _by_effect(d.features)
    gaps = [s.gap for s in d.strategies if s.gap]
    axis = figures.gap_axis(gaps, d.metric, 6, 234)
    headline = [d.verdict.gap] if d.verdict.gap else []
    headline += [gap for _, gap in figures.beside(d.verdict.gap)]
    owner = words.gap_owner(d)
    return {
        "d": d,
        "v": d.verdict,
        "date": date,
        "unclear": unclear,
        "sections": _ordered(unclear, again=bool(d.sensitivity)),
        "anchors": _anchors(d),
        "groups": {
            g: [(i, c) for i, c in enumerate(d.checks) if c.group == g]
            for g in ("quality", "distributions", "tasks", "model", "pilot")
        },
        "states": {s: sum(c.state == s for c in d.checks) for s in words.STATE_GLYPHS},
        "not_run": _not_run(d),
        "pictured": features[:FEATURE_PICTURES],
        "features": features[:FEATURE_ROWS],
        "strategy_axis": axis,
        "strategies": [
            figures.StrategyRow(
                s,
                figures.gap_bar(s.gap, axis, d.metric),
                words.gap_words(s.gap, d.metric) if s.gap else None,
                s is owner,
            )
            for s in d.strategies
        ],
        "gap_axis": figures.gap_axis(headline, d.metric, 8, 392),
        "gap": words.gap_words(d.verdict.gap, d.metric) if d.verdict.gap else None,
        "p_harm": d.verdict.p_harm
        if d.verdict.p_harm is not None or d.verdict.gap is None
        else d.verdict.gap.p_harm,
        "labels_needed": _labels_needed(d),
        "reason_rows": REASON_ROWS,
    }


def _ordered(unclear: bool, *, again: bool) -> list[Section]:
    """Put the question of enough data second where the answer is that there is not.

    Without reruns nothing is known of how fragile the verdict is, and the section is left out.
    """
    order = [section for section in SECTIONS if again or section.id != "fragile"]
    if unclear:
        order.insert(1, order.pop(2))
    return order


def _not_run(d: Diagnosis) -> list[list[CheckResult]]:
    """Return the checks without a result, those together that failed in the same way."""
    alike: dict[tuple[str, ...], list[CheckResult]] = {}
    for c in d.checks:
        if c.state in ("insufficient", "error"):
            alike.setdefault((c.state, c.not_run_reason or c.message, c.remedy), []).append(c)
    return list(alike.values())


def _labels_needed(d: Diagnosis) -> int | None:
    """Return the labelled rows wanted: in each class where there are classes, else in all."""
    check = next((c for c in d.checks if c.id == "NT102"), None)
    if check is None:
        return None
    if not (d.source.classes or d.target.classes):
        return check.n_required
    each = check.facts.get("classes_needed_rows")
    return each if isinstance(each, int) else None


def _anchors(d: Diagnosis) -> list[str]:
    """Return one unique anchor a check, its id where that is usable."""
    seen: list[str] = []
    taken = {s.id for s in SECTIONS} | {"identity", "top"}
    for check in d.checks:
        base = anchor = re.sub(r"[^A-Za-z0-9_-]", "-", check.id)[:40] or "check"
        number = 2
        while anchor in taken:
            anchor, number = f"{base}-{number}", number + 1
        taken.add(anchor)
        seen.append(anchor)
    return seen


def _by_effect(features: Sequence[Feature]) -> list[Feature]:
    def key(f: Feature) -> float:
        return -f.effect if f.effect is not None and math.isfinite(f.effect) else math.inf

    return sorted(features, key=key)


def _css_string(text: str) -> Any:
    """Return `text` as the inside of a CSS string, everything unusual written as an escape."""
    from markupsafe import Markup

    text = clip(clean(text[:2000]), 60)
    return Markup(re.sub(r"[^A-Za-z0-9 ]", lambda m: f"\\{ord(m.group()):x} ", text))
