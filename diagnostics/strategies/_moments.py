"""Mean and shrunk covariance of one side, and powers of covariances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FLOOR = 1e-6
"""Least eigenvalue, in units of an encoded column's variance over both sides."""


def moments(X: Floats) -> tuple[Floats, Floats]:
    """Return the mean and the covariance shrunk after Ledoit & Wolf (2004).

    Few target rows leave a covariance without full rank, whose inverse would blow up noise.
    A single row says nothing of spread: then it is that of the encoder, the identity.
    """
    from sklearn.covariance import ledoit_wolf

    mean = X.mean(axis=0)
    if len(X) < 2:
        return mean, np.eye(X.shape[1])
    return mean, np.asarray(ledoit_wolf(X)[0], dtype=np.float64)


def power(covariance: Floats, exponent: float) -> Floats:
    """Return a power of a symmetric matrix, its eigenvalues kept off 0."""
    values, vectors = np.linalg.eigh(covariance)
    found: Floats = (vectors * np.maximum(values, FLOOR) ** exponent) @ vectors.T
    return found
