"""What transferability scores and similarities share: result, chance level, interval, regime.

A score of one representation, or of two of the same rows, has no meaning by itself. It is read
beside its chance level (the same score after the labels or the rows were shuffled), on the scale
from chance to the best possible value, with an interval, and with the name of every regime in
which it is known to mislead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from ._results import Interval
from ._validation import Bools, Floats, Ints, as_float, on_host, require_rows

Regime: TypeAlias = Literal[
    "more columns than rows", "few rows in a class", "constant columns", "duplicate columns",
    "no mass in a source class", "label gap", "one class", "single precision with a large mean",
    "too few rows", "constant target", "not defined",
]  # fmt: skip
"""Where scores are known to mislead, or not to exist."""

FEW = 5
"""Rows a class needs so that nothing is said against a score."""


@dataclass(frozen=True, slots=True)
class Caution:
    """A regime in which a score misleads, or the reason why there is none.

    Attributes
    ----------
    name : str
        One of the names in ``Regime``.
    sentence : str
        What was found and what it does to the score.
    """

    name: Regime
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True, eq=False)
class Chance:
    """What a score says when there is nothing to find.

    Attributes
    ----------
    values : ndarray of shape (n_permutations,)
        The score after each shuffle.
    what : str
        What was shuffled: "labels", or "rows" of one of two representations.
    """

    values: Floats
    what: Literal["labels", "rows"]

    @property
    def mean(self) -> float:
        """The chance level."""
        return float(self.values.mean())

    @property
    def quantiles(self) -> tuple[float, float, float]:
        """The 5 %, 50 % and 95 % quantile."""
        low, middle, high = np.quantile(self.values, (0.05, 0.5, 0.95))
        return float(low), float(middle), float(high)

    def p_value(self, value: float, *, larger: bool = True) -> float:
        """Return the permutation p-value of a score, never 0.

        Parameters
        ----------
        value : float
        larger : bool
            Whether large values speak against chance; for distances they do not.
        """
        slack = 1e-9 * max(1.0, abs(value))
        beyond = self.values >= value - slack if larger else self.values <= value + slack
        return float((1 + beyond.sum()) / (1 + len(self.values)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreResult:
    """What a score returns: the value, its doubt and its chance level; or why there is none.

    Scores with more to say return a subclass with further fields.

    Attributes
    ----------
    value : float or None
        In the units, range and direction of the score's entry in ``REGISTRY``; never NaN.
    reason : Caution or None
        Why there is no value; None when there is one.
    normalised : float or None
        0 at the chance level, 1 at the best possible value; below 0 is worse than chance. None
        without a chance level, or where chance leaves nothing to find.
    chance : Chance or None
        None when no shuffles were asked for.
    interval : Interval or None
        For the value that samples of this size give on average; None when not asked for, or with
        too few rows to be halved.
    n_rows : int
        Rows used.
    cautions : tuple of Caution
        The regimes in which the score is known to mislead and in which these data lie.
    larger_is_better : bool
        False for distances.
    """

    value: float | None
    reason: Caution | None = None
    normalised: float | None = None
    chance: Chance | None = None
    interval: Interval | None = None
    n_rows: int
    cautions: tuple[Caution, ...] = ()
    larger_is_better: bool = True

    @property
    def p_value(self) -> float | None:
        """Of the hypothesis that labels, or rows, have nothing to do with each other."""
        if self.value is None or self.chance is None or not len(self.chance.values):
            return None
        return self.chance.p_value(self.value, larger=self.larger_is_better)


def normalise(value: float, chance: Chance | None, *, best: float) -> float | None:
    """Return ``value`` on the scale from the chance level (0) to the best possible value (1).

    None where chance reaches the best value, up to rounding: then nothing can be told apart.
    """
    if chance is None or not len(chance.values):
        return None
    room = best - chance.mean
    size = max(abs(best), abs(chance.mean))
    # the second is what rounding leaves where chance itself reaches a best value of 0
    if not math.isfinite(room) or abs(room) <= max(1e-9 * size, 1e-12):
        return None
    return float((value - chance.mean) / room)


def explained(value: float, chance: Chance | None) -> float | None:
    """Return a gain in log-likelihood a row as a share explained: 0 at chance, below 1 always.

    ``1 - exp(-2 gain)``, the generalised coefficient of determination of Cox & Snell (1989), for
    scores without a largest value.
    """
    if chance is None or not len(chance.values):
        return None
    return float(-math.expm1(-2 * (value - chance.mean)))


# --- what goes in


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Class labels as codes.

    Attributes
    ----------
    codes : ndarray of int64, shape (n,)
        0 to C - 1 without gaps, in the order of ``classes``.
    classes : ndarray of shape (C,)
        The labels as given, sorted.
    """

    codes: Ints
    classes: NDArray[Any]

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.classes)

    @property
    def counts(self) -> Ints:
        """Rows in every class, shape (C,)."""
        return np.bincount(self.codes, minlength=self.n_classes).astype(np.int64)

    def permuted(self, order: Ints) -> Labels:
        """Return the labels in another order of rows."""
        return Labels(self.codes[order], self.classes)


