"""Difference of confidences: the source error moved by what confidence lost on the target."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from .._validation import Floats, RandomState, check_positive
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
def difference_of_confidences(
    source: ArrayLike,
    target: ArrayLike,
    *,
    source_labels: ArrayLike,
    source_groups: ArrayLike | None = None,
    slope: float = 1.0,
    n_splits: int = 20,
    n_draws: int = 200,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> PerformanceResult:
    """Estimate a source model's error on unlabelled target rows from its loss of confidence.

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
    slope : float
        Points of error for a point of confidence lost. 1 needs nothing else; a regression over
        domains with known errors may tell another.
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
        Estimated error rate on the target, in [0, 1]. ``change`` is the difference itself, up
        to the cut at 0 and 1.

    Notes
    -----
    Source error plus ``slope`` times (mean confidence on the source minus that on the target).
    With slope 1 a model may be too sure or too doubtful, by the same amount everywhere: checked
    in bins of confidence on the source.

    A change of meaning (p(y | x) moved) leaves confidence and value as they are. The interval
    holds the noise of sampling only.

    References
    ----------
    Guillory, Shankar, Ebrahimi, Darrell & Schmidt (2021), Predicting with confidence on unseen
    distributions, ICCV (DoC; they fit the slope to domains with labels).

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.repeat([0, 1], 50)
    >>> seen = np.where(np.arange(100) % 5 == 0, 1 - labels, labels)  # one in five wrong
    >>> source = np.where(seen[:, None] == [0, 1], 0.95, 0.05)  # yet 95 % sure
    >>> target = np.where(seen[:, None] == [0, 1], 0.85, 0.15)
    >>> round(difference_of_confidences(source, target, source_labels=labels).value, 2)
    0.3
    """
    asked = check_asked(n_splits, n_draws, level, random_state)
    statistic = partial(_moved, slope=check_positive(slope, "slope"))
    x, y, labels = check_sides(source, target, source_labels)
    predicted = x.argmax(axis=1)
    groups = check_groups(source_groups, len(x), predicted)
    home = rate_home(1 - x.max(axis=1), predicted != labels)
    checks = (
        calibration_check(1 - home.seen, home.loss == 0, asked.rng, any_level=True),
        subpopulation_check(statistic, home, groups, asked.rng, given=source_groups is not None),
    )
    return judge(PerformanceResult, statistic, home, 1 - y.max(axis=1), asked, checks=checks)


def _moved(home: Home, target: Floats, *, slope: float) -> float:
    lost = float(target.mean()) - float(home.seen.mean())
    return float(np.clip(home.error + slope * lost, 0.0, 1.0))
