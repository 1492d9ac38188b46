"""Errors told without target labels: values by hand, coverage, checks, and what none can see."""

from __future__ import annotations

import dataclasses
import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.special import expit
from scipy.stats import norm

from negtransfer.metrics import (
    REGISTRY,
    agreement_on_the_line,
    average_confidence,
    average_thresholded_confidence,
    confidence_optimal_transport,
    difference_of_confidences,
    model_agreement,
    regression_disagreement,
)

QUICK = {"n_splits": 2, "n_draws": 4}
BY_CONFIDENCE = {
    "average": average_confidence,
    "difference": difference_of_confidences,
    "thresholded": average_thresholded_confidence,
    "entropy": partial(average_thresholded_confidence, score="entropy"),
    "transport": confidence_optimal_transport,
}
BY_MODELS = {
    "agreement": model_agreement,
    "agreement, probit": partial(model_agreement, calibration="probit"),
    "disagreement": partial(model_agreement, calibration="none"),
    "line": agreement_on_the_line,
    "regression": regression_disagreement,
}
every_confidence = pytest.mark.parametrize("name", BY_CONFIDENCE)
every_models = pytest.mark.parametrize("name", BY_MODELS)
ALL = {**BY_CONFIDENCE, **BY_MODELS}
every = pytest.mark.parametrize("name", ALL)


def two(sure):
    """Probabilities of two classes, from that of class 1."""
    return np.column_stack([1 - sure, sure])


def logistic(rng, n, centre=0.0, spread=1.0):
    """Rows on a line, their labels by a logistic law, and the exact model's probabilities."""
    x = rng.normal(centre, spread, size=n)
    return two(expit(2 * x)), (rng.random(n) < expit(2 * x)).astype(int)


def softmax(scores):
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def sides(name, seed=0, n=90, m=70, k=3):
    """Two sides of the kind an estimator takes, and the source labels."""
    rng = np.random.default_rng(seed)
    if name == "regression":
        y = rng.normal(size=n)
        return y + 0.5 * rng.normal(size=(2, n)), rng.normal(size=(2, m)), y
    y = rng.integers(k, size=n)
    if name in BY_CONFIDENCE:
        source = softmax(rng.normal(size=(n, k)) + 2.0 * np.eye(k)[y])
        return source, softmax(1.5 * rng.normal(size=(m, k))), y
    z = rng.integers(k, size=m)
    wrong = np.linspace(0.1, 0.4, 4 if name == "line" else 2)[:, None]
    source, target = (
        np.where(rng.random((len(wrong), len(t))) < wrong, (t + 1) % k, t) for t in (y, z)
    )
    return source, target, y


def estimate(name, source, target, labels, **more):
    return ALL[name](source, target, source_labels=labels, **{**QUICK, **more})


# --- values by hand


SURE = np.repeat([0.9, 0.8, 0.6, 0.7], 5)  # of class 1
LABELS = np.array([1] * 15 + [0, 1, 1, 1, 0])  # two of those at 0.7 are wrong
AWAY = np.repeat([0.9, 0.4, 0.7, 0.2], 4)


def test_average_confidence_is_a_mean():
    found = estimate("average", two(SURE), two(AWAY), LABELS)
    assert found.value == pytest.approx((0.1 + 0.4 + 0.3 + 0.2) / 4)
    assert found.source_error == pytest.approx(0.1)
    assert found.change == pytest.approx(0.15)


@pytest.mark.parametrize(("slope", "wanted"), [(1.0, 0.1), (2.0, 0.1), (0.5, 0.1)])
def test_difference_of_confidences_moves_the_source_error(slope, wanted):
    lost = 0.25 - (0.1 + 0.2 + 0.4 + 0.3) / 4
    found = estimate("difference", two(SURE), two(AWAY), LABELS, slope=slope)
    assert lost == pytest.approx(0.0)
    assert found.value == pytest.approx(wanted)
    lower = estimate("difference", two(SURE), two(AWAY - 0.1 * (AWAY < 0.5)), LABELS, slope=slope)
    assert lower.value == pytest.approx(max(0.0, wanted - 0.05 * slope))


