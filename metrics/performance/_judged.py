"""From an estimator to its result: interval, what it says at home, and how wrong it is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from .._halves import random_halves
from .._results import Interval, MeasureResult, NullBand
from .._validation import Floats
from ._home import Home, Statistic
from ._inputs import Asked
from ._validity import ValidityCheck

LIMIT = (
    "Found without target labels: a change of what the inputs mean for the labels cannot be seen, "
    "so that a low estimate never shows that transfer is safe; label some target rows to know."
)
_FEW = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PerformanceResult(MeasureResult):
    """An estimate of a source model's error on target rows without labels.

    ``interval`` holds the noise of drawing rows, as if the estimator's assumptions were true;
    under a real shift the truth lies outside more often than its level says. ``null.source``
    holds the estimates for one random half of the source from the other; ``null.target`` is
    None, because the target has no labels.

    Attributes
    ----------
    source_error : float
        Measured on the source rows, in the units of ``value``.
    home_errors : ndarray of shape (n_splits,) or None
        Estimate minus truth for one random half of the source from the other: how wrong the
        estimator is where nothing shifted. None with too few rows to be halved.
    validity : tuple of ValidityCheck
        What the estimator rests on, as far as it can be tested.
    limit : str
        What no such estimate can tell, in one sentence.
    """

    source_error: float
    home_errors: Floats | None
    validity: tuple[ValidityCheck, ...]
    limit: str = LIMIT

    @property
    def change(self) -> float:
        """Estimated error on the target minus that on the source."""
        return self.value - self.source_error

    @property
    def holds(self) -> bool | None:
        """False if a check is contradicted; None if nothing could be tested; else True."""
        found = [check.holds for check in self.validity if check.holds is not None]
        return all(found) if found else None

    @property
    def home_error_quantiles(self) -> tuple[float, float, float] | None:
        """The 5 %, 50 % and 95 % quantile of ``home_errors``."""
        if self.home_errors is None:
            return None
        low, middle, high = np.quantile(self.home_errors, (0.05, 0.5, 0.95))
        return float(low), float(middle), float(high)


Result = TypeVar("Result", bound=PerformanceResult)


def judge(
    kind: type[Result], statistic: Statistic, home: Home, target: Floats, asked: Asked, *,
    checks: Sequence[ValidityCheck], at_home: Statistic | None = None,
    warnings: tuple[str, ...] = (), **more: Any,
) -> Result:  # fmt: skip
    """Return the result of an estimator.

    Parameters
    ----------
    kind : type
        Of the result.
    statistic : callable
    home : Home
    target : ndarray of shape (m, ...)
        What the models say about the target rows.
    asked : Asked
    checks : sequence of ValidityCheck
    at_home : callable, optional
        Estimator for halves of the source, where it is another.
    warnings : tuple of str
    **more
        Further fields of `kind`.
    """
    value = statistic(home, target)
    null, errors = _halves(at_home or statistic, home, len(target), asked)
    contradicted = tuple(check.sentence for check in checks if check.holds is False)
    return kind(
        value=value,
        interval=_bootstrap(statistic, home, target, value, asked),
        null=NullBand(null, None),
        n_source=len(home),
        n_target=len(target),
        warnings=(*warnings, *_few_errors(home), *contradicted),
        source_error=home.error,
        home_errors=errors,
        validity=tuple(checks),
        **more,
    )


def _halves(
    statistic: Statistic, home: Home, m: int, asked: Asked
) -> tuple[Floats | None, Floats | None]:
    """Return the estimates for halves of the source, and estimate minus truth."""
    found = []
    n = len(home)
    for first, second in random_halves(n, n, m, n_splits=asked.n_splits, rng=asked.rng):
        away = home.take(second)
        found.append((value := statistic(home.take(first), away.seen), value - away.error))
    if not found:
        return None, None
    values, errors = np.array(found).T
    return values.copy(), errors.copy()


def _bootstrap(
    statistic: Statistic, home: Home, target: Floats, value: float, asked: Asked
) -> Interval:
    n, m, rng = len(home), len(target), asked.rng
    drawn = [
        statistic(home.take(rng.integers(n, size=n)), target[rng.integers(m, size=m)])
        for _ in range(asked.n_draws)
    ]
    low, high = np.quantile(drawn, [(1 - asked.level) / 2, (1 + asked.level) / 2])
    return Interval(
        min(value, float(low)), max(value, float(high)), asked.level, "bootstrap of both sides"
    )


def _few_errors(home: Home) -> tuple[str, ...]:
    if home.root:
        return ()
    wrong = round(float(home.loss.sum()))
    least = min(wrong, len(home) - wrong)
    if least >= _FEW:
        return ()
    what = "error(s)" if wrong == least else "right prediction(s)"
    return (
        f"The model makes only {least} {what} on the {len(home)} source rows: the interval is too "
        "narrow.",
    )
