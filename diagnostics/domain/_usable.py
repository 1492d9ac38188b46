"""Which paired columns can be compared at all, and why the others are lost."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from ._pair import Lost, PairedColumn
from ._words import short

MANY_LEVELS = 1000
SOME_LEVELS = 50
_ID_WORDS = frozenset(
    ["id", "ids", "idx", "index", "uuid", "guid", "row", "rowid", "rownum", "rownumber", "rowno"]
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_UUID = re.compile(r"\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?", re.I)
_DISTINCT = 0.95
_CONSECUTIVE = 0.9
_MIN_ROWS = 20


def usable(
    paired: Iterable[PairedColumn],
) -> tuple[list[PairedColumn], list[PairedColumn], list[Lost]]:
    """Return the columns in use, those kept for the leak check, and those lost.

    Constants leave for good.  Identifiers, text of very many values, and dates that alone
    tell the domains apart are not compared but stay at hand, because a row number that
    agrees with the label is a leak worth finding.
    """
    used: list[PairedColumn] = []
    kept: list[PairedColumn] = []
    lost: list[Lost] = []
    for column in paired:
        if _constant(column):
            lost.append(
                Lost(column.name, "both", "has the same value in every row of both domains")
            )
            continue
        kept.append(column)
        reason = _identifier(column) or _too_many(column) or _apart(column)
        if reason is None:
            used.append(column)
        else:
            lost.append(Lost(column.name, "both", reason))
    return used, kept, lost


def _present(values: Any, column: PairedColumn) -> Any:
    return values[~np.isnan(values)] if column.levels is None else values[values >= 0]


def _constant(column: PairedColumn) -> bool:
    """One value and nothing missing: where some are missing, the gaps say something."""
    pooled = column.pooled
    if column.levels is not None:
        return bool((pooled == pooled[0]).all())
    return not np.isnan(pooled).any() and bool((pooled == pooled[0]).all())


def _identifier(column: PairedColumn) -> str | None:
    """Return why a column only names rows: all values distinct, and numbered or named so."""
    if column.kind not in ("numeric", "categorical"):
        return None
    sides = [_present(column.source, column), _present(column.target, column)]
    if sum(map(len, sides)) < _MIN_ROWS or not all(_all_distinct(v) for v in sides):
        return None
    if column.levels is not None:
        uuid = all(_UUID.fullmatch(w) for w in column.levels[:100])
        if uuid or _named_like_id(column.name):
            return "is an identifier: practically every row has its own value"
        return None
    if not all((v == np.floor(v)).all() for v in sides):
        return None
    if _named_like_id(column.name):
        return (
            "is an identifier: practically every row has its own number, and it is named like one"
        )
    if _consecutive(np.concatenate(sides)) or all(_consecutive(v) for v in sides):
        return "is an identifier: it numbers the rows consecutively"
    return None


def _all_distinct(values: Any) -> bool:
    return len(np.unique(values)) >= _DISTINCT * len(values)


def _consecutive(values: Any) -> bool:
    span = float(values.max()) - float(values.min()) + 1.0  # Python's floats overflow in silence
    return len(np.unique(values)) >= _CONSECUTIVE * span


def _named_like_id(name: str) -> bool:
    words = {w.lower() for w in _WORD.findall(name[:200])}
    return bool(words & _ID_WORDS) or name.startswith("Unnamed:")


def _too_many(column: PairedColumn) -> str | None:
    if column.levels is None:
        return None
    n, rows = len(column.levels), len(_present(column.pooled, column))
    if n > MANY_LEVELS or (n > SOME_LEVELS and n > 0.5 * rows):
        return (
            f"is text with {n:,} different values in {rows:,} rows (such as "
            f"{short(column.levels[0], 30)}); make features of it to have it compared"
        )
    return None


def _apart(column: PairedColumn) -> str | None:
    if column.kind != "date":
        return None
    a, b = _present(column.source, column), _present(column.target, column)
    if a.max() < b.min() or b.max() < a.min():
        return "is a date whose ranges do not overlap: the date alone tells the domains apart"
    return None
