"""One column of both sides in sorted order, and what all relabellings of its rows say.

Every statistic here is a function of ``walk = a b (F - G)``: cumulative counts of two groups of
rows along the sorted values, in whole numbers so that ties are exact. The column is sorted once;
a permutation, or a random half, is then one gather and one cumulative sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._halves import random_halves
from .._validation import Floats, Ints

Kind: TypeAlias = Literal["ks", "cvm", "wasserstein", "chi-square", "total variation"]
Bytes: TypeAlias = NDArray[np.uint8]
_BLOCK = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class SortedRows:
    """Rows along the sorted values of a column.

    Attributes
    ----------
    order : ndarray of int64
        Row numbers, missing entries left out.
    values : ndarray
        Sorted, ties once.
    ends : ndarray of int64 or None
        Last place of every tie in ``order``; None when nothing is tied.
    """

    order: Ints
    values: Floats
    ends: Ints | None

    @property
    def ties(self) -> Ints:
        """How often every value occurs."""
        if self.ends is None:
            return np.ones(len(self.order), dtype=np.int64)
        return np.diff(self.ends, prepend=-1).astype(np.int64, copy=False)


def sorted_rows(order: Ints, ordered: Floats) -> SortedRows:
    """Return rows in the order that sorts them; `ordered` are their values in it."""
    apart = ordered[1:] != ordered[:-1]
    if apart.all():
        return SortedRows(order, ordered, None)
    ends = np.append(np.flatnonzero(apart), len(ordered) - 1).astype(np.int64, copy=False)
    return SortedRows(order, ordered[ends], ends)


@dataclass(frozen=True, slots=True, eq=False)
class SortedColumn:
    """Both sides of a column without missing entries: their sorted values, and their rows.

    In the pooled rows those of the target are counted on from the rows of the source.
    """

    x: Floats
    y: Floats
    source: SortedRows
    target: SortedRows
    pooled: SortedRows


def sort_column(source: Floats, target: Floats) -> SortedColumn:
    """Return a column sorted; NaN is left out."""
    both = np.concatenate([source, target])
    x, y, values = _sorted_entries(source), _sorted_entries(target), _sorted_entries(both)
    # NaN is sorted behind everything.
    order = np.argsort(both)[: len(values)].astype(np.int64, copy=False)
    of_source = order < len(source)
    return SortedColumn(
        x,
        y,
        sorted_rows(order[of_source], x),
        sorted_rows(order[~of_source] - len(source), y),
        sorted_rows(order, values),
    )


def _sorted_entries(values: Floats) -> Floats:
    # Sorting again is faster than collecting the values in the order found.
    return np.sort(values)[: len(values) - int(np.count_nonzero(np.isnan(values)))]


# --- walks


def walks(
    rows: SortedRows, first: Bytes, second: Bytes | None = None
) -> tuple[Ints, Floats, Floats]:
    """Return ``a b (F - G)`` at every value for groups of rows, and the group sizes a and b.

    Parameters
    ----------
    rows : SortedRows
    first, second : ndarray of shape (B, N)
        0/1 indicators of the rows in either group; without `second` it is all others.
    """
    walk = _running(first, rows)
    own = walk[:, -1:].copy()
    a = own[:, 0].astype(np.float64)
    if second is None:
        # (a + b) c - a k for c of the first k rows: the same as below, in fewer passes
        total = len(rows.order)
        walk *= total
        walk -= own * (np.arange(1, total + 1) if rows.ends is None else rows.ends + 1)
        return walk, a, total - a
    others = _running(second, rows)
    b = others[:, -1].astype(np.float64)
    walk *= others[:, -1:].copy()
    others *= own
    walk -= others
    return walk, a, b


def _running(group: Bytes, rows: SortedRows) -> Ints:
    """Return how many rows of a group lie at or below every value."""
    so_far = np.cumsum(group[:, rows.order], axis=1, dtype=np.int64)
    return so_far if rows.ends is None else so_far[:, rows.ends]


def reduce_walks(walk: Ints, a: Floats, b: Floats, rows: SortedRows, kind: Kind) -> Floats:
    """Return a distance of two groups of rows from their walks, shape (B,).

    "ks", "cvm" and "wasserstein" are distances of the distribution functions, "total
    variation" and "chi-square" of the shares of every value.
    """
    # A group without any entry has no distribution function: nothing then speaks of a shift.
    scale = np.maximum(a * b, 1.0)
    if kind == "ks":
        return np.asarray(np.maximum(walk.max(axis=1), -walk.min(axis=1)) / scale)
    if kind == "cvm":
        return np.asarray(np.square(walk / scale[:, None]) @ (rows.ties / len(rows.order)))
    if kind == "wasserstein":
        return np.asarray(np.abs(walk[:, :-1]) @ np.diff(rows.values) / scale)
    shares = np.diff(walk, axis=1, prepend=0) / scale[:, None]
    if kind == "total variation":
        return np.asarray(np.abs(shares).sum(axis=1) / 2)
    return np.asarray(np.square(shares) @ (len(rows.order) / rows.ties))


def scaled_statistic(walk: Ints, a: Floats, b: Floats, rows: SortedRows, kind: Kind) -> Floats:
    """Return the distance times the rows it rests on: of one scale whatever is missing."""
    rate = a * b / (a + b)
    if kind in ("ks", "wasserstein"):
        rate = np.sqrt(rate)
    return reduce_walks(walk, a, b, rows, kind) * rate


# --- relabellings


class Relabellings:
    """Permutations of the sides and random halves of each, the same ones for every column.

    Held as bits: 1,000,000 rows and 199 permutations are 25 MB.
    """

    __slots__ = ("_halves", "_permutations", "n", "n_permutations", "rows")

    def __init__(
        self, n: int, m: int, n_permutations: int, n_splits: int, rng: np.random.Generator
    ) -> None:
        self.n, self.rows, self.n_permutations = n, n + m, n_permutations
        self._permutations = [
            np.packbits(rng.permutation(self.observed[0])) for _ in range(n_permutations)
        ]
        self._halves = [
            [
                (_bits(first, rows), _bits(second, rows))
                for first, second in random_halves(rows, n, m, n_splits=n_splits, rng=rng)
            ]
            for rows in (n, m)
        ]

    @property
    def observed(self) -> Bytes:
        """The source as the first group, shape (1, N)."""
        first = np.zeros((1, self.rows), dtype=np.uint8)
        first[0, : self.n] = 1
        return first

    def permuted(self, rows: SortedRows, kind: Kind) -> Floats:
        """Return test statistics of one column, the observed one first, shape (1 + B,)."""
        return np.concatenate(
            [scaled_statistic(*walks(rows, block), rows, kind) for block in self._blocks()]
        )

    def permuted_rates(self, present: Ints) -> Floats:
        """Return differences of missing rates from the rows with an entry, shape (1 + B,)."""
        first = np.concatenate(
            [block[:, present].sum(axis=1, dtype=np.int64) for block in self._blocks()]
        )
        rest = (len(present) - first) / (self.rows - self.n)
        return np.asarray(np.abs(first / self.n - rest))

    def _blocks(self) -> Iterator[Bytes]:
        yield self.observed
        size = max(1, _BLOCK // self.rows)
        for start in range(0, self.n_permutations, size):
            packed = np.stack(self._permutations[start : start + size])
            yield np.unpackbits(packed, axis=1, count=self.rows)

    def no_halves(self) -> tuple[Floats, Floats]:
        """Return zeros in place of the distances of a column without entries."""
        return np.zeros(len(self._halves[0])), np.zeros(len(self._halves[1]))

    def halved(self, rows: SortedRows, side: int, kind: Kind) -> Floats:
        """Return the distance of random halves of one side, shape (n_splits,) or (0,)."""
        length = (self.n, self.rows - self.n)[side]
        found = []
        for packed in self._halves[side]:
            first, second = (np.unpackbits(one, count=length)[None, :] for one in packed)
            # Where the halves are all rows, that is said the faster way.
            others = None if np.all(first + second) else second
            found.append(reduce_walks(*walks(rows, first, others), rows, kind)[0])
        return np.array(found, dtype=np.float64)


def _bits(chosen: Ints, rows: int) -> Bytes:
    flags = np.zeros(rows, dtype=np.bool_)
    flags[chosen] = True
    return np.packbits(flags)
