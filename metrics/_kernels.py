"""Kernels on the pooled sample, evaluated in blocks of rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from scipy.spatial.distance import cdist, pdist

from ._validation import Floats, subsample

MEMORY_BYTES = 256 * 2**20
"""Memory for blocks of pairs."""

_BLOCKS_ALIVE = 6  # two distances, one kernel, and temporaries of exp and the products
_MOST_ROWS = 256  # larger blocks leave the processor's cache and get slower
_MAX_ROWS_FOR_QUANTILES = 2000


@dataclass(frozen=True, slots=True, eq=False)
class PairBlock:
    """Rows ``rows`` of the pooled sample against all rows.

    ``euclidean``, ``cityblock`` and ``inner`` have shape (rows in the block, N).
    """

    rows: slice
    euclidean: Floats
    cityblock: Floats
    inner: Floats


Kernel: TypeAlias = Callable[[PairBlock], Floats]


def pair_blocks(pooled: Floats, memory_bytes: int = MEMORY_BYTES) -> Iterator[PairBlock]:
    """Yield the pairs of the pooled sample in blocks of rows under a memory budget.

    ``pooled`` must be centred: the inner products are those of the linear kernel.
    """
    n = len(pooled)
    step = max(1, min(n, _MOST_ROWS, memory_bytes // (8 * n * _BLOCKS_ALIVE)))
    for start in range(0, n, step):
        rows = slice(start, min(n, start + step))
        part = pooled[rows]
        yield PairBlock(
            rows, cdist(part, pooled), cdist(part, pooled, "cityblock"), part @ pooled.T
        )


def clear_diagonal(rows: slice, kernel_rows: Floats) -> Floats:
    """Set the entries of a row with itself to zero, in place."""
    own = np.arange(rows.start, rows.stop)
    kernel_rows[own - rows.start, own] = 0.0
    return kernel_rows


def gaussian(block: PairBlock, width: float) -> Floats:
    """Return exp(-|x - y|^2 / (2 width^2)) for a block of pairs."""
    return _exp_in_place(block.euclidean**2, -0.5 / width**2)


def _laplace(block: PairBlock, width: float) -> Floats:
    return _exp_in_place(block.cityblock.copy(), -1.0 / width)


def _exp_in_place(values: Floats, factor: float) -> Floats:
    values *= factor
    np.exp(values, out=values)
    return values


def _energy(block: PairBlock) -> Floats:
    return -block.euclidean


def _linear(block: PairBlock) -> Floats:
    return block.inner.copy()


WIDE: tuple[Kernel, ...] = (_energy, _linear)
"""Kernels that see a mean shift at any distance."""


def fused_kernels(
    pooled: Floats, n_bandwidths: int, rng: np.random.Generator
) -> tuple[float, list[Kernel]]:
    """Return the median bandwidth and the kernels to fuse, wide ones last."""
    # Which rows give the quantiles is drawn without regard to their side.
    some = pooled[subsample(len(pooled), _MAX_ROWS_FOR_QUANTILES, rng)]
    bandwidth, euclidean = _widths(pdist(some), n_bandwidths)
    _, cityblock = _widths(pdist(some, "cityblock"), n_bandwidths)
    kernels: list[Kernel] = [partial(gaussian, width=width) for width in euclidean]
    kernels += [partial(_laplace, width=width) for width in cityblock]
    return bandwidth, [*kernels, *WIDE]


def _widths(distances: Floats, count: int) -> tuple[float, list[float]]:
    """Return the median non-zero distance and a geometric grid around it."""
    # Repeated rows would pull the quantiles to zero.
    distances = distances[distances > 0]
    if not len(distances):
        return 1.0, [1.0]
    low, median, high = np.quantile(distances, [0.05, 0.5, 0.95])
    return float(median), np.geomspace(low / 2, 2 * high, count).tolist()
