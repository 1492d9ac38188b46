"""Scores that rest on a table of masses, source classes against target classes.

Taken for many orders of the labels at once, so that a chance level costs little more than the
value.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.sparse import csr_array
from scipy.special import xlogy

from .._validation import Floats, Ints

_CELLS = 2**23
"""Numbers in the tables of all orders taken together (64 MB)."""
_CACHED = 2**17
"""Numbers in a block of rows, so that it stays in the processor's cache (1 MB)."""


class CodedScore(Protocol):
    """A score of labels, for many orders of them; codes (orders, n) without gaps."""

    def __call__(self, codes: Ints, rows: Ints | None = None) -> Floats:
        """Return one value an order; ``rows`` are the numbers of the rows used, if not all."""


def negative_conditional_entropy(table: Floats) -> Floats:
    """Return -H(target | source) of masses (..., source, target) that sum to 1, shape (...).

    Cells and rows without mass count nothing, as 0 log 0 = 0.
    """
    margin = table.sum(axis=-1, keepdims=True)
    given = table / np.where(margin > 0, margin, 1.0)
    return np.asarray(np.minimum(xlogy(table, given).sum(axis=(-2, -1)), 0.0))


def count_scores(source: Ints, codes: Ints, sizes: tuple[int, int]) -> Floats:
    """Return -H(target | source) of hard labels for every order of the target's, shape (B,).

    Parameters
    ----------
    source : ndarray of int64, shape (n,)
    codes : ndarray of int64, shape (B, n)
    sizes : (int, int)
        Source and target classes.
    """
    cells = sizes[0] * sizes[1]
    if cells > _CELLS:
        return np.array([_occupied_score(source, order, sizes) for order in codes])
    together = max(1, _CELLS // cells)
    found = []
    for low in range(0, len(codes), together):
        chunk = codes[low : low + together]
        where = np.arange(len(chunk))[:, None] * cells + source * sizes[1] + chunk
        counts = np.bincount(where.ravel(), minlength=len(chunk) * cells)
        table = counts.reshape(len(chunk), *sizes) / codes.shape[1]
        found.append(negative_conditional_entropy(table))
    return np.concatenate(found)


def _occupied_score(source: Ints, codes: Ints, sizes: tuple[int, int]) -> float:
    """Return the same for one order from the cells that have rows, where the table is too large."""
    cells, counts = np.unique(source * sizes[1] + codes, return_counts=True)
    margin = np.bincount(source, minlength=sizes[0])[cells // sizes[1]]
    return min(float((counts * np.log(counts / margin)).sum()) / len(codes), 0.0)


def class_sums(table: Floats, codes: Ints, n_classes: int) -> Floats:
    """Return the sum of the rows of every class for every order, shape (B, C, S)."""
    orders, n = codes.shape
    by_class = np.argsort(codes, axis=1, kind="stable")
    counts = np.stack([np.bincount(c, minlength=n_classes) for c in codes])
    ends = np.concatenate([[0], np.cumsum(counts)])
    ones = np.ones(orders * n)
    indicator = csr_array((ones, by_class.ravel(), ends), shape=(orders * n_classes, n))
    return np.asarray(indicator @ table).reshape(orders, n_classes, -1)


def expected_predictions(probabilities: Floats, codes: Ints, n_classes: int) -> Floats:
    """Return LEEP for every order of the labels, shape (B,).

    Only the probability of each row's own class is taken, O(n S) an order.
    """
    together = max(1, _CELLS // (n_classes * probabilities.shape[1]))
    found = []
    for low in range(0, len(codes), together):
        chunk = codes[low : low + together]
        given = class_sums(probabilities, chunk, n_classes)
        given /= np.maximum(given.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        found.append(_mean_logs(probabilities, given, chunk))
    return np.concatenate(found)


def _mean_logs(probabilities: Floats, given: Floats, codes: Ints) -> Floats:
    n, s = probabilities.shape
    totals = np.zeros(len(codes))
    step = max(1, _CACHED // s)
    for low in range(0, n, step):
        rows = probabilities[low : low + step]
        for k, own in enumerate(codes[:, low : low + step]):
            totals[k] += np.log(np.einsum("ns,ns->n", given[k][own], rows)).sum()
    return np.asarray(np.minimum(totals / n, 0.0))