def test_difference_of_confidences_stays_a_rate():
    labels = np.zeros(20, dtype=int)  # always wrong
    found = estimate("difference", two(SURE), two(np.full(16, 0.5)), labels)
    assert found.value == 1.0


def test_thresholded_confidence_counts_ties_in_part():
    found = estimate("thresholded", two(SURE), two(AWAY), LABELS)
    # the least sure two of five at 0.6 make up the source error of 2 in 20
    assert (found.threshold, found.tied_share) == (pytest.approx(0.6), pytest.approx(0.4))
    assert found.value == pytest.approx(0.25 * 0.4)
    wrong = np.where(np.arange(20) < 8, 0, 1)  # eight wrong: all at 0.6 and three of 0.7
    found = estimate("thresholded", two(SURE), two(AWAY), wrong)
    assert (found.threshold, found.tied_share) == (pytest.approx(0.7), pytest.approx(0.6))
    assert found.value == pytest.approx(0.25 + 0.25 * 0.6)


def test_thresholded_confidence_without_errors_counts_what_lies_beyond():
    found = estimate("thresholded", two(SURE), two(np.repeat([0.55, 0.7], 8)), np.ones(20, int))
    assert found.value == 0.5
    assert any("only 0 error(s)" in text for text in found.warnings)


def test_entropy_and_confidence_order_two_classes_alike():
    source, target, labels = sides("thresholded", k=2)
    one, other = (estimate(n, source, target, labels) for n in ("thresholded", "entropy"))
    assert one.value == pytest.approx(other.value)


def test_transport_is_the_best_assignment():
    source, target, labels = sides("transport", n=60, m=60)
    cost = 1 - target[:, labels]  # one place for each source label
    rows, places = linear_sum_assignment(cost)
    found = estimate("transport", source, target, labels)
    assert found.value == pytest.approx(cost[rows, places].mean())


def test_transport_to_given_shares():
    source, target, labels = sides("transport")
    shares = target.argmax(axis=1)
    shares = np.bincount(shares, minlength=3) / len(shares)
    found = estimate("transport", source, target, labels, target_shares=shares)
    assert found.value == pytest.approx(found.average_doubt)  # every row keeps its class
    assert found.validity[0].holds is None


def test_agreement_by_hand():
    labels = np.arange(100) % 2
    rows = np.arange(100)
    source = np.stack([labels ^ (rows < 10), labels ^ (rows >= 95)])
    target = np.stack([labels, labels ^ (rows < 30)])
    wanted = {
        "agreement": 0.1 + 0.3 - 0.15,
        "disagreement": 0.3,
        "agreement, probit": norm.cdf(norm.ppf(0.1) + norm.ppf(0.3) - norm.ppf(0.15)),
    }
    for name, value in wanted.items():
        assert estimate(name, source, target, labels).value == pytest.approx(value), name


def test_the_line_by_hand():
    source, target, labels = sides("line", n=400, m=300)
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    q = norm.ppf
    x = np.array([q((source[i] == source[j]).mean()) for i, j in pairs])
    y = np.array([q((target[i] == target[j]).mean()) for i, j in pairs])
    slope, intercept = np.polyfit(x, y, 1)
    right = q((source == labels).mean(axis=1))
    system = np.array([[0.5 * (k in pair) for k in range(4)] for pair in pairs])
    wanted = [y[p] + slope * ((right[i] + right[j]) / 2 - x[p]) for p, (i, j) in enumerate(pairs)]
    solved = np.linalg.solve(system.T @ system, system.T @ np.array(wanted))
    found = estimate("line", source, target, labels, model=2)
    np.testing.assert_allclose(found.errors, 1 - norm.cdf(solved))
    assert found.value == found.errors[2]
    assert (found.slope, found.intercept) == pytest.approx((slope, intercept))
    assert found.r_squared == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)


