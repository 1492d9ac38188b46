"""Features kept on disk, found again by the content of everything that decides them."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ..domain._words import short
from ..errors import InputError
from ._candidates import Candidate, Pooling
from ._collect import Extracted
from ._doors import CandidateDoor
from ._identity import fingerprint
from ._probe_rows import Rows

_FORMAT = 1


def features_key(
    candidate: Candidate, published: str | None, rows: Rows, layers: list[str] | None
) -> str | None:
    """Return the name of cached features; ``None`` where the model cannot be told apart.

    Parameters
    ----------
    candidate : Candidate
        With its network loaded.
    published : str, optional
        The published name it was loaded by, which decides its own preprocessing.
    rows : Rows
    layers : list of str, optional
        Those that are taken whatever the candidate says.

    Notes
    -----
    The key holds the hash of the inputs, the content of model and preprocessing (or the
    candidate's ``key``), the layers, head, pooling and seed asked for, and the versions of
    this package and of torch.
    """
    prepared: Any = candidate.preprocess if published is None else ("published", published)
    if candidate.key is not None:
        model: str | None = f"key {candidate.key}"
    else:
        model = fingerprint(candidate.model, prepared)
    if model is None:
        return None
    head = candidate.head if not callable(candidate.head) else "a function of the features"
    pooling: Pooling = candidate.pooling
    parts = [
        _FORMAT, __version__, _torch_version(), rows.inputs_hash, rows.kind, model,
        layers or candidate.layers, head, candidate.classes is not None, pooling, candidate.seed,
    ]  # fmt: skip
    return sha256(json.dumps(parts).encode()).hexdigest()


def _torch_version() -> str:
    from importlib.metadata import version

    return version("torch")


class Cache:
    """A folder of cached features, one ``.npz`` each.

    Parameters
    ----------
    folder : path
        Made if it is not there.

    Notes
    -----
    Files hold arrays and JSON, never pickled objects; they are written beside their place
    and moved there, so that a reader never sees half a file.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"the cache folder {short(str(folder))} cannot be used "
                f"({(error.strerror or 'error').lower()}); give a folder that can be written to"
            ) from None

    def get(self, key: str, rows: Rows, door: CandidateDoor) -> Extracted | None:
        """Return cached features; a damaged file counts as none, with a notice."""
        path = self._path(key)
        if not path.exists():
            return None
        try:
            return _read(path, key, rows.n)
        except Exception:
            door.note(f"has a damaged file {short(path.name)} in the cache: it is computed again")
            return None

    def put(self, key: str, found: Extracted, door: CandidateDoor) -> None:
        """Keep features; a folder that cannot be written to gives a notice."""
        arrays = {f"layer_{i}": values for i, values in enumerate(found.layers.values())}
        if found.head is not None:
            arrays["head"] = found.head
        told = {"key": key, "layers": list(found.layers), "notices": list(found.notices)}
        arrays["told"] = np.frombuffer(json.dumps(told).encode(), dtype=np.uint8)
        try:
            self._write(self._path(key), arrays)
        except OSError as error:
            reason = (error.strerror or "error").lower()
            door.note(f"could not be kept in the cache ({reason}): it is computed again next time")

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"

    def _write(self, path: Path, arrays: dict[str, Any]) -> None:
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **arrays)
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise


def _read(path: Path, key: str, n: int) -> Extracted:
    # opened here, because NumPy leaves a damaged file open
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        told = json.loads(stored["told"].tobytes())
        if told["key"] != key:
            raise ValueError
        names = told["layers"]
        layers = {str(name): stored[f"layer_{i}"] for i, name in enumerate(names)}
        head = stored["head"] if "head" in stored.files else None
    for values in (*layers.values(), *([] if head is None else [head])):
        if values.dtype != np.float32 or values.ndim != 2 or len(values) != n:
            raise ValueError
    if not layers:
        raise ValueError
    return Extracted(layers, head, tuple(map(str, told["notices"])))
