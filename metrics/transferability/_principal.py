"""Principal components by exact eigen-decomposition: no random sketch, no seed."""

from __future__ import annotations

import numpy as np

from .._validation import Floats


def principal_scores(table: Floats, keep: int | float) -> Floats:
    """Return the rows in their leading principal components, shape (n, k), centred.

    Parameters
    ----------
    table : ndarray of shape (n, d)
    keep : int or float
        How many components; or, as a float, the share of the variance they must hold, of which
        the fewest are kept. Directions without variance never are.
    """
    centred = table - table.mean(axis=0)
    n, d = centred.shape
    wide = d > n
    values, vectors = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    rank = int(np.count_nonzero(values > values[0] * max(n, d) * np.finfo(np.float64).eps))
    if isinstance(keep, float):
        shares = np.cumsum(values) / max(float(values.sum()), np.finfo(np.float64).tiny)
        keep = int(np.searchsorted(shares, keep - 1e-12)) + 1
    kept = min(keep, rank)
    if wide:
        return np.asarray(vectors[:, :kept] * np.sqrt(values[:kept]))
    return np.asarray(centred @ vectors[:, :kept])
