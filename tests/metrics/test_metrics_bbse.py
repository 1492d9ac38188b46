"""Black-box shift estimation: the peers' weights, the truth, refusals and doubt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negtransfer.metrics import REGISTRY, Interval, black_box_shift_estimation

EVEN = np.ones(4) / 4


def read(stored):
    arrays = stored("bbse_digits")
    return arrays["proba_s"], arrays["proba_t"], arrays["ytrue_s"]


def estimate(source, target, labels, **more):
    quick = {"n_splits": 1, "n_draws": 20, **more}
    return black_box_shift_estimation(source, target, source_labels=labels, **quick)


def draw(rng, n, shares):
    """Labels, and probabilities of a model that is too sure of itself."""
    centres = 1.5 * np.array([[0, 0], [1, 1], [2, 0], [1, -1]])
    labels = rng.choice(4, size=n, p=shares)
    rows = rng.normal(size=(n, 2)) + centres[labels]
    scores = -((rows[:, None] - centres) ** 2).sum(axis=2)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return labels, odds / odds.sum(axis=1, keepdims=True)


def shifted(seed, shares, n=400, m=300):
    rng = np.random.default_rng(seed)
    labels, source = draw(rng, n, EVEN)
    return source, draw(rng, m, shares)[1], labels


@pytest.mark.reference("bbse_soft_weights")
def test_soft_weights_of_the_authors(entry, stored, close):
    close(estimate(*read(stored), shrink="zero").raw_weights, entry)


@pytest.mark.reference("bbse_hard_weights")
def test_hard_weights_of_the_authors(entry, stored, close):
    source, target, labels = read(stored)
    close(estimate(source, target, labels, shrink="zero", hard=True).raw_weights, entry)
    codes = source.argmax(axis=1), target.argmax(axis=1)
    close(estimate(*codes, labels, shrink="zero").raw_weights, entry)


@pytest.mark.reference("bbse_hard_weights_noridge")
def test_plain_solution(entry, stored, close):
    close(estimate(*read(stored), shrink="none", hard=True).raw_weights, entry)


@pytest.mark.reference("true_weights")
def test_weights_are_near_the_truth(entry, stored):
    """To a third of how far the weights lie from 1."""
    truth = np.array(entry["value"])
    third = np.sqrt(np.mean((truth - 1) ** 2)) / 3
    found = estimate(*read(stored), n_draws=100)
    assert np.sqrt(np.mean((found.weights - truth) ** 2)) < third
    authors = estimate(*read(stored), shrink="zero")
    worst = np.abs(authors.raw_weights - truth).max()
    assert np.abs(found.weights - truth).max() < worst / 2
    shift = np.abs(truth * found.source_shares - found.source_shares).sum() / 2
    assert found.interval.low <= shift <= found.interval.high
    assert np.mean((found.weights_low <= truth) & (truth <= found.weights_high)) >= 0.7
    assert found.p_value < 1e-6
    assert found.value > found.null.pooled.max()


@given(seed=st.integers(0, 999), shrink=st.sampled_from(["one", "zero", "none"]))
@settings(max_examples=15, deadline=None)
def test_weights_are_proper(seed, shrink):
    shares = np.random.default_rng(seed).dirichlet(np.ones(4))
    found = estimate(*shifted(seed, shares), shrink=shrink)
    assert found.weights.min() >= 0
    assert found.weights @ found.source_shares == pytest.approx(1)
    assert found.target_shares.sum() == pytest.approx(1)
    assert 0 <= found.interval.low <= found.value <= found.interval.high <= 1
    assert found.value == pytest.approx(np.abs(found.target_shares - found.source_shares).sum() / 2)


def test_same_predictions_on_both_sides_are_no_shift():
    source, _, labels = shifted(0, EVEN)
    found = estimate(source, source, labels)
    assert found.value == pytest.approx(0, abs=1e-12)
    assert found.p_value == pytest.approx(1)


def test_names_of_the_classes_and_order_of_the_rows_do_not_matter():
    source, target, labels = shifted(1, [0.6, 0.2, 0.1, 0.1])
    value = estimate(source, target, labels).value
    names = np.array([2, 0, 3, 1])  # class c is now called names[c]
    back = np.argsort(names)
    assert estimate(source[:, back], target[:, back], names[labels]).value == pytest.approx(value)
    rng = np.random.default_rng(0)
    rows, others = rng.permutation(400), rng.permutation(300)
    again = estimate(source[rows], target[others], labels[rows])
    assert again.value == pytest.approx(value)


def test_shrinking_halves_nothing_and_calms_the_null():
    """Less error than the plain solution where nothing shifted, no less shift where it is large."""
    still = [shifted(seed, EVEN, 200, 150) for seed in range(20)]
    error = {
        shrink: np.mean([estimate(*case, shrink=shrink).value for case in still])
        for shrink in ("one", "none")
    }
    assert error["one"] < error["none"]
    moved = [estimate(*shifted(seed, [0.7, 0.1, 0.1, 0.1])).value for seed in range(20)]
    assert np.mean(moved) == pytest.approx(0.45, abs=0.05)


@pytest.mark.parametrize("shares", [EVEN, np.array([0.4, 0.3, 0.2, 0.1])])
def test_interval_covers_the_shift(shares):
    truth = np.abs(shares - EVEN).sum() / 2
    hits = 0
    for seed in range(60):
        interval = estimate(*shifted(seed, shares), n_draws=50).interval
        hits += interval.low <= truth <= interval.high
    assert hits / 60 >= 0.67  # nominal 0.8, less 2.5 standard errors


def test_level_of_the_test_on_predicted_classes():
    p_values = np.array([estimate(*shifted(seed, EVEN)).p_value for seed in range(100)])
    assert np.mean(p_values <= 0.1) <= 0.18


def test_predictions_without_the_classes_are_refused():
    rng = np.random.default_rng(0)
    labels, guesses = rng.integers(0, 4, 300), rng.dirichlet(np.ones(4), 300)
    with pytest.raises(ValueError, match="singular value") as fault:
        estimate(guesses, guesses, labels)
    assert str(fault.value).endswith(".")
    two_alike = np.where(labels == 3, 2, labels)  # the model knows three classes
    with pytest.raises(ValueError, match="singular value"):
        estimate(np.eye(4)[two_alike], np.eye(4)[two_alike], labels)


def test_a_change_of_meaning_that_shows_is_warned_of():
    """More of prediction 0 than any label shares explain: p(x | y) changed."""
    labels = np.repeat([0, 1], 200)
    seen = np.where(np.arange(400) % 4 == 0, 1 - labels, labels)
    plain = estimate(seen, np.zeros(300, dtype=int) + (np.arange(300) % 4 == 0), labels)
    odd = estimate(seen, np.zeros(300, dtype=int), labels)
    assert plain.warnings == ()
    assert "1 would need a negative weight" in odd.warnings[0]
    assert odd.residual > 0.1


def test_the_targets_null_is_what_two_samples_of_one_label_law_differ_by():
    """Fresh samples of the halves' sizes, read through the same source, far from its shares."""
    rng, shares = np.random.default_rng(5), np.array([0.7, 0.1, 0.1, 0.1])
    source, target, labels = shifted(5, shares, m=1200)
    found = estimate(source, target, labels, n_splits=60)
    n, m = 300, 900  # the ratio of 400 to 1200 among 1200 rows
    fresh = []
    for _ in range(30):
        one, other = (estimate(source, draw(rng, k, shares)[1], labels) for k in (n, m))
        fresh.append(np.abs(one.target_shares - other.target_shares).sum() / 2)
    error = np.std(fresh) / np.sqrt(30) + found.null.target.std() / np.sqrt(60)
    assert abs(found.null.target.mean() - np.mean(fresh)) < 4 * error
    assert found.null.target.max() < found.value / 2


