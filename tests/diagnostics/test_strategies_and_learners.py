"""Strategies learn from what they say they learn from; learners take what users pass."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from negtransfer.diagnostics.errors import InputError
from negtransfer.diagnostics.learners import Learner, default_learners, resolve_learners
from negtransfer.diagnostics.strategies import STRATEGIES, Training


class Spy:
    """Records what it was fitted on."""

    def __init__(self, log):
        self.log = log

    def fit(self, X, y, sample_weight=None):
        self.log.append((X, y, sample_weight))
        return self

    def predict(self, X):
        return np.zeros(len(X))


@pytest.fixture
def training():
    rng = np.random.default_rng(0)
    return Training(
        source_X=rng.normal(size=(30, 2)), source_y=rng.normal(size=30),
        target_X=rng.normal(size=(10, 2)), target_y=rng.normal(size=10),
        n_classes=0, source_model=lambda rows: rows[:, 0], seed=0,
    )  # fmt: skip


def _fitted_on(name, training):
    log = []
    STRATEGIES[name].fit(Learner("spy", "spy", lambda n, seed: Spy(log)), training)
    return log


def test_target_only_sees_the_target_only(training):
    ((X, y, weight),) = _fitted_on("target-only", training)
    assert np.array_equal(X, training.target_X)
    assert np.array_equal(y, training.target_y)
    assert weight is None


def test_pooled_sees_every_row_once_and_unweighted(training):
    ((X, y, weight),) = _fitted_on("pooled", training)
    assert len(X) == len(y) == 40
    assert weight is None


def test_equal_weight_gives_both_domains_the_same_total(training):
    ((_, _, weight),) = _fitted_on("pooled-equal-weight", training)
    assert weight[:30].sum() == pytest.approx(weight[30:].sum())
    assert weight.mean() == pytest.approx(1)


def test_source_only_fits_nothing_and_is_the_source_model(training):
    assert _fitted_on("source-only", training) == []
    predict = STRATEGIES["source-only"].fit(default_learners(True)[0], training)
    assert predict is training.source_model
    assert not STRATEGIES["source-only"].uses_target_labels


@pytest.mark.parametrize(("offset", "scale"), [(3.0, 2.0), (-1.0, -0.5)])
def test_recalibration_recovers_offset_and_scale(training, offset, scale):
    y = offset + scale * training.target_X[:, 0]
    moved = Training(
        training.source_X, training.source_y, training.target_X, y, 0, training.source_model, 0
    )
    predict = STRATEGIES["source-recalibrated"].fit(default_learners(True)[0], moved)
    assert predict(training.source_X) == pytest.approx(offset + scale * training.source_X[:, 0])


def test_recalibration_of_a_constant_model_is_the_target_mean(training):
    flat = Training(
        training.source_X, training.source_y, training.target_X, training.target_y, 0,
        lambda rows: np.full(len(rows), 5.0), 0,
    )  # fmt: skip
    predict = STRATEGIES["source-recalibrated"].fit(default_learners(True)[0], flat)
    assert predict(training.source_X) == pytest.approx(training.target_y.mean())


def test_every_strategy_says_what_it_needs():
    assert next(iter(STRATEGIES)) == "target-only"
    for strategy in STRATEGIES.values():
        assert strategy.title
        assert strategy.preconditions.endswith(".")


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        GradientBoostingClassifier(n_estimators=5),
        KNeighborsClassifier(3),
        LinearSVC(),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
)
def test_any_classifier_can_be_the_learner(estimator):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), np.repeat([0, 2], 20)
    (learner,) = resolve_learners(estimator, regression=False)
    weight = np.ones(40) if learner.takes_weights else None
    proba = learner.fit(X, y, n_classes=3, seed=0, weight=weight)(X)
    assert proba.shape == (40, 3)
    assert proba[:, 1] == pytest.approx(0)  # a class not seen gets no probability
    assert proba.sum(axis=1) == pytest.approx(1)


def test_weights_are_known_to_be_taken_or_not():
    takes = [
        resolve_learners(e, regression=False)[0].takes_weights
        for e in (LogisticRegression(), KNeighborsClassifier(),
                  make_pipeline(StandardScaler(), LogisticRegression()))
    ]  # fmt: skip
    assert takes == [True, False, True]


def test_one_class_or_a_constant_teaches_a_constant():
    linear = default_learners(False)[0]
    proba = linear.fit(np.zeros((4, 1)), np.ones(4, dtype=int), n_classes=2, seed=0)(
        np.ones((3, 1))
    )
    assert proba.tolist() == [[0, 1]] * 3
    ridge = default_learners(True)[0]
    assert ridge.fit(np.eye(3), np.full(3, 7.0), n_classes=0, seed=0)(np.eye(3)) == pytest.approx(7)


def test_a_random_state_left_open_is_set_and_one_given_is_kept():
    (learner,) = resolve_learners(GradientBoostingClassifier(), regression=False)
    assert learner.make(10, 5).random_state == 5
    (kept,) = resolve_learners(GradientBoostingClassifier(random_state=1), regression=False)
    assert kept.make(10, 5).random_state == 1


@pytest.mark.parametrize(
    ("learner", "regression", "sentence"),
    [
        ("boosting", False, "no learner 'boosting'"),
        (object(), False, "no fit and predict"),
        (LinearRegression(), False, "the label is a class"),
        (LogisticRegression(), True, "the label is a quantity"),
        ([], False, "empty list"),
        (["linear", "linear"], False, "two learners of one name"),
    ],
)
def test_learners_that_do_not_fit_are_refused_in_a_sentence(learner, regression, sentence):
    with pytest.raises(InputError, match=sentence):
        resolve_learners(learner, regression=regression)
