"""What transferability scores cost, each against one singular value decomposition.

    python -m benchmarks.transferability_speed             # some minutes
    python -m benchmarks.transferability_speed --peers tllib=PATH logme=PATH

10,000 rows, 512 columns, 100 classes, 1,000 source classes. Times are processor seconds on one
thread over those of numpy.linalg.svd(X, full_matrices=False) of the same table in the same
process, the smallest of up to five turns of each; the decomposition takes its turns between
them. "Value only" is without chance level and interval. With --peers, ranking functions of
checkouts of thuml/Transfer-Learning-Library (tllib) and thuml/LogME (logme) run in the same
process; where numba is not installed, their compiled loop runs uncompiled. The table goes to
transferability_speed.md.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
ROWS, COLUMNS, CLASSES, SOURCE_CLASSES = 10_000, 512, 100, 1000
PATIENCE = 6.0  # seconds after which a score gets no further turn
TOGETHER = "H-score, shrunken H-score, LogME and TransRate together"
LIMITS = {TOGETHER: 0.35}
PACKAGE = "negtransfer.metrics.transferability"

# name, function (also the name of its module), what it takes, options
SCORES = [
    (TOGETHER, "spectral_scores", "features", {}),
    ("H-score", "h_score", "features", {}),
    ("shrunken H-score", "shrunken_h_score", "features", {}),
    ("LogME", "logme", "features", {}),
    ("LogME without intercept", "logme", "features", {"fit_intercept": False}),
    ("TransRate", "transrate", "features", {}),
    ("NCE", "nce", "source classes", {}),
    ("LEEP", "leep", "probabilities", {}),
    ("GBC, diagonal, 64 components", "gbc", "features", {}),
    ("SFDA", "sfda", "features", {}),
    ("PARC, 2,000 rows", "parc", "features", {}),
    ("PACTran-Gauss", "pactran", "features", {"variant": "gauss"}),
    ("kNN, leave one out", "knn_probe", "features", {}),
    ("linear probe, 5 folds", "linear_probe", "features", {}),
    ("NLEEP, 5 components a class", "nleep", "features", {}),
]
DEFAULTS = {TOGETHER, "LEEP"}
"""Also timed with chance level and interval as they come."""


def inputs() -> dict[str, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, ROWS)
    centres = rng.standard_normal((CLASSES, COLUMNS))
    noise = rng.standard_normal((ROWS, COLUMNS))
    features = (noise + centres[labels]) * np.arange(1, COLUMNS + 1) ** -0.6
    logits = 2 * rng.standard_normal((ROWS, SOURCE_CLASSES))
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return {
        "labels": labels, "features": features, "probabilities": shares,
        "source classes": shares.argmax(axis=1),
    }  # fmt: skip


def ours(given: dict[str, Any]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield every score that can be imported, value only, and a few as they come."""
    bare = {"n_permutations": 0, "n_draws": 0}
    for name, function, takes, options in SCORES:
        try:
            score = getattr(importlib.import_module(f"{PACKAGE}.{function}"), function)
        except ImportError:
            print(f"left out, not importable: {name}", file=sys.stderr)
            continue
        pair = given[takes], given["labels"]
        yield name, lambda s=score, p=pair, o=options: s(*p, **o, **bare)
        if name in DEFAULTS:
            yield f"{name}, as it comes", lambda s=score, p=pair, o=options: s(*p, **o)


def peers(paths: dict[str, Path], given: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the functions of checkouts that were named."""
    if importlib.util.find_spec("numba") is None:
        plain = types.ModuleType("numba")
        plain.njit = lambda function: function  # type: ignore[attr-defined]
        sys.modules.setdefault("numba", plain)
    features, labels, shares = (given[k] for k in ("features", "labels", "probabilities"))
    if "tllib" in paths:
        folder = paths["tllib"] / "tllib" / "ranking"
        found = {name: loaded(folder / f"{name}.py") for name in
                 ("hscore", "logme", "transrate", "leep")}  # fmt: skip
        yield "tllib H-score", lambda: found["hscore"].h_score(features, labels)
        shrunken = found["hscore"].regularized_h_score
        yield "tllib shrunken H-score", lambda: shrunken(features, labels)
        evidence = found["logme"].log_maximum_evidence
        yield "tllib LogME", lambda: evidence(features, labels)
        yield "tllib TransRate", lambda: found["transrate"].transrate(features, labels)
        leep = found["leep"].log_expected_empirical_prediction
        yield "tllib LEEP", lambda: leep(shares, labels)
    if "logme" in paths:
        module = loaded(paths["logme"] / "LogME.py")
        yield "LogME repository", lambda: module.LogME(regression=False).fit(features, labels)


def loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"peer_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def timed(jobs: list[tuple[str, Callable[[], object]]], features: Any) -> dict[str, float]:
    """Return the smallest processor seconds of every job; the decomposition's under "svd"."""
    import numpy as np

    best: dict[str, float] = {"svd": float("inf")}
    for name, job in jobs:
        spent = [seconds(job)]
        while len(spent) < 5 and sum(spent) < PATIENCE:
            spent.append(seconds(job))
        best[name] = min(spent)
        unit = seconds(lambda: np.linalg.svd(features, full_matrices=False))
        best["svd"] = min(best["svd"], unit)
        print(f"{name}: {best[name]:.3f} s", file=sys.stderr)
    return best


def table(best: dict[str, float]) -> str:
    unit = best.pop("svd")
    lines = [
        "# Time of transferability scores", "",
        f"`python -m benchmarks.transferability_speed`, one thread, {ROWS:,} rows, {COLUMNS} "
        f"columns, {CLASSES} classes, {SOURCE_CLASSES:,} source classes. Ratio: processor time to "
        f"that of one numpy.linalg.svd of the same table ({unit:.2f} s). Value only unless said.",
        "", "| what | processor seconds | ratio | limit |", "|---|---|---|---|",
    ]  # fmt: skip
    for name, spent in best.items():
        lines.append(f"| {name} | {spent:.3f} | {spent / unit:.2f} | {LIMITS.get(name, '')} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    """Write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", nargs="*", default=[], metavar="NAME=PATH")
    named = [entry.split("=", 1) for entry in parser.parse_args(arguments).peers]
    given = inputs()
    jobs = [*ours(given), *peers({name: Path(path) for name, path in named}, given)]
    text = table(timed(jobs, given["features"]))
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if all(os.environ.get(name) == value for name, value in THREADS.items()):
        main(sys.argv[1:])
    else:
        # Threads must be set before NumPy is loaded.
        command = [sys.executable, "-m", "benchmarks.transferability_speed", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=os.environ | THREADS, check=False).returncode)
