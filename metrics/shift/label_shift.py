"""Shift of the label marginal: classes by total variation, quantities by Wasserstein-1."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._results import Interval, NullBand
from .._validation import (
    Floats,
    Ints,
    RandomState,
    check_columns,
    check_count,
    check_share,
    generator,
)
from ..registry import register
from ._univariate import (
    SortedPair,
    counts_p_value,
    ks_p_value,
    level_counts,
    total_variation,
    total_variation_nulls,
    wasserstein_nulls,
)


@dataclass(frozen=True, slots=True, eq=False)
class LabelShiftResult:
    """Outcome of :func:`label_shift`.

    Attributes
    ----------
    value : float
        Distance of the two label marginals.
    value_name : str
        ``"total_variation"`` or ``"wasserstein_in_source_sd"``.
    interval : Interval
        For the distance of the two populations.
    null : NullBand
        ``value`` for random halves of either side.
    p_value : float
        Chi-square (classes) or Kolmogorov-Smirnov (quantities).
    n_source, n_target : int
        Labels used, missing ones left out.
    """

    value: float
    value_name: str
    interval: Interval
    null: NullBand
    p_value: float
    n_source: int
    n_target: int


@register(
    family="labels", inputs="codes", units="total variation, or source standard deviations",
    range=(0.0, float("inf")), direction="larger means other label frequencies",
    cost="O(bootstraps (n + m))", zero_on_itself=True, invariances=("row order", "relabelling"),
    min_rows=1, label_blind=False,
)  # fmt: skip
def label_shift(
    source: ArrayLike,
    target: ArrayLike,
    *,
    categorical: bool,
    n_splits: int = 50,
    n_bootstrap: int = 200,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> LabelShiftResult:
    """Measure how far the label marginals of two samples lie apart.

    Parameters
    ----------
    source, target : array_like of shape (n_source,) and (n_target,)
        Integer codes of one shared coding (-1 missing), or numbers (NaN missing). Missing
        labels are left out.
    categorical : bool
        Whether the labels are classes.
    n_splits : int
        Random halves of each side for the null band.
    n_bootstrap : int
        Resamples behind the interval, each side resampled on its own.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    LabelShiftResult
        Total variation in [0, 1], or Wasserstein-1 in source standard deviations (of the
        target where the source is constant); 0 means equal marginals.

    Notes
    -----
    Either distance is biased upwards in small samples, and a resample doubles the bias.
    The interval is therefore the reflected ("basic") bootstrap, stretched to hold the
    value itself, and down to 0 where the p-value exceeds ``1 - level``: at the edge of its
    range no bootstrap of a distance covers. Cost is O(n_bootstrap (n + m)). Brought to NumPy:
    the resampling looks at counts or at one sorted vector.

    With different label marginals no representation with equal feature marginals can
    have a small error on both sides (Zhao et al. 2019, ICML): read this
    distance beside the feature distances. It misleads when the labelled target rows are
    not a random part of the target.

    Examples
    --------
    >>> label_shift([0, 1] * 20, [0, 1, 1, 1] * 10, categorical=True).value
    0.25
    """
    source_labels, target_labels = check_columns(source, target, categorical=categorical)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_bootstrap = check_count(n_bootstrap, "n_bootstrap", minimum=20)
    level = check_share(level, "level")
    rng = generator(random_state)

    x, y = (_present(labels, categorical) for labels in (source_labels, target_labels))
    for side, name in ((x, "source"), (y, "target")):
        if not len(side):
            raise ValueError(
                f"`{name}` has no label that is not missing; leave label shift out for "
                "an unlabelled side."
            )
    measure = _classes if categorical else _quantities
    value, name, resampled, null, p_value = measure(x, y, n_splits, n_bootstrap, rng)
    ceiling = 1.0 if categorical else np.inf
    floor = 0.0 if p_value > 1 - level else None
    return LabelShiftResult(
        value=value,
        value_name=name,
        interval=_basic_interval(value, resampled, level, floor, ceiling),
        null=null,
        p_value=p_value,
        n_source=len(x),
        n_target=len(y),
    )


def _present(labels: NDArray[Any], categorical: bool) -> NDArray[Any]:
    return labels[labels >= 0] if categorical else labels[~np.isnan(labels)]


def _classes(
    x: Ints, y: Ints, n_splits: int, n_bootstrap: int, rng: np.random.Generator
) -> tuple[float, str, Floats, NullBand, float]:
    counts = level_counts(x, y)
    null = NullBand(
        *(total_variation_nulls(side, len(x), len(y), n_splits, rng) for side in counts)
    )
    draws = [
        rng.multinomial(int(side.sum()), side / side.sum(), size=n_bootstrap) for side in counts
    ]
    resampled = np.array([total_variation(*pair) for pair in zip(*draws, strict=True)])
    p_value = counts_p_value(*counts, rng)
    return total_variation(*counts), "total_variation", resampled, null, p_value


def _quantities(
    x: Floats, y: Floats, n_splits: int, n_bootstrap: int, rng: np.random.Generator
) -> tuple[float, str, Floats, NullBand, float]:
    # Two constant labels have no unit; their distance is then given as it stands.
    unit = float(np.std(x)) or float(np.std(y)) or 1.0
    pair = SortedPair(x, y)
    null = NullBand(
        *(wasserstein_nulls(side / unit, len(x), len(y), n_splits, rng) for side in (x, y))
    )
    distances, units = pair.resampled(n_bootstrap, rng)
    # The unit is an estimate too, unless the source hardly varies.
    resampled = distances / (units if units.min() > 0.1 * unit else unit)
    p_value = ks_p_value(x, y)
    return pair.wasserstein() / unit, "wasserstein_in_source_sd", resampled, null, p_value


def _basic_interval(
    value: float, resampled: Floats, level: float, floor: float | None, ceiling: float
) -> Interval:
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    reflected = max(0.0, 2 * value - high)
    return Interval(
        low=float(min(value, reflected if floor is None else floor)),
        high=float(max(value, min(ceiling, 2 * value - low))),
        level=level,
        method="basic bootstrap, stratified by side",
    )
