"""Entropic optimal transport between rows of equal mass, in any array library.

The potentials f and g are kept as logarithms. Between two exact sweeps of the log domain the
plan they give is rescaled by factors near 1, which is the same iteration by matrix-vector
products (Schmitzer 2019, SIAM J. Sci. Comput. 41, absorption), about thirty times as fast.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .._arrays import Array, namespace

_FAR = 50.0
"""Logarithm of a factor beyond which it is absorbed: e^50 is far from the end of float64."""

_IN_CACHE = 2**17
"""Entries of a cost matrix that are worked on at a time (1 MB)."""

_SHRINK = 0.5
"""Factor between two levels of the regularisation on the way down to the one asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Potentials:
    """Dual variables of one entropic problem.

    Attributes
    ----------
    first, second : array of shape (n,), (m,)
        f and g; their means add up to the dual value.
    error : float
        Sum over rows of |mass of the plan - mass wanted|: between 0 and 2.
    """

    first: Array
    second: Array
    error: float

    @property
    def value(self) -> float:
        """Return <a, f> + <b, g>."""
        xp = namespace(self.first)
        return float(xp.mean(self.first)) + float(xp.mean(self.second))


@dataclass(frozen=True, slots=True)
class Stop:
    """When an iteration ends: at a marginal error, or after so many steps."""

    tolerance: float
    max_iter: int


def solve(cost: Array, epsilon: float, stop: Stop, *, guess: Array) -> Potentials:
    """Return the potentials of min <P, C> + epsilon KL(P | a x b) for a cost (n, m).

    `guess` (m,) stands for g: the potential of the second side with itself is the answer when
    nothing differs, where the iteration from elsewhere is slowest.
    """
    xp = namespace(cost)
    annealed = 0 * guess
    for level in _levels(float(xp.max(cost)), epsilon):
        _, annealed = _sweep(cost, annealed, level)
    second = min((guess, annealed), key=lambda start: _error_after_sweep(cost, start, epsilon))
    done = 0
    while True:
        first, second = _sweep(cost, second, epsilon)
        plan = entropic_plan(cost, first, second, epsilon)
        u, v, error, steps = _rescale(plan, stop.tolerance, stop.max_iter - done)
        first, second = first + epsilon * xp.log(u), second + epsilon * xp.log(v)
        done += 1 + steps
        if error <= stop.tolerance or done >= stop.max_iter:
            return Potentials(first, second, error)


def solve_symmetric(cost: Array, epsilon: float, stop: Stop) -> Potentials:
    """Return the potentials of a sample with itself, cost (n, n); f and g are alike.

    Averaging an update with what was there converges in a few tens of steps (Feydy et al.
    2019, Eq. 25), also where the alternating updates need hundreds.
    """
    xp = namespace(cost)
    both = 0 * cost[0, :]
    for level in _levels(float(xp.max(cost)), epsilon):
        both = (both + _soft_minimum(cost, both, level, axis=1)) / 2
    done = 0
    while True:
        both = (both + _soft_minimum(cost, both, epsilon, axis=1)) / 2
        plan = entropic_plan(cost, both, both, epsilon)
        u, error, steps = _rescale_symmetric(plan, stop.tolerance, stop.max_iter - done)
        both = both + epsilon * xp.log(u)
        done += 1 + steps
        if error <= stop.tolerance or done >= stop.max_iter:
            # One plain update makes one marginal exact, so that the value is a dual one.
            return Potentials(both, _soft_minimum(cost, both, epsilon, axis=1), error)


def solve_annealed(
    costs: tuple[Array, Array, Array], epsilon: float, *, largest: float, factor: float
) -> tuple[Potentials, Potentials, Potentials]:
    """Take one averaged step a level and stop, converged or not, as geomloss does.

    `costs` are those between the sides and within either; the levels fall from `largest` by
    `factor` each.
    """
    steps = max(0, math.ceil(math.log(epsilon / largest) / math.log(factor) - 1e-12))
    levels = [largest, *(largest * factor**k for k in range(steps)), epsilon]
    return (
        _anneal(costs[0], levels),
        _anneal(costs[1], levels),
        _anneal(costs[2], levels),
    )


def _anneal(cost: Array, levels: list[float]) -> Potentials:
    xp = namespace(cost)
    first, second = _both_updates(cost, 0 * cost[:, 0], 0 * cost[0, :], levels[0])
    for level in levels:
        next_first, next_second = _both_updates(cost, first, second, level)
        first, second = (first + next_first) / 2, (second + next_second) / 2
    first, second = _both_updates(cost, first, second, levels[-1])
    rows = xp.sum(entropic_plan(cost, first, second, levels[-1]), axis=1)
    return Potentials(first, second, float(xp.sum(xp.abs(rows - 1 / cost.shape[0]))))


