"""NumPy files and arrays; pickled objects are never opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ._door import Door
from ._objects import complex_numbers, from_objects
from ._table import Table
from ._words import count, listing, short

_OWN = ("X", "y", "feature_names")


def read_npy(path: Path, door: Door) -> Table:
    """Read one 2-D array."""
    arrays = load_arrays(path, door)
    if None not in arrays:
        raise door.error(
            f"was given {short(path.name)}, which holds several arrays; rename it to .npz"
        )
    return from_array(arrays[None], "npy", door)


def read_npz(path: Path, door: Door) -> Table:
    """Read the arrays ``X``, ``y`` and ``feature_names``, or a single 2-D array.

    Further one-dimensional arrays can serve as labels (`Table.entries`).
    """
    arrays = load_arrays(path, door)
    if None in arrays:
        raise door.error(
            f"was given {short(path.name)}, which holds a single array; rename it to .npy"
        )
    entries = {str(name): array for name, array in arrays.items()}
    main = "X" if "X" in entries else _only_matrix(entries, door)
    table = from_array(entries[main], "npz", door, names=entries.get("feature_names"))
    table.entries = {n: a for n, a in entries.items() if n not in (main, "feature_names")}
    return table


def pick_npz_label(table: Table, label: str | None, given: bool, door: Door) -> None:
    """Settle which entry of an ``npz`` holds the labels: the one named, or ``y``."""
    wanted = "y" if label is None else label
    if not given and wanted in table.entries and label not in table.names:
        table.y, table.y_name = label_array(table.entries.pop(wanted), wanted, door), wanted
        check_length(table, door)
    if table.entries:
        door.note(f"holds entries that are not used: {listing(table.entries)}")


def check_length(table: Table, door: Door) -> None:
    """Refuse labels of another length than the rows."""
    n = len(table.arrays[0]) if table.arrays else 0
    if table.y is not None and len(table.y) != n:
        raise door.error(
            f"has {count(n, 'row')} but {count(len(table.y), 'label')} in "
            f"{short(table.y_name or 'y')}; give one label per row"
        )


def from_array(array: Any, kind: str, door: Door, names: Any = None) -> Table:
    """Return the columns of a 2-D array, named x0, x1, ... unless names are given."""
    if not isinstance(array, np.ma.MaskedArray):
        array = np.asarray(array)  # a numpy.matrix has no 1-D columns
    if array.dtype.names is not None:
        raise door.error(
            "is a structured array; give a 2-D array, or a pandas data frame made from it"
        )
    if array.ndim != 2:
        raise door.error(
            f"is an array of shape {array.shape}; give a 2-D array of shape (rows, features)"
            + (" (reshape(-1, 1) makes one column)" if array.ndim == 1 else "")
        )
    named = _feature_names(names, array.shape[1], door)
    return Table(kind, named, [to_arrow(array[:, i], n, door) for i, n in enumerate(named)])


def to_arrow(values: Any, name: str, door: Door) -> Any:
    """Return a 1-D NumPy array as an arrow array."""
    import pyarrow as pa

    kind = values.dtype.kind
    if kind == "c":
        raise door.error(complex_numbers(name))
    if isinstance(values, np.ma.MaskedArray):
        return from_objects(values.tolist(), name, door)
    if kind in "OSUV" or kind == "m":
        return from_objects(values.tolist() if kind != "m" else list(values), name, door)
    if kind == "M":
        return from_objects(list(values.astype("datetime64[us]")), name, door)
    if kind == "f":
        with np.errstate(over="ignore"):  # a long double beyond float64 is refused as infinite
            return pa.array(np.ascontiguousarray(values, dtype=np.float64))
    return pa.array(np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("=")))


def label_array(values: Any, name: str, door: Door) -> Any:
    """Return labels that came as an array of their own as an arrow array."""
    if values.dtype.names is not None or values.ndim != 1:
        raise door.error(
            f"has labels {short(name)} of shape {values.shape}; give a 1-D array, one label per row"
            + (" (ravel() makes it one)" if values.ndim == 2 and 1 in values.shape else "")
        )
    return to_arrow(values, name, door)


def _feature_names(names: Any, n: int, door: Door) -> list[str]:
    if names is None:
        return [f"x{i}" for i in range(n)]
    named = [str(v) for v in np.ravel(names)]
    if len(named) != n:
        raise door.error(
            f"has {count(len(named), 'entry', 'entries')} in 'feature_names' but "
            f"{count(n, 'column')} in 'X'; give one name per column"
        )
    return named


def load_arrays(path: Path, door: Door) -> dict[str | None, Any]:
    """Return every array of a file by name; ``None`` names the one array of an ``npy``."""
    entry: str | None = None
    with path.open("rb") as file:
        try:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {None: loaded}
            arrays: dict[str | None, Any] = {}
            for entry in loaded.files:
                arrays[entry] = loaded[entry]
            return arrays
        except Exception as error:
            raise _broken(path, error, door, entry) from None


def _broken(path: Path, error: Exception, door: Door, entry: str | None) -> InputError:
    """Return the sentence for a pickle, or for a damaged file."""
    where = "" if entry is None else f" in entry {short(entry)}"
    with path.open("rb") as file:
        start = file.read(6)
    # anything that is no archive is taken for a pickle by NumPy, even plain text
    archive = path.suffix.lower() == ".npz" and start.startswith((b"PK", b"\x80"))
    real = archive or start == b"\x93NUMPY"
    if real and isinstance(error, ValueError) and "allow_pickle" in str(error):
        return door.error(
            f"holds pickled objects{where} of {short(path.name)}, which are never opened, because "
            "opening them can run any code; save numbers, or text with astype(str)"
        )
    return door.error(
        f"cannot be read from {short(path.name)}{where}: the file is no NumPy file or is damaged; "
        "write it again with numpy.save or numpy.savez"
    )


def _only_matrix(entries: dict[str, Any], door: Door) -> str:
    matrices = [n for n, a in entries.items() if a.ndim == 2 and n not in _OWN]
    if len(matrices) == 1:
        return matrices[0]
    raise door.error(
        f"has no entry 'X' among {listing(entries) or 'no entries'}; "
        "save the features as X, with numpy.savez(path, X=..., y=...)"
    )
