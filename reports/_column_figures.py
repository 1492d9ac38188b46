"""The picture of a column: both sides in the same bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import words
from .clean import clean, clip
from .scales import Scale, Tick, fit

if TYPE_CHECKING:
    from ..diagnostics.document import Feature


@dataclass(frozen=True, slots=True)
class HistogramPlot:
    """One column on both sides: same bins, same axis."""

    source: str
    target: str
    peak: str
    first: str
    last: str
    names: tuple[Tick, ...]
    desc: str
    rows: tuple[tuple[str, str, str], ...]


HISTOGRAM_WIDTH, HISTOGRAM_HEIGHT, _LEFT, _TOP = 252, 80, 4, 16


def histogram(feature: Feature, most: int = 40) -> HistogramPlot | None:
    """Return the two outlines of a column's values: bars for the target, a line for the source."""
    h = feature.histogram
    if h is None or not h.source:
        return None
    triples = list(zip(h.bins, h.source, h.target, strict=False))[:most]
    limits = h.edges if h.edges and len(h.edges) == len(triples) + 1 else None
    limits = limits or [float(i) for i in range(len(triples) + 1)]
    across = fit(limits, _LEFT, _LEFT + HISTOGRAM_WIDTH, pad=0)
    peak = max(v for t in triples for v in t[1:]) or 1.0
    floor = _TOP + HISTOGRAM_HEIGHT
    up = Scale(0, peak, floor, _TOP)
    line, bars = f"M{across(limits[0]):g} {floor}", ""
    for i, (_, source, target) in enumerate(triples):
        left, right = across(limits[i]), across(limits[i + 1])
        line += f"V{up(source):g}H{right:g}"
        if target > 0:
            bars += f"M{left:g} {floor}V{up(target):g}H{right:g}V{floor}Z"
    names: tuple[Tick, ...] = ()
    if not h.edges and len(triples) <= 5:
        width = 40 // len(triples)
        names = tuple(
            Tick(across(i + 0.5), clip(clean(t[0]), max(4, width))) for i, t in enumerate(triples)
        )
    return HistogramPlot(
        f"{line}V{floor}",
        bars,
        words.percent(peak),
        words.number(h.edges[0]) if h.edges else clip(clean(triples[0][0]), 14),
        words.number(h.edges[-1]) if h.edges else clip(clean(triples[-1][0]), 14),
        names,
        feature_words(feature),
        tuple((b, words.percent(s), words.percent(t)) for b, s, t in triples),
    )


def feature_words(feature: Feature) -> str:
    """Say how far apart the two sides are in a column, and what chance gives."""
    said = f"{words.effect_name(feature.effect_name)} {words.number(feature.effect)}"
    if feature.null_95 is not None:
        said += f"; random halves stay below {words.number(feature.null_95)}"
    return f"{said}; {'shifted' if feature.shifted else 'no convincing shift'}"
