"""The table of columns: effect, null, corrected p-value and common-bin histograms."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..document import Feature, Histogram
from ._units import halved_sides, hang_together, null_of_units

if TYPE_CHECKING:
    from ...metrics import ColumnShiftResult, NullBand
    from ..domain import Pair, PairedColumn, Side
    from ._base import Evidence

MIN_EFFECT = 0.1
"""Smallest effect called a shift: a tenth of an interquartile range, or of probability."""
FDR = 0.05
N_BINS = 20
MAX_CATEGORIES = 12
MAX_HISTOGRAMS = 64
N_HALVES = 5
N_UNIT_HALVES = 20
MAX_HALVED = 2000
"""Rows of either half in the null reference: without a shift more would change nothing."""


def column_table(evidence: Evidence) -> list[Feature]:
    """Compare every column in use; biggest effect first."""
    from ...metrics import benjamini_hochberg, column_shift

    columns = evidence.pair.columns
    n_splits = max(10, round(50 * evidence.effort))
    if len(columns) > 200:
        n_splits = 10
    found = [
        column_shift(
            column.source, column.target, categorical=column.levels is not None,
            n_splits=n_splits, random_state=evidence.seed,
        )
        for column in columns
    ]  # fmt: skip
    adjusted = benjamini_hochberg(np.array([shift.p_value for shift in found]))
    limits = [shift.null_95 for shift in found]
    if hang_together(evidence.pair):
        limits = _limits_by_unit(evidence)
    order = sorted(
        range(len(columns)), key=lambda i: (-np.nan_to_num(found[i].effect), columns[i].name)
    )
    features = []
    for rank, i in enumerate(order):
        shift, column = found[i], columns[i]
        null_95 = _plain(limits[i])
        features.append(
            Feature(
                name=column.name,
                kind=column.kind,
                shifted=_is_flagged(shift, float(adjusted[i]), null_95 or 0.0),
                effect=_plain(shift.effect),
                effect_name=shift.effect_name,
                null_95=null_95,
                p_value=_plain(shift.p_value),
                p_adjusted=_plain(adjusted[i]),
                missing_source=float(shift.missing_source),
                missing_target=float(shift.missing_target),
                mean_source=_plain(shift.mean_source),
                mean_target=_plain(shift.mean_target),
                histogram=_histogram(column) if rank < MAX_HISTOGRAMS else None,
            )
        )
    return features


def flagged_by_chance(evidence: Evidence) -> NullBand:
    """Return the share of columns flagged between random halves of the source, of the target."""
    from ...metrics import NullBand, random_halves

    pair, limits = evidence.pair, {f.name: f.null_95 or 0.0 for f in evidence.features}
    if hang_together(pair):
        return null_of_units(
            pair,
            lambda side, *halves: _flagged_share(pair.columns, _name(pair, side), halves, limits),
            seed=evidence.seed, n_splits=N_HALVES, max_rows=MAX_HALVED,
        )  # fmt: skip
    sizes = [min(MAX_HALVED, side.domain.n_rows) for side in (pair.source, pair.target)]
    n_splits = N_HALVES if len(pair.columns) <= 200 else 2
    shares: list[NDArray[np.float64] | None] = []
    for number, of in enumerate(("source", "target")):
        rng = np.random.default_rng([evidence.seed, 19, number])
        rows = len(getattr(pair.columns[0], of))
        found = [
            _flagged_share(pair.columns, of, halves, limits)
            for halves in random_halves(rows, *sizes, n_splits=n_splits, rng=rng)
        ]
        shares.append(np.array(found) if found else None)
    return NullBand(*shares)


def _limits_by_unit(evidence: Evidence) -> list[float]:
    """Return what random halves of whole units stay below in every column at once, 95 in 100.

    The p-values of columns count rows, so that correcting them for many columns does not help
    here: the limits are raised together until the largest excess over all columns fits.
    """
    from ...metrics import column_shift

    pair = evidence.pair
    n_splits = N_UNIT_HALVES if len(pair.columns) <= 200 else N_HALVES
    by_side: dict[str, list[list[float]]] = {"source": [], "target": []}
    for side, *halves in halved_sides(
        pair, seed=evidence.seed, n_splits=n_splits, max_rows=MAX_HALVED
    ):
        of = _name(pair, side)
        by_side[of].append([
            column_shift(
                *(getattr(column, of)[rows] for rows in halves),
                categorical=column.levels is not None, n_splits=1,
            ).effect
            for column in pair.columns
        ])  # fmt: skip
    effects = [np.nan_to_num(np.array(found)) for found in by_side.values() if found]
    if not effects:
        return [np.nan] * len(pair.columns)
    limit = np.max([np.quantile(one, 0.95, axis=0) for one in effects], axis=0)
    excess = [np.max(one / np.where(limit > 0, limit, np.inf), axis=1) for one in effects]
    factor = max(1.0, *(float(np.quantile(one, 0.95)) for one in excess))
    return [float(one) for one in limit * factor]


def _name(pair: Pair, side: Side) -> str:
    return "source" if side is pair.source else "target"


def _flagged_share(
    columns: Sequence[PairedColumn],
    of: str,
    halves: tuple[NDArray[np.int64], NDArray[np.int64]],
    limits: dict[str, float],
) -> float:
    from ...metrics import benjamini_hochberg, column_shift

    found = [
        column_shift(
            *(getattr(column, of)[rows] for rows in halves), categorical=column.levels is not None,
            n_splits=1,
        )
        for column in columns
    ]  # fmt: skip
    adjusted = benjamini_hochberg(np.array([shift.p_value for shift in found]))
    flags = [
        _is_flagged(shift, p, limits[column.name])
        for column, shift, p in zip(columns, found, adjusted, strict=True)
    ]
    return float(np.mean(flags))


def _is_flagged(shift: ColumnShiftResult, p_adjusted: float, null_95: float) -> bool:
    return bool(p_adjusted <= FDR and shift.effect >= MIN_EFFECT and shift.effect > null_95)


def _plain(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _histogram(column: PairedColumn) -> Histogram | None:
    if column.levels is not None:
        return _bars(column, column.levels)
    source = column.source[np.isfinite(column.source)]
    target = column.target[np.isfinite(column.target)]
    if not source.size or not target.size:
        return None
    both = np.concatenate([source, target])
    values = np.unique(both) if both.size <= 200_000 else np.empty(0)
    if 0 < values.size <= MAX_CATEGORIES:
        return Histogram(
            bins=[f"{value:g}" for value in values],
            edges=None,
            source=[float(np.mean(source == value)) for value in values],
            target=[float(np.mean(target == value)) for value in values],
        )
    # Long tails go into the outer bins: the picture is about where the rows are.
    low, high = np.quantile(both, [0.005, 0.995])
    if not high > low:
        low, high = both.min(), both.max()
    with np.errstate(over="ignore"):
        edges = np.linspace(low, high, N_BINS + 1)
    if not np.isfinite(edges).all() or np.any(np.diff(edges) <= 0):
        return None
    return Histogram(
        bins=[f"{a:.3g} to {b:.3g}" for a, b in itertools.pairwise(edges)],
        edges=[float(edge) for edge in edges],
        source=_shares(source, edges),
        target=_shares(target, edges),
    )


def _shares(values: NDArray[np.float64], edges: NDArray[np.float64]) -> list[float]:
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return [float(x) for x in np.bincount(place, minlength=len(edges) - 1) / len(values)]


def _bars(column: PairedColumn, levels: tuple[str, ...]) -> Histogram:
    n = len(levels)
    counts = [
        np.bincount(side[side >= 0].astype(np.int64), minlength=n)
        for side in (column.source, column.target)
    ]
    shares = [c / max(1, c.sum()) for c in counts]
    order = np.argsort(-(shares[0] + shares[1]), kind="stable")
    top, rest = order[:MAX_CATEGORIES], order[MAX_CATEGORIES:]
    names = [levels[i] for i in top]
    source, target = ([float(x) for x in share[top]] for share in shares)
    if rest.size:
        names.append(f"{rest.size} others")
        source.append(float(shares[0][rest].sum()))
        target.append(float(shares[1][rest].sum()))
    return Histogram(bins=names, edges=None, source=source, target=target)
