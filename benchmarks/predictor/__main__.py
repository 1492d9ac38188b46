"""The shipped predictor on data sets it has never seen, without refitting anything.

    python -m benchmarks.predictor --data DIR

`DIR` is laid out as the tabular sets of the benchmark: an ``INDEX.json`` that lists the data
sets, and a folder of parquet domains for each, the label in column ``y``.  The transfers between
its domains are measured (resumable; files below ``--parts``), the pilots are run, and the tables
of the predictor's page are printed for the predictions of the shipped model.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.outcomes.table import TEXTS, gaps, join, join_evidence
from negtransfer.diagnostics.predictor.model import shipped

from .cases import cases
from .evaluate import judged
from .page import page

STAGES = ("linear", "linear-draws", "no-labels", "pilot", "checks")
DEARER = ("forest", "pilot-forest")


def main() -> None:
    """Measure what is not there yet, then print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--parts", type=Path, default=None, help="default: DIR/../parts-of-DIR")
    parser.add_argument("--most-pairs", type=int, default=6, help="of each data set")
    parser.add_argument("--forest", action="store_true", help="also with the forest learner")
    parser.add_argument("--out", type=Path, default=None, help="also write the tables here")
    asked = parser.parse_args()
    data = asked.data.resolve()
    if not (data / "INDEX.json").exists():
        sys.exit(
            f"{asked.data} has no INDEX.json; give a folder laid out as the tabular data sets."
        )
    parts = asked.parts or data.parent / f"parts-of-{data.name}"
    stages = STAGES + DEARER if asked.forest else STAGES
    subprocess.run(
        [sys.executable, "-m", "benchmarks.outcomes.run", "--data", str(data), "--parts",
         str(parts), "--most-pairs", str(asked.most_pairs), "--stages", *stages],
        check=True,
    )  # fmt: skip
    outcomes = join(parts)
    pairs, pilots = join_evidence(parts)
    for table in (outcomes, pairs, pilots):
        for name in set(TEXTS) & set(table.columns):
            table[name] = table[name].astype(str)
    found = cases(outcomes, pilots)
    model = shipped()
    prediction = model.predict(found.evidence)
    known = np.isin(found.evidence["learner"], list(model.about["learners"]))
    intro = (
        f"The shipped predictor (fitted on {model.about['pairs']} pairs of "
        f"{model.about['sets']} data sets) on the data sets of `{data.name}`, which it has not "
        f"seen. {100 * known.mean():.0f} % of the cases are of learners it was fitted on."
    )
    text = page(
        judged(found, prediction.mean, prediction.spread, dict(model.rest)), gaps(outcomes), pairs,
        intro=intro,
    )  # fmt: skip
    if asked.out is not None:
        asked.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
