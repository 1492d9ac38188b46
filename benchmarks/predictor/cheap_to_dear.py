"""The gap of an expensive learner predicted from the pilot of a cheap one.

    python -m benchmarks.predictor.cheap_to_dear      # writes CHEAP_TO_DEAR.md

The pilot is run with the linear learner only; what is predicted is the measured gap of forest,
boosting and network for the same pair, strategy and number of labels.  A model of the same form as
the shipped one is fitted to such rows, families left out; beside it stand the shipped kind of model
taken as it is (as if the dear learner were linear), the raw pilot, and the cheap learner's own
measured gap: what a perfect prediction for the cheap learner would say of the dear one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.outcomes.table import CELL, gaps, read, read_evidence
from negtransfer.diagnostics.predictor.model import shipped

from . import judge
from .cases import Cases, cases
from .fit import left_out

HERE = Path(__file__).parent


def rows(data: Cases, outcomes: pd.DataFrame) -> list[list[str]]:
    """Return the table: one row a dear learner and score."""
    mean, spread = left_out(data)
    evidence = {**data.evidence, "learner": np.full(len(data), "linear")}
    plain = shipped().predict(evidence)
    cheap = gaps(outcomes[outcomes["learner"] == "linear"])
    keys = [name for name in CELL if name != "learner"]
    known = cheap.groupby(keys)["gap"].mean().rename("cheap_gap").reset_index()
    cheap_gap = data.table[keys].merge(known, on=keys, how="left")["cheap_gap"].to_numpy()
    scores: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {
        "fitted for it": (mean / spread, mean),
        "as if it were linear": (plain.mean / plain.spread, plain.mean),
        "raw linear pilot": (data.table["pilot_gap"].to_numpy(float),) * 2,
        "measured gap of the linear learner": (cheap_gap, cheap_gap),
    }
    table = data.table
    out = []
    for learner in sorted(table["learner"].unique()):
        k = (table["learner"] == learner).to_numpy()
        harm, clear = (table["gap"] > 0).to_numpy(), table["clear"].to_numpy()
        for name, (score, size) in scores.items():
            ok = k & np.isfinite(score)
            out.append([
                learner, name, str(int(ok.sum())), f"{judge.auroc(harm[ok], score[ok]):.3f}",
                f"{judge.auroc(harm[ok & clear], score[ok & clear]):.3f}",
                f"{judge.spearman(size[ok], table['gap'].to_numpy(float)[ok]):.3f}",
            ])  # fmt: skip
    return out


def main() -> None:
    """Measure and write."""
    from .page import markdown_table

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "CHEAP_TO_DEAR.md")
    out = parser.parse_args().out
    outcomes = read()
    data = cases(outcomes, read_evidence("pilot"), learner="linear")
    pairs = len(data.table[["set", "source", "target"]].drop_duplicates())
    head = ["dear learner", "score", "cases", "AUROC, all", "AUROC, clear", "Spearman"]
    text = "\n\n".join([
        "# From the pilot of a cheap learner to the gap of an expensive one",
        "Made by `python -m benchmarks.predictor.cheap_to_dear`. Pilots with the linear learner, "
        f"gaps of others: {len(data):,} cases of {pairs} pairs, families left out.",
        markdown_table(head, rows(data, outcomes)),
    ])  # fmt: skip
    out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
