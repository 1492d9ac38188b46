"""MMD test: reference values, closed form, invariances, odd inputs."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.datasets import load_breast_cancer, load_wine

from negtransfer.metrics import mmd, mmd_test


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


# --- given permutations, one kernel, rows


@pytest.mark.reference("mmd2_permutation_pvalue")
def test_the_p_value_with_stored_permutations(entry, case_arrays, stored, close):
    found = mmd_test(
        *case_arrays(entry["case"]), kernels="gaussian", n_splits=1,
        permutations=stored(f"permutations_{entry['case']}")["perms"],
    )  # fmt: skip
    null = found.permuted
    close([found.value, found.p_value, null.mean(), np.quantile(null, 0.95)], entry)


def test_the_witness_sums_to_the_effect_and_finds_the_rows_that_moved():
    rng = np.random.default_rng(2)
    source, target = rng.normal(size=(60, 2)), rng.normal(size=(50, 2))
    target[:6] += 4.0
    found = mmd_test(source, target)
    gap = found.source_witness.mean() - found.target_witness.mean()
    assert gap == pytest.approx(found.value, rel=1e-9)
    assert set(np.argsort(found.target_witness)[:6].tolist()) == set(range(6))


def test_rows_used_are_named():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(90, 2)), rng.normal(size=(40, 2))
    found = mmd_test(source, target, max_rows=50)
    again = mmd_test(source[found.source_rows], target[found.target_rows], max_rows=50)
    assert (len(found.source_rows), len(found.target_rows)) == (50, 40)
    assert again.value == pytest.approx(found.value, rel=1e-9)


def test_a_bandwidth_can_be_given():
    source, target = gauss_shift()
    given = mmd_test(source, target, bandwidth=1.5)
    assert given.bandwidth == pytest.approx(1.5)
    assert given.value == pytest.approx(mmd(source, target, bandwidth=1.5).value, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_units_of_any_size_serve_in_single_precision(scale):
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(520, 3)), rng.normal(0.2, size=(520, 3))
    plain = mmd_test(source, target, n_permutations=19)
    other = mmd_test(scale * source, scale * target, n_permutations=19)
    assert other.statistic == pytest.approx(plain.statistic, rel=1e-4)
    assert other.bandwidth == pytest.approx(scale * plain.bandwidth)


def test_tensors_give_the_same_test():
    torch = pytest.importorskip("torch")
    source, target = gauss_1d()
    plain = mmd_test(source, target)
    tensors = mmd_test(torch.as_tensor(source), torch.as_tensor(target))
    assert tensors.p_value == plain.p_value
    np.testing.assert_allclose(tensors.permuted, plain.permuted, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(tensors.null.pooled, plain.null.pooled, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(tensors.source_witness, plain.source_witness, atol=1e-12)


# --- units, classes, early stop


def units_with_places(seed, move=0.0):
    rng = np.random.default_rng(seed)
    units = np.repeat(np.arange(32), 4)
    rows = rng.normal(size=(32, 2))[units] + 0.3 * rng.normal(size=(128, 2))
    rows[64:] += move
    return (rows[:64], rows[64:]), {"source_groups": units[:64], "target_groups": units[64:]}


def test_groups_hold_the_level_that_rows_do_not():
    quick = {"n_permutations": 39, "n_bandwidths": 3, "n_splits": 1}
    by_units, by_rows = [], []
    for seed in range(120):
        pair, groups = units_with_places(seed)
        by_units.append(mmd_test(*pair, **groups, **quick, random_state=seed).p_value <= 0.1)
        by_rows.append(mmd_test(*pair, **quick, random_state=seed).p_value <= 0.1)
    # 0.1 % binomial limit over 120 draws of a level of 0.1
    assert np.mean(by_units) <= 0.20
    assert np.mean(by_rows) >= 0.4
    pair, groups = units_with_places(0, 1.5)
    assert mmd_test(*pair, **groups).p_value <= 0.02


def test_with_groups_the_interval_and_the_null_band_are_those_of_units():
    pair, groups = units_with_places(1)
    rows, units = mmd_test(*pair), mmd_test(*pair, **groups)
    assert rows.value == units.value
    assert units.interval.high - units.interval.low > rows.interval.high - rows.interval.low
    assert units.null.pooled.std() > 1.5 * rows.null.pooled.std()


def test_within_classes_a_change_of_class_shares_is_no_evidence():
    """One class lies apart from the other; only their shares differ between the sides."""
    labels = np.repeat([0, 1], [40, 20]), np.repeat([0, 1], [20, 40])
    classed, plain = [], []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        pair = [rng.normal(size=(60, 2)) + 3.0 * y[:, None] for y in labels]
        quick = {"n_permutations": 39, "n_bandwidths": 3, "n_splits": 1, "random_state": seed}
        both = {"source_labels": labels[0], "target_labels": labels[1]}
        classed.append(mmd_test(*pair, **both, **quick).p_value <= 0.1)
        plain.append(mmd_test(*pair, **quick).p_value <= 0.1)
    assert np.mean(classed) <= 0.225  # 0.1 % binomial limit of 0.1 over 80 draws
    assert np.mean(plain) >= 0.9
    pair[1][labels[1] == 1] += 1.5
    assert mmd_test(*pair, **both).p_value <= 0.02


def test_early_stop_saves_permutations_where_nothing_differs():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(80, 2))
    early = mmd_test(rows[:40], rows[40:], n_permutations=1999, early_stop=True)
    full = mmd_test(rows[:40], rows[40:], n_permutations=1999)
    assert early.n_permutations < 400
    assert early.p_value == pytest.approx(20 / early.n_permutations)
    assert min(early.p_value, full.p_value) > 0.4
    np.testing.assert_array_equal(early.null.source, full.null.source)
    clear = mmd_test(rows[:40], rows[40:] + 2.0, n_permutations=399, early_stop=True)
    assert (clear.p_value, clear.n_permutations) == (1 / 400, 399)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kernels": "laplace"}, "'fused'"),
        ({"bandwidth": -1.0}, "positive"),
        ({"n_permutations": 5}, "n_permutations"),
        ({"permutations": [[0, 1]]}, "110"),
        ({"permutations": [list(range(110))], "early_stop": True}, "stands for itself"),
        ({"source_groups": [0] * 60}, "both or neither"),
        ({"source_groups": [0] * 60, "target_groups": [0] * 50}, "both sides"),
        ({"source_groups": [0] * 9, "target_groups": [1] * 50}, "60 rows"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says) as fault:
        mmd_test(*gauss_shift(), **options)
    assert str(fault.value).endswith(".")


@pytest.mark.parametrize(("rows", "repeated"), [(8, 0), (9, 0), (20, 5), (21, 3)])
def test_one_kernel_takes_the_median_of_all_distances_that_are_not_zero(rows, repeated):
    rng = np.random.default_rng(rows)
    X, Y = rng.normal(size=(rows, 3)) + 100.0, rng.normal(size=(8, 3)) + 100.0
    X[:repeated] = X[0]
    distances = pdist(np.vstack([X, Y]))
    found = mmd_test(X, Y, kernels="gaussian", n_splits=1)
    assert found.bandwidth == pytest.approx(np.median(distances[distances > 0]), rel=1e-9)
    assert mmd_test(X, Y, n_splits=1).bandwidth == pytest.approx(found.bandwidth, rel=1e-9)


def test_equal_rows_have_the_bandwidth_one():
    assert mmd_test(np.ones((9, 2)), np.ones((8, 2)), kernels="gaussian").bandwidth == 1.0
