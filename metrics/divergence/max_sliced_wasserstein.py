"""Max-sliced Wasserstein distance: the distance along the direction where it is largest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._arrays import Array, check_tables, like, namespace, take, to_numpy
from .._doubt import Sample, half_sample_interval, null_band
from .._results import MeasureResult
from .._validation import Floats, RandomState, check_count, check_share
from ..registry import register
from ._transport import capped_rows, check_order, directions, line_powers, quantile_pairs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaxSlicedWassersteinResult(MeasureResult):
    """Outcome of :func:`max_sliced_wasserstein`.

    Attributes
    ----------
    direction : ndarray of shape (d,)
        Unit vector along which the sides are farthest apart, pointing from the target to the
        source. Its squares sum to 1 and say which columns make it up.
    p : int
        Order.
    """

    direction: Floats
    p: int

    @property
    def by_column(self) -> Floats:
        """How much each column has to do with the value, shape (d,)."""
        return np.asarray(self.direction**2)


@register(
    family="transport", units="distance units of the columns", range=(0.0, math.inf),
    direction="larger means further apart",
    cost="O((n + m)(d + log(n + m)) L)", symmetric=True, zero_on_itself=True,
    invariances=("row order", "translation"), min_rows=2, attribution=("directions",),
    arrays=True,
)  # fmt: skip
def max_sliced_wasserstein(
    source: Any,
    target: Any,
    *,
    p: int = 1,
    n_projections: int = 100,
    projections: ArrayLike | None = None,
    n_refinements: int = 10,
    max_rows: int = 10_000,
    n_splits: int = 5,
    n_draws: int = 10,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> MaxSlicedWassersteinResult:
    r"""Find the direction along which the sides are farthest apart, and how far.

    Parameters
    ----------
    source : array of shape (n_source, d)
        Source rows on comparable scales (standardise label-blind first).
    target : array of shape (n_target, d)
        Target rows, same columns.
    p : {1, 2}
        Order of the distance.
    n_projections : int
        Directions drawn uniformly on the sphere.
    projections : array_like of shape (d, L), optional
        Unit columns to be used instead.
    n_refinements : int
        Steps uphill from the best of these; 0 leaves it at that.
    max_rows : int
        Sides with more rows are subsampled, whatever their labels, with a warning.
    n_splits : int
        Random halves of each side for the null band.
    n_draws : int
        Half-samples for the interval.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of directions, subsample, halves and half-samples.

    Returns
    -------
    MaxSlicedWassersteinResult
        At least 0, no upper end; in units of distance. Larger means further apart.

    Notes
    -----
    :math:`\max_\theta W_p(X\theta, Y\theta)` over unit vectors. A step turns the direction to
    the gradient of :math:`W_p^p`, :math:`\sum_{ij} P_{ij} |\theta' d_{ij}|^{p-1}
    \mathrm{sign}(\theta' d_{ij}) d_{ij}` with d = x - y and the plan P found by sorting. The
    best direction seen is kept. It may be a local maximum; the value is then too low.

    A direction chosen to look bad looks bad: with many columns and few rows the value is far
    above 0 where nothing differs. The null band searches anew on every half and shows that.
    The same holds for the interval, which is for the value a search gives on average.

    References
    ----------
    Deshpande et al. (2019), Max-sliced Wasserstein distance and its use for GANs, CVPR,
    Eq. 7. Kolouri et al. (2019), Generalized sliced Wasserstein distances, NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(80, 4))
    >>> result = max_sliced_wasserstein(rows, rows - np.array([0, 0, 2.0, 0]))
    >>> round(result.value, 4), result.direction.round(2).tolist()
    (2.0, [0.0, 0.0, 1.0, 0.0])
    """
    x, y = check_tables(source, target, min_rows=2)
    p = check_order(p)
    n_projections = check_count(n_projections, "n_projections", minimum=1)
    n_refinements = check_count(n_refinements, "n_refinements", minimum=0)
    max_rows = check_count(max_rows, "max_rows", minimum=16)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=2)
    level = check_share(level, "level")
    theta, rng = directions(projections, x.shape[1], n_projections, random_state)

    rows_x, rows_y, warnings = capped_rows(x.shape[0], y.shape[0], max_rows, rng)
    centre = namespace(x).mean(x, axis=0)
    x, y = take(x, rows_x) - centre, take(y, rows_y) - centre
    starts = like(theta, x)
    value, found = _search(x, y, starts, p, n_refinements)
    statistic = partial(_statistic, starts=starts, p=p, steps=n_refinements)
    sides = ((x,), (y,))
    return MaxSlicedWassersteinResult(
        value=value,
        interval=half_sample_interval(
            statistic, *sides, value, level=level, n_draws=n_draws, rng=rng, low=0.0
        ),
        null=null_band(statistic, *sides, n_splits=n_splits, rng=rng),
        n_source=len(rows_x),
        n_target=len(rows_y),
        warnings=warnings,
        direction=_towards_source(x, y, found),
        p=p,
    )


def _statistic(source: Sample, target: Sample, *, starts: Array, p: int, steps: int) -> float:
    return _search(source[0], target[0], starts, p, steps)[0]


def _search(x: Array, y: Array, starts: Array, p: int, steps: int) -> tuple[float, Array]:
    """Return the largest distance found and its direction, shape (d,)."""
    xp = namespace(x)
    powers = line_powers(x @ starts, y @ starts, p)
    first = int(xp.argmax(powers))
    best, power = starts[:, first], float(powers[first])
    theta = best
    for _ in range(steps):
        gradient = _gradient(x, y, theta, p)
        length = float(xp.sqrt(xp.sum(gradient * gradient)))
        if length == 0:
            break
        theta = gradient / length
        reached = float(line_powers(x @ theta[:, None], y @ theta[:, None], p)[0])
        if reached > power:
            best, power = theta, reached
    return power ** (1 / p), best


def _gradient(x: Array, y: Array, theta: Array, p: int) -> Array:
    """Return the gradient of W_p^p / p along a direction, the plan held, shape (d,)."""
    xp = namespace(x)
    first, second, mass = quantile_pairs(x.shape[0], y.shape[0])
    ordered = (take(side, _order(side @ theta)[rows]) for side, rows in ((x, first), (y, second)))
    moves = next(ordered) - next(ordered)
    along = moves @ theta
    return (like(mass, x) * (xp.sign(along) if p == 1 else along)) @ moves


def _order(values: Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.argsort(to_numpy(values), kind="stable").astype(np.int64)


def _towards_source(x: Array, y: Array, direction: Array) -> Floats:
    """Give a direction the sign that says on which side the source lies."""
    xp = namespace(x)
    gap = float((xp.mean(x, axis=0) - xp.mean(y, axis=0)) @ direction)
    return np.asarray(to_numpy(-direction if gap < 0 else direction), dtype=np.float64)
