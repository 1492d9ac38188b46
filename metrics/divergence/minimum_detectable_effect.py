"""The smallest shift that the kernel test would have seen with these sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from scipy.stats import binom

from .._arrays import Array, check_tables, like, namespace, take
from .._results import Interval, MeasureResult, NullBand
from .._validation import (
    Floats,
    RandomState,
    check_choice,
    check_count,
    check_share,
    generator,
)
from ..registry import register
from .mmd_test import mmd_test

Direction: TypeAlias = Literal["random", "all", "column"]

GRID = np.geomspace(0.02, 20.0, 64)
"""Sizes of shift that are tried; neighbours differ by a ninth."""

METHOD = "order statistics of the simulations"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MinimumDetectableEffectResult(MeasureResult):
    """Outcome of :func:`minimum_detectable_effect`.

    Attributes
    ----------
    value : float
        Smallest detectable shift in pooled standard deviations; infinite when not even the
        largest one tried was seen.
    null : NullBand
        Empty: the value looks at the pooled rows only, never at their side.
    smallest_seen : ndarray of shape (n_simulations,)
        For every simulation the smallest shift of the grid that the test saw, in ascending
        order; infinite where it saw none.
    power, alpha : float
        As asked for.
    n_permutations : int
        Permutations of every simulated test.
    """

    smallest_seen: Floats
    power: float
    alpha: float
    n_permutations: int


@register(
    family="kernel", units="pooled standard deviations", range=(0.0, float("inf")),
    direction="larger means that larger shifts may have gone unseen",
    cost="O(R log G K (n + m)^2 (d + B))", inputs="other",
    invariances=("translation", "column scales"), arrays=True,
)  # fmt: skip
def minimum_detectable_effect(
    source: Any,
    target: Any,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    direction: Direction = "random",
    n_simulations: int = 20,
    n_permutations: int = 59,
    n_bandwidths: int = 4,
    max_rows: int = 250,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> MinimumDetectableEffectResult:
    """Find the smallest shift of the mean that the kernel test sees with these sizes.

    Parameters
    ----------
    source : array_like of shape (n_source, d)
        Source rows.
    target : array_like of shape (n_target, d)
        Target rows, same columns.
    power : float
        Share of cases in which the shift is to be seen.
    alpha : float
        p-value at or below which it counts as seen.
    direction : {"random", "all", "column"}
        Along a random direction a simulation, along all columns alike, or in one random
        column. Whichever it is, the value is the Euclidean length of the shift with every
        column in its pooled standard deviation: "all" moves every column by value / sqrt(d).
    n_simulations : int
        Simulated pairs.
    n_permutations : int
        Permutations of every test; ``alpha (1 + n_permutations)`` must be at least 1.
    n_bandwidths : int
        Widths for each family of kernels; fewer than in :func:`mmd_test` to save time.
    max_rows : int
        Rows a side that are simulated at most; beyond, the value is scaled (see Notes).
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    MinimumDetectableEffectResult
        At least 0, in pooled standard deviations. "No difference found" says nothing about
        shifts below this value.

    Notes
    -----
    Every simulation deals the pooled rows at random into sides of the given sizes, so that
    nothing differs, moves the second side, and finds by bisection on a fixed geometric grid
    the smallest shift that :func:`mmd_test` sees; a larger shift is taken to be seen too.
    The value is the ``power`` quantile over simulations, its interval the order statistics
    that the binomial law gives.

    It speaks of shifts of the mean only. Rows must be independent. If the sides differ much,
    the pooled rows are wider than either and the value is too large. Sides with more than
    ``max_rows`` rows are simulated with that many, and the value is multiplied by the ratio of
    sqrt(1/n + 1/m) at the sizes given and at those simulated, because the test sees shifts of
    that order; a warning says so. The default takes about three seconds for 500 rows a side.

    References
    ----------
    Phipson & Smyth (2010), SAGMB 9 (p-values). Biggs, Schrab, Gretton (2023), MMD-FUSE,
    NeurIPS (the test).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> few = minimum_detectable_effect(rng.normal(size=(20, 2)), rng.normal(size=(20, 2)))
    >>> 0.7 < few.value < 1.8
    True
    """
    source, target = check_tables(source, target, min_rows=8)
    power, alpha = check_share(power, "power"), check_share(alpha, "alpha")
    check_choice(direction, "direction", get_args(Direction))
    n_simulations = check_count(n_simulations, "n_simulations", minimum=5)
    n_permutations = check_count(n_permutations, "n_permutations", minimum=19)
    n_bandwidths = check_count(n_bandwidths, "n_bandwidths", minimum=1)
    max_rows = check_count(max_rows, "max_rows", minimum=16)
    level, rng = check_share(level, "level"), generator(random_state)
    if alpha * (1 + n_permutations) < 1:
        raise ValueError(
            f"With {n_permutations} permutations no p-value is below {alpha}; raise "
            f"`n_permutations` to at least {int(np.ceil(1 / alpha)) - 1}."
        )
    pooled = _standardised(namespace(source).concat([source, target]))
    n, m = source.shape[0], target.shape[0]
    sizes = min(n, max_rows), min(m, max_rows)
    # The variance of a difference of means is 1/n + 1/m.
    shrink = float(np.sqrt((1 / n + 1 / m) / (1 / sizes[0] + 1 / sizes[1])))

    def seen(first: Array, second: Array, seed: int) -> bool:
        found = mmd_test(
            first, second, n_permutations=n_permutations, n_bandwidths=n_bandwidths,
            n_splits=1, random_state=seed,
        )  # fmt: skip
        return found.p_value <= alpha + 1e-12

    smallest = np.empty(n_simulations)
    for run in range(n_simulations):
        rows = rng.permutation(n + m)[: sum(sizes)]
        first, second = take(pooled, rows[: sizes[0]]), take(pooled, rows[sizes[0] :])
        along, seed = _unit_vector(direction, pooled.shape[1], rng), int(rng.integers(2**31))
        position = _first_seen(partial(_seen_at, seen, first, second, along, seed))
        smallest[run] = GRID[position] if position < len(GRID) else np.inf
    smallest = np.sort(smallest) * shrink
    return MinimumDetectableEffectResult(
        value=_quantile(smallest, power),
        interval=_interval(smallest, power, level),
        null=NullBand(None, None),
        n_source=n,
        n_target=m,
        warnings=_warnings(shrink, sizes),
        smallest_seen=smallest,
        power=power,
        alpha=alpha,
        n_permutations=n_permutations,
    )


def _standardised(pooled: Array) -> Array:
    xp = namespace(pooled)
    centred = pooled - xp.mean(pooled, axis=0)
    scale, largest = xp.std(centred, axis=0), xp.max(xp.abs(pooled), axis=0)
    constant = (scale <= 1e-12 * largest) | (scale <= 1e-12)
    return centred / xp.where(constant, xp.full_like(scale, np.inf), scale)


def _unit_vector(direction: Direction, d: int, rng: np.random.Generator) -> Floats:
    if direction == "all":
        return np.full(d, 1 / np.sqrt(d))
    if direction == "column":
        return np.asarray(np.eye(d)[rng.integers(d)])
    drawn = rng.standard_normal(d)
    return np.asarray(drawn / np.linalg.norm(drawn))


Seen: TypeAlias = Callable[[Array, Array, int], bool]


def _seen_at(
    seen: Seen, first: Array, second: Array, along: Floats, seed: int, position: int
) -> bool:
    return seen(first, second + like(GRID[position] * along, second), seed)


def _first_seen(seen: Callable[[int], bool]) -> int:
    """Return the first position of the grid that is seen, its length if none is."""
    low, high = 0, len(GRID)
    while low < high:
        middle = (low + high) // 2
        if seen(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _quantile(ordered: Floats, share: float) -> float:
    """Return the smallest value that at least a share of the simulations do not exceed."""
    return float(ordered[int(np.ceil(share * len(ordered) - 1e-9)) - 1])


def _interval(ordered: Floats, share: float, level: float) -> Interval:
    """Return the order statistics between which the quantile lies with the nominal chance."""
    count = len(ordered)
    low, high = (int(binom.ppf(q, count, share)) for q in ((1 - level) / 2, (1 + level) / 2))
    return Interval(
        float(ordered[max(0, low - 1)]), float(ordered[min(count - 1, high)]), level, METHOD
    )


def _warnings(shrink: float, sizes: tuple[int, int]) -> tuple[str, ...]:
    if shrink == 1.0:
        return ()
    return (
        f"Simulated with {sizes[0]} and {sizes[1]} rows and scaled to the rows given, as the "
        "error of a difference of means scales.",
    )