def check_labels(labels: ArrayLike, rows: int, name: str = "labels") -> Labels:
    """Return labels as codes without gaps: integers, texts, truth values or whole floats."""
    given = np.asarray(on_host(labels))
    if given.shape != (rows,):
        raise ValueError(
            f"`{name}` has shape {given.shape}, expected one label for each of the {rows} rows."
        )
    if given.dtype.kind == "f":
        if not np.isfinite(given).all():
            raise ValueError(f"`{name}` contains missing labels; drop these rows first.")
        if (given != np.round(given)).any():
            raise TypeError(
                f"`{name}` holds numbers that are not whole, such as "
                f"{given[given != np.round(given)][0]:g}; pass classes, or use a score for "
                "quantities."
            )
        given = given.astype(np.int64)
    if given.dtype.kind == "O":
        missing = [v for v in given if v is None or v != v]
        if missing:
            raise ValueError(f"`{name}` contains missing labels; drop these rows first.")
        given = given.astype(str)
    if given.dtype.kind not in "iubUS":
        raise TypeError(f"`{name}` must hold class labels, got values of type {given.dtype}.")
    classes, codes = np.unique(given, return_inverse=True)
    return Labels(codes.reshape(-1).astype(np.int64), classes)


def check_features(features: ArrayLike, *, name: str = "features", min_rows: int = 2) -> Floats:
    """Return one finite float64 table of shape (n, d), or say what is wrong."""
    table = as_float(features, name)
    if table.ndim != 2:
        raise ValueError(
            f"`{name}` must be a table of shape (rows, columns), got an array with "
            f"{table.ndim} dimension(s); flatten each row first."
        )
    if table.shape[1] == 0:
        raise ValueError(f"`{name}` has no columns; pass at least one.")
    if not np.isfinite(table).all():
        raise ValueError(
            f"`{name}` contains {int((~np.isfinite(table)).sum())} missing or infinite "
            "value(s); impute them or drop the rows first."
        )
    require_rows(len(table), name, min_rows)
    return table


def check_probabilities(probabilities: ArrayLike, *, name: str = "probabilities") -> Floats:
    """Return class probabilities of shape (n, S): finite, not negative, rows summing to 1."""
    table = check_features(probabilities, name=name, min_rows=1)
    if (table < 0).any():
        raise ValueError(
            f"`{name}` contains {int((table < 0).sum())} negative value(s); pass probabilities, "
            "such as the softmax of the logits."
        )
    off = np.abs(table.sum(axis=1) - 1)
    if (off > 1e-3).any():
        worst = int(off.argmax())
        raise ValueError(
            f"`{name}` must sum to 1 in every row, row {worst} sums to {table[worst].sum():.6g}; "
            "pass probabilities, such as the softmax of the logits."
        )
    return table


