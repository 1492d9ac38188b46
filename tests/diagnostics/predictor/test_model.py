"""The shipped model: sums of contributions, proper distributions, and where it comes from."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negtransfer.diagnostics.predictor import cheap_to_dear, other_metrics
from negtransfer.diagnostics.predictor.model import GapModel, Rest, shipped
from negtransfer.diagnostics.predictor.no_labels_evidence import DISTANCES
from negtransfer.diagnostics.predictor.other_metrics import OtherMetrics
from negtransfer.diagnostics.predictor.reference import from_bytes, shipped_reference, to_bytes
from negtransfer.diagnostics.predictor.terms import GROUPS, STRATEGIES, terms

BASE = {
    "pilot_gap": 0.02, "pilot_se": 0.03, "pilot_proper_gap": 0.01, "pilot_proper_se": 0.01,
    "pilot_apart": 0.15, "source_z": 0.5, "pooled_z": 0.2, "base": 0.2, "base_proper": 0.15,
    "constant_proper": 0.25, "home_proper": 0.14, "joint_proper": 0.16, "scale_ratio": 1.0,
    "n_labels": 50.0, "n_source": 500.0, "n_columns": 10.0, "n_held_out": 50.0, "regression": 0.0,
    "shift_auc": 0.7, "shift_energy": 0.1, "shift_outside": 0.1, "shift_predicted_shift": 0.1,
}  # fmt: skip


def rows(n: int = 1, *, strategy: str = "pooled", learner: str = "linear", **other: object):
    found = {key: np.full(n, value, dtype=float) for key, value in BASE.items()}
    found |= {key: np.broadcast_to(np.asarray(v, dtype=float), n) for key, v in other.items()}
    return {**found, "strategy": np.full(n, strategy), "learner": np.full(n, learner)}


def test_terms_have_the_units_of_the_metric():
    one = rows(pilot_se=0.1, pilot_gap=0.2, pilot_apart=0.4)
    two = rows(pilot_se=0.2, pilot_gap=0.4, pilot_apart=0.8)
    np.testing.assert_allclose(terms(two)[1], 2 * terms(one)[1])


def test_names_of_terms_are_distinct_and_their_groups_known():
    names, X, spread_names, Z = terms(rows(3))
    assert len({name for name, _ in names}) == len(names) == X.shape[1]
    assert {group for _, group in names} == set(GROUPS)
    assert len(set(spread_names)) == len(spread_names) == Z.shape[1]


def test_distances_that_are_not_known_say_nothing():
    names = [f"shift_{name}" for name in DISTANCES]
    found = shipped().predict(rows(2, **{name: [np.nan, 0.5] for name in names}))
    inputs = found.contributions[:, GROUPS.index("how far apart the inputs are")]
    assert inputs[0] == 0
    assert inputs[1] != 0
    assert np.isfinite(found.spread).all()


def test_what_is_left_is_read_between_its_places():
    rest = Rest(np.array([-1.0, 1.0]), np.array([[-2.0, 0.0], [0.0, 4.0]]))
    found = rest.of(np.array([-9.0, -1.0, 0.0, 0.5, 1.0, 9.0]))
    np.testing.assert_allclose(
        found, [[-2, 0], [-2, 0], [-1, 2], [-0.5, 3], [0, 4], [0, 4]]
    )  # fmt: skip


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_contributions_sum_to_the_prediction(strategy):
    found = shipped().predict(rows(4, strategy=strategy, pilot_gap=[-0.1, 0, 0.05, 0.3]))
    np.testing.assert_allclose(found.contributions.sum(axis=1), found.mean, atol=1e-12)
    assert (found.spread > 0).all()


def test_quantiles_and_probabilities_agree():
    found = shipped().predict(rows())
    for level in (0.05, 0.2, 0.5, 0.8, 0.95):
        at = found.quantile(level)
        assert 1 - found.above(at) == pytest.approx(level, abs=1e-9)
    far = np.array([-10.0, -1.0, 0.0, 1.0, 10.0])
    p = [float(found.above(x)[0]) for x in far]
    assert p == sorted(p, reverse=True)
    assert p[0] > 0.999
    assert p[-1] < 0.001


def test_the_own_draw_is_less_certain_than_the_mean():
    model = shipped()
    mean, own = (model.predict(rows(), target) for target in ("mean", "draw"))
    width = [float((p.quantile(0.9) - p.quantile(0.1))[0]) for p in (mean, own)]
    assert width[1] > width[0]


@given(cost=st.floats(1, 10), more=st.floats(0.1, 5))
@settings(max_examples=20, deadline=None)
def test_the_dearer_a_harm_the_larger_the_expected_loss(cost, more):
    found = shipped().predict(rows())
    assert found.expected(cost=cost + more)[0] >= found.expected(cost=cost)[0]


@pytest.mark.parametrize("regression", [0.0, 1.0])
@pytest.mark.parametrize("strategy", ["source-only", "pooled", "pooled-equal-weight"])
def test_harm_grows_with_what_the_pilot_saw(strategy, regression):
    z = np.linspace(-4, 4, 17)
    found = shipped().predict(
        rows(17, strategy=strategy, regression=regression, pilot_gap=z * 0.03,
             pilot_proper_gap=z * 0.01, source_z=z, pooled_z=z)
    )  # fmt: skip
    p = found.above(0.0)
    assert (np.diff(p) > -0.02).all()
    assert p[0] < 0.15
    assert p[-1] > 0.85


def test_the_model_survives_its_own_json():
    text = shipped().to_json()
    assert GapModel.from_json(text).to_json() == text
    stored = json.loads(text)
    stored["mean"].pop("gap")
    with pytest.raises(ValueError, match="other terms"):
        GapModel.from_json(json.dumps(stored))


def test_reference_cases_survive_their_own_archive_and_cover():
    known = shipped_reference()
    again = from_bytes(to_bytes(known))
    np.testing.assert_array_equal(again.names, known.names)
    np.testing.assert_allclose(again.predicted, known.predicted)
    inside = np.mean((known.observed >= known.low) & (known.observed <= known.high))
    assert 0.7 < inside < 0.9


def test_nearest_cases_of_a_known_case_are_of_its_kind():
    known = shipped_reference()
    near, others, n, coverage = known.near(
        {key: float(v) for key, v in BASE.items()}, strategy="pooled", learner="linear"
    )
    assert (
        n
        == (
            (known.strategy == "pooled")
            & ~known.regression
            & (known.learner == "linear")
            & (known.metric == "")
        ).sum()
    )
    assert not set(near) & set(others)
    assert set(known.metric[near]) == {""}
    assert set(known.strategy[near]) == {"pooled"}
    assert 0 < coverage < 1


def shared_tables():
    cases = pytest.importorskip("benchmarks.predictor.cases", reason="benchmarks are not installed")
    table = pytest.importorskip("benchmarks.outcomes.table")
    if not table.TABLE.exists():
        pytest.skip("the table of outcomes is not here")
    return cases, table


def test_the_shipped_model_names_the_committed_tables():
    cases, table = shared_tables()
    about = json.loads(
        resources.files("negtransfer.diagnostics.predictor").joinpath("model.json").read_text()
    )["about"]
    assert about["outcomes_sha256"] == cases.table_hash(table.read())
    assert about["pilots_sha256"] == cases.table_hash(table.read_evidence("pilot"))


@pytest.mark.slow
def test_the_shipped_model_is_what_the_committed_tables_give():
    shared_tables()
    fit = pytest.importorskip("benchmarks.predictor.fit")
    text, others, dear, _ = fit.shipped_files()
    again, known = GapModel.from_json(text), shipped()
    evidence = rows(5, pilot_gap=[-0.2, -0.02, 0.0, 0.05, 0.4])
    for strategy in STRATEGIES:
        here = {**evidence, "strategy": np.full(5, strategy)}
        a, b = again.predict(here), known.predict(here)
        # Other versions of numpy and scipy stop the search elsewhere.
        np.testing.assert_allclose(a.mean, b.mean, atol=2e-3)
        np.testing.assert_allclose(a.above(0.0), b.above(0.0), atol=0.01)
    for metric, model in OtherMetrics.from_json(others).models.items():
        now = other_metrics.shipped().models[metric]
        assert set(now.rest) == set(model.rest) == {"mean", "draw"}
        for key, rest in model.rest.items():
            np.testing.assert_allclose(now.rest[key].quantiles, rest.quantiles, atol=0.1)
        np.testing.assert_allclose(now.coefficients, model.coefficients, atol=0.02)
    again, known = GapModel.from_json(dear), cheap_to_dear.shipped()
    here = {**evidence, "learner": np.full(5, "boosting")}
    np.testing.assert_allclose(again.predict(here).mean, known.predict(here).mean, atol=2e-3)
