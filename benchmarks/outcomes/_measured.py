"""What the results page is made from: the tables, read once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ._shares import Outcome, outcome_of
from .arms import CORE
from .table import CASE, HERE, TABLE, TEXTS, cells, gaps, join, read

PAIRS = HERE / "evidence_pairs.parquet"
PILOT = HERE / "evidence_pilot.parquet"
MAIN = tuple(name for name in CORE if name != "target-only")
USUAL = 100
"""The number of labels at which things are compared unless said otherwise."""


@dataclass(frozen=True, eq=False)
class Measured:
    """The tables.

    Attributes
    ----------
    raw : pandas.DataFrame
        One row a draw, strategy and number of labels, with the errors.
    by_draw : pandas.DataFrame
        The same with gaps to the target alone.
    cells : pandas.DataFrame
        One row a pair, learner, strategy and number of labels.
    pairs, pilot : pandas.DataFrame or None
        What a check could have known of each pair and of each draw.
    """

    raw: pd.DataFrame
    by_draw: pd.DataFrame
    cells: pd.DataFrame
    pairs: pd.DataFrame | None = None
    pilot: pd.DataFrame | None = None

    def pick(
        self,
        strategy: str | None = None,
        n_labels: int | None = USUAL,
        learner: str = "linear",
        kind: str | None = None,
    ) -> pd.DataFrame:
        """Return the cells with labels of one choice; `kind` is "classes" or "quantities"."""
        found = self.cells[(self.cells["learner"] == learner) & (self.cells["n_labels"] > 0)]
        if strategy is not None:
            found = found[found["strategy"] == strategy]
        if n_labels is not None:
            found = found[found["n_labels"] == n_labels]
        if kind is not None:
            found = found[kind_of(found) == kind]
        return found

    def outcome(
        self,
        strategy: str,
        n_labels: int | None = USUAL,
        learner: str = "linear",
        kind: str | None = None,
    ) -> Outcome:
        """Return how often this choice hurt and helped."""
        return outcome_of(self.pick(strategy, n_labels, learner, kind))

    def main_strategies(self, kind: str | None = None) -> list[str]:
        """Return the strategies measured at every number of labels that are there."""
        there = set(self.pick(None, None, kind=kind)["strategy"])
        return [name for name in MAIN if name in there]

    def labels(self, learner: str = "linear") -> list[int]:
        """Return the numbers of labels that are there, rising, without 0."""
        return sorted(int(n) for n in self.pick(None, None, learner)["n_labels"].unique())


def kind_of(frame: pd.DataFrame) -> pd.Series:
    """Return "quantities" for regression and "classes" for the rest."""
    regression = frame["task"] == "regression"
    return regression.map({True: "quantities", False: "classes"})


def load(table: Path = TABLE, parts: Path | None = None, evidence: Path | None = None) -> Measured:
    """Read the tables; the parts of an unfinished run where `parts` is given."""
    raw = read(table) if parts is None else join(parts)
    for name in TEXTS:
        raw[name] = raw[name].astype(str)
    found = []
    for path in (PAIRS, PILOT):
        path = path if evidence is None else evidence / path.name
        found.append(pd.read_parquet(path) if path.exists() else None)
    for frame in found:
        if frame is not None:
            for name in CASE:
                frame[name] = frame[name].astype(str)
    return Measured(raw, gaps(raw), cells(raw), *found)
