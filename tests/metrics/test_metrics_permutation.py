"""The permutation engine against sums written out pair by pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from negtransfer.metrics import _exchange, _kernels, mmd_test
from negtransfer.metrics._effect import EffectSums
from negtransfer.metrics._exchange import exchange_units, given_indicators, permuted_indicators
from negtransfer.metrics._kernels import distance, gaussian, pair_blocks
from negtransfer.metrics._permutation import (
    GroupSums,
    max_t_p_values,
    permutation_p_value,
    run_permutations,
    sequential_p_value,
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
    sums = GroupSums(n + m, indicators.sum(axis=0))
    for block in pair_blocks(pooled, memory_bytes):
        sums.add(block.rows, gaussian(block, 1.3), indicators)
    sums.close(indicators)
    kernel = np.exp(-(cdist(pooled, pooled) ** 2) / (2 * 1.3**2))
    for column, value in zip(indicators.T, sums.mmd2(), strict=True):
        first, second = np.flatnonzero(column == 1), np.flatnonzero(column == 0)
        assert value == pytest.approx(direct_mmd2(kernel, first, second), abs=1e-13)

    off = kernel - np.eye(n + m)
    assert sums.mean_square() == pytest.approx((off**2).sum() / off.size * (n + m) / (n + m - 1))
    mean_rows = off.sum(axis=1) / (n + m - 1)
    centred = off - mean_rows[:, None] - mean_rows + off.sum() / (off.size - n - m)
    np.fill_diagonal(centred, 0.0)
    expected = (centred**2).sum() / ((n + m) * (n + m - 1))
    assert sums.centred_mean_square() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("n", [30, 31])
def test_halves_equal_the_direct_sum(n):
    """With 30 of 50 rows the halves use all rows of a side, with 31 they leave one out."""
    rng = np.random.default_rng(4)
    pooled = rng.normal(size=(50, 2))
    effect = EffectSums.draw(
        lambda block: gaussian(block, 0.9), np.arange(50) < n, np.arange(50), 5, rng
    )
    for block in pair_blocks(pooled, 10_000):
        effect.add(block.rows, effect.kernel(block))
    kernel = np.exp(-(cdist(pooled, pooled) ** 2) / (2 * 0.9**2))
    band = effect.null_band()
    assert effect.value() == pytest.approx(direct_mmd2(kernel, *np.split(np.arange(50), [n])))
    for side, values in zip(effect.halves, (band.source, band.target), strict=True):
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


# --- who may change sides


def test_whole_units_change_sides():
    groups = np.repeat(np.arange(10), [1, 2, 3, 4, 5, 1, 2, 3, 4, 5])
    exchange = exchange_units(15, 15, groups=(groups[:15], groups[15:]))
    columns = exchange.columns(40, np.random.default_rng(0), observed=True)
    assert columns[:, 0].tolist() == [1.0] * 15 + [0.0] * 15
    for group in range(10):
        rows = columns[groups == group]
        assert (rows == rows[0]).all()
    firsts = np.array([np.flatnonzero(groups == g)[0] for g in range(10)])
    assert (columns[firsts].sum(axis=0) == 5).all()
    assert len(np.unique(columns[:, 1:].sum(axis=0))) > 3  # rows a side vary, units do not


def test_rows_change_sides_within_their_class():
    labels = np.arange(30) % 3
    exchange = exchange_units(12, 18, groups=(None, None), labels=(labels[:12], labels[12:]))
    columns = exchange.columns(25, np.random.default_rng(0), observed=True)
    for label in range(3):
        assert (columns[labels == label].sum(axis=0) == 4).all()
    assert len(np.unique(columns, axis=1).T) > 20


def test_units_change_sides_within_their_class():
    groups, labels = np.repeat(np.arange(8), 3), np.repeat([0, 0, 1, 1] * 2, 3)
    exchange = exchange_units(
        12, 12, groups=(groups[:12], groups[12:]), labels=(labels[:12], labels[12:])
    )
    columns = exchange.columns(30, np.random.default_rng(0))
    for label in (0, 1):
        assert (columns[labels == label].sum(axis=0) == 6).all()
    with pytest.raises(ValueError, match="several classes"):
        exchange_units(12, 12, groups=(groups[:12], groups[12:]),
                       labels=(np.arange(12) % 2, np.arange(12) % 2))  # fmt: skip


def test_batches_hold_the_observed_column_once_and_all_permutations():
    exchange = exchange_units(9, 6, groups=(None, None))
    batches = list(exchange.batches(170, np.random.default_rng(0), doubling=True))
    assert [batch.shape[1] for batch in batches] == [51, 50, 70]
    assert (batches[0][:, 0] == exchange.row_first).all()
    assert all((batch.sum(axis=0) == 9).all() for batch in batches)


def test_the_memory_budget_changes_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 2)), rng.normal(size=(20, 2))
    whole = mmd_test(x, y, n_permutations=120, n_splits=2)
    monkeypatch.setattr(_exchange, "MEMORY_BYTES", 1)
    parts = mmd_test(x, y, n_permutations=120, n_splits=2)
    np.testing.assert_allclose(parts.permuted, whole.permuted, rtol=1e-9)
    assert (parts.p_value, parts.n_permutations) == (whole.p_value, 120)


def test_every_arrangement_is_as_likely():
    columns = permuted_indicators(2, 3, 20_000, np.random.default_rng(0))[:, 1:]
    _, counts = np.unique(columns, axis=1, return_counts=True)
    assert len(counts) == 10
    assert ((counts - 2000) ** 2 / 2000).sum() < 27.9  # chi-square, 9 degrees, 0.1 %


@pytest.mark.parametrize(
    ("groups", "labels", "says"),
    [
        (([0] * 8, [0] * 8), (None, None), "both sides"),
        (([0] * 8, None), (None, None), "both or neither"),
        ((None, None), (None, [0] * 8), "both or neither"),
        (([0] * 7, [1] * 8), (None, None), "8 rows"),
    ],
)
def test_groups_and_labels_that_make_no_sense_are_refused(groups, labels, says):
    with pytest.raises(ValueError, match=says) as fault:
        exchange_units(8, 8, groups=groups, labels=labels)
    assert str(fault.value).endswith(".")


def test_few_units_are_named():
    def warned(units):
        rows = np.repeat(np.arange(2 * units), 4)
        half = 4 * units
        return exchange_units(half, half, groups=(rows[:half], rows[half:])).warnings()

    assert "6 ways" in warned(2)[0]
    assert warned(4) == ()


@pytest.mark.parametrize(
    "wrong", [np.zeros((3, 5), int), np.arange(5.0)[None], np.arange(4)[None], np.arange(5)]
)
def test_given_permutations_are_checked(wrong):
    with pytest.raises(ValueError, match="permutations"):
        given_indicators(wrong, 2, 3)
    columns = given_indicators([[4, 0, 1, 2, 3]], 2, 3)
    assert columns.T.tolist() == [[1, 1, 0, 0, 0], [1, 0, 0, 0, 1]]


# --- sums when sizes differ between columns, and the biased form


@pytest.mark.parametrize("biased", [False, True])
def test_columns_of_different_sizes_equal_the_direct_sum(biased):
    rng = np.random.default_rng(5)
    pooled, columns = rng.normal(size=(20, 2)), (rng.random((20, 6)) < 0.5).astype(float)
    sums = GroupSums(20, columns.sum(axis=0))
    for block in pair_blocks(pooled, 2_000):
        sums.add(block.rows, distance(block), columns)
    sums.close(columns)
    far = cdist(pooled, pooled)
    for column, value in zip(columns.T == 1, sums.mmd2(biased=biased), strict=True):
        own = [far[np.ix_(side, side)] for side in (column, ~column)]
        pairs = [len(o) ** 2 if biased else len(o) * (len(o) - 1) for o in own]
        expected = 2 * far[np.ix_(column, ~column)].mean()
        expected -= sum(o.sum() / p for o, p in zip(own, pairs, strict=True))
        assert value == pytest.approx(expected, abs=1e-12)


def test_halves_of_units_keep_units_whole():
    units = np.repeat(np.arange(40), 3)
    effect = EffectSums.draw(
        lambda block: gaussian(block, 1.0), np.arange(120) < 60, units, 6, np.random.default_rng(0)
    )
    for side in effect.halves:
        for marks in (side.first, side.second):
            assert (marks.reshape(20, 3, -1).std(axis=1) == 0).all()
        assert (side.first * side.second == 0).all()


def test_single_precision_moves_a_statistic_by_little(monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(600, 5)), rng.normal(0.02, size=(600, 5))
    fast = mmd_test(x, y, n_permutations=39, n_splits=1)
    monkeypatch.setattr(_kernels, "_ROWS_FOR_FAST", 10**9)
    exact = mmd_test(x, y, n_permutations=39, n_splits=1)
    assert fast.value == exact.value
    spread = exact.permuted.std()
    np.testing.assert_allclose(fast.permuted, exact.permuted, atol=1e-4 * spread)
    assert not (fast.permuted == exact.permuted).all()  # else this compares nothing


# --- p-values


def test_sequential_p_value_stops_at_enough():
    statistics = np.array([1.0, 2.0, 0.0, 2.0, 0.0, 2.0, 2.0])
    assert sequential_p_value(statistics, 2) == (2 / 3, 3)
    assert sequential_p_value(statistics, 4) == (4 / 6, 6)
    assert sequential_p_value(statistics, 5) == (5 / 7, 6)


@given(st.integers(0, 10**6), st.integers(1, 10), st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_batches_do_not_change_the_sequential_p_value(seed, enough, size):
    values = np.random.default_rng(seed).normal(size=101)
    batches = [values[None, k : k + size] for k in range(0, 101, size)]
    p_value, read = run_permutations(lambda columns: columns[0], batches, enough=enough)
    assert (p_value, len(read) - 1) == sequential_p_value(values, enough)
    assert 1 / 101 <= p_value <= 1.0


def test_the_sequential_p_value_holds_its_level():
    rng = np.random.default_rng(0)
    found = np.array([sequential_p_value(rng.normal(size=200), 10)[0] for _ in range(4000)])
    for level in (0.05, 0.2, 0.5):
        assert (found <= level).mean() <= level + 3 * np.sqrt(level * (1 - level) / 4000)
    assert (found <= 0.2).mean() >= 0.16


def test_max_t_equals_its_definition():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(60, 4))
    table[0] = [2.5, 0.1, 1.8, -1.0]
    single = [(1 + (table[1:].max(axis=1) >= t).sum()) / 60 for t in table[0]]
    np.testing.assert_allclose(max_t_p_values(table, step_down=False), single)
    rest = (1 + (table[1:][:, [1, 2, 3]].max(axis=1) >= 1.8).sum()) / 60
    stepped = max_t_p_values(table)
    assert stepped[0] == single[0]
    assert stepped[2] == max(single[0], rest)
    assert (stepped <= np.array(single) + 1e-12).all()
    assert max_t_p_values(table[:, :1])[0] == permutation_p_value(table[:, 0])


def test_max_t_holds_the_chance_of_any_false_alarm():
    rng = np.random.default_rng(1)
    alarms = []
    for _ in range(600):
        shared = rng.normal(size=(100, 1))
        alarms.append(max_t_p_values(shared + rng.normal(size=(100, 6))).min() <= 0.05)
    assert np.mean(alarms) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
