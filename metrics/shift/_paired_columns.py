"""Two tables as pairs of columns, one at a time, whatever they came in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .._validation import Floats, as_float, on_host, require_rows

Columns: TypeAlias = ArrayLike | Mapping[str, ArrayLike] | Iterator[ArrayLike]
Named: TypeAlias = tuple[str, Any, Any]
MIN_ROWS = 2


@dataclass(frozen=True, slots=True, eq=False)
class PairedColumn:
    """One column of both sides as float64 with NaN for missing, codes too."""

    name: str
    categorical: bool
    source: Floats
    target: Floats


def paired_columns(
    source: Columns, target: Columns, *, names: Sequence[str] | None,
    categorical: Collection[str] | Sequence[bool] | None, allow_missing: bool,
) -> Iterator[PairedColumn]:  # fmt: skip
    """Yield checked columns; a table is read where it lies, an iterator as it comes."""
    rows: tuple[int, int] | None = None
    for number, (name, first, second) in enumerate(_pairs(source, target, names)):
        is_code = _is_categorical(categorical, number, name)
        x, y = (
            _clean(values, side, name, is_code, allow_missing)
            for values, side in ((first, "source"), (second, "target"))
        )
        if rows is None:
            rows = len(x), len(y)
            require_rows(rows[0], "source", MIN_ROWS)
            require_rows(rows[1], "target", MIN_ROWS)
        if (len(x), len(y)) != rows:
            raise ValueError(
                f"Column {name!r} has {len(x)} and {len(y)} row(s), the columns before it have "
                f"{rows[0]} and {rows[1]}; mark missing entries instead of leaving them out."
            )
        yield PairedColumn(name, is_code, x, y)
    if rows is None:
        raise ValueError("`source` and `target` have no columns; pass at least one.")


def _pairs(source: Columns, target: Columns, names: Sequence[str] | None) -> Iterator[Named]:
    if isinstance(source, Mapping) and isinstance(target, Mapping):
        if set(source) != set(target):
            apart = sorted(map(str, set(source) ^ set(target)))[:5]
            raise ValueError(
                f"`source` and `target` have different columns, such as {apart}; align the "
                "columns first."
            )
        yield from ((str(key), source[key], target[key]) for key in source)
    elif isinstance(source, Iterator) and isinstance(target, Iterator):
        absent = object()
        for number, (x, y) in enumerate(zip_longest(source, target, fillvalue=absent)):
            if x is absent or y is absent:
                raise ValueError("One side has more columns; align the columns first.")
            yield _name(names, number), x, y
    elif isinstance(source, Mapping | Iterator) or isinstance(target, Mapping | Iterator):
        raise TypeError("Pass two tables, two mappings or two iterators of columns.")
    else:
        yield from _table_pairs(source, target, names)


def _table_pairs(
    source: ArrayLike, target: ArrayLike, names: Sequence[str] | None
) -> Iterator[Named]:
    first, second = _table(source, "source"), _table(target, "target")
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"`target` has {second.shape[1]} columns, `source` has {first.shape[1]}; align the "
            "columns first."
        )
    if names is not None and len(names) != first.shape[1]:
        raise ValueError(
            f"`names` has {len(names)} entries, the tables have {first.shape[1]} columns; give "
            "every column a name."
        )
    for number in range(first.shape[1]):
        yield _name(names, number), first[:, number], second[:, number]


def _table(values: ArrayLike, name: str) -> Any:
    """Return a table of numbers as it is: a copy in float64 would double its memory."""
    table = np.asarray(on_host(values))
    if table.dtype.kind not in "fiub":
        table = as_float(values, name)
    if table.ndim != 2:
        raise ValueError(
            f"`{name}` must be a table of shape (rows, columns), got an array with "
            f"{table.ndim} dimension(s); reshape one column to (rows, 1)."
        )
    return table


def _name(names: Sequence[str] | None, number: int) -> str:
    return str(number) if names is None or number >= len(names) else str(names[number])


def _is_categorical(
    categorical: Collection[str] | Sequence[bool] | None, number: int, name: str
) -> bool:
    """Read a mask over the columns, or a collection of names."""
    if categorical is None or not len(categorical):
        return False
    if any(isinstance(entry, str) for entry in categorical):
        return name in categorical
    mask = np.asarray(categorical)
    if mask.dtype != np.bool_ or mask.ndim != 1 or number >= len(mask):
        raise ValueError(
            "`categorical` must hold the names of columns, or one true or false for every column."
        )
    return bool(mask[number])


def _clean(values: Any, side: str, name: str, is_code: bool, allow_missing: bool) -> Floats:
    column = np.ascontiguousarray(as_float(values, side))
    if column.ndim != 1:
        raise ValueError(
            f"Column {name!r} of `{side}` must have shape (rows,), got {column.shape}; pass one "
            "column at a time."
        )
    if is_code:
        column = _codes(column, side, name)
    finite = np.isfinite(column)
    gone = len(column) - int(np.count_nonzero(finite))
    if gone and (not allow_missing or np.isinf(column).any()):
        raise ValueError(
            f"`{side}` contains {gone} missing or infinite value(s) in column {name!r}; impute "
            "them, or mark all of them as NaN and pass `allow_missing=True`."
        )
    return column


def _codes(column: Floats, side: str, name: str) -> Floats:
    present = column[np.isfinite(column)]
    if ((present != np.floor(present)) | (present < -1)).any():
        raise ValueError(
            f"Column {name!r} of `{side}` must hold whole codes from 0 on (-1 for missing); encode "
            "the levels of both sides with one shared coding first."
        )
    return np.where(column == -1, np.nan, column)
