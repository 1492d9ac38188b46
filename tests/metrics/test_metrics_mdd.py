"""Margin disparity and its discrepancy: stored terms, held-out honesty, and what it sees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad

from negtransfer.metrics import (
    REGISTRY,
    Interval,
    margin_disparity,
    margin_disparity_discrepancy,
)
from negtransfer.metrics.divergence._margin import agreement, disagreement


def split_logits(stored):
    arrays = stored("mdd_logits")
    f, other = arrays["f"], arrays["f_adv"]
    return f[:20], f[20:], other[:20], other[20:]


@pytest.mark.reference("mdd_margin_disparity")
def test_margin_disparity_is_that_of_the_formula(entry, stored, close):
    found = margin_disparity(*split_logits(stored))
    close([found.source_disparity, found.target_disparity, found.value], entry)


@pytest.mark.reference("mdd_surrogate_terms")
def test_surrogate_terms_are_those_of_the_formula(entry, stored, close):
    found = margin_disparity(*split_logits(stored))
    close([found.source_surrogate, found.target_surrogate], entry)


@given(seed=st.integers(0, 999), rho=st.floats(0.1, 5))
@settings(max_examples=25, deadline=None)
def test_disparity_falls_with_agreement_and_ignores_the_models_scale(seed, rho):
    rng = np.random.default_rng(seed)
    f, other = rng.normal(size=(2, 30, 3))
    found = margin_disparity(f, f, other, other + 3 * f, rho=rho)
    assert found.target_disparity <= found.source_disparity + 1e-12
    scaled = margin_disparity(7 * f + 2, f, other, other + 3 * f, rho=rho)
    assert scaled.value == pytest.approx(found.value, abs=1e-12)
    twice = margin_disparity(f, f, 2 * other, 2 * (other + 3 * f), rho=2 * rho)
    assert twice.value == pytest.approx(found.value, abs=1e-12)


def test_very_sure_scores_keep_finite_losses():
    f, other = np.array([[1.0, 0.0]]), np.array([[800.0, 0.0]])
    found = margin_disparity(f, f, other, other)
    assert found.target_surrogate == pytest.approx(800)
    assert found.source_surrogate == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("loss", [agreement, disagreement])
def test_gradients(loss):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 6)

    def at(flat):
        return loss(flat.reshape(6, 4), labels)

    wrong = check_grad(lambda z: at(z)[0], lambda z: at(z)[1].ravel() / 6, rng.normal(size=24))
    assert wrong < 1e-6


def two_sides(seed, move=0.0, n=100, m=80, d=4):
    """Rows of either side and the scores of a model that looks at the first column."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    y[:, :2] += move * np.array([0.4, 1.0])  # also towards one label: see the Notes
    scores = {
        f"{side}_logits": np.column_stack([rows[:, 0], -rows[:, 0]])
        for side, rows in (("source", x), ("target", y))
    }
    return (x, y), scores


def quick(pair, scores, **more):
    return margin_disparity_discrepancy(*pair, **scores, **{"n_splits": 1, "n_draws": 2, **more})


def test_held_out_value_is_near_zero_where_the_training_value_is_not():
    """Forty columns and nothing to find: the trained adversary still finds something."""
    found = [quick(*two_sides(seed, d=40)) for seed in range(8)]
    assert abs(np.mean([one.value for one in found])) < 0.08
    assert np.mean([one.training_value for one in found]) > 0.3


def test_rows_a_linear_adversary_can_set_apart_are_seen():
    near, far = (quick(*two_sides(0, move)) for move in (0.0, 6.0))
    assert far.value > 0.4 > near.value + 0.2
    assert far.value == pytest.approx(far.target_disparity - far.source_disparity)
    assert far.target_rows.mean() == pytest.approx(far.target_disparity)
    assert far.target_rows.shape == (80,)
    assert far.source_rows.shape == (100,)


def test_only_the_models_labels_count():
    pair, scores = two_sides(1, 2.0)
    stretched = {name: 9 * values + 4 for name, values in scores.items()}
    assert quick(pair, scores).value == quick(pair, stretched).value


def test_scale_and_place_of_the_columns_do_not_matter():
    pair, scores = two_sides(2, 2.0)
    moved = tuple(1e3 + rows * np.array([1, 5.0, 0.1, 2]) for rows in pair)
    assert quick(moved, scores).value == pytest.approx(quick(pair, scores).value, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("move", [0.0, 1.5])
def test_interval_covers_the_mean_over_repetitions(move):
    results = [quick(*two_sides(seed, move), n_draws=20) for seed in range(60)]
    centre = np.mean([result.value for result in results])
    hits = [result.interval.low <= centre <= result.interval.high for result in results]
    assert np.mean(hits) >= 0.66


def test_entry_keeps_its_promises():
    entry = REGISTRY["margin_disparity_discrepancy"]
    pair, scores = two_sides(3)
    for rows in (*pair, *scores.values()):
        rows.flags.writeable = False
    found = quick(pair, scores, n_splits=2, random_state=5)
    again = quick(pair, scores, n_splits=2, random_state=np.random.default_rng(5))
    assert type(found.value) is float
    assert entry.range[0] <= found.value <= entry.range[1]
    assert isinstance(found.interval, Interval)
    assert found.interval.low <= found.value <= found.interval.high
    assert (found.value, found.interval) == (again.value, again.interval)
    np.testing.assert_array_equal(found.null.pooled, again.null.pooled)
    assert found.null.source.shape == found.null.target.shape == (2,)


def test_a_constant_column_is_harmless():
    pair, scores = two_sides(4, 1.0)
    for rows in pair:
        rows[:, 2] = 0.1
    assert np.isfinite(quick(pair, scores).value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rho": 0.0}, "rho"),
        ({"gamma": -1.0}, "gamma"),
        ({"penalty": np.inf}, "penalty"),
        ({"source_logits": np.zeros((99, 2))}, "99 row"),
        ({"source_logits": np.zeros((100, 3))}, "classes"),
        ({"source_logits": np.zeros(100)}, "shape"),
        ({"target_logits": np.full((80, 2), np.nan)}, "missing or infinite"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(change, words):
    pair, scores = two_sides(5)
    with pytest.raises(ValueError, match=words) as fault:
        quick(pair, {**scores, **change})
    assert str(fault.value).endswith(".")


def test_few_rows_are_refused():
    pair, scores = two_sides(6, n=15)
    with pytest.raises(ValueError, match="15 row"):
        quick(pair, scores)


def test_unlike_adversary_is_refused():
    with pytest.raises(ValueError, match="source_adversary"):
        margin_disparity(np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((3, 2)), np.zeros((2, 2)))
