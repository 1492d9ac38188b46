"""Metrics against scikit-learn, and influences against the jackknife."""

import numpy as np
import pytest
from sklearn import metrics as sk

from negtransfer.diagnostics.errors import InputError
from negtransfer.diagnostics.pilot import METRICS, proper_score, resolve_metric


def _classes(n_classes, n=200, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(n_classes, n, p=np.arange(1, n_classes + 1) / sum(range(1, n_classes + 1)))
    proba = rng.dirichlet(np.ones(n_classes), n) + 0.7 * np.eye(n_classes)[y]
    proba = np.maximum(proba, 0.002)  # above the floor of the log-loss
    return y, proba / proba.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("accuracy", lambda y, p: 1 - sk.accuracy_score(y, p.argmax(1))),
        ("balanced_accuracy", lambda y, p: 1 - sk.balanced_accuracy_score(y, p.argmax(1))),
        ("log_loss", lambda y, p: sk.log_loss(y, np.maximum(p, 1e-3))),
        ("brier", lambda y, p: 0.5 * np.mean(((p - np.eye(p.shape[1])[y]) ** 2).sum(1))),
    ],
)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_classification_errors_equal_scikit_learn(name, reference, n_classes):
    y, proba = _classes(n_classes)
    value, influence = METRICS[name].score(y, proba, 1.0)
    assert value == pytest.approx(reference(y, proba), abs=1e-12)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


def test_auc_equals_scikit_learn_also_with_ties():
    y, proba = _classes(2)
    proba = np.round(proba, 1)
    value, influence = METRICS["roc_auc"].score(y, proba, 1.0)
    assert 1 - value == pytest.approx(sk.roc_auc_score(y, proba[:, 1]), abs=1e-12)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("rmse", lambda y, p: sk.root_mean_squared_error(y, p) / 2.5),
        ("mae", lambda y, p: sk.mean_absolute_error(y, p) / 2.5),
        ("mse", lambda y, p: sk.mean_squared_error(y, p) / 2.5**2),
    ],
)
def test_regression_errors_equal_scikit_learn(name, reference):
    rng = np.random.default_rng(1)
    y = rng.normal(size=100)
    predicted = y + rng.normal(size=100)
    assert METRICS[name].score(y, predicted, 2.5)[0] == pytest.approx(reference(y, predicted))


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "roc_auc", "brier", "log_loss"])
def test_influences_give_the_jackknife_standard_error(name):
    y, proba = _classes(2, n=300, seed=3)
    _check_jackknife(name, y, proba)


@pytest.mark.parametrize("name", ["rmse", "mae", "mse"])
def test_influences_of_a_quantity_give_the_jackknife_standard_error(name):
    rng = np.random.default_rng(2)
    y = rng.normal(size=300)
    _check_jackknife(name, y, y + rng.standard_t(5, size=300))


def _check_jackknife(name, y, predicted):
    score, n = METRICS[name].score, len(y)
    influence = score(y, predicted, 1.0)[1]
    left_out = [score(np.delete(y, i), np.delete(predicted, i, 0), 1.0)[0] for i in range(n)]
    jackknife = np.sqrt((n - 1) / n * np.sum((left_out - np.mean(left_out)) ** 2))
    assert np.sqrt(influence @ influence) / n == pytest.approx(jackknife, rel=0.03)


def test_metrics_are_found_by_name_and_refused_in_a_sentence():
    assert resolve_metric("ROC-AUC", "binary").name == "roc_auc"
    assert resolve_metric(None, "regression").name == "rmse"
    with pytest.raises(InputError, match="did you mean 'accuracy'"):
        resolve_metric("acuracy", "multiclass")
    with pytest.raises(InputError, match="does not fit a multiclass label"):
        resolve_metric("roc_auc", "multiclass")


def test_the_proper_score_differs_from_the_metric():
    assert proper_score(METRICS["accuracy"], "binary").name == "brier"
    assert proper_score(METRICS["brier"], "binary").name == "log_loss"
    assert proper_score(METRICS["rmse"], "regression").name == "mse"
