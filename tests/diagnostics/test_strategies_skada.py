"""Estimators of skada as strategies: what they are given, and that ours agree where it is right."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn

from negtransfer import InputError, preflight
from negtransfer.diagnostics.learners import default_learners
from negtransfer.diagnostics.strategies import STRATEGIES, Training
from negtransfer.diagnostics.strategies.from_skada import offer_skada


@pytest.fixture(autouse=True)
def register_as_before():
    before = dict(STRATEGIES)
    yield
    for name in set(STRATEGIES) - set(before):
        del STRATEGIES[name]


@pytest.fixture
def skada():
    found = pytest.importorskip("skada", reason="skada is not installed; see the extra 'skada'")
    sklearn.set_config(enable_metadata_routing=False)  # importing skada switches it on
    return found


def moved(n=300, labelled=0, regression=False):
    """Return a source, and a target whose inputs are an affine map of the same."""
    rng = np.random.default_rng(0)
    X, other = rng.normal(size=(2, n, 4))
    A = np.eye(4) + 0.5 * rng.normal(size=(4, 4))

    def label(Z):
        score = Z[:, 0] + 0.5 * Z[:, 1]
        return score if regression else (score > 0).astype(np.int64)

    target, y = other @ A + 2, label(other)
    learner = default_learners(regression)[0]
    k = 0 if regression else 2
    model = learner.fit(X, label(X), n_classes=k, seed=0)
    training = Training(
        X, label(X), target[:labelled], y[:labelled], k, model, 0, target[labelled:]
    )
    return learner, training, target, y


class Recorder:
    """Stands in for an estimator of skada."""

    def __init__(self, inner):
        self.inner = inner

    def fit(self, X, y, *, sample_domain):
        self.routed = sklearn.get_config()["enable_metadata_routing"]
        self.y, self.domain = y, sample_domain
        self.inner.fit(X[sample_domain > 0], y[sample_domain > 0])
        return self

    def predict(self, X, *, sample_domain):
        assert (sample_domain < 0).all()
        return self.inner.predict(X)


@pytest.mark.parametrize("regression", [False, True])
def test_target_labels_are_hidden_and_routing_is_left_as_it_was(regression):
    made = []
    name = offer_skada(lambda one: made.append(Recorder(one)) or made[-1], name="recorder")
    learner, training, target, _ = moved(labelled=40, regression=regression)
    predict = STRATEGIES[name].fit(learner, training)
    (seen,) = made
    assert seen.routed
    assert not sklearn.get_config()["enable_metadata_routing"]
    assert (seen.domain > 0).sum() == len(training.source_X)
    hidden = seen.y[seen.domain < 0]
    assert np.isnan(hidden).all() if regression else (hidden == -1).all()
    found = predict(target)
    assert found.shape == ((len(target),) if regression else (len(target), 2))
    np.testing.assert_allclose(
        found if regression else found[:, 1] > 0.5,
        training.source_model(target) if regression else training.source_model(target)[:, 1] > 0.5,
        rtol=1e-6,
    )


@pytest.mark.parametrize("name", ["", "a b", "x" * 41, "<script>", "ä"])
def test_names_are_plain(name):
    with pytest.raises(InputError, match="letters, digits and hyphens"):
        offer_skada(lambda one: one, name=name)
    with pytest.raises(InputError, match="takes an estimator"):
        offer_skada(None, name="fine")


@pytest.mark.parametrize(("adapter", "ours", "apart"), [
    ("CORALAdapter", "align-coral", 0.03),
    ("LinearOTMappingAdapter", "align-linear-ot", 0.05),  # ours shrinks covariances
])  # fmt: skip
@pytest.mark.parametrize("regression", [False, True])
def test_ours_agree_with_skada_where_it_is_right(skada, adapter, ours, apart, regression):
    learner, training, target, _ = moved(n=1000, regression=regression)

    def build(one):
        return skada.make_da_pipeline(getattr(skada, adapter)(), one)

    name = offer_skada(build, name="theirs")
    theirs, own, unmoved = (
        predict(target) if regression else predict(target)[:, 1]
        for predict in (
            STRATEGIES[name].fit(learner, training), STRATEGIES[ours].fit(learner, training),
            training.source_model,
        )
    )  # fmt: skip
    assert np.sqrt(np.mean((own - theirs) ** 2)) < apart * own.std()
    assert np.sqrt(np.mean((own - unmoved) ** 2)) > 0.3 * own.std()


def test_it_runs_in_the_check_beside_ours(skada):
    name = offer_skada(
        lambda one: skada.make_da_pipeline(skada.CORALAdapter(), one), name="coral",
    )  # fmt: skip
    _, training, target, y = moved()
    result = preflight(
        source=(training.source_X, training.source_y), target=(target[:80], y[:80]),
        learner="linear", budget=5.0, strategies=["align-coral", name],
    )  # fmt: skip
    rows = {row.strategy: row for row in result.strategies}
    assert rows[name].gap is not None
    assert abs(rows[name].error - rows["align-coral"].error) < 0.1
    assert not sklearn.get_config()["enable_metadata_routing"]
