"""The number of target labels beyond which transfer no longer pays, with an interval.

Starting point is a predictive distribution of the gap with the labels at hand.  How gaps go on
with more labels was learned from measured transfers: in asinh units of the target's own error,
the gap drifts along two saturating curves of log n, and what a drift misses grows with the
distance.  Break-even is found on each of many drawn curves, which gives its interval.

Everything is relative to `base`, so the unit of the error does not matter.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._words import chance

Floats = NDArray[np.float64]

SMALLEST, LARGEST = 10, 5000
"""Break-even is looked for between these numbers of labels."""
SHOWN = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
UNIT = 0.25
"""Gaps below this share of the target's own error count as they are, larger ones as logarithms."""
LEAST_BASE = 0.01
DRAWS = 2000
HEAVY = 4
"""Degrees of freedom of what the drift misses."""
NARROW = 1.2816 / 1.5332
"""Brings the 80 % range of that t distribution to that of a normal one."""
LESS_DOUBT = 0.7
"""With the whole doubt about the gap now, intervals of break-even cover too often on families
left out; 1, 0.7 and 0.5 were tried.  The curve that is shown keeps the whole doubt."""
SURE = 0.9
"""Sentences leave out "probably" from this probability on."""
ANY = "any"
"""What all strategies together show, for those without a curve of their own."""


@dataclass(frozen=True)
class BreakEven:
    """Where the gap turns from helping to hurting.

    Attributes
    ----------
    n : float
        Median of the break-evens between :data:`SMALLEST` and `largest`, kept inside the
        interval; 0 or infinity where no drawn curve has one.
    low, high : float
        Interval over all drawn curves.  0: transfer may hurt at every number of labels;
        infinity: it may still pay at `largest`.
    level : float
    p_already_past : float
        Probability that break-even lies at or below the labels at hand.
    p_never : float
        Probability that transfer hurts at every number of labels.
    p_beyond : float
        Probability that transfer still pays at `largest`.
    largest : int
    curve : tuple of (n, gap, low, high)
        Predicted gap, in the unit of the gap that was given.
    sentence : str
    """

    n: float
    low: float
    high: float
    level: float
    p_already_past: float
    p_never: float
    p_beyond: float
    largest: int
    curve: tuple[tuple[int, float, float, float], ...]
    sentence: str


@dataclass(frozen=True)
class LabelsUntilKnown:
    """How many labels it takes until the pilot can tell help from harm.

    Attributes
    ----------
    n, low, high : float
        Median and interval; infinity where it takes more than `largest`.
    level : float
        Of the interval, and of the pilot's own.
    p_beyond : float
        Probability that `largest` labels do not settle it.
    largest : int
    sentence : str
    """

    n: float
    low: float
    high: float
    level: float
    p_beyond: float
    largest: int
    sentence: str


def break_even(
    gap_mean: float,
    gap_sd: float,
    n: int,
    base: float,
    *,
    strategy: str,
    regression: bool,
    level: float = 0.9,
) -> BreakEven:
    """Return the number of target labels below which transfer pays.

    Parameters
    ----------
    gap_mean, gap_sd : float
        Predictive distribution of the gap with `n` labels; positive means transfer hurts.
    n : int
        Number of target labels at hand.
    base : float
        Error of the target alone with `n` labels, in the unit of the gap.
    strategy : str
    regression : bool
    level : float, default 0.9
        Of the interval.

    Raises
    ------
    ValueError
        If a number is not finite or out of range.
    """
    _check(gap_mean, gap_sd, n, base, level)
    grid = fine_counts()
    learned = model(strategy, regression)
    found = crossing(draw_curves(gap_mean, LESS_DOUBT * gap_sd, n, base, grid, model=learned), grid)
    inside = found[np.isfinite(found) & (found > 0)]
    low, high = _interval(found, level)
    p_past, p_never = float(np.mean(found <= n)), float(np.mean(found == 0))
    p_beyond = float(np.mean(np.isinf(found)))
    if inside.size:
        at = min(max(float(np.median(inside)), low), high)
    else:
        at = 0.0 if p_never >= p_beyond else math.inf
    path = draw_curves(gap_mean, gap_sd, n, base, grid, model=learned)
    return BreakEven(
        at, low, high, level, p_past, p_never, p_beyond, LARGEST,
        _shown(path, grid, base, level),
        _sentence(at, low, high, level, n, p_past, p_never, p_beyond),
    )  # fmt: skip


