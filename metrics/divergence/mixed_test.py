"""Two-sample test on numbers, categories and missing values together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._arrays import (
    Array,
    as_code_numbers,
    as_numbers,
    device_of,
    in_one_place,
    namespace,
    take,
    to_numpy,
)
from .._effect import EffectSums
from .._kernels import (
    Kernel,
    PairBlock,
    above_diagonal,
    cityblock_distances,
    distance,
    euclidean_distances,
    exp_of,
    gaussian,
    laplace,
    linear,
    pair_blocks,
    quadratic,
    rows_for_quantiles,
    widths,
)
from .._results import MeasureResult
from .._validation import (
    Floats,
    Ints,
    RandomState,
    check_count,
    check_share,
    generator,
    require_rows,
)
from ..registry import register
from ._fused import WIDE_WEIGHT, Chosen, draw_batches, fuse, permutation_test

_MOST_LEVELS_APART = 2.0
"""How many times the mean number of differing categories the widest kernel forgives."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixedTestResult(MeasureResult):
    """Outcome of :func:`mixed_test`; ``value`` is the effect.

    Attributes
    ----------
    p_value : float
        Permutation p-value, never 0: at least ``1 / (1 + n_permutations)``.
    statistic : float
        The fused statistic; only its rank among permutations has a meaning.
    permuted : ndarray of shape (n_permutations,)
        The statistic under the permutations.
    n_permutations, n_kernels : int
        Permutations behind the p-value and kernels fused.
    source_witness, target_witness : ndarray
        For every row used its mean similarity to the source less that to the target.
    source_rows, target_rows : ndarray of int64
        Row numbers of the rows used.
    subsampled : bool
        Whether a side had more rows than were used.
    """

    p_value: float
    statistic: float
    permuted: Floats
    n_permutations: int
    n_kernels: int
    source_witness: Floats
    target_witness: Floats
    source_rows: Ints
    target_rows: Ints
    subsampled: bool


