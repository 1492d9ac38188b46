"""Sinkhorn divergence: stored values of both forms, limits, convergence, potentials."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.special import rel_entr

from negtransfer.metrics import sinkhorn_divergence, wasserstein
from negtransfer.metrics.divergence._sinkhorn import Stop, entropic_plan, solve, solve_symmetric

QUICK = {"n_splits": 1, "n_draws": 2}
FINE = {"relative": False, "tolerance": 1e-9, "max_iter": 20_000, **QUICK}


def pair(seed=0, n=60, m=50, d=3, move=0.7):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(move, 1.2, size=(m, d))


@pytest.mark.reference("sinkhorn_divergence_dual", "sinkhorn_divergence_dual_geomloss")
def test_dual_value(entry, case_arrays, close):
    found = sinkhorn_divergence(*case_arrays(entry["case"]), epsilon=entry["eps"], **FINE)
    close(found.value, entry)
    assert found.converged


@pytest.mark.reference("sinkhorn_divergence_sharp", "sinkhorn_divergence_POT")
def test_sharp_value(entry, case_arrays, close):
    X, Y = case_arrays(entry["case"])
    close(sinkhorn_divergence(X, Y, epsilon=entry["eps"], form="sharp", **FINE).value, entry)


@pytest.mark.parametrize("form", ["dual", "sharp"])
def test_a_translation_costs_its_square(form):
    X, _ = pair()
    found = sinkhorn_divergence(X, X + np.array([1.0, 2.0, 2.0]), form=form, **QUICK)
    assert found.value == pytest.approx(9.0, rel=1e-4)


def test_the_limits_are_transport_and_the_means():
    X, Y = pair()
    large = sinkhorn_divergence(X, Y, epsilon=1e6, relative=False, **QUICK)
    gap = X.mean(axis=0) - Y.mean(axis=0)
    assert large.value == pytest.approx(gap @ gap, rel=1e-4)
    small = sinkhorn_divergence(X, Y, epsilon=1e-3, relative=False, max_iter=5000, **QUICK)
    assert small.value == pytest.approx(wasserstein(X, Y, p=2, squared=True).value, rel=5e-3)


def test_epsilon_counts_in_squared_median_distances():
    X, Y = pair()
    unit = np.median(pdist(np.vstack([X, Y]))) ** 2
    found = sinkhorn_divergence(X, Y, **QUICK)
    assert found.epsilon == pytest.approx(0.05 * unit)
    fixed = sinkhorn_divergence(X, Y, epsilon=0.05 * unit, relative=False, **QUICK)
    assert fixed.value == pytest.approx(found.value)
    scaled = sinkhorn_divergence(3 * X, 3 * Y, **QUICK)
    assert scaled.value == pytest.approx(9 * found.value)


@pytest.mark.parametrize("epsilon", [0.5, 0.05, 0.002])
def test_a_sample_against_itself(epsilon):
    X, _ = pair()
    assert sinkhorn_divergence(X, X, epsilon=epsilon, **QUICK).value == pytest.approx(0, abs=1e-9)


def test_plans_have_the_masses_asked_for():
    X, Y = pair()
    cost, epsilon = cdist(X, Y, "sqeuclidean"), 0.02
    stop = Stop(1e-8, 20_000)
    found = solve(cost, epsilon, stop, guess=np.zeros(len(Y)))
    plan = entropic_plan(cost, found.first, found.second, epsilon)
    np.testing.assert_allclose(plan.sum(axis=0), 1 / len(Y), rtol=1e-9)
    assert np.abs(plan.sum(axis=1) - 1 / len(X)).sum() <= 1.001e-8
    # Strong duality: the primal objective at this plan is the dual value.
    entropy = np.sum(rel_entr(plan, 1 / plan.size))
    assert (plan * cost).sum() + epsilon * entropy == pytest.approx(found.value, rel=1e-7)


def test_both_iterations_agree_on_one_sample():
    X, _ = pair()
    cost = cdist(X, X, "sqeuclidean")
    one = solve_symmetric(cost, 0.3, Stop(1e-10, 5000))
    other = solve(cost, 0.3, Stop(1e-10, 50_000), guess=np.zeros(len(X)))
    assert one.value == pytest.approx(other.value, rel=1e-9)


def test_far_sides_and_a_tiny_epsilon_do_not_overflow():
    X, Y = pair()
    found = sinkhorn_divergence(X, 1e3 + Y, epsilon=1e-5, max_iter=50, **QUICK)
    assert found.value == pytest.approx(wasserstein(X, 1e3 + Y, p=2, squared=True).value, rel=1e-3)


def test_an_early_end_is_said():
    X, Y = pair()
    found = sinkhorn_divergence(X, Y, epsilon=0.001, max_iter=3, **QUICK)
    assert not found.converged
    assert found.marginal_error > 1e-6
    assert "After 3 steps" in found.warnings[0]
    assert found.warnings[0].endswith(".")
    assert sinkhorn_divergence(X, Y, **QUICK).warnings == ()


def test_potentials_add_up_to_the_value_and_name_the_row():
    X, Y = pair()
    Y[7] += 10.0
    found = sinkhorn_divergence(X, Y, **QUICK)
    assert found.source_potential.mean() == pytest.approx(found.target_potential.mean())
    total = found.source_potential.mean() + found.target_potential.mean()
    assert total == pytest.approx(found.value, rel=1e-6)
    assert found.target_potential.argmax() == 7


def test_no_difference_lies_in_the_null_band():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(160, 3))
    still, moved = sinkhorn_divergence(X[:80], X[80:]), sinkhorn_divergence(X[:80], X[80:] + 1)
    assert still.value < still.null.source_quantiles[2]
    assert moved.interval.low > moved.null.source_quantiles[2]


def test_larger_sides_are_subsampled_and_say_so():
    X, Y = pair()
    found = sinkhorn_divergence(X, Y, max_rows=30, **QUICK)
    assert (found.n_source, found.n_target) == (30, 30)
    assert len(found.target_potential) == 30
    assert "30 of 60 source rows" in found.warnings[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": 0.0}, "`epsilon` must be a positive number"),
        ({"form": "primal"}, "`form` must be one of"),
        ({"tolerance": -1.0}, "`tolerance`"),
        ({"max_iter": 0}, "`max_iter`"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        sinkhorn_divergence(*pair(), **options)
