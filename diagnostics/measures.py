"""Further measures of the inputs: for whoever wants to see more than the checks decide by."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .checks._base import to_interval, to_null
from .document import Interval, MeasureInfo, NullReference, TimesChance

if TYPE_CHECKING:
    from ..metrics import Measure, MeasureResult
    from .domain import Pair

Progress = Callable[[str, int, int], None]
SHOWN = (
    "energy_distance", "sliced_wasserstein", "max_sliced_wasserstein", "frechet_distance",
    "coral_distance", "discrepancy_distance", "classifier_two_sample_test",
)  # fmt: skip
"""Of every kind of measure in which larger means further apart; those of the checks are not
repeated."""
MAX_ROWS = 1000
MOST_COLUMNS = 3


def further_measures(
    pair: Pair, *, seed: int, effort: float = 1.0, progress: Progress | None = None
) -> list[MeasureInfo]:
    """Return the measures in :data:`SHOWN`, each with its interval and its null reference.

    Both sides are thinned to 1,000 rows at random, without a look at labels.
    """
    from ..metrics import REGISTRY

    rng = np.random.default_rng([seed, 20])
    sides = [_thinned(side.X, rng) for side in (pair.source, pair.target)]
    found = []
    for done, name in enumerate(SHOWN):
        if progress is not None:
            progress("further measures", done, len(SHOWN))
        found.append(_one(REGISTRY[name], pair, sides, seed, effort))
    return found


def _thinned(X: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    if len(X) <= MAX_ROWS:
        return X
    return X[np.sort(rng.choice(len(X), MAX_ROWS, replace=False))]


def _one(
    measure: Measure, pair: Pair, sides: list[NDArray[np.float64]], seed: int, effort: float
) -> MeasureInfo:
    about: dict[str, Any] = {
        "name": measure.name, "family": measure.family, "summary": measure.summary,
        "units": measure.units, "direction": measure.direction,
        "n_source": len(sides[0]), "n_target": len(sides[1]),
    }  # fmt: skip
    sizes = {"n_splits": max(5, round(10 * effort)), "n_draws": max(10, round(20 * effort)),
             "random_state": seed}  # fmt: skip
    taken = inspect.signature(measure.function).parameters
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = measure.function(*sides, **{k: v for k, v in sizes.items() if k in taken})
    except ValueError as fault:  # too few rows, or columns it cannot work with
        return MeasureInfo(**about, value=None, reason=str(fault))
    return MeasureInfo(**about, **_numbers(result, pair))


def _numbers(result: MeasureResult, pair: Pair) -> dict[str, Any]:
    value, null = float(result.value), to_null(result.null, result.value)
    interval = None if result.interval is None else to_interval(result.interval)
    p_value = getattr(result, "p_value", None)
    return {
        "value": value,
        "interval": interval,
        "null": null,
        "times_chance": times_chance(value, interval, null),
        "p_value": None if p_value is None else float(p_value),
        "columns": _columns(result.by_column, pair),
        "warnings": list(result.warnings),
    }


def times_chance(
    value: float, interval: Interval | None, null: NullReference | None
) -> TimesChance | None:
    """Return a measure on the scale of its own chance; ``None`` where chance has no spread.

    Measures in different units can then stand side by side.
    """
    both = () if null is None else (null.source_quantiles, null.target_quantiles)
    sides = [q for q in both if q is not None and all(map(math.isfinite, q))]
    if not sides:
        return None
    middle = sum(q[1] for q in sides) / len(sides)
    reach = max(q[2] for q in sides) - middle
    if reach <= 0:
        return None

    def placed(number: float) -> float:
        return (number - middle) / reach

    ends = None if interval is None else [placed(interval.low), placed(interval.high)]
    if not math.isfinite(placed(value)):
        return None
    return TimesChance(
        value=placed(value),
        interval=ends if ends is not None and all(map(math.isfinite, ends)) else None,
        lowest=placed(min(q[0] for q in sides)),
    )


def _columns(shares: NDArray[np.float64] | None, pair: Pair) -> list[str]:
    """Return the columns that carry most of the value, from shares of the encoded ones."""
    if shares is None:
        return []
    total = np.bincount(
        pair.encoded_column, weights=np.maximum(shares, 0), minlength=len(pair.columns)
    )
    order = np.argsort(-total, kind="stable")[:MOST_COLUMNS]
    return [pair.columns[i].name for i in order if total[i] > 0]
