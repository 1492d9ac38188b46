"""The largest evidence of Bayesian linear models, for many targets of one table at once.

With prior precision alpha, noise precision beta and their ratio r = alpha / beta, the best beta
for a given r is m / Q(r), Q(r) = r0 + sum x_i^2 r / (s_i + r). What is left is a function of r
alone, g = m log Q + sum log(1 + s_i / r), and the terms of directions the features do not have
cancel. It may have several minima: a grid finds them, Newton's method their floors, and the two
limits r -> 0 and r -> infinity are compared in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._validation import Bools, Floats, Ints

_STEP = 0.6
"""Between points of the grid, in log r; the terms of g are logistic curves of width one."""

_AT_ONCE = 2**20
"""Entries of the (k, q) arrays of Newton's method that are held at a time: in the cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Maximised log evidence a row and where it is reached; each of shape (q,).

    Attributes
    ----------
    value : ndarray
        Infinite where the target is fitted exactly with degrees to spare.
    alpha, beta : ndarray
        Precisions of weights and noise; infinite in the limits.
    """

    value: Floats
    alpha: Floats
    beta: Floats


def maximise(squares: Floats, projected: Floats, rest: Floats, degrees: int) -> Evidence:
    """Return the largest evidence of each target.

    Parameters
    ----------
    squares : ndarray of shape (k,)
        Squared singular values.
    projected : ndarray of shape (q, k)
        Targets on the left singular vectors.
    rest : ndarray of shape (q,)
        Squared length of what lies outside them.
    degrees : int
        Independent entries of a target, m.
    """
    power = projected.T**2
    with np.errstate(divide="ignore"):
        # nothing explained: r -> infinity
        depth = degrees * np.log(rest + power.sum(axis=0))
    place = np.full(len(rest), np.inf)
    if len(squares):
        which, start = _hollows(squares, power, rest, degrees)
        power_there, rest_there = power[:, which], rest[which]
        at = _floor(squares, power_there, rest_there, degrees, start)
        found = _depth(squares, power_there, rest_there, degrees, at)
        order = np.argsort(-found, kind="stable")
        # the deepest of a target is written last, and stays
        deepest, there = np.full(len(rest), np.inf), np.full(len(rest), np.inf)
        deepest[which[order]], there[which[order]] = found[order], at[order]
        place, depth = np.where(deepest < depth, there, place), np.minimum(deepest, depth)
        limit = _no_noise(squares, power, rest, degrees)
        place, depth = np.where(limit < depth, -np.inf, place), np.minimum(limit, depth)
    value = 0.5 * (np.log(degrees) - depth / degrees - 1 - np.log(2 * np.pi))
    return Evidence(value, *_precisions(squares, power, rest, degrees, place))


def _no_noise(squares: Floats, power: Floats, rest: Floats, degrees: int) -> Floats:
    """Return g in the limit r -> 0: finite only where any target is fitted exactly."""
    limit = np.full(len(rest), np.inf)
    exact = rest == 0
    if len(squares) < degrees:
        limit[exact] = -np.inf
        return limit
    inside = (power[:, exact] / squares[:, None]).sum(axis=0)
    with np.errstate(divide="ignore"):
        limit[exact] = degrees * np.log(inside) + np.log(squares).sum()
    return limit


def _precisions(
    squares: Floats, power: Floats, rest: Floats, degrees: int, place: Floats
) -> tuple[Floats, Floats]:
    ratio = np.exp(place)
    with np.errstate(divide="ignore", invalid="ignore"):
        beta = degrees / _misfit(squares, power, rest, ratio)
        # without noise beta is infinite and alpha keeps a finite limit
        silent = degrees / (power / squares[:, None]).sum(axis=0)
        alpha = np.where(np.isneginf(place), silent, ratio * beta)
    return alpha, beta


def _misfit(squares: Floats, power: Floats, rest: Floats, ratio: Floats) -> Floats:
    """Return Q at a ratio of its own for every target."""
    with np.errstate(invalid="ignore"):
        kept = np.where(np.isinf(ratio), 1.0, ratio / (squares[:, None] + ratio))
    misfit: Floats = rest + (power * kept).sum(axis=0)
    return misfit


def _depth(squares: Floats, power: Floats, rest: Floats, degrees: int, place: Floats) -> Floats:
    depth = np.empty(len(rest))
    for part in _parts(len(squares), len(rest)):
        ratio = np.exp(place[part])
        with np.errstate(divide="ignore"):
            misfit = np.log(_misfit(squares, power[:, part], rest[part], ratio))
        depth[part] = degrees * misfit + np.log1p(squares[:, None] / ratio).sum(axis=0)
    return depth


def _hollows(squares: Floats, power: Floats, rest: Floats, degrees: int) -> tuple[Ints, Floats]:
    """Return where, on a common grid, g of which target may have its deepest minimum.

    Beyond the ends of the grid g only tends to its limits.
    """
    grid = _grid(squares, power, rest, degrees)
    ratio = np.exp(grid)
    depth = power.T @ (ratio / (squares[:, None] + ratio))
    depth += rest[:, None]
    with np.errstate(divide="ignore"):
        np.log(depth, out=depth)
    depth *= degrees
    depth += np.log1p(squares[:, None] / ratio).sum(axis=0)
    inner = depth[:, 1:-1]
    hollow = (inner <= depth[:, :-2]) & (inner <= depth[:, 2:])
    # between two points g falls by less than this
    hollow &= inner <= depth.min(axis=1, keepdims=True) + _STEP**2 / 8 * degrees
    hollow &= np.isfinite(inner)  # a target of zeros has no depth
    which, place = np.nonzero(hollow)
    return which, grid[place + 1]


def _grid(squares: Floats, power: Floats, rest: Floats, degrees: int) -> Floats:
    low = np.log(squares[-1]) - 8
    noisy = rest > 0
    spare = degrees - len(squares)
    if noisy.any() and spare > 0:
        # where little noise is left, g is deepest near k r0 / ((m - k) sum x^2 / s)
        inside = (power[:, noisy] / squares[:, None]).sum(axis=0)
        with np.errstate(divide="ignore"):
            floor = np.log(len(squares) / spare) + np.log(rest[noisy]) - np.log(inside)
        low = min(low, float(floor.min()) - 3)
    return np.arange(max(low, -690.0), np.log(squares[0]) + 18, _STEP)


def _floor(squares: Floats, power: Floats, rest: Floats, degrees: int, start: Floats) -> Floats:
    """Return where g' = 0 near the start, by Newton's method kept inside a bracket."""
    place = start.copy()
    low, high = start - _STEP, start + _STEP
    moving: Ints = np.arange(len(start))
    for _ in range(60):
        slope, bend = np.empty(len(moving)), np.empty(len(moving))
        for part in _parts(len(squares), len(moving)):
            here = moving[part]
            slope[part], bend[part] = _slopes(
                squares, power[:, here], rest[here], degrees, np.exp(place[here])
            )
        at = place[moving]
        low[moving] = np.where(slope < 0, at, low[moving])
        high[moving] = np.where(slope < 0, high[moving], at)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = at - slope / bend
        inside: Bools = (bend > 0) & (step > low[moving]) & (step < high[moving])
        step = np.where(inside, step, (low[moving] + high[moving]) / 2)
        place[moving] = step
        # g is flat at its floor: a step of 1e-8 moves it by 1e-16
        moving = moving[np.abs(step - at) > 1e-8]
        if not len(moving):
            break
    return place


def _slopes(
    squares: Floats, power: Floats, rest: Floats, degrees: int, ratio: Floats
) -> tuple[Floats, Floats]:
    """Return the first and second derivative of g in log r."""
    kept = 1 / (squares[:, None] + ratio)
    gone = squares[:, None] * kept
    kept *= ratio
    both = kept * gone
    misfit = rest + (power * kept).sum(axis=0)
    weighted = power * both
    first = weighted.sum(axis=0) / misfit
    weighted *= gone - kept
    second = weighted.sum(axis=0) / misfit
    slope = degrees * first - gone.sum(axis=0)
    bend = degrees * (second - first**2) + both.sum(axis=0)
    return slope, bend


def _parts(k: int, q: int) -> list[slice]:
    width = max(1, _AT_ONCE // max(1, k))
    return [slice(low, low + width) for low in range(0, q, width)]
