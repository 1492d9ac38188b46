"""What every registered score keeps, whatever it measures.

Scores of labels, of targets and of paired tables are called through the register, and their tags
are held to what they promise.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from typing import get_args

import numpy as np
import pytest

from negtransfer.metrics import REGISTRY, Caution, Chance, Interval, ScoreResult
from negtransfer.metrics._scores import Regime

FAMILIES = ("transferability", "similarity")
SIDES = {
    # the two positional arguments, and which of them holds columns that maps may change
    "features and labels": ("features",),
    "features and targets": ("features",),
    "probabilities and labels": ("probabilities",),
    "labels and labels": (),
    "paired tables": ("first", "second"),
}
SCORES = sorted(name for name, entry in REGISTRY.items() if entry.inputs in SIDES)
QUICK = {"n_permutations": 5, "n_draws": 3}
EXTRA = {
    # what keeps a score from taking seconds a call
    "linear_probe": {"folds": 3, "strengths": (1.0,), "n_permutations": 2, "n_draws": 1},
}
NONE = {"n_permutations": 0, "n_draws": 0}

if not SCORES:
    pytest.skip("no score is registered", allow_module_level=True)

every = pytest.mark.parametrize("name", SCORES)


def of(*inputs):
    """Parametrise over the scores that take these inputs."""
    return pytest.mark.parametrize("name", [n for n in SCORES if REGISTRY[n].inputs in inputs])


def declaring(how):
    """Parametrise over the scores that declare this invariance."""
    return pytest.mark.parametrize("name", [n for n in SCORES if how in REGISTRY[n].invariances])


def sides(inputs, n=60, d=4, seed=0):
    """Return two sides that have something to do with each other."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    F = rng.normal(size=(n, d))
    F[:, 0] += 2.0 * (y == 1)
    F[:, -1] += 1.5 * (y == 2)
    if inputs == "features and labels":
        return F, y
    if inputs == "features and targets":
        return F, F @ rng.normal(size=(d, 2)) + rng.normal(size=(n, 2))
    if inputs == "probabilities and labels":
        logits = np.column_stack([F, rng.normal(size=(n, 1))])[:, [1, 0, -2, -1]]
        return softmax(logits), y
    if inputs == "labels and labels":
        return np.where(rng.random(n) < 0.7, y, rng.integers(0, 4, size=n)), y
    return F, np.tanh(F @ rng.normal(size=(d, d + 1))) + 0.5 * rng.normal(size=(n, d + 1))


def softmax(logits):
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def call(name, pair, **more):
    accepted = inspect.signature(REGISTRY[name].function).parameters
    quick = {k: v for k, v in QUICK.items() if k in accepted}
    return REGISTRY[name].function(*pair, **{**quick, **EXTRA.get(name, {}), **more})


def bare(name, pair, **more):
    """Call for the value alone."""
    accepted = inspect.signature(REGISTRY[name].function).parameters
    return call(name, pair, **{k: v for k, v in NONE.items() if k in accepted}, **more)


def own(name, **how):
    return sides(REGISTRY[name].inputs, **how)


def check_result(name, found):
    """Hold one result to what every result promises."""
    entry = REGISTRY[name]
    assert isinstance(found, ScoreResult)
    assert type(found.n_rows) is int
    assert type(found.larger_is_better) is bool
    for caution in (*found.cautions, *([found.reason] if found.reason else [])):
        assert isinstance(caution, Caution)
        assert caution.name in get_args(Regime)
        assert caution.sentence.endswith(".")
    assert len(set(found.cautions)) == len(found.cautions)
    for field in dataclasses.fields(found):
        assert not isinstance(getattr(found, field.name), np.generic), field.name
    if found.value is None:
        assert found.reason is not None
        assert found.normalised is found.interval is found.p_value is None
        return
    assert found.reason is None
    assert type(found.value) is float
    assert math.isfinite(found.value)
    assert entry.range[0] <= found.value <= entry.range[1]
    check_doubt(found)


