"""Jensen-Shannon distance of the histograms of a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import rel_entr

from .._arrays import Array, namespace, to_numpy
from .._validation import Floats, Ints, RandomState, check_count, check_share, generator
from ..registry import register
from ._column_arrays import codes_of, counts_of, doubt_of_counts, read_columns, sorted_values
from ._column_bins import Binning, check_binning, quantile_cuts, width_cuts
from ._column_results import ColumnResult


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JensenShannonResult(ColumnResult):
    """Outcome of :func:`jensen_shannon`.

    Attributes
    ----------
    value : float
        The distance, or the divergence where that was asked for.
    p_value : float
        From random tables with the same totals.
    cuts : ndarray of shape (bins - 1,)
        Bin k holds the values above cut k - 1 and up to cut k.
    source_shares, target_shares : ndarray of shape (bins,)
        The two histograms.
    n_missing_source, n_missing_target, interval, null, n_source, n_target, warnings
        As in :class:`ColumnResult`.
    """

    p_value: float
    cuts: Floats
    source_shares: Floats
    target_shares: Floats


@register(
    family="columns", inputs="numbers", units="Jensen-Shannon distance, base 2", range=(0.0, 1.0),
    direction="larger means further apart", cost="O((n + m) (log bins + draws))",
    symmetric=True, zero_on_itself=True, invariances=("row order", "translation", "one scale"),
    min_rows=1, arrays=True,
)  # fmt: skip
def jensen_shannon(
    source: Any,
    target: Any,
    *,
    n_bins: int = 10,
    binning: Binning = "width",
    kind: Literal["distance", "divergence"] = "distance",
    base: float = 2.0,
    n_permutations: int = 999,
    n_splits: int = 10,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> JensenShannonResult:
    """Return the Jensen-Shannon distance of the histograms of a column.

    Parameters
    ----------
    source, target : array_like of shape (n_source,) and (n_target,)
        Numbers; NaN is left out and counted.
    n_bins : int
        Bins over the pooled values.
    binning : {"width", "quantile"}
        Equally wide bins (the default), or pooled quantiles, which outliers cannot stretch; a
        value that fills a bin then gets one of its own.
    kind : {"distance", "divergence"}
        The distance is the square root of the divergence, and a metric.
    base : float
        Of the logarithm. With 2 both lie in [0, 1]; scipy's default is the natural one.
    n_permutations : int
        Random tables behind the p-value.
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
    JensenShannonResult
        In base 2 in [0, 1]: 0 means equal histograms, 1 histograms that do not overlap.

    Notes
    -----
    ``JSD(p, q) = KL(p, (p + q) / 2) / 2 + KL(q, (p + q) / 2) / 2``. It sees the histograms only:
    shifts within a bin are lost, and one far outlier can put all other rows into a single bin
    of equal width. A value on an edge belongs to the bin above, but for rounding: decimals that
    lie on edges can change bins when the column is moved. Biased upwards: where nothing differs
    the divergence in base 2 is about ``(bins - 1) (1/n + 1/m) / 5.5``; the null band shows it.
    Halves and half-samples keep the bins of the comparison.

    References
    ----------
    Lin (1991), Divergence measures based on the Shannon entropy, IEEE Trans. Inf. Theory 37.
    Endres & Schindelin (2003), A new metric for probability distributions, ibid. 49.

    Examples
    --------
    >>> result = jensen_shannon([0.0, 1, 2, 3] * 10, [0.0, 1, 1, 1] * 10, n_bins=4)
    >>> round(result.value, 3), result.target_shares.tolist()
    (0.587, [0.25, 0.75, 0.0, 0.0])
    """
    x, y, counts = read_columns(source, target)
    check_binning(binning)
    _check_options(kind, base)
    n_bins = check_count(n_bins, "n_bins", minimum=2)
    n_permutations = check_count(n_permutations, "n_permutations", minimum=19)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=2)
    level, rng = check_share(level, "level"), generator(random_state)

    cuts = _cuts(x, y, n_bins, binning)
    codes_x, codes_y, size = codes_of(x, cuts), codes_of(y, cuts), len(cuts) + 1

    def statistic(source_counts: Array, target_counts: Array) -> float:
        both = to_numpy(source_counts), to_numpy(target_counts)
        divergence = float(js_divergence(*both)) / np.log(base)
        return float(np.sqrt(divergence)) if kind == "distance" else float(divergence)

    one, other = counts_of(codes_x, codes_y, size)
    found: tuple[Ints, Ints] = to_numpy(one), to_numpy(other)
    value = statistic(*found)
    largest = np.log(2) / np.log(base)
    interval, null = doubt_of_counts(
        statistic, codes_x, codes_y, size, value, n_splits=n_splits, n_draws=n_draws,
        level=level, rng=rng, high=float(np.sqrt(largest) if kind == "distance" else largest),
    )  # fmt: skip
    return JensenShannonResult(
        value=value,
        interval=interval,
        null=null,
        p_value=_p_value(*found, n_permutations, rng),
        cuts=cuts,
        source_shares=found[0] / counts["n_source"],
        target_shares=found[1] / counts["n_target"],
        **counts,
    )


def js_divergence(source_counts: Ints, target_counts: Ints) -> Floats:
    """Return the divergence in natural logarithms, of the last axis of two arrays of counts."""
    p = source_counts / source_counts.sum(axis=-1, keepdims=True)
    q = target_counts / target_counts.sum(axis=-1, keepdims=True)
    middle = (p + q) / 2
    divergence = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=-1) / 2
    return np.asarray(np.clip(divergence, 0.0, np.log(2)))


def _check_options(kind: str, base: float) -> None:
    if kind not in ("distance", "divergence"):
        raise ValueError(f"`kind` must be 'distance' or 'divergence', got {kind!r}.")
    if not base > 1:
        raise ValueError(f"`base` must be above 1, got {base!r}.")


def _cuts(x: Array, y: Array, n_bins: int, binning: str) -> Floats:
    if binning == "quantile":
        return quantile_cuts(sorted_values(x, y), n_bins)
    xp = namespace(x)
    low, high = (
        choose(float(end(x)), float(end(y))) for choose, end in ((min, xp.min), (max, xp.max))
    )
    return width_cuts(low, high, n_bins)


def _p_value(
    source_counts: Ints, target_counts: Ints, n_permutations: int, rng: np.random.Generator
) -> float:
    pooled = source_counts + target_counts
    first = rng.multivariate_hypergeometric(
        pooled, int(source_counts.sum()), size=n_permutations, method="marginals"
    )
    bar = float(js_divergence(source_counts, target_counts)) - 1e-12
    reached = int((js_divergence(first, pooled - first) >= bar).sum())
    return (1 + reached) / (1 + n_permutations)
