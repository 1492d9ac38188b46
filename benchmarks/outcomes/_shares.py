"""Means, shares and AUROC in which every data set counts the same, with intervals.

A data set with twelve pairs says no more than one with two, so the rows of each data set
together weigh 1.  Intervals resample whole families, because pairs of one data set, and data
sets with common rows, are alike.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

TIMES = 1000
LEVEL = 0.95
SEED = 0
Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A number and the interval that resampled families give it."""

    value: float
    low: float
    high: float


UNKNOWN = Estimate(np.nan, np.nan, np.nan)


@cache
def resamples(n_families: int) -> Floats:
    """Return how often each family is drawn, one resample a row; the same for every call."""
    rng = np.random.default_rng([SEED, n_families])
    even = np.full(n_families, 1 / n_families)
    return rng.multinomial(n_families, even, size=TIMES).astype(np.float64)


def even_weights(sets: ArrayLike) -> Floats:
    """Return weights with which the rows of each data set sum to 1."""
    _, code, count = np.unique(np.asarray(sets), return_inverse=True, return_counts=True)
    return np.asarray(1.0 / count[code], dtype=np.float64)


def ratio_of(top: ArrayLike, bottom: ArrayLike, frame: pd.DataFrame) -> Estimate:
    """Return the weighted sum of `top` over that of `bottom`.

    Parameters
    ----------
    top, bottom : array-like of shape (n,)
    frame : pandas.DataFrame
        The n rows, with the columns ``set`` and ``family``.
    """
    if not len(frame):
        return UNKNOWN
    weight = even_weights(frame["set"])
    names, family = np.unique(frame["family"].to_numpy(), return_inverse=True)
    above = np.bincount(family, weight * np.asarray(top, dtype=np.float64), len(names))
    below = np.bincount(family, weight * np.asarray(bottom, dtype=np.float64), len(names))
    if below.sum() == 0:
        return UNKNOWN
    drawn = resamples(len(names))
    return _interval(above.sum() / below.sum(), drawn @ above, drawn @ below)


def mean_of(values: ArrayLike, frame: pd.DataFrame) -> Estimate:
    """Return the mean of `values` over the rows of `frame`, every data set counting the same."""
    return ratio_of(values, np.ones(len(frame)), frame)


def quantile_of(values: ArrayLike, sets: ArrayLike, at: float) -> float:
    """Return the value below which the share `at` of the weight lies."""
    known = np.asarray(values, dtype=np.float64)
    if not known.size:
        return float("nan")
    order = np.argsort(known, kind="stable")
    reached = np.cumsum(even_weights(sets)[order])
    place = int(np.searchsorted(reached, at * reached[-1] * (1 - 1e-12)))
    return float(known[order][min(place, known.size - 1)])


class Outcome(NamedTuple):
    """How often transfer clearly hurt, clearly helped, and neither could be told."""

    hurt: Estimate
    helped: Estimate
    unclear: Estimate
    cells: int
    sets: int


def hurts(cells: pd.DataFrame) -> NDArray[np.bool_]:
    """Return in which cells transfer clearly hurt."""
    return np.asarray(cells["clear"] & (cells["gap"] > 0), dtype=bool)


def helps(cells: pd.DataFrame) -> NDArray[np.bool_]:
    """Return in which cells transfer clearly helped."""
    return np.asarray(cells["clear"] & (cells["gap"] < 0), dtype=bool)


def outcome_of(cells: pd.DataFrame) -> Outcome:
    """Return how often transfer hurt and helped in these cells."""
    hurt, helped = hurts(cells), helps(cells)
    return Outcome(
        mean_of(hurt, cells),
        mean_of(helped, cells),
        mean_of(~hurt & ~helped, cells),
        len(cells),
        cells["set"].nunique(),
    )


def auroc(score: ArrayLike, positive: ArrayLike, frame: pd.DataFrame) -> Estimate:
    """Return how well `score` separates the positive rows from the others.

    The chance that a positive row has the higher score than another one, ties counting half;
    rows weigh so that every data set counts the same.  Unknown where one kind is missing.
    """
    known = np.isfinite(np.asarray(score, dtype=np.float64))
    x = np.asarray(score, dtype=np.float64)[known]
    is_positive = np.asarray(positive, dtype=bool)[known]
    rows = frame[known]
    if is_positive.all() or not is_positive.any():
        return UNKNOWN
    weight = even_weights(rows["set"])
    names, family = np.unique(rows["family"].to_numpy(), return_inverse=True)
    wins = np.zeros((len(names), len(names)))
    x_up, w_up, f_up = x[is_positive], weight[is_positive], family[is_positive]
    for g in range(len(names)):
        of_g = ~is_positive & (family == g)
        order = np.argsort(x[of_g], kind="stable")
        below = x[of_g][order]
        total = np.append(0.0, np.cumsum(weight[of_g][order]))
        won = (total[np.searchsorted(below, x_up, "left")]
               + total[np.searchsorted(below, x_up, "right")]) / 2  # fmt: skip
        wins[:, g] = np.bincount(f_up, w_up * won, len(names))
    up = np.bincount(f_up, w_up, len(names))
    down = np.bincount(family[~is_positive], weight[~is_positive], len(names))
    drawn = resamples(len(names))
    top, bottom = ((drawn @ wins) * drawn).sum(axis=1), (drawn @ up) * (drawn @ down)
    return _interval(wins.sum() / (up.sum() * down.sum()), top, bottom)


def _interval(value: Any, top: Floats, bottom: Floats) -> Estimate:
    """Return the middle of the resampled ratios around `value`, where they are defined."""
    known = bottom != 0
    if not known.any():
        return Estimate(float(value), np.nan, np.nan)
    ratio = top[known] / bottom[known]
    low, high = np.quantile(ratio, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(value), float(low), float(high))
