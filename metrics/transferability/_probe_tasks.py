"""What a probe is asked: classes or quantities; how rows are scored, and with what doubt."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from .._results import Interval
from .._scores import Caution, Labels
from .._validation import Floats, Ints
from ._probe_paths import ClassPath, Path, QuantityPath
from ._splits import Splits

Fields = dict[str, Floats]

_REFIT = 1.5
"""By which the spread of a cross-validated error exceeds that of its rows, with five folds.

Nadeau & Bengio (2003, Machine Learning 52).
"""
_REFIT_CLASSES = 1.3
"""The same for the variance of an accuracy, as measured: a head that differs a little tells most
rows the same."""


def worth_of(sizes: Sequence[int]) -> float:
    """Return how many rows give a share as precise as the mean of shares of so many rows."""
    return len(sizes) ** 2 / float((1 / np.asarray(sizes)).sum())


def wilson(share: float, worth: float, level: float) -> Interval:
    """Return Wilson's interval for a share of so many independent rows."""
    z = float(norm.ppf((1 + level) / 2))
    middle = (share + z**2 / (2 * worth)) / (1 + z**2 / worth)
    reach = z * math.sqrt(share * (1 - share) / worth + z**2 / (4 * worth**2))
    reach /= 1 + z**2 / worth
    return Interval(
        max(0.0, min(share, middle - reach)), min(1.0, max(share, middle + reach)), level,
        "rows held out, Wilson",
    )  # fmt: skip


def from_influence(value: float, influence: Floats, level: float, *, low: float) -> Interval:
    """Return a normal interval from what every row does to the value."""
    n = len(influence)
    spread = float(influence.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    reach = float(norm.ppf((1 + level) / 2)) * spread
    return Interval(
        max(low, value - reach), min(1.0, value + reach), level, "rows held out, normal"
    )


class ClassTask:
    """Classes, scored by the share of rows told right."""

    def __init__(self, given: Labels, balanced: bool, tolerance: float) -> None:
        self.codes, self.n_classes, self.balanced = given.codes, given.n_classes, balanced
        self.strata = given.codes
        self.path: Path = ClassPath(given.codes, given.n_classes, tolerance)
        self.reason = (
            Caution("one class", "All labels are of one class: any probe is right.")
            if given.n_classes == 1 else None
        )  # fmt: skip

    def fields(self, said: Floats, rows: Ints) -> Fields:
        """Return the scores of rows held out, from their probabilities."""
        own = said[np.arange(len(rows)), self.codes[rows]]
        wrong = said.copy()
        wrong[np.arange(len(rows)), self.codes[rows]] -= 1
        return {
            "correct": (said.argmax(axis=1) == self.codes[rows]).astype(np.float64),
            "log_loss": -np.log(np.maximum(own, np.finfo(float).tiny)),
            "brier": (wrong**2).sum(axis=1),
            "probabilities": said,
        }

    def score(self, rows: Ints, fields: Fields) -> float:
        """Return the accuracy."""
        if not self.balanced:
            return float(fields["correct"].mean())
        return float(np.mean([part.mean() for part in self._by_class(rows, fields)]))

    def interval(self, value: float, rows: Ints, fields: Fields, level: float) -> Interval:
        """Return Wilson's interval, for as many rows as the spread is worth."""
        sizes = [len(part) for part in self._by_class(rows, fields)]
        worth = worth_of(sizes) if self.balanced else len(rows)
        return wilson(value, worth / _REFIT_CLASSES, level)

    def _by_class(self, rows: Ints, fields: Fields) -> list[Floats]:
        codes = self.codes[rows]
        return [fields["correct"][codes == one] for one in np.unique(codes)]


class QuantityTask:
    """Quantities, scored by the share of their variance explained, mean over their columns."""

    def __init__(self, targets: Floats) -> None:
        self.targets = targets
        self.strata: Ints = np.zeros(len(targets), dtype=np.int64)
        self.path: Path = QuantityPath(targets)
        self.reason = (
            Caution("constant target", "All targets are equal: nothing is to be predicted.")
            if (np.ptp(targets, axis=0) == 0).any() else None
        )  # fmt: skip

    def fields(self, said: Floats, rows: Ints) -> Fields:
        """Return predictions of rows held out, and how far off they are."""
        errors = (said - self.targets[rows]) ** 2
        shares = (errors / self.targets.var(axis=0)).mean(axis=1)
        return {"predictions": said, "squared_error": errors.mean(axis=1), "share_missed": shares}

    def score(self, rows: Ints, fields: Fields) -> float:
        """Return 1 less the squared error in units of the variance of all targets."""
        del rows
        return float(1 - fields["share_missed"].mean())

    def interval(self, value: float, rows: Ints, fields: Fields, level: float) -> Interval:
        """Return a normal interval from the influence of every row on error and variance."""
        away = (self.targets[rows] - self.targets.mean(axis=0)) ** 2 / self.targets.var(axis=0)
        influence = fields["share_missed"] - (1 - value) * away.mean(axis=1)
        return from_influence(value, influence * _REFIT, level, low=-math.inf)


def by_row(
    task: ClassTask | QuantityTask, said: Sequence[Floats], splits: Splits, n: int
) -> tuple[Ints, Fields]:
    """Return the rows held out, ascending, and their scores as means over the times."""
    times = np.zeros(n)
    total: Fields = {}
    for one, (_, test) in zip(said, splits, strict=True):
        times[test] += 1
        for name, values in task.fields(one, test).items():
            into = total.setdefault(name, np.zeros((n, *values.shape[1:])))
            into[test] += values
    rows = np.flatnonzero(times).astype(np.int64)
    fields = {
        name: values[rows] / times[rows].reshape(-1, *[1] * (values.ndim - 1))
        for name, values in total.items()
    }
    return rows, fields
