"""The one encoder both domains share: fitted on the pooled rows, blind to labels and domain.

Numeric, date and boolean columns: pooled median for missing values, then pooled mean 0 and
standard deviation 1; a 0/1 indicator, standardised too, if anything is missing.
Categorical columns: one column per frequent level, "other", and missing, centred and scaled
so that the block as a whole has variance 1, as much as one numeric column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._pair import PairedColumn

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_LEVELS = 30


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Both sides encoded, and which column each feature came from."""

    source: NDArray[np.float64]
    target: NDArray[np.float64]
    names: tuple[str, ...]
    column: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Dense:
    """Features that are written out as they are."""

    names: list[str]
    features: list[NDArray[np.float64]]

    def write(self, out: NDArray[np.float64], rows: slice) -> None:
        for j, values in enumerate(self.features):
            out[:, j] = values[rows]


@dataclass(frozen=True, slots=True, eq=False)
class _OneHot:
    """One feature per slot: 1 where a row takes it, minus the slot's share, times a scale."""

    names: list[str]
    place: NDArray[np.int64]
    share: NDArray[np.float64]
    scale: float

    def write(self, out: NDArray[np.float64], rows: slice) -> None:
        place = self.place[rows]
        out[:] = -self.share * self.scale
        out[np.arange(len(place)), place] += self.scale


def encode(columns: Sequence[PairedColumn]) -> Encoded:
    """Encode the columns of both sides.

    Parameters
    ----------
    columns : sequence of PairedColumn
        At least one.

    Returns
    -------
    Encoded
        With ``source`` of shape (n_source, p) and ``target`` of shape (n_target, p).
    """
    blocks = [_numeric(c) if c.levels is None else _categorical(c) for c in columns]
    widths = [len(b.names) for b in blocks]
    n, m = len(columns[0].source), len(columns[0].target)
    source, target = np.empty((n, sum(widths))), np.empty((m, sum(widths)))
    start = 0
    for block, width in zip(blocks, widths, strict=True):
        block.write(source[:, start : start + width], slice(0, n))
        block.write(target[:, start : start + width], slice(n, n + m))
        start += width
    names = tuple(name for block in blocks for name in block.names)
    return Encoded(source, target, names, np.repeat(np.arange(len(blocks)), widths))


def _numeric(column: PairedColumn) -> _Dense:
    values = column.pooled
    gone = np.isnan(values)
    block = _Dense([], [])
    filled = _scaled_down(values)
    filled[gone] = np.median(filled[~gone])
    standard = standardise(filled)
    if standard is not None:
        block.names.append(column.name)
        block.features.append(standard)
    if gone.any():
        indicator = standardise(gone.astype(np.float64))
        if indicator is not None:
            block.names.append(f"{column.name} is missing")
            block.features.append(indicator)
    return block


def standardise(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return values with mean 0 and variance 1, or ``None`` where they do not vary.

    Centred before anything is squared, and scaled by powers of two (which is exact), so
    that neither 1e300 nor 1e-300 overflows or vanishes.
    """
    centred = _scaled_down(values)
    centred = centred - np.median(centred)
    if not centred.any():
        return None
    centred = _scaled_down(centred)
    centred -= centred.mean()
    result: NDArray[np.float64] = centred / np.sqrt(np.mean(np.square(centred)))
    return result


def _scaled_down(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide by the power of two that brings the largest magnitude to between 1/2 and 1."""
    largest = np.nanmax(np.abs(values))
    exponent = int(np.frexp(largest)[1])
    result: NDArray[np.float64] = np.ldexp(values, -exponent)
    return result


def _categorical(column: PairedColumn) -> _OneHot:
    codes = column.pooled
    slot, names = _slots(codes, column)
    place = slot[codes]  # code -1 takes the last entry: missing
    share = np.bincount(place, minlength=len(names)) / len(codes)
    variance = 1.0 - np.square(share).sum()  # of the whole block, before scaling
    return _OneHot(names, place, share, float(1.0 / np.sqrt(variance)))


def _slots(codes: NDArray[Any], column: PairedColumn) -> tuple[NDArray[np.int64], list[str]]:
    """Return which feature each level goes to, and the features' names."""
    assert column.levels is not None
    n_levels = len(column.levels)
    rows = np.bincount(codes[codes >= 0], minlength=n_levels)
    by_frequency = np.argsort(-rows, kind="stable")  # ties: the level sorted first
    top = np.sort(by_frequency[:MAX_LEVELS])
    names = [f"{column.name}={column.levels[i]}" for i in top]
    slot = np.full(n_levels + 1, len(top), dtype=np.int64)
    slot[top] = np.arange(len(top))
    if n_levels > MAX_LEVELS:
        names.append(f"{column.name} is another value")
    if (codes < 0).any():
        slot[-1] = len(names)
        names.append(f"{column.name} is missing")
    return slot, names
