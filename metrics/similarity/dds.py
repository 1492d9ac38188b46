"""Duality diagram similarity of two representations of the same rows."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from scipy.spatial.distance import cdist

from .._scores import Caution
from .._validation import Floats, Ints, RandomState, check_choice, check_count, subsample
from ..registry import register
from ._dissimilarities import (
    Normalisation,
    all_alike,
    check_precomputed,
    dissimilarities,
    flat_caution,
    normalised,
)
from ._gram import gram_pair, no_bandwidth, nothing_left, rbf_kernel, submatrix
from ._judged import check_doubt, judged
from ._paired import SimilarityResult, no_value, outcome, paired_matrices, paired_rows

DdsFunction: TypeAlias = Literal[
    "rbf", "laplacian", "linear", "pearson", "euclidean", "cosine", "precomputed"
]
DdsNormalisation: TypeAlias = Literal["none", "centering", "znorm"]

_COLUMNS: dict[str, Normalisation | None] = {
    "none": None, "centering": "centre", "znorm": "zscore",
}  # fmt: skip
_DISTANCES = {"pearson": "correlation", "euclidean": "euclidean", "cosine": "cosine"}


@register(
    family="similarity", inputs="paired tables", units="cosine", range=(-1.0, 1.0),
    direction="larger means more similar", symmetric=True,
    invariances=("row order", "column order", "translation", "one scale", "column scales"),
    min_rows=4, cost="O(n^2 (p + q)) for at most 4,000 rows",
)  # fmt: skip
def dds(
    first: Any,
    second: Any,
    *,
    function: DdsFunction = "cosine",
    normalise: DdsNormalisation = "znorm",
    max_rows: int = 4000,
    first_ids: Any = None,
    second_ids: Any = None,
    n_permutations: int = 50,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> SimilarityResult:
    r"""Measure whether two encoders see the same relations between images, or other rows.

    Parameters
    ----------
    first, second : array of shape (n, p) and (n, q)
        Two representations of the same rows, in the same order; with ``"precomputed"`` two
        matrices of dissimilarities, shape (n, n).
    function : {"rbf", "laplacian", "linear", "pearson", "euclidean", "cosine", "precomputed"}
        What relates two rows. rbf: as in :func:`cka`. laplacian: exp(-|x - y|_1 / p). linear:
        inner product. pearson, cosine: one less the correlation, or cosine. euclidean: distance.
    normalise : {"none", "centering", "znorm"}
        What is done to the columns first: nothing, the mean taken away, or also divided by the
        standard deviation; constant columns become 0.
    max_rows : int
        More rows than this are cut to a random sample of as many, drawn once.
    first_ids, second_ids : array of shape (n,), optional
        Names of the rows; the second table is put into the order of the first.
    n_permutations, n_draws : int
        Shuffles of the rows behind the chance level and half-samples behind the interval. They
        move the entries of the two matrices; 0 costs nothing.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of the sample, of shuffles and of half-samples.

    Returns
    -------
    SimilarityResult
        Between -1 and 1; larger means more similar. Values below 0 are no similarity and are not
        cut. No value when all pairs of rows of a side are equally far apart.

    Notes
    -----
    The cosine of the two matrices, each with a zero diagonal and U-centred; 0 on average for
    unrelated rows. Dissimilarities go in where CKA has kernels: the sign cancels. "linear" and
    "rbf" without normalisation are debiased CKA. The authors' other normalisations (group,
    instance, layer, batch norm) need feature maps and are left out.

    With ``function="cosine"`` and "znorm", the best of the authors' grid, it ranks source tasks
    of Taskonomy by their published affinity with a mean rank correlation of 0.862, of which 0.025
    come from every task being its own best source. One threshold for all targets is worth little
    (area under the curve 0.69): compare sources within a target. Neither "znorm" nor "cosine"
    is invariant to rotation of the columns. The interval held in 86 % (60 rows) and 84 % (200) of
    200 draws for a nominal 80 %.

    References
    ----------
    Dwivedi, Huang, Cichy & Roig (2020), Duality diagram similarity: a generic framework for
    initialization selection in task transfer learning, ECCV.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(80, 5))
    >>> round(dds(rows, rows * [1, 2, 3, 4, 5] + 7).value, 6)
    1.0
    >>> abs(dds(rows, rng.normal(size=(80, 5))).value) < 0.1
    True
    """
    check_choice(function, "function", get_args(DdsFunction))
    check_choice(normalise, "normalise", get_args(DdsNormalisation))
    doubt = check_doubt(n_permutations, n_draws, level, random_state)
    max_rows = check_count(max_rows, "max_rows", minimum=4)
    ids = {"first_ids": first_ids, "second_ids": second_ids}
    pair = (paired_matrices if function == "precomputed" else paired_rows)(first, second, **ids)
    rows = subsample(len(pair.first), max_rows, doubt.rng)
    matrices: list[Floats] = []
    more: list[Caution] = []
    for table, name in ((pair.first, "first"), (pair.second, "second")):
        found, cautions = _related(table, rows, function, normalise, name)
        more.extend(cautions)
        if isinstance(found, Caution):
            return no_value(pair, found, n_rows=len(rows), more=tuple(more))
        matrices.append(found)
    sides = gram_pair(matrices[0], matrices[1], debiased=True)
    if reason := sides.undefined():
        return no_value(pair, reason, n_rows=len(rows), more=tuple(more))
    judgement = judged(
        sides.value(), doubt, rows=len(rows), shuffled=sides.shuffled, halved=sides.halved,
        best=1.0, low=-1.0, high=1.0,
    )  # fmt: skip
    return outcome(pair, judgement, n_rows=len(rows), more=tuple(more))


def _related(
    table: Floats, rows: Ints, function: DdsFunction, normalise: DdsNormalisation, name: str
) -> tuple[Floats | Caution, tuple[Caution, ...]]:
    """Return what relates the rows, or why nothing does, and what is doubtful about it."""
    if function == "precomputed":
        check_precomputed(table, name)
        return submatrix(table, rows), ()
    part = normalised(table[rows], _COLUMNS[normalise])
    # a kernel whose diagonal stands for itself says nothing about pairs
    if all_alike(dissimilarities(part, "sqeuclidean")):
        return nothing_left(name), ()
    if function in _DISTANCES:
        distance = _DISTANCES[function]
        return dissimilarities(part, distance), flat_caution(part, distance, name)
    # U-centring does not see a translation; products of small numbers keep their digits
    part = part - part.mean(axis=0)
    if function == "rbf":
        kernel = rbf_kernel(part, 0.5)
        return (no_bandwidth(name) if kernel is None else kernel), ()
    if function == "laplacian":
        return np.exp(-cdist(part, part, "cityblock") / part.shape[1]), ()
    return part @ part.T, ()
