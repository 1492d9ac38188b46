"""Features put together from batches, within a budget of memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..domain._words import count, short
from ._doors import CandidateDoor
from ._network import HEAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._probe_rows import Rows


@dataclass(frozen=True, slots=True, eq=False)
class Extracted:
    """What one model gives on one set of rows.

    Attributes
    ----------
    layers : dict of str to ndarray of shape (n, d)
    head : ndarray of shape (n, k) or None
        Outputs of the head as they came: logits or probabilities.
    notices : tuple of str
    """

    layers: dict[str, NDArray[np.float32]]
    head: NDArray[np.float32] | None
    notices: tuple[str, ...]


class Collector:
    """The growing features of one model.

    Parameters
    ----------
    rows : Rows
    most_bytes : int
        What the features may take up in memory.
    door : CandidateDoor
    """

    def __init__(self, rows: Rows, most_bytes: int, door: CandidateDoor) -> None:
        self._rows, self._most, self._door = rows, most_bytes, door
        self.arrays: dict[str, NDArray[np.float32]] = {}

    def add(self, start: int, found: dict[str, NDArray[np.float32]]) -> None:
        """Put the layers of a batch in their place."""
        if not self.arrays:
            self._prepare(found)
        if found.keys() != self.arrays.keys():
            raise self._door.error(
                "gives other layers for one batch than for another; return the same for every row"
            )
        for name, values in found.items():
            self._check(name, values, start)
            self.arrays[name][start : start + len(values)] = values

    def _prepare(self, found: dict[str, NDArray[np.float32]]) -> None:
        width = sum(values.shape[1] for values in found.values())
        needed = 4 * self._rows.n * width
        if needed > self._most:
            raise self._door.error(
                f"gives {width:,} numbers a row in {count(len(found), 'layer')}, for "
                f"{self._rows.n:,} rows {needed / 2**30:.1f} GiB, more than the "
                f"{self._most / 2**30:.1f} GiB allowed; name fewer layers, or give fewer rows"
            )
        for name, values in found.items():
            self.arrays[name] = np.empty((self._rows.n, values.shape[1]), dtype=np.float32)

    def _check(self, name: str, values: NDArray[np.float32], start: int) -> None:
        where = "its head" if name == HEAD else f"layer {short(name)}"
        width = self.arrays[name].shape[1]
        if values.shape[1] != width:
            raise self._door.error(
                f"gives {width:,} columns in {where} for one batch and {values.shape[1]:,} for "
                "another; bring all rows to one size"
            )
        finite = np.isfinite(values).all(axis=1)
        if not finite.all():
            wrong = int(np.flatnonzero(~finite)[0])
            row = start + wrong
            raise self._door.error(
                f"gives NaN or infinite values in {where} for "
                f"{count(int((~finite).sum()), 'row')} of a batch, the first of them "
                f"{short(self._rows.ids[row])} (row {row + 1:,}); check its weights, and that the "
                "rows are scaled as it expects"
            )
