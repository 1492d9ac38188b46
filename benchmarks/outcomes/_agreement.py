"""Section of the results page: whether learners agree on the sign of the gap."""

from __future__ import annotations

import pandas as pd

from . import _words as w
from ._measured import Measured
from ._shares import helps, hurts, mean_of
from .table import CASE

LEARNERS = ("linear", "forest", "boosting", "network")


def agreement(m: Measured) -> str:
    """Return the section on whether learners agree."""
    there = [name for name in LEARNERS if len(m.pick(None, None, name))]
    rows = []
    for i, one in enumerate(there):
        for other in there[i + 1 :]:
            rows += _agreement_rows(m, one, other)
    if not rows:
        return "Only one learner is measured so far."
    return (
        "Cells of the same pair, strategy and number of labels. *By chance*: what two learners "
        "would agree on if they had these shares of harm and nothing else in common. *Clear in "
        "both*: cells in which both learners clearly hurt or clearly help.\n\n"
        + w.table(
            ["learners, strategy", "cells", "same sign", "by chance", "clear in both",
             "same sign there"],
            rows,
        )
    )  # fmt: skip


def _agreement_rows(m: Measured, one: str, other: str) -> list[list[object]]:
    keys = [*CASE, "strategy", "n_labels"]
    first, second = (
        cells.assign(told=hurts(cells).astype(int) - helps(cells))[[*keys, "gap", "told"]]
        for cells in (m.pick(None, None, one), m.pick(None, None, other))
    )
    joined = first.merge(second, on=keys, suffixes=("", "_other"))
    rows = []
    names = [name for name in m.main_strategies() if (joined["strategy"] == name).any()]
    for name in (None, *names):
        part = joined if name is None else joined[joined["strategy"] == name]
        if len(part):
            rows.append([f"{one} and {other}, {name or 'all strategies'}", *_agree(part)])
    return rows


def _agree(part: pd.DataFrame) -> list[object]:
    a, b = part["gap"] > 0, part["gap_other"] > 0
    p, q = mean_of(a, part).value, mean_of(b, part).value
    both = part[(part["told"] != 0) & (part["told_other"] != 0)]
    same = mean_of(both["told"] == both["told_other"], both)
    return [
        len(part), w.share(mean_of(a == b, part)), w.percent(p * q + (1 - p) * (1 - q)),
        len(both), w.share(same),
    ]  # fmt: skip
