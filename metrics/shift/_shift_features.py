"""Columns and labels of two samples as features that tell one side from the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial.legendre import legval
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from .._validation import Floats, Ints
from ..divergence._domain_classifier import Features

_MOST_PRODUCTS = 200  # of a column with a label feature; beyond, fits get slow and poor
_DEGREES = (1, 2, 3, 4)
_BIN_ROWS = 20
_MOST_BINS = 10
_CLIP = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Labels of the pooled rows.

    Attributes
    ----------
    features : ndarray of shape (N, k)
        What may differ in the label marginal: an indicator a class, or Legendre polynomials
        of the ranks (Neyman's smooth test).
    scores : ndarray of shape (N, l)
        What is multiplied with columns: the indicators, or one normal score.
    strata : ndarray of shape (N,)
        Classes, or bins of neighbouring ranks.
    trend : ndarray of shape (N, t) or None
        For quantities, straight lines within the bins; classes leave nothing to straighten.
    """

    features: Floats
    scores: Floats
    strata: Ints
    trend: Floats | None

    @classmethod
    def of(cls, pooled: NDArray[Any], *, categorical: bool) -> Labels:
        if categorical:
            strata = np.unique(pooled, return_inverse=True)[1].astype(np.int64)
            one_hot = np.eye(int(strata.max()) + 1)[strata]
            # Two indicators say the same thing twice.
            scores = one_hot[:, :1] - one_hot[:, 1:] if one_hot.shape[1] == 2 else one_hot
            return cls(scores - scores.mean(axis=0), scores, strata, None)
        n = len(pooled)
        ranks = rankdata(pooled)
        places = 2 * ranks / (n + 1) - 1
        polynomials = [np.sqrt(2 * k + 1) * legval(places, np.eye(k + 1)[k]) for k in _DEGREES]
        features = np.stack(polynomials, axis=1)
        scores = ndtri(ranks / (n + 1))[:, None]
        bins = max(1, min(_MOST_BINS, n // _BIN_ROWS))
        strata = np.minimum((ranks - 0.5) * bins // n, bins - 1).astype(np.int64)
        in_bin = np.eye(bins)[strata]
        trend = np.hstack([in_bin, in_bin * scores])
        return cls(features - features.mean(axis=0), scores, strata, trend)


@dataclass(frozen=True, slots=True, eq=False)
class ShiftFeatures:
    """Features of the columns, of the labels, and their products; N pooled rows."""

    columns: Floats
    labels: Labels
    products: Floats
    directions: Floats

    @classmethod
    def of(cls, pooled: Floats, labels: Labels) -> ShiftFeatures:
        columns = Features.of(pooled).values
        plain = np.clip(columns[:, : pooled.shape[1]], -_CLIP, _CLIP)
        directions = _leading(plain, max(1, _MOST_PRODUCTS // labels.scores.shape[1]))
        return cls(columns, labels, multiply(directions, labels.scores), directions)

    @property
    def joint(self) -> Floats:
        """Features of the pair of columns and label."""
        return np.hstack([self.columns, self.labels.features, self.products])

    @property
    def within_labels(self) -> Floats:
        """Features of the columns and products, less what bins and their lines explain."""
        both = np.hstack([self.columns, self.products])
        trend = self.labels.trend
        if trend is None:
            return both
        return np.asarray(both - trend @ np.linalg.lstsq(trend, both, rcond=None)[0])


def multiply(first: Floats, second: Floats) -> Floats:
    """Return every product of a column of one with a column of the other."""
    return np.asarray((first[:, :, None] * second[:, None, :]).reshape(len(first), -1))


def _leading(columns: Floats, most: int) -> Floats:
    """Return the columns, or their leading principal components where there are too many."""
    if columns.shape[1] <= most:
        return columns
    _, _, axes = np.linalg.svd(columns - columns.mean(axis=0), full_matrices=False)
    components = columns @ axes[:most].T
    return np.asarray(components / np.maximum(components.std(axis=0), 1e-12))
