"""Shrunken H-score: the H-score of features whose covariance is drawn towards a sphere."""

from __future__ import annotations

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
    feature_cautions,
    label_cautions,
    normalise,
)
from .._validation import Floats, Ints, RandomState, check_choice
from ..registry import register
from ._asked import check_asked, one_class
from ._spectral_data import SpectralData, View, classes
from ._spectral_draws import Draws, Statistic, draw
from ._spectrum import Spectrum

BetweenDivisor: TypeAlias = Literal["n - 1", "n"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShrunkenHScoreResult(ScoreResult):
    """Outcome of :func:`shrunken_h_score`.

    Attributes
    ----------
    class_part : ndarray of shape (C,) or None
        What every class adds to ``value``. Classes are sorted.
    shrinkage : float or None
        Weight of the sphere, 0 to 1, as Ledoit & Wolf choose it. At 1 nothing but noise was seen
        and the score is 0.
    """

    class_part: Floats | None = None
    shrinkage: float | None = None


@register(
    family="transferability", inputs="features and labels", units="squared correlations, summed",
    range=(0.0, np.inf), direction="larger means more transferable",
    invariances=(
        "row order", "column order", "translation", "rotation", "one scale", "relabelling",
    ),
    min_rows=2, cost="O(n d min(n, d))",
)  # fmt: skip
def shrunken_h_score(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    standardise: bool = False,
    between_divisor: BetweenDivisor = "n - 1",
    n_permutations: int = 100,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> ShrunkenHScoreResult:
    r"""Return the H-score with the covariance of Ledoit & Wolf, defined for d >= n too.

    Parameters
    ----------
    features : array_like of shape (n, d)
        What the source model makes of the target rows.
    labels : array_like of shape (n,)
        Target classes.
    standardise : bool
        Divide every column by its standard deviation first. Then the units of single columns do
        not matter, as they should not with tables; the published score does not do it.
    between_divisor : {"n - 1", "n"}
        What divides the covariance of the class means. "n - 1": as both published
        implementations do, although they divide the covariance of the features by n; the value
        may then pass C - 1 by n / (n - 1). "n": both alike, at most C - 1.
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
    ShrunkenHScoreResult
        Between 0 and C - 1, times n / (n - 1) with ``between_divisor="n - 1"``; None with one
        class.

    Notes
    -----
    :math:`\mathrm{tr}(\Sigma_\alpha^{-1} (1 - \alpha) \Sigma_B)` with :math:`\Sigma_\alpha = (1 -
    \alpha) S + \alpha\, \mathrm{tr}(S)/d\; I` and the :math:`\alpha` of Ledoit & Wolf from the
    centred features. Directions of little variation count less, so that it keeps apart labels
    and noise where the plain score fits everything.

    The sphere has one radius for all columns: rescaling a column changes the value, one common
    factor or a rotation does not. A constant or a repeated column changes it a little, through d
    and the radius. Whitened features look like noise to Ledoit & Wolf: the weight of the sphere is
    1 and the score 0 whatever the labels; :func:`h_score` does not mind. The score is still
    in-sample: read ``normalised``.

    References
    ----------
    Ibrahim, Ponomareva & Mazumder (2021), Newer is not always better: rethinking transferability
    metrics, their peculiarities, stability and performance, arXiv:2110.06893. Ledoit & Wolf
    (2004), A well-conditioned estimator for large-dimensional covariance matrices, J. Multivar.
    Anal. 88.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(30) % 3
    >>> features = rng.normal(size=(30, 60))
    >>> features[:, :3] += 3 * np.eye(3)[labels]
    >>> result = shrunken_h_score(features, labels)
    >>> round(result.value, 2), round(result.chance.mean, 2), result.p_value < 0.02
    (0.84, 0.49, True)
    """
    asked = check_asked(n_permutations, n_draws, level, random_state)
    check_choice(between_divisor, "between_divisor", get_args(BetweenDivisor))
    table = check_features(features)
    target = check_labels(labels, len(table))
    cautions = distinct((*feature_cautions(features), *label_cautions(target)))
    if target.n_classes == 1:
        reason = one_class(target, "the shrunken H-score")
        return ShrunkenHScoreResult(value=None, reason=reason, n_rows=len(table), cautions=cautions)
    data = SpectralData(table, classes(target))
    view: View = "standardised" if standardise else "centred"
    score = shrunken_h_scores(view, between_divisor)
    draws = draw(data, [score], asked)[0]
    return shrunken_h_score_of(data, draws, cautions, view=view, between_divisor=between_divisor)


def shrunken_h_scores(view: View, between_divisor: BetweenDivisor) -> Statistic:
    """Return the function from data and orders of the labels to the scores."""

    def scores(data: SpectralData, orders: Ints) -> Floats:
        values: Floats = _class_parts(data, orders, view, between_divisor)[0].sum(axis=1)
        return values

    return scores


def _class_parts(
    data: SpectralData, orders: Ints, view: View, between_divisor: BetweenDivisor
) -> tuple[Floats, float]:
    found = data.spectrum(view)
    n, d = data.table.shape
    alpha = _shrinkage(found, d)
    variances = (1 - alpha) * found.squares / n
    sphere = alpha * found.squares.sum() / (n * d)
    weights = variances / (variances + sphere)
    if between_divisor == "n - 1":
        weights = weights * n / (n - 1)
    projected = data.projected(view, orders)
    counts = data.design.norms(centred=False)
    return (projected**2 @ weights) / counts, alpha


def _shrinkage(found: Spectrum, columns: int) -> float:
    """Return the weight of the sphere of Ledoit & Wolf (2004)."""
    rows = found.coordinates
    n = len(rows)
    if columns == 1 or found.rank == 0:
        return 0.0
    unit = found.squares[0]
    spread = float(((found.squares / unit) ** 2).sum()) / n**2
    trace = float((found.squares / unit).sum()) / n
    distance = spread - trace**2 / columns
    if distance <= 1e-13 * spread:
        return 1.0
    lengths = np.einsum("ij,ij->i", rows, rows) / unit
    error = (float((lengths**2).sum()) / n - spread) / n
    return min(1.0, max(0.0, error / distance))


def shrunken_h_score_of(
    data: SpectralData, draws: Draws, cautions: tuple[Caution, ...], *, view: View = "centred",
    between_divisor: BetweenDivisor = "n - 1",
) -> ShrunkenHScoreResult:  # fmt: skip
    """Return the result, given shuffles and half-samples."""
    parts, alpha = _class_parts(data, data.as_given, view, between_divisor)
    value, n = float(parts[0].sum()), data.n_rows
    best = (data.design.n_columns - 1) * (n / (n - 1) if between_divisor == "n - 1" else 1.0)
    return ShrunkenHScoreResult(
        value=value,
        normalised=normalise(value, draws.chance, best=best),
        chance=draws.chance,
        interval=draws.interval(value, n, low=0.0, high=best),
        n_rows=n,
        cautions=cautions,
        class_part=parts[0],
        shrinkage=alpha,
    )
