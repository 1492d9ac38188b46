"""Distances among all rows of both sides, held once, for measures of nearest neighbours.

A side is given by the numbers of its rows in the pooled rows, so that halves and half-samples
look distances up instead of computing them again.
"""

from __future__ import annotations

import numpy as np

from .._arrays import Array, cross, namespace, to_numpy
from .._doubt import Sample
from .._validation import Floats, Ints, subsample

MAX_ROWS = 2000
"""Rows a side by default: the distances then take at most 128 MB."""


def pooled_distances(source: Array, target: Array) -> tuple[Array, Sample, Sample]:
    """Return the distances among the pooled rows, and either side as row numbers."""
    pooled = namespace(source).concat([source, target])
    rows = np.arange(pooled.shape[0], dtype=np.int64)
    n = source.shape[0]
    return distances_between(pooled, pooled), (rows[:n],), (rows[n:],)


def distances_between(some: Array, others: Array) -> Array:
    """Return the distances of rows, shape (some, others).

    From differences of coordinates, so that equal rows are at distance 0 exactly and a pair is
    as far apart one way as the other.
    """
    if isinstance(some, np.ndarray):
        from scipy.spatial.distance import cdist

        return cdist(some, others)
    xp = namespace(some)
    squares = (some[:, None, 0] - others[None, :, 0]) ** 2
    for column in range(1, some.shape[1]):  # one matrix at a time instead of one a column
        squares += (some[:, None, column] - others[None, :, column]) ** 2
    return xp.sqrt(squares)


def kth_nearest(distances: Array, k: int) -> Floats:
    """Return the k-th smallest entry of every row, shape (rows,)."""
    if isinstance(distances, np.ndarray):
        return np.asarray(np.partition(distances, k - 1, axis=1)[:, k - 1])
    return np.asarray(to_numpy(namespace(distances).sort(distances, axis=1)[:, k - 1]))


def kth_nearest_own(distances: Array, rows: Ints, k: int) -> Floats:
    """Return for the given rows the distance to the k-th nearest other one of them."""
    # A row is its own nearest neighbour, hence the next one.
    return kth_nearest(cross(distances, rows, rows), k + 1)


def require_neighbours(rows: int, name: str, k: int) -> None:
    """Refuse a side whose rows do not have k neighbours each."""
    if rows <= k:
        raise ValueError(
            f"`{name}` has {rows} row(s), but `k` is {k} and every row needs that many others; "
            "lower `k` or collect more rows."
        )


def at_most(
    source: Array, target: Array, max_rows: int, rng: np.random.Generator
) -> tuple[Ints, Ints, tuple[str, ...]]:
    """Return the row numbers used of either side, and a warning when rows are left out."""
    n, m = source.shape[0], target.shape[0]
    one, other = subsample(n, max_rows, rng), subsample(m, max_rows, rng)
    if len(one) == n and len(other) == m:
        return one, other, ()
    return one, other, (
        f"A side has more than {max_rows:,} rows; that many were drawn at random.",
    )  # fmt: skip
