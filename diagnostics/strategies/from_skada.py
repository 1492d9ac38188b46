"""Offer estimators of skada to the check; optional, and never imported by the package.

The estimator is handed in by whoever has skada, so nothing here imports it.  skada needs
scikit-learn's metadata routing; it is switched on around each call only, whatever the process has.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._words import short
from ..errors import InputError
from ..learners import Learner, Predictor
from ._base import CLASSES, REGRESSION, STRATEGIES, Strategy, Training
from ._precheck import no_label_shift

SOURCE, TARGET = 1, -2
"""Marks of domains in ``sample_domain``: sources above 0, targets below."""
HIDDEN = -1
"""A class label that must not be seen; NaN for quantities."""
PREFIX = "skada-"


def offer_skada(
    build: Callable[[Any], Any],
    *,
    name: str,
    title: str | None = None,
    regression: bool = True,
    label_shift: bool = False,
) -> str:
    """Enter an estimator of skada as a strategy of this process, and return its name.

    Parameters
    ----------
    build : callable
        ``build(estimator)`` returns an unfitted estimator of skada around the learner's own
        scikit-learn estimator, such as
        ``lambda one: make_da_pipeline(CORALAdapter(), one)``; so the gap still compares the same
        learner with and without the source.
    name : str
        Letters, digits and hyphens; the strategy is called ``skada-`` and this.
    title : str, optional
        What it does, in words.
    regression : bool
        Whether it can be used for quantities too.
    label_shift : bool
        Whether it is made for class shares that differ; otherwise it is left out where they do.

    Returns
    -------
    str
        To be given as one of ``strategies`` of :func:`negtransfer.preflight`.

    Raises
    ------
    InputError
        If the name is not of that form, or taken by another kind of strategy.

    Notes
    -----
    Target labels are hidden from the estimator: skada's are made for targets without any.
    """
    if not name or not name.replace("-", "").isalnum() or not name.isascii() or len(name) > 40:
        raise InputError(
            f"`name` is {short(name)}; give letters, digits and hyphens, at most 40 of them."
        )
    if not callable(build):
        raise InputError(f"`build` is {short(build)}; give a function that takes an estimator.")

    def fit(learner: Learner, training: Training) -> Predictor:
        return _fitted(build, learner, training)

    full = f"{PREFIX}{name}"
    STRATEGIES[full] = Strategy(
        name=full, title=title or f"adapt with skada ({name}), then train on the source",
        family="data transferability: features", adapted=True,
        needs=frozenset(("source rows", "target inputs")), assumes=frozenset(("feature shift",)),
        fails_when="the assumptions of the estimator that was handed in fail", cost="medium",
        fast=False, fits=(3, 0), tasks=CLASSES | REGRESSION if regression else CLASSES,
        needs_weights=False, own_model=False,
        preconditions="Handed in from skada; sees no target label, so concept shift is invisible "
        "to it.",
        fit=fit, precheck=None if label_shift else no_label_shift, note=None,
    )  # fmt: skip
    return full


def _fitted(build: Callable[[Any], Any], learner: Learner, training: Training) -> Predictor:
    from sklearn import config_context

    k, others = training.n_classes, training.target_inputs
    X = np.concatenate([training.source_X, others])
    hidden = np.full(len(others), HIDDEN if k else np.nan)
    y = np.concatenate([training.source_y, hidden])
    domain = np.repeat([SOURCE, TARGET], [len(training.source_X), len(others)])
    estimator = build(learner.make(len(training.source_X), training.seed))
    with config_context(enable_metadata_routing=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, y.astype(np.int64) if k else y, sample_domain=domain)
    known = np.unique(training.source_y)

    def predict(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        given: dict[str, Any] = {"sample_domain": np.full(len(rows), TARGET)}
        with config_context(enable_metadata_routing=True), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not k:
                return np.asarray(estimator.predict(rows, **given), dtype=np.float64)
            out = np.zeros((len(rows), k))
            if hasattr(estimator, "predict_proba"):
                out[:, known] = estimator.predict_proba(rows, **given)
            else:
                called = np.asarray(estimator.predict(rows, **given), dtype=np.int64)
                out[np.arange(len(rows)), called] = 1.0
        return out

    return predict
