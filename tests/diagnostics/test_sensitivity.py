"""The verdict over seeds: off by default, repeatable, and the same pilot as with that seed."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from negtransfer import Diagnosis, preflight
from negtransfer.diagnostics.cli import main
from negtransfer.diagnostics.document import json_schema
from negtransfer.diagnostics.gap import PairedCrossValidation


def sides(n=40, flip=0.5):
    """A source whose relation holds for a part of the target, so that folds can decide."""
    rng = np.random.default_rng(2)
    frames = []
    for rows, share in ((150, 0.0), (n, flip)):
        X = rng.normal(size=(rows, 3))
        sign = np.where(rng.random(rows) < share, -1, 1)
        y = np.where(sign * X[:, 0] + 0.7 * X[:, 1] > 0, "yes", "no")
        frames.append(pd.DataFrame(X, columns=list("abc")).assign(y=y))
    return frames


def quick(source, target, **options):
    options = {"label": "y", "budget": 5.0, "learner": "linear", "n_jobs": 1, **options}
    return preflight(source=source, target=target, **options)


@pytest.fixture(scope="module")
def several():
    return quick(*sides(), reruns=4)


def test_off_by_default_and_nothing_else_changes(several):
    plain = quick(*sides())
    assert plain.sensitivity == []
    update = {"sensitivity": [], "command": plain.command, "config": plain.config}
    assert several.model_copy(update=update) == plain
    assert several.to_json() == quick(*sides(), reruns=4).to_json()


def test_each_rerun_is_the_pilot_of_its_seed(several):
    assert [one.seed for one in several.sensitivity] == [1, 2, 3, 4]
    alone_counts = PairedCrossValidation()
    again = quick(*sides(), reruns=2, estimator=alone_counts)
    for one in again.sensitivity:
        alone = quick(*sides(), random_state=one.seed, estimator=alone_counts)
        gap = alone.verdict.gap
        assert (one.estimate, one.low, one.high) == (gap.estimate, gap.low, gap.high)
        assert one.p_harm == gap.p_harm
        assert (one.learner, one.gap_strategy) == (
            alone.verdict.learner,
            alone.verdict.gap_strategy,
        )
    assert len({one.estimate for one in several.sensitivity}) > 1


def test_it_is_in_the_document_and_its_schema(several):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(json.loads(several.to_json()), json_schema())
    assert Diagnosis.from_json(several.to_json()) == several
    assert several.config["reruns"].value == 4
    assert several.command.endswith("--reruns 4")


def test_a_document_of_before_has_none(several):
    data = json.loads(several.to_json())
    del data["sensitivity"]
    assert Diagnosis.from_json(json.dumps(data)).sensitivity == []


def test_without_a_pilot_there_is_nothing_to_repeat():
    source, target = sides()
    result = quick(source, target.drop(columns="y"), reruns=3)
    assert result.sensitivity == []
    assert any("no pilot that could be run again" in text for text in result.warnings)


def test_progress_names_the_reruns():
    stages = set()
    quick(*sides(), reruns=2, progress=lambda stage, done, total: stages.add((stage, done, total)))
    assert {("reruns", 0, 2), ("reruns", 1, 2)} <= stages


def test_the_command_line(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, frame in zip("st", sides(), strict=True):
        frame.to_csv(f"{name}.csv", index=False)
    words = ["check", "s.csv", "t.csv", "--label", "y", "--learner", "linear", "--budget", "5s",
             "--jobs", "1", "--no-progress", "--reruns", "3", "--html", "r.html"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["negtransfer", *words])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr().out
    assert "of 3 reruns" in shown
    assert len(shown.splitlines()) < 25
    assert "How fragile is this?" in (tmp_path / "r.html").read_text(encoding="utf-8")
