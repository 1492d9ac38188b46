"""GBC: how much the classes overlap in a space of features."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from .._scores import (
    ScoreResult,
    check_features,
    check_labels,
    feature_cautions,
    label_cautions,
    normalise,
)
from .._validation import Floats, Ints, RandomState, check_choice, check_count, check_positive
from ..registry import register
from ._asked import check_asked, one_class
from ._overlaps import ClassCovariance, SphericalConvention, log_overlaps
from ._principal import principal_scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GbcResult(ScoreResult):
    """Outcome of :func:`gbc`.

    Attributes
    ----------
    log_overlap : float or None
        log(-value): still ranks where all classes are so far apart that the value is 0.
    overlaps : ndarray of shape (C, C) or None
        Bhattacharyya coefficient of any two classes, between 0 and 1; 1 on the diagonal.
    classes : ndarray of shape (C,)
        The classes of its rows and columns.
    n_floored : int
        Variances raised to the floor: the more, the more the value depends on it.
    n_dimensions : int
        Columns, or principal components, in which classes were compared.
    """

    log_overlap: float | None = None
    overlaps: Floats | None = None
    classes: NDArray[Any]
    n_floored: int = 0
    n_dimensions: int


@register(
    family="transferability", inputs="features and labels", units="overlapping pairs of classes",
    range=(-math.inf, 0.0), direction="larger means more transferable",
    invariances=("row order", "column order", "translation", "one scale", "relabelling"),
    min_rows=2, cost="O(n d min(n, d) + C^2 k); C^2 k^3 with full covariances",
    attribution=("classes",),
)  # fmt: skip
def gbc(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    covariance: ClassCovariance = "diagonal",
    pca: int | None = 64,
    floor: float = 1e-4,
    spherical_convention: SphericalConvention = "dimension",
    n_permutations: int = 100,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> GbcResult:
    r"""Return the negative Gaussian Bhattacharyya overlap summed over pairs of classes.

    Parameters
    ----------
    features : array_like of shape (n, d)
        Of the source model on the target rows.
    labels : array_like of shape (n,)
        Target classes.
    covariance : {"diagonal", "spherical", "full"}
        Of every class; divided by its rows, not by one less.
    pca : int or None
        Tables with more columns are brought to this many principal components first, found
        exactly. Narrower tables are left as they are, and so are those of at most twice as many
        rows: in almost as many components as rows classes overlap alike whatever the labels.
        None never does.
    floor : float
        Variances (eigenvalues with full covariances) below this count as this, in squared units
        of the columns.
    spherical_convention : {"dimension", "scalar"}
        dimension: the log-determinant of a spherical covariance in d dimensions has the factor d,
        as it must. scalar: without that factor, as in google-research/stable_transfer.
    n_permutations : int
        Shuffles of the labels for the chance level; 0 for none. With full covariances one costs
        as much as the value: take fewer for many classes.
    n_draws : int
        Half-samples behind the interval, as dear; 0 for none.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    GbcResult
        Between -C (C - 1), where all classes are the same, and 0, where none overlap. None with
        one class.

    Notes
    -----
    :math:`-\sum_{i \ne j} \exp(-D_{ij})`, over ordered pairs, with :math:`D_{ij} = \frac18
    (\mu_i - \mu_j)^T S^{-1} (\mu_i - \mu_j) + \frac12 \log (|S| / \sqrt{|S_i| |S_j|})` and
    :math:`S = (S_i + S_j) / 2`. Principal components are taken of all rows, labels left out.

    Translation changes nothing, and one factor for all columns nothing as long as no variance
    meets the floor (``n_floored``); with diagonal covariances a rotation does. The sum
    grows with the square of the number of classes: compare tasks by ``normalised``. A class of
    one row has the floor for a variance and overlaps with nothing. Chance lies above -C (C - 1)
    where classes have few rows for the dimensions, because their variances are too small.
    Names of classes do not matter: a flipped label goes unseen.

    References
    ----------
    Pándy et al. (2022), Transferability estimation using Bhattacharyya class separability, CVPR,
    equations 3 to 5.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> rows = rng.normal(size=(90, 4)) + 4 * np.eye(3, 4)[labels]
    >>> result = gbc(rows, labels)
    >>> -0.6 < result.value < 0, result.normalised > 0.9
    (True, True)
    """
    asked = check_asked(n_permutations, n_draws, level, random_state)
    check_choice(covariance, "covariance", get_args(ClassCovariance))
    check_choice(spherical_convention, "spherical_convention", get_args(SphericalConvention))
    floor = check_positive(floor, "floor")
    table = check_features(features)
    target = check_labels(labels, len(table))
    if pca is None or table.shape[1] <= check_count(pca, "pca", minimum=1) or len(table) <= 2 * pca:
        table = table - table.mean(axis=0)
    else:
        table = principal_scores(table, int(pca))
    cautions = (*feature_cautions(features), *label_cautions(target))
    known: dict[str, Any] = {
        "n_rows": len(table), "cautions": cautions, "classes": target.classes,
        "n_dimensions": table.shape[1],
    }  # fmt: skip
    if target.n_classes == 1:
        return GbcResult(value=None, reason=one_class(target, "GBC"), **known)

    def overlaps(rows: Floats, codes: Ints) -> tuple[Floats, int]:
        return log_overlaps(rows, codes, target.n_classes, covariance, floor, spherical_convention)

    def score(codes: Ints, rows: Ints | None = None) -> Floats:
        used = table if rows is None else table[rows]
        return np.array([-math.exp(_total(overlaps(used, order)[0])) for order in codes])

    pairs, floored = overlaps(table, target.codes)
    value = 0.0 - math.exp(_total(pairs))
    chance = asked.chance(score, target)
    return GbcResult(
        value=value,
        normalised=normalise(value, chance, best=0.0),
        chance=chance,
        interval=asked.interval(score, target, value, low=-math.inf, high=0.0),
        log_overlap=_total(pairs),
        overlaps=np.exp(np.minimum(pairs, 0.0)),
        n_floored=floored,
        **known,
    )


def _total(pairs: Floats) -> float:
    """Return the logarithm of the overlaps summed over pairs of different classes."""
    return float(logsumexp(pairs[~np.eye(len(pairs), dtype=bool)]))
