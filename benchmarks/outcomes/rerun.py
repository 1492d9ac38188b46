"""Measure random cells of the stored table again and compare them with it.

    python -m benchmarks.outcomes.rerun --share 0.02 --seed 7

What is drawn is a pair of domains at a stage, with all its strategies, labels and draws: the
table holds all of them or none.  Exit code 1 if any stored figure is not met.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from .arms import STAGES, Stage
from .measure import measure_pair
from .sets import DataSet, all_sets
from .table import CELL, TABLE, TEXTS, join, read

KEYS = [*CELL, "draw"]
FIGURES = ("error", "second", "n_source", "n_test")
AT_LEAST = 5


def _own(stage: Stage) -> set[str]:
    """Return the strategies by which a stage is known where learner, draws and labels meet."""
    others = {
        name
        for other in STAGES
        if other.learner == stage.learner and other.name != stage.name
        and set(other.draws) & set(stage.draws) and set(other.labels) & set(stage.labels)
        for name in other.strategies
    }  # fmt: skip
    return set(stage.strategies) - others - {"target-only"}


def rows_of(table: pd.DataFrame, stage: Stage) -> pd.DataFrame:
    """Return the rows of a stage: its strategies, numbers of labels and draws."""
    strategies = {*stage.strategies, "target-only"}
    if 0 in stage.labels:
        strategies.add("source-constant")
    return table[
        (table["learner"] == stage.learner) & table["strategy"].isin(strategies)
        & table["n_labels"].isin(stage.labels) & table["draw"].isin(stage.draws)
    ]  # fmt: skip


def places(table: pd.DataFrame) -> list[tuple[Stage, str, str, str]]:
    """Return every (stage, set, source, target) that the table holds."""
    found = []
    for stage in STAGES:
        here = rows_of(table, stage)
        pairs = (
            here.loc[here["strategy"].isin(_own(stage)), ["set", "source", "target"]]
            .drop_duplicates()
            .sort_values(["set", "source", "target"])
        )
        found += [(stage, *pair) for pair in pairs.itertuples(index=False, name=None)]
    return found


def chosen(
    every: Sequence[tuple[Stage, str, str, str]], share: float, seed: int
) -> list[tuple[Stage, str, str, str]]:
    """Return each place with probability `share`, and at least five of them."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(every))
    n = max(int((rng.random(len(every)) < share).sum()), AT_LEAST)
    return [every[i] for i in np.sort(order[:n])]


def compared(
    old: pd.DataFrame, stage: Stage, dataset: DataSet, source: str, target: str
) -> pd.DataFrame:
    """Return stored and new figures of one place side by side, for every cell in either."""
    new = measure_pair(dataset, source, target, stage)
    for name in ("error", "second"):
        new[name] = new[name].round(4).astype(np.float32)
    here = rows_of(old, stage)
    here = here[
        (here["set"] == dataset.name) & (here["source"] == source) & (here["target"] == target)
    ]  # fmt: skip
    both = here[[*KEYS, *FIGURES]].merge(
        new[[*KEYS, *FIGURES]], on=KEYS, how="outer", suffixes=("_old", "_new"), indicator="side"
    )
    apart = np.zeros(len(both))
    for name in FIGURES:
        a, b = both[f"{name}_old"].astype(float), both[f"{name}_new"].astype(float)
        apart = np.maximum(
            apart, (a - b).abs().mask(a.isna() & b.isna(), 0.0).fillna(np.inf).to_numpy()
        )
    both["apart"] = np.where(both["side"] == "both", apart, np.inf)
    both["stage"] = stage.name
    return both


def main(argv: Sequence[str] | None = None) -> int:
    """Measure again, print what differs, and return 1 if anything does."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--share", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--parts", type=Path, default=None, help="instead of the stored table")
    parser.add_argument("--data", type=Path, default=None, help="another folder of data sets")
    asked = parser.parse_args(argv)
    table = (
        read(asked.table)
        if asked.parts is None
        else join(asked.parts).astype(dict.fromkeys(TEXTS, str))
    )
    by_name = {one.name: one for one in all_sets(asked.data)}
    every = places(table)
    some = chosen(every, asked.share, asked.seed)
    print(f"{len(some)} of {len(every)} pairs of domains at a stage")
    found = []
    for stage, name, source, target in some:
        one = compared(table, stage, by_name[name], source, target)
        wrong = one[one["apart"] > 0]
        worst = f", largest difference {wrong['apart'].max():.4g}" if len(wrong) else ""
        print(
            f"{stage.name} {name} {source} > {target}: "
            f"{len(one) - len(wrong)} of {len(one)} equal{worst}", flush=True,
        )  # fmt: skip
        for row in wrong.head(5).to_dict("records"):
            print(
                f"  {row['strategy']}, {row['n_labels']} labels, draw {row['draw']}: "
                f"{row['error_old']} stored, {row['error_new']} now"
            )
        found.append(one)
    cells = pd.concat(found, ignore_index=True)
    share = float((cells["apart"] == 0).mean())
    print(f"{len(cells)} cells, {share:.2%} equal, largest difference {cells['apart'].max():.4g}")
    return int(share < 1)


if __name__ == "__main__":
    sys.exit(main())
