"""The null values of label shares that are estimated on both sides of the comparison."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._halves import random_halves
from .._validation import Floats


def target_null(
    shares: Callable[[Floats], Floats], target: Floats, n_source: int, *, n_splits: int,
    rng: np.random.Generator,
) -> Floats | None:  # fmt: skip
    """Return the total variation between the label shares of random halves of the target.

    Parameters
    ----------
    shares : callable
        From target predictions to estimated label shares; all else stays as it is.
    target : ndarray of shape (n_target, k)
    n_source : int
        Size of the other side of the comparison.
    n_splits : int
    rng : numpy.random.Generator
    """
    values = [
        float(np.abs(shares(target[first]) - shares(target[second])).sum() / 2)
        for first, second in random_halves(
            len(target), n_source, len(target), n_splits=n_splits, rng=rng
        )
    ]
    return np.array(values) if values else None
