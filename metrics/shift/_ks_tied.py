"""Exact Kolmogorov-Smirnov p-value for few distinct values: one convolution a value."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from .._validation import Floats, Ints
from ._ks_exact import scaled_differences

_MOST_VALUES = 200
_MOST_REACHED = 25_000_000
_MOST_ROWS = 200_000


def ks_tied_is_cheap(source_counts: Ints, target_counts: Ints) -> bool:
    """Whether :func:`ks_tied_p_value` takes some 10 ms at most."""
    if len(source_counts) > _MOST_VALUES or source_counts.sum() + target_counts.sum() > _MOST_ROWS:
        return False
    return int(np.abs(scaled_differences(source_counts, target_counts)).max()) <= _MOST_REACHED


def ks_tied_p_value(source_counts: Ints, target_counts: Ints) -> float:
    """Return the share of all ways to deal the pooled rows to the sides that reach D.

    The same number as `ks_exact_p_value`, which walks row by row. Rows are dealt
    independently, with the source's share as the chance, so that a value of t rows is one
    convolution with a binomial law; in the end only the deals with n source rows count. Sums
    of positive numbers only, so that the smallest p-values keep their digits.

    Parameters
    ----------
    source_counts, target_counts : ndarray of int, shape (k,)
        Rows at every distinct value, in ascending order of the values.
    """
    n, m = int(source_counts.sum()), int(target_counts.sum())
    reached = int(np.abs(scaled_differences(source_counts, target_counts)).max())
    if reached == 0:
        return 1.0
    total, log_factorial = n + m, gammaln(np.arange(n + m + 1) + 1.0)

    def binomial(rows: int, hits: Ints) -> Floats:
        inside = (hits >= 0) & (hits <= rows)
        hit = np.where(inside, hits, 0)
        logs = log_factorial[rows] - log_factorial[hit] - log_factorial[rows - hit]
        logs += xlogy(hit, n / total) + xlog1py(rows - hit, -n / total)
        return np.asarray(np.where(inside, np.exp(logs), 0.0))

    # alive[i - first]: chance of i source rows so far and the bound not reached yet
    alive, first, passed, out = np.ones(1), 0, 0, 0.0
    for ties in (source_counts + target_counts).tolist():
        alive = np.convolve(alive, binomial(ties, np.arange(ties + 1)))
        passed += ties
        rows = np.arange(first, first + len(alive))
        keeps = np.abs(rows * total - passed * n) < reached
        gone = ~keeps
        out += float(alive[gone] @ binomial(total - passed, n - rows[gone]))
        kept = np.flatnonzero(keeps)
        if not len(kept):
            break
        alive, first = alive[kept[0] : kept[-1] + 1], int(rows[kept[0]])
    return min(1.0, out / float(binomial(total, np.array([n]))[0]))
