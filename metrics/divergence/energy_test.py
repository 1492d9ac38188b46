"""Permutation test of the energy distance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

from numpy.typing import ArrayLike

from .._arrays import check_tables, namespace, take
from .._effect import EffectSums
from .._kernels import distance, pair_blocks
from .._results import Interval, MeasureResult
from .._validation import (
    Floats,
    Ints,
    RandomState,
    check_choice,
    check_count,
    check_share,
    generator,
)
from ..registry import register
from ._fused import Chosen, check_plain, draw_batches, permutation_test

Form: TypeAlias = Literal["V", "U"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnergyTestResult(MeasureResult):
    """Outcome of :func:`energy_test`; ``value`` is the energy distance.

    Attributes
    ----------
    p_value : float
        Permutation p-value, never 0: at least ``1 / (1 + n_permutations)``.
    permuted : ndarray of shape (n_permutations,)
        The energy distance under the permutations.
    n_permutations : int
        Permutations behind the p-value.
    source_witness, target_witness : ndarray
        For every row used its mean distance to the target less that to the source: positive
        where the source is nearer.
    source_rows, target_rows : ndarray of int64
        Row numbers of the rows used.
    subsampled : bool
        Whether a side had more rows than were used.
    """

    p_value: float
    permuted: Floats
    n_permutations: int
    source_witness: Floats
    target_witness: Floats
    source_rows: Ints
    target_rows: Ints
    subsampled: bool


@register(
    family="kernel", units="distance units of the columns",
    range=(float("-inf"), float("inf")), direction="larger means further apart",
    cost="O((n + m)^2 (d + B))", symmetric=True,
    invariances=("row order", "column order", "translation", "rotation"),
    attribution=("rows",), arrays=True,
)  # fmt: skip
def energy_test(
    source: Any,
    target: Any,
    *,
    estimator: Form = "V",
    n_permutations: int = 199,
    permutations: ArrayLike | None = None,
    early_stop: bool = False,
    source_groups: ArrayLike | None = None,
    target_groups: ArrayLike | None = None,
    source_labels: ArrayLike | None = None,
    target_labels: ArrayLike | None = None,
    n_splits: int = 50,
    max_rows: int = 5000,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> EnergyTestResult:
    r"""Test whether two samples differ by how much farther rows lie from the other side.

    Parameters
    ----------
    source : array of shape (n_source, d)
        Source rows on comparable scales (standardise label-blind first).
    target : array of shape (n_target, d)
        Target rows, same columns.
    estimator : {"V", "U"}
        V: means over all pairs, those of a row with itself kept; never negative. U: those
        pairs left out; unbiased.
    n_permutations : int
        Permutations; the p-value cannot fall below ``1 / (1 + n_permutations)``.
    permutations : array_like of int, shape (B, n_source + n_target), or None
        Orders of the pooled rows to use instead; the first ``n_source`` of a line form the
        source.
    early_stop : bool
        Whether to stop once 20 permutations reach the observed value; the p-value then is 20
        over the permutations read (Besag & Clifford 1991).
    source_groups, target_groups : array_like of int or None
        Unit of every row in one numbering for both sides: units change sides as a whole, and
        halves are halves of units. A unit on both sides is refused.
    source_labels, target_labels : array_like of int or None
        Class of every row: rows change sides only within their class.
    n_splits : int
        Random halves of each side for the null band.
    max_rows : int
        Larger sides are subsampled uniformly and the result is flagged.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of subsample, permutations and halves.

    Returns
    -------
    EnergyTestResult
        p-value (small: the samples differ) and the energy distance
        :math:`2 E|x - y| - E|x - x'| - E|y - y'|`, in units of distance.

    Notes
    -----
    The same sums as in :func:`mmd_test` with the kernel -|x - y|: cost is O(N² (d + B)), every
    pair is evaluated once, in blocks. Above 1,000 pooled rows the permutations are compared
    in single precision. The interval is that of U, moved by the bias of V.

    There is no bandwidth to choose, and shifts of the mean are seen well, changes of
    correlation badly: on 10 correlated columns (100 rows a side, correlation 0.3)
    :func:`mmd_test` rejects nearly always and this one in a fifth of the draws. It misleads
    when rows depend on each other and no groups are given, and when columns have unequal
    scales.

    References
    ----------
    Székely & Rizzo (2013), Energy statistics, J. Stat. Plan. Inference 143. Sejdinovic et al.
    (2013), Equivalence of distance-based and RKHS-based statistics, Ann. Stat. 41. Besag &
    Clifford (1991), Sequential Monte Carlo p-values, Biometrika 78.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> result = energy_test(rng.normal(size=(60, 2)), rng.normal(1.0, size=(50, 2)))
    >>> result.p_value
    0.005
    """
    source, target = check_tables(source, target, min_rows=8)
    check_choice(estimator, "estimator", get_args(Form))
    check_plain(permutations, early_stop, source_groups, source_labels)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    max_rows = check_count(max_rows, "max_rows", minimum=16)
    level, rng, biased = check_share(level, "level"), generator(random_state), estimator == "V"

    chosen = Chosen.draw(
        source.shape[0], target.shape[0], max_rows, rng,
        groups=(source_groups, target_groups), labels=(source_labels, target_labels),
    )  # fmt: skip
    (n, m), exchange = chosen.sizes, chosen.exchange
    xp = namespace(source)
    pooled = xp.concat([take(source, chosen.source_rows), take(target, chosen.target_rows)])
    pooled = pooled - xp.mean(pooled, axis=0)
    effect = EffectSums.draw(
        partial(distance, exact=True), exchange.row_first, exchange.units, n_splits, rng
    )
    batches = draw_batches(exchange, permutations, n_permutations, rng, early_stop=early_stop)
    tested = permutation_test(
        pooled, partial(pair_blocks, pooled), None,
        lambda sums: sums[0].mmd2(biased=biased), batches, effect, early_stop=early_stop,
    )  # fmt: skip
    value, gap = effect.value(biased=biased), effect.gap()
    return EnergyTestResult(
        value=max(0.0, value) if biased else value,
        interval=_interval(effect, value, level, biased),
        null=effect.null_band(biased=biased),
        n_source=n,
        n_target=m,
        warnings=exchange.warnings(),
        p_value=tested.p_value,
        permuted=tested.statistics[1:],
        n_permutations=len(tested.statistics) - 1,
        source_witness=gap[:n],
        target_witness=gap[n:],
        source_rows=chosen.source_rows,
        target_rows=chosen.target_rows,
        subsampled=n < source.shape[0] or m < target.shape[0],
    )


def _interval(effect: EffectSums, value: float, level: float, biased: bool) -> Interval:
    """Return the interval of U around the value; a V-statistic is never below 0."""
    found = effect.interval(value, level)
    if not biased:
        return found
    return Interval(max(0.0, found.low), max(0.0, found.high), level, found.method)
