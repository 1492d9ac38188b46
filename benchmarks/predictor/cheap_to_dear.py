"""The gap of an expensive learner predicted from the pilot of a cheap one.

    python -m benchmarks.predictor.cheap_to_dear      # writes CHEAP_TO_DEAR.md

The pilot is run with the linear learner only; what is predicted is the measured gap of forest,
boosting and network for the same pair, strategy and number of labels.  A model of the same form as
the shipped one is fitted to such rows, families left out; beside it stand the shipped kind of model
taken as it is (as if the dear learner were linear), the raw pilot, and the cheap learner's own
measured gap: what a perfect prediction for the cheap learner would say of the dear one.

A second table sets the seconds of the cheap pilot beside those of one training of the dear learner,
and of one that is tuned.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.outcomes.table import CASE, CELL, gaps, read, read_evidence
from negtransfer.diagnostics.pilot._plan import MAX_FITS
from negtransfer.diagnostics.predictor.cheap_to_dear import shipped as dear_model
from negtransfer.diagnostics.predictor.model import shipped
from negtransfer.diagnostics.strategies import DEFAULT

from . import judge
from .cases import Cases, cases
from .fit import left_out

HERE = Path(__file__).parent
CHEAP = "linear"
SETTINGS, TUNING_FOLDS = 50, 5
"""Of a tuned training: settings tried, and folds each is judged by."""
HOME_FITS = 11
"""Source model and, in five folds at home, a model of the source and one of both sides."""
HEAD = ["dear learner", "score", "cases", "AUROC, all", "AUROC, clear", "Spearman"]
COST_HEAD = [
    "dear learner", "trainings", "pilot, s", "one training, s", "tuned training, s",
    "pilot / one training", "pilot / tuned training",
]  # fmt: skip
COST_TEXT = (
    "Cost: medians over all measured draws with target labels in which the dear learner was "
    "trained on source and target pooled, the same rows for both learners. The pilot is the linear "
    "learner's, estimated from the seconds of single fits: folds x repeats x the seconds of the "
    "default strategies on all rows (the source model as it is counts once, as the fit of a pooled "
    "model), and eleven pooled fits for the source model and its own domain. A fold has fewer rows "
    f"than that. A tuned training is {SETTINGS} settings x {TUNING_FOLDS} folds, so "
    f"{SETTINGS * TUNING_FOLDS} fits, each taken to need the seconds of one training. Ratios are "
    "medians of the ratio of a draw, [10 %, 90 %]. Seconds are of one core and rounded to "
    "milliseconds; checks besides the pilot are not counted."
)


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
    return scored(data, scores)


def scored(
    data: Cases, scores: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
) -> list[list[str]]:
    """Return one row a dear learner and score, each a ranking and a size of the gap."""
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


def unseen(outcomes: pd.DataFrame, pilots: pd.DataFrame) -> str:
    """Return the table for data that the shipped model has not seen."""
    from .page import markdown_table

    if (outcomes["learner"] == CHEAP).all():
        return "No transfer was measured with a dear learner and a linear pilot.\n"
    data = cases(outcomes, pilots, learner=CHEAP)
    found = dear_model().predict(data.evidence)
    raw = data.table["pilot_gap"].to_numpy(float)
    table = scored(
        data, {"shipped": (found.mean / found.spread, found.mean), "raw linear pilot": (raw, raw)}
    )
    return markdown_table(HEAD, table) + "\n"


def pilot_seconds(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return about how long a pilot of the cheap learner takes, one row a draw of labels.

    Its fits are those that were timed one at a time: each default strategy once a fold and
    repeat, and pooled fits in place of the source model, here and at home.
    """
    keys = [*CASE, "n_labels", "draw"]
    cheap = outcomes[(outcomes["learner"] == CHEAP) & (outcomes["n_labels"] > 0)]
    cheap = cheap[cheap["strategy"].isin(DEFAULT)]
    wide = cheap.pivot_table(index=keys, columns="strategy", values="seconds").reset_index()
    labels = wide["n_labels"].to_numpy()
    each = sum(wide[name].fillna(0.0).to_numpy(float) for name in DEFAULT if name != "source-only")
    folds = np.where(labels < 60, 10, 5)
    repeats = np.minimum(3, MAX_FITS // folds)
    wide["pilot"] = folds * repeats * each + HOME_FITS * wide["pooled"].to_numpy(float)
    return wide[[*keys, "pilot"]].dropna()


def costs(outcomes: pd.DataFrame) -> list[list[str]]:
    """Return the table of costs: one row a dear learner."""
    dear = outcomes[(outcomes["learner"] != CHEAP) & (outcomes["strategy"] == "pooled")]
    both = dear.merge(pilot_seconds(outcomes), on=[*CASE, "n_labels", "draw"])
    out = []
    for learner, part in both.groupby("learner"):
        once, pilot = part["seconds"].to_numpy(float), part["pilot"].to_numpy(float)
        tuned = SETTINGS * TUNING_FOLDS * once
        known = once > 0  # below half a millisecond nothing was stored
        out.append([
            str(learner), f"{len(part):,}", f"{np.median(pilot):.2g}", f"{np.median(once):.2g}",
            f"{np.median(tuned):.3g}", _spread(pilot[known] / once[known]),
            _spread(pilot[known] / tuned[known]),
        ])  # fmt: skip
    return out


def _spread(ratio: NDArray[np.float64]) -> str:
    low, middle, high = np.quantile(ratio, [0.1, 0.5, 0.9])
    return f"{middle:.2g} [{low:.2g}, {high:.2g}]"


def main() -> None:
    """Measure and write."""
    from .page import markdown_table

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "CHEAP_TO_DEAR.md")
    out = parser.parse_args().out
    outcomes = read()
    data = cases(outcomes, read_evidence("pilot"), learner="linear")
    pairs = len(data.table[["set", "source", "target"]].drop_duplicates())
    text = "\n\n".join([
        "# From the pilot of a cheap learner to the gap of an expensive one",
        "Made by `python -m benchmarks.predictor.cheap_to_dear`. Pilots with the linear learner, "
        f"gaps of others: {len(data):,} cases of {pairs} pairs, families left out.",
        markdown_table(HEAD, rows(data, outcomes)),
        COST_TEXT,
        markdown_table(COST_HEAD, costs(outcomes)),
    ])  # fmt: skip
    out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
