"""Confidence by optimal transport: what target predictions cost to meet the label shares."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .._validation import Floats, RandomState, as_float, check_count, subsample
from ..registry import register
from ..shift._predictions import class_shares, harden, predicted_shares_p_value
from ._calibration import calibration_check
from ._home import Home, Statistic, rate_home
from ._inputs import MIN_ROWS, check_asked, check_groups, check_sides
from ._judged import PerformanceResult, judge
from ._subpopulations import subpopulation_check
from ._validity import ValidityCheck, tested, untested

_ITERATIONS = 10**9
_SHARES = "label shares are known"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConfidenceOptimalTransportResult(PerformanceResult):
    """Outcome of :func:`confidence_optimal_transport`.

    Attributes
    ----------
    average_doubt : float
        One minus the mean confidence on the target: the value if the label shares were free.
    label_shares : ndarray of shape (k,)
        To which the predictions were moved.
    predicted_shares : ndarray of shape (k,)
        Of the classes predicted on the target.
    """

    average_doubt: float
    label_shares: Floats
    predicted_shares: Floats


@register(
    family="performance", inputs="predictions", units="error rate", range=(0.0, 1.0),
    direction="larger means more errors expected on the target",
    cost="O((n_draws + n_splits) m k log m), of m at most max_rows",
    invariances=("row order", "relabelling"), min_rows=MIN_ROWS,
)  # fmt: skip
def confidence_optimal_transport(
    source: ArrayLike,
    target: ArrayLike,
    *,
    source_labels: ArrayLike,
    target_shares: ArrayLike | None = None,
    source_groups: ArrayLike | None = None,
    max_rows: int = 2000,
    n_splits: int = 10,
    n_draws: int = 50,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> ConfidenceOptimalTransportResult:
    r"""Estimate a source model's error as the transport cost from its predictions to the labels.

    Parameters
    ----------
    source : array_like of shape (n_source, k)
        Class probabilities of source rows the model was not trained on; rows sum to 1.
    target : array_like of shape (n_target, k)
        The same for target rows.
    source_labels : array_like of int, shape (n_source,)
        True codes of the source rows, from 0.
    target_shares : array_like of shape (k,), optional
        Label shares of the target, if they are known or estimated
        (:func:`black_box_shift_estimation`); else those of the source labels.
    source_groups : array_like of int, shape (n_source,), optional
        Subpopulations of the source on which the estimate is tried. Without them it is not:
        predicted classes have other label shares by design.
    max_rows : int
        More target rows are subsampled, with a warning. Memory is about 40 max_rows k bytes.
    n_splits : int
        Random halves of the source for the null band.
    n_draws : int
        Bootstrap resamples of both sides, one transport each.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    ConfidenceOptimalTransportResult
        Estimated error rate on the target, in [0, 1]; never below that of
        :func:`average_confidence`.

    Notes
    -----
    :math:`\min_P \sum_{iy} P_{iy} (1 - p_{iy})` over all plans that give every target row the
    mass 1/m and every class y its share: the Wasserstein distance between predictions and label
    corners, where half the absolute difference is the cost. POT's network simplex solves it
    exactly.

    It rests on the label shares of the target, and, as it grows out of the average confidence,
    on calibration; both are checked as far as can be. Where the target is predicted other
    classes than the source, the cause is either label shift, and the value too large, or the
    model's error, and the value right: without labels no one can tell. A change of meaning that
    keeps the predictions leaves the value as it is.

    References
    ----------
    Lu et al. (2023), Characterizing out-of-distribution error via optimal transport, NeurIPS,
    arXiv 2305.15640 (COT); Flamary et al. (2021), POT, JMLR 22.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.repeat([0, 1], 50)
    >>> sure = np.where(labels[:, None] == [0, 1], 0.9, 0.1)
    >>> target = np.where(np.arange(100)[:, None] % 4 > [[-1, 4]], 0.9, 0.1)  # all of class 0
    >>> found = confidence_optimal_transport(sure, target, source_labels=labels)
    >>> round(found.average_doubt, 2), round(found.value, 2)  # half of it cannot be right
    (0.1, 0.5)
    """
    asked = check_asked(n_splits, n_draws, level, random_state)
    max_rows = check_count(max_rows, "max_rows", minimum=MIN_ROWS)
    x, y, labels = check_sides(source, target, source_labels)
    given = None if target_shares is None else _check_shares(target_shares, x.shape[1])
    predicted = x.argmax(axis=1)
    home = rate_home(x, predicted != labels, labels)
    statistic = _cost if given is None else _to_shares(given)
    checks = [
        _shares_check(x, y, given is not None, asked.rng),
        calibration_check(x.max(axis=1), home.loss == 0, asked.rng),
    ]
    if source_groups is not None:
        groups = check_groups(source_groups, len(x), predicted)
        checks.append(subpopulation_check(_cost, home, groups, asked.rng, given=True))
    rows = subsample(len(y), max_rows, asked.rng)
    note = (
        f"{len(rows):,} of {len(y):,} target rows were drawn at random and used; raise `max_rows` "
        "to use more.",
    )
    return judge(
        ConfidenceOptimalTransportResult, statistic, home, y[rows], asked, checks=checks,
        at_home=_cost, warnings=note if len(rows) < len(y) else (),
        average_doubt=float(1 - y[rows].max(axis=1).mean()),
        label_shares=class_shares(labels, x.shape[1]) if given is None else given,
        predicted_shares=harden(y[rows]).mean(axis=0),
    )  # fmt: skip


def _cost(home: Home, target: Floats) -> float:
    return _transport(target, class_shares(home.known, target.shape[1]))


def _to_shares(shares: Floats) -> Statistic:
    return lambda home, target: _transport(target, shares)


def _transport(probabilities: Floats, shares: Floats) -> float:
    """Return the least mean of 1 - p over plans with these label shares."""
    import ot

    used = shares > 0
    cost = np.ascontiguousarray(1 - probabilities[:, used])
    rows = np.full(len(cost), 1 / len(cost))
    least = float(ot.emd2(rows, shares[used], cost, numItermax=_ITERATIONS))
    return float(np.clip(least, 0.0, 1.0))


def _check_shares(values: ArrayLike, classes: int) -> Floats:
    shares = as_float(values, "target_shares")
    if shares.shape != (classes,):
        raise ValueError(
            f"`target_shares` has shape {shares.shape}, expected one share for each of the "
            f"{classes} classes."
        )
    if not ((shares >= 0).all() and abs(float(shares.sum()) - 1) < 1e-6):
        raise ValueError("`target_shares` must not be negative and must add to 1.")
    return np.asarray(shares / shares.sum())


def _shares_check(x: Floats, y: Floats, given: bool, rng: np.random.Generator) -> ValidityCheck:
    """Compare the predicted classes of both sides (Rabanser et al. 2019, BBSDh)."""
    if given:
        return untested(_SHARES, "The label shares of the target were given, and not tested.")
    one, other = harden(x).mean(axis=0), harden(y).mean(axis=0)
    pooled = (len(x) * one + len(y) * other) / (len(x) + len(y))
    spread = np.sqrt(pooled * (1 - pooled) * (1 / len(x) + 1 / len(y)))
    chance = math.sqrt(2 / math.pi) * float(spread.sum()) / 2
    return tested(
        _SHARES,
        predicted_shares_p_value(x, y, rng),
        max(0.0, float(np.abs(one - other).sum()) / 2 - chance),
        good="Both sides are predicted the same classes equally often, as far as can be seen",
        bad="The target is predicted other classes than the source; with label shift the estimate "
        "is too large, pass `target_shares`",
    )
