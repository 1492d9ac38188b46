"""Gaps in other metrics than accuracy and RMSE are predicted too, and say what from."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, make_classification
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier

from negtransfer import preflight
from negtransfer.diagnostics.pilot import METRICS
from negtransfer.diagnostics.predictor import other_metrics
from negtransfer.diagnostics.predictor.other_metrics import (
    GROUPS,
    MEASURED,
    OtherMetrics,
    measured_as,
    shipped,
    terms,
)
from negtransfer.diagnostics.predictor.terms import METRICS as USUAL
from negtransfer.diagnostics.predictor.terms import STRATEGIES

BASE = {
    "mean": 0.02, "spread": 0.05, "metric_gap": 0.04, "metric_se": 0.06, "pilot_se": 0.03,
    "pilot_proper_gap": 0.01, "pilot_proper_se": 0.01, "n_labels": 50.0,
}  # fmt: skip
CLASSES = [name for name, metric in METRICS.items() if "binary" in metric.tasks]
QUANTITIES = [name for name, metric in METRICS.items() if "regression" in metric.tasks]


def rows(n: int = 1, *, strategy: str = "pooled", **other: object):
    found = {key: np.full(n, value, dtype=float) for key, value in BASE.items()}
    found |= {key: np.broadcast_to(np.asarray(v, dtype=float), n) for key, v in other.items()}
    return {**found, "strategy": np.full(n, strategy)}


def cancer(seed: int = 0, *, flipped: float = 0.0, n_target: int = 60):
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    X, y = X[order], y[order]
    wrong = np.random.default_rng(seed + 1).random(200) < flipped
    rest = slice(200, 200 + n_target)
    return {
        "source": (X[:200], np.where(wrong, 1 - y[:200], y[:200])),
        "target": (X[rest], y[rest]),
    }


def of(result, strategy: str):
    return next(row.gap for row in result.strategies if row.strategy == strategy and row.gap)


def test_every_metric_of_the_user_is_covered():
    assert {measured_as(name) for name in METRICS} == {*USUAL, *MEASURED}
    assert set(shipped().models) == set(MEASURED)


def test_terms_have_the_units_of_the_metric():
    names = ("mean", "spread", "metric_gap", "metric_se", "pilot_se")
    twice = {name: 2 * BASE[name] for name in names}
    np.testing.assert_allclose(terms(rows(**twice))[1], 2 * terms(rows())[1])


@pytest.mark.parametrize("metric", MEASURED)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_contributions_sum_to_the_prediction(metric, strategy):
    model = shipped().of(metric)
    found = model.predict(rows(4, strategy=strategy, metric_gap=[-0.1, 0, 0.05, 0.3]))
    np.testing.assert_allclose(found.contributions.sum(axis=1), found.mean, atol=1e-12)
    assert found.contributions.shape == (4, len(GROUPS))
    assert (found.spread > 0).all()


@pytest.mark.parametrize("metric", MEASURED)
@pytest.mark.parametrize("strategy", ["source-only", "pooled", "pooled-equal-weight"])
def test_harm_grows_with_what_pilot_and_model_say(metric, strategy):
    z = np.linspace(-4, 4, 17)
    found = (
        shipped()
        .of(metric)
        .predict(
            rows(
                17, strategy=strategy, mean=z * 0.02, metric_gap=z * 0.06, pilot_proper_gap=z * 0.01
            )
        )
    )
    p = found.above(0.0)
    assert (np.diff(p) > -0.05).all()
    assert p[0] < 0.3
    assert p[-1] > 0.7


def test_the_models_survive_their_own_json():
    text = shipped().to_json()
    assert OtherMetrics.from_json(text).to_json() == text
    stored = json.loads(text)
    stored["mae"]["mean"].pop("gap")
    with pytest.raises(ValueError, match="other terms"):
        OtherMetrics.from_json(json.dumps(stored))


def test_the_shipped_models_name_the_committed_tables():
    cases = pytest.importorskip("benchmarks.predictor.cases", reason="benchmarks are not installed")
    table = pytest.importorskip("benchmarks.outcomes.table")
    about = shipped().about
    assert about["metrics_sha256"] == cases.table_hash(table.read_evidence("metrics"))
    assert about["pilots_sha256"] == cases.table_hash(table.read_evidence("pilot"))
    assert about["outcomes_sha256"] == cases.table_hash(table.read())


@pytest.mark.parametrize("metric", sorted(set(CLASSES) - set(USUAL)))
def test_gaps_of_classes_are_predicted_in_the_users_metric(metric):
    result = preflight(**cancer(), learner="linear", metric=metric, budget=5)
    gap = result.gap
    assert result.metric.name == metric
    assert [part.group for part in gap.contributions] == list(GROUPS)
    assert sum(part.value for part in gap.contributions) == pytest.approx(gap.estimate, abs=1e-9)
    assert gap.low < gap.estimate < gap.high
    assert gap.own_draw[1] - gap.own_draw[0] > gap.high - gap.low
    assert gap.in_calibrated_range
    assert result.reference.n_pairs == shipped().about["pairs"]
    assert result.reference.cases
    assert result.verdict.label != "do-not-transfer"
    # Break-even was judged in every metric; what labels are worth, and until known, was not.
    assert result.outlook.sentence.endswith(".")
    assert result.outlook.worth is None
    assert result.outlook.until_known_sentence.endswith(f"cannot be said in {metric}.")


@pytest.mark.parametrize("metric", sorted(set(QUANTITIES) - set(USUAL)))
def test_gaps_of_quantities_are_predicted_in_the_users_metric(metric):
    X, y = load_diabetes(return_X_y=True)
    result = preflight(
        source=(X[:200], y[:200]), target=(X[200:260], y[200:260]), learner="linear",
        metric=metric, budget=5,
    )  # fmt: skip
    assert [part.group for part in result.gap.contributions] == list(GROUPS)
    assert result.reference.cases
    assert result.verdict.label != "do-not-transfer"


def test_r2_and_the_squared_error_are_one():
    X, y = load_diabetes(return_X_y=True)
    sides = {"source": (X[:200], y[:200]), "target": (X[200:260], y[200:260])}
    one, two = (
        preflight(**sides, learner="linear", metric=metric, budget=5).gap
        for metric in ("r2", "mse")
    )
    assert one == two


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_harm_rises_with_noise_in_the_labels_of_the_source(metric):
    p = []
    for share in (0.0, 1.0):
        sides = cancer(1, flipped=share, n_target=40)
        result = preflight(**sides, learner="linear", metric=metric, strategies="pooled", budget=5)
        p.append(of(result, "pooled").p_harm)
    assert p[0] < 0.6
    assert p[1] > 0.95


def test_two_checks_in_another_metric_give_the_same_document():
    one, two = (
        preflight(**cancer(), learner="linear", metric="roc_auc", budget=5).to_json()
        for _ in range(2)
    )
    assert one == two


@pytest.mark.parametrize(
    ("learner", "inside"),
    [
        (ExtraTreesClassifier(20, random_state=0), True),
        (KNeighborsClassifier(), False),
        (HistGradientBoostingClassifier(max_iter=20, random_state=0), False),
    ],
)
def test_learners_not_measured_in_the_metric_are_outside(learner, inside):
    result = preflight(**cancer(), learner=learner, metric="brier", strategies="pooled", budget=5)
    assert result.gap.in_calibrated_range is inside
    assert any("learner" in words for words in result.gap.outside) is not inside
    if not inside:
        assert result.verdict.label not in ("transfer", "transfer-with-adaptation")


@pytest.mark.parametrize(("metric", "inside"), [("brier", False), ("accuracy", True)])
def test_more_labels_than_were_measured_in_the_metric_are_outside(metric, inside):
    X, y = make_classification(1000, 6, random_state=0)
    result = preflight(
        source=(X[:300], y[:300]), target=(X[300:], y[300:]), learner="linear", metric=metric,
        strategies="pooled", budget=5,
    )  # fmt: skip
    assert result.gap.in_calibrated_range is inside
    assert any("number of target labels" in words for words in result.gap.outside) is not inside


def test_the_margin_is_the_users():
    narrow, wide = (
        preflight(**cancer(), learner="linear", metric="roc_auc", margin=margin, budget=5).gap
        for margin in (0.001, 0.2)
    )
    assert wide.p_clear_harm < narrow.p_clear_harm


def test_the_file_is_small():
    from importlib import resources

    file = resources.files("negtransfer.diagnostics.predictor").joinpath(other_metrics.FILE)
    assert len(file.read_bytes()) < 120_000
