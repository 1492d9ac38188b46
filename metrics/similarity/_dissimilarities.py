"""Dissimilarity matrices: distances between the rows of one table."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from .._scores import Caution
from .._validation import Bools, Floats
from ._gram import squared_distances

Distance: TypeAlias = Literal[
    "correlation", "cosine", "euclidean", "sqeuclidean", "mahalanobis", "precomputed"
]
Normalisation: TypeAlias = Literal["centre", "zscore"]

_LAST_DIGITS = 16 * float(np.finfo(np.float64).eps)


def normalised(table: Floats, how: Normalisation | None) -> Floats:
    """Return the columns as they are, less their means, or also divided by their deviations.

    Constant columns become 0 and stay: they count among the columns of a correlation.
    """
    if how is None:
        return table
    middle: Floats = table.mean(axis=0)
    out = table - middle
    steady = np.ptp(table, axis=0) <= _LAST_DIGITS * np.abs(table).max(axis=0)
    out[:, steady] = 0.0
    if how == "zscore":
        spread = out.std(axis=0)
        out /= np.where(steady, 1.0, spread)
    return out


def dissimilarities(table: Floats, distance: str) -> Floats:
    """Return the distances between all rows, shape (n, n), symmetric with a zero diagonal."""
    if distance in ("correlation", "cosine"):
        return _angular(table, centre=distance == "correlation")
    # distances do not see a translation; sums of squares near 0 keep their digits
    middle: Floats = table.mean(axis=0)
    table = table - middle
    squared = squared_distances(_whitened(table) if distance == "mahalanobis" else table)
    return squared if distance == "sqeuclidean" else np.sqrt(squared)


def _angular(table: Floats, *, centre: bool) -> Floats:
    """Return one less the cosine, or Pearson's correlation, of rows."""
    rows = table - table.mean(axis=1, keepdims=True) if centre else table
    lengths = np.linalg.norm(rows, axis=1)
    flat = flat_rows(table, "correlation" if centre else "cosine")
    units = rows / np.where(flat, 1.0, lengths)[:, None]
    units[flat] = 0.0
    out: Floats = 1.0 - units @ units.T
    np.fill_diagonal(out, 0.0)
    return out


def flat_rows(table: Floats, distance: str) -> Bools:
    """Return which rows have no direction: all 0, or all one number for correlations."""
    largest = np.abs(table).max(axis=1)
    spread: Floats = np.ptp(table, axis=1) if distance == "correlation" else largest
    flat: Bools = spread <= _LAST_DIGITS * largest
    return flat


def flat_caution(table: Floats, distance: str, name: str) -> tuple[Caution, ...]:
    """Return a caution when rows without a direction had to be given a distance."""
    if distance not in ("correlation", "cosine"):
        return ()
    flat = int(flat_rows(table, distance).sum())
    if not flat:
        return ()
    what = "the same number in every column" if distance == "correlation" else "0 in every column"
    return (
        Caution(
            "not defined",
            f"{flat} of {len(table)} rows of `{name}` hold {what} and have no {distance} with "
            "others; their distance to every row is set to 1.",
        ),
    )


def _whitened(table: Floats) -> Floats:
    """Return the rows in coordinates in which their covariance is the identity."""
    left, values, _ = np.linalg.svd(table, full_matrices=False)
    kept = values > max(table.shape) * float(np.finfo(np.float64).eps) * values[0]
    out: Floats = left[:, kept] * np.sqrt(len(table) - 1)
    return out


def all_alike(matrix: Floats) -> bool:
    """Return whether all pairs of rows are equally far apart, but for rounding."""
    rest = matrix.copy()
    np.fill_diagonal(rest, matrix[0, 1])
    return bool(np.ptp(rest) <= 1e-12 * np.abs(rest).max())


def check_precomputed(table: Floats, name: str) -> None:
    """Refuse what is no symmetric matrix of dissimilarities with a zero diagonal."""
    square = table.shape[0] == table.shape[1]
    scale = float(np.abs(table).max(initial=0.0))
    if not square or np.abs(table - table.T).max(initial=0.0) > 1e-9 * scale:
        raise ValueError(
            f"`{name}` has shape {table.shape}, expected a symmetric matrix of dissimilarities, "
            "one row and one column for each row of the data."
        )
    if np.abs(np.diagonal(table)).max(initial=0.0) > 1e-9 * scale:
        raise ValueError(
            f"`{name}` has entries other than 0 on its diagonal; pass dissimilarities, not "
            "similarities."
        )
