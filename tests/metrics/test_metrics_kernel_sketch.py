"""Kernel mean sketches and the squared MMD they give: exactness, merging, level and memory."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negtransfer.metrics import KernelMeanSketch, mmd, sketched_mmd
from negtransfer.metrics.divergence.sketched_mmd import _exchangeable


def draw(seed=0, n=80, m=60, d=3, move=0.5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(move, 1.0, size=(m, d))


def fourier(d=3, **more):
    return KernelMeanSketch.fourier(d, **{"n_features": 20, "bandwidth": 1.5, **more})


# --- the sketch


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 3000), max_size=6), seed=st.integers(0, 100))
def test_blocks_of_any_size_give_the_same_sketch(cuts, seed):
    rows = np.random.default_rng(seed).normal(size=(3000, 3))
    whole, parts = fourier().update(rows), fourier()
    edges = sorted({0, 3000, *cuts})
    for low, high in pairwise(edges):
        parts.update(rows[low:high])
    assert parts.n_rows == whole.n_rows == 3000
    assert parts.rows_per_group == whole.rows_per_group
    np.testing.assert_allclose(parts.groups, whole.groups, atol=1e-10)
    np.testing.assert_allclose(parts.totals, whole.totals, atol=1e-9)
    assert parts.finer.keys() == whole.finer.keys()


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 1500), min_size=1, max_size=6), seed=st.integers(0, 100))
def test_merged_parts_have_the_mean_of_the_whole(sizes, seed):
    rows = np.random.default_rng(seed).normal(size=(sum(sizes), 3))
    whole, merged = fourier().update(rows), fourier()
    for part in np.split(rows, np.cumsum(sizes)[:-1]):
        merged.merge(fourier().update(part))
    assert merged.n_rows == len(rows)
    np.testing.assert_allclose(merged.mean, whole.mean, atol=1e-12)
    assert len(merged.groups) <= 256
    grouped = len(merged.groups) * merged.rows_per_group
    assert grouped >= len(rows) - 2 * len(sizes) * merged.rows_per_group
    # every group holds as many rows as it says: the squared norms of Fourier features are 1
    np.testing.assert_allclose(merged.groups[:, -1], merged.rows_per_group)


def test_merging_many_small_parts_keeps_nearly_all_rows_permutable():
    rows = np.random.default_rng(0).normal(size=(20_000, 3))
    merged = fourier()
    for part in np.split(rows, 200):
        merged.merge(fourier().update(part))
    assert len(merged.groups) * merged.rows_per_group > 0.95 * len(rows)


def test_merging_leaves_the_other_sketch_alone_and_goes_on():
    x, y = draw(0, 700, 500)
    one, other = fourier().update(x), fourier().update(y)
    before = other.totals.copy()
    one.merge(other).update(x)
    assert (other.totals == before).all()
    assert one.n_rows == 1900
    np.testing.assert_allclose(one.mean, fourier().update(np.concatenate([x, y, x])).mean)


@pytest.mark.parametrize("more", [{"seed": 1}, {"bandwidth": 2.0}, {"n_features": 30}])
def test_sketches_with_other_features_refuse_each_other(more):
    one, other = fourier().update(draw()[0]), fourier(**more).update(draw()[1])
    for attempt in (lambda: one.merge(other), lambda: sketched_mmd(one, other)):
        with pytest.raises(ValueError, match=f"different features .{next(iter(more))}") as fault:
            attempt()
        assert str(fault.value).endswith(".")


def test_sketches_with_other_landmarks_refuse_each_other():
    x, y = draw()
    one, other = (KernelMeanSketch.nystroem(side[:20], bandwidth=1.0) for side in (x, y))
    with pytest.raises(ValueError, match="landmarks"):
        one.merge(other)
    with pytest.raises(ValueError, match="kind"):
        fourier().merge(one)


def test_what_a_sketch_cannot_do_is_said():
    with pytest.raises(ValueError, match="no rows"):
        _ = fourier().mean
    with pytest.raises(ValueError, match="2 columns, the sketch 3"):
        fourier().update(np.ones((4, 2)))
    with pytest.raises(ValueError, match="missing or infinite"):
        fourier().update(np.full((4, 3), np.nan))
    with pytest.raises(ValueError, match="bandwidth"):
        fourier(bandwidth=0.0)
    with pytest.raises(TypeError, match="sketch of both"):
        sketched_mmd(fourier().update(draw()[0]), draw()[1])


def test_features_approach_the_gaussian_kernel():
    x, y = draw(1, 30, 20)
    kernel = np.exp(-((x[:, None] - y[None]) ** 2).sum(axis=2) / (2 * 1.5**2))
    map_ = fourier(n_features=20_000).features
    np.testing.assert_allclose(map_(x) @ map_(y).T, kernel, atol=0.05)
    map_ = KernelMeanSketch.nystroem(np.concatenate([x, y]), bandwidth=1.5).features
    np.testing.assert_allclose(map_(x) @ map_(y).T, kernel, atol=1e-6)


# --- the value


@pytest.mark.parametrize("features", ["fourier", "nystroem"])
@pytest.mark.parametrize(("n", "m"), [(80, 60), (900, 700), (900, 20)])
def test_the_value_is_that_of_all_pairs_for_the_kernel_of_the_features(features, n, m):
    x, y = draw(2, n, m)
    if features == "fourier":
        sketch = fourier()
    else:
        sketch = KernelMeanSketch.nystroem(x[:15], bandwidth=1.5)
    found = sketched_mmd(sketch.empty().update(x), sketch.empty().update(y), n_permutations=19)
    wanted = mmd(sketch.features(x), sketch.features(y), kernel="linear", n_splits=1)
    assert found.value == pytest.approx(wanted.value, rel=1e-8)
    if n == 80:  # groups are rows, so the intervals agree too
        assert found.interval.low == pytest.approx(wanted.interval.low, rel=1e-8)
    else:
        width = found.interval.high - found.interval.low if found.interval else None
        wide = wanted.interval.high - wanted.interval.low
        assert width == pytest.approx(wide, rel=0.25)


def test_the_feature_error_tells_how_far_the_gaussian_kernel_is():
    x, y = draw(3, 300, 300)
    exact = mmd(x, y, bandwidth=1.5, n_splits=1).value
    found = [
        sketched_mmd(x, y, bandwidth=1.5, n_features=100, n_permutations=19, random_state=seed)
        for seed in range(60)
    ]
    values = np.array([one.value for one in found])
    errors = np.array([one.feature_error for one in found])
    assert np.sqrt((errors**2).mean()) == pytest.approx(values.std(), rel=0.25)
    assert values.mean() == pytest.approx(exact, abs=4 * values.std() / 60**0.5)


def test_landmarks_at_all_rows_give_the_gaussian_kernel():
    x, y = draw(4)
    found = sketched_mmd(x, y, features="nystroem", n_features=140, n_permutations=19)
    wanted = mmd(x, y, n_splits=1)
    assert found.bandwidth == pytest.approx(wanted.bandwidth, rel=1e-12)
    assert found.value == pytest.approx(wanted.value, rel=1e-6)


# --- the test


@pytest.mark.parametrize(
    ("n", "m", "n_features"), [(40, 30, 2), (40, 30, 50), (700, 600, 10), (1500, 30, 10)]
)
def test_the_level_holds_for_any_number_of_features(n, m, n_features):
    options = {"n_features": n_features, "bandwidth": 1.0, "n_permutations": 19, "n_splits": 1}
    p = np.array([
        sketched_mmd(*draw(s, n, m, 2, 0.0), random_state=s, **options).p_value for s in range(300)
    ])  # fmt: skip
    # uniform on 0.05, 0.10, ..., 1; bounds are three standard errors
    assert 0.05 - 0.038 <= (p <= 0.05).mean() <= 0.05 + 0.038
    assert 0.5 - 0.087 <= (p <= 0.5).mean() <= 0.5 + 0.087


def test_the_level_holds_for_streams_that_choose_their_own_bandwidth():
    p = []
    for seed in range(200):
        x, y = draw(seed, 300, 200, 2, 0.0)
        sides = (iter(np.split(side, 4)) for side in (x, y))
        found = sketched_mmd(*sides, n_features=10, n_permutations=19, n_splits=1)
        p.append(found.p_value)
        assert found.rows_permuted <= 500 - 37 - 25
    assert (np.array(p) <= 0.1).mean() == pytest.approx(0.1, abs=0.065)


def test_the_p_value_is_never_zero_and_finds_a_shift():
    found = sketched_mmd(*draw(5, 3000, 40, 3, 1.0), n_permutations=99)
    assert found.p_value == 0.01
    assert found.value > found.null.pooled.max()


def test_far_apart_sizes_are_permuted_in_fine_groups_of_equal_rows():
    x, y = fourier().update(draw(6, 5000, 60)[0]), fourier().update(draw(6, 5000, 60)[1])
    groups_x, groups_y, size = _exchangeable(x, y)
    assert (len(groups_x), len(groups_y), size) == (256, 60, 1)
    near = fourier().update(draw(6, 600, 60)[0])
    groups_x, groups_y, size = _exchangeable(x, near)
    assert size == x.rows_per_group == 32 or size == near.rows_per_group
    np.testing.assert_allclose(groups_x[:, -1], size)
    np.testing.assert_allclose(groups_y[:, -1], size)


def test_few_rows_have_a_value_no_interval_and_a_warning():
    x, y = draw(7)
    found = sketched_mmd(x[:4], y)
    assert found.interval is None
    assert "could be permuted" in found.warnings[-1]


def test_the_interval_covers():
    # for the features drawn, the truth is linear in their means: take it from many rows
    sketch = fourier(2, n_features=40)
    big = np.random.default_rng(10**6)
    mean_x = sketch.features(big.normal(size=(200_000, 2))).mean(axis=0)
    mean_y = sketch.features(big.normal(0.4, size=(200_000, 2))).mean(axis=0)
    exact, held = ((mean_x - mean_y) ** 2).sum(), 0
    for seed in range(200):
        x, y = draw(seed, 400, 300, 2, 0.4)
        found = sketched_mmd(
            sketch.empty().update(x), sketch.empty().update(y), n_permutations=19, n_splits=1
        )
        held += found.interval.low <= exact <= found.interval.high
    assert 0.71 <= held / 200 <= 0.89  # nominal 0.8


# --- ways in


def test_tables_blocks_and_sketches_agree():
    x, y = draw(8, 500, 300)
    options = {"bandwidth": 1.5, "n_features": 20, "n_permutations": 99, "random_state": 4}
    table = sketched_mmd(x, y, **options)
    blocks = sketched_mmd(iter(np.split(x, 5)), iter(np.split(y, 3)), **options)
    mixed = sketched_mmd(x, iter(np.split(y, 3)), **options)
    for other in (blocks, mixed):
        assert other.value == pytest.approx(table.value, rel=1e-9)
        assert other.p_value == table.p_value
        assert (other.n_source, other.n_target) == (500, 300)


@pytest.mark.parametrize("features", ["fourier", "nystroem"])
def test_a_stream_finds_what_a_table_finds(features):
    x, y = draw(9, 2000, 1500)
    table = sketched_mmd(x, y, features=features, n_features=200)
    stream = sketched_mmd(
        iter(np.split(x, 10)), iter(np.split(y, 10)), features=features, n_features=200
    )
    assert stream.bandwidth == pytest.approx(table.bandwidth, rel=0.15)
    assert stream.value == pytest.approx(table.value, rel=0.3)
    assert stream.p_value == table.p_value == 0.005


def test_streams_that_do_not_fit_are_refused():
    x, y = draw()
    with pytest.raises(ValueError, match="no block"):
        sketched_mmd(iter([]), y)
    with pytest.raises(ValueError, match="2 columns"):
        sketched_mmd(iter([x]), iter([y[:, :2]]))
    with pytest.raises(ValueError, match="1 row"):
        sketched_mmd(iter([x[:1]]), iter([y]), bandwidth=1.0)


def test_tensors_stay_tensors_in_blocks():
    torch = pytest.importorskip("torch")
    x, y = draw(10, 400, 300)
    wanted = sketched_mmd(x, y, n_features=30)
    blocks = (iter(torch.as_tensor(side).split(100)) for side in (x, y))
    found = sketched_mmd(*blocks, n_features=30, bandwidth=wanted.bandwidth)
    assert found.value == pytest.approx(wanted.value, rel=1e-8)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"features": "rff"}, "'fourier'"),
        ({"n_features": 1}, "n_features"),
        ({"bandwidth": "scott"}, "bandwidth"),
        ({"n_permutations": 5}, "n_permutations"),
        ({"n_splits": 0}, "n_splits"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says) as fault:
        sketched_mmd(*draw(), **options)
    assert str(fault.value).endswith(".")


LARGE = """
import resource, sys
import numpy as np
from negtransfer.metrics import sketched_mmd
rng = np.random.default_rng(0)
x, y = rng.normal(size=(100_000, 50)), rng.normal(0.005, size=(100_000, 50))
found = sketched_mmd(x, y)
assert found.p_value == 0.005, found.p_value
assert found.n_source == found.n_target == 100_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@pytest.mark.slow
def test_two_hundred_thousand_rows_stay_under_one_gigabyte():
    source = Path(__file__).parents[2] / ".src"
    done = subprocess.run(
        [sys.executable, "-c", LARGE], env={"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(done.stdout) < 1.0
