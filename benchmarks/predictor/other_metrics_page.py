"""The page on other metrics: sign, size, intervals and break-even, families left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from benchmarks.outcomes.table import cells
from negtransfer.diagnostics.predictor.other_metrics import OtherMetrics
from negtransfer.diagnostics.predictor.terms import LEAST_SE

from .break_even import (
    CURVE,
    FOLDS,
    JUDGED,
    crossings,
    fit_all,
    kind_of,
    line_of,
    predicted_crossings,
)
from .judge import auroc, brier_skill, calibration_error, spearman
from .other_metrics import Floats, InMetric, left_out, predicted, summary

HEADER = (
    "| metric | strategy | labels held | crossings inside | predicted | within x2 "
    "| usual crossing | 80 % covers | 90 % covers | before: 80 / 90 % reach "
    "| after: 80 / 90 % reach |"
)
LEFT_OUT = (7, 8, 9)
"""Columns of the page on the usual metric that need pilots with other numbers of labels."""


@dataclass(frozen=True)
class Told:
    """Cases in one metric with what was predicted for them."""

    data: InMetric
    mean: Floats
    sd: Floats
    p_harm: Floats
    low: Floats
    high: Floats

    def take(self, keep: NDArray[np.bool_]) -> Told:
        """Return some of the cases."""
        parts = (self.mean, self.sd, self.p_harm, self.low, self.high)
        return Told(self.data.take(keep), *(part[keep] for part in parts))


def conformal_width(data: InMetric, covered: float) -> float:
    """Return the mean width of intervals around the pilot's gap that cover as much.

    Proportional to the pilot's standard error; the factor for a family comes from the others.
    """
    se = np.maximum(data.evidence["metric_se"], LEAST_SE)
    score = np.abs(data.answer() - data.evidence["metric_gap"]) / se
    width = np.full(len(se), np.nan)
    for name in np.unique(data.families):
        test = data.families == name
        if not test.all():
            width[test] = 2 * np.quantile(score[~test], covered) * se[test]
    return float(width.mean())


def row_of(name: str, told: Told) -> str:
    """Return one line of the table."""
    data, p = told.data, told.p_harm
    gap = data.table["gap"].to_numpy(dtype=np.float64)
    harm, clear = gap > 0, data.table["clear"].to_numpy(dtype=bool)
    raw = data.evidence["metric_gap"]
    covered = float(((gap >= told.low) & (gap <= told.high)).mean())
    width = float((told.high - told.low).mean())
    return (
        f"| {name} | {len(gap):,} | {auroc(harm, p):.3f} | {auroc(harm[clear], p[clear]):.3f} | "
        f"{auroc(harm, raw):.3f} | {auroc(harm[clear], raw[clear]):.3f} | "
        f"{spearman(told.mean, gap):.3f} | {spearman(raw, gap):.3f} | "
        f"{100 * brier_skill(harm, p):.0f} % | {calibration_error(harm, p):.3f} | "
        f"{100 * covered:.1f} % | {width:.3f} | "
        f"{100 * (1 - width / conformal_width(data, covered)):.0f} % |"
    )


HEAD = """# The gap in other metrics, on data sets it has not seen

Made by `python -m benchmarks.predictor.other_metrics` from the committed tables of \
`benchmarks/outcomes`. Whole families of data sets are left out, of both models: the one that \
predicts the gap in the error rate or the RMSE, and the one that takes this and what the pilot \
says in the metric. The columns are those of `RESULTS.md`; *clear*: |gap| beyond two standard \
errors and the metric's margin (one point; 0.02 nats, standard deviations or shares of the \
variance). *narrower*: than intervals around the raw pilot, proportional to its standard error, \
that cover as much. R2 and the squared error are one metric here: 1 - R2 is the squared error over \
the target's variance.

"""
BREAK_EVEN = """## Break-even

