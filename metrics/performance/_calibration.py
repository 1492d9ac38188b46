"""Whether confidence is the probability to be right, on labelled source rows."""

from __future__ import annotations

import numpy as np

from .._validation import Bools, Floats, Ints
from ._validity import ValidityCheck, tested, untested

_BINS = 10
_IN_A_BIN = 20
_SIMULATIONS = 199


def calibration_check(
    confidence: Floats, right: Bools, rng: np.random.Generator, *, any_level: bool = False
) -> ValidityCheck:
    """Compare confidence with the share of right rows, in bins of equally many rows.

    Both the test and what chance alone shows come from labels drawn as the confidence says.

    Parameters
    ----------
    confidence : ndarray of shape (n,)
        Probability of the predicted class.
    right : ndarray of bool, shape (n,)
    rng : numpy.random.Generator
    any_level : bool
        Whether one constant may lie between the two, the same in all bins.
    """
    name = "confidence moves like accuracy" if any_level else "confidence is calibrated"
    n_bins = min(_BINS, len(confidence) // _IN_A_BIN)
    if n_bins < 2:
        return untested(name, f"Fewer than {2 * _IN_A_BIN} source rows cannot test calibration.")
    bins = _equal_bins(confidence, n_bins)
    # the level is fitted first, so that the drawn labels are those of the assumption
    level = float(np.mean(right - confidence)) if any_level else 0.0
    expected = np.clip(confidence + level, 0.0, 1.0)
    found = _gaps(expected, right, bins, any_level)
    drawn = np.array([
        _gaps(expected, rng.random(len(expected)) < expected, bins, any_level)
        for _ in range(_SIMULATIONS)
    ])  # fmt: skip
    p_value = float((1 + (drawn[:, 0] >= found[0] - 1e-12).sum()) / (1 + _SIMULATIONS))
    size = max(0.0, found[1] - float(drawn[:, 1].mean()))
    if any_level:
        good = "On the source rows confidence moves like the share of right predictions"
        bad = "On the source rows confidence moves otherwise than the share of right predictions"
    else:
        good = "On the source rows confidence is the share of right predictions"
        bad = "On the source rows confidence is not the share of right predictions"
    return tested(name, p_value, size, good=good, bad=bad)


def _equal_bins(values: Floats, n_bins: int) -> Ints:
    """Return the bin of each value; equal values share one, so that there may be fewer bins."""
    edges = np.quantile(values, np.arange(1, n_bins) / n_bins)
    codes = np.unique(np.searchsorted(edges, values, side="left"), return_inverse=True)[1]
    return codes.reshape(-1).astype(np.int64)


def _gaps(expected: Floats, right: Bools, bins: Ints, any_level: bool) -> tuple[float, float]:
    """Return the chi-square statistic and the mean absolute gap over the bins."""
    counts = np.bincount(bins)
    gaps = np.bincount(bins, weights=right - expected) / counts
    if any_level:
        gaps = gaps - np.average(gaps, weights=counts)
    variance = np.bincount(bins, weights=expected * (1 - expected)) / counts**2
    statistic = float((gaps**2 / np.maximum(variance, 1e-12)).sum())
    return statistic, float(np.average(np.abs(gaps), weights=counts))
