"""Tests of whether two samples differ, in a marginal or given the other variable.

All are quadratic forms of one vector of sums, so that a permutation costs one product of
matrices instead of one fit.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from .._permutation import permutation_p_value
from .._validation import Floats, Ints
from ._residuals import basis, left_out_residuals
from ._shift_features import ShiftFeatures, multiply

_RIDGE = 0.05  # share of the mean variance; keeps the form defined where features repeat


def component_p_values(
    features: ShiftFeatures, pooled: Floats, is_target: Ints, *, categorical: bool,
    n_permutations: int, rng: np.random.Generator,
) -> Floats:  # fmt: skip
    """Return one p-value for each of P(X), P(Y), P(Y|X), P(X|Y), P(X,Y)."""
    everywhere = np.zeros(len(is_target), dtype=np.int64)
    x, y, both, x_given_y = (
        permutation_test(table, is_target, strata, n_permutations, rng)
        for table, strata in (
            (features.columns, everywhere),
            (features.labels.features, everywhere),
            (features.joint, everywhere),
            (features.within_labels, features.labels.strata),
        )
    )
    contributions = residual_products(features, pooled, is_target, categorical, rng)
    y_given_x = sign_flip_test(contributions, n_permutations, rng)
    return np.array([x, y, y_given_x, x_given_y, both])


def residual_products(
    features: ShiftFeatures, pooled: Floats, is_target: Ints, categorical: bool,
    rng: np.random.Generator,
) -> Floats:  # fmt: skip
    """Return row by row (Z - E[Z|X]) (s(Y) - E[s(Y)|X]) w(X), of mean 0 where Z ⟂ Y | X.

    For quantities the rank of the residual's size joins the scores s, so that another noise is
    seen. (Its square would do so too, but its few large values spoil the level.)
    """
    table = basis(pooled, rng)
    sides_and_scores = np.hstack([is_target[:, None].astype(np.float64), features.labels.scores])
    residuals = left_out_residuals(table, sides_and_scores)
    side, scores = residuals[:, :1], residuals[:, 1:]
    if not categorical:
        sizes = 2 * rankdata(np.abs(scores), axis=0) / len(scores) - 1
        scores = np.hstack([scores, left_out_residuals(table, sizes)])
    weights = np.hstack([np.ones_like(side), features.directions])
    return multiply(side * weights, scores)


def permutation_test(
    features: Floats, is_target: Ints, strata: Ints, n_permutations: int, rng: np.random.Generator
) -> float:
    """Return the p-value of Rao's score test with the sides permuted within strata.

    The statistic is the first Newton step of a ridge-penalised logistic regression of the
    side on the features, with one intercept a stratum.
    """
    sides = np.empty((len(is_target), 1 + n_permutations))
    centred, weights = np.empty_like(features), np.empty(len(features))
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        sides[rows, 0] = is_target[rows]
        repeated = np.tile(is_target[rows, None], n_permutations)
        sides[rows, 1:] = rng.permuted(repeated, axis=0)
        centred[rows] = features[rows] - features[rows].mean(axis=0)
        share = is_target[rows].mean()
        weights[rows] = share * (1 - share) * len(rows) / max(1, len(rows) - 1)
    # The covariance of the sums under permutation.
    covariance = centred.T @ (weights[:, None] * centred)
    return permutation_p_value(_quadratic_form(centred.T @ sides, covariance, len(features)))


def sign_flip_test(contributions: Floats, n_permutations: int, rng: np.random.Generator) -> float:
    """Return the p-value of "the rows' contributions have mean 0", by random signs of rows."""
    signs = rng.choice([-1.0, 1.0], size=(len(contributions), 1 + n_permutations))
    signs[:, 0] = 1.0
    covariance = contributions.T @ contributions
    sums = contributions.T @ signs
    return permutation_p_value(_quadratic_form(sums, covariance, len(contributions)))


def _quadratic_form(sums: Floats, covariance: Floats, rows: int) -> Floats:
    """Return ``s' (C + ridge)^-1 s`` for every column ``s``, features on one scale."""
    spread = np.sqrt(np.diag(covariance))
    varies = spread > 1e-9 * max(1.0, spread.max(initial=0.0))
    if not varies.any():
        return np.zeros(sums.shape[1])
    sums = sums[varies] / spread[varies, None]
    shape = covariance[np.ix_(varies, varies)] / np.outer(spread[varies], spread[varies])
    # With as many features as rows the form would say the same of every permutation.
    shape[np.diag_indices_from(shape)] += _RIDGE + len(sums) / rows
    return np.asarray(np.einsum("ib,ib->b", sums, np.linalg.solve(shape, sums)))
