"""Mean canonical correlation of two representations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from .._scores import ScoreResult
from .._validation import Floats, Ints, RandomState, check_choice
from ..registry import register
from ._cca import correlations, directions, half_of_basis, row_cautions
from ._judged import both_cautions, centred, check_doubt, judged, no_variance
from ._paired import check_paired

CcaMean: TypeAlias = Literal["directions", "columns"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CcaResult(ScoreResult):
    """Outcome of a measure built on canonical correlations.

    Attributes
    ----------
    correlations : ndarray of shape (r,)
        The canonical correlations, descending; empty without a value.
    rank_first, rank_second : int
        Directions of each side that were compared.
    """

    correlations: Floats
    rank_first: int
    rank_second: int


@register(
    family="similarity", inputs="paired tables", units="correlation", range=(0.0, 1.0),
    direction="larger means more similar", symmetric=True,
    invariances=(
        "row order", "column order", "translation", "rotation", "one scale", "column scales",
    ),
    min_rows=4, cost="O(n (p^2 + q^2))",
)  # fmt: skip
def mean_cca(
    first: Any,
    second: Any,
    *,
    squared: bool = False,
    mean_over: CcaMean = "directions",
    first_ids: Any = None,
    second_ids: Any = None,
    n_permutations: int = 30,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> CcaResult:
    r"""Measure how well linear combinations of one representation match those of the other.

    Parameters
    ----------
    first, second : array of shape (n, p) and (n, q)
        Two representations of the same rows, in the same order.
    squared : bool
        Whether the mean is taken of squared correlations (R² of Kornblith et al.).
    mean_over : {"directions", "columns"}
        directions: over the smaller rank, so that dead units do not count (google/svcca).
        columns: over the smaller width, where each dead unit counts as a correlation of 0, so that
        a representation with dead units is not at 1 with itself (js-d/sim_metric).
    first_ids, second_ids : array of shape (n,), optional
        Names of the rows, checked to agree.
    n_permutations, n_draws : int
        Shuffles of the rows behind the chance level and half-samples behind the interval; each
        costs about as much as a matrix product, respectively as the value itself.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    CcaResult
        0 to 1; larger means more similar. No value when a side does not vary.

    Notes
    -----
    The canonical correlations are the singular values of :math:`Q_x^T Q_y`, where the columns of
    Q are an orthonormal basis of the centred columns of a side. Unchanged by any invertible
    linear map of either side. Directions whose singular value is below 1e-6 of the largest (with
    columns of equal length) are left out as rounding; :attr:`CcaResult.rank_first` tells.

    It misleads with few rows: two spans of p and q directions among n - 1 must share
    p + q - n + 1, however unrelated they are, and chance correlations fade only with n far above
    p + q. Every direction counts the same, one of noise as much as the first.

    References
    ----------
    Hotelling (1936), Relations between two sets of variates, Biometrika 28.
    Kornblith et al. (2019), Similarity of neural network representations revisited, ICML, table 1.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(200, 3))
    >>> other = rows @ rng.normal(size=(3, 3)) + 5
    >>> result = mean_cca(rows, other)
    >>> round(result.value, 6), result.chance.mean < 0.2
    (1.0, True)
    """
    x, y = check_paired(first, second, first_ids=first_ids, second_ids=second_ids)
    check_choice(mean_over, "mean_over", get_args(CcaMean))
    doubt = check_doubt(n_permutations, n_draws, level, random_state)
    cautions = both_cautions(first, second)
    width = min(x.shape[1], y.shape[1])
    x, y = centred(x), centred(y)
    one, other = directions(x, equal_columns=True), directions(y, equal_columns=True)
    if reason := no_variance(x, y):
        return CcaResult(
            value=None, reason=reason, n_rows=len(x), cautions=cautions,
            correlations=np.empty(0), rank_first=one.rank, rank_second=other.rank,
        )  # fmt: skip
    power = 2 if squared else 1

    def mean(found: Floats) -> float:
        over = len(found) if mean_over == "directions" else width
        return float((found**power).sum() / over)

    def halved(rows: Ints) -> float | None:
        # any basis of the columns will do, and the one at hand is narrow and well conditioned
        found = correlations(half_of_basis(one.basis, rows), half_of_basis(other.basis, rows))
        return mean(found) if len(found) else None

    rho = correlations(one.basis, other.basis)
    judgement = judged(
        mean(rho), doubt, rows=len(x), best=mean(np.ones_like(rho)), low=0.0, high=1.0,
        halved=halved,
        shuffled=lambda order: mean(correlations(one.basis[order], other.basis)),
    )  # fmt: skip
    return CcaResult(
        value=judgement.value,
        normalised=judgement.normalised,
        chance=judgement.chance,
        interval=judgement.interval,
        n_rows=len(x),
        cautions=cautions + row_cautions(len(x), one.rank, other.rank),
        correlations=rho,
        rank_first=one.rank,
        rank_second=other.rank,
    )
