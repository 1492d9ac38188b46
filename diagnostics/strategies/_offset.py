"""Logistic corrections of given log odds: a linear term added, or a slope and class biases."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 200


def softmax(scores: Floats) -> Floats:
    """Return probabilities, row by row."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Floats = raised / raised.sum(axis=1, keepdims=True)
    return found


def fit_offset(X: Floats, y: NDArray[Any], offset: Floats, penalty: float) -> Floats:
    """Return the coefficients of shape (p + 1, n_classes) that are added to the log odds.

    They minimise the summed log loss of softmax(offset + [X, 1] W) plus penalty/2 |W|^2.  The
    intercept is penalised too, so that 0, which leaves the offset as it is, is what no evidence
    gives, and a class that never occurs keeps a finite score.

    Parameters
    ----------
    X : ndarray of shape (n, p)
    y : ndarray of int, shape (n,)
    offset : ndarray of shape (n, n_classes)
    penalty : float
    """
    from scipy.optimize import minimize

    design = np.hstack([X, np.ones((len(X), 1))])
    shape = (design.shape[1], offset.shape[1])
    rows = np.arange(len(y))

    def loss(flat: Floats) -> tuple[float, Floats]:
        W = flat.reshape(shape)
        proba = softmax(offset + design @ W)
        value = -np.log(np.maximum(proba[rows, y], 1e-300)).sum() + penalty / 2 * (flat @ flat)
        proba[rows, y] -= 1
        return float(value), (design.T @ proba + penalty * W).ravel()

    start = np.zeros(shape[0] * shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    coefficients: Floats = np.asarray(found.x, dtype=np.float64).reshape(shape)
    return coefficients


def add_linear(X: Floats, coefficients: Floats) -> Floats:
    """Return [X, 1] W."""
    found: Floats = X @ coefficients[:-1] + coefficients[-1]
    return found


def fit_scaling(logs: Floats, y: NDArray[Any]) -> tuple[float, Floats]:
    """Return slope a and class biases b so that softmax(a log P + b) fits the labels.

    Normal priors of variance 1 around a = 1 and b = 0 keep few labels from claiming much.
    """
    from scipy.optimize import minimize

    rows = np.arange(len(y))
    start = np.concatenate([[1.0], np.zeros(logs.shape[1])])

    def loss(flat: Floats) -> tuple[float, Floats]:
        proba = softmax(flat[0] * logs + flat[1:])
        away = flat - start
        value = -np.log(np.maximum(proba[rows, y], 1e-300)).sum() + away @ away / 2
        proba[rows, y] -= 1
        slope = float((proba * logs).sum())
        return float(value), np.concatenate([[slope], proba.sum(axis=0)]) + away

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    return float(found[0]), np.asarray(found[1:], dtype=np.float64)
