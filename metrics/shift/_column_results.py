"""What the measures of one column share: reading two columns, and doubt from counts alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._doubt import Sample, half_sample_interval, null_band
from .._results import Interval, MeasureResult, NullBand
from .._validation import Ints, check_columns

CountStatistic: TypeAlias = Callable[[Ints, Ints], float]
"""A number from how often every value (or bin, or level) occurs on either side."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnResult(MeasureResult):
    """What a measure of one column returns; missing entries are left out and counted.

    Attributes
    ----------
    value, interval, null, n_source, n_target, warnings
        As in :class:`MeasureResult`; the rows are those with an entry.
    n_missing_source, n_missing_target : int
        Entries left out.
    """

    n_missing_source: int
    n_missing_target: int


def read_columns(
    source: ArrayLike, target: ArrayLike, *, categorical: bool = False
) -> tuple[NDArray[Any], NDArray[Any], dict[str, Any]]:
    """Return the entries of both columns that are not missing, and the counts of a result."""
    found = []
    columns = check_columns(source, target, categorical=categorical)
    for column, name in zip(columns, ("source", "target"), strict=True):
        present = column[column >= 0] if categorical else column[~np.isnan(column)]
        if not len(present):
            raise ValueError(
                f"`{name}` has {len(column)} row(s), all of them missing, at least 1 entry is "
                "needed; compare the missing rates with `missing_rate_shift`."
            )
        found.append(present)
    x, y = found
    return x, y, {
        "n_source": len(x),
        "n_target": len(y),
        "n_missing_source": len(columns[0]) - len(x),
        "n_missing_target": len(columns[1]) - len(y),
    }  # fmt: skip


def pooled_places(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], Ints, Ints]:
    """Return the sorted values of both sides, and where on that grid every entry lies."""
    grid, places = np.unique(np.concatenate([x, y]), return_inverse=True)
    places = places.ravel().astype(np.int64, copy=False)
    return grid, places[: len(x)], places[len(x) :]


def counts_of(x: Ints, y: Ints, size: int) -> tuple[Ints, Ints]:
    """Return how often each of `size` codes occurs on either side."""
    return np.bincount(x, minlength=size), np.bincount(y, minlength=size)


def doubt_of_counts(
    statistic: CountStatistic, x: Ints, y: Ints, size: int, value: float, *, n_splits: int,
    n_draws: int, level: float, rng: np.random.Generator, high: float = np.inf,
) -> tuple[Interval | None, NullBand]:  # fmt: skip
    """Return the interval and the null band of a measure that only sees counts of codes.

    The grid, bins or levels stay those of the comparison, so that no draw sorts anything.
    """

    def of_samples(first: Sample, second: Sample) -> float:
        return statistic(*counts_of(first[0], second[0], size))

    null = null_band(of_samples, (x,), (y,), n_splits=n_splits, rng=rng)
    interval = half_sample_interval(
        of_samples, (x,), (y,), value, level=level, n_draws=n_draws, rng=rng, low=0.0, high=high
    )
    return interval, null
