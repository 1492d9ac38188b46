"""Which rows may be held out: none that the other domain has shown already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .folds import MIN_LABELS, time_blocks

if TYPE_CHECKING:
    from ..domain import Pair, Side

MIN_UNITS = 4
"""Units wanted among the held-out rows: with fewer an interval over units says nothing."""


def may_be_held_out(side: Side, other: Side) -> NDArray[np.bool_]:
    """Return the rows of `side` that do not stand in `other`, nor their units.

    Where too few labelled rows or units would be left, only the rows themselves count: then
    there is no other way than to hold out units that the other domain knows.
    """
    free = ~side.shared
    if side.unit is None or other.unit is None:
        return free
    apart = free & ~np.isin(side.unit, other.unit)
    left = apart & side.labelled
    enough = left.sum() >= MIN_LABELS and np.unique(side.unit[left]).size >= MIN_UNITS
    return apart if enough else free


def held_out_rows(pair: Pair) -> NDArray[np.bool_]:
    """Return the labelled target rows that the pilot holds out, before any are thinned out."""
    target = pair.target
    rows = target.labelled & may_be_held_out(target, pair.source)
    if target.time is None:
        return rows
    labelled = np.flatnonzero(target.labelled)
    block, k = time_blocks(target.time[labelled])
    rows[labelled[(block < 0) | (block == k)]] = False
    return rows


def unit_notices(pair: Pair) -> tuple[str, ...]:
    """Say what becomes of units that stand in both domains."""
    source, target = pair.source, pair.target
    if source.unit is None or target.unit is None:
        return ()
    both = target.labelled & np.isin(target.unit, source.unit)
    if not both.any():
        return ()
    rows, units = int(both.sum()), int(np.unique(target.unit[both]).size)
    told = (
        f"{units:,} {'unit' if units == 1 else 'units'} with {rows:,} labelled target "
        f"{'row' if rows == 1 else 'rows'} {'stands' if units == 1 else 'stand'} in both domains: "
    )
    if may_be_held_out(target, source)[both & ~target.shared].any():
        return (
            f"{told}they are held out all the same, because too few other rows are left; the gap "
            "then speaks of units that the source knows already, and flatters transfer to new ones",
        )
    return (f"{told}they are trained on and never held out",)
