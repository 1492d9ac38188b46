"""One column of both sides in any array library: its values, its grid, and counts along it.

Values are sorted and counted where they lie. Row numbers of halves, and what is left when a
column has been counted into a few bins or levels, are NumPy's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from .._arrays import Array, check_column_pair, like, namespace, to_numpy
from .._doubt import Sample, half_sample_interval, null_band
from .._results import Interval, NullBand
from .._validation import Floats

CountStatistic: TypeAlias = Callable[[Array, Array], float]
"""A number from how often every value (or bin, or level) occurs on either side."""


def read_columns(
    source: Any, target: Any, *, categorical: bool = False
) -> tuple[Array, Array, dict[str, Any]]:
    """Return the entries of both columns that are not missing, and the counts of a result."""
    found = []
    columns = check_column_pair(source, target, categorical=categorical)
    for column, name in zip(columns, ("source", "target"), strict=True):
        present = column[column >= 0 if categorical else ~namespace(column).isnan(column)]
        if not present.shape[0]:
            raise ValueError(
                f"`{name}` has {column.shape[0]} row(s), all of them missing, at least 1 entry is "
                "needed; compare the missing rates with `missing_rate_shift`."
            )
        found.append(present)
    x, y = found
    n, m = x.shape[0], y.shape[0]
    return x, y, {
        "n_source": n,
        "n_target": m,
        "n_missing_source": columns[0].shape[0] - n,
        "n_missing_target": columns[1].shape[0] - m,
    }  # fmt: skip


def pooled_places(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Return the sorted values of both sides, and where on that grid every entry lies."""
    xp, n = namespace(x), x.shape[0]
    both = xp.concat([x, y])
    if isinstance(both, np.ndarray):
        grid, places = np.unique(both, return_inverse=True)
        places = places.ravel().astype(np.int64, copy=False)
    else:
        # The standard leaves open in which order its unique values come.
        ordered = xp.sort(both)
        new = xp.concat([xp.ones_like(ordered[:1], dtype=xp.bool), ordered[1:] != ordered[:-1]])
        grid = ordered[new]
        places = xp.searchsorted(grid, both)
    return grid, places[:n], places[n:]


def codes_of(values: Array, cuts: Floats) -> Array:
    """Return the bin of every value; see `_column_bins`."""
    return namespace(values).searchsorted(like(cuts, values), values, side="left")


def sorted_values(*columns: Array) -> Floats:
    """Return the values of columns together, sorted where they lie."""
    xp = namespace(*columns)
    return np.asarray(to_numpy(xp.sort(xp.concat(list(columns)))))


def five_numbers(values: Array) -> Floats:
    """Return minimum, quartiles and maximum, quartiles between two values interpolated."""
    ordered = namespace(values).sort(values)
    found = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        place = share * (values.shape[0] - 1)
        low, high = (float(ordered[int(at)]) for at in (math.floor(place), math.ceil(place)))
        found.append(low + (high - low) * (place - math.floor(place)))
    return np.array(found)


def counts_of(x: Array, y: Array, size: int) -> tuple[Array, Array]:
    """Return how often each of `size` codes occurs on either side."""
    return _counts(x, size), _counts(y, size)


def _counts(codes: Array, size: int) -> Array:
    if isinstance(codes, np.ndarray):
        return np.bincount(codes, minlength=size)
    xp = namespace(codes)
    ordered = xp.sort(codes)
    ends = xp.searchsorted(ordered, like(np.arange(size), codes), side="right")
    return xp.concat([ends[:1], ends[1:] - ends[:-1]])


def running(counts: Array) -> Array:
    """Return the cumulative counts along the grid."""
    if isinstance(counts, np.ndarray):
        return np.cumsum(counts)
    xp = namespace(counts)
    # In the standard since 2023, but not in the oldest array-api-compat.
    return xp.cumulative_sum(counts) if hasattr(xp, "cumulative_sum") else xp.cumsum(counts, 0)


def shares_up_to(counts: Array) -> Array:
    """Return the distribution function along the grid."""
    so_far = running(counts)
    if isinstance(so_far, np.ndarray):
        return so_far / so_far[-1]
    xp = namespace(so_far)
    return xp.astype(so_far, xp.float64) / int(so_far[-1])


def doubt_of_counts(
    statistic: CountStatistic, x: Array, y: Array, size: int, value: float, *, n_splits: int,
    n_draws: int, level: float, rng: np.random.Generator, high: float = np.inf,
) -> tuple[Interval | None, NullBand]:  # fmt: skip
    """Return the interval and the null band of a measure that only sees counts of codes.

    The grid, bins or levels stay those of the comparison, so that no draw sorts any values.
    """

    def of_samples(first: Sample, second: Sample) -> float:
        return statistic(*counts_of(first[0], second[0], size))

    null = null_band(of_samples, (x,), (y,), n_splits=n_splits, rng=rng)
    interval = half_sample_interval(
        of_samples, (x,), (y,), value, level=level, n_draws=n_draws, rng=rng, low=0.0, high=high
    )
    return interval, null
