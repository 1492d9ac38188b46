"""SFDA: how surely a Fisher discriminant knows the rows it was fitted on, once made hard."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .._scores import (
    Caution,
    ScoreResult,
    chance_level,
    check_features,
    check_labels,
    feature_cautions,
    label_cautions,
    normalise,
    score_interval,
)
from .._validation import Floats, Ints, RandomState, check_count, check_share, generator
from ..registry import register
from ._linear_head import principal_axes, softmax

_LEAST = 1e-10
"""Shrinkage that is always there."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SFDAResult(ScoreResult):
    """Outcome of :func:`sfda`.

    Attributes
    ----------
    shrinkage : float or None
        Between 0 and 1, of the covariances towards a multiple of the identity.
    by_class : ndarray of shape (C,) or None
        Mean probability of the own class over the rows of every class, in sorted order.
    """

    shrinkage: float | None
    by_class: Floats | None


@register(
    family="transferability", units="probability", range=(0.0, 1.0),
    direction="larger means more transferable", cost="O(n d min(n, d)), a permutation O(n d^2)",
    inputs="features and labels",
    invariances=("row order", "column order", "translation", "relabelling"), min_rows=4,
)  # fmt: skip
def sfda(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    n_permutations: int = 10,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> SFDAResult:
    r"""Self-challenging Fisher discriminant analysis, after Shao et al.

    Parameters
    ----------
    features : array of shape (n, d)
        Of the source model, on target rows. Left as it is.
    labels : array of shape (n,)
        Classes, of any type.
    n_permutations : int
        Shuffles of the labels for the chance level; 0 leaves it out. Each costs about what the
        value costs.
    n_draws : int
        Half-samples for the interval; 0 leaves it out.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    SFDAResult
        Between 0 and 1; larger means more transferable. No value with one class, or when the
        rows of every class are all the same.

    Notes
    -----
    A linear discriminant with covariance :math:`(1 - s) S_w + s\,tr(S_w)/d\,I` gives
    probabilities :math:`p(y|x)`. Every row is then moved towards the mean of the means of the
    other classes (ConfMix), :math:`x' = w x + (1 - w) m`, with w the softmax of the
    *probabilities* at the own class: the surer, the less. The discriminant is fitted again with
    the same s, and the score is the mean probability of the own class (not its logarithm).

    :math:`s = \max(e^{-5 l}, 10^{-10})`, with l an estimate of the largest eigenvalue of
    :math:`S_w` by a few steps of the power method from its row sums. So the score depends on
    the scale of the features: large ones are not shrunk at all, tiny ones totally. It also
    depends on the axes, through the start of the power method, where s is not at its floor.

    All generalised eigenvectors E of the authors' code enter only as
    :math:`E E^T = \tilde S_w^{-1}`, so one Cholesky factor does. With more columns than rows the
    rows are first turned onto their principal axes.

    The interval comes from half-samples. Where a half has no more rows than there are columns,
    it is saturated, and there is no interval.

    It is in-sample: with more columns than rows it is 1 whatever the labels, which the cautions
    say and the chance level shows.

    References
    ----------
    Shao et al. (2022), Not All Models Are Equal: Predicting Model Transferability in a
    Self-challenging Fisher Space, ECCV.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> features = rng.normal(size=(90, 4)) + 2 * np.eye(4)[labels]
    >>> result = sfda(features, labels)
    >>> round(result.value, 2), round(result.chance.mean, 2)
    (0.67, 0.34)
    """
    table = check_features(features, min_rows=4)
    n, d = table.shape
    given = check_labels(labels, n)
    n_permutations = check_count(n_permutations, "n_permutations", minimum=0)
    n_draws = check_count(n_draws, "n_draws", minimum=0)
    level, rng = check_share(level, "level"), generator(random_state)
    cautions = feature_cautions(features) + label_cautions(given)

    codes, n_classes = given.codes, given.n_classes
    places, ones = _turned(table)
    scored = _score(places, ones, d, codes, n_classes) if n_classes > 1 else None
    if scored is None:
        reason = _undefined(n_classes)
        return SFDAResult(
            value=None, reason=reason, n_rows=n, cautions=cautions, shrinkage=None, by_class=None
        )
    own, shrinkage = scored
    value = float(own.mean())

    def shuffled(order: Ints) -> float:
        found = _score(places, ones, d, codes[order], n_classes)
        return 1.0 if found is None else float(found[0].mean())

    def half(rows: Ints) -> float | None:
        found = _score(places[rows], ones, d, codes[rows], n_classes)
        return None if found is None else float(found[0].mean())

    chance = chance_level(shuffled, n, n_permutations=n_permutations, rng=rng)
    return SFDAResult(
        value=value,
        normalised=normalise(value, chance, best=1.0),
        chance=chance,
        interval=score_interval(
            half,
            n,
            value,
            level=level,
            n_draws=n_draws if n // 2 > d else 0,
            rng=rng,
            strata=codes,
            low=0.0,
            high=1.0,
        ),
        n_rows=n,
        cautions=cautions,
        shrinkage=shrinkage,
        by_class=np.bincount(codes, own) / given.counts,
    )


def _undefined(n_classes: int) -> Caution:
    if n_classes == 1:
        return Caution("one class", "All labels are of one class: nothing can be told apart.")
    return Caution(
        "not defined", "The rows of every class are all the same: there is no spread to divide by."
    )


def _turned(table: Floats) -> tuple[Floats, Floats]:
    """Return centred rows, on principal axes where columns outnumber rows, and a row of ones.

    The ones are turned likewise; they start the power method.
    """
    if table.shape[1] <= len(table):
        return table - table.mean(axis=0), np.ones(table.shape[1])
    axes = principal_axes(table)
    return axes.places, axes.directions.sum(axis=0)


def _score(
    places: Floats, ones: Floats, d: int, codes: Ints, n_classes: int
) -> tuple[Floats, float] | None:
    """Return every row's probability of its own class, and the shrinkage."""
    means, within = _moments(places, codes, n_classes)
    if not np.trace(within) > 1e-24 * max(float(np.vdot(places, places)) / len(places), 1e-270):
        return None
    shrinkage = max(math.exp(-5 * _largest_eigenvalue(within, ones)), _LEAST)
    rows = np.arange(len(places))
    sure = _probabilities(places, means, within, d, shrinkage, codes)
    weight = softmax(sure)[rows, codes][:, None]
    others = (means.sum(axis=0) - means) / (n_classes - 1)
    mixed = others[codes]
    mixed *= 1 - weight
    mixed += weight * places
    means, within = _moments(mixed, codes, n_classes)
    return _probabilities(mixed, means, within, d, shrinkage, codes)[rows, codes], shrinkage


def _moments(places: Floats, codes: Ints, n_classes: int) -> tuple[Floats, Floats]:
    """Return class means and the mean covariance within classes, weighted by their shares."""
    from scipy.sparse import csr_array

    n = len(codes)
    counts = np.bincount(codes, minlength=n_classes)
    indicator = csr_array((np.ones(n), (codes, np.arange(n))), shape=(n_classes, n))
    means = np.asarray(indicator @ places) / counts[:, None]
    inside = means[codes]
    np.subtract(places, inside, out=inside)
    return means, inside.T @ inside / len(places)


def _largest_eigenvalue(matrix: Floats, ones: Floats) -> float:
    """Estimate it by three double steps of the power method, as the authors do."""
    first = second = matrix @ ones
    for _ in range(3):
        second = matrix @ first
        second /= max(float(np.linalg.norm(second)), np.finfo(float).tiny)
        first = matrix @ second
        first /= max(float(np.linalg.norm(first)), np.finfo(float).tiny)
    return float(first @ matrix @ second)


def _probabilities(
    places: Floats, means: Floats, within: Floats, d: int, shrinkage: float, codes: Ints
) -> Floats:
    """Return p(class | row) of the discriminant with shrunk covariance, shape (n, C)."""
    from scipy.linalg import cho_factor, cho_solve

    spread = shrinkage * float(np.trace(within)) / d
    shrunk = (1 - shrinkage) * within
    shrunk.flat[:: len(shrunk) + 1] += spread
    slopes = cho_solve(cho_factor(shrunk, overwrite_a=True), means.T)
    share = np.bincount(codes, minlength=means.shape[0]) / len(codes)
    return softmax(places @ slopes - (means.T * slopes).sum(axis=0) / 2 + np.log(share))
