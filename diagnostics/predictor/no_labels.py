"""What can be said of a transfer before a single target label is there.

A curve: for every number of target labels one might pay for, the gap of the source model as it
is to a model trained on that many labels, as a distribution.  It comes from what the source
shows at home and from how far the inputs lie apart; what the inputs mean for the label on the
target cannot be seen, which is why no word here says that transfer is fine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from .._words import chance
from ..errors import InputError
from ..pilot import LABELS_FOR_REVERSAL
from .no_labels_evidence import PLANNED, Sides, Unlabelled, unlabelled_evidence, why_not
from .no_labels_model import NoLabelModel, shipped
from .no_labels_terms import ERROR_AT, NUMBERS

if TYPE_CHECKING:
    from ..domain import Pair
    from ..learners import Learner

LEVEL = 0.8
LIKELY = 0.9
MAX_PLANNED = 1000
N_DRAWS = 100
Word = Literal["likely hurts", "cannot tell"]
INVISIBLE = (
    "Invisible without target labels: whether inputs mean the same for the label on the target "
    "(concept shift, labels coded the other way round)"
)


@dataclass(frozen=True, slots=True)
class PlannedGap:
    """The gap of the source model as it is to a model of so many target labels.

    Attributes
    ----------
    n_labels : int
        Planned target labels.
    gap, low, high : float
        Median and ends of the interval, in the error's own scale: error rate, or RMSE in
        standard deviations of the labels.  Positive means that transfer hurts.
    p_harm : float
        Probability that the gap is above zero.
    outcome : {"likely hurts", "cannot tell"}
    """

    n_labels: int
    gap: float
    low: float
    high: float
    p_harm: float
    outcome: Word


@dataclass(frozen=True, slots=True)
class NoLabelPrediction:
    """All that is said without target labels.

    Attributes
    ----------
    planned : tuple of PlannedGap
        One for every planned number, ascending.
    error, error_low, error_high : float
        Estimated error of the source model on the target, with its interval.
    home : float
        Its error on the source.
    level : float
        Of all intervals.
    estimates : dict of str to float
        Estimates of that error by single methods, on which the above rests among others.
    validity : tuple of str
        What contradicts the methods on the source, in sentences; or that nothing does.
    outside : tuple of str
        Numbers of the evidence beyond what was measured when the model was fitted.
    sentence : str
    """

    planned: tuple[PlannedGap, ...]
    error: float
    error_low: float
    error_high: float
    home: float
    level: float
    estimates: Mapping[str, float]
    validity: tuple[str, ...]
    outside: tuple[str, ...]
    sentence: str

    def at(self, n_labels: int) -> PlannedGap:
        """Return what is said for this planned number."""
        return next(one for one in self.planned if one.n_labels == n_labels)

    @property
    def break_even(self) -> int | None:
        """The first planned number at which harm is at least as likely as not."""
        return next((one.n_labels for one in self.planned if one.p_harm >= 0.5), None)


def without_labels(
    pair: Pair, learner: Learner, *, planned: Sequence[int] = PLANNED, seed: int = 0
) -> NoLabelPrediction:
    """Predict what using the source model as it is would mean, without target labels.

    Parameters
    ----------
    pair : Pair
        Target labels, if any, are not looked at.
    learner : Learner
        The model was fitted on transfers of the linear learner.
    planned : sequence of int
        Numbers of target labels the target alone might be trained on, from 10 to 1000.
    seed : int

    Returns
    -------
    NoLabelPrediction

    Raises
    ------
    InputError
        When the pair does not allow it, or a planned number is out of range.
    """
    numbers = _checked(planned)
    sides = _usable(pair)
    found = unlabelled_evidence(sides, learner, seed=seed, n_draws=N_DRAWS, n_splits=10)
    return predicted(found, numbers, shipped())


def by_chance(
    pair: Pair, learner: Learner, *, planned: int, seed: int = 0, n_splits: int = 5
) -> NDArray[np.float64]:
    """Return the gap predicted for one random half of the source from the other, (n_splits,).

    There nothing differs, except that both are smaller than the sides compared.
    """
    sides, model = _usable(pair), shipped()
    rng = np.random.default_rng([seed, 32])
    found = []
    for i in range(n_splits):
        half = sides.halves(rng)
        if why_not(half) is not None:
            continue
        numbers = unlabelled_evidence(half, learner, seed=seed + i, n_draws=2).numbers
        found.append(float(model.heads["gap"].predict(rows(numbers, (planned,))).quantile(0.5)[0]))
    return np.array(found)


def predicted(found: Unlabelled, planned: Sequence[int], model: NoLabelModel) -> NoLabelPrediction:
    """Return what a model makes of the evidence."""
    evidence = rows(found.numbers, planned)
    gap = model.heads["gap"].predict(evidence)
    error = model.heads["error"].predict(rows(found.numbers, (ERROR_AT,)))
    ends = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    most = 1.0 if found.numbers["n_classes"] else np.inf
    low, middle, high = (np.clip(gap.quantile(q), -most, most) for q in (ends[0], 0.5, ends[1]))
    p_harm = gap.above(0.0)
    curve = tuple(
        PlannedGap(
            n, float(middle[i]), float(low[i]), float(high[i]), float(p_harm[i]),
            "likely hurts" if p_harm[i] >= LIKELY else "cannot tell",
        )
        for i, n in enumerate(planned)
    )  # fmt: skip
    at = [float(np.clip(error.quantile(q)[0], 0.0, most)) for q in (0.5, *ends)]
    outside = tuple(
        name for name in model.outside({**found.numbers, "n_planned": float(max(planned))})
    )
    return NoLabelPrediction(
        curve, at[0], at[1], at[2], found.numbers["home"], LEVEL,
        {name: one.value for name, one in found.estimates.items()},
        _validity(found), outside, _sentence(curve, at, found, outside),
    )  # fmt: skip


def rows(numbers: Mapping[str, float], planned: Sequence[int]) -> dict[str, Any]:
    """Return the evidence once for every planned number."""
    k = len(planned)
    found = {name: np.full(k, numbers[name]) for name in NUMBERS if name != "n_planned"}
    return {**found, "n_planned": np.asarray(planned, dtype=np.float64)}


def _validity(found: Unlabelled) -> tuple[str, ...]:
    """Return by method what is contradicted on the source, or what was tested."""
    told = []
    for name, one in found.estimates.items():
        bad = [check.sentence for check in one.validity if check.holds is False]
        told += [f"Estimate by {TITLES[name]}: {sentence}" for sentence in bad]
    tested = sum(one.holds is not None for one in found.estimates.values())
    if not told and tested:
        told = ["Nothing on the source contradicts what the estimates of the error rest on."]
    if not tested:
        told.append("What the estimates of the error rest on could not be tested on the source.")
    return tuple(told)


TITLES = {
    "average": "average confidence", "difference": "difference of confidences",
    "thresholded": "thresholded confidence", "transport": "confidence optimal transport",
    "agreement": "agreement of two models", "disagreement": "distance of two models",
}  # fmt: skip


def _sentence(
    curve: tuple[PlannedGap, ...], error: list[float], found: Unlabelled, outside: tuple[str, ...]
) -> str:
    """Return the whole answer; it always says what stays invisible and which labels would tell."""
    classes = found.numbers["n_classes"] > 0
    unit, scale = ("points", 100) if classes else ("sd", 1)
    name = "error rate" if classes else "RMSE (in sd of the labels)"
    hurts = [one for one in curve if one.outcome == "likely hurts"]
    if hurts:
        one = hurts[0]
        first = (
            f"Using the source model as it is likely hurts, against one trained on {one.n_labels} "
            "target labels"
        )
    else:
        one = curve[0]
        first = (
            "Without target labels it cannot be told whether the source model beats one trained "
            f"on {one.n_labels} of them"
        )
    told = (
        f"{first} (gap {one.gap * scale:+.2g} {unit}, {100 * LEVEL:.0f} % interval "
        f"{one.low * scale:+.2g} to {one.high * scale:+.2g}, chance of harm {chance(one.p_harm)}; "
        f"estimated {name} of the source model {error[0]:.2g}, {error[1]:.2g} to {error[2]:.2g}, "
        f"at home {found.numbers['home']:.2g})."
    )
    if outside:
        told += " The data lie outside what was measured when this was fitted: trust it less."
    return (
        f"{told} {INVISIBLE}; about {LABELS_FOR_REVERSAL} target labels, drawn at random, would "
        "settle that, and let the gap be measured."
    )


def _checked(planned: Sequence[int]) -> list[int]:
    numbers = sorted({int(n) for n in planned if isinstance(n, (int, np.integer))})
    good = bool(numbers) and len(numbers) == len(list(planned))
    if not good or not 10 <= numbers[0] <= numbers[-1] <= MAX_PLANNED:
        raise InputError(
            f"`planned` is {list(planned)!r:.60}; give different whole numbers of target labels "
            f"from 10 to {MAX_PLANNED}."
        )
    return numbers


def _usable(pair: Pair) -> Sides:
    if pair.task is None:
        raise InputError("The source has no labels, so there is no source model to transfer.")
    sides = Sides.of_pair(pair)
    if reason := why_not(sides):
        raise InputError(reason)
    return sides
