"""Sections of the results page on what was known before: kinds of shift, and single measures."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from . import _words as w
from ._frequency import HEAD, outcome_words
from ._measured import USUAL, Measured
from ._shares import UNKNOWN, Estimate, auroc, outcome_of
from .arms import FEW
from .table import CASE

JUDGED = ("pooled", "source-only")
LEARNERS = ("linear", "forest", "boosting")
KINDS = {
    "moved": "NT304, what moved", "check_NT304_state": "NT304, whether anything moved",
    "check_NT301_state": "NT301", "check_NT302_state": "NT302",
}  # fmt: skip
SHOWN = 15
LEAST_FAMILIES = 0.2
"""A measure is judged if it is known in this share of families."""
ABSENT = "The table of what the checks and measures say (`{}`) is not there yet."


class Sign(NamedTuple):
    """How well one measure separates pairs that transfer hurts from the others.

    Attributes
    ----------
    name : str
    values : dict
        AUROC by learner.
    pairs : int
        Pairs of the first learner that have the measure.
    """

    name: str
    values: dict[str, Estimate]
    pairs: int

    @property
    def distance(self) -> float:
        """How far the first learner's AUROC is from a coin's."""
        first = next(iter(self.values.values())).value
        return abs(first - 0.5) if np.isfinite(first) else -1.0

    @property
    def told(self) -> list[str]:
        """Learners whose interval leaves out one half."""
        return [name for name, one in self.values.items() if one.low > 0.5 or one.high < 0.5]


def by_kind(m: Measured) -> str:
    """Return the section on kinds of shift."""
    if m.pairs is None:
        return ABSENT.format("evidence_pairs.parquet")
    blocks = [
        f"Linear learner, {USUAL} labels, pairs split by what the checks say of the first draw"
        f"{_labels_of_checks(m.pairs)}. `negtransfer explain NT301` tells what a check looks at."
    ]
    for column, title in KINDS.items():
        if column not in m.pairs:
            continue
        told = m.pairs[[*CASE, column]].copy()
        known = told[column].astype(object).fillna("not run")
        told[column] = known.astype(str).replace("", "nothing")
        rows = []
        for group in sorted(told[column].unique()):
            for name in JUDGED:
                cells = m.pick(name).merge(told[told[column] == group][CASE], on=CASE)
                if len(cells):
                    found = outcome_of(cells)
                    said = outcome_words(found)
                    rows.append([f"{group}, {name}", found.sets, found.cells, *said])
        if rows:
            head = ["what it says, strategy", "data sets", "pairs", *HEAD]
            blocks.append(f"**{title}**\n\n" + w.table(head, rows))
    return "\n\n".join(blocks)


def _labels_of_checks(pairs: pd.DataFrame) -> str:
    if "n_labels" not in pairs:
        return ""
    return f", with {int(pairs['n_labels'].max())} labelled target rows or all there are"


def measures_of(pairs: pd.DataFrame) -> list[str]:
    """Return the numeric columns that say something about pairs of enough families.

    Some parts of checks bear the name of a column of one data set.
    """
    least = LEAST_FAMILIES * pairs["family"].nunique()
    return [
        name
        for name in pairs.columns
        if name.startswith(("check_", "measure_"))
        and pd.api.types.is_numeric_dtype(pairs[name])
        and pairs.loc[pairs[name].notna(), "family"].nunique() >= max(least, 1)
    ]


@cache
def signs_of(m: Measured, strategy: str, n_labels: int, only_clear: bool) -> tuple[Sign, ...]:
    """Return the AUROC of every measure for harm by `strategy`, the most telling first."""
    assert m.pairs is not None
    names = measures_of(m.pairs)
    found: dict[str, dict[str, Estimate]] = {name: {} for name in names}
    counts = dict.fromkeys(names, 0)
    for i, learner in enumerate(LEARNERS):
        cells = _judged(m, strategy, n_labels, learner, only_clear)
        joined = cells.merge(m.pairs[[*CASE, *names]], on=CASE)
        for name in names:
            found[name][learner] = _sign(joined[name], joined)
            if i == 0:
                counts[name] = int(joined[name].notna().sum())
    return _ordered(found, counts)


def _ordered(found: dict[str, dict[str, Estimate]], counts: dict[str, int]) -> tuple[Sign, ...]:
    """Return what could be judged for at least one learner, the most telling first."""
    signs = [Sign(name, values, counts[name]) for name, values in found.items()]
    signs = [one for one in signs if _known(one)]
    return tuple(sorted(signs, key=lambda one: (-round(one.distance, 9), one.name)))


def _judged(
    m: Measured, strategy: str, n_labels: int, learner: str, only_clear: bool
) -> pd.DataFrame:
    cells = m.pick(strategy, n_labels, learner)
    return cells[cells["clear"]] if only_clear else cells


def _sign(score: pd.Series, cells: pd.DataFrame) -> Estimate:
    if not len(cells):
        return UNKNOWN
    return auroc(score.to_numpy(dtype=np.float64), cells["gap"].to_numpy() > 0, cells)


def pilot_signs(m: Measured, strategy: str, n_labels: int, only_clear: bool) -> tuple[Sign, ...]:
    """Return the AUROC of the pilot's columns; each draw is one look, as a user has."""
    if m.pilot is None:
        return ()
    names = [
        name
        for name in m.pilot.columns
        if name.startswith("pilot_") and pd.api.types.is_numeric_dtype(m.pilot[name])
    ]
    own = m.pilot[(m.pilot["strategy"] == strategy) & (m.pilot["n_labels"] == n_labels)]
    found: dict[str, dict[str, Estimate]] = {name: {} for name in names}
    counts = dict.fromkeys(names, 0)
    for i, learner in enumerate(LEARNERS):
        cells = _judged(m, strategy, n_labels, learner, only_clear)
        looks = own.loc[own["learner"] == learner, [*CASE, "draw", *names]]
        joined = cells[[*CASE, "gap"]].merge(looks, on=CASE)
        for name in names:
            found[name][learner] = _sign(joined[name], joined)
            if i == 0:
                counts[name] = len(joined.loc[joined[name].notna(), CASE].drop_duplicates())
    return _ordered(found, counts)


