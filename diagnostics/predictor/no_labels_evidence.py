"""What source rows with labels and target rows without any allow to know about a transfer.

The error of the source model at home and how it falls with more rows, estimates of its error on
the target, and how far apart the inputs are.  No target label is looked at, even where there is
one.  All errors are error rates, or RMSE in standard deviations of the source's labels.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...metrics.divergence import classifier_density_ratio, energy_distance, support_overlap
from ...metrics.performance import (
    PerformanceResult,
    average_confidence,
    average_thresholded_confidence,
    confidence_optimal_transport,
    difference_of_confidences,
    model_agreement,
    regression_disagreement,
)
from ..learners import Learner, Predictor
from ..pilot import assign_folds
from ..pilot.folds import strata_of

if TYPE_CHECKING:
    from ..domain import Pair

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PLANNED = (20, 50, 100, 200, 500)
"""Numbers of target labels the target alone might be trained on."""
FOLDS = 4
MIN_SOURCE, MIN_TARGET = 40, 20
MOST_SOURCE, MOST_TARGET, MOST_COMPARED, MOST_JUDGED = 1000, 600, 300, 400
REPEATS = 3
"""Of every step of the learning curve."""
LARGEST = 10.0
FAULTS = (ValueError, ArithmeticError)
ESTIMATES = ("average", "difference", "thresholded", "transport", "agreement", "disagreement")

DISTANCES = ("auc", "energy", "outside", "predicted_shift")
"""What is known of the distance between the sides, besides errors."""


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """Evidence of one pair and learner.

    Attributes
    ----------
    numbers : dict of str to float
        NaN where the data did not allow a number.
    estimates : dict of str to PerformanceResult
        Estimates of the source model's error on the target, each with its checks of validity.
    """

    numbers: dict[str, float]
    estimates: dict[str, PerformanceResult]


@dataclass(frozen=True, slots=True)
class Sides:
    """Labelled source rows, and inputs of the target.

    Attributes
    ----------
    X, y, group : ndarray
        Of the source; rows of one group are held out together.
    X_target : ndarray
    n_classes : int
        0 for a quantity.
    """

    X: Floats
    y: NDArray[Any]
    group: Ints
    X_target: Floats
    n_classes: int

    @classmethod
    def of_pair(cls, pair: Pair) -> Sides:
        """Return what of a pair may be looked at without target labels."""
        s = pair.source
        n_classes = 0 if pair.task == "regression" else len(pair.classes)
        rows = s.labelled
        return cls(s.X[rows], s.y[rows], s.group[rows], pair.target.X, n_classes)

    def thinned(self, rng: np.random.Generator) -> Sides:
        """Return at most as many rows as are looked at, drawn at random."""
        rows = rng.permutation(len(self.y))[:MOST_SOURCE]
        others = rng.permutation(len(self.X_target))[:MOST_TARGET]
        return Sides(
            self.X[rows], self.y[rows], self.group[rows], self.X_target[others], self.n_classes
        )

    def halves(self, rng: np.random.Generator) -> Sides:
        """Return one random half of the source as source, the inputs of the other as target."""
        groups = rng.permutation(np.unique(self.group))
        first = np.isin(self.group, groups[: groups.size // 2])
        return Sides(
            self.X[first], self.y[first], self.group[first], self.X[~first], self.n_classes
        )


def why_not(sides: Sides) -> str | None:
    """Return why nothing can be said about these sides, or ``None``."""
    if len(sides.y) < MIN_SOURCE:
        return f"The source has {len(sides.y)} labelled rows; this needs at least {MIN_SOURCE}."
    if len(sides.X_target) < MIN_TARGET:
        return f"The target has {len(sides.X_target)} rows; this needs at least {MIN_TARGET}."
    if np.unique(sides.y).size < 2:
        return "All labels of the source are the same, so there is nothing to transfer."
    if np.unique(sides.group).size < 2 * FOLDS:
        return "Nearly all source rows are alike, so none can be held out."
    return None


def unlabelled_evidence(
    sides: Sides, learner: Learner, *, seed: int = 0, n_draws: int = 20, n_splits: int = 1
) -> Unlabelled:
    """Return the evidence.

    Parameters
    ----------
    sides : Sides
        For which :func:`why_not` has nothing to say.
    learner : Learner
    seed : int
    n_draws, n_splits : int
        Of the estimators of the error; they change intervals and null bands, no number here.
    """
    rng = np.random.default_rng([seed, 31])
    s = sides.thinned(rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own, away = _at_home(s, learner, seed, rng)
        numbers = _of_errors(s, own, learner, seed, rng)
        estimates = _estimates(s, own, away, learner, seed, rng, n_draws, n_splits)
        numbers |= _of_predictions(s, own, away)
        numbers |= _of_inputs(s, own, learner, seed, rng)
    for name in ESTIMATES:
        found = estimates.get(name)
        numbers[f"est_{name}"] = math.nan if found is None else min(found.value, LARGEST)
        told = None if found is None else found.holds
        numbers[f"valid_{name}"] = math.nan if told is None else float(told)
    numbers |= {
        "n_source": float(len(sides.y)), "n_target": float(len(sides.X_target)),
        "n_columns": float(sides.X.shape[1]), "n_classes": float(sides.n_classes),
    }  # fmt: skip
    return Unlabelled(numbers, estimates)


def distances(sides: Sides, learner: Learner, *, seed: int = 0) -> dict[str, float]:
    """Return how far apart the inputs are, and how far the source model's predictions move.

    The part of :func:`unlabelled_evidence` that does not ask for errors: ``auc``, ``energy``,
    ``outside``, ``predicted_shift``; NaN where :func:`why_not` has something to say.
    """
    if why_not(sides) is not None:
        return dict.fromkeys(DISTANCES, math.nan)
    rng = np.random.default_rng([seed, 31])
    s = sides.thinned(rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own, away = _at_home(s, learner, seed, rng)
        found = {**_of_predictions(s, own, away), **_of_inputs(s, own, learner, seed, rng)}
    return {name: found[name] for name in DISTANCES}


def _at_home(
    s: Sides, learner: Learner, seed: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return predictions for source rows held out, and for the target by the same models.

    Every target row is predicted by one of the models of the folds, so that both sides are
    judged by models trained on equally many rows.
    """
    regression = s.n_classes == 0
    fold = assign_folds(strata_of(s.y, regression=regression), s.group, FOLDS, rng)
    tail = (s.n_classes,) if s.n_classes else ()
    own, away = np.empty((len(s.y), *tail)), np.empty((len(s.X_target), *tail))
    turn = np.arange(len(s.X_target)) % FOLDS
    for k in range(FOLDS):
        here = fold == k
        model = learner.fit(s.X[~here], s.y[~here], n_classes=s.n_classes, seed=seed + k)
        if here.any():
            own[here] = model(s.X[here])
        away[turn == k] = model(s.X_target[turn == k])
    return own, away


