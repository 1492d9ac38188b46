"""k nearest neighbours, each row left out in turn: what near rows say about a row's label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._results import Interval
from .._scores import (
    Caution,
    Labels,
    ScoreResult,
    chance_level,
    check_features,
    check_labels,
    check_targets,
    feature_cautions,
    label_cautions,
    normalise,
)
from .._validation import (
    Bools,
    Floats,
    Ints,
    RandomState,
    check_choice,
    check_count,
    check_share,
    generator,
)
from ..registry import register
from ._neighbours import nearest_others
from ._probe_tasks import from_influence, wilson, worth_of

Metric: TypeAlias = Literal["euclidean", "cosine"]
Ties: TypeAlias = Literal["nearest", "first"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KNNProbeResult(ScoreResult):
    """Outcome of :func:`knn_probe`.

    Attributes
    ----------
    predictions : ndarray of shape (n,) or (n, t), or None
        What the neighbours of each row say: a class as given, or a mean.
    correct : ndarray of bool, shape (n,), or None
        Whether each row was told right, for pairing models row by row; None for quantities.
    by_class : ndarray of shape (C,) or None
        Share told right in every class, in sorted order; None for quantities.
    r2 : float or None
        Coefficient of determination of the predictions, mean over the columns of the targets;
        None for classes.
    k : int
    """

    predictions: NDArray[Any] | None
    correct: Bools | None
    by_class: Floats | None
    r2: float | None
    k: int


@register(
    family="transferability", units="share of rows told right, or correlation",
    range=(-1.0, 1.0), direction="larger means more transferable", cost="O(n^2 d)",
    inputs="features and labels",
    invariances=("row order", "column order", "translation", "rotation", "one scale",
                 "relabelling"), min_rows=4,
)  # fmt: skip
def knn_probe(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    k: int = 3,
    metric: Metric = "euclidean",
    ties: Ties = "nearest",
    balanced: bool = False,
    regression: bool = False,
    n_permutations: int = 100,
    n_draws: int = 1,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> KNNProbeResult:
    r"""Predict the label of every row from the k nearest other rows.

    Parameters
    ----------
    features : array of shape (n, d)
        Of the source model, on target rows; used as they are.
    labels : array of shape (n,), or (n, t) with ``regression``
        Classes of any type, or quantities.
    k : int
        Neighbours, fewer than rows.
    metric : {"euclidean", "cosine"}
        Distance. For cosine, a row of zeros is equally far from all.
    ties : {"nearest", "first"}
        Which of the classes with most votes wins: that of the nearest row, or the first in
        sorted order (scikit-learn's way; it depends on what classes are called).
    balanced : bool
        Whether every class counts the same, whatever its number of rows.
    regression : bool
        Whether ``labels`` are quantities. The prediction is the mean, the value Pearson's
        correlation of predictions and targets, mean over the columns of the targets.
    n_permutations : int
        Shuffles of the labels for the chance level; 0 leaves it out.
    n_draws : int
        0 leaves the interval out. It is found from the rows, without further draws.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of the shuffles.

    Returns
    -------
    KNNProbeResult
        Accuracy, between 0 and 1; or a correlation, between -1 and 1. No value with one class or
        constant targets.

    Notes
    -----
    The value is plain accuracy for two classes too; "micro F1" as some have it is then the F1 of
    one of them. Distances are held in blocks, and only the nearest of each row are kept: shuffles
    of the labels look neighbours up. Of equally distant rows the earlier comes first. The interval
    is from the influence of every row, on its own score and, as a neighbour that the next one
    would replace, on those of others; for accuracies Wilson's, with as many independent rows.

    A class with one row is never told right. Left-out rows bias regression: the mean of the
    others is higher where the own target is low, so that chance lies a little below 0.
    Euclidean distances depend on the scales of the columns; standardise where they mean nothing.
    In a study of 42,000 transfers no other score ranked sources better across shifts of domain,
    task and architecture.

    References
    ----------
    Cover & Hart (1967), Nearest Neighbor Pattern Classification, IEEE Trans. Inf. Theory 13.
    Sorkhei et al. (2025), k-NN as a Simple and Effective Estimator of Transferability, arXiv
    2503.18528.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> features = rng.normal(size=(90, 4)) + 2 * np.eye(4)[labels]
    >>> result = knn_probe(features, labels)
    >>> round(result.value, 2), round(result.chance.mean, 2)
    (0.87, 0.32)
    """
    table = check_features(features, min_rows=4)
    n = len(table)
    k = check_count(k, "k", minimum=1)
    if k >= n:
        raise ValueError(f"`k` is {k}, but each of the {n} rows has only {n - 1} others; lower it.")
    check_choice(metric, "metric", get_args(Metric))
    check_choice(ties, "ties", get_args(Ties))
    n_permutations = check_count(n_permutations, "n_permutations", minimum=0)
    n_draws = check_count(n_draws, "n_draws", minimum=0)
    level, rng = check_share(level, "level"), generator(random_state)
    cautions = tuple(c for c in feature_cautions(features) if c.name != "more columns than rows")
    task: _Classes | _Quantities
    if regression:
        task = _Quantities(check_targets(labels, n, name="labels"))
    else:
        given = check_labels(labels, n)
        task, cautions = _Classes(given, ties, balanced), cautions + label_cautions(given)
    if task.reason is not None:
        return KNNProbeResult(
            value=None, reason=task.reason, n_rows=n, cautions=cautions, predictions=None,
            correct=None, by_class=None, r2=None, k=k,
        )  # fmt: skip

    spare = 1 if n_draws and k < n - 1 else 0
    wide = nearest_others(table, k + spare, cosine=metric == "cosine")
    near = wide[:, :k]
    value = task.score(near)
    if value is None:
        reason = Caution("not defined", "All rows are predicted alike; nothing correlates.")
        return KNNProbeResult(
            value=None, reason=reason, n_rows=n, cautions=cautions, predictions=None,
            correct=None, by_class=None, r2=None, k=k,
        )  # fmt: skip

    chance = chance_level(
        lambda order: task.score(near, order) or 0.0, n,
        n_permutations=n_permutations, rng=rng,
    )  # fmt: skip
    return KNNProbeResult(
        value=value,
        normalised=normalise(value, chance, best=1.0),
        chance=chance,
        interval=task.interval(value, wide, k, level) if n_draws else None,
        n_rows=n,
        cautions=cautions,
        **task.details(near),
        k=k,
    )  # fmt: skip


def _without_one(wide: Ints, k: int) -> list[Ints]:
    """Return the neighbours with each of the k in turn replaced by the next one.

    None where every other row is a neighbour already.
    """
    if wide.shape[1] == k:
        return []
    kept = [[j for j in range(k + 1) if j != gone] for gone in range(k)]
    return [wide[:, columns] for columns in kept]


def _on_others(near: Ints, changes: list[Floats]) -> Floats:
    """Return half of what taking a row away does to the scores of those it is a neighbour of.

    Leaving rows out one by one counts twice what two of them do together.
    """
    total = np.zeros(len(near))
    for column, change in zip(near.T, changes, strict=False):
        total += np.bincount(column, change, minlength=len(near))
    return total / 2


class _Classes:
    """Votes of neighbours."""

    def __init__(self, given: Labels, ties: Ties, balanced: bool) -> None:
        self.given, self.ties, self.balanced = given, ties, balanced
        self.reason = (
            Caution("one class", "All labels are of one class: every row is told right.")
            if given.n_classes == 1 else None
        )  # fmt: skip

    def votes(self, near: Ints, codes: Ints) -> Ints:
        """Return the class with most votes, shape (rows,)."""
        said = codes[near]
        # votes of the class of each neighbour; the first largest is that of the nearest
        count = (said[:, :, None] == said[:, None, :]).sum(axis=2)
        if self.ties == "nearest":
            return np.take_along_axis(said, count.argmax(axis=1)[:, None], axis=1)[:, 0]
        most = count == count.max(axis=1, keepdims=True)
        return np.asarray(np.where(most, said, self.given.n_classes).min(axis=1))

    def score(self, near: Ints, order: Ints | None = None) -> float:
        codes = self.given.codes if order is None else self.given.codes[order]
        right = self.votes(near, codes) == codes
        if not self.balanced:
            return float(right.mean())
        return float((np.bincount(codes, right) / self.given.counts).mean())

    def interval(self, value: float, wide: Ints, k: int, level: float) -> Interval:
        codes, counts = self.given.codes, self.given.counts
        n, near = len(codes), wide[:, :k]
        worth = worth_of(counts.tolist()) if self.balanced else float(n)
        weight = (1 / (counts * len(counts)))[codes] if self.balanced else np.full(n, 1 / n)
        right = (self.votes(near, codes) == codes).astype(np.float64)
        mean = (np.bincount(codes, right) / counts)[codes] if self.balanced else value
        without = [
            weight * ((self.votes(others, codes) == codes) - right)
            for others in _without_one(wide, k)
        ]
        influence = n * (weight * (right - mean) - _on_others(near, without))
        variance = float(influence.var(ddof=1)) / n
        if variance > 0:
            worth = min(worth, value * (1 - value) / variance)
        return wilson(value, max(worth, 1.0), level)

    def details(self, near: Ints) -> dict[str, Any]:
        codes = self.given.codes
        said = self.votes(near, codes)
        right = said == codes
        return {
            "predictions": self.given.classes[said],
            "correct": right,
            "by_class": np.bincount(codes, right) / self.given.counts,
            "r2": None,
        }


class _Quantities:
    """Means of neighbours."""

    def __init__(self, targets: Floats) -> None:
        self.targets = targets
        flat = np.ptp(targets, axis=0) == 0
        self.reason = (
            Caution("constant target", "All targets are equal: nothing is to be predicted.")
            if flat.any() else None
        )  # fmt: skip

    def score(self, near: Ints, order: Ints | None = None) -> float | None:
        standard = self._standard(near, order)
        if standard is None:
            return None
        return float(np.clip((standard[0] * standard[1]).mean(), -1, 1))

    def interval(self, value: float, wide: Ints, k: int, level: float) -> Interval:
        near, n = wide[:, :k], len(wide)
        standard = self._standard(near, None)
        assert standard is not None, "there is a value"
        said, true = standard
        each = (said * true).mean(axis=0)
        influence = said * true - each * (said**2 + true**2) / 2
        slope = (true - each * said) / (n * self.targets[near].mean(axis=1).std(axis=0))
        before = self.targets[near].mean(axis=1)
        without = [
            (slope * (self.targets[others].mean(axis=1) - before)).mean(axis=1)
            for others in _without_one(wide, k)
        ]
        return from_influence(
            value, influence.mean(axis=1) - n * _on_others(near, without), level, low=-1.0
        )

    def _standard(self, near: Ints, order: Ints | None) -> tuple[Floats, Floats] | None:
        """Return predictions and targets with mean 0 and variance 1, where they vary."""
        targets = self.targets if order is None else self.targets[order]
        said, true = targets[near].mean(axis=1), targets
        said, true = said - said.mean(axis=0), true - true.mean(axis=0)
        spread = said.std(axis=0)
        if (spread <= 1e-14 * true.std(axis=0)).any():
            return None
        return said / spread, true / true.std(axis=0)

    def details(self, near: Ints) -> dict[str, Any]:
        said = self.targets[near].mean(axis=1)
        left = ((self.targets - said) ** 2).sum(axis=0)
        whole = ((self.targets - self.targets.mean(axis=0)) ** 2).sum(axis=0)
        return {
            "predictions": said[:, 0] if said.shape[1] == 1 else said,
            "correct": None,
            "by_class": None,
            "r2": float((1 - left / whole).mean()),
        }