def single_measures(m: Measured) -> str:
    """Return the section on which measures predict the sign."""
    if m.pairs is None and m.pilot is None:
        return ABSENT.format("evidence_pairs.parquet")
    blocks = [
        f"AUROC for a mean gap above 0 with {USUAL} labels: 0.5 is a coin, above it larger values "
        "go with harm, below it with help. Intervals over families; a measure *tells* something "
        "where its interval leaves out 0.5, which about one in twenty does by luck; the first "
        "lines are the best of many and look a little better than they are. Every pair has one "
        "value of a measure; the pilot's columns have one for each draw, from the labels of that "
        f"draw only. Measures known in less than {w.percent(LEAST_FAMILIES)} of the families are "
        "left out.",
        "![AUROC of the most telling measures](figures/signs.svg)",
    ]
    for strategy in JUDGED:
        blocks.append(f"### Harm by `{strategy}`\n\n" + _sign_block(m, strategy))
    return "\n\n".join(blocks)


def _sign_block(m: Measured, strategy: str) -> str:
    head = ["measure", "pairs", *LEARNERS]
    pilot = pilot_signs(m, strategy, USUAL, False)
    signs = signs_of(m, strategy, USUAL, False) if m.pairs is not None else ()
    parts = []
    if signs:
        rows = [_sign_row(one) for one in signs]
        parts += [_told(signs), w.table(head, rows[:SHOWN])]
        if len(rows) > SHOWN:
            parts.append(w.folded(f"the other {len(rows) - SHOWN} measures",
                                  w.table(head, rows[SHOWN:])))  # fmt: skip
    if pilot:
        parts.append("The pilot beside them:\n\n" + w.table(head, [_sign_row(p) for p in pilot]))
    parts.append(w.folded("at other numbers of labels, and on clear cells only",
                          _elsewhere(m, strategy)))  # fmt: skip
    return "\n\n".join(parts)


def _sign_row(one: Sign) -> list[object]:
    return [w.code(one.name), one.pairs, *(w.plain(found) for found in one.values.values())]


def _told(signs: tuple[Sign, ...]) -> str:
    everywhere = [one for one in signs if len(one.told) == len(_known(one))]
    nowhere = [one for one in signs if not one.told]
    return (
        f"Of {len(signs)} measures {len(everywhere)} tell something for every learner they could "
        f"be judged for, {len(nowhere)} for none."
    )


def _known(one: Sign) -> list[str]:
    """Return the learners for which a measure could be judged."""
    return [name for name, found in one.values.items() if np.isfinite(found.low)]


def _elsewhere(m: Measured, strategy: str) -> str:
    choices = [(n, only_clear) for n in FEW for only_clear in (False, True)]
    columns: list[dict[str, float]] = []
    for n, only_clear in choices:
        signs = signs_of(m, strategy, n, only_clear) if m.pairs is not None else ()
        every = (*signs, *pilot_signs(m, strategy, n, only_clear))
        columns.append({one.name: one.values["linear"].value for one in every})
    names = list(dict.fromkeys(name for column in columns for name in column))
    head = ["linear learner", *(f"{n}{', clear' if clear else ''}" for n, clear in choices)]
    rows = [
        [w.code(name), *(_two(column.get(name, np.nan)) for column in columns)] for name in names
    ]
    return w.table(head, rows)


def _two(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else w.MISSING


def answer_kind(m: Measured) -> str:
    """Return the answer on kinds of shift in one sentence."""
    if m.pairs is None or "moved" not in m.pairs:
        return ""
    said = []
    moved = m.pairs["moved"].astype(object).fillna("not run").astype(str)
    for group in sorted(moved.unique()):
        cells = m.pick("pooled").merge(m.pairs.loc[moved == group, CASE], on=CASE)
        if cells["set"].nunique() >= 3:
            hurt, helped = outcome_of(cells)[:2]
            said.append(f"{group or 'nothing'} {w.percent(hurt.value)} / {w.percent(helped.value)}")
    if not said:
        return ""
    return (
        f"**Kind of shift**, `pooled`, {USUAL} labels, hurts / helps by what NT304 says moved: "
        + "; ".join(said) + "."
    )  # fmt: skip


def answer_measures(m: Measured) -> str:
    """Return the answer on single measures in one sentence."""
    if m.pairs is None:
        return ""
    signs = signs_of(m, "pooled", USUAL, False)
    if not signs:
        return ""
    best = [f"{w.code(one.name)} {w.plain(one.values['linear'])}" for one in signs[:3]]
    pilot = {one.name: one for one in pilot_signs(m, "pooled", USUAL, False)}
    beside = ""
    if "pilot_gap" in pilot:
        beside = f"; the pilot's own gap {w.plain(pilot['pilot_gap'].values['linear'])}"
    silent = sum(not one.told for one in signs)
    return (
        f"**Single measures** for the sign of `pooled` with {USUAL} labels, linear learner "
        f"(AUROC): {w.listed(best)}{beside}. {silent} of {len(signs)} measures tell "
        "nothing for any learner."
    )