def check_doubt(found):
    if found.interval is not None:
        assert isinstance(found.interval, Interval)
        assert type(found.interval.low) is type(found.interval.high) is float
        assert found.interval.low <= found.value <= found.interval.high
    if found.chance is not None:
        assert isinstance(found.chance, Chance)
        assert found.chance.values.dtype == np.float64
        assert np.isfinite(found.chance.values).all()
        assert 0 < found.p_value <= 1
    if found.normalised is not None:
        assert type(found.normalised) is float
        assert found.chance is not None
        assert found.normalised <= 1 + 1e-9


def test_every_score_is_tested_here_or_alone():
    elsewhere = {"labelled tables", "other"}
    families = {n for n, entry in REGISTRY.items() if entry.family in FAMILIES}
    assert set(SCORES) <= families
    assert {REGISTRY[n].inputs for n in families - set(SCORES)} <= elsewhere


# --- value, chance level and interval


@every
def test_value_interval_and_chance_level_stand_together(name):
    found = call(name, own(name))
    check_result(name, found)
    assert found.value is not None
    assert found.chance is not None
    assert found.normalised is not None
    assert found.n_rows == 60


@every
def test_without_shuffles_and_halves_there_is_the_value_alone(name):
    found = bare(name, own(name))
    check_result(name, found)
    assert found.chance is found.interval is found.normalised is found.p_value is None
    assert found.value == pytest.approx(call(name, own(name)).value, rel=1e-9, abs=1e-12)


@every
def test_a_relation_that_is_there_lies_above_chance(name):
    found = call(name, own(name, n=120), n_permutations=19)
    assert found.normalised > 0.1
    assert found.p_value == pytest.approx(1 / 20)
    assert (found.value > found.chance.mean) == found.larger_is_better


@every
def test_shuffled_labels_or_rows_lie_at_chance(name):
    rng = np.random.default_rng(0)
    one, other = own(name, n=90)
    options = {"n_permutations": 10}
    if "n_draws" in inspect.signature(REGISTRY[name].function).parameters:
        options["n_draws"] = 0
    found = [
        call(name, (one, other[rng.permutation(90)]), random_state=k, **options).normalised
        for k in range(8)
    ]
    spread = np.std(found, ddof=1) / np.sqrt(8)
    assert abs(np.mean(found)) < max(0.02, 4 * spread)
    assert abs(np.mean(found)) < 0.25


@every
@pytest.mark.parametrize("option", ["n_permutations", "n_draws"])
@pytest.mark.parametrize("wrong", [-1, 2.5, True, "many"])
def test_counts_that_are_none_are_refused(name, option, wrong):
    if option not in inspect.signature(REGISTRY[name].function).parameters:
        pytest.skip("has no such option")
    with pytest.raises(ValueError, match=f"`{option}` must be"):
        call(name, own(name), **{option: wrong})


# --- every call


@every
def test_a_seed_or_its_generator_gives_one_answer(name):
    one = call(name, own(name), random_state=7)
    assert_same(one, call(name, own(name), random_state=7))
    assert_same(one, call(name, own(name), random_state=np.random.default_rng(7)))
    check_result(name, call(name, own(name), random_state=None))
    with pytest.raises(TypeError, match="`random_state` must be"):
        call(name, own(name), random_state="seed")


def assert_same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if dataclasses.is_dataclass(a):
            assert_same(a, b)
        else:
            np.testing.assert_equal(a, b)


@every
def test_input_is_left_alone_and_results_are_frozen(name):
    pair = own(name)
    for side in pair:
        side.flags.writeable = False
    found = call(name, pair)
    with pytest.raises(AttributeError):
        found.value = 0.0
    with pytest.raises((AttributeError, TypeError)):
        found.more = 0.0


@every
def test_global_random_state_is_left_alone(name):
    before = np.random.get_state()[1].copy()  # noqa: NPY002 -- it must not be touched
    call(name, own(name))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@every
