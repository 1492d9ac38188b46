"""Exact debiased linear CKA of any number of layers in one pass over batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._scores import Caution, check_features
from .._validation import Floats, Ints
from ._moments import Moments, moments
from ._paired import SimilarityResult

_LAST_DIGITS = 16 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CkaMatrix:
    """Debiased linear CKA of every pair of layers.

    Attributes
    ----------
    names : tuple of str
        The layers.
    values : ndarray of shape (layers, layers)
        Symmetric, with 1 on the diagonal; NaN in the rows and columns of layers with a reason.
    reasons : tuple of (Caution or None)
        Why a layer has no value.
    n_rows : int
        Rows seen.
    """

    names: tuple[str, ...]
    values: Floats
    reasons: tuple[Caution | None, ...]
    n_rows: int

    def between(self, first: str | int, second: str | int) -> SimilarityResult:
        """Return the value of two layers, named or numbered.

        Without chance level and interval, since no rows are kept; unrelated layers have 0 on
        average over the orders of their rows, exactly.
        """
        a, b = (self._place(layer) for layer in (first, second))
        reason = self.reasons[a] or self.reasons[b]
        value = None if reason else float(self.values[a, b])
        return SimilarityResult(value=value, reason=reason, n_rows=self.n_rows)

    def _place(self, layer: str | int) -> int:
        if isinstance(layer, str):
            if layer not in self.names:
                raise ValueError(f"No layer is named {layer!r}; there are {list(self.names)}.")
            return self.names.index(layer)
        if not 0 <= layer < len(self.names):
            raise ValueError(f"There is no layer {layer}; there are {len(self.names)}, from 0.")
        return layer


class CkaStream:
    """Collects batches of layers and gives their exact debiased linear CKA at any time.

    What it keeps grows with the square of all columns together, not with the rows.

    Parameters
    ----------
    names : sequence of str, optional
        Of the layers, in the order in which they are passed.

    Notes
    -----
    The same number as :func:`cka` on all rows at once, whatever the batches, and of any size from
    one row. Sums are float64 and taken about the mean of the first batch, so that a large mean
    costs no digits. Kept: for layers of D columns together D² + D L numbers.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> first = rng.normal(size=(90, 3))
    >>> second = np.tanh(first) + 0.1 * rng.normal(size=(90, 3))
    >>> stream = CkaStream(["first", "second"])
    >>> for start in range(0, 90, 32):
    ...     stream.update(first[start : start + 32], second[start : start + 32])
    >>> from negtransfer.metrics.similarity.cka import cka
    >>> whole = cka(first, second).value
    >>> abs(stream.result().between("first", "second").value - whole) < 1e-12
    True
    """

    __slots__ = ("_moments", "_names", "_waiting", "_widths")

    def __init__(self, names: Sequence[str] | None = None) -> None:
        self._names = None if names is None else tuple(names)
        if self._names is not None and len(set(self._names)) < len(self._names):
            raise ValueError(f"`names` repeats a name: {list(self._names)}; name each layer once.")
        self._widths: Ints | None = None
        self._moments: Moments | None = None
        self._waiting: list[Floats] = []

    @property
    def n_rows(self) -> int:
        """Rows seen so far."""
        summed = 0 if self._moments is None else self._moments.rows
        return summed + sum(len(rows) for rows in self._waiting)

    def update(self, *layers: Any) -> None:
        """Add one batch: for every layer a table of the same rows.

        Parameters
        ----------
        *layers : array of shape (rows, columns of the layer)
        """
        tables = [
            check_features(layer, name=f"layer {k}", min_rows=1) for k, layer in enumerate(layers)
        ]
        self._check(tables)
        self._waiting.append(np.concatenate(tables, axis=1))
        # small batches are summed together: adding up squares of all columns is not free
        if sum(len(rows) for rows in self._waiting) >= self._waiting[0].shape[1] // 2:
            self._sum_up()

    def merge(self, other: CkaStream) -> None:
        """Add all rows that another stream has seen; its layers must be the same.

        Parameters
        ----------
        other : CkaStream
        """
        if self._names != other._names:
            raise ValueError(
                f"The streams have other layers: {self._names} and {other._names}; merge streams "
                "of the same layers."
            )
        if other._widths is None:
            return
        self._check_widths(other._widths)
        self._sum_up()
        added = other._summed()
        self._moments = added if self._moments is None else self._moments.plus(added)

    def result(self) -> CkaMatrix:
        """Return the similarity of every pair of layers on the rows seen so far."""
        if self.n_rows < 4:
            raise ValueError(
                f"The stream has seen {self.n_rows} row(s), at least 4 are needed; add batches "
                "first."
            )
        self._sum_up()
        found = self._summed().centred()
        names = self._names or tuple(str(k) for k in range(len(found.widths)))
        hsic = found.hsic()
        reasons = tuple(_reason(found, hsic, k, name) for k, name in enumerate(names))
        scale = np.array([
            np.nan if reason else np.sqrt(hsic[k, k]) for k, reason in enumerate(reasons)
        ])  # fmt: skip
        values = np.clip(hsic / np.outer(scale, scale), -1.0, 1.0)
        return CkaMatrix(names=names, values=values, reasons=reasons, n_rows=found.rows)

    def _summed(self) -> Moments:
        """Return the sums over all rows seen, leaving those that wait where they are."""
        if not self._waiting:
            assert self._moments is not None
            return self._moments
        assert self._widths is not None
        rows = np.concatenate(self._waiting)
        if self._moments is None:
            return moments(rows, self._widths)
        return self._moments.plus(moments(rows, self._widths, self._moments.shift))

    def _sum_up(self) -> None:
        if self._waiting:
            self._moments = self._summed()
            self._waiting = []

    def _check(self, tables: list[Floats]) -> None:
        if not tables or (self._names is not None and len(tables) != len(self._names)):
            expected = "at least one" if self._names is None else str(len(self._names))
            raise ValueError(
                f"`update` was given {len(tables)} layer(s), expected {expected}; pass every "
                "layer with every batch."
            )
        rows = {len(table) for table in tables}
        if len(rows) > 1:
            raise ValueError(
                f"The layers of one batch have {sorted(rows)} rows; pass the same rows of every "
                "layer."
            )
        self._check_widths(np.array([table.shape[1] for table in tables], dtype=np.int64))

    def _check_widths(self, widths: Ints) -> None:
        if self._widths is None:
            self._widths = widths
        elif not np.array_equal(widths, self._widths):
            raise ValueError(
                f"The layers have {widths.tolist()} columns, {self._widths.tolist()} in the "
                "batches before; pass the same layers in the same order."
            )


def streaming_cka(batches: Iterable[Sequence[Any] | Mapping[str, Any]]) -> CkaMatrix:
    """Return the exact debiased linear CKA of all pairs of layers in one pass over batches.

    Parameters
    ----------
    batches : iterable of (sequence of arrays, or mapping from names to arrays)
        For each batch the table of every layer, shape (rows, columns of the layer); two layers
        for one pair.

    Returns
    -------
    CkaMatrix
        Values between -1 and 1; larger means more similar.

    Notes
    -----
    See :class:`CkaStream`, of which this is the whole: O(n D²) time for D columns together, O(D²)
    memory, and the same number as :func:`cka` whatever the batches.

    References
    ----------
    Song, Smola, Gretton, Bedo & Borgwardt (2012), JMLR 13, eq. 5, in products of columns.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(60, 4))
    >>> batches = [{"in": part, "out": part @ np.eye(4)[:, :2]} for part in np.split(rows, 6)]
    >>> found = streaming_cka(batches)
    >>> found.names, found.n_rows, 0.5 < found.between("in", "out").value < 1
    (('in', 'out'), 60, True)
    """
    stream: CkaStream | None = None
    for batch in batches:
        names = tuple(batch) if isinstance(batch, Mapping) else None
        if stream is None:
            stream = CkaStream(names)
            expected = names
        elif names is not None and expected is not None and set(names) != set(expected):
            raise ValueError(
                f"A batch has the layers {list(names)}, the first had {list(expected)}; pass every "
                "layer with every batch."
            )
        if isinstance(batch, Mapping):
            stream.update(*(batch[name] for name in expected or ()))
        else:
            stream.update(*batch)
    if stream is None:
        raise ValueError("`batches` is empty; pass at least one batch with at least 4 rows.")
    return stream.result()


def _reason(found: Moments, hsic: Floats, layer: int, name: str) -> Caution | None:
    """Return why a layer has no similarity; the sums are about its mean."""
    far = float(np.abs(found.shift[found.layers[layer]]).max())
    length = float(found.lengths[layer])
    width = int(found.widths[layer])
    if length <= found.rows * width * (_LAST_DIGITS * far) ** 2:
        return Caution(
            "constant columns",
            f"Every column of layer {name} is constant: it tells no two rows apart, and nothing "
            "can be similar to it.",
        )
    if hsic[layer, layer] <= 1e-12 * length**2:
        return Caution(
            "not defined",
            f"All rows of layer {name} are equally far from each other: no structure is left that "
            "could be compared.",
        )
    return None
