"""The doubt around a value: an interval by half-samples, and the null band of random halves.

Serves every measure that has no published asymptotics of its own. A side is a `Sample`: the
arrays that share its rows, such as ``(X,)`` or ``(X, y)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy.stats import norm

from ._arrays import Array, take
from ._halves import random_halves
from ._results import Interval, NullBand
from ._validation import MIN_HALF, Floats, Ints

Sample: TypeAlias = tuple[Array, ...]
Statistic: TypeAlias = Callable[[Sample, Sample], float]
METHOD = "half-samples, normal"


def rows_of(sample: Sample, rows: Ints) -> Sample:
    """Return the given rows of every array of a side."""
    return tuple(take(array, rows) for array in sample)


def null_band(
    statistic: Statistic, source: Sample, target: Sample, *, n_splits: int,
    rng: np.random.Generator,
) -> NullBand:  # fmt: skip
    """Return the statistic for random halves of either side, sized like the comparison."""
    n, m = source[0].shape[0], target[0].shape[0]
    return NullBand(*(_halves(statistic, side, n, m, n_splits, rng) for side in (source, target)))


def _halves(
    statistic: Statistic, side: Sample, n: int, m: int, n_splits: int, rng: np.random.Generator
) -> Floats | None:
    values = [
        statistic(rows_of(side, first), rows_of(side, second))
        for first, second in random_halves(side[0].shape[0], n, m, n_splits=n_splits, rng=rng)
    ]
    return np.array(values, dtype=np.float64) if values else None


def half_sample_interval(
    statistic: Statistic, source: Sample, target: Sample, value: float, *, level: float,
    n_draws: int, rng: np.random.Generator, low: float = -math.inf, high: float = math.inf,
) -> Interval | None:  # fmt: skip
    """Return an interval for what samples of these sizes give on average.

    Both sides are halved at random, without replacement, `n_draws` times. For a statistic
    whose error shrinks like one over the root of the rows, the spread of these values is that
    of the value itself: the delete-half jackknife of Shao & Wu (1989, Ann. Stat. 17). Unlike
    a bootstrap it repeats no row, which would put zero distances where there are none. Where
    nothing differs the spread of a U-statistic shrinks faster; the interval is then too wide,
    never too narrow. The value's bias at these sizes is not taken out: the null band shows it.

    Parameters
    ----------
    statistic : callable
    source, target : Sample
    value : float
        On all rows.
    level : float
    n_draws : int
    rng : numpy.random.Generator
    low, high : float
        Between which the measure always lies.
    """
    sizes = [side[0].shape[0] for side in (source, target)]
    if min(sizes) < 2 * MIN_HALF:
        return None
    values = []
    for _ in range(n_draws):
        halves = (
            rows_of(side, np.sort(rng.permutation(size)[: size // 2]).astype(np.int64))
            for side, size in zip((source, target), sizes, strict=True)
        )
        values.append(statistic(*halves))
    reach = float(norm.ppf((1 + level) / 2)) * float(np.std(values, ddof=1))
    return Interval(max(low, value - reach), min(high, value + reach), level, METHOD)
