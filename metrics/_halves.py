"""Random halves of one sample: what a measure says when nothing differs.

A measure of two samples is read beside its value for two random halves of one and the
same sample. The halves are as large as the two sides of the comparison where the
sample allows it, otherwise both shrink by the same factor, because most measures
depend on the sizes (bias and spread shrink with them).
"""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from ._validation import MIN_HALF, Ints

Halves: TypeAlias = tuple[Ints, Ints]


def half_sizes(rows: int, n_source: int, n_target: int) -> tuple[int, int] | None:
    """Return the sizes of two disjoint parts of ``rows`` rows, or None when too few rows.

    The ratio ``n_source : n_target`` is kept as far as both parts keep ``MIN_HALF`` rows.
    """
    if rows < 2 * MIN_HALF:
        return None
    shrink = min(1.0, rows / (n_source + n_target))
    first = max(MIN_HALF, int(shrink * n_source))
    second = max(MIN_HALF, int(shrink * n_target))
    # A floor at MIN_HALF can push the two parts over the rows there are.
    if first >= second:
        first = min(first, rows - second)
    else:
        second = min(second, rows - first)
    return first, second


def random_halves(
    rows: int,
    n_source: int,
    n_target: int,
    *,
    n_splits: int,
    rng: np.random.Generator,
) -> Iterator[Halves]:
    """Yield ``n_splits`` pairs of disjoint row numbers; nothing when too few rows.

    Parameters
    ----------
    rows : int
        Rows of the sample that is split.
    n_source, n_target : int
        Sizes of the comparison the halves stand in for.
    n_splits : int
        Number of splits.
    rng : numpy.random.Generator
        The only source of randomness.

    Yields
    ------
    tuple of ndarray of int64
        Row numbers of the stand-in for the source and for the target.
    """
    sizes = half_sizes(rows, n_source, n_target)
    if sizes is None:
        return
    first, second = sizes
    for _ in range(n_splits):
        order = rng.permutation(rows).astype(np.int64)
        yield order[:first], order[first : first + second]
