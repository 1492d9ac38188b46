"""SVCCA: canonical correlations of the leading singular directions."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from .._validation import Floats, Ints, RandomState, check_choice
from ..registry import register
from ._cca import Directions, correlations, directions, row_cautions
from ._judged import both_cautions, centred, check_doubt, judged, no_variance
from ._paired import check_paired
from .mean_cca import CcaResult

ShareOf: TypeAlias = Literal["variance", "singular values"]


@register(
    family="similarity", inputs="paired tables", units="correlation", range=(0.0, 1.0),
    direction="larger means more similar", symmetric=True,
    invariances=("row order", "column order", "translation", "rotation", "one scale"),
    min_rows=4, cost="O(n (p^2 + q^2))",
)  # fmt: skip
def svcca(
    first: Any,
    second: Any,
    *,
    keep: float = 0.99,
    share_of: ShareOf = "variance",
    first_ids: Any = None,
    second_ids: Any = None,
    n_permutations: int = 30,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> CcaResult:
    r"""Measure how well the leading directions of two representations match.

    Parameters
    ----------
    first, second : array of shape (n, p) and (n, q)
        Two representations of the same rows, in the same order.
    keep : float or int
        A float in (0, 1]: keep the fewest directions that reach this share, 1.0 all. An int: keep
        so many directions, or all where there are fewer.
    share_of : {"variance", "singular values"}
        What the share is of: squared singular values as in the paper, or singular values. Not
        used when ``keep`` is an int.
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
        0 to 1; larger means more similar. ``rank_first`` and ``rank_second`` tell how many
        directions were kept. No value when a side does not vary.

    Notes
    -----
    The columns are centred, the leading left singular vectors kept, and the mean taken of the
    canonical correlations over the smaller number kept.

    Packages differ. google/svcca's tutorial keeps a fixed number: pass an int. anatome keeps
    directions by their share of the singular values, one fewer than reach it, of the table that
    was not centred, so that its value depends on the mean. resi compares a share with a total and
    keeps one direction whenever the total variance is above 1: ``keep=1``. Values of different
    conventions are not comparable.

    Weak directions within the kept ones count as much as the first, and a share of 99 % keeps few
    directions where one dominates: read ``rank_first`` beside the value. With few rows a
    similarity arises by chance, which the chance level shows.

    References
    ----------
    Raghu, Gilmer, Yosinski & Sohl-Dickstein (2017), SVCCA, NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(200, 4)) * [5.0, 3.0, 1.0, 0.01]
    >>> rotation = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    >>> result = svcca(rows, rows @ rotation)
    >>> round(result.value, 6), result.rank_first
    (1.0, 3)
    """
    x, y = check_paired(first, second, first_ids=first_ids, second_ids=second_ids)
    _check_keep(keep)
    check_choice(share_of, "share_of", get_args(ShareOf))
    doubt = check_doubt(n_permutations, n_draws, level, random_state)
    cautions = both_cautions(first, second)
    x, y = centred(x), centred(y)

    def leading(table: Floats) -> Directions:
        found = directions(table)
        return found.leading(_how_many(found.sizes, keep, share_of))

    if reason := no_variance(x, y):
        return CcaResult(
            value=None, reason=reason, n_rows=len(x), cautions=cautions,
            correlations=np.empty(0), rank_first=leading(x).rank, rank_second=leading(y).rank,
        )  # fmt: skip
    one, other = leading(x), leading(y)

    def halved(rows: Ints) -> float | None:
        half = [leading(centred(side[rows])).basis for side in (x, y)]
        found = correlations(half[0], half[1])
        return float(found.mean()) if len(found) else None

    rho = correlations(one.basis, other.basis)
    judgement = judged(
        float(rho.mean()), doubt, rows=len(x), best=1.0, low=0.0, high=1.0, halved=halved,
        shuffled=lambda order: float(correlations(one.basis[order], other.basis).mean()),
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


def _check_keep(keep: float) -> None:
    counted = isinstance(keep, int | np.integer) and not isinstance(keep, bool)
    shared = isinstance(keep, float | np.floating) and 0 < keep <= 1
    if not shared and not (counted and keep >= 1):
        raise ValueError(
            "`keep` must be a number of directions such as 10, or a share above 0 and at most 1.0, "
            f"got {keep!r}."
        )


def _how_many(sizes: Floats, keep: float, share_of: ShareOf) -> int:
    if isinstance(keep, int | np.integer):
        return min(int(keep), len(sizes))
    if not len(sizes):
        return 0
    weights = sizes**2 if share_of == "variance" else sizes
    reached = np.cumsum(weights) / weights.sum()
    # rounding must not ask for a direction more than there are, nor for one beyond a share reached
    return min(int((reached < keep - 1e-12).sum()) + 1, len(sizes))
