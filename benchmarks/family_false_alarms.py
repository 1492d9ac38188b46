"""Alarms of the whole family of shift checks on random halves, where nothing differs.

Four bundled data sets, split at random; an alarm is any of the checks of distributions
(NT201 to NT204), of label marginals (NT301) and of what moved (NT304) in the state warn or fail.

    python -m benchmarks.family_false_alarms [SPLITS]     # 100 splits: about five minutes
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets

from negtransfer import preflight

FAMILY = ("NT201", "NT202", "NT203", "NT204", "NT301", "NT304")
LOADERS = {
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "digits": datasets.load_digits,
    "wine": datasets.load_wine,
}
RESULT = Path(__file__).with_suffix(".md")


def halves(name: str, seed: int) -> list[pd.DataFrame]:
    """Return two random halves of a bundled data set."""
    frame = LOADERS[name](as_frame=True).frame
    order = np.random.default_rng([seed, 99]).permutation(len(frame))
    return [frame.iloc[part].reset_index(drop=True) for part in np.array_split(order, 2)]


def main(splits: int) -> None:
    """Count the alarms and write the table."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in LOADERS}
    for i in range(splits):
        name = list(LOADERS)[i % len(LOADERS)]
        source, target = halves(name, i)
        found = preflight(source=source, target=target, label="target", random_state=i, n_jobs=2)
        alarms = [c.id for c in found.checks if c.id in FAMILY and c.state in ("warn", "fail")]
        counts[name].update(["splits", *alarms, *(["any"] if alarms else [])])
        print(f"{name} {i}: {' '.join(alarms) or 'none'}", flush=True)
    columns = ("splits", *FAMILY, "any")
    total = sum(counts.values(), Counter())
    rows = [(name, *(counts[name][c] for c in columns)) for name in LOADERS]
    rows.append(("all", *(total[c] for c in columns)))
    lines = [
        "# Alarms on random halves",
        "",
        f"Made by `python -m benchmarks.family_false_alarms {splits}`. Random halves of bundled",
        "data, all labels known; how many splits raised an alarm in each check, and in any.",
        "",
        "| data set | " + " | ".join(columns) + " |",
        "|---" * (len(columns) + 1) + "|",
        *("| " + " | ".join(map(str, row)) + " |" for row in rows),
        "",
        f"Any alarm in {total['any'] / splits:.0%} of the splits.",
        "",
    ]
    RESULT.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
