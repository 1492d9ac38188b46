"""Arrays of any library through the array API standard: computed where the data lie.

Lists and NumPy arrays become float64 NumPy arrays. A torch tensor (or any array of the
standard) stays in its library and on its device; only results come back as Python numbers.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ._validation import Ints, as_float, on_host, require_rows

Array: TypeAlias = Any
"""An array of NumPy or of another library that follows the array API standard."""


def namespace(*arrays: Array) -> Any:
    """Return the array API namespace the arrays belong to."""
    from array_api_compat import array_namespace

    return array_namespace(*arrays)


def check_tables(source: Any, target: Any, *, min_rows: int) -> tuple[Array, Array]:
    """Return two finite float64 tables with the same columns, in the library they came in.

    Raises
    ------
    TypeError
        When the two belong to different libraries or devices, or hold no numbers.
    ValueError
        When a shape, a value or the number of rows is not as needed.
    """
    first, second = _as_table(source, "source"), _as_table(target, "target")
    if namespace(first) is not namespace(second) or _device(first) != _device(second):
        raise TypeError(
            "`source` and `target` lie in different libraries or on different devices; bring "
            "both to one."
        )
    for table, name in ((first, "source"), (second, "target")):
        _check_values(table, name, min_rows)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"`target` has {second.shape[1]} columns, `source` has {first.shape[1]}; align the "
            "columns first."
        )
    return first, second


def check_table(values: Any, name: str, *, min_rows: int) -> Array:
    """Return one finite float64 table in the library it came in."""
    table = _as_table(values, name)
    _check_values(table, name, min_rows)
    return table


def _as_table(values: Any, name: str) -> Array:
    table = values if _is_foreign(values) else as_float(values, name)
    if hasattr(table, "detach"):
        table = table.detach()
    if table.ndim != 2:
        raise ValueError(
            f"`{name}` must be a table of shape (rows, columns), got an array with {table.ndim} "
            "dimension(s); reshape one column to (rows, 1)."
        )
    if isinstance(table, np.ndarray):
        return table
    xp = namespace(table)
    if xp.isdtype(table.dtype, ("complex floating",)):
        raise TypeError(f"`{name}` must hold real numbers, got {table.dtype}.")
    return xp.astype(table, xp.float64)


def _is_foreign(values: Any) -> bool:
    """Whether this is an array of another library than NumPy (a list or a table is not)."""
    if isinstance(values, np.ndarray | list | tuple):
        return False
    from array_api_compat import is_array_api_obj

    return bool(is_array_api_obj(values))


def _device(array: Array) -> Any:
    from array_api_compat import device

    return device(array)


def _check_values(table: Array, name: str, min_rows: int) -> None:
    xp = namespace(table)
    if table.shape[1] == 0:
        raise ValueError(f"`{name}` has no columns; pass at least one.")
    require_rows(table.shape[0], name, min_rows)
    finite = xp.isfinite(table)
    if not bool(xp.all(finite)):
        gone = int(xp.sum(xp.astype(~finite, xp.int64)))
        raise ValueError(
            f"`{name}` contains {gone} missing or infinite value(s); impute them or drop the "
            "rows first."
        )


def take(array: Array, rows: Ints) -> Array:
    """Return the rows of an array that lies anywhere, chosen by NumPy row numbers."""
    if isinstance(array, np.ndarray):
        return array[rows]
    xp = namespace(array)
    return xp.take(array, xp.asarray(rows, device=_device(array)), axis=0)


def like(values: Any, array: Array) -> Array:
    """Return NumPy numbers as an array of the library, the device and the type of `array`."""
    if isinstance(array, np.ndarray):
        return np.asarray(values, dtype=array.dtype)
    xp = namespace(array)
    return xp.asarray(np.asarray(values), dtype=array.dtype, device=_device(array))


def to_numpy(array: Array) -> Any:
    """Bring an array to NumPy, wherever it lies."""
    if isinstance(array, np.ndarray):
        return array
    return np.asarray(on_host(array))
