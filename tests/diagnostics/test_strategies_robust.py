"""Strategies under poor conditions: few rows, one class, any learner, any order of folds."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from negtransfer.diagnostics.learners import default_learners, resolve_learners
from negtransfer.diagnostics.strategies import STRATEGIES, Memo, Training

N_CLASSES = {"binary": 2, "multiclass": 3, "regression": 0}
CHANCE = {"binary": 0.5, "multiclass": 2 / 3, "regression": 1.0}
EVERY = [
    # Networks take most of the time: one kind of label stands for the others.
    pytest.param(name, task, marks=[pytest.mark.slow] * (s.cost == "dear" and task != "multiclass"))
    for name, s in STRATEGIES.items()
    for task in N_CLASSES
    if task in s.tasks
]


def rows(n, task, rng, p=4, tilt=0.0):
    """Return inputs and labels of a linear relation, its third coefficient moved by `tilt`."""
    X = rng.normal(size=(n, p))
    score = X[:, 0] + X[:, 1] + (tilt - 0.5) * X[:, 2] + 0.5 * rng.normal(size=n)
    if task == "regression":
        return X, score
    return X, (score > 0).astype(int) if task == "binary" else np.digitize(score, [-0.8, 0.8])


def training(source, target, task, seed=0, learner=None, unlabelled=None):
    n_classes = N_CLASSES[task]
    learner = learner or default_learners(n_classes == 0)[0]
    model = learner.fit(*source, n_classes=n_classes, seed=0)
    return Training(*source, *target, n_classes, model, seed, unlabelled, Memo(seed=3))


def error(name, made, test, task, learner=None):
    learner = learner or default_learners(task == "regression")[0]
    predicted = STRATEGIES[name].fit(learner, made)(test[0])
    if task == "regression":
        return float(np.mean((predicted - test[1]) ** 2) / np.var(test[1]))
    return float(np.mean(predicted.argmax(axis=1) != test[1]))


@pytest.mark.parametrize(("name", "task"), EVERY)
def test_twelve_rows_and_constant_columns(name, task):
    rng = np.random.default_rng(4)
    source, target, test = (rows(n, task, rng) for n in (60, 12, 500))
    sides = [(np.hstack([X, np.zeros((len(X), 2))]), y) for X, y in (source, target, test)]
    made = training(*sides[:2], task)
    predicted = STRATEGIES[name].fit(default_learners(task == "regression")[0], made)(sides[2][0])
    assert np.isfinite(predicted).all()
    if task != "regression":
        assert predicted.shape == (500, N_CLASSES[task])
        assert predicted.min() >= 0
        assert predicted.sum(axis=1) == pytest.approx(1)
    assert error(name, made, sides[2], task) < CHANCE[task]


@pytest.mark.parametrize(
    "name", [n for n, s in STRATEGIES.items() if "target labels" not in s.needs]
)
def test_what_needs_no_target_labels_works_without_any(name):
    rng = np.random.default_rng(1)
    X, y = rows(200, "binary", rng)
    inputs, test = rows(80, "binary", rng)[0], rows(500, "binary", rng)
    made = training((X, y), (X[:0], y[:0]), "binary", unlabelled=inputs)
    assert error(name, made, test, "binary") < 0.25


@pytest.mark.parametrize("name", [n for n, s in STRATEGIES.items() if "multiclass" in s.tasks])
def test_one_class_in_the_target_gives_probabilities(name):
    rng = np.random.default_rng(0)
    X, y = rows(80, "multiclass", rng)
    made = training((X, y), (X[:14] + 0.1, np.ones(14, dtype=int)), "multiclass")
    predicted = STRATEGIES[name].fit(default_learners(False)[0], made)(X)
    assert np.isfinite(predicted).all()
    assert predicted.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize(("name", "task"), EVERY)
def test_the_same_seed_gives_the_same_whatever_fold_came_first(name, task):
    rng = np.random.default_rng(0)
    made = training(rows(80, task, rng), rows(30, task, rng), task)
    test = rows(200, task, rng)
    learner, strategy = default_learners(task == "regression")[0], STRATEGIES[name]
    other = replace(made, target_X=made.target_X[:20], target_y=made.target_y[:20], seed=9)
    first = strategy.fit(learner, made)(test[0])
    warmed = Memo(seed=3)
    strategy.fit(learner, replace(other, memo=warmed))
    again = strategy.fit(learner, replace(made, memo=warmed))(test[0])
    assert np.array_equal(first, again)


def test_networks_leave_the_global_generator_alone():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    made = training(rows(40, "binary", rng), rows(20, "binary", rng), "binary")
    before = torch.get_rng_state()
    error("network-fine-tune", made, rows(20, "binary", rng), "binary")
    assert torch.equal(before, torch.get_rng_state())


CLASSIFIERS = (KNeighborsClassifier(5), GaussianNB(), GradientBoostingClassifier(n_estimators=5),
               make_pipeline(StandardScaler(), LogisticRegression()))  # fmt: skip


@pytest.mark.parametrize("estimator", [*CLASSIFIERS, Ridge(), KNeighborsRegressor(3)])
def test_any_estimator_can_be_the_learner_of_every_strategy(estimator):
    task = "regression" if isinstance(estimator, (Ridge, KNeighborsRegressor)) else "multiclass"
    (learner,) = resolve_learners(estimator, regression=task == "regression")
    rng = np.random.default_rng(0)
    made = training(rows(100, task, rng), rows(30, task, rng), task, learner=learner)
    test = rows(300, task, rng)
    for name, strategy in STRATEGIES.items():
        usable = learner.takes_weights or not strategy.needs_weights
        if task in strategy.tasks and usable and not strategy.own_model:
            assert error(name, made, test, task, learner) < CHANCE[task], name