def test_entry_keeps_its_promises():
    entry = REGISTRY["black_box_shift_estimation"]
    source, target, labels = shifted(3, [0.4, 0.3, 0.2, 0.1])
    for rows in (source, target, labels):
        rows.flags.writeable = False
    found = estimate(source, target, labels, n_splits=3, random_state=4)
    again = estimate(source.tolist(), target.tolist(), labels.tolist(), n_splits=3,
                     random_state=np.random.default_rng(4))  # fmt: skip
    assert type(found.value) is float
    assert isinstance(found.interval, Interval)
    assert found.interval == again.interval
    np.testing.assert_array_equal(found.weights, again.weights)
    assert found.null.source.shape == (3,)
    assert found.null.target.shape == (3,)
    assert entry.range == (0.0, 1.0)
    assert (found.n_source, found.n_target) == (400, 300)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source_labels": np.zeros(400, dtype=int)}, "Class 1 has no row"),
        ({"source_labels": np.arange(399) % 4}, "399 entries"),
        ({"source_labels": np.arange(400) % 5}, "code 4"),
        ({"source_labels": np.arange(400) % 4 - 1}, "missing entries"),
        ({"target": np.full((300, 3), 1 / 3)}, "3 classes"),
        ({"target": np.full((300, 4), 0.3)}, "add to 1"),
        ({"target": np.full((300, 4), np.nan)}, "add to 1"),
        ({"target": np.full((15, 4), 0.25)}, "15 row"),
        ({"shrink": "two"}, "shrink"),
        ({"shrink": "none", "ridge": 1.0}, "no meaning"),
        ({"ridge": -1.0}, "positive"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(change, words):
    source, target, labels = shifted(4, EVEN)
    given = {"source": source, "target": target, "source_labels": labels, **change}
    with pytest.raises(ValueError, match=words) as fault:
        black_box_shift_estimation(**given)
    assert str(fault.value).endswith(".")


def test_text_and_fractions_are_no_codes():
    labels = np.arange(40) % 2
    with pytest.raises(TypeError, match="integer codes"):
        estimate(labels.astype(str), labels, labels)
    with pytest.raises(TypeError, match="integer codes"):
        estimate(labels, labels / 2, labels)
