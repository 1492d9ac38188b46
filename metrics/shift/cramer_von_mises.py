"""Mean squared difference of the two distribution functions of a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._arrays import Array, namespace, to_numpy
from .._validation import Ints, RandomState, check_count, check_share, generator
from ..registry import register
from ._column_arrays import (
    counts_of,
    doubt_of_counts,
    pooled_places,
    read_columns,
    shares_up_to,
)
from ._column_results import ColumnResult
from ._univariate import split_counts

_FEW_VALUES = 500
_FEW_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CramerVonMisesResult(ColumnResult):
    """Outcome of :func:`cramer_von_mises`.

    Attributes
    ----------
    value : float
        Mean squared difference of the distribution functions over the pooled rows, in [0, 1].
    statistic : float
        The test statistic T, ``value`` times ``n m / (n + m)``.
    p_value : float
        That nothing differs.
    method : str
        ``"exact or asymptotic"`` (no value repeats) or ``"random tables"``.
    n_missing_source, n_missing_target, interval, null, n_source, n_target, warnings
        As in :class:`ColumnResult`.
    """

    statistic: float
    p_value: float
    method: str


@register(
    family="columns", inputs="numbers", units="squared difference of shares", range=(0.0, 1.0),
    direction="larger means further apart", cost="O((n + m) (log(n + m) + draws))",
    symmetric=True, zero_on_itself=True,
    invariances=("row order", "translation", "one scale", "monotone"), min_rows=1, arrays=True,
)  # fmt: skip
def cramer_von_mises(
    source: Any,
    target: Any,
    *,
    n_permutations: int = 999,
    n_splits: int = 10,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> CramerVonMisesResult:
    """Return the mean squared difference of the distribution functions of a column.

    Parameters
    ----------
    source, target : array_like of shape (n_source,) and (n_target,)
        Numbers; NaN is left out and counted.
    n_permutations : int
        Random tables behind the p-value where values repeat.
    n_splits : int
        Random halves of each side for the null band.
    n_draws : int
        Half-samples for the interval.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    CramerVonMisesResult
        ``value`` in [0, 1]; 0 means equal distribution functions, about 1/3 sides that do not
        overlap (more only where one side is constant).

    Notes
    -----
    ``value = sum_z (F(z) - G(z))² / (n + m)`` over all pooled rows z, and ``T = n m / (n + m)
    value``: Anderson's statistic, equation (2). With ties F and G are taken at the last row of a
    tie; scipy uses mean ranks instead, so that its T differs then. It has no upper tail of p-values
    for ties either: here they come from random tables with the same totals, which holds for
    any column (no p-value is below ``1 / (1 + n_permutations)``). Columns with more than 500
    different values on more than 10,000 rows are too large for that; the asymptotic p-value is
    used, which light ties hardly move. P-values are found on the host, all else where the
    column lies.

    More powerful than :func:`kolmogorov_smirnov` where the distributions differ a little
    everywhere, less where they differ in one place. ``value`` is biased upwards by about
    ``(1/n + 1/m) / 6``: the null band shows it. It says nothing about how far values moved.

    References
    ----------
    Anderson (1962), On the distribution of the two-sample Cramer-von Mises criterion, Ann.
    Math. Stat. 33.

    Examples
    --------
    >>> result = cramer_von_mises([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0])
    >>> round(result.value, 4), round(result.p_value, 4)
    (0.3438, 0.0286)
    """
    x, y, counts = read_columns(source, target)
    n_permutations = check_count(n_permutations, "n_permutations", minimum=19)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=2)
    level, rng = check_share(level, "level"), generator(random_state)

    grid, places_x, places_y = pooled_places(x, y)
    found = counts_of(places_x, places_y, grid.shape[0])
    value = _mean_square(*found)
    interval, null = doubt_of_counts(
        _mean_square, places_x, places_y, grid.shape[0], value,
        n_splits=n_splits, n_draws=n_draws, level=level, rng=rng, high=1.0,
    )  # fmt: skip
    n, m = counts["n_source"], counts["n_target"]
    p_value, method = _p_value(x, y, found, n_permutations, rng)
    return CramerVonMisesResult(
        value=value,
        interval=interval,
        null=null,
        statistic=value * n * m / (n + m),
        p_value=p_value,
        method=method,
        **counts,
    )


def _mean_square(source_counts: Array, target_counts: Array) -> float:
    xp, pooled = namespace(source_counts), source_counts + target_counts
    difference = shares_up_to(source_counts) - shares_up_to(target_counts)
    # Beyond the last value both are 1, up to rounding.
    difference[-1] = 0.0
    return float(xp.astype(pooled, xp.float64) @ difference**2) / int(xp.sum(pooled))


def _p_value(
    x: Array, y: Array, found: tuple[Array, Array], n_permutations: int, rng: np.random.Generator
) -> tuple[float, str]:
    rows, counts = x.shape[0] + y.shape[0], (to_numpy(found[0]), to_numpy(found[1]))
    values = len(counts[0])
    if values == 1:
        return 1.0, "random tables"
    if values < rows and (values <= _FEW_VALUES or rows <= _FEW_ROWS):
        return _random_tables(counts, n_permutations, rng), "random tables"
    from scipy.stats import cramervonmises_2samp

    if min(x.shape[0], y.shape[0]) < 2:
        return _random_tables(counts, n_permutations, rng), "random tables"
    return float(cramervonmises_2samp(to_numpy(x), to_numpy(y)).pvalue), "exact or asymptotic"


def _random_tables(
    counts: tuple[Ints, Ints], n_permutations: int, rng: np.random.Generator
) -> float:
    bar = _mean_square(*counts) * (1 - 1e-10)
    sizes = int(counts[0].sum()), int(counts[1].sum())
    tables = split_counts(counts[0] + counts[1], sizes, n_permutations, rng)
    reached = sum(_mean_square(*table) >= bar for table in tables)
    return (1 + reached) / (1 + n_permutations)
