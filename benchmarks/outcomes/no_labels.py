"""What could have been known of each measured transfer without a single target label.

Source rows, their labels, and the inputs of the target's pool of the same draws: never a test
row, never a target label.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from negtransfer.diagnostics.domain import Pair
from negtransfer.diagnostics.predictor.no_labels_evidence import (
    Sides,
    unlabelled_evidence,
    why_not,
)

from .arms import learner_named
from .evidence import seen
from .measure import MIN_TEST, cut
from .sets import DataSet, Rows
from .table import CASE, _small

STAGE = "no-labels"
LEARNER = "linear"
DRAWS = (0, 1)


def without_labels(
    dataset: DataSet, rows: Rows, pair: Pair, source: str, target: str
) -> Iterator[dict[str, Any]]:
    """Yield one row of evidence a draw."""
    learner = learner_named(LEARNER, dataset.regression)
    for draw in DRAWS:
        c = cut(dataset, rows, pair, source, target, draw)
        if len(c.test) < MIN_TEST or len(c.source) < MIN_TEST:
            continue
        sides = Sides.of_pair(seen(dataset, rows, pair, c, 0))
        if why_not(sides) is None:
            found = unlabelled_evidence(sides, learner, seed=draw)
            yield {"learner": learner.name, "draw": draw, **found.numbers}


def join_no_labels(parts: Path) -> pd.DataFrame:
    """Return the evidence of all pairs and draws in a fixed order."""
    frames = [pd.read_parquet(path) for path in sorted((parts / STAGE).glob("*.parquet"))]
    table = pd.concat([one for one in frames if "draw" in one], ignore_index=True)
    return _small(table.sort_values([*CASE, "draw"], kind="stable").reset_index(drop=True))
