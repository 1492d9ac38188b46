"""The terminal view: the answer in under 25 lines, and one line for programs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _cost_words, _untried_words, words
from . import _prediction_words as told
from .clean import clean, clip, prose

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..diagnostics.document import Diagnosis, Reason

MOST_LINES = 24
_LABEL_WIDTH = 13

_VERDICT_STYLES = {
    "transfer": "bold green",
    "transfer-with-adaptation": "bold cyan",
    "caution": "bold yellow",
    "do-not-transfer": "bold magenta",
    "not-enough-evidence": "bold",
}
_STATE_STYLES = {"pass": "green", "warn": "yellow", "fail": "magenta"}


@dataclass(frozen=True, slots=True)
class _Room:
    """How much may be said; tried from generous to terse until the view fits."""

    sentence: int
    item: int  # lines for a reason
    reasons: int
    others: int  # counter-reasons, and things not tested
    fix: int
    long: int = 0  # reasons that get one line more
    blank: bool = True
    untried: bool = False  # learners that were not tried; always in the report


_ROOMS = (
    _Room(4, 3, 5, 3, 4, untried=True),
    _Room(3, 2, 5, 3, 3, untried=True),
    _Room(3, 2, 5, 2, 3, untried=True),
    _Room(3, 2, 5, 1, 3, untried=True),
    *(_Room(3, 1, 5, 2, 3, long) for long in (5, 4, 3)),
    *(_Room(3, 1, 5, 1, 3, long) for long in (5, 4, 3, 2, 1, 0)),
    *(_Room(3, 1, reasons, 1, 3, blank=False) for reasons in (5, 4, 3)),
    _Room(2, 1, 4, 1, 2, blank=False),
    _Room(2, 1, 3, 1, 1, blank=False),
)

_Line = list[tuple[str, str]]


def render_text(
    diagnosis: Diagnosis,
    *,
    color: bool = False,
    width: int = 80,
    html: str | None = None,
    json: str | None = None,
) -> str:
    """Return the terminal view of a diagnosis.

    Parameters
    ----------
    diagnosis : Diagnosis
        The finished document.
    color : bool, default False
        Add terminal colours.  State is always a glyph and a word as well.
    width : int, default 80
        Columns of the terminal; values under 40 are taken as 40.
    html, json : str, optional
        Where the page and the document were written, to be named at the end.

    Returns
    -------
    str
        Under 25 lines, ending in a line feed.  The last line is one sentence for programs,
        never wrapped: ``verdict=... gap=... [low,high] p_harm=... checks=ran/total html=...``
        with the gap in the metric's unit, positive where transfer hurts.
    """
    width = max(40, width)
    last = _machine_line(diagnosis, html, json)
    lines: list[_Line] = []
    for room in _ROOMS:
        lines = _body(diagnosis, room, width, html, json)
        if len(lines) < MOST_LINES:
            break
    lines = lines[: MOST_LINES - 1]
    if color:
        return _colored(lines, width) + last + "\n"
    return "".join("".join(t for t, _ in line).rstrip() + "\n" for line in lines) + last + "\n"


def _body(d: Diagnosis, room: _Room, width: int, html: str | None, json: str | None) -> list[_Line]:
    v = d.verdict
    lines: list[_Line] = [
        [
            (f"{words.VERDICT_GLYPHS[v.label]} {v.label}", _VERDICT_STYLES[v.label]),
            ("" if d.status == "complete" else " (partial run)", ""),
        ],
        *_wrap(v.sentence, width, room.sentence),
        *([[]] if room.blank else []),
        *_labelled("Compared", _sides(d), width, 1),
        *_labelled("Setting", _setting(d), width, 1),
        *_labelled("Recommended", _strategy(d), width, 2),
    ]
    if v.gap is not None:
        lines += _labelled("Gap", _gap(d), width, 3)
        lines += _labelled("Gap from", _origin(d), width, 3)
        if told.extrapolated(v.gap):
            beyond = f"the calibrated range: {told.outside(v.gap, 3)}"
            lines += _labelled("Outside", beyond, width, 2)
    lines += _labelled("Worth", _worth(d), width, 2)
    if d.label_plan is not None:
        lines += _labelled("More labels", d.label_plan.sentence, width, 3)
    if d.sensitivity:
        lines += _labelled("Other seeds", _fragility(d), width, 2)
    lines += _reasons("Why", v.reasons, room.reasons, room, width)
    lines += _reasons(words.counter_title(d), v.counter_reasons, room.others, room, width)
    if v.untested:
        lines += _head("Could not be tested", len(v.untested), room.others, width)
        for sentence in v.untested[: room.others]:
            lines += _wrap(sentence, width, room.item, "  ◇ ", "    ")
    lines += _labelled("Would change", _fix(d), width, room.fix)
    if d.lost_columns:
        lines += _labelled("Not used", _lost(d), width, 1)
    if room.untried:
        lines += _labelled("Not tried", _untried_words.in_short(d), width, 2)
    if d.cost is not None:
        lines += _labelled("Pilot cost", _cost_words.in_short(d.cost), width, 1)
    where = "  ".join(_path(p) for p in (html, json) if p)
    if where:
        lines += _labelled("Details in", where, width, 1)
    return lines


def _sides(d: Diagnosis) -> str:
    source, target = (
        f"{clip(clean(s.name), 16)} ({words.plural(s.n_rows, 'row')}"
        + ("" if s.n_labelled == s.n_rows else f", {words.count(s.n_labelled)} labelled")
        + ")"
        for s in (d.source, d.target)
    )
    return f"{source} → {target}"


def _setting(d: Diagnosis) -> str:
    task = "no labels" if d.task is None else f"{d.task} label ({d.task_origin})"
    return f"{task}; {clean(d.setting.name)}"


def _strategy(d: Diagnosis) -> str:
    v = d.verdict
    learner = f", learner {v.learner}" if v.learner else ""
    title = words.sentence(v.strategy_title).rstrip(".")
    return f"{title} ({v.strategy}{learner})" if title else f"{v.strategy}{learner}"


def _gap(d: Diagnosis) -> str:
    gap = d.verdict.gap
    assert gap is not None
    w = words.gap_words(gap, d.metric)
    of = f" of {d.metric.error_name}" if d.metric else ""
    return (
        f"{w.estimate} {w.unit}{of} ({w.level} interval {w.interval}); chance of harm "
        f"{words.chance(_p_harm(d))}; {words.gap_belongs(d)}"
    )


def _origin(d: Diagnosis) -> str:
    gap = d.verdict.gap
    assert gap is not None
    said = (told.origin_in_short(d), told.pilot_says(gap, d.metric))
    return "; ".join(filter(None, said))


def _worth(d: Diagnosis) -> str:
    """Say what transfer is worth in labels; nothing where it is none, which the gap says."""
    found = d.outlook.worth if d.outlook else None
    if found is None or found.p_none >= 0.5:
        return ""
    return f"Transfer now: {found.words}"


def _fragility(d: Diagnosis) -> str:
    reach = words.gap_range(d.sensitivity, d.metric)
    return f"{words.fragility(d)} Gap {reach}."


def _reasons(
    title: str, reasons: Sequence[Reason], most: int, room: _Room, width: int
) -> list[_Line]:
    if not reasons:
        return []
    lines = _head(title, len(reasons), most, width)
    for i, reason in enumerate(reasons[:most]):
        glyph = words.STATE_GLYPHS[reason.state]
        lead = f"  {glyph} {clip(clean(reason.check_id), 12)} "
        lines += _wrap(
            reason.sentence,
            width,
            room.item + (i < room.long and most == room.reasons),
            lead,
            "    ",
            _STATE_STYLES.get(reason.state, ""),
        )
    return lines


def _head(title: str, total: int, most: int, width: int) -> list[_Line]:
    if total > most:
        full = f"{title} ({most} of {total}; all in the report)"
        title = full if len(full) <= width else f"{title} ({most} of {total})"
    return [[(title, "bold")]]


def _fix(d: Diagnosis) -> str:
    v = d.verdict
    said = words.would_change(d)
    if v.label == "not-enough-evidence" and v.safest_default:
        said += f" Until then: {v.safest_default.strip().rstrip('.')}."
    return said.strip()


def _lost(d: Diagnosis) -> str:
    names = [clip(clean(c.name), 20) for c in d.lost_columns[:3]]
    more = len(d.lost_columns) - len(names)
    tail = f" and {more} more" if more else ""
    return f"{words.plural(len(d.lost_columns), 'column')}: {', '.join(names)}{tail}"


def _path(path: str) -> str:
    return clean(str(path))


def _p_harm(d: Diagnosis) -> float | None:
    gap = d.verdict.gap
    return d.verdict.p_harm if d.verdict.p_harm is not None or gap is None else gap.p_harm


def _machine_line(d: Diagnosis, html: str | None, json: str | None) -> str:
    gap = d.verdict.gap
    parts = [f"verdict={d.verdict.label}"]
    if gap is None or not math.isfinite(gap.estimate):
        parts.append("gap=none")
    else:
        w = words.gap_words(gap, d.metric)
        estimate, low, high = (
            v.replace(words.MINUS, "-").replace("+", "").replace(",", "")
            for v in (w.estimate, w.low, w.high)
        )
        parts.append(f"gap={estimate} [{low},{high}]")
    harm = _p_harm(d)
    parts.append("p_harm=none" if harm is None else f"p_harm={harm:.2f}")
    parts.append(f"checks={words.ran(d)}")
    parts += [f"{key}={_path(p)}" for key, p in (("html", html), ("json", json)) if p]
    return " ".join(parts)


def _labelled(label: str, text: str, width: int, most: int) -> list[_Line]:
    if not text:
        return []
    lead = f"{label:<{_LABEL_WIDTH - 1}} "
    return _wrap(text, width, most, lead, " " * _LABEL_WIDTH, "bold")


def _wrap(
    text: str, width: int, most: int, lead: str = "", indent: str = "", style: str = ""
) -> list[_Line]:
    """Wrap to at most `most` lines of `width` cells; what does not fit ends in an ellipsis."""
    from rich.cells import cell_len, chop_cells

    rows: list[str] = []
    row, used, limit = "", 0, width - cell_len(lead)
    for word in _pieces(prose(text).split(" "), width - max(cell_len(lead), cell_len(indent)) - 1):
        size = cell_len(word)
        if row and used + 1 + size > limit:
            rows.append(row)
            row, used, limit = "", 0, width - cell_len(indent)
        row, used = (f"{row} {word}", used + 1 + size) if row else (word, size)
    rows.append(row)
    if len(rows) > most:
        start = lead if most == 1 else indent
        room = width - cell_len(start) - 1
        kept = rows[most - 1]
        rows = [*rows[: most - 1], (chop_cells(kept, room) or [""])[0].rstrip(" .,;:") + "…"]
    first, *rest = (row.replace(words.NBSP, " ") for row in rows)
    return [[(lead, style), (first, "")], *([(indent + r, "")] for r in rest)]


def _pieces(parts: Iterable[str], limit: int) -> Iterable[str]:
    from rich.cells import chop_cells

    for part in filter(None, parts):
        yield from chop_cells(part, max(1, limit))


def _colored(lines: list[_Line], width: int) -> str:
    """Colour through rich, which also knows of ``NO_COLOR``; plain where that fails."""
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    out = StringIO()
    console = Console(
        file=out,
        force_terminal=True,
        color_system="standard",
        width=max(width, 2000),  # wrapped already
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for line in lines:
        text = Text()
        for part, style in line:
            text.append(part, style=style)
        text.rstrip()
        console.print(text, soft_wrap=True)
    return out.getvalue()
