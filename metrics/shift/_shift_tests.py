"""Tests of whether two samples differ, in a marginal or given the other variable.

All are quadratic forms of one vector of sums, so that a permutation costs one product of
matrices instead of one fit.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from .._permutation import permutation_p_value
from .._validation import Floats, Ints
from ._residuals import SideModel, basis, left_out_residuals
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
    y_given_x = conditional_test(
        features, pooled, is_target, categorical=categorical, n_draws=n_permutations, rng=rng
    )
    return np.array([x, y, y_given_x, x_given_y, both])


def conditional_test(
    features: ShiftFeatures, pooled: Floats, is_target: Ints, *, categorical: bool, n_draws: int,
    rng: np.random.Generator,
) -> float:  # fmt: skip
    """Return the p-value of "the side says nothing of the label given the columns", P(Y|X).

    Sides are drawn anew from a model of the side given the columns, labels and columns staying
    as they are (the conditional randomisation test), and every draw goes through the score
    test of the model against products of label residuals and columns. Where the model of the
    side is right, any label residuals are valid, and with right residuals a rough model of the
    side will do.

    For quantities the rank of the residual's size joins the scores, so that another noise is
    seen. (Its square would do so too, but its few large values spoil the level.)
    """
    table = basis(pooled, rng)
    scores = left_out_residuals(table, features.labels.scores)
    if not categorical:
        sizes = 2 * rankdata(np.abs(scores), axis=0) / len(scores) - 1
        scores = np.hstack([scores, left_out_residuals(table, sizes)])
    ones = np.ones((len(pooled), 1))
    products = multiply(np.hstack([ones, features.directions]), scores)
    model = SideModel.fit(table, is_target.astype(np.float64), features.columns.shape[1])
    directions = model.beyond(products)
    sides = np.hstack([is_target[:, None], model.drawn(n_draws, rng)])
    covariance = (directions * model.variances[:, None]).T @ directions
    sums = directions.T @ (sides - model.chances[:, None])
    return permutation_p_value(_quadratic_form(sums, covariance, len(pooled)))


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
