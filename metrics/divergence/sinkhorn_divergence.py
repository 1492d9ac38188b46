"""Sinkhorn divergence: smoothed optimal transport, with its own bias taken off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from .._arrays import Array, check_tables, namespace, take, to_numpy
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
    subsample,
)
from ..registry import register
from ._array_kernels import (
    MEDIAN_ROWS,
    median_distance,
    squared_distances,
)
from ._sinkhorn import Potentials, Stop, entropic_plan, solve, solve_symmetric
from ._transport import capped_rows

Form: TypeAlias = Literal["dual", "sharp"]

ROUGH = 1e-4
"""Marginal error at which half-samples and halves stop: far below their own spread."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SinkhornDivergenceResult(MeasureResult):
    """Outcome of :func:`sinkhorn_divergence`.

    Attributes
    ----------
    source_potential : ndarray of shape (n_source,)
        For every source row used how much the divergence grows with its weight.
    target_potential : ndarray of shape (n_target,)
        The same for the target rows: the largest ones are those the source covers least. The
        two means are equal and add up to the divergence in its dual form.
    epsilon : float
        Regularisation used, in squared distance units.
    marginal_error : float
        Largest sum of |mass of a row - mass wanted| over the three plans.
    converged : bool
        Whether that is within ``tolerance``.
    form : str
        As asked for.
    """

    source_potential: Floats
    target_potential: Floats
    epsilon: float
    marginal_error: float
    converged: bool
    form: str


@register(
    family="transport", units="squared distance units of the columns", range=(0.0, math.inf),
    direction="larger means further apart", cost="O((n + m)^2 (d + sweeps))",
    symmetric=True, zero_on_itself=True,
    invariances=("row order", "column order", "translation", "rotation"), min_rows=2,
    attribution=("rows",), arrays=True,
)  # fmt: skip
def sinkhorn_divergence(
    source: Any,
    target: Any,
    *,
    epsilon: float = 0.05,
    relative: bool = True,
    form: Form = "dual",
    tolerance: float = 1e-6,
    max_iter: int = 2000,
    max_rows: int = 2000,
    n_splits: int = 5,
    n_draws: int = 10,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> SinkhornDivergenceResult:
    r"""Measure the cost of moving the source to the target along a smoothed plan.

    Parameters
    ----------
    source : array of shape (n_source, d)
        Source rows on comparable scales (standardise label-blind first).
    target : array of shape (n_target, d)
        Target rows, same columns.
    epsilon : float
        Regularisation. Towards 0 the value goes to the squared W2, towards infinity to the
        squared distance of the means.
    relative : bool
        Whether ``epsilon`` counts in squared median distances of the pooled rows (those at
        distance 0 left out), else in squared distance units.
    form : {"dual", "sharp"}
        dual: the optimal values of the regularised problems, as in Feydy et al. and geomloss;
        never negative and 0 for a sample against itself only. sharp: the cost of the
        regularised plans alone, as in POT.
    tolerance : float
        Marginal error (sum over rows, between 0 and 2) at which the iteration stops.
    max_iter : int
        Steps of each iteration; when they do not suffice the result carries a warning.
    max_rows : int
        Sides with more rows are subsampled, whatever their labels, with a warning. Memory is
        about 60 max_rows² bytes.
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
    SinkhornDivergenceResult
        At least 0 (rounding and, for "sharp", negative values are set to 0), no upper end; in
        squared distance units. Larger means further apart.

    Notes
    -----
    :math:`S = OT_\epsilon(a, b) - \frac12 OT_\epsilon(a, a) - \frac12 OT_\epsilon(b, b)` with
    :math:`OT_\epsilon = \min_P \langle P, C\rangle + \epsilon KL(P | a \otimes b)` and the cost
    |x - y|². The two forms differ much (3.33 and 4.15 on one example) and so do the costs:
    geomloss with p = 2 has |x - y|²/2 and epsilon = blur², so that S is twice its value at
    blur = sqrt(epsilon / 2). Everything is done in float64 with the potentials as logarithms.

    Where nothing differs the value shrinks like 1/n at a fixed epsilon, in any number of
    columns, but the constant grows fast as epsilon falls. A small epsilon needs many steps; an
    error of the plan enters the dual value squared only. Half-samples and halves keep the
    epsilon of the whole and stop at a marginal error of 1e-4.

    References
    ----------
    Feydy et al. (2019), Interpolating between optimal transport and MMD using Sinkhorn
    divergences, AISTATS, Eq. 3. Genevay et al. (2018), Learning generative models with Sinkhorn
    divergences, AISTATS (sharp). Genevay et al. (2019), Sample complexity of Sinkhorn
    divergences, AISTATS.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(60, 2))
    >>> result = sinkhorn_divergence(rows, rows + np.array([3.0, 4.0]))
    >>> round(result.value, 2), result.converged
    (25.0, True)
    """
    x, y = check_tables(source, target, min_rows=2)
    check_choice(form, "form", get_args(Form))
    epsilon, tolerance = check_positive(epsilon, "epsilon"), check_positive(tolerance, "tolerance")
    max_iter = check_count(max_iter, "max_iter", minimum=1)
    max_rows = check_count(max_rows, "max_rows", minimum=16)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=2)
    level, rng = check_share(level, "level"), generator(random_state)

    rows_x, rows_y, warnings = capped_rows(x.shape[0], y.shape[0], max_rows, rng)
    xp = namespace(x)
    centre = (xp.mean(x, axis=0) + xp.mean(y, axis=0)) / 2
    x, y = take(x, rows_x) - centre, take(y, rows_y) - centre
    if relative:
        epsilon *= _median_square(xp.concat([x, y]), rng)
    value, problems = _solve_three(x, y, epsilon, form, Stop(tolerance, max_iter))
    error = max(problem.error for problem in problems)
    rough = Stop(max(tolerance, ROUGH), max_iter)
    statistic = partial(_statistic, epsilon=epsilon, form=form, stop=rough)
    sides = ((x,), (y,))
    source_potential, target_potential = _excess(*problems)
    return SinkhornDivergenceResult(
        value=value,
        interval=half_sample_interval(
            statistic, *sides, value, level=level, n_draws=n_draws, rng=rng, low=0.0
        ),
        null=null_band(statistic, *sides, n_splits=n_splits, rng=rng),
        n_source=len(rows_x),
        n_target=len(rows_y),
        warnings=(*warnings, *not_converged(error, tolerance, max_iter)),
        source_potential=source_potential,
        target_potential=target_potential,
        epsilon=epsilon,
        marginal_error=error,
        converged=error <= tolerance,
        form=form,
    )


