"""Fit the predictor on the committed table of outcomes and write the model that is shipped.

    python -m benchmarks.predictor.fit    # writes model.json and reference.npz of the package

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
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from benchmarks.outcomes.table import TABLE, read, read_evidence, versions
from negtransfer.diagnostics.predictor.model import GapModel, Prediction, Rest
from negtransfer.diagnostics.predictor.reference import Reference, placed, to_bytes
from negtransfer.diagnostics.predictor.terms import NUMBERS, terms

from .cases import Cases, cases, table_hash
from .regression import location_scale

Floats = NDArray[np.float64]
SHIPPED = Path(__file__).resolve().parents[2] / "diagnostics" / "predictor"
PENALTY = 3600.0
FOLDS = 10
QUANTILES = 99
PLACES = 9
"""Values of mean / spread for which the rest is kept."""
NEIGHBOURS = 0.1
"""Share of the cases to each side that give the rest of such a place."""
LARGEST = 3.0
"""Gaps beyond three standard deviations or 300 points are told as that."""
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


def rest_of(answer: Floats, mean: Floats, spread: Floats, weight: Floats) -> Rest:
    """Return what was left of these answers, by mean / spread."""
    place, rest = mean / spread, (answer - mean) / spread
    order = np.argsort(place, kind="stable")
    place, rest, weight = place[order], rest[order], weight[order]
    share = (np.cumsum(weight) - weight / 2) / weight.sum()
    at, rows = [], []
    for centre in np.linspace(NEIGHBOURS, 1 - NEIGHBOURS, PLACES):
        near = np.abs(share - centre) <= NEIGHBOURS
        at.append(np.average(place[near], weights=weight[near]))
        rows.append(quantiles(rest[near], weight[near]))
    return Rest(np.array(at), np.array(rows))


def quantiles(values: Any, weight: Floats) -> Floats:
    """Return weighted quantiles at (i + 1/2) / q."""
    values = np.asarray(values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order]) - weight[order] / 2
    levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return np.interp(levels, total / weight.sum(), values[order])


def shipped_files() -> tuple[str, bytes]:
    """Return the model and the reference cases that the committed tables give."""
    outcomes, pilots = read(), read_evidence("pilot")
    data = cases(outcomes, pilots)
    mean, spread = left_out(data)
    model = fit(data, mean, spread)
    about = {
        "outcomes_sha256": table_hash(outcomes), "pilots_sha256": table_hash(pilots),
        "rows": len(data), "sets": int(data.table["set"].nunique()),
        "families": int(data.table["family"].nunique()),
        "pairs": len(data.table[["set", "source", "target"]].drop_duplicates()),
        "learners": sorted(data.table["learner"].unique()),
        "versions": {k: v for k, v in versions().items() if k in ("numpy", "scipy")},
    }  # fmt: skip
    return replace(model, about=about).to_json(), to_bytes(_reference(data, model, mean, spread))


def _reference(data: Cases, model: GapModel, mean: Floats, spread: Floats) -> Reference:
    """Return one number of labels of each pair and strategy, with predictions left out."""
    keys = ["set", "source", "target", "learner"]
    table = data.table
    first = table[table["draw"] == 0]
    shuffled = first.sample(frac=1.0, random_state=0)
    labels = shuffled.drop_duplicates(keys)[[*keys, "n_labels"]]
    kept = table.reset_index().merge(labels, on=[*keys, "n_labels"])
    rows = np.sort(kept.loc[kept["draw"] == 0, "index"].to_numpy())
    part = data.take(rows)
    rest = model.rest["mean"].of(mean[rows] / spread[rows])
    prediction = Prediction(mean[rows], spread[rows], rest, np.empty((0, 0)))
    place = placed(part.evidence)
    centre, scale = place.mean(axis=0), place.std(axis=0)
    return Reference(
        names=part.table[["set", "source", "target"]].to_numpy(dtype=str),
        strategy=part.table["strategy"].to_numpy(dtype=str),
        learner=part.table["learner"].to_numpy(dtype=str),
        regression=part.evidence["regression"] > 0,
        place=(place - centre) / scale, centre=centre, scale=scale,
        predicted=prediction.mean, low=prediction.quantile(0.1), high=prediction.quantile(0.9),
        observed=part.table["gap"].to_numpy(dtype=np.float64),
        n_labels=part.table["n_labels"].to_numpy(dtype=np.int64),
    )  # fmt: skip


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder of both files")
    out = parser.parse_args().out
    model, reference = shipped_files()
    (out / "model.json").write_text(model, encoding="utf-8")
    (out / "reference.npz").write_bytes(reference)
    print(f"fitted on {TABLE.name}: model.json, reference.npz ({len(reference) / 1e3:.0f} kB)")


if __name__ == "__main__":
    main()
