"""Result pieces that several measures share."""

from dataclasses import dataclass

import numpy as np

from ._validation import Floats

_QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval for a number.

    Attributes
    ----------
    low, high : float
        The ends; ``low <= high``.
    level : float
        Nominal coverage, between 0 and 1.
    method : str
        How it was found, in a few words.
    """

    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True, slots=True, eq=False)
class NullBand:
    """What a measure says about random halves of one and the same sample.

    Attributes
    ----------
    source, target : ndarray of shape (n_splits,) or None
        Values for random halves of the source and of the target; None when that side
        has too few rows to be halved.
    """

    source: Floats | None
    target: Floats | None

    @property
    def source_quantiles(self) -> tuple[float, float, float] | None:
        """The 5 %, 50 % and 95 % quantile for halves of the source."""
        return _quantiles(self.source)

    @property
    def target_quantiles(self) -> tuple[float, float, float] | None:
        """The 5 %, 50 % and 95 % quantile for halves of the target."""
        return _quantiles(self.target)

    @property
    def pooled(self) -> Floats:
        """All null values of both sides, shape (n,)."""
        sides = [side for side in (self.source, self.target) if side is not None]
        return np.concatenate(sides) if sides else np.empty(0)

    def percentile(self, value: float) -> float | None:
        """Return the share (0-100) of all null values below ``value``.

        Values within rounding of ``value`` count half, so that a tie is neither an
        alarm nor an all-clear. None when there are no null values.
        """
        pooled = self.pooled
        if not len(pooled):
            return None
        tied = np.isclose(pooled, value, rtol=1e-12, atol=1e-15)
        below = (pooled < value) & ~tied
        return float(100 * (below.mean() + tied.mean() / 2))


def _quantiles(values: Floats | None) -> tuple[float, float, float] | None:
    if values is None or not len(values):
        return None
    low, middle, high = np.quantile(values, _QUANTILES)
    return float(low), float(middle), float(high)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasureResult:
    """What a measure returns: the value beside its doubt and beside its null.

    Measures with more to say return a subclass with further fields.

    Attributes
    ----------
    value : float
        In the units, range and direction of the measure's entry in ``REGISTRY``.
    interval : Interval or None
        For the value that samples of these sizes give on average; None when a side has too
        few rows to be halved.
    null : NullBand
        ``value`` for random halves of the source and of the target.
    n_source, n_target : int
        Rows used.
    warnings : tuple of str
        What makes the value doubtful, one sentence each.
    """

    value: float
    interval: Interval | None
    null: NullBand
    n_source: int
    n_target: int
    warnings: tuple[str, ...] = ()

    @property
    def by_column(self) -> Floats | None:
        """How much each column has to do with the value, or None where it cannot be said.

        Shape (d,), larger is more; only the order has a meaning across measures.
        """
        return None
