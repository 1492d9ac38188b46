"""Kernels between rows in any array library, and the rules for their bandwidth.

`_kernels` serves the permutation test on NumPy arrays; here the rows may lie anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Literal, TypeAlias

import numpy as np

from .._arrays import Array, namespace, take
from .._validation import check_choice, check_positive, subsample

KernelName: TypeAlias = Literal["gaussian", "laplace", "rational_quadratic", "linear", "polynomial"]
Bandwidth: TypeAlias = float | Literal["median", "sqrt_d"]
Convention: TypeAlias = Literal["2s2", "s2"]
Pairs: TypeAlias = Callable[[Array, Array], Array]
"""Rows (a, d) and rows (b, d) to one number for each pair, (a, b)."""

MEDIAN_ROWS = 3000
"""Pooled rows up to which the median distance is exact."""

_ROUNDING = 1e-14
"""Squared distances below this share of the squared norms are rounding: equal rows."""


def squared_distances(a: Array, b: Array) -> Array:
    """Return |a_i - b_j|², shape (rows of a, rows of b); the rows must be centred."""
    xp = namespace(a)
    norms = xp.sum(a * a, axis=1)[:, None] + xp.sum(b * b, axis=1)[None, :]
    squares = norms - 2 * (a @ b.T)
    # Equal rows must be at distance 0, else the root turns 1e-16 into 1e-8.
    return xp.where(squares > _ROUNDING * norms, squares, xp.zeros_like(squares))


def euclidean(a: Array, b: Array) -> Array:
    """Return |a_i - b_j|, shape (rows of a, rows of b); the rows must be centred."""
    if isinstance(a, np.ndarray):
        from scipy.spatial.distance import cdist

        return cdist(a, b)
    return namespace(a).sqrt(squared_distances(a, b))


def cityblock(a: Array, b: Array) -> Array:
    """Return the sum of |a_ic - b_jc| over columns c, shape (rows of a, rows of b)."""
    if isinstance(a, np.ndarray):
        from scipy.spatial.distance import cdist

        return cdist(a, b, "cityblock")
    xp = namespace(a)
    total = xp.abs(a[:, None, 0] - b[None, :, 0])
    for column in range(1, a.shape[1]):  # one matrix at a time instead of one a column
        total = total + xp.abs(a[:, None, column] - b[None, :, column])
    return total


def gaussian(a: Array, b: Array, *, factor: float) -> Array:
    """Return exp(-factor |a_i - b_j|²)."""
    return namespace(a).exp(-factor * squared_distances(a, b))


def laplace(a: Array, b: Array, *, factor: float) -> Array:
    """Return exp(-factor |a_i - b_j|_1)."""
    return namespace(a).exp(-factor * cityblock(a, b))


def rational_quadratic(a: Array, b: Array, *, factor: float, shape: float) -> Array:
    """Return (1 + factor |a_i - b_j|² / shape)^(-shape)."""
    return (1 + (factor / shape) * squared_distances(a, b)) ** -shape


def linear(a: Array, b: Array) -> Array:
    """Return a_i . b_j."""
    return a @ b.T


def polynomial(a: Array, b: Array, *, gamma: float, offset: float, degree: int) -> Array:
    """Return (gamma a_i . b_j + offset)^degree."""
    return (gamma * (a @ b.T) + offset) ** degree


def radial_kernel(
    name: KernelName, bandwidth: float, *, convention: Convention, shape: float
) -> Pairs:
    """Return a kernel that falls with the distance, at a given bandwidth."""
    if name == "laplace":
        return partial(laplace, factor=1 / bandwidth)
    factor = 1 / ((2 if convention == "2s2" else 1) * bandwidth**2)
    if name == "gaussian":
        return partial(gaussian, factor=factor)
    return partial(rational_quadratic, factor=factor, shape=shape)


def resolve_bandwidth(
    bandwidth: Bandwidth, pooled: Array, rng: np.random.Generator, *, distance: Pairs = euclidean
) -> tuple[float, tuple[str, ...]]:
    """Return the bandwidth as a number, and what makes it doubtful.

    The rule looks at the pooled rows only, never at their side, so that a permutation test
    with it stays exact.
    """
    if bandwidth == "sqrt_d":
        return math.sqrt(pooled.shape[1]), ()
    if isinstance(bandwidth, str):
        check_choice(bandwidth, "bandwidth", ("median", "sqrt_d"))
    else:
        return check_positive(bandwidth, "bandwidth"), ()
    chosen = subsample(pooled.shape[0], MEDIAN_ROWS, rng)
    found = median_distance(take(pooled, chosen), distance)
    if found is None:
        return 1.0, ("All rows are equal, so there is no median distance; the bandwidth is 1.",)
    if len(chosen) < pooled.shape[0]:
        note = f"The bandwidth is the median distance of {MEDIAN_ROWS:,} randomly chosen rows."
        return found, (note,)
    return found, ()


def median_distance(pooled: Array, distance: Pairs = euclidean) -> float | None:
    """Return the median of the non-zero distances between rows; None when all are zero."""
    if isinstance(pooled, np.ndarray):
        from scipy.spatial.distance import pdist

        distances = pdist(pooled, "cityblock" if distance is cityblock else "euclidean")
        distances = distances[distances > 0]
        return float(np.median(distances)) if len(distances) else None
    xp = namespace(pooled)
    # Each pair stands here twice, which leaves the median as it is.
    pairs = xp.reshape(distance(pooled, pooled), (-1,))
    pairs = xp.sort(pairs[pairs > 0])
    count = pairs.shape[0]
    if not count:
        return None
    return (float(pairs[(count - 1) // 2]) + float(pairs[count // 2])) / 2