@register(
    family="kernel", units="squared MMD of the product kernel", range=(-2.0, 2.0),
    direction="larger means further apart", cost="O(K (n + m)^2 (d + B))", inputs="other",
    symmetric=True, invariances=("row order", "column order", "column scales", "relabelling"),
    attribution=("rows",), arrays=True,
)  # fmt: skip
def mixed_test(
    source_numbers: Any = None,
    target_numbers: Any = None,
    source_codes: Any = None,
    target_codes: Any = None,
    *,
    n_permutations: int = 199,
    early_stop: bool = False,
    source_groups: ArrayLike | None = None,
    target_groups: ArrayLike | None = None,
    n_bandwidths: int = 5,
    n_splits: int = 50,
    max_rows: int = 2000,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> MixedTestResult:
    r"""Test whether two tables of numbers and categories, with gaps, have one distribution.

    Parameters
    ----------
    source_numbers : array_like of float, shape (n_source, d), or None
        Numeric columns, NaN for missing; they are standardised label-blind here. None when
        there is none.
    target_numbers : array_like of float, shape (n_target, d), or None
        The same columns of the target.
    source_codes : array_like of int, shape (n_source, c), or None
        Categorical columns as integer codes, -1 for missing. None when there is none.
    target_codes : array_like of int, shape (n_target, c), or None
        The same columns of the target, in the same coding.
    n_permutations : int
        Permutations; the p-value cannot fall below ``1 / (1 + n_permutations)``.
    early_stop : bool
        Whether to stop once 20 permutations reach the observed statistic, as in
        :func:`mmd_test`.
    source_groups, target_groups : array_like of int or None
        Unit of every row in one numbering for both sides: units change sides as a whole.
    n_bandwidths : int
        Widths for each family of kernels.
    n_splits : int
        Random halves of each side for the null band of the effect.
    max_rows : int
        Larger sides are subsampled uniformly and the result is flagged.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of subsample, permutations and halves.

    Returns
    -------
    MixedTestResult
        p-value (small: the samples differ), and the unbiased MMD² of the product kernel at
        its median widths: about 0 (also negative) without a shift, below 2.

    Notes
    -----
    Nothing is one-hot encoded or imputed. Between two rows, numbers count by the squared
    difference in pooled standard deviations; missing against present counts 1 + z² with z the
    number present, missing against missing 0. Both are distances between points, so every
    kernel is positive definite. Categories count by H, the number of columns that differ,
    with missing as a level of its own.

    Fused, as in :func:`mmd_test`, are the product kernels exp(-D²/2s²) exp(-H/g), the
    Gower-like kernels exp(-(L1 + H)/w) (Gower 1971, with standard deviations in place of
    ranges), and, with a small weight, kernels that see the numbers or the categories alone:
    -D, x·y, (x·y)² and -H. All widths come from the pooled rows, so the permutation p-value is
    exact.

    Columns weigh alike; many columns that say nothing hide one that does. It cannot say which
    column differs (:func:`column_shift` does).

    References
    ----------
    Biggs, Schrab, Gretton (2023), MMD-FUSE, NeurIPS. Gower (1971), A general coefficient of
    similarity, Biometrics 27. Phipson & Smyth (2010), SAGMB 9.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> numbers = rng.normal(size=(120, 2))
    >>> numbers[rng.random((120, 2)) < 0.2] = np.nan
    >>> codes = rng.integers(0, 3, size=(120, 2))
    >>> codes[60:, 0] = np.maximum(codes[60:, 0], 1)
    >>> mixed_test(numbers[:60], numbers[60:], codes[:60], codes[60:]).p_value
    0.005
    """
    x, a = _table(source_numbers, source_codes, "source")
    y, b = _table(target_numbers, target_codes, "target")
    _check_columns(x, y, "numbers")
    _check_columns(a, b, "codes")
    n_bandwidths = check_count(n_bandwidths, "n_bandwidths", minimum=1)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    max_rows = check_count(max_rows, "max_rows", minimum=16)
    level, rng = check_share(level, "level"), generator(random_state)

    chosen = Chosen.draw(
        x.shape[0], y.shape[0], max_rows, rng, groups=(source_groups, target_groups)
    )
    (n, m), exchange = chosen.sizes, chosen.exchange
    x, a, y, b = in_one_place(x, a, y, b)
    xp, rows = namespace(x), (chosen.source_rows, chosen.target_rows)
    numbers = _with_gaps(
        xp.concat([take(side, own) for side, own in zip((x, y), rows, strict=True)])
    )
    codes = xp.concat([take(side, own) for side, own in zip((a, b), rows, strict=True)])
    kernels, weights, effect_kernel = _kernels(numbers, codes, n_bandwidths, rng)
    effect = EffectSums.draw(effect_kernel, exchange.row_first, exchange.units, n_splits, rng)
    batches = draw_batches(exchange, None, n_permutations, rng, early_stop=early_stop)
    tested = permutation_test(
        numbers, partial(_blocks, numbers, codes), kernels,
        lambda sums: fuse(sums, weights, n, m), batches, effect, early_stop=early_stop,
    )  # fmt: skip
    value, gap = effect.value(), effect.gap()
    return MixedTestResult(
        value=value,
        interval=effect.interval(value, level),
        null=effect.null_band(),
        n_source=n,
        n_target=m,
        warnings=exchange.warnings(),
        p_value=tested.p_value,
        statistic=float(tested.statistics[0]),
        permuted=tested.statistics[1:],
        n_permutations=len(tested.statistics) - 1,
        n_kernels=len(kernels),
        source_witness=gap[:n],
        target_witness=gap[n:],
        source_rows=chosen.source_rows,
        target_rows=chosen.target_rows,
        subsampled=n < x.shape[0] or m < y.shape[0],
    )


def _table(numbers: Any, codes: Any, side: str) -> tuple[Array, Array]:
    """Return both parts of one side as tables, without columns where one is not given."""
    if numbers is None and codes is None:
        raise ValueError(
            f"`{side}_numbers` and `{side}_codes` are both missing; pass at least one of them."
        )
    x = None if numbers is None else as_numbers(numbers, f"{side}_numbers")
    a = None if codes is None else as_code_numbers(codes, f"{side}_codes")
    given = in_one_place(*(part for part in (x, a) if part is not None))
    shapes = [tuple(part.shape) for part in given]
    if any(len(shape) != 2 for shape in shapes) or len({shape[0] for shape in shapes}) > 1:
        raise ValueError(
            f"`{side}_numbers` and `{side}_codes` must be tables with the same rows, got shapes "
            f"{' and '.join(map(str, shapes))}."
        )
    xp = namespace(given[0])
    x = xp.astype(given[0][:, :0], xp.float64) if numbers is None else given[0]
    a = xp.astype(given[0][:, :0], xp.int64) if codes is None else given[-1]
    if bool(xp.any(xp.isinf(x))):
        raise ValueError(f"`{side}_numbers` contains infinite values; mark them as NaN.")
    require_rows(x.shape[0], side, 8)
    return x, a


def _check_columns(one: Any, other: Any, name: str) -> None:
    if one.shape[1] != other.shape[1]:
        raise ValueError(
            f"`target_{name}` has {other.shape[1]} columns, `source_{name}` has "
            f"{one.shape[1]}; align the columns first."
        )


def _with_gaps(numbers: Array) -> Array:
    """Return standardised numbers with 0 for missing, and one 0/1 column for every gap column."""
    xp, missing = namespace(numbers), namespace(numbers).isnan(numbers)
    zeros = xp.zeros_like(numbers)
    present = xp.sum(xp.where(missing, zeros, zeros + 1), axis=0)
    present = xp.where(present > 0, present, xp.ones_like(present))
    centre = xp.sum(xp.where(missing, zeros, numbers), axis=0) / present
    centred = xp.where(missing, zeros, numbers - centre)
    scale = xp.sqrt(xp.sum(centred**2, axis=0) / present)
    varies = (scale > 1e-12) & (scale > 1e-12 * xp.abs(centre))
    centred = centred / xp.where(varies, scale, xp.full_like(scale, np.inf))
    gaps = np.flatnonzero(to_numpy(xp.any(missing, axis=0)))
    marks = take(xp.where(missing, zeros + 1, zeros).T, gaps).T
    return xp.concat([centred, marks - xp.mean(marks, axis=0)], axis=1)


@dataclass(slots=True, eq=False)
class MixedBlock(PairBlock):
    """Pairs of rows with numbers and codes."""

    codes: Array
    _differing: Array = field(init=False, default=None)

    def differing(self) -> Array:
        """Number of categorical columns that differ; shared, not to be changed."""
        if self._differing is None:
            own, other = self.codes[self.rows, :], self.codes[self.behind, :]
            self._differing = _differing(own, other, self.pooled.precision)
        return self._differing


def _differing(own: Array, other: Array, precision: Any) -> Array:
    """Return in how many columns codes differ, for every pair of rows."""
    xp = namespace(own)
    found = (
        xp.astype(own[:, :1] != other[:, :1].T, precision)
        if own.shape[1]
        else xp.zeros((own.shape[0], other.shape[0]), dtype=precision, device=device_of(own))
    )
    for column in range(1, own.shape[1]):
        found += xp.astype(own[:, column, None] != other[None, :, column], precision)
    return found


def _blocks(numbers: Array, codes: Array) -> Iterator[PairBlock]:
    for block in pair_blocks(numbers):
        yield MixedBlock(block.rows, block.pooled, codes)


def _kernels(
    numbers: Array, codes: Array, count: int, rng: np.random.Generator
) -> tuple[list[Kernel], Floats, Kernel]:
    """Return the kernels to fuse, their weights, and the one of the effect."""
    some = rows_for_quantiles(np.arange(numbers.shape[0], dtype=np.int64), rng)
    own, differing = take(codes, some), np.zeros(1)
    if codes.shape[1]:
        differing = above_diagonal(_differing(own, own, numbers.dtype))
    far = max(float(differing.mean()), 1e-9)
    median, spread = 1.0, [1.0]
    apart = differing
    if numbers.shape[1]:
        few = take(numbers, some)
        median, spread = widths(euclidean_distances(few), count)
        apart = differing + cityblock_distances(few)
    _, gower = widths(apart, count)
    plain: list[Kernel] = [
        partial(_product, width=width, far=far * times)
        for width in spread
        for times in ((0.5, _MOST_LEVELS_APART) if codes.shape[1] else (1.0,))
    ]
    plain += [partial(_gower, width=width) for width in gower]
    wide: list[Kernel] = [distance, linear, quadratic] if numbers.shape[1] else []
    wide += [_mismatch] if codes.shape[1] else []
    weights = np.array([1.0] * len(plain) + [WIDE_WEIGHT] * len(wide))
    return [*plain, *wide], weights, partial(_product, width=median, far=far, exact=True)


def _product(block: PairBlock, width: float, far: float, *, exact: bool = False) -> Array:
    """Return exp(-D² / (2 width²)) exp(-H / far)."""
    assert isinstance(block, MixedBlock)
    values = gaussian(block, width, exact=exact)
    if block.codes.shape[1]:
        values = values * exp_of(block.differing(), -1.0 / far)
    return values


def _gower(block: PairBlock, width: float) -> Array:
    """Return exp(-(L1 distance + H) / width)."""
    assert isinstance(block, MixedBlock)
    if not block.part.shape[1]:
        return exp_of(block.differing(), -1.0 / width)
    return laplace(block, width) * exp_of(block.differing(), -1.0 / width)


def _mismatch(block: PairBlock) -> Array:
    assert isinstance(block, MixedBlock)
    return -block.differing()
