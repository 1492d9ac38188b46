"""Divergence within classes: its value against plain loops, its tests, and what it ignores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist
from scipy.stats import binom

from negtransfer.metrics import within_class_divergence
from negtransfer.metrics.shift._holm import holm


def labelled(rng, counts, move=0.0, d=2):
    """Rows around a centre of their class; `move` shifts all of them alike."""
    y = np.repeat(np.arange(len(counts)), counts)
    return rng.normal(size=(len(y), d)) + 3.0 * y[:, None] + move, y


def compare(source, target, **options):
    (X, y), (Y, z) = source, target
    return within_class_divergence(X, Y, source_labels=y, target_labels=z, **options)


def plain(X, Y, similarity):
    """The unbiased estimate, pair by pair."""

    def within(A):
        k = similarity(cdist(A, A))
        return (k.sum() - np.trace(k)) / (len(A) * (len(A) - 1))

    return within(X) + within(Y) - 2 * similarity(cdist(X, Y)).mean()


@pytest.mark.parametrize("measure", ["mmd", "energy"])
def test_values_are_the_weighted_unbiased_estimates(measure):
    rng = np.random.default_rng(0)
    (X, y), (Y, z) = labelled(rng, [20, 30, 12]), labelled(rng, [9, 25, 16], move=0.5)
    found = compare((X, y), (Y, z), measure=measure)
    width = np.median(pdist(np.vstack([X, Y])))
    similarity = (
        (lambda r: np.exp(-(r**2) / (2 * width**2))) if measure == "mmd" else (lambda r: -r)
    )
    wanted = [plain(X[y == c], Y[z == c], similarity) for c in range(3)]
    np.testing.assert_allclose(found.class_values, wanted, rtol=1e-9)
    np.testing.assert_allclose(found.class_weights, np.array([9, 25, 16]) / 50)
    assert found.value == pytest.approx(np.dot([9, 25, 16], wanted) / 50)
    assert found.bandwidth == (pytest.approx(width) if measure == "mmd" else None)
    assert found.interval.low < found.value < found.interval.high


def test_a_change_of_class_shares_alone_is_not_seen():
    rng = np.random.default_rng(1)
    found = compare(labelled(rng, [180, 20]), labelled(rng, [20, 180]))
    assert found.p_value > 0.05
    assert abs(found.value) < 0.02


def test_the_class_that_moved_is_named():
    rng = np.random.default_rng(2)
    (X, y), (Y, z) = labelled(rng, [60, 60, 60]), labelled(rng, [50, 50, 50])
    Y[z == 1] += 1.0
    found = compare((X, y), (Y, z))
    assert (found.adjusted_p_values <= 0.05).tolist() == [False, True, False]
    np.testing.assert_allclose(found.adjusted_p_values, holm(found.class_p_values))
    assert (found.adjusted_p_values > found.class_p_values).any()
    assert int(np.argmax(found.class_values)) == 1
    assert found.p_value == 1 / 200


def test_a_moved_class_counts_by_its_share_of_the_target():
    rng = np.random.default_rng(3)
    (X, y), (Y, z) = labelled(rng, [60, 60]), labelled(rng, [90, 30])
    Y[z == 1] += 1.5
    back = compare((Y, z), (X, y))
    found = compare((X, y), (Y, z))
    np.testing.assert_allclose(found.class_values, back.class_values)
    assert found.value < back.value


@pytest.mark.parametrize("measure", ["mmd", "energy"])
def test_level_of_the_aggregate_and_of_the_family(measure):
    """Label shift, nothing else: at 10 % at most a binomial number of alarms."""
    draws, alarms = 60, np.zeros(2)
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        found = compare(
            labelled(rng, [40, 15]), labelled(rng, [10, 25]), measure=measure,
            n_permutations=59, n_splits=1, n_draws=2, random_state=seed,
        )  # fmt: skip
        alarms += found.p_value <= 0.1, found.adjusted_p_values.min() <= 0.1
    assert (alarms <= binom.ppf(0.999, draws, 0.1)).all()
    assert alarms[0] >= binom.ppf(0.001, draws, 0.1)


def test_the_interval_covers_the_mean_value():
    """Of a clear shift; 80 % nominal, 80 draws."""
    found = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        source, target = labelled(rng, [30, 30]), labelled(rng, [20, 30], move=0.7)
        found.append(compare(source, target, bandwidth=2.0, n_permutations=1, n_splits=1))
    mean = np.mean([one.value for one in found])
    covered = sum(one.interval.low <= mean <= one.interval.high for one in found)
    assert binom.ppf(0.001, 80, 0.8) <= covered <= binom.ppf(0.999, 80, 0.8)


def test_the_null_band_is_about_zero_and_below_a_shift():
    rng = np.random.default_rng(4)
    found = compare(labelled(rng, [60, 60]), labelled(rng, [60, 60], move=1.0), n_splits=20)
    assert found.null.source.shape == found.null.target.shape == (20,)
    assert abs(found.null.pooled.mean()) < 0.02
    assert found.null.percentile(found.value) == 100


def test_a_small_class_leaves_no_null_band():
    rng = np.random.default_rng(5)
    found = compare(labelled(rng, [40, 40]), labelled(rng, [30, 10]))
    assert found.null.target is None
    assert found.null.source is not None


def test_rare_classes_are_left_out_and_said_so():
    rng = np.random.default_rng(6)
    found = compare(labelled(rng, [40, 5, 40]), labelled(rng, [30, 30, 30, 12]))
    assert found.classes.tolist() == [0, 2]
    assert found.left_out.tolist() == [1, 3]
    assert found.warnings == (
        "2 class(es) have fewer than 8 rows on a side and were left out, with 5 source and 42 "
        "target row(s).",
    )
    assert (found.n_source, found.n_target) == (80, 60)


def test_rows_without_a_label_are_left_out():
    rng = np.random.default_rng(7)
    (X, y), (Y, z) = labelled(rng, [30, 30]), labelled(rng, [30, 30])
    wanted = compare((X[5:], y[5:]), (Y, z))
    y[:5] = -1
    X[:5] = 1e6
    found = compare((X, y), (Y, z))
    assert found.value == wanted.value
    assert found.warnings == ("5 row(s) of `source` have no label and were left out.",)


def test_large_classes_are_thinned_and_said_so():
    rng = np.random.default_rng(8)
    found = compare(labelled(rng, [90, 30]), labelled(rng, [30, 30], move=2.0), max_class_rows=40)
    assert (found.n_source, found.n_target) == (70, 60)
    assert len(found.warnings) == 1
    assert found.p_value == 1 / 200


@given(seed=st.integers(0, 10**6), shift=st.floats(-50, 50), codes=st.permutations([0, 3, 7]))
@settings(max_examples=10, deadline=None)
def test_invariances_as_declared(seed, shift, codes):
    rng = np.random.default_rng(seed)
    (X, y), (Y, z) = labelled(rng, [10, 12, 9]), labelled(rng, [11, 8, 10], move=0.4)
    turn = np.linalg.qr(rng.normal(size=(2, 2)))[0]
    order = rng.permutation(len(X))
    moved = (X[order] @ turn + shift, np.array(codes)[y][order])
    options = {"n_permutations": 1, "n_splits": 1, "n_draws": 2}
    found = compare(moved, (Y @ turn + shift, np.array(codes)[z]), **options)
    assert found.value == pytest.approx(compare((X, y), (Y, z), **options).value, abs=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measure": "mean"}, "`measure` must be one of mmd, energy"),
        ({"bandwidth": 0.0}, "`bandwidth` must be a positive"),
        ({"min_class_rows": 50}, "No class has 50 labelled rows"),
        ({"min_class_rows": 3}, "`min_class_rows` must be"),
        ({"source_labels": [0] * 3}, "`source_labels` has shape"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(options, message):
    (X, y), (Y, z) = (labelled(np.random.default_rng(9), [20, 20]) for _ in "ab")
    with pytest.raises(ValueError, match=message) as fault:
        within_class_divergence(X, Y, **{"source_labels": y, "target_labels": z, **options})
    assert str(fault.value).endswith(".")


def test_equal_rows_give_zero_and_no_alarm():
    found = compare((np.ones((20, 2)), np.zeros(20, int)), (np.ones((16, 2)), np.zeros(16, int)))
    assert found.value == pytest.approx(0, abs=1e-12)
    assert found.p_value == 1.0


def test_holm():
    """A worked example: sorted p times 4, 3, 2, 1, never falling, at most 1."""
    found = holm(np.array([0.03, 0.01, 0.5, 0.02]))
    np.testing.assert_allclose(found, [0.06, 0.04, 0.5, 0.06])
    np.testing.assert_allclose(holm(np.array([0.9, 0.8])), [1.0, 1.0])
