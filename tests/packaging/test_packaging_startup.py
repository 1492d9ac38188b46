"""What a fresh interpreter loads, and how long the command line takes to answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"numpy", "scipy", "sklearn", "pandas", "pyarrow", "torch", "matplotlib", "jinja2"}
MAIN = "from negtransfer.diagnostics.cli import main; main()"


def run(code: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter that finds this checkout, and say what it loaded."""
    report = (
        "import atexit, json, sys; "
        "atexit.register(lambda: print('LOADED', json.dumps(list("
        "sys.modules)), file=sys.stderr)); "
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".src")}
    return subprocess.run(
        [sys.executable, "-c", report + code, *arguments],
        cwd=cwd, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def loaded(finished: subprocess.CompletedProcess[str]) -> set[str]:
    names = json.loads(finished.stderr.rpartition("LOADED ")[2])
    return {*names, *(name.split(".")[0] for name in names)}


def test_import_is_light(tmp_path):
    finished = run("import negtransfer; dir(negtransfer)", cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert loaded(finished) & (HEAVY | {"typer", "rich", "pydantic"}) == set()


@pytest.mark.parametrize("words", [["--help"], ["check", "--help"], ["--version"]])
def test_help_is_light(words, tmp_path):
    finished = run(MAIN, *words, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert loaded(finished) & (HEAVY | {"negtransfer.diagnostics.document"}) == set()


@pytest.mark.skipif(sys.platform == "win32", reason="no resource module to ask for CPU time")
def test_help_answers_in_half_a_second(tmp_path):
    """The processor's time of the best of five, which a busy machine changes little."""
    import resource

    def used() -> float:
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return spent.ru_utime + spent.ru_stime

    seconds = []
    for _ in range(5):
        before = used()
        assert run(MAIN, "--help", cwd=tmp_path).returncode == 0
        seconds.append(used() - before)
    assert min(seconds) < 0.5


def test_a_check_needs_no_torch(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("s", "t"):
        X = rng.normal(size=(60, 2))
        frame = pd.DataFrame(X, columns=["a", "b"]).assign(y=(X[:, 0] > 0).astype(int))
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    options = ("--label", "y", "--budget", "5", "--jobs", "1", "--html", "r.html")
    finished = run(MAIN, "check", "s.csv", "t.csv", *options, cwd=tmp_path)
    assert finished.returncode in (0, 1, 3), finished.stderr
    assert (tmp_path / "r.html").exists()
    assert "sklearn" in loaded(finished)
    assert loaded(finished) & {"torch", "matplotlib", "requests"} == set()


def test_the_module_is_the_command(tmp_path):
    """``python -m negtransfer`` and the console script are one."""
    finished = run("import runpy; runpy.run_module('negtransfer', run_name='__main__')",
                   "--version", cwd=tmp_path)  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.startswith("negtransfer ")
