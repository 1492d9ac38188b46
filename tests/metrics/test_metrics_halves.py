"""Random halves and the null band they make."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from negtransfer.metrics import Interval, NullBand
from negtransfer.metrics._halves import half_sizes, random_halves

rows = st.integers(1, 500)


@given(total=rows, n_source=rows, n_target=rows, seed=st.integers(0, 5))
def test_halves_are_disjoint_and_no_larger_than_the_comparison(total, n_source, n_target, seed):
    splits = list(
        random_halves(total, n_source, n_target, n_splits=2, rng=np.random.default_rng(seed))
    )
    if total < 16:
        assert splits == []
        return
    assert len(splits) == 2
    for first, second in splits:
        assert min(len(first), len(second)) >= 8
        both = np.concatenate([first, second])
        assert len(np.unique(both)) == len(both)
        assert both.min() >= 0
        assert both.max() < total
        assert len(first) <= max(8, n_source)
        assert len(second) <= max(8, n_target)


@pytest.mark.parametrize(
    ("total", "sizes", "expected"),
    [
        (100, (100, 100), (50, 50)),
        (1000, (300, 200), (300, 200)),
        (120, (1000, 500), (80, 40)),
        (20, (1000, 10), (12, 8)),
        (20, (10, 1000), (8, 12)),
        (15, (10, 10), None),
    ],
)
def test_sizes_keep_the_ratio(total, sizes, expected):
    assert half_sizes(total, *sizes) == expected


def test_null_band_quantiles_and_percentile():
    band = NullBand(np.arange(101) / 100, None)
    assert band.source_quantiles == pytest.approx((0.05, 0.5, 0.95))
    assert band.target_quantiles is None
    assert band.percentile(2.0) == 100.0
    assert band.percentile(-1.0) == 0.0
    assert band.percentile(0.5) == pytest.approx(50.0)


def test_percentile_pools_both_sides_and_halves_ties():
    band = NullBand(np.zeros(4), np.ones(4))
    assert band.percentile(0.0) == 25.0
    assert band.percentile(0.5) == 50.0
    assert NullBand(None, None).percentile(0.0) is None


def test_results_are_frozen():
    with pytest.raises(AttributeError):
        Interval(0.0, 1.0, 0.8, "any").low = 1.0
