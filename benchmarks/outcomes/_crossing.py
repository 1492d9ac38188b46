"""The number of labels at which transfer stops helping."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ._shares import LEVEL, Floats, even_weights, resamples

CASE = ["family", "set", "source", "target", "task"]


class Crossing(NamedTuple):
    """Where the mean gap reaches 0.

    Attributes
    ----------
    n_labels : float
    reached : bool
        Whether it was reached at all; if not, `n_labels` is the largest number measured.
    at_once : bool
        Whether it was reached at the smallest number measured already.
    """

    n_labels: float
    reached: bool
    at_once: bool


def break_even(labels: ArrayLike, gaps: ArrayLike) -> Crossing:
    """Return where gaps that rise with the number of labels reach 0.

    The gaps are first smoothed so that they never fall: with more labels the target alone
    gets better, and transfer less worth while.  Between two numbers of labels the line is
    straight in the logarithm.

    Parameters
    ----------
    labels : array-like of shape (n,)
        Numbers of labels, all above 0, rising.
    gaps : array-like of shape (n,)
        Mean gap at each.

    Examples
    --------
    >>> break_even([10, 100, 1000], [-0.2, -0.1, 0.1]).n_labels
    316.2
    >>> break_even([10, 100], [-0.2, -0.1])
    Crossing(n_labels=100.0, reached=False, at_once=False)
    """
    from sklearn.isotonic import IsotonicRegression

    n = np.asarray(labels, dtype=np.float64)
    smooth = IsotonicRegression().fit_transform(np.log(n), np.asarray(gaps, dtype=np.float64))
    if smooth[0] >= 0:
        return Crossing(float(n[0]), True, True)
    if smooth[-1] < 0:
        return Crossing(float(n[-1]), False, False)
    k = int(np.argmax(smooth >= 0))
    part = -smooth[k - 1] / (smooth[k] - smooth[k - 1])
    at = np.exp(np.log(n[k - 1]) + part * np.log(n[k] / n[k - 1]))
    return Crossing(round(float(at), 1), True, False)


def crossings(cells: pd.DataFrame, least: int = 3) -> pd.DataFrame:
    """Return the break-even of every pair of domains with `least` numbers of labels.

    `cells` are of one learner and one strategy.
    """
    rows = []
    for case, part in cells[cells["n_labels"] > 0].groupby(CASE, sort=True):
        if len(part) < least:
            continue
        part = part.sort_values("n_labels")
        found = break_even(part["n_labels"], part["gap"])
        rows.append((*case, *found))
    return pd.DataFrame(rows, columns=[*CASE, *Crossing._fields])


def still_helping(found: pd.DataFrame, labels: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return the share of pairs in which transfer still helps at each number of labels.

    Kaplan-Meier: a pair whose target has no more rows counts for as long as it was measured.
    Every data set counts the same.

    Parameters
    ----------
    found : pandas.DataFrame
        From :func:`crossings`.
    labels : array-like of shape (n,)

    Returns
    -------
    share, low, high : arrays of shape (n,)
    """
    order = np.lexsort((~found["reached"].to_numpy(dtype=bool), found["n_labels"].to_numpy()))
    time = found["n_labels"].to_numpy(dtype=np.float64)[order]
    reached = found["reached"].to_numpy(dtype=bool)[order]
    names, code = np.unique(found["family"].to_numpy()[order], return_inverse=True)
    weight = even_weights(found["set"].to_numpy()[order])
    place = np.searchsorted(time, np.asarray(labels, dtype=np.float64), "right")
    drawn = resamples(len(names))[:, code] * weight
    share = _survival(weight[None, :], reached)[0, place]
    every = _survival(drawn, reached)[:, place]
    low, high = np.quantile(every, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return share, low, high


def _survival(weight: Floats, reached: NDArray[np.bool_]) -> Floats:
    """Return the share left before any and after each of the rows, which are in time's order."""
    at_risk = np.cumsum(weight[:, ::-1], axis=1)[:, ::-1]
    gone = np.divide(weight * reached, at_risk, out=np.zeros_like(weight), where=at_risk > 1e-12)
    left = np.cumprod(1 - gone, axis=1)
    return np.concatenate([np.ones((len(weight), 1)), left], axis=1)


def median_labels(found: pd.DataFrame) -> float:
    """Return the number of labels at which half of the pairs are past break-even, or nan."""
    times = np.unique(found["n_labels"].to_numpy(dtype=np.float64))
    share, _, _ = still_helping(found, times)
    past = np.flatnonzero(share <= 0.5 + 1e-12)
    return float(times[past[0]]) if past.size else float("nan")
