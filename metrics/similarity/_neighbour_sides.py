"""What all measures of shared neighbours ask of their two tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from .._scores import Caution
from .._validation import Ints, check_choice, check_count
from ._dissimilarities import flat_caution
from ._judged import centred, no_variance
from ._neighbour_lists import (
    NeighbourMetric,
    Neighbours,
    first_within,
    membership,
    neighbours,
    reordered,
)
from ._paired import Paired, paired_rows

_SPARE = 4
"""How many times ``k`` neighbours are listed, so that half of the rows find theirs among them."""


@dataclass(frozen=True, slots=True, eq=False)
class NeighbourSides:
    """The neighbours of the rows of two tables.

    Attributes
    ----------
    first, second : Neighbours
        Lists of at least ``k``.
    k : int
    cautions : tuple of Caution
    """

    first: Neighbours
    second: Neighbours
    k: int
    cautions: tuple[Caution, ...]

    @property
    def lists(self) -> tuple[Ints, Ints]:
        """The ``k`` nearest of both sides."""
        return self.first.rows[:, : self.k], self.second.rows[:, : self.k]

    def shuffled(self, statistic: Callable[[Ints, Ints], float]) -> Callable[[Ints], float]:
        """Return a statistic of two lists as a function of the order of the second side."""
        one, other = self.lists
        return lambda order: statistic(one, reordered(other, order))

    def halved(
        self, statistic: Callable[[Ints, Ints], float], *, fewer: bool = False
    ) -> Callable[[Ints], float]:
        """Return a statistic of two lists as a function of the rows that are left.

        With ``fewer`` they also have half as many neighbours, for statistics that would be near
        their largest value otherwise.
        """

        def on(rows: Ints) -> float:
            return statistic(*self.within(rows, (self.k + 1) // 2 if fewer else self.k))

        return on

    def within(self, rows: Ints, k: int) -> tuple[Ints, Ints]:
        """Return the neighbours of some rows among these rows, numbered within them."""
        k = min(k, len(rows) - 1)
        one, other = (first_within(side.rows, rows, k)[0] for side in (self.first, self.second))
        return one, other


def neighbour_sides(
    first: Any, second: Any, k: int, metric: NeighbourMetric, ids: tuple[Any, Any], *, more: bool
) -> tuple[Paired, NeighbourSides | Caution]:
    """Return the tables and their neighbours, or why there are none; ``more`` for half-samples."""
    check_choice(metric, "metric", get_args(NeighbourMetric))
    k = check_count(k, "k", minimum=1)
    pair = paired_rows(first, second, first_ids=ids[0], second_ids=ids[1])
    n = len(pair.first)
    if k > n - 1:
        raise ValueError(
            f"`k` is {k}, but {n} rows have {n - 1} neighbours each; pass more rows or a smaller "
            "`k`."
        )
    if reason := no_variance(centred(pair.first), centred(pair.second)):
        return pair, reason
    listed = min(n - 1, max(k + 1, _SPARE * k if more else 0))
    sides: list[Neighbours] = []
    cautions: list[Caution] = []
    for table, name in ((pair.first, "first"), (pair.second, "second")):
        if metric == "cosine":
            cautions.extend(flat_caution(table, "cosine", name))
        found = neighbours(table, listed, metric)
        cautions.extend(_ties(found, k, name))
        sides.append(found)
    return pair, NeighbourSides(sides[0], sides[1], k, tuple(cautions))


def _ties(found: Neighbours, k: int, name: str) -> tuple[Caution, ...]:
    if found.rows.shape[1] <= k:
        return ()
    ends = found.similarities(found.rows[:, k - 1 : k + 1])
    tied = int((ends[:, 0] == ends[:, 1]).sum())
    if not tied:
        return ()
    return (
        Caution(
            "not defined",
            f"For {tied} of {len(ends)} rows of `{name}` the last neighbour counted is no nearer "
            "than the next; the one that comes first in the table was taken.",
        ),
    )


def shared(one: Ints, other: Ints) -> Ints:
    """Return how many neighbours every row has in common; -1 is none."""
    return np.asarray(membership(one, other, len(one)).sum(axis=1), dtype=np.int64)