def test_lists_tables_and_tensors_give_the_same_answer(name):
    import pandas as pd

    torch = pytest.importorskip("torch")
    pair = own(name)
    expected = call(name, pair)
    others = {
        "lists": [side.tolist() for side in pair],
        "columns first": [np.asfortranarray(side) for side in pair],
        "tensors": [torch.tensor(s, requires_grad=s.dtype.kind == "f") for s in pair],
        "frames": [pd.DataFrame(s) if s.ndim == 2 else pd.Series(s) for s in pair],
    }
    for given in others.values():
        found = call(name, given)
        assert found.value == pytest.approx(expected.value, rel=1e-9, abs=1e-12)
        assert found.normalised == pytest.approx(expected.normalised, rel=1e-6, abs=1e-9)
        assert found.cautions == expected.cautions


@of("features and labels", "features and targets", "paired tables")
def test_single_precision_is_read_as_the_same_numbers(name):
    narrow = [s.astype(np.float32) if s.dtype.kind == "f" else s for s in own(name)]
    wide = [s.astype(np.float64) if s.dtype.kind == "f" else s for s in narrow]
    assert call(name, narrow).value == pytest.approx(call(name, wide).value, rel=1e-12)


# --- invariances


def rotated(table):
    turn = np.linalg.qr(np.random.default_rng(9).normal(size=(table.shape[1],) * 2))[0]
    return table @ turn


MAPS = {
    "column order": lambda X: X[:, ::-1].copy(),
    "translation": lambda X: X + 3.0 * np.cos(np.arange(X.shape[1])),
    "rotation": rotated,
    "one scale": lambda X: X * 2.5,
    "column scales": lambda X: X * np.geomspace(0.2, 11.0, X.shape[1]),
    "monotone": lambda X: np.exp(X / 2),
}
INVARIANT = [(n, how) for n in SCORES for how in MAPS if how in REGISTRY[n].invariances]


@pytest.mark.parametrize(("name", "how"), INVARIANT)
def test_invariances_as_declared(name, how):
    pair = list(own(name))
    expected = bare(name, pair).value
    for k in range(len(SIDES[REGISTRY[name].inputs])):
        pair[k] = MAPS[how](pair[k])
    assert bare(name, pair).value == pytest.approx(expected, rel=1e-6, abs=1e-9)


@declaring("row order")
def test_the_order_of_pairs_does_not_matter(name):
    pair = own(name)
    order = np.random.default_rng(5).permutation(60)
    mixed = tuple(side[order] for side in pair)
    expected = bare(name, pair).value
    assert bare(name, mixed).value == pytest.approx(expected, rel=1e-8, abs=1e-10)


@declaring("relabelling")
def test_names_of_classes_do_not_matter(name):
    pair = own(name)
    expected = bare(name, pair).value
    for names in (np.array([1, 2, 0, 3]), np.array(["cat", "dog", "ant", "bee"])):
        renamed = [names[s] if s.dtype.kind == "i" else s for s in pair]
        assert bare(name, renamed).value == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", [n for n in SCORES if REGISTRY[n].symmetric])
def test_symmetry_as_declared(name):
    pair = own(name)
    expected = bare(name, pair).value
    assert bare(name, pair[::-1]).value == pytest.approx(expected, rel=1e-8, abs=1e-10)


@of("paired tables", "labels and labels")
def test_zero_on_itself_as_declared(name):
    one = own(name)[0]
    found = call(name, (one, one.copy()))
    if REGISTRY[name].zero_on_itself:
        assert found.value == pytest.approx(0, abs=1e-9)
    assert found.normalised == pytest.approx(1, abs=1e-6)


# --- hard inputs: a number in range, or none with a named reason


def features(rng, n=40, d=3):
    return rng.normal(size=(n, d))


