"""Really measured gaps: every strategy and the target-only model on a large held-out test set.

The pilot sees only the labelled target rows a user would have; the truth is measured on
target rows it never saw, over several independent draws of the labels.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negtransfer.diagnostics.domain import Domain, Pair, align
from negtransfer.diagnostics.learners import default_learners
from negtransfer.diagnostics.pilot import proper_score, resolve_metric
from negtransfer.diagnostics.strategies import Training, chosen_strategies

MAX_SOURCE = 3000
MAX_TARGET = 4000


@dataclass(frozen=True)
class Split:
    """A target cut into rows the user has and rows the truth is measured on."""

    have: NDArray[np.int64]
    test: NDArray[np.int64]


def domain_pairs(folder: Path, most: int) -> Iterator[tuple[str, str]]:
    """Yield at most `most` ordered pairs of domains, spread evenly over all there are."""
    names = sorted(path.stem for path in folder.glob("*.parquet"))
    every = list(permutations(names, 2))
    keep = np.unique(np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int))
    yield from (every[i] for i in keep)


def load(folder: Path, name: str, most: int, seed: int) -> pd.DataFrame:
    """Read one domain, thinned at random to `most` rows."""
    frame = pd.read_parquet(folder / f"{name}.parquet")
    if len(frame) > most:
        frame = frame.sample(most, random_state=seed)
    return frame.reset_index(drop=True)


def split_target(n: int, n_labels: int, rng: np.random.Generator) -> Split | None:
    """Keep half of the target for the truth, or what the labels leave, but at least 40 rows."""
    have = max(n_labels, min(n // 2, max(2 * n_labels, 200)))
    if n - have < 40:
        return None
    order = rng.permutation(n)
    return Split(order[:have], order[have:])


def user_view(
    target: pd.DataFrame, rows: NDArray[np.int64], labelled: NDArray[np.int64]
) -> pd.DataFrame:
    """Return the rows a user has, with labels on some of them only."""
    frame = target.iloc[rows].copy()
    label = frame["y"].astype(object)
    label[~np.isin(rows, labelled)] = None
    frame["y"] = label
    if pd.api.types.is_numeric_dtype(target["y"]):
        frame["y"] = pd.to_numeric(frame["y"])
    return frame.reset_index(drop=True)


def measure(
    source: pd.DataFrame,
    target: pd.DataFrame,
    split: Split,
    n_labels: int,
    *,
    task: str | None,
    draws: int,
    seed: int,
) -> tuple[pd.DataFrame, NDArray[np.int64], Pair]:
    """Return gap by learner, strategy and draw, and the labels of the first draw.

    Draw 0 is the one the pilot is shown; the others are independent draws of as many labels
    from the rows the user has.
    """
    pair = align(
        Domain.load(source, label="y", name="source"),
        Domain.load(target, label="y", name="target"),
        task=task,
    )
    regression = pair.task == "regression"
    n_classes = 0 if regression else len(pair.classes)
    metric = resolve_metric(None, str(pair.task))
    proper = proper_score(metric, str(pair.task))
    X_s, y_s = pair.source.X[pair.source.labelled], pair.source.y[pair.source.labelled]
    X_t, y_t = pair.target.X, pair.target.y
    test = split.test[~pair.target.shared[split.test]]
    scale = float(np.std(y_t[split.have], ddof=1)) if regression else 1.0
    rows: list[dict[str, Any]] = []
    picks = [
        np.random.default_rng([seed, draw]).choice(split.have, n_labels, replace=False)
        for draw in range(draws)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for learner in default_learners(regression):
            model = learner.fit(X_s, y_s, n_classes=n_classes, seed=seed)
            for draw, labelled in enumerate(picks):
                training = Training(
                    X_s, y_s, X_t[labelled], y_t[labelled], n_classes, model, seed + draw
                )
                errors = {}
                for name, strategy in ((s.name, s) for s in chosen_strategies("default")):
                    if pair.task not in strategy.tasks:
                        continue
                    predicted = strategy.fit(learner, training)(X_t[test])
                    errors[name] = (
                        metric.score(y_t[test], predicted, scale)[0],
                        proper.score(y_t[test], predicted, scale)[0],
                    )
                own = errors["target-only"]
                rows += [
                    {
                        "learner": learner.name, "strategy": name, "draw": draw,
                        "measured": error[0] - own[0], "measured_proper": error[1] - own[1],
                        "n_test": len(test),
                    }
                    for name, error in errors.items() if name != "target-only"
                ]  # fmt: skip
    return pd.DataFrame(rows), picks[0], replace(pair)
