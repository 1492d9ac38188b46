"""Measures of one column: Kolmogorov-Smirnov, Cramér-von Mises, Wasserstein, bins, levels, gaps."""

import warnings
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from negtransfer.metrics import (
    REGISTRY,
    chi_square_shift,
    column_shift,
    column_wasserstein,
    cramer_von_mises,
    jensen_shannon,
    kolmogorov_smirnov,
    missing_rate_shift,
    population_stability_index,
)

NAN = float("nan")
NUMERIC = [
    kolmogorov_smirnov,
    cramer_von_mises,
    column_wasserstein,
    jensen_shannon,
    population_stability_index,
]
numeric = pytest.mark.parametrize("measure", NUMERIC)
small = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=12)


def quick(measure, x, y, **options):
    """Call with as few random draws as are allowed."""
    if measure not in (kolmogorov_smirnov, missing_rate_shift):
        options = {"n_draws": 2, **options}
    if measure in (cramer_von_mises, jensen_shannon, chi_square_shift):
        options = {"n_permutations": 19, **options}
    return measure(x, y, n_splits=1, **options)


# --- stored values of other implementations


@pytest.mark.reference("ks_statistic_per_feature")
def test_ks_statistic(entry, case_arrays, close):
    X, Y = case_arrays(entry["case"])
    pairs = zip(X.T, Y.T, strict=True)
    close([quick(kolmogorov_smirnov, x, y, method="asymptotic").value for x, y in pairs], entry)


@pytest.mark.reference("ks_pvalue_per_feature")
def test_ks_p_value(entry, case_arrays, close):
    X, Y = case_arrays(entry["case"])
    pairs = zip(X.T, Y.T, strict=True)
    close([quick(kolmogorov_smirnov, x, y, ties="ignore").p_value for x, y in pairs], entry)


@pytest.mark.reference("wasserstein1_1d")
def test_wasserstein(entry, case_arrays, close):
    X, Y = case_arrays(entry["case"])
    close(quick(column_wasserstein, X[:, 0], Y[:, 0], unit="raw").value, entry)


@pytest.mark.reference("js_distance_hist_feature0")
def test_jensen_shannon(entry, case_arrays, close):
    x, y = (side[:, 0] for side in case_arrays(entry["case"]))
    kinds = [("distance", np.e), ("divergence", np.e), ("divergence", 2.0)]
    close([quick(jensen_shannon, x, y, kind=k, base=b).value for k, b in kinds], entry)


@pytest.mark.reference("psi_feature0_jeffreys")
def test_stability_index(entry, case_arrays, close):
    x, y = (side[:, 0] for side in case_arrays(entry["case"]))
    close(quick(population_stability_index, x, y, binning="width").value, entry)


# --- what all of them keep


@numeric
def test_missing_entries_are_left_out_and_counted(measure):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=40), rng.normal(0.5, 1, size=30)
    holes = np.insert(x, [0, 7, 20], NAN), np.append(y, NAN)
    found, full = quick(measure, *holes), quick(measure, x, y)
    assert (found.n_missing_source, found.n_missing_target) == (3, 1)
    assert (found.n_source, found.n_target) == (40, 30)
    assert found.value == full.value


@pytest.mark.parametrize("measure", [*NUMERIC, chi_square_shift])
def test_a_side_without_entries_is_refused(measure):
    missing = -1 if measure is chi_square_shift else NAN
    with pytest.raises(ValueError, match=r"`target` has 3 row\(s\), all of them missing"):
        measure([1, 2, 3], [missing] * 3)


@numeric
def test_one_row_and_few_rows(measure):
    found = quick(measure, [1.0], [2.0])
    assert found.interval is None
    assert (found.null.source, found.null.target) == (None, None)
    assert 0 <= found.value <= REGISTRY[measure.__name__].range[1]
    assert quick(measure, [1.0], [1.0]).value == 0


@settings(max_examples=25, deadline=None)
@given(x=small, y=small)
def test_ties_symmetry_and_range(x, y):
    for measure in NUMERIC:
        entry = REGISTRY[measure.__name__]
        found = quick(measure, x, y)
        assert entry.range[0] <= found.value <= entry.range[1]
        if entry.symmetric:
            assert quick(measure, y, x).value == pytest.approx(found.value, abs=1e-12)
        assert quick(measure, x, x[::-1]).value == pytest.approx(0, abs=1e-12)
        assert 0 <= getattr(found, "p_value", 0) <= 1


