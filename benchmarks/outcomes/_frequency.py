"""Sections of the results page: what was measured, how often transfer hurts, and by how much."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import _words as w
from ._measured import USUAL, Measured, kind_of
from ._shares import Outcome, helps, hurts, mean_of, outcome_of, quantile_of
from .arms import FEW, learner_named
from .table import CASE

HEAD = ["hurts", "helps", "cannot be told"]
UNITS = {
    "classes": "points of error rate",
    "quantities": "RMSE in standard deviations of the target's labels",
}
COMPLETE = 500
"""Up to here the pairs of the second table have every number of labels."""


def outcome_words(found: Outcome) -> list[str]:
    """Return the three shares with their intervals."""
    return [w.share(found.hurt), w.share(found.helped), w.share(found.unclear)]


def short(found: Outcome) -> str:
    """Return the shares hurt and helped, without intervals."""
    if not found.cells:
        return w.MISSING
    return f"{100 * found.hurt.value:.0f} / {100 * found.helped.value:.0f}"


def measured(m: Measured) -> str:
    """Return the section that says what was measured."""
    rows = []
    for task, part in m.raw.groupby("task", sort=True):
        cells = m.cells[m.cells["task"] == task]
        rows.append([task, *_counts(part), w.count(len(cells)), w.count(len(part))])
    rows.append(["all", *_counts(m.raw), w.count(len(m.cells)), w.count(len(m.raw))])
    by_task = w.table(["task", "data sets", "families", "ordered pairs", "cells", "rows"], rows)
    learners = []
    for learner, part in m.raw.groupby("learner", sort=False):
        labels = sorted(part["n_labels"].unique())
        tried = m.cells.loc[m.cells["learner"] == learner, "strategy"].nunique()
        learners.append([
            learner, w.count(len(part[CASE].drop_duplicates())),
            str(tried), ", ".join(map(str, labels)),
            _settings(str(learner)),
        ])  # fmt: skip
    by_learner = w.table(["learner", "pairs", "strategies", "labels", "settings"], learners)
    return f"{by_task}\n\n{by_learner}\n\n{_failures(m)}"


def _settings(learner: str) -> str:
    titles = [learner_named(learner, regression).title for regression in (False, True)]
    if titles[0] == titles[1]:
        return titles[0]
    return f"classes: {titles[0]}; quantities: {titles[1]}"


def _counts(part: pd.DataFrame) -> list[str]:
    pairs = part[CASE].drop_duplicates()
    return [w.count(n) for n in (part["set"].nunique(), part["family"].nunique(), len(pairs))]


def _failures(m: Measured) -> str:
    failed = m.raw[m.raw["error"].isna()]
    if not len(failed):
        return "Every fit gave a prediction."
    worst = failed["strategy"].value_counts(sort=True)
    named = [f"{name} ({n})" for name, n in sorted(worst.items(), key=lambda x: (-x[1], x[0]))]
    part = len(failed) / len(m.raw)
    return (
        f"{w.count(len(failed))} fits ({100 * part:.2f} % of all) gave no prediction and are "
        f"left out: {w.listed(named[:6])}{' and others' if len(named) > 6 else ''}."
    )


def how_often(m: Measured) -> str:
    """Return the section on how often transfer hurts."""
    labels = m.labels()
    names = m.main_strategies()
    compact = w.table(
        ["strategy", *(f"{n} labels" for n in labels)],
        [[name, *(short(m.outcome(name, n)) for n in labels)] for name in names],
    )
    parts = [
        "Linear learner; per cent of cells in which transfer clearly hurts / clearly helps. The "
        "rest cannot be told.",
        "![Share of cells hurt and helped, by number of labels](figures/shares.svg)",
        compact,
        w.folded("the same with intervals", _with_intervals(m, names)),
        _same_pairs(m, names),
        _others(m),
        f"### By kind of task\n\nLinear learner, {USUAL} labels.\n\n" + _by_task(m, names),
        "### By learner\n\nEvery learner beside the linear one on the same cells, hurts / helps "
        "in per cent.\n\n" + _by_learner(m),
        _without_labels(m),
    ]
    return "\n\n".join(part for part in parts if part)


def _with_intervals(m: Measured, names: list[str]) -> str:
    rows, differences = [], []
    for name in names:
        for n in [n for n in m.labels() if n in FEW]:
            cells = m.pick(name, n)
            if not len(cells):
                continue
            found = outcome_of(cells)
            flat = [float(np.mean(hurts(cells))), float(np.mean(helps(cells)))]
            differences += [flat[0] - found.hurt.value, flat[1] - found.helped.value]
            rows.append([name, n, found.sets, found.cells, *outcome_words(found),
                         f"{100 * flat[0]:.0f} / {100 * flat[1]:.0f}"])  # fmt: skip
    most = 100 * float(np.max(np.abs(differences), initial=0.0))
    head = ["strategy", "labels", "data sets", "cells", *HEAD, "every cell the same"]
    if most < 2:
        rows, head = [row[:-1] for row in rows], head[:-1]
    said = f"\n\nWere every cell given the same weight, no share would move by more than {most:.1f}"
    return w.table(head, rows) + said + " points."


def _same_pairs(m: Measured, names: list[str]) -> str:
    """Return the first table on pairs that have every number of labels: one composition."""
    wanted = [n for n in m.labels() if n <= COMPLETE]
    every = m.pick(None, None)
    every = every[every["n_labels"].isin(wanted)]
    there = every.groupby(CASE)["n_labels"].transform("nunique") == len(wanted)
    every = every[there]
    if not len(every):
        return ""
    rows = []
    for name in names:
        own = every[every["strategy"] == name]
        rows.append([name, *(short(outcome_of(own[own["n_labels"] == n])) for n in wanted)])
    pairs = len(every[CASE].drop_duplicates())
    said = (
        f"the same on the {pairs} pairs ({every['set'].nunique()} data sets) that have all numbers "
        f"of labels up to {COMPLETE}, so that the columns hold the same pairs"
    )
    return w.folded(said, w.table(["strategy", *(f"{n} labels" for n in wanted)], rows))


def _others(m: Measured) -> str:
    """Return all other strategies of the linear learner, least harm first."""
    main = set(m.main_strategies())
    names = sorted(set(m.pick(None, None)["strategy"]) - main)
    labels = [n for n in m.labels() if n in FEW]
    rows = []
    for name in names:
        at = {n: m.outcome(name, n) for n in labels}
        first = at[USUAL].hurt.value if USUAL in at else np.nan
        size = [at[USUAL].sets, at[USUAL].cells] if USUAL in at else [0, 0]
        rows.append((np.nan_to_num(first, nan=2.0), [name, *size, *(short(at[n]) for n in labels)]))
    if not rows:
        return ""
    rows.sort(key=lambda row: (row[0], row[1][0]))
    body = w.table(
        ["strategy", f"data sets at {USUAL}", "pairs", *(f"{n} labels" for n in labels)],
        [row for _, row in rows],
    )
    return w.folded(f"the {len(rows)} other strategies, linear learner, least harm first", body)


def _by_task(m: Measured, names: list[str]) -> str:
    tasks = sorted(m.pick()["task"].unique())
    at = m.pick()
    head = ["strategy"]
    for task in tasks:
        sets = at.loc[at["task"] == task, "set"].nunique()
        head += [f"{task} ({sets} data sets): hurts", "helps"]
    rows = []
    for name in names:
        row = [name]
        for task in tasks:
            found = outcome_of(at[(at["strategy"] == name) & (at["task"] == task)])
            row += [w.share(found.hurt), w.share(found.helped)]
        rows.append(row)
    return w.table(head, rows)


def beside_linear(m: Measured, learner: str, strategy: str, n: int) -> tuple[Outcome, Outcome]:
    """Return the outcome of a learner and that of the linear one on the same pairs."""
    own, linear = m.pick(strategy, n, learner), m.pick(strategy, n)
    common = own[CASE].merge(linear[CASE])
    return outcome_of(own.merge(common)), outcome_of(linear.merge(common))


def _by_learner(m: Measured) -> str:
    learners = [name for name in m.cells["learner"].unique() if name != "linear"]
    if not learners:
        return "Only the linear learner is measured so far."
    blocks = []
    for learner in learners:
        labels = [n for n in m.labels(learner) if n in FEW]
        there = set(m.pick(None, None, learner)["strategy"])
        rows = []
        for name in m.main_strategies():
            if name not in there:
                continue
            row: list[object] = [name]
            for n in labels:
                own, linear = beside_linear(m, learner, name, n)
                row += [short(own), short(linear)]
            rows.append(row)
        for name in sorted(there - set(m.main_strategies())):
            row = [name]
            for n in labels:
                row += [short(m.outcome(name, n, learner)), w.MISSING]
            rows.append(row)
        head = ["strategy"]
        for n in labels:
            head += [f"{learner}, {n} labels", "linear"]
        blocks.append(w.table(head, rows))
    return "\n\n".join(blocks)


def _without_labels(m: Measured) -> str:
    cells = m.cells[m.cells["n_labels"] == 0]
    rows = []
    for (learner, name), part in cells.groupby(["learner", "strategy"], sort=True):
        found = outcome_of(part)
        rows.append([f"{name}, {learner}", found.sets, found.cells, *outcome_words(found)])
    if not rows:
        return ""
    return (
        "### Without any target label\n\nThere is no target-only model, so the strategies are held "
        "against the constant that the source's labels suggest: hurts means worse than that.\n\n"
        + w.table(["strategy, learner", "data sets", "cells", *HEAD], rows)
    )


def how_much(m: Measured) -> str:
    """Return the section on the size of gaps."""
    parts = [
        "Linear learner; mean gap | median gap, every data set counting the same. Below 0 transfer "
        "helps."
    ]
    for kind, unit in UNITS.items():
        labels = [n for n in m.labels() if len(m.pick(None, n, kind=kind))]
        rows = []
        for name in m.main_strategies(kind):
            row = [name]
            for n in labels:
                row.append(_mean_and_median(m.pick(name, n, kind=kind)))
            rows.append(row)
        if rows:
            head = ["strategy", *(f"{n} labels" for n in labels)]
            parts.append(f"**{kind.capitalize()}**, {unit}\n\n" + w.table(head, rows))
    return "\n\n".join(parts)


def _mean_and_median(cells: pd.DataFrame) -> str:
    if not len(cells):
        return w.MISSING
    regression = kind_of(cells).iloc[0] == "quantities"
    middle = quantile_of(cells["gap"], cells["set"], 0.5)
    mean = mean_of(cells["gap"], cells).value
    return f"{w.signed(mean, regression)} \\| {w.signed(middle, regression)}"
