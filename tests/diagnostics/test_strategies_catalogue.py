"""The catalogue: what every strategy says of itself, how they are chosen, what weights do."""

from itertools import product

import numpy as np
import pytest

from negtransfer.diagnostics.errors import InputError
from negtransfer.diagnostics.learners import Learner
from negtransfer.diagnostics.strategies import (
    DEFAULT,
    STRATEGIES,
    Training,
    chosen_strategies,
    strategies_text,
)
from negtransfer.diagnostics.strategies.stacking import best_share


def names(wanted):
    return tuple(one.name for one in chosen_strategies(wanted))


def test_the_default_is_what_it_was():
    before = ("target-only", "source-only", "pooled", "pooled-equal-weight", "source-recalibrated")
    assert before == DEFAULT == tuple(STRATEGIES)[:5]
    assert names("default") == DEFAULT


def test_groups_and_names_are_chosen_in_the_order_of_the_tables():
    assert names("all") == tuple(STRATEGIES)
    assert set(DEFAULT) <= set(names("fast")) < set(names("all"))
    assert names(["stacking", "pooled"]) == ("target-only", "source-only", "pooled", "stacking")
    assert names("pooled, stacking") == names(("stacking", "pooled"))
    assert names(["default", "stacking"]) == (*DEFAULT, "stacking")
    assert strategies_text(["pooled", "stacking"]) == "pooled,stacking"


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [("stackin", "did you mean 'stacking'"), ([], "empty"), ("", "empty"), (3, "strategies` is 3"),
     (["pooled", 3], "names of strategies"), (None, "names of strategies")],
)  # fmt: skip
def test_what_names_no_strategy_is_refused_in_a_sentence(wanted, sentence):
    with pytest.raises(InputError, match=sentence):
        chosen_strategies(wanted)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_says_what_it_needs_assumes_and_costs(name):
    strategy = STRATEGIES[name]
    assert strategy.title
    assert strategy.title[0].islower()
    assert strategy.family
    assert strategy.preconditions.endswith(".")
    assert strategy.fails_when
    assert not strategy.fails_when.endswith(".")
    assert strategy.needs <= {"source rows", "source model", "target labels", "target inputs"}
    assert strategy.needs
    assert strategy.assumes <= {"covariate shift", "label shift", "concept shift", "feature shift"}
    assert strategy.cost in ("cheap", "medium", "dear")
    assert not (strategy.fast and strategy.cost != "cheap")
    assert strategy.tasks
    # A fit the plan does not know of would break the budget.
    assert strategy.own_model or sum(strategy.fits) or strategy.needs & {"source model"}


def test_only_what_sees_no_target_row_is_fitted_once_for_all_folds():
    once = [name for name, s in STRATEGIES.items() if s.one_fit_for_all_folds]
    assert once == ["source-only"]


class Spy:
    """Records how often it is fitted, and with what weights."""

    def __init__(self, log):
        self.log = log

    def fit(self, X, y, sample_weight=None):
        self.log.append((len(y), sample_weight))
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.resize([0, 1], len(X))


def fitted(name):
    rng, log = np.random.default_rng(0), []
    X, y = rng.normal(size=(40, 2)), np.tile([0, 1], 20)
    made = Training(X[:24], y[:24], X[24:], y[24:], 2, lambda rows: np.full((len(rows), 2), 0.5), 0)
    STRATEGIES[name].fit(Learner("spy", "spy", lambda n, seed: Spy(log)), made)
    return log


@pytest.mark.parametrize("name", [n for n, s in STRATEGIES.items() if "binary" in s.tasks])
def test_weights_are_used_by_those_that_say_so_and_have_mean_one(name):
    log = fitted(name)
    weights = [weight for _, weight in log if weight is not None]
    assert bool(weights) == STRATEGIES[name].needs_weights
    for weight in weights:
        assert weight.min() > 0
        assert weight.mean() == pytest.approx(1)


@pytest.mark.parametrize("name", [n for n, s in STRATEGIES.items() if "binary" in s.tasks])
def test_a_strategy_fits_no_more_often_than_it_says(name):
    both, alone = STRATEGIES[name].fits
    # three fits on the source are made once for all folds
    once = 3 if name == "label-shift-em" else 0
    assert len(fitted(name)) <= both + alone + once + 1e-9


def test_augmented_rows_share_one_copy_and_keep_one_each():
    seen = []

    class Keep(Spy):
        def fit(self, X, y):
            seen.append(X)
            return super().fit(X, y)

        def predict(self, X):
            seen.append(X)
            return super().predict(X)

    ones = np.ones((3, 1))
    y = np.array([0, 1, 0])
    made = Training(ones, y, 2 * ones, y, 2, lambda rows: rows, 0)
    learner = Learner("keep", "keep", lambda n, seed: Keep([]))
    STRATEGIES["feature-augmentation"].fit(learner, made)(3 * ones)
    assert seen[0].tolist() == [[1, 1, 0]] * 3 + [[2, 0, 2]] * 3
    assert seen[1].tolist() == [[3, 0, 3]] * 3


def test_the_share_of_a_mixture_is_the_best_of_all_shares():
    rng = np.random.default_rng(0)
    grid = np.linspace(0, 1, 2001)
    for seed, shape in product(range(5), [(30,), (30, 3)]):
        rng = np.random.default_rng(seed)
        first, second, answer = rng.normal(size=(3, *shape))
        losses = [((s * first + (1 - s) * second - answer) ** 2).sum() for s in grid]
        assert best_share(first, second, answer) == pytest.approx(
            grid[int(np.argmin(losses))], abs=6e-4
        )
    assert best_share(first, first, answer) == 0