def not_converged(error: float, tolerance: float, max_iter: int) -> tuple[str, ...]:
    """Say that an iteration ended too early, if it did."""
    if error <= tolerance:
        return ()
    return (
        f"After {max_iter:,} steps the rows of a plan miss their masses by {error:.1e} in all "
        f"(asked for {tolerance:.1e}); raise `max_iter` or `epsilon`.",
    )


def _median_square(pooled: Array, rng: np.random.Generator) -> float:
    """Return the squared median distance of the pooled rows; 1 when all are equal."""
    median = median_distance(take(pooled, subsample(pooled.shape[0], MEDIAN_ROWS, rng)))
    return 1.0 if median is None else median**2


Three: TypeAlias = tuple[Potentials, Potentials, Potentials]


def _solve_three(x: Array, y: Array, epsilon: float, form: Form, stop: Stop) -> tuple[float, Three]:
    """Return the divergence, and the potentials between the sides and within either."""
    costs = [squared_distances(*pair) for pair in ((x, y), (x, x), (y, y))]
    within_x, within_y = (solve_symmetric(cost, epsilon, stop) for cost in costs[1:])
    problems = (solve(costs[0], epsilon, stop, guess=within_y.first), within_x, within_y)
    between, first, second = (
        found.value if form == "dual" else _sharp_value(cost, found, epsilon)
        for cost, found in zip(costs, problems, strict=True)
    )
    return max(0.0, between - (first + second) / 2), problems


def _sharp_value(cost: Array, found: Potentials, epsilon: float) -> float:
    return float(
        namespace(cost).sum(entropic_plan(cost, found.first, found.second, epsilon) * cost)
    )


def _statistic(source: Sample, target: Sample, *, epsilon: float, form: Form, stop: Stop) -> float:
    return _solve_three(source[0], target[0], epsilon, form, stop)[0]


def _excess(
    between: Potentials, within_x: Potentials, within_y: Potentials
) -> tuple[Floats, Floats]:
    """Return by how much each row's potential exceeds the one within its own side."""
    pairs = ((between.first, within_x), (between.second, within_y))
    first, second = (
        np.asarray(to_numpy(cross - (own.first + own.second) / 2)) for cross, own in pairs
    )
    # One constant may go from one to the other; equal means favour neither side.
    shift = (first.mean() - second.mean()) / 2
    return first - shift, second + shift
