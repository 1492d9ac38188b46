"""An encoder given as a function: called once for each batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain._read_memory import is_tensor
from ..domain._words import short
from ..errors import InputError
from ._doors import CandidateDoor
from ._layers import OUTPUT
from ._network import HEAD, failure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._candidates import Candidate

_HEADS = ("probs", "logits")


class Encoder:
    """A function from a batch of rows to features.

    Parameters
    ----------
    candidate : Candidate
    layers : list of str, optional
        Take these, whatever the candidate says.
    door : CandidateDoor
    """

    def __init__(self, candidate: Candidate, layers: list[str] | None, door: CandidateDoor) -> None:
        self._candidate, self._door = candidate, door
        named = None if candidate.layers == "auto" else list(candidate.layers)
        self._layers = layers or named

    def __enter__(self) -> Encoder:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was changed."""

    def __call__(self, batch: Any) -> dict[str, NDArray[np.float32]]:
        """Return the layers of a batch, and under `HEAD` what its head gives."""
        rows = len(batch)
        try:
            prepared = self._candidate.preprocess(batch) if self._candidate.preprocess else batch
            output = self._candidate.model(prepared)
        except InputError:
            raise
        except Exception as error:
            raise self._door.error(failure(None, rows, error)) from error
        outputs = dict(output) if isinstance(output, Mapping) else {OUTPUT: output}
        found = {str(n): self._pooled(str(n), value, rows) for n, value in outputs.items()}
        head = next((found.pop(n) for n in _HEADS if n in found), None)
        for name in _HEADS:
            found.pop(name, None)
        found = self._wanted(found)
        if head is not None and self._candidate.head is None:
            found[HEAD] = head
        return found

    def _wanted(self, found: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        if not found:
            raise self._door.error("returns no features; return an array with one row for each row")
        if self._layers is None:
            return found
        for name in self._layers:
            if name not in found:
                have = ", ".join(map(short, found))
                raise self._door.error(f"has no layer {short(name)}; it returns {have}")
        return {name: values for name, values in found.items() if name in self._layers}

    def _pooled(self, name: str, value: Any, rows: int) -> NDArray[np.float32]:
        import torch

        from ._pool import pool

        if not is_tensor(value):
            value = torch.from_numpy(np.asarray(self._numbers(name, value), order="C"))
        if value.ndim == 0 or len(value) != rows:
            raise self._door.error(
                f"returns {short(name)} of shape {tuple(value.shape)} for a batch of {rows:,} "
                "rows; return one entry for each row"
            )
        if value.is_complex() or value.numel() == 0:
            what = "no columns" if value.numel() == 0 else "complex numbers"
            raise self._door.error(f"returns {short(name)} with {what}; return real numbers")
        with torch.no_grad():
            pooled = pool(value.detach(), pooling=self._candidate.pooling)
        found: NDArray[np.float32] = pooled.cpu().numpy()
        return found

    def _numbers(self, name: str, value: Any) -> NDArray[Any]:
        if hasattr(value, "toarray"):  # a sparse matrix, as text vectorisers give
            value = value.toarray()
        try:
            array = np.asarray(value)
            if array.dtype.kind not in "biuf":
                array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise self._door.error(
                f"returns {short(type(value).__name__)} as {short(name)}, not an array of numbers; "
                "return an array with one row for each row"
            ) from None
        with np.errstate(over="ignore"):  # beyond float32 is infinite, which is refused later
            return array.astype(np.float32, copy=False)
