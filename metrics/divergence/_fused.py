"""Several kernels in one statistic, and the permutation test that goes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from .._arrays import Array, namespace
from .._effect import EffectSums
from .._exchange import ENOUGH, Exchange, Pair, exchange_units, given_indicators
from .._kernels import Kernel, PairBlock, fast_precision
from .._permutation import FAST_TIE, GroupSums, indicators_like, run_permutations
from .._validation import Floats, Ints, check_count, subsample

WIDE_WEIGHT = 0.1
"""Prior weight of each wide kernel; a Gaussian or Laplace kernel has weight 1.

Chosen on draws other than those the power is reported on (benchmarks/kernel_test_power.py
says which), among some thirty combinations: 0.1 gives nearly all that a wide kernel can see
and costs the others little.
"""

Blocks: TypeAlias = Callable[[], Iterator[PairBlock]]
Statistic: TypeAlias = Callable[[Sequence[GroupSums]], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """What a permutation test found: p-value and statistics, the observed one first."""

    p_value: float
    statistics: Floats


def permutation_test(
    pooled: Array, blocks: Blocks, kernels: Sequence[Kernel] | None, statistic: Statistic,
    batches: Iterator[Floats], effect: EffectSums, *, early_stop: bool,
) -> Tested:  # fmt: skip
    """Run the kernels over all pairs for every batch of indicator columns.

    ``effect`` picks up its sums on the way through the first batch; without ``kernels`` its
    own kernel is the one that is tested.
    """
    precision, first = fast_precision(pooled), True

    def on_columns(columns: Floats) -> Floats:
        nonlocal first
        count = 1 if kernels is None else len(kernels)
        sums = [GroupSums(pooled.shape[0], columns.sum(axis=0)) for _ in range(count)]
        marks = indicators_like(columns, pooled, precision)
        for block in blocks():
            _add(block, sums, kernels, marks, effect, measure=first)
        for one in sums:
            one.close(columns)
        first = False
        return statistic(sums)

    tie = FAST_TIE if precision == namespace(pooled).float32 else 1e-10
    enough = ENOUGH if early_stop else None
    return Tested(*run_permutations(on_columns, batches, enough=enough, tie=tie))


def _add(
    block: PairBlock, sums: Sequence[GroupSums], kernels: Sequence[Kernel] | None, marks: Array,
    effect: EffectSums, *, measure: bool,
) -> None:  # fmt: skip
    exact = effect.kernel(block) if measure or kernels is None else None
    if kernels is None:
        values = namespace(exact).astype(exact, marks.dtype, copy=True)
        sums[0].add(block.rows, values, marks)
    else:
        for kernel, one in zip(kernels, sums, strict=True):
            one.add(block.rows, kernel(block), marks)
    if measure:
        effect.add(block.rows, exact)


def fuse(sums: Sequence[GroupSums], weights: Floats, n: int, m: int) -> Floats:
    """Return the fused statistic of every indicator column (Biggs et al. 2023, equation 5).

    Each MMD² is divided by the root mean square of its centred kernel, which is its spread
    among permutations up to a factor that all kernels share.
    """
    harmonic = 2 * n * m / (n + m)
    strength = np.sqrt(harmonic * (harmonic - 1))
    exponents, shares = [], []
    for one, weight in zip(sums, weights, strict=True):
        spread = one.centred_mean_square()
        # A kernel without variation says nothing; its spread may be rounding only.
        if spread > 1e-12 * one.mean_square():
            exponents.append(strength * one.mmd2() / np.sqrt(spread))
            shares.append(weight)
    if not exponents:
        return np.zeros(len(sums[0].first_size))
    found = logsumexp(np.array(exponents), axis=0, b=np.array(shares)[:, None])
    return np.asarray(found - np.log(np.sum(shares)))


def draw_batches(
    exchange: Exchange, permutations: ArrayLike | None, n_permutations: int,
    rng: np.random.Generator, *, early_stop: bool,
) -> Iterator[Floats]:  # fmt: skip
    """Return the indicator columns of a test in batches, the observed one first."""
    n = int(exchange.row_first.sum())
    if permutations is not None:
        return iter([given_indicators(permutations, n, len(exchange.units) - n)])
    count = check_count(n_permutations, "n_permutations", minimum=19)
    return exchange.batches(count, rng, doubling=early_stop)


def check_plain(
    permutations: ArrayLike | None, early_stop: bool, *others: ArrayLike | None
) -> None:
    """Refuse given permutations together with options that draw them."""
    if permutations is not None and (early_stop or any(one is not None for one in others)):
        raise ValueError(
            "`permutations` stands for itself; leave out `early_stop`, groups and labels with it."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The rows a test uses, and which of them may change sides."""

    source_rows: Ints
    target_rows: Ints
    exchange: Exchange

    @classmethod
    def draw(
        cls, n: int, m: int, max_rows: int, rng: np.random.Generator, *, groups: Pair,
        labels: Pair = (None, None),
    ) -> Chosen:  # fmt: skip
        """Thin larger sides uniformly; groups and labels belong to all rows."""
        rows = subsample(n, max_rows, rng), subsample(m, max_rows, rng)
        exchange = exchange_units(
            len(rows[0]), len(rows[1]), groups=_thinned(groups, rows, (n, m)),
            labels=_thinned(labels, rows, (n, m)),
        )  # fmt: skip
        return cls(*rows, exchange)

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows used of either side."""
        return len(self.source_rows), len(self.target_rows)


def _thinned(pair: Pair, rows: tuple[Ints, Ints], sizes: tuple[int, int]) -> Pair:
    thinned: list[ArrayLike | None] = []
    for values, chosen, size in zip(pair, rows, sizes, strict=True):
        vector = None if values is None else np.asarray(values)
        # A vector of another length is refused later, with words.
        fits = vector is not None and vector.shape == (size,)
        thinned.append(vector[chosen] if vector is not None and fits else vector)
    return thinned[0], thinned[1]
