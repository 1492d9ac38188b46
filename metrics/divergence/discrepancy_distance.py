"""Discrepancy of linear predictors under the square loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from .._arrays import Array, check_tables, namespace, to_numpy
from .._doubt import Sample, half_sample_interval, null_band
from .._results import MeasureResult
from .._validation import (
    Floats,
    RandomState,
    check_choice,
    check_count,
    check_positive,
    check_share,
    generator,
)
from ..registry import register

DiscrepancyScale: TypeAlias = Literal["none", "centred", "normalised"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DiscrepancyDistanceResult(MeasureResult):
    """Outcome of :func:`discrepancy_distance`.

    Attributes
    ----------
    direction : ndarray of shape (d,)
        Unit vector along which the mean squares of the sides differ most: two predictors that
        differ along it disagree most unequally. Its largest entry is positive.
    column_part : ndarray of shape (d,)
        What every column adds to ``value`` through that direction; sums to it.
    larger : str
        The side whose rows reach farther along ``direction``: "source" or "target".
    scale : str
        As asked for.
    """

    direction: Floats
    column_part: Floats
    larger: str
    scale: str

    @property
    def by_column(self) -> Floats:
        """How much each column has to do with the value, shape (d,)."""
        return self.column_part


@register(
    family="moments", units="squared units of the columns", range=(0.0, math.inf),
    direction="larger means further apart", cost="O((n + m) d^2 + d^3); for d > n + m: (n + m)^2 d",
    symmetric=True, zero_on_itself=True, invariances=("row order", "column order", "rotation"),
    min_rows=2, attribution=("columns", "directions"), arrays=True,
)  # fmt: skip
def discrepancy_distance(
    source: Any,
    target: Any,
    *,
    scale: DiscrepancyScale = "none",
    norm_bound: float | None = None,
    n_splits: int = 10,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> DiscrepancyDistanceResult:
    r"""Measure how differently two linear predictors can disagree on the two sides.

    Parameters
    ----------
    source : array of shape (n_source, d)
        Source rows on comparable scales (standardise label-blind first). Predictors with an
        intercept need a column of ones.
    target : array of shape (n_target, d)
        Target rows, same columns.
    scale : {"none", "centred", "normalised"}
        none: the rows as they are. centred: the mean of the pooled rows is taken off, which
        lessens the noise when it is far from 0. normalised: one number is taken off all entries
        (the average of the sides' overall means), one divides them (the average of their overall
        standard deviations), and the value is divided by d: adapt's
        ``normalized_linear_discrepancy``.
    norm_bound : float or None
        None: the eigenvalue alone, as adapt gives it. A number L: times 4 L², the discrepancy
        of all predictors w'x with norm of w at most L.
    n_splits : int
        Random halves of each side for the null band.
    n_draws : int
        Half-samples behind the interval.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of halves and half-samples.

    Returns
    -------
    DiscrepancyDistanceResult
        At least 0, no upper end; larger means further apart. In squared units of the columns
        (of the prediction, with ``norm_bound``).

    Notes
    -----
    The largest absolute eigenvalue of :math:`M = X'X/n - Y'Y/m`. For predictors u and v the mean
    of :math:`(u'x - v'x)^2` differs between the sides by :math:`(u - v)'M(u - v)`, and u - v has
    norm up to 2 L; the maximum is the discrepancy. The target loss of any such predictor,
    against the best one on the target, is at most its source loss against that one plus the
    discrepancy: it bounds what moves with the rows, and is silent on what moves with the labels.

    Second moments are not taken about the mean, so the value changes when both sides are moved
    together. It is biased upward; the null band shows by how much.

    References
    ----------
    Mansour, Mohri & Rostamizadeh (2009), Domain adaptation: learning bounds and algorithms,
    COLT, section 5.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(300, 3))
    >>> result = discrepancy_distance(rows, rows * [1.0, 2.0, 1.0])
    >>> result.larger, int(result.column_part.argmax())
    ('target', 1)
    """
    x, y = check_tables(source, target, min_rows=2)
    check_choice(scale, "scale", get_args(DiscrepancyScale))
    factor = 1.0 if norm_bound is None else 4 * check_positive(norm_bound, "norm_bound") ** 2
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=2)
    level, rng = check_share(level, "level"), generator(random_state)
    if scale == "centred":
        centre = namespace(x).mean(namespace(x).concat([x, y]), axis=0)
        x, y = x - centre, y - centre
    elif scale == "normalised":
        x, y = _normalised(x, y)
        factor /= x.shape[1]

    def statistic(one: Sample, other: Sample) -> float:
        return factor * abs(_widest(one[0], other[0])[0])

    gap, direction = _widest(x, y)
    value = factor * abs(gap)
    null = null_band(statistic, (x,), (y,), n_splits=n_splits, rng=rng)
    interval = half_sample_interval(
        statistic, (x,), (y,), value, level=level, n_draws=n_draws, rng=rng, low=0.0
    )
    return DiscrepancyDistanceResult(
        value=value,
        interval=interval,
        null=null,
        n_source=x.shape[0],
        n_target=y.shape[0],
        direction=direction,
        # w'Mw, split over the columns: w is an eigenvector.
        column_part=value * direction**2,
        larger="source" if gap > 0 else "target",
        scale=scale,
    )


def _normalised(x: Array, y: Array) -> tuple[Array, Array]:
    xp = namespace(x)
    centre = (float(xp.mean(x)) + float(xp.mean(y))) / 2
    width = (float(xp.std(x)) + float(xp.std(y))) / 2
    if width == 0:
        raise ValueError(
            "Every entry of either side is the same, so there is nothing to divide by; use "
            '`scale="none"`.'
        )
    return (x - centre) / width, (y - centre) / width


def _widest(x: Array, y: Array) -> tuple[float, Floats]:
    """Return the eigenvalue of X'X/n - Y'Y/m farthest from 0, and its unit vector."""
    xp = namespace(x)
    n, m = x.shape[0], y.shape[0]
    basis = None
    if x.shape[1] > n + m:
        # All there is to see lies in the span of the rows.
        basis, _ = xp.linalg.qr(xp.concat([x, y]).T)
        x, y = x @ basis, y @ basis
    values, vectors = xp.linalg.eigh(x.T @ x / n - y.T @ y / m)
    place = 0 if -float(values[0]) > float(values[-1]) else values.shape[0] - 1
    vector = vectors[:, place]
    direction = to_numpy(vector if basis is None else basis @ vector)
    sign = np.sign(direction[np.argmax(np.abs(direction))])
    return float(values[place]), sign * direction
