"""Whether a pilot can be run at all, and if not, why, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .folds import LEAST_BLOCKS, MIN_LABELS
from .held_out import MIN_UNITS, held_out_rows
from .split import forward

if TYPE_CHECKING:
    from ..domain import Pair

MIN_CLASS_ROWS = 3
"""Rows wanted in each of at least two classes."""
MIN_TRAINED = 6
"""Earlier rows wanted to train on, where the pilot goes forward in time."""


def why_no_pilot(pair: Pair) -> str | None:
    """Return the reason why no pilot can be run, in one sentence, or ``None``."""
    source, target = pair.source, pair.target
    if pair.task is None or not target.labelled.any():
        return "The target has no labelled rows, so no strategy can be tried on it."
    if not source.labelled.any():
        return "The source has no labelled rows, so there is no source model to transfer."
    usable = target.labelled & ~target.shared
    n_usable = int(usable.sum())
    if n_usable == 0:
        return (
            "Every labelled target row also stands in the source, so none can be held out; "
            "if they are different units, add the column that tells them apart or keep shared "
            "rows (--keep-shared-rows)."
        )
    usable = held_out_rows(pair)
    n_usable = int(usable.sum())
    if reason := _why_not_forward(pair, usable):
        return reason
    if n_usable < MIN_LABELS:
        return (
            f"The target has {n_usable} labelled {'row' if n_usable == 1 else 'rows'} that can be "
            f"held out; the pilot needs at least {MIN_LABELS}."
        )
    if reason := _why_not_by_units(pair, usable):
        return reason
    if pair.task == "regression":
        if np.ptp(target.y[usable]) == 0 or np.ptp(source.y[source.labelled]) == 0:
            return "The labels of one side are constant, so there is nothing to predict."
        return None
    if not set(np.unique(source.y[source.labelled])) & set(np.unique(target.y[usable])):
        return "Source and target share no class, so nothing learned on the source can be tried."
    if np.unique(source.y[source.labelled]).size < 2:
        return "The source has one class only, so it teaches no distinction."
    counts = np.sort(np.unique(target.y[usable], return_counts=True)[1])[::-1]
    if counts.size < 2 or counts[1] < MIN_CLASS_ROWS:
        second = int(counts[1]) if counts.size > 1 else 0
        return (
            f"Of the target's {n_usable} usable labels only {second} are not of the commonest "
            f"class; the pilot needs at least {MIN_CLASS_ROWS} rows in each of two classes."
        )
    return None


def _why_not_forward(pair: Pair, usable: NDArray[np.bool_]) -> str | None:
    """Return why later rows cannot be held out from models of earlier ones."""
    target = pair.target
    if target.time is None:
        return None
    rows = np.flatnonzero(target.labelled)
    unit = None if target.unit is None else target.unit[rows]
    split = forward(target.time[rows], unit, usable[rows])
    if split.k < LEAST_BLOCKS:
        return (
            "So many labelled target rows share a time that they cannot be cut into a beginning "
            f"and {LEAST_BLOCKS} later blocks; give a finer time."
        )
    fewest = min(split.n_kept(), default=0)
    if fewest >= MIN_TRAINED:
        return None
    if unit is None:
        return (
            f"Only {fewest} labelled target rows are earlier than those held out; the pilot needs "
            f"at least {MIN_TRAINED}."
        )
    return (
        f"Only {fewest} labelled target rows of other units are earlier than those held out; the "
        f"pilot needs at least {MIN_TRAINED}: give the group or the time, not both."
    )


def _why_not_by_units(pair: Pair, usable: NDArray[np.bool_]) -> str | None:
    """Return why the named units cannot be held out."""
    target = pair.target
    if target.unit is None:
        return None
    n_units = np.unique(target.unit[usable]).size
    if n_units < MIN_UNITS:
        return (
            f"The labelled target rows that can be held out belong to {n_units} "
            f"{'unit' if n_units == 1 else 'units'}; the pilot needs at least {MIN_UNITS}."
        )
    if pair.task == "regression":
        return None
    found = np.unique(np.column_stack([target.y[usable], target.unit[usable]]), axis=0)
    units = np.sort(np.unique(found[:, 0], return_counts=True)[1])[::-1]
    if units.size > 1 and units[1] < 2:
        return (
            "All but one class of the target stand in one unit each, so a model never sees what "
            "it is held out for; label rows of more units."
        )
    return None
