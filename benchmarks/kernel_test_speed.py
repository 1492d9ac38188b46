"""Time and memory of the kernel two-sample tests, on one thread.

    python -m benchmarks.kernel_test_speed     # about a minute and a half

Times are processor seconds over those of forming one plain NumPy Gaussian kernel matrix of
the pooled rows (2000 x 2000, float64) in the same process, the smallest of several turns each,
taken in turns. Memory is the largest resident size of a process of its own. The table goes to
kernel_test_speed.md.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
TURNS = 25
ROWS, COLUMNS = 1000, 50
MANY = 10_000
LIMITS = {
    "one kernel": 1.5,
    "one kernel, median bandwidth and null band": 1.5,
    "20 kernels and 4 wide ones fused": 20.0,
}


def pair(rows: int) -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    return rng.standard_normal((rows, COLUMNS)), rng.standard_normal((rows, COLUMNS)) + 0.02


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def tests() -> dict[str, Callable[[], object]]:
    """Return the plain kernel matrix first, then what is held against it."""
    import numpy as np

    from negtransfer.metrics import energy_test, mmd_test

    X, Y = pair(ROWS)
    Z = np.vstack([X, Y])

    def matrix() -> Any:
        squares = (Z * Z).sum(axis=1)
        return np.exp(-(squares[:, None] + squares - 2 * Z @ Z.T) / (2 * COLUMNS))

    count = {"n_permutations": 200}
    return {
        "kernel matrix": matrix,
        "one kernel": lambda: mmd_test(
            X, Y, kernels="gaussian", bandwidth=7.0, n_splits=1, **count
        ),
        "one kernel, median bandwidth and null band": lambda: mmd_test(
            X, Y, kernels="gaussian", **count
        ),
        "20 kernels and 4 wide ones fused": lambda: mmd_test(X, Y, **count),
        "energy_test": lambda: energy_test(X, Y, **count),
    }  # fmt: skip


def ratios() -> dict[str, tuple[float, float]]:
    """Return seconds and ratio of every test."""
    from threadpoolctl import threadpool_limits

    calls = tests()
    best = dict.fromkeys(calls, float("inf"))
    with threadpool_limits(1):
        for _ in range(TURNS):
            for name, call in calls.items():
                best[name] = min(best[name], seconds(call))
    return {name: (found, found / best["kernel matrix"]) for name, found in best.items()}


def memory(test: str) -> tuple[float, float]:
    """Return seconds and largest resident megabytes of one test on many rows, from a process."""
    command = [sys.executable, "-m", "benchmarks.kernel_test_speed", "--many", test]
    done = subprocess.run(command, env=os.environ | THREADS, check=True, capture_output=True)
    spent, peak = done.stdout.decode().split()
    return float(spent), float(peak)


def many(test: str) -> None:
    from negtransfer.metrics import energy_test, mmd_test

    X, Y = pair(MANY)
    options: dict[str, Any] = {"n_permutations": 200, "max_rows": MANY}
    call = {"mmd_test": mmd_test, "energy_test": energy_test}[test]
    spent = seconds(lambda: call(X, Y, **options))
    print(spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Write and print both tables."""
    lines = [
        "# Time and memory of the kernel tests", "",
        f"`python -m benchmarks.kernel_test_speed`, one thread, n = m = {ROWS}, {COLUMNS} "
        "columns, 200 permutations. Ratio: to one plain NumPy Gaussian kernel matrix.", "",
        "| what | processor seconds | ratio | limit |", "|---|---|---|---|",
    ]  # fmt: skip
    for name, (spent, ratio) in ratios().items():
        lines.append(f"| {name} | {spent:.3f} | {ratio:.2f} | {LIMITS.get(name, '')} |")
    lines += [
        "", f"n = m = {MANY:,}, all rows used:", "",
        "| what | processor seconds | peak resident MB | limit |", "|---|---|---|---|",
    ]  # fmt: skip
    for test in ("mmd_test", "energy_test"):
        spent, peak = memory(test)
        lines.append(f"| {test} | {spent:.1f} | {peak:.0f} | 500 |")
    print("\n".join(lines))
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--many"]:
        many(sys.argv[2])
    elif all(os.environ.get(name) == value for name, value in THREADS.items()):
        main()
    else:
        # Threads must be set before NumPy is loaded.
        command = [sys.executable, "-m", "benchmarks.kernel_test_speed"]
        sys.exit(subprocess.run(command, env=os.environ | THREADS, check=False).returncode)
