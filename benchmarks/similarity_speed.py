"""What measures of two representations cost, each against one product of the two tables.

    python -m benchmarks.similarity_speed             # some minutes

5,000 rows, 1,024 columns a side, double precision. Times are processor seconds on one thread over
those of numpy's X.T @ Y in the same process, the smallest of up to five turns of each; the
product takes its turns between them. "Value only" is without chance level and interval. Linear
CKA needs X.T @ Y and the two products of a table with itself, which are symmetric and cost half:
2 products at least. The table goes to similarity_speed.md.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
ROWS, COLUMNS, FEWER = 5_000, 1_024, 2_000
PATIENCE = 8.0  # seconds after which a measure gets no further turn
PACKAGE = "negtransfer.metrics.similarity"

# what, function (also the name of its module), rows, options, limit
MEASURES: list[tuple[str, str, int, dict[str, Any], float | None]] = [
    ("debiased linear CKA", "cka", ROWS, {}, 3.3),
    ("minibatch CKA, batches of 256", "minibatch_cka", ROWS, {}, None),
    (f"debiased rbf CKA, {FEWER:,} rows", "cka", FEWER, {"kernel": "rbf"}, None),
    (f"RSA, {FEWER:,} rows", "rsa", FEWER, {}, 25.0),
    (f"DDS, {FEWER:,} rows", "dds", FEWER, {}, None),
    ("mutual kNN, k = 10", "mutual_knn", ROWS, {}, 6.0),
    ("CKNNA, k = 10", "cknna", ROWS, {}, None),
    ("Procrustes", "procrustes", ROWS, {}, None),
]
AS_IT_COMES = {f"RSA, {FEWER:,} rows", f"DDS, {FEWER:,} rows", "mutual kNN, k = 10"}
"""Also timed with chance level and interval as they come."""


def tables() -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    first = rng.standard_normal((ROWS, COLUMNS))
    second = np.tanh(first @ rng.standard_normal((COLUMNS, COLUMNS)) / 30)
    return first, second


def jobs(first: Any, second: Any) -> Iterator[tuple[str, Callable[[], object], float | None]]:
    """Yield every measure that can be imported, value only, and a few as they come."""
    bare = {"n_permutations": 0, "n_draws": 0}
    for what, function, rows, options, limit in MEASURES:
        try:
            measure = getattr(importlib.import_module(f"{PACKAGE}.{function}"), function)
        except ImportError:
            print(f"left out, not importable: {what}", file=sys.stderr)
            continue
        pair = first[:rows], second[:rows]
        yield what, lambda f=measure, p=pair, o=options: f(*p, **o, **bare), limit
        if what in AS_IT_COMES:
            yield f"{what}, as it comes", lambda f=measure, p=pair, o=options: f(*p, **o), None
    from negtransfer.metrics.similarity.streaming_cka import streaming_cka

    def stream(size: int) -> object:
        return streaming_cka(
            (first[k : k + size], second[k : k + size]) for k in range(0, ROWS, size)
        )

    for size in (256, 1000):
        yield f"streaming CKA, batches of {size:,}", lambda s=size: stream(s), None


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def timed(first: Any, second: Any) -> tuple[float, list[tuple[str, float, float | None]]]:
    """Return the processor seconds of the product, and of every job with its limit."""
    unit = min(seconds(lambda: first.T @ second) for _ in range(3))
    found = []
    for what, job, limit in jobs(first, second):
        spent: list[float] = []
        while len(spent) < 5 and sum(spent) < PATIENCE:
            spent.append(seconds(job))
            unit = min(unit, seconds(lambda: first.T @ second))
        found.append((what, min(spent), limit))
        print(f"{what}: {min(spent):.3f} s", file=sys.stderr)
    return unit, found


def table(unit: float, found: list[tuple[str, float, float | None]]) -> str:
    lines = [
        "# Time of measures of two representations", "",
        f"`python -m benchmarks.similarity_speed`, one thread, {ROWS:,} rows unless said, "
        f"{COLUMNS:,} columns a side. Ratio: processor time to that of one X.T @ Y of the whole "
        f"tables ({unit:.2f} s). Value only unless said.",
        "", "| what | processor seconds | ratio | limit |", "|---|---|---|---|",
    ]  # fmt: skip
    for what, spent, limit in found:
        lines.append(f"| {what} | {spent:.3f} | {spent / unit:.2f} | {limit or ''} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write and print the table."""
    text = table(*timed(*tables()))
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if all(os.environ.get(name) == value for name, value in THREADS.items()):
        main()
    else:
        # Threads must be set before NumPy is loaded.
        command = [sys.executable, "-m", "benchmarks.similarity_speed"]
        sys.exit(subprocess.run(command, env=os.environ | THREADS, check=False).returncode)
