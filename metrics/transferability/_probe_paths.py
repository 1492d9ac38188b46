"""Linear models on the rows to train on, for every penalty and scaling; said of the held-out rows.

Scales and axes are those of the rows to train on alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np

from .._validation import Floats, Ints
from ._linear_head import Axes, fit_head, principal_axes

Scaling: TypeAlias = Literal["columns", "one", "none"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One setting of the probe.

    Attributes
    ----------
    scaling : {"columns", "one", "none"}
        Every column to variance 1; all by one factor to mean variance 1; as they are.
    strength : float
        Inverse of the penalty, scikit-learn's C.
    """

    scaling: Scaling
    strength: float


class Path(Protocol):
    """What a kind of labels needs of a probe."""

    def predict(
        self, table: Floats, train: Ints, test: Ints, candidates: Sequence[Candidate]
    ) -> Floats:
        """Return what each candidate says of the held-out rows, shape (candidates, rows, k)."""

    def losses(self, said: Floats, rows: Ints) -> Floats:
        """Return the loss of every row, shape (..., rows)."""


def scaled(train: Floats, test: Floats, scaling: Scaling) -> tuple[Floats, Floats]:
    """Return both by the scales of the first; columns that do not vary in it become 0."""
    if scaling == "none":
        return train, test
    mean, variance = train.mean(axis=0), train.var(axis=0)
    varies = variance > (1e-14 * np.abs(train).max(axis=0)) ** 2
    if scaling == "one":
        variance = np.full_like(variance, variance.mean())
    scale = np.sqrt(np.where(varies & (variance > 0), variance, 1.0))
    return tuple(np.where(varies, (side - mean) / scale, 0.0) for side in (train, test))  # type: ignore[return-value]


def _by_scaling(
    table: Floats, train: Ints, test: Ints, candidates: Sequence[Candidate]
) -> list[tuple[list[int], Axes, Floats]]:
    """Return for every scaling its candidates, weakest first, and both sides on its axes."""
    found = []
    for scaling in dict.fromkeys(candidate.scaling for candidate in candidates):
        own = [k for k, candidate in enumerate(candidates) if candidate.scaling == scaling]
        own.sort(key=lambda k: candidates[k].strength)
        inside, outside = scaled(table[train], table[test], scaling)
        axes = principal_axes(inside)
        found.append((own, axes, axes.of(outside)))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class ClassPath:
    """Multinomial logistic regression; predictions are probabilities, the loss is logarithmic."""

    codes: Ints
    n_classes: int
    tolerance: float

    def predict(
        self, table: Floats, train: Ints, test: Ints, candidates: Sequence[Candidate]
    ) -> Floats:
        present, codes = np.unique(self.codes[train], return_inverse=True)
        codes = codes.reshape(-1).astype(np.int64)
        n, absent = len(train), self.n_classes - len(present)
        # a class that was not there to be learned gets the share of one row more
        said = np.full((len(candidates), len(test), self.n_classes), 1 / (n + absent))
        for own, axes, outside in _by_scaling(table, train, test, candidates):
            head = None
            for k in own:
                head = fit_head(
                    axes.places, axes.squares, codes, len(present),
                    1 / (candidates[k].strength * n), start=head, tolerance=self.tolerance,
                )  # fmt: skip
                said[k][:, present] = head.probabilities(outside) * (n / (n + absent))
        return said

    def losses(self, said: Floats, rows: Ints) -> Floats:
        own = said[..., np.arange(len(rows)), self.codes[rows]]
        return np.asarray(-np.log(np.maximum(own, np.finfo(float).tiny)))


@dataclass(frozen=True, slots=True, eq=False)
class QuantityPath:
    """Ridge regression; the loss is the squared error in units of the target's variance."""

    targets: Floats

    def predict(
        self, table: Floats, train: Ints, test: Ints, candidates: Sequence[Candidate]
    ) -> Floats:
        mean = self.targets[train].mean(axis=0)
        said = np.empty((len(candidates), len(test), self.targets.shape[1]))
        for own, axes, outside in _by_scaling(table, train, test, candidates):
            projected = axes.places.T @ (self.targets[train] - mean)
            for k in own:
                shrunk = projected / (axes.squares + 1 / candidates[k].strength)[:, None]
                said[k] = outside @ shrunk + mean
        return said

    def losses(self, said: Floats, rows: Ints) -> Floats:
        errors = (said - self.targets[rows]) ** 2 / self.targets.var(axis=0)
        return np.asarray(errors.mean(axis=-1))


def held_out(
    path: Path, table: Floats, splits: Sequence[tuple[Ints, Ints]],
    candidates: Sequence[Candidate], strata: Ints,
) -> tuple[list[Floats], list[Candidate]]:  # fmt: skip
    """Return for every split what the chosen candidate says of its held-out rows.

    The candidate of a split is the one with the smallest loss on the rows that it trains on, as
    the other splits held them out; where they did not, in folds of these rows.
    """
    said = [path.predict(table, train, test, candidates) for train, test in splits]
    if len(candidates) == 1:
        return [one[0] for one in said], [candidates[0]] * len(splits)
    losses = [path.losses(one, test) for one, (_, test) in zip(said, splits, strict=True)]
    chosen = []
    for k, (train, _) in enumerate(splits):
        total = np.zeros((len(candidates), len(table)))
        times = np.zeros(len(table))
        for j, (_, test) in enumerate(splits):
            if j != k:
                total[:, test] += losses[j]
                times[test] += 1
        if (times[train] > 0).all():
            mean = (total[:, train] / times[train]).mean(axis=1)
        else:
            mean = _inner(path, table, train, candidates, strata)
        chosen.append(int(mean.argmin()))
    return (
        [one[best] for one, best in zip(said, chosen, strict=True)],
        [candidates[best] for best in chosen],
    )


def _inner(
    path: Path, table: Floats, train: Ints, candidates: Sequence[Candidate], strata: Ints
) -> Floats:
    """Return the mean loss of every candidate in five folds of the rows to train on."""
    from ._splits import random_folds

    inner = random_folds(strata[train], min(5, len(train)), np.random.default_rng(0))
    total = np.zeros(len(candidates))
    for inside, outside in inner:
        said = path.predict(table, train[inside], train[outside], candidates)
        total += path.losses(said, train[outside]).sum(axis=1)
    return total / len(train)
