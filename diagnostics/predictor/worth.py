"""What target labels are worth: how the target-only error falls with more of them.

Learned from measured transfers.  The logarithm of the error with m labels over that with n is
linear in a few numbers known at n, along the two saturating curves of log2(m / n) that break-even
uses; what is left has the quantiles of data sets left out, one quantile for a whole curve.
Nothing is said beyond :data:`LARGEST` labels, the most that were measured.

A transfer is worth as many more labels as bring the target-only error down to the error with
transfer.  Everything is relative to the target's own error, so its unit does not matter.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._words import chance
from .break_even import LEAST_BASE, drift

Floats = NDArray[np.float64]

LARGEST = 1000
"""The most target labels with which errors were measured."""
SMALLEST = 10
DRAWS = 2000
KNOWN = ("one", "skill", "labels", "labels per column", "multiclass", "not linear")
"""What decides how the error falls; each counts along both curves."""
SPREAD = ("distance", "labels", "error", "not linear")
"""What decides how much is left: log2 of log2(m / n), log2(n / 100), log2 of the error."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of the target with the labels at hand.

    Attributes
    ----------
    n : int
        Number of target labels.
    error, constant : float
        Error of the target alone and of a constant, in one unit.
    n_columns : int
        Encoded columns.
    task : str
        ``binary``, ``multiclass`` or ``regression``.
    learner : str
        Anything but ``"linear"`` is taken for a forest.
    """

    n: int
    error: float
    constant: float
    n_columns: int
    task: str
    learner: str

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) and v >= 0 for v in (self.error, self.constant)):
            raise ValueError("error and constant must be finite and not negative")
        if self.n < 1 or self.n_columns < 1:
            raise ValueError("n and n_columns must be at least 1")


@dataclass(frozen=True, slots=True)
class Worth:
    """How many more target labels a transfer stands for.

    Attributes
    ----------
    more : float
        0 where transfer more likely hurts, infinity where more likely more than `largest` labels
        in all would be needed, else the median of what lies between.
    low, high : float
        Interval over all drawn gaps and curves, those with 0 and infinity among them.
    level : float
    p_none, p_beyond : float
        Probability of 0, and of infinity.
    largest : int
    """

    more: float
    low: float
    high: float
    level: float
    p_none: float
    p_beyond: float
    largest: int = LARGEST

    def sentence(self, strategy: str, learner: str) -> str:
        """Say it."""
        return f"With {strategy} and {learner}, transfer now is worth {self.words()}."

    def words(self) -> str:
        """Say it as a clause: how many more labels."""
        if self.p_none >= 0.5:
            return f"no target labels (chance that it hurts {chance(self.p_none)})"
        interval = f"{100 * self.level:.0f} % interval {_count(self.low)} to {self._end(self.high)}"
        if math.isinf(self.more):
            return (
                f"more target labels than were measured, {self.largest:,} in all "
                f"(probability {chance(self.p_beyond)})"
            )
        return f"about {_count(self.more)} more target labels ({interval})"

    def _end(self, more: float) -> str:
        return f"beyond {self.largest:,} in all" if math.isinf(more) else _count(more)


def known(rows: Mapping[str, ArrayLike]) -> Floats:
    """Return the numbers of :data:`KNOWN`.

    Parameters
    ----------
    rows : mapping
        ``n_labels``, ``base``, ``constant``, ``n_columns``, ``multiclass``, ``not_linear``, each
        of shape (n,).

    Returns
    -------
    ndarray of shape (n, len(KNOWN))
    """
    n, base, constant, columns, many, other = (
        np.asarray(rows[name], dtype=np.float64)
        for name in ("n_labels", "base", "constant", "n_columns", "multiclass", "not_linear")
    )
    skill = np.clip(1 - base / np.maximum(constant, LEAST_BASE), -0.5, 1.0)
    a_column = np.clip(np.log2(n / columns), -4.0, 6.0)
    return np.stack([np.ones_like(n), skill, np.log2(n / 100), a_column, many, other], axis=-1)


def terms(rows: Mapping[str, ArrayLike], octaves: ArrayLike) -> tuple[Floats, Floats]:
    """Return the terms of the mean (n, 2 len(KNOWN)), and of the log spread (n, len(SPREAD)).

    Parameters
    ----------
    rows : mapping
        As for :func:`known`.
    octaves : array-like of shape (n,)
        log2(m / n), above 0.
    """
    far = np.asarray(octaves, dtype=np.float64)
    at = known(rows)
    along = drift(far)
    mean = (at[:, :, None] * along[:, None, :]).reshape(len(far), -1)
    base = np.maximum(np.asarray(rows["base"], dtype=np.float64), LEAST_BASE)
    labels, other = (at[:, KNOWN.index(name)] for name in ("labels", "not linear"))
    spread = np.stack([np.log2(far), labels, np.log2(base), other], axis=-1)
    return mean, spread


def model(task: str) -> dict[str, Any]:
    """Return what was learned for a kind of task: ``mean``, ``spread`` and ``rest``."""
    found: dict[str, Any] = _stored()["tasks"][
        "regression" if task == "regression" else "classification"
    ]
    return found


@cache
def _stored() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((files(__package__) / "worth.json").read_text("utf-8"))
    return loaded


def log_fall(
    here: Situation, counts: ArrayLike, *, learned: dict[str, Any] | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return how the log of the target-only error changes up to each number of labels.

    Parameters
    ----------
    here : Situation
    counts : array-like of shape (m,)
        Numbers of labels, each at least ``here.n``.
    learned : dict, optional
        The shipped model of the task if left out.

    Returns
    -------
    mean, spread : ndarray of shape (m,)
        Both 0 at ``here.n``.
    rest : ndarray of shape (q,)
        Equally likely values of (change - mean) / spread.
    """
    use = model(here.task) if learned is None else learned
    octaves = np.log2(np.asarray(counts, dtype=np.float64) / here.n)
    row = {
        "n_labels": here.n, "base": here.error, "constant": here.constant,
        "n_columns": here.n_columns, "multiclass": here.task == "multiclass",
        "not_linear": here.learner != "linear",
    }  # fmt: skip
    later = octaves > 1e-9
    X, Z = terms(
        {name: np.full(len(octaves), float(value)) for name, value in row.items()},
        np.where(later, octaves, 1.0),
    )
    intercept, *slopes = use["spread"]
    mean = np.where(later, X @ np.ravel(use["mean"]), 0.0)
    spread = np.where(later, np.exp(np.clip(intercept + Z @ slopes, -8, 2)), 0.0)
    return mean, spread, np.asarray(use["rest"], dtype=np.float64)


