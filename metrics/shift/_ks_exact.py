"""P-values of the two-sample Kolmogorov-Smirnov statistic, ties taken as they are."""

from __future__ import annotations

import numpy as np
from scipy.special import kolmogorov
from scipy.stats import kstwo

from .._validation import Bools, Ints

EXACT_ROWS = 10_000


def scaled_differences(source_counts: Ints, target_counts: Ints) -> Ints:
    """Return ``n m (F - G)`` at every value of the grid, in whole numbers."""
    n, m = int(source_counts.sum()), int(target_counts.sum())
    return np.asarray(np.cumsum(source_counts) * m - np.cumsum(target_counts) * n, dtype=np.int64)


def ks_exact_p_value(reached: int, n: int, m: int, ends: Bools) -> float:
    """Return the share of all orders of the sides in which ``n m |F - G|`` is as large.

    Walks through the pooled ranks and carries the chance of every number of source rows so
    far among the walks that have not reached the bound yet. Only sums of positive numbers are
    taken, so that the smallest p-values keep their digits (Schröer & Trenkler 1995).

    Parameters
    ----------
    reached : int
        The observed largest ``n m |F - G|``.
    n, m : int
        Rows.
    ends : ndarray of bool, shape (n + m,)
        Whether a rank is the last of its tie: only there do the distribution functions stand.
    """
    if reached <= 0:
        return 1.0
    total, first = n + m, 0
    alive, p_value = np.ones(1), 0.0
    for rank, is_end in enumerate(ends.tolist(), start=1):
        # alive[i - first]: chance of i source rows among the ranks so far
        rows = np.arange(first, first + len(alive))
        left = total - rank + 1
        stepped = np.zeros(len(alive) + 1)
        stepped[:-1] = alive * ((m - (rank - 1 - rows)) / left)
        stepped[1:] += alive * ((n - rows) / left)
        if is_end:
            low = max(first, (rank * n - reached) // total + 1)
            high = min(first + len(alive), -((-rank * n - reached) // total) - 1)
            inside = slice(low - first, max(low, high + 1) - first)
            p_value += float(stepped[: inside.start].sum() + stepped[inside.stop :].sum())
            stepped, first = stepped[inside], low
        alive = stepped
    return min(1.0, p_value)


def ks_asymptotic_p_value(distance: float, n: int, m: int) -> float:
    """Return the p-value for many rows without ties; with ties it is too large, never too small.

    Above 10,000 effective rows scipy's law of the one-sample statistic takes 0.1 s; the limit
    with Vrbik's corrections (2018, Pioneer J. Theor. Appl. Stat. 15) agrees with it there.
    """
    rows = n * m / (n + m)
    if rows <= EXACT_ROWS:
        return float(kstwo.sf(distance, np.round(rows)))
    scaled = distance * np.sqrt(rows)
    return float(kolmogorov(scaled + 1 / (6 * np.sqrt(rows)) + (scaled - 1) / (4 * rows)))
