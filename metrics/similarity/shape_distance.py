"""Angular shape distance: a metric between representations, from rotations to linear maps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._scores import ScoreResult
from .._validation import Floats, Ints, RandomState, check_choice
from ..registry import register
from ._alignment import ALIGNMENTS, Alignment, chord, narrow
from ._cca import directions, row_cautions
from ._judged import both_cautions, centred, check_doubt, judged, no_variance
from ._paired import check_paired


@register(
    family="similarity", inputs="paired tables", units="radians", range=(0.0, math.pi),
    direction="larger means less similar", symmetric=True, zero_on_itself=True,
    invariances=("row order", "column order", "translation", "rotation", "one scale"),
    min_rows=4, cost="O(n p q + p q min(p, q))",
)  # fmt: skip
def shape_distance(
    first: Any,
    second: Any,
    *,
    alpha: float = 1.0,
    alignment: Alignment = "rotation",
    first_ids: Any = None,
    second_ids: Any = None,
    n_permutations: int = 30,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> ScoreResult:
    r"""Measure the angle between two representations after the best alignment.

    Parameters
    ----------
    first, second : array of shape (n, p) and (n, q)
        Two representations of the same rows, in the same order.
    alpha : float
        Between 0 and 1. 1: only rotations are allowed for. 0: any invertible linear map, the
        tables are whitened first. Between: partly whitened, see Notes.
    alignment : {"rotation", "permutation"}
        permutation: only columns may be matched, one to one; needs ``alpha=1``.
    first_ids, second_ids : array of shape (n,), optional
        Names of the rows, checked to agree.
    n_permutations, n_draws : int
        Shuffles of the rows behind the chance level and half-samples behind the interval; each
        costs about as much as the value itself, 0 costs nothing.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    ScoreResult
        In radians, 0 to π/2 (π for permutations); larger means less similar. No value when a
        side does not vary.

    Notes
    -----
    :math:`\arccos |A^T B|_*` with centred tables of unit Frobenius norm: symmetric, 0 only for
    the same shape, and the triangle inequality holds, so that representations can be clustered or
    embedded by it. Its chord is :func:`procrustes`: :math:`d^2 = 2 - 2 \cos\theta`.

    With ``alpha`` below 1 every singular value s of a centred table becomes
    :math:`\alpha s + (1 - \alpha)` before (Williams et al., eq. 7). This mixes s, which grows
    with units and with the root of n, with 1: values are comparable only between tables in the
    same units with the same rows. Directions of rounding (s below 1e-6 of the largest) stay 0. At
    ``alpha=0`` the cosine is the sum of canonical correlations over the root of the ranks'
    product, and the cautions of :func:`mean_cca` apply.

    netrep's Euclidean score follows from the same angle by the law of cosines.

    References
    ----------
    Williams, Kunz, Kornblith & Linderman (2021), Generalized shape metrics on neural
    representations, NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(200, 3))
    >>> stretched = rows * [1.0, 5.0, 0.2]
    >>> shape_distance(rows, stretched).value > 0.5
    True
    >>> round(shape_distance(rows, stretched, alpha=0.0).value, 6)
    0.0
    """
    x, y = check_paired(first, second, first_ids=first_ids, second_ids=second_ids)
    alpha = _check_alpha(alpha, alignment)
    doubt = check_doubt(n_permutations, n_draws, level, random_state)
    cautions = both_cautions(first, second)
    x, y = centred(x), centred(y)
    if reason := no_variance(x, y):
        return ScoreResult(
            value=None, reason=reason, n_rows=len(x), cautions=cautions,
            larger_is_better=False,
        )  # fmt: skip

    def shaped(table: Floats) -> Floats:
        table = _whitened(table, alpha, alignment)
        return table / np.linalg.norm(table)

    one, other = shaped(x), shaped(y)
    if alpha == 0:
        cautions += row_cautions(len(x), one.shape[1], other.shape[1])

    def halved(rows: Ints) -> float | None:
        half = centred(x[rows]), centred(y[rows])
        if no_variance(*half):
            return None
        return _angle(shaped(half[0]), shaped(half[1]), alignment)

    judgement = judged(
        _angle(one, other, alignment), doubt, rows=len(x), best=0.0, low=0.0,
        high=math.pi / 2 if alignment == "rotation" else math.pi, halved=halved,
        shuffled=lambda order: _angle(one[order], other, alignment),
    )  # fmt: skip
    return ScoreResult(
        value=judgement.value,
        normalised=judgement.normalised,
        chance=judgement.chance,
        interval=judgement.interval,
        n_rows=len(x),
        cautions=cautions,
        larger_is_better=False,
    )


def _check_alpha(alpha: float, alignment: Alignment) -> float:
    is_number = isinstance(alpha, int | float | np.number) and not isinstance(alpha, bool)
    if not is_number or not 0 <= alpha <= 1:
        raise ValueError(f"`alpha` must be a number from 0 to 1, got {alpha!r}.")
    check_choice(alignment, "alignment", ALIGNMENTS)
    if alignment == "permutation" and alpha < 1:
        raise ValueError(
            f'`alignment="permutation"` needs `alpha=1`, got {alpha!r}: whitening mixes the '
            "columns that are to be matched."
        )
    return float(alpha)


def _whitened(table: Floats, alpha: float, alignment: Alignment) -> Floats:
    if alignment == "permutation":
        return table
    if alpha == 1:
        return narrow(table)
    found = directions(table, equal_columns=alpha == 0)
    return found.basis * (alpha * found.sizes + (1 - alpha))


def _angle(first: Floats, second: Floats, alignment: Alignment) -> float:
    # by the chord, since the arc cosine loses half of the digits of a small angle
    return 2 * math.asin(min(1.0, chord(first, second, alignment) / 2))