MAPS = {
    "translation": lambda x: x + 64.0,
    "one scale": lambda x: x * 4.0,
    "monotone": lambda x: np.sinh(x) + x,
}


@pytest.mark.parametrize("how", MAPS)
@pytest.mark.parametrize("ties", [False, True])
@numeric
def test_invariances_as_declared(measure, ties, how):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=60), rng.normal(0.3, 1.4, size=45)
    # Values on the edges of equally wide bins are the one thing that rounding decides.
    if ties and measure is not jensen_shannon:
        x, y = np.round(x, 1), np.round(y, 1)
    same = MAPS[how](x), MAPS[how](y)
    found = quick(measure, *same).value == pytest.approx(quick(measure, x, y).value, rel=1e-9)
    assert found == (how in REGISTRY[measure.__name__].invariances)


@numeric
def test_the_value_stands_above_its_null_after_a_shift_and_within_it_without(measure):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=200), rng.normal(size=200)
    assert measure(x, y + 1).null.percentile(measure(x, y + 1).value) == 100
    assert measure(x, y).null.percentile(measure(x, y).value) < 95
    assert measure(x, y + 1).interval.low > max(measure(x, y).null.pooled)


# --- Kolmogorov-Smirnov


@settings(max_examples=25, deadline=None)
@given(x=small, y=small)
def test_ks_with_ties_equals_scipy(x, y):
    found = quick(kolmogorov_smirnov, x, y, ties="ignore")
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always")
        wanted = stats.ks_2samp(x, y, method="exact")
    # where scipy's exact sum fails by rounding it answers with the asymptotic p-value instead
    assume(not any("unsuccessful" in str(doubt.message) for doubt in doubts))
    assert found.value == pytest.approx(wanted.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(wanted.pvalue, rel=1e-9)
    below = np.mean(np.array(x) <= found.location) - np.mean(np.array(y) <= found.location)
    assert below == pytest.approx(found.sign * found.value)


def test_ks_p_value_is_1_where_no_order_can_give_less():
    """Seven rows a side differ by a seventh at least; scipy's exact sum fails here."""
    found = quick(kolmogorov_smirnov, [0.0] * 7, [0.0] * 6 + [1.0], ties="ignore")
    assert found.value == pytest.approx(1 / 7)
    assert found.p_value == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_ks_p_value_with_ties_is_the_share_of_all_relabellings(seed):
    pooled = np.random.default_rng(seed).integers(0, 4, size=9).astype(float)
    values = []
    for chosen in combinations(range(9), 4):
        first = np.isin(np.arange(9), chosen)
        values.append(stats.ks_2samp(pooled[first], pooled[~first], method="asymp").statistic)
    found = quick(kolmogorov_smirnov, pooled[:4], pooled[4:])
    assert found.p_value == pytest.approx(np.mean(np.array(values) >= found.value - 1e-12))


def test_ks_asymptotic_equals_scipy_and_its_own_limit():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=300), rng.normal(0.2, 1, size=200)
    found = quick(kolmogorov_smirnov, x, y, method="asymptotic")
    assert found.p_value == pytest.approx(stats.ks_2samp(x, y, method="asymp").pvalue)
    x, y = rng.normal(size=24_000), rng.normal(0.02, 1, size=26_000)
    found = quick(kolmogorov_smirnov, x, y)
    assert found.method == "asymptotic"
    assert found.p_value == pytest.approx(stats.ks_2samp(x, y, method="asymp").pvalue, rel=1e-3)


def test_ks_interval_covers_the_mean_of_the_value():
    draws = [np.random.default_rng(seed) for seed in range(120)]
    found = [
        quick(kolmogorov_smirnov, rng.normal(size=80), rng.normal(1, 1, size=60)) for rng in draws
    ]
    mean = np.mean([one.value for one in found])
    covered = np.mean([one.interval.low <= mean <= one.interval.high for one in found])
    assert 0.72 <= covered <= 0.92


# --- Cramér-von Mises


def test_cramer_von_mises_equals_scipy_without_ties():
    rng = np.random.default_rng(0)
    for n, m in ((9, 12), (80, 50)):
        x, y = rng.normal(size=n), rng.normal(0.5, 1, size=m)
        found, wanted = quick(cramer_von_mises, x, y), stats.cramervonmises_2samp(x, y)
        assert found.statistic == pytest.approx(wanted.statistic)
        assert found.p_value == pytest.approx(wanted.pvalue)


