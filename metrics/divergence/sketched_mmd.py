"""Squared MMD through finite features: for samples too large for pairs, and for streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from .._halves import random_halves
from .._permutation import permutation_p_value, permuted_indicators
from .._results import Interval, MeasureResult, NullBand
from .._validation import (
    MIN_HALF,
    Floats,
    RandomState,
    check_choice,
    check_count,
    check_share,
    generator,
    require_rows,
)
from ..registry import register
from ._array_kernels import Bandwidth, linear
from ._feature_maps import FeatureKind
from ._pair_sums import careful_variance, normal_interval, pair_sums, variance_terms
from ._sketch_inputs import sketches
from .kernel_mean_sketch import KernelMeanSketch, joined

_ENOUGH_GROUPS = 64
"""Groups of the smaller side below which finer ones are permuted."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SketchedMMDResult(MeasureResult):
    """Outcome of :func:`sketched_mmd`.

    Attributes
    ----------
    p_value : float
        Permutation p-value, at least ``1 / (1 + n_permutations)``.
    features : str
        "fourier" or "nystroem".
    n_features : int
        Features used; the Nyström map may drop directions without weight.
    bandwidth : float
        s in exp(-|x - y|²/(2 s²)).
    feature_error : float or None
        Standard error of ``value`` from the random frequencies, as an estimate of the squared
        MMD of the Gaussian kernel itself; None for "nystroem".
    rows_permuted, n_groups : int
        Rows that were permuted, and the groups they were permuted in.
    n_permutations : int
        Permutations behind the p-value.
    """

    p_value: float
    features: str
    n_features: int
    bandwidth: float
    feature_error: float | None
    rows_permuted: int
    n_groups: int
    n_permutations: int


