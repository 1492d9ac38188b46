"""Paths: what may be opened, and by which reader."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from ._door import Door
from ._read_csv import read_csv
from ._read_numpy import read_npy, read_npz
from ._read_parquet import read_parquet
from ._table import Table
from ._words import short

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:[/\\]{1,2}")
_PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt")

_READERS: dict[str, Callable[[Path, Door], Table]] = {
    ".csv": read_csv,
    ".csv.gz": read_csv,
    ".tsv": read_csv,
    ".tsv.gz": read_csv,
    ".parquet": read_parquet,
    ".npy": read_npy,
    ".npz": read_npz,
}


def ending(path: str) -> str | None:
    """Return the known ending of a path, longest first, whatever its case."""
    lowered = path.lower()
    known = [e for e in _READERS if lowered.endswith(e)]
    return max(known, key=len) if known else None


def stem(path: str) -> str:
    """Return the file's name without folder and ending."""
    name = re.split(r"[/\\]", path.rstrip("/\\"))[-1]
    known = ending(name)
    return name[: -len(known)] if known and len(name) > len(known) else name or path


def read_path(path: str, door: Door) -> Table:
    """Read a local file; never a network address, never a pickle."""
    known = ending(path)
    refuse_path(path, known, door)
    assert known is not None
    try:
        return _READERS[known](Path(path), door)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise door.error(
            f"cannot be read from {short(path)} ({reason}); check the file and its access rights"
        ) from None


def refuse_path(path: str, known: str | None, door: Door) -> None:
    """Refuse, in one sentence, a path that no reader can open."""
    if not path.strip():
        raise door.error("was given an empty path; give a file")
    if _URL.match(path):
        raise door.error(
            f"was given the address {short(path)}; nothing is read over the network: "
            "download it and give the path of the local file"
        )
    if "\0" in path:
        raise door.error(f"was given the path {short(path)} with a NUL character; correct the path")
    file = Path(path)
    try:
        exists, folder, regular = file.exists(), file.is_dir(), file.is_file()
        empty = regular and file.stat().st_size == 0
    except OSError as error:
        raise door.error(
            f"was given the path {short(path)}, which cannot be opened "
            f"({short((error.strerror or 'error').lower())}); check the path"
        ) from None
    if not exists:
        raise door.error(f"was given the file {short(path)}, which does not exist; check the path")
    if folder:
        raise door.error(f"was given the folder {short(path)}; give one file in it")
    if not regular:
        raise door.error(f"was given {short(path)}, which is not a regular file; give a file")
    if known is None:
        raise door.error(_unsupported(path))
    if empty:
        raise door.error(f"was given the file {short(path)}, which is empty; give a file with data")


def _unsupported(path: str) -> str:
    what = Path(path).suffix
    readable = ".csv, .tsv (also .gz), .parquet, .npy or .npz"
    if what.lower() in _PICKLES:
        return (
            f"was given the file {short(path)}: {short(what)} files are never opened, because "
            f"opening one can run any code; save the data as {readable}"
        )
    shown = f"the ending {short(what)} is not one of them" if what else "it has no ending"
    return f"was given the file {short(path)}; files are read as {readable}: {shown}"
