"""Proxy A-distance: how well a classifier tells source rows from target rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .._halves import random_halves
from .._results import Interval, NullBand
from .._validation import (
    Bools,
    Floats,
    Ints,
    RandomState,
    check_count,
    check_pair,
    check_share,
    generator,
    optional_vector,
    subsample,
)
from ..registry import register
from ._domain_classifier import CLASSIFIER, Features, Sample, cross_validate


@dataclass(frozen=True, slots=True, eq=False)
class ProxyADistanceResult:
    """Outcome of :func:`proxy_a_distance`.

    Attributes
    ----------
    value : float
        ``2 (1 - 2 balanced_error)``, in [-2, 2]; never folded or clipped.
    balanced_error : float
        Mean of the two sides' held-out error rates.
    interval : Interval
        For ``value``.
    null : NullBand
        ``value`` for random halves of the source and of the target.
    classifier : str
        What was trained.
    n_source, n_target : int
        Rows used.
    n_held_out_source, n_held_out_target : int
        Rows the error was measured on.
    n_folds : int
        Folds used; fewer than asked for when a side has fewer groups.
    subsampled : bool
        Whether a side had more rows than were used.
    column_importance : ndarray of shape (d,)
        By how much ``value`` drops when the column is shuffled among held-out rows.
    """

    value: float
    balanced_error: float
    interval: Interval
    null: NullBand
    classifier: str
    n_source: int
    n_target: int
    n_held_out_source: int
    n_held_out_target: int
    n_folds: int
    subsampled: bool
    column_importance: Floats


@register(
    family="classifier", units="2 (1 - 2 balanced error)", range=(-2.0, 2.0),
    direction="larger means easier to tell apart", cost="O(folds (n + m) d^2)",
    invariances=("column scales",), attribution=("columns",),
)  # fmt: skip
def proxy_a_distance(
    source: ArrayLike,
    target: ArrayLike,
    *,
    source_groups: ArrayLike | None = None,
    target_groups: ArrayLike | None = None,
    source_held_out: ArrayLike | None = None,
    target_held_out: ArrayLike | None = None,
    n_folds: int = 5,
    n_repeats: int = 1,
    n_null: int = 10,
    max_rows: int = 2000,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> ProxyADistanceResult:
    """Measure how well source and target rows can be told apart.

    A balanced logistic regression on the columns and the squares of the columns with more
    than two values (clipped at 4 standard deviations) is trained on folds; the value is
    ``2 (1 - 2 e)`` with e the mean of the two sides' error rates on held-out rows. The
    squares make a change of variance visible.

    Parameters
    ----------
    source : array_like of shape (n_source, d)
        Source rows.
    target : array_like of shape (n_target, d)
        Target rows, same columns. Columns are standardised here over both sides.
    source_groups, target_groups : array_like of int, shape (n_source,) and (n_target,)
        Group ids in one numbering for both sides (identical rows, one patient, one
        session). A group never straddles training and held-out rows. Give both or none.
    source_held_out, target_held_out : array_like of bool
        Rows marked False may be trained on but are never held out.
    n_folds : int
        Folds.
    n_repeats : int
        Fresh fold assignments that are averaged.
    n_null : int
        Random halves of each side for the null band.
    max_rows : int
        Larger sides are subsampled uniformly and the result is flagged.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    ProxyADistanceResult
        About 0 (also below) when the samples cannot be told apart, 2 when perfectly.

    Notes
    -----
    Without a shift the cross-validated value lies slightly below 0, because a row that
    is held out is missing from its side's training mean; read it beside ``null``. Halves
    have half the rows, so that they are harder to tell apart and noisier to judge.

    The interval takes the held-out errors' variance (by group) and enlarges it by Nadeau
    and Bengio's (1/J + n_test/n_train) against 1/J, because folds share training rows.

    Cost is ``n_folds (n_repeats + 2 n_null)`` fits, by scikit-learn on NumPy arrays. With more
    columns than rows the held out error stays honest but the fits get slow: reduce the columns
    label-blind first.

    It misleads when one column names the side (ids, dates, file names, a missing-value
    mark): read ``column_importance`` and leave such columns out. It cannot see changes in
    the dependence between columns (see :func:`mmd_test`). Importances of columns that
    carry the same information are shared between them.

    References
    ----------
    Ben-David et al. (2007), Analysis of representations for domain adaptation, NIPS;
    Ben-David et al. (2010), Mach. Learn. 79; Nadeau & Bengio (2003), Mach.
    Learn. 52.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> proxy_a_distance(rng.normal(size=(80, 2)), rng.normal(9, size=(60, 2))).value
    2.0
    """
    source, target = check_pair(source, target)
    n_folds = check_count(n_folds, "n_folds", minimum=2)
    n_repeats = check_count(n_repeats, "n_repeats", minimum=1)
    n_null = check_count(n_null, "n_null", minimum=1)
    max_rows = check_count(max_rows, "max_rows", minimum=16)
    level = check_share(level, "level")
    rng = generator(random_state)
    groups = _side_groups(source_groups, target_groups, len(source), len(target))
    masks = _side_masks(source_held_out, target_held_out, len(source), len(target))

    rows_x = subsample(len(source), max_rows, rng)
    rows_y = subsample(len(target), max_rows, rng)
    n, m = len(rows_x), len(rows_y)
    sample = Sample(
        Features.of(np.concatenate([source[rows_x], target[rows_y]])),
        np.concatenate([groups[0][rows_x], groups[1][rows_y]]),
        np.concatenate([masks[0][rows_x], masks[1][rows_y]]),
    )
    sides = np.arange(n), np.arange(n, n + m)
    outcome = cross_validate(sample, *sides, n_folds, n_repeats, rng, importance=True)
    if outcome is None:
        raise ValueError(
            "A side has fewer than two groups of rows that may be held out; hold out more "
            "rows, use finer groups, or leave this measure out."
        )
    null = NullBand(
        *(_null_values(sample, side, n, m, n_folds, n_repeats, n_null, rng) for side in sides)
    )
    held_out = [int(sample.may_hold_out[side].sum()) for side in sides]
    return ProxyADistanceResult(
        value=outcome.value,
        balanced_error=outcome.balanced_error,
        interval=outcome.interval(level),
        null=null,
        classifier=CLASSIFIER,
        n_source=n,
        n_target=m,
        n_held_out_source=held_out[0],
        n_held_out_target=held_out[1],
        n_folds=outcome.n_folds,
        subsampled=n < len(source) or m < len(target),
        column_importance=outcome.importance,
    )


def _side_groups(
    source_groups: ArrayLike | None, target_groups: ArrayLike | None, n: int, m: int
) -> tuple[Ints, Ints]:
    if (source_groups is None) != (target_groups is None):
        raise ValueError(
            "Only one of `source_groups` and `target_groups` was given; give both in one "
            "numbering (a row on its own gets an id of its own), or neither."
        )
    x = optional_vector(source_groups, n, "source_groups", dtype=np.int64)
    y = optional_vector(target_groups, m, "target_groups", dtype=np.int64)
    if x is None or y is None:
        return np.arange(n), np.arange(n, n + m)
    return x, y


def _side_masks(
    source_held_out: ArrayLike | None, target_held_out: ArrayLike | None, n: int, m: int
) -> tuple[Bools, Bools]:
    x = optional_vector(source_held_out, n, "source_held_out", dtype=np.bool_)
    y = optional_vector(target_held_out, m, "target_held_out", dtype=np.bool_)
    return (
        np.ones(n, dtype=np.bool_) if x is None else x,
        np.ones(m, dtype=np.bool_) if y is None else y,
    )


def _null_values(
    sample: Sample,
    side: Ints,
    n: int,
    m: int,
    n_folds: int,
    n_repeats: int,
    n_null: int,
    rng: np.random.Generator,
) -> Floats | None:
    values = []
    for first, second in random_halves(len(side), n, m, n_splits=n_null, rng=rng):
        outcome = cross_validate(sample, side[first], side[second], n_folds, n_repeats, rng)
        if outcome is None:
            return None
        values.append(outcome.value)
    return np.array(values) if values else None
