"""PWCCA: canonical correlations weighted by how much of the representation they carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from .._validation import Floats, Ints, RandomState, check_choice
from ..registry import register
from ._cca import Directions, directions, row_cautions
from ._judged import both_cautions, centred, check_doubt, judged, no_variance
from ._paired import check_paired
from .mean_cca import CcaResult

PwccaWeights: TypeAlias = Literal["absolute", "squared"]
WeightedBy: TypeAlias = Literal["mean", "first", "second"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PwccaResult(CcaResult):
    """Outcome of :func:`pwcca`.

    Attributes
    ----------
    by_first, by_second : float or None
        The value with the weights of either side.
    """

    by_first: float | None
    by_second: float | None


@register(
    family="similarity", inputs="paired tables", units="correlation", range=(0.0, 1.0),
    direction="larger means more similar", symmetric=True,
    invariances=("row order", "column order", "translation", "one scale"),
    min_rows=4, cost="O(n (p^2 + q^2))",
)  # fmt: skip
def pwcca(
    first: Any,
    second: Any,
    *,
    weights: PwccaWeights = "absolute",
    weighted_by: WeightedBy = "mean",
    first_ids: Any = None,
    second_ids: Any = None,
    n_permutations: int = 30,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> PwccaResult:
    r"""Measure how well two representations match, each direction weighted by what it carries.

    Parameters
    ----------
    first, second : array of shape (n, p) and (n, q)
        Two representations of the same rows, in the same order.
    weights : {"absolute", "squared"}
        absolute: sums of absolute inner products of a direction with the columns, as in the paper;
        they change when the columns are rotated. squared: of squared ones, the variance a
        direction carries; unchanged by rotations.
    weighted_by : {"mean", "first", "second"}
        Whose columns weight. The paper's measure is not symmetric; mean takes both.
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
    PwccaResult
        0 to 1; larger means more similar. No value when a side does not vary.

    Notes
    -----
    :math:`\sum_i \alpha_i \rho_i` with :math:`\alpha_i \propto \sum_j |\langle h_i, x_j
    \rangle|`, where :math:`h_i` are the canonical variates of a side, of unit length, and
    :math:`x_j` its centred columns; i runs over the directions that have a partner, as many as
    the smaller rank.

    Packages with the same name give other numbers. google/svcca projects raw columns with
    coefficients meant for whitened ones and leaves the means in, so that adding a constant changes
    its value. sim_metric also counts the directions without a partner, whose choice is
    arbitrary: its value depends on the linear algebra library where the first side has the larger
    rank, and is this one elsewhere. anatome weights by the sum over rows of the variates, all of
    which have one length. None of these is offered.

    Where correlations tie, the variates are not unique and absolute weights are arbitrary within
    the tie; this does not matter unless the tie is partial. Few rows mislead as in
    :func:`mean_cca`.

    References
    ----------
    Morcos, Raghu & Bengio (2018), Insights on representational similarity in neural networks with
    canonical correlation, NeurIPS, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> signal, noise = rng.normal(size=(2, 300, 3))
    >>> one = np.hstack([10 * signal, noise])
    >>> other = np.hstack([10 * signal, rng.normal(size=(300, 3))])
    >>> result = pwcca(one, other)
    >>> bool(result.value > 0.8 > result.correlations.mean())
    True
    """
    x, y = check_paired(first, second, first_ids=first_ids, second_ids=second_ids)
    check_choice(weights, "weights", get_args(PwccaWeights))
    check_choice(weighted_by, "weighted_by", get_args(WeightedBy))
    doubt = check_doubt(n_permutations, n_draws, level, random_state)
    cautions = both_cautions(first, second)
    x, y = centred(x), centred(y)
    one, other = _side(x, weights), _side(y, weights)
    if reason := no_variance(x, y):
        return PwccaResult(
            value=None, reason=reason, n_rows=len(x), cautions=cautions,
            correlations=np.empty(0), rank_first=one.rank, rank_second=other.rank,
            by_first=None, by_second=None,
        )  # fmt: skip

    def chosen(pair: _Weighted) -> float:
        both = {"first": pair.by_first, "second": pair.by_second}
        return both.get(weighted_by, (pair.by_first + pair.by_second) / 2)

    def halved(rows: Ints) -> float | None:
        half = [_side(centred(table[rows]), weights) for table in (x, y)]
        found = _compare(half[0], half[1], half[0].found.basis.T @ half[1].found.basis)
        return chosen(found) if len(found.rho) else None

    pair = _compare(one, other, one.found.basis.T @ other.found.basis)
    judgement = judged(
        chosen(pair), doubt, rows=len(x), best=1.0, low=0.0, high=1.0, halved=halved,
        shuffled=lambda order: chosen(
            _compare(one, other, one.found.basis[order].T @ other.found.basis)
        ),
    )  # fmt: skip
    return PwccaResult(
        value=judgement.value,
        normalised=judgement.normalised,
        chance=judgement.chance,
        interval=judgement.interval,
        n_rows=len(x),
        cautions=cautions + row_cautions(len(x), one.rank, other.rank),
        correlations=pair.rho,
        rank_first=one.rank,
        rank_second=other.rank,
        by_first=pair.by_first,
        by_second=pair.by_second,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    found: Directions
    loadings: Floats
    """Inner products of basis and columns, shape (r, p): a shuffle of rows leaves them."""
    power: int

    @property
    def rank(self) -> int:
        return self.found.rank

    def weighted(self, turn: Floats, rho: Floats) -> float:
        alpha = (np.abs(turn.T @ self.loadings) ** self.power).sum(axis=1)
        return float(min(1.0, alpha @ rho / alpha.sum())) if len(rho) else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Weighted:
    rho: Floats
    by_first: float
    by_second: float


def _side(table: Floats, weights: PwccaWeights) -> _Side:
    found = directions(table, equal_columns=True)
    return _Side(found, found.basis.T @ table, 2 if weights == "squared" else 1)


def _compare(one: _Side, other: _Side, cross: Floats) -> _Weighted:
    turn, rho, back = np.linalg.svd(cross, full_matrices=False)
    rho = np.clip(rho, 0.0, 1.0)
    return _Weighted(rho, one.weighted(turn, rho), other.weighted(back.T, rho))
