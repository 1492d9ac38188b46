"""The one door: a domain is read here and nowhere else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._column import Column, content_hash
from ._door import Door
from ._kinds import read_column
from ._paths import read_path, stem
from ._read_memory import read_labels, read_memory
from ._read_numpy import check_length, pick_npz_label
from ._table import Table, check_shape, take_label
from ._words import count, short

if TYPE_CHECKING:
    from numpy.typing import NDArray


LARGEST = 1e302
"""Larger numbers are refused like infinite ones: a million of them add up to infinity."""


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """One side of a transfer: typed feature columns, labels, and what was noticed.

    Attributes
    ----------
    name : str
        How the domain is called in sentences.
    kind : str
        What was read: csv, parquet, npz, npy, table, array, tensor.
    columns : tuple of Column
        The features in the order given; the label is not among them.
    labels : ndarray of shape (n_rows,) or None
        As read: float64 with NaN, or an object array of ``str`` and ``None``.
    label_name : str or None
    n_rows : int
    content_hash : str
        SHA-256 of columns and labels, whatever they were read from.
    notices : tuple of str
        Everything that was decided or left out while reading.
    """

    name: str
    kind: str
    columns: tuple[Column, ...]
    labels: NDArray[Any] | None
    label_name: str | None
    n_rows: int
    content_hash: str
    notices: tuple[str, ...]

    def __repr__(self) -> str:
        label = "no label" if self.label_name is None else f"label {short(self.label_name)}"
        return (
            f"Domain({short(self.name)}, {self.kind}, {self.n_rows} x {len(self.columns)}, {label})"
        )

    @classmethod
    def load(
        cls,
        data: Any,
        *,
        label: str | None = None,
        y: Any = None,
        name: str | None = None,
        label_optional: bool = False,
    ) -> Domain:
        """Read a domain from a file, table, array, tensor or mapping.

        Parameters
        ----------
        data : path, table, array, tensor, mapping or Domain
            ``.csv``, ``.tsv`` (also ``.gz``), ``.parquet``, ``.npy``, ``.npz``; a pandas,
            polars or pyarrow table; a 2-D array or tensor, whose columns are named
            ``x0, x1, ...``; a mapping of names to sequences.  A `Domain` is returned as is.
        label : str, optional
            The label column, or the label's entry of an ``.npz`` (there ``y`` by default).
        y : array_like of shape (n_rows,), optional
            Labels beside the data, as for arrays.
        name : str, optional
            How to call the domain; by default the file's name, or its kind.
        label_optional : bool
            Whether a missing label column gives a notice instead of an error.

        Raises
        ------
        InputError
            With one sentence: what was given, what was expected, what to do.

        Notes
        -----
        Missing are empty values, NaN and the words `MISSING_WORDS`.  Text is read as numbers
        if all of it is, as booleans for true/false and yes/no, as dates if at least 95 % are
        ISO dates, and as categories otherwise.

        Examples
        --------
        >>> Domain.load({"age": [30, 41], "y": ["no", "yes"]}, label="y", name="shop")
        Domain('shop', table, 2 x 1, label 'y')
        """
        if isinstance(data, Domain):
            return data
        path = os.fspath(data) if isinstance(data, (str, os.PathLike)) else None
        door = Door(_called(name, path, data))
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if label is not None and not isinstance(label, str):
            raise door.error(f"was given {short(label)} as label; give the column's name as text")
        table = read_path(path, door) if path is not None else read_memory(data, door)
        check_shape(table, door)
        _add_labels(table, label, y, door)
        found, label_name = take_label(table, label, label_optional, door)
        if not table.names:
            raise door.error(
                f"has no feature columns, only the label {short(label_name)}; "
                "give at least one feature"
            )
        columns = tuple(
            read_column(n, a, door) for n, a in zip(table.names, table.arrays, strict=True)
        )
        _check_values(columns, door)
        labels = None if found is None else _labels(found, label_name or "y", door)
        return cls(
            name=door.name,
            kind=table.kind,
            columns=columns,
            labels=labels,
            label_name=label_name,
            n_rows=len(columns[0].values),
            content_hash=content_hash(columns, labels, label_name),
            notices=tuple(door.notices),
        )


def _called(name: str | None, path: Any, data: Any) -> str:
    if name is None:
        name = stem(os.fsdecode(path)) if path is not None else type(data).__name__
    # a file name that is not UTF-8 comes with lone surrogates, which no output could hold
    return str(name).encode("utf-8", "backslashreplace").decode("utf-8")


def _add_labels(table: Table, label: str | None, y: Any, door: Door) -> None:
    """Put labels that came beside the columns into the table."""
    if table.kind == "npz":
        pick_npz_label(table, label, y is not None, door)
    if y is None:
        return
    if label is not None and label in table.names:
        raise door.error(
            f"was given labels twice: as `y` and as the column {short(label)}; give one of them"
        )
    table.y_name = label if label is not None else "y"
    table.y = read_labels(y, table.y_name, door)
    check_length(table, door)


def _too_large(column: Column) -> int:
    """Return how many numbers are infinite, or so large that a sum of them would be."""
    if column.kind == "categorical":
        return 0
    return int((np.abs(column.values) > LARGEST).sum())


def _too_large_words(n: int, column: Column) -> str:
    if np.isinf(column.values).any():
        return count(int(np.isinf(column.values).sum()), "infinite value")
    return f"{count(n, 'value')} beyond {LARGEST:g} (perhaps a code for missing)"


def _check_values(columns: tuple[Column, ...], door: Door) -> None:
    """Refuse infinite values, and data that is all missing."""
    infinite = [(c, n) for c in columns if (n := _too_large(c))]
    if infinite:
        column, n = infinite[0]
        more = f" (and in {count(len(infinite) - 1, 'more column', 'more columns')})"
        raise door.error(
            f"has {_too_large_words(n, column)} in column {short(column.name)}"
            f"{more if len(infinite) > 1 else ''}; replace them by a number or leave them empty"
        )
    if all(c.missing.all() for c in columns):
        raise door.error(
            f"has no value in any of its {count(len(columns), 'feature column')}: all are missing; "
            "check how the data were written"
        )


def _labels(array: Any, name: str, door: Door) -> NDArray[Any]:
    column = read_column(name, array, door, as_label=True)
    if column.kind == "date":
        raise door.error(
            f"has dates in its label column {short(name)}; give classes, or a quantity as numbers"
        )
    if n := _too_large(column):
        raise door.error(
            f"has {_too_large_words(n, column)} in its label column {short(name)}; "
            "replace them by a number or leave them empty"
        )
    gone = int(column.missing.sum())
    if gone:
        door.note(f"has {count(gone, 'row')} of {len(column.values):,} without a label")
    return column.values
