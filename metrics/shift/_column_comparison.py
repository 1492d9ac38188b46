"""Everything the table of columns says about one column, from sorting it once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .._permutation import permutation_p_value
from .._validation import Floats, Ints
from ._column_bins import quantile_cuts, sorted_counts, width_cuts
from ._ks_exact import ks_asymptotic_p_value, ks_exact_p_value
from ._ks_tied import ks_tied_is_cheap, ks_tied_p_value
from ._paired_columns import PairedColumn
from ._sorted_columns import (
    Kind,
    Relabellings,
    SortedColumn,
    reduce_walks,
    sort_column,
    walks,
)
from ._univariate import counts_p_value, rate_p_value
from .column_wasserstein import column_scale
from .jensen_shannon import js_divergence
from .kolmogorov_smirnov import difference_interval
from .population_stability_index import psi_contributions

_EXACT_ROWS = 200
_SMOOTHING = 0.5
_NAN = float("nan")


@dataclass(slots=True, kw_only=True, eq=False)
class ColumnRow:
    """One row of the table; see `ColumnTableResult`.

    Attributes
    ----------
    nulls : tuple of two ndarray of shape (n_splits,) or (0,)
        ``distance`` for random halves of either side.
    permuted : list of ndarray of shape (1 + B,)
        Test statistics, the observed one first: of the values, and of the missing indicator.
    """

    name: str
    categorical: bool
    missing_source: float
    missing_target: float
    p_missing: float
    p_value: float
    nulls: tuple[Floats, Floats]
    distance: float = _NAN
    low: float = _NAN
    high: float = _NAN
    cramer_von_mises: float = _NAN
    wasserstein: float = _NAN
    wasserstein_unit: str = ""
    jensen_shannon: float = _NAN
    stability_index: float = _NAN
    permuted: list[Floats] = field(default_factory=list)


def compare_column(
    column: PairedColumn, relabellings: Relabellings, *, statistic: Kind, n_bins: int,
    level: float, rng: np.random.Generator,
) -> ColumnRow:  # fmt: skip
    """Compare one column of two tables by every distance and test of the table."""
    ordered = sort_column(column.source, column.target)
    rows = len(column.source), len(column.target)
    entries = len(ordered.x), len(ordered.y)
    missing = rows[0] - entries[0], rows[1] - entries[1]
    p_missing = rate_p_value(missing, rows)
    row = ColumnRow(
        name=column.name,
        categorical=column.categorical,
        missing_source=missing[0] / rows[0],
        missing_target=missing[1] / rows[1],
        p_missing=p_missing,
        p_value=p_missing,
        nulls=relabellings.no_halves(),
    )
    if any(missing) and relabellings.n_permutations:
        row.permuted.append(relabellings.permuted_rates(ordered.pooled.order))
    if not all(entries):
        return row
    walk = walks(ordered.pooled, relabellings.observed)[0][0]
    kind: Kind = "chi-square" if column.categorical else statistic
    if relabellings.n_permutations:
        row.permuted.append(relabellings.permuted(ordered.pooled, kind))
    describe = _describe_codes if column.categorical else _describe_numbers
    p_of_values = describe(row, ordered, walk, n_bins, level, rng)
    if statistic != "ks" and not column.categorical:
        p_of_values = permutation_p_value(row.permuted[-1])
    row.p_value = min(1.0, 2 * min(p_of_values, p_missing)) if any(missing) else p_of_values
    shown: Kind = "total variation" if column.categorical else "ks"
    row.nulls = (
        relabellings.halved(ordered.source, 0, shown),
        relabellings.halved(ordered.target, 1, shown),
    )
    return row


def _describe_numbers(
    row: ColumnRow,
    ordered: SortedColumn,
    walk: Ints,
    n_bins: int,
    level: float,
    rng: np.random.Generator,
) -> float:
    """Fill in the distances of a numeric column; return its Kolmogorov-Smirnov p-value."""
    x, y, pooled = ordered.x, ordered.y, ordered.pooled
    n, m = len(x), len(y)
    sizes = np.array([n], dtype=np.float64), np.array([m], dtype=np.float64)
    place = int(np.abs(walk).argmax())
    reached = abs(int(walk[place]))
    row.distance = reached / (n * m)
    at = pooled.values[place]
    below = tuple(float(np.searchsorted(side, at, side="right")) / len(side) for side in (x, y))
    _fill_interval(row, below[0], below[1], n, m, level)
    row.cramer_von_mises = float(reduce_walks(walk[None, :], *sizes, pooled, "cvm")[0])
    scale, row.wasserstein_unit, _ = column_scale(x, y, "iqr")
    row.wasserstein = float(reduce_walks(walk[None, :], *sizes, pooled, "wasserstein")[0]) / scale
    cuts = width_cuts(float(pooled.values[0]), float(pooled.values[-1]), n_bins)
    row.jensen_shannon = _js_distance(sorted_counts(x, cuts), sorted_counts(y, cuts))
    cuts = quantile_cuts(x, n_bins)
    row.stability_index = _psi(sorted_counts(x, cuts), sorted_counts(y, cuts))
    if max(n, m) > _EXACT_ROWS:
        if pooled.ends is not None and ks_tied_is_cheap(*(counts := _counts(ordered, walk))):
            return ks_tied_p_value(*counts)
        return ks_asymptotic_p_value(row.distance, n, m)
    ends = np.ones(n + m, dtype=np.bool_)
    if pooled.ends is not None:
        ends[:] = False
        ends[pooled.ends] = True
    return ks_exact_p_value(reached, n, m, ends)


def _describe_codes(
    row: ColumnRow,
    ordered: SortedColumn,
    walk: Ints,
    n_bins: int,
    level: float,
    rng: np.random.Generator,
) -> float:
    """Fill in the distances of a column of codes; return its chi-square p-value."""
    n, m = len(ordered.x), len(ordered.y)
    source_counts, target_counts = _counts(ordered, walk)
    steps = np.diff(walk, prepend=0)
    more = steps > 0
    shares = float(source_counts[more].sum()) / n, float(target_counts[more].sum()) / m
    row.distance = float(steps[more].sum()) / (n * m)
    _fill_interval(row, *shares, n, m, level)
    row.jensen_shannon = _js_distance(source_counts, target_counts)
    row.stability_index = _psi(source_counts, target_counts)
    return counts_p_value(source_counts, target_counts, rng)


def _counts(ordered: SortedColumn, walk: Ints) -> tuple[Ints, Ints]:
    """Return how often either side has every value."""
    n, m, ties = len(ordered.x), len(ordered.y), ordered.pooled.ties
    # Steps of the walk are m c - n (t - c) for c of the t rows of a value from the source.
    source_counts = (np.diff(walk, prepend=0) + n * ties) // (n + m)
    return source_counts, ties - source_counts


def _fill_interval(row: ColumnRow, p: float, q: float, n: int, m: int, level: float) -> None:
    interval = difference_interval(p, q, n, m, level)
    if interval is not None:
        row.low, row.high = min(interval.low, row.distance), max(interval.high, row.distance)


def _js_distance(source_counts: Ints, target_counts: Ints) -> float:
    return float(np.sqrt(float(js_divergence(source_counts, target_counts)) / np.log(2)))


def _psi(source_counts: Ints, target_counts: Ints) -> float:
    return float(psi_contributions(source_counts, target_counts, _SMOOTHING).sum())
