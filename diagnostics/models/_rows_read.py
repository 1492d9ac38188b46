"""What was given, told apart: images, texts or a table."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..domain._column import Column
from ..domain._domain import Domain
from ..domain._door import Door
from ..domain._paths import ending, read_path, refuse_path
from ..domain._read_memory import is_tensor, read_memory, tensor_to_numpy
from ..domain._read_numpy import load_arrays
from ..domain._table import take_label
from ..domain._words import did_you_mean, listing, number_text, short
from ._rows_folder import labels_from_file, read_folder
from ._rows_images import Size, image_array
from ._rows_table import TableRows
from ._rows_texts import text_column, texts
from ._stores import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

IMAGE_ENTRIES = ("X", "x", "images")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user said about the rows."""

    labels: Any
    label: str | None
    kind: Literal["images", "texts", "table"] | None
    text: str | None
    ids: Any
    size: Size | None


@dataclass(frozen=True, slots=True)
class Found:
    """Inputs, and labels and ids as far as they were given with them.

    Labels are `settled` where they are in the form of every domain already, such as the names
    of folders, of which none means "missing".
    """

    kind: Literal["images", "texts", "table"]
    store: Store
    labels: Any
    ids: Any
    settled: bool = False


def read_rows(data: Any, asked: Asked, door: Door) -> Found:
    """Return the rows of whatever was given."""
    if asked.kind not in (None, "images", "texts", "table"):
        raise door.error(
            f"was given the kind {short(asked.kind)}; give 'images', 'texts' or 'table'"
        )
    if isinstance(data, (str, os.PathLike)):
        return _from_path(os.fsdecode(data), asked, door)
    if is_tensor(data):
        data = tensor_to_numpy(data, "the rows", door)
    if isinstance(data, np.ndarray) and _is_images(data, asked):
        return Found("images", image_array(data, asked.size, door), asked.labels, asked.ids)
    words = _as_texts(data, asked)
    if words is not None:
        return Found("texts", texts(words, door), asked.labels, asked.ids)
    if asked.kind == "images":
        raise door.error(
            f"is of type {short(type(data).__name__)}; give images as a folder, or as an array "
            "of shape (rows, height, width, channels)"
        )
    if _wants_texts(asked):
        return _texts_of(read_memory(data, door), asked, door)
    return _table(data, asked, door)


def _wants_texts(asked: Asked) -> bool:
    return asked.kind == "texts" or (asked.kind is None and asked.text is not None)


def _is_images(array: NDArray[Any], asked: Asked) -> bool:
    if asked.kind is not None:
        return asked.kind == "images"
    return array.ndim in (3, 4)


def _as_texts(data: Any, asked: Asked) -> list[Any] | None:
    """Return a list of texts where that is what was given."""
    if asked.kind not in (None, "texts") or hasattr(data, "columns"):
        return None
    if isinstance(data, np.ndarray) and (data.ndim != 1 or data.dtype.kind not in "UOT"):
        return None
    is_series = hasattr(data, "to_list") or hasattr(data, "tolist")
    if not isinstance(data, (list, tuple)) and not is_series:
        return None
    values = list(data)
    given = any(isinstance(v, str) for v in values[:100]) or asked.kind == "texts"
    return values if given else None


def _from_path(path: str, asked: Asked, door: Door) -> Found:
    if "\0" not in path and path.strip() and Path(path).is_dir():
        return _from_folder(Path(path), asked, door)
    known = ending(path)
    refuse_path(path, known, door)
    if known in (".npy", ".npz") and asked.kind in (None, "images"):
        found = _image_file(Path(path), known, asked, door)
        if found is not None:
            return found
    if asked.kind == "images":
        raise door.error(
            f"was given the file {short(path)} as images; give a folder of images, or an .npy or "
            ".npz file with an array of shape (rows, height, width, channels)"
        )
    if _wants_texts(asked):
        return _texts_of(read_path(path, door), asked, door)
    return _table(path, asked, door)


