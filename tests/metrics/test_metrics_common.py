"""Promises every measure keeps."""

import dataclasses
from functools import partial

import numpy as np
import pytest

from negtransfer import metrics
from negtransfer.metrics import (
    column_shift,
    label_shift,
    mmd_test,
    proxy_a_distance,
    support_overlap,
)


def table_pair():
    rng = np.random.default_rng(0)
    return rng.normal(size=(70, 3)), rng.normal(0.4, size=(50, 3))


def column_pair():
    source, target = table_pair()
    return source[:, 0], target[:, 0]


def code_pair():
    return tuple((column > 0).astype(int) for column in column_pair())


MEASURES = {
    "column_shift, numbers": (partial(column_shift, categorical=False), column_pair),
    "column_shift, codes": (partial(column_shift, categorical=True), code_pair),
    "label_shift, numbers": (partial(label_shift, categorical=False), column_pair),
    "label_shift, codes": (partial(label_shift, categorical=True), code_pair),
    "mmd_test": (mmd_test, table_pair),
    "proxy_a_distance": (proxy_a_distance, table_pair),
    "support_overlap": (support_overlap, table_pair),
}
every_measure = pytest.mark.parametrize(("measure", "pair"), MEASURES.values(), ids=MEASURES.keys())


def assert_same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if dataclasses.is_dataclass(a):
            assert_same(a, b)
        else:
            np.testing.assert_equal(a, b)


def test_every_measure_is_covered():
    functions = {name for name in metrics.__all__ if callable(getattr(metrics, name))}
    measures = {name for name in functions if not name[0].isupper()}
    measures -= {"benjamini_hochberg", "random_halves"}
    assert measures == {name.split(",")[0] for name in MEASURES}


def test_names_are_sorted():
    assert metrics.__all__ == sorted(metrics.__all__)


@every_measure
def test_a_seed_or_its_generator_gives_one_answer(measure, pair):
    one = measure(*pair(), random_state=7)
    assert_same(one, measure(*pair(), random_state=7))
    assert_same(one, measure(*pair(), random_state=np.random.default_rng(7)))
    measure(*pair(), random_state=None)


@every_measure
def test_input_is_left_alone_and_results_are_frozen(measure, pair):
    source, target = pair()
    source.flags.writeable = target.flags.writeable = False
    result = measure(source, target)
    with pytest.raises(AttributeError):
        result.n_source = 0


@every_measure
def test_global_random_state_is_left_alone(measure, pair):
    before = np.random.get_state()[1].copy()  # noqa: NPY002 -- it must not be touched
    measure(*pair())
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@every_measure
def test_lists_and_narrow_types_give_the_same_answer(measure, pair):
    source, target = pair()
    if source.dtype.kind == "f":
        source, target = source.astype(np.float32), target.astype(np.float32)
        narrow = measure(source, target)
        wide = measure(source.astype(np.float64), target.astype(np.float64))
    else:
        narrow = measure(source.astype(np.int8), target.astype(np.int8))
        wide = measure(source, target)
    assert_same(narrow, wide)
    assert_same(wide, measure(source.tolist(), target.tolist()))


@every_measure
def test_counts_and_flags_are_plain_python(measure, pair):
    for field in dataclasses.fields(result := measure(*pair())):
        value = getattr(result, field.name)
        assert not isinstance(value, np.generic), field.name
