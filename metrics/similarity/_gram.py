"""Two n by n matrices of the same rows, centred and compared by their cosine.

Kernels and dissimilarities are treated alike: CKA is the cosine of centred kernels, DDS that of
centred dissimilarities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .._scores import Caution
from .._validation import Floats, Ints

_NOTHING = 1e-10
"""Share of a matrix that must be left after centring, so that what is left is no rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class GramPair:
    """Two symmetric matrices of the same rows, and both after centring.

    Attributes
    ----------
    first, second : ndarray of shape (n, n)
        As computed.
    one, other : ndarray of shape (n, n)
        Centred.
    debiased : bool
        Whether the diagonal is left out and centring is unbiased.
    """

    first: Floats
    second: Floats
    one: Floats
    other: Floats
    debiased: bool

    def undefined(self) -> Caution | None:
        """Return why there is no value when centring leaves nothing of a side."""
        sides = ((self.first, self.one, "first"), (self.second, self.other, "second"))
        for raw, kept, name in sides:
            if not np.linalg.norm(kept) > _NOTHING * np.linalg.norm(raw):
                return nothing_left(name)
        return None

    def value(self) -> float:
        """Return the cosine of the centred matrices."""
        return cosine(self.one, self.other)

    def shuffled(self, order: Ints) -> float:
        """Return the value with the rows of the second side in another order."""
        norm = float(np.linalg.norm(self.one) * np.linalg.norm(self.other))
        return float(np.vdot(self.one, submatrix(self.other, order))) / norm

    def halved(self, rows: Ints) -> float | None:
        """Return the value on some rows; None where it is not defined."""
        sides = (submatrix(self.first, rows), submatrix(self.second, rows))
        part = gram_pair(*sides, debiased=self.debiased)
        return None if part.undefined() else part.value()


def gram_pair(first: Floats, second: Floats, *, debiased: bool) -> GramPair:
    """Return two matrices with their centred forms."""
    centre = u_centred if debiased else double_centred
    return GramPair(first, second, centre(first), centre(second), debiased)


def u_centred(matrix: Floats) -> Floats:
    """Return the matrix with a zero diagonal and rows whose other entries sum to 0.

    U-centring, Székely & Rizzo (2014), Ann. Stat. 42, definition 2: the inner product of two such
    matrices is an unbiased estimate, with mean 0 over all orders of the rows of one side.
    """
    n = len(matrix)
    out = matrix.copy()
    np.fill_diagonal(out, 0.0)
    means: Floats = out.sum(axis=1) / (n - 2)
    means -= means.sum() / (2 * (n - 1))
    out -= means[:, None]
    out -= means[None, :]
    np.fill_diagonal(out, 0.0)
    return out


def double_centred(matrix: Floats) -> Floats:
    """Return the matrix less the means of its rows and columns."""
    means: Floats = matrix.mean(axis=0)
    out: Floats = matrix - means[None, :]
    out -= means[:, None]
    out += means.mean()
    return out


def nothing_left(name: str) -> Caution:
    """Return why a side that tells no pair of rows apart has no similarity to anything."""
    return Caution(
        "not defined",
        f"All rows of `{name}` are equally far from each other: no structure is left that could "
        "be compared.",
    )


def submatrix(matrix: Floats, rows: Ints) -> Floats:
    """Return the entries of some rows and the same columns."""
    return matrix.take(rows, axis=0).take(rows, axis=1)


def cosine(one: Floats, other: Floats) -> float:
    """Return the cosine of two arrays seen as vectors."""
    norm = math.sqrt(float(np.vdot(one, one)) * float(np.vdot(other, other)))
    return float(np.vdot(one, other)) / norm


def squared_distances(table: Floats) -> Floats:
    """Return the squared Euclidean distances between rows; rounding below 0 is cut."""
    squares = np.einsum("ij,ij->i", table, table)
    out = table @ table.T
    out *= -2.0
    out += squares[:, None]
    out += squares[None, :]
    # equal rows come out as rounding, which must not become a distance
    out[out < 1e-13 * float(squares.max())] = 0.0
    np.fill_diagonal(out, 0.0)
    return out


def rbf_kernel(table: Floats, threshold: float, bandwidth: float | None = None) -> Floats | None:
    """Return exp(-d² / (2 t² median(d²))), or that of a given bandwidth; None for a median of 0.

    The median is that of the whole matrix, its zero diagonal included, as in the notebook of
    Kornblith et al. (2019).
    """
    squared = squared_distances(table)
    variance = threshold**2 * float(np.median(squared)) if bandwidth is None else bandwidth**2
    if variance == 0:
        return None
    squared *= -1 / (2 * variance)
    np.exp(squared, out=squared)
    return squared


def no_bandwidth(name: str) -> Caution:
    """Return why a side whose rows are mostly equal has no kernel."""
    return Caution(
        "not defined",
        f"At least half of the pairs of rows of `{name}` are equal: their median distance is 0 "
        "and gives no bandwidth; use the linear kernel.",
    )
