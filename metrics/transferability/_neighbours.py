"""The nearest other rows of every row, looked up once for all labels."""

from __future__ import annotations

import numpy as np

from .._validation import Floats, Ints

_BLOCK = 64 * 2**20
"""Bytes of distances held at a time."""


def nearest_others(table: Floats, m: int, *, cosine: bool) -> Ints:
    """Return the numbers of the m nearest other rows of every row, nearest first, shape (n, m).

    Of equally distant ones the lower number comes first.
    """
    points = table - table.mean(axis=0) if not cosine else _directions(table)
    n = len(points)
    squares = np.einsum("ij,ij->i", points, points)
    found = np.empty((n, m), dtype=np.int64)
    step = max(1, _BLOCK // (8 * n))
    for first in range(0, n, step):
        rows = np.arange(first, min(first + step, n))
        # |b|² - 2 a b orders the others of row a as their distances do
        far = points[rows] @ points.T
        far *= -2
        far += squares
        far[np.arange(len(rows)), rows] = np.inf
        found[rows] = _smallest(far, m)
    return found


def _directions(table: Floats) -> Floats:
    """Return rows of length 1; a row of zeros stays, equally far from all."""
    length = np.linalg.norm(table, axis=1, keepdims=True)
    return np.asarray(table / np.where(length > 0, length, 1.0))


def _smallest(far: Floats, m: int) -> Ints:
    """Return the columns of the m smallest entries of every row, smallest first."""
    near = np.argpartition(far, m - 1, axis=1)[:, :m] if m < far.shape[1] else np.tile(
        np.arange(far.shape[1]), (len(far), 1)
    )  # fmt: skip
    near.sort(axis=1)
    order = np.argsort(np.take_along_axis(far, near, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(near, order, axis=1), dtype=np.int64)
