"""Debiased linear CKA from minibatches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._validation import Floats, Ints, RandomState, check_count
from ..registry import register
from ._feature_products import hsic
from ._gram import nothing_left, u_centred
from ._judged import centred, check_doubt, judged, no_variance
from ._paired import SimilarityResult, no_value, outcome, paired_rows


@register(
    family="similarity", inputs="paired tables", units="cosine", range=(-1.0, 1.0),
    direction="larger means more similar", symmetric=True,
    invariances=("column order", "translation", "rotation", "one scale"),
    min_rows=4, cost="O(n b (p + q)) for batches of b rows",
)  # fmt: skip
def minibatch_cka(
    first: Any,
    second: Any,
    *,
    batch_size: int = 256,
    shuffle: bool = True,
    first_ids: Any = None,
    second_ids: Any = None,
    n_permutations: int = 20,
    n_draws: int = 10,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> SimilarityResult:
    r"""Estimate debiased linear CKA from batches of rows.

    Parameters
    ----------
    first, second : array of shape (n, p) and (n, q)
        Two representations of the same rows, in the same order.
    batch_size : int
        Rows of a batch, at least 4; a rest of fewer than 4 joins the last batch.
    shuffle : bool
        Whether rows are dealt to batches at random. Rows sorted by class give batches of one
        class, and the similarity within classes.
    first_ids, second_ids : array of shape (n,), optional
        Names of the rows; the second table is put into the order of the first.
    n_permutations, n_draws : int
        Shuffles of the rows behind the chance level and half-samples behind the interval; each
        costs as much as the value, or half of it; 0 costs nothing.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of the batches, of shuffles and of half-samples.

    Returns
    -------
    SimilarityResult
        Between -1 and 1; larger means more similar. No value when a side does not vary.

    Notes
    -----
    :math:`\sum_b H(X_b, Y_b) / \sqrt{\sum_b H(X_b, X_b) \sum_b H(Y_b, Y_b)}` with H the unbiased
    HSIC of a batch. The sums come first and the ratio last: a mean of ratios is biased. One
    batch of all rows gives :func:`cka` exactly. :func:`streaming_cka` gives the exact number in
    one pass as well; this one is cheaper where batches are smaller than layers are wide. The
    interval counts how rows are dealt to batches as well; a nominal 80 % held in 75 % (60 rows)
    and over 99 % (200) of 200 draws.

    References
    ----------
    Nguyen, Raghu & Kornblith (2021), Do wide and deep networks learn the same things?, ICLR,
    eqs. 2 and 3. Song et al. (2012), JMLR 13, eq. 5.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(600, 5))
    >>> other = np.tanh(rows) + rng.normal(size=(600, 5))
    >>> from negtransfer.metrics.similarity.cka import cka
    >>> abs(minibatch_cka(rows, other, batch_size=100).value - cka(rows, other).value) < 0.02
    True
    """
    pair = paired_rows(first, second, first_ids=first_ids, second_ids=second_ids)
    batch_size = check_count(batch_size, "batch_size", minimum=4)
    doubt = check_doubt(n_permutations, n_draws, level, random_state)
    x, y = centred(pair.first), centred(pair.second)
    n = len(x)
    if reason := no_variance(x, y):
        return no_value(pair, reason, n_rows=n)
    x, y = (side / np.linalg.norm(side) for side in (x, y))
    if shuffle:
        dealt = doubt.rng.permutation(n)
        x, y = x[dealt], y[dealt]
    own = _sums(x, x, batch_size), _sums(y, y, batch_size)
    for side, name in zip(own, ("first", "second"), strict=True):
        if not side > 1e-10 / n:
            return no_value(pair, nothing_left(name), n_rows=n)
    norm = math.sqrt(own[0] * own[1])

    def shuffled(order: Ints) -> float:
        # the rows of a batch change, and with them its own terms
        return _ratio(x, y[order], batch_size) or 0.0

    judgement = judged(
        _sums(x, y, batch_size) / norm, doubt, rows=n, best=1.0, low=-1.0, high=1.0,
        shuffled=shuffled, halved=lambda rows: _ratio(x[rows], y[rows], batch_size),
    )  # fmt: skip
    return outcome(pair, judgement, n_rows=n)


def _ratio(x: Floats, y: Floats, size: int) -> float | None:
    square = _sums(x, x, size) * _sums(y, y, size)
    return _sums(x, y, size) / math.sqrt(square) if square > 0 else None


def _sums(x: Floats, y: Floats, size: int) -> float:
    """Return the sum of the unbiased HSIC of consecutive batches."""
    starts = list(range(0, len(x), size))
    if len(starts) > 1 and len(x) - starts[-1] < 4:
        starts.pop()
    ends = [*starts[1:], len(x)]
    same = x is y
    return sum(_unbiased(x[a:b], y[a:b], same) for a, b in zip(starts, ends, strict=True))


def _unbiased(x: Floats, y: Floats, same: bool) -> float:
    """Return the unbiased HSIC of one batch, in the cheaper form."""
    m = len(x)
    x = x - x.mean(axis=0)
    y = x if same else y - y.mean(axis=0)
    if max(x.shape[1], y.shape[1]) < m:
        squares = [np.einsum("ij,ij->i", side, side) for side in (x, y)]
        total = hsic(x.T @ y, squares[0], squares[1], debiased=True)
    else:
        one = u_centred(x @ x.T)
        total = float(np.vdot(one, one if same else u_centred(y @ y.T)))
    return total / (m * (m - 3))
