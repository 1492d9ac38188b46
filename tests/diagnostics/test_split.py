"""What is held out when: checked by hand for times, and by a spy in the pilot for both."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negtransfer import Domain
from negtransfer.diagnostics.domain import align
from negtransfer.diagnostics.learners import resolve_learners
from negtransfer.diagnostics.pilot import assign_folds, resolve_metric, run_pilot, why_no_pilot
from negtransfer.diagnostics.pilot.folds import strata_of, time_blocks
from negtransfer.diagnostics.pilot.split import at_random, forward
from negtransfer.diagnostics.strategies import STRATEGIES


def test_twelve_times_in_order():
    block, k = time_blocks(np.arange(12.0))
    assert block.tolist() == [-1, -1, -1, -1, 0, 0, 1, 1, 2, 3, 3, 4]
    assert k == 5


def test_rows_of_one_time_share_a_block_and_empty_blocks_are_closed_up():
    block, k = time_blocks(np.array([3.0, 3, 3, 1, 1, 1, 2, 2, 2]))
    assert block.tolist() == [1, 1, 1, -1, -1, -1, 0, 0, 0]
    assert k == 2


def test_rows_without_a_time_are_used_nowhere():
    time = np.array([np.nan, *range(9)], dtype=float)
    block, k = time_blocks(time)
    assert block[0] == k
    split = forward(time, None, np.ones(10, dtype=bool))
    for fold in range(split.k):
        assert not split.held(0, fold)[0]
        assert not split.kept(0, fold)[0]


@settings(max_examples=80, deadline=None)
@given(
    times=st.lists(st.integers(0, 30), min_size=6, max_size=80),
    units=st.integers(1, 20),
    seed=st.integers(0, 99),
)
def test_training_is_earlier_and_of_other_units(times, units, seed):
    time = np.array(times, dtype=float)
    unit = np.random.default_rng(seed).integers(units, size=time.size)
    split = forward(time, unit, np.ones(time.size, dtype=bool))
    seen = np.zeros(time.size, dtype=int)
    for fold in range(split.k):
        held, kept = split.held(0, fold), split.kept(0, fold)
        seen += held
        assert held.any()
        assert split.starts(fold) == time[held].min()
        assert not set(unit[held]) & set(unit[kept])
        assert not kept.any() or time[kept].max() < time[held].min()
    assert seen.max() <= 1
    assert np.array_equal(split.usable, seen == 1)


def test_the_allowance_for_overlap_covers_blocks_in_time():
    for n in (30, 60, 150, 600):
        split = forward(np.arange(float(n)), None, np.ones(n, dtype=bool))
        ratio = sum(split.held(0, f).sum() / split.kept(0, f).sum() for f in range(split.k))
        assert ratio <= 1.02 * split.k / (split.k - 1)


def test_folds_without_times_are_those_of_assign_folds():
    strata, groups = np.arange(40) % 3, np.arange(40) // 2
    usable = np.arange(40) % 5 > 0
    split = at_random(strata, groups, usable, 4, 3, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    for repeat in range(3):
        fold_of = assign_folds(strata, groups, 4, rng)
        for fold in range(4):
            assert np.array_equal(split.held(repeat, fold), (fold_of == fold) & usable)
            assert np.array_equal(split.kept(repeat, fold), fold_of != fold)
    assert split.starts(0) == np.inf


def frames(n=90, seed=0):
    rng = np.random.default_rng(seed)
    out = []
    for side, rows in (("s", 200), ("t", n)):
        X = rng.normal(size=(rows, 3))
        frame = pd.DataFrame(X, columns=list("abc"))
        frame["row"] = np.arange(rows) + rng.uniform(0, 0.5, rows)  # tells rows apart, in order
        frame["unit"] = [f"{side}{i}" for i in rng.integers(20, size=rows)]
        frame["when"] = frame["row"] // 3
        frame["y"] = np.where(X[:, 0] + 0.5 * rng.normal(size=rows) > 0, "yes", "no")
        out.append(frame)
    return out


def spied(source, target, **named):
    """Run a pilot whose one strategy writes down what it saw; return the pair and the notes."""
    domains = [
        Domain.load(f, label="y", name=n) for f, n in ((source, "s"), (target, "t"))
    ]  # fmt: skip
    pair = align(*domains, **named)
    assert why_no_pilot(pair) is None
    notes = []

    def fit(learner, training):
        model = STRATEGIES["target-only"].fit(learner, training)

        def predict(X):
            notes.append((training.target_X, training.target_unlabelled_X, X))
            return model(X)

        return predict

    spy = replace(STRATEGIES["target-only"], name="spy", fit=fit)
    pilot = run_pilot(
        pair, resolve_learners("linear", regression=False), resolve_metric(None, "binary"),
        strategies=[*(STRATEGIES[n] for n in ("target-only", "source-only")), spy], n_jobs=1,
    )  # fmt: skip
    return pair, pilot, notes


def rows_of(pair, X):
    """Return which target rows these are, by the column that tells rows apart."""
    column = pair.encoded_names.index("row")
    return [int(np.flatnonzero(pair.target.X[:, column] == value)[0]) for value in X[:, column]]


def test_the_pilot_never_trains_on_a_unit_that_is_held_out():
    source, target = frames()
    target.loc[60:, "y"] = None
    target.loc[55:59, "unit"] = target.loc[:4, "unit"].to_numpy()
    pair, pilot, notes = spied(source, target, group="unit")
    unit = target["unit"].to_numpy()
    assert len(notes) == pilot.n_folds * pilot.n_repeats
    for seen, unlabelled, held in notes:
        away = set(unit[rows_of(pair, held)])
        assert not away & set(unit[rows_of(pair, seen)])
        assert not away & set(unit[rows_of(pair, unlabelled)])
    assert "unit" not in {column.name for column in pair.columns}
    own = pilot.home
    assert set(own.frame.groups) <= set(pair.source.group)


def test_the_pilot_never_sees_the_future():
    source, target = frames()
    target.loc[target.index % 3 == 0, "y"] = None
    target.loc[1, "when"] = np.nan
    pair, pilot, notes = spied(source, target.sample(frac=1, random_state=1), time="when")
    when = pair.target.time
    assert len(notes) == pilot.n_folds == 5
    assert pilot.n_repeats == 1
    for seen, unlabelled, held in notes:
        start = when[rows_of(pair, held)].min()
        assert when[rows_of(pair, seen)].max() < start
        assert when[rows_of(pair, unlabelled)].max() < start
    n = pilot.n_labels
    assert 0.55 * n < len(pilot.y) < 0.75 * n
    assert f"held out {len(pilot.y)} of {n} labelled" in pilot.notices[-1]
    assert pilot.home.joint_target.shape[1] == len(pilot.y)
    assert not {"when"} & {column.name for column in pair.columns}


def test_times_and_units_together():
    source, target = frames()
    target["unit"] = [f"t{i // 4}" for i in range(len(target))]
    pair, _, notes = spied(source, target, time="when", group="unit")
    unit = target["unit"].to_numpy()
    for seen, _, held in notes:
        assert (
            pair.target.time[rows_of(pair, seen)].max()
            < pair.target.time[rows_of(pair, held)].min()
        )
        assert not set(unit[rows_of(pair, held)]) & set(unit[rows_of(pair, seen)])


@pytest.mark.parametrize("task", ["classes", "quantity"])
def test_strata_are_as_before(task):
    y = np.arange(30) % 2 if task == "classes" else np.arange(30.0)
    strata = strata_of(y, regression=task == "quantity")
    assert np.unique(strata).size == (2 if task == "classes" else 5)
