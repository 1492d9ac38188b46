"""Orthogonal Procrustes distance of two representations."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from .._scores import ScoreResult
from .._validation import Floats, Ints, RandomState, check_choice
from ..registry import register
from ._alignment import chord, narrow
from ._judged import both_cautions, centred, check_doubt, judged, no_variance
from ._paired import check_paired

ProcrustesScale: TypeAlias = Literal["unit", "none"]


@register(
    family="similarity", inputs="paired tables", units="share of the squared length",
    range=(0.0, math.inf), direction="larger means less similar", symmetric=True,
    zero_on_itself=True,
    invariances=("row order", "column order", "translation", "rotation", "one scale"),
    min_rows=4, cost="O(n p q + p q min(p, q))",
)  # fmt: skip
def procrustes(
    first: Any,
    second: Any,
    *,
    scale: ProcrustesScale = "unit",
    squared: bool = True,
    first_ids: Any = None,
    second_ids: Any = None,
    n_permutations: int = 30,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> ScoreResult:
    r"""Measure what is left between two representations after the best rotation.

    Parameters
    ----------
    first, second : array of shape (n, p) and (n, q)
        Two representations of the same rows, in the same order.
    scale : {"unit", "none"}
        unit: each centred table is divided by its Frobenius norm, so that units do not matter.
        none: distances in the units of the columns.
    squared : bool
        Whether the squared distance is returned; it is not a metric, its root is.
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
        At least 0; larger means less similar. With ``scale="unit"`` at most 2, or :math:`\sqrt 2`
        as a root. No value when a side does not vary.

    Notes
    -----
    :math:`d^2 = |A|^2 + |B|^2 - 2 |A^T B|_*` with centred tables and the nuclear norm, the least
    :math:`|A R - B|^2` over rotations and reflections R; the smaller width is filled up with 0.
    With unit norms :math:`d^2 = 2 - 2 |A^T B|_*`, the convention of Ding et al. resi returns
    its root (``squared=False``), and, named size and shape, the root without scaling. anatome
    returns half of the square.

    Directions of large variance decide; a match in small ones hardly shows. With more columns
    than rows unrelated tables come close: read the chance level. No n by n matrix is made unless
    there are more columns than rows.

    References
    ----------
    Schönemann (1966), A generalized solution of the orthogonal Procrustes problem, Psychometrika.
    Ding, Denain & Steinhardt (2021), Grounding representation similarity through statistical
    testing, NeurIPS, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(200, 3))
    >>> rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    >>> round(procrustes(rows, 4 * rows @ rotation + 1).value, 6)
    0.0
    >>> result = procrustes(rows, rng.normal(size=(200, 3)))
    >>> result.value > 1, abs(result.normalised) < 0.1
    (True, True)
    """
    x, y = check_paired(first, second, first_ids=first_ids, second_ids=second_ids)
    check_choice(scale, "scale", get_args(ProcrustesScale))
    doubt = check_doubt(n_permutations, n_draws, level, random_state)
    cautions = both_cautions(first, second)
    x, y = narrow(centred(x)), narrow(centred(y))
    if reason := no_variance(x, y):
        return ScoreResult(
            value=None, reason=reason, n_rows=len(x), cautions=cautions, larger_is_better=False
        )
    power = 2 if squared else 1

    def scaled(table: Floats) -> Floats:
        return table / np.linalg.norm(table) if scale == "unit" else table

    x, y = scaled(x), scaled(y)

    def halved(rows: Ints) -> float | None:
        one, other = centred(x[rows]), centred(y[rows])
        if no_variance(one, other):
            return None
        # without scaling a sum over half of the rows is half as large
        grown = 1.0 if scale == "unit" else math.sqrt(len(x) / len(rows))
        return float((grown * chord(scaled(one), scaled(other))) ** power)

    judgement = judged(
        chord(x, y) ** power, doubt, rows=len(x), best=0.0, low=0.0,
        high=2 ** (power / 2) if scale == "unit" else math.inf, halved=halved,
        shuffled=lambda order: chord(x[order], y) ** power,
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
