"""Held-out folds: repeated, stratified, and never splitting a group; or forward in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_LABELS = 12
"""Below this many usable labelled rows no pilot is run."""
LABELS_FOR_REVERSAL = 30
"""About as many labels drawn at random detect a reversal."""
LEAST_BLOCKS, MAX_BLOCKS = 2, 5
"""Blocks of later rows held out one after another.

With the first third of the rows only trained on, the mean of held-out over training rows, times
the number of blocks, is at most k / (k - 1) for up to five blocks: the allowance for overlapping
training sets that intervals of gaps make for k folds is then enough.
"""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Rows on which predictions are compared, and how they were held out.

    `scale` is the standard deviation by which errors of a quantity are divided, 1 for
    classes; `groups` gives identical rows, and rows of one unit, the same number.
    """

    y: NDArray[Any]
    groups: NDArray[np.int64]
    scale: float
    n_folds: int
    n_repeats: int


def n_folds(n_rows: int, strata: NDArray[np.int64], groups: NDArray[np.int64]) -> int:
    """Return the number of folds: 10 for few rows (the training part stays near n), else 5."""
    wanted = 10 if n_rows < 60 else 5
    return int(max(2, min(wanted, np.unique(groups).size)))


def strata_of(y: NDArray[Any], *, regression: bool) -> NDArray[np.int64]:
    """Return integer strata: the classes, or up to five bins of a quantity."""
    if not regression:
        return np.asarray(y, dtype=np.int64)
    n_bins = max(1, min(5, len(y) // 5))
    cuts = np.quantile(y, np.linspace(0, 1, n_bins + 1)[1:-1])
    return np.searchsorted(cuts, y, side="right").astype(np.int64)


def assign_folds(
    strata: NDArray[np.int64],
    groups: NDArray[np.int64],
    k: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return a fold number in ``0..k-1`` for every row.

    Rows of one group get one fold.  Within a stratum the groups, in random order, are dealt
    out one after another, and each stratum goes on where the last one stopped, so that
    folds are balanced both within strata and in size.
    """
    unique, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    order = np.lexsort((rng.random(unique.size), strata[first]))
    fold_of_group = np.empty(unique.size, dtype=np.int64)
    fold_of_group[order] = (np.arange(unique.size) + rng.integers(k)) % k
    return np.asarray(fold_of_group[inverse.ravel()], dtype=np.int64)


def time_blocks(time: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
    """Return a block number for every row, later rows having larger ones, and how many blocks.

    The first third of the rows gets -1: it is trained on and never held out.  The rest is cut
    into at most `MAX_BLOCKS` blocks of about equal size, numbered from 0.  Rows of one time
    share a block.  Rows without a time get the number of blocks: they are used nowhere.
    """
    known = ~np.isnan(time)
    n = int(known.sum())
    earlier = np.searchsorted(np.sort(time[known]), time[known], side="left")
    cut = np.where(3 * earlier < n, -1, (3 * earlier - n) * MAX_BLOCKS // (2 * max(n, 1)))
    present = np.unique(cut[cut >= 0])
    block = np.full(len(time), present.size, dtype=np.int64)
    block[known] = np.where(cut < 0, -1, np.searchsorted(present, cut))
    return block, int(present.size)
