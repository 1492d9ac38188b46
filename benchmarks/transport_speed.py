"""What the fast paths of the transport measures cost, each against its own unavoidable part.

Sliced Wasserstein: 200 permutations, their own drawing and sorting included, against projecting
and sorting the pooled rows once (d = 50, 100 directions).  OTDD: the value, inner problems
included, against POT's exact solver for its outer problem alone (10 classes, d = 20).  The
reference implementation of OTDD (microsoft/otdd) does not run on current torch (it calls
torch.symeig, which is gone), so it is not timed.  Medians of several runs, one thread.

    python -m benchmarks.transport_speed
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from negtransfer.metrics.divergence._otdd_ground import Ground
from negtransfer.metrics.divergence._sliced_permutation import sliced_statistics

DIRECTIONS, PERMUTATIONS = 100, 200


def seconds(work: Callable[[], object], runs: int) -> float:
    """Return the median wall time of some runs, after one that is not counted."""
    work()
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def sliced(rows: int) -> tuple[float, float]:
    """Return the seconds of projecting and sorting, and of the permutations on top."""
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

    return seconds(project_and_sort, 15), seconds(permute, 15)


def labelled(rows: int) -> tuple[float, float]:
    """Return the seconds of POT's solver for the outer problem, and of the whole OTDD value."""
    import ot

    rng = np.random.default_rng(0)
    centres = rng.normal(scale=2.0, size=(10, 20))
    y, z = (rng.integers(0, 10, rows) for _ in "st")
    X = centres[y] + rng.normal(size=(rows, 20))
    Z = centres[z] + rng.normal(0.3, size=(rows, 20))
    ground = Ground(
        task="classification", inner="exact", outer="exact", label_weight=1.0, shrink=True,
        halved=False, epsilon=1.0, tolerance=1e-6, max_iter=1, annealing=None, largest=1.0,
    )  # fmt: skip
    cost = ground.cost((X, y), (Z, z))
    outer = seconds(lambda: ot.emd2([], [], cost, numItermax=10**9), 3)
    return outer, seconds(lambda: ground.distance((X, y), (Z, z)), 3)


def main() -> None:
    """Print both tables."""
    with threadpool_limits(1):
        print("rows a side   project + sort   200 permutations   ratio")
        for rows in (1000, 2000, 5000):
            once, permuted = sliced(rows)
            print(f"{rows:11,} {once:14.4f} s {permuted:16.4f} s {permuted / once:7.2f}")
        outer, whole = labelled(2000)
        print(f"OTDD at 2,000 rows a side: {whole:.2f} s, outer solver {outer:.2f} s, ", end="")
        print(f"ratio {whole / outer:.2f}")


if __name__ == "__main__":
    main()
