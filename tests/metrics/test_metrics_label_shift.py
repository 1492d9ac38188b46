"""Shift of the label marginal."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency, norm, wasserstein_distance

from negtransfer.metrics import label_shift


def test_classes_by_hand():
    x, y = np.repeat([0, 1, 2], [50, 30, 20]), np.repeat([0, 1, 2], [20, 30, 50])
    result = label_shift(np.r_[x, -1, -1], y, categorical=True)
    assert result.value == pytest.approx(0.3)
    assert result.value_name == "total_variation"
    assert (result.n_source, result.n_target) == (100, 100)
    expected = chi2_contingency([[50, 30, 20], [20, 30, 50]], correction=False).pvalue
    assert result.p_value == pytest.approx(expected)
    assert result.null.percentile(result.value) == 100.0


def test_quantities_by_hand():
    rng = np.random.default_rng(0)
    x, y = rng.normal(10, 3, 200), rng.normal(13, 3, 100)
    result = label_shift(np.r_[x, np.nan], y, categorical=False)
    assert result.value == pytest.approx(wasserstein_distance(x, y) / np.std(x))
    assert result.value_name == "wasserstein_in_source_sd"
    assert result.p_value < 1e-4


@pytest.mark.parametrize("shares", [(0.5, 0.3, 0.2), (0.3, 0.3, 0.4), (0.1, 0.1, 0.8)])
def test_interval_covers_the_true_total_variation(shares):
    base = np.array([0.5, 0.3, 0.2])
    truth = np.abs(base - shares).sum() / 2
    covered = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        result = label_shift(
            rng.choice(3, 120, p=base), rng.choice(3, 60, p=shares), categorical=True, n_splits=1
        )
        covered.append(result.interval.low <= truth <= result.interval.high)
    assert np.mean(covered) >= 0.7  # 80 % nominal, 0.1 % binomial limit


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_interval_covers_the_true_wasserstein(shift):
    covered = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=100), rng.normal(shift, size=60)
        result = label_shift(x, y, categorical=False, n_splits=1, n_bootstrap=100)
        covered.append(result.interval.low <= shift <= result.interval.high)
    assert np.mean(covered) >= 0.67  # 80 % nominal, 0.1 % binomial limit


def test_the_value_lies_in_its_interval_and_range():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        result = label_shift(rng.integers(0, 9, 12), rng.integers(0, 9, 9), categorical=True)
        assert 0 <= result.interval.low <= result.value <= result.interval.high <= 1


def test_identical_laws_rarely_leave_their_null_band():
    alarms = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        result = label_shift(
            norm.ppf(rng.random(70)), norm.ppf(rng.random(50)), categorical=False, n_bootstrap=20
        )
        alarms.append(result.null.percentile(result.value) >= 95)
    assert np.mean(alarms) <= 0.1


@pytest.mark.parametrize(("x", "y", "value"), [(1.0, 1.0, 0.0), (1.0, 3.0, 2.0)])
def test_constant_quantities(x, y, value):
    result = label_shift(np.full(20, x), np.full(20, y), categorical=False)
    assert result.value == value
    assert result.interval.low == result.interval.high == value


def test_one_class_only():
    result = label_shift(np.zeros(20, int), np.zeros(20, int), categorical=True)
    assert (result.value, result.p_value) == (0.0, 1.0)
