"""Balanced L2 logistic regression, small and quiet enough to be fitted hundreds of times."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from .._validation import Floats, Ints

_MANY_COLUMNS = 250  # from here on Newton steps cost more than they save
_MAX_STEPS = 50
_SMALL_GAIN = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """Decision values are ``X @ coefficients + intercept``; positive means target."""

    coefficients: Floats
    intercept: float

    def decide(self, features: Floats) -> Floats:
        """Return decision values, shape (rows,)."""
        return np.asarray(features @ self.coefficients + self.intercept)


def fit_logistic(features: Floats, is_target: Ints, penalty: float) -> Logistic:
    """Minimise the balanced log loss plus ``|coefficients|² / (2 penalty)``.

    The same objective as scikit-learn's ``LogisticRegression(C=penalty,
    class_weight="balanced")``, which serves where columns are many. For few columns its
    input checks take longer than the fit, and null bands need hundreds of fits.
    """
    if features.shape[1] > _MANY_COLUMNS:
        model = LogisticRegression(C=penalty, class_weight="balanced", tol=1e-3, max_iter=2000)
        model.fit(features, is_target)
        return Logistic(np.asarray(model.coef_[0]), float(model.intercept_[0]))
    counts = np.bincount(is_target, minlength=2)
    weights = (len(is_target) / (2 * counts))[is_target]
    design = np.hstack([features, np.ones((len(features), 1))])
    ridge = np.full(design.shape[1], 1 / penalty)
    ridge[-1] = 1e-10  # the intercept is free; this keeps the equations solvable
    solution = _newton(design, is_target, weights, ridge)
    return Logistic(solution[:-1], float(solution[-1]))


def _newton(design: Floats, is_target: Ints, weights: Floats, ridge: Floats) -> Floats:
    """Newton's method with step halving on a strictly convex loss."""
    signs = 1.0 - 2.0 * is_target

    def loss(at: Floats) -> float:
        fit = weights @ np.logaddexp(0.0, signs * (design @ at))
        return float(fit + ridge @ at**2 / 2)

    solution = np.zeros(design.shape[1])
    current = loss(solution)
    for _ in range(_MAX_STEPS):
        share = expit(design @ solution)
        gradient = design.T @ (weights * (share - is_target)) + ridge * solution
        curvature = design.T @ (design * (weights * share * (1 - share))[:, None])
        curvature[np.diag_indices_from(curvature)] += ridge
        step = cho_solve(cho_factor(curvature), gradient)
        size = 1.0
        while (reached := loss(solution - size * step)) > current and size > 1e-6:
            size /= 2
        gain = current - reached
        if gain > 0:
            solution, current = solution - size * step, reached
        if gain <= _SMALL_GAIN * current:
            break
    return solution
