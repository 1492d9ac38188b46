"""What all kinds of rows offer to the rest: any of them by position, and their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..domain._door import Door

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_BYTES = 64 * 2**20
"""How much of an array is read at a time, so that a mapped file stays on the disk."""


class Store(Protocol):
    """The inputs of one set of rows."""

    def __len__(self) -> int:
        """Return how many rows there are."""

    def take(self, index: NDArray[np.int64]) -> Any:
        """Return the inputs at these positions, as a network or a preprocessing is given them."""

    def add_to(self, digest: Any) -> None:
        """Feed every byte that decides the inputs to a hash, in the order of the rows."""

    def raw(self, *others: Any) -> list[NDArray[np.float32]]:
        """Return these rows, and those of stores of the same kind, as tables of one width."""

    @property
    def raw_name(self) -> str:
        """What the raw inputs are, in words."""


class NoInputs:
    """Rows of which only features are there."""

    def __init__(self, n: int, ids: Sequence[str], door: Door) -> None:
        self._n, self._ids, self._door = n, ids, door

    def __len__(self) -> int:
        return self._n

    def take(self, index: NDArray[np.int64]) -> Any:
        """Refuse: nothing can be shown to a network."""
        raise self._door.error(
            "holds features only, which no network can be shown; give the rows themselves "
            "(images, texts or a table)"
        )

    def add_to(self, digest: Any) -> None:
        """Feed the number of rows and their ids, all that is known."""
        digest.update(repr((self._n, tuple(self._ids))).encode("utf-8", "backslashreplace"))

    def raw(self, *others: Any) -> list[NDArray[np.float32]]:
        """Refuse: there are no inputs."""
        raise self._door.error(
            "holds features only, without the raw inputs they came from; give the rows "
            "themselves to compare with the raw inputs"
        )

    @property
    def raw_name(self) -> str:
        """What the raw inputs are, in words."""
        return "none"
