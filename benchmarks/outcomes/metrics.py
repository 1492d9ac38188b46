"""Gaps in other metrics than accuracy and RMSE: what a pilot says of them, and what happened.

The cuts, learner and strategies are those of the usual metrics, so that a row can be joined
with the pilot of the same draw.  One row is one pair, strategy, number of labels and metric.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from negtransfer.diagnostics.domain import Pair
from negtransfer.diagnostics.learners import Learner
from negtransfer.diagnostics.pilot import METRICS, Metric, resolve_metric, run_pilot, why_no_pilot
from negtransfer.diagnostics.predictor.evidence import in_metric
from negtransfer.diagnostics.strategies import STRATEGIES, Memo, Training, chosen_strategies

from .arms import DRAWS, learner_named
from .evidence import TRIED, seen
from .measure import FAULTS, MAX_ERROR, MIN_TEST, Cut, cut, scale_of
from .sets import DataSet, Rows
from .table import CELL

MEASURED = ("source-only", *TRIED)
STAGES = {
    "metrics": ("linear", (20, 50, 200, 500)),
    "metrics-forest": ("forest", (20, 100)),
}
"""Learner and numbers of labels."""
KEYS = [*CELL, "metric"]
TEXTS = [*(name for name in CELL if name != "n_labels"), "metric"]
NUMBERS = ("metric_gap", "metric_se", "gap", "se", "own", "base")


def other_metrics(task: str) -> list[Metric]:
    """Return the metrics of a task besides the one it is usually judged by."""
    usual = resolve_metric(None, task)
    found: dict[Any, Metric] = {}
    for one in METRICS.values():
        if task in one.tasks and one.name != usual.name:
            found.setdefault(one.score, one)  # R2 and the squared error are one score
    return list(found.values())


def in_other_metrics(
    dataset: DataSet, rows: Rows, pair: Pair, source: str, target: str, stage: str
) -> Iterator[dict[str, Any]]:
    """Yield the pilot's gap of draw 0 beside the measured gap of every draw."""
    metrics = other_metrics(str(pair.task))
    cuts = [cut(dataset, rows, pair, source, target, draw) for draw in range(DRAWS)]
    if min(len(cuts[0].test), len(cuts[0].source)) < MIN_TEST:
        return
    kind, labels = STAGES[stage]
    learner = learner_named(kind, dataset.regression)
    usual = resolve_metric(None, str(pair.task))
    for n in labels:
        if n > len(cuts[0].pool):
            continue
        part = seen(dataset, rows, pair, cuts[0], n)
        if why_no_pilot(part) is not None:
            continue
        pilot = run_pilot(part, [learner], usual, strategies=chosen_strategies(TRIED), n_jobs=1)
        errors = np.array([
            _errors(dataset, pair, c, n, i, learner, metrics) for i, c in enumerate(cuts)
        ])  # fmt: skip
        gaps = errors[:, 1:] - errors[:, :1]
        for m, metric in enumerate(metrics):
            for s, name in enumerate(MEASURED):
                if (learner.name, name) not in pilot.predictions:
                    continue
                true = gaps[:, s, m][~np.isnan(gaps[:, s, m])]
                if len(true) < 2:
                    continue
                yield {
                    "learner": kind, "strategy": name, "n_labels": n, "metric": metric.name,
                    **in_metric(pilot, learner.name, name, metric),
                    "gap": true.mean(), "se": true.std(ddof=1) / np.sqrt(len(true)),
                    "draws": len(true), "own": gaps[0, s, m], "base": np.nanmean(errors[:, 0, m]),
                }  # fmt: skip


def _errors(
    dataset: DataSet, pair: Pair, c: Cut, n: int, draw: int, learner: Learner,
    metrics: list[Metric],
) -> list[list[float]]:  # fmt: skip
    """Return errors of the target alone and of every strategy, in every metric."""
    none = [[np.nan] * len(metrics)] * (1 + len(MEASURED))
    if len(c.test) < MIN_TEST or len(c.source) < MIN_TEST or n > len(c.pool):
        return none
    n_classes, scale = 0 if dataset.regression else len(pair.classes), scale_of(pair)
    X_s, y_s = pair.source.X[c.source], pair.source.y[c.source]
    X_t, y_t = pair.target.X, pair.target.y
    model = learner.fit(X_s, y_s, n_classes=n_classes, seed=0)
    training = Training(
        X_s, y_s, X_t[c.pool[:n]], y_t[c.pool[:n]], n_classes, model, draw, X_t[c.pool[n:]], Memo(0)
    )
    found = []
    for name in ("target-only", *MEASURED):
        one = STRATEGIES[name]
        if pair.task not in one.tasks:
            found.append([np.nan] * len(metrics))
            continue
        try:
            predicted = one.fit(learner, training)(X_t[c.test])
        except FAULTS:
            found.append([np.nan] * len(metrics))
            continue
        if dataset.regression:
            predicted = np.nan_to_num(predicted, nan=1e12, posinf=1e12, neginf=-1e12)
        scores = [metric.score(y_t[c.test], predicted, scale)[0] for metric in metrics]
        found.append([min(value, MAX_ERROR) for value in scores])
    return found


def join_metrics(parts: Path) -> pd.DataFrame:
    """Return all parts as one table, in a fixed order and small."""
    frames = [
        pd.read_parquet(path)
        for stage in STAGES
        for path in sorted((parts / stage).glob("*.parquet"))
    ]
    found = [one for one in frames if len(one)]
    if not found:
        return pd.DataFrame(columns=[*KEYS, *NUMBERS, "draws"])
    table = pd.concat(found, ignore_index=True)
    table = table.sort_values(KEYS, kind="stable").reset_index(drop=True)
    for name in NUMBERS:
        table[name] = table[name].astype(np.float64).round(5).astype(np.float32)
    for name, kind in (("n_labels", np.int16), ("draws", np.int8)):
        table[name] = table[name].astype(kind)
    return table.astype(dict.fromkeys(TEXTS, "category"))
