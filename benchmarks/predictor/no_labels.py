"""Fit and judge the model that predicts without a single target label.

    python -m benchmarks.predictor.no_labels              # diagnostics/predictor/no_labels.json
    python -m benchmarks.predictor.no_labels --evaluate   # benchmarks/predictor/NO_LABELS.md

The same form and loss as the model with labels: location and scale linear, Student errors with
four degrees of freedom, coefficients drawn towards zero by a fixed penalty.
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

from benchmarks.outcomes.table import CASE, CELL, MARGIN, gaps, read, read_evidence, versions
from negtransfer.diagnostics.predictor.no_labels_model import ANSWERS, Head, NoLabelModel
from negtransfer.diagnostics.predictor.no_labels_terms import ERROR_AT, NUMBERS, RANGED, terms

from .cases import LARGEST, rooted, table_hash
from .fit import TOLERANCE
from .regression import location_scale, quantiles

Floats = NDArray[np.float64]
HERE = Path(__file__).parent
MODEL = HERE.parents[1] / "diagnostics" / "predictor" / "no_labels.json"
PENALTY = 300.0
FOLDS = 15
LEARNER, STRATEGY = "linear", "source-only"
FEWEST, MOST = 10, 1000
"""Planned labels fitted on."""


@dataclass(frozen=True)
class Rows:
    """Evidence beside what really happened: one row a pair, draw of evidence, planned labels.

    Attributes
    ----------
    table : DataFrame
        Keys, ``gap`` and ``error`` (means over the draws), ``se``, ``clear``, ``margin``.
    evidence : dict of str to ndarray
    """

    table: pd.DataFrame
    evidence: dict[str, Any]

    def take(self, rows: NDArray[Any]) -> Rows:
        """Return some of the rows."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Rows(
            self.table.iloc[rows].reset_index(drop=True),
            {key: value[rows] for key, value in self.evidence.items()},
        )

    @property
    def weights(self) -> Floats:
        """Weight of each row: a data set counts by the root of its rows, mean 1."""
        return rooted(self.table, "set")

    def of(self, answer: str) -> tuple[Rows, Floats]:
        """Return rows and values of one answer; the error is asked once a pair and draw."""
        if answer == "gap":
            return self, _clipped(self.table["gap"])
        one = self.take(~self.table.duplicated([*CASE, "draw"]).to_numpy())
        evidence = {**one.evidence, "n_planned": np.full(len(one.table), float(ERROR_AT))}
        return Rows(one.table, evidence), _clipped(one.table["error"])


def _clipped(values: pd.Series) -> Floats:
    return np.clip(values.to_numpy(dtype=np.float64), -LARGEST, LARGEST)


def used(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the table of outcomes that are fitted on."""
    keep = (
        (outcomes["learner"] == LEARNER)
        & outcomes["strategy"].isin((STRATEGY, "target-only"))
        & outcomes["n_labels"].between(FEWEST, MOST)
    )
    return outcomes.loc[keep, [*CELL, "draw", "error", "second"]].reset_index(drop=True)


def measured(outcomes: pd.DataFrame, evidence: pd.DataFrame) -> Rows:
    """Join measured gaps of the source model as it is with what was known without labels."""
    mean = gaps(used(outcomes)).groupby(CELL).agg(
        gap=("gap", "mean"), se=("gap", "sem"), draws=("gap", "count"), error=("error", "mean"),
    ).reset_index()  # fmt: skip
    mean = mean[mean["draws"] > 1].rename(columns={"n_labels": "n_planned"})
    table = evidence.merge(mean, on=[*CASE, "learner"])
    keys = [*CASE, "draw", "n_planned"]
    table = table.sort_values(keys, kind="stable").reset_index(drop=True)
    table["margin"] = table["task"].map(MARGIN).fillna(0.01)
    size = table["gap"].abs()
    table["clear"] = (size > 2 * table["se"]) & (size > table["margin"])
    return Rows(table, {name: table[name].to_numpy(dtype=np.float64) for name in NUMBERS})


def coefficients(rows: Rows, answer: Floats) -> tuple[Floats, Floats]:
    """Return the coefficients of mean and log spread, of terms as they are."""
    _, X, _, Z = terms(rows.evidence)
    return location_scale(
        X, Z, answer, rows.weights, penalty=PENALTY, max_iter=2000, tolerance=1e-12
    )


def folds(rows: Rows, k: int) -> Iterator[NDArray[np.bool_]]:
    """Yield the rows of some families at a time; every family once."""
    names, code = np.unique(rows.table["family"].to_numpy(dtype=str), return_inverse=True)
    fold = np.random.default_rng(0).permutation(names.size) % min(k, names.size)
    for i in range(int(fold.max()) + 1):
        yield fold[code] == i


def left_out(rows: Rows, answer: Floats, k: int = FOLDS) -> tuple[Floats, Floats]:
    """Return mean and spread of every row by models that have not seen its family."""
    mean, spread = np.empty(len(answer)), np.empty(len(answer))
    for test in folds(rows, k):
        b, c = coefficients(rows.take(~test), answer[~test])
        found = Head(b, c, np.zeros(1)).predict(rows.take(test).evidence)
        mean[test], spread[test] = found.mean, found.spread
    return mean, spread


def fit(data: Rows) -> NoLabelModel:
    """Return the model fitted on all rows, its quantiles from families left out."""
    heads = {}
    for answer in ANSWERS:
        rows, values = data.of(answer)
        mean, spread = left_out(rows, values)
        rest = quantiles((values - mean) / spread, rows.weights)
        heads[answer] = Head(*coefficients(rows, values), rest)
    ranges = {
        name: (float(np.quantile(data.evidence[name], TOLERANCE)),
               float(np.quantile(data.evidence[name], 1 - TOLERANCE)))
        for name in RANGED
    }  # fmt: skip
    return NoLabelModel(heads, ranges, {})


def shipped_model() -> NoLabelModel:
    """Return the model that the committed tables give."""
    outcomes, evidence = read(), read_evidence("no_labels")
    data = measured(outcomes, evidence)
    model = fit(data)
    about = {
        "outcomes_sha256": table_hash(used(outcomes)), "evidence_sha256": table_hash(evidence),
        "rows": len(data.table), "sets": int(data.table["set"].nunique()),
        "families": int(data.table["family"].nunique()),
        "pairs": len(data.table[["set", "source", "target"]].drop_duplicates()),
        "versions": {k: v for k, v in versions().items() if k in ("numpy", "scipy")},
    }  # fmt: skip
    return NoLabelModel(model.heads, model.ranges, about)


def main() -> None:
    """Fit and write, or judge and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--evaluate", action="store_true", help="judge instead of fitting")
    if parser.parse_args().evaluate:
        from .no_labels_page import page

        text = page(measured(read(), read_evidence("no_labels")))
        (HERE / "NO_LABELS.md").write_text(text, encoding="utf-8")
        print(text)
        return
    MODEL.write_text(shipped_model().to_json(), encoding="utf-8")
    print(f"written to {MODEL.name}")


if __name__ == "__main__":
    main()
