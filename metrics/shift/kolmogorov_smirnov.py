"""Largest difference of the two distribution functions of a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import norm

from .._arrays import Array, namespace, to_numpy
from .._doubt import Sample, null_band
from .._results import Interval
from .._validation import (
    MIN_HALF,
    RandomState,
    check_count,
    check_share,
    generator,
)
from ..registry import register
from ._column_arrays import counts_of, pooled_places, read_columns, running
from ._column_results import ColumnResult
from ._ks_exact import (
    EXACT_ROWS,
    ks_asymptotic_p_value,
    ks_exact_p_value,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KolmogorovSmirnovResult(ColumnResult):
    """Outcome of :func:`kolmogorov_smirnov`.

    Attributes
    ----------
    value : float
        D, the largest absolute difference of the distribution functions, in [0, 1].
    p_value : float
        Two-sided.
    location : float
        Value of the column at which the difference is largest.
    sign : int
        1 when more of the source than of the target lies at or below ``location``, -1 when
        less, 0 when D is 0.
    method : str
        ``"exact"`` or ``"asymptotic"``.
    n_missing_source, n_missing_target, interval, null, n_source, n_target, warnings
        As in :class:`ColumnResult`.
    """

    p_value: float
    location: float
    sign: int
    method: str


@register(
    family="columns", inputs="numbers", units="difference of shares", range=(0.0, 1.0),
    direction="larger means further apart", cost="O((n + m) (log(n + m) + splits))",
    symmetric=True, zero_on_itself=True,
    invariances=("row order", "translation", "one scale", "monotone"), min_rows=1, arrays=True,
)  # fmt: skip
def kolmogorov_smirnov(
    source: Any,
    target: Any,
    *,
    method: Literal["auto", "exact", "asymptotic"] = "auto",
    ties: Literal["exact", "ignore"] = "exact",
    n_splits: int = 10,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> KolmogorovSmirnovResult:
    """Return the largest difference of the distribution functions of a column, and its p-value.

    Parameters
    ----------
    source, target : array_like of shape (n_source,) and (n_target,)
        Numbers; NaN is left out and counted.
    method : {"auto", "exact", "asymptotic"}
        How the p-value is found; "auto" counts exactly up to 10,000 rows on either side.
    ties : {"exact", "ignore"}
        Whether the exact p-value is that of the values as they repeat (the default), or that
        of values which never repeat, as other libraries give it; the same without ties.
    n_splits : int
        Random halves of each side for the null band.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    KolmogorovSmirnovResult
        D in [0, 1]; 0 means equal distribution functions, 1 sides that do not overlap.

    Notes
    -----
    ``D = max_t |F(t) - G(t)|``, taken at the last row of every tie: in between the distribution
    functions do not stand. The exact p-value is the share of all ways to deal the pooled values
    to the sides that reach D. Ties ignored make it too large (for a yes/no column by a factor of
    four and more), and so does the asymptotic one, which knows no ties.

    D is biased upwards in small samples, by about ``0.87 sqrt(1/n + 1/m)`` where nothing
    differs: the null band shows it. The interval is the normal one of Raghavachari at
    the place of the largest difference; where nothing differs it is too wide.

    It sees the middle of a distribution better than its tails, and says nothing about how far
    the values moved: see :func:`column_wasserstein`. Columns that each look alike may
    still depend on each other in another way, which no test of single columns can see. Cost is
    one sort, and n m D steps at most for the exact p-value.

    References
    ----------
    Schröer & Trenkler (1995), Exact and randomization distributions of Kolmogorov-Smirnov
    tests two or three samples, Comput. Stat. Data Anal. 20. Raghavachari (1973), Limiting
    distributions of Kolmogorov-Smirnov type statistics under the alternative, Ann. Stat. 1.

    Examples
    --------
    >>> result = kolmogorov_smirnov([1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0])
    >>> result.value, result.location, round(result.p_value, 3)
    (0.5, 2.0, 0.771)
    """
    x, y, counts = read_columns(source, target)
    _check_options(method, ties)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    level, rng = check_share(level, "level"), generator(random_state)

    grid, places_x, places_y = pooled_places(x, y)
    n, m, size, xp = counts["n_source"], counts["n_target"], grid.shape[0], namespace(grid)
    found = counts_of(places_x, places_y, size)
    differences = _scaled_differences(*found)
    place = int(xp.argmax(xp.abs(differences)))
    reached, location = abs(int(differences[place])), float(grid[place])
    if method == "auto":
        method = "exact" if max(n, m) <= EXACT_ROWS else "asymptotic"
    if method == "exact":
        p_value = ks_exact_p_value(reached, n, m, _ends(found, ties))
    else:
        p_value = ks_asymptotic_p_value(reached / (n * m), n, m)

    def distance(first: Sample, second: Sample) -> float:
        return _distance(*counts_of(first[0], second[0], size))

    below = (_share(x <= location), _share(y <= location))
    return KolmogorovSmirnovResult(
        value=reached / (n * m),
        interval=difference_interval(*below, n, m, level),
        null=null_band(distance, (places_x,), (places_y,), n_splits=n_splits, rng=rng),
        p_value=p_value,
        location=location,
        sign=int(np.sign(int(differences[place]))),
        method=method,
        **counts,
    )


def difference_interval(p: float, q: float, n: int, m: int, level: float) -> Interval | None:
    """Return an interval for ``|p - q|``, two shares at the place where they differ most."""
    if min(n, m) < 2 * MIN_HALF:
        return None
    # Shares of 0 and 1 are not known without error: one row more or less, as in Agresti's.
    variance = sum(
        (share * rows + 0.5) * ((1 - share) * rows + 0.5) / (rows + 1) ** 2 / rows
        for share, rows in ((p, n), (q, m))
    )
    value, reach = abs(p - q), float(norm.ppf((1 + level) / 2)) * float(np.sqrt(variance))
    return Interval(
        max(0.0, value - reach), min(1.0, value + reach), level, "normal at the maximum"
    )


def _check_options(method: str, ties: str) -> None:
    if method not in ("auto", "exact", "asymptotic"):
        raise ValueError(f"`method` must be 'auto', 'exact' or 'asymptotic', got {method!r}.")
    if ties not in ("exact", "ignore"):
        raise ValueError(f"`ties` must be 'exact' or 'ignore', got {ties!r}.")


def _ends(counts: tuple[Array, Array], ties: str) -> np.typing.NDArray[np.bool_]:
    """Return which of the pooled ranks are the last of their tie."""
    pooled = to_numpy(counts[0] + counts[1])
    ends = np.full(int(pooled.sum()), ties == "ignore")
    ends[np.cumsum(pooled) - 1] = True
    return ends


def _scaled_differences(source_counts: Array, target_counts: Array) -> Array:
    """Return ``n m (F - G)`` at every value of the grid, in whole numbers."""
    xp = namespace(source_counts)
    n, m = int(xp.sum(source_counts)), int(xp.sum(target_counts))
    return running(source_counts) * m - running(target_counts) * n


def _distance(source_counts: Array, target_counts: Array) -> float:
    xp = namespace(source_counts)
    scale = int(xp.sum(source_counts)) * int(xp.sum(target_counts))
    return float(xp.max(xp.abs(_scaled_differences(source_counts, target_counts)))) / scale


def _share(chosen: Array) -> float:
    xp = namespace(chosen)
    return int(xp.sum(xp.astype(chosen, xp.int64))) / int(chosen.shape[0])
