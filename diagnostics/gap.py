"""From paired held-out predictions to the gap with an interval and a probability of harm.

``GapEstimator`` is the interface; :class:`PairedCrossValidation` is its first form, which
uses the pilot alone.  A predictor fitted on measured transfers can take its place: it gets
the pilot and the checks, and gives the same :class:`~negtransfer.diagnostics.document.Gap`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .costs import HARM_COST as HARM_COST
from .document import CheckResult, Gap, Outcome
from .pilot import BASELINE, HeldOut, Metric, Pilot

LEVEL = 0.8
HARM = 0.9
"""A sign is named when the chance of the other one is below 1 - HARM, as in an 80 % interval."""


class GapEstimator(Protocol):
    """Anything that predicts the gap of a strategy from the pilot and the checks."""

    @property
    def name(self) -> str:
        """How the gap was found, in a few words."""
        ...

    def estimate(
        self,
        pilot: Pilot,
        checks: Sequence[CheckResult],
        *,
        learner: str,
        strategy: str,
        metric: Metric,
    ) -> Gap:
        """Return the gap of `strategy` with `learner` in `metric`."""
        ...


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference of two errors with its standard error."""

    estimate: float
    standard_error: float
    df: float
    first: float
    second: float


def compare(
    frame: HeldOut,
    metric: Metric,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
) -> Difference:
    """Return error of `first` minus error of `second` on the same held-out rows.

    The variance is that of the rows' influences, summed within groups of identical rows,
    times k (1/J + 1/(k-1)), the correction of Nadeau & Bengio (2003) for training sets
    that overlap between folds (J folds in all, k a repeat).  Bounded losses get the half
    pseudo-rows of Agresti & Min (2005).

    Parameters
    ----------
    frame : HeldOut
        Labels, groups and folds of the rows.
    metric : Metric
    first, second : ndarray of shape (n_repeats, n_held_out[, n_classes])
        Predictions.
    """
    errors, by_group, _ = _paired(frame, metric, first, second)
    n = len(frame.y)
    pseudo = 1.0 if metric.bounded else 0.0
    row_variance = (float(by_group @ by_group) + pseudo) / (n + 2 * pseudo) ** 2
    smallest = n
    if metric.by_class:
        smallest = int(np.unique(frame.y, return_counts=True)[1].min())
    return Difference(
        float(errors[0] - errors[1]),
        float(np.sqrt(overlap(frame) * row_variance)),
        float(max(1, min(by_group.size, smallest) - 1)),
        float(errors[0]),
        float(errors[1]),
    )


def _paired(
    frame: HeldOut, metric: Metric, first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return both errors, and by group of identical rows the influence and the rows."""
    pairs = [
        (metric.score(frame.y, a, frame.scale), metric.score(frame.y, b, frame.scale))
        for a, b in zip(first, second, strict=True)
    ]
    errors = np.array([[a[0], b[0]] for a, b in pairs]).mean(axis=0)
    influence = np.mean([a[1] - b[1] for a, b in pairs], axis=0)
    _, group, sizes = np.unique(frame.groups, return_inverse=True, return_counts=True)
    by_group = np.bincount(group.ravel(), weights=influence).astype(np.float64)
    return errors, by_group, sizes.astype(np.int64)


def overlap(frame: HeldOut) -> float:
    """Return what overlapping training sets add to the variance (Nadeau & Bengio 2003)."""
    k = frame.n_folds
    return k * (1 / (k * frame.n_repeats) + 1 / (k - 1))


def exchanged(
    frame: HeldOut,
    metric: Metric,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    rng: np.random.Generator,
    n_draws: int = 199,
) -> NDArray[np.float64]:
    """Return the difference of :func:`compare` where it is chance which model said what.

    The two predictions of a row change places with probability one half, identical rows
    together (Fisher's randomisation of pairs, on the influences).  Widened like the standard
    error, because rows held out together were predicted by one model.
    """
    errors, by_group, sizes = _paired(frame, metric, first, second)
    parts = (by_group + (errors[0] - errors[1]) * sizes) / len(frame.y)
    signs = rng.choice([-1.0, 1.0], size=(n_draws, parts.size))
    return np.asarray(np.sqrt(overlap(frame)) * (signs @ parts), dtype=np.float64)


def outcome_of(p_harm: float) -> Outcome:
    """Return what a probability of harm says; never a sign out of noise."""
    return "hurts" if p_harm >= HARM else "helps" if p_harm <= 1 - HARM else "cannot tell"


def to_gap(difference: Difference, *, margin: float, method: str, cost: float = HARM_COST) -> Gap:
    """Turn a paired difference into a gap with a Student interval and probabilities."""
    from scipy.stats import t

    centre, se, df = difference.estimate, difference.standard_error, difference.df
    if se <= 0:
        se = 1e-12
    half = float(t.ppf(0.5 + LEVEL / 2, df)) * se
    p_harm = float(t.sf(-centre / se, df))
    return Gap(
        estimate=centre,
        low=centre - half,
        high=centre + half,
        level=LEVEL,
        standard_error=se,
        p_harm=p_harm,
        p_clear_harm=float(t.sf((margin - centre) / se, df)),
        p_clear_gain=float(t.cdf((-margin - centre) / se, df)),
        outcome=outcome_of(p_harm),
        method=method,
        expected_loss=_expected_loss(centre + se * t.ppf(_LEVELS, df), cost),
    )


_LEVELS = (np.arange(199) + 0.5) / 199


def _expected_loss(gaps: NDArray[np.float64], cost: float) -> float:
    """Return the mean of equally likely gaps, harm counted `cost` times."""
    return float(np.where(gaps > 0, cost * gaps, gaps).mean())


@dataclass(frozen=True, slots=True)
class PairedCrossValidation:
    """The gap as the pilot measured it, from paired cross-validation on the target alone."""

    name: str = "paired cross-validation on the labelled target rows"
    cost: float = HARM_COST

    def estimate(
        self,
        pilot: Pilot,
        checks: Sequence[CheckResult],
        *,
        learner: str,
        strategy: str,
        metric: Metric,
    ) -> Gap:
        """Return the measured gap; `checks` carry no weight in this form."""
        difference = compare(
            pilot.frame,
            metric,
            pilot.predictions[learner, strategy],
            pilot.predictions[learner, BASELINE],
        )
        return to_gap(difference, margin=metric.margin, method=self.name, cost=self.cost)