def test_regression_by_hand():
    labels = np.tile([-2.0, 2.0], 20)
    source = np.stack([labels + 1, labels - 1])
    target = np.stack([np.zeros(30), np.full(30, 4.0)])
    found = estimate("regression", source, target, labels)
    assert found.scale == 2.0
    assert found.source_error == pytest.approx(0.5)
    assert found.value == pytest.approx(math.sqrt(0.25 + (4**2 - 2**2) / 2 / 4))
    assert (found.source_disagreement, found.target_disagreement) == pytest.approx((1.0, 2.0))


# --- nothing shifted


SELF = ("difference", "thresholded", "entropy", "agreement", "agreement, probit", "line",
        "regression")  # fmt: skip


@pytest.mark.parametrize("name", SELF)
@pytest.mark.parametrize("seed", range(3))
def test_the_source_itself_has_its_own_error(name, seed):
    source, _, labels = sides(name, seed)
    found = estimate(name, source, source, labels)
    # the line solves more equations than it has unknowns, here consistent ones
    assert found.value == pytest.approx(found.source_error, abs=1e-9)


def drawn(name, rng, n=150, m=120):
    """Return two sides of one law on which the estimator's assumption holds, and the truth."""
    if name in BY_CONFIDENCE:
        source, labels = logistic(rng, n)
        x = np.linspace(-6, 6, 2001)
        weight = norm.pdf(x) / norm.pdf(x).sum()
        return source, logistic(rng, m)[0], labels, float(weight @ expit(-2 * np.abs(x)))
    labels, others = rng.integers(2, size=n), rng.integers(2, size=m)
    models = [y ^ (rng.random((2, len(y))) < np.array([[0.2], [0.3]])) for y in (labels, others)]
    return *models, labels, 0.2


@pytest.mark.parametrize("name", ["average", "difference", "thresholded", "agreement"])
def test_intervals_cover_where_nothing_shifted(name):
    draws, inside = 120, 0
    for seed in range(draws):
        source, target, labels, truth = drawn(name, np.random.default_rng([1, seed]))
        found = estimate(name, source, target, labels, n_draws=60, n_splits=1)
        inside += found.interval.low <= truth <= found.interval.high
    assert 0.68 <= inside / draws <= 0.92


@pytest.mark.parametrize("name", ["average", "difference", "thresholded", "agreement"])
def test_home_errors_centre_on_zero_and_the_null_holds_the_estimates(name):
    source, target, labels, truth = drawn(name, np.random.default_rng(3), n=3000, m=1000)
    found = estimate(name, source, target, labels, n_splits=20)
    assert found.home_errors.shape == found.null.source.shape == (20,)
    assert found.null.target is None
    low, middle, high = found.home_error_quantiles
    assert low <= middle <= high
    assert abs(middle) < 0.03
    assert abs(float(found.null.source.mean()) - truth) < 0.03


@pytest.mark.parametrize("name", ["average", "difference", "thresholded"])
def test_checks_seldom_alarm_where_assumptions_hold(name):
    alarms = 0
    for seed in range(60):
        source, target, labels, _ = drawn(name, np.random.default_rng([2, seed]))
        alarms += estimate(name, source, target, labels).holds is False
    assert alarms <= 9  # two checks of one in twenty each


# --- something shifted


def test_covariate_shift_is_followed_by_confidence():
    rng = np.random.default_rng(4)
    source, labels = logistic(rng, 4000, 0.5, 1.5)
    target, truth = logistic(rng, 4000, -0.2, 0.5)
    error = (target.argmax(axis=1) != truth).mean()
    for name in ("average", "difference"):
        found = estimate(name, source, target, labels, n_draws=50)
        assert error > found.source_error + 0.08
        assert abs(found.value - error) < 0.025, name
        assert found.holds


def hard_rows(rng, n, share):
    """Ten classes: sure and nearly always right rows, doubtful and mostly wrong ones."""
    y = rng.integers(10, size=n)
    hard = rng.random(n) < share
    said = np.where(rng.random(n) < np.where(hard, 0.85, 0.02), (y + 3) % 10, y)
    scores = (
        rng.normal(scale=0.3, size=(n, 10)) + np.where(hard, 0.5, 4.0)[:, None] * np.eye(10)[said]
    )
    return softmax(scores), y


