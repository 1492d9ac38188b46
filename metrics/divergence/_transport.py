"""Optimal transport between two samples whose rows all weigh the same.

On a line the best plan pairs quantiles and is known by sorting; elsewhere POT's network
simplex finds it.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from .._arrays import Array, like, namespace, take
from .._validation import Floats, Ints, RandomState, generator, subsample

Plan: TypeAlias = tuple[Ints, Ints, Floats]
"""Source rows, target rows and the mass that goes between them; the masses sum to 1."""

_BLOCK = 2**22
"""Projected numbers that are sorted and paired at a time (32 MB)."""

_ITERATIONS = 10**9
"""Pivots; POT's own limit of 100,000 stops at about 1,500 rows a side, before the optimum."""


def check_order(p: int) -> int:
    """Return the order of the distance, 1 or 2."""
    if isinstance(p, bool) or p not in (1, 2):
        raise ValueError(f"`p` must be 1 or 2, got {p!r}.")
    return int(p)


def capped_rows(
    n: int, m: int, max_rows: int, rng: np.random.Generator
) -> tuple[Ints, Ints, tuple[str, ...]]:
    """Draw at most `max_rows` rows of either side, whatever their labels, and say so."""
    rows_x, rows_y = subsample(n, max_rows, rng), subsample(m, max_rows, rng)
    if len(rows_x) == n and len(rows_y) == m:
        return rows_x, rows_y, ()
    note = (
        f"{len(rows_x):,} of {n:,} source rows and {len(rows_y):,} of {m:,} target rows were "
        "drawn at random and used; raise `max_rows` to use more."
    )
    return rows_x, rows_y, (note,)


def quantile_pairs(n: int, m: int) -> Plan:
    """Return which of n ordered numbers goes to which of m, and with what mass."""
    # Counted in units of 1/(nm), so that no quantile is lost or doubled by rounding.
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    starts = np.concatenate([[0], ends[:-1]])
    return starts // m, starts // n, (ends - starts) / (n * m)


def line_powers(x: Array, y: Array, p: int) -> Array:
    """Return W_p^p between the columns of x (n, L) and y (m, L), one at a time, shape (L,)."""
    xp = namespace(x)
    n, m = x.shape[0], y.shape[0]
    step = max(1, _BLOCK // (n + m))
    first, second, mass = quantile_pairs(n, m)
    weights, blocks = like(mass, x), []
    for low in range(0, x.shape[1], step):
        u, v = (xp.sort(side[:, low : min(low + step, x.shape[1])], axis=0) for side in (x, y))
        moves = u - v if n == m else take(u, first) - take(v, second)
        blocks.append(weights @ (xp.abs(moves) if p == 1 else moves * moves))
    return xp.concat(blocks)


def line_plan(x: Floats, y: Floats) -> Plan:
    """Return the best plan between two vectors of numbers."""
    first, second, mass = quantile_pairs(len(x), len(y))
    return np.argsort(x, kind="stable")[first], np.argsort(y, kind="stable")[second], mass


def exact_cost(cost: Floats) -> float:
    """Return the least mean cost over all plans for a cost matrix (n, m)."""
    import ot

    return float(ot.emd2([], [], np.ascontiguousarray(cost), numItermax=_ITERATIONS))


def dense_plan(cost: Floats) -> Floats:
    """Return a plan of least mean cost for a cost matrix (n, m), of the same shape."""
    import ot

    return np.asarray(ot.emd([], [], np.ascontiguousarray(cost), numItermax=_ITERATIONS))


def exact_plan(cost: Floats) -> Plan:
    """Return the same as its non-zero entries, at most n + m - 1."""
    plan = dense_plan(cost)
    first, second = np.nonzero(plan)
    return first.astype(np.int64), second.astype(np.int64), plan[first, second]


def directions(
    projections: Array | None, d: int, count: int, random_state: RandomState
) -> tuple[Floats, np.random.Generator]:
    """Return unit columns (d, count), checked or drawn uniformly, and the generator."""
    rng = generator(random_state)
    if projections is None:
        drawn = rng.standard_normal((d, count))
        return drawn / np.linalg.norm(drawn, axis=0), rng
    given = np.asarray(projections, dtype=np.float64)
    if given.ndim != 2 or given.shape[0] != d or given.shape[1] < 1:
        raise ValueError(
            f"`projections` must have shape ({d}, directions), got {given.shape}; put one "
            "direction in each column."
        )
    if not np.allclose(np.linalg.norm(given, axis=0), 1.0, rtol=0, atol=1e-6):
        raise ValueError("`projections` must have columns of length 1; divide each by its norm.")
    return given, rng