def _from_folder(folder: Path, asked: Asked, door: Door) -> Found:
    if asked.kind not in (None, "images"):
        raise door.error(f"was given the folder {short(str(folder))}; give one file in it")
    given = asked.labels is not None
    found = read_folder(folder, asked.size, given, door)
    labels = asked.labels
    if isinstance(labels, (str, os.PathLike)):
        labels = labels_from_file(os.fsdecode(labels), found.files.names, asked.label, door)
    elif not given:
        labels = found.classes
    ids = found.files.names if asked.ids is None else asked.ids
    return Found("images", found.files, labels, ids, settled=not given)


def _image_file(path: Path, known: str, asked: Asked, door: Door) -> Found | None:
    """Return the images of a NumPy file; ``None`` where it holds a table."""
    if known == ".npy":
        array = _mapped(path, door)
        if not _is_images(array, asked):
            return None
        return Found("images", image_array(array, asked.size, door), asked.labels, asked.ids)
    entries = {str(name): array for name, array in load_arrays(path, door).items()}
    main = _image_entry(entries, asked)
    if main is None:
        return None
    labels, ids = _beside(entries, main, asked, door)
    return Found("images", image_array(entries[main], asked.size, door), labels, ids)


def _mapped(path: Path, door: Door) -> Any:
    """Return the array of an ``.npy`` file, left on the disk where it can be."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception:
        return load_arrays(path, door)[None]  # the reader of tables has the sentence


def _image_entry(entries: dict[str, Any], asked: Asked) -> str | None:
    images = [n for n, a in entries.items() if _is_images(a, asked) and a.ndim in (3, 4)]
    for name in IMAGE_ENTRIES:
        if name in images:
            return name
    return images[0] if len(images) == 1 else None


def _beside(entries: dict[str, Any], main: str, asked: Asked, door: Door) -> tuple[Any, Any]:
    """Return labels and ids from the other entries of an ``.npz``."""
    labels, ids, used = asked.labels, asked.ids, {main}
    wanted = "y" if asked.label is None else asked.label
    if labels is None and wanted in entries:
        labels = entries[wanted]
        used.add(wanted)
    elif asked.label is not None:
        raise door.error(
            f"has no entry {short(wanted)}{did_you_mean(wanted, list(entries))}; give as label "
            f"one of {listing(entries)}"
        )
    if ids is None and "ids" in entries:
        ids = "ids"
    if isinstance(ids, str):
        if ids not in entries:
            raise door.error(
                f"has no entry {short(ids)}{did_you_mean(ids, list(entries))}; give as ids one "
                f"of {listing(entries)}"
            )
        used.add(ids)
        ids = entries[ids]
    if others := [n for n in entries if n not in used]:
        door.note(f"holds entries that are not used: {listing(others)}")
    return labels, ids


def _texts_of(table: Any, asked: Asked, door: Door) -> Found:
    """Return the texts of one column, and labels and ids of others."""
    labels, ids = asked.labels, asked.ids
    if asked.label is not None:
        labels, _ = take_label(table, asked.label, False, door)
    if isinstance(ids, str):
        ids = take_label(table, ids, False, door)[0].to_pylist()
    store = texts(text_column(table, asked.text, door), door)
    if hasattr(labels, "to_pylist"):
        labels = labels.to_pylist()
    return Found("texts", store, labels, ids)


def _table(data: Any, asked: Asked, door: Door) -> Found:
    domain = Domain.load(data, label=asked.label, y=asked.labels, name=door.name)
    door.notices.extend(domain.notices)
    columns, ids = domain.columns, asked.ids
    if isinstance(ids, str):
        names = [c.name for c in columns]
        if ids not in names:
            raise door.error(
                f"has no column {short(ids)}{did_you_mean(ids, names)}; give as ids one of its "
                f"columns: {listing(names, 20)}"
            )
        ids = _spelled(columns[names.index(ids)])
        columns = tuple(c for c in columns if c.name != asked.ids)
    if not columns:
        raise door.error("has no feature columns beside its ids; give at least one feature")
    return Found("table", TableRows(domain, columns), domain.labels, ids, settled=True)


def _spelled(column: Column) -> list[str]:
    if column.kind == "categorical":
        return [str(v) for v in column.values]
    return [number_text(v) if np.isfinite(v) else "" for v in column.values]
