"""Fit the predictor on the committed table of outcomes and write the model that is shipped.

    python -m benchmarks.predictor.fit

    # model.json, other_metrics.json, cheap_to_dear.json and reference.npz of the package

A location-scale regression with Student errors (four degrees of freedom, so that single
transfers with enormous gaps do not decide), both parts linear, coefficients drawn towards zero.
The penalty is fixed; the shape of what is left comes from whole families of data sets left out.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from benchmarks.outcomes.table import TABLE, read, read_evidence, versions
from negtransfer.diagnostics.predictor.cheap_to_dear import CHEAP
from negtransfer.diagnostics.predictor.model import GapModel, Prediction
from negtransfer.diagnostics.predictor.other_metrics import OtherMetrics
from negtransfer.diagnostics.predictor.reference import Reference, placed, to_bytes
from negtransfer.diagnostics.predictor.terms import NUMBERS, terms

from .cases import LARGEST, Cases, cases, table_hash
from .other_metrics import fit_metric, in_metrics
from .other_metrics import left_out as metric_left_out
from .regression import location_scale, rest_of

Floats = NDArray[np.float64]
SHIPPED = Path(__file__).resolve().parents[2] / "diagnostics" / "predictor"
PENALTY = 3600.0
FOLDS = 10
TOLERANCE = 0.005
"""Share of rows outside the calibrated range, at each end of each number."""


def fit(data: Cases, mean: Floats, spread: Floats) -> GapModel:
    """Return the model fitted on all rows; its quantiles are those of predictions left out."""
    coefficients, spread_coefficients = coefficients_of(data)
    own = np.clip(data.table["own"].to_numpy(dtype=np.float64), -LARGEST, LARGEST)
    rest = {
        "mean": rest_of(_answer(data), mean, spread, data.weights),
        "draw": rest_of(own, mean, spread, data.weights),
    }
    ranges = {
        name: (float(np.nanquantile(data.evidence[name], TOLERANCE)),
               float(np.nanquantile(data.evidence[name], 1 - TOLERANCE)))
        for name in NUMBERS
        if name not in ("regression", "source_z", "pooled_z")
    }  # fmt: skip
    return GapModel(coefficients, spread_coefficients, rest, ranges, {})


def left_out(data: Cases, *, folds: int = FOLDS) -> tuple[Floats, Floats]:
    """Return mean and spread of every row by models that have not seen its family."""
    mean, spread = np.empty(len(data)), np.empty(len(data))
    families = data.table["family"].to_numpy(dtype=str)
    for train, test in GroupKFold(folds).split(mean, groups=families):
        b, c = coefficients_of(data.take(train))
        _, X, _, Z = terms(data.take(test).evidence)
        mean[test], spread[test] = X @ b, np.exp(np.clip(c[0] + Z @ c[1:], -12, 3))
    return mean, spread


def coefficients_of(data: Cases) -> tuple[Floats, Floats]:
    """Return the coefficients of mean and log spread, of terms as they are."""
    _, X, _, Z = terms(data.evidence)
    return location_scale(
        X, Z, _answer(data), data.weights, penalty=PENALTY, max_iter=600, tolerance=1e-9
    )


def _answer(data: Cases) -> Floats:
    return np.clip(data.table["gap"].to_numpy(dtype=np.float64), -LARGEST, LARGEST)


def shipped_files() -> tuple[str, str, str, bytes]:
    """Return the models and the reference cases that the committed tables give."""
    outcomes, pilots, metrics = read(), read_evidence("pilot"), read_evidence("metrics")
    data = cases(outcomes, pilots)
    mean, spread = left_out(data)
    model = fit(data, mean, spread)
    rest = model.rest["mean"].of(mean / spread)
    usual = Prediction(mean, spread, rest, np.empty((0, 0)))
    told = [("", np.arange(len(data)), usual, _answer(data))]
    models = {}
    for one in in_metrics(metrics, data, mean, spread):
        m, s = metric_left_out(one)
        models[one.metric] = fitted = fit_metric(one, m, s)
        here = Prediction(m, s, fitted.rest["mean"].of(m / s), np.empty((0, 0)))
        told.append((one.metric, one.rows, here, one.answer()))
    dear = cheap_to_dear(outcomes, pilots)
    about = _about(data, outcomes_sha256=outcomes, pilots_sha256=pilots)
    also = {**about, "metrics_sha256": table_hash(metrics), **_sizes(metrics)}
    return (
        replace(model, about=about).to_json(),
        OtherMetrics(models, also).to_json(),
        dear.to_json(),
        to_bytes(_reference(data, told)),
    )


def cheap_to_dear(outcomes: pd.DataFrame, pilots: pd.DataFrame) -> GapModel:
    """Return the model that predicts gaps of dear learners from pilots of the linear one."""
    data = cases(outcomes, pilots, learner=CHEAP)
    model = fit(data, *left_out(data))
    about: dict[str, Any] = _about(data, outcomes_sha256=outcomes, pilots_sha256=pilots)
    about["strategies"] = {
        str(learner): sorted(part["strategy"].unique())
        for learner, part in data.table.groupby("learner")
    }
    return replace(model, about=about)


def _about(data: Cases, **tables: pd.DataFrame) -> dict[str, Any]:
    return {
        **{name: table_hash(table) for name, table in tables.items()},
        **_sizes(data.table),
        "versions": {k: v for k, v in versions().items() if k in ("numpy", "scipy")},
    }


def _sizes(table: pd.DataFrame) -> dict[str, Any]:
    return {
        "rows": len(table), "sets": int(table["set"].nunique()),
        "families": int(table["family"].nunique()),
        "pairs": len(table[["set", "source", "target"]].drop_duplicates()),
        "learners": sorted(table["learner"].unique()),
    }  # fmt: skip


def _reference(
    data: Cases, told: list[tuple[str, NDArray[np.int64], Prediction, Floats]]
) -> Reference:
    """Return one number of labels of each pair, metric and strategy, with predictions left out.

    `told`: metric, rows of the data, predictions and answers for them.
    """
    keys = ["set", "source", "target", "learner"]
    places, parts = placed(data.evidence), []
    for metric, rows, prediction, answer in told:
        table = data.table.iloc[rows].reset_index(drop=True)
        first = table[table["draw"] == 0]
        labels = first.sample(frac=1.0, random_state=0).drop_duplicates(keys)
        kept = table.reset_index().merge(labels[[*keys, "n_labels"]], on=[*keys, "n_labels"])
        at = np.sort(kept.loc[kept["draw"] == 0, "index"].to_numpy())
        low, high = (prediction.quantile(q)[at] for q in (0.1, 0.9))
        parts.append((metric, rows[at], prediction.mean[at], low, high, answer[at]))
    rows = np.concatenate([part[1] for part in parts])
    usual = parts[0][1]
    centre, scale = places[usual].mean(axis=0), places[usual].std(axis=0)
    predicted, low, high, observed = (np.concatenate([p[i] for p in parts]) for i in range(2, 6))
    table = data.table.iloc[rows]
    return Reference(
        names=table[["set", "source", "target"]].to_numpy(dtype=str),
        strategy=table["strategy"].to_numpy(dtype=str),
        learner=table["learner"].to_numpy(dtype=str),
        metric=np.concatenate([np.full(len(p[1]), p[0]) for p in parts]),
        regression=data.evidence["regression"][rows] > 0,
        place=(places[rows] - centre) / scale, centre=centre, scale=scale,
        predicted=predicted, low=low, high=high, observed=observed,
        n_labels=table["n_labels"].to_numpy(dtype=np.int64),
    )  # fmt: skip


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder of the files")
    out = parser.parse_args().out
    model, others, dear, reference = shipped_files()
    (out / "model.json").write_text(model, encoding="utf-8")
    (out / "other_metrics.json").write_text(others, encoding="utf-8")
    (out / "cheap_to_dear.json").write_text(dear, encoding="utf-8")
    (out / "reference.npz").write_bytes(reference)
    print(
        f"fitted on {TABLE.name}: model.json, other_metrics.json ({len(others) / 1e3:.0f} kB), "
        f"cheap_to_dear.json, reference.npz ({len(reference) / 1e3:.0f} kB)"
    )


if __name__ == "__main__":
    main()
