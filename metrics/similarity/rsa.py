"""Representational similarity analysis of two representations of the same rows."""

from __future__ import annotations

from typing import Any, get_args

from .._scores import Caution
from .._validation import Floats, RandomState, check_choice, check_count, subsample
from ..registry import register
from ._dissimilarities import (
    Distance,
    Normalisation,
    all_alike,
    check_precomputed,
    dissimilarities,
    flat_caution,
    normalised,
)
from ._gram import nothing_left, submatrix
from ._judged import check_doubt, judged
from ._pair_comparison import Comparison, pair_comparison
from ._paired import SimilarityResult, no_value, outcome, paired_matrices, paired_rows


@register(
    family="similarity", inputs="paired tables", units="rank correlation", range=(-1.0, 1.0),
    direction="larger means more similar", symmetric=True,
    invariances=("row order", "column order", "one scale"),
    min_rows=4, cost="O(n^2 (p + q) + n^2 log n) for at most 2,000 rows",
)  # fmt: skip
def rsa(
    first: Any,
    second: Any,
    *,
    distance: Distance = "correlation",
    compare: Comparison = "spearman",
    normalise: Normalisation | None = None,
    max_rows: int = 2000,
    first_ids: Any = None,
    second_ids: Any = None,
    n_permutations: int = 50,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> SimilarityResult:
    r"""Measure whether two representations find the same pairs of rows far apart.

    Parameters
    ----------
    first, second : array of shape (n, p) and (n, q)
        Two representations of the same rows, in the same order; with ``"precomputed"`` their
        matrices of dissimilarities, shape (n, n).
    distance : {"correlation", "cosine", "euclidean", "sqeuclidean", "mahalanobis", "precomputed"}
        Between rows. correlation and cosine: one less Pearson's correlation over columns, or the
        cosine. mahalanobis: Euclidean after the columns of all rows were made uncorrelated.
    compare : {"spearman", "rho-a", "pearson", "kendall", "tau-b", "cosine", "whitened cosine", \
"whitened pearson"}
        Of the distances of all pairs. spearman gives ties their mean rank and corrects for them;
        rho-a does not correct, it is the mean over all ways to break them. kendall: tau-a, ties
        count as neither; tau-b: corrected for them. cosine counts a common level of all
        distances as agreement, 0.87 for unrelated tables. whitened: after Diedrichsen et al.,
        for which "sqeuclidean" distances give plain CKA.
    normalise : {None, "centre", "zscore"}
        What is done to the columns first: nothing, the mean taken away, or also divided by the
        standard deviation; constant columns become 0.
    max_rows : int
        More rows than this are cut to a random sample of as many, drawn once.
    first_ids, second_ids : array of shape (n,), optional
        Names of the rows; the second table is put into the order of the first.
    n_permutations, n_draws : int
        Shuffles of the rows behind the chance level and half-samples behind the interval. They
        move the ranks once found, and are cheap but for "kendall" and "tau-b", which sort again
        each time: a second each at 2,000 rows. 0 costs nothing.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of the sample, of shuffles and of half-samples.

    Returns
    -------
    SimilarityResult
        Between -1 and 1; larger means more similar. No value when all pairs of rows of a side are
        equally far apart.

    Notes
    -----
    The correlation of the entries above the diagonals of the two matrices of dissimilarities.
    Distances that agree to 12 digits are ties. Half-samples keep the ranks among all pairs.
    The resi package has these defaults. In rsatoolbox "euclidean" is "sqeuclidean" here, divided
    by the columns.

    What does not change the value depends on the distance: "correlation" is that of rows over
    columns, which neither a rotation nor a translation of the columns leaves alone (0.97 for a
    table and its rotation, where CKA is 1); "euclidean" is invariant to both, "mahalanobis" to any
    invertible map. Pairs share rows and are not independent: shuffles move whole rows. The
    interval held in 77 % (60 rows) and 80 % (200) of 200 draws for a nominal 80 %.

    References
    ----------
    Kriegeskorte, Mur & Bandettini (2008), Front. Syst. Neurosci. 2. Nili et al. (2014), PLoS
    Comput. Biol. 10 (tau-a). Dwivedi & Roig (2019), CVPR. Diedrichsen et al. (2021), arXiv
    2007.02789.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(80, 5))
    >>> round(rsa(rows, 2 * rows).value, 6)
    1.0
    >>> result = rsa(rows, rows + rng.normal(size=(80, 5)))
    >>> 0.2 < result.value < 0.8, result.p_value < 0.05
    (True, True)
    """
    check_choice(distance, "distance", get_args(Distance))
    check_choice(compare, "compare", get_args(Comparison))
    if normalise is not None:
        check_choice(normalise, "normalise", get_args(Normalisation))
    doubt = check_doubt(n_permutations, n_draws, level, random_state)
    max_rows = check_count(max_rows, "max_rows", minimum=4)
    ids = {"first_ids": first_ids, "second_ids": second_ids}
    pair = (paired_matrices if distance == "precomputed" else paired_rows)(first, second, **ids)
    rows = subsample(len(pair.first), max_rows, doubt.rng)
    matrices: list[Floats] = []
    more: list[Caution] = []
    for table, name in ((pair.first, "first"), (pair.second, "second")):
        if distance == "precomputed":
            check_precomputed(table, name)
            matrices.append(submatrix(table, rows))
        else:
            part = normalised(table[rows], normalise)
            matrices.append(dissimilarities(part, distance))
            more.extend(flat_caution(part, distance, name))
        if all_alike(matrices[-1]):
            return no_value(pair, nothing_left(name), n_rows=len(rows), more=tuple(more))
    compared = pair_comparison(matrices[0], matrices[1], compare)
    value = compared.value()
    if value is None:
        return no_value(pair, nothing_left("first"), n_rows=len(rows), more=tuple(more))
    judgement = judged(
        value, doubt, rows=len(rows), shuffled=compared.shuffled, halved=compared.halved, best=1.0,
        low=-1.0, high=1.0,
    )  # fmt: skip
    return outcome(pair, judgement, n_rows=len(rows), more=tuple(more))
