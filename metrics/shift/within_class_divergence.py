"""Divergence of the rows of one and the same class, class by class and on average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from .._arrays import check_tables, namespace, take
from .._doubt import METHOD
from .._permutation import permutation_p_value
from .._results import Interval, MeasureResult, NullBand
from .._validation import (
    MIN_HALF,
    Floats,
    Ints,
    RandomState,
    check_count,
    check_share,
    generator,
    subsample,
)
from ..registry import register
from ._class_kernels import ClassValues, class_values, median_distance
from ._holm import holm
from ._labelled import LabelledPair, check_labelled

KernelMeasure: TypeAlias = Literal["mmd", "energy"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WithinClassDivergenceResult(MeasureResult):
    """Outcome of :func:`within_class_divergence`.

    Attributes
    ----------
    p_value : float
        Of "within every class the rows have one law", from permutations of ``value``.
    classes : ndarray of int64 of shape (k,)
        Classes compared.
    class_values : ndarray of shape (k,)
        Divergence within each.
    class_weights : ndarray of shape (k,)
        Share of each among the compared target rows; ``value`` is the weighted mean.
    class_p_values, adjusted_p_values : ndarray of shape (k,)
        Of each class alone; adjusted for the k tests (Holm).
    class_sizes : ndarray of int64 of shape (k, 2)
        Rows of source and target that have the class.
    left_out : ndarray of int64
        Classes with too few rows on a side.
    bandwidth : float or None
        Width of the Gaussian kernel, one for all classes; None for the energy distance.
    """

    p_value: float
    classes: Ints
    class_values: Floats
    class_weights: Floats
    class_p_values: Floats
    adjusted_p_values: Floats
    class_sizes: Ints
    left_out: Ints
    bandwidth: float | None


@register(
    family="kernel", inputs="labelled tables", units="squared MMD, or distance units",
    range=(-float("inf"), float("inf")), direction="larger means further apart within classes",
    cost="O(permutations * sum over classes of rows^2)",
    invariances=("row order", "column order", "translation", "rotation", "relabelling"),
    attribution=("classes",), arrays=True, label_blind=False,
)  # fmt: skip
def within_class_divergence(
    source: Any,
    target: Any,
    *,
    source_labels: ArrayLike,
    target_labels: ArrayLike,
    measure: KernelMeasure = "mmd",
    bandwidth: float | None = None,
    min_class_rows: int = 8,
    max_class_rows: int = 2000,
    n_permutations: int = 199,
    n_splits: int = 10,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> WithinClassDivergenceResult:
    r"""Measure how far rows of the same class lie apart between source and target.

    Parameters
    ----------
    source, target : array_like of shape (n_source, d) and (n_target, d)
        Labelled rows on comparable scales (standardise label-blind first).
    source_labels, target_labels : array_like of int of shape (n_source,) and (n_target,)
        Codes of one shared coding; rows with -1 (missing) are left out.
    measure : {"mmd", "energy"}
        Squared MMD with a Gaussian kernel exp(-|x - y|²/(2 s²)), or the energy distance
        2 E|x - y| - E|x - x'| - E|y - y'|; both unbiased, so that 0 is the mean value when
        nothing differs and values below 0 are common.
    bandwidth : float or None
        The s above; None for the median distance of all compared rows of both sides.
    min_class_rows : int
        Rows a class needs on each side; classes with fewer are left out.
    max_class_rows : int
        Rows used of a class on each side; of more, so many are drawn uniformly.
    n_permutations : int
        Permutations within classes.
    n_splits : int
        Random halves of each side, class by class, for the null band.
    n_draws : int
        Half-samples behind the interval.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    WithinClassDivergenceResult
        Squared MMD, at most 2, or energy distance in units of the columns; about 0 when
        P(X|Y) is the same. Larger means further apart.

    Notes
    -----
    :math:`\sum_c \pi_T(c) D(X | Y = c)` over classes with enough rows on both sides, with
    the class shares of the target. A change of the class shares alone does not move it, which
    sets it apart from a distance of the tables. The permutations keep the labels and exchange
    sides within each class: exact for P(X|Y), given the labels.

    The interval takes half of each class of either side, given the labels. A class of fewer
    than 16 rows cannot be halved; the null band of that side is then None. Pairs are taken
    only within classes, in blocks of rows.

    It misleads when the target labels are predictions of a source model (it then reports what
    that model believes), and when one class has many kinds of rows whose shares differ. One
    bandwidth serves all classes; a class much tighter than the rest is seen through a wide
    kernel.

    References
    ----------
    Gretton et al. (2012), A kernel two-sample test, JMLR 13, Lemma 6. Székely & Rizzo (2013),
    Energy statistics, J. Stat. Plan. Inference 143. Holm (1979), Scand. J. Stat. 6.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y, z = np.arange(90) % 3, np.arange(60) % 2
    >>> X, Y = rng.normal(size=(90, 2)) + y[:, None], rng.normal(size=(60, 2)) + z[:, None]
    >>> Y[z == 1] += 2.0
    >>> result = within_class_divergence(X, Y, source_labels=y, target_labels=z)
    >>> result.classes.tolist(), (result.adjusted_p_values <= 0.05).tolist()
    ([0, 1], [False, True])
    """
    if measure not in get_args(KernelMeasure):
        names = ", ".join(get_args(KernelMeasure))
        raise ValueError(f"`measure` must be one of {names}, got {measure!r}.")
    min_class_rows = check_count(min_class_rows, "min_class_rows", minimum=4)
    source, target = check_tables(source, target, min_rows=8)
    # Labels are looked at on the host; row numbers stand there for the rows.
    one, other = (np.arange(side.shape[0])[:, None] for side in (source, target))
    pair = check_labelled(one, other, source_labels, target_labels, categorical=True, min_rows=8)
    if bandwidth is not None and not 0 < bandwidth < np.inf:
        raise ValueError(f"`bandwidth` must be a positive finite number, got {bandwidth!r}.")
    max_class_rows = check_count(max_class_rows, "max_class_rows", minimum=min_class_rows)
    n_permutations = check_count(n_permutations, "n_permutations", minimum=1)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=2)
    level, rng = check_share(level, "level"), generator(random_state)

    codes, counts = _count(pair)
    enough = counts.min(axis=1) >= min_class_rows
    if not enough.any():
        raise ValueError(
            f"No class has {min_class_rows} labelled rows on both sides; label more rows or lower "
            "`min_class_rows`."
        )
    classes, sizes = codes[enough], counts[enough]
    weights, used = sizes[:, 1] / sizes[:, 1].sum(), np.minimum(sizes, max_class_rows)
    groups = [
        (take(source, x), take(target, y))
        for x, y in _rows_by_class(pair, classes, max_class_rows, rng)
    ]
    width = None
    if measure == "mmd":
        every = namespace(source).concat([side for group in groups for side in group])
        width = float(bandwidth) if bandwidth is not None else median_distance(every, rng)
    found = [
        class_values(*group, width, n_permutations, n_splits, n_draws, rng) for group in groups
    ]

    permuted = np.stack([one.permuted for one in found])
    value = float(weights @ permuted[:, 0])
    reach = float(norm.ppf((1 + level) / 2) * np.std(_mean(found, "draws", weights), ddof=1))
    p_values = np.array([permutation_p_value(one) for one in permuted])
    return WithinClassDivergenceResult(
        value=value,
        interval=Interval(value - reach, value + reach, level, METHOD),
        null=_null(found, weights, used),
        n_source=int(used[:, 0].sum()),
        n_target=int(used[:, 1].sum()),
        warnings=pair.warnings
        + _left_out(counts[~enough], min_class_rows)
        + _drawn(int((sizes > used).any(axis=1).sum()), max_class_rows),
        p_value=permutation_p_value(weights @ permuted),
        classes=classes,
        class_values=permuted[:, 0],
        class_weights=weights,
        class_p_values=p_values,
        adjusted_p_values=holm(p_values),
        class_sizes=sizes,
        left_out=codes[~enough],
        bandwidth=width,
    )


def _count(pair: LabelledPair) -> tuple[Ints, Ints]:
    """Return all classes and their rows on either side, shape (k,) and (k, 2)."""
    sides = pair.source_labels, pair.target_labels
    codes = np.union1d(*sides).astype(np.int64)
    counts = [[np.count_nonzero(side == c) for side in sides] for c in codes]
    return codes, np.array(counts, dtype=np.int64)


def _rows_by_class(
    pair: LabelledPair, classes: Ints, at_most: int, rng: np.random.Generator
) -> list[tuple[Ints, Ints]]:
    """Return the row numbers of every class on either side."""

    def of(numbers: Floats, labels: Ints, one: int) -> Ints:
        own = np.asarray(numbers[labels == one, 0], dtype=np.int64)
        return np.asarray(own[subsample(len(own), at_most, rng)])

    return [
        (of(pair.source, pair.source_labels, c), of(pair.target, pair.target_labels, c))
        for c in classes
    ]


def _null(found: list[ClassValues], weights: Floats, used: Ints) -> NullBand:
    halved = [used[:, side].min() >= 2 * MIN_HALF for side in (0, 1)]
    return NullBand(
        _mean(found, "source_null", weights) if halved[0] else None,
        _mean(found, "target_null", weights) if halved[1] else None,
    )


def _mean(found: list[ClassValues], name: str, weights: Floats) -> Floats:
    return np.asarray(weights @ np.stack([getattr(one, name) for one in found]))


def _left_out(counts: Ints, min_class_rows: int) -> tuple[str, ...]:
    if not len(counts):
        return ()
    return (
        f"{len(counts)} class(es) have fewer than {min_class_rows} rows on a side and were left "
        f"out, with {int(counts[:, 0].sum())} source and {int(counts[:, 1].sum())} target row(s).",
    )


def _drawn(n_classes: int, max_class_rows: int) -> tuple[str, ...]:
    if not n_classes:
        return ()
    return (
        f"Of {n_classes} class(es) only {max_class_rows} rows a side, drawn at random, served.",
    )
