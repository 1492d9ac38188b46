"""What the README says about words, codes and commands is what the program does."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import get_args

import pytest

from negtransfer.diagnostics import cli, document, gate

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["demo", "test"])
def test_set_up_is_one_line(kind):
    marker = f"<!-- {kind} command -->\n\n"
    assert TEXT.count(marker) == 1
    after = TEXT.partition(marker)[2].splitlines()
    assert after[0].startswith("    ")
    assert not after[1].strip()
    steps = [step.strip() for step in after[0].split("&&")]
    assert steps[0] == "python3 -m venv .venv"
    assert shlex.split(steps[1])[1:4] == ["install", "-c", "constraints.txt"]
    assert steps[2] == {"demo": ".venv/bin/negtransfer demo", "test": ".venv/bin/pytest"}[kind]


def test_ci_runs_the_readme():
    assert "<!-- test command -->" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_five_words_and_the_codes():
    for word in get_args(document.Label):
        assert re.search(rf"\| `{word}` \|", TEXT), word
    codes = (gate.OK, gate.GATE, gate.USAGE, gate.INSUFFICIENT, gate.INTERNAL, gate.INTERRUPTED)
    assert [int(c) for c in re.findall(r"^\| (\d+) \|", TEXT, flags=re.M)] == list(codes)
    for choice in gate.FAIL_ON:
        assert f"`{choice}`" in TEXT, choice


def test_commands_and_options_exist():
    import typer

    group = typer.main.get_command(cli.app)
    for line in re.findall(r"^ {4}negtransfer (.+)$", TEXT, flags=re.M):
        words = shlex.split(line, comments=True)
        command = group.commands[words[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_folders_exist():
    for folder in re.findall(r"^\| `([\w./]+)/` \|", TEXT, flags=re.M):
        assert (ROOT / folder).is_dir(), folder


@pytest.mark.slow
def test_the_first_screen_is_what_the_demo_prints(tmp_path, monkeypatch, capsys):
    from negtransfer.diagnostics.demo import run_demo

    monkeypatch.chdir(tmp_path)
    assert run_demo(tmp_path) == 0
    shown = re.search(r"<!-- demo output -->\n```text\n(.*?)\n```\n", TEXT, flags=re.S)
    assert shown is not None
    assert f"\n\n{shown[1]}\n\n" in capsys.readouterr().out


def test_the_example_of_measures_runs(capsys):
    example = re.findall(r"```python\n(.*?)```", TEXT, flags=re.S)[1]
    assert "negtransfer.metrics" in example
    exec(compile(example, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed[1] in example


@pytest.mark.slow
def test_the_python_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    example = re.search(r"```python\n(.*?)```", TEXT, flags=re.S)
    assert example is not None
    exec(compile(example[1], "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    said = re.findall(r"# (\w.*)$", example[1], flags=re.M)
    assert printed[0] == said[0]
    assert printed[1].startswith(said[1].removesuffix(" ..."))
    assert (tmp_path / "tumours.html").exists()
