"""Centred kernel alignment of two representations of the same rows."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from .._scores import Caution
from .._validation import (
    Floats,
    RandomState,
    check_choice,
    check_count,
    check_positive,
    subsample,
)
from ..registry import register
from ._feature_products import FeaturePair, feature_pair
from ._gram import GramPair, gram_pair, no_bandwidth, rbf_kernel
from ._judged import centred, check_doubt, judged, no_variance
from ._paired import SimilarityResult, no_value, outcome, paired_rows

CkaKernel: TypeAlias = Literal["linear", "rbf"]


@register(
    family="similarity", inputs="paired tables", units="cosine", range=(-1.0, 1.0),
    direction="larger means more similar", symmetric=True,
    invariances=("row order", "column order", "translation", "rotation", "one scale"),
    min_rows=4, cost="O(n p q + n p^2 + n q^2), or O(n^2 (p + q)) for fewer rows than columns",
)  # fmt: skip
def cka(
    first: Any,
    second: Any,
    *,
    kernel: CkaKernel = "linear",
    debiased: bool = True,
    threshold: float = 0.5,
    bandwidth: float | None = None,
    max_rows: int = 5000,
    first_ids: Any = None,
    second_ids: Any = None,
    n_permutations: int = 30,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> SimilarityResult:
    r"""Measure how alike two representations see the similarities between the same rows.

    Parameters
    ----------
    first, second : array of shape (n, p) and (n, q)
        Two representations of the same rows, in the same order.
    kernel : {"linear", "rbf"}
        linear: inner products. rbf: Gaussian, sees near neighbours more.
    debiased : bool
        Whether the unbiased estimate is taken, which is about 0 for unrelated tables of any
        width; else the plain one, which tends to 1 as the columns outnumber the rows.
    threshold : float
        Width of the Gaussian: its variance is ``threshold``² times the median squared distance.
    bandwidth : float, optional
        Standard deviation of the Gaussian itself, in place of the median rule.
    max_rows : int
        The rbf kernel is computed on at most this many rows, drawn once; the linear one on all.
    first_ids, second_ids : array of shape (n,), optional
        Names of the rows; the second table is put into the order of the first.
    n_permutations, n_draws : int
        Shuffles of the rows behind the chance level and half-samples behind the interval. A
        shuffle costs a third to a half of the value, a half-sample about half; 0 costs nothing.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    SimilarityResult
        Between -1 and 1, for ``debiased=False`` between 0 and 1; larger means more similar.
        Values below 0 are no similarity and are not cut. No value when a side does not vary.

    Notes
    -----
    :math:`\langle \tilde K, \tilde L \rangle / (|\tilde K| |\tilde L|)` of the two kernel
    matrices. Plain: both centred, :math:`H K H`. Debiased: diagonal 0, then U-centred, the
    estimate of Song et al.; its mean over all orders of the rows of one side is exactly 0.
    The linear kernel needs products of columns only,
    :math:`|Y^T X|^2 - \frac{n}{n-2} \sum_i |x_i|^2 |y_i|^2 + \frac{|X|^2 |Y|^2}{(n-1)(n-2)}`;
    this form is used while there are more rows than columns. The median of the rbf kernel is that
    of the whole matrix of squared distances with its zero diagonal, as in the notebook of
    Kornblith et al.; a fixed ``bandwidth`` (1 in platonic-rep) calls anything similar. anatome
    returns one less the value, netrep its angle: ``arccos`` of the value with ``debiased=False``.

    Plain values of unrelated tables: 0.41 at 60 rows and 600 columns, debiased -0.01. Columns of
    large variance, or a few far rows, decide alone; constant columns are harmless. Equal
    similarities do not mean equal labels. The interval held in 80 % (60 rows) and 74 % (200) of
    200 draws for a nominal 80 %. On some thousand rows the 30 shuffles take some seconds: ask for
    fewer where many layers are compared, or see ``streaming_cka``.

    References
    ----------
    Kornblith, Norouzi, Lee & Hinton (2019), Similarity of neural network representations
    revisited, ICML. Song, Smola, Gretton, Bedo & Borgwardt (2012), JMLR 13, eq. 5. Székely & Rizzo
    (2014), Ann. Stat. 42.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(60, 4))
    >>> rotation = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    >>> round(cka(rows, 3 * rows @ rotation + 1).value, 6)
    1.0
    >>> wide = rng.normal(size=(60, 600))
    >>> cka(rows, wide, debiased=False).value > 0.2, abs(cka(rows, wide).value) < 0.1
    (True, True)
    """
    pair = paired_rows(first, second, first_ids=first_ids, second_ids=second_ids)
    check_choice(kernel, "kernel", get_args(CkaKernel))
    threshold = check_positive(threshold, "threshold")
    bandwidth = None if bandwidth is None else check_positive(bandwidth, "bandwidth")
    max_rows = check_count(max_rows, "max_rows", minimum=4)
    doubt = check_doubt(n_permutations, n_draws, level, random_state)
    x, y = pair.first, pair.second
    if kernel == "rbf":
        rows = subsample(len(x), max_rows, doubt.rng)
        x, y = x[rows], y[rows]
    x, y = centred(x), centred(y)
    sides = no_variance(x, y) or _sides(x, y, kernel, threshold, bandwidth, debiased)
    if isinstance(sides, Caution):
        return no_value(pair, sides, n_rows=len(x))
    if reason := sides.undefined():
        return no_value(pair, reason, n_rows=len(x))
    judgement = judged(
        sides.value(), doubt, rows=len(x), shuffled=sides.shuffled, halved=sides.halved, best=1.0,
        low=-1.0 if debiased else 0.0, high=1.0,
    )  # fmt: skip
    return outcome(pair, judgement, n_rows=len(x))


def _sides(
    x: Floats, y: Floats, kernel: CkaKernel, threshold: float, bandwidth: float | None,
    debiased: bool,
) -> FeaturePair | GramPair | Caution:  # fmt: skip
    """Return both sides in the cheaper form, or why there is none."""
    if kernel == "linear":
        if max(x.shape[1], y.shape[1]) < len(x):
            return feature_pair(x, y, debiased=debiased)
        x, y = (side / np.linalg.norm(side) for side in (x, y))
        return gram_pair(x @ x.T, y @ y.T, debiased=debiased)
    kernels = []
    for side, name in ((x, "first"), (y, "second")):
        found = rbf_kernel(side, threshold, bandwidth)
        if found is None:
            return no_bandwidth(name)
        kernels.append(found)
    return gram_pair(kernels[0], kernels[1], debiased=debiased)
