"""Model agreement: two models' disagreement on the target as a measure of their error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr
from scipy.stats import norm

from .._validation import Floats, RandomState, check_choice
from ..registry import register
from ._home import Home, rate_home
from ._inputs import MIN_ROWS, check_asked, check_codes, check_groups, check_models
from ._judged import PerformanceResult, judge
from ._probit import probit
from ._subpopulations import subpopulation_check
from ._validity import ValidityCheck, tested

Calibration: TypeAlias = Literal["difference", "probit", "none"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelAgreementResult(PerformanceResult):
    """Outcome of :func:`model_agreement`.

    Attributes
    ----------
    source_disagreement, target_disagreement : float
        Share of rows on which the two models predict different classes.
    calibration : str
        As used.
    """

    source_disagreement: float
    target_disagreement: float
    calibration: Calibration


@register(
    family="performance", inputs="other", units="error rate", range=(0.0, 1.0),
    direction="larger means more errors expected on the target",
    cost="O((n_draws + n_splits) (n + m))", invariances=("row order", "relabelling"),
    min_rows=MIN_ROWS,
)  # fmt: skip
def model_agreement(
    source: ArrayLike,
    target: ArrayLike,
    *,
    source_labels: ArrayLike,
    source_groups: ArrayLike | None = None,
    calibration: Calibration = "difference",
    n_splits: int = 20,
    n_draws: int = 200,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> ModelAgreementResult:
    """Estimate the first model's error on unlabelled target rows from where a second differs.

    Parameters
    ----------
    source : array_like of shape (2, n_source) or (2, n_source, k)
        Predicted codes, or class probabilities, of two models on source rows on which neither
        was trained. Both of one kind, trained on different rows or seeds.
    target : array_like of shape (2, n_target) or (2, n_target, k)
        The same for target rows.
    source_labels : array_like of int, shape (n_source,)
        True codes of the source rows, from 0.
    source_groups : array_like of int, shape (n_source,), optional
        Subpopulations of the source on which the estimate is tried; else the first model's
        predicted class.
    calibration : {"difference", "probit", "none"}
        How disagreement becomes error: the source error moved by what disagreement grew, in
        points or on the probit scale; or disagreement as it is.
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
    ModelAgreementResult
        Estimated error rate of the first model on the target, in [0, 1].

    Raises
    ------
    ValueError
        Also when the models never differ on the source.

    Notes
    -----
    Two runs of one learner disagree about as often as they err where their ensemble is
    calibrated by class (Jiang et al. 2022); then ``calibration="none"`` is right, and a check
    compares both rates on the source. Otherwise error less disagreement is taken to be the same
    on both sides, or with "probit" q(error) - q(disagreement), with q the normal quantile: the
    line of Baek et al. (2022) with slope 1, unsteady where the models seldom differ;
    :func:`agreement_on_the_line` fits the slope, from three models on.

    Errors that both models share are not seen: a change of meaning (p(y | x) moved), but also a
    cue on which both rely. The interval holds the noise of sampling only.

    References
    ----------
    Jiang, Nagarajan, Baek & Kolter (2022), Assessing generalization of SGD via disagreement,
    ICLR; Baek, Jiang, Raghunathan & Kolter (2022), Agreement-on-the-line, NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> labels, rows = np.arange(100) % 2, np.arange(100)
    >>> source = np.stack([labels ^ (rows < 10), labels ^ (rows >= 95)])  # 10 and 5 wrong
    >>> target = np.stack([labels, labels ^ (rows < 30)])  # differ on 30 of 100
    >>> found = model_agreement(source, target, source_labels=labels)
    >>> found.source_disagreement, round(found.value, 2)
    (0.15, 0.25)
    """
    check_choice(calibration, "calibration", ("difference", "probit", "none"))
    asked = check_asked(n_splits, n_draws, level, random_state)
    x, y = check_models(source, target, least=2, most=2)
    labels = check_codes(source_labels, "source_labels", x.shape[1])
    groups = check_groups(source_groups, x.shape[1], x[0])
    home = rate_home((x[0] != x[1]).astype(np.float64), x[0] != labels)
    if not home.seen.any():
        raise ValueError(
            "The two models agree on every source row, so that their disagreement cannot tell an "
            "error; train the second on other rows or with another seed."
        )
    statistic = partial(_estimate, calibration=calibration)
    checks = [
        subpopulation_check(statistic, home, groups, asked.rng, given=source_groups is not None)
    ]
    if calibration == "none":
        checks.insert(0, _home_check(home))
    apart = (y[0] != y[1]).astype(np.float64)
    return judge(
        ModelAgreementResult, statistic, home, apart, asked, checks=checks,
        source_disagreement=float(home.seen.mean()), target_disagreement=float(apart.mean()),
        calibration=calibration,
    )  # fmt: skip


def _estimate(home: Home, target: Floats, *, calibration: Calibration) -> float:
    at_home, away = float(home.seen.mean()), float(target.mean())
    if calibration == "none":
        return away
    if calibration == "difference":
        return float(np.clip(home.error + away - at_home, 0.0, 1.0))
    moved = probit(away, len(target)) - probit(at_home, len(home))
    return float(ndtr(probit(home.error, len(home)) + moved))


def _home_check(home: Home) -> ValidityCheck:
    """Compare disagreement and error on the source, row by row."""
    gap = home.seen - home.loss
    noise = max(float(gap.std(ddof=1)), 1 / len(home)) / math.sqrt(len(home))
    mean = abs(float(gap.mean()))
    return tested(
        "disagreement equals error on the source",
        2 * float(norm.sf(mean / noise)),
        max(0.0, mean - math.sqrt(2 / math.pi) * noise),
        good="On the source the models disagree as often as the first errs",
        bad="On the source the models do not disagree as often as the first errs",
    )
