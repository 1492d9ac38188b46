"""Measure all pairs; what is finished is kept, a stopped run goes on where it was.

    python -m benchmarks.outcomes.run                  # every stage
    python -m benchmarks.outcomes.run --stages linear forest
    python -m benchmarks.outcomes.run --data DIR       # another folder of data sets

Every pair of a stage is one task of joblib, so that a backend for many machines can take the
work over (``--backend``), and writes one file below ``--parts``.  `benchmarks.outcomes.table`
then joins them.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed, parallel_config

from negtransfer.diagnostics.errors import InputError

from .arms import STAGES, Stage
from .evidence import EVIDENCE, collect_evidence
from .measure import measure_pair
from .sets import DataSet, all_sets, every_pair

HERE = Path(__file__).parent
PARTS = HERE / "parts"


def part_of(parts: Path, stage: str, dataset: DataSet, source: str, target: str) -> Path:
    """Return the file of one pair of a stage."""
    return parts / stage / f"{dataset.name}__{source}__{target}.parquet"


def one_part(stage: Stage | str, dataset: DataSet, source: str, target: str, path: Path) -> str:
    """Measure one pair and write its file in one move."""
    began = time.perf_counter()
    name = stage.name if isinstance(stage, Stage) else stage
    try:
        if isinstance(stage, Stage):
            frame = measure_pair(dataset, source, target, stage)
        else:
            frame = collect_evidence(dataset, source, target, stage)
    except InputError as fault:  # such as labels that are all the same: there is nothing to measure
        print(f"{name} {dataset.name} {source} {target} left out: {fault}", flush=True)
        frame = pd.DataFrame()
    except Exception as fault:  # one pair must not end the run; it is tried again by the next
        return f"{name} {dataset.name} {source} {target} FAILED: {type(fault).__name__}: {fault}"
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_suffix(f".{os.getpid()}.tmp")
    frame.to_parquet(waiting, index=False)
    waiting.replace(path)
    return f"{name} {dataset.name} {source} {target} {time.perf_counter() - began:.1f} s"


def pending(
    stages: Sequence[str], parts: Path, data: Path | None, most: int | None
) -> Iterator[Any]:
    """Yield the calls that are still to be made, stage after stage, sets taking turns."""
    by_name = {stage.name: stage for stage in STAGES}
    sets = all_sets(data)
    for name in stages:
        limit = by_name[name].most_pairs if name in by_name else EVIDENCE[name]
        limit = limit if most is None else min(limit, most)
        turns: dict[str, int] = {}
        for dataset, source, target in every_pair(sets):
            turn = turns.setdefault(dataset.name, 0)
            turns[dataset.name] += 1
            path = part_of(parts, name, dataset, source, target)
            if turn < limit and not path.exists():
                yield delayed(one_part)(by_name.get(name, name), dataset, source, target, path)


def main() -> None:
    """Run what is not there yet."""
    every = [stage.name for stage in STAGES] + list(EVIDENCE)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stages", nargs="+", choices=every, default=every)
    parser.add_argument("--parts", type=Path, default=PARTS)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--most-pairs", type=int, default=None, help="of each data set")
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--backend", default="loky")
    asked = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    with parallel_config(asked.backend, n_jobs=asked.jobs):
        calls = pending(asked.stages, asked.parts, asked.data, asked.most_pairs)
        for line in Parallel(return_as="generator_unordered", pre_dispatch="4*n_jobs")(calls):
            print(line, flush=True)


if __name__ == "__main__":
    main()
