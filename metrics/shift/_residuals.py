"""What a flexible model of the columns cannot say about a response, no row having its say."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist, pdist

from .._validation import Floats, subsample
from ..divergence._domain_classifier import Features

_LANDMARKS = 150
_PENALTIES = np.geomspace(1e-4, 1e4, 17)  # in units of the mean squared singular value


def basis(pooled: Floats, rng: np.random.Generator) -> Floats:
    """Return columns, their squares, and Gaussian bumps at some of the rows, all centred."""
    features = Features.of(pooled).values
    columns = features[:, : pooled.shape[1]]
    centres = columns[subsample(len(columns), min(_LANDMARKS, len(columns) // 3), rng)]
    distances = pdist(centres)
    apart = distances[distances > 0]
    width = float(np.median(apart)) if len(apart) else 1.0
    bumps = np.exp(-0.5 * (cdist(columns, centres) / width) ** 2)
    together = np.hstack([features, bumps])
    return np.asarray(together - together.mean(axis=0))


def left_out_residuals(basis: Floats, responses: Floats) -> Floats:
    """Return residuals of ridge regressions in which every row is left out of its own fit.

    The penalty of each response is the one with the smallest such residuals.
    """
    left, singular, _ = np.linalg.svd(basis, full_matrices=False)
    inside = left.T @ responses
    unit = max(float(np.mean(singular**2)), np.finfo(np.float64).tiny)
    best = np.full(responses.shape[1], np.inf)
    found = np.empty_like(responses)
    for penalty in _PENALTIES * unit:
        shrink = singular**2 / (singular**2 + penalty)
        leverage = 1 / len(basis) + left**2 @ shrink
        fitted = responses.mean(axis=0) + left @ (shrink[:, None] * inside)
        # A row that alone decides its fit says nothing of the others.
        residuals = (responses - fitted) / np.maximum(1 - leverage, 1e-6)[:, None]
        errors = (residuals**2).sum(axis=0)
        better = errors < best
        best[better] = errors[better]
        found[:, better] = residuals[:, better]
    return found