def test_cramer_von_mises_with_ties_by_hand():
    found = quick(cramer_von_mises, [0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0])
    # F is 2/3 and G is 1/4 at each of the three zeros; at the ones both are 1.
    assert found.value == pytest.approx(3 / 7 * (2 / 3 - 1 / 4) ** 2)
    assert found.method == "random tables"


@pytest.mark.parametrize("measure", [kolmogorov_smirnov, cramer_von_mises, chi_square_shift])
def test_p_values_keep_their_level_with_ties(measure):
    rejected = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x, y = rng.poisson(1.0, 50), rng.poisson(1.0, 70)
        options = {} if measure is kolmogorov_smirnov else {"n_permutations": 99}
        rejected.append(quick(measure, x, y, **options).p_value <= 0.2)
    assert 0.1 <= np.mean(rejected) <= 0.3


# --- Wasserstein


def test_wasserstein_is_the_effect_of_column_shift():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=70), rng.gamma(2, size=50)
    found = quick(column_wasserstein, x, y)
    assert found.value == pytest.approx(column_shift(x, y, categorical=False).effect)
    raw = stats.wasserstein_distance(x, y)
    assert found.value * found.scale == pytest.approx(raw)
    sd = np.sqrt((x.var() + y.var()) / 2)
    assert quick(column_wasserstein, x, y, unit="sd").value == pytest.approx(raw / sd)


def test_mean_difference_tells_a_move_from_a_spread():
    x = np.random.default_rng(0).normal(size=60)
    moved, spread = quick(column_wasserstein, x, x - 2), quick(column_wasserstein, x, 3 * x)
    assert moved.mean_difference == pytest.approx(-moved.value)
    assert abs(spread.mean_difference) < 0.3 * spread.value


def test_units_that_are_not_there():
    mostly = np.r_[np.zeros(30), 1.0]
    found = quick(column_wasserstein, mostly, mostly + 1)
    assert (found.unit, len(found.warnings)) == ("sd", 1)
    constant = quick(column_wasserstein, np.zeros(20), np.full(20, 3.0))
    assert (constant.value, constant.unit, len(constant.warnings)) == (3.0, "raw", 1)
    assert column_wasserstein(mostly, mostly + 1, n_splits=2).interval.high < 20


# --- bins


def test_jensen_shannon_equals_scipy_on_the_same_bins():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 9, size=50), rng.integers(2, 9, size=40)
    edges = np.linspace(0, 8, 6)
    shares = [np.histogram(side, bins=edges)[0] for side in (x, y)]
    found = quick(jensen_shannon, x, y, n_bins=5)
    assert found.value == pytest.approx(jensenshannon(*shares, base=2))
    assert found.source_shares == pytest.approx(shares[0] / 50)
    assert quick(jensen_shannon, [0.0] * 5, [1.0] * 9).value == pytest.approx(1.0)


def test_an_outlier_hides_a_shift_from_equal_widths_but_not_from_quantiles():
    rng = np.random.default_rng(0)
    x, y = np.append(rng.normal(size=100), 1e6), rng.normal(2, 1, size=100)
    assert quick(jensen_shannon, x, y).value < 0.1
    assert quick(jensen_shannon, x, y, binning="quantile").value > 0.5


def test_every_row_is_in_one_bin_and_frequent_values_have_their_own():
    x = np.r_[np.zeros(50), np.arange(1.0, 51.0)]
    y = np.r_[np.full(10, -1.0), np.zeros(20), np.full(30, 60.0)]
    found = quick(population_stability_index, x, y)
    assert found.source_shares.sum() == pytest.approx(1)
    assert found.target_shares[:2] == pytest.approx([1 / 6, 1 / 3])
    assert found.source_shares[:2] == pytest.approx([0, 0.5])
    assert found.contributions.sum() == pytest.approx(found.value)
    for other in (-1.0, 1.0):
        moved = quick(population_stability_index, np.zeros(20), np.full(20, other))
        assert moved.value > 1
        assert moved.p_value < 0.01


def test_stability_index_grows_slowly_with_empty_bins():
    """A constant in place of an empty bin would give a hundred and more."""
    found = quick(population_stability_index, np.arange(100.0), np.arange(100.0) + 1000)
    assert found.value < 15


def test_the_chi_square_limit_of_the_stability_index_holds():
    p_values = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=400), rng.normal(size=300)
        p_values.append(quick(population_stability_index, x, y).p_value)
    assert 0.14 <= np.mean(np.array(p_values) < 0.2) <= 0.27


