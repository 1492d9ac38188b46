"""Texts as rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain._door import Door
from ..domain._table import Table
from ..domain._words import count, did_you_mean, is_unicode, listing, short

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_WORDS = 50_000
COMPONENTS = 256
DENSE_WORDS = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """One text a row."""

    values: tuple[str, ...]
    door: Door

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: NDArray[np.int64]) -> list[str]:
        """Return texts as a list."""
        return [self.values[i] for i in index]

    def add_to(self, digest: Any) -> None:
        """Feed the texts, each with its length."""
        digest.update(b"texts")
        for value in self.values:
            data = value.encode("utf-8")
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)

    def raw(self, *others: Any) -> list[NDArray[np.float32]]:
        """Return TF-IDF of words: their 256 leading directions, all of at most 1,024."""
        stores = (self, *others)
        weights = self._weighted([text for store in stores for text in store.values])
        dense = _directions(weights)
        edges = np.cumsum([len(store) for store in stores])[:-1]
        return [np.ascontiguousarray(part) for part in np.split(dense, edges)]

    def _weighted(self, texts: list[str]) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        words = TfidfVectorizer(sublinear_tf=True, max_features=MOST_WORDS, dtype=np.float32)
        try:
            return words.fit_transform(texts)
        except ValueError:
            raise self.door.error(
                "has texts without a single word of two letters; give texts with words"
            ) from None

    @property
    def raw_name(self) -> str:
        """What the raw inputs are, in words."""
        return f"TF-IDF of words (of more than {DENSE_WORDS:,}, {COMPONENTS} directions)"


def _directions(weights: Any) -> NDArray[np.float32]:
    """Return the leading singular directions, or all columns where they are few."""
    n, width = weights.shape
    if width <= DENSE_WORDS:
        return np.asarray(weights.toarray(), dtype=np.float32)
    from sklearn.decomposition import TruncatedSVD

    components = min(COMPONENTS, width - 1, max(1, n - 1))
    # the seed makes raw inputs a property of the rows, not of the run
    reduction = TruncatedSVD(components, random_state=0)
    with warnings.catch_warnings():
        # identical texts have no variance to explain, which is divided by all the same
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(reduction.fit_transform(weights), dtype=np.float32)


def texts(values: Iterable[Any], door: Door) -> Texts:
    """Check that every row is a text."""
    every = list(values)
    if not every:
        raise door.error("has no rows; give at least one text")
    gone = [i for i, v in enumerate(every) if not isinstance(v, str)]
    if gone:
        example = every[gone[0]]
        raise door.error(
            f"has {count(len(gone), 'row')} without a text, such as {short(example)} in row "
            f"{gone[0] + 1:,}; fill or remove them"
        )
    broken = [i for i, v in enumerate(every) if not is_unicode(v)]
    if broken:
        raise door.error(
            f"holds text that is not valid Unicode (a lone surrogate) in row {broken[0] + 1:,}; "
            "repair the text where it was read"
        )
    return Texts(tuple(str(v) for v in every), door)


def text_column(table: Table, wanted: str | None, door: Door) -> list[Any]:
    """Return the values of the column that holds the texts, and take it out of the table."""
    name = wanted if wanted is not None else _guess(table, door)
    if name not in table.names:
        raise door.error(
            f"has no column {short(name)}{did_you_mean(name, table.names)}; give as text one of "
            f"its columns: {listing(table.names, 20)}"
        )
    at = table.names.index(name)
    table.names.pop(at)
    found: list[Any] = table.arrays.pop(at).to_pylist()
    return found


def _guess(table: Table, door: Door) -> str:
    import pyarrow as pa

    if "text" in table.names:
        return "text"
    kinds = (pa.types.is_string, pa.types.is_large_string)
    pairs = zip(table.names, table.arrays, strict=True)
    found = [n for n, a in pairs if any(is_kind(a.type) for is_kind in kinds)]
    if len(found) == 1:
        return found[0]
    raise door.error(
        f"has the columns {listing(table.names)}; say which one holds the texts (text=)"
    )
