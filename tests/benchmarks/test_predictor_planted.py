"""Where harm is planted, the chance of harm rises and so does the measured gap."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks.predictor import _plants, halves, planted
from benchmarks.predictor._plants import PLANTS, noisy
from benchmarks.predictor._runs import extend

LUCK = ("noise-2-classes", "noise-diabetes", "moons-sheared")
"""Here the first level's chance is high with some draws of the labels, or the harm is mild."""
FAST = {"noise-3-classes": (0, 50, 100), "coefficients-turned": (0, 90, 180)}


def checked(plant: str, levels: tuple[float, ...], seeds: int) -> pd.DataFrame:
    return pd.DataFrame([
        row for level in levels for seed in range(seeds)
        for row in planted.one_run((plant, float(level), seed))
    ])  # fmt: skip


@pytest.mark.parametrize("plant", FAST)
def test_the_chance_of_harm_rises_with_the_plant(plant):
    rows = checked(plant, FAST[plant], 1)
    for role in planted.NAMED:
        found = planted.rise(rows[rows["role"] == role])
        assert found.planted, (role, found)
        assert found.kept, (role, found)


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTS)
def test_the_chance_of_harm_rises_with_every_plant(plant):
    """Ends against ends, over two seeds; all levels stand in PLANTED.md."""
    levels = PLANTS[plant].levels
    rows = checked(plant, (levels[0], levels[-1]), 2)
    for role in planted.NAMED:
        found = planted.rise(rows[rows["role"] == role])
        assert found.rise > 0 if plant in LUCK else found.kept, (role, found)


@pytest.mark.parametrize("plant", list(PLANTS))
def test_in_the_committed_table_harm_rises_with_every_plant(plant):
    rows = pd.read_csv(planted.TABLE)
    for role in planted.NAMED:
        found = planted.rise(rows[(rows["plant"] == plant) & (rows["role"] == role)])
        assert found.kept, (role, found)


def rows_of(p_harm: list[float], measured: list[float]) -> pd.DataFrame:
    level = np.arange(len(p_harm))
    both = [
        pd.DataFrame({"level": level, "p_harm": p_harm, "measured": np.add(measured, d),
                      "task": "binary"})
        for d in (-0.001, 0.001)
    ]  # fmt: skip
    return pd.concat(both)


@pytest.mark.parametrize(
    ("p_harm", "measured", "harm_planted", "kept"),
    [
        ([0.1, 0.5, 0.9], [-0.1, 0.0, 0.2], True, True),
        ([0.1, 0.95, 0.91], [-0.1, 0.0, 0.2], True, True),  # a fall of 0.04 is let pass
        ([0.1, 0.95, 0.85], [-0.1, 0.0, 0.2], True, False),
        ([0.1, 0.3, 0.5], [-0.1, 0.0, 0.2], True, False),  # rises, but not enough
        ([0.1, 0.1, 0.1], [-0.1, 0.0, 0.005], False, True),  # no harm came, none was due
        ([0.8, 0.9, 0.9], [0.3, 0.3, 0.3], False, True),  # it hurt from the start
    ],
)
def test_what_counts_as_rising(p_harm, measured, harm_planted, kept):
    found = planted.rise(rows_of(p_harm, measured))
    assert (found.planted, found.kept) == (harm_planted, kept)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_noise_spoils_as_many_labels_as_it_says_and_more_of_it_the_same_ones(task):
    _, y = _plants.linear(task, 200, np.random.default_rng(0))
    none, some, every = (noisy(y, p, task, np.random.default_rng(1)) for p in (0, 30, 100))
    np.testing.assert_array_equal(none, y)
    wrong = some != y
    assert wrong.sum() in ((58, 59, 60) if task == "regression" else (60,))
    np.testing.assert_array_equal(every[wrong], some[wrong])
    if task == "regression":  # a row may be given its own label by chance
        assert sorted(every) == sorted(y)
        assert (every != y).sum() >= 195
    else:
        assert (every != y).all()


