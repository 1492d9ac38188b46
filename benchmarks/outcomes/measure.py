"""Error of every strategy and of the target alone on held-out target rows, for one pair.

A draw cuts the target at random into a pool, of which the first n rows get labels, and test
rows.  Every learner and strategy of a draw sees the same labels and is judged on the same test
rows; larger numbers of labels contain the smaller ones.  Rows of one unit never stand on both
sides of a cut.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from negtransfer.diagnostics.domain import Domain, Pair, align
from negtransfer.diagnostics.pilot import resolve_metric
from negtransfer.diagnostics.strategies import STRATEGIES, Memo, Training

from .arms import WITHOUT_LABELS, Stage, learner_named
from .sets import EQUAL_VALUES, DataSet, Rows, read_pair, seed_of

MIN_TEST = 10
MAX_ERROR = 10.0
"""An RMSE beyond ten standard deviations is told as ten."""
FAULTS = (ValueError, ArithmeticError, RuntimeError)


@dataclass(frozen=True)
class Cut:
    """One draw: target rows of the pool in the order they get labels, test rows, source rows."""

    pool: NDArray[np.int64]
    test: NDArray[np.int64]
    source: NDArray[np.int64]


def aligned(dataset: DataSet, rows: Rows) -> Pair:
    """Return both sides encoded.  The encoder sees inputs of all rows, and no label."""
    return align(
        Domain.load(rows.source, label="y", name="source"),
        Domain.load(rows.target, label="y", name="target"),
        task="regression" if dataset.regression else None,
    )


def cut(dataset: DataSet, rows: Rows, pair: Pair, source: str, target: str, draw: int) -> Cut:
    """Return draw number `draw` of a pair of domains."""
    rng = np.random.default_rng([seed_of(dataset.name, source, target, "cut"), draw])
    n = len(pair.target.y)
    units = rows.target_unit
    if units is None:
        units = np.arange(n) if dataset.name in EQUAL_VALUES else pair.target.group
    order = rng.permutation(np.unique(units))
    place = np.empty(int(units.max()) + 1, dtype=np.int64)
    place[order] = np.arange(order.size)
    by_unit = np.argsort(place[units], kind="stable")
    # The first half of the units is the pool.
    pool, test = by_unit[: n // 2], by_unit[n // 2 :]
    test = test[~np.isin(units[test], units[pool])]
    pool = rng.permutation(pool)
    keep = np.flatnonzero(pair.source.labelled)
    if rows.source_unit is not None and rows.target_unit is not None:
        keep = keep[~np.isin(rows.source_unit[keep], rows.target_unit[test])]
    elif dataset.name not in EQUAL_VALUES:
        test = test[~pair.target.shared[test]]
    return Cut(pool, test, keep)


def scale_of(pair: Pair) -> float:
    """Return the standard deviation of the target's labels, kept off 0."""
    if pair.task != "regression":
        return 1.0
    own, other = float(np.std(pair.target.y)), float(np.std(pair.source.y))
    return max(own, 0.05 * other)


def errors(
    task: str, y: NDArray[Any], predicted: NDArray[np.float64], scale: float
) -> tuple[float, float]:
    """Return (error rate, log-loss), or (RMSE, RMSE after the best offset and scale) in sd.

    The best offset and a scale not below 0 are found on the test rows themselves: what is left
    is what the model gets wrong besides level and spread.
    """
    if task != "regression":
        first, second = resolve_metric("accuracy", task), resolve_metric("log_loss", task)
        return first.score(y, predicted, 1.0)[0], second.score(y, predicted, 1.0)[0]
    predicted = np.nan_to_num(predicted, nan=1e12, posinf=1e12, neginf=-1e12)
    rmse = float(np.sqrt(np.mean((predicted - y) ** 2))) / scale
    spread, slope = float(np.var(predicted)), 0.0
    if spread > 1e-18:
        slope = max(0.0, float(np.mean((predicted - predicted.mean()) * (y - y.mean()))) / spread)
    rest = y - y.mean() - slope * (predicted - predicted.mean())
    return min(rmse, MAX_ERROR), float(np.sqrt(np.mean(rest**2))) / scale


def constant(pair: Pair, y: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Return what can be said without inputs: class shares, or the mean, of these labels."""
    if pair.task == "regression":
        return np.full(n, float(np.mean(y)))
    k = len(pair.classes)
    return np.tile(np.bincount(y, minlength=k) / len(y), (n, 1))


def measure_pair(dataset: DataSet, source: str, target: str, stage: Stage) -> pd.DataFrame:
    """Return one row for each strategy, number of labels and draw."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = read_pair(dataset, source, target)
        pair = aligned(dataset, rows)
        cells = list(_cells(dataset, rows, pair, source, target, stage))
    frame = pd.DataFrame(cells)
    about = {
        "family": dataset.family, "set": dataset.name, "source": source, "target": target,
        "task": str(pair.task), "learner": stage.learner,
    }  # fmt: skip
    for place, (key, value) in enumerate(about.items()):
        frame.insert(place, key, value)
    return frame


def _cells(
    dataset: DataSet, rows: Rows, pair: Pair, source: str, target: str, stage: Stage
) -> Iterator[dict[str, Any]]:
    task = str(pair.task)
    learner = learner_named(stage.learner, dataset.regression)
    n_classes = 0 if dataset.regression else len(pair.classes)
    scale = scale_of(pair)
    strategies = [
        STRATEGIES[name]
        for name in dict.fromkeys(("target-only", *stage.strategies))
        if task in STRATEGIES[name].tasks
        and (learner.takes_weights or not STRATEGIES[name].needs_weights)
    ]
    kept: tuple[Any, Memo] | None = None
    for draw in stage.draws:
        c = cut(dataset, rows, pair, source, target, draw)
        if len(c.test) < MIN_TEST or len(c.source) < MIN_TEST:
            continue
        X_s, y_s = pair.source.X[c.source], pair.source.y[c.source]
        X_t, y_t = pair.target.X, pair.target.y
        if kept is None or rows.source_unit is not None:
            kept = learner.fit(X_s, y_s, n_classes=n_classes, seed=0), Memo(0)
        model, memo = kept
        for n in stage.labels:
            if n > len(c.pool):
                continue
            has, rest = c.pool[:n], c.pool[n:]
            training = Training(
                X_s, y_s, X_t[has], y_t[has], n_classes, model, draw, X_t[rest], memo
            )
            about = {
                "n_labels": n, "draw": draw, "n_source": len(c.source), "n_test": len(c.test),
            }  # fmt: skip
            if n == 0 and stage.name.startswith("linear"):
                found = errors(task, y_t[c.test], constant(pair, y_s, len(c.test)), scale)
                yield {**about, "strategy": "source-constant", "error": found[0],
                       "second": found[1], "seconds": 0.0, "met": None}  # fmt: skip
            for one in strategies:
                if n == 0 and one.name not in WITHOUT_LABELS:
                    continue
                began = time.perf_counter()
                try:
                    predict = one.fit(learner, training)
                    took = time.perf_counter() - began
                    found = errors(task, y_t[c.test], predict(X_t[c.test]), scale)
                except FAULTS:
                    found, took = (np.nan, np.nan), np.nan
                met = None
                if draw == 0 and n and one.precheck is not None:
                    met = one.precheck(training) is None
                yield {**about, "strategy": one.name, "error": found[0], "second": found[1],
                       "seconds": took, "met": met}  # fmt: skip
