"""What OTCE and F-OTCE share: checks, the coupling, its chance level and interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._results import Interval
from .._scores import (
    Chance,
    Labels,
    ScoreResult,
    check_labels,
    label_cautions,
    normalise,
    permutations,
    score_interval,
)
from .._validation import Floats, Ints, RandomState, check_count, check_pair
from ._asked import Asked, check_asked, one_class
from ._label_transport import couple, drawn_rows, label_masses, squared_distances
from ._table_scores import negative_conditional_entropy

OtceCoefficients: TypeAlias = tuple[float, float, float]
"""Of the squared distance, of the conditional entropy, and a constant."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OtceResult(ScoreResult):
    """Outcome of :func:`otce` and :func:`f_otce`.

    Attributes
    ----------
    n_source, n_target : int
        Rows used on either side; ``n_rows`` is both together.
    wasserstein : float
        Mean squared distance between coupled rows, W in the paper: the domain difference.
    conditional_entropy : float
        Of the target's labels given the source's under the coupling, in nats: the task
        difference.
    coupled_labels : ndarray of shape (C_s, C_t)
        Mass that goes between any two classes; sums to 1.
    source_classes, target_classes : ndarray
        The classes of its rows and columns.
    """

    n_source: int
    n_target: int
    wasserstein: float
    conditional_entropy: float
    coupled_labels: Floats
    source_classes: NDArray[Any]
    target_classes: NDArray[Any]


def check_coupling(
    n_permutations: int | None, n_draws: int, level: float, random_state: RandomState,
    joint_cost: float | None,
) -> Asked:  # fmt: skip
    """Check the weight of a joint cost and what every score is asked."""
    if joint_cost is not None and not 0 < joint_cost <= 1:
        raise ValueError(f"`joint_cost` must lie above 0 and be at most 1, got {joint_cost!r}.")
    if n_permutations is None:
        n_permutations = 100 if joint_cost is None else 10
    return check_asked(n_permutations, n_draws, level, random_state)


def check_coefficients(given: OtceCoefficients) -> OtceCoefficients:
    """Return three finite numbers."""
    values = np.asarray(given, dtype=np.float64)
    if values.shape != (3,) or not np.isfinite(values).all():
        raise ValueError(
            "`coefficients` must be three finite numbers (of the distance, of the entropy, and a "
            f"constant), got {given!r}."
        )
    return float(values[0]), float(values[1]), float(values[2])


Sides: TypeAlias = tuple[Floats, Labels, Labels]
"""Squared distances of the rows used, and the labels of either side."""


def check_sides(
    source: ArrayLike, target: ArrayLike, source_labels: ArrayLike, target_labels: ArrayLike,
    max_rows: int, asked: Asked,
) -> Sides:  # fmt: skip
    """Return what a coupling needs of the two sides, at most ``max_rows`` rows of each."""
    x, y = check_pair(source, target, min_rows=2)
    max_rows = check_count(max_rows, "max_rows", minimum=16)
    kept = []
    for rows, given, name in ((x, source_labels, "source"), (y, target_labels, "target")):
        labels = check_labels(given, len(rows), f"{name}_labels")
        used = drawn_rows(labels, max_rows, asked.rng)
        drawn = labels if len(used) == len(rows) else check_labels(
            labels.classes[labels.codes[used]], len(used), f"{name}_labels"
        )  # fmt: skip
        kept.append((rows[used], drawn))
    (x, a), (y, b) = kept
    return squared_distances(x, y), a, b


def scored(
    squares: Floats, source: Labels, target: Labels, weights: OtceCoefficients,
    joint_cost: float | None, asked: Asked, name: str,
) -> OtceResult:  # fmt: skip
    """Return the weighed terms of the best coupling, with chance level and interval."""
    (n, m), sizes = squares.shape, (source.n_classes, target.n_classes)
    share = 1.0 if joint_cost is None else float(joint_cost)

    def weighed(cost: float, entropy: float) -> float:
        return weights[0] * cost + weights[1] * entropy + weights[2]

    found = couple(squares, source.codes, target.codes, sizes, share)
    known: dict[str, Any] = {
        "n_rows": n + m, "n_source": n, "n_target": m, "wasserstein": found.cost,
        "conditional_entropy": found.entropy, "coupled_labels": found.labels,
        "source_classes": source.classes, "target_classes": target.classes,
        "cautions": label_cautions(target),
    }  # fmt: skip
    if target.n_classes == 1:
        return OtceResult(value=None, reason=one_class(target, name), **known)

    def shuffled(order: Ints) -> float:
        codes = target.codes[order]
        if share < 1:
            again = couple(squares, source.codes, codes, sizes, share)
            return weighed(again.cost, again.entropy)
        masses = label_masses(found.plan, source.codes, codes, sizes)
        return weighed(found.cost, -float(negative_conditional_entropy(masses)))

    def half(rows: Ints) -> float:
        first, second = rows[rows < n], rows[rows >= n] - n
        part = couple(
            squares[np.ix_(first, second)], source.codes[first], target.codes[second], sizes, share
        )
        return weighed(part.cost, part.entropy)

    value = weighed(found.cost, found.entropy)
    chance = None
    if asked.n_permutations:
        orders = permutations(m, asked.n_permutations, asked.rng)
        chance = Chance(np.array([shuffled(order) for order in orders]), "labels")
    best = weighed(found.cost, 0.0) + max(0.0, weights[1]) * math.log(target.n_classes)
    return OtceResult(
        value=value,
        normalised=normalise(value, chance, best=best),
        chance=chance,
        interval=_interval(half, value, source, target, asked, math.inf if name == "OTCE" else 0.0),
        **known,
    )


def _interval(
    half: Callable[[Ints], float],
    value: float,
    source: Labels,
    target: Labels,
    asked: Asked,
    high: float,
) -> Interval | None:
    strata = np.concatenate([source.codes, target.codes + source.n_classes])
    return score_interval(
        half, len(strata), value, level=asked.level, n_draws=asked.n_draws, rng=asked.rng,
        strata=strata, high=high,
    )  # fmt: skip