def losses(y: NDArray[Any], predicted: Floats) -> Floats:
    """Return 0 or 1 for every row, or the squared error."""
    if predicted.ndim == 1:
        return np.asarray((predicted - y) ** 2, dtype=np.float64)
    return np.asarray(predicted.argmax(axis=1) != y, dtype=np.float64)


def _error(s: Sides, loss: Floats, weight: Floats | None = None) -> float:
    mean = float(np.average(loss, weights=weight))
    found = mean if s.n_classes else math.sqrt(mean) / float(np.std(s.y))
    return min(found, LARGEST)


def _of_errors(
    s: Sides, own: Floats, learner: Learner, seed: int, rng: np.random.Generator
) -> dict[str, float]:
    """Return the error at home, that of a constant, and the learning curve at home."""
    found = {"home": _error(s, losses(s.y, own)), "constant": 1.0}
    if s.n_classes:
        found["constant"] = 1 - float(np.bincount(s.y).max()) / len(s.y)
    for n in PLANNED:
        steps = [_step(s, learner, n, seed + i, rng) for i in range(REPEATS)]
        known = [one for one in steps if one is not None]
        found[f"curve_{n}"] = float(np.mean(known)) if known else math.nan
    return found


def _step(s: Sides, learner: Learner, n: int, seed: int, rng: np.random.Generator) -> float | None:
    """Return the error of n source rows on others, if enough are left."""
    order = rng.permutation(len(s.y))
    rows = order[:n]
    rest = order[n:][~np.isin(s.group[order[n:]], s.group[rows])][:MOST_JUDGED]
    if len(rest) < MIN_TARGET:
        return None
    model = learner.fit(s.X[rows], s.y[rows], n_classes=s.n_classes, seed=seed)
    return _error(s, losses(s.y[rest], model(s.X[rest])))


def _estimates(
    s: Sides, own: Floats, away: Floats, learner: Learner, seed: int, rng: np.random.Generator,
    n_draws: int, n_splits: int,
) -> dict[str, PerformanceResult]:  # fmt: skip
    asked: dict[str, Any] = {"n_draws": n_draws, "n_splits": n_splits, "random_state": seed}
    found: dict[str, PerformanceResult] = {}

    def tried(name: str, estimate: Callable[[], PerformanceResult]) -> None:
        try:
            found[name] = estimate()
        except FAULTS:
            return

    rest, first, second = _two_models(s, learner, seed, rng)
    both_home = np.stack([first(s.X[rest]), second(s.X[rest])])
    both_away = np.stack([first(s.X_target), second(s.X_target)])
    asked_both = {"source_labels": s.y[rest], **asked}
    if s.n_classes == 0:
        tried("disagreement", lambda: regression_disagreement(both_home, both_away, **asked_both))
        return found
    asked["source_labels"] = s.y
    few = {**asked, "n_draws": 2 if n_draws <= 20 else 20, "max_rows": MOST_COMPARED}
    tried("average", lambda: average_confidence(own, away, **asked))
    tried("difference", lambda: difference_of_confidences(own, away, **asked))
    tried("thresholded", lambda: average_thresholded_confidence(own, away, **asked))
    tried("transport", lambda: confidence_optimal_transport(own, away, **few))
    tried("agreement", lambda: model_agreement(both_home, both_away, **asked_both))
    return found


