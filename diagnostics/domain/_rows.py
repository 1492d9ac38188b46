"""Which rows are the same: within a domain, and across the two."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._pair import PairedColumn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]


def row_hashes(columns: Sequence[PairedColumn]) -> tuple[Hashes, Hashes]:
    """Return a 64-bit hash of every row of both sides; missing equals missing.

    With n rows two different rows collide with probability below n^2 / 2^64.
    """
    return (
        _rows([(c.name, c.source) for c in columns]),
        _rows([(c.name, c.target) for c in columns]),
    )


def with_label(rows: Hashes, y: NDArray[Any]) -> Hashes:
    """Return the hashes of rows together with their labels."""
    return _mix(rows ^ _hash("label", y))


def groups(rows: Hashes) -> NDArray[np.int64]:
    """Return ids of identical rows, numbered by first appearance."""
    return number_by_appearance(rows)


def number_by_appearance(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the same number for equal values: 0 for the first to appear, then 1, and so on."""
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.reshape(-1)]


def shared_rows(
    here: Hashes,
    here_y: NDArray[Any],
    here_labelled: NDArray[np.bool_],
    there: Hashes,
    there_y: NDArray[Any],
    there_labelled: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return which rows here also stand there.

    Features must agree, and labels where both rows have one: an unlabelled row is taken to
    be the same as any row with its features.
    """
    same = np.isin(with_label(here, here_y), with_label(there, there_y)[there_labelled])
    same &= here_labelled
    same |= ~here_labelled & np.isin(here, there)
    same |= np.isin(here, there[~there_labelled])
    return same


def _rows(columns: Sequence[tuple[str, NDArray[Any]]]) -> Hashes:
    total = np.zeros(len(columns[0][1]), dtype=np.uint64)
    for name, values in columns:
        total = _mix(total ^ _hash(name, values))
    return total


def _hash(salt: str, values: NDArray[Any]) -> Hashes:
    """Hash values by their bits, one NaN and no minus zero, apart for each column."""
    if values.dtype.kind == "f":
        bits = np.where(np.isnan(values), np.nan, values + 0.0).astype(np.float64).view(np.uint64)
    else:
        bits = values.astype(np.int64).view(np.uint64)
    seed = hashlib.sha256(salt.encode("utf-8", "surrogatepass")).digest()[:8]
    return _mix(bits + np.uint64(int.from_bytes(seed, "little")))


def _mix(x: Hashes) -> Hashes:
    """Mix the bits of each value (the finaliser of splitmix64)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Hashes = x ^ (x >> np.uint64(31))
    return mixed
