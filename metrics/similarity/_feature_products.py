"""Linear CKA from products of columns, without any n by n matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .._scores import Caution
from .._validation import Floats, Ints
from ._gram import nothing_left
from ._judged import centred

_NOTHING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class FeaturePair:
    """Two centred tables, and what no order of their rows changes.

    Attributes
    ----------
    x, y : ndarray of shape (n, p) and (n, q)
        Centred, of Frobenius norm 1.
    squares_x, squares_y : ndarray of shape (n,)
    own_x, own_y : float
        The (debiased) HSIC of each side with itself.
    debiased : bool
    """

    x: Floats
    y: Floats
    squares_x: Floats
    squares_y: Floats
    own_x: float
    own_y: float
    debiased: bool

    def undefined(self) -> Caution | None:
        """Return why there is no value when the rows of a side are all equally far apart."""
        for own, name in ((self.own_x, "first"), (self.own_y, "second")):
            # the biased term is of order 1 / rank
            if not own > _NOTHING:
                return nothing_left(name)
        return None

    def value(self) -> float:
        """Return the similarity."""
        return self._value(self.y, self.squares_y)

    def shuffled(self, order: Ints) -> float:
        """Return the value with the rows of the second side in another order."""
        return self._value(self.y[order], self.squares_y[order])

    def halved(self, rows: Ints) -> float | None:
        """Return the value on some rows; None where it is not defined."""
        one, other = centred(self.x[rows]), centred(self.y[rows])
        if not one.size or not other.size:
            return None
        part = feature_pair(one, other, debiased=self.debiased)
        return None if part.undefined() else part.value()

    def _value(self, y: Floats, squares: Floats) -> float:
        cross = hsic(self.x.T @ y, self.squares_x, squares, debiased=self.debiased)
        return cross / math.sqrt(self.own_x * self.own_y)


def feature_pair(x: Floats, y: Floats, *, debiased: bool) -> FeaturePair:
    """Return two centred tables, which are changed, with what no order of rows changes."""
    for side in (x, y):
        side /= np.linalg.norm(side)
    squares_x, squares_y = (np.einsum("ij,ij->i", side, side) for side in (x, y))
    # the product of a table with itself is symmetric, which NumPy makes use of: half the cost
    own_x = hsic(x.T @ x, squares_x, squares_x, debiased=debiased)
    own_y = hsic(y.T @ y, squares_y, squares_y, debiased=debiased)
    return FeaturePair(x, y, squares_x, squares_y, own_x, own_y, debiased)


def hsic(products: Floats, one: Floats, other: Floats, *, debiased: bool) -> float:
    """Return n² HSIC of linear kernels from column products and squared lengths of rows.

    Debiased is the inner product of the U-centred kernels, written in columns.
    """
    total = float(np.vdot(products, products))
    if not debiased:
        return total
    n = len(one)
    total -= n / (n - 2) * float(one @ other)
    return total + float(one.sum() * other.sum()) / ((n - 1) * (n - 2))
