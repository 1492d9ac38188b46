"""Canonical correlations that survive dead units, duplicates and more columns than rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from .._scores import Caution
from .._validation import Floats, Ints
from ._judged import centred

RANK_TOLERANCE = 1e-6
"""Directions with a singular value below this share of the largest are rounding, not data.

Activations are stored in single precision; a column that repeats a combination of others does so
up to 6e-8. In canonical correlations every direction counts the same, so that one made of
rounding would count as much as the first.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """The singular value decomposition of a centred table, without directions of rounding.

    Attributes
    ----------
    basis : ndarray of shape (n, r)
        Orthonormal columns that span the columns of the table.
    sizes : ndarray of shape (r,)
        Singular values, descending.
    """

    basis: Floats
    sizes: Floats

    @property
    def rank(self) -> int:
        """How many directions there are."""
        return len(self.sizes)

    def leading(self, count: int) -> Directions:
        """Return the first directions only."""
        return Directions(self.basis[:, :count], self.sizes[:count])


def directions(table: Floats, *, equal_columns: bool = False) -> Directions:
    """Return the directions of a centred table without constant columns.

    Parameters
    ----------
    table : ndarray of shape (n, p)
    equal_columns : bool
        Whether columns are brought to one length first. The span stays the same, and a column in
        small units is not mistaken for rounding.
    """
    if table.shape[1] == 0:
        return Directions(np.empty((len(table), 0)), np.empty(0))
    if equal_columns:
        table = table / np.linalg.norm(table, axis=0)
    basis, sizes, _ = np.linalg.svd(table, full_matrices=False)
    rank = int((sizes > RANK_TOLERANCE * sizes[0]).sum())
    return Directions(basis[:, :rank], sizes[:rank])


def half_of_basis(basis: Floats, rows: Ints) -> Floats:
    """Return an orthonormal basis of some rows of an orthonormal one, centred."""
    part = centred(basis[rows])
    if 2 * part.shape[1] < len(part):
        # rows of a basis are rarely dependent when there are many more of them: no need of an SVD
        found, triangle = np.linalg.qr(part)
        across = np.abs(np.diag(triangle))
        if len(across) and across.min() > 1e-3 * across.max():
            return cast(Floats, found)
    return directions(part).basis


def correlations(first: Floats, second: Floats) -> Floats:
    """Return the canonical correlations of two orthonormal bases, descending, in [0, 1]."""
    found = np.linalg.svd(first.T @ second, compute_uv=False)
    return np.clip(found, 0.0, 1.0)


def row_cautions(rows: int, first: int, second: int) -> tuple[Caution, ...]:
    """Return whether two spans of these dimensions must meet, whatever the data."""
    forced = first + second - (rows - 1)
    if forced <= 0:
        return ()
    return (Caution(
        "too few rows",
        f"{rows} rows against {first} + {second} directions: at least {min(forced, first, second)}"
        " of the canonical correlations are 1 whatever the data; collect more rows or keep fewer "
        "directions.",
    ),)  # fmt: skip
