"""EM prior estimation: target label shares by maximum likelihood from class probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .._results import MeasureResult, NullBand
from .._validation import Floats, Ints, RandomState, check_count, check_share, generator
from ..registry import register
from ._predictions import (
    check_probabilities,
    check_source_labels,
    class_shares,
    count_classes,
    predicted_shares_p_value,
    resampled,
    shift_interval,
    shift_of,
    source_null,
)
from ._target_halves import target_null

_MIN_ROWS = 16
_SMALL = 1e-12  # a probability of 0 would rule a class out for good
_MAX_STEPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EMPriorEstimationResult(MeasureResult):
    """Outcome of :func:`em_prior_estimation`.

    Attributes
    ----------
    weights : ndarray of shape (k,)
        Target share over source share of every class.
    weights_low, weights_high : ndarray of shape (k,)
        Percentile bootstrap interval of each weight, at the level of ``interval``.
    source_shares, target_shares : ndarray of shape (k,)
        Label shares: of the source, and estimated on the target.
    p_value : float
        That both sides are predicted the same classes (chi-square test).
    calibrated : bool
        Whether probabilities were calibrated on the labelled source rows.
    temperature : float
        By which log probabilities were divided; 1 without calibration.
    bias : ndarray of shape (k,)
        Added to them afterwards, mean 0; zeros without calibration.
    n_steps : int
        Of EM.
    """

    weights: Floats
    weights_low: Floats
    weights_high: Floats
    source_shares: Floats
    target_shares: Floats
    p_value: float
    calibrated: bool
    temperature: float
    bias: Floats
    n_steps: int


@register(
    family="labels", inputs="predictions", units="total variation of the label shares",
    range=(0.0, 1.0), direction="larger means other label frequencies on the target",
    cost="O(n_draws steps (n + m) k)", invariances=("row order", "relabelling"),
    min_rows=_MIN_ROWS, attribution=("classes",),
)  # fmt: skip
def em_prior_estimation(
    source: ArrayLike,
    target: ArrayLike,
    *,
    source_labels: ArrayLike | None = None,
    calibrate: bool | None = None,
    n_splits: int = 10,
    n_draws: int = 100,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> EMPriorEstimationResult:
    """Estimate the label shares of an unlabelled target by EM on a source model's probabilities.

    The probabilities are calibrated on labelled source rows; then the target shares are found
    under which the target's rows are most likely.

    Parameters
    ----------
    source : array_like of shape (n_source, k)
        Class probabilities of source rows the model was not trained on.
    target : array_like of shape (n_target, k)
        The same for target rows.
    source_labels : array_like of int, shape (n_source,) or None
        True codes of the source rows, from 0. Without them nothing is calibrated and the source
        shares are the mean probabilities.
    calibrate : bool or None
        Whether to calibrate by a temperature and a bias a class; None does with labels.
    n_splits : int
        Random halves of each side for the null band.
    n_draws : int
        Bootstrap resamples of both sides, each calibrated anew.
    level : float
        Nominal coverage of the intervals.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    EMPriorEstimationResult
        Total variation between source and estimated target label shares, in [0, 1]; 0 means
        equal shares. In the target's null band both halves' shares are estimated, because neither
        has labels.

    Notes
    -----
    With source shares p and probabilities P(y | x), EM repeats q_y <- mean over target rows of
    P(y | x) q_y / p_y, normalised in every row, from q = p (Saerens et al. 2002, eq. 2.9). It
    maximises a concave likelihood, provided the probabilities are right: those of most networks
    are too sure, and EM then exaggerates. Calibration replaces log P by log P / T + b with T and
    b of the best log loss on the source rows (bias-corrected temperature scaling, Alexandari et
    al. 2020).

    As with :func:`black_box_shift_estimation`, p(x | y) is taken to be the same on both sides,
    and nothing here can show that it is not. The value is biased upwards in small samples: read
    it beside ``null``. A half of the source is calibrated anew and has its own shares on one
    side, as the comparison has; two halves of the target keep the calibration of all source
    rows, whose noise their band cannot show, and are estimated both, which makes it wider where
    the target is small. Classes with few source rows make the bias b uncertain, and with it
    their weight.

    References
    ----------
    Saerens, Latinne & Decaestecker (2002), Adjusting the outputs of a classifier to new a
    priori probabilities, Neural Computation 14; Alexandari, Kundaje & Shrikumar (2020), Maximum
    likelihood with bias-corrected calibration is hard-to-beat at label shift adaptation, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> sure = np.array([[0.9, 0.1], [0.1, 0.9]])
    >>> target = np.repeat([0, 1], [74, 26])  # as 80 % of class 0 would look like
    >>> found = em_prior_estimation(sure[np.repeat([0, 1], 50)], sure[target])
    >>> round(found.value, 6), found.target_shares.round(6).tolist()
    (0.3, [0.8, 0.2])
    """
    n_classes = count_classes(source, target)
    x = check_probabilities(source, "source", n_classes, _MIN_ROWS)
    y = check_probabilities(target, "target", n_classes, _MIN_ROWS)
    labels = None
    if source_labels is not None:
        labels = check_source_labels(source_labels, len(x), n_classes)
    calibrate = labels is not None if calibrate is None else bool(calibrate)
    if calibrate and labels is None:
        raise ValueError(
            "`calibrate` needs `source_labels`; pass them, or leave the probabilities as they are."
        )
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=20)
    level = check_share(level, "level")
    rng = generator(random_state)

    found = _estimate(x, labels, y, calibrate)
    p_value = predicted_shares_p_value(x, y, rng)

    def again(source: Floats, labels: Ints | None, target: Floats) -> tuple[Floats, Floats]:
        one = _estimate(source, labels, target, calibrate, near=found)
        return one.weights, one.source_shares

    draws, shifts = resampled(again, x, labels, y, n_draws=n_draws, rng=rng)
    null = source_null(again, x, labels, len(y), n_splits=n_splits, rng=rng)
    likely = np.maximum(_calibrated(y, found.temperature, found.bias) if calibrate else y, _SMALL)

    def shares(half: Floats) -> Floats:
        return found.source_shares * _em(half, found.source_shares, 1e-6)[0]

    of_target = target_null(shares, likely, len(x), n_splits=n_splits, rng=rng)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    value = shift_of(found.weights, found.source_shares)
    return EMPriorEstimationResult(
        value=value,
        interval=shift_interval(value, shifts, level, p_value),
        null=NullBand(null, of_target),
        n_source=len(x),
        n_target=len(y),
        warnings=_slow(found.n_steps),
        weights=found.weights,
        weights_low=low,
        weights_high=high,
        source_shares=found.source_shares,
        target_shares=found.source_shares * found.weights,
        p_value=p_value,
        calibrated=calibrate,
        temperature=found.temperature,
        bias=found.bias,
        n_steps=found.n_steps,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Estimate:
    weights: Floats
    source_shares: Floats
    temperature: float
    bias: Floats
    n_steps: int


def _estimate(
    source: Floats, labels: Ints | None, target: Floats, calibrate: bool,
    near: _Estimate | None = None,
) -> _Estimate:  # fmt: skip
    """Return the estimate; `near` starts a resample's calibration, which needs less exactness."""
    temperature, bias = 1.0, np.zeros(source.shape[1])
    if calibrate and labels is not None:
        temperature, bias = _calibration(source, labels, near)
        target = _calibrated(target, temperature, bias)
    shares = source.mean(axis=0) if labels is None else class_shares(labels, source.shape[1])
    tolerance = 1e-12 if near is None else 1e-6
    weights, n_steps = _em(np.maximum(target, _SMALL), shares, tolerance)
    return _Estimate(weights, shares, temperature, bias, n_steps)


