"""Folds: every row once, copies together, strata and sizes balanced."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from negtransfer.diagnostics.pilot import assign_folds
from negtransfer.diagnostics.pilot.folds import strata_of


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(4, 120), classes=st.integers(1, 5), k=st.integers(2, 10), seed=st.integers(0, 99)
)
def test_strata_and_sizes_are_balanced(n, classes, k, seed):
    rng = np.random.default_rng(seed)
    strata = rng.integers(classes, size=n)
    fold = assign_folds(strata, np.arange(n), k, rng)
    assert fold.min() >= 0
    assert fold.max() < k
    sizes = np.bincount(fold, minlength=k)
    assert sizes.max() - sizes.min() <= 1
    for c in range(classes):
        share = np.bincount(fold[strata == c], minlength=k)
        assert share.max() - share.min() <= 1


@settings(max_examples=40, deadline=None)
@given(n=st.integers(4, 80), groups=st.integers(2, 30), seed=st.integers(0, 99))
def test_copies_share_a_fold(n, groups, seed):
    rng = np.random.default_rng(seed)
    group = rng.integers(groups, size=n)
    fold = assign_folds(np.zeros(n, dtype=np.int64), group, 3, rng)
    for g in np.unique(group):
        assert np.unique(fold[group == g]).size == 1


def test_a_quantity_is_stratified_by_its_size():
    y = np.arange(100.0)
    fold = assign_folds(strata_of(y, regression=True), np.arange(100), 5, np.random.default_rng(0))
    means = [y[fold == f].mean() for f in range(5)]
    assert max(means) - min(means) < 12  # unstratified folds of 20 differ by up to 30


def test_the_same_generator_gives_the_same_folds():
    draw = [
        assign_folds(np.zeros(30, dtype=int), np.arange(30), 4, np.random.default_rng(7))
        for _ in range(2)
    ]
    assert np.array_equal(*draw)
