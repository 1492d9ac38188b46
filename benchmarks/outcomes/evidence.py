"""What a pre-flight check could have known, for the same draws of the same pairs.

Nothing here sees a test row of the draw it belongs to: sources are the source rows, the
labelled rows of the pool and the inputs of its other rows.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from negtransfer import preflight
from negtransfer.diagnostics.domain import Pair, Side
from negtransfer.diagnostics.learners import Learner
from negtransfer.diagnostics.pilot import resolve_metric, run_pilot, why_no_pilot
from negtransfer.diagnostics.predictor.evidence import disagreement, of_pilot, of_strategy
from negtransfer.diagnostics.strategies import chosen_strategies
from negtransfer.metrics import REGISTRY, Measure

from .arms import learner_named
from .measure import MIN_TEST, Cut, aligned, cut
from .sets import EQUAL_VALUES, DataSet, Rows, read_pair

EVIDENCE = {
    "pilot": 15, "pilot-forest": 8, "checks": 15, "pilot-more": 15, "pilot-boosting": 2,
    "pilot-network": 1, "no-labels": 15, "metrics": 8, "metrics-forest": 1,
}  # fmt: skip
"""Stages of evidence, and the most pairs of a data set in each."""
PILOTS: dict[str, tuple[str, tuple[int, ...], tuple[int, ...]]] = {
    "pilot": ("linear", (20, 50, 200), (0, 1)),
    "pilot-more": ("linear", (100, 500, 1000), (0, 1)),
    "pilot-forest": ("forest", (20, 100), (0,)),
    "pilot-boosting": ("boosting", (20, 100), (0,)),
    "pilot-network": ("network", (20, 100), (0,)),
}
"""Learner, numbers of labels and draws."""
TRIED = (
    "pooled", "pooled-equal-weight", "source-recalibrated", "source-recalibrated-classes",
    "stacking", "hypothesis-residual", "feature-augmentation",
)  # fmt: skip
FEW_TRIED = {"network": ("pooled", "source-recalibrated", "source-recalibrated-classes")}
"""Where a learner was measured with fewer."""
LABELS_OF_CHECKS = 50
ROWS_OF_CHECKS = 600
ROWS_OF_MEASURES = 400
NOT_SWEPT = frozenset((
    "energy_test", "mmd_test", "sketched_mmd", "column_table", "task2vec", "linear_probe",
))  # fmt: skip
"""A test of a measure that is there already, or no single number."""


def collect_evidence(dataset: DataSet, source: str, target: str, stage: str) -> pd.DataFrame:
    """Return the evidence of one pair: one row a strategy, or one row for checks."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = read_pair(dataset, source, target)
        pair = aligned(dataset, rows)
        if stage == "checks":
            found = [_checked(dataset, rows, pair, source, target)]
        elif stage == "no-labels":
            from .no_labels import without_labels

            found = list(without_labels(dataset, rows, pair, source, target))
        elif stage.startswith("metrics"):
            from .metrics import in_other_metrics

            found = list(in_other_metrics(dataset, rows, pair, source, target, stage))
        else:
            learner, labels, draws = PILOTS[stage]
            one = learner_named(learner, dataset.regression)
            found = list(_piloted(dataset, rows, pair, source, target, one, labels, draws))
    frame = pd.DataFrame(found)
    about = (dataset.family, dataset.name, source, target, str(pair.task))
    for place, (key, value) in enumerate(
        zip(("family", "set", "source", "target", "task"), about, strict=True)
    ):
        frame.insert(place, key, value)
    return frame


def seen(dataset: DataSet, rows: Rows, pair: Pair, c: Cut, n: int) -> Pair:
    """Return what a user has: source rows, and the pool with labels on its first n rows.

    Source rows of the labelled units are left out where units are shared: a held-out row's own
    twin must not have been trained on.
    """
    keep = c.source
    if rows.source_unit is not None and rows.target_unit is not None:
        keep = keep[~np.isin(rows.source_unit[keep], rows.target_unit[c.pool[:n]])]
    free = rows.source_unit is not None or dataset.name in EQUAL_VALUES
    labelled = np.zeros(len(c.pool), dtype=bool)
    labelled[:n] = True
    source = _part(pair.source, keep, pair.source.labelled[keep], free)
    target = _part(pair.target, c.pool, labelled & pair.target.labelled[c.pool], free)
    return replace(pair, source=source, target=target)


def _part(side: Side, keep: NDArray[Any], labelled: NDArray[np.bool_], free: bool) -> Side:
    shared = side.shared[keep]
    group = np.arange(len(keep)) if free else side.group[keep]
    return replace(
        side, X=side.X[keep], y=side.y[keep], labelled=labelled,
        shared=np.zeros_like(shared) if free else shared, group=group,
    )  # fmt: skip


