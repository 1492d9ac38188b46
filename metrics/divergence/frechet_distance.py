"""Fréchet distance: how far apart two normal laws with the sides' means and covariances lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from .._arrays import Array, check_tables, like, namespace, to_numpy
from .._doubt import Sample, half_sample_interval, null_band
from .._results import MeasureResult
from .._validation import Floats, RandomState, check_count, check_share, generator
from ..registry import register

Ddof: TypeAlias = Literal[0, 1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrechetDistanceResult(MeasureResult):
    """Outcome of :func:`frechet_distance`.

    The three parts add up to the squared distance: to ``value``, or to its square if ``root``.

    Attributes
    ----------
    mean_part : ndarray of shape (d,)
        Squared difference of the means, a column each.
    spread_part : ndarray of shape (d,)
        Squared difference of the standard deviations, a column each.
    correlation_part : float
        What no column shows alone; at least 0.
    """

    mean_part: Floats
    spread_part: Floats
    correlation_part: float

    @property
    def by_column(self) -> Floats:
        """How much each column has to do with the value, shape (d,)."""
        return np.asarray(self.mean_part + self.spread_part)


@register(
    family="moments", units="squared units of the columns", range=(0.0, math.inf),
    direction="larger means further apart", cost="O((n + m) d^2 + d^3); for d > n, m: O(n m d)",
    symmetric=True, zero_on_itself=True,
    invariances=("row order", "column order", "translation", "rotation"), min_rows=2,
    attribution=("columns",), arrays=True,
)  # fmt: skip
def frechet_distance(
    source: Any,
    target: Any,
    *,
    ddof: Ddof = 1,
    root: bool = False,
    ridge: float = 0.0,
    n_splits: int = 10,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> FrechetDistanceResult:
    r"""Measure the squared distance between the normal laws fitted to the two sides.

    Parameters
    ----------
    source : array of shape (n_source, d)
        Source rows on comparable scales (standardise label-blind first).
    target : array of shape (n_target, d)
        Target rows, same columns.
    ddof : {1, 0}
        Covariances are divided by the rows less this. 1: as in the Fréchet inception distance.
        0: as in POT's ``empirical_bures_wasserstein_distance``.
    root : bool
        Whether the root is taken: the distance W2 itself, in the units of the columns (POT).
    ridge : float
        Added to the diagonal of both covariances. POT adds 1e-6; nothing here needs it.
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
    FrechetDistanceResult
        At least 0, no upper end; larger means further apart. In squared units of the columns,
        and growing with their number: compare only within the same columns.

    Notes
    -----
    :math:`|\mu_1 - \mu_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^{1/2})`. With centred rows A and B,
    scaled so that :math:`S_1 = A'A` and :math:`S_2 = B'B`, the trace of the root is the sum of the
    singular values of :math:`AB'`. A side with more rows than columns is first replaced by the
    triangle of its QR decomposition. Nothing is ever complex, and covariances without full
    rank need no ridge.

    The value is biased upward, by about (d + (d² + d)/4) (1/n + 1/m) for standardised independent
    columns, so that small samples look further apart; the null band shows that bias.

    Laws with equal means and covariances have distance 0 however they differ otherwise. One
    column with large units or with outliers decides the value alone.

    References
    ----------
    Dowson & Landau (1982), J. Multivariate Analysis 12. Heusel et al. (2017), GANs trained by
    a two time-scale update rule, NeurIPS, equation 6.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(200, 2))
    >>> rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    >>> result = frechet_distance(rows, 2 * rows + [3.0, 0.0])
    >>> np.round(result.mean_part), np.round(result.spread_part)
    (array([9., 0.]), array([1., 1.]))
    """
    x, y = check_tables(source, target, min_rows=2)
    if ddof not in (0, 1):
        raise ValueError(f"`ddof` must be 0 or 1, got {ddof!r}.")
    if not 0 <= ridge < math.inf:
        raise ValueError(f"`ridge` must be a finite number of at least 0, got {ridge!r}.")
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=2)
    level, rng = check_share(level, "level"), generator(random_state)

    def statistic(one: Sample, other: Sample) -> float:
        squared = _squared_distance(one[0], other[0], ddof, ridge)
        return math.sqrt(squared) if root else squared

    value = statistic((x,), (y,))
    null = null_band(statistic, (x,), (y,), n_splits=n_splits, rng=rng)
    interval = half_sample_interval(
        statistic, (x,), (y,), value, level=level, n_draws=n_draws, rng=rng, low=0.0
    )
    mean_part, spread_part = _column_parts(x, y, ddof, ridge)
    rest = (value**2 if root else value) - float(mean_part.sum() + spread_part.sum())
    return FrechetDistanceResult(
        value=value,
        interval=interval,
        null=null,
        n_source=x.shape[0],
        n_target=y.shape[0],
        warnings=_warnings(min(x.shape[0], y.shape[0]), x.shape[1]),
        mean_part=mean_part,
        spread_part=spread_part,
        # The columns alone never say more than all together; below 0 is rounding.
        correlation_part=max(0.0, rest),
    )


def _squared_distance(x: Array, y: Array, ddof: int, ridge: float) -> float:
    xp = namespace(x)
    gap = xp.mean(x, axis=0) - xp.mean(y, axis=0)
    a, b = _factor(x, ddof, ridge), _factor(y, ddof, ridge)
    spread = xp.sum(a * a) + xp.sum(b * b) - 2 * xp.sum(xp.linalg.svdvals(a @ b.T))
    return max(0.0, float(xp.sum(gap * gap) + spread))


def _factor(rows: Array, ddof: int, ridge: float) -> Array:
    """Return A with A'A the covariance plus ridge, in no more rows than columns."""
    xp = namespace(rows)
    factor = (rows - xp.mean(rows, axis=0)) / math.sqrt(rows.shape[0] - ddof)
    if ridge:
        unit = like(math.sqrt(ridge) * np.eye(rows.shape[1]), rows)
        factor = xp.concat([factor, unit])
    if factor.shape[0] > factor.shape[1]:
        return xp.linalg.qr(factor)[1]
    return factor


def _column_parts(x: Array, y: Array, ddof: int, ridge: float) -> tuple[Floats, Floats]:
    xp = namespace(x)
    gap = to_numpy(xp.mean(x, axis=0) - xp.mean(y, axis=0))
    one, other = (
        to_numpy(xp.sqrt(xp.var(rows, axis=0, correction=ddof) + ridge)) for rows in (x, y)
    )
    return gap**2, (one - other) ** 2


def _warnings(rows: int, columns: int) -> tuple[str, ...]:
    if rows > columns:
        return ()
    return (
        f"A side has {rows} rows for {columns} columns, so its covariance has no full rank and "
        "the value is far too large; read it beside the null band, or reduce the columns "
        "label-blind first.",
    )
