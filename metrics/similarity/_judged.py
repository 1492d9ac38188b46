"""A value of two paired tables beside its chance level and its interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._results import Interval
from .._scores import Caution, Chance, chance_level, feature_cautions, normalise, score_interval
from .._validation import Floats, Ints, RandomState, check_count, check_share, generator

_LAST_DIGITS = 16 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Doubt:
    """How a value's chance level and interval are to be found.

    Attributes
    ----------
    n_permutations, n_draws : int
        Shuffles of the rows of one side, and half-samples; 0 for none.
    level : float
        Nominal coverage.
    rng : numpy.random.Generator
    """

    n_permutations: int
    n_draws: int
    level: float
    rng: np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A value with what it is read beside; see ``ScoreResult``."""

    value: float
    normalised: float | None
    chance: Chance | None
    interval: Interval | None


def check_doubt(
    n_permutations: int, n_draws: int, level: float, random_state: RandomState
) -> Doubt:
    """Return the four arguments that every measure of pairs takes, checked."""
    return Doubt(
        check_count(n_permutations, "n_permutations", minimum=0),
        check_count(n_draws, "n_draws", minimum=0),
        check_share(level, "level"),
        generator(random_state),
    )


def judged(
    value: float, doubt: Doubt, *, rows: int, shuffled: Callable[[Ints], float],
    halved: Callable[[Ints], float | None], best: float, low: float, high: float = math.inf,
) -> Judged:  # fmt: skip
    """Return ``value``, cut to its range, with chance level and interval.

    Parameters
    ----------
    value : float
    doubt : Doubt
    rows : int
    shuffled : callable
        The value when the rows of one side come in the order given.
    halved : callable
        The value on the rows given; None where it is not defined.
    best : float
        The value of two sides that agree perfectly.
    low, high : float
        Between which the value always lies; rounding beyond them is cut.
    """
    inside = float(min(max(value, low), high))
    chance = chance_level(
        shuffled, rows, n_permutations=doubt.n_permutations, rng=doubt.rng, what="rows"
    )
    interval = score_interval(
        halved, rows, inside, level=doubt.level, n_draws=doubt.n_draws, rng=doubt.rng, low=low,
        high=high,
    )  # fmt: skip
    return Judged(inside, normalise(inside, chance, best=best), chance, interval)


def both_cautions(first: Any, second: Any) -> tuple[Caution, ...]:
    """Return what is doubtful about two tables as they were given."""
    return (*feature_cautions(first, name="first"), *feature_cautions(second, name="second"))


def centred(table: Floats) -> Floats:
    """Return the columns that vary, less their means; constant columns are left out.

    A constant column less its rounded mean is not quite 0, and would become a direction. So would
    one that was computed as a constant and varies in its last digits.
    """
    kept = np.ptp(table, axis=0) > _LAST_DIGITS * np.abs(table).max(axis=0)
    table = table if kept.all() else table[:, kept]
    middle: Floats = table.mean(axis=0)
    return table - middle


def no_variance(first: Floats, second: Floats) -> Caution | None:
    """Return why there is no value when a side does not vary at all; both sides are centred."""
    for table, name in ((first, "first"), (second, "second")):
        if table.shape[1] == 0:
            return Caution(
                "constant columns",
                f"Every column of `{name}` is constant: it tells no two rows apart, and nothing "
                "can be similar to it.",
            )
    return None
