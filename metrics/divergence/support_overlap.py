"""Share of target rows that lie where the source has none."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from .._arrays import Array, check_tables, cross, take
from .._halves import random_halves
from .._results import Interval, NullBand
from .._validation import (
    Floats,
    Ints,
    RandomState,
    check_count,
    check_share,
    generator,
    subsample,
)
from ..registry import register
from ._neighbours import distances_between, kth_nearest


@dataclass(frozen=True, slots=True, eq=False)
class SupportOverlapResult:
    """Outcome of :func:`support_overlap`.

    Attributes
    ----------
    share_outside : float
        Share of target rows outside the source, in [0, 1].
    interval : Interval
        For ``share_outside``.
    null : NullBand
        The same share for random halves of either side; about ``1 - quantile``.
    outside : ndarray of int64
        Row numbers in ``target`` of the rows outside, farthest first.
    threshold : float
        k-nearest-neighbour distance beyond which a row counts as outside.
    n_source, n_target : int
        Rows used.
    subsampled : bool
        Whether a side had more rows than were used; ``outside`` then lists only rows of
        the subsample.
    """

    share_outside: float
    interval: Interval
    null: NullBand
    outside: Ints
    threshold: float
    n_source: int
    n_target: int
    subsampled: bool

    @property
    def value(self) -> float:
        """The share outside: what the register describes."""
        return self.share_outside


@register(
    family="support", units="share of target rows outside the source", range=(0.0, 1.0),
    direction="larger means more of the target lies outside", cost="O((n + m)^2 d)",
    invariances=("row order", "column order", "translation", "rotation", "one scale"),
    attribution=("rows",), arrays=True,
)  # fmt: skip
def support_overlap(
    source: Any,
    target: Any,
    *,
    k: int = 5,
    quantile: float = 0.95,
    n_null: int = 10,
    max_rows: int = 2000,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> SupportOverlapResult:
    """Find the target rows that are farther from the source than source rows are.

    A target row is outside when its distance to the k-th nearest source row exceeds the
    ``quantile`` of the same distance for source rows (each left out of its own
    neighbours). Without a shift the expected share is ``1 - quantile``.

    Parameters
    ----------
    source : array_like of shape (n_source, d)
        Source rows on comparable scales.
    target : array_like of shape (n_target, d)
        Target rows, same columns.
    k : int
        Which neighbour; lowered where a side has too few rows.
    quantile : float
        Share of source rows that count as inside.
    n_null : int
        Random halves of each side.
    max_rows : int
        Larger sides are subsampled uniformly and the result is flagged.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    SupportOverlapResult
        Small shares: the source covers the target. The measure is one-sided: a target
        inside a corner of the source has share 0.

    Notes
    -----
    One radius for all rows is used where PRDC's precision (Naeem et al. 2020)
    has one ball per source row. Precision falls below its ideal by a share that depends on
    k and n; the share here has the known expectation ``1 - quantile``, and a single remote
    source row with a huge ball cannot cover the target. ``1 - share_outside`` plays the
    part of precision with source as the real sample.

    The interval is Wilson's for the binomial part, with the rows of both sides counted
    because the threshold is an estimate too. Ties at the threshold, such as repeated rows
    at distance 0, count as inside. Cost is O(n² d + n m d) time and 8 n max(n, m) bytes.

    It loses its meaning in high dimension (d above about 30 without structure): all
    distances become alike and only a change of scale is seen.

    References
    ----------
    Naeem et al. (2020), Reliable fidelity and diversity metrics, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(100, 2))
    >>> support_overlap(rows, rows[:20] + 50.0).share_outside
    1.0
    """
    source, target = check_tables(source, target, min_rows=8)
    k = check_count(k, "k", minimum=1)
    n_null = check_count(n_null, "n_null", minimum=1)
    max_rows = check_count(max_rows, "max_rows", minimum=16)
    quantile, level = check_share(quantile, "quantile"), check_share(level, "level")
    rng = generator(random_state)

    rows_x = subsample(source.shape[0], max_rows, rng)
    rows_y = subsample(target.shape[0], max_rows, rng)
    x, y, n, m = take(source, rows_x), take(target, rows_y), len(rows_x), len(rows_y)
    within = distances_between(x, x)
    threshold = _threshold(within, k, quantile)
    source_null = _null_shares(within, n, m, k, quantile, n_null, rng)
    del within  # so that only one matrix of pairs is held at a time
    target_null = _null_shares(distances_between(y, y), n, m, k, quantile, n_null, rng)
    distances = kth_nearest(distances_between(y, x), min(k, n))
    outside = np.flatnonzero(distances > threshold)
    share = len(outside) / m
    return SupportOverlapResult(
        share_outside=share,
        interval=_wilson(share, n, m, level),
        null=NullBand(source_null, target_null),
        outside=rows_y[outside[np.argsort(-distances[outside], kind="stable")]],
        threshold=threshold,
        n_source=n,
        n_target=m,
        subsampled=n < source.shape[0] or m < target.shape[0],
    )


def _threshold(within: Array, k: int, quantile: float) -> float:
    """Return the quantile of the left-out k-nearest-neighbour distance of the source."""
    # A row is its own nearest neighbour at distance 0, hence the next one.
    own = kth_nearest(within, min(k + 1, within.shape[0]))
    # "weibull" puts the expected share beyond an order statistic of n values at its
    # nominal place for a further row of the same law.
    return float(np.quantile(own, quantile, method="weibull"))


def _null_shares(
    within: Array,
    n_source: int,
    n_target: int,
    k: int,
    quantile: float,
    n_null: int,
    rng: np.random.Generator,
) -> Floats | None:
    shares = []
    for first, second in random_halves(
        within.shape[0], n_source, n_target, n_splits=n_null, rng=rng
    ):
        threshold = _threshold(cross(within, first, first), k, quantile)
        distances = kth_nearest(cross(within, second, first), min(k, len(first)))
        shares.append(np.mean(distances > threshold))
    return np.asarray(shares, dtype=np.float64) if shares else None


def _wilson(share: float, n: int, m: int, level: float) -> Interval:
    """Wilson's interval at the harmonic number of rows (Wilson 1927, JASA 22)."""
    rows = n * m / (n + m)
    z = float(norm.ppf((1 + level) / 2))
    centre = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    reach = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    # At 0 and 1 rounding must not leave the value itself out.
    low, high = min(share, max(0.0, centre - reach)), max(share, min(1.0, centre + reach))
    return Interval(float(low), float(high), level, "Wilson, rows of both sides")
