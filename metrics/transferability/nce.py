"""NCE: what the source's label of a row leaves unknown of its target label."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from .._scores import ScoreResult, check_labels, label_cautions, normalise
from .._validation import Floats, Ints, RandomState, on_host, require_rows
from ..registry import register
from ._asked import check_asked, one_class
from ._table_scores import count_scores


@register(
    family="transferability", inputs="labels and labels", units="nats a row",
    range=(-math.inf, 0.0), direction="larger means more transferable",
    invariances=("row order", "relabelling"), min_rows=2, cost="O(n + S C)",
)  # fmt: skip
def nce(
    source_labels: ArrayLike,
    labels: ArrayLike,
    *,
    n_permutations: int = 100,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> ScoreResult:
    r"""Return the negative entropy of the target labels given the source's labels of the rows.

    Parameters
    ----------
    source_labels : array_like of shape (n,)
        What the source says of every target row: as a rule the class to which its head gives
        most probability.
    labels : array_like of shape (n,)
        Target classes. The order of the two matters.
    n_permutations : int
        Shuffles of the labels for the chance level; 0 for none.
    n_draws : int
        Half-samples behind the interval; 0 for none.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    ScoreResult
        Between -H(Y), the entropy of the target labels, and 0, at which the source's label
        determines the target's; in nats. None with one target class.

    Notes
    -----
    :math:`-H(Y|Z) = \sum_{yz} P(y, z) \log (P(y, z) / P(z))` with shares of rows, nothing added to
    any cell: 0 log 0 is 0, and source classes without rows count nothing. The soft joint of
    probabilities instead of labels is ``soft_nce`` in the result of :func:`leep`.

    It tends to 0 as the source's classes approach the rows in number, whatever the labels, by
    about (C - 1)(S - 1) / 2n: compare sources of different S by ``normalised``. It cannot see a
    source that is systematically wrong, since names of classes do not matter; see
    :func:`source_head_risk`.

    References
    ----------
    Tran, Nguyen & Hassner (2019), Transferability and hardness of supervised classification
    tasks, ICCV, equation 6.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.repeat(["cat", "dog"], 50)
    >>> nce(np.where(labels == "cat", 3, 7), labels).value
    0.0
    >>> round(nce(np.arange(100) % 2, labels).value, 3)
    -0.693
    """
    asked = check_asked(n_permutations, n_draws, level, random_state)
    rows = np.asarray(on_host(labels)).size
    target, source = check_labels(labels, rows), check_labels(source_labels, rows, "source_labels")
    require_rows(rows, "labels", 2)
    cautions = label_cautions(target)
    if target.n_classes == 1:
        return ScoreResult(
            value=None, reason=one_class(target, "NCE"), n_rows=rows, cautions=cautions
        )
    sizes = source.n_classes, target.n_classes

    def score(codes: Ints, rows: Ints | None = None) -> Floats:
        return count_scores(source.codes if rows is None else source.codes[rows], codes, sizes)

    value = float(score(target.codes[None])[0])
    chance = asked.chance(score, target)
    return ScoreResult(
        value=value,
        normalised=normalise(value, chance, best=0.0),
        chance=chance,
        interval=asked.interval(score, target, value, low=-math.inf, high=0.0),
        n_rows=rows,
        cautions=cautions,
    )
