"""Average thresholded confidence: the share of target rows less sure than a source threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr

from .._validation import Floats, RandomState, check_choice
from ..registry import register
from ._home import Home, rate_home
from ._inputs import MIN_ROWS, check_asked, check_groups, check_sides
from ._judged import PerformanceResult, judge
from ._subpopulations import subpopulation_check

Score: TypeAlias = Literal["confidence", "entropy"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AverageThresholdedConfidenceResult(PerformanceResult):
    """Outcome of :func:`average_thresholded_confidence`.

    Attributes
    ----------
    threshold : float
        Rows with a score below count as wrong, rows at it with the share ``tied_share``.
    tied_share : float
        So that the source rows below and at the threshold make up the source error.
    """

    threshold: float
    tied_share: float


@register(
    family="performance", inputs="predictions", units="error rate", range=(0.0, 1.0),
    direction="larger means more errors expected on the target",
    cost="O((n + m) k + (n_draws + n_splits) (n log n + m))",
    invariances=("row order", "relabelling"), min_rows=MIN_ROWS,
)  # fmt: skip
def average_thresholded_confidence(
    source: ArrayLike,
    target: ArrayLike,
    *,
    source_labels: ArrayLike,
    source_groups: ArrayLike | None = None,
    score: Score = "confidence",
    n_splits: int = 20,
    n_draws: int = 200,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> AverageThresholdedConfidenceResult:
    """Estimate a source model's error as the share of target rows below a learned threshold.

    Parameters
    ----------
    source : array_like of shape (n_source, k)
        Class probabilities of source rows the model was not trained on; rows sum to 1.
    target : array_like of shape (n_target, k)
        The same for target rows.
    source_labels : array_like of int, shape (n_source,)
        True codes of the source rows, from 0.
    source_groups : array_like of int, shape (n_source,), optional
        Subpopulations of the source on which the estimate is tried; else the predicted class.
    score : {"confidence", "entropy"}
        The largest probability, or the negative entropy of all of them.
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
    AverageThresholdedConfidenceResult
        Estimated error rate on the target, in [0, 1].

    Notes
    -----
    The threshold t is set so that the share of source rows with a score below t is the source
    error; the value is the share of target rows below t. Scores tied at the threshold, frequent
    with trees, count in the part that makes the source error exact; so a sample against itself
    gives its own error. Only the order of scores counts: with two classes a temperature
    changes nothing.

    A target on which the model is doubtful everywhere gets too large a value: in the example the
    truth is 0.37. The literature has no test of its assumption; here the estimator is tried on
    subpopulations of the source, of which the truth is known. A change of meaning (p(y | x)
    moved) leaves the value as it is.

    References
    ----------
    Garg, Balakrishnan, Lipton, Neyshabur & Sedghi (2022), Leveraging unlabeled data to predict
    out-of-distribution performance, ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> sure = rng.uniform(0.5, 1.0, size=1000)
    >>> source, labels = np.column_stack([sure, 1 - sure]), (rng.random(1000) > sure).astype(int)
    >>> target = source[np.argsort(sure)[:500]]  # the doubtful half
    >>> found = average_thresholded_confidence(source, target, source_labels=labels)
    >>> round(found.source_error, 2), round(found.value, 2)
    (0.24, 0.47)
    """
    check_choice(score, "score", ("confidence", "entropy"))
    asked = check_asked(n_splits, n_draws, level, random_state)
    x, y, labels = check_sides(source, target, source_labels)
    predicted = x.argmax(axis=1)
    groups = check_groups(source_groups, len(x), predicted)
    home = rate_home(_doubt(x, score), predicted != labels)
    check = subpopulation_check(
        _share_beyond, home, groups, asked.rng, given=source_groups is not None
    )
    limit, tied = _threshold(home)
    return judge(
        AverageThresholdedConfidenceResult, _share_beyond, home, _doubt(y, score), asked,
        checks=(check,), threshold=1 - limit if score == "confidence" else -limit, tied_share=tied,
    )  # fmt: skip


def _doubt(probabilities: Floats, score: Score) -> Floats:
    if score == "entropy":
        return np.asarray(entr(probabilities).sum(axis=1))
    return np.asarray(1 - probabilities.max(axis=1))


def _threshold(home: Home) -> tuple[float, float]:
    """Return the doubt above which rows are wrong, and the share of those at it that are."""
    n, wrong = len(home), round(float(home.loss.sum()))
    place = n - max(wrong, 1)
    limit = float(np.partition(home.seen, place)[place])
    above, tied = int((home.seen > limit).sum()), int((home.seen == limit).sum())
    return limit, max(0, wrong - above) / tied


def _share_beyond(home: Home, target: Floats) -> float:
    limit, tied = _threshold(home)
    return float((target > limit).mean() + tied * (target == limit).mean())
