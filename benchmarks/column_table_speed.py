"""What the table of columns costs: 500,000 against 500,000 rows, against sorting the same columns.

Every column is drawn, sorted by NumPy and compared, one after the other, so that memory is that
of a few columns. By default no permutations: p-values are asymptotic, the null band is 10 halves
of either side. One thread. Prints seconds, the ratio to ``np.sort`` of the pooled columns in the
same run, and the peak of memory.

    python -m benchmarks.column_table_speed [--columns 100] [--rows 500000] [--permutations 0]
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from negtransfer.metrics import column_table

Column = NDArray[np.float64]


def columns(seed: int, rows: int, count: int, move: float = 0.0) -> Iterator[Column]:
    """Yield columns; every third repeats its values, every fifth is moved."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        values = rng.normal(move if number % 5 == 0 else 0.0, 1.0, rows)
        yield np.round(values, 2) if number % 3 == 0 else values


def timed_sort(rows: int, count: int) -> tuple[float, float]:
    """Return seconds of drawing all columns, and of sorting them pooled."""
    drawing = sorting = 0.0
    start = time.perf_counter()
    for x, y in zip(columns(0, rows, count), columns(1, rows, count, 0.02), strict=True):
        drawing += time.perf_counter() - start
        both = np.concatenate([x, y])
        start = time.perf_counter()
        np.sort(both)
        sorting += time.perf_counter() - start
        start = time.perf_counter()
    return drawing, sorting


def timed_table(rows: int, count: int, permutations: int) -> tuple[float, int]:
    """Return seconds of the table with drawing, and how many columns it calls moved."""
    start = time.perf_counter()
    found = column_table(
        columns(0, rows, count), columns(1, rows, count, 0.02), n_permutations=permutations
    )
    return time.perf_counter() - start, int(found.moved.sum())


def main() -> None:
    """Print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--permutations", type=int, default=0)
    options = parser.parse_args()
    with threadpool_limits(1):
        drawing, sorting = timed_sort(options.rows, options.columns)
        whole, moved = timed_table(options.rows, options.columns, options.permutations)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.rows} + {options.rows} rows, {options.columns} columns, "
          f"{options.permutations} permutations")  # fmt: skip
    table = whole - drawing
    print(f"np.sort {sorting:.1f} s, table {table:.1f} s: {table / sorting:.1f}x")
    print(f"{moved} columns called moved of {-(-options.columns // 5)}, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
