"""Energy distance: independent values, the sorted route, and its conventions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from negtransfer.metrics import energy_distance


@pytest.mark.reference("energy_distance_V", "energy_distance_U")
def test_equals_dcor(entry, case_arrays, close):
    estimator = entry["measure"][-1]
    pair = case_arrays(entry["case"])
    close(energy_distance(*pair, estimator=estimator, n_splits=1).value, entry)


@pytest.mark.reference("energy_half_V")
def test_half_equals_geomloss(entry, case_arrays, close):
    pair = case_arrays(entry["case"])
    close(energy_distance(*pair, half=True, floor=1e-4, n_splits=1).value, entry)


@pytest.mark.reference("energy_1d_scipy")
def test_the_root_equals_scipy(entry, case_arrays, close):
    close(energy_distance(*case_arrays(entry["case"]), root=True, n_splits=1).value, entry)


def draw(seed=0, n=40, m=30, d=3, move=0.5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(move, 1.3, size=(m, d))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.tuples(st.integers(2, 25), st.integers(2, 25)),
    ties=st.booleans(),
    estimator=st.sampled_from(["V", "U"]),
)
def test_one_column_sorted_equals_the_same_column_beside_a_constant(seed, sizes, ties, estimator):
    x, y = draw(seed, *sizes, 1)
    if ties:
        x, y = np.round(x), np.round(y)
    sorted_ = energy_distance(x, y, estimator=estimator, n_splits=3)
    paired = energy_distance(
        *(np.hstack([s, np.ones_like(s)]) for s in (x, y)), estimator=estimator, n_splits=3
    )
    assert sorted_.value == pytest.approx(paired.value, rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(sorted_.null.pooled, paired.null.pooled, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(sorted_.source_witness, paired.source_witness, atol=1e-12)
    if sorted_.interval is not None:
        assert sorted_.interval.low == pytest.approx(paired.interval.low, rel=1e-6, abs=1e-9)


def test_one_column_of_many_rows_is_quick_and_right():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200_000, 1)), rng.normal(1.0, size=(100_000, 1))
    found = energy_distance(x, y, n_splits=1, level=0.99)
    # E|N(a, 2)| = 2/sqrt(pi) exp(-a²/4) + a erf(a/2)
    exact = 2 * (2 / np.sqrt(np.pi) * np.exp(-0.25) + 0.5204998778) - 4 / np.sqrt(np.pi)
    assert found.interval.low < exact < found.interval.high
    assert found.value == pytest.approx(exact, rel=0.02)


def test_the_two_forms_differ_by_the_mean_distances_within():
    x, y = draw()
    v, u = (energy_distance(x, y, estimator=e, n_splits=1).value for e in "VU")
    n, m = len(x), len(y)
    within_x = cdist(x, x).sum() / (n * (n - 1))
    within_y = cdist(y, y).sum() / (m * (m - 1))
    assert v - u == pytest.approx(within_x / n + within_y / m, rel=1e-9)


def test_value_scales_with_the_rows():
    x, y = draw()
    assert energy_distance(7 * x, 7 * y).value == pytest.approx(7 * energy_distance(x, y).value)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("estimator", ["V", "U"])
def test_the_witness_sums_to_the_value(d, estimator):
    found = energy_distance(*draw(d=d), estimator=estimator, n_splits=1)
    gap = found.source_witness.mean() - found.target_witness.mean()
    assert gap == pytest.approx(found.value, rel=1e-9)


def test_the_interval_covers():
    # E|N(a, 2)| for a = 0.7, and for a = 0
    exact = 2 * (2 / np.sqrt(np.pi) * np.exp(-0.1225) + 0.7 * math.erf(0.35)) - 4 / np.sqrt(np.pi)
    held = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(50, 1)), rng.normal(0.7, size=(35, 1))
        interval = energy_distance(x, y, estimator="U", n_splits=1).interval
        held += interval.low <= exact <= interval.high
    assert 0.74 <= held / 400 <= 0.86  # nominal 0.8, 0.787 over 2,000 draws


def test_root_and_half_reach_interval_and_null():
    x, y = draw()
    plain = energy_distance(x, y)
    shown = energy_distance(x, y, root=True, half=True)
    assert shown.value == pytest.approx(np.sqrt(plain.value / 2))
    assert shown.interval.high == pytest.approx(np.sqrt(plain.interval.high / 2))
    np.testing.assert_allclose(shown.null.source, np.sqrt(plain.null.source / 2))


def test_rows_that_sit_apart_in_high_dimension_stay_exact_for_tensors():
    torch = pytest.importorskip("torch")
    x, y = draw(3, 40, 30, 60)
    y[:5] = x[:5]  # equal rows must be at distance 0
    found = energy_distance(torch.as_tensor(x), torch.as_tensor(y))
    assert found.value == pytest.approx(energy_distance(x, y).value, rel=1e-10)


def test_few_rows_have_a_value_and_no_interval():
    x, y = draw(0, 15, 40)
    assert energy_distance(x, y).interval is None
    assert energy_distance(x[:2], y[:2]).value >= 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"estimator": "biased"}, "'V', 'U'"),
        ({"estimator": "U", "root": True}, "may be negative"),
        ({"floor": -1.0}, "floor"),
        ({"n_splits": 0}, "n_splits"),
        ({"level": 0}, "level"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says) as fault:
        energy_distance(*draw(), **options)
    assert str(fault.value).endswith(".")
