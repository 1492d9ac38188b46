"""TransRate: how much shorter features can be coded once the classes are known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from .._scores import (
    Caution,
    ScoreResult,
    check_features,
    check_labels,
    distinct,
    explained,
    feature_cautions,
    label_cautions,
)
from .._validation import Floats, Ints, RandomState, check_choice, check_positive
from ..registry import register
from ._asked import check_asked, one_class
from ._spectral_data import Classes, SpectralData, classes
from ._spectral_draws import Draws, Statistic, draw

ClassAverage: TypeAlias = Literal["weighted", "uniform"]

_WIDE = 1e6
"""Largest ratio of eigenvalues up to which a Cholesky factor gives its determinant to 1e-10."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransRateResult(ScoreResult):
    """Outcome of :func:`transrate`.

    Attributes
    ----------
    rate : float or None
        Coding rate of all features, in nats a row.
    class_rates : ndarray of shape (C,) or None
        Coding rate of the rows of every class. Classes are sorted.
    """

    rate: float | None = None
    class_rates: Floats | None = None


@register(
    family="transferability", inputs="features and labels", units="nats a row",
    range=(-math.inf, math.inf), direction="larger means more transferable",
    invariances=("row order", "column order", "translation", "rotation", "relabelling"),
    min_rows=2, cost="O(n d min(n, d))",
)  # fmt: skip
def transrate(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    eps: float = 1e-4,
    average: ClassAverage = "weighted",
    n_permutations: int = 20,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> TransRateResult:
    r"""Return TransRate: the coding rate of the features less that within classes.

    Parameters
    ----------
    features : array_like of shape (n, d)
        What the source model makes of the target rows, on the scale on which ``eps`` is meant.
    labels : array_like of shape (n,)
        Target classes.
    eps : float
        Squared precision to which features are coded, in their squared units.
    average : {"weighted", "uniform"}
        weighted: classes count by their rows, as in the paper. uniform: all alike, as in the
        implementations in use; the same if classes are of one size, else a rare class, whose few
        rows need few bits, raises the score.
    n_permutations : int
        Shuffles of the labels for the chance level, each as dear as the value itself; 0 for none.
    n_draws : int
        Half-samples behind the interval, each half as dear as the value; 0 for none.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    TransRateResult
        In nats a row; at least 0 if weighted, without a largest value. ``normalised`` is the gain
        over shuffled labels as a share explained, 1 - exp(-2 gain). None with one class.

    Notes
    -----
    :math:`R(Z) - \sum_c p_c R(Z_c)` with :math:`R(Z) = \frac12 \log\det(I + Z^\top Z / (n
    \epsilon))`, Z centred on the mean of all rows, and :math:`p_c = n_c / n` or 1/C. Class terms
    use the smaller of the two Gram matrices, n_c x n_c or d x d.

    The scale matters through ``eps``: where variances are far above it the score tends to a
    comparison of log-volumes, where they are far below to nothing. With fewer rows in a class
    than columns it grows without bound in d, for shuffled labels too, and candidates of different
    width cannot be compared by ``value``; with fewer rows than columns altogether the classes
    may leave no trace in it. The chance level and its p-value show both.

    References
    ----------
    Huang, Huang, Rong, Yang & Wei (2022), Frustratingly easy transferability estimation, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> features = rng.normal(size=(90, 4))
    >>> features[:, 0] += 2 * labels
    >>> result = transrate(features, labels)
    >>> round(result.value, 3), round(result.chance.mean, 3)
    (0.319, 0.105)
    """
    asked = check_asked(n_permutations, n_draws, level, random_state)
    check_positive(eps, "eps")
    check_choice(average, "average", get_args(ClassAverage))
    table = check_features(features)
    target = check_labels(labels, len(table))
    cautions = distinct((*feature_cautions(features), *label_cautions(target)))
    if target.n_classes == 1:
        reason = one_class(target, "TransRate")
        return TransRateResult(value=None, reason=reason, n_rows=len(table), cautions=cautions)
    data = SpectralData(table, classes(target))
    draws = draw(data, [transrates(eps, average)], asked)[0]
    return transrate_of(data, draws, cautions, eps=eps, average=average)


def transrates(eps: float = 1e-4, average: ClassAverage = "weighted") -> Statistic:
    """Return the function from data and orders of the labels to TransRate."""

    def scores(data: SpectralData, orders: Ints) -> Floats:
        whole = _rate(data, eps)
        weights = _weights(data, average)
        return np.array([whole - weights @ _class_rates(data, order, eps) for order in orders])

    return scores


def _weights(data: SpectralData, average: ClassAverage) -> Floats:
    counts = data.design.norms(centred=False)
    return counts / counts.sum() if average == "weighted" else np.full(len(counts), 1 / len(counts))


def _rate(data: SpectralData, eps: float) -> float:
    variances = data.spectrum("centred").squares / data.n_rows
    return 0.5 * float(np.log1p(variances / eps).sum())


def _class_rates(data: SpectralData, order: Ints, eps: float) -> Floats:
    assert isinstance(data.design, Classes)
    rows = data.spectrum("centred").coordinates
    counts = data.design.labels.counts
    groups = np.split(order[data.design.members], np.cumsum(counts)[:-1])
    return np.array([_coding_rate(rows[group], eps) for group in groups])


def _coding_rate(rows: Floats, eps: float) -> float:
    n, d = rows.shape
    gram = rows @ rows.T if n <= d else rows.T @ rows
    gram /= n * eps
    if np.trace(gram) < _WIDE:
        gram.flat[:: len(gram) + 1] += 1
        return float(np.log(np.diagonal(np.linalg.cholesky(gram))).sum())
    # beside large eigenvalues a vanishing one is rounding, and would be coded
    values = np.linalg.eigvalsh(gram)
    values[values < np.finfo(np.float64).eps * max(n, d) * values[-1]] = 0
    return 0.5 * float(np.log1p(values).sum())


def transrate_of(
    data: SpectralData, draws: Draws, cautions: tuple[Caution, ...], *, eps: float = 1e-4,
    average: ClassAverage = "weighted",
) -> TransRateResult:  # fmt: skip
    """Return the result, given shuffles and half-samples."""
    rate = _rate(data, eps)
    class_rates = _class_rates(data, data.as_given[0], eps)
    value = rate - float(_weights(data, average) @ class_rates)
    return TransRateResult(
        value=value,
        normalised=explained(value, draws.chance),
        chance=draws.chance,
        interval=draws.interval(value, data.n_rows),
        n_rows=data.n_rows,
        cautions=cautions,
        rate=rate,
        class_rates=class_rates,
    )