HARD_TABLES = {
    "more columns than rows": lambda rng: features(rng, 20, 40),
    "as many columns as rows": lambda rng: features(rng, 24, 24),
    "a constant column": lambda rng: np.hstack([features(rng), np.full((40, 1), 0.1)]),
    "every row the same": lambda rng: np.full((40, 2), 0.1),
    "all zero": lambda rng: np.zeros((40, 2)),
    "a column twice": lambda rng: features(rng)[:, [0, 1, 1]],
    "rows repeated": lambda rng: np.repeat(features(rng, 10), 4, axis=0),
    "ties": lambda rng: rng.integers(0, 3, size=(40, 3)).astype(float),
    "far from zero, float32": lambda rng: (features(rng) + 1e4).astype(np.float32),
    "far from zero": lambda rng: features(rng) + 1e7,
    "tiny": lambda rng: features(rng) * 1e-9,
    "huge": lambda rng: features(rng) * 1e9,
    "one column": lambda rng: features(rng, d=1),
    "an outlier": lambda rng: np.vstack([features(rng, 39), np.full((1, 3), 1e6)]),
    "dead units": lambda rng: np.maximum(features(rng, d=6) - 1.8, 0),
    "whole numbers": lambda rng: rng.integers(-5, 6, size=(40, 3)),
}
HARD_LABELS = {
    "two classes": lambda n: np.arange(n) % 2,
    "one class": lambda n: np.zeros(n, dtype=int),
    "one row of a class": lambda n: np.r_[np.zeros(n - 1, dtype=int), 1],
    "a class for each row": lambda n: np.arange(n),
    "some rare": lambda n: np.r_[np.arange(n - 3) % 2, 2, 3, 4],
    "a gap": lambda n: np.array([0, 5, 17])[np.arange(n) % 3],
    "below zero": lambda n: np.arange(n) % 3 - 1,
    "truth values": lambda n: np.arange(n) % 2 == 0,
    "whole floats": lambda n: (np.arange(n) % 3).astype(float),
    "texts": lambda n: np.array(["a", "b", "c"])[np.arange(n) % 3],
}
HARD_PROBABILITIES = {
    "sure": lambda rng: np.eye(4)[rng.integers(0, 4, size=40)],
    "a class without mass": lambda rng: np.eye(4)[rng.integers(0, 3, size=40)],
    "all rows the same": lambda rng: np.full((40, 4), 0.25),
    "one class": lambda rng: np.ones((40, 1)),
    "float32": lambda rng: softmax(3 * rng.normal(size=(40, 4))).astype(np.float32),
    "more classes than rows": lambda rng: softmax(rng.normal(size=(40, 60))),
    "far apart": lambda rng: softmax(200 * rng.normal(size=(40, 4))),
}


def check_hard(name, pair, **more):
    check_result(name, call(name, pair, **more))


@of("features and labels")
@pytest.mark.parametrize("case", HARD_TABLES)
def test_hard_features(name, case):
    table = HARD_TABLES[case](np.random.default_rng(1))
    check_hard(name, (table, np.arange(len(table)) % 2))


@of("features and targets")
@pytest.mark.parametrize("case", HARD_TABLES)
def test_hard_features_for_targets(name, case):
    rng = np.random.default_rng(1)
    table = HARD_TABLES[case](rng)
    check_hard(name, (table, rng.normal(size=len(table))))


@of("features and targets")
@pytest.mark.parametrize("targets", ["constant", "one beyond all", "tiny", "codes"])
def test_hard_targets(name, targets):
    rng = np.random.default_rng(1)
    values = {
        "constant": np.full(40, 0.1),
        "one beyond all": np.r_[rng.normal(size=39), 1e6],
        "tiny": rng.normal(size=40) * 1e-9,
        "codes": np.arange(40) % 2,
    }[targets]
    check_hard(name, (features(rng), values))


@of("paired tables")
@pytest.mark.parametrize("case", HARD_TABLES)
def test_hard_paired_tables(name, case):
    rng = np.random.default_rng(1)
    table = HARD_TABLES[case](rng)
    other = rng.normal(size=(len(table), 4))
    for pair in ((table, other), (other, table), (table, table.copy())):
        check_hard(name, pair)


@declaring("relabelling")
@pytest.mark.parametrize("case", HARD_LABELS)
def test_hard_labels_beside_easy_sides(name, case):
    """Scores that read labels as numbers of columns may refuse; those of names may not."""
    one, _ = own(name, n=40)
    check_hard(name, (one, HARD_LABELS[case](40)))


