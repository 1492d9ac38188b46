"""Lay out the stored tables as parts, so that a run goes on from them on any machine.

    python -m benchmarks.outcomes.unpack --parts DIR
    python -m benchmarks.outcomes.run --parts DIR        # measures what the tables lack
    python -m benchmarks.outcomes.table --parts DIR

Pairs at a stage that left nothing in the tables are measured again, which takes no time.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from .evidence import PILOTS
from .metrics import STAGES
from .rerun import places, rows_of
from .table import AWAY, HERE, TABLE, read, read_evidence

PAIR = ["set", "source", "target"]
Part = tuple[str, str, str, str, pd.DataFrame]


def parts_of(folder: Path = HERE) -> Iterator[Part]:
    """Yield stage, set, source, target and the rows of every part the tables hold."""
    outcomes = read(folder / TABLE.name)
    by_pair = dict(iter(outcomes.groupby(PAIR)))
    for stage, *pair in places(outcomes):
        here = rows_of(by_pair[tuple(pair)], stage)
        yield (stage.name, *pair, here.assign(met=None))  # type: ignore[misc]
    pilots = read_evidence("pilot", folder)
    pilots = pilots[[name for name in pilots if not name.startswith(AWAY)]]
    for name, (learner, labels, draws) in PILOTS.items():
        here = pilots[
            (pilots["learner"] == learner) & pilots["n_labels"].isin(labels)
            & pilots["draw"].isin(draws)
        ]  # fmt: skip
        yield from _by_pair(name, here)
    yield from _by_pair("checks", read_evidence("pairs", folder))
    yield from _by_pair("no-labels", read_evidence("no_labels", folder))
    metrics = read_evidence("metrics", folder)
    for name, (learner, _) in STAGES.items():
        yield from _by_pair(name, metrics[metrics["learner"] == learner])


def _by_pair(stage: str, table: pd.DataFrame) -> Iterator[Part]:
    for pair, rows in table.groupby(PAIR):
        yield (stage, *pair, rows)  # type: ignore[misc]


def main() -> None:
    """Write every part that is not there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", type=Path, default=HERE / "parts")
    parts = parser.parse_args().parts
    written = 0
    for stage, name, source, target, rows in parts_of():
        path = parts / stage / f"{name}__{source}__{target}.parquet"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            rows.to_parquet(path, index=False)
            written += 1
    print(f"{written} parts")


if __name__ == "__main__":
    main()
