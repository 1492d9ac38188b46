"""Chance level and interval of scores that share one decomposition."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from .._results import Interval
from .._scores import Chance, half_of, permutations, score_interval
from .._validation import Floats, Ints
from ._asked import Asked
from ._spectral_data import SpectralData

Statistic: TypeAlias = Callable[[SpectralData, Ints], Floats]
"""Takes data and orders of the labels, (p, n); returns one score for each, (p,)."""

_AT_ONCE = 2**22
"""Numbers held at a time while labels are shuffled."""


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """One score on shuffled labels and on half-samples; None where not asked for."""

    chance: Chance | None
    halves: Floats | None
    level: float

    def interval(
        self, value: float, rows: int, *, low: float = -math.inf, high: float = math.inf
    ) -> Interval | None:
        """Return the interval from the half-samples."""
        if self.halves is None:
            return None
        # the halves are shared by several scores and were drawn before: they are handed over
        drawn = iter(self.halves)
        return score_interval(
            lambda _: float(next(drawn)), rows, value, level=self.level, n_draws=len(self.halves),
            rng=np.random.default_rng(0), low=low, high=high,
        )  # fmt: skip


def draw(data: SpectralData, statistics: Sequence[Statistic], asked: Asked) -> list[Draws]:
    """Return every score under the same shuffles and on the same half-samples."""
    shuffled = _shuffled(data, statistics, asked)
    halves = _halves(data, statistics, asked)
    return [
        Draws(_chance(shuffled[:, i]), halves[:, i] if len(halves) else None, asked.level)
        for i in range(len(statistics))
    ]


def _shuffled(data: SpectralData, statistics: Sequence[Statistic], asked: Asked) -> Floats:
    found = [
        np.stack([statistic(data, orders) for statistic in statistics], axis=1)
        for orders in _orders(data, asked)
    ]
    return np.concatenate(found) if found else np.empty((0, len(statistics)))


def _orders(data: SpectralData, asked: Asked) -> Iterator[Ints]:
    n, d = data.table.shape
    each = n + data.design.n_columns * min(n, d)
    together = max(1, _AT_ONCE // each)
    waiting = permutations(n, asked.n_permutations, asked.rng)
    for start in range(0, asked.n_permutations, together):
        yield np.stack([next(waiting) for _ in range(min(together, asked.n_permutations - start))])


def _chance(values: Floats) -> Chance | None:
    return Chance(values, "labels") if len(values) and np.isfinite(values).all() else None


def _halves(data: SpectralData, statistics: Sequence[Statistic], asked: Asked) -> Floats:
    if asked.n_draws < 2 or data.n_rows < 8:
        return np.empty((0, len(statistics)))
    found = []
    for _ in range(asked.n_draws):
        half = data.part(half_of(data.n_rows, asked.rng, data.design.strata))
        found.append([float(statistic(half, half.as_given)[0]) for statistic in statistics])
    return np.array(found)
