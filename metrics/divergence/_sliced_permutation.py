"""The sliced W1 of all permutations at once.

On a line W1 is the sum over gaps between neighbouring pooled values of gap times
|F - G|, and F - G at a gap is a cumulative sum of labels over the sorted values. The order
does not depend on the labels, so it is found once a direction. Neighbouring gaps are taken
together, which leaves at most `_STOPS` cumulative sums a direction.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._validation import Bools, Floats, Ints

Labels: TypeAlias = NDArray[np.int16] | NDArray[np.int32]
"""As narrow as the counts allow: sums of 16-bit numbers take half the time of wider ones."""

_STOPS = 32
_BLOCK = 2**18
"""Sorted values, or counts, of a block of directions (2 MB)."""

_DRAWS = 2**17
"""Random numbers drawn at a time, which stay in the cache."""


def sliced_statistics(
    u: Floats, v: Floats, n_permutations: int, rng: np.random.Generator
) -> Floats:
    """Return the statistic of the sides as they are, then of permutations, shape (1 + B,).

    Scaled so that the first is 1 (all are 0 where every projection is constant). `u` is
    (n, L) and `v` (m, L).
    """
    pooled = np.ascontiguousarray(np.concatenate([u, v]).T)
    labels = _labels(len(u), len(v), n_permutations, rng)
    statistics = np.zeros(labels.shape[1])
    step = max(1, _BLOCK // max(pooled.shape[1], _STOPS * labels.shape[1]))
    for low in range(0, len(pooled), step):
        statistics += _areas(pooled[low : low + step], labels, len(u))
    return np.asarray(statistics / statistics[0]) if statistics[0] > 0 else statistics


def _labels(n: int, m: int, n_permutations: int, rng: np.random.Generator) -> Labels:
    """Return 1 for the first group, 0 for the second: as they are, then permuted, (N, 1 + B)."""
    kind = np.int16 if n + m <= np.iinfo(np.int16).max else np.int32
    labels = np.empty((n + m, 1 + n_permutations), dtype=kind)
    labels[:, 0] = np.arange(n + m) < n
    step = max(1, _DRAWS // (n + m))
    for low in range(1, labels.shape[1], step):
        part = labels[:, low : low + step]
        part[...] = _chosen(part.shape[1], n, m, rng).T
    return labels


def _chosen(count: int, n: int, m: int, rng: np.random.Generator) -> Bools:
    """Return n of n + m, drawn uniformly `count` times, shape (count, n + m)."""
    # The n smallest of n + m random numbers: four times as fast as a shuffle.
    drawn = rng.random((count, n + m), dtype=np.float32)
    chosen = np.asarray(drawn <= np.partition(drawn, n - 1, axis=1)[:, n - 1 : n])
    for row in np.flatnonzero(chosen.sum(axis=1) != n):  # equal numbers at the border
        chosen[row] = rng.permutation(n + m) < n
    return chosen


def _areas(values: Floats, labels: Labels, n_first: int) -> Floats:
    """Return the area between the distribution functions, summed over directions, (1 + B,)."""
    from scipy.sparse import csr_array

    size = values.shape[1]
    order = np.argsort(values, axis=1)
    gaps = np.diff(np.take_along_axis(values, order, axis=1), axis=1)
    stops, widths = _stops(gaps)
    # Row (direction, stop) adds the labels between its stop and the one before.
    ends = np.column_stack([stops, np.full(len(stops), size)])
    ends += size * np.arange(len(stops))[:, None]
    pointers = np.concatenate([[0], ends.ravel()])
    ones = np.ones(order.size, dtype=labels.dtype)
    picks = csr_array((ones, order.ravel(), pointers), shape=(ends.size, size))
    counts = (picks @ labels).reshape(*ends.shape, -1)
    ahead = np.zeros((len(stops), labels.shape[1]))
    apart, area = np.empty_like(ahead), np.zeros(labels.shape[1])
    expected = np.diff(stops, axis=1, prepend=0) * (n_first / size)
    for stop in range(stops.shape[1]):
        ahead += counts[:, stop]
        ahead -= expected[:, stop, None]
        area += widths[:, stop] @ np.abs(ahead, out=apart)
    return area


def _stops(gaps: Floats) -> tuple[Ints, Floats]:
    """Split the gaps into runs; return how many values lie before each, and its width.

    The widest gap of a run stands for it. A gap within a group of equal values is never
    chosen unless all of the run are: what lies before it would depend on the order of
    equal values, which follows the labels.
    """
    directions, count = gaps.shape
    length = -(-count // _STOPS)
    runs = -(-count // length)
    padded = np.zeros((directions, runs * length))
    padded[:, :count] = gaps
    padded = padded.reshape(directions, runs, length)
    widest = padded.argmax(axis=2) + length * np.arange(runs)
    return (widest + 1).astype(np.int64), padded.sum(axis=2)
