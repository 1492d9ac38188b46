"""Squared L2 distance between two densities, from one least-squares fit of their difference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from .._arrays import Array, check_tables, namespace, take, to_numpy
from .._doubt import Sample, half_sample_interval, null_band
from .._results import MeasureResult
from .._validation import (
    Floats,
    RandomState,
    check_count,
    check_positive,
    check_share,
    generator,
    subsample,
)
from ..registry import register
from ._array_kernels import Bandwidth, gaussian, resolve_bandwidth

Chosen: TypeAlias = Literal["leave_one_out"]

_WIDTHS = np.geomspace(0.2, 2.0, 8)
"""Candidate bandwidths, in median distances of the pooled rows."""

_RIDGES = np.geomspace(1e-3, 10.0, 9)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LSDDResult(MeasureResult):
    """Outcome of :func:`lsdd`.

    Attributes
    ----------
    relative : float
        ``value`` over the sum of the integrals of both squared densities, fitted alike:
        without units, 0 for equal densities and about 1 for such that never meet.
    bandwidth, ridge : float
        As used.
    source_difference : ndarray of shape (n_source,)
        Fitted source density less target density at every row used: positive where the
        source is denser.
    target_difference : ndarray of shape (n_target,)
        The same at the target rows.
    subsampled : bool
        Whether a side had more rows than were used.
    """

    relative: float
    bandwidth: float
    ridge: float
    source_difference: Floats
    target_difference: Floats
    subsampled: bool


@register(
    family="kernel", units="density (one over the volume of the columns)", range=(0.0, np.inf),
    direction="larger means further apart", cost="O((n + m) b (d + b) + b^3), b centres",
    zero_on_itself=True, invariances=("column order", "translation", "rotation"), min_rows=4,
    attribution=("rows",), arrays=True,
)  # fmt: skip
def lsdd(
    source: Any,
    target: Any,
    *,
    bandwidth: Bandwidth | Chosen = "leave_one_out",
    ridge: float | Chosen = "leave_one_out",
    n_centres: int = 200,
    max_rows: int = 20_000,
    n_splits: int = 10,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> LSDDResult:
    r"""Measure the integral of the squared difference of two densities.

    Parameters
    ----------
    source : array of shape (n_source, d)
        Source rows on comparable scales (standardise label-blind first).
    target : array of shape (n_target, d)
        Target rows, same columns.
    bandwidth : {"leave_one_out", "median", "sqrt_d"} or float
        s in the basis exp(-|x - c|²/(2 s²)). leave_one_out: the best of eight from 0.2 to 2
        median distances of the pooled rows. The others as for :func:`mmd`.
    ridge : {"leave_one_out"} or float
        Added to the diagonal of the basis' matrix of overlaps after that has been divided by
        (pi s²)^(d/2), so that it means the same in every dimension. leave_one_out: the best of
        nine from 0.001 to 10.
    n_centres : int
        Rows drawn from the pooled rows as centres of the basis, without looking at their side.
    max_rows : int
        Larger sides are subsampled uniformly and the result says so.
    n_splits : int
        Random halves of each side for the null band.
    n_draws : int
        Half-samples behind the interval.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of subsamples, centres, halves and half-samples.

    Returns
    -------
    LSDDResult
        At least 0. In one over the volume of the columns, so compare only within the same
        columns and scales; ``relative`` has no units.

    Notes
    -----
    With :math:`H_{ij} = (\pi s^2)^{d/2} \exp(-|c_i - c_j|^2 / 4 s^2)` and h the mean basis of the
    source less that of the target, the fit is :math:`\theta = (H + \lambda I)^{-1} h` and the
    value :math:`2 h'\theta - \theta' H \theta`. As h is a mean, the error left out row by row has
    a closed form: the expected product of fit and difference is the unbiased squared MMD of the
    kernel :math:`\phi(x)'(H + \lambda I)^{-1}\phi(y)`.

    The value is biased upward at small sizes; the null band, which keeps bandwidth, ridge
    and centres, shows by how much. Exchanging the sides or the rows may draw other centres and
    move the value a little, unless there are at most ``n_centres`` pooled rows.

    It misleads in more than about ten columns, where densities are near 0 nearly everywhere,
    and with repeated rows, for which leaving one out favours the smallest bandwidth.

    References
    ----------
    Sugiyama et al. (2013), Density-difference estimation, Neural Computation 25
    (there with cross-validation instead of leaving one out).

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> result = lsdd(
    ...     rng.normal(size=(300, 1)), rng.normal(2.0, size=(200, 1))
    ... )
    >>> round(result.value, 2), round(2 * (1 - math.exp(-1)) / math.sqrt(4 * math.pi), 2)
    (0.38, 0.36)
    """
    x, y = check_tables(source, target, min_rows=4)
    n_centres = check_count(n_centres, "n_centres", minimum=2)
    max_rows = check_count(max_rows, "max_rows", minimum=16)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=2)
    level, rng, xp = check_share(level, "level"), generator(random_state), namespace(x)
    sizes = x.shape[0], y.shape[0]
    x, y = (take(side, subsample(side.shape[0], max_rows, rng)) for side in (x, y))
    pooled = xp.concat([x, y])
    centre = xp.mean(pooled, axis=0)
    x, y, pooled = x - centre, y - centre, pooled - centre
    centres = take(pooled, subsample(pooled.shape[0], n_centres, rng))

    widths, notes = _widths(bandwidth, pooled, rng)
    ridges = _RIDGES if ridge == "leave_one_out" else np.array([check_positive(ridge, "ridge")])
    basis, strength = _choose(x, y, centres, widths, ridges)
    phi_x, phi_y = basis.features(x), basis.features(y)

    def statistic(one: Sample, other: Sample) -> float:
        gap = _mean(one[0]) - _mean(other[0])
        return basis.per_volume * basis.squared_norm(gap, strength)

    value = statistic((phi_x,), (phi_y,))
    null = null_band(statistic, (phi_x,), (phi_y,), n_splits=n_splits, rng=rng)
    interval = half_sample_interval(
        statistic, (phi_x,), (phi_y,), value, level=level, n_draws=n_draws, rng=rng, low=0.0
    )
    mean_x, mean_y = _mean(phi_x), _mean(phi_y)
    fit = basis.per_volume * basis.solve(mean_x - mean_y, strength)
    both = sum(basis.squared_norm(mean, strength) for mean in (mean_x, mean_y))
    subsampled = sizes != (x.shape[0], y.shape[0])
    return LSDDResult(
        value=value,
        interval=interval,
        null=null,
        n_source=x.shape[0],
        n_target=y.shape[0],
        warnings=notes + _more_notes(subsampled, max_rows, value, x.shape[1]),
        relative=basis.squared_norm(mean_x - mean_y, strength) / both,
        bandwidth=basis.width,
        ridge=strength,
        source_difference=to_numpy(phi_x) @ fit,
        target_difference=to_numpy(phi_y) @ fit,
        subsampled=subsampled,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Basis:
    """Gaussians around centres; all in units in which one overlaps fully with itself.

    ``overlaps`` and ``vectors`` are the eigenvalues and eigenvectors of
    exp(-|c_i - c_j|²/(4 s²)).
    """

    centres: Array
    width: float
    overlaps: Floats
    vectors: Floats

    @classmethod
    def around(cls, centres: Array, width: float) -> _Basis:
        values, vectors = np.linalg.eigh(
            to_numpy(gaussian(centres, centres, factor=0.25 / width**2))
        )
        return cls(centres, width, np.maximum(values, 0.0), vectors)

    @property
    def log_volume(self) -> float:
        """Log of the integral of a squared basis function."""
        return float(self.centres.shape[1] / 2 * math.log(math.pi * self.width**2))

    @property
    def per_volume(self) -> float:
        """One over that integral."""
        if self.log_volume < -700:
            raise ValueError(
                f"The densities of these {self.centres.shape[1]} columns are too large for a "
                "number; standardise the columns or keep fewer of them."
            )
        return math.exp(-self.log_volume)

    def features(self, rows: Array) -> Array:
        return gaussian(rows, self.centres, factor=0.5 / self.width**2)

    def solve(self, gap: Floats, ridge: float) -> Floats:
        """Return the coefficients of the fit to a difference of mean features."""
        weights = (self.vectors.T @ gap) / (self.overlaps + ridge)
        return np.asarray(self.vectors @ weights)

    def squared_norm(self, gap: Floats, ridge: float) -> float:
        """Return 2 h't - t'Ht for the fitted coefficients t."""
        along = (self.vectors.T @ gap) ** 2
        return float(along @ ((self.overlaps + 2 * ridge) / (self.overlaps + ridge) ** 2))


def _mean(features: Array) -> Floats:
    return np.asarray(to_numpy(namespace(features).mean(features, axis=0)))


def _widths(
    bandwidth: Bandwidth | Chosen, pooled: Array, rng: np.random.Generator
) -> tuple[Floats, tuple[str, ...]]:
    if bandwidth == "leave_one_out":
        median, notes = resolve_bandwidth("median", pooled, rng)
        return median * _WIDTHS, notes
    width, notes = resolve_bandwidth(bandwidth, pooled, rng)
    return np.array([width]), notes


def _choose(
    x: Array, y: Array, centres: Array, widths: Floats, ridges: Floats
) -> tuple[_Basis, float]:
    """Return the basis and ridge with the smallest error on rows left out."""
    bases = [_Basis.around(centres, float(width)) for width in widths]
    if len(bases) == len(ridges) == 1:
        return bases[0], float(ridges[0])
    # Errors are densities; only their ratios matter, and the volumes themselves overflow.
    smallest = min(basis.log_volume for basis in bases)
    best = (math.inf, bases[0], float(ridges[0]))
    for basis in bases:
        errors = math.exp(smallest - basis.log_volume) * _left_out_errors(basis, x, y, ridges)
        lowest = int(np.argmin(errors))
        if errors[lowest] < best[0]:
            best = (float(errors[lowest]), basis, float(ridges[lowest]))
    return best[1], best[2]


def _left_out_errors(basis: _Basis, x: Array, y: Array, ridges: Floats) -> Floats:
    """Return the squared error of the fit, without its constant, for every ridge."""
    mean_x, own_x = _along(basis, x)
    mean_y, own_y = _along(basis, y)
    n, m = x.shape[0], y.shape[0]
    # Products of different rows only: a row must not predict itself.
    apart_x = (n * mean_x**2 - own_x) / (n - 1)
    apart_y = (m * mean_y**2 - own_y) / (m - 1)
    product = apart_x + apart_y - 2 * mean_x * mean_y
    weights = 1 / (basis.overlaps[None, :] + ridges[:, None])
    fitted = weights**2 @ (basis.overlaps * (mean_x - mean_y) ** 2)
    return np.asarray(fitted - 2 * weights @ product)


def _along(basis: _Basis, rows: Array) -> tuple[Floats, Floats]:
    """Return the mean and the mean square of the features along the eigenvectors."""
    features = basis.features(rows)
    second = to_numpy(features.T @ features) / rows.shape[0]
    squares = np.einsum("bk,bk->k", basis.vectors, second @ basis.vectors)
    return basis.vectors.T @ _mean(features), squares


def _more_notes(subsampled: bool, max_rows: int, value: float, columns: int) -> tuple[str, ...]:
    notes = []
    if subsampled:
        notes.append(f"A side has more than {max_rows:,} rows; that many were drawn at random.")
    if columns > 10:
        notes.append(
            f"In {columns} columns densities are near 0 nearly everywhere; read `relative`, or "
            "reduce the columns label-blind first."
        )
    if 0 < value < 1e-300:
        notes.append("The value is too small for a number of full precision; read `relative`.")
    return tuple(notes)