def errors_at(
    here: Situation, counts: ArrayLike, *, level: float = 0.9, learned: dict[str, Any] | None = None
) -> Floats:
    """Return mean, low and high of the target-only error with more labels, (3, m).

    Parameters
    ----------
    here, counts, learned
        As for :func:`log_fall`.
    level : float, default 0.9
        Of the interval, which is that of the fall alone: ``here.error`` is taken as known.
    """
    mean, spread, rest = log_fall(here, counts, learned=learned)
    # Nobody need be worse than the constant: a wild curve must not decide the mean.
    most = max(here.error, here.constant)
    curves = np.minimum(here.error * np.exp(mean + rest[:, None] * spread), most)
    low, high = np.quantile(curves, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.stack([curves.mean(axis=0), low, high])


def worth(
    here: Situation,
    gap_mean: float,
    gap_sd: float,
    *,
    level: float = 0.9,
    learned: dict[str, Any] | None = None,
) -> Worth:
    """Return how many more target labels bring the target alone to the error with transfer.

    Parameters
    ----------
    here : Situation
        With at most :data:`LARGEST` labels.
    gap_mean, gap_sd : float
        Predictive distribution of the gap with the labels at hand; negative where transfer helps.
    level : float, default 0.9
    learned : dict, optional

    Raises
    ------
    ValueError
        If a number is not finite or out of range.
    """
    if not (math.isfinite(gap_mean) and math.isfinite(gap_sd) and gap_sd >= 0):
        raise ValueError("gap_mean and gap_sd must be finite, gap_sd not negative")
    if here.n >= LARGEST:
        raise ValueError(f"with {here.n} labels nothing is known of more than {LARGEST}")
    more = drawn_worth(here, gap_mean, gap_sd, learned=learned)
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = (float(v) for v in np.quantile(more, ends, method="nearest"))
    p_none, p_beyond = float(np.mean(more == 0)), float(np.mean(np.isinf(more)))
    return Worth(middle(more), low, high, level, p_none, p_beyond)


def middle(more: Floats) -> float:
    """Return the one number that stands for drawn ones.

    0 or infinity where that is more likely than not, else the median of those between.
    """
    if np.mean(more == 0) >= 0.5:
        return 0.0
    if np.mean(np.isinf(more)) >= 0.5:
        return math.inf
    between = more[(more > 0) & np.isfinite(more)]
    return float(np.median(between)) if between.size else float(np.median(more))


def drawn_worth(
    here: Situation, gap_mean: float, gap_sd: float, *, learned: dict[str, Any] | None = None
) -> Floats:
    """Return equally likely numbers of more labels, (DRAWS,): always the same draws."""
    rng = np.random.default_rng(21)
    gap = gap_mean + gap_sd * rng.standard_normal(DRAWS)
    grid = np.geomspace(here.n, LARGEST, 41)
    mean, spread, rest = log_fall(here, grid, learned=learned)
    at = rng.integers(rest.size, size=DRAWS)
    # Errors that rise on the way count as no fall: more labels are never worth less.
    curves = np.minimum.accumulate(mean + rest[at, None] * spread, axis=1)
    error = max(here.error, LEAST_BASE)
    aim = np.log(np.maximum(error + gap, 1e-3 * error) / error)
    reached = curves <= aim[:, None]
    k = np.maximum(reached.argmax(axis=1), 1)
    row = np.arange(DRAWS)
    before, after = curves[row, k - 1], curves[row, k]
    fall = before - after
    part = np.divide(before - aim, fall, out=np.ones(DRAWS), where=fall > 0)
    there = np.exp(np.log(grid[k - 1]) + np.clip(part, 0, 1) * np.log(grid[1] / grid[0]))
    more = np.where(reached.any(axis=1), there - here.n, math.inf)
    return np.asarray(np.where(gap >= 0, 0.0, more))


def _count(n: float) -> str:
    """Return a number of labels to two digits."""
    return f"{float(f'{n:.2g}'):,.0f}"
