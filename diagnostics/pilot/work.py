"""What a pilot costs, counted in fits and rows: a clock would make two runs differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from ..learners import Learner

OWN_MODELS = "own models"
"""Under this name stand the fits of strategies that bring a model of their own."""


@dataclass(frozen=True, slots=True)
class Work:
    """Models fitted and rows they were trained on, by learner.

    Attributes
    ----------
    fits : dict
        Learner name to number of models.
    rows : dict
        Learner name to the sum, over those models, of the rows each was trained on.
    """

    fits: dict[str, int]
    rows: dict[str, int]


@dataclass(slots=True, eq=False)
class Tally:
    """Counts fits while they are made, from any thread."""

    _fits: dict[str, int] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict)
    _lock: Any = field(default_factory=Lock, repr=False)

    def counting(self, learner: Learner) -> Learner:
        """Return the same learner, whose fits are counted."""
        make: Callable[[int, int], Any] = learner.make

        def counted(n_rows: int, seed: int) -> Any:
            self.add(learner.name, n_rows)
            return make(n_rows, seed)

        return replace(learner, make=counted)

    def add(self, name: str, n_rows: int) -> None:
        """Count one fit on so many rows."""
        with self._lock:
            self._fits[name] = self._fits.get(name, 0) + 1
            self._rows[name] = self._rows.get(name, 0) + n_rows

    def work(self) -> Work:
        """Return what was counted so far, by name."""
        with self._lock:
            names = sorted(self._fits)
            return Work({n: self._fits[n] for n in names}, {n: self._rows[n] for n in names})
