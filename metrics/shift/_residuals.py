"""Flexible models of the columns: of a response, no row having its say, and of the side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist, pdist
from scipy.special import expit, logit

from .._validation import Floats, subsample
from ..divergence._domain_classifier import Features

_LANDMARKS = 150
_KNOTS = 8
_MOST_BENT = 20  # columns that get bumps of their own; beyond, fits get slow
_CLIP = 4.0
_PENALTIES = np.geomspace(1e-4, 1e4, 17)  # in units of the mean squared singular value
_SIDE_PENALTIES = np.geomspace(1e4, 1e-2, 7)
_OF_PLAIN = 0.01  # how much less columns and squares are penalised than bumps
_MOST_STEPS = 25
_FAR = 30.0


def basis(pooled: Floats, rng: np.random.Generator) -> Floats:
    """Return columns, their squares, and Gaussian bumps, all centred.

    The bumps stand at some of the rows, for whatever columns do together, and along every
    single column, for bends that are lost among many columns.
    """
    features = Features.of(pooled).values
    columns = features[:, : pooled.shape[1]]
    centres = columns[subsample(len(columns), min(_LANDMARKS, len(columns) // 3), rng)]
    distances = pdist(centres)
    apart = distances[distances > 0]
    width = float(np.median(apart)) if len(apart) else 1.0
    bumps = np.exp(-0.5 * (cdist(columns, centres) / width) ** 2)
    together = np.hstack([features, bumps, _bends(np.clip(columns, -_CLIP, _CLIP))])
    return np.asarray(together - together.mean(axis=0))


def _bends(columns: Floats) -> Floats:
    """Return bumps along the leading columns, at quantiles and as wide as these are apart."""
    found = [np.empty((len(columns), 0))]
    for column in columns.T[:_MOST_BENT]:
        knots = np.unique(np.quantile(column, np.linspace(0.03, 0.97, _KNOTS)))
        if len(knots) >= 4:
            width = np.diff(knots).mean()
            found.append(np.exp(-0.5 * ((column[:, None] - knots) / width) ** 2))
    return np.hstack(found)


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


@dataclass(frozen=True, slots=True, eq=False)
class SideModel:
    """Chance of being a target row given the columns: a ridge logistic regression.

    Attributes
    ----------
    chances : ndarray of shape (N,)
    design : ndarray of shape (N, p + 1)
        The basis and a constant.
    """

    chances: Floats
    design: Floats
    _factor: Any

    @property
    def variances(self) -> Floats:
        """Of the side given the columns, shape (N,)."""
        return _variances(self.chances)

    @classmethod
    def fit(cls, basis: Floats, is_target: Floats, n_plain: int) -> SideModel:
        """Fit from the strongest penalty on, and keep the best for rows left out.

        The first `n_plain` features are the columns and their squares. A model that sees sides
        closer than they are draws them too mixed, and the test loses power.
        """
        design = np.hstack([basis, np.ones((len(basis), 1))])
        solution = np.zeros(design.shape[1])
        solution[-1] = logit(is_target.mean())
        best, found = np.inf, None
        for penalty in _SIDE_PENALTIES:
            ridge = np.full(design.shape[1], penalty)
            ridge[:n_plain] *= _OF_PLAIN
            ridge[-1] = 1e-9  # the constant is free; this keeps the equations solvable
            solution = _newton(design, is_target, ridge, solution)
            model = cls(*_at(design, ridge, solution))
            loss = model._left_out_loss(is_target, design @ solution)
            if loss < best:
                best, found = loss, model
        assert found is not None
        return found

    def beyond(self, directions: Floats) -> Floats:
        """Return directions less what the refitted model would absorb of them, shape (N, q).

        Their products with the side less its chance are Rao's scores for the directions.
        """
        absorbed = self.design.T @ (self.variances[:, None] * directions)
        return np.asarray(directions - self.design @ cho_solve(self._factor, absorbed))

    def drawn(self, count: int, rng: np.random.Generator) -> Floats:
        """Return sides drawn anew given the columns, shape (N, count)."""
        return (rng.random((len(self.chances), count)) < self.chances[:, None]).astype(np.float64)

    def _left_out_loss(self, is_target: Floats, scores: Floats) -> float:
        """Return the mean log loss of rows left out, by one Newton step from the fit."""
        variances = self.variances
        solved = cho_solve(self._factor, self.design.T)
        leverage = np.minimum(variances * np.einsum("ij,ji->i", self.design, solved), 0.999)
        moved = (is_target - self.chances) / variances * leverage / (1 - leverage)
        left_out = np.clip(scores - moved, -_FAR, _FAR)
        return float(np.logaddexp(0.0, (1 - 2 * is_target) * left_out).mean())


def _variances(chances: Floats) -> Floats:
    return np.asarray(np.maximum(chances * (1 - chances), 1e-6))


def _at(design: Floats, ridge: Floats, solution: Floats) -> tuple[Floats, Floats, Any]:
    """Return the chances, the design and the factored curvature at a solution."""
    chances = expit(design @ solution)
    curvature = (design * _variances(chances)[:, None]).T @ design
    curvature[np.diag_indices_from(curvature)] += ridge
    return chances, design, cho_factor(curvature)


def _newton(design: Floats, is_target: Floats, ridge: Floats, solution: Floats) -> Floats:
    """Newton's method, no step moving any log odds by more than 5."""
    for _ in range(_MOST_STEPS):
        chances, _, factor = _at(design, ridge, solution)
        step = cho_solve(factor, design.T @ (is_target - chances) - ridge * solution)
        reach = float(np.abs(design @ step).max())
        solution = solution + min(1.0, 5 / max(reach, 1e-12)) * step
        if reach < 1e-2:  # the step just made squares the error
            break
    return solution
