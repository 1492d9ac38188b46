"""Kernel inception distance: squared MMD of features with a cubic kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from scipy.stats import norm

from .._arrays import Array, check_tables, namespace, take
from .._results import Interval, MeasureResult
from .._validation import Floats, RandomState, check_choice, check_count, check_share, generator
from ..registry import register
from ._array_kernels import Pairs
from ._pair_sums import pair_sums
from .mmd import mmd, polynomial_kernel

Protocol: TypeAlias = Literal["full", "torch-fidelity", "clean-fid"]

_SEEDS = {"torch-fidelity": 2020, "clean-fid": 0}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KIDResult(MeasureResult):
    """Outcome of :func:`kernel_inception_distance`.

    Attributes
    ----------
    protocol : str
        As asked for.
    source_witness, target_witness : ndarray of shape (rows,)
        As for :func:`mmd`, on all rows.
    subset_std : float or None
        Standard deviation (ddof=0) over the subsets. Subsets overlap: it is not a standard
        error. None for ``protocol="full"``.
    subset_size : int or None
        Rows in a subset.
    """

    protocol: str
    source_witness: Floats | None
    target_witness: Floats | None
    subset_std: float | None
    subset_size: int | None


@register(
    family="kernel", units="squared MMD of the cubic kernel", range=(-np.inf, np.inf),
    direction="larger means further apart", cost="O((n + m)^2 d)", symmetric=True,
    invariances=("row order", "column order", "rotation"), min_rows=2, attribution=("rows",),
    arrays=True,
)  # fmt: skip
def kernel_inception_distance(
    source: Any,
    target: Any,
    *,
    protocol: Protocol = "full",
    n_subsets: int = 100,
    subset_size: int = 1000,
    subset_seed: int | None = None,
    degree: int = 3,
    gamma: float | None = None,
    offset: float = 1.0,
    n_splits: int = 10,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> KIDResult:
    r"""Measure how far apart two sets of features lie, with the kernel (x.y/d + 1)³.

    Parameters
    ----------
    source : array of shape (n_source, d)
        Features of the source, such as the last hidden layer of a network.
    target : array of shape (n_target, d)
        Features of the target from the same network.
    protocol : {"full", "torch-fidelity", "clean-fid"}
        full: once, on all rows. The others repeat what these libraries report: the mean over
        random subsets of equal size without repetition, drawn in their order (torch-fidelity:
        source first; clean-fid: target first, sizes cut to the smaller side).
    n_subsets, subset_size : int
        Subsets and rows in each; not used by "full".
    subset_seed : int or None
        Seed of the subsets; None means that of the protocol (2020 and 0).
    degree, gamma, offset : int, float or None, float
        Of the kernel (gamma x.y + offset)^degree; None means 1/d.
    n_splits : int
        Random halves of each side for the null band.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of the halves.

    Returns
    -------
    KIDResult
        About 0 (also negative) when nothing differs. No upper end; the number depends on the
        scale and the origin of the features, so compare only within one network.

    Notes
    -----
    It is the unbiased squared MMD, so unlike the Fréchet distance its mean does not depend on
    the number of rows. All subsets together estimate what "full" computes, with more noise;
    the "full" value has the smallest variance of all. The interval is that of the U-statistic
    on all rows; for subsets the variance over subsets divided by their number is added. The
    null band is always that of "full".

    Time O((n + m)² d), memory about 128 MB; a protocol of subsets adds n_subsets subset_size² d.
    It misleads with features far from the origin: the cube of a large inner product then
    loses the difference in rounding, and a warning says so.

    References
    ----------
    Bińkowski, Sutherland, Arbel & Gretton (2018), Demystifying MMD GANs, ICLR, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> features = rng.normal(size=(200, 8))
    >>> round(kernel_inception_distance(features, features + 1.0).value, 1)
    7.9
    """
    check_choice(protocol, "protocol", get_args(Protocol))
    x, y = check_tables(source, target, min_rows=2)
    n_subsets = check_count(n_subsets, "n_subsets", minimum=1)
    subset_size = check_count(subset_size, "subset_size", minimum=2)
    level, rng = check_share(level, "level"), generator(random_state)
    full = mmd(
        x, y, kernel="polynomial", degree=degree, gamma=gamma, offset=offset, n_splits=n_splits,
        level=level, random_state=rng,
    )  # fmt: skip
    kernel = polynomial_kernel(degree, gamma, offset, x.shape[1])
    value, interval, std, size = full.value, full.interval, None, None
    if protocol != "full":
        size = _subset_size(protocol, subset_size, min(x.shape[0], y.shape[0]))
        seed = _SEEDS[protocol] if subset_seed is None else subset_seed
        values = _subset_values(kernel, x, y, protocol, n_subsets, size, seed)
        value, std = float(values.mean()), float(values.std())
        interval = _moved(full.interval, value, std / math.sqrt(n_subsets))
    return KIDResult(
        value=value,
        interval=interval,
        null=full.null,
        n_source=full.n_source,
        n_target=full.n_target,
        warnings=full.warnings + _rounding(kernel, x, y, value),
        protocol=protocol,
        source_witness=full.source_witness,
        target_witness=full.target_witness,
        subset_std=std,
        subset_size=size,
    )


def _subset_size(protocol: str, asked: int, smaller: int) -> int:
    if protocol == "clean-fid":
        return min(asked, smaller)
    if asked > smaller:
        raise ValueError(
            f"`subset_size` is {asked}, but the smaller side has {smaller} rows; lower it or use "
            'protocol="full".'
        )
    return asked


def _subset_values(
    kernel: Pairs, x: Array, y: Array, protocol: str, n_subsets: int, size: int, seed: int
) -> Floats:
    """Return the unbiased squared MMD of every subset."""
    # Only the old generator repeats the subsets of these libraries; it is local.
    draw = np.random.RandomState(seed)
    values = []
    for _ in range(n_subsets):
        if protocol == "torch-fidelity":
            one, other = _draw(draw, x, size), _draw(draw, y, size)
        else:
            other, one = _draw(draw, y, size), _draw(draw, x, size)
        values.append(pair_sums(kernel, one, other)[0].mmd2(biased=False))
    return np.array(values)


def _draw(draw: np.random.RandomState, rows: Array, size: int) -> Array:
    return take(rows, draw.choice(rows.shape[0], size, replace=False).astype(np.int64))


def _moved(interval: Interval | None, value: float, error: float) -> Interval | None:
    """Return an interval around another value, with one more independent error."""
    if interval is None:
        return None
    z = float(norm.ppf((1 + interval.level) / 2))
    reach = math.hypot((interval.high - interval.low) / 2, z * error)
    return Interval(value - reach, value + reach, interval.level, interval.method)


def _rounding(kernel: Pairs, x: Array, y: Array, value: float) -> tuple[str, ...]:
    largest = max(float(kernel(side[row, :], side[row, :])[0, 0]) for side, row in _longest(x, y))
    if largest * 1e-15 <= 1e-3 * abs(value):
        return ()
    return (
        "The kernel's values are so large beside the distance that rounding hides it; centre "
        "and scale the features label-blind first.",
    )


def _longest(x: Array, y: Array) -> list[tuple[Array, slice]]:
    """Return for each side the row with the largest norm, as a slice."""
    found = []
    for side in (x, y):
        xp = namespace(side)
        position = int(xp.argmax(xp.sum(side * side, axis=1)))
        found.append((side, slice(position, position + 1)))
    return found
