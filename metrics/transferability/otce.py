"""OTCE and F-OTCE: what the labels of coupled source rows say of the target's labels."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from .._validation import RandomState
from ..registry import register
from ._coupled_score import (
    OtceCoefficients,
    OtceResult,
    check_coefficients,
    check_coupling,
    check_sides,
    scored,
)


@register(
    family="transferability", inputs="labelled tables", units="nats", range=(-math.inf, 0.0),
    direction="larger means more transferable", cost="O(n^3 log n + n m d)", min_rows=2,
    invariances=(
        "row order", "column order", "translation", "rotation", "one scale", "relabelling",
    ),
    attribution=("classes",),
)  # fmt: skip
def f_otce(
    source: ArrayLike,
    target: ArrayLike,
    *,
    source_labels: ArrayLike,
    target_labels: ArrayLike,
    joint_cost: float | None = None,
    max_rows: int = 1000,
    n_permutations: int | None = None,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> OtceResult:
    r"""Return F-OTCE: how well labels of coupled source rows determine those of the target.

    Parameters
    ----------
    source : array_like of shape (n_source, d)
        Features of the source rows.
    target : array_like of shape (n_target, d)
        Features of the target rows, by the same source model.
    source_labels, target_labels : array_like of shape (n_source,) and (n_target,)
        Classes; the two sides need not share any.
    joint_cost : float, optional
        For JC-OTCE: the weight of the features' squared distance in the cost, at most 1; the rest
        goes to the squared Wasserstein distance (exact) between the rows' classes. By
        default labels do not enter the cost.
    max_rows : int
        Sides with more rows are subsampled, every class by its share.
    n_permutations : int, optional
        Shuffles of the target labels for the chance level; 0 for none. By default 100, which cost
        nothing because the coupling stays; with ``joint_cost`` it does not and 10 are taken.
    n_draws : int
        Half-samples of both sides behind the interval, one coupling each; 0 for none.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of subsample, shuffles and half-samples.

    Returns
    -------
    OtceResult
        Between -H(Y_t), the entropy of the target labels, and 0; in nats. None with one target
        class.

    Notes
    -----
    :math:`-H(Y_t|Y_s)` of the label masses :math:`P(y_s, y_t)` under the coupling that moves the
    source rows to the target rows at least squared Euclidean distance, uniform weights, solved
    exactly. Where the best coupling is not unique (repeated rows) the value depends on the order
    of the rows.

    With few rows or many source classes it is too close to 0; the chance level has the
    same optimism. Neither the size of the domain shift nor the names of classes
    enter: a source far away, or one whose labels are exchanged, scores the same.

    References
    ----------
    Tan, Zhang, Li, Huang & Zhang (2024), Transferability-guided cross-domain cross-task transfer
    learning, IEEE TNNLS (arXiv 2207.05510): F-OTCE and JC-OTCE.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(60) % 2
    >>> source = rng.normal(size=(60, 2)) + 6 * labels[:, None]
    >>> shifted = f_otce(source, source + 1, source_labels=labels, target_labels=labels)
    >>> shifted.value, round(shifted.wasserstein, 6)
    (0.0, 2.0)
    """
    asked = check_coupling(n_permutations, n_draws, level, random_state, joint_cost)
    sides = check_sides(source, target, source_labels, target_labels, max_rows, asked)
    return scored(*sides, (0.0, -1.0, 0.0), joint_cost, asked, "F-OTCE")


@register(
    family="transferability", inputs="labelled tables",
    units="those of its coefficients; accuracy where they were fitted to it",
    range=(-math.inf, math.inf), direction="larger means more transferable",
    cost="O(n^3 log n + n m d)", min_rows=2,
    invariances=("row order", "column order", "translation", "rotation", "relabelling"),
    attribution=("classes",),
)  # fmt: skip
def otce(
    source: ArrayLike,
    target: ArrayLike,
    *,
    source_labels: ArrayLike,
    target_labels: ArrayLike,
    coefficients: OtceCoefficients = (-0.5, -0.5, 0.0),
    joint_cost: float | None = None,
    max_rows: int = 1000,
    n_permutations: int | None = None,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> OtceResult:
    r"""Return OTCE: domain difference and task difference under one coupling, weighed together.

    Parameters
    ----------
    source : array_like of shape (n_source, d)
        Features of the source rows.
    target : array_like of shape (n_target, d)
        Features of the target rows, by the same source model.
    source_labels, target_labels : array_like of shape (n_source,) and (n_target,)
        Classes; the two sides need not share any.
    coefficients : (float, float, float)
        Of the squared distance, of the conditional entropy, and a constant. To be fitted on
        tasks of known transfer accuracy, for one space of features; the default is what the paper
        takes without such tasks.
    joint_cost, max_rows, n_permutations, n_draws, level, random_state
        As in :func:`f_otce`.

    Returns
    -------
    OtceResult
        Any number; ``wasserstein`` and ``conditional_entropy`` are its two terms. None with one
        target class.

    Notes
    -----
    :math:`\lambda_1 W + \lambda_2 H(Y_t|Y_s) + b`, W without the root. W is in squared units of
    the columns and its expectation grows with their number: with the default coefficients it
    swamps the entropy unless features have about unit size, and two spaces of features cannot be
    compared. Without fitted coefficients prefer :func:`f_otce`, as the authors do. Elsewhere W + H
    with both signs positive goes by the same name (Model-Spider): a distance.

    The chance level shuffles the target labels and so concerns the second term only.

    References
    ----------
    Tan, Li & Huang (2021), OTCE: a transferability metric for cross-domain cross-task
    representations, CVPR, equations 5 to 7.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(60) % 2
    >>> source = rng.normal(size=(60, 2)) + 6 * labels[:, None]
    >>> round(otce(source, source + 1, source_labels=labels, target_labels=labels).value, 6)
    -1.0
    """
    weights = check_coefficients(coefficients)
    asked = check_coupling(n_permutations, n_draws, level, random_state, joint_cost)
    sides = check_sides(source, target, source_labels, target_labels, max_rows, asked)
    return scored(*sides, weights, joint_cost, asked, "OTCE")
