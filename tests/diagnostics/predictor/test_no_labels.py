"""Prediction without target labels: what it sees, what it cannot see, and that it says so."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from negtransfer import preflight
from negtransfer.diagnostics.domain import Domain, align
from negtransfer.diagnostics.errors import InputError
from negtransfer.diagnostics.learners import default_learners
from negtransfer.diagnostics.predictor import no_labels_model as models
from negtransfer.diagnostics.predictor.no_labels import (
    INVISIBLE,
    by_chance,
    rows,
    without_labels,
)
from negtransfer.diagnostics.predictor.no_labels_evidence import (
    PLANNED,
    Sides,
    unlabelled_evidence,
)
from negtransfer.diagnostics.predictor.no_labels_terms import NUMBERS, at_home, terms

ROOT = Path(__file__).resolve().parents[3]
LINEAR = default_learners(regression=False)[0]
RIDGE = default_learners(regression=True)[0]


def tables(*, n=300, m=200, move=0.0, scale=1.0, quantity=False, seed=0, columns=4):
    """Source and target of one rule; the target's inputs may be moved and stretched."""
    rng = np.random.default_rng(seed)
    sides = []
    for size, shift, wide in ((n, 0.0, 1.0), (m, move, scale)):
        X = wide * rng.normal(size=(size, columns)) + shift
        score = X[:, 0] - 0.5 * X[:, 1] + 0.7 * rng.normal(size=size)
        frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(columns)])
        sides.append(frame.assign(y=score if quantity else (score > 0).astype(int)))
    return sides


def pair(source, target, task=None):
    return align(
        Domain.load(source, label="y", name="source"),
        Domain.load(target, label="y", name="target", label_optional=True),
        task=task,
    )


@pytest.fixture(scope="module")
def alike():
    return without_labels(pair(*tables()), LINEAR)


@pytest.mark.parametrize("quantity", [False, True])
def test_reversed_labels_stay_invisible_and_the_sentence_says_so(quantity):
    source, target = tables(quantity=quantity)
    learner, task = (RIDGE, "regression") if quantity else (LINEAR, "binary")
    flipped = target.assign(y=-target["y"] if quantity else 1 - target["y"])
    straight = without_labels(pair(source, target, task), learner)
    turned = without_labels(pair(source, flipped, task), learner)
    assert straight == turned
    for word in ("Invisible", "concept shift", "other way round", "target labels"):
        assert word in turned.sentence


def test_target_labels_are_not_looked_at():
    source, target = tables()
    with_labels = without_labels(pair(source, target), LINEAR)
    assert without_labels(pair(source, target.drop(columns="y")), LINEAR) == with_labels


def test_identical_halves_raise_no_alarm(alike):
    few = [one for one in alike.planned if one.n_labels <= 100]
    assert {one.outcome for one in few} == {"cannot tell"}
    assert all(one.low <= one.gap <= one.high for one in alike.planned)
    assert alike.error_low <= alike.home <= alike.error_high


def test_more_planned_labels_make_harm_likelier(alike):
    chances = [one.p_harm for one in alike.planned]
    assert chances[-1] > chances[0]
    assert [one.n_labels for one in alike.planned] == list(PLANNED)
    crossing = alike.break_even
    assert crossing is None or alike.at(crossing).p_harm >= 0.5


@pytest.mark.parametrize("quantity", [False, True])
def test_a_shift_of_the_inputs_is_seen(quantity):
    learner, task = (RIDGE, "regression") if quantity else (LINEAR, "binary")
    found = []
    for move in (0.0, 2.0):
        sides = Sides.of_pair(pair(*tables(move=move, quantity=quantity), task=task))
        found.append(unlabelled_evidence(sides, learner, n_draws=2).numbers)
    near, far = found
    assert near["auc"] < 0.6 < 0.95 < far["auc"]
    for name in ("energy", "mean_shift", "outside", "predicted_shift"):
        assert far[name] > near[name] + 0.05
    assert far["effective"] < near["effective"]
    assert near["home"] == pytest.approx(far["home"], abs=0.1)
    gap = [without_labels(pair(*tables(move=m, quantity=quantity), task=task), learner).at(100)
           for m in (0.0, 4.0)]  # fmt: skip
    assert gap[1].p_harm > gap[0].p_harm


def test_estimates_follow_a_loss_of_confidence():
    """Inputs drawn towards the boundary: errors rise, and every estimate but none knows how."""
    rng = np.random.default_rng(3)
    source, target = tables(n=800, m=600, seed=3)
    keep = (target["c0"] - 0.5 * target["c1"]).abs() < 0.5
    near = target[keep].iloc[rng.permutation(int(keep.sum()))]
    found = unlabelled_evidence(Sides.of_pair(pair(source, near)), LINEAR, n_draws=2)
    for name in ("average", "difference", "thresholded"):
        assert found.estimates[name].value > found.numbers["home"] + 0.05
    truth = float((near["y"] != ((near["c0"] - 0.5 * near["c1"]) > 0)).mean())
    assert found.estimates["difference"].value == pytest.approx(truth, abs=0.1)


