"""Kernel divergences of two groups of rows, for many choices of the groups at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .._arrays import Array, like, namespace, take, to_numpy
from .._halves import random_halves
from .._kernels import distances_of, euclidean_distances
from .._permutation import permuted_indicators
from .._validation import Floats, Ints, subsample

_MEDIAN_ROWS = 2000
_BLOCK_ROWS = 512


def median_distance(rows: Array, rng: np.random.Generator) -> float:
    """Return the median distance of different rows; of many, of a subsample."""
    some = take(rows, subsample(rows.shape[0], _MEDIAN_ROWS, rng))
    distances = euclidean_distances(some - namespace(some).mean(some, axis=0))
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
    source: Array, target: Array, width: float | None, n_permutations: int, n_splits: int,
    n_draws: int, rng: np.random.Generator,
) -> ClassValues:  # fmt: skip
    """Return all values of one class from one pass over its pairs.

    Gaussian kernel of the given width, or the energy distance where it is None.
    """
    n, m = source.shape[0], target.shape[0]
    sides = permuted_indicators(n, m, n_permutations, rng)
    firsts, seconds = [sides], [1 - sides]
    for rows, offset in ((n, 0), (m, n)):
        halves = list(random_halves(rows, n, m, n_splits=n_splits, rng=rng))
        firsts.append(_indicators(n + m, [offset + first for first, _ in halves]))
        seconds.append(_indicators(n + m, [offset + second for _, second in halves]))
    firsts.append(_indicators(n + m, [rng.permutation(n)[: n // 2] for _ in range(n_draws)]))
    seconds.append(_indicators(n + m, [n + rng.permutation(m)[: m // 2] for _ in range(n_draws)]))
    rows = namespace(source).concat([source, target])
    values = _divergences(rows, np.hstack(firsts), np.hstack(seconds), width)
    ends = np.cumsum([first.shape[1] for first in firsts])[:-1]
    return ClassValues(*np.split(values, ends))


def _indicators(rows: int, chosen: list[Ints]) -> Floats:
    columns = np.zeros((rows, len(chosen)))
    for column, some in enumerate(chosen):
        columns[some, column] = 1.0
    return columns


def _divergences(rows: Array, first: Floats, second: Floats, width: float | None) -> Floats:
    """Return the unbiased divergence of two groups of rows, for every pair of columns."""
    within_first, within_second, cross = np.zeros((3, first.shape[1]))
    marks = like(first, rows), like(second, rows)
    for block, kernel in _kernel_blocks(rows, width):
        own = marks[0][block, :], marks[1][block, :]
        with_first, with_second = kernel @ marks[0], kernel @ marks[1]
        within_first += _column_products(own[0], with_first)
        within_second += _column_products(own[1], with_second)
        cross += _column_products(own[0], with_second)
    n, m = first.sum(axis=0), second.sum(axis=0)
    return np.asarray(
        within_first / (n * (n - 1)) + within_second / (m * (m - 1)) - 2 * cross / (n * m)
    )


def _column_products(one: Array, other: Array) -> Floats:
    """Return the inner product of every column with its counterpart."""
    if isinstance(one, np.ndarray):
        return np.asarray(np.einsum("ib,ib->b", one, other))
    return np.asarray(to_numpy(namespace(one).sum(one * other, axis=0)))


def _kernel_blocks(rows: Array, width: float | None) -> Iterator[tuple[slice, Array]]:
    """Yield rows of the kernel matrix, its diagonal zeroed: Gaussian, or minus the distance."""
    xp, count = namespace(rows), rows.shape[0]
    rows = rows - xp.mean(rows, axis=0)
    for start in range(0, count, _BLOCK_ROWS):
        block = slice(start, min(count, start + _BLOCK_ROWS))
        distances = distances_of(rows[block, :], rows)
        kernel = -distances if width is None else xp.exp(-0.5 * (distances / width) ** 2)
        kernel[:, block] *= 1 - like(np.eye(block.stop - start), kernel)
        yield block, kernel