def _em(target: Floats, shares: Floats, tolerance: float) -> tuple[Floats, int]:
    """Return target over source shares, and how many steps it took."""
    weights = np.ones_like(shares)
    for step in range(_MAX_STEPS):
        # Weights in place of shares: a class without source rows then stays where it is.
        pull = (target / (target @ weights)[:, None]).mean(axis=0)
        # With probabilities P the fixed point is q = mean of P w / sum(P w), w = q / p.
        updated = weights * np.divide(pull, shares, out=np.ones_like(pull), where=shares > 0)
        moved = float((shares * np.abs(updated - weights)).max())
        weights = updated
        if moved < tolerance:
            return weights, step + 1
    return weights, _MAX_STEPS


def _calibration(source: Floats, labels: Ints, near: _Estimate | None) -> tuple[float, Floats]:
    """Return the temperature and the biases of the best log loss on labelled rows."""
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    logs, rows = np.log(np.maximum(source, _SMALL)), np.arange(len(source))
    shares = class_shares(labels, source.shape[1])
    own = float(logs[rows, labels].mean())

    def loss(at: Floats) -> tuple[float, Floats]:
        scores = log_softmax(at[0] * logs + at[1:], axis=1)
        probabilities = np.exp(scores)
        gradient = np.empty_like(at)
        gradient[0] = (probabilities * logs).sum() / len(logs) - own
        gradient[1:] = probabilities.mean(axis=0) - shares
        return -float(scores[rows, labels].mean()), gradient

    # Convex in 1 / T and b. The biases are bounded because a class that a resample lacks, or
    # that the model never confuses, would send them to infinity.
    start = np.concatenate([[1.0], np.zeros(source.shape[1])])
    exactness = {"maxiter": 500, "ftol": 1e-14, "gtol": 1e-8}
    if near is not None:
        start = np.concatenate([[1 / near.temperature], near.bias])
        exactness = {"maxiter": 500, "ftol": 1e-9, "gtol": 1e-5}
    bounds = [(1e-2, 1e2)] + [(-20.0, 20.0)] * source.shape[1]
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=exactness,
    ).x  # fmt: skip
    return 1 / float(found[0]), found[1:] - found[1:].mean()


def _calibrated(probabilities: Floats, temperature: float, bias: Floats) -> Floats:
    from scipy.special import softmax

    logs = np.log(np.maximum(probabilities, _SMALL))
    return np.asarray(softmax(logs / temperature + bias, axis=1))


def _slow(n_steps: int) -> tuple[str, ...]:
    if n_steps < _MAX_STEPS:
        return ()
    return (
        f"EM had not settled after {_MAX_STEPS} steps: the probabilities hardly tell some classes "
        "apart.",
    )
