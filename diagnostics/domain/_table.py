"""What every reader hands over: names and arrow arrays, not yet typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ._door import Door
from ._words import count, did_you_mean, is_unicode, listing, short


@dataclass(slots=True)
class Table:
    """Columns as read.

    Attributes
    ----------
    kind : str
        csv, parquet, npz, npy, table, array, tensor.
    names : list of str
    arrays : list of pyarrow.Array
        One per name, all of one length.
    y : pyarrow.Array, optional
        Labels that came beside the columns (``npz``, or the argument ``y``).
    y_name : str, optional
    entries : dict
        Further arrays of an ``npz``, any of which may be named as the label.
    """

    kind: str
    names: list[str]
    arrays: list[Any]
    y: Any = None
    y_name: str | None = None
    entries: dict[str, Any] = field(default_factory=dict)


def check_shape(table: Table, door: Door) -> None:
    """Refuse tables without rows, and names that cannot be told apart."""
    if not table.names:
        raise door.error("has no columns; give at least one feature column")
    check_names(table.names, door)
    lengths = [len(a) for a in table.arrays]
    if len(set(lengths)) > 1:
        shown = ", ".join(
            f"{short(n)} {k:,}" for n, k in zip(table.names[:5], lengths[:5], strict=True)
        )
        raise door.error(f"has columns of different lengths ({shown}); make them equally long")
    if lengths[0] == 0:
        raise door.error(
            f"has {count(len(table.names), 'column')} but no rows; give at least one row of data"
        )


def check_names(names: Sequence[str], door: Door) -> None:
    """Refuse empty and duplicate column names, and those that no file can hold."""
    empty = [i + 1 for i, name in enumerate(names) if not name.strip()]
    if empty:
        raise door.error(
            f"has no name for column {empty[0]}"
            + (f" and {len(empty) - 1:,} more" if len(empty) > 1 else "")
            + "; name every column (pandas writes its index like this: use index=False)"
        )
    broken = [name for name in names if not is_unicode(name)]
    if broken:
        raise door.error(
            f"has the column name {short(broken[0])}, which is not valid Unicode "
            "(a lone surrogate); rename the column"
        )
    seen: set[str] = set()
    twice = list(dict.fromkeys(n for n in names if n in seen or seen.add(n)))  # type: ignore[func-returns-value]
    if twice:
        raise door.error(
            f"has more than one column named {listing(twice)}; give every column its own name"
        )


def take_label(
    table: Table, label: str | None, optional: bool, door: Door
) -> tuple[Any, str | None]:
    """Return the label array and its name, removing it from the columns."""
    if table.y is not None and table.y_name in table.names:
        raise door.error(
            f"has labels named {short(table.y_name)} beside its columns and a column of the same "
            "name; leave the column out, or name it as the label"
        )
    if label is not None and label in table.names:
        at = table.names.index(label)
        table.names.pop(at)
        return table.arrays.pop(at), label
    if table.y is not None and (label is None or label == table.y_name):
        return table.y, table.y_name
    if label is None:
        return None, None
    offered = [*table.names, *table.entries]
    hint = did_you_mean(label, offered)
    if not optional:
        raise door.error(
            f"has no column {short(label)}{hint}; "
            f"give as label one of its columns: {listing(offered, 20)}"
        )
    door.note(f"has no column {short(label)}{hint}: its rows are treated as unlabelled")
    return None, None
