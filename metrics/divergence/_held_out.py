"""Train a classifier to tell the sides apart, and judge it on rows it did not see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .._validation import Bools, Floats, Ints
from ._auc import auc
from ._folds import group_folds

_N_FOLDS = 5
_N_SHUFFLES = 3

Make: TypeAlias = Callable[[], Any]
Split: TypeAlias = Callable[[Floats, Ints, Ints, np.random.Generator], Any]


def make_classifier(classifier: Any, rng: np.random.Generator) -> tuple[Make, str]:
    """Return a function that makes an unfitted classifier, and its name."""
    from sklearn.base import clone

    if classifier == "logistic":
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        regression = LogisticRegression(C=1.0, max_iter=5000, class_weight="balanced")
        pipeline = make_pipeline(StandardScaler(), regression)
        return lambda: clone(pipeline), "logistic regression (L2, C=1, balanced)"
    if classifier == "forest":
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            100, min_samples_leaf=5, class_weight="balanced", random_state=int(rng.integers(2**31))
        )
        return lambda: clone(forest), "random forest (100 trees, balanced)"
    if not (hasattr(classifier, "fit") and hasattr(classifier, "predict_proba")):
        raise ValueError(
            "`classifier` must be 'logistic', 'forest' or an estimator with `fit` and "
            f"`predict_proba`, got {classifier!r}; wrap one without probabilities in "
            "CalibratedClassifierCV."
        )
    return lambda: clone(classifier, safe=False), type(classifier).__name__


def make_splitter(split: Any) -> Split:
    """Return a function that gives pairs of training and held-out rows, or None."""
    if split == "half":
        return lambda rows, sides, groups, rng: _folds(sides, groups, 2, rng, only=1)
    if split == "folds":
        return lambda rows, sides, groups, rng: _folds(sides, groups, _N_FOLDS, rng)
    if isinstance(split, str) or not hasattr(split, "split"):
        raise ValueError(
            f"`split` must be 'half', 'folds' or an object with `split`, got {split!r}."
        )

    def own(rows: Floats, sides: Ints, groups: Ints, rng: np.random.Generator) -> Any:
        # Splitters without groups complain when they get any, be it one a row.
        together = len(np.unique(groups)) < len(groups)
        return split.split(rows, sides, groups if together else None)

    return own


def _folds(
    sides: Ints, groups: Ints, n_folds: int, rng: np.random.Generator, only: int | None = None
) -> Iterator[tuple[Bools, Bools]] | None:
    fold = group_folds(sides, groups, np.ones(len(sides), dtype=np.bool_), n_folds, rng)
    if fold is None:
        return None
    wanted = range(int(fold.max()) + 1) if only is None else [only]
    return ((fold != k, fold == k) for k in wanted)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Held-out probabilities (NaN where never held out), their statistic, and importances."""

    probability: Floats
    value: float
    importance: Floats
    n_fits: int

    @property
    def held_out(self) -> Bools:
        return ~np.isnan(self.probability)


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Trains and judges; every split and shuffle comes from ``rng``."""

    make: Make
    split: Split
    hard: bool
    rng: np.random.Generator

    def read(self, probability: Floats) -> Floats:
        """Return the scores whose area is the statistic."""
        return (probability > 0.5).astype(np.float64) if self.hard else probability

    def run(
        self, rows: Floats, is_target: Ints, groups: Ints, *, importance: bool = False
    ) -> Judged | None:
        pairs = self.split(rows, is_target, groups, self.rng)
        if pairs is None:
            return None
        probability = np.full(len(rows), np.nan)
        drops = []
        n_fits = 0
        for train, test in pairs:
            _require_both_sides(is_target[train])
            n_fits += 1
            model = self.make().fit(rows[train], is_target[train])
            probability[test] = model.predict_proba(rows[test])[:, 1]
            if importance:
                drops.append(self._drops(model, rows[test], is_target[test], probability[test]))
        held = ~np.isnan(probability)
        _require_both_sides(is_target[held])
        value = auc(self.read(probability[held]), is_target[held])
        empty = np.zeros(rows.shape[1])
        drop = np.mean(drops, axis=0) if drops else empty
        return Judged(probability, value, drop, n_fits)

    def _drops(self, model: Any, rows: Floats, is_target: Ints, probability: Floats) -> Floats:
        """Return how much every column's shuffling lowers the statistic, shape (d,)."""
        whole = auc(self.read(probability), is_target)
        drops = np.zeros(rows.shape[1])
        shuffled = rows.copy()
        for column in range(rows.shape[1]):
            for _ in range(_N_SHUFFLES):
                shuffled[:, column] = self.rng.permutation(rows[:, column])
                found = self.read(model.predict_proba(shuffled)[:, 1])
                drops[column] += (whole - auc(found, is_target)) / _N_SHUFFLES
            shuffled[:, column] = rows[:, column]
        return drops


def _require_both_sides(is_target: Ints) -> None:
    if is_target.min() == is_target.max():
        raise ValueError(
            "`split` left one side out of the rows trained on or held out; use a splitter that "
            "is stratified by side."
        )
