"""Arrays of any library through the array API standard: computed where the data lie.

Lists and NumPy arrays become float64 NumPy arrays. A torch tensor (or any array of the
standard) stays in its library and on its device; only results come back as Python numbers.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ._validation import Ints, as_codes, as_float, check_columns, on_host, require_rows

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
    if not _is_one_place(first, second):
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


def check_column_pair(
    source: Any, target: Any, *, categorical: bool, min_rows: int = 1
) -> tuple[Array, Array]:
    """Return one column of each side in the library it came in.

    Float64 with NaN, or int64 codes with -1, for missing. Two of different libraries, and all
    that is to be refused, are brought to NumPy first.
    """
    found = [_as_column(values, categorical) for values in (source, target)]
    one, other = found
    if one is None or other is None or min(one.shape[0], other.shape[0]) < min_rows:
        return check_columns(source, target, categorical=categorical, min_rows=min_rows)
    if not _is_one_place(one, other):
        return check_columns(source, target, categorical=categorical, min_rows=min_rows)
    return one, other


def _is_one_place(*arrays: Array) -> bool:
    first = arrays[0]
    return all(
        namespace(one) is namespace(first) and device_of(one) == device_of(first) for one in arrays
    )


def in_one_place(*arrays: Array) -> tuple[Array, ...]:
    """Return arrays as they are where one library and device hold them all, else in NumPy."""
    return arrays if _is_one_place(*arrays) else tuple(to_numpy(one) for one in arrays)


def as_numbers(values: Any, name: str) -> Array:
    """Return float64 numbers of any shape in the library they came in; nothing else is checked."""
    if not _is_foreign(values):
        return as_float(values, name)
    found = values.detach() if hasattr(values, "detach") else values
    xp = namespace(found)
    return xp.astype(found, xp.float64)


def as_code_numbers(values: Any, name: str) -> Array:
    """Return int64 codes of any shape, -1 for missing, in the library they came in."""
    if _is_foreign(values):
        xp = namespace(values)
        if xp.isdtype(values.dtype, ("integral", "bool")):
            found = xp.astype(values, xp.int64)
            if not bool(xp.any(found < -1)):
                return found
    return as_codes(values, name)


def _as_column(values: Any, categorical: bool) -> Array | None:
    """Return a clean column of another library than NumPy, else None."""
    if not _is_foreign(values):
        return None
    column = values.detach() if hasattr(values, "detach") else values
    xp = namespace(column)
    kinds = ("integral", "bool") if categorical else ("real floating", "integral", "bool")
    if column.ndim != 1 or not xp.isdtype(column.dtype, kinds):
        return None
    column = xp.astype(column, xp.int64 if categorical else xp.float64)
    wrong = column < -1 if categorical else xp.isinf(column)
    return None if bool(xp.any(wrong)) else column


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


def device_of(array: Array) -> Any:
    """Return the device an array lies on."""
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
    return xp.take(array, xp.asarray(rows, device=device_of(array)), axis=0)


def cross(matrix: Array, rows: Ints, columns: Ints) -> Array:
    """Return the entries of a matrix in some rows and columns, chosen by NumPy numbers."""
    if isinstance(matrix, np.ndarray):
        return matrix[np.ix_(rows, columns)]
    xp = namespace(matrix)
    chosen = xp.asarray(columns, device=device_of(matrix))
    return xp.take(take(matrix, rows), chosen, axis=1)


def like(values: Any, array: Array) -> Array:
    """Return NumPy numbers as an array of the library, the device and the type of `array`."""
    if isinstance(array, np.ndarray):
        return np.asarray(values, dtype=array.dtype)
    xp = namespace(array)
    return xp.asarray(np.asarray(values), dtype=array.dtype, device=device_of(array))


def to_numpy(array: Array) -> Any:
    """Bring an array to NumPy, wherever it lies."""
    if isinstance(array, np.ndarray):
        return array
    return np.asarray(on_host(array))
