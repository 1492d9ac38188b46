"""Learners that were not tried: predicted from the linear pilot, beside the verdict."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import HistGradientBoostingClassifier

from negtransfer import preflight
from negtransfer.diagnostics.document import Diagnosis
from negtransfer.diagnostics.predictor import cheap_to_dear
from negtransfer.diagnostics.predictor.terms import GROUPS, LEARNERS, STRATEGIES
from negtransfer.reports import _untried_words, render_html, render_text


def cancer(*, flipped: float = 0.0, n_target: int = 60):
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order], y[order]
    wrong = np.random.default_rng(1).random(200) < flipped
    rest = slice(200, 200 + n_target)
    return {
        "source": (X[:200], np.where(wrong, 1 - y[:200], y[:200])),
        "target": (X[rest], y[rest]),
    }


@pytest.fixture(scope="module")
def found():
    return preflight(**cancer(), learner="linear", budget=5)


def test_every_dear_learner_that_was_not_tried_is_there_with_its_measured_strategies(found):
    assert [one.learner for one in found.untried] == list(LEARNERS)
    known = cheap_to_dear.shipped().about["strategies"]
    for one in found.untried:
        names = [part.strategy for part in one.gaps]
        assert names
        assert set(names) <= set(known[one.learner]) <= set(STRATEGIES)
        losses = {part.strategy: part.gap.expected_loss for part in one.gaps}
        assert losses[one.strategy] == min(losses.values())
        assert one.piloted == "linear"
        assert one.sentence.endswith("predicted from the linear pilot and not tried.")


def test_each_gap_is_a_prediction_with_its_parts(found):
    for one in found.untried:
        for part in one.gaps:
            gap = part.gap
            assert gap.low < gap.estimate < gap.high
            assert [c.group for c in gap.contributions] == list(GROUPS)
            assert sum(c.value for c in gap.contributions) == pytest.approx(gap.estimate, abs=1e-9)
            assert gap.pilot_estimate is None
            assert gap.in_calibrated_range
            assert "another learner" in gap.method


def test_the_verdict_is_that_of_the_learners_tried(found):
    assert found.verdict.learner == "linear"
    assert found.verdict.gap in [row.gap for row in found.strategies]


def test_learners_that_were_tried_are_not_predicted():
    both = preflight(**cancer(n_target=40), budget=30, strategies="pooled")
    assert [one.learner for one in both.untried] == ["boosting", "network"]
    own = preflight(
        **cancer(n_target=40),
        budget=60,
        strategies="pooled",
        learner=["linear", HistGradientBoostingClassifier(max_iter=10, random_state=0)],
    )
    assert [one.learner for one in own.untried] == ["forest", "network"]


@pytest.mark.parametrize(
    "given",
    [{"learner": "forest"}, {"metric": "roc_auc"}],
    ids=["no linear pilot", "a metric not measured with them"],
)
def test_nothing_is_said_where_nothing_was_learned(given):
    result = preflight(**cancer(n_target=40), budget=5, strategies="pooled", **given)
    assert result.untried == []
    assert "Not tried" not in render_text(result)
    assert "Learners that were not tried" not in render_html(result)


def test_without_target_labels_nothing_is_said():
    sides = cancer()
    result = preflight(source=sides["source"], target=sides["target"][0], budget=5)
    assert result.untried == []


def test_noise_in_the_labels_of_the_source_raises_the_chance_of_harm(found):
    bad = preflight(**cancer(flipped=1.0), learner="linear", budget=5)
    for one, other in zip(found.untried, bad.untried, strict=True):
        p, q = (
            next(part.gap.p_harm for part in which.gaps if part.strategy == "source-only")
            for which in (one, other)
        )
        assert p < q
        assert q > 0.9


def test_quantities_are_predicted_too():
    X, y = load_diabetes(return_X_y=True)
    result = preflight(
        source=(X[:200], y[:200]), target=(X[200:260], y[200:260]), learner="linear", budget=5
    )
    assert [one.learner for one in result.untried] == list(LEARNERS)
    assert "target sd" in result.untried[0].sentence


def test_text_and_page_show_it(found):
    page = render_html(found)
    line = _untried_words.in_short(found)
    assert line.endswith("predicted from the linear pilot")
    assert all(f"{one.learner} " in line for one in found.untried)
    assert "Learners that were not tried" in page
    for one in found.untried:
        assert one.learner in page


def test_documents_of_before_have_none(found):
    old = json.loads(found.to_json())
    del old["untried"]
    old["schema_version"] = "1.3.0"
    again = Diagnosis.from_json(json.dumps(old))
    assert again.untried == []
    assert "Learners that were not tried" not in render_html(again)


def test_hostile_names_in_a_document_are_escaped(found):
    old = json.loads(found.to_json())
    old["untried"][0]["learner"] = "<script>alert(1)</script>\x1b[31m"
    old["untried"][0]["title"] = "<b>x</b>"
    again = Diagnosis.from_json(json.dumps(old))
    assert "<script>alert" not in render_html(again)
    assert "\x1b" not in render_text(again)
    assert "\x1b" not in _untried_words.in_short(again)


def test_the_terminal_shows_it_where_there_is_room(found):
    verdict = found.verdict.model_copy(update={"reasons": [], "counter_reasons": []})
    short = found.model_copy(update={"verdict": verdict})
    assert "Not tried    forest" in render_text(short)
    assert len(render_text(found).splitlines()) < 25


def test_the_shipped_model_names_the_committed_tables():
    cases = pytest.importorskip("benchmarks.predictor.cases", reason="benchmarks are not installed")
    table = pytest.importorskip("benchmarks.outcomes.table")
    about = cheap_to_dear.shipped().about
    assert about["outcomes_sha256"] == cases.table_hash(table.read())
    assert about["pilots_sha256"] == cases.table_hash(table.read_evidence("pilot"))
