"""Numbers and tables of the results page, in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ._shares import Estimate

MISSING = "–"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; all columns but the first are numbers, to the right."""
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *([*map(str, row)] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def folded(summary: str, body: str) -> str:
    """Return a part of the page that opens when its summary is clicked."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def count(number: int) -> str:
    """Return a whole number with commas."""
    return f"{number:,}"


def percent(share: float) -> str:
    """Return a share in whole per cent."""
    return MISSING if not math.isfinite(share) else f"{100 * share:.0f} %"


def share(found: Estimate) -> str:
    """Return a share with its interval, in whole per cent."""
    if not math.isfinite(found.value):
        return MISSING
    if not math.isfinite(found.low):
        return percent(found.value)
    return f"{100 * found.value:.0f} % ({100 * found.low:.0f} to {100 * found.high:.0f})"


def gain(found: Estimate) -> str:
    """Return a share of a gain with its interval; it may be below 0, and far below."""
    if not math.isfinite(found.value):
        return MISSING
    said = [
        "< −100" if one < -1 else f"{100 * one:.0f}".replace("-", "−") if math.isfinite(one)
        else MISSING
        for one in found
    ]  # fmt: skip
    return f"{said[0]} % ({said[1]} to {said[2]})"


def signed(value: float, regression: bool) -> str:
    """Return a gap with its sign: points of error rate, or standard deviations."""
    if not math.isfinite(value):
        return MISSING
    text = f"{value:+.3f}" if regression else f"{100 * value:+.1f}"
    return text.replace("-", "−")


def signed_estimate(found: Estimate, regression: bool) -> str:
    """Return a gap with its interval."""
    if not math.isfinite(found.value):
        return MISSING
    value, low, high = (signed(number, regression) for number in found)
    return f"{value} ({low} to {high})"


def plain(found: Estimate) -> str:
    """Return a number between 0 and 1 with its interval."""
    if not math.isfinite(found.value):
        return MISSING
    if not math.isfinite(found.low):
        return f"{found.value:.2f}"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def code(name: str) -> str:
    """Return a name as code, fit for a table."""
    return "`" + name.replace("|", "\\|") + "`"


def listed(words: Sequence[str]) -> str:
    """Return words joined by commas and an "and"."""
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1]
