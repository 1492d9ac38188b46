"""What comes out: the features of one candidate, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain._words import short

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._candidates import CandidateKind


@dataclass(frozen=True, slots=True, eq=False)
class CandidateFeatures:
    """Features of one candidate on the rows, and on its source rows where there are any.

    Attributes
    ----------
    name : str
    kind : {"network", "encoder", "features"}
    n_parameters : int or None
        Of a network.
    layers : dict of str to ndarray of float32, shape (n, d)
        From the input side.
    head_probabilities : ndarray of float32, shape (n, k), or None
        Of the source's classes on the rows.
    head_classes : tuple of str or None
        Their names, where they are known.
    source_layers : dict of str to ndarray of float32, shape (m, d)
        The same layers on the source rows; empty without such rows.
    source_labels : ndarray of shape (m,) or None
        float64 with NaN, or an object array of ``str`` and ``None``.
    source_head_probabilities : ndarray of float32, shape (m, k), or None
    notices : tuple of str
        Everything that was decided on the way.
    seconds : float
        Of wall-clock time.
    cached : bool
        Whether the features of the rows came from the cache.
    labels : ndarray or None
        Labels that were saved with the features.
    ids : tuple of str or None
        Ids that were saved with the features.
    """

    name: str
    kind: CandidateKind
    n_parameters: int | None
    layers: dict[str, NDArray[np.float32]]
    head_probabilities: NDArray[np.float32] | None
    head_classes: tuple[str, ...] | None
    source_layers: dict[str, NDArray[np.float32]]
    source_labels: NDArray[Any] | None
    source_head_probabilities: NDArray[np.float32] | None
    notices: tuple[str, ...]
    seconds: float
    cached: bool = False
    labels: NDArray[Any] | None = None
    ids: tuple[str, ...] | None = None

    @property
    def n(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.layers.values())))

    def __repr__(self) -> str:
        shown = ", ".join(f"{short(k)} {v.shape[1]}" for k, v in list(self.layers.items())[:8])
        return f"CandidateFeatures({short(self.name)}, {self.n:,} rows, {shown})"
