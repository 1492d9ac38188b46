"""Sections of the results page: break-even, and the safest default."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from . import _words as w
from ._choice import CELL, duel, on_common_cells, oracle_split
from ._crossing import crossings, median_labels, still_helping
from ._measured import Measured, kind_of
from ._shares import Estimate, Outcome, mean_of, outcome_of, quantile_of, ratio_of
from .arms import DRAWS, FEW
from .table import MARGIN

FOLLOWED = ("source-only", "pooled")
RIVALS = ("stacking", "pooled-cv-weight", "pooled-equal-weight", "hypothesis-residual")
COVERED = 0.95
"""A strategy is compared where it has a gap in this share of all cells."""


def _first_draws(m: Measured) -> pd.DataFrame:
    """Return the draws that every strategy has: the first eight, at few numbers of labels."""
    every = m.by_draw
    return every[
        (every["learner"] == "linear") & every["n_labels"].isin(FEW) & (every["draw"] < DRAWS)
    ]


def break_even(m: Measured) -> str:
    """Return the section on the number of labels at which transfer stops helping."""
    rows = []
    labels = m.labels()
    for name in FOLLOWED:
        for kind in (None, "classes", "quantities"):
            found = crossings(m.pick(name, None, kind=kind))
            if not len(found):
                continue
            share, low, high = still_helping(found, labels)
            at = [w.share(Estimate(*one)) for one in zip(share, low, high, strict=True)]
            middle = median_labels(found)
            rows.append([f"{name}, {kind or 'all'}", len(found), median_words(middle), *at])
    if not rows:
        return "Too few numbers of labels are measured so far."
    head = ["strategy", "pairs", "half stop by", *(f"still help at {n}" for n in labels)]
    return (
        "Linear learner. Per pair, the number of labels at which the mean gap reaches 0, read off "
        "a straight line in the logarithm after smoothing so that gaps never fall with more "
        "labels. Shares of pairs in which transfer still helps on average (Kaplan-Meier: a pair "
        "whose target is too small for more labels counts as far as it was measured; a gap "
        f"above 0 at {labels[0]} labels already counts as stopped there). Small gaps count too "
        "here, clear or not.\n\n"
        "![Share of pairs in which transfer still helps](figures/break_even.svg)\n\n"
        + w.table(head, rows)
    )


def median_words(labels: float) -> str:
    """Return the median number of labels in words."""
    return f"{labels:.0f}" if np.isfinite(labels) else "not reached"


class Default(NamedTuple):
    """How a strategy does as a default, on the cells that all strategies share.

    Attributes
    ----------
    name : str
    outcome : Outcome
    mean : Estimate
        Mean gap.
    worst : float
        The gap that the worst tenth of cells exceeds.
    gain : Estimate
        Its mean gain as a share of the oracle's, both on the later draws.
    """

    name: str
    outcome: Outcome
    mean: Estimate
    worst: float
    gain: Estimate


class Board(NamedTuple):
    """Strategies on common cells, least harm first.

    Attributes
    ----------
    defaults : tuple of Default
    left_out : tuple of str
        Strategies with too few cells to be held against the others.
    cells, sets : int
    oracle_mean : Estimate
        Mean gap on the later draws of the strategy that was best on the first ones.
    """

    defaults: tuple[Default, ...]
    left_out: tuple[str, ...]
    cells: int
    sets: int
    oracle_mean: Estimate


@cache
def board(m: Measured, kind: str) -> Board:
    """Return how the strategies do as defaults; worked out once for each table."""
    draws = _first_draws(m)
    draws = draws[kind_of(draws) == kind]
    known = draws[draws["gap"].notna()].groupby("strategy").size()
    if not len(known):
        return Board((), (), 0, 0, Estimate(np.nan, np.nan, np.nan))
    names = sorted(known.index[known >= COVERED * known.max()])
    wide = on_common_cells(draws, names)
    split = oracle_split(wide, DRAWS // 2)
    cells = m.pick(None, None, kind=kind)
    common = wide.reset_index()[CELL].drop_duplicates()
    cells = cells.merge(common, on=CELL)
    found = []
    for name in names:
        own = cells[cells["strategy"] == name]
        found.append(
            Default(
                name, outcome_of(own), mean_of(own["gap"], own),
                quantile_of(own["gap"], own["set"], 0.9),
                ratio_of(split[name], split["oracle"], split),
            )
        )  # fmt: skip
    found.sort(key=lambda one: (one.outcome.hurt.value, -one.outcome.helped.value, one.name))
    left_out = tuple(sorted(set(known.index) - set(names)))
    return Board(
        tuple(found), left_out, len(common), common["set"].nunique(),
        mean_of(split["oracle"], split),
    )  # fmt: skip


def safest(m: Measured) -> str:
    """Return the section on the safest default."""
    parts = [
        f"Linear learner, {w.listed([str(n) for n in FEW])} labels, on the cells in which all "
        "strategies of a table were measured, least harm first. *Worst tenth*: the gap exceeded "
        "in a tenth of the cells. *Share of the oracle's gain*: the oracle takes for each cell "
        f"the strategy, or the target alone, that was best on draws 0 to {DRAWS // 2 - 1}; both "
        f"are judged on draws {DRAWS // 2} to {DRAWS - 1}; below 0 the strategy loses on average.",
        "![Share of cells hurt and helped by every strategy](figures/defaults.svg)",
    ]
    for kind in ("classes", "quantities"):
        found = board(m, kind)
        if not found.defaults:
            continue
        regression = kind == "quantities"
        rows = [
            [one.name, w.share(one.outcome.hurt), w.share(one.outcome.helped),
             w.signed_estimate(one.mean, regression), w.signed(one.worst, regression),
             w.gain(one.gain)]
            for one in found.defaults
        ]  # fmt: skip
        unit = "sd" if regression else "points"
        head = ["strategy", "hurts", "helps", f"mean gap, {unit}", f"worst tenth, {unit}",
                "share of the oracle's gain"]  # fmt: skip
        body = (
            f"**{kind.capitalize()}**: {found.cells} cells, {found.sets} data sets; mean gap of "
            f"the oracle {w.signed_estimate(found.oracle_mean, regression)} {unit}.\n\n"
        )
        if found.left_out:
            body += f"Too few cells: {w.listed(found.left_out)}.\n\n"
        parts.append(body + w.table(head, rows))
    return "\n\n".join([*parts, _duels(m)])


def _duels(m: Measured) -> str:
    margin = pd.Series({task: MARGIN.get(task, 0.01) for task in m.cells["task"].unique()})
    draws = _first_draws(m)
    rows = []
    for kind in ("classes", "quantities"):
        part = draws[kind_of(draws) == kind]
        if not set(RIVALS) <= set(part["strategy"]):
            continue
        wide = on_common_cells(part, RIVALS)
        if not len(wide):
            continue
        for one, other in combinations(RIVALS, 2):
            found = duel(wide, one, other, margin)
            rows.append([
                f"{one} − {other}, {kind}",
                w.signed_estimate(found["difference"], kind == "quantities"),
                w.share(found["one"]), w.share(found["other"]),
            ])  # fmt: skip
    if not rows:
        return ""
    return (
        "**Two at a time**, on the same draws (points of error rate or sd; below 0 the first has "
        "the lower error):\n\n"
        + w.table(
            ["pair", "mean difference", "first clearly better", "second clearly better"], rows
        )
    )


def safe_ones(m: Measured, kind: str) -> list[Default]:
    """Return the strategies that gain on average beyond chance, least harm first.

    All of them where none does: one that hardly differs from the target alone is safe, and of
    no use.
    """
    every = board(m, kind).defaults
    return [one for one in every if one.mean.high < 0] or list(every)


def answer(m: Measured) -> str:
    """Return the answer in one sentence for each kind of task."""
    said = []
    for kind in ("classes", "quantities"):
        found = safe_ones(m, kind)[:2]
        if not found:
            continue
        first = found[0]
        words = (
            f"for {kind} `{first.name}`: hurts in {w.share(first.outcome.hurt)} of cells, helps "
            f"in {w.share(first.outcome.helped)}, has {w.gain(first.gain)} of the oracle's gain"
        )
        if len(found) > 1:
            second = found[1]
            words += (
                f" (next `{second.name}`: hurts in {w.percent(second.outcome.hurt.value)}, helps "
                f"in {w.percent(second.outcome.helped.value)}, has {w.gain(second.gain)})"
            )
        said.append(words)
    if not said:
        return ""
    return (
        "**Safest default**, least clear harm of the strategies that gain on average (linear "
        f"learner, {w.listed([str(n) for n in FEW])} labels): " + "; ".join(said) + "."
    )


def answer_break_even(m: Measured) -> str:
    """Return the break-even in one sentence."""
    said = []
    for name in FOLLOWED:
        found = crossings(m.pick(name, None))
        if len(found):
            middle = median_labels(found)
            first = still_helping(found, [m.labels()[0]])[0][0]
            at = f"by {middle:.0f} labels" if np.isfinite(middle) else "not within what is measured"
            said.append(
                f"`{name}` helps in {w.percent(first)} of pairs at {m.labels()[0]} labels and "
                f"has stopped helping in half of them {at}"
            )
    return "**Break-even.** On average over draws " + "; ".join(said) + "." if said else ""
