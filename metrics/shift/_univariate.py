"""Distances, tests and null values for one column, shared by columns and labels."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import chi2_contingency, fisher_exact

from .._halves import half_sizes, random_halves
from .._validation import Floats, Ints, subsample
from ._ks_exact import ks_asymptotic_p_value, ks_exact_p_value, scaled_differences
from ._ks_tied import ks_tied_is_cheap, ks_tied_p_value

_MAX_NULL_ROWS = 5000
_EXACT_KS_ROWS = 200
_MIN_EXPECTED = 5.0
_MANY_LEVELS = 500
_N_TABLES = 999
_N_TABLES_MANY_LEVELS = 199


class SortedPair:
    """Two numeric samples on their pooled sorted grid, for Wasserstein-1 under any weights."""

    __slots__ = ("_gaps", "_places_source", "_places_target", "_source")

    def __init__(self, source: Floats, target: Floats) -> None:
        grid, places = np.unique(np.concatenate([source, target]), return_inverse=True)
        places = places.ravel()
        self._gaps = np.diff(grid)
        self._source = source
        self._places_source = places[: len(source)]
        self._places_target = places[len(source) :]

    def wasserstein(self) -> float:
        """Wasserstein-1: the area between the two distribution functions."""
        return self._area(self._places_source, self._places_target)

    def resampled(self, n_bootstrap: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Wasserstein-1 and source standard deviation of resamples, (n_bootstrap,) each."""
        n, m = len(self._places_source), len(self._places_target)
        values, deviations = np.empty(n_bootstrap), np.empty(n_bootstrap)
        for draw in range(n_bootstrap):
            rows = rng.integers(n, size=n)
            resampled_target = self._places_target[rng.integers(m, size=m)]
            values[draw] = self._area(self._places_source[rows], resampled_target)
            deviations[draw] = np.std(self._source[rows])
        return values, deviations

    def _area(self, source: Ints, target: Ints) -> float:
        size = len(self._gaps) + 1
        difference = np.bincount(source, minlength=size) / len(source)
        difference -= np.bincount(target, minlength=size) / len(target)
        return float(np.abs(np.cumsum(difference)[:-1]) @ self._gaps)


def wasserstein_nulls(
    values: Floats, n_source: int, n_target: int, n_splits: int, rng: np.random.Generator
) -> Floats | None:
    """Return Wasserstein-1 between random halves of one sample, shape (n_splits,) or None.

    At most 5,000 rows are split; the values are then brought to the size of the full
    halves by the root-n rate that 1-d Wasserstein-1 follows when nothing differs.
    """
    full = half_sizes(len(values), n_source, n_target)
    if full is None:
        return None
    some = np.sort(values[subsample(len(values), _MAX_NULL_ROWS, rng)])
    gaps = np.diff(some)
    nulls = []
    sizes = full
    for first, second in random_halves(len(some), *full, n_splits=n_splits, rng=rng):
        sizes = len(first), len(second)
        steps = np.zeros(len(some))
        steps[first] = 1 / sizes[0]
        steps[second] = -1 / sizes[1]
        nulls.append(np.abs(np.cumsum(steps)[:-1]) @ gaps)
    rate = np.sqrt((1 / full[0] + 1 / full[1]) / (1 / sizes[0] + 1 / sizes[1]))
    scaled: Floats = np.asarray(nulls, dtype=np.float64) * rate
    return scaled


def spread(source: Floats, target: Floats) -> tuple[float, str] | None:
    """Return the unit of a numeric effect and its name; None when neither side varies.

    Both units are taken within each side and averaged: taken over the stacked rows they
    would grow with the very shift they are to measure.
    """
    within_iqr = (_iqr(source) + _iqr(target)) / 2
    # Two values one rounding apart would otherwise make a unit of 1e-17.
    if within_iqr > 1e-9 * max(float(np.ptp(source)), float(np.ptp(target))):
        return within_iqr, "wasserstein_in_iqr"
    within_sd = float(np.sqrt((np.var(source) + np.var(target)) / 2))
    if within_sd > 0:
        return within_sd, "wasserstein_in_sd"
    return None


def _iqr(values: Floats) -> float:
    low, high = np.quantile(values, [0.25, 0.75])  # scipy's iqr takes 2 ms a column
    return float(high - low)


def ks_p_value(source: Floats, target: Floats) -> float:
    """Two-sample Kolmogorov-Smirnov p-value.

    Exact, ties taken as they are, for small sides and for columns of few distinct values;
    asymptotic otherwise, which no ties make too small.
    """
    counts = level_counts(source, target)
    n, m, pooled = len(source), len(target), counts[0] + counts[1]
    if max(n, m) > _EXACT_KS_ROWS and len(pooled) < n + m and ks_tied_is_cheap(*counts):
        return ks_tied_p_value(*counts)
    reached = int(np.abs(scaled_differences(*counts)).max())
    if max(n, m) > _EXACT_KS_ROWS:
        return ks_asymptotic_p_value(reached / (n * m), n, m)
    ends = np.zeros(n + m, dtype=np.bool_)
    ends[np.cumsum(pooled) - 1] = True
    return ks_exact_p_value(reached, n, m, ends)


