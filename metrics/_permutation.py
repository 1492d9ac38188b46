"""One engine for statistics that are quadratic forms of a kernel matrix.

For 0/1 indicator columns ``a`` (first group) and ``b`` (second group) every two-sample
statistic of a kernel with zeroed diagonal needs only ``a'Ka``, ``b'Kb`` and ``a'Kb``.
All columns, observed or permuted, share one product ``K A`` that is taken in blocks of
rows, so that no matrix of pairs is ever held. For the whole pooled sample ``b = 1 - a``
and ``b`` needs no product of its own: ``Kb = K1 - Ka``.
"""

from dataclasses import dataclass, field

import numpy as np

from ._halves import random_halves
from ._results import NullBand
from ._validation import Floats, Ints

_TIE = 1e-10


@dataclass(slots=True, eq=False)
class GroupSums:
    """Sums of one kernel, diagonal left out, that grow block by block.

    Attributes
    ----------
    within_first, first_all : ndarray of shape (B,)
        ``a'Ka`` and ``a'K1`` for every column ``a``.
    row_sums : ndarray of shape (N,)
        ``K1``.
    squares : float
        Sum of the squared entries of ``K``.
    """

    n_rows: int
    n_columns: int
    within_first: Floats = field(init=False)
    first_all: Floats = field(init=False)
    row_sums: Floats = field(init=False)
    squares: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.within_first = np.zeros(self.n_columns)
        self.first_all = np.zeros(self.n_columns)
        self.row_sums = np.zeros(self.n_rows)

    def add(self, rows: slice, kernel_rows: Floats, indicators: Floats) -> Floats:
        """Add one block of rows with a zeroed diagonal; return its product with the columns."""
        product = kernel_rows @ indicators
        sums = kernel_rows.sum(axis=1)
        own = indicators[rows]
        self.within_first += np.einsum("ib,ib->b", own, product)
        self.first_all += sums @ own
        self.row_sums[rows] = sums
        self.squares += float(np.einsum("ij,ij->", kernel_rows, kernel_rows))
        return product

    @property
    def total(self) -> float:
        """Sum of all entries of ``K``."""
        return float(self.row_sums.sum())

    def unbiased_mmd2(self, n_first: int) -> Floats:
        """Return the unbiased squared MMD of every column against its complement, shape (B,)."""
        cross = self.first_all - self.within_first
        within_second = self.total - 2 * self.first_all + self.within_first
        n_second = self.n_rows - n_first
        return unbiased_mmd2(self.within_first, within_second, cross, n_first, n_second)

    def mean_square(self) -> float:
        """Mean squared entry off the diagonal."""
        return self.squares / (self.n_rows * (self.n_rows - 1))

    def centred_mean_square(self) -> float:
        """Mean squared entry off the diagonal after row and column means are taken out."""
        n = self.n_rows
        u = self.row_sums / (n - 1)
        g = self.total / (n * (n - 1))
        fitted = 2 * n * (u @ u) + 2 * u.sum() ** 2 + n * n * g * g - 4 * g * n * u.sum()
        fitted -= float(((2 * u - g) ** 2).sum())
        cross = 2 * (self.row_sums @ u) - g * self.total
        return float(max(0.0, self.squares + fitted - 2 * cross) / (n * (n - 1)))


def unbiased_mmd2(
    within_first: Floats, within_second: Floats, cross: Floats, n_first: int, n_second: int
) -> Floats:
    """Return MMD²_u from sums over pairs (Gretton et al. 2012, Lemma 6, all cross terms)."""
    return (
        within_first / (n_first * (n_first - 1))
        + within_second / (n_second * (n_second - 1))
        - 2 * cross / (n_first * n_second)
    )


def permuted_indicators(
    n_first: int, n_second: int, n_permutations: int, rng: np.random.Generator
) -> Floats:
    """Return the observed first group and its permutations as 0/1 columns, (N, 1 + B)."""
    n = n_first + n_second
    indicators = np.zeros((n, 1 + n_permutations))
    indicators[:n_first, 0] = 1.0
    for column in range(1, 1 + n_permutations):
        indicators[rng.permutation(n)[:n_first], column] = 1.0
    return indicators


def permutation_p_value(statistics: Floats) -> float:
    """Return (1 + #{T_b >= T}) / (1 + B); the observed value stands first.

    Values within rounding of the observed one count as reaching it: a tie must not
    become evidence because sums were taken in another order (Phipson & Smyth 2010).
    """
    observed, permuted = statistics[0], statistics[1:]
    slack = _TIE * max(1.0, float(np.abs(observed)))
    return float((1 + np.count_nonzero(permuted >= observed - slack)) / (1 + len(permuted)))


@dataclass(slots=True, eq=False)
class _Side:
    """Indicator columns of the halves of one side, and the sums they pick up."""

    span: slice
    first: Floats
    second: Floats
    sums: Floats

    @classmethod
    def from_splits(cls, splits: list[tuple[Ints, Ints]], span: slice) -> "_Side":
        shape = (span.stop - span.start, len(splits))
        first, second = np.zeros(shape), np.zeros(shape)
        for column, (one, two) in enumerate(splits):
            first[one, column] = 1.0
            second[two, column] = 1.0
        return cls(span, first, second, np.zeros((3, len(splits))))

    def add(self, rows: slice, kernel_rows: Floats) -> None:
        low, high = max(rows.start, self.span.start), min(rows.stop, self.span.stop)
        if low >= high or not self.first.shape[1]:
            return
        part = kernel_rows[low - rows.start : high - rows.start, self.span]
        own = slice(low - self.span.start, high - self.span.start)
        with_first, with_second = part @ self.first, part @ self.second
        self.sums[0] += np.einsum("ib,ib->b", self.first[own], with_first)
        self.sums[1] += np.einsum("ib,ib->b", self.second[own], with_second)
        self.sums[2] += np.einsum("ib,ib->b", self.first[own], with_second)

    def values(self) -> Floats | None:
        if not self.first.shape[1]:
            return None
        n, m = int(self.first[:, 0].sum()), int(self.second[:, 0].sum())
        return unbiased_mmd2(self.sums[0], self.sums[1], self.sums[2], n, m)


@dataclass(slots=True, eq=False)
class HalfSums:
    """Sums of the effect kernel over random halves of either side."""

    source: _Side
    target: _Side

    @classmethod
    def draw(cls, n: int, m: int, n_splits: int, rng: np.random.Generator) -> "HalfSums":
        sides = []
        for rows, offset in ((n, 0), (m, n)):
            splits = list(random_halves(rows, n, m, n_splits=n_splits, rng=rng))
            sides.append(_Side.from_splits(splits, slice(offset, offset + rows)))
        return cls(*sides)

    def add(self, rows: slice, kernel_rows: Floats) -> None:
        self.source.add(rows, kernel_rows)
        self.target.add(rows, kernel_rows)

    def null_band(self) -> NullBand:
        return NullBand(self.source.values(), self.target.values())
