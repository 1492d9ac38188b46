"""Columns that say what a row is, not what it holds: its unit, and when it was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import InputError
from ._domain import Domain
from ._match import as_text
from ._rows import number_by_appearance
from ._words import count, did_you_mean, listing, short

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._column import Column

LEAST_TIMES = 3
"""Different times wanted: one to begin with, two to be held out after it."""
COINCIDENCE = 0.5
"""Equal rows that would join units to fewer than this share of them are taken as chance."""
_ARRAYS = ("array", "tensor", "npy", "npz")


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """Both domains without the named columns, and these columns.

    Attributes
    ----------
    source, target : Domain
    group, time : str or None
        The names, as given.
    units : (ndarray, ndarray) or None
        int64 ids of the units of both sides, one number a unit wherever it stands.
    times : ndarray or None
        float64 for the target's rows, NaN = unknown.
    """

    source: Domain
    target: Domain
    group: str | None
    time: str | None
    units: tuple[NDArray[np.int64], NDArray[np.int64]] | None
    times: NDArray[np.float64] | None


def take_named(
    source: Domain, target: Domain, group: str | None, time: str | None, notices: list[str]
) -> Named:
    """Take the column of the units and that of the times out of both domains.

    The column of the units must stand in both, as the source is held out at home as well; only
    the target is put in order of time, so there the source may lack the column.
    """
    units = times = None
    if group is not None and group == time:
        raise InputError(
            f"The column {short(group)} is given both as group and as time; give two columns."
        )
    if group is not None:
        source, here = _take(source, group, "group")
        target, there = _take(target, group, "group")
        units = _units(here, there)
        for domain, column in ((source, here), (target, there)):
            _note_missing(domain, column, notices)
    if time is not None:
        target, when = _take(target, time, "time")
        times = _times(target, when)
        if any(column.name == time for column in source.columns):
            source, _ = _take(source, time, "time", empty=True)
        notices.append(f"column {short(time)} orders the target's rows in time and is no feature")
    return Named(source, target, group, time, units, times)


def _take(
    domain: Domain, name: str, role: Literal["group", "time"], *, empty: bool = False
) -> tuple[Domain, Column]:
    """Return the domain without the column, and the column."""
    owner = f"domain {short(domain.name)}"
    if name == domain.label_name:
        raise InputError(f"{owner} has {short(name)} as its label; give another column as {role}")
    names = [column.name for column in domain.columns]
    if name not in names:
        hint = did_you_mean(name, names)
        table = (
            "; its columns have no names of their own, so give a table that holds the column"
            if domain.kind in _ARRAYS
            else ""
        )
        raise InputError(
            f"{owner} has no column {short(name)}{hint}; give as {role} one of its columns: "
            f"{listing(names, 20)}{table}"
        )
    found = domain.columns[names.index(name)]
    if found.missing.all() and not empty:
        raise InputError(
            f"{owner} has no value in its column {short(name)}; give as {role} a column with values"
        )
    rest = tuple(column for column in domain.columns if column.name != name)
    if not rest:
        raise InputError(
            f"{owner} has no feature columns besides {short(name)}, which was given as {role}; "
            "give at least one feature"
        )
    return replace(domain, columns=rest), found


def _units(here: Column, there: Column) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the units of both sides together; a row without one is a unit of its own."""
    ids: dict[str, int] = {}
    sides = []
    next_id = 0
    for column in (here, there):
        unit = np.empty(len(column.values), dtype=np.int64)
        for row, text in enumerate(as_text(column).values):
            number = None if text is None else ids.get(text)
            if number is None:
                number, next_id = next_id, next_id + 1
                if text is not None:
                    ids[text] = number
            unit[row] = number
        sides.append(unit)
    return sides[0], sides[1]


def _note_missing(domain: Domain, column: Column, notices: list[str]) -> None:
    gone = int(column.missing.sum())
    if gone:
        notices.append(
            f"{count(gone, 'row')} of domain {short(domain.name)} {'has' if gone == 1 else 'have'} "
            f"no value in the group column {short(column.name)}: each counts as a unit of its own"
        )


