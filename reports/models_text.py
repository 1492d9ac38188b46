"""The terminal view of a comparison of models: under 25 lines, and one line for programs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _model_words as told
from . import words
from .clean import clean
from .text import _VERDICT_STYLES, MOST_LINES, _colored, _head, _labelled, _Line, _path, _wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..diagnostics.document import MetricInfo
    from ..diagnostics.models.document import Candidate, ModelRanking

WIDTH = 80
_STATE_STYLES = {"pass": "green", "fail": "magenta"}
_SHORT_USES = {
    "frozen features with a linear probe": "probe",
    "fine-tune from layer": "tune from",
    "fine-tune all layers": "tune all",
    "train from scratch": "scratch",
}
_USES = {
    "probe": "linear probe on the frozen layer",
    "tune from": "fine-tune from that layer on",
    "tune all": "fine-tune all layers",
    "scratch": "train from scratch",
}


@dataclass(frozen=True, slots=True)
class _Room:
    """How much may be said; tried from generous to terse until the view fits."""

    candidates: int
    sentence: int = 3
    brackets: int = 3
    untested: int = 3
    lines: int = 2  # for one thing not tested, one bracket, the change
    blank: bool = True


_ROOMS = (
    _Room(10),
    _Room(8, brackets=2, untested=2),
    _Room(8, brackets=2, untested=1),
    _Room(6, brackets=1, untested=2),
    _Room(6, brackets=1, untested=1),
    _Room(5, brackets=1, untested=1),
    _Room(4, brackets=1, untested=1),
    _Room(5, brackets=1, untested=1, lines=1),
    _Room(4, 2, 1, 1, 1, blank=False),
)


def render_models_text(
    ranking: ModelRanking,
    *,
    color: bool = False,
    html: str | None = None,
    json: str | None = None,
) -> str:
    """Return the terminal view of a comparison of models.

    Parameters
    ----------
    ranking : ModelRanking
        The finished document.
    color : bool, default False
        Add terminal colours.  State is always a glyph and a word as well.
    html, json : str, optional
        Where the page and the document were written, to be named at the end.

    Returns
    -------
    str
        Under 25 lines of at most 80 columns, ending in a line feed.  The last line is one
        sentence for programs, never wrapped: ``verdict=... candidate=... layer=... gap=...
        [low,high] p_harm=... candidates=N html=...``.  The gap is that of the candidate ranked
        first, against the raw inputs, in the metric's unit, positive where it hurts; blanks in
        names are written as underscores, and what is not there is ``none``.
    """
    last = _machine_line(ranking, html, json)
    lines: list[_Line] = []
    for room in _ROOMS:
        lines = _body(ranking, room, html, json)
        if len(lines) < MOST_LINES:
            break
    lines = lines[: MOST_LINES - 1]
    if color:
        return _colored(lines, WIDTH) + last + "\n"
    return "".join("".join(t for t, _ in line).rstrip() + "\n" for line in lines) + last + "\n"


def _body(r: ModelRanking, room: _Room, html: str | None, json: str | None) -> list[_Line]:
    v = r.verdict
    lines: list[_Line] = [
        [(f"{words.VERDICT_GLYPHS[v.label]} {v.label}", _VERDICT_STYLES[v.label])],
        *_wrap(v.sentence, WIDTH, room.sentence),
        *([[]] if room.blank else []),
        *_labelled("Target", _target(r), WIDTH, 1),
        *_labelled("Recommended", _advice(r), WIDTH, 2),
        *_table(r, room.candidates),
        *_apart(r, room),
        *_labelled("Harm", _harm(r), WIDTH, room.lines),
    ]
    if v.untested:
        lines += _head("Not tested", len(v.untested), room.untested, WIDTH)
        for sentence in v.untested[: room.untested]:
            lines += _wrap(sentence, WIDTH, room.lines, "  ◇ ", "    ")
    lines += _labelled("Would change", words.sentence(v.would_change_if), WIDTH, room.lines)
    where = "  ".join(_path(p) for p in (html, json) if p)
    return lines + (_labelled("Details in", where, WIDTH, 1) if where else [])


def _target(r: ModelRanking) -> str:
    t = r.target
    parts = [
        f"{told.short(t.name, 24) or 'unnamed'} ({words.plural(t.n_rows, 'row')}, "
        f"{words.count(t.n_labelled)} labelled)",
        words.plural(len(t.classes), "class", "classes") if t.classes else "",
        f"metric {r.metric.name}",
    ]
    return ", ".join(filter(None, parts))


def _advice(r: ModelRanking) -> str:
    v = r.verdict
    if v.action is None:
        return ""
    use = told.verdict_use(r)
    if v.candidate is None:
        return words.sentence(use)
    name = told.short(v.candidate, 32)
    if v.label in ("caution", "not-enough-evidence"):
        return f"nothing for sure; if {name} is used: {use}."
    return f"{name}: {use}."


# --- the table of candidates


def _table(r: ModelRanking, most: int) -> list[_Line]:
    """Return the candidates in columns, as wide as they need and as there is room for."""
    shown = r.candidates[:most]
    if not shown:
        return []
    unit = told.short(r.metric.unit, 12)
    head = ("Rank", "Model", "Error", "Gap to raw inputs", "", "Layer", "Use")
    rows = [_cells(c, r.metric) for c in shown]
    widths = [max(len(x[k]) for x in (head, *rows)) for k in range(len(head))]
    spare = WIDTH - sum(widths) - len(widths) + 1
    for k, least in ((1, 10), (5, 7), (6, 7), (1, 6), (5, 5)):  # names give way first
        cut = min(max(0, -spare), max(0, widths[k] - least))
        widths[k], spare = widths[k] - cut, spare + cut
    title = f"Best first ({unit}; {_level(shown)} in brackets)"
    more = len(r.candidates) - len(shown)
    lines: list[_Line] = [[(title, "bold"), (f", {more} more in the report" if more else "", "")]]
    lines.append([(_row(head, widths), "")])
    lines += [
        [(_row(x, widths), _STATE_STYLES.get(told.outcome_state(c.gap), ""))]
        for c, x in zip(shown, rows, strict=True)
    ]
    used = dict.fromkeys(_SHORT_USES[c.action] for c in shown if c.action is not None)
    key = "; ".join(f"{u}: {_USES[u]}" for u in used)
    return lines + (_wrap(key, WIDTH, 1, "  ", "  ") if key else [])


def _level(shown: Sequence[Candidate]) -> str:
    levels = [c.rank.level for c in shown if c.rank] + [c.gap.level for c in shown if c.gap]
    return f"{words.percent(levels[0])} intervals" if levels else "intervals"


def _cells(c: Candidate, metric: MetricInfo) -> tuple[str, ...]:
    rank = words.MISSING
    if c.rank is not None:
        span = f" ({c.rank.low}-{c.rank.high})" if c.rank.low < c.rank.high else ""
        rank = f"{c.rank.estimate}{span}"
    gap = words.MISSING
    if c.gap is not None:
        w = words.gap_words(c.gap, metric)
        gap = f"{w.estimate} ({w.low} to {w.high})"
    use = _SHORT_USES[c.action] if c.action is not None else words.MISSING
    if c.action == "fine-tune from layer":
        use += f" {_name(c.action_layer)}"
    return (
        rank,
        _name(c.name),
        words.in_metric(c.error, metric, bare=True),
        gap,
        told.outcome_words(c.gap),
        _name(c.best_layer),
        use,
    )


def _name(text: str | None) -> str:
    return words.MISSING if text is None else told.short(text, 40)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    from rich.cells import cell_len, set_cell_size

    return " ".join(
        set_cell_size(text if cell_len(text) <= n else told.short(text, n), n)
        for text, n in zip(cells, widths, strict=True)
    )


def _apart(r: ModelRanking, room: _Room) -> list[_Line]:
    """Say which candidates cannot be told apart."""
    sentences = told.separation(r, 5)
    lines: list[_Line] = []
    for i, sentence in enumerate(sentences[: room.brackets]):
        more = len(sentences) - room.brackets
        if i == room.brackets - 1 and more > 0:
            sentence += f" {words.plural(more, 'more bracket')} in the report."
        lines += _labelled("" if i else "Separation", sentence, WIDTH, room.lines)
    return lines


def _harm(r: ModelRanking) -> str:
    """Name the candidates that do worse than the raw inputs."""
    worse = [c.name for c in r.candidates if c.gap is not None and c.gap.outcome == "hurts"]
    if not worse:
        return ""
    verb = "does" if len(worse) == 1 else "do"
    return f"{told.listed(worse, 5)} {verb} worse than the raw inputs (negative transfer)."


# --- the line for programs


def _machine_line(r: ModelRanking, html: str | None, json: str | None) -> str:
    v = r.verdict
    gap = r.candidates[0].gap if r.candidates else None
    parts = [f"verdict={v.label}", f"candidate={_word(v.candidate)}", f"layer={_word(v.layer)}"]
    if gap is None or not math.isfinite(gap.estimate):
        parts += ["gap=none", "p_harm=none"]
    else:
        w = words.gap_words(gap, r.metric)
        estimate, low, high = (
            n.replace(words.MINUS, "-").replace("+", "").replace(",", "")
            for n in (w.estimate, w.low, w.high)
        )
        parts += [f"gap={estimate} [{low},{high}]", f"p_harm={gap.p_harm:.2f}"]
    parts.append(f"candidates={len(r.candidates)}")
    parts += [f"{key}={_path(p)}" for key, p in (("html", html), ("json", json)) if p]
    return " ".join(parts)


def _word(name: str | None) -> str:
    return "none" if name is None else "_".join(clean(name).split()) or "none"
