"""The permutation engine against sums written out pair by pair."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from negtransfer.metrics._kernels import clear_diagonal, gaussian, pair_blocks
from negtransfer.metrics._permutation import (
    GroupSums,
    HalfSums,
    permutation_p_value,
    permuted_indicators,
)


def direct_mmd2(kernel, first, second):
    """Unbiased squared MMD from its definition."""
    n, m = len(first), len(second)
    xx = kernel[np.ix_(first, first)].sum() - np.trace(kernel[np.ix_(first, first)])
    yy = kernel[np.ix_(second, second)].sum() - np.trace(kernel[np.ix_(second, second)])
    xy = kernel[np.ix_(first, second)].sum()
    return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)


@pytest.mark.parametrize("memory_bytes", [1, 20_000, 2**30])
@pytest.mark.parametrize(("n", "m"), [(9, 14), (30, 8)])
def test_every_column_equals_the_direct_sum(n, m, memory_bytes):
    rng = np.random.default_rng(3)
    pooled = rng.normal(size=(n + m, 3))
    indicators = permuted_indicators(n, m, 6, rng)
    sums = GroupSums(n + m, 7)
    for block in pair_blocks(pooled, memory_bytes):
        rows = clear_diagonal(block.rows, gaussian(block, 1.3))
        sums.add(block.rows, rows, indicators)
    kernel = np.exp(-(cdist(pooled, pooled) ** 2) / (2 * 1.3**2))
    for column, value in zip(indicators.T, sums.unbiased_mmd2(n), strict=True):
        first, second = np.flatnonzero(column == 1), np.flatnonzero(column == 0)
        assert value == pytest.approx(direct_mmd2(kernel, first, second), abs=1e-13)

    off = kernel - np.eye(n + m)
    assert sums.mean_square() == pytest.approx((off**2).sum() / off.size * (n + m) / (n + m - 1))
    mean_rows = off.sum(axis=1) / (n + m - 1)
    centred = off - mean_rows[:, None] - mean_rows + off.sum() / (off.size - n - m)
    np.fill_diagonal(centred, 0.0)
    expected = (centred**2).sum() / ((n + m) * (n + m - 1))
    assert sums.centred_mean_square() == pytest.approx(expected, rel=1e-10)


def test_halves_equal_the_direct_sum():
    rng = np.random.default_rng(4)
    pooled = rng.normal(size=(50, 2))
    halves = HalfSums.draw(30, 20, 5, rng)
    for block in pair_blocks(pooled, 10_000):
        halves.add(block.rows, clear_diagonal(block.rows, gaussian(block, 0.9)))
    kernel = np.exp(-(cdist(pooled, pooled) ** 2) / (2 * 0.9**2))
    band = halves.null_band()
    for side, values in ((halves.source, band.source), (halves.target, band.target)):
        for split, value in enumerate(values):
            first = side.span.start + np.flatnonzero(side.first[:, split])
            second = side.span.start + np.flatnonzero(side.second[:, split])
            assert value == pytest.approx(direct_mmd2(kernel, first, second), abs=1e-13)


def test_blocks_stay_within_the_budget():
    pooled = np.zeros((400, 2))
    blocks = list(pair_blocks(pooled, memory_bytes=6 * 8 * 400 * 50))
    assert [block.rows.stop - block.rows.start for block in blocks] == [50] * 8


def test_p_value_counts_the_observed_split_and_ties():
    assert permutation_p_value(np.array([2.0, 1.0, 3.0, 2.0 - 1e-14])) == 0.75
    assert permutation_p_value(np.array([9.0, 1.0, 3.0, 2.0])) == 0.25
    assert permutation_p_value(np.zeros(20)) == 1.0


def test_permutations_keep_the_group_size():
    indicators = permuted_indicators(7, 5, 30, np.random.default_rng(0))
    assert indicators.sum(axis=0).tolist() == [7.0] * 31
    assert indicators[:, 0].tolist() == [1.0] * 7 + [0.0] * 5