def check_targets(targets: ArrayLike, rows: int, *, name: str = "targets") -> Floats:
    """Return finite float64 targets of shape (n, t); one column may come as shape (n,)."""
    table = as_float(targets, name)
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or len(table) != rows or table.shape[1] == 0:
        raise ValueError(
            f"`{name}` has shape {table.shape}, expected one entry, or one row, for each of the "
            f"{rows} rows."
        )
    if not np.isfinite(table).all():
        raise ValueError(f"`{name}` contains missing or infinite values; drop these rows first.")
    return table


# --- regimes


def feature_cautions(features: ArrayLike, *, name: str = "features") -> tuple[Caution, ...]:
    """Return what is doubtful about a table of features, as it was given (before conversion)."""
    given = np.asarray(on_host(features))
    n, d = given.shape
    found: list[Caution] = []
    if n <= d:
        found.append(Caution(
            "more columns than rows",
            f"`{name}` has {n} rows and {d} columns: scores without regularisation fit any labels "
            "perfectly here.",
        ))  # fmt: skip
    constant = np.ptp(given, axis=0) == 0
    if constant.any():
        found.append(Caution(
            "constant columns",
            f"{int(constant.sum())} of {d} columns of `{name}` are constant; they carry nothing, "
            "but stand in for an intercept in scores that have none.",
        ))  # fmt: skip
    twins = _duplicates(given[:, ~constant] if constant.any() else given)
    if twins:
        found.append(Caution(
            "duplicate columns",
            f"{twins} column(s) of `{name}` repeat another; they count twice in scores that "
            "depend on scale.",
        ))  # fmt: skip
    if given.dtype in (np.float32, np.float16) and n > 1:
        wide = given.astype(np.float64)
        spread = wide.std(axis=0)
        lost = (np.abs(wide.mean(axis=0)) * float(np.finfo(given.dtype).eps) > 1e-3 * spread) & (
            spread > 0
        )
        if lost.any():
            found.append(Caution(
                "single precision with a large mean",
                f"{int(lost.sum())} of {d} columns of `{name}` are {given.dtype} numbers far from "
                "zero: what varies in them was rounded before it came here; centre before "
                "storing.",
            ))  # fmt: skip
    return tuple(found)


