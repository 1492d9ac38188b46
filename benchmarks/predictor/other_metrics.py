"""Fit and judge the gap in other metrics than accuracy and RMSE.

    python -m benchmarks.predictor.fit              # fits these together with the model
    python -m benchmarks.predictor.other_metrics    # judges: writes OTHER_METRICS.md

What the model of the usual metric says of a case is evidence here; it always comes from a model
that has not seen the case's family of data sets, and so does the second model's answer.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from benchmarks.outcomes.table import CELL, read, read_evidence
from negtransfer.diagnostics.pilot import METRICS
from negtransfer.diagnostics.predictor.model import Prediction, Rest
from negtransfer.diagnostics.predictor.other_metrics import (
    MEASURED,
    NUMBERS,
    USUAL,
    MetricModel,
    terms,
)
from negtransfer.diagnostics.predictor.outlook import WIDTH_80
from negtransfer.diagnostics.predictor.terms import METRIC, PROPER

from . import regression
from .cases import LARGEST, Cases, cases, rooted

Floats = NDArray[np.float64]
HERE = Path(__file__).parent
PENALTY = 300.0
FOLDS = 15
LEVEL = 0.9
TURNING = "gap x labels"
"""A term that grows and falls with the number of labels."""
PLACES, NEIGHBOURS = 3, 0.3
PREDICTED = ("mean", "spread")
IN_METRIC = ("metric_gap", "metric_se", "n_labels")


@dataclass(frozen=True)
class InMetric:
    """Cases in one metric.

    Attributes
    ----------
    metric : str
    rows : ndarray of int
        Where each case stands among the cases of the usual metric.
    table : DataFrame
        Keys, ``gap`` (mean over the draws), ``se``, ``own``, ``clear``.
    evidence : dict of str to ndarray
        As :func:`negtransfer.diagnostics.predictor.other_metrics.terms` takes it.
    """

    metric: str
    rows: NDArray[np.int64]
    table: pd.DataFrame
    evidence: dict[str, Any]

    @property
    def weights(self) -> Floats:
        """Weight of each row: data sets and learners count by the root of their rows, mean 1."""
        return rooted(self.table, "set", "learner")

    @property
    def families(self) -> NDArray[np.str_]:
        """The family of each row."""
        return self.table["family"].to_numpy(dtype=str)

    def answer(self, name: str = "gap") -> Floats:
        """Return measured gaps, the largest ones cut."""
        return np.clip(self.table[name].to_numpy(dtype=np.float64), -LARGEST, LARGEST)

    def take(self, keep: NDArray[Any]) -> InMetric:
        """Return some of the cases."""
        keep = np.flatnonzero(keep) if keep.dtype == bool else keep
        return InMetric(
            self.metric, self.rows[keep], self.table.iloc[keep].reset_index(drop=True),
            {name: values[keep] for name, values in self.evidence.items()},
        )  # fmt: skip


def in_metrics(
    measured: pd.DataFrame, data: Cases, mean: Floats, spread: Floats
) -> Iterator[InMetric]:
    """Yield the cases of every metric, with what was predicted for them in the usual one.

    Parameters
    ----------
    measured : DataFrame
        As ``read_evidence("metrics")`` gives it.
    data : Cases
        In the usual metric.
    mean, spread : ndarray of shape (len(data),)
        By models that had not seen the family of the row.
    """
    known = data.table[[*CELL, "draw"]].assign(row=np.arange(len(data)))
    known = known[known["draw"] == 0].drop(columns="draw")
    for metric in MEASURED:
        table = measured[measured["metric"] == metric].merge(known, on=CELL)
        table = table.sort_values("row", kind="stable").reset_index(drop=True)
        size = table["gap"].abs()
        table["clear"] = (size > 2 * table["se"]) & (size > METRICS[metric].margin)
        rows = table["row"].to_numpy(dtype=np.int64)
        evidence: dict[str, Any] = {
            "mean": mean[rows], "spread": spread[rows],
            "strategy": table["strategy"].to_numpy(dtype=str),
            **{k: table[k].to_numpy(dtype=np.float64) for k in IN_METRIC},
            **{k: data.evidence[k][rows] for k in NUMBERS if k not in (*IN_METRIC, *PREDICTED)},
        }  # fmt: skip
        yield InMetric(metric, rows, table, evidence)


def coefficients_of(data: InMetric) -> tuple[Floats, Floats]:
    """Return the coefficients of mean and log spread, of terms as they are.

    What speaks of harm may not be turned round: the coefficients of the predicted gap and of
    what the pilot says stay at or above 0.
    """
    names, X, _, Z = terms(data.evidence)
    upwards = [group in (USUAL, METRIC, PROPER) and name != TURNING for name, group in names]
    return regression.location_scale(
        X, Z, data.answer(), data.weights, penalty=PENALTY, max_iter=600, tolerance=1e-9,
        not_negative=upwards,
    )  # fmt: skip


def left_out(data: InMetric, *, folds: int = FOLDS) -> tuple[Floats, Floats]:
    """Return mean and spread of every row by models that have not seen its family."""
    mean, spread = np.empty(len(data.table)), np.empty(len(data.table))
    k = min(folds, np.unique(data.families).size)
    for train, test in GroupKFold(k).split(mean, groups=data.families):
        b, c = coefficients_of(data.take(train))
        _, X, _, Z = terms(data.take(test).evidence)
        mean[test], spread[test] = X @ b, np.exp(np.clip(c[0] + Z @ c[1:], -12, 3))
    return mean, spread


def rest_of(data: InMetric, answer: Floats, mean: Floats, spread: Floats) -> Rest:
    """Return what was left of these answers; there are fewer cases, so at fewer places."""
    return regression.rest_of(
        answer, mean, spread, data.weights, places=PLACES, neighbours=NEIGHBOURS
    )


def fit_metric(data: InMetric, mean: Floats, spread: Floats) -> MetricModel:
    """Return the model fitted on all rows; its quantiles are those of predictions left out."""
    rest = {
        "mean": rest_of(data, data.answer(), mean, spread),
        "draw": rest_of(data, data.answer("own"), mean, spread),
    }
    return MetricModel(*coefficients_of(data), rest)


def predicted(data: InMetric, mean: Floats, spread: Floats) -> tuple[Floats, ...]:
    """Return sd, P(harm) and the 90 % interval; the quantiles are those of other families."""
    sd, p, low, high = (np.empty(len(data.table)) for _ in range(4))
    for name in np.unique(data.families):
        test = data.families == name
        others = data.take(~test)
        rest = rest_of(others, others.answer(), mean[~test], spread[~test])
        m, s = mean[test], spread[test]
        told = Prediction(m, s, rest.of(m / s), np.empty((0, 0)))
        sd[test], p[test], low[test], high[test] = summary(told)
    return sd, p, low, high


def summary(told: Prediction) -> tuple[Floats, ...]:
    """Return sd, P(harm) and the 90 % interval."""
    low, high = (told.quantile((1 + sign * LEVEL) / 2) for sign in (-1, 1))
    # As the package takes it from the 80 % interval of the prediction.
    sd = (told.quantile(0.9) - told.quantile(0.1)) / WIDTH_80
    return sd, told.above(0.0), low, high


def main() -> None:
    """Cross-validate both models and write the page."""
    from .fit import left_out as usual_left_out
    from .other_metrics_page import page

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "OTHER_METRICS.md")
    asked = parser.parse_args()
    outcomes = read()
    data = cases(outcomes, read_evidence("pilot"))
    found = list(in_metrics(read_evidence("metrics"), data, *usual_left_out(data, folds=FOLDS)))
    text = page(found, outcomes)
    asked.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
