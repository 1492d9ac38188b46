"""Squared MMD, KID and the bandwidth rule: independent values, closed forms and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from negtransfer.metrics import kernel_inception_distance, mmd
from negtransfer.metrics.divergence._pair_sums import pair_sums, variance_terms

RULES = {"median": "median", "sqrt(d)": "sqrt_d", "1": 1.0}


@pytest.mark.reference("mmd2_biased_gaussian", "mmd2_unbiased_gaussian")
def test_squared_mmd_equals_the_libraries(entry, case_arrays, close):
    estimator = entry["measure"].split("_")[1]
    pair = case_arrays(entry["case"])
    found = mmd(*pair, bandwidth=RULES[entry["sigma_rule"]], estimator=estimator, n_splits=1)
    close(found.value, entry)
    close(found.bandwidth, entry, expected=entry["sigma"])


@pytest.mark.reference("median_pairwise_distance")
def test_the_median_rule_equals_scipy(entry, case_arrays, close):
    close(mmd(*case_arrays(entry["case"]), n_splits=1).bandwidth, entry)


@pytest.mark.reference("kid_full_unbiased")
def test_kid_on_all_rows(entry, case_arrays, close):
    close(kernel_inception_distance(*case_arrays(entry["case"]), n_splits=1).value, entry)


@pytest.mark.reference("kid_subsets")
def test_kid_by_the_protocol_of_torch_fidelity(entry, case_arrays, close):
    found = kernel_inception_distance(
        *case_arrays(entry["case"]), protocol="torch-fidelity", subset_size=50, n_splits=1
    )
    close([found.value, found.subset_std], entry)


@pytest.mark.reference("kid_subsets_cleanfid")
def test_kid_by_the_protocol_of_clean_fid(entry, case_arrays, close):
    found = kernel_inception_distance(
        *case_arrays(entry["case"]), protocol="clean-fid", subset_size=50, n_splits=1
    )
    close(found.value, entry)


# --- against the definition, written out


def draw(seed=0, n=30, m=30, d=3, move=0.5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(move, 1.3, size=(m, d))


KERNELS = {
    "gaussian": lambda a, b: np.exp(-(cdist(a, b) ** 2) / (2 * 1.5**2)),
    "laplace": lambda a, b: np.exp(-cdist(a, b, "cityblock") / 1.5),
    "rational_quadratic": lambda a, b: (1 + cdist(a, b) ** 2 / (2 * 0.7 * 1.5**2)) ** -0.7,
    "linear": lambda a, b: a @ b.T,
    "polynomial": lambda a, b: (0.4 * a @ b.T + 2.0) ** 2,
}
OPTIONS = {"bandwidth": 1.5, "shape": 0.7, "degree": 2, "gamma": 0.4, "offset": 2.0}


def by_definition(kernel, x, y, estimator):
    xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
    n, m = len(x), len(y)
    if estimator == "biased":
        return xx.mean() + yy.mean() - 2 * xy.mean()
    if estimator == "linear_time":
        terms = xx + yy - xy - xy.T
        return np.mean([terms[2 * k, 2 * k + 1] for k in range(n // 2)])
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    if estimator == "paired":
        return within - 2 * (xy.sum() - np.trace(xy)) / (n * (n - 1))
    return within - 2 * xy.mean()


@pytest.mark.parametrize("estimator", ["unbiased", "biased", "paired", "linear_time"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_form_equals_its_definition(kernel, estimator):
    x, y = draw()
    found = mmd(x, y, kernel=kernel, estimator=estimator, n_splits=2, **OPTIONS)
    assert found.value == pytest.approx(by_definition(KERNELS[kernel], x, y, estimator), rel=1e-9)


@pytest.mark.parametrize("estimator", ["unbiased", "biased", "paired"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_null_band_is_the_same_measure_on_halves(kernel, estimator):
    x, y = draw()
    from negtransfer.metrics import random_halves

    found = mmd(x, y, kernel=kernel, estimator=estimator, n_splits=2, **OPTIONS)
    halves = list(random_halves(30, 30, 30, n_splits=2, rng=np.random.default_rng(0)))
    # the kernel stays that of the comparison; only the linear one is free of the origin
    wanted = [by_definition(KERNELS[kernel], x[a], x[b], estimator) for a, b in halves]
    np.testing.assert_allclose(found.null.source, wanted, rtol=1e-8, atol=1e-12)


def test_the_narrower_convention_is_the_same_kernel_at_another_width():
    x, y = draw()
    narrow = mmd(x, y, bandwidth=2.0, convention="s2", n_splits=1)
    assert narrow.value == pytest.approx(mmd(x, y, bandwidth=2**0.5, n_splits=1).value, rel=1e-12)


def test_gaussian_samples_approach_the_closed_form():
    # E k for N(0, I) against N(a, I): (s²/(s²+2))^(d/2) exp(-|a|²/(2(s²+2)))
    x, y = draw(1, 1500, 1200, 2, 0.0)
    y = (y / 1.3) + 0.8
    level = 4.0 / 6.0
    exact = 2 * level * (1 - np.exp(-2 * 0.8**2 / (2 * 6.0)))
    found = mmd(x, y, bandwidth=2.0, n_splits=1, level=0.99)
    assert found.interval.low < exact < found.interval.high
    assert found.value == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize("estimator", ["unbiased", "biased", "paired"])
@pytest.mark.parametrize("kernel", ["gaussian", "polynomial"])
def test_the_witness_sums_to_the_value(kernel, estimator):
    found = mmd(*draw(), kernel=kernel, estimator=estimator, n_splits=1)
    gap = found.source_witness.mean() - found.target_witness.mean()
    assert gap == pytest.approx(found.value, rel=1e-9)


def test_the_witness_finds_the_rows_that_moved():
    x, y = draw(2, 60, 60, 2, 0.0)
    y[:6] += 4.0
    lowest = np.argsort(mmd(x, y, n_splits=1).target_witness)[:6]
    assert set(lowest.tolist()) == set(range(6))


# --- doubt


@pytest.mark.parametrize("move", [0.0, 0.6])
@pytest.mark.parametrize("biased", [False, True])
def test_the_variance_is_that_of_repeated_samples(move, biased):
    def kernel(a, b):
        return np.exp(-(cdist(a, b) ** 2) / 4)

    sums = [pair_sums(kernel, *draw(s, 25, 18, 2, move))[0] for s in range(1500)]
    values = np.array([one.mmd2(biased=biased) for one in sums])
    guesses = np.array([sum(variance_terms(one, biased=biased)) for one in sums])
    assert guesses.mean() == pytest.approx(values.var(), rel=0.1)


@pytest.mark.parametrize("estimator", ["unbiased", "paired", "linear_time"])
def test_the_interval_covers(estimator):
    level = 4.0 / 6.0
    exact = 2 * level * (1 - np.exp(-2 * 0.5**2 / (2 * 6.0)))
    held = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(40, 2)), rng.normal(0.5, size=(40, 2))
        interval = mmd(x, y, bandwidth=2.0, estimator=estimator, n_splits=1).interval
        held += interval.low <= exact <= interval.high
    assert 0.715 <= held / 200 <= 0.885  # nominal 0.8 and three standard errors


def test_unbiased_means_zero_on_average():
    values = [mmd(*draw(s, 20, 30, 2, 0.0)[:1] * 2, n_splits=1).value for s in range(3)]
    assert all(value < 0 for value in values)  # a sample against itself lies below chance
    rng = np.random.default_rng(3)
    values = [
        mmd(rng.normal(size=(20, 2)), rng.normal(size=(30, 2)), bandwidth=1.0, n_splits=1).value
        for _ in range(200)
    ]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(200)


def test_few_rows_have_a_value_and_no_interval():
    x, y = draw(0, 15, 40)
    found = mmd(x, y)
    assert found.interval is None
    assert found.null.source is None
    assert found.null.target is not None
    assert np.isfinite(mmd(x[:2], y[:2]).value)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    kernel=st.sampled_from(sorted(KERNELS)),
    sizes=st.tuples(st.integers(2, 20), st.integers(2, 20)),
)
def test_the_biased_form_is_never_negative_and_not_below_the_unbiased(seed, kernel, sizes):
    x, y = draw(seed, *sizes)
    biased = mmd(x, y, kernel=kernel, estimator="biased", n_splits=1).value
    unbiased = mmd(x, y, kernel=kernel, n_splits=1).value
    assert biased >= 0
    if kernel in ("gaussian", "laplace", "rational_quadratic"):
        assert biased >= unbiased - 1e-12


def test_blocks_change_nothing(monkeypatch):
    from negtransfer.metrics.divergence import _pair_sums

    x, y = draw(4, 70, 50)
    whole = [mmd(x, y, estimator=e).value for e in ("unbiased", "biased")]
    paired = mmd(x, x + 1, estimator="paired").value
    monkeypatch.setattr(_pair_sums, "_MOST_ROWS", 7)
    np.testing.assert_allclose(
        [mmd(x, y, estimator=e).value for e in ("unbiased", "biased")], whole
    )
    assert mmd(x, x + 1, estimator="paired").value == pytest.approx(paired)


def test_a_median_of_many_rows_is_drawn_and_said():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1800, 2)), rng.normal(size=(1300, 2))
    found = mmd(x, y, n_splits=1)
    assert found.bandwidth == pytest.approx(np.median(cdist(x, y)), rel=0.03)
    assert "3,000" in found.warnings[0]


@pytest.mark.parametrize("kernel", ["laplace", "rational_quadratic", "linear", "polynomial"])
def test_tensors_serve_every_kernel(kernel):
    torch = pytest.importorskip("torch")
    x, y = draw(5, 40, 25)
    found = mmd(torch.as_tensor(x), torch.as_tensor(y), kernel=kernel)
    wanted = mmd(x, y, kernel=kernel)
    assert found.value == pytest.approx(wanted.value, rel=1e-9)
    np.testing.assert_allclose(found.null.pooled, wanted.null.pooled, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.source_witness, wanted.source_witness, rtol=1e-8, atol=1e-12)


# --- warnings and refusals


@pytest.mark.parametrize(("bandwidth", "word"), [(1e-3, "small"), (1e4, "large")])
def test_a_bandwidth_that_does_not_fit_is_named(bandwidth, word):
    assert f"too {word}" in mmd(*draw(), bandwidth=bandwidth).warnings[0]


def test_rows_left_out_of_the_linear_form_are_named():
    assert "first 24 rows" in mmd(*draw(0, 30, 25), estimator="linear_time").warnings[0]


def test_features_far_from_the_origin_are_named():
    x, y = draw()
    assert not kernel_inception_distance(x, y).warnings
    assert "rounding" in kernel_inception_distance(x + 1e6, y + 1e6).warnings[0]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kernel": "rbf"}, "'gaussian'"),
        ({"estimator": "U"}, "'unbiased'"),
        ({"convention": "half"}, "'2s2'"),
        ({"bandwidth": "scott"}, "'sqrt_d'"),
        ({"bandwidth": 0.0}, "positive"),
        ({"bandwidth": True}, "positive"),
        ({"estimator": "paired"}, "30 and 20"),
        ({"kernel": "polynomial", "offset": -1.0}, "offset"),
        ({"kernel": "polynomial", "degree": 0}, "degree"),
        ({"kernel": "rational_quadratic", "shape": -1.0}, "shape"),
        ({"n_splits": 0}, "n_splits"),
        ({"level": 1.0}, "level"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says) as fault:
        mmd(*draw(0, 30, 20), **options)
    assert str(fault.value).endswith(".")


def test_a_subset_larger_than_a_side_is_refused_by_one_protocol_and_cut_by_the_other():
    x, y = draw(0, 30, 20)
    with pytest.raises(ValueError, match="20 rows"):
        kernel_inception_distance(x, y, protocol="torch-fidelity")
    assert kernel_inception_distance(x, y, protocol="clean-fid").subset_size == 20
    with pytest.raises(ValueError, match="'full'"):
        kernel_inception_distance(x, y, protocol="subsets")


def test_subsets_agree_with_all_rows_and_widen_the_interval():
    x, y = draw(6, 120, 100)
    full = kernel_inception_distance(x, y)
    some = kernel_inception_distance(x, y, protocol="torch-fidelity", subset_size=60)
    assert some.value == pytest.approx(full.value, abs=4 * some.subset_std / 10)
    assert some.interval.high - some.interval.low > full.interval.high - full.interval.low
    other = kernel_inception_distance(
        x, y, protocol="torch-fidelity", subset_size=60, subset_seed=1
    )
    assert other.value != some.value
