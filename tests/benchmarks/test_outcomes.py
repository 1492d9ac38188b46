"""The benchmark of transfer outcomes on small generated data: cuts, errors, gaps, resuming."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.outcomes import measure, rerun, run, sanity, sets, table
from benchmarks.outcomes.arms import STAGES, Stage

THREE = ("target-only", "source-only", "pooled")
SMALL = Stage("linear", "linear", THREE, (0, 10, 20), range(3), 2)
DOMAINS = ("a", "b", "c")


def _frame(rng, n, shift):
    X = rng.normal(size=(n, 3)) + shift
    frame = pd.DataFrame(X, columns=["u", "v", "w"])
    frame["y"] = np.where(X[:, 0] + 0.5 * rng.normal(size=n) > shift, "yes", "no")
    return frame


@pytest.fixture
def data(tmp_path):
    """A folder laid out like the shared one: three sets of three domains."""
    rng = np.random.default_rng(5)
    index = []
    for name in ("plain", "nt_moon", "lalonde"):
        (tmp_path / name).mkdir()
        for i, domain in enumerate(DOMAINS):
            frame = _frame(rng, 120, 0.3 * i)
            if name == "lalonde" and i:  # the first half of "a" stands in every domain
                first = pd.read_parquet(tmp_path / name / "a.parquet").iloc[:60]
                frame = pd.concat([first, frame], ignore_index=True)
            frame.to_parquet(tmp_path / name / f"{domain}.parquet")
        index.append({"dataset": name, "task": "classification"})
    (tmp_path / "INDEX.json").write_text(json.dumps(index), encoding="utf-8")
    return tmp_path


def _set(data, name):
    return {one.name: one for one in sets.all_sets(data)}[name]


def _cut(one, draw=0):
    rows = sets.read_pair(one, "a", "b")
    pair = measure.aligned(one, rows)
    return rows, pair, measure.cut(one, rows, pair, "a", "b", draw)


def test_sets_and_pairs_come_from_the_index(data):
    found = sets.all_sets(data)
    assert [one.name for one in found] == ["plain", "nt_moon", "lalonde"]
    assert all(one.domains == DOMAINS and not one.regression for one in found)
    assert len(found[0].pairs()) == 6
    assert len(found[0].pairs(4)) == 4
    turns = [one.name for one, _, _ in sets.every_pair(found)]
    assert turns[:3] == ["plain", "nt_moon", "lalonde"]
    assert len(turns) == 18


@pytest.mark.parametrize("name", ["plain", "nt_moon", "lalonde"])
@pytest.mark.parametrize("draw", [0, 1, 2])
def test_pool_and_test_share_no_row(data, name, draw):
    _, pair, c = _cut(_set(data, name), draw)
    assert not np.intersect1d(c.pool, c.test).size
    assert len(np.unique(c.pool)) == len(c.pool) == len(pair.target.y) // 2


@pytest.mark.parametrize("name", ["nt_moon", "lalonde"])
@pytest.mark.parametrize("draw", [0, 1, 2])
def test_shared_units_are_never_on_both_sides(data, name, draw):
    rows, _, c = _cut(_set(data, name), draw)
    assert not np.intersect1d(rows.source_unit[c.source], rows.target_unit[c.test]).size
    assert not np.intersect1d(rows.target_unit[c.pool], rows.target_unit[c.test]).size
    assert 0 < len(c.source) < len(rows.source)


def test_rows_known_by_content_are_found_at_other_places(data):
    rows = sets.read_pair(_set(data, "lalonde"), "a", "b")
    assert len(np.intersect1d(rows.source_unit, rows.target_unit)) == 60


def test_rows_of_the_target_that_stand_in_the_source_are_not_tested_on(data):
    source = pd.read_parquet(data / "plain" / "a.parquet")
    target = pd.read_parquet(data / "plain" / "b.parquet")
    pd.concat([target, source.iloc[:40], target.iloc[:30]]).to_parquet(data / "plain/b.parquet")
    for draw in range(3):
        rows, _, c = _cut(_set(data, "plain"), draw)
        tested = rows.target.iloc[c.test]
        for other in (rows.source, rows.target.iloc[c.pool]):
            assert not len(tested.merge(other.drop_duplicates()))


def test_draws_differ_and_larger_numbers_of_labels_contain_smaller_ones(data, monkeypatch):
    seen = []
    real = measure.Training
    monkeypatch.setattr(measure, "Training", lambda *a: seen.append(a) or real(*a))
    measure.measure_pair(_set(data, "plain"), "a", "b", SMALL)
    labelled = [a[2] for a in seen]
    assert [len(X) for X in labelled] == [0, 10, 20] * 3
    for ten, twenty in zip(labelled[1::3], labelled[2::3], strict=True):
        assert np.array_equal(ten, twenty[:10])
    assert not np.array_equal(labelled[1], labelled[4])
    assert all(len(a[2]) + len(a[7]) == 60 for a in seen)


def test_measuring_twice_gives_the_same_and_the_whole_grid(data):
    first, second = (
        measure.measure_pair(_set(data, "plain"), "a", "b", SMALL).drop(columns="seconds")
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, second)
    assert first.groupby("strategy").size().to_dict() == {
        "pooled": 6, "source-constant": 3, "source-only": 9, "target-only": 6
    }  # fmt: skip
    assert first["error"].between(0, 1).all()


def test_errors_of_classes():
    proba = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    rate, loss = measure.errors("binary", np.array([0, 1, 1, 1]), proba, 1.0)
    assert rate == pytest.approx(0.25)
    assert loss == pytest.approx(-np.log([0.9, 0.8, 0.4, 0.7]).mean())


def test_the_second_error_of_quantities_forgives_level_and_spread_but_not_direction():
    rng = np.random.default_rng(0)
    y = rng.normal(3.0, 2.0, 200)
    predicted = y + rng.normal(size=200)
    first, second = measure.errors("regression", y, predicted, 2.0)
    assert first == pytest.approx(np.sqrt(np.mean((predicted - y) ** 2)) / 2)
    assert second <= first
    moved = measure.errors("regression", y, 7 - 4.0 + 0.25 * predicted, 2.0)
    assert moved[1] == pytest.approx(second)
    assert moved[0] > first
    # What points the wrong way is worth no more than a constant.
    reversed_ = measure.errors("regression", y, -predicted, 2.0)[1]
    flat = measure.errors("regression", y, np.zeros(200), 2.0)[1]
    assert reversed_ == pytest.approx(flat) == pytest.approx(np.std(y) / 2)
    assert measure.errors("regression", y, np.full(200, np.nan), 2.0)[0] == measure.MAX_ERROR


def test_a_constant_says_the_shares_of_its_labels(data):
    _, pair, _ = _cut(_set(data, "plain"))
    said = measure.constant(pair, np.array([0, 1, 1, 1]), 2)
    assert said.tolist() == [[0.25, 0.75]] * 2


def _rows(task, own, other, n=20, **extra):
    case = {"family": "f", "set": "s", "source": "a", "target": "b", "task": task}
    rows = []
    for strategy, values in (("target-only", own), ("pooled", other)):
        rows += [
            {**case, "learner": "linear", "strategy": strategy, "n_labels": n, "draw": i,
             "error": e, "second": 2 * e, "n_source": 9, "n_test": 50, "seconds": 0.1, **extra}
            for i, e in enumerate(values)
        ]  # fmt: skip
    return pd.DataFrame(rows)


def test_gaps_by_hand():
    found = table.cells(_rows("binary", [0.30, 0.20, 0.40], [0.36, 0.28, 0.44]))
    (cell,) = found.to_dict("records")
    assert cell["gap"] == pytest.approx(0.06)
    assert cell["se"] == pytest.approx(0.02 / np.sqrt(3))
    assert cell["base"] == pytest.approx(0.3)
    assert cell["gap_second"] == pytest.approx(0.12)
    assert cell["draws"] == 3
    assert cell["clear"]


@pytest.mark.parametrize(
    ("task", "other", "clear"),
    [
        ("binary", [0.309, 0.209, 0.409], False),  # no noise, but less than one point
        ("binary", [0.311, 0.211, 0.411], True),
        ("binary", [0.289, 0.189, 0.389], True),  # clear the other way
        ("regression", [0.315, 0.215, 0.415], False),  # less than 0.02 standard deviations
        ("regression", [0.325, 0.225, 0.425], True),
        ("binary", [0.300, 0.200, 0.500], False),  # within two standard errors
    ],
)
def test_what_is_clear(task, other, clear):
    assert table.cells(_rows(task, [0.30, 0.20, 0.40], other))["clear"].tolist() == [clear]


def test_without_labels_the_constant_of_the_source_is_the_other_side():
    free = _rows("binary", [0.5, 0.5], [0.25, 0.35], n=0)
    free["strategy"] = free["strategy"].map(
        {"target-only": "source-constant", "pooled": "source-only"}
    )
    (cell,) = table.cells(free).to_dict("records")
    assert cell["strategy"] == "source-only"
    assert cell["gap"] == pytest.approx(-0.2)


def _call(delayed):
    function, arguments, named = delayed
    return function(*arguments, **named)


def test_a_second_run_makes_no_call_and_the_cap_holds(data, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "STAGES", (SMALL,))
    parts = tmp_path / "parts"
    calls = list(run.pending(["linear"], parts, data, None))
    assert len(calls) == 6  # two pairs of each of three sets
    assert len(list(run.pending(["linear"], parts, data, 1))) == 3
    for one in calls[:4]:
        _call(one)
    assert len(list(run.pending(["linear"], parts, data, None))) == 2
    for one in calls[4:]:
        _call(one)
    assert not list(run.pending(["linear"], parts, data, None))
    assert not list(parts.rglob("*.tmp"))


def test_joined_stored_and_measured_again(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "STAGES", (SMALL,))
    monkeypatch.setattr(rerun, "STAGES", (SMALL,))
    parts, path = tmp_path / "parts", tmp_path / "small.parquet"
    for one in run.pending(["linear"], parts, data, None):
        _call(one)
    stored = table.join(parts)
    assert not stored.duplicated([*table.CELL, "draw"]).any()
    table.write(stored, path)
    asked = ["--table", str(path), "--data", str(data), "--seed", "1"]
    assert rerun.main(asked) == 0
    assert "100.00% equal" in capsys.readouterr().out
    wrong = stored.copy()
    wrong["error"] += np.float32(0.001)
    table.write(wrong, path)
    assert rerun.main(asked) == 1
    assert "0.00% equal, largest difference 0.001" in capsys.readouterr().out
    table.write(stored[stored["draw"] > 0], path)
    assert rerun.main(asked) == 1


def test_every_stage_is_known_by_a_strategy_of_its_own():
    assert all(rerun._own(stage) for stage in STAGES)


def test_halves_are_disjoint_and_noise_keeps_the_inputs(data):
    one = sanity.halves(_set(data, "plain"))
    own, other, noise = (one.read(name) for name in ("own", "other", "noise"))
    assert len(own) + len(other) == 120
    assert not len(own.merge(other))
    inputs = ["u", "v", "w"]
    pd.testing.assert_frame_equal(other[inputs], noise[inputs])
    assert sorted(other["y"]) == sorted(noise["y"])
    assert (other["y"] != noise["y"]).any()
    assert not one.read("own again").equals(own)


def test_sanity_goes_on_where_it_was(data, tmp_path, monkeypatch):
    path = tmp_path / "sanity.csv"
    one = [_set(data, "plain")]
    monkeypatch.setattr(sanity, "CORE", SMALL.strategies)
    sanity.work(one, path, forest=False)
    before = path.read_text(encoding="utf-8")
    sanity.work(one, path, forest=False)
    assert path.read_text(encoding="utf-8") == before
    cells = sanity.stored(path)
    assert set(cells["check"]) == {"itself", "own half", "permuted"}
    labelled = cells[(cells["check"] == "own half") & (cells["n_labels"] > 0)]
    assert set(labelled["strategy"]) == {"source-only", "pooled"}
    assert np.allclose(labelled["error"] - labelled["base"], labelled["gap"], atol=2e-4)


def test_a_step_to_more_labels_is_paired_by_draw():
    ten = _rows("binary", [0.30, 0.20, 0.40], [0.5] * 3, n=10)
    twenty = _rows("binary", [0.36, 0.28, 0.44], [0.5] * 3, n=20)
    (step,) = sanity.worsenings(pd.concat([ten, twenty])).to_dict("records")
    assert (step["n_before"], step["n_labels"], step["pair"]) == (10, 20, "a > b")
    assert step["gap"] == pytest.approx(0.06)
    assert step["se"] == pytest.approx(0.02 / np.sqrt(3))


@pytest.mark.shared
def test_the_real_sets_are_there_and_families_hold_shared_rows():
    if not Path(sets.SHARED, "tabular", "INDEX.json").exists():
        pytest.skip("needs the shared data beside the checkout")
    found = {one.name: one for one in sets.all_sets()}
    assert len(found) > 50
    assert found["adult_country"].family == found["adult_workclass"].family
    assert all(1 < len(one.pairs()) <= sets.MOST_PAIRS for one in found.values())
