"""Whether to label more target rows first: what labels cost against the error that they save."""

from __future__ import annotations

import numpy as np

from ..document import LabelOption, LabelPlan, MetricInfo, StrategyResult
from ..pilot import BASELINE
from .break_even import LEAST_BASE, UNIT, draw_curves, model
from .outlook import spread_of
from .worth import LARGEST, Situation, errors_at

MORE = (0, 10, 20, 50, 100, 200, 500)
"""Numbers of further labels that are weighed, as far as errors were measured."""
LEVEL = 0.9


def label_plan(
    row: StrategyResult,
    here: Situation,
    metric: MetricInfo,
    *,
    label_cost: float,
    harm_cost: float,
    transfer: bool,
) -> LabelPlan:
    """Weigh the labels at hand against some more, each with the better of two uses.

    The loss of an option is the error that is expected with it, less that of the target alone
    with the labels at hand, plus the price of the labels; where the source is used, harm counts
    `harm_cost` times.  Which use is better is decided by what is known now.

    Parameters
    ----------
    row : StrategyResult
        The strategy of the verdict, with its gap, one that :func:`outlook` knows of.
    here : Situation
        With fewer than :data:`LARGEST` labels.
    metric : MetricInfo
    label_cost : float
        Of one more target label, in the error's own scale.
    harm_cost : float
    transfer : bool
        Whether the verdict recommends the strategy.  Where it does not, only the target alone is
        weighed: a price of labels lifts no warning.
    """
    gap = row.gap
    assert gap is not None
    more = np.array([k for k in MORE if here.n + k <= LARGEST])
    counts = (here.n + more).astype(np.float64)
    error, low, high = errors_at(here, counts, level=LEVEL)
    curves = draw_curves(
        gap.estimate, spread_of(gap), here.n, here.error, counts,
        model=model(row.strategy, here.task == "regression"),
    )  # fmt: skip
    gaps = UNIT * max(here.error, LEAST_BASE) * np.sinh(curves)
    risk = np.where(gaps > 0, harm_cost * gaps, gaps).mean(axis=0)
    used = transfer & (risk < 0)
    loss = error - here.error + np.where(used, risk, 0.0)
    price = label_cost * more
    best = int(np.argmin(loss + price))
    options = [
        LabelOption(
            more_labels=int(k), n_labels=here.n + int(k),
            use=row.strategy if used[i] else BASELINE,
            error_target_only=float(error[i]), low=float(low[i]), high=float(high[i]),
            loss=float(loss[i]), price=float(price[i]), total=float(loss[i] + price[i]),
        )
        for i, k in enumerate(more)
    ]  # fmt: skip
    return LabelPlan(
        label_cost=label_cost, harm_cost=harm_cost, strategy=row.strategy, learner=row.learner,
        transfer_weighed=transfer, level=LEVEL, largest=LARGEST, options=options,
        more_labels=options[best].more_labels, use=options[best].use,
        sentence=_sentence(options, best, metric),
    )  # fmt: skip


def _sentence(options: list[LabelOption], best: int, metric: MetricInfo) -> str:
    """Say what is cheapest, by how much, and that it was not measured here."""
    chosen, now = options[best], options[0]
    basis = (
        f"extrapolated from measured transfers; harm and price counted, from the {BASELINE} error "
        "now"
    )

    def loss(option: LabelOption) -> str:
        return f"{metric.scale * option.total:+.2g}"

    if chosen is not now:
        at_least = " or more" if chosen is options[-1] else ""
        return (
            f"At this price, first label about {chosen.more_labels:,}{at_least} target rows, then "
            f"use {chosen.use}: expected loss {loss(chosen)} {metric.unit}, against {loss(now)} "
            f"for {now.use} with the {now.n_labels:,} at hand ({basis})."
        )
    rival = min(options[1:], key=lambda one: one.total, default=None)
    against = "" if rival is None else f", against {loss(rival)} with {rival.more_labels:,} more"
    return (
        f"At this price more labels do not pay: {now.use} with the {now.n_labels:,} at hand has "
        f"the least expected loss, {loss(now)} {metric.unit}{against} ({basis})."
    )
