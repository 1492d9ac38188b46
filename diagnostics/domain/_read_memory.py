"""Data in memory: tables through narwhals, arrays, tensors, mappings of columns."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from ._door import Door
from ._objects import complex_numbers, from_objects
from ._read_numpy import from_array, label_array, to_arrow
from ._table import Table, check_names
from ._words import listing, short


def read_memory(data: Any, door: Door) -> Table:
    """Return the columns of a table, array, tensor or mapping."""
    if is_tensor(data):
        return from_array(tensor_to_numpy(data, "the data", door), "tensor", door)
    if isinstance(data, np.ndarray):
        return from_array(data, "array", door)
    if isinstance(data, Mapping):
        return _from_mapping(data, door)
    return _from_frame(data, door)


def read_labels(y: Any, name: str, door: Door) -> Any:
    """Return labels given as an argument as an arrow array."""
    if is_tensor(y):
        return label_array(tensor_to_numpy(y, name, door), name, door)
    if isinstance(y, np.ndarray):
        return label_array(y, name, door)
    return _sequence(y, name, door)


def is_tensor(value: Any) -> bool:
    """Tell a torch tensor without importing torch: where there is one, it is loaded."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def tensor_to_numpy(tensor: Any, name: str, door: Door) -> Any:
    """Return a tensor's values, from whatever device and precision."""
    torch = sys.modules["torch"]
    if tensor.is_complex():
        raise door.error(complex_numbers(name))
    if tensor.layout is not torch.strided:
        raise door.error(f"is a sparse tensor ({short(name)}); give a dense one with to_dense()")
    plain = tensor.detach().cpu()
    if plain.is_floating_point():
        plain = plain.to(torch.float64)  # NumPy knows no bfloat16
    return plain.numpy()


def _from_mapping(data: Mapping[Any, Any], door: Door) -> Table:
    names = [str(k) for k in data]
    columns = [_sequence(v, n, door) for n, v in zip(names, data.values(), strict=True)]
    return Table("table", names, columns)


def _sequence(values: Any, name: str, door: Door) -> Any:
    """Return one column given as list, array, series or tensor as an arrow array."""
    if is_tensor(values):
        values = tensor_to_numpy(values, name, door)
    if isinstance(values, np.ndarray):
        if values.ndim != 1 or values.dtype.names is not None:
            raise door.error(
                f"has values of shape {values.shape} in {short(name)}; give one value per row"
            )
        return to_arrow(values, name, door)
    if isinstance(values, (list, tuple, range)):
        return from_objects(values, name, door)
    return _series(values, name, door)


def _series(values: Any, name: str, door: Door) -> Any:
    import narwhals as nw

    try:
        series = nw.from_native(values, series_only=True)
    except TypeError:
        plain = isinstance(values, (str, bytes, Mapping, set)) or not hasattr(values, "__iter__")
        if plain or hasattr(values, "columns"):
            raise door.error(
                f"has {short(type(values).__name__)} as {short(name)}; "
                "give a list, array or series with one value per row"
            ) from None
        if hasattr(values, "to_pylist"):  # a bare pyarrow.Array
            return values
        return from_objects(list(values), name, door)
    return _arrow(series, name, door)


def _from_frame(data: Any, door: Door) -> Table:
    import narwhals as nw

    frame: Any
    check_names(getattr(data, "column_names", ["-"]), door)  # narwhals would refuse first
    try:
        frame = nw.from_native(_plain_pandas(data, door))
    except TypeError:
        raise door.error(_unknown(data)) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    names = [str(n) for n in frame.columns]
    check_names(names, door)
    return Table(
        "table",
        names,
        [_arrow(s, n, door) for n, s in zip(names, frame.iter_columns(), strict=True)],
    )


def _arrow(series: Any, name: str, door: Door) -> Any:
    import narwhals as nw
    import pyarrow as pa

    if series.dtype in (nw.Object, nw.Unknown):
        return from_objects(series.to_list(), name, door)
    try:
        array = series.to_arrow()
    except (pa.ArrowException, TypeError, ValueError, NotImplementedError):
        return from_objects(series.to_list(), name, door)
    if pa.types.is_dictionary(array.type) and isinstance(array.type.value_type, pa.ExtensionType):
        return from_objects(series.to_list(), name, door)  # categories of intervals
    return array


def _plain_pandas(data: Any, door: Door) -> Any:
    """Return a pandas frame with text names and no index worth keeping; else `data`."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(data, pandas.DataFrame):
        return data
    if data.columns.nlevels > 1:
        raise door.error(
            f"has {data.columns.nlevels} levels of column names; "
            "flatten them to one name per column"
        )
    if not isinstance(data.index, pandas.RangeIndex):
        named = listing(n for n in data.index.names if n is not None)
        door.note(
            f"has a pandas index{f' ({named})' if named else ''}, which is left out; "
            "reset_index() makes it a column"
        )
    names = [str(c) for c in data.columns]
    check_names(names, door)
    return data.set_axis(names, axis=1)


def _unknown(data: Any) -> str:
    what = type(data).__name__
    expected = "a path, a table (pandas, polars, pyarrow), a 2-D array, a tensor or a mapping"
    if hasattr(data, "toarray"):
        return f"is a sparse matrix ({short(what)}); give a dense array with toarray()"
    if isinstance(data, (list, tuple)):
        return f"is a {what}; give {expected} (numpy.asarray makes an array of rows)"
    if hasattr(data, "to_frame"):
        return f"is a single series; give {expected} (to_frame() makes a table of it)"
    return f"is of type {short(what)}; give {expected}"