def labels_until_known(
    gap_mean: float,
    gap_sd: float,
    n: int,
    base: float,
    pilot_se: float,
    *,
    strategy: str,
    regression: bool,
    pilot_gap: float | None = None,
    margin: float = 0.0,
    level: float = 0.9,
) -> LabelsUntilKnown | None:
    """Return how many target labels it takes until the pilot's interval leaves the margin.

    Later pilots are simulated on drawn curves of the gap and looked at with the numbers of
    labels of :data:`SHOWN`; near break-even no number of labels may be enough.

    Parameters
    ----------
    gap_mean, gap_sd, n, base, strategy
        As in :func:`break_even`.
    pilot_se : float
        Standard error of the pilot's gap with `n` labels.
    regression : bool
        Regression has no answer: on families left out the chances given were twice too high.
    pilot_gap : float, optional
        The gap that the pilot itself found; `gap_mean` if left out.
    margin : float, default 0
        Gaps smaller than this count as none.
    level : float, default 0.9

    Returns
    -------
    LabelsUntilKnown or None
        ``None`` where it cannot be said.

    Raises
    ------
    ValueError
        If a number is not finite or out of range.
    """
    _check(gap_mean, gap_sd, n, base, level)
    if not (math.isfinite(pilot_se) and pilot_se >= 0 and math.isfinite(margin) and margin >= 0):
        raise ValueError("pilot_se and margin must be finite and not negative")
    seen = gap_mean if pilot_gap is None else pilot_gap
    if not math.isfinite(seen):
        raise ValueError("pilot_gap must be finite")
    if regression:
        return None
    grid, exponent = counts_from(n), se_exponent(strategy, regression)
    path = draw_curves(
        gap_mean, LESS_DOUBT * gap_sd, n, base, grid, model=model(strategy, regression)
    )
    gap = UNIT * max(base, LEAST_BASE) * np.sinh(path)
    pilots = later_pilots(gap, seen, pilot_se, grid, exponent=exponent)
    first = first_known(pilots, pilot_se, grid, exponent=exponent, margin=margin, level=level)
    low, high = _interval(first, level)
    at = float(np.quantile(first, 0.5, method="nearest"))
    p_beyond = float(np.mean(np.isinf(first)))
    most = max(LARGEST, n)
    if math.isinf(at):
        start = f"more than {_count(most)}" if math.isinf(low) else f"{_count(low)} or more"
        sentence = (
            f"More than {_count(most)} labels would {_probably(p_beyond)}be needed to tell help "
            f"from harm (probability {chance(p_beyond)}; {100 * level:.0f} % interval {start})."
        )
    elif at <= n:
        sentence = f"The {_count(n)} labels at hand are about enough to tell help from harm."
    else:
        span = f"{_count(low)} to {_end(high)}"
        sentence = (
            f"About {_count(at)} labels are needed to tell help from harm "
            f"({100 * level:.0f} % interval {span})."
        )
    return LabelsUntilKnown(at, low, high, level, p_beyond, most, sentence)


def fine_counts() -> Floats:
    """Return numbers of labels, a quarter of an octave apart."""
    return np.geomspace(SMALLEST, LARGEST, 37)


def counts_from(n: float) -> Floats:
    """Return `n` and the larger numbers of :data:`SHOWN`, at which pilots are looked at.

    On a finer grid a wandering curve would leave the margin by chance too early.
    """
    return np.array([n, *(k for k in SHOWN if k > n)], dtype=np.float64)


def later_pilots(
    gap: Floats, pilot_gap: float, pilot_se: float, grid: Floats, *, exponent: float
) -> Floats:
    """Return the gaps that pilots with more labels would find, one for each drawn curve.

    A pilot errs by its standard error, and those of two pilots of the same rows are
    correlated with the root of the ratio of their numbers of labels.

    Parameters
    ----------
    gap : ndarray of shape (m, len(grid))
        Drawn curves of the true gap.
    pilot_gap, pilot_se : float
        What the pilot with ``grid[0]`` labels found.
    grid : ndarray
        Numbers of labels, rising.
    exponent : float
        The standard error falls as the number of labels to minus this.

    Returns
    -------
    ndarray of shape (m, len(grid))
        The first column is `pilot_gap`.
    """
    fresh = np.random.default_rng(21).standard_normal(gap.shape)
    error = pilot_gap - gap[:, 0]
    found = [gap[:, 0] + error]
    for k in range(1, len(grid)):
        more = grid[k] / grid[k - 1]
        kept, se = math.sqrt(1 / more), pilot_se * (grid[k] / grid[0]) ** -exponent
        error = kept * more**-exponent * error + math.sqrt(1 - kept**2) * se * fresh[:, k]
        found.append(gap[:, k] + error)
    return np.stack(found, axis=1)