def _duplicates(table: NDArray[Any]) -> int:
    """Return how many columns repeat an earlier one exactly."""
    if table.shape[1] < 2:
        return 0
    # a few rows tell most columns apart; only those that agree there are compared in full
    few = np.ascontiguousarray(table[:: max(1, len(table) // 64)].T)
    alike: dict[bytes, list[int]] = {}
    for number, column in enumerate(few):
        alike.setdefault(column.tobytes(), []).append(number)
    return sum(
        len(group) - len({table[:, number].tobytes() for number in group})
        for group in alike.values()
        if len(group) > 1
    )


def label_cautions(labels: Labels, given: ArrayLike | None = None) -> tuple[Caution, ...]:
    """Return what is doubtful about labels: one class, rare classes, gaps in integer codes."""
    found: list[Caution] = []
    if labels.n_classes == 1:
        found.append(Caution("one class", "All labels are of one class: nothing can be ranked."))
    rare = int((labels.counts < FEW).sum())
    if rare:
        least = labels.classes[labels.counts.argmin()]
        found.append(Caution(
            "few rows in a class",
            f"{rare} of {labels.n_classes} classes have fewer than {FEW} rows (class {least!s} has "
            f"{int(labels.counts.min())}): the score says little about them.",
        ))  # fmt: skip
    if labels.classes.dtype.kind in "iu":
        missing = int(labels.classes[-1]) - int(labels.classes[0]) + 1 - labels.n_classes
        if missing > 0:
            found.append(Caution(
                "label gap",
                f"The labels run from {labels.classes[0]} to {labels.classes[-1]} and {missing} "
                "of the numbers between do not occur; only classes that occur count.",
            ))  # fmt: skip
    return tuple(found)


# --- chance level and interval


def permutations(rows: int, n_permutations: int, rng: np.random.Generator) -> Iterator[Ints]:
    """Yield random orders of the rows."""
    for _ in range(n_permutations):
        yield rng.permutation(rows).astype(np.int64)


def chance_level(
    statistic: Callable[[Ints], float], rows: int, *, n_permutations: int,
    rng: np.random.Generator, what: Literal["labels", "rows"] = "labels",
) -> Chance | None:  # fmt: skip
    """Return the score under random orders; ``statistic`` takes the order of the labels or rows.

    None when no permutations are asked for.
    """
    if n_permutations == 0:
        return None
    values = [statistic(order) for order in permutations(rows, n_permutations, rng)]
    return Chance(np.array(values, dtype=np.float64), what)


def score_interval(
    statistic: Callable[[Ints], float | None], rows: int, value: float, *, level: float,
    n_draws: int, rng: np.random.Generator, strata: Ints | None = None, low: float = -math.inf,
    high: float = math.inf,
) -> Interval | None:  # fmt: skip
    """Return an interval from half-samples of the rows, drawn without replacement.

    The delete-half jackknife of Shao & Wu (1989, Ann. Stat. 17): the spread over half-samples is
    that of the value itself, and no row is ever repeated (a repeated row is its own nearest
    neighbour and its own evidence). The bias at this size is not taken out; the chance level
    shows it.

    Parameters
    ----------
    statistic : callable
        Takes row numbers, ascending; may return None where the score is not defined.
    rows : int
    value : float
        On all rows; centre of the interval.
    level : float
        Nominal coverage.
    n_draws : int
        0 gives None.
    rng : numpy.random.Generator
    strata : ndarray of int64, shape (rows,), optional
        Codes; every class is halved by itself, and no class is lost.
    low, high : float
        Between which the score always lies.
    """
    if n_draws < 2 or rows < 8:
        return None
    found = [statistic(half_of(rows, rng, strata)) for _ in range(n_draws)]
    values = np.array([v for v in found if v is not None and math.isfinite(v)])
    if len(values) < max(2, n_draws // 2):
        return None
    reach = float(norm.ppf((1 + level) / 2)) * float(np.std(values, ddof=1))
    return Interval(
        max(low, value - reach), min(high, value + reach), level, "half-samples, normal"
    )


def half_of(rows: int, rng: np.random.Generator, strata: Ints | None = None) -> Ints:
    """Return half of the row numbers, ascending; at least one row of every class."""
    if strata is None:
        return np.sort(rng.permutation(rows)[: rows // 2]).astype(np.int64)
    order = rng.permutation(rows)
    by_class = order[np.argsort(strata[order], kind="stable")]
    counts = np.bincount(strata)
    rank = np.arange(rows) - np.repeat(np.cumsum(counts) - counts, counts)
    size = np.repeat(counts, counts)
    # an odd class gives its middle row to either half, so that halves stay halves
    odd = np.repeat(rng.integers(0, 2, size=len(counts)), counts)
    keep = rank < np.maximum(1, (size + odd) // 2)
    return np.sort(by_class[keep]).astype(np.int64)


def finite_or_none(value: float) -> float | None:
    """Return a plain float, or None where there is no finite one."""
    return float(value) if math.isfinite(value) else None


def distinct(cautions: Sequence[Caution]) -> tuple[Caution, ...]:
    """Return the cautions without repeats, in order."""
    return tuple(dict.fromkeys(cautions))


def varying(table: Floats) -> Bools:
    """Return which columns vary, shape (d,)."""
    return cast(Bools, np.ptp(table, axis=0) > 0)
