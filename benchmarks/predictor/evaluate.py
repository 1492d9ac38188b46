"""The predictor on whole families of data sets it has not seen, beside simple rivals.

python -m benchmarks.predictor.evaluate           # writes benchmarks/predictor/RESULTS.md
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.outcomes.table import gaps, read, read_evidence
from negtransfer.diagnostics.costs import HARM_COST
from negtransfer.diagnostics.predictor.model import Prediction, Rest

from .cases import LARGEST, Cases, cases
from .fit import left_out
from .regression import rest_of

Floats = NDArray[np.float64]
HERE = Path(__file__).parent
FOLDS = 15


@dataclass(frozen=True)
class Judged:
    """Cases with the predictions made for them by models that had not seen their family."""

    data: Cases
    mean: Floats
    spread: Floats
    p_harm: Floats
    p_harm_draw: Floats
    interval: dict[float, tuple[Floats, Floats]]
    interval_draw: dict[float, tuple[Floats, Floats]]
    expected: Floats

    @property
    def table(self) -> pd.DataFrame:
        """The keys and outcomes."""
        return self.data.table


def judged(data: Cases, mean: Floats, spread: Floats, rest: dict[str, Rest]) -> Judged:
    """Return everything the tables need."""
    both = {
        key: Prediction(mean, spread, left.of(mean / spread), np.empty((0, 0)))
        for key, left in rest.items()
    }
    levels = (0.8, 0.9)

    def ends(p: Prediction) -> dict[float, tuple[Floats, Floats]]:
        return {v: (p.quantile((1 - v) / 2), p.quantile((1 + v) / 2)) for v in levels}

    return Judged(
        data, mean, spread, both["mean"].above(0.0), both["draw"].above(0.0),
        ends(both["mean"]), ends(both["draw"]), both["mean"].expected(cost=HARM_COST),
    )  # fmt: skip


def cross_validated(data: Cases) -> Judged:
    """Predict every family by a model fitted on others, in fifteen folds of whole families.

    The quantiles for a family come from what was left when the other families were predicted in
    the same way, so that no interval is judged by residuals it was set with.
    """
    families = data.table["family"].to_numpy(dtype=str)
    names = np.unique(families)
    mean, spread = left_out(data, folds=FOLDS)
    gap, own = (np.clip(data.table[k].to_numpy(float), -LARGEST, LARGEST) for k in ("gap", "own"))
    n = len(data)
    levels = (0.8, 0.9)
    out = Judged(data, mean, spread, np.empty(n), np.empty(n),
                 {v: (np.empty(n), np.empty(n)) for v in levels},
                 {v: (np.empty(n), np.empty(n)) for v in levels}, np.empty(n))  # fmt: skip
    for name in names:
        test, rest = families == name, families != name
        shape = {
            key: rest_of(values[rest], mean[rest], spread[rest], data.weights[rest])
            for key, values in (("mean", gap), ("draw", own))
        }
        one = judged(data.take(test), mean[test], spread[test], shape)
        for field in ("p_harm", "p_harm_draw", "expected"):
            getattr(out, field)[test] = getattr(one, field)
        for field in ("interval", "interval_draw"):
            for level, ends in getattr(one, field).items():
                for side in (0, 1):
                    getattr(out, field)[level][side][test] = ends[side]
    return out


def main() -> None:
    """Cross-validate and write the page."""
    from .page import page

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md")
    asked = parser.parse_args()
    outcomes = read()
    data = cases(outcomes, read_evidence("pilot"))
    text = page(cross_validated(data), gaps(outcomes), read_evidence("pairs"))
    asked.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
