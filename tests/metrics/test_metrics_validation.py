"""Bad input is refused in a sentence before it reaches numpy."""

import numpy as np
import pytest

from negtransfer.metrics import (
    benjamini_hochberg,
    column_shift,
    label_shift,
    mmd_test,
    proxy_a_distance,
    support_overlap,
)

GOOD = np.random.default_rng(0).normal(size=(20, 3))
TABLE_MEASURES = [mmd_test, proxy_a_distance, support_overlap]


@pytest.mark.parametrize("measure", TABLE_MEASURES)
@pytest.mark.parametrize(
    ("target", "message"),
    [
        (GOOD[:, :2], r"`target` has 2 columns, `source` has 3; align the columns"),
        (GOOD[:, 0], r"`target` must be a table .* got an array with 1 dimension"),
        (GOOD[:, :0], r"`target` has no columns"),
        (GOOD[:7], r"`target` has 7 row\(s\), at least 8 are needed"),
        (np.where(GOOD > 2, np.inf, np.nan), r"`target` contains 60 missing or infinite"),
    ],
)
def test_tables_that_cannot_be_compared(measure, target, message):
    with pytest.raises(ValueError, match=message):
        measure(GOOD, target)


@pytest.mark.parametrize("measure", TABLE_MEASURES)
def test_text_is_not_a_table(measure):
    with pytest.raises(TypeError, match="`source` must hold numbers"):
        measure(np.full((20, 3), "a"), GOOD)


@pytest.mark.parametrize("measure", TABLE_MEASURES)
@pytest.mark.parametrize("random_state", ["0", 1.5, True])
def test_random_state_type(measure, random_state):
    with pytest.raises(TypeError, match="`random_state` must be an int, a numpy Generator or None"):
        measure(GOOD, GOOD, random_state=random_state)


@pytest.mark.parametrize(
    ("measure", "option"),
    [
        (mmd_test, {"n_permutations": 5}),
        (mmd_test, {"max_rows": 10}),
        (mmd_test, {"level": 1.0}),
        (proxy_a_distance, {"n_folds": 1}),
        (proxy_a_distance, {"n_null": 2.5}),
        (support_overlap, {"k": 0}),
        (support_overlap, {"quantile": 95}),
    ],
)
def test_options_out_of_range(measure, option):
    (name,) = option
    with pytest.raises(ValueError, match=f"`{name}` must"):
        measure(GOOD, GOOD, **option)


@pytest.mark.parametrize("measure", [column_shift, label_shift])
def test_columns(measure):
    with pytest.raises(TypeError, match="`source` must hold integer codes"):
        measure([0.0, 1.0], [0, 1], categorical=True)
    with pytest.raises(ValueError, match="`target` holds the code -2"):
        measure([0, 1], [0, -2], categorical=True)
    with pytest.raises(ValueError, match="`source` must be one column"):
        measure(GOOD, GOOD, categorical=False)
    with pytest.raises(ValueError, match="`target` contains infinite values"):
        measure([1.0], [np.inf], categorical=False)
    with pytest.raises(ValueError, match=r"`source` has 0 row\(s\)"):
        measure([], [1.0], categorical=False)


def test_label_shift_needs_a_label():
    with pytest.raises(ValueError, match="`target` has no label that is not missing"):
        label_shift([0, 1], [-1, -1], categorical=True)


def test_groups_and_masks():
    with pytest.raises(ValueError, match="Only one of `source_groups` and `target_groups`"):
        proxy_a_distance(GOOD, GOOD, source_groups=np.arange(20))
    with pytest.raises(TypeError, match="`source_held_out` must be an array of type bool"):
        proxy_a_distance(GOOD, GOOD, source_held_out=np.ones(20))
    with pytest.raises(ValueError, match=r"`target_held_out` has shape \(3,\), expected one"):
        proxy_a_distance(GOOD, GOOD, target_held_out=np.ones(3, dtype=bool))
    with pytest.raises(ValueError, match="fewer than two groups"):
        proxy_a_distance(GOOD, GOOD, source_held_out=np.zeros(20, dtype=bool))


def test_p_values_out_of_range():
    with pytest.raises(ValueError, match="`p_values` must be one list of numbers between 0 and 1"):
        benjamini_hochberg([0.5, 1.5])