def _piloted(
    dataset: DataSet,
    rows: Rows,
    pair: Pair,
    source: str,
    target: str,
    learner: Learner,
    labels: tuple[int, ...],
    draws: tuple[int, ...],
) -> Iterator[dict[str, Any]]:
    metric = resolve_metric(None, str(pair.task))
    tried = chosen_strategies(FEW_TRIED.get(learner.name, TRIED))
    for draw in draws:
        c = cut(dataset, rows, pair, source, target, draw)
        if len(c.test) < MIN_TEST or len(c.source) < MIN_TEST:
            continue
        for n in labels:
            if n > len(c.pool):
                continue
            part = seen(dataset, rows, pair, c, n)
            if why_no_pilot(part) is not None:
                continue
            pilot = run_pilot(part, [learner], metric, strategies=tried, n_jobs=1)
            about = {"learner": learner.name, "n_labels": n, "draw": draw}
            shared = of_pilot(pilot, part, learner.name)
            apart = disagreement(part, learner, tried)
            for _, name in pilot.predictions:
                if name != "target-only":
                    yield {
                        **about, "strategy": name, **shared,
                        **of_strategy(pilot, learner.name, name),
                        "pilot_apart": apart.get(name),
                    }  # fmt: skip


def _checked(dataset: DataSet, rows: Rows, pair: Pair, source: str, target: str) -> dict[str, Any]:
    """Return values of all checks and measures for the first draw, with few labels."""
    c = cut(dataset, rows, pair, source, target, 0)
    n = min(LABELS_OF_CHECKS, len(c.pool))
    few = np.linspace(0, len(c.source) - 1, min(len(c.source), ROWS_OF_CHECKS)).round()
    keep = c.source[few.astype(int)]
    pool = c.pool[: max(n, ROWS_OF_CHECKS)]
    frame = rows.target.iloc[pool].copy()
    label = frame["y"].astype(object)
    label.iloc[n:] = None
    frame["y"] = pd.to_numeric(label) if dataset.regression else label
    result = preflight(
        source=rows.source.iloc[keep], target=frame, label="y", learner="linear", budget=20.0,
        task="regression" if dataset.regression else None,
        keep_shared_rows=dataset.name in EQUAL_VALUES,
    )  # fmt: skip
    found: dict[str, Any] = {
        "n_labels": n, "n_source": len(keep), "n_pool": len(pool),
        "verdict": result.verdict.label,
    }  # fmt: skip
    for check in result.checks:
        found[f"check_{check.id}"] = check.value
        found[f"check_{check.id}_state"] = check.state
        if "reading" in check.facts:
            found["moved"] = check.facts["reading"]
        if check.null is not None:
            found[f"check_{check.id}_percentile"] = check.null.percentile
        for component in check.components:
            entry = component.model_dump()
            found[f"check_{check.id}_{entry['name']}"] = entry.get("value")
    for measure in result.measures:
        found[f"measure_{measure.name}"] = measure.value
        if measure.times_chance is not None:
            found[f"measure_{measure.name}_times"] = measure.times_chance.value
    part = seen(dataset, rows, pair, replace(c, source=keep, pool=pool), n)
    return {**(swept(part) if len(part.source.y) >= MIN_TEST else {}), **found}


def swept(pair: Pair) -> dict[str, float]:
    """Return the value of every measure of the register that these inputs allow."""
    s, t = pair.source, pair.target
    regression = pair.task == "regression"
    n_classes = 0 if regression else len(pair.classes)
    learner = learner_named("linear", regression)
    model = learner.fit(s.X, s.y, n_classes=n_classes, seed=0)
    X_s, X_t = s.X[:ROWS_OF_MEASURES], t.X[:ROWS_OF_MEASURES]
    X_l, y_l = t.X[t.labelled], t.y[t.labelled]
    y_s = s.y[:ROWS_OF_MEASURES]
    half = len(s.y) // 2
    at_home = learner.fit(s.X[half:], s.y[half:], n_classes=n_classes, seed=0)
    inputs: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
        "tables": ((X_s, X_t), {}),
        "labelled tables": ((X_s, X_l), {"source_labels": y_s, "target_labels": y_l}),
        "features and labels": ((X_l, y_l), {}),
    }
    if regression:
        inputs["features and targets"] = ((X_l, y_l), {})
    else:
        inputs["predictions"] = (
            (at_home(s.X[:half]), model(X_t)), {"source_labels": s.y[:half]}
        )  # fmt: skip
        inputs["probabilities and labels"] = ((model(X_l), y_l), {})
        inputs["labels and labels"] = ((model(X_l).argmax(axis=1), y_l), {})
    found = {}
    for measure in REGISTRY.values():
        if measure.inputs in inputs and measure.name not in NOT_SWEPT:
            found[f"measure_{measure.name}"] = _value(measure, *inputs[measure.inputs], regression)
    return found


def _value(
    measure: Measure, arguments: tuple[Any, ...], named: dict[str, Any], regression: bool
) -> float:
    taken = inspect.signature(measure.function).parameters
    sizes = {"n_splits": 2, "n_draws": 2, "n_permutations": 19, "n_null": 2, "max_rows": 400}
    options: dict[str, Any] = {k: v for k, v in sizes.items() if k in taken}
    if measure.inputs == "predictions":
        options["n_draws"] = 20
    if measure.inputs == "labelled tables" and "task" in taken and regression:
        options["task"] = "regression"
    if "regression" in taken and regression:
        options["regression"] = True
    elif regression and measure.inputs == "features and labels":
        return np.nan
    try:
        return float(measure.function(*arguments, **named, **options).value)
    except (ValueError, ArithmeticError, TypeError, AttributeError):
        return np.nan
