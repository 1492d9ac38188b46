"""CORAL: independent values, the closed form, and its entries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negtransfer.metrics import coral_distance

QUICK = {"n_splits": 1, "n_draws": 2}


@pytest.mark.reference("coral")
def test_equals_the_loss_of_a_peer(entry, case_arrays, close):
    close(coral_distance(*case_arrays(entry["case"]), **QUICK).value, entry)


@pytest.mark.reference("cov_distance_mean_abs")
def test_the_mean_absolute_difference_equals_adapt(entry, case_arrays, close):
    pair = case_arrays(entry["case"])
    close(coral_distance(*pair, norm="mean_absolute", **QUICK).value, entry)


def draw(seed=0, n=40, m=30, d=3, move=0.5, scale=1.3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(move, scale, size=(m, d))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.tuples(st.integers(2, 20), st.integers(2, 20)),
    d=st.integers(1, 8),
    norm=st.sampled_from(["frobenius", "mean_absolute"]),
)
def test_parts_add_up_and_the_difference_is_of_the_covariances(seed, sizes, d, norm):
    x, y = draw(seed, *sizes, d)
    found = coral_distance(x, y, norm=norm, **QUICK)
    gap = (np.cov(y, rowvar=False) - np.cov(x, rowvar=False)).reshape(d, d)
    np.testing.assert_allclose(found.difference, gap, atol=1e-12)
    assert found.pair_part.sum() == pytest.approx(found.value, rel=1e-12)
    assert found.column_part.sum() == pytest.approx(found.value, rel=1e-12)
    power = 2 if norm == "frobenius" else 1
    share = 4 * d**2 if norm == "frobenius" else d**2
    np.testing.assert_allclose(found.pair_part, np.abs(gap) ** power / share, atol=1e-12)


def test_one_spread_pair_of_columns_is_found():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 6)), rng.normal(size=(300, 6))
    y[:, 4] = 0.8 * y[:, 1] + 0.6 * y[:, 4]
    found = coral_distance(x, y)
    assert {*np.unravel_index(found.pair_part.argmax(), (6, 6))} == {1, 4}
    assert found.difference[1, 4] == pytest.approx(0.8, abs=0.15)
    assert found.value > found.null.pooled.max()


def test_a_shift_of_the_mean_does_not_show():
    x, y = draw()
    assert coral_distance(x, y + 5).value == pytest.approx(coral_distance(x, y).value, rel=1e-10)


def test_the_stated_bias_of_like_sides():
    rng = np.random.default_rng(0)
    values = [
        coral_distance(rng.normal(size=(50, 20)), rng.normal(size=(40, 20)), **QUICK).value
        for _ in range(100)
    ]
    # (1/n + 1/m)/4, and (1 + 1/d) times that with the diagonal, whose noise is double.
    assert np.mean(values) == pytest.approx((1 / 50 + 1 / 40) / 4 * 1.05, rel=0.06)


def test_the_interval_covers_the_mean_of_such_samples():
    found = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        pair = rng.normal(size=(60, 3)), rng.normal(0.6, 1.5, size=(50, 3))
        found.append(coral_distance(*pair, n_splits=1))
    mean = np.mean([one.value for one in found])
    held = np.mean([one.interval.low <= mean <= one.interval.high for one in found])
    assert 0.68 <= held <= 0.92  # nominal 0.8


def test_few_rows_have_a_value_and_no_interval():
    x, y = draw(0, 15, 40)
    assert coral_distance(x, y).interval is None
    assert coral_distance(x[:2], y[:2]).value > 0


@pytest.mark.parametrize(
    ("options", "says"),
    [({"norm": "nuclear"}, "'frobenius', 'mean_absolute'"), ({"level": 0}, "`level`")],
)
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says) as fault:
        coral_distance(*draw(), **options)
    assert str(fault.value).endswith(".")
