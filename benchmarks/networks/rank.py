"""Rankings of fifteen real networks from 5, 20 and 100 labels a class, beside what they reach.

    python -m benchmarks.networks.rank --cache FOLDER --part 0/2

For every image set, halving and draw of labels: every score, the cross-validated probe, two
orders that look at no label (published ImageNet accuracy, size), and the combined ranking of
``rank_models``.  Judged by what the full probe of each network reaches on rows that no ranking
saw (`benchmarks.networks.truth`).  One line a method in ``FOLDER/cells-PART.csv``, one line a
network in ``FOLDER/outcomes-PART.csv``; finished cells are not computed again.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .features import image_sets, load_images
from .truth import halves

LABELS = (100, 5, 20)
DRAWS = {5: (4, 2), 20: (4, 2), 100: (1, 1)}
"""Halvings of an image set, and draws in each, by labels a class."""
IMAGENET = {
    "mnv1_025_imagenet": 39.5, "mnv1_050_imagenet": 57.2, "mnv1_075_imagenet": 66.1,
    "mnv1_100_imagenet": 70.0, "mnv2_100_imagenet": 70.8, "squeezenet10_imagenet": 57.5,
}  # fmt: skip
"""Published top-1 accuracy; the other networks were trained on something else."""
RAW = "raw pixels"


def drawn_rows(labels: np.ndarray, seen: np.ndarray, each: int, seed: list[int]) -> np.ndarray:
    """Return ``each`` rows of every class among those that may be seen, fewer where there are."""
    rng = np.random.default_rng(seed)
    return np.sort(np.concatenate([
        rng.permutation(seen[labels[seen] == c])[:each] for c in np.unique(labels)
    ]))  # fmt: skip


def cells(cache: Path, part: int, parts: int) -> Iterator[tuple[str, int, int, int]]:
    """Yield image set, halving, labels a class and draw."""
    number = 0
    for each in LABELS:
        for name in image_sets():
            rows = len(np.load(cache / f"{name.replace('/', '__')}.npz")["y"])
            if each == 100 and rows < 800:
                continue
            splits, draws = DRAWS[each]
            for split in range(splits):
                for draw in range(draws):
                    if number % parts == part:
                        yield name, split, each, draw
                    number += 1


def load_networks(cache: Path, name: str) -> dict[str, dict[str, np.ndarray]]:
    """Return features and head probabilities of every network and control of an image set."""
    stem = name.replace("/", "__")
    found = {}
    for path in sorted(cache.glob(f"{stem}__*.npz")):
        network, kind = path.stem.removeprefix(f"{stem}__").split("__")
        shown = network if kind == "trained" else f"{network} (untrained)"
        found[shown] = dict(np.load(path))
    return found


def single_scores(features: np.ndarray, head: np.ndarray | None, y: np.ndarray) -> dict[str, Any]:
    """Return the value of every score that is no part of the ranking itself."""
    from negtransfer import metrics

    quick = {"n_permutations": 0, "n_draws": 0}
    names = ["h_score", "gbc", "transrate", "sfda", "pactran", "nleep"]
    if len(y) > 400:  # minutes a network
        names = [n for n in names if n not in ("nleep", "pactran")]
    found = {name: getattr(metrics, name)(features, y, **quick).value for name in names}
    one_hot = np.eye(int(y.max()) + 1)[y]
    found["lin_mse"] = metrics.lin_mse(features, one_hot, penalty=1.0, **quick).value
    if head is not None:
        head = head.astype(np.float64) / head.sum(axis=1, keepdims=True)
        found["leep"] = metrics.leep(head, y, **quick).value
        found["nce"] = metrics.nce(head.argmax(axis=1), y, **quick).value
    return found


def judge(scores: dict[str, float], reached: dict[str, float]) -> tuple[float, float, float]:
    """Return regret, weighted tau (accuracy first, rank=None) and the share of ties at the top."""
    from scipy.stats import weightedtau

    names = list(reached)
    truth = np.array([reached[n] for n in names])
    known = [scores[n] for n in names if scores.get(n) is not None]
    worst = min(known) - 1
    said = np.array([worst if scores.get(n) is None else scores[n] for n in names])
    top = said == said.max()
    tau = weightedtau(truth, said, rank=None)[0]
    return float(truth.max() - truth[top].mean()), float(tau), float(top.mean())


def run_cell(
    cache: Path, shared: Path, cell: tuple[str, int, int, int], truth: dict[Any, float],
    memory: dict[str, Any],
) -> tuple[list[list[Any]], list[list[Any]]]:  # fmt: skip
    """Return the lines of one cell: methods, and networks."""
    from negtransfer.diagnostics.models import CandidateFeatures, Rows
    from negtransfer.diagnostics.models.rank import compare_models

    name, split, each, draw = cell
    if memory.get("name") != name:
        memory.update(
            name=name, networks=load_networks(cache, name), images=load_images(shared, name)
        )
    images, labels = memory["images"]
    seen, _ = halves(labels, split)
    rows = drawn_rows(labels, seen, each, [split, each, draw])
    y = labels[rows]

    def features(network: str) -> CandidateFeatures:
        table = memory["networks"][network]["features"][rows]
        return CandidateFeatures(
            network, "features", None, {"pooled": table}, None, None, {}, None, None, (), 0.0
        )

    every = list(memory["networks"])
    trained = [n for n in every if "untrained" not in n]
    target = Rows.load(images[rows], labels=[f"class {v}" for v in y], name=name)
    found = compare_models(
        [features(n) for n in trained], [features(n) for n in every if n not in trained],
        target, doubt=False,
    )  # fmt: skip
    layers = {c.name: c.layers[0] for c in found.candidates}
    said: dict[str, dict[str, Any]] = {
        "combined": {c.name: -c.combined for c in found.candidates},
        "probe": {n: -layer.probe.error for n, layer in layers.items()},
        "probe, proper score": {n: -layer.probe.proper_error for n, layer in layers.items()},
        "ImageNet accuracy, then size": {
            n: IMAGENET.get(n, 0.0) + memory["networks"][n]["features"].shape[1] / 1e5
            for n in trained
        },
        "number of features": {
            n: float(memory["networks"][n]["features"].shape[1]) for n in trained
        },
    }
    for n in trained:
        for score in layers[n].scores:
            said.setdefault(score.name, {})[n] = score.value
        data = memory["networks"][n]
        head = data.get("probabilities")
        singles = single_scores(
            data["features"][rows].astype(np.float64), None if head is None else head[rows], y
        )
        for score_name, value in singles.items():
            said.setdefault(score_name, {})[n] = value
    reached = {n: truth[name, split, n] for n in trained}
    lines = [
        [name, split, each, draw, len(y), method, *(f"{v:.6f}" for v in judge(values, reached))]
        for method, values in said.items()
    ]
    best = max(reached, key=lambda n: reached[n])
    top = next((b.members for b in found.brackets if found.candidates[0].name in b.members),
               [found.candidates[0].name])  # fmt: skip
    outcomes = [
        [
            name, split, each, draw, c.name, c.rank.estimate, c.rank.low, c.rank.high,
            int(c.name in top), int(c.name == best), f"{reached[c.name]:.6f}",
            f"{truth[name, split, RAW]:.6f}", c.gap.outcome, f"{c.gap.estimate:.6f}",
            f"{c.gap.low:.6f}", f"{c.gap.high:.6f}",
            "" if c.gap_random is None else c.gap_random.outcome,
        ]
        for c in found.candidates
    ]  # fmt: skip
    return lines, outcomes


CELLS = "set,split,labels_a_class,draw,n_labels,method,regret,weighted_tau,tied_top"
OUTCOMES = (
    "set,split,labels_a_class,draw,network,rank,rank_low,rank_high,in_top_bracket,is_best,"
    "reached,raw_reached,outcome_against_raw,gap,gap_low,gap_high,outcome_against_untrained"
)


def read_truth(cache: Path) -> dict[Any, float]:
    """Return accuracies by image set, halving and network."""
    with (cache / "truth.csv").open() as file:
        return {
            (r["set"], int(r["split"]), r["candidate"]): float(r["accuracy"])
            for r in csv.DictReader(file)
        }


def main() -> int:
    """Compute the cells of one part that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--part", default="0/1", help="this part of so many, such as 0/2")
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    truth = read_truth(options.cache)
    out = options.cache / f"cells-{part}.csv"
    who = options.cache / f"outcomes-{part}.csv"
    done = options.cache / f"done-{part}.json"
    finished = {tuple(c) for c in json.loads(done.read_text())} if done.exists() else set()
    for path, head in ((out, CELLS), (who, OUTCOMES)):
        if not path.exists():
            path.write_text(head + "\n")
    memory: dict[str, Any] = {}
    for cell in cells(options.cache, part, parts):
        if cell in finished:
            continue
        begin = time.process_time()
        lines, outcomes = run_cell(options.cache, options.shared, cell, truth, memory)
        for path, rows in ((out, lines), (who, outcomes)):
            with path.open("a", newline="") as file:
                csv.writer(file).writerows(rows)
        finished.add(cell)
        done.write_text(json.dumps(sorted(finished)))
        print(*cell, f"{time.process_time() - begin:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
