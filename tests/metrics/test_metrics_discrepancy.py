"""Discrepancy of linear predictors: independent values and what it bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negtransfer.metrics import discrepancy_distance

QUICK = {"n_splits": 1, "n_draws": 2}


@pytest.mark.reference("linear_discrepancy")
def test_equals_adapt(entry, case_arrays, close):
    close(discrepancy_distance(*case_arrays(entry["case"]), **QUICK).value, entry)


@pytest.mark.reference("normalized_linear_discrepancy")
def test_normalised_equals_adapt(entry, case_arrays, close):
    pair = case_arrays(entry["case"])
    close(discrepancy_distance(*pair, scale="normalised", **QUICK).value, entry)


def draw(seed=0, n=40, m=30, d=3, move=0.5, scale=1.3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(move, scale, size=(m, d))


def loss_gap(x, y, u, v):
    return abs(np.mean((x @ u - x @ v) ** 2) - np.mean((y @ u - y @ v) ** 2))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.tuples(st.integers(2, 15), st.integers(2, 15)),
    d=st.integers(1, 50),
    bound=st.sampled_from([0.5, 1.0, 3.0]),
)
def test_it_bounds_every_pair_of_predictors_and_one_reaches_it(seed, sizes, d, bound):
    x, y = draw(seed, *sizes, d)
    found = discrepancy_distance(x, y, norm_bound=bound, **QUICK)
    for _ in range(20):
        u, v = np.random.default_rng(seed).normal(size=(2, d))
        u, v = bound * u / np.linalg.norm(u), bound * v / np.linalg.norm(v)
        assert loss_gap(x, y, u, v) <= found.value * (1 + 1e-9)
    best = bound * found.direction
    assert loss_gap(x, y, best, -best) == pytest.approx(found.value, rel=1e-9)
    assert found.column_part.sum() == pytest.approx(found.value, rel=1e-9)
    assert np.linalg.norm(found.direction) == pytest.approx(1)
    assert found.direction[np.abs(found.direction).argmax()] > 0


def test_the_norm_bound_only_scales():
    pair = draw()
    plain, bound = discrepancy_distance(*pair), discrepancy_distance(*pair, norm_bound=2.0)
    assert bound.value == pytest.approx(16 * plain.value)
    assert bound.interval.high == pytest.approx(16 * plain.interval.high)
    np.testing.assert_allclose(bound.null.source, 16 * plain.null.source)


@pytest.mark.parametrize(("factor", "side"), [(2.0, "target"), (0.3, "source")])
def test_the_column_and_the_side_are_named(factor, side):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 5)), rng.normal(size=(200, 5))
    y[:, 3] *= factor
    found = discrepancy_distance(x, y)
    assert found.larger == side
    assert found.column_part.argmax() == 3
    assert found.value == pytest.approx(abs(1 - factor**2), rel=0.25)
    assert found.value > found.null.pooled.max()


def test_centred_rows_may_lie_anywhere():
    x, y = draw()
    near = discrepancy_distance(x, y, scale="centred").value
    far = discrepancy_distance(x + 1e4, y + 1e4, scale="centred").value
    assert far == pytest.approx(near, rel=1e-8)
    assert discrepancy_distance(x + 1e4, y + 1e4).value > 100 * near


def test_normalised_does_not_depend_on_units():
    x, y = draw()
    plain = discrepancy_distance(x, y, scale="normalised").value
    moved = discrepancy_distance(9 * x + 4, 9 * y + 4, scale="normalised").value
    assert moved == pytest.approx(plain, rel=1e-9)


def test_the_span_of_few_rows_says_the_same_as_all_columns():
    x, y = draw(1, 9, 8, 60)
    found = discrepancy_distance(x, y, **QUICK)
    values, vectors = np.linalg.eigh(x.T @ x / 9 - y.T @ y / 8)
    place = np.abs(values).argmax()
    assert found.value == pytest.approx(abs(values[place]), rel=1e-10)
    assert abs(found.direction @ vectors[:, place]) == pytest.approx(1, rel=1e-8)


def test_the_interval_covers_the_mean_of_such_samples():
    found = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        pair = rng.normal(size=(60, 3)), rng.normal(0.6, 1.5, size=(50, 3))
        found.append(discrepancy_distance(*pair, n_splits=1))
    mean = np.mean([one.value for one in found])
    held = np.mean([one.interval.low <= mean <= one.interval.high for one in found])
    assert 0.68 <= held <= 0.92  # nominal 0.8


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"scale": "standard"}, "'none', 'centred', 'normalised'"),
        ({"norm_bound": 0.0}, "`norm_bound`"),
        ({"norm_bound": math.inf}, "`norm_bound`"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says) as fault:
        discrepancy_distance(*draw(), **options)
    assert str(fault.value).endswith(".")


def test_nothing_to_divide_by_is_said():
    ones = np.ones((20, 2))
    with pytest.raises(ValueError, match="nothing to divide by"):
        discrepancy_distance(ones, ones, scale="normalised")
