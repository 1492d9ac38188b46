"""How predictions are judged: by hand, on small tables."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks.predictor import judge
from benchmarks.predictor.cases import Cases, rooted, table_hash
from benchmarks.predictor.fit import coefficients_of, left_out
from benchmarks.predictor.regression import quantiles
from negtransfer.diagnostics.predictor.terms import NUMBERS, terms


def test_auroc_by_hand():
    harm = np.array([True, False, True, False])
    assert judge.auroc(harm, np.array([0.9, 0.1, 0.4, 0.6])) == 0.75
    assert judge.auroc(harm, np.zeros(4)) == 0.5
    assert np.isnan(judge.auroc(np.ones(3, dtype=bool), np.arange(3.0)))


def test_brier_skill_is_zero_for_the_prevalence_and_one_for_the_truth():
    harm = np.array([True] * 3 + [False] * 7)
    assert judge.brier_skill(harm, np.full(10, 0.3)) == pytest.approx(0)
    assert judge.brier_skill(harm, harm.astype(float)) == pytest.approx(1)


def test_calibration_error_of_true_probabilities_is_small():
    rng = np.random.default_rng(0)
    p = rng.random(20_000)
    harm = rng.random(20_000) < p
    assert judge.calibration_error(harm, p) < 0.02
    assert judge.calibration_error(harm, np.clip(p + 0.2, 0, 1)) > 0.15


def decisions(**columns: list[float]) -> pd.DataFrame:
    n = len(columns["own"])
    keys = {name: ["x"] * n for name in judge.DECISION}
    keys["draw"] = [0] * n
    base = {"strategy": ["a", "b"], "gap": columns["own"], "clear": [False] * n, "draws": [8] * n}
    return pd.DataFrame({**keys, **base, **columns})


def test_a_strategy_is_taken_only_below_zero():
    table = decisions(own=[-0.1, 0.3], score=[0.2, 0.1])
    assert judge.choices(table, "score")["strategy"].tolist() == ["target-only"]
    assert judge.choices(table, "score")["own"].tolist() == [0.0]
    table = decisions(own=[-0.1, 0.3], score=[0.2, -0.1])
    assert judge.choices(table, "score")["own"].tolist() == [0.3]


def test_the_oracle_does_not_see_the_draw_it_is_judged_on():
    # Over the other seven draws `a` loses; on this draw it happens to win.
    table = decisions(own=[-0.8, 0.0], gap=[0.0, -0.1])
    assert judge.oracle(table)["strategy"].tolist() == ["b"]


def test_clear_harm_is_that_of_what_was_chosen():
    table = decisions(own=[0.1, 0.0], gap=[0.2, 0.1], clear=[True, False], score=[-1.0, 1.0])
    assert judge.choices(table, "score")["clear_harm"].tolist() == [True]


def test_quantiles_respect_weights():
    values = np.concatenate([np.zeros(10), np.ones(10)])
    heavy = np.concatenate([np.full(10, 9.0), np.full(10, 1.0)])
    assert np.mean(quantiles(values, heavy) < 0.5) == pytest.approx(0.9, abs=0.06)


def generated(n: int = 800, seed: int = 0) -> Cases:
    rng = np.random.default_rng(seed)
    evidence = {name: np.full(n, 1.0) for name in NUMBERS}
    se = rng.uniform(0.01, 0.1, n)
    truth = rng.normal(0, 0.05, n)
    pilot = truth + se * rng.normal(size=n)
    evidence |= {
        "pilot_gap": pilot, "pilot_se": se, "pilot_proper_gap": pilot, "pilot_proper_se": se,
        "pilot_apart": np.full(n, 0.1), "source_z": pilot / se, "pooled_z": pilot / se,
        "n_labels": np.full(n, 50.0), "regression": np.zeros(n),
        "strategy": np.full(n, "pooled"), "learner": np.full(n, "linear"),
    }  # fmt: skip
    families = np.array([f"f{i % 8}" for i in range(n)])
    columns = {"family": families, "set": families, "learner": "linear", "gap": truth}
    table = pd.DataFrame(columns | {"own": truth})
    return Cases(table, evidence)


def test_the_fit_shrinks_noise_and_knows_its_spread():
    data = generated()
    mean, spread = left_out(data, folds=4)
    truth = data.table["gap"].to_numpy()
    raw = np.mean((data.evidence["pilot_gap"] - truth) ** 2)
    assert np.mean((mean - truth) ** 2) < 0.7 * raw
    inside = np.mean(np.abs(truth - mean) < 2 * spread)
    assert 0.85 < inside <= 1


def test_the_fit_is_the_same_twice_and_whatever_the_order():
    data = generated(300)
    once, again = coefficients_of(data), coefficients_of(data)
    np.testing.assert_array_equal(once[0], again[0])
    mixed = coefficients_of(data.take(np.random.default_rng(1).permutation(300)))
    X = terms(data.evidence)[1]
    np.testing.assert_allclose(X @ once[0], X @ mixed[0], atol=2e-3)


def test_the_hash_sees_values_and_names_only():
    table = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    assert table_hash(table) == table_hash(table.copy())
    assert table_hash(table) != table_hash(table.assign(a=[1.0, 2.5]))
    assert table_hash(table) != table_hash(table.rename(columns={"a": "c"}))


def test_groups_without_cases_are_left_out():
    from benchmarks.predictor.page import _groups

    table = pd.DataFrame({
        "task": "regression", "learner": "linear", "n_labels": [20, 50],
        "strategy": ["stacking", "stacking"],
    })  # fmt: skip
    found = {name: int(rows.sum()) for name, rows in _groups(table)}
    assert found == {
        "all": 2, "regression": 2, "linear learner": 2, "20 labels": 1, "50 labels": 1,
        "stacking": 2,
    }  # fmt: skip


def test_half_of_the_draws_against_the_other_half():
    keys = dict.fromkeys(("family", "set", "source", "target", "learner", "strategy"), "x")
    table = pd.DataFrame({
        **keys, "task": "binary", "n_labels": 20, "draw": range(4), "gap": [0.1, 0.2, 0.3, 0.2],
    })  # fmt: skip
    (cell,) = judge.split_half(table).to_dict("records")
    assert (cell["a"], cell["b"]) == pytest.approx((0.2, 0.2))
    assert cell["se"] == pytest.approx(0.1)
    assert cell["clear"]
    harm = np.array([True, False])
    assert judge.brier_from(np.array([1.0, -1.0]), np.array([0.1, 0.1]), harm) > 0.99


def test_sets_and_learners_count_by_the_root_of_their_rows():
    table = pd.DataFrame({"set": ["a"] * 9 + ["b"], "learner": ["x"] * 10})
    weight = rooted(table, "set", "learner")
    assert weight.mean() == pytest.approx(1)
    assert weight[:9].sum() / weight[9] == pytest.approx(3)
    np.testing.assert_allclose(rooted(table, "learner"), 1)
