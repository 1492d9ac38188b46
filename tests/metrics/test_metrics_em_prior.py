"""EM prior estimation: the published iteration, calibration, the truth and doubt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from negtransfer.metrics import REGISTRY, Interval, em_prior_estimation
from negtransfer.metrics.shift.em_prior_estimation import _calibrated, _calibration, _em

EVEN = np.ones(4) / 4


def read(stored):
    arrays = stored("bbse_digits")
    return arrays["proba_s"], arrays["proba_t"], arrays["ytrue_s"]


def estimate(source, target, labels=None, **more):
    quick = {"n_splits": 1, "n_draws": 20, **more}
    return em_prior_estimation(source, target, source_labels=labels, **quick)


def draw(rng, n, shares, sureness=1.0):
    """Labels, and probabilities that are right for equal shares at sureness 1."""
    centres = 1.5 * np.array([[0, 0], [1, 1], [2, 0], [1, -1]])
    labels = rng.choice(4, size=n, p=shares)
    rows = rng.normal(size=(n, 2)) + centres[labels]
    scores = -((rows[:, None] - centres) ** 2).sum(axis=2) / 2 * sureness
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return labels, odds / odds.sum(axis=1, keepdims=True)


def shifted(seed, shares, n=400, m=300, sureness=1.0):
    rng = np.random.default_rng(seed)
    labels, source = draw(rng, n, EVEN, sureness)
    return source, draw(rng, m, shares, sureness)[1], labels


@pytest.mark.reference("em_mlls_weights")
def test_weights_of_the_published_iteration(entry, stored, close):
    close(estimate(*read(stored), calibrate=False).weights, entry)


@pytest.mark.reference("true_weights")
def test_calibrated_weights_are_near_the_truth(entry, stored):
    """To a third of how far the weights lie from 1."""
    truth = np.array(entry["value"])
    third = np.sqrt(np.mean((truth - 1) ** 2)) / 3
    found = estimate(*read(stored), n_draws=40)
    raw = estimate(*read(stored), calibrate=False)
    error, raw_error = (np.sqrt(np.mean((e.weights - truth) ** 2)) for e in (found, raw))
    assert error < third
    assert error < raw_error
    shift = np.abs(truth * found.source_shares - found.source_shares).sum() / 2
    assert found.interval.low <= shift <= found.interval.high
    assert found.value > found.null.pooled.max()


@given(seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_the_shares_found_are_the_most_likely(seed):
    shares = np.random.default_rng(seed).dirichlet(np.ones(4))
    _, target, _ = shifted(seed, shares, 40, 60)
    weights, _ = _em(target, EVEN, 1e-12)
    found = weights * EVEN
    assert found.sum() == pytest.approx(1)

    def loss(scores):
        other = np.exp(scores - scores.max())
        return -np.log(target @ (other / other.sum() / EVEN)).mean()

    best = minimize(loss, np.log(found + 1e-6)).fun
    assert -np.log(target @ weights).mean() <= best + 1e-6


def test_calibration_undoes_a_known_temperature_and_bias():
    rng = np.random.default_rng(0)
    labels, right = draw(rng, 20_000, EVEN)
    bent = right**2.5 * np.exp([0.0, 0.5, -0.5, 1.0])
    bent /= bent.sum(axis=1, keepdims=True)
    temperature, bias = _calibration(bent, labels, None)
    assert temperature == pytest.approx(2.5, rel=0.05)
    again = _calibrated(bent, temperature, bias)
    assert np.abs(again - right).mean() < 0.01
    # At the optimum the mean probabilities are the label shares.
    assert again.mean(axis=0) == pytest.approx(np.bincount(labels) / 20_000, abs=1e-5)


def test_calibration_mends_probabilities_that_are_too_sure():
    shares = np.array([0.7, 0.1, 0.1, 0.1])
    cases = [shifted(seed, shares, sureness=4.0) for seed in range(10)]
    mended = np.mean([estimate(*case).value for case in cases])
    raw = np.mean([estimate(*case, calibrate=False).value for case in cases])
    assert mended == pytest.approx(0.45, abs=0.04)
    assert abs(raw - 0.45) > 2 * abs(mended - 0.45)


def test_labels_can_be_missing_where_probabilities_are_right():
    source, target, _ = shifted(2, [0.7, 0.1, 0.1, 0.1])
    found = estimate(source, target)
    assert not found.calibrated
    assert found.temperature == 1.0
    assert not found.bias.any()
    assert found.source_shares == pytest.approx(source.mean(axis=0))
    assert found.interval.low <= 0.45 <= found.interval.high


def test_same_predictions_on_both_sides_are_no_shift():
    source, _, labels = shifted(0, EVEN)
    assert estimate(source, source).value == pytest.approx(0, abs=1e-12)
    assert estimate(source, source, labels).value == pytest.approx(0, abs=1e-5)


def test_names_of_the_classes_and_order_of_the_rows_do_not_matter():
    source, target, labels = shifted(1, [0.6, 0.2, 0.1, 0.1])
    value = estimate(source, target, labels).value
    names = np.array([2, 0, 3, 1])  # class c is now called names[c]
    back = np.argsort(names)
    renamed = estimate(source[:, back], target[:, back], names[labels])
    assert renamed.value == pytest.approx(value, abs=1e-6)
    rng = np.random.default_rng(0)
    rows, others = rng.permutation(400), rng.permutation(300)
    again = estimate(source[rows], target[others], labels[rows])
    assert again.value == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("shares", [EVEN, np.array([0.4, 0.3, 0.2, 0.1])])
def test_interval_covers_the_shift(shares):
    truth = np.abs(shares - EVEN).sum() / 2
    hits = 0
    for seed in range(40):
        interval = estimate(*shifted(seed, shares, 200, 200), n_draws=30).interval
        hits += interval.low <= truth <= interval.high
    assert hits / 40 >= 0.64  # nominal 0.8, less 2.5 standard errors


def test_zeros_in_the_probabilities_are_not_for_good():
    source, target, labels = shifted(3, [0.7, 0.1, 0.1, 0.1])
    hard = [np.eye(4)[side.argmax(axis=1)] for side in (source, target)]
    found = estimate(*hard, labels)
    assert np.isfinite(found.weights).all()
    assert found.target_shares.sum() == pytest.approx(1)


def test_the_targets_null_is_what_two_samples_of_one_label_law_differ_by():
    """Fresh samples of the halves' sizes, read through the same source, far from its shares."""
    rng, shares = np.random.default_rng(5), np.array([0.7, 0.1, 0.1, 0.1])
    source, target, labels = shifted(5, shares, m=1200)
    found = estimate(source, target, labels, n_splits=60)
    n, m = 300, 900  # the ratio of 400 to 1200 among 1200 rows
    fresh = []
    for _ in range(12):
        one, other = (estimate(source, draw(rng, k, shares)[1], labels) for k in (n, m))
        fresh.append(np.abs(one.target_shares - other.target_shares).sum() / 2)
    error = np.std(fresh) / np.sqrt(12) + found.null.target.std() / np.sqrt(60)
    assert abs(found.null.target.mean() - np.mean(fresh)) < 4 * error
    assert found.null.target.max() < found.value / 2


def test_entry_keeps_its_promises():
    entry = REGISTRY["em_prior_estimation"]
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
    assert entry.range[0] <= found.interval.low <= found.value <= found.interval.high
    assert found.weights_low.shape == found.weights_high.shape == (4,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"calibrate": True, "source_labels": None}, "needs `source_labels`"),
        ({"source_labels": np.zeros(400, dtype=int)}, "Class 1 has no row"),
        ({"target": np.arange(300) % 4}, "class probabilities"),
        ({"target": np.full((300, 3), 1 / 3)}, "3 classes"),
        ({"target": np.full((300, 4), 0.3)}, "add to 1"),
        ({"source": np.full((15, 4), 0.25)}, "15 row"),
        ({"n_draws": 3}, "n_draws"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(change, words):
    source, target, labels = shifted(4, EVEN)
    given = {"source": source, "target": target, "source_labels": labels, **change}
    with pytest.raises(ValueError, match=words) as fault:
        em_prior_estimation(**given)
    assert str(fault.value).endswith(".")
