"""Cross-validated classifier that tells source rows from target rows."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from .._results import Interval
from .._validation import Bools, Floats, Ints
from ._folds import group_folds
from ._logistic import fit_logistic

CLASSIFIER = "logistic regression (L2, C=0.1, balanced) on columns and their squares"
_PENALTY = 0.1
_CLIP = 4.0  # standard deviations; beyond them a square would be all about a few rows


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Standardised columns followed by squares; ``origin[j]`` is the column behind feature j."""

    values: Floats
    origin: Ints
    n_columns: int

    @classmethod
    def of(cls, pooled: Floats) -> "Features":
        columns = _standardise(pooled)
        bent = np.flatnonzero([len(np.unique(column)) > 2 for column in columns.T])
        squares = _standardise(np.clip(columns[:, bent], -_CLIP, _CLIP) ** 2)
        origin = np.concatenate([np.arange(columns.shape[1]), bent])
        return cls(np.hstack([columns, squares]), origin, columns.shape[1])


def _standardise(values: Floats) -> Floats:
    centred = values - values.mean(axis=0)
    scale = centred.std(axis=0)
    # What is left of a constant column after centring is rounding.
    constant = scale <= 1e-12 * np.abs(values).max(axis=0, initial=0.0)
    centred[:, constant] = 0.0
    standardised: Floats = centred / np.where(constant, 1.0, scale)
    return standardised


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One side: its features, its groups, and which rows may be held out."""

    features: Features
    groups: Ints
    may_hold_out: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Held-out error rates of the two sides, their variances, and what the folds were."""

    errors: tuple[float, float]
    variance: float
    n_folds: int
    importance: Floats

    @property
    def balanced_error(self) -> float:
        return sum(self.errors) / 2

    @property
    def value(self) -> float:
        return 2 * (1 - 2 * self.balanced_error)

    def interval(self, level: float) -> Interval:
        # (1/J + n_test/n_train) / (1/J) with n_test/n_train = 1 / (J - 1).
        enlarged = self.variance * (1 + self.n_folds / (self.n_folds - 1))
        reach = 4 * float(norm.ppf((1 + level) / 2)) * np.sqrt(enlarged)
        low, high = max(-2.0, self.value - reach), min(2.0, self.value + reach)
        return Interval(float(low), float(high), level, "normal, Nadeau-Bengio variance")


def cross_validate(
    sample: Sample,
    source_rows: Ints,
    target_rows: Ints,
    n_folds: int,
    n_repeats: int,
    rng: np.random.Generator,
    *,
    importance: bool = False,
) -> Outcome | None:
    """Return held-out errors, or None when a side cannot be held out twice."""
    rows = np.concatenate([source_rows, target_rows])
    is_target = np.repeat([0, 1], [len(source_rows), len(target_rows)])
    held_out, groups = sample.may_hold_out[rows], sample.groups[rows]
    features = sample.features.values[rows]
    wrong = np.zeros(len(rows))
    drop = np.zeros(sample.features.n_columns)
    used_folds = n_folds
    for _ in range(n_repeats):
        folds = group_folds(is_target, groups, held_out, n_folds, rng)
        if folds is None:
            return None
        used_folds = int(folds.max()) + 1
        weights = _balance(is_target, held_out)
        for fold in range(used_folds):
            train, test = folds != fold, np.flatnonzero((folds == fold) & held_out)
            if len(np.unique(is_target[train])) < 2:
                return None
            model = fit_logistic(features[train], is_target[train], _PENALTY)
            scores = model.decide(features[test])
            missed = (scores > 0) != is_target[test]
            wrong[test] += missed
            if importance:
                contributions = features[test] * model.coefficients
                shuffled = _shuffled_misses(
                    sample.features, contributions, scores, is_target[test], rng
                )
                drop += 4 * weights[test] @ (shuffled - missed[:, None])
    wrong /= n_repeats
    stats = [_error(wrong[side], groups[side]) for side in _by_side(is_target, held_out)]
    return Outcome(
        errors=(stats[0][0], stats[1][0]),
        variance=(stats[0][1] + stats[1][1]) / 4,
        n_folds=used_folds,
        importance=drop / n_repeats,
    )


def _by_side(is_target: Ints, held_out: Bools) -> tuple[Bools, Bools]:
    return held_out & (is_target == 0), held_out & (is_target == 1)


def _balance(is_target: Ints, held_out: Bools) -> Floats:
    """Return weights under which the sum over held-out rows is the balanced error."""
    weights = np.zeros(len(is_target))
    for side in _by_side(is_target, held_out):
        weights[side] = 0.5 / side.sum()
    return weights


def _error(wrong: Floats, groups: Ints) -> tuple[float, float]:
    """Return an error rate and its variance with whole groups as the independent units."""
    rate = float(wrong.mean())
    _, group = np.unique(groups, return_inverse=True)
    by_group = np.bincount(group.ravel(), weights=wrong - rate)
    # Few errors say little about their variance; two made-up rows, one wrong, keep it off 0.
    smooth = (wrong.sum() + 1) / (len(wrong) + 2)
    floor = smooth * (1 - smooth) / len(by_group)
    return rate, max(float(by_group @ by_group) / len(wrong) ** 2, floor)


def _shuffled_misses(
    features: Features,
    contributions: Floats,
    scores: Floats,
    is_target: Ints,
    rng: np.random.Generator,
) -> Floats:
    """Return which rows are missed once a column is shuffled, shape (rows, n_columns)."""
    parts = np.zeros((len(scores), features.n_columns))
    for feature, column in enumerate(features.origin):
        parts[:, column] += contributions[:, feature]
    moved = scores[:, None] - parts + rng.permuted(parts, axis=0)
    missed: Bools = (moved > 0) != is_target[:, None]
    return missed.astype(np.float64)