def _two_models(
    s: Sides, learner: Learner, seed: int, rng: np.random.Generator
) -> tuple[Ints, Predictor, Predictor]:
    """Return source rows that two models, of a third of the groups each, have not seen."""
    third = assign_folds(strata_of(s.y, regression=s.n_classes == 0), s.group, 3, rng)
    models = [
        learner.fit(s.X[third == k], s.y[third == k], n_classes=s.n_classes, seed=seed + k)
        for k in (0, 1)
    ]
    return np.flatnonzero(third == 2), models[0], models[1]


def _of_predictions(s: Sides, own: Floats, away: Floats) -> dict[str, float]:
    """Return how the model's predictions move between the sides."""
    if s.n_classes:
        shares = [
            np.bincount(p.argmax(axis=1), minlength=s.n_classes) / len(p) for p in (own, away)
        ]
        sure = [float(p.max(axis=1).mean()) for p in (own, away)]
        moved = float(np.abs(shares[0] - shares[1]).sum()) / 2
        return {"predicted_shift": moved, "predicted_spread": sure[1] - sure[0]}
    sd = float(np.std(s.y))
    spread = [max(float(np.std(p)), 1e-3 * sd) for p in (own, away)]
    return {
        "predicted_shift": min(abs(float(away.mean() - own.mean())) / sd, LARGEST),
        "predicted_spread": float(np.clip(math.log(spread[1] / spread[0]), -3, 3)),
    }


def _of_inputs(
    s: Sides, own: Floats, learner: Learner, seed: int, rng: np.random.Generator
) -> dict[str, float]:
    """Return how far apart the inputs are, and what the source says about going that way."""
    both = np.concatenate([s.X, s.X_target])
    scale = both.std(axis=0)
    keep = scale > 1e-9
    A, B = ((X[:, keep] - both[:, keep].mean(axis=0)) / scale[keep] for X in (s.X, s.X_target))
    means = np.abs(A.mean(axis=0) - B.mean(axis=0))
    spreads = np.log(np.maximum(A.std(axis=0), 0.05) / np.maximum(B.std(axis=0), 0.05))
    few: dict[str, Any] = {"random_state": int(rng.integers(2**31))}
    ratio = classifier_density_ratio(A, B, n_folds=3, n_splits=1, n_draws=2, **few)
    a, b = A[:MOST_COMPARED], B[:MOST_COMPARED]
    size = math.sqrt(max(1, A.shape[1]))
    return {
        "mean_shift": float(np.sqrt(np.mean(means**2))), "largest_shift": float(means.max()),
        "spread_shift": float(np.mean(np.abs(spreads))),
        "auc": _area(ratio.source_weights, ratio.target_ratio),
        "energy": energy_distance(a, b, estimator="U", n_splits=1, **few).value / size,
        "outside": support_overlap(a, b, n_null=1, **few).share_outside,
        "effective": ratio.effective_sample_size / len(A),
        # Flattened by the root, or single rows would decide (Shimodaira 2000).
        "weighted": _error(s, losses(s.y, own), np.sqrt(ratio.source_weights)),
        **_towards(s, own, ratio.source_weights, learner, seed),
    }  # fmt: skip


def _towards(
    s: Sides, own: Floats, weight: Floats, learner: Learner, seed: int
) -> dict[str, float]:
    """Return the error on the half of the source that is most like the target.

    ``near`` for models that knew rows like these, ``towards`` for one that knew only the other
    half: what going a step in the direction of the target costs, as far as labels are known.
    """
    near = weight > np.median(weight)
    if min(near.sum(), (~near).sum()) < MIN_TARGET:
        return {"near": math.nan, "towards": math.nan}
    model = learner.fit(s.X[~near], s.y[~near], n_classes=s.n_classes, seed=seed)
    return {
        "near": _error(s, losses(s.y[near], own[near])),
        "towards": _error(s, losses(s.y[near], model(s.X[near]))),
    }


def _area(low: Floats, high: Floats) -> float:
    """Return the chance that one of `high` lies above one of `low`, ties counted half."""
    ranked = np.sort(low)
    below = np.searchsorted(ranked, high, "left") + np.searchsorted(ranked, high, "right")
    return float(below.mean() / (2 * len(low)))
