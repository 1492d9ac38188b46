"""Arrow arrays to typed columns: what a type means for the diagnosis."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._column import Column
from ._door import Door
from ._objects import binary, from_objects, nested
from ._text import declared_categories, type_text
from ._words import count, number_text, short

_EXACT = 2.0**53


def read_column(name: str, array: Any, door: Door, *, as_label: bool = False) -> Column:
    """Return the typed column of an arrow array."""
    import pyarrow as pa

    array = _flat(name, array, door)
    kind = array.type
    if pa.types.is_null(kind):
        return Column(name, "numeric", np.full(len(array), np.nan))
    if pa.types.is_dictionary(kind):
        return _declared(name, array, door)
    if _is_text(kind):
        return type_text(name, array.cast(pa.large_string()), door, as_label=as_label)
    if pa.types.is_boolean(kind):
        return _boolean(name, array, as_label)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Column(name, "date", _days(array))
    return _numbers(name, array, door)


def _flat(name: str, array: Any, door: Door) -> Any:
    """Return one plain array: chunks joined, extension types unwrapped, bytes as text."""
    import pyarrow as pa

    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # older pyarrow keeps a chunked array here
        array = pa.concat_arrays(array.chunks)
    if isinstance(array.type, pa.BaseExtensionType):
        return from_objects(array.to_pylist(), name, door)
    if pa.types.is_nested(array.type):
        raise door.error(nested(name, str(array.type)[:40]))
    if _is_binary(array.type):
        try:
            return array.cast(pa.binary()).cast(pa.string())
        except pa.ArrowInvalid:
            raise door.error(binary(name)) from None
    return array


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    views = getattr(pa.types, "is_string_view", None)
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or (views is not None and views(kind))
    )


def _is_binary(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    return bool(
        types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    )


def _declared(name: str, array: Any, door: Door) -> Column:
    """Return categories as the user declared them; categories of dates are dates."""
    import pyarrow as pa

    flat = _flat(name, array.dictionary_decode(), door)
    if _is_text(flat.type):
        return declared_categories(name, flat.cast(pa.large_string()), door)
    column = read_column(name, flat, door, as_label=True)
    if column.kind != "numeric":
        return column
    gone = np.isnan(column.values)
    if gone.all():
        return column
    distinct, codes = np.unique(column.values, return_inverse=True)
    words = np.array([number_text(v) for v in distinct], dtype=object)[codes]
    words[gone] = None
    return Column(name, "categorical", words)


def _boolean(name: str, array: Any, as_label: bool) -> Column:
    import pyarrow as pa

    values = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
    words = ("False", "True")
    if not as_label or np.isnan(values).all():
        return Column(name, "boolean", np.array(values), words)
    named = np.array([*words, None], dtype=object)
    return Column(name, "categorical", named[np.where(np.isnan(values), 2, values).astype(int)])


def _days(array: Any) -> Any:
    """Return days since 1970-01-01 (UTC)."""
    import pyarrow as pa

    if pa.types.is_date(array.type):
        return np.array(array.cast(pa.date32()).cast(pa.int32()).to_numpy(False), dtype=np.float64)
    if array.type.unit == "ns":  # float64 cannot hold them, and CSV gives microseconds
        array = array.cast(pa.timestamp("us", array.type.tz), safe=False)
    per_day = {"s": 86_400.0, "ms": 86_400e3, "us": 86_400e6}[array.type.unit]
    return np.array(array.cast(pa.int64()).to_numpy(False), dtype=np.float64) / per_day


def _numbers(name: str, array: Any, door: Door) -> Column:
    import pyarrow as pa

    kind = array.type
    if pa.types.is_duration(kind):
        door.note_column(name, "holds durations: they are read as days")
        per_day = {"s": 86_400.0, "ms": 86_400e3, "us": 86_400e6, "ns": 86_400e9}[kind.unit]
        array = array.cast(pa.int64())
        return Column(name, "numeric", _floats(array) / per_day)
    if pa.types.is_time(kind):
        door.note_column(name, "holds times of day: they are read as hours")
        per_hour = {"s": 3600.0, "ms": 3600e3, "us": 3600e6, "ns": 3600e9}[kind.unit]
        whole = array.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
        return Column(name, "numeric", _floats(whole) / per_hour)
    if pa.types.is_decimal(kind):
        return Column(name, "numeric", _floats(array.cast(pa.float64())))
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise door.error(
            f"has values of type {short(str(kind))} in column {short(name)}; "
            "give numbers, text, booleans or dates"
        )
    values = _floats(array)
    if pa.types.is_integer(kind):
        _notice_rounded(name, values, door)
    return Column(name, "numeric", values)


def _floats(array: Any) -> Any:
    return np.array(array.to_numpy(zero_copy_only=False), dtype=np.float64)


def _notice_rounded(name: str, values: Any, door: Door) -> None:
    n = int((np.abs(values) > _EXACT).sum())
    if n:
        door.note_column(
            name,
            f"has {count(n, 'integer')} beyond 2^53, "
            "whose last digits are rounded; give codes of that length as text",
        )
