"""Probe and scores together: what the combination, ranks and brackets promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negtransfer.diagnostics.models import combine


def noise(m, size, seed=0, shared=0.0):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(m, m)) * size * 0.2
    return root @ root.T + size**2 * np.eye(m) * (1 - shared) + size**2 * shared


def test_without_noise_the_probe_alone_decides():
    errors = np.array([0.3, 0.1, 0.2, 0.5, 0.4, 0.25])
    score = np.array([1.0, -1.0, 0.5, 0.3, -0.2, 0.0])
    found = combine.combine(errors, noise(6, 1e-6), score, noise=1)
    np.testing.assert_allclose(found.mean, errors, atol=1e-4)
    assert found.covariance.max() < 1e-9


def test_with_noise_the_score_moves_the_probe_towards_the_line():
    rng = np.random.default_rng(3)
    score = rng.normal(size=15)
    truth = 0.4 - 0.1 * score
    errors = truth + rng.normal(0, 0.08, size=15)
    found = combine.combine(errors, 0.08**2 * np.eye(15), score, noise=1)
    assert found.slope == pytest.approx(-0.1, abs=0.04)
    assert np.mean((found.mean - truth) ** 2) < 0.5 * np.mean((errors - truth) ** 2)


@pytest.mark.parametrize("m", [1, 2, 4])
def test_few_candidates_are_drawn_nowhere(m):
    errors = np.linspace(0.1, 0.4, m)
    found = combine.combine(errors, noise(m, 0.05), np.arange(m) * 1.0, noise=1)
    assert found.slope is None
    np.testing.assert_array_equal(found.mean, errors)


def test_the_combination_beats_probe_and_score_over_many_worlds():
    """Where score and probe both tell something, the pair tells more than either."""
    regret = {"probe": [], "score": [], "both": []}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        truth = rng.normal(0.3, 0.08, size=12)
        score = -(truth - 0.3) / 0.08 + rng.normal(0, 1, size=12)
        errors = truth + rng.normal(0, 0.08, size=12)
        both = combine.combine(
            errors, 0.08**2 * np.eye(12), (score - score.mean()) / score.std(), noise=1
        )
        for name, order in (("probe", errors), ("score", -score), ("both", both.mean)):
            regret[name].append(truth[np.argmin(order)] - truth.min())
    assert np.mean(regret["both"]) < 0.9 * min(np.mean(regret["probe"]), np.mean(regret["score"]))


def test_intervals_hold_what_they_promise():
    inside = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        score = rng.normal(size=15)
        truth = 0.4 - 0.05 * score + rng.normal(0, 0.03, size=15)
        errors = truth + rng.normal(0, 0.06, size=15)
        found = combine.combine(errors, 0.06**2 * np.eye(15), score, noise=1)
        reach = 1.2816 * np.sqrt(np.diag(found.covariance))
        inside.append(np.abs(found.mean - truth) <= reach)
    assert 0.74 <= np.mean(inside) <= 0.87


def test_rank_intervals_hold_the_true_rank():
    inside = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        truth = np.linspace(0.2, 0.4, 8)
        covariance = noise(8, 0.02, seed)
        errors = rng.multivariate_normal(truth, covariance)
        found = combine.places(combine.Combined(errors, covariance), level=0.8, rng=rng)
        inside += [one.low <= k + 1 <= one.high for k, one in enumerate(found)]
        assert all(one.low <= one.estimate <= one.high for one in found)
    assert np.mean(inside) >= 0.78


def test_clear_candidates_stand_alone_and_equal_ones_are_bracketed():
    clear = combine.Combined(np.array([0.1, 0.3, 0.5]), 1e-6 * np.eye(3))
    assert combine.brackets(clear) == []
    equal = combine.Combined(np.array([0.3, 0.1, 0.11]), 1e-3 * np.eye(3))
    assert combine.brackets(equal) == [[1, 2]]
    alike = combine.Combined(np.full(4, 0.2), 1e-3 * np.eye(4))
    assert combine.brackets(alike) == [[0, 1, 2, 3]]


def test_shared_noise_does_not_keep_candidates_together():
    """Rows that are hard for all say nothing about who is better."""
    hard = 0.01 * np.ones((3, 3)) + 1e-6 * np.eye(3)
    assert combine.brackets(combine.Combined(np.array([0.2, 0.25, 0.3]), hard)) == []


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 12), st.integers(0, 10_000))
def test_brackets_are_runs_of_the_order_in_which_all_pairs_are_close(m, seed):
    rng = np.random.default_rng(seed)
    found = combine.Combined(rng.normal(size=m), noise(m, 0.5, seed))
    better, order = found.better(), list(np.argsort(found.mean, kind="stable"))
    runs = combine.brackets(found)
    for run in runs:
        start = order.index(run[0])
        assert run == [int(i) for i in order[start : start + len(run)]]
        assert len(run) > 1
        assert all(
            better[a, b] < combine.SEPARATED for k, a in enumerate(run) for b in run[k + 1 :]
        )
    assert all(not set(a) <= set(b) for a in runs for b in runs if a is not b)


def test_better_is_a_probability_and_its_opposite():
    found = combine.Combined(np.array([0.2, 0.3, 0.3]), noise(3, 0.1))
    better = found.better()
    np.testing.assert_allclose(better + better.T, 1.0)
    assert better[0, 1] > 0.5
    assert better[1, 2] == pytest.approx(0.5)


def test_mean_score_counts_every_score_the_same_whatever_its_scale():
    one = [1.0, 2.0, 3.0]
    assert combine.mean_score([one]) == pytest.approx(combine.mean_score([[100.0, 200.0, 300.0]]))
    assert combine.mean_score([[1.0, 1.0, 1.0]]) is None
    assert combine.mean_score([[None, None, None], one]) == pytest.approx(combine.mean_score([one]))
    assert combine.mean_score([[None, 2.0, 3.0]])[0] == pytest.approx(
        combine.mean_score([[2.0, 2.0, 3.0]])[0]
    )


def test_concordance_against_its_closed_forms():
    up = [1.0, 2.0, 3.0, 4.0]
    assert combine.concordance([up, up, up])[1] == pytest.approx(1.0)
    assert combine.concordance([up, up[::-1]])[1] == pytest.approx(0.0)
    assert combine.concordance([up]) is None
    assert combine.concordance([up, [1.0, None, 2.0, 3.0]]) is None
