"""The size of a kernel test: one squared MMD in double precision, with doubt, null and rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.stats import norm

from ._arrays import Array, like, namespace, to_numpy
from ._halves import random_halves
from ._kernels import Kernel, keep_upper
from ._permutation import mmd2_from_sums
from ._results import Interval, NullBand
from ._validation import Bools, Floats, Ints

METHOD = "normal, variance of the U-statistic"


@dataclass(slots=True, eq=False)
class Side:
    """Indicator columns of the halves of one side, and the sums they pick up.

    Where the second halves are what the first leave, as they nearly always are, they need no
    product of their own (``is_whole``): the sums over all pairs give the rest.
    """

    span: slice
    first: Floats
    second: Floats
    is_whole: bool
    sums: Floats

    @classmethod
    def draw(
        cls, span: slice, units: Ints, sizes: tuple[int, int], n_splits: int,
        rng: np.random.Generator,
    ) -> Side:  # fmt: skip
        """Split the units of one side at random; ``sizes`` are the units of both sides."""
        count = int(units.max()) + 1
        splits = list(random_halves(count, *sizes, n_splits=n_splits, rng=rng))
        is_whole = all(len(one) + len(two) == count for one, two in splits)
        first = _columns([one for one, _ in splits], units)
        second = 1 - first if is_whole else _columns([two for _, two in splits], units)
        return cls(span, first, second, is_whole, np.zeros((3, len(splits))))

    def add(self, rows: slice, values: Floats) -> None:
        """Add the pairs of a block: ``rows`` against ``rows.start`` and all behind."""
        low, high = max(rows.start, self.span.start), min(rows.stop, self.span.stop)
        if low >= high or not self.first.shape[1]:
            return
        part = values[low - rows.start : high - rows.start, low - rows.start :]
        part = part[:, : self.span.stop - low]
        own, other = slice(low - self.span.start, high - self.span.start), low - self.span.start
        with_first, first = _product(part, self.first[other:]), self.first[own]
        self.sums[0] += 2 * np.einsum("ib,ib->b", first, with_first)
        if self.is_whole:
            return
        with_second, second = _product(part, self.second[other:]), self.second[own]
        self.sums[1] += 2 * np.einsum("ib,ib->b", second, with_second)
        self.sums[2] += np.einsum("ib,ib->b", first, with_second)
        self.sums[2] += np.einsum("ib,ib->b", second, with_first)

    def values(self, row_sums: Floats, *, biased: bool = False) -> Floats | None:
        """Return the squared MMD of every split; None when the side is too small to be halved.

        ``row_sums`` are those of the kernel within this side, itself left out.
        """
        if not self.first.shape[1]:
            return None
        n, m = self.first.sum(axis=0), self.second.sum(axis=0)
        first, second, cross = self.sums
        if self.is_whole:
            first_all = row_sums @ self.first
            second = row_sums.sum() - 2 * first_all + first
            cross = first_all - first
        return mmd2_from_sums(first, second, cross, n, m, biased=biased)


def _columns(halves: list[Ints], units: Ints) -> Floats:
    """Return for every half a 0/1 column over the rows of its units."""
    marks = np.zeros((len(halves), int(units.max()) + 1))
    for line, half in zip(marks, halves, strict=True):
        line[half] = 1.0
    return np.ascontiguousarray(marks.T[units])


def _product(part: Floats, columns: Floats) -> Floats:
    return np.asarray(to_numpy(part @ like(columns, part)))


def _sums(part: Array, *, axis: int) -> Floats:
    """Return the sums along an axis; as products they take a third of the time of a sum."""
    xp = namespace(part)
    if axis == 1:
        return np.asarray(to_numpy(part @ xp.ones_like(part[:1, :])[0, :]))
    return np.asarray(to_numpy(xp.ones_like(part[:, :1])[:, 0] @ part))


@dataclass(slots=True, eq=False)
class EffectSums:
    """Sums of one kernel between the observed sides and within their halves.

    Parameters
    ----------
    kernel : callable
        A block to its values, in float64.
    first : ndarray of shape (N,)
        Whether a row belongs to the first side; those rows stand first.
    units : ndarray of shape (N,)
        Which rows hang together.
    """

    kernel: Kernel
    first: Bools
    units: Ints
    halves: tuple[Side, Side]
    with_first: Floats = field(init=False)
    with_all: Floats = field(init=False)
    squares: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.with_first, self.with_all = np.zeros(len(self.first)), np.zeros(len(self.first))

    @classmethod
    def draw(
        cls, kernel: Kernel, first: Bools, units: Ints, n_splits: int, rng: np.random.Generator
    ) -> EffectSums:
        """Draw the random halves: of the rows, or of the units where rows hang together."""
        n = int(first.sum())
        spans = slice(0, n), slice(n, len(first))
        own = [np.unique(units[span], return_inverse=True)[1].reshape(-1) for span in spans]
        sizes = (int(own[0].max()) + 1, int(own[1].max()) + 1)
        halves = [Side.draw(s, u, sizes, n_splits, rng) for s, u in zip(spans, own, strict=True)]
        return cls(kernel, first, units, (halves[0], halves[1]))

    def add(self, rows: slice, values: Array) -> None:
        """Add the kernel's values in one block of pairs; they are used up."""
        values, xp = keep_upper(values), namespace(values)
        behind = slice(rows.start, None)
        # The first side stands first: its columns and its rows are one piece of the block.
        wide = max(0, self.sizes[0] - rows.start)
        high = min(wide, rows.stop - rows.start)
        ahead = _sums(values[:, :wide], axis=1), _sums(values[:, wide:], axis=1)
        back = _sums(values[:high, :], axis=0), _sums(values[high:, :], axis=0)
        self.with_first[rows] += ahead[0]
        self.with_all[rows] += ahead[0] + ahead[1]
        self.with_first[behind] += back[0]
        self.with_all[behind] += back[0] + back[1]
        flat = xp.reshape(values, (-1,))
        self.squares += 2 * float(flat @ flat)
        for side in self.halves:
            side.add(rows, values)

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows of either side."""
        n = int(self.first.sum())
        return n, len(self.first) - n

    def value(self, *, biased: bool = False) -> float:
        """Return the squared MMD; the biased form takes k(x, x) as 0."""
        n, m = self.sizes
        first = self.with_first[:n].sum()
        second = (self.with_all - self.with_first)[n:].sum()
        cross = self.with_first[n:].sum()
        return float(mmd2_from_sums(first, second, cross, n, m, biased=biased))

    def gap(self) -> Floats:
        """Mean kernel of every row with the first side less that with the second, itself left out.

        The mean over the first side less the mean over the second is the unbiased value.
        """
        n, m = self.sizes
        with_second = self.with_all - self.with_first
        return np.asarray(self.with_first / (n - self.first) - with_second / (m - ~self.first))

    def null_band(self, *, biased: bool = False) -> NullBand:
        """Return the value for random halves of either side."""
        n, _ = self.sizes
        within = self.with_first[:n], (self.with_all - self.with_first)[n:]
        found = (
            side.values(sums, biased=biased) for side, sums in zip(self.halves, within, strict=True)
        )
        return NullBand(*found)

    def interval(self, value: float, level: float) -> Interval:
        """Return a normal interval with the variance of both terms of the U-statistic."""
        n, _ = self.sizes
        gap, noise = self.gap(), self.second_order()
        plug_in = 4 * sum(
            _mean_variance(gap[part], self.units[part]) for part in (slice(0, n), slice(n, None))
        )
        # Noise in the row means adds, in expectation, twice the second-order variance.
        variance = max(0.0, plug_in - 2 * noise) + noise
        reach = float(norm.ppf((1 + level) / 2)) * float(np.sqrt(variance))
        return Interval(value - reach, value + reach, level, METHOD)

    def second_order(self) -> float:
        """Return the variance of the unbiased value when the sides are exchanged at random."""
        n, m = self.sizes
        pairs = len(self.first) * (len(self.first) - 1)
        u, g = self.with_all / (len(self.first) - 1), float(self.with_all.sum()) / pairs
        # Means over pairs of k² less those of its additive part (Hoeffding's decomposition).
        centred = self.squares / pairs - g**2 - 2 * float(np.mean((u - g) ** 2))
        weight = 1 / (n * (n - 1)) + 1 / (m * (m - 1)) + 2 / (n * m)
        return max(0.0, 2 * weight * centred)


def _mean_variance(values: Floats, units: Ints) -> float:
    """Return the variance of the mean of values that hang together within units."""
    _, own = np.unique(units, return_inverse=True)
    sums = np.bincount(own.reshape(-1), weights=values - values.mean())
    count = len(sums)
    return float(sums @ sums) / len(values) ** 2 * count / max(1, count - 1)
