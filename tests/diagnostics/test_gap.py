"""The gap: its sign, its interval's coverage, and what small samples may claim."""

import numpy as np
import pytest

from negtransfer.diagnostics.gap import Difference, compare, exchanged, to_gap
from negtransfer.diagnostics.pilot import METRICS, HeldOut

ACCURACY, BRIER, RMSE, AUC = (METRICS[m] for m in ("accuracy", "brier", "rmse", "roc_auc"))


def _frame(y, groups=None, k=5, repeats=1):
    return HeldOut(y, np.arange(len(y)) if groups is None else groups, 1.0, k, repeats)


def _one_hot(labels):
    return np.eye(2)[labels][None]


def test_positive_means_the_first_is_worse():
    y = np.tile([0, 1], 20)
    found = compare(_frame(y), ACCURACY, _one_hot(1 - y), _one_hot(y))
    assert (found.estimate, found.first, found.second) == (1.0, 1.0, 0.0)
    back = compare(_frame(y), ACCURACY, _one_hot(y), _one_hot(1 - y))
    assert back.estimate == -1.0
    assert back.standard_error == pytest.approx(found.standard_error)


def test_equal_predictions_on_few_rows_claim_no_certainty():
    y = np.tile([0, 1], 20)
    gap = to_gap(compare(_frame(y), ACCURACY, _one_hot(y), _one_hot(y)), margin=0.01, method="test")
    assert gap.estimate == 0
    assert gap.outcome == "cannot tell"
    assert gap.p_harm == pytest.approx(0.5)
    assert gap.high > 0.01  # forty equal rows do not exclude a gap of one point


def test_copies_of_rows_do_not_narrow_the_interval():
    rng = np.random.default_rng(0)
    y = rng.normal(size=50)
    a, b = y + rng.normal(size=50), y + rng.normal(size=50)
    once = compare(_frame(y), RMSE, a[None], b[None])
    four = [np.tile(v, 4) for v in (y, a, b)]
    copied = compare(_frame(four[0], np.tile(np.arange(50), 4)), RMSE, four[1][None], four[2][None])
    assert copied.standard_error == pytest.approx(once.standard_error)
    assert copied.df == once.df


@pytest.mark.parametrize("metric", [ACCURACY, BRIER, AUC])
def test_intervals_of_independent_rows_hold_the_truth(metric):
    """With rows independent of training, coverage is at least the level (the correction for
    overlapping training sets only widens)."""
    rng = np.random.default_rng(1)

    def draw(n):
        y = rng.integers(2, size=n)
        strong = 1 / (1 + np.exp(-(2 * y - 1) - rng.normal(size=n)))
        weak = 1 / (1 + np.exp(-0.5 * (2 * y - 1) - rng.normal(size=n)))
        return y, *(np.column_stack([1 - p, p])[None] for p in (weak, strong))

    y, a, b = draw(200_000)
    truth = compare(_frame(y), metric, a, b).estimate
    held = 0
    for _ in range(300):
        y, a, b = draw(40)
        gap = to_gap(compare(_frame(y), metric, a, b), margin=0.01, method="")
        held += gap.low <= truth <= gap.high
    assert 0.78 <= held / 300 <= 0.98


def test_probabilities_and_outcome_agree():
    for estimate in (-0.2, -0.01, 0.0, 0.01, 0.2):
        gap = to_gap(Difference(estimate, 0.05, 30.0, 0, 0), margin=0.01, method="")
        assert gap.p_clear_harm <= gap.p_harm
        assert gap.low < gap.estimate < gap.high
        assert (gap.outcome == "hurts") == (gap.low > 0)
        assert (gap.outcome == "helps") == (gap.high < 0)


def test_the_smallest_class_limits_metrics_by_class():
    y = np.array([1] * 4 + [0] * 96)
    proba = np.random.default_rng(0).dirichlet([1, 1], 100)[None]
    assert compare(_frame(y), AUC, proba, proba[:, ::-1]).df == 3
    assert compare(_frame(y), ACCURACY, proba, proba[:, ::-1]).df == 99


def test_more_repeats_never_widen():
    rng = np.random.default_rng(0)
    y = rng.normal(size=60)
    a, b = (y + rng.normal(size=(3, 60)) for _ in range(2))
    one = compare(_frame(y), RMSE, a[:1], b[:1]).standard_error
    three = compare(_frame(y, repeats=3), RMSE, a, b).standard_error
    assert three < one


def test_exchanged_predictions_give_a_null_as_wide_as_the_standard_error():
    rng = np.random.default_rng(0)
    n = 400
    y = rng.integers(2, size=n)
    first, second = (
        np.stack([1 - p, p], axis=1)[None] for p in np.clip(rng.normal(0.5, 0.2, (2, n)), 0, 1)
    )
    frame = HeldOut(y, np.arange(n), 1.0, 5, 1)
    metric = METRICS["brier"]
    null = exchanged(frame, metric, first, second, rng, n_draws=2000)
    found = compare(frame, metric, first, second)
    assert abs(null.mean()) < 0.1 * null.std()
    assert null.std() == pytest.approx(found.standard_error, rel=0.1)


def test_identical_predictions_leave_nothing_to_exchange():
    y = np.arange(20) % 2
    same = np.full((1, 20, 2), 0.5)
    null = exchanged(HeldOut(y, np.arange(20), 1.0, 5, 1), METRICS["accuracy"], same, same,
                     np.random.default_rng(0))  # fmt: skip
    assert (null == 0).all()
