"""Proxy A-distance: what it sees, what it must not see, and who is held out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from negtransfer.metrics import proxy_a_distance
from negtransfer.metrics.divergence._folds import ALWAYS_TRAIN, group_folds
from negtransfer.metrics.divergence._logistic import fit_logistic


def normal_pair(seed, n=100, m=100, d=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d))


def test_about_zero_and_not_clipped_without_a_shift():
    values = [proxy_a_distance(*normal_pair(seed), n_null=1).value for seed in range(40)]
    # Balanced error of 200 held-out rows has sd about 0.035, the value four times that.
    assert abs(np.mean(values)) < 0.1
    assert min(values) < -0.05


def test_perfect_separation_is_two_with_an_interval_below():
    source, target = normal_pair(0)
    result = proxy_a_distance(source, target + 20.0)
    assert result.value == 2.0
    assert result.balanced_error == 0.0
    assert result.interval.low < 2.0 == result.interval.high


def test_sees_a_change_of_variance():
    source, target = normal_pair(1, n=300, m=300)
    assert proxy_a_distance(source, 2.5 * target).value > 0.8


def test_reference_value_on_gauss_shift():
    """scikit-learn's 5-fold balanced error of a linear classifier was 0.3033, PAD 0.7867."""
    rng = np.random.default_rng(20240501)
    source, target = rng.standard_normal((60, 5)), rng.standard_normal((50, 5)) + 0.5
    result = proxy_a_distance(source, target, n_repeats=5)
    assert result.value == pytest.approx(0.787, abs=0.25)
    assert result.value == pytest.approx(2 * (1 - 2 * result.balanced_error))
    assert result.interval.low < result.value < result.interval.high


def test_unequal_sides_do_not_look_like_a_shift():
    values = [proxy_a_distance(*normal_pair(seed, 200, 20), n_null=1).value for seed in range(30)]
    assert abs(np.mean(values)) < 0.2


def test_interval_covers_the_mean_over_repetitions():
    results = []
    for seed in range(50):
        source, target = normal_pair(seed, 80, 60)
        results.append(proxy_a_distance(source, target + 0.5, n_null=1))
    centre = np.mean([result.value for result in results])
    covered = [result.interval.low <= centre <= result.interval.high for result in results]
    assert np.mean(covered) >= 0.72


def test_identical_halves_rarely_leave_their_null_band():
    alarms = []
    for seed in range(30):
        result = proxy_a_distance(*normal_pair(seed, 60, 60, 3))
        alarms.append(result.null.percentile(result.value) >= 95)
    assert np.mean(alarms) <= 0.2


def test_importance_points_at_the_column():
    source, target = normal_pair(2, 200, 200)
    target[:, 1] += 1.5
    target[:, 3] *= 3.0
    importance = proxy_a_distance(source, target).column_importance
    assert importance.shape == (4,)
    assert set(np.argsort(importance)[-2:]) == {1, 3}
    assert np.abs(importance[[0, 2]]).max() < 0.1


def test_repeated_rows_are_not_memorised_when_grouped():
    """The same rows lie on both sides: without groups nothing differs, nor with them."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 80))
    labels = np.repeat([0, 1], 20)
    source, target = (np.repeat(rows[labels == side], 5, axis=0) for side in (0, 1))
    leaking = proxy_a_distance(source, target, n_null=1)
    ids = np.repeat(np.arange(40), 5)
    grouped = proxy_a_distance(
        source, target, source_groups=ids[:100], target_groups=ids[100:], n_null=1
    )
    assert leaking.value == 2.0
    assert grouped.value < 1.2
    # Twenty groups a side know less than a hundred rows.
    width = grouped.interval.high - grouped.interval.low
    assert width > 3 * (leaking.interval.high - leaking.interval.low)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), n_folds=st.integers(2, 6))
def test_folds_keep_groups_whole_and_sides_spread(seed, n_folds):
    rng = np.random.default_rng(seed)
    n, m = rng.integers(12, 60, size=2)
    is_target = np.repeat([0, 1], [n, m])
    groups = rng.integers(0, rng.integers(10, 200), size=n + m)
    held_out = rng.random(n + m) < 0.8
    folds = group_folds(is_target, groups, held_out, n_folds, rng)
    if folds is None:
        return
    for group in np.unique(groups):
        mine = folds[groups == group]
        assert len(np.unique(mine)) == 1
        # Left to training for good exactly when no member may be held out.
        assert (mine[0] == ALWAYS_TRAIN) == (not held_out[groups == group].any())
    assert set(folds[held_out]) <= set(range(n_folds))


@pytest.mark.parametrize(("n", "m"), [(50, 50), (53, 17), (8, 11)])
def test_folds_of_single_rows_are_level(n, m):
    is_target = np.repeat([0, 1], [n, m])
    everyone = np.ones(n + m, dtype=bool)
    folds = group_folds(is_target, np.arange(n + m), everyone, 5, np.random.default_rng(0))
    for side in (0, 1):
        counts = np.bincount(folds[is_target == side], minlength=5)
        assert counts.max() - counts.min() <= 1


def test_rows_marked_false_are_never_held_out():
    source, target = normal_pair(3)
    mask = np.arange(100) < 60
    wild = source.copy()
    wild[~mask] = target.mean(axis=0) + 50.0  # would all be errors were they held out
    result = proxy_a_distance(wild, target + 6.0, source_held_out=mask)
    assert (result.n_held_out_source, result.n_held_out_target) == (60, 100)
    assert result.n_source == 100


@pytest.mark.parametrize("d", [1, 200])
def test_few_rows_constant_columns_and_many_columns(d):
    source, target = normal_pair(4, 20, 18, d)
    source[:, 0] = target[:, 0] = 3.0
    result = proxy_a_distance(source, target, n_null=2)
    assert -2 <= result.value <= 2
    assert result.column_importance[0] == 0.0


def test_subsample_is_flagged():
    source, target = normal_pair(5, 90, 40)
    result = proxy_a_distance(source, target, max_rows=50, n_null=1)
    assert (result.n_source, result.n_target, result.subsampled) == (50, 40, True)


def test_logistic_reaches_the_optimum_of_scikit_learn():
    source, target = normal_pair(6, 60, 25)
    rows, is_target = np.vstack([source, target + 0.7]), np.repeat([0, 1], [60, 25])
    found = fit_logistic(rows, is_target, penalty=0.1)
    model = LogisticRegression(C=0.1, class_weight="balanced", tol=1e-10).fit(rows, is_target)
    assert found.coefficients == pytest.approx(model.coef_[0], abs=1e-5)
    assert found.intercept == pytest.approx(model.intercept_[0], abs=1e-5)
