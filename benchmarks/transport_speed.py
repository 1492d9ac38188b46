"""What the fast paths of the transport measures cost, on one thread, in processor seconds.

Sliced Wasserstein: 200 permutations, their own drawing and sorting included, against projecting
and sorting the pooled rows once (d = 50, 100 directions). OTDD (10 classes, d = 20): the value,
inner problems included, against POT's exact solver for its outer problem alone, and against the
reference implementation, microsoft/otdd, in the same process; the latter where a checkout of
it is named. The tables go to transport_speed.md.

    python -m benchmarks.transport_speed [--otdd FOLDER]     # about two minutes with the peer
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
DIRECTIONS, PERMUTATIONS = 100, 200
ROWS, ENTREG = 2000, 0.1


def seconds(work: Callable[[], object], runs: int) -> tuple[float, Any]:
    """Return the median processor time of some runs, after one not counted, and what came out."""
    import numpy as np

    found, taken = work(), []
    for _ in range(runs):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return float(np.median(taken)), found


def sliced(rows: int) -> tuple[float, float]:
    """Return the seconds of projecting and sorting, and of the permutations on top."""
    import numpy as np

    from negtransfer.metrics.divergence._sliced_permutation import sliced_statistics

    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(rows, 50)), rng.normal(0.1, size=(rows, 50))
    theta = rng.normal(size=(50, DIRECTIONS))
    theta /= np.linalg.norm(theta, axis=0)
    u, v = X @ theta, Y @ theta

    def project_and_sort() -> object:
        # As the measure itself does: each side of (n, L) along its rows, then pooled.
        return np.argsort(np.concatenate([X @ theta, Y @ theta]).T, axis=1)

    def permute() -> object:
        return sliced_statistics(u, v, PERMUTATIONS, np.random.default_rng(1))

    return seconds(project_and_sort, 15)[0], seconds(permute, 15)[0]


def labelled(rows: int) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return two samples of rows with their classes."""
    import numpy as np

    rng = np.random.default_rng(0)
    centres = rng.normal(scale=2.0, size=(10, 20))
    y, z = (rng.integers(0, 10, rows) for _ in "st")
    X = centres[y] + rng.normal(size=(rows, 20))
    return (X, y), (centres[z] + rng.normal(0.3, size=(rows, 20)), z)


def plain(inner: str, outer: str, samples: Any, annealing: float | None = None) -> Any:
    """Return the ground cost of OTDD between two samples, halved as the peer's."""
    from negtransfer.metrics.divergence._otdd_ground import Ground, _squared_diameter

    return Ground(
        task="classification", inner=inner, outer=outer, label_weight=1.0,  # type: ignore[arg-type]
        shrink=False, halved=True, epsilon=ENTREG, tolerance=1e-6, max_iter=2000,
        annealing=annealing, largest=_squared_diameter(*samples),
    )  # fmt: skip


def against_parts() -> str:
    """Return a sentence on OTDD and POT's solver for its outer problem."""
    import ot

    samples = labelled(ROWS)
    ground = plain("exact", "exact", samples)
    cost = ground.cost(*samples)
    outer, _ = seconds(lambda: ot.emd2([], [], cost, numItermax=10**9), 3)
    whole, _ = seconds(lambda: ground.distance(*samples), 3)
    return (
        f"OTDD at {ROWS:,} rows a side: {whole:.2f} s, of which POT's exact solver of the outer "
        f"problem {outer:.2f} s; ratio {whole / outer:.2f}."
    )


def against_peer(peer: Any) -> list[str]:
    """Return a table of times and values of microsoft/otdd and of ours."""
    lines = [
        "Values are the peer's, half the mean cost of a move without a root; its inner problem "
        "is set to exact transport or to normal laws, its outer one is the default (debiased "
        f"Sinkhorn, entreg {ENTREG}, double precision). The first four compute one value, the "
        "last is a whole call, with ten half-samples and ten halves.", "",
        "| inner | what | processor seconds | times the peer's | value |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for inner in ("exact", "gaussian"):
        first = None
        for name, call in compared(peer, inner).items():
            spent, found = seconds(call, 1 if name.startswith("`") else 3)
            first = spent if first is None else first
            lines.append(f"| {inner} | {name} | {spent:.2f} | {spent / first:.2f} | {found:.6f} |")
    return lines


def compared(peer: Any, inner: str) -> dict[str, Callable[[], float]]:
    """Return what is timed for one inner problem, the peer first."""
    from benchmarks import _otdd_peer
    from negtransfer.metrics import otdd

    samples = (X, y), (Z, z) = labelled(ROWS)

    def whole() -> float:
        options: Any = {"inner": inner, "shrink": False, "halved": True}
        return otdd(X, Z, source_labels=y, target_labels=z, **options).value

    annealed = plain(inner, "sinkhorn", samples, annealing=0.5)
    converged, exact = plain(inner, "sinkhorn", samples), plain(inner, "exact", samples)
    return {
        "microsoft/otdd": lambda: _otdd_peer.value(peer, *samples, inner=inner, entreg=ENTREG),
        "ours, outer problem by the same annealed iteration": lambda: annealed.distance(*samples),
        "ours, the same problem until it converges": lambda: converged.distance(*samples),
        "ours, outer problem exact (the default)": lambda: exact.distance(*samples),
        "`otdd` as it is": whole,
    }


def report(folder: str | None) -> list[str]:
    """Return the lines of transport_speed.md."""
    from benchmarks import _otdd_peer

    lines = [
        "# Time of the transport measures", "",
        "`python -m benchmarks.transport_speed --otdd FOLDER`, one thread, processor seconds, "
        "medians of several runs in one process.", "",
        f"Sliced Wasserstein, 50 columns, {DIRECTIONS} directions:", "",
        f"| rows a side | project and sort | {PERMUTATIONS} permutations | ratio |",
        "|---|---|---|---|",
    ]  # fmt: skip
    for rows in (1000, 2000, 5000):
        once, permuted = sliced(rows)
        lines.append(f"| {rows:,} | {once:.4f} | {permuted:.4f} | {permuted / once:.2f} |")
    lines += ["", against_parts(), "", "OTDD and its reference implementation:", ""]
    peer, why = _otdd_peer.find(folder)
    return lines + ([why] if peer is None else against_peer(peer))


def main() -> None:
    """Write and print all tables."""
    from threadpoolctl import threadpool_limits

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--otdd", help="top folder of a clone of github.com/microsoft/otdd")
    folder = parser.parse_args().otdd
    with threadpool_limits(1):
        lines = report(folder)
    print("\n".join(lines))
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if all(os.environ.get(name) == value for name, value in THREADS.items()):
        main()
    else:
        # Threads must be set before NumPy is loaded.
        command = [sys.executable, "-m", "benchmarks.transport_speed", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=os.environ | THREADS, check=False).returncode)
