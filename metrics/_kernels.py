"""Kernels on the pooled sample, every pair of rows once, evaluated in blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ._arrays import Array, namespace, take, to_numpy
from ._validation import Floats, subsample

MEMORY_BYTES = 128 * 2**20
"""Memory for blocks of pairs."""

_BLOCKS_ALIVE = 6  # distances of two kinds, inner products, and temporaries of one kernel
_MOST_ROWS = 128  # larger blocks leave the processor's cache and get slower
_MAX_ROWS_FOR_QUANTILES = 1000
_ROUNDING = 1e-13
"""Squared distances below this share of the squared norms are rounding: equal rows."""
_ROWS_FOR_FAST = 1000
"""Pooled rows from which sums that are only ranked are taken in single precision."""


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """The pooled rows, centred, with what squared distances need.

    ``left @ right.T`` are the squared distances: |x|² + |y|² - 2 x·y in one product.
    """

    rows: Array
    norms: Array
    left: Array
    right: Array
    precision: Any

    @classmethod
    def of(cls, rows: Array, precision: Any) -> Pooled:
        """Prepare a table; kernels are evaluated in the given precision."""
        xp = namespace(rows)
        norms = xp.sum(rows * rows, axis=1)
        column, ones = norms[:, None], xp.ones_like(norms[:, None])
        left, right = xp.concat([-2 * rows, column, ones], axis=1), [rows, ones, column]
        return cls(rows, norms, left, xp.concat(right, axis=1), precision)


@dataclass(slots=True, eq=False)
class PairBlock:
    """Rows ``rows`` of the pooled sample against themselves and all rows behind them.

    Every method returns an array of shape (rows in the block, N - rows.start) that is shared
    and not to be changed.
    """

    rows: slice
    pooled: Pooled
    _squares: Array = field(init=False, default=None)
    _inner: Array = field(init=False, default=None)
    _cityblock: Array = field(init=False, default=None)

    @property
    def behind(self) -> slice:
        """The rows of the block and all behind them."""
        return slice(self.rows.start, None)

    @property
    def part(self) -> Array:
        """The rows of the block."""
        return self.pooled.rows[self.rows, :]

    @property
    def rest(self) -> Array:
        """The rows of the block and all behind them."""
        return self.pooled.rows[self.behind, :]

    def squares(self) -> Array:
        """Squared Euclidean distances in float64; equal rows may lie below 0 by rounding."""
        if self._squares is None:
            left, right = self.pooled.left[self.rows, :], self.pooled.right[self.behind, :]
            self._squares = left @ right.T
        return self._squares

    def inner(self) -> Array:
        """Inner products in float64."""
        if self._inner is None:
            self._inner = self.part @ self.rest.T
        return self._inner

    def cityblock(self) -> Array:
        """L1 distances in the precision of the kernels."""
        if self._cityblock is None:
            self._cityblock = self.fast(_cityblock(self.part, self.rest))
        return self._cityblock

    def fast(self, values: Array) -> Array:
        """Return values in the precision of the kernels."""
        return namespace(values).astype(values, self.pooled.precision, copy=False)


Kernel: TypeAlias = Callable[[PairBlock], Array]
"""A block to its values, shape (rows in the block, N - rows.start), in a new array."""


def pair_blocks(
    pooled: Array, memory_bytes: int = MEMORY_BYTES, *, precision: Any = None
) -> Iterator[PairBlock]:
    """Yield every pair of the pooled sample once, in blocks of rows under a memory budget.

    ``pooled`` must be centred: the inner products are those of the linear kernel.
    """
    if precision is None:
        precision = fast_precision(pooled)
    table = Pooled.of(pooled, precision)
    for rows in row_slices(pooled.shape[0], memory_bytes):
        yield PairBlock(rows, table)


def row_slices(n: int, memory_bytes: int = MEMORY_BYTES) -> Iterator[slice]:
    """Yield slices of ``n`` rows such that a block against all rows stays in the budget."""
    step = max(1, min(n, _MOST_ROWS, memory_bytes // (8 * n * _BLOCKS_ALIVE)))
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))


def fast_precision(pooled: Array) -> Any:
    """Return float32 for many rows and float64 for few.

    Beyond a thousand rows single precision halves the time and moves a statistic by about a
    hundred-thousandth of its spread. With few rows, ties between permutations are common and
    must stay ties.
    """
    xp = namespace(pooled)
    return xp.float32 if pooled.shape[0] > _ROWS_FOR_FAST else xp.float64


def keep_upper(values: Array) -> Array:
    """Set the pairs that stand twice in a block, and rows with themselves, to zero, in place."""
    rows = values.shape[0]
    if isinstance(values, np.ndarray):
        values[:, :rows] *= _above(rows)
        return values
    values[:, :rows] = namespace(values).triu(values[:, :rows], k=1)
    return values


@lru_cache(maxsize=4)
def _above(rows: int) -> NDArray[np.float32]:
    """Return 1 above the diagonal of a square and 0 elsewhere; blocks are nearly all alike."""
    mask = np.triu(np.ones((rows, rows), dtype=np.float32), k=1)
    mask.flags.writeable = False
    return mask


def gaussian(block: PairBlock, width: float, *, exact: bool = False) -> Array:
    """Return exp(-|x - y|^2 / (2 width^2)); in float64 if ``exact``."""
    squares = block.squares() if exact else block.fast(block.squares())
    return exp_of(squares, -0.5 / width**2)


def exp_of(values: Array, factor: float) -> Array:
    """Return exp(factor values) in a new array."""
    scaled = values * factor
    if isinstance(scaled, np.ndarray):
        return np.exp(scaled, out=scaled)
    return namespace(scaled).exp(scaled)


def distance(block: PairBlock, *, exact: bool = False) -> Array:
    """Return -|x - y|, the kernel of the energy distance."""
    squares = block.squares()
    # What rounding leaves of equal rows would come out of the root enlarged.
    xp = namespace(squares)
    scale = block.pooled.norms[block.rows, None] + block.pooled.norms[None, block.behind]
    squares = xp.where(squares > _ROUNDING * scale, squares, xp.zeros_like(squares))
    return -xp.sqrt(squares if exact else block.fast(squares))


def laplace(block: PairBlock, width: float) -> Array:
    """Return exp(-|x - y|_1 / width)."""
    return exp_of(block.cityblock(), -1.0 / width)


def linear(block: PairBlock) -> Array:
    """Return x . y."""
    return block.fast(block.inner()) * 1.0


def quadratic(block: PairBlock) -> Array:
    """Return (x . y)^2."""
    inner = block.fast(block.inner())
    return inner * inner


def level(block: PairBlock) -> Array:
    """Return the product of the two rows' column sums."""
    xp = namespace(block.part)
    own, other = xp.sum(block.part, axis=1), xp.sum(block.rest, axis=1)
    return block.fast(own)[:, None] * block.fast(other)[None, :]


