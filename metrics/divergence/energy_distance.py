"""Energy distance: mean distance between the sides beyond the mean distance within them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from .._arrays import Array, check_tables, namespace, to_numpy
from .._halves import random_halves
from .._results import Interval, MeasureResult, NullBand
from .._validation import Floats, RandomState, check_choice, check_count, check_share, generator
from ..registry import register
from ._array_kernels import euclidean
from ._pair_sums import (
    PairSums,
    careful_variance,
    half_indicators,
    half_values,
    normal_interval,
    pair_sums,
    variance_terms,
)

EnergyEstimator: TypeAlias = Literal["V", "U"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnergyDistanceResult(MeasureResult):
    """Outcome of :func:`energy_distance`.

    Attributes
    ----------
    source_witness : ndarray of shape (n_source,)
        For every source row its mean distance to the target less that to the source:
        positive where the source is nearer. The mean over the source less the mean of
        ``target_witness`` is the energy distance before root and halving.
    target_witness : ndarray of shape (n_target,)
        The same for the target rows; the most negative ones are farthest from the source.
    estimator : str
        As asked for.
    """

    source_witness: Floats
    target_witness: Floats
    estimator: str


@register(
    family="kernel", units="distance units of the columns", range=(0.0, np.inf),
    direction="larger means further apart", cost="O((n + m)^2 d); O((n + m) log(n + m)) for d = 1",
    symmetric=True, zero_on_itself=True,
    invariances=("row order", "column order", "translation", "rotation"), min_rows=2,
    attribution=("rows",), arrays=True,
)  # fmt: skip
def energy_distance(
    source: Any,
    target: Any,
    *,
    estimator: EnergyEstimator = "V",
    root: bool = False,
    half: bool = False,
    floor: float = 0.0,
    n_splits: int = 10,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> EnergyDistanceResult:
    r"""Measure by how much rows lie farther from the other side than from their own.

    Parameters
    ----------
    source : array of shape (n_source, d)
        Source rows on comparable scales (standardise label-blind first).
    target : array of shape (n_target, d)
        Target rows, same columns.
    estimator : {"V", "U"}
        V: means over all pairs, those of a row with itself kept; never negative, 0 for a
        sample against itself. U: those pairs left out; unbiased, about 0 (also negative) when
        nothing differs.
    root : bool
        Whether the root is taken, as in ``scipy.stats.energy_distance``; V only.
    half : bool
        Whether the value is halved (before the root), as libraries do that see it as half a
        squared norm (geomloss).
    floor : float
        Distances below this count as this; geomloss has 1e-4, also for a row with itself.
    n_splits : int
        Random halves of each side for the null band.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of the halves.

    Returns
    -------
    EnergyDistanceResult
        At least 0 with the defaults, no upper end; in units of distance (their root if
        ``root``). Larger means further apart.

    Notes
    -----
    :math:`2 E|x - y| - E|x - x'| - E|y - y'|` with Euclidean distances; the squared MMD of
    the kernel -|x - y|, without a bandwidth to choose. V exceeds U by
    E|x - x'|/n + E|y - y'|/m; the null band shows that bias.

    The interval is normal, with a variance of the U-statistic for any sizes, for what the
    estimator gives on average at these sizes; at 50 and 35 rows of one column it held in 79 %
    (U) and 81 % (V) of 2,000 draws for a nominal 80 %. Pairs are taken in blocks, about
    128 MB whatever the sizes; one column is brought to NumPy and sorted instead.

    It sees shifts of the mean well and changes of correlation badly. It misleads when the
    columns have unequal scales, and needs finite means.

    References
    ----------
    Székely & Rizzo (2013), Energy statistics, J. Stat. Plan. Inference 143. Sejdinovic et al.
    (2013), Equivalence of distance-based and RKHS-based statistics, Ann. Stat. 41. Sutherland &
    Deka (2019), arXiv 1906.02104 (variance).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> result = energy_distance(rng.normal(size=(60, 2)), rng.normal(1.0, size=(50, 2)))
    >>> round(result.value, 2), result.interval.low > 0
    (0.67, True)
    """
    x, y = check_tables(source, target, min_rows=2)
    check_choice(estimator, "estimator", get_args(EnergyEstimator))
    if root and estimator == "U":
        raise ValueError(
            '`root=True` needs `estimator="V"`, because U may be negative; leave one of them out.'
        )
    if not 0 <= floor < math.inf:
        raise ValueError(f"`floor` must be a finite number of at least 0, got {floor!r}.")
    n_splits, level = check_count(n_splits, "n_splits", minimum=1), check_share(level, "level")
    rng, xp, biased = generator(random_state), namespace(x), estimator == "V"
    centre = xp.mean(xp.concat([x, y]), axis=0)
    x, y = x - centre, y - centre
    if x.shape[1] == 1 and floor == 0:
        sums, null = _one_column(x, y, n_splits, biased, rng)
    else:
        sums, null = _all_columns(x, y, floor, n_splits, biased, rng)

    n, m = sums.sizes
    value, low = sums.mmd2(biased=biased), 0.0 if biased else -math.inf
    interval = None
    if min(n, m) >= 4:
        spread = careful_variance(*variance_terms(sums, biased=biased))
        interval = normal_interval(max(low, value), spread, (n, m), level, low=low)
    shown = _scale(root, half, biased)
    source_witness, target_witness = sums.witness(biased=biased)
    return EnergyDistanceResult(
        value=float(shown(value)),
        interval=_shown(interval, shown),
        null=NullBand(*(None if side is None else shown(side) for side in null)),
        n_source=n,
        n_target=m,
        source_witness=source_witness,
        target_witness=target_witness,
        estimator=estimator,
    )


Null: TypeAlias = tuple[Floats | None, Floats | None]


def _all_columns(
    x: Array, y: Array, floor: float, n_splits: int, biased: bool, rng: np.random.Generator
) -> tuple[PairSums, Null]:
    n, m = x.shape[0], y.shape[0]
    kernel = partial(_negative_distance, floor=floor)
    halves_x, halves_y = (half_indicators(rows, n, m, n_splits, rng) for rows in (n, m))
    sums, within_x, within_y = pair_sums(kernel, x, y, halves_x, halves_y)
    source = half_values(within_x, halves_x, sums.diagonal_x, biased=biased)
    return sums, (source, half_values(within_y, halves_y, sums.diagonal_y, biased=biased))


def _negative_distance(a: Array, b: Array, *, floor: float) -> Array:
    distances = euclidean(a, b)
    if floor:
        xp = namespace(distances)
        distances = xp.where(distances < floor, floor + xp.zeros_like(distances), distances)
    return -distances


def _one_column(
    x: Array, y: Array, n_splits: int, biased: bool, rng: np.random.Generator
) -> tuple[PairSums, Null]:
    one, other = to_numpy(x)[:, 0], to_numpy(y)[:, 0]
    n, m = len(one), len(other)
    null = []
    for side in (one, other):
        halves = random_halves(len(side), n, m, n_splits=n_splits, rng=rng)
        values = [_sorted_sums(side[a], side[b]).mmd2(biased=biased) for a, b in halves]
        null.append(np.array(values) if values else None)
    return _sorted_sums(one, other), (null[0], null[1])


def _sorted_sums(x: Floats, y: Floats) -> PairSums:
    """Return the sums of -|x - y| over pairs of numbers by sorting."""
    own_x, own_y, cross_x, cross_y = (
        -_distance_sums(a, np.sort(b)) for a, b in ((x, x), (y, y), (x, y), (y, x))
    )
    squares_x, squares_y, squares = (_squares(a, b) for a, b in ((x, x), (y, y), (x, y)))
    nothing_x, nothing_y = np.zeros(len(x)), np.zeros(len(y))
    return PairSums(
        own_x, own_y, cross_x, cross_y, nothing_x, nothing_y, squares_x, squares_y, squares
    )


def _distance_sums(points: Floats, ordered: Floats) -> Floats:
    """Return for every point the sum of its distances to the ordered numbers."""
    before = np.concatenate([[0.0], np.cumsum(ordered)])
    below = np.searchsorted(ordered, points)
    rest = len(ordered) - below
    return np.asarray(points * (below - rest) + before[-1] - 2 * before[below])


def _squares(x: Floats, y: Floats) -> float:
    """Return the sum of (x_i - y_j)² over all pairs."""
    return float(len(y) * (x @ x) + len(x) * (y @ y) - 2 * x.sum() * y.sum())


def _scale(root: bool, half: bool, biased: bool) -> Callable[[Any], Any]:
    """Return the map from the energy distance to what is asked for."""
    factor = 0.5 if half else 1.0

    def shown(value: Any) -> Any:
        # V is a squared norm; below 0 is rounding.
        value = factor * (np.maximum(value, 0.0) if biased else value)
        return np.sqrt(value) if root else value

    return shown


def _shown(interval: Interval | None, shown: Callable[[Any], Any]) -> Interval | None:
    if interval is None:
        return None
    low, high = float(shown(interval.low)), float(shown(interval.high))
    return Interval(low, high, interval.level, interval.method)
