"""Distances among all rows of both sides, held once, for measures of nearest neighbours.

A side is given by the numbers of its rows in the pooled rows, so that halves and half-samples
look distances up instead of computing them again.
"""

from __future__ import annotations

import numpy as np

from .._doubt import Sample
from .._validation import Floats, Ints, subsample

MAX_ROWS = 2000
"""Rows a side by default: the distances then take at most 128 MB."""


def pooled_distances(source: Floats, target: Floats) -> tuple[Floats, Sample, Sample]:
    """Return the distances among the pooled rows, and either side as row numbers."""
    from scipy.spatial.distance import cdist

    pooled = np.vstack([source, target])
    rows = np.arange(len(pooled), dtype=np.int64)
    # Computed from differences, so that equal rows are at distance 0 exactly.
    return cdist(pooled, pooled), (rows[: len(source)],), (rows[len(source) :],)


def kth_nearest(distances: Floats, k: int) -> Floats:
    """Return the k-th smallest entry of every row, shape (rows,)."""
    return np.asarray(np.partition(distances, k - 1, axis=1)[:, k - 1])


def kth_nearest_own(distances: Floats, rows: Ints, k: int) -> Floats:
    """Return for the given rows the distance to the k-th nearest other one of them."""
    # A row is its own nearest neighbour, hence the next one.
    return kth_nearest(distances[np.ix_(rows, rows)], k + 1)


def require_neighbours(rows: int, name: str, k: int) -> None:
    """Refuse a side whose rows do not have k neighbours each."""
    if rows <= k:
        raise ValueError(
            f"`{name}` has {rows} row(s), but `k` is {k} and every row needs that many others; "
            "lower `k` or collect more rows."
        )


def at_most(
    source: Floats, target: Floats, max_rows: int, rng: np.random.Generator
) -> tuple[Ints, Ints, tuple[str, ...]]:
    """Return the row numbers used of either side, and a warning when rows are left out."""
    one, other = (subsample(len(side), max_rows, rng) for side in (source, target))
    if len(one) == len(source) and len(other) == len(target):
        return one, other, ()
    return one, other, (
        f"A side has more than {max_rows:,} rows; that many were drawn at random.",
    )  # fmt: skip
