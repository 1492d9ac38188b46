"""Pictures of the results: curves in small panels, and dots with intervals.

Drawn by hand as SVG, small, and readable on light and dark pages; series differ in shape and
dash as well as in colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from negtransfer.reports.clean import clip

from ._shares import Estimate

STYLE = """
text { font-family: system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; font-size: 11px; }
text { fill: #1b1f23; }
.quiet { fill: #545b62; } .grid { stroke: #cfd4d9; } .axis { stroke: #767d84; }
.a { stroke: #a02c7a; fill: #a02c7a; } .b { stroke: #0072b2; fill: #0072b2; }
.c { stroke: #b37400; fill: #b37400; } .d { stroke: #3a7d5d; fill: #3a7d5d; }
.line { fill: none; stroke-width: 2; } .band { stroke: none; opacity: .16; }
.a.line { stroke-dasharray: 5 3; } .c.line { stroke-dasharray: 2 2; }
@media (prefers-color-scheme: dark) {
text { fill: #e8eaec; } .quiet { fill: #abb3ba; } .grid { stroke: #41484f; }
.axis { stroke: #8a929a; }
.a { stroke: #e7a6d2; fill: #e7a6d2; } .b { stroke: #56b4e9; fill: #56b4e9; }
.c { stroke: #f0b53a; fill: #f0b53a; } .d { stroke: #8fe0c0; fill: #8fe0c0; }
.band { opacity: .22; }
}
"""
KINDS = "abcd"


@dataclass(frozen=True)
class Curve:
    """One line with its band: values between 0 and 1 at each position along the axis."""

    name: str
    values: tuple[Estimate, ...]


@dataclass(frozen=True)
class Panel:
    """One small picture: its curves, which stand over the first positions of the axis."""

    title: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Row:
    """One line of a dot picture: a value of each series, with its interval."""

    label: str
    values: tuple[Estimate, ...]


def panels(
    title: str, about: str, shown: Sequence[Panel], positions: Sequence[str], below: str,
    columns: int = 4,
) -> str:  # fmt: skip
    """Return small panels of shares from 0 to 100 %, on one axis of named positions."""
    width, height, left, top = 190, 165, 48, 44
    n_rows = math.ceil(len(shown) / columns)
    columns = min(columns, len(shown))
    body = [_legend([curve.name for curve in shown[0].curves], left)]
    for i, panel in enumerate(shown):
        x, y = left + width * (i % columns), top + height * (i // columns)
        first = i % columns == 0
        body.append(_panel(panel, positions, x, y, width - 30, height - 50, first))
    total_w, total_h = left + width * columns, top + height * n_rows - 4
    body.append(_text(total_w / 2, total_h - 8, below, "middle", "quiet"))
    return _svg(title, about, total_w, total_h, body)


def _panel(
    panel: Panel, positions: Sequence[str], x: float, y: float, w: float, h: float, first: bool
) -> str:
    step = w / max(1, len(positions) - 1)
    out = [_text(x, y - 6, panel.title)]
    for level in (0, 0.25, 0.5, 0.75, 1):
        at = y + h * (1 - level)
        out.append(_rule(x, at, x + w, at, "axis" if level == 0 else "grid"))
        if first and level in (0, 0.5, 1):
            out.append(_text(x - 5, at + 4, f"{100 * level:.0f} %", "end", "quiet"))
    for i, name in enumerate(positions):
        if len(positions) <= 4 or i % 2 == 0 or i == len(positions) - 1:
            out.append(_text(x + i * step, y + h + 14, name, "middle", "quiet"))
    for kind, curve in zip(KINDS, panel.curves, strict=False):
        known = [(x + i * step, one) for i, one in enumerate(curve.values) if _known(one.value)]
        lows = [f"{a:.1f},{y + h * (1 - one.low):.1f}" for a, one in known if _known(one.low)]
        highs = [f"{a:.1f},{y + h * (1 - one.high):.1f}" for a, one in known if _known(one.low)]
        points = [f"{a:.1f},{y + h * (1 - one.value):.1f}" for a, one in known]
        out.append(f'<polygon class="{kind} band" points="{" ".join(lows + highs[::-1])}"/>')
        out.append(f'<polyline class="{kind} line" points="{" ".join(points)}"/>')
        out += [_mark(kind, a, y + h * (1 - one.value), 2.5) for a, one in known]
    return "\n".join(out)


def dots(
    title: str, about: str, rows: Sequence[Row], names: Sequence[str], below: str,
    low: float = 0.0, high: float = 1.0, middle: float | None = None, per_cent: bool = True,
) -> str:  # fmt: skip
    """Return one line a row, with a mark and an interval for each series."""
    left, w, top = 230, 420, 44
    pitch = 12 * len(names) + 8
    height = pitch * len(rows)

    def at(value: float) -> float:
        return left + w * (min(high, max(low, value)) - low) / (high - low)

    body = [_legend(names, 10)]
    for i in range(5):
        level = low + (high - low) * i / 4
        body.append(_rule(at(level), top, at(level), top + height, "grid"))
        said = f"{100 * level:.0f} %" if per_cent else f"{level:.3g}"
        body.append(_text(at(level), top + height + 14, said, "middle", "quiet"))
    if middle is not None:
        body.append(_rule(at(middle), top, at(middle), top + height, "axis"))
    for i, row in enumerate(rows):
        y = top + pitch * i
        body.append(_text(left - 10, y + pitch / 2 + 4, clip(row.label, 34), "end"))
        for j, (kind, one) in enumerate(zip(KINDS, row.values, strict=False)):
            level = y + 10 + 12 * j
            if not _known(one.value):
                continue
            if _known(one.low):
                body.append(_rule(at(one.low), level, at(one.high), level, kind))
            body.append(_mark(kind, at(one.value), level, 3.5))
    body.append(_text(left + w / 2, top + height + 30, below, "middle", "quiet"))
    return _svg(title, about, left + w + 30, top + height + 36, body)


def _known(value: float) -> bool:
    return math.isfinite(value)


def _mark(kind: str, x: float, y: float, r: float) -> str:
    if kind == "a":
        return f'<rect class="a" x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}"/>'
    if kind == "b":
        return f'<circle class="b" cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>'
    tip, foot = (-r, r) if kind == "c" else (r, -r)
    corners = f"{x - r:.1f},{y + foot:.1f} {x + r:.1f},{y + foot:.1f} {x:.1f},{y + tip:.1f}"
    return f'<polygon class="{kind}" points="{corners}"/>'


def _legend(names: Sequence[str], x: float) -> str:
    out = []
    for kind, name in zip(KINDS, names, strict=False):
        out += [_mark(kind, x + 5, 14, 4), _text(x + 14, 18, name)]
        x += 30 + 6.2 * len(name)
    return "\n".join(out)


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line class="{kind}" {ends}/>'


def _text(x: float, y: float, said: str, anchor: str = "start", kind: str = "") -> str:
    marks = f' class="{kind}"' if kind else ""
    return f'<text{marks} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'


def _svg(title: str, about: str, width: float, height: float, body: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" role="img">\n<title>{escape(title)}</title>\n'
        f"<desc>{escape(about)}</desc>\n<style>{STYLE}</style>\n" + "\n".join(body) + "\n</svg>\n"
    )
