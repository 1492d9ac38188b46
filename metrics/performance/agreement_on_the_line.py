"""Agreement on the line: many models' agreements on both sides tell each model's error."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from .._validation import Floats, RandomState, check_count
from ..registry import register
from ._home import Home, rate_home
from ._inputs import MIN_ROWS, check_asked, check_codes, check_models
from ._judged import PerformanceResult, judge
from ._probit import probit
from ._validity import ValidityCheck, untested

_NAME = "agreement lies on a line"
_LEAST_R2 = 0.95  # of the authors
_LEAST_PAIRS = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AgreementOnTheLineResult(PerformanceResult):
    """Outcome of :func:`agreement_on_the_line`.

    Attributes
    ----------
    slope, intercept : float
        Of the line from agreements on the source to those on the target, on the probit scale.
    r_squared : float
        How well the pairs of models lie on it.
    errors : ndarray of shape (models,)
        Estimated error rate of every model; ``value`` is the judged one's.
    model : int
        Number of the judged model.
    """

    slope: float
    intercept: float
    r_squared: float
    errors: Floats
    model: int


@register(
    family="performance", inputs="other", units="error rate", range=(0.0, 1.0),
    direction="larger means more errors expected on the target",
    cost="O((n_draws + n_splits) (n + m) s^2) for s models",
    invariances=("row order", "relabelling"), min_rows=MIN_ROWS,
)  # fmt: skip
def agreement_on_the_line(
    source: ArrayLike,
    target: ArrayLike,
    *,
    source_labels: ArrayLike,
    model: int = 0,
    n_splits: int = 20,
    n_draws: int = 200,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> AgreementOnTheLineResult:
    """Estimate a model's error on unlabelled target rows from the agreements of many models.

    Parameters
    ----------
    source : array_like of shape (s, n_source) or (s, n_source, k)
        Predicted codes, or class probabilities, of s >= 3 models on source rows on which none was
        trained. They should differ in quality: equally good ones show no line.
    target : array_like of shape (s, n_target) or (s, n_target, k)
        The same for target rows.
    source_labels : array_like of int, shape (n_source,)
        True codes of the source rows, from 0.
    model : int
        Which of the models is judged.
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
    AgreementOnTheLineResult
        Estimated error rate of the judged model on the target, in [0, 1].

    Raises
    ------
    ValueError
        Also when all pairs of models agree equally often on the source.

    Notes
    -----
    On the probit scale q the agreements of all pairs of models often lie on one line, q(target)
    = a q(source) + b, and where they do accuracies lie on the same (Baek et al. 2022). That is
    the one estimator with a test of its own: without the line (R^2 below 0.95, the authors'
    bound, or fewer than six pairs to see it by) the value means little. Given the line, the
    accuracies solve (q(acc_i) + q(acc_j)) / 2 = q(agr_ij) + a ((q(acc_i) + q(acc_j)) / 2 -
    q(agr_ij)), the left side and agr_ij on the target, the rest on the source, for all pairs, by
    least squares (ALine-D).

    Seen with networks mainly. A change of meaning that leaves the predictions alone leaves
    agreements, line and value as they are.

    References
    ----------
    Baek, Jiang, Raghunathan & Kolter (2022), Agreement-on-the-line: predicting the performance
    of neural networks under distribution shift, NeurIPS, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(2, size=4000)
    >>> def predict(margin):  # rows are hard for all models, and for each by itself
    ...     hard = rng.normal(size=4000) + rng.normal(size=(4, 4000))
    ...     return labels ^ (hard > margin)
    >>> skill = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> source, target = predict(skill), predict(0.7 * skill)
    >>> found = agreement_on_the_line(source, target, source_labels=labels, model=1)
    >>> truth = (target[1] != labels).mean()
    >>> round(found.r_squared, 2), round(found.source_error, 2), round(found.value, 2)
    (0.99, 0.07, 0.16)
    >>> round(float(truth), 2)
    0.16
    """
    asked = check_asked(n_splits, n_draws, level, random_state)
    x, y = check_models(source, target, least=3)
    labels = check_codes(source_labels, "source_labels", x.shape[1])
    model = check_count(model, "model", minimum=0)
    if model >= len(x):
        raise ValueError(f"`model` must be below the number of models, {len(x)}, got {model}.")
    pairs = np.array(list(combinations(range(len(x)), 2)))
    wrong = x != labels
    home = rate_home(_agreements(x, pairs), wrong[model], wrong.T)
    away = _agreements(y, pairs)
    if np.ptp(home.seen.mean(axis=0)) < 1e-12:
        raise ValueError(
            "All pairs of models agree equally often on the source, so that no line can be seen; "
            "add models of other quality."
        )
    line = _line(home, away)
    errors = _errors(home, away, pairs)
    return judge(
        AgreementOnTheLineResult, partial(_of_model, pairs=pairs, model=model), home, away, asked,
        checks=(_line_check(line, len(pairs)),), slope=line.slope, intercept=line.intercept,
        r_squared=line.r_squared, errors=errors, model=model,
    )  # fmt: skip


def _agreements(codes: np.ndarray[tuple[int, int], np.dtype[np.int64]], pairs: Floats) -> Floats:
    """Return 1 where the two models of a pair agree, shape (rows, pairs)."""
    return np.asarray((codes[pairs[:, 0]] == codes[pairs[:, 1]]).T, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Line:
    slope: float
    intercept: float
    r_squared: float


def _line(home: Home, away: Floats) -> _Line:
    """Fit the probit agreements of the target to those of the source."""
    x = probit(home.seen.mean(axis=0), len(home))
    y = probit(away.mean(axis=0), len(away))
    spread, other = float(x.var()), float(y.var())
    if spread < 1e-12:  # a resample may lose what told the pairs apart
        return _Line(1.0, float(y.mean() - x.mean()), 0.0)
    both = float(np.mean((x - x.mean()) * (y - y.mean())))
    slope = both / spread
    r_squared = both**2 / (spread * other) if other > 1e-12 else 0.0
    return _Line(slope, float(y.mean() - slope * x.mean()), r_squared)


def _errors(home: Home, away: Floats, pairs: Floats) -> Floats:
    """Return the estimated error of every model on the target."""
    line = _line(home, away)
    at_home = probit(1 - home.known.mean(axis=0), len(home))
    agreed = probit(home.seen.mean(axis=0), len(home))
    agreed_away = probit(away.mean(axis=0), len(away))
    s = len(at_home)
    halves = np.zeros((len(pairs), s))
    for side in (0, 1):
        halves[np.arange(len(pairs)), pairs[:, side]] = 0.5
    wanted = agreed_away + line.slope * (halves @ at_home - agreed)
    return np.asarray(ndtr(-np.linalg.lstsq(halves, wanted, rcond=None)[0]))


def _of_model(home: Home, target: Floats, *, pairs: Floats, model: int) -> float:
    return float(_errors(home, target, pairs)[model])


def _line_check(line: _Line, pairs: int) -> ValidityCheck:
    if pairs < _LEAST_PAIRS:
        return untested(
            _NAME, f"{pairs} pairs of models cannot show a line; four models or more can."
        )
    holds = line.r_squared >= _LEAST_R2 and line.slope > 0
    words = "lie on a line" if holds else "do not lie on a rising line"
    return ValidityCheck(
        _NAME, holds, None, None,
        f"The agreements of {pairs} pairs of models on source and target {words} "
        f"(R^2 {line.r_squared:.3f}, slope {line.slope:.2f}).",
    )  # fmt: skip
