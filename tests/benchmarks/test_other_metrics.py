"""Gaps in other metrics: measured on the same cuts, joined with their pilots, and fitted."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.outcomes import evidence, measure, metrics, sets
from benchmarks.outcomes.arms import DRAWS, Stage
from benchmarks.predictor import other_metrics, other_metrics_page
from benchmarks.predictor.cases import Cases
from benchmarks.predictor.regression import location_scale


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """One pair of generated domains, its gaps in other metrics, and the usual errors."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "plain").mkdir()
    rng = np.random.default_rng(3)
    for name, shift in (("a", 0.0), ("b", 0.4)):
        X = rng.normal(size=(160, 3)) + shift
        frame = pd.DataFrame(X, columns=["u", "v", "w"])
        frame["y"] = np.where(X[:, 0] + 0.7 * rng.normal(size=160) > shift, "yes", "no")
        frame.to_parquet(folder / "plain" / f"{name}.parquet")
    index = [{"dataset": "plain", "task": "classification"}]
    (folder / "INDEX.json").write_text(json.dumps(index), encoding="utf-8")
    one = sets.all_sets(folder)[0]
    stage = Stage(
        "linear", "linear", metrics.MEASURED, metrics.STAGES["metrics"][1], range(DRAWS), 1
    )
    return evidence.collect_evidence(one, "a", "b", "metrics"), measure.measure_pair(
        one, "a", "b", stage
    )


def test_every_metric_strategy_and_number_of_labels_is_there_once(found):
    table, _ = found
    assert set(table["metric"]) == {"balanced_accuracy", "roc_auc", "brier", "log_loss"}
    assert set(table["n_labels"]) == {20, 50}
    assert set(table["strategy"]) == set(metrics.MEASURED) - {"source-recalibrated"}
    assert not table.duplicated(metrics.KEYS).any()
    assert (table["draws"] == DRAWS).all()


def test_gaps_are_those_of_the_same_cuts_measured_as_usual(found):
    table, usual = found
    keys = ["strategy", "n_labels", "draw"]
    wide = usual.set_index(keys)["second"].unstack("draw")  # the log-loss
    log_loss = table[table["metric"] == "log_loss"].set_index(["strategy", "n_labels"])
    for (strategy, n), row in log_loss.iterrows():
        gaps = wide.loc[(strategy, n)] - wide.loc[("target-only", n)]
        assert row["gap"] == pytest.approx(gaps.mean(), abs=1e-9)
        assert row["se"] == pytest.approx(gaps.sem(), abs=1e-9)
        assert row["own"] == pytest.approx(gaps[0], abs=1e-9)


def test_fewer_rows_than_are_held_out_leave_nothing(found, monkeypatch):
    monkeypatch.setattr(metrics, "MIN_TEST", 10_000)
    table, _ = found
    assert len(table)
    dataset = sets.DataSet("plain", "plain", False, ("a", "b"), None)  # type: ignore[arg-type]
    cut = measure.Cut(*(np.arange(3) for _ in range(3)))
    monkeypatch.setattr(metrics, "cut", lambda *a: cut)
    pair = type("Pair", (), {"task": "binary"})
    assert not list(metrics.in_other_metrics(dataset, None, pair, "a", "b", "metrics"))  # type: ignore[arg-type]


def test_coefficients_that_may_not_be_negative_are_not():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 3))
    y = X @ np.array([0.5, -0.4, 0.0]) + 0.1 * rng.normal(size=800)
    Z, weight = np.ones((800, 1)) + 0.01 * rng.normal(size=(800, 1)), np.ones(800)
    settings = {"penalty": 1.0, "max_iter": 500, "tolerance": 1e-10}
    free, _ = location_scale(X, Z, y, weight, **settings)  # type: ignore[arg-type]
    bound, _ = location_scale(X, Z, y, weight, not_negative=[True, True, False], **settings)  # type: ignore[arg-type]
    np.testing.assert_allclose(free, [0.5, -0.4, 0.0], atol=0.02)
    assert bound[0] == pytest.approx(0.5, abs=0.05)
    assert bound[1] == 0


