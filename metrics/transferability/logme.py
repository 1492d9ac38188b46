"""LogME: the evidence for a Bayesian linear model from the features to the labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .._scores import (
    Caution,
    ScoreResult,
    check_features,
    check_labels,
    check_targets,
    distinct,
    explained,
    feature_cautions,
    label_cautions,
)
from .._validation import Floats, Ints, RandomState
from ..registry import register
from ._asked import check_asked, one_class
from ._evidence import Evidence, maximise
from ._spectral_data import Design, SpectralData, View, classes, quantities
from ._spectral_draws import Draws, Statistic, draw

_EXACT = 1e-6
"""Share of a target left over below which it is computed anew: the difference of two squares has
lost too many digits."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogMEResult(ScoreResult):
    """Outcome of :func:`logme`.

    Attributes
    ----------
    by_target : ndarray or None
        Log evidence a row of every class (sorted), or of every target column.
    alpha, beta : ndarray or None
        Precision of the weights and of the noise at which it is largest. alpha is infinite where
        the features explain nothing, beta where they explain everything.
    """

    by_target: Floats | None = None
    alpha: Floats | None = None
    beta: Floats | None = None


@register(
    family="transferability", inputs="features and labels", units="nats a row",
    range=(-math.inf, math.inf), direction="larger means more transferable",
    invariances=(
        "row order", "column order", "translation", "rotation", "one scale", "relabelling",
    ),
    min_rows=3, cost="O(n d min(n, d) + C min(n, d))",
)  # fmt: skip
def logme(
    features: ArrayLike,
    targets: ArrayLike,
    *,
    regression: bool = False,
    fit_intercept: bool = True,
    n_permutations: int = 100,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> LogMEResult:
    r"""Return the logarithm of the maximum evidence, for classes or quantities.

    Parameters
    ----------
    features : array_like of shape (n, d)
        What the source model makes of the target rows.
    targets : array_like of shape (n,) or (n, q)
        Classes, each against the rest; with ``regression=True`` one or several quantities.
    regression : bool
        Whether ``targets`` are quantities.
    fit_intercept : bool
        Leave the means of features and targets out of account. The published score has no
        intercept: **pass False for its value**. The default is True because without one the
        score depends on where the features happen to be centred (adding 10 to every feature of
        the wine data moves it from -0.54 to 0.05, more than most models differ), and a candidate
        would win or lose by the mean of its activations.
    n_permutations : int
        Shuffles of the targets for the chance level, O(n d + C d^2) each; 0 for none.
    n_draws : int
        Half-samples behind the interval, one decomposition each; 0 for none.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    LogMEResult
        Mean over classes or target columns, in nats a row; no fixed range. ``normalised`` is the
        gain over shuffled targets as a share explained, 1 - exp(-2 gain). None with one class, a
        constant target, or a target that is an exact linear function of the features with rows to
        spare (the evidence then has no upper bound).

    Notes
    -----
    For a target column t: t | F, w ~ N(F w, I / beta), w ~ N(0, I / alpha), and

    .. math:: \frac1n \max_{\alpha, \beta} \log \mathcal N(t;\, 0,\, F F^\top / \alpha + I / \beta).

    With the intercept it is the same evidence of n - 1 orthonormal contrasts of the rows, which
    is that under a flat prior on the intercept, divided by n - 1. The maximum is found to
    rounding, globally, for all columns at once. The terms of the d - k directions without
    variation cancel and are never dropped: with more columns than rows, where implementations
    that iterate the two precisions lose them and return another number, this one is still the
    formula. There the best noise is often none at all; the limit is taken in closed form.

    Only classes that occur count. Values compare candidates on one target, not targets: rare
    classes raise it, and multiplying a quantity by a factor shifts it by minus its logarithm.

    References
    ----------
    You, Liu, Wang & Long (2021), LogME: practical assessment of pre-trained models for transfer
    learning, ICML. You, Liu, Zhang, Wang, Jordan & Long (2022), Ranking and tuning pre-trained
    models, JMLR 23.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> features = rng.normal(size=(90, 4))
    >>> features[:, 0] += 2 * labels
    >>> result = logme(features, labels)
    >>> round(result.value, 3), round(result.normalised, 3)
    (-0.439, 0.371)
    >>> round(logme(features, labels, fit_intercept=False, n_permutations=0).value, 3)
    -0.651
    """
    asked = check_asked(n_permutations, n_draws, level, random_state)
    table = check_features(features, min_rows=3)
    cautions = feature_cautions(features)
    design: Design
    if regression:
        wanted = check_targets(targets, len(table))
        reason = _constant(wanted) if fit_intercept else _zero(wanted)
        design = quantities(wanted)
    else:
        labels = check_labels(targets, len(table), "targets")
        cautions = (*cautions, *label_cautions(labels))
        reason = one_class(labels, "LogME") if labels.n_classes == 1 else None
        design = classes(labels)
    cautions = distinct(cautions)
    if reason is not None:
        return LogMEResult(value=None, reason=reason, n_rows=len(table), cautions=cautions)
    data = SpectralData(table, design)
    view: View = "centred" if fit_intercept else "raw"
    found = evidence(data, view)
    if not np.isfinite(found.value).all():
        return _unbounded(found, len(table), cautions)
    return logme_of(data, found, draw(data, [evidences(view)], asked)[0], cautions)


def evidence(data: SpectralData, view: View = "centred") -> Evidence:
    """Return the largest evidence of every column, exact fits told from close ones."""
    projected = data.projected(view, data.as_given)[0]
    rest = _rest(data, view, projected)
    total = data.design.norms(centred=view != "raw")
    found = data.spectrum(view)
    if not found.interpolates:
        for q in np.flatnonzero(rest < _EXACT * total):
            column = data.design.column(int(q), centred=view != "raw")
            left = column - found.fitted(projected[q])
            # what rounding leaves of a target that lies in the span of the features
            rounding = 8 * np.finfo(np.float64).eps * max(data.table.shape)
            size = float(left @ left)
            rest[q] = size if size > rounding**2 * total[q] else 0.0
    return maximise(found.squares, projected, rest, found.degrees)


def evidences(view: View = "centred") -> Statistic:
    """Return the function from data and orders of the targets to LogME."""

    def scores(data: SpectralData, orders: Ints) -> Floats:
        projected = data.projected(view, orders)
        rest = np.stack([_rest(data, view, one) for one in projected])
        found = data.spectrum(view)
        flat = projected.reshape(rest.size, found.rank)
        best = maximise(found.squares, flat, rest.reshape(-1), found.degrees).value
        values: Floats = best.reshape(rest.shape).mean(axis=1)
        return values

    return scores


def _rest(data: SpectralData, view: View, projected: Floats) -> Floats:
    """Return the squared length of each column outside the span of the features."""
    if data.spectrum(view).interpolates:
        return np.zeros(len(projected))
    total = data.design.norms(centred=view != "raw")
    rest = total - np.einsum("qk,qk->q", projected, projected)
    kept: Floats = np.maximum(rest, 1e-15 * total)
    return kept


def _constant(wanted: Floats) -> Caution | None:
    flat = int((np.ptp(wanted, axis=0) == 0).sum())
    if not flat:
        return None
    return Caution(
        "constant target",
        f"{flat} of {wanted.shape[1]} target column(s) are constant: the intercept fits them "
        "exactly and their evidence has no bound; leave them out.",
    )


def _zero(wanted: Floats) -> Caution | None:
    if wanted.any(axis=0).all():
        return None
    return Caution(
        "constant target",
        f"{int((~wanted.any(axis=0)).sum())} of {wanted.shape[1]} target column(s) are zero "
        "everywhere: their evidence has no bound; leave them out.",
    )


def _unbounded(found: Evidence, rows: int, cautions: tuple[Caution, ...]) -> LogMEResult:
    exact = int((~np.isfinite(found.value)).sum())
    reason = Caution(
        "not defined",
        f"{exact} of {len(found.value)} targets are an exact linear function of the features: the "
        "evidence has no bound. Look for the target, or for repeated rows, among the features.",
    )
    return LogMEResult(value=None, reason=reason, n_rows=rows, cautions=cautions)


def logme_of(
    data: SpectralData, found: Evidence, draws: Draws, cautions: tuple[Caution, ...]
) -> LogMEResult:
    """Return the result, given shuffles and half-samples."""
    if not np.isfinite(found.value).all():
        return _unbounded(found, data.n_rows, cautions)
    value = float(found.value.mean())
    return LogMEResult(
        value=value,
        normalised=explained(value, draws.chance),
        chance=draws.chance,
        interval=draws.interval(value, data.n_rows),
        n_rows=data.n_rows,
        cautions=cautions,
        by_target=found.value,
        alpha=found.alpha,
        beta=found.beta,
    )
