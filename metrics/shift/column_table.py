"""All columns of two tables at once: how far each moved, and whether any did."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .._permutation import max_t_p_values
from .._results import Interval, MeasureResult, NullBand
from .._validation import Bools, Floats, Ints, RandomState, check_count, check_share, generator
from ..registry import register
from ._column_comparison import ColumnRow, compare_column
from ._holm import holm
from ._paired_columns import Columns, paired_columns
from ._sorted_columns import Relabellings
from .column_shift import benjamini_hochberg

_MIN_PERMUTATIONS = 19


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnTableResult(MeasureResult):
    """Outcome of :func:`column_table`; arrays have one entry a column, in the order given.

    Attributes
    ----------
    value : float
        The largest of ``distances``.
    names : tuple of str
    categorical : ndarray of bool
    distances : ndarray
        Kolmogorov-Smirnov D, or total variation of a categorical column: both the largest
        difference of the two chances of an event, in [0, 1]. NaN when a side has no entry,
        as are all further distances.
    distance_low, distance_high : ndarray
        Interval of each; NaN when a side has fewer than 16 entries.
    cramer_von_mises : ndarray
        See :func:`cramer_von_mises`; NaN for a categorical column.
    wasserstein : ndarray
        See :func:`column_wasserstein`; NaN for a categorical column.
    wasserstein_units : tuple of str
        ``"iqr"``, ``"sd"`` or ``"raw"``; empty for a categorical column.
    jensen_shannon : ndarray
        Distance in base 2 of equally wide bins, or of the levels.
    stability_indices : ndarray
        See :func:`population_stability_index`, quantiles of the source or the levels.
    missing_source, missing_target : ndarray
        Missing rates.
    p_missing : ndarray
        That the missing rates are the same.
    p_values : ndarray
        Of values and missing rate together (twice the smaller one).
    p_adjusted : ndarray
        ``p_values`` after Benjamini and Hochberg: which columns moved.
    moved : ndarray of bool
        Whether ``p_adjusted`` is at most ``fdr``.
    p_family : ndarray
        Chance that any column of an unmoved table looks so moved: by the largest statistic of
        shared permutations, or Holm's correction without permutations.
    p_any : float
        Smallest of ``p_family``: whether any column moved.
    order : ndarray of int64
        Column numbers, largest distance first.
    n_permutations : int
        Permutations used.
    interval, null, n_source, n_target, warnings
        As in :class:`MeasureResult`, for ``value``.
    """

    names: tuple[str, ...]
    categorical: Bools
    distances: Floats
    distance_low: Floats
    distance_high: Floats
    cramer_von_mises: Floats
    wasserstein: Floats
    wasserstein_units: tuple[str, ...]
    jensen_shannon: Floats
    stability_indices: Floats
    missing_source: Floats
    missing_target: Floats
    p_missing: Floats
    p_values: Floats
    p_adjusted: Floats
    moved: Bools
    p_family: Floats
    p_any: float
    order: Ints
    n_permutations: int


@register(
    family="columns", units="difference of shares", range=(0.0, 1.0),
    direction="larger means the most moved column lies further apart",
    cost="O(d (n + m) (log(n + m) + permutations + splits))",
    symmetric=True, zero_on_itself=True,
    invariances=(
        "row order", "column order", "translation", "one scale", "column scales", "monotone",
    ),
    min_rows=2, attribution=("columns",),
)  # fmt: skip
def column_table(
    source: Columns,
    target: Columns,
    *,
    names: Sequence[str] | None = None,
    categorical: Collection[str] | Sequence[bool] | None = None,
    allow_missing: bool = False,
    statistic: Literal["ks", "cvm", "wasserstein"] = "ks",
    n_bins: int = 10,
    fdr: float = 0.05,
    n_permutations: int = 199,
    n_splits: int = 10,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> ColumnTableResult:
    """Compare every column of two tables: how far, which ones beyond chance, and whether any.

    Parameters
    ----------
    source, target : array_like of shape (n_source, d) and (n_target, d)
        Tables of numbers. Or mappings from the name of a column to its entries, or iterators of
        columns: these are read one at a time and never held together.
    names : sequence of str or None
        Of the columns; numbers where it is None. Mappings bring their own.
    categorical : collection of str, sequence of bool or None
        Names, or a mask, of the columns that hold codes (whole numbers, -1 for missing).
    allow_missing : bool
        Whether NaN (or the code -1) means missing; it is then left out of the values and the
        missing rates are compared. Else it is refused, as by every measure of tables.
    statistic : {"ks", "cvm", "wasserstein"}
        What the tests of numeric columns look at; categorical ones take chi-square. The p-values
        of "ks" need no permutations, those of the others are the permutations' own.
    n_bins : int
        Bins of the histograms behind ``jensen_shannon`` and ``stability_indices``.
    fdr : float
        Rate of false discoveries among the columns called ``moved``.
    n_permutations : int
        Permutations of the rows, the same for all columns; 0 for none (only with "ks").
    n_splits : int
        Random halves of each side for the null band, the same for all columns.
    level : float
        Nominal coverage of the intervals.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    ColumnTableResult
        ``value`` in [0, 1] is the distance of the most moved column; 0 means that every column
        has the same distribution on both sides. It is a distance, not a share of columns
        beyond chance, because such a share grows with the rows.

    Notes
    -----
    Permutations move whole rows, so that dependent columns move together: ``p_any`` is exact
    whatever the dependence (Westfall & Young 1993, step-down). The statistics are standardised
    by their mean and deviation over the permutations, and the missing indicators are columns of
    their own. ``p_any`` is no less than ``1 / (1 + n_permutations)``. Kolmogorov-Smirnov
    p-values are exact up to 200 rows and for up to 200 distinct values; too large with ties
    elsewhere.

    The interval of ``value`` is that of the most moved column alone, normal at the place of its
    largest difference; with many columns the largest of them is biased upwards, as in the null.

    It sees single columns only: where every column keeps its distribution and their
    dependence changes, nothing is seen. Each column is sorted once. Memory is that of one column
    and (n + m) / 8 bytes a permutation. Computed by NumPy, one column of a tensor at a time:
    permutations are held as bits.

    References
    ----------
    Westfall & Young (1993), Resampling-based multiple testing, algorithm 4.1. Benjamini &
    Hochberg (1995), JRSS B 57. Raghavachari (1973), Ann. Stat. 1 (interval).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(200, 3)), rng.normal(size=(150, 3)) + [0.0, 1.0, 0.0]
    >>> result = column_table(X, Y, names=["a", "b", "c"])
    >>> [result.names[j] for j in result.order[:1]], result.moved.tolist(), result.p_any
    (['b'], [False, True, False], 0.005)
    """
    _check_statistic(statistic, n_permutations)
    n_bins = check_count(n_bins, "n_bins", minimum=2)
    n_permutations = check_count(n_permutations, "n_permutations", minimum=0)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    fdr, level = check_share(fdr, "fdr"), check_share(level, "level")
    rng = generator(random_state)

    relabellings: Relabellings | None = None
    found: list[ColumnRow] = []
    for column in paired_columns(
        source, target, names=names, categorical=categorical, allow_missing=allow_missing
    ):
        if relabellings is None:
            sizes = len(column.source), len(column.target)
            relabellings = Relabellings(*sizes, n_permutations, n_splits, rng)
        found.append(
            compare_column(
                column, relabellings, statistic=statistic, n_bins=n_bins, level=level, rng=rng
            )
        )
    return _assembled(found, sizes, n_permutations, fdr, level)


def _check_statistic(statistic: str, n_permutations: int) -> None:
    if statistic not in ("ks", "cvm", "wasserstein"):
        raise ValueError(f"`statistic` must be 'ks', 'cvm' or 'wasserstein', got {statistic!r}.")
    if n_permutations != 0 or statistic != "ks":
        check_count(n_permutations, "n_permutations", minimum=_MIN_PERMUTATIONS)


def _assembled(
    found: list[ColumnRow], sizes: tuple[int, int], n_permutations: int, fdr: float, level: float
) -> ColumnTableResult:
    distances = np.array([row.distance for row in found])
    if np.isnan(distances).all():
        raise ValueError(
            "No column has an entry that is not missing on both sides; compare the missing rates "
            "with `missing_rate_shift`."
        )
    worst = found[int(np.nanargmax(distances))]
    p_values = np.array([row.p_value for row in found])
    p_adjusted = benjamini_hochberg(p_values)
    p_family = _family(found) if n_permutations else holm(p_values)
    null_source, null_target = (_largest([row.nulls[side] for row in found]) for side in (0, 1))

    def gathered(field: str) -> Floats:
        return np.array([getattr(row, field) for row in found], dtype=np.float64)

    return ColumnTableResult(
        value=worst.distance,
        interval=_interval(worst, level),
        null=NullBand(null_source, null_target),
        n_source=sizes[0],
        n_target=sizes[1],
        names=tuple(row.name for row in found),
        categorical=np.array([row.categorical for row in found]),
        distances=distances,
        distance_low=gathered("low"),
        distance_high=gathered("high"),
        cramer_von_mises=gathered("cramer_von_mises"),
        wasserstein=gathered("wasserstein"),
        wasserstein_units=tuple(row.wasserstein_unit for row in found),
        jensen_shannon=gathered("jensen_shannon"),
        stability_indices=gathered("stability_index"),
        missing_source=gathered("missing_source"),
        missing_target=gathered("missing_target"),
        p_missing=gathered("p_missing"),
        p_values=p_values,
        p_adjusted=p_adjusted,
        moved=p_adjusted <= fdr,
        p_family=p_family,
        p_any=float(p_family.min()),
        order=np.argsort(-np.nan_to_num(distances, nan=-1.0), kind="stable").astype(np.int64),
        n_permutations=n_permutations,
    )


def _interval(worst: ColumnRow, level: float) -> Interval | None:
    if np.isnan(worst.low):
        return None
    return Interval(worst.low, worst.high, level, "normal at the maximum")


def _largest(nulls: list[Floats]) -> Floats | None:
    """Return the largest value over the columns for every split; None without splits."""
    held = np.stack(nulls)
    return held.max(axis=0) if held.shape[1] else None


def _family(found: list[ColumnRow]) -> Floats:
    """Return step-down max-T p-values of the columns, values and missing indicators jointly."""
    owners = [number for number, row in enumerate(found) for _ in row.permuted]
    statistics = np.stack([one for row in found for one in row.permuted], axis=1)
    # Over all of them, the observed one among them: then no relabelling is treated apart.
    spread = statistics.std(axis=0)
    centred = statistics - statistics.mean(axis=0)
    standard = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-12)
    p_values = np.ones(len(found))
    np.minimum.at(p_values, owners, max_t_p_values(standard))
    return p_values
