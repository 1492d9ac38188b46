"""Random halves of whole units, for data in which the rows of one unit hang together.

Rows of one patient look more alike than rows of two, so halves of rows differ less than halves
of units do, and a reference made of them raises an alarm at every new unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ...metrics import NullBand
    from ..domain import Pair, Side

Rows = NDArray[np.int64]
Halves = tuple[Rows, Rows]
MIN_UNITS = 4
"""Units a side must have to be halved."""
HALVES = "random halves, of whole units"


def hang_together(pair: Pair) -> bool:
    """Whether some unit has several rows, and most target rows are of units new to the source.

    Where most of the units stand on both sides, comparing the sides is no comparison of new
    units with known ones, and rows are the better reference.
    """
    source, target = pair.source, pair.target
    if source.unit is None or target.unit is None:
        return False
    if not any(np.unique(unit).size < unit.size for unit in (source.unit, target.unit)):
        return False
    return bool(np.isin(target.unit, source.unit).mean() < 0.5)


def apart(pair: Pair) -> Halves:
    """Return what is held out together on either side, in one numbering for both."""
    return pair.source.group, pair.target.group + int(pair.source.group.max()) + 1


def pick_units(units: Rows, n_units: int, n_rows: int, rng: np.random.Generator) -> Halves | None:
    """Return rows of random whole units, and the rows of all other units.

    Parameters
    ----------
    units : ndarray of int64, shape (n,)
        The unit of every row.
    n_units, n_rows : int
        At least so many units with at least so many rows are picked, as far as half of the
        units allow; of their rows `n_rows` at random are returned.
    rng : numpy.random.Generator

    Returns
    -------
    tuple of ndarray of int64, or None
        Positions in `units`, ascending; ``None`` with fewer than :data:`MIN_UNITS` units.
    """
    _, unit, sizes = np.unique(units, return_inverse=True, return_counts=True)
    if sizes.size < MIN_UNITS:
        return None
    order = rng.permutation(sizes.size)
    enough = int(np.searchsorted(np.cumsum(sizes[order]), n_rows)) + 1
    chosen = order[: max(2, min(max(n_units, enough), sizes.size // 2))]
    inside = np.isin(unit, chosen)
    picked = np.flatnonzero(inside)
    if picked.size > n_rows:
        picked = np.sort(rng.choice(picked, n_rows, replace=False))
    return picked, np.flatnonzero(~inside)


def unit_halves(
    units: Rows, n_splits: int, rng: np.random.Generator, shares: tuple[float, float]
) -> Iterator[Halves]:
    """Yield pairs of disjoint sets of rows, each of whole units; none with too few units.

    Parameters
    ----------
    units : ndarray of int64, shape (n,)
    n_splits : int
    rng : numpy.random.Generator
    shares : (float, float)
        How the units are divided between the two sets, in proportion; at least two each.
    """
    names, unit = np.unique(units, return_inverse=True)
    if names.size < MIN_UNITS:
        return
    n_first = round(names.size * shares[0] / sum(shares))
    n_first = min(max(2, n_first), names.size - 2)
    for _ in range(n_splits):
        first = np.isin(unit, rng.permutation(names.size)[:n_first])
        yield np.flatnonzero(first), np.flatnonzero(~first)


def halved_sides(
    pair: Pair, *, seed: int, n_splits: int, labelled: bool = False, max_rows: int = 2000
) -> Iterator[tuple[Side, Rows, Rows]]:
    """Yield random halves of units, of the source and then of the target, as rows of the side.

    Parameters
    ----------
    pair : Pair
    seed : int
    n_splits : int
        Halves of each side; the units are divided as they are between the two sides.
    labelled : bool
        Whether only labelled rows count.
    max_rows : int
        Most rows of a half; of larger ones so many at random.
    """
    sides = pair.source, pair.target
    rows = [np.flatnonzero(side.labelled) if labelled else np.arange(len(side.y)) for side in sides]
    counts = [np.unique(side.group[own]).size for side, own in zip(sides, rows, strict=True)]
    for number, (side, own) in enumerate(zip(sides, rows, strict=True)):
        rng = np.random.default_rng([seed, 33, number])
        for halves in unit_halves(side.group[own], n_splits, rng, (counts[0], counts[1])):
            first, second = (own[_thinned(half, max_rows, rng)] for half in halves)
            yield side, first, second


def null_of_units(
    pair: Pair, statistic: Callable[[Side, Rows, Rows], float | None], **options: Any
) -> NullBand:
    """Return a statistic between random halves of units, of the source and of the target.

    Parameters
    ----------
    pair : Pair
    statistic : callable
        ``statistic(side, first, second)`` with the rows of the halves; ``None`` where they are
        too small for it.
    **options
        As for :func:`halved_sides`.
    """
    from ...metrics import NullBand

    values: dict[bool, list[float]] = {True: [], False: []}
    for side, first, second in halved_sides(pair, **options):
        found = statistic(side, first, second)
        if found is not None:
            values[side is pair.source].append(found)
    return NullBand(*(np.array(values[of]) if values[of] else None for of in (True, False)))


def _thinned(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    return rows if rows.size <= most else np.sort(rng.choice(rows, most, replace=False))
