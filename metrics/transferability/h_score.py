"""H-score: how much of the variation of features lies between classes, whatever their scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .._scores import (
    Caution,
    ScoreResult,
    check_features,
    check_labels,
    distinct,
    feature_cautions,
    label_cautions,
    normalise,
)
from .._validation import Floats, Ints, RandomState
from ..registry import register
from ._asked import check_asked, one_class
from ._spectral_data import SpectralData, classes
from ._spectral_draws import Draws, draw


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HScoreResult(ScoreResult):
    """Outcome of :func:`h_score`.

    Attributes
    ----------
    class_part : ndarray of shape (C,) or None
        What every class adds to ``value``: how far it lies from the rest. Classes are sorted.
    rank : int
        Dimensions the features span, up to rounding.
    """

    class_part: Floats | None = None
    rank: int = 0


@register(
    family="transferability", inputs="features and labels", units="squared correlations, summed",
    range=(0.0, np.inf), direction="larger means more transferable",
    invariances=(
        "row order", "column order", "translation", "rotation", "one scale", "column scales",
        "relabelling",
    ),
    min_rows=2, cost="O(n d min(n, d))",
)  # fmt: skip
def h_score(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    n_permutations: int = 100,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> HScoreResult:
    r"""Return the H-score: the share of the features' variation that lies between classes.

    Parameters
    ----------
    features : array_like of shape (n, d)
        What the source model makes of the target rows.
    labels : array_like of shape (n,)
        Target classes.
    n_permutations : int
        Shuffles of the labels for the chance level, O(n d + C d^2) each; 0 for none.
    n_draws : int
        Half-samples behind the interval, one decomposition each; 0 for none.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    HScoreResult
        Between 0 and C - 1; None with one class. No interval where half of the rows are not more
        than the columns: there every half has the largest value.

    Notes
    -----
    :math:`\mathrm{tr}(\Sigma^+ \Sigma_B)`, the covariance of the features and that of their class
    means: the sum of the squared canonical correlations between features and classes. Any
    invertible affine map of the features leaves it as it is. Singular values up to
    eps max(n, d) times the largest one count as zero, after every column was brought to one
    scale wherever scales are far enough apart to matter.

    It fits in-sample: labels without any meaning give k (C - 1) / (n - 1) on average, k the rank
    of the features, so that wide features look better than narrow ones. ``normalised`` takes
    this out. With n - 1 dimensions or more it is C - 1 for all labels and says nothing:
    ``normalised`` is then None, and :func:`shrunken_h_score` or :func:`logme` should be read.

    References
    ----------
    Bao, Li, Huang, Zhang, Zheng, Zamir & Guibas (2019), An information-theoretic approach to
    transferability in task transfer learning, ICIP.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> features = rng.normal(size=(90, 4))
    >>> features[:, 0] += 2 * labels
    >>> result = h_score(features, labels)
    >>> round(result.value, 3), round(result.normalised, 3), round(result.chance.mean, 3)
    (0.842, 0.395, 0.085)
    """
    asked = check_asked(n_permutations, n_draws, level, random_state)
    table = check_features(features)
    target = check_labels(labels, len(table))
    cautions = distinct((*feature_cautions(features), *label_cautions(target)))
    if target.n_classes == 1:
        reason = one_class(target, "the H-score")
        return HScoreResult(value=None, reason=reason, n_rows=len(table), cautions=cautions)
    data = SpectralData(table, classes(target))
    return h_score_of(data, draw(data, [h_scores], asked)[0], cautions)


def h_scores(data: SpectralData, orders: Ints) -> Floats:
    """Return the H-score for every order of the labels."""
    values: Floats = _class_parts(data, orders).sum(axis=1)
    return values


def _class_parts(data: SpectralData, orders: Ints) -> Floats:
    projected = data.projected("affine", orders)
    counts = data.design.norms(centred=False)
    parts: Floats = np.einsum("pck,pck->pc", projected, projected) / counts
    return parts


def h_score_of(data: SpectralData, draws: Draws, cautions: tuple[Caution, ...]) -> HScoreResult:
    """Return the result, given shuffles and half-samples."""
    best = float(data.design.n_columns - 1)
    part = _class_parts(data, data.as_given)[0]
    # all variation between classes: the sum may pass the bound by its rounding
    value = min(float(part.sum()), best)
    rank = data.spectrum("affine").rank
    halved = rank < data.n_rows // 2 - 1
    return HScoreResult(
        value=value,
        normalised=normalise(value, draws.chance, best=best),
        chance=draws.chance,
        interval=draws.interval(value, data.n_rows, low=0.0, high=best) if halved else None,
        n_rows=data.n_rows,
        cautions=data.fits_everything(cautions),
        class_part=part,
        rank=rank,
    )
