"""Features that were saved before: one array for each layer, and what came with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain._paths import ending, refuse_path
from ..domain._read_numpy import load_arrays
from ..domain._read_parquet import read_parquet
from ..domain._words import count, did_you_mean, listing, short
from ._doors import CandidateDoor

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOURCE = "source_features"
_OWN = ("y", "ids", "probs", "classes", "source_labels")
_PROBS = "probs_"
ONLY = "features"


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """The content of a file of features.

    Attributes
    ----------
    layers, source_layers : dict of str to ndarray of shape (n, d)
        In the order of the file.
    y, ids, source_labels : ndarray or None
    probs : ndarray of shape (n, k) or None
        Probabilities of the source's classes.
    classes : tuple of str or None
    """

    layers: dict[str, NDArray[np.float32]]
    source_layers: dict[str, NDArray[np.float32]]
    y: NDArray[Any] | None
    ids: NDArray[Any] | None
    probs: NDArray[np.float32] | None
    classes: tuple[str, ...] | None
    source_labels: NDArray[Any] | None

    @property
    def n(self) -> int:
        """How many rows the features have."""
        return len(next(iter(self.layers.values())))


def read_features(path: str, wanted: tuple[str, ...] | None, door: CandidateDoor) -> Saved:
    """Read a file of features.

    Parameters
    ----------
    path : str
        ``.npy``: one array of shape (n, d).  ``.npz``: one such array for each layer, and
        optionally ``y``, ``ids``, ``probs`` with ``classes``, ``source_labels``, and
        ``source_features`` (of the only layer) or ``source_features_LAYER``.  ``.parquet``:
        number columns are one layer, a column of equally long lists is a layer of its own;
        columns ``y``, ``ids`` and ``probs_CLASS`` may stand beside.
    wanted : tuple of str, optional
        Keep these layers only, in this order.
    door : CandidateDoor
    """
    refuse_path(path, ending(path), door)
    try:
        arrays = _entries(Path(path), door)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise door.error(
            f"cannot be read from {short(path)} ({reason}); check the file and its access rights"
        ) from None
    own = {name: arrays.pop(name) for name in _OWN if name in arrays}
    sources = {n: arrays.pop(n) for n in list(arrays) if n == SOURCE or _of_source(n)}
    layers = _layers(arrays, door)
    if wanted is not None:
        layers = _picked(layers, wanted, door)
    probs = None if "probs" not in own else _matrix("probs", own["probs"], door)
    classes = None if "classes" not in own else tuple(map(str, np.ravel(own["classes"])))
    saved = Saved(
        layers, _source_layers(sources, layers, door), own.get("y"), own.get("ids"), probs,
        classes, own.get("source_labels"),
    )  # fmt: skip
    _check_lengths(saved, door)
    return saved


def _of_source(name: str) -> bool:
    return name.startswith((f"{SOURCE}_", f"{SOURCE}.", f"{SOURCE}/"))


def _entries(path: Path, door: CandidateDoor) -> dict[str, Any]:
    if path.suffix.lower() == ".parquet":
        return _from_parquet(path, door)
    arrays = load_arrays(path, door)
    return {ONLY if name is None else str(name): array for name, array in arrays.items()}


def _from_parquet(path: Path, door: CandidateDoor) -> dict[str, Any]:
    import pyarrow as pa

    found: dict[str, Any] = {}
    numbers: list[Any] = []
    probs: dict[str, Any] = {}
    table = read_parquet(path, door)
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    for name, column in zip(table.names, table.arrays, strict=True):
        kind = column.type
        if name in _OWN:
            found[name] = np.asarray(column.to_pylist())
        elif any(is_kind(kind) for is_kind in lists):
            found[name] = _lists(name, column.to_pylist(), door)
        elif not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
            door.note_column(name, f"holds {kind} and is left out")
        elif name.startswith(_PROBS):
            probs[name.removeprefix(_PROBS)] = column.to_numpy()
        else:
            numbers.append(column.to_numpy())
    if numbers:
        found[ONLY] = np.stack(numbers, axis=1)
    if probs:
        found["probs"], found["classes"] = np.stack(list(probs.values()), 1), list(probs)
    return found


def _lists(name: str, values: list[Any], door: CandidateDoor) -> NDArray[np.float32]:
    lengths = {len(v) if v is not None else -1 for v in values}
    if len(lengths) != 1 or -1 in lengths:
        raise door.error(
            f"has lists of different lengths in column {short(name)}; give each row as many numbers"
        )
    try:
        return np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        raise door.error(f"has lists in column {short(name)} that hold no plain numbers") from None


def _layers(arrays: dict[str, Any], door: CandidateDoor) -> dict[str, NDArray[np.float32]]:
    flat = [name for name, array in arrays.items() if np.ndim(array) < 2]
    layers = {n: _matrix(n, array, door) for n, array in arrays.items() if n not in flat}
    if not layers:
        more = f" (only {listing(flat)})" if flat else ""
        raise door.error(
            f"holds no features{more}; save one array of shape (rows, columns) for each layer"
        )
    if flat:
        door.note(f"holds entries that are not used: {listing(flat)}")
    return layers


def _matrix(name: str, array: Any, door: CandidateDoor) -> NDArray[np.float32]:
    """Return finite float32 numbers of shape (n, d)."""
    array = np.asarray(array)
    if array.dtype.names is not None or array.dtype.kind not in "biuf":
        raise door.error(
            f"has the entry {short(name)} of type {short(str(array.dtype))}; save features as "
            "numbers"
        )
    if array.ndim != 2 or 0 in array.shape:
        raise door.error(
            f"has the entry {short(name)} of shape {array.shape}; save features of shape (rows, "
            "columns), averaged over places or tokens"
        )
    with np.errstate(over="ignore"):
        values: NDArray[np.float32] = array.astype(np.float32)
    wrong = int((~np.isfinite(values)).any(axis=1).sum())
    if wrong:
        raise door.error(
            f"has NaN or infinite values in the entry {short(name)}, in {count(wrong, 'row')}; "
            "repair them where they were computed"
        )
    return values


def _picked(
    layers: dict[str, NDArray[np.float32]], wanted: tuple[str, ...], door: CandidateDoor
) -> dict[str, NDArray[np.float32]]:
    for name in wanted:
        if name not in layers:
            raise door.error(
                f"has no layer {short(name)}{did_you_mean(name, list(layers))}; it holds "
                f"{listing(layers)}"
            )
    return {name: layers[name] for name in wanted}


def _source_layers(
    sources: dict[str, Any], layers: dict[str, Any], door: CandidateDoor
) -> dict[str, NDArray[np.float32]]:
    found: dict[str, NDArray[np.float32]] = {}
    for entry, array in sources.items():
        layer = entry[len(SOURCE) + 1 :] if entry != SOURCE else next(iter(layers))
        if entry == SOURCE and len(layers) > 1:
            raise door.error(
                f"holds {len(layers)} layers and {SOURCE!r} without saying of which; name it "
                f"{SOURCE}_{next(iter(layers))} and so on"
            )
        if layer not in layers:
            door.note(f"holds {short(entry)} of a layer that is not used")
            continue
        found[layer] = values = _matrix(entry, array, door)
        if values.shape[1] != layers[layer].shape[1]:
            raise door.error(
                f"has {count(values.shape[1], 'column')} in {short(entry)} but "
                f"{layers[layer].shape[1]:,} in the layer {short(layer)}; save the same features"
            )
    return {name: found[name] for name in layers if name in found}


def _check_lengths(saved: Saved, door: CandidateDoor) -> None:
    n = saved.n
    beside = {"y": saved.y, "ids": saved.ids, "probs": saved.probs}
    _equal({**saved.layers, **beside}, n, next(iter(saved.layers)), door)
    if saved.source_layers:
        first = next(iter(saved.source_layers))
        m = len(saved.source_layers[first])
        named = {f"{SOURCE} of {k}": v for k, v in saved.source_layers.items()}
        _equal({**named, "source_labels": saved.source_labels}, m, f"{SOURCE} of {first}", door)
    elif saved.source_labels is not None:
        door.note("holds 'source_labels' without source features: they are not used")


def _equal(arrays: dict[str, Any], n: int, first: str, door: CandidateDoor) -> None:
    for name, array in arrays.items():
        if array is None:
            continue
        flat = name in ("y", "ids", "source_labels")
        if (flat and np.ndim(array) != 1) or len(array) != n:
            raise door.error(
                f"has the entry {short(name)} of shape {np.shape(array)} but "
                f"{count(n, 'row')} in {short(first)}; save one entry for each row"
            )
