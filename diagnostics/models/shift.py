"""In which layers source rows and target rows lie apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..document import NullReference
from .document import LayerShift

if TYPE_CHECKING:
    from ._features import CandidateFeatures

MOST_ROWS, MIN_ROWS = 400, 8
MOST_COLUMNS = 64
N_PERMUTATIONS = 199
APART = 0.05


def layer_shifts(found: CandidateFeatures, *, seed: int) -> dict[str, LayerShift]:
    """Return the kernel test of source rows against target rows in every layer.

    At most 400 rows a side, standardised together and blind to sides and labels, in at most 64
    principal directions; Holm over the layers of the candidate. Layers that vary nowhere, and
    sides with fewer than eight rows, are left out.
    """
    from ...metrics import mmd_test
    from ...metrics.shift._holm import holm

    if not found.source_layers:
        return {}
    tests: dict[str, Any] = {}
    for name, theirs in found.source_layers.items():
        rng = np.random.default_rng([seed, 29])
        sides = together(*(_thinned(side, rng) for side in (theirs, found.layers[name])))
        if comparable(*sides):
            tests[name] = mmd_test(*sides, n_permutations=N_PERMUTATIONS, random_state=seed)
    adjusted = holm(np.array([one.p_value for one in tests.values()]))
    return {
        name: LayerShift(
            measure="mmd_test", value=one.value, null=_null(one), p_value=one.p_value,
            p_adjusted=float(p), agrees=bool(p >= APART),
        )
        for (name, one), p in zip(tests.items(), adjusted, strict=True)
    }  # fmt: skip


def comparable(first: Any, second: Any) -> bool:
    """Return whether two sides have rows enough to be compared, and anything that varies."""
    return bool(min(len(first), len(second)) >= MIN_ROWS and first.shape[1] > 0)


def _thinned(side: Any, rng: np.random.Generator) -> Any:
    rows = np.sort(rng.permutation(len(side))[:MOST_ROWS])
    return np.asarray(side[rows], dtype=np.float64)


def together(first: Any, second: Any) -> tuple[Any, Any]:
    """Return both sides on the principal directions of both."""
    both = np.vstack([first, second])
    spread = both.std(axis=0)
    both = (both[:, spread > 0] - both[:, spread > 0].mean(axis=0)) / spread[spread > 0]
    if both.shape[1] > MOST_COLUMNS:
        both = both @ np.linalg.svd(both, full_matrices=False)[2][:MOST_COLUMNS].T
    return both[: len(first)], both[len(first) :]


def _null(found: Any) -> NullReference:
    return NullReference(
        source_quantiles=_listed(found.null.source_quantiles),
        target_quantiles=_listed(found.null.target_quantiles),
        n_splits=len(found.null.pooled),
        percentile=found.null.percentile(found.value),
    )


def _listed(quantiles: tuple[float, ...] | None) -> list[float] | None:
    return None if quantiles is None else list(quantiles)