def test_more_hard_rows_are_followed_by_the_threshold():
    rng = np.random.default_rng(5)
    source, labels = hard_rows(rng, 3000, 0.2)
    target, truth = hard_rows(rng, 3000, 0.5)
    error = (target.argmax(axis=1) != truth).mean()
    for name in ("thresholded", "entropy"):
        found = estimate(name, source, target, labels, n_draws=20)
        assert error > found.source_error + 0.2
        assert abs(found.value - error) < 0.08, name


def test_variance_of_a_regression_is_followed():
    rng = np.random.default_rng(6)
    labels, truth = rng.normal(size=(2, 3000))
    source = labels + 0.3 * rng.normal(size=(2, 3000))
    target = truth + 0.9 * rng.normal(size=(2, 3000))
    found = estimate("regression", source, target, labels)
    assert found.value == pytest.approx(0.9, abs=0.05)
    # a common offset is not
    moved = estimate("regression", source, target + 5, labels)
    assert moved.value == pytest.approx(found.value)


def test_all_are_blind_to_a_change_of_meaning():
    """The same target rows, once with their labels and once with the opposite ones."""
    rng = np.random.default_rng(7)
    source, labels = logistic(rng, 3000)
    target, truth = logistic(rng, 3000)
    predicted = target.argmax(axis=1)
    kept, flipped = (predicted != truth).mean(), (predicted != 1 - truth).mean()
    assert flipped > 0.7
    for name in BY_CONFIDENCE:
        found = estimate(name, source, target, labels)
        assert abs(found.value - kept) < 0.06
        assert abs(found.value - flipped) > 0.4
        assert found.holds
        assert "never shows that transfer is safe" in found.limit


@every
def test_the_register_calls_them_blind(name):
    function = ALL[name].func if isinstance(ALL[name], partial) else ALL[name]
    entry = REGISTRY[function.__name__]
    assert entry.family == "performance"
    assert entry.label_blind


# --- checks


def test_too_sure_models_are_found_out():
    rng = np.random.default_rng(8)
    source, labels = logistic(rng, 2000)
    sharp = source**3 / (source**3).sum(axis=1, keepdims=True)
    found = estimate("average", sharp, sharp, labels)
    assert found.validity[0].holds is False
    assert found.holds is False
    assert found.validity[0].sentence in found.warnings
    assert found.value < found.source_error - 0.05
    assert estimate("difference", sharp, sharp, labels).validity[0].holds is False


def test_a_level_alone_does_not_trouble_the_difference():
    rng = np.random.default_rng(9)
    sure = rng.uniform(0.6, 0.8, size=4000)
    labels = (rng.random(4000) < sure).astype(int)
    bold = two(sure + 0.15)  # too sure by the same everywhere
    assert estimate("average", bold, bold, labels).validity[0].holds is False
    assert estimate("difference", bold, bold, labels).validity[0].holds


@pytest.mark.parametrize("name", ["average", "difference", "thresholded", "transport", "agreement"])
def test_a_group_of_the_source_with_another_meaning_is_found(name):
    rng = np.random.default_rng(10)
    source, labels = logistic(rng, 1500)
    groups = np.arange(1500) % 3
    labels = np.where(groups == 2, 1 - labels, labels)
    if name == "agreement":
        source = np.stack([source.argmax(axis=1), (source[:, 1] > 0.4).astype(int)])
    found = estimate(name, source, source, labels, source_groups=groups)
    check = found.validity[-1]
    assert "groups given" in check.sentence
    assert check.holds is False
    assert check.size > 0.3


def test_other_label_shares_are_named_by_the_transport():
    rng = np.random.default_rng(11)
    source, labels = logistic(rng, 1000)
    target, _ = logistic(rng, 1000, centre=1.0)
    found = estimate("transport", source, target, labels)
    assert found.validity[0].holds is False
    assert any("target_shares" in text for text in found.warnings)