def _times(domain: Domain, column: Column) -> NDArray[np.float64]:
    if column.kind not in ("numeric", "date"):
        example = next(v for v in as_text(column).values if v is not None)
        raise InputError(
            f"domain {short(domain.name)} has in its time column {short(column.name)} values such "
            f"as {short(example)}, which have no order; give numbers, or dates such as 2024-05-31"
        )
    return np.asarray(column.values, dtype=np.float64)


def check_units(named: Named, labelled: NDArray[np.bool_]) -> None:
    """Refuse units by which no row of the target can be held out."""
    if named.units is None or not labelled.any():
        return
    if np.unique(named.units[1][labelled]).size == 1:
        raise InputError(
            f"domain {short(named.target.name)} has one unit only in the group column "
            f"{short(named.group)} of its labelled rows, so nothing can be held out; "
            "give a column that tells units apart, or leave the group out"
        )


def check_times(named: Named, labelled: NDArray[np.bool_], notices: list[str]) -> None:
    """Refuse times that put the labelled rows of the target in no order."""
    if named.times is None or not labelled.any():
        return
    known = named.times[labelled]
    gone = int(np.isnan(known).sum())
    n_times = np.unique(known[~np.isnan(known)]).size
    if n_times < LEAST_TIMES:
        raise InputError(
            f"domain {short(named.target.name)} has {count(n_times, 'different value')} in the "
            f"time column {short(named.time)} of its labelled rows; holding out later rows needs "
            f"at least {LEAST_TIMES}: give a finer time, or leave it out"
        )
    if gone:
        notices.append(
            f"{count(gone, 'labelled target row')} {'has' if gone == 1 else 'have'} no value in "
            f"the time column {short(named.time)}: the pilot leaves "
            f"{'it' if gone == 1 else 'them'} out"
        )


def grouped(
    same: Sequence[NDArray[np.int64]],
    labelled: Sequence[NDArray[np.bool_]],
    named: Named,
    notices: list[str],
) -> list[NDArray[np.int64]]:
    """Return the groups of both sides: the units, joined where they have equal rows.

    Where equal rows would join most units they are taken as chance, because the column tells
    them apart; a source of one unit is held out by its equal rows alone.
    """
    if named.units is None:
        return list(same)
    found = []
    sides = zip(("source", "target"), same, labelled, named.units, strict=True)
    for side, rows, known, unit in sides:
        counted = known if known.any() else np.ones_like(known)
        n_units = np.unique(unit[counted]).size
        notices.append(
            f"the {side}'s {count(int(counted.sum()), 'labelled row' if known.any() else 'row')} "
            f"belong to {count(n_units, 'unit')} by the group column {short(named.group)}, which "
            "is no feature; rows of one unit are held out together"
        )
        if n_units == 1:
            notices[-1] = (
                f"the {side} is one unit by the group column {short(named.group)}: its own rows "
                "are held out from one another, so it may look better at home than it is"
            )
            found.append(rows)
            continue
        joined = _joined(rows, unit)
        n_joined = np.unique(joined[counted]).size
        if n_joined < max(2, COINCIDENCE * n_units):
            notices.append(
                f"equal rows stand in most units of the {side}: they are taken as chance, and "
                "units are held out as they are named"
            )
            joined = number_by_appearance(unit)
        elif n_joined < n_units:
            notices.append(
                f"equal rows join the {side}'s {count(n_units, 'unit')} to {n_joined:,} that are "
                "held out together"
            )
        found.append(joined)
    return found


def _joined(rows: NDArray[np.int64], unit: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ids of rows linked by a common unit or by equal values, through any others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, unit = np.unique(unit, return_inverse=True)
    n_rows = int(rows.max()) + 1
    size = n_rows + int(unit.max()) + 1
    links: Any = coo_array((np.ones(len(rows)), (rows, n_rows + unit)), shape=(size, size))
    part = connected_components(links, directed=False)[1]
    return number_by_appearance(part[rows])
