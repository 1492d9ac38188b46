"""Black-box shift estimation: target label shares from predictions, by a confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from .._results import MeasureResult, NullBand
from .._validation import Floats, Ints, RandomState, check_count, check_share, generator
from ..registry import register
from ._predictions import (
    check_predictions,
    check_source_labels,
    class_shares,
    count_classes,
    harden,
    predicted_shares_p_value,
    resampled,
    shift_interval,
    shift_of,
    source_null,
)
from ._target_halves import target_null

Shrink: TypeAlias = Literal["one", "zero", "none"]
_MIN_ROWS = 16
_NOISE = 2.0  # standard errors


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlackBoxShiftEstimationResult(MeasureResult):
    """Outcome of :func:`black_box_shift_estimation`.

    Attributes
    ----------
    weights : ndarray of shape (k,)
        Target share over source share of every class; not negative, mean 1 over source labels.
    weights_low, weights_high : ndarray of shape (k,)
        Percentile bootstrap interval of each weight, at the level of ``interval``.
    raw_weights : ndarray of shape (k,)
        Solution before negative weights were set to 0 and the mean to 1.
    source_shares, target_shares : ndarray of shape (k,)
        Label shares: observed on the source, estimated on the target.
    smallest_singular_value, noise : float
        Of the confusion matrix, and the standard error in that direction.
    residual : float
        Total variation between the predictions on the target and those that the weights
        explain; 0 unless weights were shrunk or clipped.
    p_value : float
        That both sides are predicted the same classes (chi-square test).
    ridge : float
        As used; 0 for the plain solution.
    """

    weights: Floats
    weights_low: Floats
    weights_high: Floats
    raw_weights: Floats
    source_shares: Floats
    target_shares: Floats
    smallest_singular_value: float
    noise: float
    residual: float
    p_value: float
    ridge: float


@register(
    family="labels", inputs="predictions", units="total variation of the label shares",
    range=(0.0, 1.0), direction="larger means other label frequencies on the target",
    cost="O(n_draws (n + m + k) k^2)", zero_on_itself=True,
    invariances=("row order", "relabelling"), min_rows=_MIN_ROWS, attribution=("classes",),
)  # fmt: skip
def black_box_shift_estimation(
    source: ArrayLike,
    target: ArrayLike,
    *,
    source_labels: ArrayLike,
    hard: bool = False,
    shrink: Shrink = "one",
    ridge: float | None = None,
    n_splits: int = 10,
    n_draws: int = 200,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> BlackBoxShiftEstimationResult:
    """Estimate the label shares of an unlabelled target from a source model's predictions.

    The predictions on the target are explained as a mixture of those that each class gets on
    held-out source rows.

    Parameters
    ----------
    source : array_like of shape (n_source, k) or (n_source,)
        Class probabilities, or predicted codes, of source rows the model was not trained on.
    target : array_like of shape (n_target, k) or (n_target,)
        The same for target rows.
    source_labels : array_like of int, shape (n_source,)
        True codes of the source rows, from 0.
    hard : bool
        Whether to turn probabilities into predicted codes first. Probabilities lose less.
    shrink : {"one", "zero", "none"}
        Towards weights of 1, which is no shift; towards 0, as the authors' code does, which
        makes every weight too small; or not at all.
    ridge : float or None
        How strongly. None takes for "one" the sampling variance of a mean prediction, as if
        weights were 1 give or take 1 beforehand; for "zero" 1 / min(n_source, n_target).
    n_splits : int
        Random halves of each side for the null band.
    n_draws : int
        Bootstrap resamples of both sides.
    level : float
        Nominal coverage of the intervals.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    BlackBoxShiftEstimationResult
        Total variation between source and estimated target label shares, in [0, 1]; 0 means
        equal shares. In the target's null band both halves' shares are estimated, through the
        confusion matrix of the source, because neither has labels.

    Raises
    ------
    ValueError
        Also when the smallest singular value of the confusion matrix does not stand out of its
        sampling noise, so that the predictions do not tell all classes apart.

    Notes
    -----
    With C_ij = P_s(prediction i, label j) and mu_i = P_t(prediction i), label shift means
    C w = mu (Lipton et al. 2018, eq. 3). Solved for theta = w - 1 with a ridge, (C'C + lambda
    I) theta = C'(mu - C 1), which shrinks towards no shift (the idea of RLLS, Azizzadenesheli
    et al. 2019, whose penalty is on the norm instead of its square). Negative weights are then
    set to 0 and the mean over source labels to 1.

    Everything rests on p(x | y) being the same on both sides. A weight that is negative beyond
    chance contradicts it and is warned of; most contradictions cannot be seen without target
    labels. The value is biased upwards in small samples: read it beside ``null``. Shrinking
    makes a strong shift look smaller, which the interval does not cover: above about 0.5 look at
    ``shrink="none"`` too. Where calibrated probabilities are at hand
    :func:`em_prior_estimation` is usually more exact.

    References
    ----------
    Lipton, Wang & Smola (2018), Detecting and correcting for label shift with black box
    predictors, ICML; Azizzadenesheli et al. (2019), Regularized learning for domain adaptation
    under label shifts, ICLR; Rabanser et al. (2019), Failing loudly, NeurIPS, for the test.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.repeat([0, 1], 50)
    >>> seen = np.where(np.arange(100) % 10 == 0, 1 - labels, labels)  # one in ten wrong
    >>> target = np.repeat([0, 1], [74, 26])  # as 80 % of class 0 would be predicted
    >>> found = black_box_shift_estimation(seen, target, source_labels=labels, shrink="none")
    >>> round(found.value, 6), found.target_shares.round(6).tolist()
    (0.3, [0.8, 0.2])
    """
    x, labels, y = _checked(source, source_labels, target)
    if hard:
        x, y = harden(x), harden(y)
    if shrink not in ("one", "zero", "none"):
        raise ValueError(f"`shrink` must be 'one', 'zero' or 'none', got {shrink!r}.")
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=20)
    level = check_share(level, "level")
    rng = generator(random_state)
    solver = _Solver(shrink, _ridge(ridge, shrink, x, y))
    confusion, shares = _confusion(x, labels), class_shares(labels, x.shape[1])
    smallest, noise = _require_full_rank(confusion, x, labels)

    raw = solver.raw(x, labels, y)
    weights = _proper(raw, shares)
    p_value = predicted_shares_p_value(x, y, rng)
    draws, shifts = resampled(solver.estimate, x, labels, y, n_draws=n_draws, rng=rng)
    value = shift_of(weights, shares)
    null = source_null(solver.estimate, x, labels, len(y), n_splits=n_splits, rng=rng)
    of_target = target_null(
        lambda half: solver.target_shares(x, labels, half), y, len(x), n_splits=n_splits, rng=rng
    )
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return BlackBoxShiftEstimationResult(
        value=value,
        interval=shift_interval(value, shifts, level, p_value),
        null=NullBand(null, of_target),
        n_source=len(x),
        n_target=len(y),
        warnings=_contradictions(raw, solver.spread(x, labels, y, raw)),
        weights=weights,
        weights_low=low,
        weights_high=high,
        raw_weights=raw,
        source_shares=shares,
        target_shares=shares * weights,
        smallest_singular_value=smallest,
        noise=noise,
        residual=float(np.abs(confusion @ weights - y.mean(axis=0)).sum() / 2),
        p_value=p_value,
        ridge=solver.ridge,
    )


@dataclass(frozen=True, slots=True)
class _Solver:
    """From mean predictions to weights."""

    shrink: Shrink
    ridge: float

    def raw(self, source: Floats, labels: Ints, target: Floats) -> Floats:
        confusion, seen = _confusion(source, labels), target.mean(axis=0)
        if self.shrink == "zero":
            return np.asarray(self._inverse(confusion) @ seen)
        return np.asarray(1 + self._inverse(confusion) @ (seen - confusion.sum(axis=1)))

    def estimate(
        self, source: Floats, labels: Ints | None, target: Floats
    ) -> tuple[Floats, Floats]:
        """Return proper weights and the source shares."""
        assert labels is not None  # always at hand here; other estimates go without
        shares = class_shares(labels, source.shape[1])
        return _proper(self.raw(source, labels, target), shares), shares

    def target_shares(self, source: Floats, labels: Ints, target: Floats) -> Floats:
        """Return the estimated label shares of target predictions."""
        weights, shares = self.estimate(source, labels, target)
        return weights * shares

    def spread(self, source: Floats, labels: Ints, target: Floats, raw: Floats) -> Floats:
        """Return the standard errors of the raw weights by the delta method, shape (k,)."""
        inverse = self._inverse(_confusion(source, labels))
        parts = target @ inverse.T, (source * raw[labels, None]) @ inverse.T
        variance = sum(part.var(axis=0, ddof=1) / len(part) for part in parts)
        return np.asarray(np.sqrt(variance))

    def _inverse(self, confusion: Floats) -> Floats:
        if self.shrink == "none":
            # A resample may lack a class; the pseudo-inverse leaves its weight at 1.
            return np.asarray(np.linalg.pinv(confusion, rcond=1e-12))
        gram = confusion.T @ confusion
        gram[np.diag_indices_from(gram)] += self.ridge
        return np.asarray(np.linalg.solve(gram, confusion.T))


def _confusion(source: Floats, labels: Ints) -> Floats:
    """Return the mean prediction of every class times its share: C[prediction, label]."""
    n_classes = source.shape[1]
    order = np.argsort(labels, kind="stable")
    present, starts = np.unique(labels[order], return_index=True)
    confusion = np.zeros((n_classes, n_classes))
    confusion[:, present] = np.add.reduceat(source[order], starts, axis=0).T / len(source)
    return confusion


def _proper(raw: Floats, shares: Floats) -> Floats:
    """Return weights that are not negative and average 1 over the source labels."""
    weights = np.maximum(raw, 0.0)
    total = float(shares @ weights)
    return weights / total if total > 0 else np.ones_like(raw)


def _ridge(ridge: float | None, shrink: Shrink, source: Floats, target: Floats) -> float:
    n, m, n_classes = len(source), len(target), source.shape[1]
    if shrink == "none":
        if ridge is not None:
            raise ValueError("`ridge` has no meaning with shrink='none'; leave one of them out.")
        return 0.0
    if ridge is not None:
        if not (ridge > 0 and np.isfinite(ridge)):
            raise ValueError(f"`ridge` must be a positive number, got {ridge!r}.")
        return float(ridge)
    if shrink == "zero":
        return 1 / min(n, m)
    shares = (source.sum(axis=0) + target.sum(axis=0)) / (n + m)
    return float((1 / n + 1 / m) * (1 - shares @ shares) / n_classes)


def _require_full_rank(confusion: Floats, source: Floats, labels: Ints) -> tuple[float, float]:
    """Return the smallest singular value and its standard error, or refuse."""
    left, values, right = np.linalg.svd(confusion)
    # u'Cv is a mean over source rows, so that its noise is known without resampling.
    parts = (source @ left[:, -1]) * right[-1][labels]
    smallest, noise = float(values[-1]), float(parts.std(ddof=1) / np.sqrt(len(parts)))
    # A class that is never predicted leaves 0 for both.
    if smallest <= max(_NOISE * noise, 1e-12 * float(values[0])):
        raise ValueError(
            "The source model's predictions do not tell all classes apart: the smallest singular "
            f"value of their confusion matrix is {smallest:.2g}, its noise {noise:.2g}; use more "
            "labelled source rows, a better model, or fewer classes."
        )
    return smallest, noise


def _contradictions(raw: Floats, spread: Floats) -> tuple[str, ...]:
    # One in twenty for all classes together.
    beyond = float(norm.ppf(1 - 0.05 / len(raw)))
    classes = np.flatnonzero(raw + beyond * spread < 0)
    if not len(classes):
        return ()
    names = ", ".join(str(int(label)) for label in classes)
    return (
        f"Class(es) {names} would need a negative weight: label shift alone does not explain "
        "the predictions on the target.",
    )


def _checked(
    source: ArrayLike, source_labels: ArrayLike, target: ArrayLike
) -> tuple[Floats, Ints, Floats]:
    n_classes = count_classes(source, target, source_labels)
    x = check_predictions(source, "source", n_classes, _MIN_ROWS)
    y = check_predictions(target, "target", n_classes, _MIN_ROWS)
    return x, check_source_labels(source_labels, len(x), n_classes), y
