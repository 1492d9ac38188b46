"""The best rotation, or the best matching of columns, of one table onto another."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias, get_args

import numpy as np

from .._validation import Floats, Ints

Alignment: TypeAlias = Literal["rotation", "permutation"]
ALIGNMENTS = get_args(Alignment)
_NEAR = 1e-6
"""Below this share of the squared lengths the difference of large numbers is mostly rounding."""


def narrow(table: Floats) -> Floats:
    """Return the rows in no more columns than rows: the same inner products, another rotation."""
    if table.shape[1] <= table.shape[0]:
        return table
    _, triangle = np.linalg.qr(table.T)
    return np.ascontiguousarray(triangle.T)


def overlap(first: Floats, second: Floats, alignment: Alignment = "rotation") -> float:
    """Return the largest inner product of the tables after one of them was aligned.

    The smaller width counts as filled up with columns of 0. For rotations this is the nuclear norm
    of the cross-product (Schönemann 1966).
    """
    cross = first.T @ second
    if alignment == "rotation":
        return float(np.linalg.svd(cross, compute_uv=False).sum())
    return float(cross[_matching(cross)].sum())


def chord(first: Floats, second: Floats, alignment: Alignment = "rotation") -> float:
    """Return the distance that is left between the tables after the best alignment."""
    lengths = float((first**2).sum() + (second**2).sum())
    left = lengths - 2 * overlap(first, second, alignment)
    if left > _NEAR * lengths:
        return math.sqrt(left)
    first, second = _same_width(first, second)
    cross = first.T @ second
    if alignment == "rotation":
        turn, _, back = np.linalg.svd(cross)
        return float(np.linalg.norm(first @ (turn @ back) - second))
    rows, columns = _matching(cross)
    return float(np.linalg.norm(first[:, rows] - second[:, columns]))


def _matching(cross: Floats) -> tuple[Ints, Ints]:
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(cross, maximize=True)
    return rows, columns


def _same_width(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    width = max(first.shape[1], second.shape[1])
    padded = [np.pad(t, ((0, 0), (0, width - t.shape[1]))) for t in (first, second)]
    return padded[0], padded[1]
