"""The check predicts its gaps: contributions, range, fallbacks, and planted harm."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from negtransfer import preflight
from negtransfer.diagnostics.predictor.calibrated import CalibratedPredictor
from negtransfer.diagnostics.predictor.terms import GROUPS


def cancer(n_target: int = 60, *, flipped: float = 0.0, seed: int = 0, n_source: int = 200):
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    X, y = X[order], y[order]
    wrong = np.random.default_rng(seed + 1).random(n_source) < flipped
    source_y = np.where(wrong, 1 - y[:n_source], y[:n_source])
    rest = slice(n_source, n_source + n_target)
    return {"source": (X[:n_source], source_y), "target": (X[rest], y[rest])}


@pytest.fixture(scope="module")
def found():
    return preflight(**cancer(), learner="linear", budget=10)


def test_gaps_are_predicted_and_their_parts_add_up(found):
    gap = found.gap
    assert [part.group for part in gap.contributions] == list(GROUPS)
    assert sum(part.value for part in gap.contributions) == pytest.approx(gap.estimate, abs=1e-9)
    assert gap.low < gap.estimate < gap.high
    assert gap.pilot_low <= gap.pilot_estimate <= gap.pilot_high
    assert gap.own_draw[1] - gap.own_draw[0] > gap.high - gap.low
    assert "measured transfers" in gap.method


def test_measured_transfers_stand_beside_the_prediction(found):
    reference = found.reference
    near = [case for case in reference.cases if case.near]
    assert near
    assert reference.strategy == found.verdict.gap_strategy
    assert reference.n_cases >= len(reference.cases)
    assert 0.6 < reference.coverage < 0.95


def test_an_outlook_is_given_with_its_interval(found):
    outlook = found.outlook
    assert outlook.n_labels == 60
    assert outlook.strategy == found.verdict.gap_strategy
    assert [point.n_labels for point in outlook.curve] == sorted(p.n_labels for p in outlook.curve)
    assert outlook.sentence.endswith(".")


@pytest.mark.parametrize("metric", [None, "roc_auc"])
def test_the_proper_score_rests_on_the_pilot_alone(metric):
    result = preflight(**cancer(), learner="linear", metric=metric, budget=10)
    gaps = [row.proper_gap for row in result.strategies if row.proper_gap]
    assert gaps
    assert all(gap.contributions == [] and gap.in_calibrated_range is None for gap in gaps)
    assert all("paired cross-validation" in gap.method for gap in gaps)


def test_more_labels_than_were_measured_rest_on_the_pilot_alone():
    X, y = load_breast_cancer(return_X_y=True)
    most = CalibratedPredictor(None, ()).most_labels()  # type: ignore[arg-type]
    big = np.tile(X[1::2], (10, 1)) + np.random.default_rng(0).normal(0, 1e-3, (2840, X.shape[1]))
    assert len(big) > most
    result = preflight(
        source=(X[::2], y[::2]), target=(big, np.tile(y[1::2], 10)), learner="linear", budget=10
    )
    assert result.gap.contributions == []


def test_a_learner_that_was_not_measured_is_outside_and_caps_the_verdict():
    result = preflight(**cancer(), learner=KNeighborsClassifier(), budget=10,
                       strategies="pooled")  # fmt: skip
    gap = result.gap
    assert gap.in_calibrated_range is False
    assert any("learner" in words for words in gap.outside)
    assert gap.low <= gap.pilot_low
    assert gap.high >= gap.pilot_high
    assert gap.own_draw[0] <= gap.pilot_low
    assert gap.own_draw[1] >= gap.pilot_high
    assert result.verdict.label not in ("transfer", "transfer-with-adaptation")


def test_an_estimator_of_a_measured_kind_is_inside():
    result = preflight(**cancer(), learner=LogisticRegression(C=0.3, max_iter=5000), budget=10)
    assert result.gap.in_calibrated_range


def test_harm_rises_with_noise_in_the_labels_of_the_source():
    p = [
        np.mean([
            next(
                row.gap.p_harm
                for row in preflight(
                    **cancer(40, flipped=share, seed=seed), learner="linear", budget=5,
                    strategies="pooled",
                ).strategies
                if row.strategy == "pooled"
            )
            for seed in (0, 1)
        ])
        for share in (0.0, 0.35, 1.0)
    ]  # fmt: skip
    assert p[0] < p[1] < p[2]
    assert p[0] < 0.5
    assert p[2] > 0.95


def test_quantities_are_predicted_too():
    X, y = load_diabetes(return_X_y=True)
    result = preflight(source=(X[:200], y[:200]), target=(X[200:260], y[200:260]), budget=10)
    assert result.task == "regression"
    assert result.gap.contributions
    assert result.verdict.label != "do-not-transfer"


def test_a_dearer_harm_never_makes_the_choice_bolder():
    data = cancer(30, flipped=0.2)
    loss = {}
    for cost in (1.0, 10.0):
        result = preflight(**data, learner="linear", harm_cost=cost, budget=5)
        loss[cost] = {row.strategy: row.gap.expected_loss for row in result.strategies if row.gap}
        assert result.harm_cost == cost
    assert all(loss[10.0][name] >= loss[1.0][name] for name in loss[1.0])


def test_the_margin_is_the_users():
    narrow, wide = (
        preflight(**cancer(), learner="linear", margin=margin, budget=5) for margin in (0.001, 0.2)
    )
    assert narrow.metric.margin == 0.001
    assert wide.gap.p_clear_harm < narrow.gap.p_clear_harm


@pytest.mark.parametrize("bad", [{"harm_cost": 0}, {"harm_cost": "x"}, {"margin": -1}])
def test_bad_settings_get_one_sentence(bad):
    from negtransfer.diagnostics.errors import InputError

    with pytest.raises(InputError, match="give a number above 0"):
        preflight(**cancer(), **bad)


def test_the_evidence_of_a_pilot_that_is_gone_is_not_taken_for_that_of_another():
    from dataclasses import replace

    from negtransfer.diagnostics.domain import Domain, align
    from negtransfer.diagnostics.learners import default_learners
    from negtransfer.diagnostics.pilot import resolve_metric, run_pilot
    from negtransfer.diagnostics.strategies import chosen_strategies

    given = cancer(40)
    pair = align(*(Domain.load(X, y=y, name=name) for name, (X, y) in given.items()))
    learner = default_learners(regression=False)[0]
    pilot = run_pilot(
        pair, [learner], resolve_metric(None, "binary"), strategies=chosen_strategies("default"),
        budget=5.0, n_jobs=1,
    )  # fmt: skip
    predictor = CalibratedPredictor(pair, [learner])
    home = pilot.home.frame.scale
    for i in range(1, 20):
        # Nothing holds on to the copy, so that the next one may get its id.
        found = predictor.evidence(replace(pilot, scale=float(i)), "linear")
        assert found["pooled"]["scale_ratio"] == i / home
