"""GULP: how far ridge predictions from two representations can lie apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._scores import ScoreResult
from .._validation import Floats, Ints, RandomState
from ..registry import register
from ._cca import directions, row_cautions
from ._judged import both_cautions, centred, check_doubt, judged, no_variance
from ._paired import check_paired

_NEAR = 1e-6
"""Below this share of the squares their difference is mostly rounding, and is found directly."""


@register(
    family="similarity", inputs="paired tables", units="squared difference of predictions",
    range=(0.0, math.inf), direction="larger means less similar", symmetric=True,
    zero_on_itself=True,
    invariances=("row order", "column order", "translation", "rotation", "one scale"),
    min_rows=4, cost="O(n (p^2 + q^2))",
)  # fmt: skip
def gulp(
    first: Any,
    second: Any,
    *,
    penalty: float = 0.1,
    squared: bool = True,
    first_ids: Any = None,
    second_ids: Any = None,
    n_permutations: int = 30,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> ScoreResult:
    r"""Measure how far ridge predictions from two representations can lie apart.

    Parameters
    ----------
    first, second : array of shape (n, p) and (n, q)
        Two representations of the same rows, in the same order.
    penalty : float
        The ridge penalty λ, at least 0, relative to a total variance of 1. 0: differences of
        spans, as in canonical correlation. Large: only leading directions count, as in CKA.
    squared : bool
        Whether the squared distance is returned; it is not a metric, its root is.
    first_ids, second_ids : array of shape (n,), optional
        Names of the rows, checked to agree.
    n_permutations, n_draws : int
        Shuffles of the rows behind the chance level and half-samples behind the interval; each
        costs about as much as a matrix product, respectively as the value itself.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    ScoreResult
        At least 0; larger means less similar. Values of different penalties are not comparable.
        No value when a side does not vary.

    Notes
    -----
    With :math:`\Sigma = X_c^T X_c / n` after each centred table was scaled to a total variance of
    1, and :math:`\Sigma^{-\lambda} = (\Sigma + \lambda I)^{-1}`,

    .. math:: d^2 = \mathrm{tr}[(\Sigma_x^{-\lambda} \Sigma_x)^2]
              + \mathrm{tr}[(\Sigma_y^{-\lambda} \Sigma_y)^2]
              - 2\, \mathrm{tr}[\Sigma_x^{-\lambda} \Sigma_{xy} \Sigma_y^{-\lambda} \Sigma_{yx}],

    the squared differences of the two ridge predictions, summed over a full orthonormal set of
    targets of the rows: for no target of unit variance is the mean squared difference larger.
    At λ = 0 it is :math:`r_x + r_y - 2 \sum \rho^2` with the ranks r and the canonical
    correlations ρ; there resi counts each constant column that rounding makes positive as a
    direction, and its value is larger by a whole number. With small λ and more columns than rows
    it says little: any two tables then span the same rows.

    References
    ----------
    Boix-Adserà, Lawrence, Stepaniants & Rigollet (2022), GULP: a prediction-based metric between
    representations, NeurIPS, equation 3.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(200, 3))
    >>> rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    >>> round(gulp(rows, 2 * rows @ rotation).value, 6)
    0.0
    >>> gulp(rows, rng.normal(size=(200, 3))).value > 2
    True
    """
    x, y = check_paired(first, second, first_ids=first_ids, second_ids=second_ids)
    penalty = _check_penalty(penalty)
    doubt = check_doubt(n_permutations, n_draws, level, random_state)
    cautions = both_cautions(first, second)
    x, y = centred(x), centred(y)
    if reason := no_variance(x, y):
        return ScoreResult(
            value=None, reason=reason, n_rows=len(x), cautions=cautions,
            larger_is_better=False,
        )  # fmt: skip
    one, other = _smoother(x, penalty), _smoother(y, penalty)
    if penalty == 0:
        cautions += row_cautions(len(x), one.shape[1], other.shape[1])

    def distance(left: Floats, right: Floats) -> float:
        found = _apart(left, right)
        return found if squared else math.sqrt(found)

    def halved(rows: Ints) -> float | None:
        half = centred(x[rows]), centred(y[rows])
        if no_variance(*half):
            return None
        return distance(_smoother(half[0], penalty), _smoother(half[1], penalty))

    judgement = judged(
        distance(one, other), doubt, rows=len(x), best=0.0, low=0.0, halved=halved,
        shuffled=lambda order: distance(one[order], other),
    )  # fmt: skip
    return ScoreResult(
        value=judgement.value,
        normalised=judgement.normalised,
        chance=judgement.chance,
        interval=judgement.interval,
        n_rows=len(x),
        cautions=cautions,
        larger_is_better=False,
    )


def _check_penalty(penalty: float) -> float:
    is_number = isinstance(penalty, int | float | np.number) and not isinstance(penalty, bool)
    if not is_number or not 0 <= penalty < math.inf:
        raise ValueError(f"`penalty` must be a number of at least 0, got {penalty!r}.")
    return float(penalty)


def _smoother(table: Floats, penalty: float) -> Floats:
    """Return F such that F Fᵀ maps targets to their ridge predictions, shape (n, r)."""
    found = directions(table, equal_columns=penalty == 0)
    if penalty == 0:
        return found.basis
    variances = found.sizes**2 / float((table**2).sum())
    return found.basis * np.sqrt(variances / (variances + penalty))


def _apart(left: Floats, right: Floats) -> float:
    """Return the squared norm of the difference of two smoothers F Fᵀ, from their roots F."""
    # the columns of a root are orthogonal: its square has their squared lengths on the diagonal
    squares = sum(float(((root**2).sum(axis=0) ** 2).sum()) for root in (left, right))
    found = squares - 2 * float(((left.T @ right) ** 2).sum())
    if found > _NEAR * squares:
        return found
    _, both = np.linalg.qr(np.hstack([left, right]))
    one, other = both[:, : left.shape[1]], both[:, left.shape[1] :]
    return float(((one @ one.T - other @ other.T) ** 2).sum())
