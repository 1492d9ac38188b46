"""Sliced and max-sliced Wasserstein: values of POT, closed forms, the test, directions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from negtransfer.metrics import max_sliced_wasserstein, sliced_wasserstein, wasserstein
from negtransfer.metrics.divergence import _sliced_permutation
from negtransfer.metrics.divergence._sliced_permutation import sliced_statistics
from negtransfer.metrics.divergence._transport import line_powers

QUICK = {"n_splits": 1, "n_draws": 2}


def projections(entry, stored):
    return stored(f"{entry['case']}_proj")["projections"]


@pytest.mark.reference("sliced_wasserstein_p1", "sliced_wasserstein_p2")
def test_value_of_pot(entry, case_arrays, stored, close):
    p, theta = int(entry["measure"][-1]), projections(entry, stored)
    found = sliced_wasserstein(*case_arrays(entry["case"]), p=p, projections=theta, **QUICK)
    close(found.value, entry)
    assert found.direction_values.shape == (100,)
    assert np.mean(found.direction_values**p) == pytest.approx(found.value**p)


@pytest.mark.reference("max_sliced_wasserstein_p2")
def test_largest_value_of_pot(entry, case_arrays, stored, close):
    options = {"p": 2, "projections": projections(entry, stored), **QUICK}
    pair = case_arrays(entry["case"])
    start = max_sliced_wasserstein(*pair, **options, n_refinements=0)
    close(start.value, entry)
    refined = max_sliced_wasserstein(*pair, **options)
    assert refined.value > start.value
    assert refined.value <= wasserstein(*pair, p=2, **QUICK).value + 1e-9


# --- sliced


@pytest.mark.parametrize("p", [1, 2])
def test_blocks_of_directions_give_the_same(p, monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 7)), rng.normal(size=(20, 7))
    whole = line_powers(x, y, p)
    monkeypatch.setattr("negtransfer.metrics.divergence._transport._BLOCK", 100)
    np.testing.assert_allclose(line_powers(x, y, p), whole)
    alone = [wasserstein(x[:, k : k + 1], y[:, k : k + 1], p=p, **QUICK).value for k in range(7)]
    np.testing.assert_allclose(whole ** (1 / p), alone)


def test_a_translation_is_seen_by_the_cosine():
    """Moved by t along one axis of d = 2: the mean |cosine| is 2 / pi, its square 1 / 2."""
    X = np.random.default_rng(1).normal(size=(50, 2))
    Y = X + np.array([3.0, 0.0])
    for p, share in ((1, 2 / math.pi), (2, math.sqrt(1 / 2))):
        found = sliced_wasserstein(X, Y, p=p, n_projections=2000, **QUICK)
        assert abs(found.value - 3 * share) < 4 * found.standard_error
        assert found.standard_error < 0.03


def test_the_standard_error_is_that_of_other_directions():
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(60, 4)), rng.normal(0.5, 1.3, size=(50, 4))
    for p in (1, 2):
        results = [
            sliced_wasserstein(X, Y, p=p, n_projections=50, random_state=k, **QUICK)
            for k in range(60)
        ]
        spread = np.std([r.value for r in results], ddof=1)
        assert np.mean([r.standard_error for r in results]) == pytest.approx(spread, rel=0.25)


def test_one_direction_has_no_standard_error():
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(2, 20, 3))
    assert sliced_wasserstein(X, Y, n_projections=1, **QUICK).standard_error is None
    assert sliced_wasserstein(X, X, **QUICK).standard_error == 0.0


def test_every_stop_gives_the_exact_distance_of_every_permutation(monkeypatch):
    """With a stop at each gap the statistic is the sliced W1 itself."""
    monkeypatch.setattr(_sliced_permutation, "_STOPS", 10**6)
    rng = np.random.default_rng(4)
    u, v = rng.integers(0, 9, size=(40, 6)).astype(float), rng.normal(4, 2, size=(25, 6))
    found = sliced_statistics(u, v, 8, np.random.default_rng(0))
    labels = _sliced_permutation._labels(40, 25, 8, np.random.default_rng(0))
    pooled = np.concatenate([u, v])
    exact = [line_powers(pooled[c == 1], pooled[c == 0], 1).sum() for c in labels.T]
    np.testing.assert_allclose(found, np.array(exact) / exact[0])


def test_few_stops_order_permutations_nearly_alike(monkeypatch):
    rng = np.random.default_rng(5)
    u, v = rng.normal(size=(300, 50)), rng.normal(size=(200, 50))
    few = sliced_statistics(u, v, 99, np.random.default_rng(0))
    monkeypatch.setattr(_sliced_permutation, "_STOPS", 10**6)
    monkeypatch.setattr(_sliced_permutation, "_BLOCK", 10_000)
    every = sliced_statistics(u, v, 99, np.random.default_rng(0))
    assert np.corrcoef(few, every)[0, 1] > 0.95


def test_groups_are_drawn_at_their_size():
    labels = _sliced_permutation._labels(30, 50, 200, np.random.default_rng(0))
    assert (labels.sum(axis=0) == 30).all()
    # Each row is in the first group with probability 3/8; 5 standard errors.
    share = labels[:, 1:].mean(axis=1)
    assert np.abs(share - 3 / 8).max() < 5 * math.sqrt(3 / 8 * 5 / 8 / 200)


def test_the_test_keeps_its_level_where_values_repeat():
    """What lies between equal values must not be read: they stand in the order of the sides."""
    p = []
    for k in range(200):
        rng = np.random.default_rng(k)
        X, Y = rng.integers(0, 3, size=(25, 2)), rng.integers(0, 3, size=(30, 2))
        found = sliced_wasserstein(
            X.astype(float), Y.astype(float), n_projections=5, n_permutations=19,
            random_state=k, n_splits=1, n_draws=2,
        )  # fmt: skip
        p.append(found.p_value)
    # Binomial(200, 0.2) stays within 20 and 60 but for one in a thousand.
    assert 20 <= np.sum(np.array(p) <= 0.2) <= 60


def test_equal_rows_everywhere_are_no_evidence():
    X = np.ones((20, 2))
    assert sliced_wasserstein(X, X, n_permutations=19, **QUICK).p_value == 1.0


def test_a_shift_is_found_by_the_test():
    rng = np.random.default_rng(6)
    X, Y = rng.normal(size=(100, 10)), rng.normal(0.4, size=(80, 10))
    assert sliced_wasserstein(X, Y, n_permutations=199, **QUICK).p_value == 1 / 200
    assert sliced_wasserstein(X, Y, **QUICK).p_value is None


def test_many_rows_have_wider_labels():
    labels = _sliced_permutation._labels(20_000, 20_000, 1, np.random.default_rng(0))
    assert labels.dtype == np.int32
    assert (labels.sum(axis=0) == 20_000).all()


def test_null_and_interval_share_the_directions():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(200, 5))
    still = sliced_wasserstein(X[:100], X[100:])
    moved = sliced_wasserstein(X[:100], X[100:] + 0.8)
    assert still.value < still.null.source_quantiles[2] * 1.5
    assert moved.interval.low > max(moved.null.pooled)


def test_larger_sides_are_subsampled_and_say_so():
    X = np.random.default_rng(8).normal(size=(100, 2))
    for measure in (sliced_wasserstein, max_sliced_wasserstein):
        found = measure(X, X[:50] + 1, max_rows=40, **QUICK)
        assert (found.n_source, found.n_target) == (40, 40)
        assert "raise `max_rows`" in found.warnings[0]


# --- max-sliced


@pytest.mark.parametrize("p", [1, 2])
def test_the_direction_of_a_translation_is_found(p):
    rng = np.random.default_rng(9)
    X = rng.normal(size=(100, 30))
    move = np.zeros(30)
    move[[3, 17]] = 3.0, -4.0
    found = max_sliced_wasserstein(X, X + move, p=p)
    assert found.value == pytest.approx(5.0)
    np.testing.assert_allclose(found.direction, -move / 5, atol=1e-6)


def test_a_change_of_spread_is_found():
    rng = np.random.default_rng(10)
    X, Y = rng.normal(size=(2, 400, 6))
    Y[:, 2] *= 3.0
    found = max_sliced_wasserstein(X, Y, p=2, **QUICK)
    assert abs(found.direction[2]) > 0.95


def test_the_null_searches_too():
    rng = np.random.default_rng(11)
    found = max_sliced_wasserstein(rng.normal(size=(60, 30)), rng.normal(size=(60, 30)))
    assert found.null.source_quantiles[0] > 0.5
    assert found.value < found.null.source_quantiles[2]


def test_more_starts_never_find_less():
    rng = np.random.default_rng(12)
    X, Y = rng.normal(size=(50, 5)), rng.normal(0.3, 1.5, size=(40, 5))
    theta = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    one, all_ = (
        max_sliced_wasserstein(X, Y, projections=t, n_refinements=0, **QUICK).value
        for t in (theta[:, :1], theta)
    )
    assert one <= all_


@pytest.mark.parametrize("measure", [sliced_wasserstein, max_sliced_wasserstein])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"projections": np.ones((3, 4))}, r"shape \(2, directions\)"),
        ({"projections": np.ones((2, 4))}, "length 1"),
        ({"n_projections": 0}, "`n_projections`"),
        ({"p": 0}, "`p` must be 1 or 2"),
    ],
)
def test_bad_options_are_refused(measure, options, message):
    X = np.zeros((20, 2))
    with pytest.raises(ValueError, match=message):
        measure(X, X, **options)
