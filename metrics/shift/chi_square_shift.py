"""Shift of a column of categories: chi-square and G tests, and which levels moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import xlogy
from scipy.stats import chi2

from .._arrays import Array, to_numpy
from .._validation import Floats, Ints, RandomState, check_count, check_share, generator
from ..registry import register
from ._column_arrays import counts_of, doubt_of_counts, pooled_places, read_columns
from ._column_results import ColumnResult
from ._univariate import expected_counts, pool_rare, split_counts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChiSquareShiftResult(ColumnResult):
    """Outcome of :func:`chi_square_shift`.

    Attributes
    ----------
    value : float
        Cramér's V of all levels, in [0, 1].
    chi_square, g_statistic : float
        Of the levels as they were tested.
    p_value, g_p_value : float
        Of the two.
    method : str
        ``"chi-square"`` or ``"random tables"``.
    degrees_of_freedom : int
        Tested levels minus one.
    levels : ndarray of int64, shape (L,)
        Codes that occur on either side.
    residuals : ndarray of shape (L,)
        Adjusted residual of every level, standard normal where nothing differs; positive
        where the target has more of it.
    order : ndarray of int64, shape (L,)
        Codes, most moved first.
    unseen : ndarray of int64
        Codes that occur in the target but not in the source.
    n_pooled : int
        Rare levels that were merged for the chi-square test.
    n_missing_source, n_missing_target, interval, null, n_source, n_target, warnings
        As in :class:`ColumnResult`.
    """

    chi_square: float
    g_statistic: float
    p_value: float
    g_p_value: float
    method: str
    degrees_of_freedom: int
    levels: Ints
    residuals: Floats
    order: Ints
    unseen: Ints
    n_pooled: int


@register(
    family="columns", inputs="codes", units="Cramér's V", range=(0.0, 1.0),
    direction="larger means other frequencies", cost="O((n + m) (log(n + m) + draws))",
    symmetric=True, zero_on_itself=True, invariances=("row order", "relabelling"),
    min_rows=1, attribution=("classes",), arrays=True,
)  # fmt: skip
def chi_square_shift(
    source: Any,
    target: Any,
    *,
    method: Literal["auto", "random tables"] = "auto",
    n_permutations: int = 999,
    n_splits: int = 10,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> ChiSquareShiftResult:
    """Test whether the categories of a column occur equally often on both sides.

    Parameters
    ----------
    source, target : array_like of shape (n_source,) and (n_target,)
        Integer codes of one shared coding; -1 is missing, left out and counted. A code that
        only one side has is a level like any other.
    method : {"auto", "random tables"}
        "auto" takes the chi-square limit after merging levels whose expected count is below 5
        on a side, and random tables where fewer than two levels are left by that.
    n_permutations : int
        Random tables with the same totals.
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
    ChiSquareShiftResult
        Cramér's V in [0, 1]: 0 means equal shares, 1 sides without a level in common.

    Notes
    -----
    ``chi² = sum (O - E)² / E`` and ``G = 2 sum O ln(O / E)`` over the table of sides and
    levels; ``V = sqrt(chi² / (n + m))`` of all levels, as a table of two rows has it. V is not
    corrected for its bias, about ``sqrt((L - 1) / (n + m))`` where nothing differs: the null
    band shows it. Random tables give no p-value below ``1 / (1 + n_permutations)``.

    It misleads for names, keys and other columns with a level for every row: any two samples
    of them differ (V is 1) and the test says nothing. It ignores an order of the levels.

    References
    ----------
    Pearson (1900), Philos. Mag. 50. Cramér (1946), Mathematical methods of statistics, 21.9.
    Agresti (2013), Categorical data analysis, 3.3.1 (adjusted residuals).

    Examples
    --------
    >>> result = chi_square_shift([0] * 50 + [1] * 50, [0] * 50 + [2] * 50)
    >>> round(result.value, 3), result.unseen.tolist(), result.order.tolist()
    (0.707, [2], [1, 2, 0])
    """
    x, y, counts = read_columns(source, target, categorical=True)
    if method not in ("auto", "random tables"):
        raise ValueError(f"`method` must be 'auto' or 'random tables', got {method!r}.")
    n_permutations = check_count(n_permutations, "n_permutations", minimum=19)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=2)
    level, rng = check_share(level, "level"), generator(random_state)

    grid, codes_x, codes_y = pooled_places(x, y)
    levels = to_numpy(grid)
    table = np.stack([to_numpy(one) for one in counts_of(codes_x, codes_y, len(levels))])
    value = _cramers_v(*table)
    interval, null = doubt_of_counts(
        _cramers_v, codes_x, codes_y, len(levels), value,
        n_splits=n_splits, n_draws=n_draws, level=level, rng=rng, high=1.0,
    )  # fmt: skip
    tested = pool_rare(table) if method == "auto" else table
    by_limit = method == "auto" and tested.shape[1] >= 2
    tested = tested if by_limit else table
    p_value, g_p_value = _limit(tested) if by_limit else _random_tables(table, n_permutations, rng)
    residuals = _residuals(table)
    return ChiSquareShiftResult(
        value=value,
        interval=interval,
        null=null,
        chi_square=_chi_square(tested),
        g_statistic=_g_statistic(tested),
        p_value=p_value,
        g_p_value=g_p_value,
        method="chi-square" if by_limit else "random tables",
        degrees_of_freedom=tested.shape[1] - 1,
        levels=levels,
        residuals=residuals,
        order=levels[np.argsort(-np.abs(residuals), kind="stable")],
        unseen=levels[table[0] == 0],
        n_pooled=table.shape[1] - tested.shape[1] + 1 if tested.shape != table.shape else 0,
        **counts,
    )


def _chi_square(table: Ints) -> float:
    expected = expected_counts(table)
    return float(((table - expected) ** 2 / expected).sum())


def _g_statistic(table: Ints) -> float:
    return max(0.0, float(2 * xlogy(table, table / expected_counts(table)).sum()))


def _cramers_v(source_counts: Array, target_counts: Array) -> float:
    table = np.stack([to_numpy(source_counts), to_numpy(target_counts)])
    # Levels that a half has lost have no expected count.
    table = table[:, table.sum(axis=0) > 0]
    return min(1.0, float(np.sqrt(_chi_square(table) / table.sum())))


def _limit(table: Ints) -> tuple[float, float]:
    freedom = table.shape[1] - 1
    return float(chi2.sf(_chi_square(table), freedom)), float(chi2.sf(_g_statistic(table), freedom))


def _random_tables(
    table: Ints, n_permutations: int, rng: np.random.Generator
) -> tuple[float, float]:
    bars = np.array([_chi_square(table), _g_statistic(table)])
    bars -= 1e-9 * (1 + bars)
    sizes = int(table[0].sum()), int(table[1].sum())
    reached = np.zeros(2)
    for both in split_counts(table.sum(axis=0), sizes, n_permutations, rng):
        drawn = np.stack(both)
        reached += np.array([_chi_square(drawn), _g_statistic(drawn)]) >= bars
    p_value, g_p_value = (1 + reached) / (1 + n_permutations)
    return float(p_value), float(g_p_value)


def _residuals(table: Ints) -> Floats:
    """Return the adjusted residuals of the target's counts; 0 for an only level."""
    expected, total = expected_counts(table)[1], table.sum()
    spread = expected * (1 - table.sum(axis=0) / total) * (1 - table[1].sum() / total)
    residuals = np.zeros(table.shape[1])
    np.divide(table[1] - expected, np.sqrt(spread), out=residuals, where=spread > 0)
    return residuals