def level_counts(source: Floats | Ints, target: Floats | Ints) -> tuple[Ints, Ints]:
    """Count every level, or distinct value, that occurs on either side."""
    _, places = np.unique(np.concatenate([source, target]), return_inverse=True)
    places = places.ravel()
    size = int(places.max()) + 1
    return (
        np.bincount(places[: len(source)], minlength=size),
        np.bincount(places[len(source) :], minlength=size),
    )


def total_variation(source_counts: Ints, target_counts: Ints) -> float:
    """Half the summed absolute difference of the two shares, between 0 and 1."""
    source_shares = source_counts / source_counts.sum()
    return float(np.abs(source_shares - target_counts / target_counts.sum()).sum() / 2)


def total_variation_nulls(
    counts: Ints, n_source: int, n_target: int, n_splits: int, rng: np.random.Generator
) -> Floats | None:
    """Return total variation between random halves of one sample, (n_splits,) or None."""
    sizes = half_sizes(int(counts.sum()), n_source, n_target)
    if sizes is None:
        return None
    return np.array(
        [total_variation(*halves) for halves in split_counts(counts, sizes, n_splits, rng)]
    )


def split_counts(
    counts: Ints, sizes: tuple[int, int], n_splits: int, rng: np.random.Generator
) -> Iterator[tuple[Ints, Ints]]:
    """Yield the level counts of two disjoint random parts of a sample."""
    if len(counts) <= _MANY_LEVELS:
        for _ in range(n_splits):
            first = rng.multivariate_hypergeometric(counts, sizes[0], method="marginals")
            rest = counts - first
            yield first, rng.multivariate_hypergeometric(rest, sizes[1], method="marginals")
        return
    # With many levels shuffling the rows is cheaper than a draw for every level.
    rows = np.repeat(np.arange(len(counts)), counts)
    for _ in range(n_splits):
        drawn = rng.permutation(rows)[: sum(sizes)]
        yield (
            np.bincount(drawn[: sizes[0]], minlength=len(counts)),
            np.bincount(drawn[sizes[0] :], minlength=len(counts)),
        )


def counts_p_value(source_counts: Ints, target_counts: Ints, rng: np.random.Generator) -> float:
    """Chi-square p-value with rare levels pooled; by random tables where counts stay tiny."""
    table = np.stack([source_counts, target_counts])
    if table.shape[1] < 2:
        return 1.0
    pooled = pool_rare(table)
    if pooled.shape[1] >= 2:
        return float(chi2_contingency(pooled, correction=False).pvalue)
    return _random_tables_p_value(table, rng)


def expected_counts(table: Ints) -> Floats:
    """Return the counts of a table whose rows share one distribution."""
    return np.asarray(np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum())


def pool_rare(table: Ints) -> Ints:
    """Merge levels whose expected count is below 5 on a side into one level."""
    rare = expected_counts(table).min(axis=0) < _MIN_EXPECTED
    if not rare.any():
        return table
    kept, merged = table[:, ~rare], table[:, rare].sum(axis=1, keepdims=True)
    if kept.shape[1] and expected_counts(np.hstack([kept, merged]))[:, -1].min() < _MIN_EXPECTED:
        smallest = int(kept.sum(axis=0).argmin())
        merged = merged + kept[:, [smallest]]
        kept = np.delete(kept, smallest, axis=1)
    return np.hstack([kept, merged])


def _random_tables_p_value(table: Ints, rng: np.random.Generator) -> float:
    """Permutation p-value of the chi-square statistic: tables with the same margins."""
    expected = expected_counts(table)[0]
    sizes = int(table[0].sum()), int(table[1].sum())
    n_tables = _N_TABLES if table.shape[1] <= _MANY_LEVELS else _N_TABLES_MANY_LEVELS

    # With both margins fixed the statistic is a multiple of the source row's share of it.
    def statistic(source_counts: Ints) -> float:
        return float(((source_counts - expected) ** 2 / expected).sum())

    bar = statistic(table[0]) - 1e-9
    random_tables = split_counts(table.sum(axis=0), sizes, n_tables, rng)
    reached = sum(statistic(first) >= bar for first, _ in random_tables)
    return (1 + reached) / (1 + n_tables)


def rate_p_value(missing: tuple[int, int], rows: tuple[int, int]) -> float:
    """P-value that two shares of missing entries differ: Fisher where counts are small."""
    table = np.array([missing, (rows[0] - missing[0], rows[1] - missing[1])]).T
    if not table.sum(axis=0).all():
        return 1.0
    if expected_counts(table).min() < _MIN_EXPECTED:
        return float(fisher_exact(table)[1])
    return float(chi2_contingency(table, correction=False).pvalue)
