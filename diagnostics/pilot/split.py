"""What is held out together and what is trained on meanwhile, for the rows of a pilot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .folds import assign_folds, time_blocks

Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Folds of the labelled target rows.

    Attributes
    ----------
    fold_of : list of ndarray of int64
        For each repeat a fold number for every row; forward in time also -1 for rows that are
        only trained on, and `k` for rows that are used nowhere.
    k : int
        Folds of a repeat.
    usable : ndarray of bool
        Rows whose predictions count.
    time : ndarray of float64 or None
        Then fold f is trained on the rows of smaller numbers alone.
    unit : ndarray of int64 or None
        Forward in time, units of which a row is held out are not trained on.
    """

    fold_of: list[NDArray[np.int64]]
    k: int
    usable: Rows
    time: NDArray[np.float64] | None = None
    unit: NDArray[np.int64] | None = None

    def held(self, repeat: int, fold: int) -> Rows:
        """Return the rows that are predicted by the models of this fold."""
        held: Rows = (self.fold_of[repeat] == fold) & self.usable
        return held

    def kept(self, repeat: int, fold: int) -> Rows:
        """Return the rows that the models of this fold are trained on."""
        number = self.fold_of[repeat]
        kept: Rows = number != fold
        if self.time is None:
            return kept
        earlier: Rows = number < fold
        if self.unit is not None:
            earlier &= ~np.isin(self.unit, self.unit[self.held(repeat, fold)])
        return earlier

    def starts(self, fold: int) -> float:
        """Return the time at which a fold begins: what is not earlier may not be seen."""
        if self.time is None:
            return np.inf
        return float(self.time[self.fold_of[0] == fold].min())

    def n_kept(self) -> list[int]:
        """Return how many rows the models of each fold with rows held out are trained on."""
        return [
            int(self.kept(repeat, fold).sum())
            for repeat in range(len(self.fold_of))
            for fold in range(self.k)
            if self.held(repeat, fold).any()
        ]


def at_random(
    strata: NDArray[np.int64],
    groups: NDArray[np.int64],
    usable: Rows,
    k: int,
    n_repeats: int,
    rng: np.random.Generator,
) -> Split:
    """Return stratified random folds that split no group."""
    return Split([assign_folds(strata, groups, k, rng) for _ in range(n_repeats)], k, usable)


def forward(time: NDArray[np.float64], unit: NDArray[np.int64] | None, usable: Rows) -> Split:
    """Return blocks one after another in time, each trained on all that is earlier."""
    block, k = time_blocks(time)
    return Split([block], k, usable & (block >= 0) & (block < k), time, unit)


def forward_notice(split: Split, n_labels: int) -> str:
    """Say what the pilot held out and trained on, forward in time."""
    kept: Any = split.n_kept()
    return (
        f"the pilot went forward in time: it held out {int(split.usable.sum()):,} of "
        f"{n_labels:,} labelled target rows, the later ones, in {split.k} blocks, and trained on "
        f"earlier rows only, {min(kept):,} to {max(kept):,} of them"
    )
