"""The picture of the predicted gap over the number of target labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import words
from .scales import Scale, Tick, fit, ticks

if TYPE_CHECKING:
    from ..diagnostics.document import LabelPlan, MetricInfo, Outlook

LEFT, RIGHT, TOP, BOTTOM = 46.0, 392.0, 18.0, 190.0


@dataclass(frozen=True, slots=True)
class OutlookPlot:
    """Gap against labels, the labels on a logarithmic axis.

    Attributes
    ----------
    line, band : str
        Points of the curve and of its interval, as SVG takes them.
    zero, here : float
        Height of no gap, place of the labels at hand.
    crossing : float or None
        Place of the break-even, if it lies in the picture.
    ticks, rises : tuple of Tick
    rows : tuple of (str, str, str)
        Labels, gap, interval, in words.
    desc : str
    """

    line: str
    band: str
    zero: float
    here: float
    crossing: float | None
    ticks: tuple[Tick, ...]
    rises: tuple[Tick, ...]
    rows: tuple[tuple[str, str, str], ...]
    desc: str


def outlook_plot(outlook: Outlook | None, metric: MetricInfo | None) -> OutlookPlot | None:
    """Place the curve; ``None`` without one."""
    if outlook is None or len(outlook.curve) < 2:
        return None
    factor = metric.scale if metric else 1.0
    curve = outlook.curve
    if not all(math.isfinite(v) for p in curve for v in (p.gap, p.low, p.high)):
        return None
    logs = [math.log10(max(1, p.n_labels)) for p in curve]
    across = Scale(logs[0], logs[-1], LEFT, RIGHT)
    # The ends of the intervals far out may be long: the curve decides, with room around it.
    inner = [factor * v for p in curve for v in (p.gap, p.low, p.high)]
    straight = fit([*inner, 0.0], BOTTOM, TOP)
    place = [(across(x), p) for x, p in zip(logs, curve, strict=True)]
    line = " ".join(f"{x:g},{straight(factor * p.gap):g}" for x, p in place)
    upper = [f"{x:g},{straight(factor * p.high):g}" for x, p in place]
    lower = [f"{x:g},{straight(factor * p.low):g}" for x, p in reversed(place)]
    crossing = outlook.break_even
    inside = crossing is not None and curve[0].n_labels <= crossing <= curve[-1].n_labels
    rows = []
    for p in curve:
        gap, low, high = words.alike((p.gap, p.low, p.high), metric)
        rows.append((words.count(p.n_labels), gap, f"{low} to {high}"))
    return OutlookPlot(
        line, " ".join(upper + lower), straight(0.0),
        across(math.log10(max(1, outlook.n_labels))),
        across(math.log10(crossing)) if inside and crossing else None,
        tuple(Tick(x, words.count(p.n_labels)) for x, p in place if _round(p.n_labels)),
        tuple(Tick(straight(t), words.number(t)) for t in ticks(straight.low, straight.high)),
        tuple(rows), outlook.sentence,
    )  # fmt: skip


def _round(n: int) -> bool:
    return str(n).rstrip("0") in ("1", "5")


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One number of further labels, in words."""

    more: str
    use: str
    error: str
    loss: str
    price: str
    total: str
    cheapest: bool


@dataclass(frozen=True, slots=True)
class LabelRows:
    """The options of a plan, and what one label costs, in the user's unit."""

    cost: str
    rows: tuple[LabelRow, ...]


def label_rows(plan: LabelPlan, metric: MetricInfo | None) -> LabelRows:
    """Put what labels cost and save into words."""
    factor = metric.scale if metric else 1.0
    rows = []
    for one in plan.options:
        middle, low, high, price = (
            words.number(factor * v) for v in (one.error_target_only, one.low, one.high, one.price)
        )
        loss, total = words.alike((one.loss, one.total), metric)
        rows.append(LabelRow(
            words.count(one.more_labels), one.use, f"{middle} ({low} to {high})", loss, price,
            total, one.more_labels == plan.more_labels,
        ))  # fmt: skip
    return LabelRows(words.number(factor * plan.label_cost), tuple(rows))
