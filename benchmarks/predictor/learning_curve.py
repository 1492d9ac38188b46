"""Quality of the predictor over the number of data-set families it is fitted on.

    python -m benchmarks.predictor.learning_curve     # writes LEARNING_CURVE.md

Families are dealt into five folds; each fold is predicted by models fitted on 5, 10, 20, ...
families drawn from the others.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.outcomes.table import read, read_evidence
from negtransfer.diagnostics.predictor.terms import terms

from . import judge
from .cases import Cases, cases
from .fit import coefficients_of

HERE = Path(__file__).parent
SIZES = (3, 5, 10, 20, 30)
FOLDS = 5


def curve(data: Cases) -> list[tuple[int, float, float, float]]:
    """Return families, AUROC over all and clear cases, and Spearman."""
    families = data.table["family"].to_numpy(dtype=str)
    names = np.random.default_rng(0).permutation(np.unique(families))
    folds = np.array_split(names, FOLDS)
    most = names.size - max(map(len, folds))
    rows = []
    for size in [s for s in SIZES if s < most] + [most]:
        score, mean = np.empty(len(data)), np.empty(len(data))
        for i, fold in enumerate(folds):
            rng = np.random.default_rng([size, i])
            others = np.setdiff1d(names, fold)
            train = np.isin(families, rng.choice(others, size, replace=False))
            b, c = coefficients_of(data.take(train))
            test = np.isin(families, fold)
            _, X, _, Z = terms(data.take(test).evidence)
            mean[test] = X @ b
            score[test] = mean[test] / np.exp(np.clip(c[0] + Z @ c[1:], -12, 3))
        harm = (data.table["gap"] > 0).to_numpy()
        clear = data.table["clear"].to_numpy()
        rows.append((
            size, judge.auroc(harm, score), judge.auroc(harm[clear], score[clear]),
            judge.spearman(mean, data.table["gap"].to_numpy(dtype=float)),
        ))  # fmt: skip
    return rows


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "LEARNING_CURVE.md")
    out = parser.parse_args().out
    rows = curve(cases(read(), read_evidence("pilot")))
    lines = [
        "# The predictor over the number of families it is fitted on", "",
        "Made by `python -m benchmarks.predictor.learning_curve`. AUROC of the sign of the mean "
        "gap, on families not fitted on.", "",
        "| families | AUROC, all | AUROC, clear | Spearman |", "|---|---|---|---|",
        *(f"| {n} | {a:.3f} | {c:.3f} | {s:.3f} |" for n, a, c, s in rows),
    ]  # fmt: skip
    text = "\n".join(lines) + "\n"
    out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
