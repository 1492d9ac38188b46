"""Location-scale regression with Student errors, and the shape of what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from negtransfer.diagnostics.predictor.model import Rest

Floats = NDArray[np.float64]
DF = 4.0
"""So that single transfers with enormous gaps do not decide."""
QUANTILES = 99
PLACES = 9
"""Values of mean / spread for which the rest is kept."""
NEIGHBOURS = 0.1
"""Share of the cases to each side that give the rest of such a place."""


def location_scale(
    X: Floats,
    Z: Floats,
    answer: Floats,
    weight: Floats,
    *,
    penalty: float,
    max_iter: int,
    tolerance: float,
    not_negative: Sequence[bool] = (),
) -> tuple[Floats, Floats]:
    """Return the coefficients of the mean, and those of the log spread, its intercept first.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Terms of the mean, in its unit; not centred, since zero means nothing to say.
    Z : ndarray of shape (n, q)
        Terms of the log spread.
    answer, weight : ndarray of shape (n,)
    penalty : float
        On squared coefficients of terms brought to spread 1.
    max_iter, tolerance : int, float
        When the search ends.
    not_negative : sequence of bool, optional
        Terms of the mean whose coefficients stay at or above 0.
    """
    x_scale, z_mean, z_scale = X.std(axis=0), Z.mean(axis=0), Z.std(axis=0)
    x_scale[x_scale < 1e-9] = np.inf
    z_scale[z_scale < 1e-9] = np.inf
    Xs, Zs = X / x_scale, np.c_[np.ones(len(Z)), (Z - z_mean) / z_scale]
    p = Xs.shape[1]

    def objective(theta: Floats) -> tuple[float, Floats]:
        b, c = theta[:p], theta[p:]
        scale = np.exp(Zs @ c)
        r = (answer - Xs @ b) / scale
        loss = (weight * (Zs @ c + (DF + 1) / 2 * np.log1p(r**2 / DF))).sum()
        pull = weight * (DF + 1) * r / (DF + r**2)
        slope = np.r_[-(Xs.T @ (pull / scale)) + penalty * b, Zs.T @ (weight - pull * r)]
        slope[p + 1 :] += penalty * c[1:]
        return float(loss + penalty / 2 * (b @ b + c[1:] @ c[1:])), slope

    start = np.zeros(p + Zs.shape[1])
    start[p] = np.log(np.std(answer) / 2)
    bounds = [(0.0 if one else None, None) for one in not_negative]
    found: Any = minimize(
        objective, start, jac=True, method="L-BFGS-B",
        bounds=bounds + [(None, None)] * (start.size - p) if bounds else None,
        options={"maxiter": max_iter, "ftol": tolerance},
    )  # fmt: skip
    b, c = found.x[:p] / x_scale, found.x[p + 1 :] / z_scale
    return b, np.r_[found.x[p] - c @ z_mean, c]


def rest_of(
    answer: Floats, mean: Floats, spread: Floats, weight: Floats, *,
    places: int = PLACES, neighbours: float = NEIGHBOURS,
) -> Rest:  # fmt: skip
    """Return what was left of these answers, by mean / spread."""
    place, rest = mean / spread, (answer - mean) / spread
    order = np.argsort(place, kind="stable")
    place, rest, weight = place[order], rest[order], weight[order]
    share = (np.cumsum(weight) - weight / 2) / weight.sum()
    at, rows = [], []
    for centre in np.linspace(neighbours, 1 - neighbours, places):
        near = np.abs(share - centre) <= neighbours
        at.append(np.average(place[near], weights=weight[near]))
        rows.append(quantiles(rest[near], weight[near]))
    return Rest(np.array(at), np.array(rows))


def quantiles(values: Any, weight: Floats) -> Floats:
    """Return weighted quantiles at (i + 1/2) / q."""
    values = np.asarray(values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order]) - weight[order] / 2
    levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return np.interp(levels, total / weight.sum(), values[order])
