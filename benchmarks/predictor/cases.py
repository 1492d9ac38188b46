"""Measured transfers with the evidence of their pilots: what the predictor is fitted on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.outcomes.table import CELL, MARGIN, gaps
from negtransfer.diagnostics.predictor.terms import NUMBERS, studentised

Floats = NDArray[np.float64]
PILOT = [*CELL, "draw"]
LARGEST = 3.0
"""Gaps beyond three standard deviations or 300 points are told as that."""


@dataclass(frozen=True)
class Cases:
    """Rows of evidence beside what really happened.

    Attributes
    ----------
    table : DataFrame
        Keys of each row, ``gap`` (mean over the draws), ``se`` of it, ``own`` (gap of the
        very draw the pilot had), ``clear``, ``margin``, ``error`` and ``base_true``.
    evidence : dict of str to ndarray
        As :func:`negtransfer.diagnostics.predictor.terms.terms` takes it.
    """

    table: pd.DataFrame
    evidence: dict[str, Any]

    def __len__(self) -> int:
        return len(self.table)

    def take(self, rows: NDArray[Any]) -> Cases:
        """Return some of the rows."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Cases(
            self.table.iloc[rows].reset_index(drop=True),
            {key: np.asarray(value)[rows] for key, value in self.evidence.items()},
        )

    @property
    def weights(self) -> Floats:
        """Weight of each row: data sets and learners count by the root of their rows, mean 1."""
        return rooted(self.table, "set", "learner")


def rooted(table: pd.DataFrame, *names: str) -> Floats:
    """Return weights, mean 1, by which each value of a column counts by the root of its rows."""
    weight = np.ones(len(table))
    for name in names:
        weight /= np.sqrt(table[name].map(table[name].value_counts()).to_numpy(dtype=np.float64))
    return np.asarray(weight / weight.mean())


def cases(outcomes: pd.DataFrame, pilots: pd.DataFrame, *, learner: str | None = None) -> Cases:
    """Join measured gaps and pilots.

    Parameters
    ----------
    outcomes, pilots : DataFrame
        As :func:`benchmarks.outcomes.table.read` and ``read_evidence`` give them.
    learner : str, optional
        Use the pilots of this learner to predict the gaps of all others (cheap to dear);
        by default every learner's own pilot.
    """
    measured = gaps(outcomes)
    mean = measured.groupby(CELL).agg(
        gap=("gap", "mean"), se=("gap", "sem"), draws=("gap", "count"),
        error=("error", "mean"), base_true=("base", "mean"),
    ).reset_index()  # fmt: skip
    own = measured[[*PILOT, "gap"]].rename(columns={"gap": "own"})
    pilots = _with_others(pilots)
    if learner is None:
        table = pilots.merge(mean, on=CELL).merge(own, on=PILOT)
    else:
        cheap = pilots[pilots["learner"] == learner].drop(columns="learner")
        without = [name for name in CELL if name != "learner"]
        dear = mean[mean["learner"] != learner]
        table = cheap.merge(dear, on=without)
        table = table.merge(own, on=PILOT)
    table = table[table["draws"] > 1].sort_values(PILOT, kind="stable").reset_index(drop=True)
    table["margin"] = table["task"].map(MARGIN).fillna(0.01)
    size = table["gap"].abs()
    table["clear"] = (size > 2 * table["se"]) & (size > table["margin"])
    table["regression"] = (table["task"] == "regression").astype(float)
    evidence: dict[str, Any] = {name: table[name].to_numpy(dtype=np.float64) for name in NUMBERS}
    evidence |= {name: table[name].to_numpy(dtype=str) for name in ("strategy", "learner")}
    return Cases(table, evidence)


def _with_others(pilots: pd.DataFrame) -> pd.DataFrame:
    """Add what the pilot found for the two strategies that are always tried."""
    keys = [name for name in PILOT if name != "strategy"]
    z = studentised(pilots["pilot_proper_gap"], pilots["pilot_proper_se"])
    out = pilots.assign(_z=z)
    for name in ("source", "pooled"):
        full = "source-only" if name == "source" else name
        part = out.loc[out["strategy"] == full, [*keys, "_z"]].rename(columns={"_z": f"{name}_z"})
        out = out.merge(part, on=keys, how="left")
    return out.drop(columns="_z")


def table_hash(*tables: pd.DataFrame) -> str:
    """Return the SHA-256 of the values of tables, whatever file they stand in."""
    digest = hashlib.sha256()
    for table in tables:
        digest.update(",".join(map(str, table.columns)).encode())
        for name in table.columns:
            column = table[name]
            texts = not pd.api.types.is_numeric_dtype(column)
            values = column.astype(str).str.cat(sep="\n").encode() if texts else (
                np.ascontiguousarray(column.to_numpy()).tobytes()
            )  # fmt: skip
            digest.update(values)
    return digest.hexdigest()