def test_models_with_common_errors_fail_the_home_check():
    rng = np.random.default_rng(12)
    labels = rng.integers(2, size=600)
    common = labels ^ (rng.random(600) < 0.3)
    source = np.stack([common, common ^ (rng.random(600) < 0.02)])
    found = estimate("disagreement", source, source, labels)
    assert found.validity[0].holds is False
    assert found.value < 0.1 < found.source_error


def test_models_off_the_line_are_told_apart():
    rng = np.random.default_rng(13)

    def predict(labels, margin):
        hard = rng.normal(size=len(labels)) + rng.normal(size=(len(margin), len(labels)))
        return labels ^ (hard > np.array(margin)[:, None])

    labels, others = rng.integers(2, size=(2, 4000))
    source = predict(labels, [1.0, 2.0, 3.0, 4.0])
    good = estimate("line", source, predict(others, [0.7, 1.4, 2.1, 2.8]), labels)
    bad = estimate("line", source, predict(others, [3.0, 1.0, 4.0, 0.5]), labels)
    assert good.holds
    assert bad.holds is False
    three = estimate("line", source[:3], source[:3], labels)
    assert three.holds is None


def test_few_rows_leave_checks_open_and_no_halves():
    source, target, labels = sides("average", n=16, m=16)
    found = estimate("average", source, target, labels)
    assert found.holds is None
    assert [check.p_value for check in found.validity] == [None, None]
    assert found.home_errors.shape == (2,)


def test_many_target_rows_are_thinned_for_the_transport_with_a_note():
    source, target, labels = sides("transport", m=200)
    found = estimate("transport", source, target, labels, max_rows=50)
    assert found.n_target == 50
    assert any("50 of 200 target rows" in text for text in found.warnings)


# --- promises of all


@every
def test_same_seed_same_result_and_inputs_are_left_alone(name):
    source, target, labels = sides(name)
    for side in (source, target, labels):
        side.flags.writeable = False
    one, other = (estimate(name, source, target, labels, random_state=3) for _ in "ab")
    for field in dataclasses.fields(one):
        if field.name != "null":
            np.testing.assert_equal(getattr(one, field.name), getattr(other, field.name))
        assert not isinstance(getattr(one, field.name), np.generic), field.name
    np.testing.assert_equal(one.null.source, other.null.source)
    with pytest.raises(AttributeError):
        one.value = 0.0


@every
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_rows_does_not_matter_and_values_lie_in_their_range(name, seed):
    source, target, labels = sides(name, seed, n=50, m=40)
    rng = np.random.default_rng(seed)
    i, j = rng.permutation(50), rng.permutation(40)
    models = name in BY_MODELS
    mixed = (source[:, i], target[:, j]) if models else (source[i], target[j])
    found = estimate(name, source, target, labels)
    assert estimate(name, *mixed, labels[i]).value == pytest.approx(found.value, abs=1e-9)
    assert found.value >= 0
    assert name == "regression" or found.value <= 1
    assert found.interval.low <= found.value <= found.interval.high


@pytest.mark.parametrize("name", [name for name in ALL if name != "regression"])
def test_names_of_classes_do_not_matter(name):
    source, target, labels = sides(name)
    new = np.array([2, 0, 1])
    if name in BY_CONFIDENCE:
        renamed = source[:, np.argsort(new)], target[:, np.argsort(new)]
    else:
        renamed = new[source], new[target]
    found = estimate(name, *renamed, new[labels])
    assert found.value == pytest.approx(estimate(name, source, target, labels).value)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 5))
def test_transport_costs_at_least_the_average_doubt(seed, k):
    source, target, labels = sides("transport", seed, n=40, m=30, k=k)
    found = estimate("transport", source, target, labels)
    average = estimate("average", source, target, labels)
    assert found.average_doubt == pytest.approx(average.value)
    assert found.value >= average.value - 1e-9


@every
def test_tensors_give_the_same_number(name):
    torch = pytest.importorskip("torch")
    given = sides(name)
    tensors = [torch.tensor(side) for side in given]
    assert estimate(name, *tensors).value == pytest.approx(estimate(name, *given).value)