@register(
    family="kernel", units="squared MMD", range=(-2.0, 2.0),
    direction="larger means further apart", cost="O((n + m) d D + G D B), D features, G <= 512",
    symmetric=True, invariances=("row order", "translation", "one scale"), min_rows=2, arrays=True,
)  # fmt: skip
def sketched_mmd(
    source: Any,
    target: Any,
    *,
    features: FeatureKind = "fourier",
    n_features: int = 1000,
    bandwidth: Bandwidth = "median",
    n_permutations: int = 199,
    n_splits: int = 10,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> SketchedMMDResult:
    r"""Measure and test the squared MMD of two samples of any size in one pass.

    Parameters
    ----------
    source : array of shape (n_source, d), iterator of such blocks, or KernelMeanSketch
        Source rows on comparable scales (standardise label-blind first).
    target : array of shape (n_target, d), iterator of such blocks, or KernelMeanSketch
        Target rows, same columns. A sketch on one side needs one on the other, with the same
        features; ``features``, ``n_features`` and ``bandwidth`` are then not used.
    features : {"fourier", "nystroem"}
        Random cosines and sines, or features that reproduce the kernel on random pooled rows.
    n_features : int
        More features come closer to the Gaussian kernel; the level of the test holds for any.
    bandwidth : {"median", "sqrt_d"} or float
        s in exp(-|x - y|²/(2 s²)). median: of the non-zero distances between at most 3,000
        pooled rows drawn without looking at their side.
    n_permutations : int
        Permutations; the p-value cannot fall below ``1 / (1 + n_permutations)``.
    n_splits : int
        Random halves of each side for the null band.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of features, permutations and halves.

    Returns
    -------
    SketchedMMDResult
        Unbiased squared MMD of the kernel that the features have; about 0 (also negative)
        when nothing differs. p-value (small: the samples differ).

    Notes
    -----
    With :math:`\phi` the features and S their sum over a side,
    :math:`MMD^2_u = (|S_x|^2 - \sum|\phi(x)|^2)/(n(n-1)) + (|S_y|^2 - \sum|\phi(y)|^2)/(m(m-1))
    - 2 S_x'S_y/(nm)`: exactly what all pairs give for the kernel :math:`\phi(x)'\phi(y)`.

    Consecutive rows are kept as at most 256 sums a side. The test permutes these groups, all
    with equally many rows, between the sides: under exchangeable rows the p-value is exact for
    any number of features and groups, and with up to 256 rows a side it is the test that
    permutes rows. Where one side is much smaller, its groups are permuted with as many rows of
    the other, and all rows stay in the statistic. Rows beyond whole groups, and rows of a
    stream that chose bandwidth or landmarks, stay on their side.

    The interval is normal with the variance of a U-statistic of the group means. It is for the
    features drawn, apart from ``feature_error``. Halves of the null band consist of groups.

    Memory is that of one block of rows and a few hundred sums. Rotating or reordering the
    columns, and for more than 3,000 rows also reordering the rows, changes the value as a new
    seed would.

    It misleads where rows depend on each other across groups, and where the columns have
    unequal scales.

    References
    ----------
    Rahimi & Recht (2007), Random features for large-scale kernel machines, NeurIPS. Gretton et
    al. (2012), JMLR 13, Lemma 6. Phipson & Smyth (2010), SAGMB 9. Sutherland & Deka (2019),
    arXiv 1906.02104 (variance). Domingo-Enrich, Dwivedi & Mackey (2025), Cheap permutation
    testing, arXiv 2502.07672 (permuting groups).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> result = sketched_mmd(rng.normal(size=(2000, 2)), rng.normal(0.3, size=(1000, 2)))
    >>> result.p_value, result.interval.low > 0
    (0.005, True)
    """
    check_choice(features, "features", get_args(FeatureKind))
    n_features = check_count(n_features, "n_features", minimum=2)
    n_permutations = check_count(n_permutations, "n_permutations", minimum=19)
    n_splits, level = check_count(n_splits, "n_splits", minimum=1), check_share(level, "level")
    rng = generator(random_state)
    x, y, notes = sketches(source, target, features, n_features, bandwidth, rng)
    for side, name in ((x, "source"), (y, "target")):
        require_rows(side.n_rows, name, 2)

    groups_x, groups_y, size = _exchangeable(x, y)
    p_value = _p_value(x, y, groups_x, groups_y, n_permutations, rng)
    value = float(_unbiased(x.totals, y.totals, x.n_rows, y.n_rows))
    return SketchedMMDResult(
        value=value,
        interval=_interval(x, y, value, level),
        null=NullBand(*(_halves(side, x.n_rows, y.n_rows, n_splits, rng) for side in (x, y))),
        n_source=x.n_rows,
        n_target=y.n_rows,
        warnings=notes + _few_groups(len(groups_x), len(groups_y)),
        p_value=p_value,
        features=x.features.kind,
        n_features=x.features.n_features,
        bandwidth=x.features.bandwidth,
        feature_error=_feature_error(x, y),
        rows_permuted=size * (len(groups_x) + len(groups_y)),
        n_groups=len(groups_x) + len(groups_y),
        n_permutations=n_permutations,
    )


def _unbiased(first: Floats, second: Floats, n: int, m: int) -> Floats:
    """Return MMD²_u from sums of features; the last column is the sum of squared norms."""
    within_x = (np.sum(first[..., :-1] ** 2, axis=-1) - first[..., -1]) / (n * (n - 1))
    within_y = (np.sum(second[..., :-1] ** 2, axis=-1) - second[..., -1]) / (m * (m - 1))
    cross = np.sum(first[..., :-1] * second[..., :-1], axis=-1) / (n * m)
    return np.asarray(within_x + within_y - 2 * cross)


def _exchangeable(x: KernelMeanSketch, y: KernelMeanSketch) -> tuple[Floats, Floats, int]:
    """Return groups of both sides that hold equally many rows, and how many.

    The choice depends on numbers of rows only, which leaves the test exact.
    """
    fine, coarse = sorted((x.rows_per_group, y.rows_per_group))
    at_coarse = tuple(joined(s.groups, coarse // s.rows_per_group, 1)[0] for s in (x, y))
    if min(map(len, at_coarse)) < _ENOUGH_GROUPS:
        at_fine = tuple(s.groups if s.rows_per_group == fine else s.finer.get(fine) for s in (x, y))
        if at_fine[0] is not None and at_fine[1] is not None:
            return at_fine[0], at_fine[1], fine
    return at_coarse[0], at_coarse[1], coarse


def _p_value(
    x: KernelMeanSketch, y: KernelMeanSketch, groups_x: Floats, groups_y: Floats,
    n_permutations: int, rng: np.random.Generator,
) -> float:  # fmt: skip
    groups = np.concatenate([groups_x, groups_y])
    chosen = permuted_indicators(len(groups_x), len(groups_y), n_permutations, rng)
    fixed = x.totals - groups_x.sum(axis=0)
    first = fixed + chosen.T @ groups
    return permutation_p_value(_unbiased(first, x.totals + y.totals - first, x.n_rows, y.n_rows))


def _interval(
    x: KernelMeanSketch, y: KernelMeanSketch, value: float, level: float
) -> Interval | None:
    means = [side.groups[:, :-1] / side.rows_per_group for side in (x, y)]
    sizes = len(means[0]), len(means[1])
    if min(sizes) < 4:
        return None
    centre = np.concatenate(means).mean(axis=0)
    sums, _, _ = pair_sums(linear, means[0] - centre, means[1] - centre)
    method = "normal, variance of the U-statistic of group means"
    return normal_interval(
        value, careful_variance(*variance_terms(sums)), sizes, level, method=method
    )


def _halves(
    side: KernelMeanSketch, n: int, m: int, n_splits: int, rng: np.random.Generator
) -> Floats | None:
    """Return the value for random halves of one side, made of whole groups."""
    # A part as small as the smaller side needs groups of at most an eighth of it.
    levels = {**side.finer, side.rows_per_group: side.groups}
    fitting = [size for size in levels if MIN_HALF * size <= min(n, m)]
    size = max(fitting, default=min(levels))
    groups = levels[size]
    splits = random_halves(len(groups), -(-n // size), -(-m // size), n_splits=n_splits, rng=rng)
    values = [
        _unbiased(groups[one].sum(axis=0), groups[other].sum(axis=0), size * len(one),
                  size * len(other))
        for one, other in splits
    ]  # fmt: skip
    return np.array(values) if values else None


def _feature_error(x: KernelMeanSketch, y: KernelMeanSketch) -> float | None:
    """Return the standard error over frequencies, each of which has a value of its own."""
    if x.features.kind != "fourier":
        return None
    count = x.features.n_features // 2
    values = count * sum(
        _unbiased_parts(x.totals[part], y.totals[part], x.n_rows, y.n_rows)
        for part in (slice(0, count), slice(count, 2 * count))
    )
    return float(np.std(values, ddof=1) / np.sqrt(count)) if count > 1 else None


def _unbiased_parts(first: Floats, second: Floats, n: int, m: int) -> Floats:
    """Return what each feature adds to the value, up to a constant for all frequencies."""
    return np.asarray(
        first**2 / (n * (n - 1)) + second**2 / (m * (m - 1)) - 2 * first * second / (n * m)
    )


def _few_groups(groups_x: int, groups_y: int) -> tuple[str, ...]:
    if min(groups_x, groups_y) >= MIN_HALF:
        return ()
    return (
        f"Only {groups_x} source and {groups_y} target groups of rows could be permuted, so the "
        "p-value can hardly become small.",
    )