def first_known(
    gap: Floats,
    pilot_se: float,
    grid: Floats,
    *,
    exponent: float,
    margin: float,
    level: float = 0.9,
) -> Floats:
    """Return the first number of labels at which the interval of each curve leaves the margin.

    Parameters
    ----------
    gap : ndarray of shape (m, len(grid))
        What pilots find along each curve, in the gap's own unit.
    pilot_se : float
        Standard error with the first of the numbers of labels.
    grid : ndarray
        Numbers of labels, rising.
    exponent : float
        The standard error falls as the number of labels to minus this.
    margin, level : float

    Returns
    -------
    ndarray of shape (m,)
        Infinity where no number of labels is enough.
    """
    half = _normal_quantile(level) * pilot_se * (grid / grid[0]) ** -exponent
    known = np.abs(gap) - half > margin
    found: Floats = np.where(known.any(axis=1), grid[known.argmax(axis=1)], math.inf)
    return found


def to_units(gap: Floats | float, base: Floats | float) -> Floats:
    """Return gaps in asinh units of the target's own error."""
    return np.arcsinh(np.asarray(gap) / (UNIT * np.maximum(base, LEAST_BASE)))


def drift(octaves: Floats) -> Floats:
    """Return how far the two curves of the drift have come after so many doublings of n.

    One saturates within an octave or two, the other within about eight; both are 0 at 0.
    """
    far, side = np.abs(octaves), np.sign(octaves)
    return np.stack([side * 4 * (1 - 2 ** (-far / 4)), side * (1 - 2.0**-far)], axis=-1)


def model(strategy: str, regression: bool) -> dict[str, Any]:
    """Return what was learned about the curves of a strategy: ``drift`` and ``missed``."""
    by_strategy = _stored()["curves"]["regression" if regression else "classification"]
    found: dict[str, Any] = by_strategy.get(strategy, by_strategy[ANY])
    return found


def se_exponent(strategy: str, regression: bool) -> float:
    """Return e where the standard error of a pilot falls as n to minus e, as was learned."""
    by_strategy = _stored()["se_exponent"]["regression" if regression else "classification"]
    return float(by_strategy.get(strategy, by_strategy[ANY]))


@cache
def _stored() -> dict[str, Any]:
    text = (files(__package__) / "break_even.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def draw_curves(
    gap_mean: float,
    gap_sd: float,
    n: float,
    base: float,
    grid: Floats,
    *,
    model: dict[str, Any],
    draws: int = DRAWS,
) -> Floats:
    """Return drawn curves of the gap over `grid`, in asinh units; always the same draws.

    Parameters
    ----------
    model : dict
        Upwards and downwards in n: ``drift``, for the constant, the gap at `n` and
        log2(n / 100) the share of each of the two curves; ``missed``, variance of a random walk
        for each octave and of a random slope.

    Returns
    -------
    ndarray of shape (draws, len(grid))
    """
    rng = np.random.default_rng(20)
    start, slope = rng.standard_normal((2, draws))
    heavy = NARROW * np.sqrt(HEAVY / rng.chisquare(HEAVY, draws))
    z = to_units(gap_mean + gap_sd * start, base)
    octaves = np.log2(grid / n)
    up, down = np.asarray(model["drift"], dtype=np.float64)
    shares = np.where((octaves > 0)[:, None, None], up, down)
    constant, of_gap, of_size = np.einsum("gk,grk->rg", drift(octaves), shares)
    # A larger gap now never means a smaller one later.
    path = z[:, None] * np.maximum(0.0, 1 + of_gap)
    path += constant + of_size * math.log2(n / 100)
    for side, (walk, tilt) in zip((1, -1), model["missed"], strict=True):
        steps = rng.standard_normal((draws, len(grid)))
        at = np.flatnonzero(np.sign(octaves) == side)
        at = at[np.argsort(np.abs(octaves[at]))]
        far = np.abs(octaves[at])
        walked = np.cumsum(steps[:, : len(at)] * np.sqrt(np.diff(far, prepend=0.0)), axis=1)
        missed = math.sqrt(walk) * walked + side * math.sqrt(tilt) * slope[:, None] * far
        path[:, at] += heavy[:, None] * missed
    return np.asarray(np.clip(path, -20.0, 20.0))


