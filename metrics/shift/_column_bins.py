"""Bins of one column. Bin k holds the values above cut k - 1 and up to cut k, that one included."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from .._validation import Floats, Ints

Binning: TypeAlias = Literal["quantile", "width"]


def check_binning(binning: str) -> None:
    """Refuse any other word than those of `Binning`."""
    if binning not in ("quantile", "width"):
        raise ValueError(f"`binning` must be 'quantile' or 'width', got {binning!r}.")


def width_cuts(low: float, high: float, n_bins: int) -> Floats:
    """Return the cuts of equally wide bins between two values; none where they are the same."""
    if not high > low:
        return np.empty(0)
    # In halves, so that the range of numbers near the largest float does not overflow.
    edges = 2 * np.linspace(low / 2, high / 2, n_bins + 1)
    # An edge belongs to the bin above it, as in a histogram.
    return np.unique(np.nextafter(edges[1:-1], -np.inf))


def quantile_cuts(ordered: Floats, n_bins: int) -> Floats:
    """Return cuts at the quantiles of sorted values; a value that fills a bin gets its own.

    Quantiles are values of the sample, so that a monotone map of the column moves no row into
    another bin. Without bins of their own, values that occur often would hide in one bin with
    everything below them.
    """
    ranks = np.ceil(np.linspace(0, 1, n_bins + 1) * len(ordered)).astype(np.int64) - 1
    marks = ordered[np.maximum(ranks, 0)]
    often = marks[1:][marks[1:] == marks[:-1]]
    return np.unique(np.concatenate([marks[1:-1], often, np.nextafter(often, -np.inf)]))


def sorted_counts(ordered: Floats, cuts: Floats) -> Ints:
    """Return how many of the sorted values lie in every bin."""
    below = np.searchsorted(ordered, cuts, side="right")
    return np.diff(below, prepend=0, append=len(ordered)).astype(np.int64, copy=False)
