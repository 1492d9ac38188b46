"""Share of target rows outside the source."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from negtransfer.metrics import support_overlap


def normal_pair(seed, n=120, m=80, d=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d))


def test_equals_the_definition_with_a_neighbour_search():
    source, target = normal_pair(0)
    target = target * 1.5
    result = support_overlap(source, target, k=4, quantile=0.9)
    search = NearestNeighbors(n_neighbors=5).fit(source)
    own = np.sort(search.kneighbors(source)[0][:, -1])
    # Weibull position 0.9 * 121 = 108.9 among 120 sorted values.
    threshold = own[107] + 0.9 * (own[108] - own[107])
    distances = search.kneighbors(target, n_neighbors=4)[0][:, -1]
    assert result.threshold == pytest.approx(threshold)
    assert result.share_outside == np.mean(distances > threshold)
    assert set(result.outside) == set(np.flatnonzero(distances > threshold))
    assert (np.diff(distances[result.outside]) <= 0).all()


@pytest.mark.parametrize(("quantile", "n"), [(0.95, 60), (0.8, 150)])
def test_expected_share_without_a_shift(quantile, n):
    shares, nulls, covered = [], [], []
    for seed in range(60):
        result = support_overlap(*normal_pair(seed, n, 80), quantile=quantile)
        shares.append(result.share_outside)
        nulls.append(result.null.pooled.mean())
        covered.append(result.interval.low <= 1 - quantile <= result.interval.high)
    assert np.mean(shares) == pytest.approx(1 - quantile, abs=0.015)
    assert np.mean(nulls) == pytest.approx(1 - quantile, abs=0.015)
    assert np.mean(covered) >= 0.64


def test_one_sided():
    source, target = normal_pair(1, 300, 100)
    assert support_overlap(source, 0.1 * target).share_outside == 0.0
    assert support_overlap(0.1 * target, source).share_outside > 0.8
    far = support_overlap(source, target + 30.0)
    assert far.share_outside == 1.0
    assert far.interval.high == 1.0
    assert len(far.outside) == 100


def test_row_order_does_not_matter():
    source, target = normal_pair(2)
    target = target + 0.5
    order = np.random.default_rng(0).permutation(len(target))
    one = support_overlap(source, target)
    other = support_overlap(source[::-1], target[order])
    assert one.share_outside == other.share_outside
    assert set(order[other.outside]) == set(one.outside)


def test_repeated_rows_are_inside():
    rows = np.repeat([[0.0, 0.0], [5.0, 5.0]], 20, axis=0)
    result = support_overlap(rows, rows)
    assert (result.share_outside, result.threshold) == (0.0, 0.0)
    assert support_overlap(rows, rows + 1e-6).share_outside == 1.0


def test_few_rows_have_no_null_band():
    source, target = normal_pair(3, 10, 9, d=40)
    result = support_overlap(source, target, k=50)
    assert (result.null.source, result.null.target) == (None, None)
    assert 0 <= result.interval.low <= result.share_outside <= result.interval.high <= 1


def test_subsample_is_flagged_and_rows_keep_their_numbers():
    source, target = normal_pair(4, 200, 300)
    target[250] = 99.0
    result = support_overlap(source, target, max_rows=150, random_state=1)
    assert (result.n_source, result.n_target, result.subsampled) == (150, 150, True)
    assert result.outside.max() < 300
    remote = support_overlap(source, np.where(np.arange(300)[:, None] >= 100, 50.0, target[:1]))
    assert remote.outside.min() == 100
