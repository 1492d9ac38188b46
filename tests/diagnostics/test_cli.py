"""The command line used as meant: demo, check, report, schema, explain."""

import json
import sys
import time

import numpy as np
import pandas as pd
import pytest

from negtransfer.diagnostics._progress import Reporter
from negtransfer.diagnostics.checks import CHECKS
from negtransfer.diagnostics.cli import main, parse_budget
from negtransfer.diagnostics.errors import InputError


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs the command line here: (exit code, stdout, stderr)."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["negtransfer", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        shown = capsys.readouterr()
        return int(stop.value.code or 0), shown.out, shown.err

    return call


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for side in ("source", "target"):
        X = rng.normal(size=(120, 3))
        frame = pd.DataFrame(X, columns=list("abc")).assign(y=np.where(X[:, 0] > 0, "yes", "no"))
        paths.append(tmp_path / f"{side}.csv")
        frame.to_csv(paths[-1], index=False)
    return paths


QUICK = ("--label", "y", "--learner", "linear", "--budget", "10s", "--no-progress")


def test_check_prints_a_verdict_and_writes_what_is_asked(run, files, tmp_path):
    page, result = tmp_path / "r.html", tmp_path / "r.json"
    code, out, err = run("check", *files, *QUICK, "--html", page, "--json", result)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) < 25
    assert lines[0] == "● transfer"
    assert lines[-1].startswith("verdict=transfer gap=")
    assert f"html={page}" in lines[-1]
    assert json.loads(result.read_text(encoding="utf-8"))["verdict"]["label"] == "transfer"
    assert "<h1" in page.read_text(encoding="utf-8")


def test_formats_for_programs(run, files):
    _, out, _ = run("check", *files, *QUICK, "--format", "json")
    assert json.loads(out)["schema_version"] == "1.4.0"
    _, out, _ = run("check", *files, *QUICK, "--format", "quiet")
    assert len(out.splitlines()) == 1
    assert out.startswith("verdict=")


def test_the_command_in_the_document_repeats_the_check(run, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = tmp_path / "first.json"
    run("check", "source.csv", "target.csv", *QUICK, "--seed", "3", "--json", first)
    command = json.loads(first.read_text(encoding="utf-8"))["command"]
    assert command.startswith("negtransfer check source.csv target.csv --label y")
    second = tmp_path / "second.json"
    run(*command.split()[1:], "--json", second)
    assert first.read_bytes() == second.read_bytes()


def test_report_renders_again_without_computing(run, files, tmp_path):
    result, page = tmp_path / "r.json", tmp_path / "again.html"
    run("check", *files, *QUICK, "--json", result)
    code, out, _ = run("report", result, "--html", page)
    assert code == 0
    assert out.strip() == f"html={page}"
    assert "<h1" in page.read_text(encoding="utf-8")


def test_schema_is_json_schema(run):
    code, out, _ = run("schema")
    assert code == 0
    schema = json.loads(out)
    assert schema["$schema"].startswith("https://json-schema.org")
    assert {"verdict", "checks", "strategies"} <= set(schema["properties"])


def test_explain_lists_all_and_tells_one(run):
    _, out, _ = run("explain")
    assert [line.split()[0] for line in out.splitlines()] == sorted(CHECKS)
    code, out, _ = run("explain", "nt302")
    assert code == 0
    assert "concept shift" in out


def test_help_names_the_exit_codes(run):
    code, out, _ = run("--help")
    assert code == 0
    assert "Exit codes" in out
    assert all(name in out for name in ("check", "demo", "report", "schema", "explain"))
    code, out, _ = run("--version")
    assert out.startswith("negtransfer 0.")


@pytest.mark.slow
def test_the_demo_comes_out_three_ways_and_leaves_its_reports(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("demo", "--no-progress")
    assert code == 0
    names = [f"negtransfer-demo-{slug}" for slug in ("diabetes", "digits", "tumours")]
    labels = []
    for name in names:
        assert (tmp_path / f"{name}.html").stat().st_size < 1_000_000
        document = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
        labels.append(document["verdict"]["label"])
        assert f"{name}.html" in out
    assert labels == ["transfer", "do-not-transfer", "not-enough-evidence"]
    assert str(tmp_path) in out


@pytest.mark.parametrize(
    ("text", "seconds"), [("60", 60), ("60s", 60), ("2m", 120), ("0.5h", 1800), (" 7 s ", 7)]
)
def test_budgets(text, seconds):
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "abc", "-1s", "1d", "1e3"])
def test_budgets_that_are_none(text):
    with pytest.raises(InputError, match="60s"):
        parse_budget(text)


def test_progress_is_silent_for_two_seconds_and_then_speaks(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with Reporter() as report:
        report("pilot", 1, 10)
        assert capsys.readouterr().err == ""
        now[0] = 6.0
        report("pilot", 5, 10)
        assert capsys.readouterr().err == "negtransfer: pilot, 5 of 10 (6 s)\n"
    with Reporter(enabled=False) as report:
        now[0] = 60.0
        report("pilot", 5, 10)
        assert capsys.readouterr().err == ""