@pytest.mark.parametrize("name", ["agreement", "line"])
def test_probabilities_of_models_stand_for_their_classes(name):
    source, target, labels = sides(name)
    soft = [np.eye(3)[side] * 0.7 + 0.1 for side in (source, target)]
    assert estimate(name, *soft, labels).value == estimate(name, source, target, labels).value


# --- refusals


def assert_sentence(fault):
    text = str(fault.value)
    assert len(text) > 30
    assert text.endswith(".")


def spoiled(side, value):
    out = side.astype(float)
    out.flat[3] = value
    return out


CONFIDENCE_FAULTS = {
    "one dimension": lambda s, t, y: (s[:, 0], t, y),
    "other classes": lambda s, t, y: (s, t[:, :2] / t[:, :2].sum(axis=1, keepdims=True), y),
    "scores": lambda s, t, y: (s, 3 * t, y),
    "missing": lambda s, t, y: (spoiled(s, np.nan), t, y),
    "texts": lambda s, t, y: (np.full(s.shape, "a"), t, y),
    "few rows": lambda s, t, y: (s, t[:10], y),
    "no rows": lambda s, t, y: (s, t[:0], y),
    "labels of other rows": lambda s, t, y: (s, t, y[1:]),
    "a label too many": lambda s, t, y: (s, t, np.where(y == 1, 3, y)),
    "a missing label": lambda s, t, y: (s, t, np.where(y == 1, -1, y)),
    "labels with fractions": lambda s, t, y: (s, t, y + 0.5),
}
MODELS_FAULTS = {
    "one model": lambda s, t, y: (s[:1], t[:1], y),
    "other models": lambda s, t, y: (s, t[:-1], y),
    "one dimension": lambda s, t, y: (s[0], t, y),
    "missing": lambda s, t, y: (s, spoiled(t, np.nan), y),
    "texts": lambda s, t, y: (np.full(s.shape, "a"), t, y),
    "few rows": lambda s, t, y: (s, t[:, :10], y),
    "no rows": lambda s, t, y: (s[:, :0], t, y[:0]),
    "labels of other rows": lambda s, t, y: (s, t, y[1:]),
}


@every_confidence
@pytest.mark.parametrize("case", CONFIDENCE_FAULTS)
def test_bad_probabilities_get_one_sentence(name, case):
    with pytest.raises((ValueError, TypeError)) as fault:
        estimate(name, *CONFIDENCE_FAULTS[case](*sides(name)))
    assert_sentence(fault)


@every_models
@pytest.mark.parametrize("case", MODELS_FAULTS)
def test_bad_predictions_get_one_sentence(name, case):
    with pytest.raises((ValueError, TypeError)) as fault:
        estimate(name, *MODELS_FAULTS[case](*sides(name)))
    assert_sentence(fault)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("average", {"n_draws": 1}),
        ("average", {"level": 1.0}),
        ("average", {"source_groups": [1, 2]}),
        ("difference", {"slope": -1.0}),
        ("thresholded", {"score": "margin"}),
        ("transport", {"target_shares": [0.5, 0.5]}),
        ("transport", {"target_shares": [0.5, 0.5, 0.5]}),
        ("transport", {"max_rows": 2}),
        ("agreement", {"calibration": "ratio"}),
        ("line", {"model": 4}),
    ],
)
def test_bad_options_get_one_sentence(name, more):
    with pytest.raises(ValueError, match="`") as fault:
        estimate(name, *sides(name), **more)
    assert_sentence(fault)


def test_models_that_never_differ_are_refused():
    source, target, labels = sides("line")
    same = np.repeat(source[:1], 4, axis=0)
    with pytest.raises(ValueError, match="agree on every source row") as fault:
        estimate("agreement", same[:2], target[:2], labels)
    assert_sentence(fault)
    with pytest.raises(ValueError, match="agree equally often") as fault:
        estimate("line", same, target, labels)
    assert_sentence(fault)


def test_constant_quantities_are_refused():
    source, target, labels = sides("regression")
    with pytest.raises(ValueError, match="no scale") as fault:
        estimate("regression", source, target, np.full_like(labels, 2.5))
    assert_sentence(fault)
