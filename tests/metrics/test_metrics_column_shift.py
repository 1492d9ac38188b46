"""Shift of one column and the correction for many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, fisher_exact, hypergeom, iqr, wasserstein_distance

from negtransfer.metrics import benjamini_hochberg, column_shift, column_table
from negtransfer.metrics.shift._ks_exact import ks_exact_p_value, scaled_differences
from negtransfer.metrics.shift._ks_tied import ks_tied_p_value
from negtransfer.metrics.shift._univariate import level_counts

NAN = float("nan")


def test_numeric_effect_is_wasserstein_in_mean_iqr():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=80), rng.normal(0.5, 2, size=50)
    result = column_shift(x, y, categorical=False)
    unit = (iqr(x) + iqr(y)) / 2
    assert result.effect_name == "wasserstein_in_iqr"
    assert result.effect == pytest.approx(wasserstein_distance(x, y) / unit)
    assert (result.mean_source, result.mean_target) == pytest.approx((x.mean(), y.mean()))


def test_ks_p_values_equal_the_reference():
    """Values of scipy stored with the project's reference data, case gauss_shift."""
    rng = np.random.default_rng(20240501)
    x, y = rng.standard_normal((60, 5)), rng.standard_normal((50, 5)) + 0.5
    expected = [0.5785467572, 0.003460010932, 0.02235649091, 0.03382099535, 0.000785150415]
    found = [column_shift(x[:, j], y[:, j], categorical=False).p_value for j in range(5)]
    assert found == pytest.approx(expected, rel=1e-7)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 40), m=st.integers(1, 40), values=st.integers(1, 12),
    move=st.integers(0, 3), seed=st.integers(0, 999),
)  # fmt: skip
def test_ties_dealt_at_once_give_the_p_value_of_the_walk_through_the_rows(n, m, values, move, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, values, n), rng.integers(0, values, m) + move
    counts = level_counts(x, y)
    pooled = counts[0] + counts[1]
    ends = np.zeros(n + m, dtype=bool)
    ends[np.cumsum(pooled) - 1] = True
    reached = int(np.abs(scaled_differences(*counts)).max())
    walked = ks_exact_p_value(reached, n, m, ends)
    assert ks_tied_p_value(*counts) == pytest.approx(walked, rel=1e-9)


def test_the_p_value_of_a_yes_no_column_is_the_hypergeometric_tail():
    """D is the difference of two shares there: Fisher's law, two-sided by the difference."""
    x, y = np.repeat([0.0, 1.0], [260, 140]), np.repeat([0.0, 1.0], [230, 120])
    law, seen = hypergeom(750, 490, 400), np.arange(401)
    away = np.abs(seen / 400 - (490 - seen) / 350) >= abs(260 / 400 - 230 / 350) - 1e-12
    found = column_shift(x, y, categorical=False, n_splits=1).p_value
    assert found == pytest.approx(law.pmf(seen)[away].sum(), rel=1e-8)


def test_the_table_of_columns_says_the_same_of_ties():
    rng = np.random.default_rng(3)
    X, Y = rng.integers(0, 4, (400, 2)).astype(float), rng.integers(0, 5, (350, 2)).astype(float)
    alone = [column_shift(X[:, j], Y[:, j], categorical=False, n_splits=1) for j in range(2)]
    table = column_table(X, Y, n_permutations=19, n_splits=1)
    assert table.p_values == pytest.approx([shift.p_value for shift in alone], rel=1e-9)


def test_five_answers_to_a_question_raise_as_many_alarms_as_nominal():
    """With ties ignored there would be 0.8 % at 5 %, and 15 % at 50 %."""
    rng = np.random.default_rng(0)
    p_values = []
    for _ in range(1000):
        x, y = (rng.choice(5, rows, p=[0.1, 0.2, 0.4, 0.2, 0.1]) for rows in (300, 250))
        shift = column_shift(x.astype(float), y.astype(float), categorical=False, n_splits=1)
        p_values.append(shift.p_value)
    for share in (0.05, 0.2, 0.5):
        error = 3 * np.sqrt(share * (1 - share) / len(p_values))
        assert np.mean(np.array(p_values) <= share) == pytest.approx(share, abs=error)


@settings(max_examples=50, deadline=None)
@given(
    shift=st.floats(-50, 50),
    scale=st.floats(0.01, 100),
    seed=st.integers(0, 1000),
)
def test_numeric_effect_ignores_units_and_row_order(shift, scale, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=30), rng.normal(1, 1, size=20)
    base = column_shift(x, y, categorical=False, n_splits=2).effect
    moved = column_shift(
        rng.permutation(x) * scale + shift, y * scale + shift, categorical=False, n_splits=2
    )
    assert moved.effect == pytest.approx(base, rel=1e-6)