# --- levels and missing entries


def test_chi_square_and_g_equal_scipy():
    x, y = np.repeat([0, 1, 2], [30, 40, 30]), np.repeat([0, 1, 2], [50, 20, 10])
    table = [[30, 40, 30], [50, 20, 10]]
    found = quick(chi_square_shift, x, y)
    wanted = stats.chi2_contingency(table, correction=False)
    assert (found.chi_square, found.p_value) == pytest.approx(wanted[:2])
    likelihood = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    assert (found.g_statistic, found.g_p_value) == pytest.approx(likelihood[:2])
    assert found.value == pytest.approx(stats.contingency.association(np.array(table)))
    assert (found.method, found.n_pooled, found.degrees_of_freedom) == ("chi-square", 0, 2)
    assert found.order[0] == 0
    # Of two levels both adjusted residuals are the root of chi-square, with opposite signs.
    two = quick(chi_square_shift, x > 0, y > 0)
    assert two.residuals == pytest.approx(np.sqrt(two.chi_square) * np.array([1, -1]))


def test_unseen_levels_rare_levels_and_missing_codes():
    x = np.repeat([0, 1, 2, 3, -1], [60, 40, 2, 1, 7])
    y = np.repeat([0, 1, 2, 9], [60, 40, 1, 3])
    found = quick(chi_square_shift, x, y)
    assert found.unseen.tolist() == [9]
    assert found.n_pooled > 1
    assert (found.n_missing_source, found.n_source) == (7, 103)
    assert len(found.levels) == len(found.residuals) == 5
    apart = quick(chi_square_shift, [0] * 30, [5] * 30)
    assert apart.value == 1.0
    assert apart.p_value < 1e-6


def test_tiny_counts_take_random_tables():
    found = chi_square_shift([0] * 4, [1] * 4, n_permutations=1999)
    # 2 of the 70 ways to deal four and four separate the levels.
    assert found.method == "random tables"
    assert (found.p_value, found.g_p_value) == pytest.approx((2 / 70, 2 / 70), abs=0.012)
    assert chi_square_shift([3] * 9, [3] * 5).p_value == 1.0
    x, y = np.repeat([0, 1], [30, 20]), np.repeat([0, 1], [20, 30])
    limit, tables = (chi_square_shift(x, y, method=m).p_value for m in ("auto", "random tables"))
    assert tables == pytest.approx(limit, abs=0.05)


def test_newcombe_interval_of_his_own_example():
    """Newcombe (1998), table II, method 10: 56/70 against 48/80."""
    y, x = np.repeat([NAN, 1.0], [56, 14]), np.repeat([NAN, 1.0], [48, 32])
    found = missing_rate_shift(x, y, level=0.95)
    assert found.value == pytest.approx(0.2)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.p_value == pytest.approx(
        stats.chi2_contingency([[56, 14], [48, 32]], correction=False).pvalue
    )


def test_missing_codes_and_whole_columns():
    found = missing_rate_shift([-1, 0, 3, 1], [2, 2], categorical=True)
    assert (found.value, found.rate_source, found.n_missing_source) == (-0.25, 0.25, 1)
    gone = missing_rate_shift([NAN] * 20, [NAN] * 20)
    assert (gone.value, gone.p_value) == (0.0, 1.0)
    full = missing_rate_shift([1.0] * 20, [NAN] * 20)
    assert full.value == 1.0
    assert full.interval.high == 1.0
    assert full.p_value < 1e-8


# --- bad options


@pytest.mark.parametrize(
    ("measure", "option"),
    [
        (kolmogorov_smirnov, {"method": "fast"}),
        (kolmogorov_smirnov, {"ties": "break"}),
        (column_wasserstein, {"unit": "mm"}),
        (jensen_shannon, {"binning": "best"}),
        (jensen_shannon, {"kind": "index"}),
        (jensen_shannon, {"base": 1.0}),
        (jensen_shannon, {"n_bins": 1}),
        (population_stability_index, {"smoothing": 0.0}),
        (population_stability_index, {"smoothing": np.inf}),
        (population_stability_index, {"n_draws": 1}),
        (chi_square_shift, {"method": "exact"}),
        (cramer_von_mises, {"n_permutations": 5}),
        (missing_rate_shift, {"level": 1.0}),
    ],
)
def test_options_out_of_range(measure, option):
    (name,) = option
    with pytest.raises(ValueError, match=f"`{name}` must"):
        measure([1, 2, 3], [1, 2, 3], **option)
