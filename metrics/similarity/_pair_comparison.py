"""Two dissimilarity matrices compared over the pairs of their rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.stats import kendalltau

from .._validation import Floats, Ints
from ._gram import cosine, double_centred, submatrix

Comparison: TypeAlias = Literal[
    "spearman", "rho-a", "pearson", "kendall", "tau-b", "cosine", "whitened cosine",
    "whitened pearson",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class PairComparison:
    """Two matrices prepared so that shuffles and parts of rows only move entries.

    Attributes
    ----------
    one, other : ndarray of shape (n, n)
        Ranks, or distances, with a zero diagonal.
    compare : str
    """

    one: Floats
    other: Floats
    compare: Comparison

    def value(self) -> float | None:
        """Return the agreement; None when a side is the same for all pairs."""
        return _AGREEMENT[self.compare](self.one, self.other)

    def shuffled(self, order: Ints) -> float:
        """Return the value with the rows of the second side in another order."""
        return _AGREEMENT[self.compare](self.one, submatrix(self.other, order)) or 0.0

    def halved(self, rows: Ints) -> float | None:
        """Return the value on some rows; ranks stay those among all pairs."""
        one, other = submatrix(self.one, rows), submatrix(self.other, rows)
        # rho-a counts ranks from 1 on; those of a part have gaps
        how = "spearman" if self.compare == "rho-a" else self.compare
        return _AGREEMENT[how](one, other)


def pair_comparison(first: Floats, second: Floats, compare: Comparison) -> PairComparison:
    """Return two matrices of dissimilarities prepared for a comparison."""
    if compare in ("spearman", "rho-a"):
        first, second = (_levels(side, ranks=True) for side in (first, second))
    elif compare in ("kendall", "tau-b"):
        first, second = (_levels(side, ranks=False) for side in (first, second))
    return PairComparison(first, second, compare)


def _levels(matrix: Floats, *, ranks: bool) -> Floats:
    """Return for every pair its place among the sorted distances, as a symmetric matrix.

    Neighbours in that order that agree but for rounding are ties. Ranks give them their mean;
    places are simply counted.
    """
    n = len(matrix)
    pairs = np.triu_indices(n, 1)
    values = matrix[pairs]
    order = np.argsort(values)
    ascending = values[order]
    apart = np.diff(ascending, prepend=ascending[:1]) > 1e-12 * np.abs(ascending[[0, -1]]).max()
    places = np.cumsum(apart)
    level = places.astype(np.float64)
    if ranks:
        counts = np.bincount(places)
        level = (np.cumsum(counts) - (counts - 1) / 2)[places]
    values[order] = level
    out = np.zeros((n, n))
    out[pairs] = values
    out += out.T
    return out


def _pearson(one: Floats, other: Floats) -> float | None:
    """Return Pearson's correlation over the entries off the diagonal, which is 0."""
    n = len(one)
    count = n * (n - 1)
    means = one.sum() / count, other.sum() / count
    squares = np.vdot(one, one), np.vdot(other, other)
    spreads = [s - count * m**2 for s, m in zip(squares, means, strict=True)]
    if any(not left > 1e-13 * whole for left, whole in zip(spreads, squares, strict=True)):
        return None
    together = float(np.vdot(one, other)) - count * means[0] * means[1]
    return float(together / math.sqrt(spreads[0] * spreads[1]))


def _rho_a(one: Floats, other: Floats) -> float | None:
    """Return Spearman's correlation as if there were no ties: the mean over ways to break them."""
    if _pearson(one, other) is None:
        return None
    n = len(one)
    pairs = n * (n - 1) // 2
    middle = (pairs + 1) / 2
    together = float(np.vdot(one, other)) / 2 - pairs * middle**2
    return 12 * together / (pairs**3 - pairs)


def _cosine(one: Floats, other: Floats) -> float | None:
    return cosine(one, other) if one.any() and other.any() else None


def _tau_b(one: Floats, other: Floats) -> float | None:
    pairs = np.triu_indices(len(one), 1)
    found = float(kendalltau(one[pairs], other[pairs]).statistic)
    return found if math.isfinite(found) else None


def _tau_a(one: Floats, other: Floats) -> float | None:
    """Return concordant less discordant pairs over all: ties count as neither."""
    found = _tau_b(one, other)
    if found is None:
        return None
    pairs = np.triu_indices(len(one), 1)
    return found * math.sqrt(_untied(one[pairs]) * _untied(other[pairs]))


def _untied(values: Floats) -> float:
    """Return the share of pairs of values that differ."""
    counts = np.unique(values, return_counts=True)[1].astype(np.float64)
    total = len(values) * (len(values) - 1)
    return float(1 - (counts * (counts - 1)).sum() / total)


def _whitened_cosine(one: Floats, other: Floats) -> float | None:
    """Return the cosine after the distances' covariance under noise was taken out.

    Diedrichsen et al. (2021): for squared distances this is the cosine of the kernels, plain CKA.
    """
    one, other = double_centred(one), double_centred(other)
    return cosine(one, other) if one.any() and other.any() else None


def _whitened_pearson(one: Floats, other: Floats) -> float | None:
    if _pearson(one, other) is None:
        return None
    return _whitened_cosine(*(_less_mean(side) for side in (one, other)))


def _less_mean(matrix: Floats) -> Floats:
    n = len(matrix)
    out: Floats = matrix - matrix.sum() / (n * (n - 1))
    np.fill_diagonal(out, 0.0)
    return out


_AGREEMENT: dict[str, Callable[[Floats, Floats], float | None]] = {
    "spearman": _pearson,
    "rho-a": _rho_a,
    "pearson": _pearson,
    "kendall": _tau_a,
    "tau-b": _tau_b,
    "cosine": _cosine,
    "whitened cosine": _whitened_cosine,
    "whitened pearson": _whitened_pearson,
}
