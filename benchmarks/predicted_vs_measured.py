"""Predicted against really measured gaps on five real data sets, through the command line.

Every ordered pair of domains (at most twelve a data set) is checked with 20, 50 and 200
labelled target rows, on files, as a user would; the gap that the check predicts is set
beside the gap measured on target rows it never saw.

    python -m benchmarks.predicted_vs_measured            # about 40 minutes on two cores
    python -m benchmarks.predicted_vs_measured --summary  # rebuild the summary only

Rows are appended as they come; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks._truth import (
    MAX_SOURCE,
    MAX_TARGET,
    domain_pairs,
    load,
    measure,
    split_target,
    user_view,
)

SETS = ("heart_disease", "landmine", "wine_quality", "defect_relink", "bike_sharing_seoul")
REGRESSION = ("wine_quality", "bike_sharing_seoul")
LABELS = (20, 50, 200)
MAX_PAIRS = 12
DRAWS = 4
HERE = Path(__file__).parent
TABLE = HERE / "predicted_vs_measured.csv"
SUMMARY = HERE / "predicted_vs_measured.md"
DATA = HERE.parent.parent / "shared" / "data" / "tabular"


def check_files(
    source: pd.DataFrame, target: pd.DataFrame, folder: Path, *, task: str | None, seed: int = 0
) -> tuple[int, dict[str, object] | None, str]:
    """Run the command line on two files; return exit code, result and standard error."""
    names = [folder / "source.csv", folder / "target.csv", folder / "result.json"]
    source.to_csv(names[0], index=False)
    target.to_csv(names[1], index=False)
    command = [sys.executable, "-m", "negtransfer", "check", *map(str, names[:2])]
    command += ["--label", "y", "--json", str(names[2]), "--seed", str(seed), "--no-progress"]
    command += ["--task", task] if task else []
    names[2].unlink(missing_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(names[2].read_text()) if names[2].exists() else None
    return done.returncode, found, done.stderr


def one_cell(name: str, a: str, b: str, n_labels: int, folder: Path) -> list[dict[str, object]]:
    """Return one row for each learner and strategy of one pair at one number of labels."""
    seed = zlib.crc32(f"{name}/{a}/{b}/{n_labels}".encode())
    source = load(DATA / name, a, MAX_SOURCE, seed)
    target = load(DATA / name, b, MAX_TARGET, seed)
    about = {"set": name, "source": a, "target": b, "n_labels": n_labels}
    split = split_target(len(target), n_labels, np.random.default_rng(seed))
    if split is None:
        return [{**about, "verdict": "(too few target rows)"}]
    task = "regression" if name in REGRESSION else None
    truth, labelled, _ = measure(source, target, split, n_labels, task=task, draws=DRAWS, seed=seed)
    code, found, errors = check_files(
        source, user_view(target, split.have, labelled), folder, task=task
    )
    if found is None:
        return [{**about, "exit_code": code, "verdict": f"ERROR {errors.strip()[-200:]}"}]
    about |= {
        "task": found["task"], "exit_code": code, "verdict": found["verdict"]["label"],
        "n_test": int(truth["n_test"].iloc[0]),
    }  # fmt: skip
    by_key = truth.groupby(["learner", "strategy"])
    measured = by_key["measured"].agg(["mean", "sem"])
    own = truth[truth["draw"] == 0].set_index(["learner", "strategy"])["measured"]
    predicted = {(s["learner"], s["strategy"]): s for s in found["strategies"] if s["gap"]}
    rows = []
    for key in measured.index:
        row = {**about, "learner": key[0], "strategy": key[1],
               "measured": measured.loc[key, "mean"], "measured_se": measured.loc[key, "sem"],
               "measured_this_draw": own[key]}  # fmt: skip
        if key in predicted:
            gap = predicted[key]["gap"]
            row |= {k: gap[k] for k in ("estimate", "low", "high", "p_harm", "outcome")}
            row["recommended"] = predicted[key]["recommended"]
        rows.append(row)
    return rows


def run() -> None:
    """Fill the table, going on where it was left."""
    done = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=["set"])
    seen = set(
        zip(*(done.get(c, []) for c in ("set", "source", "target", "n_labels")), strict=True)
    )
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        for name in SETS:
            for a, b in domain_pairs(DATA / name, MAX_PAIRS):
                for n in LABELS:
                    if (name, a, b, n) in seen:
                        continue
                    rows = pd.DataFrame(one_cell(name, a, b, n, Path(folder)))
                    done = pd.concat([done, rows]) if len(done) else rows
                    done.to_csv(TABLE, index=False, float_format="%.5g")
                    print(name, a, b, n, rows["verdict"].iloc[0], flush=True)


def summarise() -> str:
    """Return the summary as Markdown, from the table alone."""
    table = pd.read_csv(TABLE)
    place = table["set"].map({name: i for i, name in enumerate(SETS)})
    table = table.assign(place=place).sort_values(["place", "n_labels"], kind="stable")
    cells = table.drop_duplicates(["set", "source", "target", "n_labels"])
    lines = [
        "# Predicted against measured gaps",
        "",
        "Made by `python -m benchmarks.predicted_vs_measured` from",
        "`predicted_vs_measured.csv`. Gap = error with transfer minus error of the target-only",
        "model (same learner, same labels); error rate for classes, RMSE in target standard",
        "deviations for quantities; positive = transfer hurts. *Predicted* comes from the check",
        "on files with the given number of labelled target rows; *measured* is the mean over",
        f"{DRAWS} draws of that many labels, on target rows the check never saw.",
        "",
        "## Verdicts",
        "",
        "| data set | labels | checks | " + " | ".join(VERDICTS) + " | too few rows | errors |",
        "|---|---|---|" + "---|" * (len(VERDICTS) + 2),
    ]
    for (name, n), part in cells.groupby(["set", "n_labels"], sort=False):
        counts = [int((part["verdict"] == v).sum()) for v in VERDICTS]
        few = int((part["verdict"] == "(too few target rows)").sum())
        wrong = int(part["verdict"].str.startswith("ERROR").sum())
        cellsline = " | ".join(map(str, [name, n, len(part) - few, *counts, few, wrong]))
        lines.append(f"| {cellsline} |")
    lines += ["", "## Gaps", ""]
    head = "strategies | mean |predicted - measured| | 80 % interval holds the measured mean | "
    head = head.replace("|predicted - measured|", "absolute difference")
    lines += [
        "| data set | labels | " + head + "... of this draw | AUROC of P(harm) for the sign |",
        "|---|---|---|---|---|---|---|",
    ]
    known = table[table["estimate"].notna()]
    for (name, n), part in known.groupby(["set", "n_labels"], sort=False):
        lines.append(f"| {name} | {n} | " + _scores(part) + " |")
    lines.append("| **all** | | " + _scores(known) + " |")
    best = known[known["recommended"] == True]  # noqa: E712  (read from CSV as object)
    lines.append("| **all, strategy shown in the verdict** | | " + _scores(best) + " |")
    lines += ["", "## What following the verdict would have done", "", *_decisions(best)]
    return "\n".join(lines) + "\n"


VERDICTS = (
    "transfer", "transfer-with-adaptation", "caution", "do-not-transfer", "not-enough-evidence",
)  # fmt: skip


def _scores(part: pd.DataFrame) -> str:
    from sklearn.metrics import roc_auc_score

    difference = (part["estimate"] - part["measured"]).abs().mean()
    inside = part["measured"].between(part["low"], part["high"]).mean()
    this = part["measured_this_draw"].between(part["low"], part["high"]).mean()
    harm = part["measured"] > 0
    auroc = roc_auc_score(harm, part["p_harm"]) if harm.nunique() == 2 else float("nan")
    return f"{len(part)} | {difference:.3f} | {inside:.2f} | {this:.2f} | {auroc:.2f}"


def _decisions(best: pd.DataFrame) -> list[str]:
    lines = [
        "Mean measured gap of the strategy shown, by verdict (negative: transfer helped), and",
        "how often it really hurt by more than the margin (0.01 error, 0.02 sd).",
        "",
        "| verdict | checks | mean measured gap, classes | quantities | really hurt |",
        "|---|---|---|---|---|",
    ]
    quantity = best["task"] == "regression"
    hurt = best["measured"] > np.where(quantity, 0.02, 0.01)
    for verdict in VERDICTS:
        here = best["verdict"] == verdict
        if here.any():
            means = [best.loc[here & side, "measured"].mean() for side in (~quantity, quantity)]
            lines.append(
                f"| {verdict} | {here.sum()} | {means[0]:+.3f} | {means[1]:+.3f} | "
                f"{hurt[here].mean():.0%} |"
            )
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--summary", action="store_true", help="only rebuild the summary")
    if not parser.parse_args().summary:
        run()
    SUMMARY.write_text(summarise(), encoding="utf-8")
    print(SUMMARY.read_text(encoding="utf-8"))
