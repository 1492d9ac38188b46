"""Which rows may change sides: the indicator columns of permutation tests.

Under the null hypothesis the sides are names only. What may be exchanged depends on the data:
single rows when they are independent; whole units (a patient, a day, a block of time) when
rows within one hang together; only rows of one class when the question is whether each class
looks alike on both sides. All three are one thing: units that change sides within strata.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ._validation import Bools, Floats, Ints, optional_vector

Pair: TypeAlias = tuple[ArrayLike | None, ArrayLike | None]
"""One entry a row for the source and for the target, or None for both."""

MEMORY_BYTES = 128 * 2**20
"""Memory for the columns of one batch."""

_BYTES_A_CELL = 20  # two columns in double precision, one in single
FIRST_BATCH = 50
ENOUGH = 20
"""Exceedances after which a sequential test stops."""


def permuted_indicators(
    n_first: int, n_second: int, n_permutations: int, rng: np.random.Generator
) -> Floats:
    """Return the observed first group and its permutations as 0/1 columns, (N, 1 + B)."""
    return exchange_rows(n_first, n_second).columns(n_permutations, rng, observed=True)


@dataclass(frozen=True, slots=True, eq=False)
class Exchange:
    """Units that change sides as a whole, each within its stratum.

    Attributes
    ----------
    units : ndarray of shape (N,)
        Unit of every pooled row, numbered from 0.
    unit_first : ndarray of shape (U,)
        Whether a unit belongs to the first side.
    strata : tuple of ndarray
        Units of every stratum; how many of them are on the first side never changes.
    """

    units: Ints
    unit_first: Bools
    strata: tuple[Ints, ...]

    def columns(self, count: int, rng: np.random.Generator, *, observed: bool = False) -> Floats:
        """Return ``count`` permutations as 0/1 columns, after the observed one if asked for."""
        start = self.unit_first.astype(np.float64)
        sides = np.empty((count + observed, len(start)))
        sides[:] = start
        drawn = sides[int(observed) :]
        if len(self.strata) == 1:
            rng.permuted(drawn, axis=1, out=drawn)
        else:
            for stratum in self.strata:
                drawn[:, stratum] = rng.permuted(drawn[:, stratum], axis=1)
        alone = len(start) == len(self.units) and (np.diff(self.units) > 0).all()
        return np.ascontiguousarray((sides if alone else sides[:, self.units]).T)

    def batches(
        self, count: int, rng: np.random.Generator, *, doubling: bool = False
    ) -> Iterator[Floats]:
        """Yield the observed column and ``count`` permutations within the memory budget.

        ``doubling`` starts with few permutations, for tests that may stop early.
        """
        most = max(FIRST_BATCH, MEMORY_BYTES // (_BYTES_A_CELL * len(self.units)))
        size, done = FIRST_BATCH if doubling else most, 0
        while done < count:
            size = min(size, most, count - done)
            yield self.columns(size, rng, observed=done == 0)
            done += size
            size = done if doubling else most

    @property
    def row_first(self) -> Bools:
        """Whether a pooled row belongs to the first side, shape (N,)."""
        return np.asarray(self.unit_first[self.units])

    def log_arrangements(self) -> float:
        """Natural logarithm of how many ways there are to assign the units to sides."""
        total = 0.0
        for stratum in self.strata:
            n, k = len(stratum), int(self.unit_first[stratum].sum())
            total += math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        return total

    def warnings(self) -> tuple[str, ...]:
        """Say when too few arrangements exist for a p-value of 0.05."""
        arrangements = math.exp(min(self.log_arrangements(), 10.0))
        if arrangements > 20:
            return ()
        return (
            f"There are only {round(arrangements)} ways to assign these units to the sides, so "
            f"the p-value cannot fall below about {1 / arrangements:.2g}.",
        )


def exchange_rows(n_first: int, n_second: int) -> Exchange:
    """Every row by itself: rows are independent."""
    n = n_first + n_second
    everything = np.arange(n, dtype=np.int64)
    return Exchange(everything, everything < n_first, (everything,))


def exchange_units(
    n_first: int, n_second: int, *, groups: Pair,
    labels: Pair = (None, None),
) -> Exchange:  # fmt: skip
    """Return whole units and strata from the groups and the labels of both sides.

    Parameters
    ----------
    n_first, n_second : int
        Rows of either side.
    groups : (array_like or None, array_like or None)
        Unit of every row in one numbering; a unit on both sides is refused, because it cannot
        be given to one of them.
    labels : (array_like or None, array_like or None)
        Class of every row; units change sides only within their class.

    Raises
    ------
    ValueError
        When only one side is given, a unit lies on both, or a unit has several classes.
    """
    group = _both(groups, n_first, n_second, "groups")
    label = _both(labels, n_first, n_second, "labels")
    if group is None and label is None:
        return exchange_rows(n_first, n_second)
    n = n_first + n_second
    names, units = np.unique(np.arange(n) if group is None else group, return_inverse=True)
    units = units.astype(np.int64).reshape(-1)
    count = np.bincount(units, minlength=len(names))
    share = np.bincount(units, weights=np.arange(n) < n_first, minlength=len(names)) / count
    shared = names[(share > 0) & (share < 1)]
    if len(shared):
        raise ValueError(
            f"{len(shared)} group(s) have rows on both sides, such as {shared[0]}; number the "
            "units of both sides apart, or keep each unit on one side."
        )
    return Exchange(units, share == 1, _strata(units, len(names), label))


def _both(sides: Pair, n_first: int, n_second: int, name: str) -> Ints | None:
    if all(side is None for side in sides):
        return None
    if any(side is None for side in sides):
        raise ValueError(
            f"`source_{name}` and `target_{name}` belong together; pass both or neither."
        )
    first = optional_vector(sides[0], n_first, f"source_{name}", dtype=np.int64)
    second = optional_vector(sides[1], n_second, f"target_{name}", dtype=np.int64)
    return np.concatenate([np.asarray(first), np.asarray(second)])


def _strata(units: Ints, n_units: int, label: Ints | None) -> tuple[Ints, ...]:
    if label is None:
        return (np.arange(n_units, dtype=np.int64),)
    of_unit = np.empty(n_units, dtype=np.int64)
    of_unit[units] = label
    if (of_unit[units] != label).any():
        mixed = int(np.count_nonzero(np.bincount(units[of_unit[units] != label])))
        raise ValueError(
            f"{mixed} group(s) have rows of several classes, so that they cannot change sides "
            "within a class; leave out the groups or the labels."
        )
    return tuple(np.flatnonzero(of_unit == one).astype(np.int64) for one in np.unique(label))


def given_indicators(permutations: ArrayLike, n_first: int, n_second: int) -> Floats:
    """Return the observed column and given permutations as 0/1 columns, (N, 1 + B).

    ``permutations`` has shape (B, N); the first ``n_first`` row numbers of each form the first
    group.
    """
    orders, n = np.asarray(permutations), n_first + n_second
    if orders.ndim != 2 or orders.dtype.kind not in "iu" or orders.shape[1] != n:
        raise ValueError(
            f"`permutations` must hold row numbers of shape (permutations, {n}), got "
            f"{orders.dtype} of shape {orders.shape}."
        )
    if not (np.sort(orders, axis=1) == np.arange(n)).all():
        raise ValueError(
            f"`permutations` must hold each row number from 0 to {n - 1} once a line; draw "
            "orders, not samples."
        )
    columns = np.zeros((n, 1 + len(orders)))
    columns[:n_first, 0] = 1.0
    np.put_along_axis(columns[:, 1:], orders[:, :n_first].T, 1.0, axis=0)
    return columns