The number of labels beyond which transfer no longer pays in the metric, for source-only, pooled \
and pooled-equal-weight together, by the curves that were learned in the error rate and the RMSE \
(families left out). The columns are those of `BREAK_EVEN.md`: *predicted* and *usual crossing* \
are medians of |log2(predicted / measured)| where the measured crossing lies inside the tested \
20 to 500 labels. The error of the target alone is the measured one.

"""
COLUMNS = (
    "cases", "number", "AUROC, all", "clear", "raw pilot, all", "clear", "Spearman",
    "of the raw pilot", "Brier", "ECE", "90 % interval covers", "width", "narrower by",
)  # fmt: skip


def cross_validated(data: InMetric) -> Told:
    """Return predictions by models that have not seen the family of a case."""
    mean, spread = left_out(data)
    return Told(data, mean, *predicted(data, mean, spread))


def by_models(data: InMetric, models: OtherMetrics) -> Told:
    """Return the predictions of fitted models for cases that they have not seen."""
    found = models.models[data.metric].predict(data.evidence)
    return Told(data, found.mean, *summary(found))


def tables(every: Sequence[Told]) -> str:
    """Return a line for each metric, and for its learners and numbers of labels."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for told in every:
        metric, table = told.data.metric, told.data.table
        learner, n = table["learner"].to_numpy(dtype=str), table["n_labels"].to_numpy()
        parts = {f"**{metric}**": n > 0}
        parts |= {f"{metric}, {name} learner": learner == name for name in np.unique(learner)}
        parts |= {f"{metric}, up to 50 labels": n <= 50, f"{metric}, more than 50 labels": n > 50}
        lines += [row_of(name, told.take(keep)) for name, keep in parts.items() if keep.sum() > 1]
    pairs = pd.concat([told.data.table[["set", "source", "target"]] for told in every])
    pairs = pairs.drop_duplicates()
    return (
        f"{sum(len(told.mean) for told in every):,} cases of {len(pairs)} pairs of "
        f"{pairs['set'].nunique()} data sets.\n\n" + "\n".join(lines) + "\n"
    )


def judge(told: Told, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return predicted and measured break-evens in one metric, families left out of the curves.

    Parameters
    ----------
    told : Told
    outcomes : DataFrame
        Cells of the usual metric, as :func:`benchmarks.outcomes.table.cells` gives them.
    """
    table = told.data.table
    held = table.assign(
        mean=told.mean, sd=told.sd, kind=kind_of(table), base_true=table["base"], draw=0,
        line=np.nan, halves=np.nan,
    )  # fmt: skip
    held = held[held["strategy"].isin(JUDGED) & (held["n_labels"] <= 200)]
    held = held.merge(crossings(table), on=CURVE).reset_index(drop=True)
    families = held["family"].to_numpy(dtype=str)
    parts = []
    for train, test in GroupKFold(FOLDS).split(held, groups=families):
        seen = outcomes[outcomes["family"].isin(np.unique(families[train]))]
        parts.append(predicted_crossings(held.iloc[test], fit_all(seen, JUDGED), held.iloc[train]))
    return pd.concat(parts, ignore_index=True)


def break_even_table(every: Sequence[Told], outcomes: pd.DataFrame) -> str:
    """Return the part of the page on break-even."""
    usual = cells(outcomes[outcomes["strategy"].isin((*JUDGED, "target-only"))])
    lines = [HEADER, "|" + "---|" * (HEADER.count("|") - 1)]
    for told in every:
        found = judge(told, usual)
        for n in (20, 50, 200, "all"):
            part = found if n == "all" else found[found["n_labels"] == n]
            fields = line_of(told.data.metric, "all", n, part)
            kept = [field for i, field in enumerate(fields) if i not in LEFT_OUT]
            lines.append("| " + " | ".join(kept) + " |")
    return "\n".join(lines) + "\n"


def page(every: Sequence[InMetric], outcomes: pd.DataFrame) -> str:
    """Return the whole page; `outcomes` are those of the usual metric."""
    told = [cross_validated(one) for one in every]
    return f"{HEAD}{tables(told)}\n{BREAK_EVEN}{break_even_table(told, outcomes)}"
