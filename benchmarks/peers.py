"""Our measures and those of other packages side by side: the same rows, the same number, the cost.

Whatever of POT, hyppo, dcor, geomloss and prdc is installed takes part; the others
are listed as absent. Nothing here is needed to use the package. Every time is a ratio to
forming one Gaussian kernel matrix in NumPy on the same rows in the same run, one thread.

    python -m benchmarks.peers
"""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist
from threadpoolctl import threadpool_limits

from negtransfer import metrics as ours

RESULT = Path(__file__).with_suffix(".md")
PEERS = ("POT", "geomloss", "dcor", "hyppo", "prdc")
MODULES = {"POT": "ot"}
SIZES = ((300, 10), (1000, 50))
PERMUTATIONS = 200
LEAN = {"n_splits": 1}


@dataclass(frozen=True)
class Row:
    """One number by us and by one peer."""

    what: str
    peer: str
    mine: Callable[[Any, Any], float]
    theirs: Callable[[Any, Any], float]
    remark: str = ""
    most_rows: int = 10**6


def sides(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two Gaussian samples, the second moved by 0.3 and stretched by 1.2."""
    rng = np.random.default_rng(7)
    return rng.standard_normal((n, d)), 0.3 + 1.2 * rng.standard_normal((n, d))


def kernel_matrix(X: np.ndarray, Y: np.ndarray) -> float:
    """Form the Gaussian kernel matrix of the pooled rows: the unit of time."""
    Z = np.vstack([X, Y])
    squares = (Z**2).sum(axis=1)
    K = np.exp(-(squares[:, None] + squares[None, :] - 2 * Z @ Z.T) / (2 * Z.shape[1]))
    return float(K[0, 1])


def median(X: np.ndarray, Y: np.ndarray) -> float:
    """Return the median distance of the pooled rows."""
    return float(np.median(pdist(np.vstack([X, Y]))))


def tensors(X: np.ndarray, Y: np.ndarray) -> tuple[Any, Any]:
    """Return both sides as torch tensors."""
    import torch

    return torch.as_tensor(X), torch.as_tensor(Y)


def geomloss(name: str, **options: Any) -> Callable[[Any, Any], float]:
    """Return a loss of geomloss as a function of arrays."""

    def call(X: np.ndarray, Y: np.ndarray) -> float:
        module = importlib.import_module("geomloss")
        blur = options.get("blur")
        given = {**options, **({"blur": blur(X, Y)} if callable(blur) else {})}
        return 2 * float(module.SamplesLoss(name, backend="tensorized", **given)(*tensors(X, Y)))

    return call


def pot(call: Callable[[Any, Any, Any], float]) -> Callable[[Any, Any], float]:
    """Return a function of arrays that is handed the package first."""
    return lambda X, Y: float(call(importlib.import_module("ot"), X, Y))


def uniform(X: np.ndarray) -> np.ndarray:
    """Return equal weights."""
    return np.full(len(X), 1 / len(X))


def dcor_test(X: np.ndarray, Y: np.ndarray) -> float:
    """Return the p-value of dcor's energy test."""
    dcor = importlib.import_module("dcor")
    found = dcor.homogeneity.energy_test(X, Y, num_resamples=PERMUTATIONS, random_state=0)
    return float(found.pvalue)


def hyppo_test(X: np.ndarray, Y: np.ndarray) -> float:
    """Return the p-value of hyppo's energy test by its chi-square approximation."""
    ksample = importlib.import_module("hyppo.ksample")
    return float(ksample.Energy().test(X, Y, auto=True)[1])


def prdc_density(X: np.ndarray, Y: np.ndarray) -> float:
    """Return the precision that prdc gives."""
    import contextlib
    import io

    prdc = importlib.import_module("prdc")
    with contextlib.redirect_stdout(io.StringIO()):
        return float(prdc.compute_prdc(X, Y, nearest_k=5)["precision"])


def epsilon(X: np.ndarray, Y: np.ndarray) -> float:
    """Return a tenth of the squared median distance."""
    return 0.1 * median(X, Y) ** 2


ROWS = (
    Row("squared MMD, biased, median width", "geomloss",
        lambda X, Y: ours.mmd(X, Y, estimator="biased", **LEAN).value,
        geomloss("gaussian", blur=median)),
    Row("energy distance, V", "dcor", lambda X, Y: ours.energy_distance(X, Y, **LEAN).value,
        lambda X, Y: float(importlib.import_module("dcor").energy_distance(X, Y))),
    Row("energy distance, V", "geomloss", lambda X, Y: ours.energy_distance(X, Y, **LEAN).value,
        geomloss("energy"), "the peer returns half of it and smooths the norm"),
    Row(f"energy test, {PERMUTATIONS} permutations: p", "dcor",
        lambda X, Y: ours.energy_test(X, Y, n_permutations=PERMUTATIONS).p_value, dcor_test),
    Row(f"energy test, {PERMUTATIONS} permutations: p", "hyppo",
        lambda X, Y: ours.energy_test(X, Y, n_permutations=PERMUTATIONS).p_value, hyppo_test,
        "the peer approximates, without permutations"),
    Row("Wasserstein-1, exact", "POT",
        lambda X, Y: ours.wasserstein(X, Y, n_splits=1, n_draws=2).value,
        pot(lambda ot, X, Y: ot.emd2(uniform(X), uniform(Y), ot.dist(X, Y, "euclidean"))),
        "ours also with interval and null band"),
    Row("sliced Wasserstein-2, 100 directions", "POT",
        lambda X, Y: ours.sliced_wasserstein(X, Y, p=2, n_splits=1, n_draws=2).value,
        pot(lambda ot, X, Y: ot.sliced_wasserstein_distance(X, Y, n_projections=100, seed=0)),
        "other random directions"),
    Row("Sinkhorn divergence, dual form", "geomloss",
        lambda X, Y: ours.sinkhorn_divergence(
            X, Y, epsilon=epsilon(X, Y), relative=False, n_splits=1, n_draws=2).value,
        geomloss("sinkhorn", p=2, blur=lambda X, Y: (epsilon(X, Y) / 2) ** 0.5, scaling=0.9),
        "the peer anneals, which leaves an error", 400),
    Row("Fréchet distance, squared", "POT",
        lambda X, Y: ours.frechet_distance(X, Y, n_splits=1, n_draws=2).value,
        pot(lambda ot, X, Y: ot.gaussian.empirical_bures_wasserstein_distance(X, Y) ** 2),
        "the peer divides by n and adds a ridge"),
    Row("precision of PRDC, k = 5", "prdc",
        lambda X, Y: ours.precision_recall_density_coverage(X, Y, n_splits=1, n_draws=2).value,
        prdc_density, "eight processes are fixed in the peer"),
)  # fmt: skip


def timed(call: Callable[[Any, Any], float], X: np.ndarray, Y: np.ndarray) -> tuple[float, float]:
    """Return the value and the processor seconds of the second call (the first warms up)."""
    value = call(X, Y)
    start = time.process_time()
    call(X, Y)
    return value, time.process_time() - start


def installed(peer: str) -> str | None:
    """Return the version of a peer, or None where it is absent or does not import."""
    try:
        importlib.import_module(MODULES.get(peer, peer))
        return version(peer)
    except (ImportError, PackageNotFoundError):
        return None


def main() -> None:
    """Run every pair that can be run and write the table."""
    there = {peer: installed(peer) for peer in PEERS}
    lines = [
        "# Side by side with other packages",
        "",
        "Made by `python -m benchmarks.peers`: two Gaussian samples of n rows each, the second",
        "moved by 0.3 and stretched by 1.2. A time is the processor time over that of forming",
        "the 2n x 2n Gaussian kernel matrix in NumPy in the same run, one thread. Ours return a",
        "value *and* its interval and null band, here with the fewest draws there can be.",
        "",
        "Took part: " + ", ".join(f"{p} {v}" for p, v in there.items() if v) + ". Absent: "
        + (", ".join(p for p, v in there.items() if not v) or "none") + ".",
        "",
        "| measure | n | d | ours | peer | peer's value | our time | peer's time | remark |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n, d in SIZES:
            X, Y = sides(n, d)
            unit = min(timed(kernel_matrix, X, Y)[1] for _ in range(5))
            for row in ROWS:
                if there[row.peer] is None or n > row.most_rows:
                    continue
                mine, mine_s = timed(row.mine, X, Y)
                theirs, theirs_s = timed(row.theirs, X, Y)
                lines.append(
                    f"| {row.what} | {n} | {d} | {mine:.5g} | {row.peer} | {theirs:.5g} | "
                    f"{mine_s / unit:.2g} | {theirs_s / unit:.2g} | {row.remark} |"
                )
                print(lines[-1], flush=True)
    RESULT.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
