"""The picture of a check: its value against what random halves give."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import words
from .scales import Tick, fit, ticks

if TYPE_CHECKING:
    from ..diagnostics.document import CheckResult


@dataclass(frozen=True, slots=True)
class ForestRow:
    """A check's value and interval over what random halves give, on a scale of its own."""

    value: float
    interval: tuple[float, float] | None
    bands: tuple[tuple[str, float, float, float], ...]
    threshold: float | None
    zero: float | None
    ticks: tuple[Tick, ...]
    title: str
    desc: str


def forest_row(check: CheckResult, start: float = 4, end: float = 236) -> ForestRow | None:
    """Return the picture of a check that has a value and something to hold it against."""
    value, null = check.value, check.null
    if value is None or not math.isfinite(value):
        return None
    bands = []
    if null:
        sides = (("source", null.source_quantiles), ("target", null.target_quantiles))
        bands = [(s, q) for s, q in sides if q and len(q) == 3 and all(map(math.isfinite, q))]
    ends = (check.interval.low, check.interval.high) if check.interval else None
    if ends and not all(map(math.isfinite, ends)):
        ends = None
    limit = check.threshold.value if check.threshold and check.threshold.of == "value" else None
    if not bands and not ends and limit is None:
        return None
    origin = [0.0] if bands or limit is not None else []
    scale = fit(
        [value, limit, *origin, *(ends or ()), *(v for _, q in bands for v in q)], start, end
    )
    desc = [words.value_words(check)]
    if null and bands:
        desc += [words.null_rank(null), *words.null_words(null)]
    if limit is not None:
        desc.append(f"threshold {words.number(limit)}")
    return ForestRow(
        scale(value),
        (scale(ends[0]), scale(ends[1])) if ends else None,
        tuple((side, scale(q[0]), scale(q[2]), scale(q[1])) for side, q in bands),
        scale(limit) if limit is not None and math.isfinite(limit) else None,
        scale(0) if scale.low < 0 < scale.high else None,
        tuple(Tick(scale(t), words.number(t)) for t in ticks(scale.low, scale.high, 4)),
        f"{check.name}: {words.STATE_WORDS[check.state]}",
        ". ".join(filter(None, desc)),
    )