def test_ladder_of_units_for_columns_that_hardly_vary():
    mostly_zero = np.r_[np.zeros(95), np.ones(5)]
    assert column_shift(mostly_zero, mostly_zero, categorical=False).effect_name == (
        "wasserstein_in_sd"
    )
    apart = column_shift(np.zeros(20), np.ones(20), categorical=False)
    assert (apart.effect, apart.effect_name) == (1.0, "total_variation")
    assert apart.p_value < 1e-6
    same = column_shift(np.zeros(20), np.zeros(20), categorical=False)
    assert (same.effect, same.p_value) == (0.0, 1.0)


def test_missing_rate_is_tested_on_its_own_and_joined():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=200), rng.normal(size=200)
    y[:40] = NAN
    result = column_shift(x, y, categorical=False)
    assert result.p_missing == pytest.approx(
        chi2_contingency([[0, 200], [40, 160]], correction=False).pvalue
    )
    assert result.p_value == pytest.approx(2 * min(result.p_missing, result.p_values_only))
    assert (result.missing_source, result.missing_target) == (0.0, 0.2)
    assert (result.n_source, result.n_target) == (200, 160)


def test_few_missing_entries_use_fisher():
    result = column_shift([1.0, NAN, 2.0, 3.0], [1.0, 2.0, 3.0], categorical=False)
    assert result.p_missing == pytest.approx(fisher_exact([[1, 3], [0, 3]])[1])


@pytest.mark.parametrize("categorical", [True, False])
def test_a_side_without_any_entry(categorical):
    empty = [-1] * 20 if categorical else [NAN] * 20
    result = column_shift(list(range(20)), empty, categorical=categorical)
    assert np.isnan(result.effect)
    assert np.isnan(result.null_95)
    assert result.p_value == result.p_missing < 1e-6
    nothing = column_shift(empty, empty, categorical=categorical)
    assert nothing.p_value == 1.0


def test_categorical_effect_counts_unseen_levels():
    result = column_shift([0] * 50 + [1] * 50, [0] * 50 + [7] * 50, categorical=True)
    assert (result.effect, result.effect_name) == (0.5, "total_variation")
    assert result.p_value < 1e-10
    assert np.isnan(result.mean_source)


def test_chi_square_pools_rare_levels():
    x = np.repeat([0, 1, 2, 3, 4], [50, 40, 3, 2, 5])
    y = np.repeat([0, 1, 2, 3, 4], [30, 60, 4, 1, 5])
    expected = chi2_contingency([[50, 40, 10], [30, 60, 10]], correction=False).pvalue
    # Level 4 has an expected count of 5 and stays; 2 and 3 merge and reach 5 together.
    four = chi2_contingency([[50, 40, 5, 5], [30, 60, 5, 5]], correction=False).pvalue
    found = column_shift(x, y, categorical=True).p_value
    assert found == pytest.approx(four)
    assert found != pytest.approx(expected)


def test_tiny_counts_use_random_tables():
    tiny = column_shift([0, 0, 0, 0], [1, 1, 1, 1], categorical=True).p_value
    # 2 of the 70 ways to deal four and four separate the levels.
    assert tiny == pytest.approx(2 / 70, abs=0.02)
    assert column_shift([0, 1, 2], [0, 1, 2], categorical=True).p_value == 1.0


def test_a_name_for_every_row_is_no_evidence():
    result = column_shift(np.arange(800), np.arange(800, 1600), categorical=True)
    assert (result.effect, result.null_95) == pytest.approx((1.0, 1.0))
    assert result.p_value == 1.0


@pytest.mark.parametrize("categorical", [True, False])
def test_identical_laws_rarely_exceed_null_95_or_the_level(categorical):
    over, rejected = [], []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        x, y = rng.poisson(3.0, 80), rng.poisson(3.0, 120)
        result = column_shift(x, y, categorical=categorical, random_state=seed)
        over.append(result.effect > result.null_95)
        rejected.append(result.p_value <= 0.05)
    assert np.mean(over) <= 0.05
    assert np.mean(rejected) <= 0.12


def test_null_of_a_long_column_is_that_of_its_full_halves():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=40_000), rng.normal(size=40_000)
    halves = [wasserstein_distance(*np.split(rng.permutation(x), 2)) for _ in range(60)]
    unit = np.subtract(*np.quantile(x, [0.75, 0.25]))
    found = column_shift(x, y, categorical=False, n_splits=200).null_95
    assert found == pytest.approx(np.quantile(halves, 0.95) / unit, rel=0.5)


def test_benjamini_hochberg_by_hand():
    adjusted = benjamini_hochberg([0.01, NAN, 0.04, 0.03, 0.9])
    assert adjusted[[0, 2, 3, 4]] == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.9])
    assert np.isnan(adjusted[1])
    assert len(benjamini_hochberg([])) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_benjamini_hochberg_never_lowers_and_keeps_the_order(p_values):
    adjusted = benjamini_hochberg(p_values)
    assert (adjusted >= np.array(p_values) - 1e-12).all()
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(adjusted[order]) >= -1e-12).all()
    assert adjusted.max() <= 1.0
