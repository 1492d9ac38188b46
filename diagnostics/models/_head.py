"""The head of the source task: probabilities of its classes on other rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..domain._words import count, short
from ._doors import CandidateDoor
from ._layers import HEADS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SUMS = 1e-3


def is_head_name(layer: str) -> bool:
    """Tell whether a layer is named like a classifier."""
    return any(part in HEADS for part in layer.lower().split("."))


def head_words(layer: str, width: int) -> str:
    """Return the notice on a head that was found by its name."""
    return (
        f"ends in the layer {short(layer)}, which is taken as the head of {width:,} source "
        "classes; head=False says it is none"
    )


def probabilities(
    outputs: NDArray[np.float32], door: CandidateDoor, *, given: bool = False
) -> NDArray[np.float32]:
    """Return class probabilities: the outputs if they are that, else their softmax.

    Parameters
    ----------
    outputs : ndarray of shape (n, k)
        Probabilities or logits; with one column, of the second of two classes.
    door : CandidateDoor
    given : bool
        Whether they were called probabilities, so that anything else is an error.
    """
    values = outputs.astype(np.float64)
    within = bool((values >= -_SUMS).all() and (values <= 1 + _SUMS).all())
    if values.shape[1] == 1:
        p = values if within and given else 1 / (1 + np.exp(-np.clip(values, -700, 700)))
        return _single(np.hstack([1 - p, p]))
    sums = values.sum(axis=1)
    if within and np.allclose(sums, 1, atol=_SUMS):
        clean = np.clip(values, 0, None)
        return _single(clean / clean.sum(axis=1, keepdims=True))
    if given:
        worst = int(np.abs(sums - 1).argmax())
        raise door.error(
            f"has probabilities that are none: row {worst + 1:,} adds up to {sums[worst]:.4g}; "
            "give rows of probabilities that add up to 1"
        )
    values -= values.max(axis=1, keepdims=True)
    powers = np.exp(values)
    return _single(powers / powers.sum(axis=1, keepdims=True))


def _single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = values.astype(np.float32)
    return found


def check_classes(
    classes: tuple[str, ...] | None, columns: int, door: CandidateDoor
) -> tuple[str, ...] | None:
    """Refuse class names that do not fit the columns of the head."""
    if classes is not None and len(classes) != columns:
        raise door.error(
            f"has {count(columns, 'column')} in its head but {count(len(classes), 'class name')}; "
            "give one name for each column"
        )
    return classes
