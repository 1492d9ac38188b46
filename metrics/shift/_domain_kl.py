"""Kullback-Leibler divergences from cross-fitted classifiers of the side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.special import logsumexp

from .._halves import random_halves
from .._validation import Floats, Ints
from ..divergence._logistic import fit_logistic
from ._shift_features import ShiftFeatures

_HALVINGS = 16
Law: TypeAlias = Literal["P(X)", "P(Y)", "P(Y|X)", "P(X|Y)", "P(X,Y)"]
COMPONENTS: tuple[Law, ...] = ("P(X)", "P(Y)", "P(Y|X)", "P(X|Y)", "P(X,Y)")


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """All five divergences for any choice of rows that stand for source and target."""

    features: ShiftFeatures
    n_source: int
    n_target: int
    penalty: float
    n_folds: int
    rng: np.random.Generator

    def observed(self) -> Floats:
        """Return the divergences on all rows, shape (5,)."""
        rows = np.arange(self.n_source + self.n_target)
        return self.of(rows[: self.n_source], rows[self.n_source :])

    def of(self, source_rows: Ints, target_rows: Ints) -> Floats:
        return _component_divergences(
            self.features, source_rows, target_rows, penalty=self.penalty,
            n_folds=self.n_folds, rng=self.rng,
        )  # fmt: skip

    def nulls(self, n_splits: int) -> list[Floats]:
        """Return the divergences of random halves of either side, shape (n_splits, 5) each."""
        rows = np.arange(self.n_source + self.n_target)
        return [self._null(side, n_splits) for side in np.split(rows, [self.n_source])]

    def _null(self, rows: Ints, n_splits: int) -> Floats:
        halves = random_halves(
            len(rows), self.n_source, self.n_target, n_splits=n_splits, rng=self.rng
        )
        return np.array([self.of(rows[first], rows[second]) for first, second in halves])

    def spread(self, n_draws: int) -> Floats:
        """Return standard deviations over half-samples; see `_doubt.half_sample_interval`."""
        n, m, rng = self.n_source, self.n_target, self.rng
        draws = [
            self.of(
                np.sort(rng.permutation(n)[: n // 2]), n + np.sort(rng.permutation(m)[: m // 2])
            )
            for _ in range(n_draws)
        ]
        return np.asarray(np.std(draws, axis=0, ddof=1))


def _component_divergences(
    features: ShiftFeatures, source_rows: Ints, target_rows: Ints, *, penalty: float,
    n_folds: int, rng: np.random.Generator,
) -> Floats:  # fmt: skip
    """Return KL(target || source) in nats, one for each of `COMPONENTS`."""
    rows = np.concatenate([source_rows, target_rows])
    is_target = np.repeat([0, 1], [len(source_rows), len(target_rows)])
    folds = np.concatenate([rng.permutation(len(r)) % n_folds for r in (source_rows, target_rows)])
    x, y, both = (
        held_out_kl(table[rows], is_target, folds, penalty)
        for table in (features.columns, features.labels.features, features.joint)
    )
    # The chain rule, once in either order.
    return np.array([x, y, both - x, both - y, both])


def held_out_kl(features: Floats, is_target: Ints, folds: Ints, penalty: float) -> float:
    """Return the Donsker-Varadhan value of held-out scores, in nats, at least 0.

    With the true log ratio as the score it is the divergence; any other score gives less.
    A constant added to the score drops out, and with it the prior of the sides.
    """
    scores = np.empty(len(features))
    for fold in np.unique(folds):
        held_out = folds == fold
        model = fit_logistic(features[~held_out], is_target[~held_out], penalty)
        scores[held_out] = model.decide(features[held_out])
    return _best_scaled(scores[is_target == 0], scores[is_target == 1])


def _best_scaled(source: Floats, target: Floats) -> float:
    """Return the largest of t E_T[s] - log E_S[exp(t s)] over t in [0, 1].

    Scores of an overfitted classifier are too large; without the factor many columns would
    bring the value far below 0. It is concave in t, so that halving finds the top.
    """
    centred, gain = source - source.mean(), float(target.mean() - source.mean())
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        weights = np.exp(middle * centred - (middle * centred).max())
        rises = gain > weights @ centred / weights.sum()
        low, high = (middle, high) if rises else (low, middle)
    best = (low + high) / 2
    return max(0.0, float(best * gain - logsumexp(best * centred) + np.log(len(source))))