def _planted(n_families: int = 12, each: int = 60):
    """Cases whose gap in the metric is twice the usual one, and a pilot that sees it with noise."""
    rng = np.random.default_rng(1)
    n = n_families * each
    truth = rng.normal(0, 0.05, n)
    keys = pd.DataFrame({
        "family": np.repeat([f"f{i}" for i in range(n_families)], each), "task": "binary",
        "source": [f"s{i}" for i in range(n)], "target": "t", "learner": "linear",
        "strategy": "pooled", "n_labels": 50,
    })  # fmt: skip
    keys["set"] = keys["family"]
    usual = truth + rng.normal(0, 0.02, n)
    data = Cases(
        keys.assign(draw=0),
        {"pilot_se": np.full(n, 0.04), "pilot_proper_gap": truth + rng.normal(0, 0.03, n),
         "pilot_proper_se": np.full(n, 0.03)},
    )  # fmt: skip
    measured = pd.concat([
        keys.assign(metric=name, metric_gap=2 * truth + rng.normal(0, 0.08, n), metric_se=0.08,
                    gap=2 * truth, se=0.001, own=2 * truth, draws=8, base=0.3)
        for name in other_metrics.MEASURED
    ])  # fmt: skip
    return list(other_metrics.in_metrics(measured, data, usual, np.full(n, 0.02)))


def test_a_planted_exchange_of_units_is_found_and_intervals_cover():
    every = _planted()
    assert [one.metric for one in every] == list(other_metrics.MEASURED)
    one = every[0]
    mean, spread = other_metrics.left_out(one, folds=6)
    sd, p, low, high = other_metrics.predicted(one, mean, spread)
    assert (sd > 0).all()
    gap = one.table["gap"].to_numpy()
    slope = np.polyfit(gap, mean, 1)[0]
    assert 0.8 < slope < 1.1
    assert np.std(gap - mean) < 0.6 * np.std(gap - one.evidence["metric_gap"])
    assert 0.85 < np.mean((gap >= low) & (gap <= high)) < 0.95
    assert other_metrics_page.auroc(gap > 0, p) > 0.95
    told = [other_metrics_page.cross_validated(one) for one in every]
    assert "| **mae** | 720 |" in other_metrics_page.tables(told)
    assert told[0].take(gap > 0).data.table["gap"].min() > 0


def test_break_even_is_judged_where_the_measured_gap_crosses_zero():
    told = other_metrics_page.cross_validated(_planted()[0])
    table = told.data.table.assign(
        source=np.arange(720) // 4, n_labels=np.tile([20, 50, 200, 500], 180), base=0.3,
        gap=np.tile([-0.1, -0.05, 0.05, 0.1], 180),
    )  # fmt: skip
    gap = np.tile([-0.1, -0.05, 0.05, 0.1], 180)
    told = replace(
        told, data=replace(told.data, table=table), mean=gap, sd=np.full(720, 0.01),
    )  # fmt: skip
    curve = table.assign(se=0.01, draws=8)
    found = other_metrics_page.judge(told, curve)
    assert set(found["where"]) == {"inside"}
    np.testing.assert_allclose(found["crossing"], 100.0, rtol=0.01)
    assert np.abs(np.log2(found["at"] / found["crossing"])).median() < 1


def test_joining_what_was_joined_changes_nothing(found, tmp_path):
    table, _ = found
    (tmp_path / "metrics").mkdir()
    table.to_parquet(tmp_path / "metrics" / "one.parquet")
    once = metrics.join_metrics(tmp_path)
    once.to_parquet(tmp_path / "metrics" / "one.parquet")
    pd.testing.assert_frame_equal(metrics.join_metrics(tmp_path), once)
    assert len(metrics.join_metrics(tmp_path / "empty")) == 0
