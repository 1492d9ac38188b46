"""One column of a domain, and the hash of many."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["numeric", "boolean", "categorical", "date"]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A named column after reading.

    Attributes
    ----------
    name : str
        As given, whatever it holds.
    kind : {"numeric", "boolean", "categorical", "date"}
        What the values are.
    values : ndarray of shape (n_rows,)
        float64 with NaN for missing; a date counts days since 1970-01-01 (UTC).
        Categorical: an object array of ``str`` or ``None``.
    words : tuple of str, optional
        How false and true were spelled, for a boolean column.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    words: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"Column({self.name!r}, {self.kind}, {len(self.values)} rows)"

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which rows have no value."""
        return missing(self.values)


def missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which entries are NaN or ``None``."""
    if values.dtype == object:
        return np.fromiter((v is None for v in values), dtype=np.bool_, count=len(values))
    gone: NDArray[np.bool_] = np.isnan(values)
    return gone


def content_hash(columns: Sequence[Column], labels: NDArray[Any] | None, label: str | None) -> str:
    """Return the SHA-256 over names, kinds, values and labels.

    It sees the content, not the container: the same rows from CSV and parquet agree.
    """
    digest = hashlib.sha256(b"negtransfer domain 1")
    for column in columns:
        _text(digest, column.name)
        _text(digest, column.kind)
        _values(digest, column.values)
    if labels is not None:
        _text(digest, "label:" + (label or ""))
        _values(digest, labels)
    return digest.hexdigest()


def _text(digest: Any, text: str) -> None:
    # names may hold lone surrogates, which plain UTF-8 refuses
    data = text.encode("utf-8", "surrogatepass")
    digest.update(len(data).to_bytes(8, "little"))
    digest.update(data)


def _values(digest: Any, values: NDArray[Any]) -> None:
    if values.dtype != object:
        clean = np.where(np.isnan(values), np.nan, values + 0.0)  # one NaN, no minus zero
        digest.update(np.ascontiguousarray(clean, dtype="<f8").data)
        return
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.array(values, pa.large_string())
    lengths = pc.fill_null(pc.binary_length(text), -1).to_numpy(zero_copy_only=False)
    digest.update(np.ascontiguousarray(lengths, dtype="<i8").data)
    data = text.buffers()[2]
    if data is not None:
        digest.update(memoryview(data)[: int(np.maximum(lengths, 0).sum())])
