"""MMD test: reference values, closed form, invariances, odd inputs."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

from negtransfer.metrics import mmd_test


def gauss_shift():
    rng = np.random.default_rng(20240501)
    return rng.standard_normal((60, 5)), rng.standard_normal((50, 5)) + 0.5


def gauss_1d():
    rng = np.random.default_rng(20240503)
    return rng.standard_normal((100, 1)), 0.3 + 1.4 * rng.standard_normal((80, 1))


def z_scored(first, second):
    both = np.vstack([first, second])
    return [(part - both.mean(axis=0)) / both.std(axis=0) for part in (first, second)]


def breast_cancer():
    data = load_breast_cancer()
    return z_scored(data.data[data.target == 0], data.data[data.target == 1])


def wine():
    data = load_wine()
    return z_scored(data.data[data.target == 0], data.data[data.target == 1])


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (gauss_shift, 0.0807998678088),
        (gauss_1d, 0.00859503571509),
        (breast_cancer, 0.377818932464),
        (wine, 0.343484792963),
    ],
)
def test_effect_equals_an_independent_implementation(case, expected):
    """wittawatj/interpretable-test, QuadMMDTest.h1_mean_var_gram, pooled median bandwidth."""
    result = mmd_test(*case(), n_permutations=19, n_splits=1)
    assert result.effect == pytest.approx(expected, rel=1e-8)


def test_bandwidth_is_the_pooled_median_of_distances_that_are_not_zero():
    assert mmd_test(*gauss_shift()).bandwidth == pytest.approx(3.183769564103008, rel=1e-12)
    rows = np.repeat([[0.0], [1.0]], 50, axis=0)
    assert mmd_test(rows, rows).bandwidth == 1.0


def gaussian_mmd2(shift, width, d):
    """Squared MMD of N(0, I) and N(shift, I) under the Gaussian kernel, closed form."""
    scale = width**2 + 2
    return 2 * (width**2 / scale) ** (d / 2) * (1 - np.exp(-(shift @ shift) / (2 * scale)))


@pytest.mark.parametrize("size", [0.0, 0.4, 1.0])
def test_interval_covers_the_closed_form(size):
    shift = np.array([size, 0.0, 0.0])
    covered, errors = [], []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        source, target = rng.standard_normal((60, 3)), rng.standard_normal((90, 3)) + shift
        result = mmd_test(source, target, n_permutations=49, n_bandwidths=1, n_splits=1)
        truth = gaussian_mmd2(shift, result.bandwidth, 3)
        covered.append(result.interval.low <= truth <= result.interval.high)
        errors.append(result.effect - truth)
    # 80 % nominal; binomial 0.1 % limits over 80 draws, upper side open.
    assert np.mean(covered) >= 0.66
    assert abs(np.mean(errors)) <= 4 * np.std(errors) / np.sqrt(80)


def test_row_order_and_side_do_not_matter_for_the_effect():
    source, target = gauss_shift()
    rng = np.random.default_rng(0)
    one = mmd_test(source, target)
    other = mmd_test(rng.permutation(source), rng.permutation(target))
    swapped = mmd_test(target, source)
    for result in (other, swapped):
        assert result.effect == pytest.approx(one.effect, abs=1e-12)
        assert result.statistic == pytest.approx(one.statistic, rel=1e-9)
        assert result.p_value == one.p_value == 1 / 200


def test_far_from_zero_nothing_is_lost():
    source, target = gauss_shift()
    assert mmd_test(source + 1e6, target + 1e6).effect == pytest.approx(
        mmd_test(source, target).effect, abs=1e-7
    )


def test_p_value_holds_its_level():
    """Discrete, unequal sides, few permutations: the permutation test stays exact."""
    p_values = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        source, target = rng.poisson(1.0, (40, 2)), rng.poisson(1.0, (25, 2))
        result = mmd_test(
            source, target, n_permutations=39, n_bandwidths=4, n_splits=1, random_state=seed
        )
        p_values.append(result.p_value)
    # P(p <= 0.05) <= 0.05 exactly; 0.1 % binomial limits over 200 draws.
    assert 0.005 <= np.mean(np.array(p_values) <= 0.05) <= 0.105
    assert 0.13 <= np.mean(np.array(p_values) <= 0.2) <= 0.29


def test_identical_halves_rarely_leave_their_null_band():
    alarms = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        result = mmd_test(
            rng.normal(size=(50, 4)), rng.normal(size=(50, 4)), n_permutations=19, n_bandwidths=1
        )
        alarms.append(result.null.percentile(result.effect) >= 95)
    assert np.mean(alarms) <= 0.15


def test_constant_columns_and_constant_samples():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(30, 2)), rng.normal(size=(30, 2))
    ones = np.ones((30, 1))
    with_constant = mmd_test(np.hstack([source, ones]), np.hstack([target, ones]))
    assert with_constant.effect == pytest.approx(mmd_test(source, target).effect, abs=1e-12)
    nothing = mmd_test(ones, ones)
    assert nothing.p_value == 1.0
    assert nothing.effect == pytest.approx(0.0, abs=1e-12)
    assert mmd_test(ones, 2 * ones).p_value == 1 / 200


def test_more_columns_than_rows():
    rng = np.random.default_rng(0)
    result = mmd_test(rng.normal(size=(12, 60)), rng.normal(size=(14, 60)) + 1.0)
    assert result.p_value == 1 / 200
    assert result.null.source is None
    assert result.null.target is None


def test_subsample_is_flagged_and_bounded():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(300, 2)), rng.normal(size=(40, 2))
    result = mmd_test(source, target, max_rows=100, n_permutations=19)
    assert (result.n_source, result.n_target, result.subsampled) == (100, 40, True)
    assert not mmd_test(source[:100], target, max_rows=100, n_permutations=19).subsampled
