"""The rows a network is shown: images, texts or a table, with labels where there are any."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..domain._column import content_hash
from ..domain._domain import Domain
from ..domain._door import Door
from ..domain._paths import stem
from ..domain._words import count, short
from ..errors import InputError
from ._rows_read import Asked, read_rows
from ._stores import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

RowKind = Literal["images", "texts", "table", "features"]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows in a fixed order, as inputs.

    Attributes
    ----------
    name : str
        How they are called in sentences.
    kind : {"images", "texts", "table", "features"}
        ``features`` are rows of which only saved features are there.
    n : int
    ids : tuple of str
        One for each row; positions where none were given.
    named : bool
        Whether ids were given, so that saved features can be matched by them.
    labels : ndarray of shape (n,) or None
        float64 with NaN, or an object array of ``str`` and ``None``.
    content_hash : str
        SHA-256 of inputs and labels, in order.
    inputs_hash : str
        SHA-256 of the inputs alone, in order: what cached features are found by.
    notices : tuple of str
        Everything that was decided while reading.
    """

    name: str
    kind: RowKind
    n: int
    ids: tuple[str, ...]
    named: bool
    labels: NDArray[Any] | None
    content_hash: str
    inputs_hash: str
    notices: tuple[str, ...]
    store: Store

    def __repr__(self) -> str:
        told = "no labels" if self.labels is None else "labelled"
        return f"Rows({short(self.name)}, {self.kind}, {self.n:,}, {told})"

    def __len__(self) -> int:
        return self.n

    @classmethod
    def load(
        cls,
        data: Any,
        *,
        labels: Any = None,
        label: str | None = None,
        kind: Literal["images", "texts", "table"] | None = None,
        text: str | None = None,
        ids: Any = None,
        size: int | tuple[int, int] | None = None,
        name: str | None = None,
    ) -> Rows:
        """Read rows from a folder, file, array, list of texts or table.

        Parameters
        ----------
        data : path, array, tensor, list of str, table, Domain or Rows
            A folder of images (one sub-folder for each class, or flat); an array of images
            of shape (n, height, width, channels) or (n, height, width); a list of texts; or
            anything `Domain.load` takes.  ``.npz`` files hold the images as ``X``, ``x`` or
            ``images``.
        labels : array_like of shape (n,) or path, optional
            Labels beside the rows; for a folder also a table with a column of file names.
        label : str, optional
            The label's column, or its entry of an ``.npz`` (there ``y`` by default).
        kind : {"images", "texts", "table"}, optional
            What the rows are; by default told from `data`.
        text : str, optional
            The column of a table that holds the texts.
        ids : array_like of str or str, optional
            A name for each row, or the column that holds it.
        size : int or tuple of int, optional
            Height and width that images are brought to, without keeping proportions.
        name : str, optional
            How to call the rows; by default the file's name, or ``rows``.

        Returns
        -------
        Rows

        Raises
        ------
        InputError
            With one sentence: what was given, what was expected, what to do.

        Notes
        -----
        Files in a folder are taken in the order of their names, as RGB; where their sizes
        differ and none is asked for, all are brought to 224 x 224.  Nothing is decoded
        before it is needed, but every file is read for the hash.

        Examples
        --------
        >>> import numpy as np
        >>> pictures = np.zeros((4, 8, 8, 3), dtype=np.uint8)
        >>> rows = Rows.load(pictures, labels=["cat", "dog", "cat", "dog"], name="pets")
        >>> rows
        Rows('pets', images, 4, labelled)
        >>> rows.raw().shape
        (4, 192)
        """
        if isinstance(data, Rows):
            return data
        door = Door(_called(name, data))
        asked = Asked(labels, label, kind, text, ids, _size(size, door))
        found = read_rows(data, asked, door)
        n = len(found.store)
        known = found.labels if found.settled else _labels(found.labels, n, door)
        return cls._of(found.kind, found.store, found.ids, known, door)

    @classmethod
    def of_features(
        cls, n: int, *, ids: Any = None, labels: Any = None, name: str = "rows"
    ) -> Rows:
        """Return rows of which only saved features are there.

        Parameters
        ----------
        n : int
        ids, labels : array_like of shape (n,), optional
        name : str

        Returns
        -------
        Rows
            Of kind ``features``; they can be shown to no network.
        """
        from ._stores import NoInputs

        door = Door(name)
        store = NoInputs(n, _ids(ids, n, door), door)
        return cls._of("features", store, ids, _labels(labels, n, door), door)

    @classmethod
    def _of(
        cls, kind: RowKind, store: Store, ids: Any, labels: NDArray[Any] | None, door: Door
    ) -> Rows:
        n = len(store)
        names = _ids(ids, n, door)
        inputs = _hash(store)
        both = hashlib.sha256(inputs.encode())
        both.update(content_hash((), labels, "label").encode())
        return cls(
            door.name, kind, n, names, ids is not None, labels, both.hexdigest(), inputs,
            tuple(door.notices), store,
        )  # fmt: skip

    def take(self, index: Any) -> Any:
        """Return the inputs at these positions: an array, a list of texts or a data frame."""
        return self.store.take(np.asarray(index, dtype=np.int64))

    def batches(self, size: int) -> Iterator[tuple[int, Any]]:
        """Yield the first position and the inputs of consecutive batches.

        Parameters
        ----------
        size : int
            Rows in a batch; the last may have fewer.
        """
        for start in range(0, self.n, size):
            yield start, self.take(np.arange(start, min(start + size, self.n)))

    def raw(self) -> NDArray[np.float32]:
        """Return the inputs as features without any network.

        Returns
        -------
        ndarray of float32, shape (n, d)
            Images: pixels averaged over areas, at most 1,024 numbers each.  Texts: TF-IDF of
            words, reduced to 256 directions where there are more than 1,024 words.  Tables:
            the encoding of every diagnosis.  All are fitted on these rows, blind to labels.
        """
        return self.store.raw()[0]

    def raw_beside(self, other: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the raw inputs of these and of other rows, in the same columns.

        Parameters
        ----------
        other : Rows
            Of the same kind.
        """
        if self.kind != other.kind:
            raise InputError(
                f"domain {short(self.name)} holds {self.kind} but domain {short(other.name)} "
                f"holds {other.kind}; give both the same kind of rows"
            )
        ours, theirs = self.store.raw(other.store)
        return ours, theirs

    @property
    def raw_name(self) -> str:
        """What the raw inputs are, in words."""
        return self.store.raw_name


def _called(name: str | None, data: Any) -> str:
    if name is None:
        path = isinstance(data, (str, os.PathLike))
        name = stem(os.fsdecode(data)) if path else getattr(data, "name", None)
    found = name if isinstance(name, str) else "rows"
    return found.encode("utf-8", "backslashreplace").decode("utf-8")


def _size(size: int | tuple[int, int] | None, door: Door) -> tuple[int, int] | None:
    if size is None:
        return None
    pair = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    whole = all(isinstance(v, (int, np.integer)) for v in pair)
    if len(pair) != 2 or not whole or not all(1 <= v <= 8192 for v in pair):
        raise door.error(
            f"was given the size {short(size)}; give a height and width between 1 and 8,192"
        )
    return int(pair[0]), int(pair[1])


def _labels(labels: Any, n: int, door: Door) -> NDArray[Any] | None:
    """Return labels as every domain has them, by the same door."""
    if labels is None:
        return None
    read = Domain.load({"row": range(n)}, y=labels, name=door.name)
    door.notices.extend(read.notices)
    return read.labels


def _ids(ids: Any, n: int, door: Door) -> tuple[str, ...]:
    if ids is None:
        return tuple(map(str, range(n)))
    found = tuple(str(v) for v in (ids.tolist() if hasattr(ids, "tolist") else ids))
    if len(found) != n:
        raise door.error(
            f"has {count(n, 'row')} but {count(len(found), 'id')}; give one id for each row"
        )
    if len(set(found)) < n:
        seen: set[str] = set()
        twice = next(v for v in found if v in seen or seen.add(v))  # type: ignore[func-returns-value]
        raise door.error(f"has the id {short(twice)} more than once; give each row its own id")
    return found


def _hash(store: Store) -> str:
    digest = hashlib.sha256(b"negtransfer rows 1")
    store.add_to(digest)
    return digest.hexdigest()