@pytest.mark.parametrize("plant", PLANTS)
def test_a_plant_touches_the_source_alone(plant):
    levels = PLANTS[plant].levels
    first, last, again = (
        PLANTS[plant].make(level, 3) for level in (levels[0], levels[-1], levels[-1])
    )
    for side in ("target", "test"):
        for a, b in zip(getattr(first, side), getattr(last, side), strict=True):
            np.testing.assert_array_equal(a, b)
    for a, b in zip(last.source, again.source, strict=True):
        np.testing.assert_array_equal(a, b)
    same = [np.array_equal(a, b) for a, b in zip(first.source, last.source, strict=True)]
    assert not all(same)


def test_halves_share_no_row_and_hide_all_labels_but_those_promised():
    frame = pd.DataFrame({"x": np.arange(700.0), "y": np.arange(700.0)})
    for seed in range(20):
        source, target, n_rows, n_labels = halves.halves(frame, np.random.default_rng(seed))
        assert not set(source["x"]) & set(target["x"])
        assert len(source) + len(target) == n_rows
        assert target["y"].notna().sum() == n_labels >= 20
        known = target["y"].notna()
        assert (target.loc[known, "y"] == target.loc[known, "x"]).all()


def test_the_exact_interval_of_a_share():
    low, high = halves.share(0, 500)
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 500))  # (1 - p)^n = 0.025


@pytest.mark.parametrize(
    ("run", "name"),
    [(0, "breast_cancer"), pytest.param(5, "linear, 2 classes", marks=pytest.mark.slow),
     (1, "diabetes"), pytest.param(2, "digits", marks=pytest.mark.slow)],
)  # fmt: skip
def test_no_warning_against_the_other_half(run, name):
    (row,) = halves.one_run((run, name))
    assert row["verdict"] not in (halves.AGAINST, "refused", "crashed"), row


def test_the_page_of_the_halves_counts_every_run():
    base = dict.fromkeys(halves.COLUMNS)
    rows = [
        {**base, "run": i, "set": "wine", "rows": 60, "n_labels": 20, "verdict": verdict,
         "p_harm": 0.2, "p_harm_pooled": 0.3, "p_harm_source_only": 0.95, "learners": "linear",
         "alarms": "NT102"}
        for i, verdict in enumerate(["transfer"] * 48 + [halves.AGAINST] * 2)
    ]  # fmt: skip
    text = halves.page(pd.DataFrame(rows))
    assert "2 of 50 (4.0%; exact 95 % interval 0.49% to 13.71%). Not kept so far." in text
    assert "| NT102 | 50 | 100.0% |" in text
    assert "| all | 50 | 48 | 0 | 0 | 2 | 0 |" in text


def test_a_table_goes_on_where_it_was_left(tmp_path):
    path, done = tmp_path / "table.csv", []

    def work(key):
        done.append(key)
        return [{"a": key[0], "b": key[1], "value": 2 * key[1]}]

    keys = [("x", 1.0), ("x", 2.5), ("y", 1.0)]
    columns = ("a", "b", "value")
    extend(path, ("a", "b"), keys[:2], work, columns, jobs=1)
    extend(path, ("a", "b"), keys, work, columns, jobs=1)
    assert done == keys
    assert pd.read_csv(path)["value"].tolist() == [2, 5, 2]


def test_the_page_of_planted_cases_is_what_the_table_gives():
    table = planted.complete(planted.read())
    assert planted.PAGE.read_text(encoding="utf-8") == planted.page(table)
    said = table[table["role"] == planted.VERDICT]
    assert all(one in ("target-only", its) for one, its in said[["recommended", "strategy"]].values)


def test_the_page_of_the_halves_is_what_the_table_gives_and_keeps_the_promise():
    table = halves.read()
    assert halves.PAGE.read_text(encoding="utf-8") == halves.page(table)
    assert (table["verdict"] == halves.AGAINST).sum() <= halves.MOST_SHARE * len(table)
