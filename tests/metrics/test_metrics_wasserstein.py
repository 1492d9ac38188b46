"""Wasserstein distance: values of POT and scipy, closed forms, attribution, doubt, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from negtransfer.metrics import wasserstein

QUICK = {"n_splits": 1, "n_draws": 2}


@pytest.mark.reference("wasserstein1_exact", "wasserstein1_1d")
def test_first_order_of_pot_and_scipy(entry, case_arrays, close):
    close(wasserstein(*case_arrays(entry["case"]), **QUICK).value, entry)


@pytest.mark.reference("wasserstein2_squared_exact")
def test_second_order_of_pot(entry, case_arrays, close):
    pair = case_arrays(entry["case"])
    close(wasserstein(*pair, p=2, squared=True, **QUICK).value, entry)
    close(wasserstein(*pair, p=2, **QUICK).value, entry, np.sqrt(entry["value"]))


@pytest.mark.parametrize("p", [1, 2])
def test_a_translation_costs_its_length(p):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    found = wasserstein(X, X + np.array([1.0, 2.0, 2.0]), p=p)
    assert found.value == pytest.approx(3.0)
    np.testing.assert_allclose(found.target_cost, 3.0**p)
    np.testing.assert_allclose(found.column_shares, np.array([1, 4, 4]) / 9)


@pytest.mark.parametrize("p", [1, 2])
def test_equal_sizes_are_an_assignment(p):
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(40, 4)), rng.normal(0.5, 1.5, size=(40, 4))
    cost = cdist(X, Y) ** p
    best = cost[linear_sum_assignment(cost)].mean() ** (1 / p)
    assert wasserstein(X, Y, p=p, **QUICK).value == pytest.approx(best)


@pytest.mark.parametrize("p", [1, 2])
@settings(max_examples=25, deadline=None)
@given(
    arrays(np.float64, st.integers(2, 12), elements=st.integers(-5, 5)),
    arrays(np.float64, st.integers(2, 12), elements=st.integers(-5, 5)),
)
def test_sorting_one_column_is_the_simplex_on_two(p, x, y):
    """A second column that is constant changes nothing but the way it is computed."""
    one = wasserstein(x[:, None], y[:, None], p=p, **QUICK)
    two = wasserstein(*(np.column_stack([s, np.ones(len(s))]) for s in (x, y)), p=p, **QUICK)
    assert one.value == pytest.approx(two.value, abs=1e-7)
    assert one.target_cost.mean() == pytest.approx(one.value**p, abs=1e-9)


def test_the_order_p_is_a_mean_of_powers():
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(40, 3)), rng.normal(1.0, size=(30, 3))
    first, second = (wasserstein(X, Y, p=p, **QUICK) for p in (1, 2))
    assert first.value < second.value
    for found in (first, second):
        assert found.target_cost.mean() == pytest.approx(found.value**found.p)
        assert found.column_shares.sum() == pytest.approx(1.0)


def test_the_row_that_was_moved_is_named():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 3))
    Y = X[:40].copy()
    Y[7, 1] += 30.0
    found = wasserstein(X, Y, **QUICK)
    assert found.target_rows[found.target_cost.argmax()] == 7
    assert found.column_shares.argmax() == 1


def test_a_sample_against_itself_is_exactly_zero():
    X = np.random.default_rng(4).normal(size=(50, 3))
    found = wasserstein(X, X)
    assert found.value == 0.0
    assert (found.column_shares == 0).all()


def test_larger_sides_are_subsampled_and_say_so():
    rng = np.random.default_rng(5)
    X, Y = rng.normal(size=(120, 2)), rng.normal(size=(50, 2))
    found = wasserstein(X, Y, max_rows=60, **QUICK)
    assert (found.n_source, found.n_target) == (60, 50)
    assert "60 of 120 source rows" in found.warnings[0]
    assert wasserstein(X, Y, **QUICK).warnings == ()
    one = wasserstein(X[:, :1], Y[:, :1], max_rows=60, **QUICK)
    assert one.n_source == 120
    assert one.warnings == ()


def test_the_null_band_shows_the_bias():
    """Twenty columns, no shift: the value is far from 0, and so is the null."""
    rng = np.random.default_rng(6)
    found = wasserstein(rng.normal(size=(80, 20)), rng.normal(size=(80, 20)))
    assert found.value > 3
    low, _, high = found.null.source_quantiles
    assert low > 3
    # Halves are half as large, hence a little farther apart.
    assert found.value < high < 1.2 * found.value


def test_the_interval_covers_what_such_samples_give_on_average():
    rng = np.random.default_rng(7)

    def draw():
        return rng.normal(size=(40, 2)), rng.normal(0.7, size=(40, 2))

    results = [wasserstein(*draw(), n_splits=1, n_draws=20) for _ in range(60)]
    average = np.mean([r.value for r in results])
    covered = np.mean([r.interval.low <= average <= r.interval.high for r in results])
    assert 0.65 <= covered <= 0.95


def test_few_rows_have_no_interval_and_no_null():
    found = wasserstein([[0.0], [1.0]], [[1.0], [2.0]])
    assert found.value == pytest.approx(1.0)
    assert found.interval is None
    assert found.null.source is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p": 3}, "`p` must be 1 or 2"),
        ({"p": True}, "`p` must be 1 or 2"),
        ({"squared": True}, "needs `p=2`"),
        ({"max_rows": 5}, "`max_rows`"),
        ({"level": 1.0}, "`level`"),
    ],
)
def test_bad_options_are_refused(options, message):
    X = np.zeros((20, 2))
    with pytest.raises(ValueError, match=message):
        wasserstein(X, X, **options)
