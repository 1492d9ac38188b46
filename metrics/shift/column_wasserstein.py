"""How far the values of a column moved: Wasserstein-1 in a unit of the column."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .._arrays import Array, namespace
from .._doubt import Sample, half_sample_interval, null_band
from .._validation import RandomState, check_count, check_share, generator
from ..registry import register
from ._column_arrays import (
    counts_of,
    five_numbers,
    pooled_places,
    read_columns,
    shares_up_to,
)
from ._column_results import ColumnResult
from ._univariate import spread

_SMALL = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnWassersteinResult(ColumnResult):
    """Outcome of :func:`column_wasserstein`.

    Attributes
    ----------
    value : float
        Wasserstein-1 in units of ``scale``, at least 0.
    mean_difference : float
        Target mean minus source mean in the same unit; as large as ``value`` in size when
        all of the column moved in one direction.
    unit : str
        ``"iqr"``, ``"sd"`` or ``"raw"``: the unit really used.
    scale : float
        The unit in the column's own numbers.
    n_missing_source, n_missing_target, interval, null, n_source, n_target, warnings
        As in :class:`ColumnResult`.
    """

    mean_difference: float
    unit: str
    scale: float


@register(
    family="columns", inputs="numbers", units="interquartile ranges", range=(0.0, float("inf")),
    direction="larger means further apart", cost="O((n + m) (log(n + m) + draws))",
    symmetric=True, zero_on_itself=True, invariances=("row order", "translation", "one scale"),
    min_rows=1, arrays=True,
)  # fmt: skip
def column_wasserstein(
    source: Any,
    target: Any,
    *,
    unit: Literal["iqr", "sd", "raw"] = "iqr",
    n_splits: int = 10,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> ColumnWassersteinResult:
    """Return how far the values of a column must move on average to become the other side's.

    Parameters
    ----------
    source, target : array_like of shape (n_source,) and (n_target,)
        Numbers; NaN is left out and counted.
    unit : {"iqr", "sd", "raw"}
        Interquartile range or standard deviation, both within a side and averaged over the
        sides, or the column's own unit. Where the range is 0, the standard deviation stands in.
    n_splits : int
        Random halves of each side for the null band.
    n_draws : int
        Half-samples for the interval.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    ColumnWassersteinResult
        At least 0; in interquartile ranges 0.1 is a small shift and 1 a large one.

    Notes
    -----
    ``W1 = integral |F(t) - G(t)| dt``, the area between the distribution functions. The unit
    is taken within each side: over the stacked rows it would grow with the very shift it is to
    measure. In the null band the unit is that of the comparison; in the interval every
    half-sample has its own, because the unit is an estimate too.

    Biased upwards in small samples (the null band shows by how much). Raw values of
    different columns cannot be compared; a single far outlier moves W1 by its distance over
    the rows. Heavy tails: look at :func:`kolmogorov_smirnov`, which they cannot move.

    References
    ----------
    Vallender (1974), Calculation of the Wasserstein distance between probability
    distributions on the line, Theory Probab. Appl. 18.

    Examples
    --------
    >>> result = column_wasserstein([0.0, 1, 2, 3] * 10, [1.0, 2, 3, 4] * 10)
    >>> round(result.value, 3), result.scale, round(result.mean_difference, 3)
    (0.667, 1.5, 0.667)
    """
    x, y, counts = read_columns(source, target)
    if unit not in ("iqr", "sd", "raw"):
        raise ValueError(f"`unit` must be 'iqr', 'sd' or 'raw', got {unit!r}.")
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=2)
    level, rng = check_share(level, "level"), generator(random_state)

    scale, used, warnings = column_scale(x, y, unit)
    grid, places_x, places_y = pooled_places(x, y)
    gaps, xp = grid[1:] - grid[:-1], namespace(grid)

    def in_unit(first: Sample, second: Sample) -> float:
        return _area(*counts_of(first[0], second[0], grid.shape[0]), gaps) / scale

    def in_own_unit(first: Sample, second: Sample) -> float:
        own, name, _ = column_scale(first[1], second[1], unit)
        # A half without any spread has no unit to speak of.
        ratio = scale / own if name == used and own > _SMALL * scale else 1.0
        return in_unit(first, second) * ratio

    value = in_unit((places_x,), (places_y,))
    return ColumnWassersteinResult(
        value=value,
        interval=half_sample_interval(
            in_own_unit, (places_x, x), (places_y, y), value,
            level=level, n_draws=n_draws, rng=rng, low=0.0,
        ),
        null=null_band(in_unit, (places_x,), (places_y,), n_splits=n_splits, rng=rng),
        mean_difference=(float(xp.mean(y)) - float(xp.mean(x))) / scale,
        unit=used,
        scale=scale,
        warnings=warnings,
        **counts,
    )  # fmt: skip


def column_scale(x: Array, y: Array, unit: str) -> tuple[float, str, tuple[str, ...]]:
    """Return the unit, its name, and a warning where it is not the one asked for."""
    if unit == "raw":
        return 1.0, unit, ()
    xp = namespace(x)
    if isinstance(x, np.ndarray) or unit != "iqr":
        found = spread(x, y) if unit == "iqr" else None
    else:
        found = spread(five_numbers(x), five_numbers(y))
    if found is not None and found[1] == "wasserstein_in_iqr":
        return found[0], unit, ()
    within_sd = math.sqrt((float(xp.var(x)) + float(xp.var(y))) / 2)
    if within_sd > 0:
        if unit == "sd":
            return within_sd, unit, ()
        return within_sd, "sd", ("The quartiles coincide; the unit is the standard deviation.",)
    return 1.0, "raw", ("Neither side varies; the distance is in the column's own unit.",)


def _area(source_counts: Array, target_counts: Array, gaps: Array) -> float:
    difference = shares_up_to(source_counts) - shares_up_to(target_counts)
    return float(namespace(gaps).abs(difference[:-1]) @ gaps)
