"""Which further evidence has anything left to say once the predictor has spoken?

    python -m benchmarks.predictor.further           # writes benchmarks/predictor/FURTHER.md

Every check value and every measure of the register, known for each pair before training, is
held against what the predictor missed on families it had not seen.  Checks were run on the first
50 labels of the first draw, so only pilots that held these labels too are looked at: elsewhere a
check would have seen labels that the pilot had not.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from benchmarks.outcomes.evidence import LABELS_OF_CHECKS
from benchmarks.outcomes.table import read, read_evidence
from negtransfer.diagnostics.predictor.terms import LEAST_APART, TYPICAL_APART

from .cases import LARGEST, Cases, cases
from .fit import left_out

Floats = NDArray[np.float64]
HERE = Path(__file__).parent
KNOWN = 0.4
"""Share of the cases in which a number must be known."""
SHOWN = 12
BOUND = 4.0
"""Of what was missed, in spreads, so that single transfers do not decide."""


def candidates(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of checks and measures, texts and states left out."""
    names = [name for name in pairs if str(name).startswith(("check_", "measure_"))]
    numbers = pairs[names].apply(pd.to_numeric, errors="coerce")
    keys = pairs[["set", "source", "target"]]
    return pd.concat([keys, numbers.dropna(axis=1, how="all")], axis=1)


def leftovers(data: Cases, mean: Floats, spread: Floats, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return for every number how strongly it goes with what was missed.

    A number is brought to ranks between -1 and 1 and multiplied by how far the predictions of
    the two models lie apart, as every term of the predictor is.  ``t`` is its coefficient in
    standard errors, whole families being the unit.
    """
    table = data.table
    known = table[["set", "source", "target"]].merge(candidates(pairs), how="left")
    missed = np.clip((np.clip(table["gap"], -LARGEST, LARGEST) - mean) / spread, -BOUND, BOUND)
    apart = np.nan_to_num(data.evidence["pilot_apart"], nan=TYPICAL_APART)
    size = np.maximum(apart, LEAST_APART) / spread
    families = table["family"].to_numpy(dtype=str)
    rows = []
    for name in known.columns[3:]:
        values = known[name].to_numpy(dtype=np.float64)
        there = np.isfinite(values)
        if there.mean() < KNOWN or np.ptp(values[there]) == 0:
            continue
        ranks = np.zeros(len(values))
        ranks[there] = 2 * rankdata(values[there]) / there.sum() - 1
        for kind, of in (("", 1.0), (", quantities", data.evidence["regression"])):
            x = np.clip(ranks * size * of, -20, 20)
            if not x.any():
                continue
            slope, error = clustered(x, missed.to_numpy(), data.weights, families)
            rows.append({"evidence": f"{name}{kind}", "t": slope / error})
    found = pd.DataFrame(rows)
    return found.reindex(found["t"].abs().sort_values(ascending=False, kind="stable").index)


def clustered(
    x: Floats, y: Floats, weight: Floats, cluster: NDArray[np.str_]
) -> tuple[float, float]:
    """Return the weighted slope of y on x through 0, and its error with whole clusters as units."""
    square = float((weight * x * x).sum())
    slope = float((weight * x * y).sum()) / square
    pulls = pd.Series(weight * x * (y - slope * x)).groupby(cluster).sum()
    return slope, float(np.sqrt((pulls**2).sum())) / square


def page(found: pd.DataFrame, data: Cases) -> str:
    """Return the page."""
    limit = float(norm.isf(0.025 / len(found)))
    beyond = int((found["t"].abs() > limit).sum())
    lines = [
        "# What further evidence still says",
        "",
        "Made by `python -m benchmarks.predictor.further` from the committed tables. Check values "
        "and measures of the register were held against what the predictor missed on "
        f"{data.table['family'].nunique()} families left out ({len(data):,} cases): the slope of "
        "the miss on the rank of a number times how far the two models' predictions lie apart, in "
        "standard errors with whole families as units; all cases, and quantities alone. Only "
        "pilots that held the labels the checks had seen are looked at. The predictor itself "
        "already holds four distances (inputs told apart, energy distance, share "
        "outside the source, how far predictions move).",
        "",
        f"Of {len(found)} slopes {beyond} lie beyond {limit:.1f} standard errors, the limit at 5 % "
        f"for all of them together; the largest is {found['t'].abs().max():.1f}. "
        + (
            "So no further check value or measure was made a term."
            if beyond == 0
            else "Those beyond it are candidates for further terms."
        ),
        "",
        "| evidence | slope in standard errors |",
        "|---|---|",
        *(f"| {row.evidence} | {row.t:+.2f} |" for row in found.head(SHOWN).itertuples()),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "FURTHER.md")
    asked = parser.parse_args()
    data = cases(read(), read_evidence("pilot"))
    mean, spread = left_out(data)
    fair = (data.table["draw"] == 0) & (data.table["n_labels"] >= LABELS_OF_CHECKS)
    keep = fair.to_numpy()
    some = data.take(keep)
    text = page(leftovers(some, mean[keep], spread[keep], read_evidence("pairs")), some)
    asked.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