@of("labels and labels")
@pytest.mark.parametrize("case", HARD_LABELS)
def test_hard_labels_of_both_kinds(name, case):
    hard, easy = HARD_LABELS[case](40), np.random.default_rng(3).permutation(40) % 3
    for pair in ((hard, easy), (easy, hard), (hard, hard)):
        check_hard(name, pair)


@of("probabilities and labels")
@pytest.mark.parametrize("case", HARD_PROBABILITIES)
def test_hard_probabilities(name, case):
    table = HARD_PROBABILITIES[case](np.random.default_rng(4))
    check_hard(name, (table, np.arange(40) % min(3, table.shape[1])))


@every
def test_a_single_class_or_no_variance_has_no_value_and_a_reason(name):
    """What is not defined must not come back as a number."""
    inputs = REGISTRY[name].inputs
    one, _ = own(name)
    if inputs == "paired tables":
        found = call(name, (one, np.full((60, 3), 0.1)))
    elif inputs == "features and targets":
        found = call(name, (one, np.full(60, 0.1)))
    else:
        found = call(name, (one, np.zeros(60, dtype=int)))
    check_result(name, found)
    if found.value is not None:
        assert found.cautions, "a value without a word of warning"


# --- what is refused


def assert_sentence(fault):
    text = str(fault.value)
    assert len(text) > 30
    assert text.endswith(".")


@of("features and labels", "features and targets", "probabilities and labels", "paired tables")
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_missing_and_infinite_values_are_refused(name, bad):
    for k in range(len(SIDES[REGISTRY[name].inputs])):
        pair = own(name)
        pair[k][3, 1] = bad
        with pytest.raises(ValueError, match="missing or infinite") as fault:
            call(name, pair)
        assert_sentence(fault)


@every
def test_missing_labels_and_targets_are_refused(name):
    one, other = own(name)
    other = other.astype(float)
    other.flat[3] = np.nan
    with pytest.raises(ValueError, match="missing") as fault:
        call(name, (one, other))
    assert_sentence(fault)


@every
def test_sides_of_other_lengths_are_refused(name):
    one, other = own(name)
    for pair in ((one[:-1], other), (one, other[:-1])):
        with pytest.raises(ValueError, match=r"row|entry|label") as fault:
            call(name, pair)
        assert_sentence(fault)


@every
@pytest.mark.parametrize("rows", [0, 1])
def test_no_rows_and_one_row_are_refused(name, rows):
    pair = tuple(side[:rows] for side in own(name))
    with pytest.raises(ValueError, match=r"row|label") as fault:
        call(name, pair)
    assert_sentence(fault)


@of("features and labels", "features and targets", "probabilities and labels", "paired tables")
def test_tables_of_other_shapes_are_refused(name):
    for k in range(len(SIDES[REGISTRY[name].inputs])):
        for change in (lambda s: s[:, 0], lambda s: s[:, :, None], lambda s: s[:, :0]):
            pair = list(own(name))
            pair[k] = change(pair[k])
            with pytest.raises(ValueError, match=r"table|column") as fault:
                call(name, pair)
            assert_sentence(fault)


@of("features and labels", "features and targets", "probabilities and labels", "paired tables")
def test_texts_are_no_features(name):
    one, other = own(name)
    with pytest.raises(TypeError, match="must hold numbers") as fault:
        call(name, (np.full(one.shape, "a"), other))
    assert_sentence(fault)


@of("paired tables")
def test_names_of_rows_must_agree(name):
    pair = own(name)
    ids = np.array([f"row {k}" for k in range(60)])
    found = call(name, pair, first_ids=ids, second_ids=ids.copy())
    assert found.value == pytest.approx(call(name, pair).value, rel=1e-12)
    order = np.random.default_rng(6).permutation(60)
    moved = call(name, (pair[0], pair[1][order]), first_ids=ids, second_ids=ids[order])
    assert moved.value == pytest.approx(found.value, rel=1e-9)
    other = ids.copy()
    other[7] = "another"
    with pytest.raises(ValueError, match="ids") as fault:
        call(name, pair, first_ids=ids, second_ids=other)
    assert_sentence(fault)