def crossing(path: Floats, grid: Floats) -> Floats:
    """Return the number of labels at which each curve turns from helping to hurting.

    It is where stopping to use the source would have cost least over all numbers of labels:
    the sum of the gaps before is smallest.  0 if that is before the first number, infinity
    if after the last.  A curve that lies lower everywhere never turns earlier.

    Parameters
    ----------
    path : ndarray of shape (m, len(grid))
        Curves in asinh units.
    grid : ndarray
        Numbers of labels, evenly spaced in the logarithm.
    """
    gap = np.sinh(path)
    total = np.concatenate([np.zeros((len(gap), 1)), np.cumsum(gap, axis=1)], axis=1)
    k = total.argmin(axis=1)
    found: Floats = np.where(k == 0, 0.0, math.inf)
    row = np.flatnonzero((k > 0) & (k < len(grid)))
    before, after = gap[row, k[row] - 1], gap[row, k[row]]
    rise = after - before
    part = np.divide(-before, rise, out=np.zeros_like(rise), where=rise > 0)
    left, right = np.log(grid[k[row] - 1]), np.log(grid[k[row]])
    found[row] = np.exp(left + np.clip(part, 0, 1) * (right - left))
    return found


def _interval(found: Floats, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    low, high = np.quantile(found, [tail, 1 - tail], method="nearest")
    return float(low), float(high)


def _shown(
    path: Floats, grid: Floats, base: float, level: float
) -> tuple[tuple[int, float, float, float], ...]:
    tail = (1 - level) / 2
    bands = UNIT * max(base, LEAST_BASE) * np.sinh(np.quantile(path, [0.5, tail, 1 - tail], axis=0))
    at = np.log(np.asarray(SHOWN, dtype=np.float64))
    middle, low, high = (np.interp(at, np.log(grid), band) for band in bands)
    return tuple(
        (n, float(a), float(b), float(c))
        for n, a, b, c in zip(SHOWN, middle, low, high, strict=True)
    )


def _sentence(
    at: float,
    low: float,
    high: float,
    level: float,
    n: int,
    p_past: float,
    p_never: float,
    p_beyond: float,
) -> str:
    if p_never >= 0.5:
        return (
            f"Transfer {_probably(p_never)}never pays: it hurts at any number of labels from "
            f"{SMALLEST} on (probability {chance(p_never)})."
        )
    if p_beyond >= 0.5:
        return (
            f"Transfer {_probably(p_beyond)}still pays at {_count(LARGEST)} labels, the most "
            f"that can be said (probability {chance(p_beyond)})."
        )
    span = f"{100 * level:.0f} % interval {_start(low)} to {_end(high)}"
    pays = f"ransfer pays below about {_count(at)} labels ({span})"
    if p_past >= 0.5:
        return f"Break-even is probably already past with {_count(n)} labels: t{pays}."
    return f"T{pays}."


def _probably(probability: float) -> str:
    return "" if probability >= SURE else "probably "


def _count(n: float) -> str:
    """Return a number of labels to two digits; exactly if it is a whole one."""
    if float(n).is_integer():
        return f"{int(n):,}"
    return f"{float(f'{n:.2g}'):,.0f}"


def _start(n: float) -> str:
    return f"below {SMALLEST}" if n == 0 else _count(n)


def _end(n: float) -> str:
    return f"beyond {_count(LARGEST)}" if math.isinf(n) else _start(n)


def _normal_quantile(level: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf((1 + level) / 2)


def _check(gap_mean: float, gap_sd: float, n: int, base: float, level: float) -> None:
    if not all(math.isfinite(x) for x in (gap_mean, gap_sd, n, base)):
        raise ValueError("gap_mean, gap_sd, n and base must be finite")
    if gap_sd < 0 or base < 0:
        raise ValueError("gap_sd and base must not be negative")
    if n < 1:
        raise ValueError(f"n is {n}; a curve needs at least one label")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it lies between 0 and 1")
