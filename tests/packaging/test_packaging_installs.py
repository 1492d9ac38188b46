"""The wheel and the source archive, and installs of them with the oldest and newest packages.

These take minutes and need a package index; ``pytest -m slow tests/packaging`` runs them.
torch is held at one version: any other brings gigabytes, and no check loads it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
TORCH = "torch==2.13.0"
KEPT = ("metrics", "diagnostics", "reports", ".src", "LICENSE", "README.md", "pyproject.toml")
pytestmark = pytest.mark.slow


def call(*words: object, cwd: Path, limit: int = 900) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=limit
    )


def new_environment(folder: Path) -> Path:
    """Make an environment that holds nothing but pip, and return its Python."""
    venv.create(folder, with_pip=True)
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def install(python: Path, *words: object, cwd: Path) -> None:
    done = call(python, "-m", "pip", "install", "--quiet", *words, cwd=cwd)
    if done.returncode and not index_answers(python, cwd):
        pytest.skip("pip reaches no package index from here, so nothing can be installed")
    assert done.returncode == 0, done.stderr


def index_answers(python: Path, cwd: Path) -> bool:
    """Ask for one tiny package, so that only a missing index skips a test, never a bad bound."""
    probe = ("--dry-run", "--no-deps", "--ignore-installed", "--no-cache-dir", "iniconfig")
    return call(python, "-m", "pip", "install", *probe, cwd=cwd).returncode == 0


@pytest.fixture(scope="module")
def archives() -> Iterator[dict[str, Path]]:
    """Build a source archive from a clean copy, the wheel from it, and another directly."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        copy = work / "copy"
        for kept in KEPT:
            _copy(ROOT / kept, copy / kept)
        python = new_environment(work / "build-env")
        install(python, "build", cwd=work)
        for words in (["--outdir", "via"], ["--wheel", "--outdir", "direct"]):
            words[-1] = str(work / words[-1])
            done = call(python, "-m", "build", *words, copy, cwd=work)
            assert done.returncode == 0, done.stdout + done.stderr
        yield {
            "sdist": next((work / "via").glob("*.tar.gz")),
            "wheel": next((work / "via").glob("*.whl")),
            "direct": next((work / "direct").glob("*.whl")),
        }


def _copy(source: Path, target: Path) -> None:
    import shutil

    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(source, target, symlinks=True, ignore=ignored)
    else:
        shutil.copyfile(source, target)


def listed(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as file:
        return {name for name in file.namelist() if ".dist-info/" not in name}


def test_wheel_holds_the_package_and_nothing_else(archives):
    expected = {f"negtransfer/{name}" for name in ("__init__.py", "__main__.py", "py.typed")}
    for floor in ("metrics", "diagnostics", "reports"):
        expected |= {
            f"negtransfer/{path.relative_to(ROOT).as_posix()}"
            for path in (ROOT / floor).rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }
    assert "negtransfer/reports/templates/style.css" in expected
    assert listed(archives["wheel"]) == expected
    assert listed(archives["direct"]) == expected


def test_wheel_says_who_it_is(archives, pyproject):
    with zipfile.ZipFile(archives["wheel"]) as file:
        names = file.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        text = file.read(metadata).decode()
        (entry,) = (name for name in names if name.endswith("entry_points.txt"))
        assert "negtransfer = negtransfer.diagnostics.cli:main" in file.read(entry).decode()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert f"Version: {pyproject['project']['version']}\n" in text
    assert "License-Expression: Apache-2.0\n" in text


def test_source_archive_holds_the_real_folders(archives):
    with tarfile.open(archives["sdist"]) as file:
        names = {member.name.partition("/")[2] for member in file.getmembers() if member.isfile()}
    for name in (
        "pyproject.toml", "LICENSE", "README.md", "metrics/__init__.py", "reports/html.py",
        "reports/templates/style.css", "diagnostics/checks/__init__.py",
        ".src/negtransfer/py.typed",
    ):  # fmt: skip
        assert name in names
    assert not [name for name in names if name.startswith("benchmarks/")]


def oldest(dependencies: list[str]) -> list[str]:
    """Return the requirements with every lower bound as the version itself."""
    return [
        str(Requirement(text)).replace(">=", "==") for text in dependencies if "torch" not in text
    ]


@pytest.mark.parametrize("age", ["oldest", "newest"])
def test_demo_in_an_empty_environment(age, archives, pyproject, tmp_path):
    """Three of five comparable tools did not import after a plain install; this one has to."""
    python = new_environment(tmp_path / "env")
    wanted = oldest(pyproject["project"]["dependencies"]) if age == "oldest" else ["--upgrade"]
    install(python, archives["wheel"], TORCH, *wanted, cwd=tmp_path)
    here = tmp_path / "reports"
    here.mkdir()
    done = call(python, "-m", "negtransfer", "demo", "--no-progress", cwd=here)
    assert done.returncode == 0, done.stderr
    verdicts = re.findall(r"^verdict=(\S+) ", done.stdout, flags=re.M)
    assert verdicts == ["transfer", "do-not-transfer", "not-enough-evidence"]
    for slug, verdict in zip(("diabetes", "digits", "tumours"), verdicts, strict=True):
        assert (here / f"negtransfer-demo-{slug}.html").stat().st_size < 1_000_000
        result = json.loads((here / f"negtransfer-demo-{slug}.json").read_text(encoding="utf-8"))
        assert result["verdict"]["label"] == verdict
    for words in (["--help"], ["check", "--help"], ["explain", "NT302"], ["schema"]):
        assert call(python, "-m", "negtransfer", *words, cwd=here).returncode == 0
