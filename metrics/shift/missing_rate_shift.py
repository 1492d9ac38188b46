"""Difference of the missing rates of a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from .._arrays import Array, check_column_pair, namespace
from .._doubt import Sample, null_band
from .._results import Interval, MeasureResult
from .._validation import (
    MIN_HALF,
    RandomState,
    check_count,
    check_share,
    generator,
)
from ..registry import register
from ._univariate import rate_p_value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MissingRateShiftResult(MeasureResult):
    """Outcome of :func:`missing_rate_shift`.

    Attributes
    ----------
    value : float
        Missing rate of the target minus that of the source, in [-1, 1].
    p_value : float
        That the rates are the same; 1 when nothing, or everything, is missing.
    rate_source, rate_target : float
        The two rates.
    n_missing_source, n_missing_target : int
        Missing entries.
    interval, null, n_source, n_target, warnings
        As in :class:`MeasureResult`; the rows are all rows.
    """

    p_value: float
    rate_source: float
    rate_target: float
    n_missing_source: int
    n_missing_target: int


@register(
    family="columns", inputs="numbers", units="difference of shares", range=(-1.0, 1.0),
    direction="positive means the target misses more", cost="O((n + m) splits)",
    zero_on_itself=True, invariances=("row order", "translation", "one scale", "monotone"),
    min_rows=1, arrays=True,
)  # fmt: skip
def missing_rate_shift(
    source: Any,
    target: Any,
    *,
    categorical: bool = False,
    n_splits: int = 10,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> MissingRateShiftResult:
    """Return by how much the share of missing entries of a column differs.

    Parameters
    ----------
    source, target : array_like of shape (n_source,) and (n_target,)
        Numbers with NaN for missing, or integer codes with -1 for missing.
    categorical : bool
        Whether the entries are codes.
    n_splits : int
        Random halves of each side for the null band.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    MissingRateShiftResult
        In [-1, 1]; 0 means equal rates.

    Notes
    -----
    The p-value is the chi-square test's, or Fisher's exact test's where an expected count is
    below 5. The interval joins the score intervals of the two rates (Newcombe's method 10).
    It looks at no value: entries that are missing more often when they are large shift the
    values that are left as well, so read it beside a measure of these. Cost is O(n).

    References
    ----------
    Newcombe (1998), Interval estimation for the difference between independent proportions,
    Stat. Med. 17, method 10.

    Examples
    --------
    >>> nan = float("nan")
    >>> result = missing_rate_shift([1.0, 2.0] * 20, [1.0, nan] * 20)
    >>> result.value, result.p_value < 0.001
    (0.5, True)
    """
    columns = check_column_pair(source, target, categorical=categorical)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    level, rng = check_share(level, "level"), generator(random_state)

    xp = namespace(*columns)
    gone_x, gone_y = ((column < 0) if categorical else xp.isnan(column) for column in columns)
    missing, rows = (_count(gone_x), _count(gone_y)), (gone_x.shape[0], gone_y.shape[0])
    rate_x, rate_y = missing[0] / rows[0], missing[1] / rows[1]

    def difference(first: Sample, second: Sample) -> float:
        (one,), (other,) = first, second
        return _count(other) / int(other.shape[0]) - _count(one) / int(one.shape[0])

    return MissingRateShiftResult(
        value=rate_y - rate_x,
        interval=_newcombe(rate_y, rate_x, rows[1], rows[0], level),
        null=null_band(difference, (gone_x,), (gone_y,), n_splits=n_splits, rng=rng),
        n_source=rows[0],
        n_target=rows[1],
        p_value=rate_p_value(missing, rows),
        rate_source=rate_x,
        rate_target=rate_y,
        n_missing_source=missing[0],
        n_missing_target=missing[1],
    )


def _count(marks: Array) -> int:
    xp = namespace(marks)
    return int(xp.sum(xp.astype(marks, xp.int64)))


def _newcombe(p: float, q: float, n: int, m: int, level: float) -> Interval | None:
    """Return the interval for ``p - q`` of two independent shares of n and m rows."""
    if min(n, m) < 2 * MIN_HALF:
        return None
    (low_p, high_p), (low_q, high_q) = _wilson(p, n, level), _wilson(q, m, level)
    low = p - q - float(np.hypot(p - low_p, high_q - q))
    high = p - q + float(np.hypot(high_p - p, q - low_q))
    return Interval(max(-1.0, low), min(1.0, high), level, "Newcombe, score")


def _wilson(share: float, rows: int, level: float) -> tuple[float, float]:
    z = float(norm.ppf((1 + level) / 2))
    centre = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    reach = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return min(share, float(centre - reach)), max(share, float(centre + reach))
