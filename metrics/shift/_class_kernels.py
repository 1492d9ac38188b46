"""Kernel divergences of two groups of rows, for many choices of the groups at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist, pdist

from .._halves import random_halves
from .._permutation import permuted_indicators
from .._validation import Floats, Ints, subsample

_MEDIAN_ROWS = 2000
_BLOCK_ROWS = 512


def median_distance(rows: Floats, rng: np.random.Generator) -> float:
    """Return the median distance of different rows; of many, of a subsample."""
    distances = pdist(rows[subsample(len(rows), _MEDIAN_ROWS, rng)])
    # Repeated rows would pull the median to 0.
    apart = distances[distances > 0]
    return float(np.median(apart)) if len(apart) else 1.0


@dataclass(frozen=True, slots=True, eq=False)
class ClassValues:
    """The divergence within one class.

    Attributes
    ----------
    permuted : ndarray of shape (1 + n_permutations,)
        Observed, then with the sides permuted.
    source_null, target_null : ndarray of shape (n_splits,) or (0,)
        For random halves of one side; empty where it has too few rows.
    draws : ndarray of shape (n_draws,)
        For half-samples of both sides.
    """

    permuted: Floats
    source_null: Floats
    target_null: Floats
    draws: Floats


def class_values(
    source: Floats, target: Floats, width: float | None, n_permutations: int, n_splits: int,
    n_draws: int, rng: np.random.Generator,
) -> ClassValues:  # fmt: skip
    """Return all values of one class from one pass over its pairs.

    Gaussian kernel of the given width, or the energy distance where it is None.
    """
    n, m = len(source), len(target)
    sides = permuted_indicators(n, m, n_permutations, rng)
    firsts, seconds = [sides], [1 - sides]
    for rows, offset in ((n, 0), (m, n)):
        halves = list(random_halves(rows, n, m, n_splits=n_splits, rng=rng))
        firsts.append(_indicators(n + m, [offset + first for first, _ in halves]))
        seconds.append(_indicators(n + m, [offset + second for _, second in halves]))
    firsts.append(_indicators(n + m, [rng.permutation(n)[: n // 2] for _ in range(n_draws)]))
    seconds.append(_indicators(n + m, [n + rng.permutation(m)[: m // 2] for _ in range(n_draws)]))
    values = _divergences(np.vstack([source, target]), np.hstack(firsts), np.hstack(seconds), width)
    ends = np.cumsum([first.shape[1] for first in firsts])[:-1]
    return ClassValues(*np.split(values, ends))


def _indicators(rows: int, chosen: list[Ints]) -> Floats:
    columns = np.zeros((rows, len(chosen)))
    for column, some in enumerate(chosen):
        columns[some, column] = 1.0
    return columns


def _divergences(rows: Floats, first: Floats, second: Floats, width: float | None) -> Floats:
    """Return the unbiased divergence of two groups of rows, for every pair of columns."""
    within_first, within_second, cross = np.zeros((3, first.shape[1]))
    for block, kernel in _kernel_blocks(rows, width):
        with_first, with_second = kernel @ first, kernel @ second
        within_first += np.einsum("ib,ib->b", first[block], with_first)
        within_second += np.einsum("ib,ib->b", second[block], with_second)
        cross += np.einsum("ib,ib->b", first[block], with_second)
    n, m = first.sum(axis=0), second.sum(axis=0)
    return np.asarray(
        within_first / (n * (n - 1)) + within_second / (m * (m - 1)) - 2 * cross / (n * m)
    )


def _kernel_blocks(rows: Floats, width: float | None) -> Iterator[tuple[slice, Floats]]:
    """Yield rows of the kernel matrix, its diagonal zeroed: Gaussian, or minus the distance."""
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = slice(start, min(len(rows), start + _BLOCK_ROWS))
        distances = cdist(rows[block], rows)
        kernel = -distances if width is None else np.exp(-0.5 * (distances / width) ** 2)
        own = np.arange(block.start, block.stop)
        kernel[own - start, own] = 0.0
        yield block, kernel
