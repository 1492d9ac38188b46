"""How far apart the rows of two classes lie: the label part of OTDD's ground distance."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from .._validation import Floats, Ints
from ._transport import exact_cost

Inner: TypeAlias = Literal["exact", "gaussian"]


def exact_table(squares: Floats, first: Ints, second: Ints, *, alike: bool = False) -> Floats:
    """Return the squared W2 between the rows of any two classes, (classes, classes).

    `squares` (n, m) holds the squared distances of the rows, `first` (n,) and `second` (m,)
    their classes, numbered from 0 without gaps. Where both sides are `alike`, the same rows, the
    table is symmetric and 0 on its diagonal, so that half of it is solved.
    """
    rows, columns = _members(first), _members(second)
    table = np.zeros((len(rows), len(columns)))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if not alike:
                table[i, j] = exact_cost(squares[np.ix_(row, column)])
            elif i < j:
                table[i, j] = table[j, i] = exact_cost(squares[np.ix_(row, column)])
    return np.maximum(table, 0.0)


def gaussian_table(x: Floats, y: Floats, first: Ints, second: Ints, *, shrink: bool) -> Floats:
    """Return the same for normal laws with the means and covariances of the classes.

    |m1 - m2|² + tr(S1 + S2 - 2 (S1 S2)^(1/2)); the trace of the root is the sum of the singular
    values of F1' F2 with S = F F', which is exact also for singular covariances.
    """
    rows = [_normal(x[members], shrink) for members in _members(first)]
    columns = [_normal(y[members], shrink) for members in _members(second)]
    table = [[_squared_bures(*r, *c) for c in columns] for r in rows]
    return np.maximum(np.array(table, dtype=np.float64), 0.0)


def gaussian_warnings(x: Floats, y: Floats, first: Ints, second: Ints) -> tuple[str, ...]:
    """Say how many classes have no covariance of full rank."""
    counts = np.concatenate([np.bincount(first), np.bincount(second)])
    few = int(np.count_nonzero(counts <= x.shape[1]))
    if not few:
        return ()
    return (
        f"{few} of {len(counts)} classes have no more rows than columns ({x.shape[1]}), so that "
        'their covariance is singular; prefer `inner="exact"`.',
    )


def _members(classes: Ints) -> list[Ints]:
    return [np.flatnonzero(classes == k) for k in range(int(classes.max()) + 1)]


def _normal(rows: Floats, shrink: bool) -> tuple[Floats, Floats]:
    """Return the mean (d,) and a factor F (d, d) of the covariance F F'."""
    mean = rows.mean(axis=0)
    d = rows.shape[1]
    if len(rows) == 1:
        return mean, np.zeros((d, d))
    covariance = np.atleast_2d(np.cov(rows, rowvar=False))
    if shrink and len(rows) <= d:
        covariance = _shrunk(rows, covariance)
    values, vectors = np.linalg.eigh(covariance)
    return mean, vectors * np.sqrt(np.maximum(values, 0.0))


def _shrunk(rows: Floats, covariance: Floats) -> Floats:
    from sklearn.covariance import ledoit_wolf_shrinkage

    share, d = ledoit_wolf_shrinkage(rows), len(covariance)
    return np.asarray((1 - share) * covariance + share * np.trace(covariance) / d * np.eye(d))


def _squared_bures(mean_1: Floats, factor_1: Floats, mean_2: Floats, factor_2: Floats) -> float:
    overlap = np.linalg.svd(factor_1.T @ factor_2, compute_uv=False).sum()
    traces = (factor_1**2).sum() + (factor_2**2).sum()
    return float(((mean_1 - mean_2) ** 2).sum() + traces - 2 * overlap)
