"""Regression disagreement: what two models' distance on the target adds to a source error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .._scores import check_targets
from .._validation import Floats, Ints, RandomState
from ..registry import register
from ._home import Home
from ._inputs import MIN_ROWS, check_asked, check_groups, check_quantities
from ._judged import PerformanceResult, judge
from ._subpopulations import subpopulation_check


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegressionDisagreementResult(PerformanceResult):
    """Outcome of :func:`regression_disagreement`.

    Attributes
    ----------
    source_disagreement, target_disagreement : float
        Root mean square difference of the two models' predictions, in standard deviations of
        the source labels.
    scale : float
        That standard deviation.
    """

    source_disagreement: float
    target_disagreement: float
    scale: float


@register(
    family="performance", inputs="other", units="RMSE in standard deviations of the source labels",
    range=(0.0, math.inf), direction="larger means larger errors expected on the target",
    cost="O((n_draws + n_splits) (n + m))", invariances=("row order", "one scale"),
    min_rows=MIN_ROWS,
)  # fmt: skip
def regression_disagreement(
    source: ArrayLike,
    target: ArrayLike,
    *,
    source_labels: ArrayLike,
    source_groups: ArrayLike | None = None,
    n_splits: int = 20,
    n_draws: int = 200,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> RegressionDisagreementResult:
    """Estimate a regression's error on unlabelled target rows, as far as two models differ.

    Parameters
    ----------
    source : array_like of shape (2, n_source)
        Predicted quantities of two models on source rows on which neither was trained. Both of
        one kind, trained on different rows of the source, as many each.
    target : array_like of shape (2, n_target)
        The same for target rows.
    source_labels : array_like of shape (n_source,)
        True quantities of the source rows.
    source_groups : array_like of int, shape (n_source,), optional
        Subpopulations of the source on which the estimate is tried; else quarters of the rows by
        the first model's prediction.
    n_splits : int
        Random halves of the source for the null band.
    n_draws : int
        Bootstrap resamples of both sides.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    RegressionDisagreementResult
        Estimated root mean square error of the first model on the target, in standard
        deviations of the source labels; at least 0.

    Notes
    -----
    Of two models trained alike on different rows, half the mean squared difference is the
    variance of one. The value is the root of (source MSE + half of what the mean squared
    difference grew by), at least 0.

    That is all a regression can tell: point predictions carry no confidence. Noise, bias and
    what both models extrapolate alike are taken to be as on the source; where they grow the
    value is too small. In particular a moved offset or slope of the target cannot be seen.
    Linear models, and forests, which are flat beyond their data, differ little far away: there
    the value is hardly more than the source error said again.

    References
    ----------
    Krogh & Vedelsby (1995), Neural network ensembles, cross validation, and active learning,
    NeurIPS (ambiguity); Jiang et al. (2022), Assessing generalization of SGD via disagreement,
    ICLR, for the idea with classes.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.normal(size=2000)
    >>> source = labels + 0.3 * rng.normal(size=(2, 2000))
    >>> target = rng.normal(size=2000) + 0.6 * rng.normal(size=(2, 2000))
    >>> found = regression_disagreement(source, target, source_labels=labels)
    >>> round(found.source_error, 1), round(found.value, 1)
    (0.3, 0.6)
    """
    asked = check_asked(n_splits, n_draws, level, random_state)
    x, y = check_quantities(source, target)
    labels = check_targets(source_labels, x.shape[1], name="source_labels")
    if labels.shape[1] != 1:
        raise ValueError(
            f"`source_labels` has {labels.shape[1]} columns; judge one quantity at a time."
        )
    scale = float(labels.std())
    if scale <= 1e-12 * max(1e-300, float(np.abs(labels).max())):
        raise ValueError("`source_labels` are all the same, so that errors have no scale.")
    home = Home(_variance(x, scale), ((x[0] - labels[:, 0]) / scale) ** 2, labels, root=True)
    away = _variance(y, scale)
    groups = check_groups(source_groups, x.shape[1], _quarters(x[0]))
    check = subpopulation_check(
        _estimate, home, groups, asked.rng, given=source_groups is not None,
        otherwise="quarters by prediction",
    )  # fmt: skip
    return judge(
        RegressionDisagreementResult, _estimate, home, away, asked, checks=(check,),
        source_disagreement=math.sqrt(2 * float(home.seen.mean())),
        target_disagreement=math.sqrt(2 * float(away.mean())), scale=scale,
    )  # fmt: skip


def _variance(predictions: Floats, scale: float) -> Floats:
    """Return half the squared difference of the two models on every row."""
    return np.asarray(((predictions[0] - predictions[1]) / scale) ** 2 / 2)


def _estimate(home: Home, target: Floats) -> float:
    return math.sqrt(max(0.0, home.error**2 + float(target.mean()) - float(home.seen.mean())))


def _quarters(values: Floats) -> Ints:
    edges = np.quantile(values, (0.25, 0.5, 0.75))
    return np.searchsorted(edges, values, side="left").astype(np.int64)
