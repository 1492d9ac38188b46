"""Predictions of a source model on both sides: their checks, their test, and resampled doubt."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from .._halves import random_halves
from .._results import Interval
from .._validation import Floats, Ints, as_codes, as_float, require_rows
from ._univariate import counts_p_value

_SUM = 1e-3  # float16 probabilities of many classes miss 1 by less

Estimate: TypeAlias = Callable[[Floats, Ints | None, Floats], tuple[Floats, Floats]]
"""From source predictions, source labels and target predictions to weights and source shares."""


def count_classes(*sides: ArrayLike) -> int:
    """Return the number of classes: the columns of probabilities, else one above all codes."""
    tables = [np.asarray(side) for side in sides]
    wide = [table.shape[1] for table in tables if table.ndim == 2]
    if wide:
        return int(wide[0])
    codes = [table for table in tables if table.size and table.dtype.kind in "iu"]
    return 1 + max((int(table.max()) for table in codes), default=0)


def check_predictions(values: ArrayLike, name: str, n_classes: int, min_rows: int) -> Floats:
    """Return probabilities of shape (rows, n_classes); hard predictions as 0 and 1."""
    if np.ndim(values) == 1:
        return np.eye(n_classes)[_check_codes(values, name, n_classes, min_rows)]
    return check_probabilities(values, name, n_classes, min_rows)


def check_probabilities(values: ArrayLike, name: str, n_classes: int, min_rows: int) -> Floats:
    """Return probabilities of shape (rows, n_classes), or say what is wrong."""
    table = as_float(values, name)
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError(
            f"`{name}` must hold class probabilities of shape (rows, classes) for two classes or "
            f"more, got shape {table.shape}."
        )
    require_rows(len(table), name, min_rows)
    if table.shape[1] != n_classes:
        raise ValueError(
            f"`{name}` has {table.shape[1]} classes, {n_classes} are expected; give predictions "
            "of one model for both sides."
        )
    if not ((table >= 0).all() and (np.abs(table.sum(axis=1) - 1) < _SUM).all()):
        raise ValueError(
            f"`{name}` must hold probabilities that add to 1 in every row; take the softmax of "
            "scores first."
        )
    return table


def check_source_labels(values: ArrayLike, rows: int, n_classes: int) -> Ints:
    """Return the label codes of the source rows, in which every class occurs."""
    codes = _check_codes(values, "source_labels", n_classes, 1)
    if len(codes) != rows:
        raise ValueError(
            f"`source_labels` has {len(codes)} entries, `source` has {rows} row(s); give one for "
            "each."
        )
    missing = np.flatnonzero(np.bincount(codes, minlength=n_classes) == 0)
    if len(missing):
        raise ValueError(
            f"Class {int(missing[0])} has no row in `source_labels`; add source rows of it, or "
            "leave the class out of the predictions."
        )
    return codes


def _check_codes(values: ArrayLike, name: str, n_classes: int, min_rows: int) -> Ints:
    codes = as_codes(values, name)
    if codes.ndim != 1:
        raise ValueError(f"`{name}` must have shape (rows,), got shape {codes.shape}.")
    require_rows(len(codes), name, min_rows)
    if codes.min() < 0:
        raise ValueError(f"`{name}` has missing entries (-1); leave these rows out.")
    if n_classes < 2:
        raise ValueError(f"`{name}` knows one class only; at least two are needed.")
    if codes.max() >= n_classes:
        raise ValueError(
            f"`{name}` holds the code {int(codes.max())}, but there are {n_classes} classes; "
            "codes run from 0 to classes - 1."
        )
    return codes


def harden(probabilities: Floats) -> Floats:
    """Return 1 at the most probable class of every row and 0 elsewhere."""
    return np.asarray(np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)])


def class_shares(labels: Ints, n_classes: int) -> Floats:
    """Return the share of every class, shape (classes,)."""
    return np.asarray(np.bincount(labels, minlength=n_classes) / len(labels))


def predicted_shares_p_value(source: Floats, target: Floats, rng: np.random.Generator) -> float:
    """Test whether both sides are predicted the same classes (Rabanser et al. 2019, BBSDh)."""
    counts = [
        np.bincount(side.argmax(axis=1), minlength=side.shape[1]) for side in (source, target)
    ]
    seen = counts[0] + counts[1] > 0
    return counts_p_value(counts[0][seen], counts[1][seen], rng)


def shift_of(weights: Floats, shares: Floats) -> float:
    """Return the total variation between the source shares and the weighted ones."""
    return float(np.clip(np.abs(shares * weights - shares).sum() / 2, 0.0, 1.0))


def resampled(
    estimate: Estimate, source: Floats, labels: Ints | None, target: Floats, *, n_draws: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return weights and total variations of resamples of both sides, (n_draws, k) and (n_draws,).

    Weights are smooth functions of mean predictions, for which resampling rows is valid.
    """
    n, m = len(source), len(target)
    weights, shifts = np.empty((n_draws, source.shape[1])), np.empty(n_draws)
    for draw in range(n_draws):
        rows, others = rng.integers(n, size=n), rng.integers(m, size=m)
        weights[draw], shares = estimate(source[rows], _at(labels, rows), target[others])
        shifts[draw] = shift_of(weights[draw], shares)
    return weights, shifts


def source_null(
    estimate: Estimate, source: Floats, labels: Ints | None, n_target: int, *, n_splits: int,
    rng: np.random.Generator,
) -> Floats | None:  # fmt: skip
    """Return the total variation for random halves of the source, one standing for the target."""
    n = len(source)
    values = [
        shift_of(*estimate(source[first], _at(labels, first), source[second]))
        for first, second in random_halves(n, n, n_target, n_splits=n_splits, rng=rng)
    ]
    return np.array(values) if values else None


def _at(labels: Ints | None, rows: Ints) -> Ints | None:
    return None if labels is None else labels[rows]


def shift_interval(value: float, shifts: Floats, level: float, p_value: float) -> Interval:
    """Return an interval of a total variation from its resampled values.

    The normal interval is right away from 0. Near 0 a distance is biased upwards and a resample
    doubles the bias, which the reflected interval takes out; both together are given. It
    reaches down to 0 where the test sees nothing, because no bootstrap of a distance covers at
    the edge of its range.
    """
    low, high = np.quantile(shifts, [(1 - level) / 2, (1 + level) / 2])
    reach = float(norm.ppf((1 + level) / 2)) * float(shifts.std(ddof=1))
    lowest = min(value - reach, 2 * value - float(high)) if p_value <= 1 - level else 0.0
    return Interval(
        low=min(value, max(0.0, lowest)),
        high=min(1.0, max(value + reach, 2 * value - float(low))),
        level=level,
        method="bootstrap of both sides, normal and reflected",
    )
