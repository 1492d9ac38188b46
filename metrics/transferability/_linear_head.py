"""A linear head with a softmax on top, fitted hundreds of times: logistic regression, quickly.

Features are turned once onto their principal axes. There the curvature of the loss is nearly
diagonal, so that a quasi-Newton method needs few steps whatever the scales of the columns, and
with fewer rows than columns the problem has as many unknowns as rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._validation import Floats, Ints

_FLAT = 1e-10
"""Axes along which the spread is below this share of the largest carry rounding only."""
_TYPICAL = 0.05
"""Of ``p (1 - p)``, which scales the curvature along an axis; only the speed depends on it."""


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """Principal axes of a table.

    Attributes
    ----------
    mean : ndarray of shape (d,)
    directions : ndarray of shape (d, r)
        Orthonormal columns.
    places : ndarray of shape (n, r)
        The rows of the centred table along the axes; orthogonal columns.
    squares : ndarray of shape (r,)
        Sums of squares of the columns of ``places``, descending.
    """

    mean: Floats
    directions: Floats
    places: Floats
    squares: Floats

    def of(self, table: Floats) -> Floats:
        """Return other rows along the same axes, shape (m, r)."""
        return np.asarray((table - self.mean) @ self.directions)


def principal_axes(table: Floats) -> Axes:
    """Return the axes of a table, from the smaller of its two Gram matrices."""
    from scipy.linalg import eigh

    mean = table.mean(axis=0)
    centred = table - mean
    n, d = centred.shape
    squares, vectors = eigh(centred @ centred.T if n < d else centred.T @ centred)
    squares, vectors = squares[::-1], vectors[:, ::-1]
    kept = squares > _FLAT * max(float(squares[0]), np.finfo(float).tiny)
    squares, vectors = squares[kept], vectors[:, kept]
    if n < d:
        places = vectors * np.sqrt(squares)
        return Axes(mean, centred.T @ (vectors / np.sqrt(squares)), places, squares)
    return Axes(mean, vectors, centred @ vectors, squares)


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """Logits are ``places @ weights + bias``.

    Attributes
    ----------
    weights : ndarray of shape (r, C)
    bias : ndarray of shape (C,)
    loss : float
        The mean cross-entropy, with the penalty.
    converged : bool
    """

    weights: Floats
    bias: Floats
    loss: float
    converged: bool

    def probabilities(self, places: Floats) -> Floats:
        """Return class probabilities, shape (m, C)."""
        return softmax(places @ self.weights + self.bias)


def softmax(logits: Floats) -> Floats:
    """Return the softmax of every row."""
    risen = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(risen / risen.sum(axis=1, keepdims=True))


def fit_head(
    places: Floats, squares: Floats, codes: Ints, n_classes: int, penalty: float, *,
    start: Head | None = None, tolerance: float = 1e-6, max_steps: int = 500,
) -> Head:  # fmt: skip
    """Minimise the mean cross-entropy plus ``penalty / 2`` times the sum of squared weights.

    The bias is free. ``places`` must be centred with orthogonal columns, ``squares`` their sums
    of squares; ``start`` is a head fitted with another penalty. Every class must occur.
    """
    from scipy.optimize import minimize

    n, r = places.shape
    rows = np.arange(n)
    # unknowns in units of their inverse curvature; the last row is the bias
    scale = 1 / np.sqrt(np.append(_TYPICAL * squares / n + penalty, _TYPICAL))[:, None]
    bias = np.log(np.bincount(codes, minlength=n_classes) / n)
    first = np.vstack([np.zeros((r, n_classes)), bias])
    if start is not None:
        first = np.vstack([start.weights, start.bias])

    def loss(flat: Floats) -> tuple[float, Floats]:
        full = flat.reshape(r + 1, n_classes) * scale
        weights = full[:-1]
        logits = places @ weights
        logits += full[-1]
        logits -= logits.max(axis=1, keepdims=True)
        own = logits[rows, codes]
        share = np.exp(logits, out=logits)
        total = share.sum(axis=1)
        value = (np.log(total).sum() - own.sum()) / n + penalty / 2 * np.vdot(weights, weights)
        share /= total[:, None]
        share[rows, codes] -= 1
        gradient = np.empty_like(full)
        gradient[:-1] = places.T @ share / n + penalty * weights
        gradient[-1] = share.sum(axis=0) / n
        return float(value), (gradient * scale).ravel()

    found = minimize(
        loss, (first / scale).ravel(), jac=True, method="L-BFGS-B",
        options={"maxiter": max_steps, "maxcor": 20, "gtol": tolerance, "ftol": 1e-15},
    )  # fmt: skip
    full = found.x.reshape(r + 1, n_classes) * scale
    near = bool(np.abs(found.jac).max() <= 10 * tolerance)
    return Head(full[:-1], full[-1], float(found.fun), near)
