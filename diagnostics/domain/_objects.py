"""Python objects to arrow: a list of anything becomes numbers, dates or text."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import math
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from ._door import Door
from ._words import number_text, short

_NESTED = (list, tuple, set, frozenset, dict, np.ndarray)
_NUMBERS = (int, float, np.number, decimal.Decimal, fractions.Fraction)
_DATES = (dt.date, np.datetime64)


def from_objects(values: Iterable[Any], name: str, door: Door) -> Any:
    """Return an arrow array of one type for a sequence of Python objects.

    All booleans, all numbers or all dates keep their type; anything mixed becomes text.
    Missing are ``None``, NaN, NaT and ``pandas.NA``.
    """
    import pyarrow as pa

    cells = [_cell(v, name, door) for v in values]
    kinds = {type(v) for v in cells if v is not None}
    if kinds <= {bool}:
        return pa.array(cells, pa.bool_()) if kinds else pa.nulls(len(cells))
    if kinds <= {bool, float}:
        numbers = [float(v) if isinstance(v, (bool, float)) else None for v in cells]
        return pa.array(numbers, pa.float64())
    if kinds <= {dt.datetime}:
        return pa.array(cells, pa.timestamp("us"))
    return text_array([None if v is None else _text(v) for v in cells], name, door)


def text_array(values: list[str | None], name: str, door: Door) -> Any:
    """Return an arrow text array; refuses text that is no valid Unicode."""
    import pyarrow as pa

    try:
        return pa.array(values, pa.large_string())
    except UnicodeEncodeError:
        raise door.error(
            f"holds text in column {short(name)} that is not valid Unicode (a lone surrogate); "
            "repair the text where it was read"
        ) from None


def _cell(value: Any, name: str, door: Door) -> bool | float | dt.datetime | str | None:
    """Reduce one object to bool, float, naive UTC datetime, str or ``None``."""
    if isinstance(value, _NESTED):
        raise door.error(nested(name, type(value).__name__))
    if _is_missing(value):
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (complex, np.complexfloating)):
        raise door.error(complex_numbers(name))
    if isinstance(value, np.timedelta64 | dt.timedelta):
        return _days(value)
    if isinstance(value, _NUMBERS):
        return _float(value)
    if isinstance(value, _DATES):
        return _datetime(value, name, door)
    if isinstance(value, bytes):
        return _decoded(value, name, door)
    if not _has_spelling(type(value)):
        raise door.error(
            f"holds objects of type {short(type(value).__name__)} in column {short(name)}; "
            "give numbers, text, booleans or dates"
        )
    return str(value)


def _has_spelling(kind: Any) -> bool:
    """Tell whether objects of a class spell their value rather than their address."""
    return any("__str__" in c.__dict__ or "__repr__" in c.__dict__ for c in kind.__mro__[:-1])


def _is_missing(value: Any) -> bool:
    if value is None:
        return True
    pandas = sys.modules.get("pandas")
    if pandas is not None and (value is pandas.NA or value is pandas.NaT):
        return True
    if isinstance(value, (float, np.floating, decimal.Decimal)):
        return bool(value != value)
    return isinstance(value, (np.datetime64, np.timedelta64)) and bool(np.isnat(value))


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # refused later, with name and count


def _days(value: Any) -> float:
    return float(np.timedelta64(value) / np.timedelta64(1, "us")) / 86_400e6


def _datetime(value: Any, name: str, door: Door) -> dt.datetime:
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, dt.datetime):
        value = value if value.tzinfo is None else value.astimezone(dt.UTC)
        parts = (value.hour, value.minute, value.second, value.microsecond)
        return dt.datetime(value.year, value.month, value.day, *parts)
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)
    raise door.error(
        f"holds a date in column {short(name)} outside the years 1 to 9999; correct or empty it"
    )


def _decoded(value: bytes, name: str, door: Door) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise door.error(binary(name)) from None


def _text(value: bool | float | dt.datetime | str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return str(value) if isinstance(value, bool) else number_text(value)


def nested(name: str, what: str) -> str:
    """Return the sentence for lists, structs and the like inside a column."""
    return (
        f"has nested values ({what}) in column {short(name)}; "
        "spread them over columns of one value each, or leave the column out"
    )


def complex_numbers(name: str) -> str:
    """Return the sentence for complex numbers."""
    return (
        f"has complex numbers in {short(name)}; give real numbers, "
        "such as real and imaginary part as two columns"
    )


def binary(name: str) -> str:
    """Return the sentence for bytes that are no text."""
    return (
        f"has binary values in column {short(name)} that are not UTF-8 text; leave the column out"
    )
