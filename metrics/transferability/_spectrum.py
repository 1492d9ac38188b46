"""One decomposition of a table of features, from which all second-order scores are read.

Scores need of the left singular vectors U only sums over rows (``U' t`` for a target t), so U
itself, n x k, is never formed for tall tables: the sums are taken over the rows of the table and
turned afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._validation import Floats

_CLEAN = 1e-6
"""Smallest share of the largest eigenvalue at which a Gram matrix is trusted.

Its eigenvalues carry an absolute error of the machine precision times the largest one: about
1e-10 of an eigenvalue at this bound."""


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """The part of the singular value decomposition that sums over rows need.

    Attributes
    ----------
    squares : ndarray of shape (k,)
        Squared singular values above the rank cut, descending.
    rows : ndarray of shape (n, r)
    turn : ndarray of shape (r, k) or None
        ``rows @ turn`` are the left singular vectors; None where ``rows`` are.
    degrees : int
        Dimensions the rows can span: n, or n - 1 of a centred table.
    clean : bool
        Whether the scale of the columns cost no precision.
    """

    squares: Floats
    rows: Floats
    turn: Floats | None
    degrees: int
    clean: bool

    @property
    def rank(self) -> int:
        """How many singular values are not zero."""
        return len(self.squares)

    @property
    def interpolates(self) -> bool:
        """Whether any target whatever lies in the span of the columns."""
        return self.rank == self.degrees

    @property
    def coordinates(self) -> Floats:
        """The table up to a rotation, with min(n, d) columns at most."""
        return self.rows if self.turn is not None else self.rows * np.sqrt(self.squares)

    def project(self, sums: Floats) -> Floats:
        """Turn sums of ``rows``, shape (..., r), into those of singular vectors, (..., k)."""
        return sums if self.turn is None else sums @ self.turn

    def fitted(self, coefficients: Floats) -> Floats:
        """Return the combination of singular vectors with these coefficients, shape (n,)."""
        return self.rows @ (coefficients if self.turn is None else self.turn @ coefficients)


def centre(table: Floats) -> Floats:
    """Subtract the column means; columns constant up to rounding become exactly zero."""
    mean = table.mean(axis=0)
    centred: Floats = table - mean
    # once more: with a mean far from zero the first pass leaves its own rounding behind
    centred -= centred.mean(axis=0)
    norms = np.sqrt(np.einsum("ij,ij->j", centred, centred))
    rounding = 4 * np.finfo(np.float64).eps * np.sqrt(len(table)) * np.abs(mean)
    centred[:, norms <= rounding] = 0
    return centred


def unit_columns(centred: Floats) -> Floats:
    """Divide every column by its norm; columns of zeros stay."""
    norms = np.sqrt(np.einsum("ij,ij->j", centred, centred))
    scaled: Floats = centred / np.where(norms > 0, norms, 1.0)
    return scaled


def from_gram(table: Floats, degrees: int) -> Spectrum | None:
    """Return the spectrum through the smaller Gram matrix, or None where it loses precision.

    Small singular values drown in a Gram matrix, and a lost one looks like a missing one.
    """
    n, d = table.shape
    wide = n <= d
    filled = table.any(axis=0)
    used = table if wide or filled.all() else table[:, filled]
    expected = min(degrees, used.shape[1])
    if expected == 0:
        return Spectrum(np.empty(0), used, np.empty((used.shape[1], 0)), degrees, True)
    squares, vectors = np.linalg.eigh(used @ used.T if wide else used.T @ used)
    squares, vectors = squares[: -expected - 1 : -1], vectors[:, : -expected - 1 : -1]
    if not squares[-1] > _CLEAN * squares[0]:
        return None
    if wide:
        return Spectrum(squares.copy(), np.ascontiguousarray(vectors), None, degrees, True)
    return Spectrum(squares.copy(), used, vectors / np.sqrt(squares), degrees, True)


def from_triangle(table: Floats, degrees: int) -> Spectrum:
    """Return the spectrum through a QR decomposition, to full precision."""
    n, d = table.shape
    wide = n <= d
    triangle = np.linalg.qr(table.T if wide else table, mode="r")
    _, singular, right = np.linalg.svd(triangle)
    cut = np.finfo(np.float64).eps * max(n, d) * singular[0]
    kept = min(int((singular > cut).sum()), degrees)
    singular, axes = singular[:kept], right[:kept].T
    if wide:
        return Spectrum(singular**2, np.ascontiguousarray(axes), None, degrees, False)
    return Spectrum(singular**2, table, axes / singular, degrees, False)


def spectrum(table: Floats, degrees: int) -> Spectrum:
    """Return the spectrum of a table as it is, by the cheapest way that keeps full precision."""
    found = from_gram(table, degrees)
    return from_triangle(table, degrees) if found is None else found
