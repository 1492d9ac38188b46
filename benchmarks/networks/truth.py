"""What every network really reaches: a full linear probe on held-out rows.

    python -m benchmarks.networks.truth --cache FOLDER

For every image set and each of four random halvings (stratified): a logistic regression on the
standardised features of one half, its penalty chosen by cross-validation there, judged on the
other half.  A ranking may look at labelled rows of the first half only.  Written to
``FOLDER/truth.csv`` as it goes; finished cells are not computed again.
"""

from __future__ import annotations

import argparse
import csv
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .features import image_sets

SPLITS = 4
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def halves(labels: np.ndarray, split: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows a ranking may see, and the rows it is judged on."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(labels))
    seen, judged = train_test_split(rows, test_size=0.5, stratify=labels, random_state=split)
    return np.sort(seen), np.sort(judged)


def representations(cache: Path, name: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and the features of every network, control and raw input of an image set."""
    stem = name.replace("/", "__")
    yield "raw pixels", np.load(cache / f"{stem}.npz")["pixels"]
    for path in sorted(cache.glob(f"{stem}__*.npz")):
        network, kind = path.stem.removeprefix(f"{stem}__").split("__")
        shown = network if kind == "trained" else f"{network}, weights shuffled"
        yield shown, np.load(path)["features"]


def full_probe(train: np.ndarray, y: np.ndarray, test: np.ndarray, truth: np.ndarray) -> float:
    """Return the accuracy on held-out rows of a logistic regression with a chosen penalty."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(train)
    inner, outer = scaler.transform(train), scaler.transform(test)
    if inner.shape[1] > len(inner):  # the same problem in the span of the rows
        basis = np.linalg.svd(inner, full_matrices=False)[2]
        inner, outer = inner @ basis.T, outer @ basis.T
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unfinished fit at the weakest penalty is not chosen
        scores = [
            cross_val_score(LogisticRegression(C=c, max_iter=100), inner, y, cv=folds).mean()
            for c in PENALTIES
        ]
        best = PENALTIES[int(np.argmax(scores))]
        model = LogisticRegression(C=best, max_iter=300).fit(inner, y)
    return float((model.predict(outer) == truth).mean())


def main() -> int:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--cache", type=Path, required=True)
    cache = parser.parse_args().cache
    out = cache / "truth.csv"
    done = set()
    if out.exists():
        with out.open() as file:
            done = {(r["set"], r["split"], r["candidate"]) for r in csv.DictReader(file)}
    else:
        out.write_text("set,split,candidate,accuracy\n")
    for name in image_sets():
        stem = name.replace("/", "__")
        if not (cache / f"{stem}.npz").exists():
            continue
        labels = np.load(cache / f"{stem}.npz")["y"]
        for split in range(SPLITS):
            seen, judged = halves(labels, split)
            for candidate, features in representations(cache, name):
                if (name, str(split), candidate) in done:
                    continue
                reached = full_probe(
                    features[seen].astype(np.float64), labels[seen],
                    features[judged].astype(np.float64), labels[judged],
                )  # fmt: skip
                with out.open("a", newline="") as file:
                    csv.writer(file).writerow([name, split, candidate, f"{reached:.6f}"])
        print(name, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