def _both_updates(cost: Array, first: Array, second: Array, epsilon: float) -> tuple[Array, Array]:
    """Return both potentials updated from the old other one."""
    return (
        _soft_minimum(cost, second, epsilon, axis=1),
        _soft_minimum(cost, first, epsilon, axis=0),
    )


def entropic_plan(cost: Array, first: Array, second: Array, epsilon: float) -> Array:
    """Return the plan that potentials give, shape (n, m)."""
    xp = namespace(cost)
    size = cost.shape[0] * cost.shape[1]
    return xp.exp((first[:, None] + second[None, :] - cost) / epsilon) / size


def _levels(largest: float, epsilon: float) -> list[float]:
    """Return falling regularisations from the largest cost to above the one asked for."""
    count = math.ceil(math.log(largest / epsilon) / -math.log(_SHRINK)) if largest > epsilon else 0
    return [largest * _SHRINK**k for k in range(count)]


def _sweep(cost: Array, second: Array, epsilon: float) -> tuple[Array, Array]:
    first = _soft_minimum(cost, second, epsilon, axis=1)
    return first, _soft_minimum(cost, first, epsilon, axis=0)


def _error_after_sweep(cost: Array, second: Array, epsilon: float) -> float:
    xp = namespace(cost)
    plan = entropic_plan(cost, *_sweep(cost, second, epsilon), epsilon)
    return float(xp.sum(xp.abs(xp.sum(plan, axis=1) - 1 / cost.shape[0])))


def _soft_minimum(cost: Array, other: Array, epsilon: float, *, axis: int) -> Array:
    """Return -epsilon log mean exp((other - cost) / epsilon) along an axis of the cost."""
    xp = namespace(cost)
    if axis == 0:
        return xp.concat([
            _soft_minimum_of(cost[:, part] - other[:, None], epsilon, axis)
            for part in _parts(cost, cost.shape[1])
        ])  # fmt: skip
    return xp.concat([
        _soft_minimum_of(cost[part, :] - other[None, :], epsilon, axis)
        for part in _parts(cost, cost.shape[0])
    ])  # fmt: skip


def _parts(cost: Array, length: int) -> Iterator[slice]:
    """Yield slices small enough for a processor's cache; elsewhere there is one."""
    across = cost.shape[0] * cost.shape[1] // length
    step = max(1, _IN_CACHE // across) if isinstance(cost, np.ndarray) else length
    return (slice(start, start + step) for start in range(0, length, step))


def _soft_minimum_of(values: Array, epsilon: float, axis: int) -> Array:
    """Return the same of finished values, which are used up."""
    xp = namespace(values)
    least = xp.min(values, axis=axis, keepdims=True)
    values -= least
    values *= -1 / epsilon
    values = np.exp(values, out=values) if isinstance(values, np.ndarray) else xp.exp(values)
    return xp.squeeze(least, axis=axis) - epsilon * xp.log(xp.mean(values, axis=axis))


def _rescale(plan: Array, tolerance: float, limit: int) -> tuple[Array, Array, float, int]:
    """Rescale rows and columns in turn; return the factors, the error and the steps taken."""
    xp = namespace(plan)
    n, m = plan.shape
    u, v = 0 * plan[:, 0] + 1, 0 * plan[0, :] + 1
    steps = 0
    while True:
        rows = plan @ v
        error = float(xp.sum(xp.abs(u * rows - 1 / n)))
        if error <= tolerance or steps >= limit or not float(xp.min(rows)) > 0:
            return u, v, error, steps
        next_u = 1 / (n * rows)
        columns = next_u @ plan
        if not float(xp.min(columns)) > 0:
            return u, v, error, steps
        u, v, steps = next_u, 1 / (m * columns), steps + 1
        if _is_far(u) or _is_far(v):
            return u, v, math.inf, steps


def _rescale_symmetric(plan: Array, tolerance: float, limit: int) -> tuple[Array, float, int]:
    xp = namespace(plan)
    n = plan.shape[0]
    u, steps = 0 * plan[:, 0] + 1, 0
    while True:
        rows = plan @ u
        error = float(xp.sum(xp.abs(u * rows - 1 / n)))
        if error <= tolerance or steps >= limit or not float(xp.min(rows)) > 0:
            return u, error, steps
        u, steps = xp.sqrt(u / (n * rows)), steps + 1
        if _is_far(u):
            return u, math.inf, steps


def _is_far(factors: Array) -> bool:
    xp = namespace(factors)
    return float(xp.max(xp.abs(xp.log(factors)))) > _FAR
