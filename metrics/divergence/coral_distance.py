"""CORAL: how far apart the covariances of the two sides lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from .._arrays import Array, check_tables, namespace, to_numpy
from .._doubt import Sample, half_sample_interval, null_band
from .._results import MeasureResult
from .._validation import Floats, RandomState, check_choice, check_count, check_share, generator
from ..registry import register

CoralNorm: TypeAlias = Literal["frobenius", "mean_absolute"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoralDistanceResult(MeasureResult):
    """Outcome of :func:`coral_distance`.

    Attributes
    ----------
    difference : ndarray of shape (d, d)
        Target covariance less source covariance: positive where two columns vary together
        more in the target. Its diagonal holds the variances.
    pair_part : ndarray of shape (d, d)
        What every pair of columns adds to ``value``; sums to it.
    column_part : ndarray of shape (d,)
        Rows of ``pair_part`` summed: what every column adds, half of each of its pairs.
    norm : str
        As asked for.
    """

    difference: Floats
    pair_part: Floats
    column_part: Floats
    norm: str

    @property
    def by_column(self) -> Floats:
        """How much each column has to do with the value, shape (d,)."""
        return self.column_part


@register(
    family="moments", units="fourth power of the columns' units", range=(0.0, math.inf),
    direction="larger means further apart", cost="O((n + m) d^2)",
    symmetric=True, zero_on_itself=True,
    invariances=("row order", "column order", "translation", "rotation"), min_rows=2,
    attribution=("columns",), arrays=True,
)  # fmt: skip
def coral_distance(
    source: Any,
    target: Any,
    *,
    norm: CoralNorm = "frobenius",
    n_splits: int = 10,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> CoralDistanceResult:
    r"""Measure by how much the covariances of the two sides differ.

    Parameters
    ----------
    source : array of shape (n_source, d)
        Source rows on comparable scales (standardise label-blind first).
    target : array of shape (n_target, d)
        Target rows, same columns.
    norm : {"frobenius", "mean_absolute"}
        frobenius: sum of squared differences over 4 d², the CORAL loss. mean_absolute: mean of
        the absolute differences, as in adapt's ``cov_distance``; in squared units of the columns
        and no longer unchanged by a rotation.
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
    CoralDistanceResult
        At least 0, no upper end; larger means further apart. In the fourth power of the
        columns' units: meaningful only on standardised columns, compared within the same ones.

    Notes
    -----
    :math:`|S_1 - S_2|_F^2 / (4 d^2)` with covariances divided by the rows less one. The value is
    biased upward by the noise of the d² entries, about (1/n + 1/m)/4 for standardised
    independent columns; the null band shows that bias. Covariances take 8 d² bytes each.

    A shift of the mean does not show at all; :func:`frechet_distance` sees both.

    References
    ----------
    Sun & Saenko (2016), Deep CORAL, ECCV workshops, equation 1.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(300, 3))
    >>> result = coral_distance(rows, rows * [1.0, 2.0, 1.0])
    >>> int(result.column_part.argmax()), bool(result.value > result.null.pooled.max())
    (1, True)
    """
    x, y = check_tables(source, target, min_rows=2)
    check_choice(norm, "norm", get_args(CoralNorm))
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=2)
    level, rng = check_share(level, "level"), generator(random_state)

    def statistic(one: Sample, other: Sample) -> float:
        parts = _parts(_covariance(other[0]) - _covariance(one[0]), norm)
        return float(namespace(parts).sum(parts))

    value = statistic((x,), (y,))
    null = null_band(statistic, (x,), (y,), n_splits=n_splits, rng=rng)
    interval = half_sample_interval(
        statistic, (x,), (y,), value, level=level, n_draws=n_draws, rng=rng, low=0.0
    )
    difference = _covariance(y) - _covariance(x)
    pair_part = to_numpy(_parts(difference, norm))
    return CoralDistanceResult(
        value=value,
        interval=interval,
        null=null,
        n_source=x.shape[0],
        n_target=y.shape[0],
        difference=to_numpy(difference),
        pair_part=pair_part,
        column_part=pair_part.sum(axis=1),
        norm=norm,
    )


def _covariance(rows: Array) -> Array:
    centred = rows - namespace(rows).mean(rows, axis=0)
    return centred.T @ centred / (rows.shape[0] - 1)


def _parts(difference: Array, norm: CoralNorm) -> Array:
    entries = difference.shape[0] ** 2
    if norm == "frobenius":
        return difference**2 / (4 * entries)
    return namespace(difference).abs(difference) / entries
