"""The two forms of the squared MMD that pair row i of the source with row i of the target.

Both average ``h_ij = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i)``: over all pairs
i != j (quadratic time), or over the disjoint pairs (1, 2), (3, 4), ... (linear time).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._arrays import Array, like, namespace, to_numpy
from .._validation import Floats
from ._array_kernels import Pairs
from ._pair_sums import careful_variance, row_and_pair_variance, row_blocks

_STEP = 64  # only the diagonal of a block is used, so blocks are small


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A squared MMD, its variance (None when too few rows) and the witness on the rows."""

    value: float
    spread: float | None
    source_witness: Floats | None
    target_witness: Floats | None


def paired_mmd2(kernel: Pairs, x: Array, y: Array) -> Estimate:
    """Return the mean of h over i != j (Gretton et al. 2012, Lemma 6, n = m)."""
    rows_in_all, squares = x.shape[0], 0.0
    xp = namespace(x)
    by_x, by_y = [], []
    for rows in row_blocks(rows_in_all, 3 * rows_in_all):
        gap_x = _without_own(kernel(x[rows, :], x) - kernel(x[rows, :], y), rows)
        gap_y = _without_own(kernel(y[rows, :], x) - kernel(y[rows, :], y), rows)
        by_x.append(to_numpy(xp.sum(gap_x, axis=1)))
        by_y.append(to_numpy(xp.sum(gap_y, axis=1)))
        squares += float(xp.sum((gap_x - gap_y) ** 2))
    source, target = np.concatenate(by_x), np.concatenate(by_y)
    source_witness, target_witness = source / (rows_in_all - 1), target / (rows_in_all - 1)
    value = float(source_witness.mean() - target_witness.mean())
    return Estimate(value, _spread(source - target, squares), source_witness, target_witness)


def _without_own(block: Array, rows: slice) -> Array:
    """Set what a row has with itself and with its partner to zero, in place."""
    corner = block[:, rows]
    block[:, rows] = corner * (1 - like(np.eye(corner.shape[0]), corner))
    return block


def _spread(row_sums: Floats, squares: float) -> float | None:
    """Return the variance of a one-sample U-statistic; the two rows of a pair may depend."""
    n = len(row_sums)
    if n < 4:
        return None
    linear, degenerate = row_and_pair_variance(row_sums, squares)
    return careful_variance(4 * linear / n, 2 * degenerate / (n * (n - 1)))


def linear_time_mmd2(kernel: Pairs, x: Array, y: Array) -> Estimate:
    """Return the mean of h over disjoint pairs (Gretton et al. 2012, Lemma 14)."""
    pairs = min(x.shape[0], y.shape[0]) // 2
    terms = []
    for start in range(0, pairs, _STEP):
        rows = slice(2 * start, 2 * min(pairs, start + _STEP))
        a, b, c, d = (
            x[rows, :][::2, :],
            x[rows, :][1::2, :],
            y[rows, :][::2, :],
            y[rows, :][1::2, :],
        )
        block = kernel(a, b) + kernel(c, d) - kernel(a, d) - kernel(b, c)
        terms.append(to_numpy(namespace(block).linalg.diagonal(block)))
    h = np.concatenate(terms)
    spread = float(np.var(h, ddof=1)) / len(h) if len(h) > 1 else None
    return Estimate(float(h.mean()), spread, None, None)
