"""Which rows train and which are held out: shuffled, stratified, or as given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from .._validation import Ints

Splits: TypeAlias = tuple[tuple[Ints, Ints], ...]
"""Pairs of row numbers: to train on, and held out."""


def random_folds(strata: Ints, folds: int, rng: np.random.Generator) -> Splits:
    """Return shuffled folds of equal sizes over which every stratum is spread evenly.

    A stratum with fewer rows than folds is in as many folds as it has rows.
    """
    n = len(strata)
    order = rng.permutation(n)
    order = order[np.argsort(strata[order], kind="stable")]
    fold = np.empty(n, dtype=np.int64)
    # dealt out like cards, one stratum after the other
    fold[order] = np.arange(n) % folds
    rows = np.arange(n)
    return tuple((rows[fold != one], rows[fold == one]) for one in range(folds))


def check_splits(splits: Iterable[Any], rows: int) -> Splits:
    """Return given splits as row numbers, or say what is wrong with them."""
    found = []
    for number, split in enumerate(splits):
        parts = tuple(split)
        if len(parts) != 2:
            raise ValueError(
                f"`splits` must hold pairs (rows to train on, rows held out), entry {number} has "
                f"{len(parts)} parts."
            )
        train, test = (_row_numbers(part, rows, number) for part in parts)
        if np.intersect1d(train, test).size:
            raise ValueError(
                f"Entry {number} of `splits` trains on rows that it holds out; keep them apart."
            )
        found.append((train, test))
    if not found:
        raise ValueError("`splits` is empty; pass at least one pair of row numbers.")
    return tuple(found)


def _row_numbers(given: Any, rows: int, number: int) -> Ints:
    chosen = np.asarray(given)
    if chosen.dtype.kind not in "iu" or chosen.ndim != 1 or not chosen.size:
        raise ValueError(
            f"Entry {number} of `splits` must hold whole row numbers, and at least one."
        )
    if chosen.min() < 0 or chosen.max() >= rows or len(np.unique(chosen)) < len(chosen):
        raise ValueError(
            f"Entry {number} of `splits` must hold different row numbers from 0 to {rows - 1}."
        )
    return chosen.astype(np.int64)
