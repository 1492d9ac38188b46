"""Fit the predictor on the committed table of outcomes and write the model that is shipped.

    python -m benchmarks.predictor.fit           # writes diagnostics/predictor/model.json

A location-scale regression with Student errors (four degrees of freedom, so that single
transfers with enormous gaps do not decide), both parts linear, coefficients drawn towards zero.
The penalty is fixed; the shape of what is left comes from whole families of data sets left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.model_selection import GroupKFold

from benchmarks.outcomes.table import TABLE, read, read_evidence, versions
from negtransfer.diagnostics.predictor.model import GapModel
from negtransfer.diagnostics.predictor.terms import NUMBERS, terms

from .cases import Cases, cases, table_hash

Floats = NDArray[np.float64]
MODEL = Path(__file__).resolve().parents[2] / "diagnostics" / "predictor" / "model.json"
DF = 4.0
PENALTY = 300.0
FOLDS = 10
QUANTILES = 199
LARGEST = 3.0
"""Gaps beyond three standard deviations or 300 points are told as that."""
TOLERANCE = 0.005
"""Share of rows outside the calibrated range, at each end of each number."""


def fit(data: Cases, *, folds: int = FOLDS) -> GapModel:
    """Return the model fitted on all rows, its quantiles from families left out."""
    mean, spread = left_out(data, folds=folds)
    coefficients, spread_coefficients = coefficients_of(data)
    rest = {
        "mean": quantiles((_answer(data) - mean) / spread, data.weights),
        "draw": quantiles((np.clip(data.table["own"], -LARGEST, LARGEST) - mean) / spread,
                           data.weights),
    }  # fmt: skip
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
    y, weight = _answer(data), data.weights
    x_scale = X.std(axis=0)
    x_scale[x_scale < 1e-9] = np.inf
    z_mean, z_scale = Z.mean(axis=0), Z.std(axis=0)
    z_scale[z_scale < 1e-9] = np.inf
    Xs, Zs = X / x_scale, np.c_[np.ones(len(Z)), (Z - z_mean) / z_scale]
    p = Xs.shape[1]

    def objective(theta: Floats) -> tuple[float, Floats]:
        b, c = theta[:p], theta[p:]
        scale = np.exp(Zs @ c)
        r = (y - Xs @ b) / scale
        loss = (weight * (Zs @ c + (DF + 1) / 2 * np.log1p(r**2 / DF))).sum()
        dr = weight * (DF + 1) * r / (DF + r**2)
        grad = np.r_[-(Xs.T @ (dr / scale)) + PENALTY * b, Zs.T @ (weight - dr * r)]
        grad[p + 1 :] += PENALTY * c[1:]
        return float(loss + PENALTY / 2 * (b @ b + c[1:] @ c[1:])), grad

    start = np.zeros(p + Zs.shape[1])
    start[p] = np.log(np.std(y) / 2)
    found: Any = minimize(
        objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000, "ftol": 1e-12}
    )
    b, c = found.x[:p] / x_scale, found.x[p + 1 :] / z_scale
    return b, np.r_[found.x[p] - c @ np.where(np.isfinite(z_mean), z_mean, 0), c]


def _answer(data: Cases) -> Floats:
    return np.clip(data.table["gap"].to_numpy(dtype=np.float64), -LARGEST, LARGEST)


def quantiles(values: Any, weight: Floats) -> Floats:
    """Return weighted quantiles at (i + 1/2) / q."""
    values = np.asarray(values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order]) - weight[order] / 2
    levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return np.interp(levels, total / weight.sum(), values[order])


def shipped_model() -> GapModel:
    """Return the model that the committed tables give."""
    outcomes, pilots = read(), read_evidence("pilot")
    data = cases(outcomes, pilots)
    model = fit(data)
    about = {
        "outcomes_sha256": table_hash(outcomes), "pilots_sha256": table_hash(pilots),
        "rows": len(data), "sets": int(data.table["set"].nunique()),
        "families": int(data.table["family"].nunique()),
        "pairs": len(data.table[["set", "source", "target"]].drop_duplicates()),
        "versions": {k: v for k, v in versions().items() if k in ("numpy", "scipy")},
    }  # fmt: skip
    return GapModel(model.coefficients, model.spread_coefficients, model.rest, model.ranges, about)


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=MODEL)
    out = parser.parse_args().out
    out.write_text(shipped_model().to_json(), encoding="utf-8")
    print(f"fitted on {TABLE.name}, written to {out.name}")


if __name__ == "__main__":
    main()