def test_the_curve_at_home_falls_and_ends_at_home():
    sides = Sides.of_pair(pair(*tables(n=900, columns=12)))
    numbers = unlabelled_evidence(sides, LINEAR, n_draws=2).numbers
    assert numbers["curve_20"] > numbers["curve_500"]
    planned = at_home(rows(numbers, (20, 35, 50, 1000)))
    assert planned[0] == numbers["curve_20"]
    assert planned[1] == pytest.approx(
        np.interp(math.log(35), [math.log(20), math.log(50)], planned[[0, 2]])
    )
    assert planned[3] == numbers["home"]


def test_the_same_seed_gives_the_same_answer(alike):
    both = pair(*tables())
    assert without_labels(both, LINEAR) == alike
    assert without_labels(both, LINEAR, seed=1) != alike
    chance = [by_chance(both, LINEAR, planned=50, n_splits=2) for _ in range(2)]
    np.testing.assert_array_equal(*chance)
    assert chance[0].shape == (2,)


def test_it_never_says_safe(alike):
    for move in (0.0, 3.0):
        found = without_labels(pair(*tables(move=move)), LINEAR)
        assert not {"safe", "helps", "likely to help"} & set(found.sentence.lower().split())
        assert INVISIBLE in found.sentence
        assert found.validity
        assert all(text.endswith(".") for text in found.validity)
        assert {one.outcome for one in found.planned} <= {"cannot tell", "likely hurts"}


def test_bad_input_is_refused_in_one_sentence():
    both = pair(*tables())
    for planned in ((), (5,), (20, 20), (2000,), (50.5,), ("a",)):
        with pytest.raises(InputError, match="planned"):
            without_labels(both, LINEAR, planned=planned)
    with pytest.raises(InputError, match="30 labelled rows"):
        without_labels(pair(*tables(n=30)), LINEAR)
    with pytest.raises(InputError, match="The target has 10 rows"):
        without_labels(pair(*tables(m=10)), LINEAR)
    source, target = tables()
    twins = pd.concat([source.iloc[:4]] * 50, ignore_index=True)
    with pytest.raises(InputError, match="alike"):
        without_labels(pair(twins, target), LINEAR)


def test_a_model_of_other_terms_is_refused():
    text = models.shipped().to_json()
    again = models.NoLabelModel.from_json(text)
    assert again.to_json() == text
    stored = json.loads(text)
    stored["gap"]["mean"]["another"] = 1.0
    with pytest.raises(ValueError, match="other terms"):
        models.NoLabelModel.from_json(json.dumps(stored))


def test_contributions_add_up(alike):
    numbers = unlabelled_evidence(Sides.of_pair(pair(*tables())), LINEAR, n_draws=2).numbers
    found = models.shipped().heads["gap"].predict(rows(numbers, PLANNED))
    np.testing.assert_allclose(found.contributions.sum(axis=1), found.mean, atol=1e-12)
    names, X, spread_names, Z = terms({name: np.ones(3) for name in NUMBERS})
    assert X.shape == (3, len(names))
    assert Z.shape == (3, len(spread_names))
    assert dataclasses.is_dataclass(found)


@pytest.fixture(scope="module")
def unlabelled_run():
    source, target = tables()
    return preflight(source=source, target=target.drop(columns="y"), label="y", budget=10.0)


def test_the_check_speaks_where_there_are_no_labels(unlabelled_run):
    check = unlabelled_run.check("NT502")
    assert check.state in ("insufficient", "warn")
    assert check.interval.low <= check.value <= check.interval.high
    assert check.null.source_quantiles is not None
    assert "half of the source" in check.null.what
    assert "Invisible" in check.message
    assert check.facts["chance_of_harm_at_500"] >= check.facts["chance_of_harm_at_20"]
    assert check.facts["validity"]
    assert unlabelled_run.verdict.label in ("not-enough-evidence", "caution")
    assert "NT502" in [reason.check_id for reason in unlabelled_run.verdict.reasons]
    json.loads(unlabelled_run.to_json())


def test_the_check_is_silent_where_a_pilot_ran():
    source, target = tables(m=120)
    found = preflight(source=source, target=target, label="y", budget=10.0, learner="linear")
    assert found.check("NT502").state == "not-applicable"


def test_the_check_says_why_it_cannot_be_run():
    source, target = tables(n=30)
    found = preflight(source=source, target=target.drop(columns="y"), label="y", budget=10.0)
    check = found.check("NT502")
    assert (check.state, check.value) == ("insufficient", None)
    assert "30 labelled rows" in check.message


def test_the_shipped_model_is_what_the_committed_tables_give(monkeypatch):
    stored = ROOT / "benchmarks" / "outcomes"
    for name in ("outcomes.parquet", "evidence_no_labels.parquet"):
        if not (stored / name).exists():
            pytest.skip(f"the table benchmarks/outcomes/{name} is not there")
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.predictor.no_labels import shipped_model

    fitted = shipped_model()
    shipped = models.shipped()
    for key in ("outcomes_sha256", "evidence_sha256", "rows", "families", "pairs"):
        assert shipped.about[key] == fitted.about[key]
    for name, head in shipped.heads.items():
        other = fitted.heads[name]
        np.testing.assert_allclose(head.coefficients, other.coefficients, rtol=0, atol=2e-3)
        np.testing.assert_allclose(head.rest, other.rest, rtol=0, atol=0.05)
