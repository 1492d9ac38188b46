"""Learners of the pilot: two families by default, or any scikit-learn estimator.

A learner always gets the same columns (encoded once) and the same effort on both sides of
a comparison: nothing is tuned for one arm that is not tuned for the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._words import short
from .errors import InputError

Predictor = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Rows in; class probabilities (n, n_classes) or predicted values (n,) out."""

ROWS_PER_TREE = 1000
N_TREES = 30
MAX_SEED = 2**32
"""Seeds of scikit-learn lie below."""


@dataclass(frozen=True, slots=True)
class Learner:
    """A way of fitting a model, with a name for people.

    Parameters
    ----------
    name : str
        Short name, as in the tables of the report.
    title : str
        What exactly it is, with every setting that matters.
    make : callable
        ``make(n_rows, seed)`` returns an unfitted estimator.
    takes_weights : bool
        Whether ``fit`` accepts ``sample_weight``.
    """

    name: str
    title: str
    make: Callable[[int, int], Any]
    takes_weights: bool = True

    def fit(
        self,
        X: NDArray[np.float64],
        y: NDArray[Any],
        *,
        n_classes: int,
        seed: int,
        weight: NDArray[np.float64] | None = None,
    ) -> Predictor:
        """Fit on rows and return a predictor; ``n_classes`` is 0 for regression.

        Classes are integer codes.  One class only in `y` gives the constant predictor, as
        does a constant quantity: that *is* what such labels teach.
        """
        present = np.unique(y)
        if present.size == 1:
            return _constant(present[0], n_classes)
        model = self.make(len(y), seed % MAX_SEED)
        fit_args = {} if weight is None else {_weight_name(model): weight}
        model.fit(X, y, **fit_args)
        if n_classes == 0:
            return lambda rows: np.asarray(model.predict(rows), dtype=np.float64).reshape(len(rows))
        if hasattr(model, "predict_proba"):
            return lambda rows: _spread(model.predict_proba(rows), model.classes_, n_classes)
        return lambda rows: np.eye(n_classes)[np.asarray(model.predict(rows), dtype=np.int64)]


def _constant(value: Any, n_classes: int) -> Predictor:
    if n_classes == 0:
        return lambda rows: np.full(len(rows), float(value))
    one_hot = np.eye(n_classes)[int(value)]
    return lambda rows: np.tile(one_hot, (len(rows), 1))


def _spread(proba: Any, seen: Any, n_classes: int) -> NDArray[np.float64]:
    """Put the columns of the classes seen in training at their places among all classes."""
    out = np.zeros((len(proba), n_classes))
    out[:, np.asarray(seen, dtype=np.int64)] = proba
    return out


def _weight_name(model: Any) -> str:
    steps = getattr(model, "steps", None)
    return f"{steps[-1][0]}__sample_weight" if steps else "sample_weight"


def default_learners(regression: bool) -> tuple[Learner, ...]:
    """Return the two families tried when the user names none."""
    if regression:
        return (
            Learner(
                "linear",
                "ridge regression, penalty from 13 values (0.01 to 10,000) by leave-one-out",
                _ridge,
            ),
            Learner(
                "forest",
                f"random forest, {N_TREES} trees, a third of the columns a split, "
                f"at most {ROWS_PER_TREE} rows a tree",
                _forest_regressor,
            ),
        )
    return (
        Learner("linear", "logistic regression, L2 penalty, C = 1", _logistic),
        Learner(
            "forest",
            f"random forest, {N_TREES} trees, leaves of at least 2 rows, "
            f"at most {ROWS_PER_TREE} rows a tree",
            _forest_classifier,
        ),
    )


def _logistic(n_rows: int, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=1000, random_state=seed)


def _ridge(n_rows: int, seed: int) -> Any:
    from sklearn.linear_model import RidgeCV

    return RidgeCV(alphas=np.logspace(-2, 4, 13))


def _forest_classifier(n_rows: int, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        N_TREES, min_samples_leaf=2, max_samples=min(n_rows, ROWS_PER_TREE), random_state=seed
    )


def _forest_regressor(n_rows: int, seed: int) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(
        N_TREES,
        min_samples_leaf=2,
        max_features=1 / 3,
        max_samples=min(n_rows, ROWS_PER_TREE),
        random_state=seed,
    )


def resolve_learners(learner: Any, *, regression: bool) -> tuple[Learner, ...]:
    """Turn the `learner` argument of :func:`negtransfer.preflight` into learners.

    Parameters
    ----------
    learner : None, str, estimator, or a sequence or mapping of these
        ``None`` gives both default families; ``"linear"`` or ``"forest"`` one of them; any
        estimator with scikit-learn's interface is cloned for every fit.
    regression : bool
        Whether the label is a quantity.
    """
    defaults = {one.name: one for one in default_learners(regression)}
    if learner is None:
        return tuple(defaults.values())
    if isinstance(learner, dict) and learner:
        return tuple(_named(str(n), e, defaults, regression) for n, e in learner.items())
    if isinstance(learner, (Sequence, dict)) and not isinstance(learner, str):
        found = tuple(_named(None, e, defaults, regression) for e in learner)
        if not found:
            raise InputError(
                f"`learner` is an empty {type(learner).__name__}; leave it out or name one learner."
            )
        if len({one.name for one in found}) < len(found):
            raise InputError(
                "`learner` holds two learners of one name; pass a mapping of name to estimator."
            )
        return found
    return (_named(None, learner, defaults, regression),)


def _named(
    name: str | None, learner: Any, defaults: dict[str, Learner], regression: bool
) -> Learner:
    if isinstance(learner, str):
        if learner not in defaults:
            raise InputError(
                f"There is no learner {short(learner)}; use {' or '.join(map(repr, defaults))}, "
                "or pass a scikit-learn estimator through the Python API."
            )
        return defaults[learner]
    return _from_estimator(name, learner, regression)


def _from_estimator(name: str | None, estimator: Any, regression: bool) -> Learner:
    from sklearn.base import clone, is_classifier, is_regressor
    from sklearn.utils.validation import has_fit_parameter

    if isinstance(estimator, type):
        raise InputError(
            f"`learner` is the class {short(estimator.__name__)}; pass an instance of it."
        )
    if not (hasattr(estimator, "fit") and hasattr(estimator, "predict")):
        raise InputError(
            f"`learner` is a {type(estimator).__name__}, which has no fit and predict; "
            "pass an estimator with scikit-learn's interface."
        )
    wanted, other = (is_regressor, is_classifier) if regression else (is_classifier, is_regressor)
    if other(estimator) and not wanted(estimator):
        kind = "a quantity (regression)" if regression else "a class"
        raise InputError(
            f"`learner` is a {type(estimator).__name__}, but the label is {kind}; "
            "pass the other kind of estimator or set `task`."
        )

    def make(n_rows: int, seed: int) -> Any:
        fresh = clone(estimator)
        unset = {
            key: seed
            for key, value in fresh.get_params(deep=True).items()
            if (key == "random_state" or key.endswith("__random_state")) and value is None
        }
        return fresh.set_params(**unset) if unset else fresh

    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    return Learner(
        name or type(last).__name__,
        " ".join(repr(estimator).split()),
        make,
        takes_weights=has_fit_parameter(last, "sample_weight"),
    )