WIDE: tuple[Kernel, ...] = (distance, linear, quadratic, level)
"""Kernels for shifts of the mean, of the covariance, and of all columns together."""


def fused_kernels(
    pooled: Array, n_bandwidths: int, rng: np.random.Generator
) -> tuple[float, list[Kernel]]:
    """Return the median bandwidth and the kernels to fuse, wide ones last."""
    some = rows_for_quantiles(pooled, rng)
    bandwidth, euclidean = widths(euclidean_distances(some), n_bandwidths)
    _, cityblock = widths(cityblock_distances(some), n_bandwidths)
    kernels: list[Kernel] = [partial(gaussian, width=width) for width in euclidean]
    kernels += [partial(laplace, width=width) for width in cityblock]
    return bandwidth, [*kernels, *WIDE]


def median_bandwidth(pooled: Array, rng: np.random.Generator) -> float:
    """Return the median distance between pooled rows, as :func:`fused_kernels` does."""
    rows = rows_for_quantiles(pooled, rng)
    squares = np.concatenate([_apart(block) for block in pair_blocks(rows, precision=rows.dtype)])
    count = len(squares)
    if not count:
        return 1.0
    # One rank at a time: NumPy's partition by two ranks at once is twenty times slower.
    upper = np.partition(squares, count // 2)
    lower = upper[count // 2] if count % 2 else upper[: count // 2].max()
    return float(math.sqrt(lower) + math.sqrt(upper[count // 2])) / 2


def _apart(block: PairBlock) -> Floats:
    """Return the squared distances of a block that are not 0, every pair once."""
    squares, norms = block.squares(), block.pooled.norms
    scale = norms[block.rows, None] + norms[None, block.behind]
    return np.asarray(to_numpy(keep_upper(squares)[squares > _ROUNDING * scale]))


def rows_for_quantiles(pooled: Array, rng: np.random.Generator) -> Array:
    """Return the rows that give the bandwidths, drawn without regard to their side."""
    return take(pooled, subsample(pooled.shape[0], _MAX_ROWS_FOR_QUANTILES, rng))


def euclidean_distances(rows: Array) -> Floats:
    """Return the distances between the rows of a table, every pair once."""
    if isinstance(rows, np.ndarray):
        from scipy.spatial.distance import pdist

        return np.asarray(pdist(rows))
    return above_diagonal(distances_of(rows, rows))


def distances_of(some: Array, others: Array) -> Array:
    """Return |x - y| of rows, shape (some, others); outside NumPy they must be centred."""
    if isinstance(some, np.ndarray):
        from scipy.spatial.distance import cdist

        return cdist(some, others)
    xp = namespace(some)
    scale = xp.sum(some * some, axis=1)[:, None] + xp.sum(others * others, axis=1)[None, :]
    squares = scale - 2 * (some @ others.T)
    return xp.sqrt(xp.where(squares > _ROUNDING * scale, squares, xp.zeros_like(squares)))


def cityblock_distances(rows: Array) -> Floats:
    """Return the L1 distances between the rows of a table, every pair once."""
    if isinstance(rows, np.ndarray):
        from scipy.spatial.distance import pdist

        return np.asarray(pdist(rows, "cityblock"))
    return above_diagonal(_cityblock(rows, rows))


def above_diagonal(square: Array) -> Floats:
    """Return the entries above the diagonal, in NumPy."""
    found = to_numpy(square)
    return np.asarray(found[np.triu_indices(len(found), 1)])


def _cityblock(part: Array, rest: Array) -> Array:
    if isinstance(part, np.ndarray):
        from scipy.spatial.distance import cdist

        return cdist(part, rest, "cityblock")
    xp = namespace(part)
    total = xp.abs(part[:, None, 0] - rest[None, :, 0])
    for column in range(1, part.shape[1]):  # a block at a time instead of one a column
        total = total + xp.abs(part[:, None, column] - rest[None, :, column])
    return total


def widths(distances: Floats, count: int) -> tuple[float, list[float]]:
    """Return the median non-zero distance and a geometric grid around it."""
    # Repeated rows would pull the quantiles to zero.
    distances = np.sort(distances[distances > 0])
    if not len(distances):
        return 1.0, [1.0]
    low, median, high = np.quantile(distances, [0.05, 0.5, 0.95])
    return float(median), np.geomspace(low / 2, 2 * high, count).tolist()
