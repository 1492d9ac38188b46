"""Folds for telling two samples apart, in which no group straddles two folds."""

import numpy as np

from .._validation import Bools, Ints

ALWAYS_TRAIN = -1
"""Fold label of rows that are never held out and share no group with a row that is."""


def group_folds(
    is_target: Ints, groups: Ints, may_hold_out: Bools, n_folds: int, rng: np.random.Generator
) -> Ints | None:
    """Return a fold number for every row, shape (N,), or None when a side cannot be held out.

    Both sides are spread evenly over the folds (stratified), groups stay whole, and the
    assignment is random. Rows that may not be held out but share a group with a row that
    may carry its fold, so that they are left out of its training set.
    """
    _, group = np.unique(groups, return_inverse=True)
    group = group.ravel()
    # Held-out rows of every group by side, shape (n_groups, 2).
    sizes = np.zeros((int(group.max()) + 1, 2), dtype=np.int64)
    np.add.at(sizes, (group[may_hold_out], is_target[may_hold_out]), 1)
    most_folds = int(min(n_folds, (sizes > 0).sum(axis=0).min()))
    if most_folds < 2:
        return None
    fold_of_group = _spread(sizes, most_folds, rng)
    return np.asarray(fold_of_group[group])


def _spread(sizes: Ints, n_folds: int, rng: np.random.Generator) -> Ints:
    """Assign groups to folds so that each side's rows are spread evenly."""
    fold = np.full(len(sizes), ALWAYS_TRAIN, dtype=np.int64)
    load = np.zeros((n_folds, 2), dtype=np.int64)
    order = rng.permutation(len(sizes))
    totals = np.maximum(sizes.sum(axis=0), 1)
    large = order[sizes[order].sum(axis=1) > 1]
    # Large groups first, each where its sides are scarcest; single rows then level out.
    for group in large[np.argsort(-sizes[large].sum(axis=1), kind="stable")]:
        weight = sizes[group] / totals
        chosen = int(np.argmin((load / totals) @ weight))
        fold[group] = chosen
        load[chosen] += sizes[group]
    for side in (0, 1):
        single = order[(sizes[order].sum(axis=1) == 1) & (sizes[order, side] == 1)]
        fold[single] = _fill(load[:, side], len(single), rng)
    return fold


def _fill(load: Ints, n_rows: int, rng: np.random.Generator) -> Ints:
    """Return folds for ``n_rows`` single rows that level the folds' loads, in random order."""
    # Water filling: every fold offers its places by the height they would reach.
    places = load[:, None] + np.arange(n_rows)[None, :]
    # Which of equally filled folds comes first is random.
    height = places + rng.permutation(len(load))[:, None] / len(load)
    lowest = np.argsort(height, axis=None, kind="stable")[:n_rows]
    return rng.permutation(lowest // max(n_rows, 1)).astype(np.int64)
