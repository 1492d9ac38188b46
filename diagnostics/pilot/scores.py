"""Metrics as errors (lower is better) with the influence of every row.

A gap is a difference of two errors on the same rows, so its standard error comes from the
difference of the two influences.  That serves metrics that are means over rows (accuracy,
Brier) and those that are not (AUC, RMSE, balanced accuracy) alike.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._words import short
from ..errors import InputError

Floats = NDArray[np.float64]
Scored = tuple[float, Floats]
"""The error, and the influence of each row: mean zero, so that var(error) = sum(i^2) / n^2."""

LOG_LOSS_FLOOR = 1e-3


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of the user, turned into an error.

    Attributes
    ----------
    name, error_name : str
        The name the user gave, and what the error is called.
    score : callable
        ``score(y, prediction, scale)`` returns error and influences; `scale` is the
        standard deviation of the target's labels for regression, 1 otherwise.
    unit, unit_scale : str, float
        Unit shown to people and the factor to it.
    margin : float
        Smallest gap that matters: 1 point, or 0.02 target standard deviations.
    bounded : bool
        Whether one row's loss lies in [0, 1]: then the interval gets half a pseudo-row for
        and half a one against (Agresti & Min 2005), lest all-equal losses claim certainty.
    by_class : bool
        Whether every class counts the same, so that the smallest class limits precision.
    """

    name: str
    error_name: str
    score: Callable[[NDArray[Any], Floats, float], Scored]
    tasks: frozenset[str]
    greater_is_better: bool
    unit: str = "points"
    unit_scale: float = 100.0
    margin: float = 0.01
    bounded: bool = True
    by_class: bool = False


def _mean(loss: Floats) -> Scored:
    value = float(loss.mean())
    return value, loss - value


def _error_rate(y: NDArray[Any], proba: Floats, scale: float) -> Scored:
    return _mean((proba.argmax(axis=1) != y).astype(np.float64))


def _balanced_error(y: NDArray[Any], proba: Floats, scale: float) -> Scored:
    wrong = (proba.argmax(axis=1) != y).astype(np.float64)
    codes, inverse, counts = np.unique(y, return_inverse=True, return_counts=True)
    by_class = np.bincount(inverse, weights=wrong) / counts
    influence = (wrong - by_class[inverse]) * len(y) / (counts[inverse] * codes.size)
    return float(by_class.mean()), influence


def _brier(y: NDArray[Any], proba: Floats, scale: float) -> Scored:
    """Half the summed squared difference, in [0, 1]; for two classes the usual Brier score."""
    return _mean(0.5 * ((proba - np.eye(proba.shape[1])[y]) ** 2).sum(axis=1))


def _log_loss(y: NDArray[Any], proba: Floats, scale: float) -> Scored:
    return _mean(-np.log(np.maximum(proba[np.arange(len(y)), y], LOG_LOSS_FLOOR)))


def _auc_error(y: NDArray[Any], proba: Floats, scale: float) -> Scored:
    """One minus the area under the ROC curve, with DeLong's placement values."""
    from scipy.stats import rankdata

    positive = y == 1
    n_pos, n_neg = int(positive.sum()), int((~positive).sum())
    if n_pos == 0 or n_neg == 0:
        return 0.5, np.zeros(len(y))
    score = proba[:, 1]
    ranks = rankdata(score)
    inner = np.empty(len(y))
    inner[positive] = rankdata(score[positive])
    inner[~positive] = rankdata(score[~positive])
    placement = ranks - inner  # rows of the other class below (ties count half)
    below = np.where(positive, placement / n_neg, 1 - placement / n_pos)
    area = float(below[positive].mean())
    share = np.where(positive, n_pos, n_neg) / len(y)
    return 1 - area, -(below - area) / share


def _rmse(y: NDArray[Any], predicted: Floats, scale: float) -> Scored:
    squared = ((predicted - y) / scale) ** 2
    mse = float(squared.mean())
    root = float(np.sqrt(mse))
    return root, (squared - mse) / (2 * root) if root > 0 else np.zeros(len(y))


def _mae(y: NDArray[Any], predicted: Floats, scale: float) -> Scored:
    return _mean(np.abs(predicted - y) / scale)


def _mse(y: NDArray[Any], predicted: Floats, scale: float) -> Scored:
    return _mean(((predicted - y) / scale) ** 2)


_CLASSES = frozenset({"binary", "multiclass"})
_BINARY = frozenset({"binary"})
_QUANTITY = frozenset({"regression"})


def _of_quantity(
    name: str, error_name: str, score: Callable[[NDArray[Any], Floats, float], Scored], unit: str
) -> Metric:
    return Metric(
        name, error_name, score, _QUANTITY, greater_is_better=name == "r2",
        unit=unit, unit_scale=1.0, margin=0.02, bounded=False,
    )  # fmt: skip


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "error rate", _error_rate, _CLASSES, greater_is_better=True),
        Metric(
            "balanced_accuracy", "balanced error rate", _balanced_error, _CLASSES,
            greater_is_better=True, by_class=True,
        ),
        Metric("roc_auc", "1 - AUC", _auc_error, _BINARY, greater_is_better=True, by_class=True),
        Metric("brier", "Brier score", _brier, _CLASSES, greater_is_better=False),
        Metric(
            "log_loss", "log-loss", _log_loss, _CLASSES, greater_is_better=False,
            unit="nats", unit_scale=1.0, margin=0.02, bounded=False,
        ),
        _of_quantity("rmse", "RMSE", _rmse, "target sd"),
        _of_quantity("mae", "mean absolute error", _mae, "target sd"),
        _of_quantity("r2", "1 - R2", _mse, "of the target's variance"),
        _of_quantity("mse", "squared error", _mse, "of the target's variance"),
    )
}  # fmt: skip


def check_metric(name: object) -> str:
    """Return the key of a metric, whatever the task; refuses what names none."""
    key = str(name).lower().replace("-", "_")
    if key not in METRICS:
        near = difflib.get_close_matches(key[:100], METRICS, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise InputError(f"There is no metric {short(name)}{hint}; use {', '.join(METRICS)}.")
    return key


def resolve_metric(name: str | None, task: str) -> Metric:
    """Return the metric of this name, or the usual one of the task."""
    if name is None:
        return METRICS["rmse" if task == "regression" else "accuracy"]
    key = check_metric(name)
    fitting = [m.name for m in METRICS.values() if task in m.tasks]
    if key not in fitting:
        raise InputError(
            f"The metric {short(name)} does not fit a {task} label; use {', '.join(fitting)}."
        )
    return METRICS[key]


def proper_score(metric: Metric, task: str) -> Metric:
    """Return the proper score reported beside `metric`."""
    if task == "regression":
        return METRICS["mse"]
    return METRICS["log_loss" if metric.name == "brier" else "brier"]
