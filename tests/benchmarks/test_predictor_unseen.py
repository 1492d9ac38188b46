"""Tables for data sets that the shipped models have not seen, from a few measured pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from benchmarks.outcomes.table import AWAY, TEXTS, read, read_evidence
from benchmarks.predictor import __main__ as command
from benchmarks.predictor import break_even, cheap_to_dear, no_labels, no_labels_page
from benchmarks.predictor.cases import cases
from negtransfer.diagnostics.predictor import break_even as package
from negtransfer.diagnostics.predictor.model import Prediction
from negtransfer.diagnostics.predictor.no_labels_model import shipped

CLASSES, NUMBERS = "heart_disease", "wine_quality"
PAIRS = 3
STAGES = ("linear", "pilot", "no-labels", "checks", "metrics")


@pytest.fixture(scope="module")
def tables():
    """The committed tables of a few pairs of two data sets, by stage."""
    found = (read(), *(read_evidence(k) for k in ("pilot", "no_labels", "pairs", "metrics")))
    few = [table[table["set"].isin((CLASSES, NUMBERS))] for table in found]
    pairs = few[-1][["set", "source", "target"]].drop_duplicates().groupby("set").head(PAIRS)
    linear = [one[one["learner"] == "linear"] if "learner" in one else one for one in few]
    return dict(zip(STAGES, (one.merge(pairs) for one in linear), strict=True))


@pytest.fixture(autouse=True)
def committed(tables, monkeypatch):
    """What is read as the committed table, small."""
    monkeypatch.setattr(break_even, "read", lambda: texts(tables["linear"]))


def texts(table):
    """Return the table as the command has it before it is judged."""
    return table.astype({name: str for name in TEXTS if name in table})


def write(folder, tables):
    """Store tables as the runs of the stages do, a file for each data set; return the folder."""
    for stage, table in tables.items():
        (folder / stage).mkdir(parents=True)
        for name, part in table.groupby("set"):
            away = [column for column in part if column.startswith(AWAY)]
            raw = part.drop(columns=away).assign(**{"met": ""} if stage == "linear" else {})
            raw.to_parquet(folder / stage / f"{name}__all.parquet", index=False)
    return folder


def only(tables, name):
    return {stage: table[table["set"] == name] for stage, table in tables.items()}


def said_of(data):
    """Return a prediction: what the pilot found, with a normal doubt."""
    gap = data.table["pilot_gap"].to_numpy(dtype=np.float64)
    rest = norm.ppf((np.arange(99) + 0.5) / 99)
    n = len(gap)
    return Prediction(gap, np.full(n, 0.05), np.tile(rest, (n, 1)), np.empty((0, 0)))


def break_even_of(tables):
    outcomes = texts(tables["linear"])
    data = cases(outcomes, texts(tables["pilot"]))
    return break_even.unseen(outcomes, break_even.foreseen(data, said_of(data)))


def no_labels_of(tables):
    rows = no_labels.measured(texts(tables["linear"]), texts(tables["no-labels"]))
    return no_labels_page.unseen(rows, shipped())


def headings(text):
    return [line for line in text.splitlines() if line.startswith("## ")]


def test_every_section_is_printed(tables, tmp_path):
    text = command.report(write(tmp_path, tables), "two sets")
    last = [
        "## Break-even", "## Dear learners from the linear pilot", "## Other metrics",
        "## Without target labels",
    ]  # fmt: skip
    assert headings(text)[-4:] == last
    assert "No transfer was measured with a dear learner" in text
    assert "## Sign" in text
    assert "`two sets`" in text
    assert "| regression | pooled | 20 |" in text
    assert "| error of the source model, regression |" in text


@pytest.mark.parametrize(("name", "absent"), [(CLASSES, "regression"), (NUMBERS, "classification")])
def test_one_kind_of_task_of_one_family_is_enough(tables, tmp_path, name, absent):
    text = command.report(write(tmp_path, only(tables, name)), name)
    assert len(headings(text)) == len(set(headings(text)))
    assert f"\n| {absent} |" not in text


@pytest.mark.parametrize("left_out", ["pilot", "no-labels", "checks", "metrics"])
def test_a_stage_without_cases_leaves_the_others_as_they_are(tables, tmp_path, left_out):
    some = {k: v for k, v in only(tables, CLASSES).items() if k != left_out}
    text = command.report(write(tmp_path, some), "few")
    said = {
        "pilot": "No pilot on `few`", "no-labels": no_labels_page.NOTHING,
        "metrics": "No gap was measured in another metric.",
    }  # fmt: skip
    for stage, sentence in said.items():
        assert (sentence in text) == (stage == left_out)


def test_nothing_measured_is_said(tmp_path):
    (tmp_path / "linear").mkdir()
    pd.DataFrame().to_parquet(tmp_path / "linear" / "a__b__c.parquet")
    assert command.report(tmp_path, "empty") == (
        "No transfer between the domains of `empty` could be measured.\n"
    )


def test_break_evens_are_those_of_the_package(tables, monkeypatch):
    found = []
    monkeypatch.setattr(break_even, "DRAWS", package.DRAWS)
    monkeypatch.setattr(break_even, "table_of", lambda judged: found.append(judged) or "")
    break_even_of(tables)
    (judged,) = found
    assert set(judged["strategy"]) == set(break_even.JUDGED)
    for row in judged.groupby(["kind", "strategy"]).head(2).itertuples():
        one = package.break_even(
            row.mean, row.sd, row.n_labels, max(row.base, break_even.LEAST),
            strategy=row.strategy, regression=row.kind == "regression",
        )  # fmt: skip
        assert (row.at, row.low90, row.high90) == pytest.approx((one.n, one.low, one.high))


def test_usual_crossings_come_from_the_committed_table(tables, monkeypatch):
    usual = []
    real = break_even.predicted_crossings

    def noted(held, curves, seen):
        usual.append(seen)
        return real(held, curves, seen)

    monkeypatch.setattr(break_even, "predicted_crossings", noted)
    break_even_of(only(tables, NUMBERS))
    assert set(usual[0]["set"]) == {CLASSES, NUMBERS}


def test_break_even_leaves_out_what_has_no_cases(tables):
    some = only(tables, NUMBERS)
    some["pilot"] = some["pilot"][some["pilot"]["strategy"] != "pooled"]
    lines = break_even_of(some).splitlines()[2:]
    assert {line.split(" | ")[1] for line in lines[2:]} == {
        "source-only", "pooled-equal-weight", "all",
    }  # fmt: skip
    assert not any("nan" in line for line in lines)
    some["linear"] = some["linear"][some["linear"]["n_labels"] <= 20]
    assert break_even_of(some).startswith("No pilot is of a curve")


def test_without_labels_predictions_are_those_of_the_shipped_model(tables):
    rows = no_labels.measured(texts(tables["linear"]), texts(tables["no-labels"]))
    for answer in ("gap", "error"):
        found = no_labels_page.by_model(rows, answer, shipped())
        evidence = found.rows.evidence
        one = shipped().heads[answer].predict({k: v[:1] for k, v in evidence.items()})
        assert found.p_above[0] == pytest.approx(one.above(0.0)[0])
        low, high = found.interval[0.9]
        assert (low[0], high[0]) == pytest.approx((one.quantile(0.05)[0], one.quantile(0.95)[0]))
        np.testing.assert_array_equal(found.truth, rows.of(answer)[1])


def test_without_labels_a_single_outcome_has_no_range(tables):
    some = only(tables, CLASSES)
    some["linear"] = some["linear"][some["linear"]["n_labels"] == 20]
    text = no_labels_of(some)
    assert "| 20 planned labels |" in text
    assert "| 50 planned labels |" not in text
    linear = some["linear"]
    worse = linear["error"].where(linear["strategy"] != "source-only", 1.0)
    some["linear"] = linear.assign(error=worse)
    assert "AUROC n/a, over clear cells n/a" in no_labels_of(some)


def test_dear_learners_are_judged_by_the_shipped_model(tables):
    every = read()
    pairs = tables["linear"][["set", "source", "target"]].drop_duplicates()
    outcomes = texts(every.merge(pairs))
    found = cheap_to_dear.unseen(outcomes, texts(tables["pilot"]))
    assert "| forest | shipped |" in found
    assert "| forest | raw linear pilot |" in found
