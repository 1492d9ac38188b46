"""Losses of a source head on target rows, for any match of its classes to the target's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.optimize import linear_sum_assignment

from .._validation import Floats, Ints
from ._table_scores import class_sums

HeadLoss: TypeAlias = Literal["error", "log_loss", "brier"]

ABSENT = -1
"""In place of a column: the source has no such class."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadLosses:
    """What a row costs if one or the other source class were its true one.

    Attributes
    ----------
    table : ndarray of shape (n, S + 1)
        The last column is for a true class that the source does not have.
    """

    table: Floats

    def of(self, columns: Ints) -> Floats:
        """Return the loss of every row for the column of its true class, shape (n,)."""
        return np.asarray(np.take_along_axis(self.table, columns[:, None], axis=1)[:, 0])

    def match(self, codes: Ints, n_classes: int, rows: Ints, preferred: Ints) -> Ints:
        """Return the column of every target class in the match that costs these rows least.

        Ties go to ``preferred``. With fewer columns than classes some get ``ABSENT``.
        """
        costs = class_sums(self.table[rows], codes[None, rows], n_classes)[0]
        n_columns = costs.shape[1] - 1
        absent = np.repeat(costs[:, -1:], max(0, n_classes - n_columns), axis=1)
        costs = np.hstack([costs[:, :-1], absent])
        named = np.flatnonzero(preferred != ABSENT)
        costs[named, preferred[named]] -= 1e-9
        columns = linear_sum_assignment(costs)[1]
        return np.where(columns < n_columns, columns, ABSENT).astype(np.int64)


def head_losses(probabilities: Floats, loss: HeadLoss, floor: float) -> HeadLosses:
    """Return the losses of every row for every source class as its true one."""
    n, s = probabilities.shape
    if loss == "log_loss":
        padded = np.hstack([probabilities, np.zeros((n, 1))])
        return HeadLosses(-np.log(np.clip(padded, floor, 1.0)))
    padded = np.zeros((n, s + 1))
    if loss == "error":
        padded[np.arange(n), probabilities.argmax(axis=1)] = 1.0
        return HeadLosses(1.0 - padded)
    padded[:, :s] = 2 * probabilities
    return HeadLosses(1.0 + (probabilities**2).sum(axis=1, keepdims=True) - padded)


def cross_fitted_match(
    plain: HeadLosses, losses: Callable[[Ints], HeadLosses], codes: Ints, named: Ints, fold: Ints
) -> tuple[Ints, Floats]:
    """Return the best columns on all rows, and every row's loss for those of other folds.

    Parameters
    ----------
    plain : HeadLosses
        By which matches are chosen.
    losses : callable
        Takes the columns of a match and returns the losses by which it is judged.
    codes : ndarray of int64, shape (n,)
    named : ndarray of int64, shape (C,)
        Columns by name, which win ties.
    fold : ndarray of int64, shape (n,)
    """
    judged = np.empty(len(codes))
    for k in range(int(fold.max()) + 1):
        columns = plain.match(codes, len(named), np.flatnonzero(fold != k), named)
        here = fold == k
        judged[here] = losses(columns).of(columns[codes])[here]
    return plain.match(codes, len(named), np.arange(len(codes)), named), judged


def constant_risk(counts: Ints, loss: HeadLoss) -> float:
    """Return the risk of the best prediction that is the same for every row."""
    shares = counts / counts.sum()
    if loss == "error":
        return float(1 - shares.max())
    if loss == "brier":
        return float(1 - (shares**2).sum())
    return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())


def among(probabilities: Floats, columns: Ints) -> Floats:
    """Return the probabilities with all mass on these columns, rows summing to 1.

    A row without any mass there is spread evenly over them.
    """
    kept = np.zeros_like(probabilities)
    kept[:, columns] = probabilities[:, columns]
    mass = kept.sum(axis=1)
    kept[np.ix_(mass == 0, columns)] = 1.0
    return kept / np.where(mass == 0, float(len(columns)), mass)[:, None]


def folds(codes: Ints, n_folds: int, rng: np.random.Generator) -> Ints:
    """Return the fold of every row; every class is spread over all folds."""
    order = rng.permutation(len(codes))
    by_class = order[np.argsort(codes[order], kind="stable")]
    found = np.empty(len(codes), dtype=np.int64)
    found[by_class] = np.arange(len(codes)) % n_folds
    return found
