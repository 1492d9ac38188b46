"""Section of the results page: how much of regression's harm is mere offset and scale."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from . import _words as w
from ._measured import USUAL, Measured
from ._shares import Estimate, hurts, mean_of, outcome_of, quantile_of
from .table import CASE


class Harm(NamedTuple):
    """What becomes of clear harm in RMSE when both sides get the best offset and scale.

    Attributes
    ----------
    cells, sets : int
        Cells with clear harm.
    gone : Estimate
        Share in which no clear harm is left.
    helps : Estimate
        Share in which transfer then clearly helps.
    part : Estimate
        Mean share of a cell's gap that goes away.
    """

    cells: int
    sets: int
    gone: Estimate
    helps: Estimate
    part: Estimate


def harm_of(cells: pd.DataFrame) -> Harm:
    """Return what is left of clear harm after the best offset and scale."""
    hurt = cells[hurts(cells)]
    beyond = np.maximum(hurt["margin"], 2 * hurt["se_second"])
    remains = (hurt["gap_second"] > beyond).to_numpy()
    helped = (hurt["gap_second"] < -beyond).to_numpy()
    saved = 1 - np.clip(hurt["gap_second"] / hurt["gap"], 0, 1)
    return Harm(
        len(hurt), hurt["set"].nunique(), mean_of(~remains, hurt), mean_of(helped, hurt),
        mean_of(saved, hurt),
    )  # fmt: skip


def quantities_at(m: Measured, name: str, n_labels: int | None) -> pd.DataFrame:
    """Return the linear cells of a regression strategy."""
    return m.pick(name, n_labels, kind="quantities")


def offset_and_scale(m: Measured) -> str:
    """Return the section."""
    names = m.main_strategies("quantities")
    if not names:
        return "No regression is measured so far."
    rows = []
    for name in names:
        found = harm_of(quantities_at(m, name, None))
        rows.append([name, found.cells, found.sets, w.share(found.gone), w.share(found.helps),
                     w.share(found.part)])  # fmt: skip
    head = ["strategy", "clear harms", "data sets", "no clear harm left", "clearly helps then",
            "mean share of the gap gone"]  # fmt: skip
    return "\n\n".join(
        part
        for part in (
            "Linear learner, all numbers of labels. Of the cells in which transfer clearly hurts "
            "in RMSE: what is left once the predictions of both, with transfer and of the target "
            "alone, get the offset and the scale (not below 0) that fit the test rows best. The "
            "rest of the harm is in what the inputs say, not in level and spread.",
            "![Share of clear harm that is mere offset and scale](figures/offset.svg)",
            w.table(head, rows),
            _by_labels(m, names),
            _recalibrated(m),
        )
        if part
    )


def _by_labels(m: Measured, names: list[str]) -> str:
    labels = m.labels()
    rows = []
    for name in names:
        row = [name]
        for n in labels:
            found = harm_of(quantities_at(m, name, n))
            row.append(f"{w.percent(found.gone.value)} of {found.cells}")
        rows.append(row)
    head = ["strategy", *(f"{n} labels" for n in labels)]
    return w.folded("share of clear harms with none left, by labels", w.table(head, rows))


def _recalibrated(m: Measured) -> str:
    """Return what source-recalibrated does in the cells in which source-only clearly hurts."""
    name = "source-recalibrated"
    rows = []
    for n in m.labels():
        alone, fitted = quantities_at(m, "source-only", n), quantities_at(m, name, n)
        if not len(fitted):
            continue
        hurt = alone[hurts(alone)]
        both = fitted.merge(hurt[[*CASE, "gap"]].rename(columns={"gap": "before"}), on=CASE)
        every = outcome_of(fitted)
        if not len(both):
            continue
        then = outcome_of(both)
        rows.append([
            n, len(both), w.share(then.hurt), w.share(then.helped),
            w.signed(quantile_of(both["before"], both["set"], 0.5), True),
            w.signed(quantile_of(both["gap"], both["set"], 0.5), True),
            w.share(every.hurt), w.share(every.helped),
        ])  # fmt: skip
    if not rows:
        return ""
    return (
        "**What `source-recalibrated` does**: it takes the source's predictions and learns offset "
        "and scale from the target's labels. In the cells in which `source-only` clearly hurts, "
        "and in all cells:\n\n"
        + w.table(
            ["labels", "source-only hurts in", "recalibrated hurts", "recalibrated helps",
             "median gap before", "median gap after", "hurts, all cells", "helps, all cells"],
            rows,
        )
    )  # fmt: skip


def answer(m: Measured) -> str:
    """Return the answer in one sentence."""
    said = []
    for name in ("source-only", "pooled"):
        found = harm_of(quantities_at(m, name, USUAL))
        if found.cells:
            said.append(
                f"{w.share(found.gone)} of the clear harms of `{name}` are gone "
                f"({found.cells} cells)"
            )
    if not said:
        return ""
    return (
        f"**Offset and scale.** In regression with {USUAL} labels, after the best offset and "
        f"scale {w.listed(said)}."
    )
