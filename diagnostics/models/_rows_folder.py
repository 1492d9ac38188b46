"""A folder of images: one sub-folder for each class, or flat with labels beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain._door import Door
from ..domain._paths import read_path
from ..domain._table import take_label
from ..domain._words import count, listing, short
from ._rows_images import ImageFiles, Size, common_size, image_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENDINGS = (
    ".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ImageFolder:
    """The files of a folder, and the classes their sub-folders tell."""

    files: ImageFiles
    classes: NDArray[Any] | None


def read_folder(folder: Path, size: Size | None, flat: bool, door: Door) -> ImageFolder:
    """Find the images of a folder, in the order of their names.

    Parameters
    ----------
    folder : Path
    size : tuple of int, optional
        Height and width all images are brought to.
    flat : bool
        Whether labels are given beside, so that sub-folders tell nothing.
    door : Door
    """
    paths = _images(folder, door)
    inside = [path.relative_to(folder).parts for path in paths]
    names = tuple(_printable("/".join(parts)) for parts in inside)
    classes = None if flat else _classes(inside, folder, door)
    sizes = {image_size(path, name, door) for path, name in zip(paths, names, strict=True)}
    files = ImageFiles(tuple(paths), names, common_size(sizes, size, door), door)
    return ImageFolder(files, classes)


def _images(folder: Path, door: Door) -> list[Path]:
    try:
        every = sorted(
            Path(here) / name
            for here, folders, names in os.walk(folder, onerror=_raise)
            for name in names
            if not name.startswith(".")
        )
    except OSError as error:
        raise door.error(
            f"was given the folder {short(str(folder))}, which cannot be read "
            f"({(error.strerror or 'error').lower()}); check its access rights"
        ) from None
    found = [path for path in every if path.suffix.lower() in ENDINGS]
    if not found:
        more = f" (it holds {count(len(every), 'other file')})" if every else ""
        raise door.error(
            f"was given the folder {short(str(folder))}, which holds no images{more}; give a "
            f"folder of {', '.join(ENDINGS)} files"
        )
    others = [path.name for path in every if path.suffix.lower() not in ENDINGS]
    if others:
        door.note(f"holds {count(len(others), 'file')} that are no images: {listing(others, 3)}")
    return found


def _raise(error: OSError) -> None:
    raise error


def _printable(name: str) -> str:
    # a file name that is not UTF-8 comes with lone surrogates, which no output could hold
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _classes(inside: list[tuple[str, ...]], folder: Path, door: Door) -> NDArray[Any] | None:
    """Return the class of each image, or ``None`` for a flat folder."""
    loose = [parts[0] for parts in inside if len(parts) == 1]
    if len(loose) == len(inside):
        return None
    if loose:
        raise door.error(
            f"was given the folder {short(str(folder))}, which holds images (such as "
            f"{short(loose[0])}) beside sub-folders with images; move every image into the "
            "sub-folder of its class"
        )
    words = [_printable(parts[0]) for parts in inside]
    if len(set(words)) == 1:
        raise door.error(
            f"was given the folder {short(str(folder))}, whose images all lie in the one "
            f"sub-folder {short(words[0])}; give one sub-folder for each of two or more classes, "
            "or labels beside"
        )
    return np.array([*words, None], dtype=object)[:-1]


def labels_from_file(path: str, names: tuple[str, ...], label: str | None, door: Door) -> list[Any]:
    """Return the label of each image from a table with a column of file names.

    The column of file names is the first in which a file of the folder is named, with or
    without its ending.
    """
    table = read_path(path, door)
    wanted = label
    if wanted is None and table.y is None:
        wanted = _only_other(table, names, path, door)
    found, _ = take_label(table, wanted, False, door)
    column = _file_column(table, names)
    if column is None:
        raise door.error(
            f"was given labels in {short(path)}, in which no column names an image such as "
            f"{short(names[0])}; add a column with the file names"
        )
    return _joined(column, found.to_pylist(), names, path, door)


def _only_other(table: Any, names: tuple[str, ...], path: str, door: Door) -> str:
    texts = [n for n in table.names if _file_column(table, names, [n]) is None]
    if len(texts) != 1:
        raise door.error(
            f"was given labels in {short(path)} with the columns {listing(table.names)}; say "
            "which one is the label"
        )
    return str(texts[0])


def _file_column(
    table: Any, names: tuple[str, ...], among: list[str] | None = None
) -> list[str] | None:
    known = _spellings(names)
    for name, array in zip(table.names, table.arrays, strict=True):
        if among is None or name in among:
            values = [str(v).strip().replace("\\", "/") for v in array.to_pylist()]
            if any(v in known for v in values):
                return values
    return None


def _spellings(names: tuple[str, ...]) -> dict[str, int]:
    """Return where each image stands by its name, its path and both without the ending."""
    found: dict[str, int] = {}
    for i, name in reversed(list(enumerate(names))):
        last = name.rpartition("/")[2]
        for word in (last.rpartition(".")[0], last, name.rpartition(".")[0], name):
            found[word] = i
    return found


def _joined(
    column: list[str], labels: list[Any], names: tuple[str, ...], path: str, door: Door
) -> list[Any]:
    known = _spellings(names)
    unknown = [word for word in column if word not in known]
    if unknown:
        raise door.error(
            f"was given labels in {short(path)} for {count(len(unknown), 'image')} that the "
            f"folder does not hold, such as {short(unknown[0])}; correct the names"
        )
    out: list[Any] = [None] * len(names)
    for word, label in zip(column, labels, strict=True):
        out[known[word]] = label
    return out
