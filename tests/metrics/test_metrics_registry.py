"""Every tag of a registered measure is a promise; here each is held to it."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
from pathlib import Path

import numpy as np
import pytest

from negtransfer import metrics
from negtransfer.metrics import REGISTRY, Interval, NullBand

CLASSES = 3
EXTRA = {
    # what a function needs beside the two sides
    "column_shift": {"categorical": False},
    "label_shift": {"categorical": True},
}


def sides(inputs, seed=0, n=60, m=48, d=3, move=0.6):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, d)), rng.normal(move, 1.2, size=(m, d))
    y = np.arange(n) % CLASSES
    z = np.arange(m) % CLASSES
    if inputs == "tables":
        return (X, Y), {}
    if inputs == "numbers":
        return (X[:, 0], Y[:, 0]), {}
    if inputs == "codes":
        return (y, np.minimum(z, 1)), {}
    if inputs == "labelled tables":
        return (X + y[:, None], Y + z[:, None]), {"source_labels": y, "target_labels": z}
    return None


TESTABLE = sorted(name for name, entry in REGISTRY.items() if sides(entry.inputs) is not None)
TABLES = sorted(name for name, entry in REGISTRY.items() if entry.inputs == "tables")
every = pytest.mark.parametrize("name", TESTABLE)
every_table = pytest.mark.parametrize("name", TABLES)


def declaring(**tags):
    """Parametrise over the measures that declare these tags."""
    names = [n for n in TESTABLE if all(getattr(REGISTRY[n], k) == v for k, v in tags.items())]
    return pytest.mark.parametrize("name", names)


def call(name, pair, extra, **more):
    entry = REGISTRY[name]
    accepted = inspect.signature(entry.function).parameters
    quick = {k: v for k, v in (("n_splits", 3), ("n_draws", 5), ("n_permutations", 19))
             if k in accepted}  # fmt: skip
    return entry.function(*pair, **{**quick, **extra, **EXTRA.get(name, {}), **more})


def value(name, pair, extra, **more):
    return call(name, pair, extra, **more).value


def test_the_register_names_the_public_functions():
    public = {n for n in metrics.__all__ if inspect.isfunction(getattr(metrics, n))}
    assert set(REGISTRY) <= public
    assert all(getattr(metrics, name) is entry.function for name, entry in REGISTRY.items())


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_entries_say_everything(name):
    entry = REGISTRY[name]
    assert entry.units
    assert entry.direction.startswith(("larger means", "negative means", "positive means"))
    assert entry.range[0] < entry.range[1]
    assert entry.cost.startswith("O(")
    assert entry.min_rows >= 1
    assert entry.summary.endswith(".")
    text = entry.function.__doc__
    for section in ("Parameters", "Returns", "Notes", "Examples"):
        assert f"{section}\n    ---" in text, section


@every
def test_value_interval_and_null_stand_together(name):
    entry = REGISTRY[name]
    found = call(name, *sides(entry.inputs))
    assert isinstance(found.value, float)
    assert entry.range[0] <= found.value <= entry.range[1]
    if hasattr(found, "interval") and found.interval is not None:
        assert isinstance(found.interval, Interval)
        assert found.interval.low <= found.value <= found.interval.high
    if hasattr(found, "null"):
        assert isinstance(found.null, NullBand)


@every
def test_the_same_seed_gives_the_same_value(name):
    pair, extra = sides(REGISTRY[name].inputs)
    seeded = "random_state" in inspect.signature(REGISTRY[name].function).parameters
    more = {"random_state": 3} if seeded else {}
    assert value(name, pair, extra, **more) == value(name, pair, extra, **more)


@declaring(symmetric=True)
def test_symmetry_as_declared(name):
    pair, extra = sides(REGISTRY[name].inputs)
    back = {f"{'target' if k.startswith('source') else 'source'}_{k.split('_', 1)[1]}": v
            for k, v in extra.items()}  # fmt: skip
    assert value(name, pair[::-1], back) == pytest.approx(value(name, pair, extra), rel=1e-8)


@declaring(zero_on_itself=True)
def test_a_sample_against_itself(name):
    pair, extra = sides(REGISTRY[name].inputs)
    same = dict.fromkeys(extra, extra.get("source_labels"))
    assert value(name, (pair[0], pair[0].copy()), same) == pytest.approx(0, abs=1e-6)


MAPS = {
    "column order": lambda X: X[:, ::-1].copy(),
    "translation": lambda X: X + np.array([3.0, -2.0, 7.0])[: X.shape[1]],
    "rotation": lambda X: X @ np.linalg.qr(np.arange(9.0).reshape(3, 3) ** 1.5 + np.eye(3))[0],
    "one scale": lambda X: X * 2.5,
    "column scales": lambda X: X * np.array([0.2, 3.0, 11.0]),
    "monotone": lambda X: np.exp(X / 2),
}


INVARIANT = [(n, how) for n in TABLES for how in MAPS if how in REGISTRY[n].invariances]
ORDERLESS = [n for n in TABLES if "row order" in REGISTRY[n].invariances]


@pytest.mark.parametrize(("name", "how"), INVARIANT)
def test_invariances_as_declared(name, how):
    pair, extra = sides("tables")
    moved = tuple(MAPS[how](X) for X in pair)
    assert value(name, moved, extra) == pytest.approx(value(name, pair, extra), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", ORDERLESS)
def test_the_order_of_rows_does_not_matter(name):
    pair, extra = sides("tables")
    rng = np.random.default_rng(5)
    mixed = tuple(X[rng.permutation(len(X))] for X in pair)
    assert value(name, mixed, extra) == pytest.approx(value(name, pair, extra), rel=1e-8, abs=1e-10)


HARD = {
    "more columns than rows": lambda rng: (rng.normal(size=(20, 40)), rng.normal(size=(16, 40))),
    "a constant column": lambda rng: tuple(
        np.hstack([rng.normal(size=(30, 2)), np.ones((30, 1))]) for _ in "ab"
    ),
    "every row the same": lambda rng: (np.ones((20, 2)), np.ones((20, 2))),
    "two constants": lambda rng: (np.ones((20, 2)), 2 * np.ones((20, 2))),
    "rows repeated": lambda rng: tuple(np.repeat(rng.normal(size=(8, 2)), 4, axis=0) for _ in "ab"),
    "ties": lambda rng: tuple(rng.integers(0, 3, size=(40, 3)).astype(float) for _ in "ab"),
    "far from zero, float32": lambda rng: tuple(
        (rng.normal(size=(40, 3)) + 1e4).astype(np.float32) for _ in "ab"
    ),
    "one column": lambda rng: (rng.normal(size=(30, 1)), rng.normal(size=(25, 1))),
}


@every_table
@pytest.mark.parametrize("case", HARD)
def test_hard_inputs_give_a_number_in_range_or_one_sentence(name, case):
    entry = REGISTRY[name]
    pair = HARD[case](np.random.default_rng(1))
    found, fault = _tried(name, pair)
    if found is None:
        assert len(fault) > 30
        assert fault.endswith(".")
    else:
        assert math.isfinite(found.value)
        assert entry.range[0] <= found.value <= entry.range[1]


def _tried(name, pair):
    try:
        return call(name, pair, {}), None
    except ValueError as fault:
        return None, str(fault)


@every_table
@pytest.mark.parametrize("rows", [0, 1])
def test_no_rows_and_one_row_are_refused(name, rows):
    pair, _ = sides("tables")
    with pytest.raises(ValueError, match="row"):
        call(name, (pair[0][:rows], pair[1]), {})


@every_table
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_missing_and_infinite_values_are_refused(name, bad):
    (X, Y), _ = sides("tables")
    Y[3, 1] = bad
    with pytest.raises(ValueError, match="missing or infinite"):
        call(name, (X, Y), {})


@every_table
def test_other_columns_are_refused(name):
    (X, Y), _ = sides("tables")
    with pytest.raises(ValueError, match="columns"):
        call(name, (X, Y[:, :2]), {})


@every
@pytest.mark.parametrize("gradient", [False, True])
def test_tensors_give_the_same_number(name, gradient):
    """Computed where they lie, or brought to NumPy: the entry says which."""
    torch = pytest.importorskip("torch")
    pair, extra = sides(REGISTRY[name].inputs)
    wanted = gradient and pair[0].dtype.kind == "f"
    tensors = tuple(torch.tensor(X, requires_grad=wanted) for X in pair)
    labels = {key: torch.tensor(value) for key, value in extra.items()}
    assert value(name, tensors, labels) == pytest.approx(value(name, pair, extra), rel=1e-8)


@declaring(arrays=True)
def test_whole_results_of_tensors_are_those_of_numpy(name):
    torch = pytest.importorskip("torch")
    pair, extra = sides(REGISTRY[name].inputs)
    close(call(name, tuple(map(torch.tensor, pair)), extra), call(name, pair, extra))


def close(one, other):
    """Hold two results to each other up to rounding; no field may be left a tensor."""
    for field in dataclasses.fields(other):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if dataclasses.is_dataclass(b):
            close(a, b)
        elif isinstance(b, float | np.ndarray) and np.asarray(b).dtype.kind == "f":
            assert type(a) is type(b), field.name
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8, err_msg=field.name)
        else:
            np.testing.assert_equal(a, b, err_msg=field.name)


@declaring(arrays=True)
def test_arrays_are_not_brought_to_numpy_at_the_door(name, monkeypatch):
    """The values stay where they are: converting the inputs whole would pass the test above."""
    torch = pytest.importorskip("torch")
    pair, extra = sides(REGISTRY[name].inputs)
    tensors = tuple(map(torch.tensor, pair))
    homes = {tensor.untyped_storage().data_ptr() for tensor in tensors}
    plain = torch.Tensor.__array__

    def watched(tensor, *arguments, **options):
        assert tensor.untyped_storage().data_ptr() not in homes
        return plain(tensor, *arguments, **options)

    monkeypatch.setattr(torch.Tensor, "__array__", watched)
    call(name, tensors, extra)


# --- what every result and every call keeps


def assert_same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if dataclasses.is_dataclass(a):
            assert_same(a, b)
        else:
            np.testing.assert_equal(a, b)


def seeded(name):
    return "random_state" in inspect.signature(REGISTRY[name].function).parameters


@pytest.mark.parametrize("name", [n for n in TESTABLE if seeded(n)])
def test_a_seed_or_its_generator_gives_one_answer(name):
    given = sides(REGISTRY[name].inputs)
    one = call(name, *given, random_state=7)
    assert_same(one, call(name, *given, random_state=7))
    assert_same(one, call(name, *given, random_state=np.random.default_rng(7)))
    call(name, *given, random_state=None)


@every
def test_input_is_left_alone_and_results_are_frozen(name):
    (source, target), extra = sides(REGISTRY[name].inputs)
    source.flags.writeable = target.flags.writeable = False
    result = call(name, (source, target), extra)
    with pytest.raises(AttributeError):
        result.n_source = 0


@every
def test_global_random_state_is_left_alone(name):
    before = np.random.get_state()[1].copy()  # noqa: NPY002 -- it must not be touched
    call(name, *sides(REGISTRY[name].inputs))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@every
def test_lists_and_narrow_types_give_the_same_answer(name):
    (source, target), extra = sides(REGISTRY[name].inputs)
    narrow = np.float32 if source.dtype.kind == "f" else np.int8
    pair = source.astype(narrow), target.astype(narrow)
    wide = tuple(side.astype(source.dtype) for side in pair)
    assert_same(call(name, pair, extra), call(name, wide, extra))
    lists = tuple(side.tolist() for side in wide)
    assert_same(call(name, wide, extra), call(name, lists, extra))


@every
def test_counts_and_flags_are_plain_python(name):
    result = call(name, *sides(REGISTRY[name].inputs))
    for field in dataclasses.fields(result):
        assert not isinstance(getattr(result, field.name), np.generic), field.name


DEFECTS = {
    # recorded so that nobody matches them: see the recipes in reference/values.json
    "hyppo_MMD_statistic_as_shipped", "ks_torchdrift_maxdiff_vs_scipy", "proxy_a_distance_peer",
    "torchdrift_kernel_mmd_as_shipped",
}  # fmt: skip


def test_every_stored_reference_value_is_held_by_some_test():
    folder = Path(__file__).parent
    stored = json.loads((folder / "reference" / "values.json").read_text(encoding="utf-8"))
    measures = {entry["measure"] for entry in stored["values"]}
    tests = "".join(p.read_text(encoding="utf-8") for p in folder.glob("test_metrics_*.py"))
    untested = {name for name in measures if f'"{name}"' not in tests.replace(_own(tests), "")}
    assert untested == DEFECTS


def _own(tests):
    """Return the list of defects above as it stands in the tests' text."""
    start = tests.index("DEFECTS = {")
    return tests[start : tests.index("}", start)]
