"""Wasserstein distance: the least mean distance over which rows must be moved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from .._doubt import Sample, half_sample_interval, null_band
from .._results import MeasureResult
from .._validation import (
    Floats,
    Ints,
    RandomState,
    check_count,
    check_pair,
    check_share,
    generator,
)
from ..registry import register
from ._transport import (
    Plan,
    capped_rows,
    check_order,
    exact_cost,
    exact_plan,
    line_plan,
    line_powers,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WassersteinResult(MeasureResult):
    """Outcome of :func:`wasserstein`.

    Attributes
    ----------
    target_cost : ndarray of shape (n_target,)
        For every target row used the mean of distance^p over the mass that arrives there. The
        mean over the rows is W_p^p: the largest ones are the farthest from their sources.
    target_rows : ndarray of int64, shape (n_target,)
        Row numbers in ``target`` that ``target_cost`` belongs to.
    column_shares : ndarray of shape (d,)
        Share of W_p^p that is moved along each column; sums to 1, or all 0 where W_p is 0.
    p : int
        Order.
    """

    target_cost: Floats
    target_rows: Ints
    column_shares: Floats
    p: int

    @property
    def by_column(self) -> Floats:
        """How much each column has to do with the value, shape (d,)."""
        return self.column_shares


@register(
    family="transport", units="distance units of the columns", range=(0.0, math.inf),
    direction="larger means further apart", cost="O(n^3 log n + n m d); O(n log n) for d = 1",
    symmetric=True, zero_on_itself=True,
    invariances=("row order", "column order", "translation", "rotation"), min_rows=2,
    attribution=("rows", "columns"),
)  # fmt: skip
def wasserstein(
    source: ArrayLike,
    target: ArrayLike,
    *,
    p: int = 1,
    squared: bool = False,
    max_rows: int = 2000,
    n_splits: int = 5,
    n_draws: int = 10,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> WassersteinResult:
    r"""Measure how far the source rows must be moved, at least, to become the target.

    Parameters
    ----------
    source : array_like of shape (n_source, d)
        Source rows on comparable scales (standardise label-blind first).
    target : array_like of shape (n_target, d)
        Target rows, same columns.
    p : {1, 2}
        Order. 1 is the distance of the bounds on target error and needs first moments only; 2
        weighs long ways more.
    squared : bool
        Whether W2 is returned before the root; needs ``p=2``.
    max_rows : int
        Sides with more rows are subsampled, whatever their labels, with a warning. One column
        needs no limit and has none. Memory is about 45 max_rows² bytes.
    n_splits : int
        Random halves of each side for the null band.
    n_draws : int
        Half-samples for the interval.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of subsample, halves and half-samples.

    Returns
    -------
    WassersteinResult
        At least 0, no upper end; in units of distance (squared if ``squared``). Larger means
        further apart.

    Notes
    -----
    :math:`W_p = (\min_P \sum_{ij} P_{ij} |x_i - y_j|^p)^{1/p}` over all plans P whose rows and
    columns have equal masses; Euclidean distances. One column is sorted; else POT's network
    simplex solves it exactly. Arrays of other libraries are brought to NumPy.

    The value is biased upward: two samples of one law in d > 2 columns stand about n^(-1/d)
    apart, which at d = 20 is hardly less than at a tenth of the rows. Read it beside the null
    band, and compare values only at equal sizes. Around its own mean at the given sizes it is
    normal with spread n^(-1/2) in any number of columns, hence the interval by half-samples.

    The share of a column c is that of :math:`\sum_{ij} P_{ij} |d_{ij}|^{p-2} d_{ijc}^2` with
    d = x - y. Where several plans are best, rows and shares are those of one of them.

    References
    ----------
    Villani (2009), Optimal Transport, Springer, ch. 6. Shen et al. (2018), Wasserstein distance
    guided representation learning, AAAI (bound). Weed & Bach (2019), Bernoulli 25 (rate). del
    Barrio & Loubes (2019), Central limit theorems for empirical transportation cost in general
    dimension, Ann. Probab. 47. Flamary et al. (2021), POT, JMLR 22.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(60, 2))
    >>> result = wasserstein(rows, rows + np.array([3.0, 4.0]), p=2)
    >>> round(result.value, 6), result.column_shares.round(2).tolist()
    (5.0, [0.36, 0.64])
    """
    x, y = check_pair(source, target, min_rows=2)
    p = check_order(p)
    if squared and p != 2:
        raise ValueError("`squared=True` needs `p=2`; set `p=2` or leave `squared` out.")
    max_rows = check_count(max_rows, "max_rows", minimum=16)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=2)
    level, rng = check_share(level, "level"), generator(random_state)

    # Sorting a single column needs no matrix of pairs.
    limit = max(len(x), len(y)) if x.shape[1] == 1 else max_rows
    rows_x, rows_y, warnings = capped_rows(len(x), len(y), limit, rng)
    centre = (x.mean(axis=0) + y.mean(axis=0)) / 2
    x, y = x[rows_x] - centre, y[rows_y] - centre
    i, j, mass = _plan(x, y, p)
    squares = (x[i] - y[j]) ** 2
    distances = np.sqrt(squares.sum(axis=1))
    paid = mass * distances**p
    root = 1.0 if squared or p == 1 else 0.5
    value = float(paid.sum() ** root)
    statistic = partial(_statistic, p=p, root=root)
    sides = ((x,), (y,))
    return WassersteinResult(
        value=value,
        interval=half_sample_interval(
            statistic, *sides, value, level=level, n_draws=n_draws, rng=rng, low=0.0
        ),
        null=null_band(statistic, *sides, n_splits=n_splits, rng=rng),
        n_source=len(x),
        n_target=len(y),
        warnings=warnings,
        target_cost=np.bincount(j, weights=len(y) * paid, minlength=len(y)).astype(np.float64),
        target_rows=rows_y,
        column_shares=_column_shares(squares, distances, mass, p),
        p=p,
    )


def _plan(x: Floats, y: Floats, p: int) -> Plan:
    return line_plan(x[:, 0], y[:, 0]) if x.shape[1] == 1 else exact_plan(_cost(x, y, p))


def _cost(x: Floats, y: Floats, p: int) -> Floats:
    # cdist takes differences first: equal rows are at distance 0, which a product is not.
    return np.asarray(cdist(x, y, "euclidean" if p == 1 else "sqeuclidean"))


def _statistic(source: Sample, target: Sample, *, p: int, root: float) -> float:
    (x,), (y,) = source, target
    power = line_powers(x, y, p)[0] if x.shape[1] == 1 else exact_cost(_cost(x, y, p))
    return float(max(0.0, power) ** root)


def _column_shares(squares: Floats, distances: Floats, mass: Floats, p: int) -> Floats:
    """Return the share of the cost that each column carries, shape (d,)."""
    if p == 1:
        mass = np.divide(mass, distances, out=np.zeros_like(mass), where=distances > 0)
    by_column = mass @ squares
    total = by_column.sum()
    return np.asarray(by_column / total if total > 0 else np.zeros_like(by_column))
