"""Nearest rows of every row of one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._validation import Floats, Ints

NeighbourMetric: TypeAlias = Literal["cosine", "inner", "euclidean"]

_WHOLE = 8_000
"""Rows up to which all products are made at once, in single precision: 256 MB."""
_BLOCK = 1_000
_SINGLE = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The nearest rows of every row.

    Attributes
    ----------
    rows : ndarray of int64, shape (n, k)
        Nearest first; ties in the order of the rows.
    table : ndarray of shape (n, d)
        What products are taken of: unit rows, rows, or centred rows.
    half_squares : ndarray of shape (n,)
        Taken from the products so that the nearest have the largest; 0 except for distances.
    metric : str
    """

    rows: Ints
    table: Floats
    half_squares: Floats
    metric: NeighbourMetric

    def similarities(self, others: Ints) -> Floats:
        """Return the products of every row with the rows given for it, shape (n, m)."""
        return _products(self.table, self.half_squares, np.arange(len(others)), others)

    def distances(self, rows: Ints, others: Ints) -> Floats:
        """Return half of the squared distances, or one less the products, shape (n, m)."""
        products = _products(self.table, self.half_squares, rows, others)
        if self.metric == "euclidean":
            return np.maximum(self.half_squares[rows][:, None] - products, 0.0)
        return 1.0 - products


def neighbours(table: Floats, k: int, metric: NeighbourMetric) -> Neighbours:
    """Return the ``k`` nearest rows of every row, itself left out.

    Candidates are found in single precision, at half the time, with a margin beyond its rounding;
    the order among them is that of double precision, in which products that agree to 12 digits
    are ties.
    """
    n = len(table)
    if metric == "cosine":
        lengths = np.linalg.norm(table, axis=1, keepdims=True)
        table = table / np.where(lengths > 0, lengths, 1.0)
    elif metric == "euclidean":
        middle: Floats = table.mean(axis=0)
        table = table - middle
    squares = np.einsum("ij,ij->i", table, table)
    scale = float(np.sqrt(squares.max())) or 1.0
    table, squares = table / scale, squares / scale**2
    half = squares / 2 if metric == "euclidean" else np.zeros(n)
    margin = 2 * _SINGLE * float(np.sqrt(table.shape[1]))
    found = np.empty((n, k), dtype=np.int64)
    for start, block in _blocks(table, half):
        here = slice(start, start + len(block))
        found[here] = _nearest(block, np.arange(start, start + len(block)), table, half, k, margin)
    return Neighbours(found, table, half, metric)


def _blocks(table: Floats, half: Floats) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the products of some rows with all, less what makes the nearest the largest."""
    n, single = len(table), table.astype(np.float32)
    shift = half.astype(np.float32)
    # the product with itself is symmetric, which NumPy makes use of
    whole = single @ single.T if n <= _WHOLE else None
    for start in range(0, n, _BLOCK):
        rows = slice(start, min(start + _BLOCK, n))
        block = single[rows] @ single.T if whole is None else whole[rows]
        if shift.any():
            block -= shift
        count = len(block)
        block[np.arange(count), np.arange(start, start + count)] = -np.inf
        yield start, block


def _nearest(
    block: NDArray[np.float32], rows: Ints, table: Floats, half: Floats, k: int, margin: float
) -> Ints:
    """Return the nearest rows of some rows, in the order of double precision."""
    n = block.shape[1]
    spare = min(n - 1, k + 6)
    likely = np.argpartition(block, n - spare, axis=1)[:, n - spare :].astype(np.int64)
    values = np.take_along_axis(block, likely, axis=1)
    order = np.argsort(-values, axis=1)
    out = np.take_along_axis(likely, order, axis=1)[:, :k].copy()
    values = np.take_along_axis(values, order, axis=1)
    # only where two of them are closer than single precision can tell
    close = (values[:, :-1] - values[:, 1:])[:, :k] < 2 * margin
    for unsure in np.flatnonzero(close.any(axis=1)):
        candidates = np.flatnonzero(block[unsure] >= values[unsure, k - 1] - 2 * margin)
        exact = _products(table, half, rows[[unsure]], candidates[None, :])[0]
        # stable on ascending rows: ties come in the order of the rows
        out[unsure] = candidates[np.argsort(-exact, kind="stable")[:k]]
    return out


def _products(table: Floats, half: Floats, rows: Ints, others: Ints) -> Floats:
    """Return the products of each row with the rows given for it, to 12 digits."""
    out = np.empty(others.shape)
    step = max(1, 2_000_000 // max(1, others.shape[1] * table.shape[1]))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        out[part] = np.einsum("id,ijd->ij", table[rows[part]], table[others[part]])
    out -= half[others]
    return np.round(out, 12)


def first_within(lists: Ints, rows: Ints, k: int) -> tuple[Ints, Ints]:
    """Return for some rows their first ``k`` listed neighbours that are among these rows.

    Neighbours are numbered within ``rows``; -1 where a list ran out. The second array says where
    in the lists they stood.
    """
    place = np.full(len(lists), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    inside = place[lists[rows]]
    # those inside first, in their order
    stood = np.argsort(inside < 0, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(inside, stood, axis=1), stood


def membership(one: Ints, other: Ints, n: int) -> NDArray[np.bool_]:
    """Return which entries of ``one`` occur in the same row of ``other``; -1 never does."""
    base = np.arange(len(one), dtype=np.int64)[:, None] * n
    keys = np.sort(np.where(other >= 0, base + other, -1), axis=None)
    wanted = base + one
    spots = np.minimum(np.searchsorted(keys, wanted), keys.size - 1)
    found: NDArray[np.bool_] = (keys[spots] == wanted) & (one >= 0)
    return found


def reordered(lists: Ints, order: Ints) -> Ints:
    """Return the neighbours when the rows come in another order."""
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    return np.where(lists >= 0, back[lists], -1)[order]
