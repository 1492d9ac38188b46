"""The shipped predictor on data sets it has never seen, without refitting anything.

    python -m benchmarks.predictor --data DIR

`DIR` is laid out as the tabular sets of the benchmark: an ``INDEX.json`` that lists the data
sets, and a folder of parquet domains for each, the label in column ``y``.  The transfers between
its domains are measured (resumable; files below ``--parts``), the pilots are run, and the tables
of the predictor's page are printed for the predictions of the shipped model, then those of
break-even, of other metrics, and of the model without target labels.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.outcomes.arms import STAGES as MEASURED
from benchmarks.outcomes.evidence import PILOTS
from benchmarks.outcomes.metrics import TEXTS as TEXTS_OF_METRICS
from benchmarks.outcomes.metrics import join_metrics
from benchmarks.outcomes.no_labels import STAGE as NO_LABELS
from benchmarks.outcomes.no_labels import join_no_labels
from benchmarks.outcomes.table import TEXTS, gaps, join, join_evidence
from negtransfer.diagnostics.predictor.model import Prediction, shipped
from negtransfer.diagnostics.predictor.no_labels_model import shipped as shipped_without_labels
from negtransfer.diagnostics.predictor.other_metrics import shipped as shipped_others

from . import break_even, cheap_to_dear, no_labels, no_labels_page
from .cases import Cases, cases
from .evaluate import judged
from .other_metrics import in_metrics
from .other_metrics_page import by_models, tables
from .page import page

STAGES = (
    "linear", "linear-draws", "linear-draws-many", "linear-draws-more", "no-labels", "pilot",
    "checks", "metrics",
)  # fmt: skip
DEARER = ("forest", "boosting", "network")


def main() -> None:
    """Measure what is not there yet, then print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--parts", type=Path, default=None, help="default: DIR/../parts-of-DIR")
    parser.add_argument("--most-pairs", type=int, default=6, help="of each data set")
    for name in DEARER:
        parser.add_argument(f"--{name}", action="store_true", help=f"also with the {name} learner")
    parser.add_argument("--out", type=Path, default=None, help="also write the tables here")
    asked = parser.parse_args()
    data = asked.data.resolve()
    if not (data / "INDEX.json").exists():
        sys.exit(
            f"{asked.data} has no INDEX.json; give a folder laid out as the tabular data sets."
        )
    parts = asked.parts or data.parent / f"parts-of-{data.name}"
    also = [name for name in DEARER if getattr(asked, name)]
    stages = [*STAGES, *also, *(f"pilot-{name}" for name in also)]
    subprocess.run(
        [sys.executable, "-m", "benchmarks.outcomes.run", "--data", str(data), "--parts",
         str(parts), "--most-pairs", str(asked.most_pairs), "--stages", *stages],
        check=True,
    )  # fmt: skip
    text = report(parts, data.name)
    if asked.out is not None:
        asked.out.write_text(text, encoding="utf-8")
    print(text)


def report(parts: Path, name: str) -> str:
    """Return the tables for what was measured below `parts`; `name` is that of the data."""
    if not _measured(parts, [stage.name for stage in MEASURED]):
        return f"No transfer between the domains of `{name}` could be measured.\n"
    outcomes = _texts(join(parts))
    return (
        f"{_with_pilots(parts, outcomes, name)}\n## Without target labels\n\n"
        f"{_without_labels(parts, outcomes)}\n"
    )


def _measured(parts: Path, stages: Iterable[str]) -> bool:
    """Return whether one of these stages found anything."""
    files = (path for stage in stages for path in sorted((parts / stage).glob("*.parquet")))
    return any(len(pd.read_parquet(path)) for path in files)


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype({name: str for name in TEXTS if name in table})


def _with_pilots(parts: Path, outcomes: pd.DataFrame, name: str) -> str:
    none = f"No pilot on `{name}` stands beside a measured transfer.\n"
    if not _measured(parts, PILOTS):
        return none
    pairs, pilots = map(_texts, join_evidence(parts))
    found = cases(outcomes, pilots)
    if not len(found):
        return none
    model = shipped()
    said = model.predict(found.evidence)
    known = np.isin(found.evidence["learner"], list(model.about["learners"]))
    intro = (
        f"The shipped predictor (fitted on {model.about['pairs']} pairs of "
        f"{model.about['sets']} data sets) on the data sets of `{name}`, which it has not "
        f"seen. {100 * known.mean():.0f} % of the cases are of learners it was fitted on."
    )
    text = page(
        judged(found, said.mean, said.spread, dict(model.rest)), gaps(outcomes), pairs, intro=intro
    )
    return (
        f"{text}\n## Break-even\n\n{break_even.unseen(outcomes, break_even.foreseen(found, said))}"
        f"\n\n## Dear learners from the linear pilot\n\n{cheap_to_dear.unseen(outcomes, pilots)}"
        f"\n## Other metrics\n\n{_in_metrics(parts, found, said)}"
    )


def _in_metrics(parts: Path, found: Cases, said: Prediction) -> str:
    measured = join_metrics(parts).astype(dict.fromkeys(TEXTS_OF_METRICS, str))
    every = in_metrics(measured, found, said.mean, said.spread) if len(measured) else ()
    told = [by_models(one, shipped_others()) for one in every if len(one.table)]
    return tables(told) if told else "No gap was measured in another metric.\n"


def _without_labels(parts: Path, outcomes: pd.DataFrame) -> str:
    if not _measured(parts, [NO_LABELS]):
        return no_labels_page.NOTHING
    return no_labels_page.unseen(
        no_labels.measured(outcomes, _texts(join_no_labels(parts))), shipped_without_labels()
    )


if __name__ == "__main__":
    main()
