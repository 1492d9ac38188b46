"""Average confidence: a calibrated model's own word for its error on the target."""

from __future__ import annotations

from numpy.typing import ArrayLike

from .._validation import Floats, RandomState
from ..registry import register
from ._calibration import calibration_check
from ._home import Home, rate_home
from ._inputs import MIN_ROWS, check_asked, check_groups, check_sides
from ._judged import PerformanceResult, judge
from ._subpopulations import subpopulation_check


@register(
    family="performance", inputs="predictions", units="error rate", range=(0.0, 1.0),
    direction="larger means more errors expected on the target",
    cost="O(n k + (n_draws + n_splits + 200) (n + m))",
    invariances=("row order", "relabelling"), min_rows=MIN_ROWS,
)  # fmt: skip
def average_confidence(
    source: ArrayLike,
    target: ArrayLike,
    *,
    source_labels: ArrayLike,
    source_groups: ArrayLike | None = None,
    n_splits: int = 20,
    n_draws: int = 200,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> PerformanceResult:
    """Estimate a source model's error on unlabelled target rows from its confidence there.

    Parameters
    ----------
    source : array_like of shape (n_source, k)
        Class probabilities of source rows the model was not trained on; rows sum to 1.
    target : array_like of shape (n_target, k)
        The same for target rows.
    source_labels : array_like of int, shape (n_source,)
        True codes of the source rows, from 0. They enter the checks, not the value.
    source_groups : array_like of int, shape (n_source,), optional
        Subpopulations of the source on which the estimate is tried; else the predicted class.
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
    PerformanceResult
        Estimated error rate on the target, in [0, 1]: one minus the mean confidence.

    Notes
    -----
    One minus the mean over the target of the largest probability. It is right where confidence
    is the probability to be right on the target as on the source: checked on the source as a
    whole and in bins; under covariate shift it then stays right as far as confidence is
    calibrated at every input. Networks are mostly too sure and the value then too small: see
    :func:`difference_of_confidences`.

    A change of meaning (p(y | x) moved) leaves confidence and value as they are. The interval
    holds the noise of sampling only, neither this nor a miscalibration: see ``validity``.

    References
    ----------
    Hendrycks & Gimpel (2017), A baseline for detecting misclassified and out-of-distribution
    examples, ICLR; Guillory et al. (2021), Predicting with confidence on unseen distributions,
    ICCV.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.repeat([0, 1], 50)
    >>> seen = np.where(np.arange(100) % 5 == 0, 1 - labels, labels)  # one in five wrong
    >>> source = np.where(seen[:, None] == [0, 1], 0.8, 0.2)  # and 80 % sure
    >>> target = np.where(seen[:, None] == [0, 1], 0.7, 0.3)
    >>> found = average_confidence(source, target, source_labels=labels)
    >>> round(found.value, 2), found.source_error, found.holds
    (0.3, 0.2, True)
    """
    asked = check_asked(n_splits, n_draws, level, random_state)
    x, y, labels = check_sides(source, target, source_labels)
    predicted = x.argmax(axis=1)
    groups = check_groups(source_groups, len(x), predicted)
    home = rate_home(1 - x.max(axis=1), predicted != labels)
    checks = (
        calibration_check(1 - home.seen, home.loss == 0, asked.rng),
        subpopulation_check(_mean_doubt, home, groups, asked.rng, given=source_groups is not None),
    )
    return judge(PerformanceResult, _mean_doubt, home, 1 - y.max(axis=1), asked, checks=checks)


def _mean_doubt(home: Home, target: Floats) -> float:
    return float(target.mean())
