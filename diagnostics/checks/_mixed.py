"""Numbers, categories and gaps of a pair as they are, for the kernel test that takes all three."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..domain._encoder import standardise

if TYPE_CHECKING:
    from ...metrics import MixedTestResult
    from ..domain import PairedColumn

Effect = Literal["sd", "total variation"]
GRID = {"sd": np.geomspace(0.02, 20.0, 64), "total variation": np.geomspace(0.01, 1.0, 32)}
"""Sizes of the shifts that are tried, and what they are measured in."""
MAX_ROWS = 250
ENOUGH = 0.8


def is_mixed(columns: tuple[PairedColumn, ...]) -> bool:
    """Whether there is a category or a gap, for which an encoding is a makeshift."""
    return any(
        c.levels is not None or c.missing_source.any() or c.missing_target.any() for c in columns
    )


def told_of(columns: tuple[PairedColumn, ...]) -> str:
    """Return in words what there is to compare."""
    gaps = any(c.missing_source.any() or c.missing_target.any() for c in columns)
    parts = [
        word
        for word, there in (
            ("numbers", any(c.levels is None for c in columns)),
            ("categories", any(c.levels is not None for c in columns)),
            ("missing values", gaps),
        )
        if there
    ]
    if len(parts) == 1:
        return f"{parts[0]} only"
    return f"{', '.join(parts[:-1])} and {parts[-1]} together"


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """Rows with numbers, NaN for missing, and codes, -1 for missing."""

    numbers: NDArray[np.float64]
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, columns: tuple[PairedColumn, ...]) -> tuple[Mixed, Mixed]:
        """Return both sides; numbers in pooled standard deviations, so that none is huge."""
        n, m = len(columns[0].source), len(columns[0].target)
        numeric = [_standard(c.pooled) for c in columns if c.levels is None]
        codes = [c.pooled for c in columns if c.levels is not None]
        both = cls(
            np.array(numeric, dtype=np.float64).reshape(-1, n + m).T,
            np.array(codes, dtype=np.int64).reshape(-1, n + m).T,
        )
        return both.rows(np.arange(n)), both.rows(np.arange(n, n + m))

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, chosen: NDArray[np.int64]) -> Mixed:
        return Mixed(self.numbers[chosen], self.codes[chosen])


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    present, out = ~np.isnan(values), np.full(len(values), np.nan)
    found = standardise(values[present])
    out[present] = 0.0 if found is None else found
    return out


def compared(source: Mixed, target: Mixed, *, seed: int, **options: Any) -> MixedTestResult:
    """Test the two sides on numbers, categories and gaps together."""
    from ...metrics import mixed_test

    numbers, codes = source.numbers.shape[1], source.codes.shape[1]
    return mixed_test(
        source.numbers if numbers else None, target.numbers if numbers else None,
        source.codes if codes else None, target.codes if codes else None,
        random_state=seed, **options,
    )  # fmt: skip


def detectable(
    source: Mixed, target: Mixed, *, alpha: float, n_simulations: int, seed: int
) -> tuple[float, Effect]:
    """Return the shift that the test would have seen in four cases of five, and its unit.

    As in :func:`minimum_detectable_effect`: the pooled rows are dealt at random into sides of
    these sizes (250 at most, and then scaled), one side is moved, and bisection finds what the
    test just sees.  The numbers move along a random direction, by a length in standard
    deviations; where there are none, some rows take one level of one random category, and the
    length is the total variation of that column.
    """
    rng = np.random.default_rng([seed, 21])
    pooled = Mixed(
        np.concatenate([source.numbers, target.numbers]),
        np.concatenate([source.codes, target.codes]),
    )
    n, m = len(source), len(target)
    sizes = min(n, MAX_ROWS), min(m, MAX_ROWS)
    shrink = np.sqrt((1 / n + 1 / m) / (1 / sizes[0] + 1 / sizes[1]))
    effect: Effect = "sd" if pooled.numbers.shape[1] else "total variation"
    smallest = [
        _smallest_seen(pooled.rows(rng.permutation(n + m)[: sum(sizes)]), sizes[0], effect,
                       alpha, rng)
        for _ in range(n_simulations)
    ]  # fmt: skip
    place = int(np.ceil(ENOUGH * n_simulations - 1e-9)) - 1
    return float(np.sort(smallest)[place] * shrink), effect


def _smallest_seen(
    dealt: Mixed, n_first: int, effect: Effect, alpha: float, rng: np.random.Generator
) -> float:
    first = dealt.rows(np.arange(n_first))
    second = dealt.rows(np.arange(n_first, len(dealt)))
    seed = int(rng.integers(2**31))
    along = rng.standard_normal(dealt.numbers.shape[1])
    order = rng.permutation(len(second))
    column = int(rng.integers(max(1, dealt.codes.shape[1])))
    level = int(rng.choice(dealt.codes[:, column])) if effect != "sd" else 0
    grid, low = GRID[effect], 0
    high = len(grid)
    while low < high:
        middle = (low + high) // 2
        if effect == "sd":
            moved = _moved(second, grid[middle] * along / np.linalg.norm(along))
        else:
            moved = _relabelled(second, order, column, level, grid[middle])
        found = compared(first, moved, seed=seed, n_permutations=99, n_bandwidths=3, n_splits=1)
        low, high = (low, middle) if found.p_value <= alpha + 1e-12 else (middle + 1, high)
    if low == len(grid):
        return float("inf")
    if effect == "sd":
        return float(grid[low])
    return float(grid[low] * np.mean(dealt.codes[:, column] != level))


def _moved(rows: Mixed, by: NDArray[np.float64]) -> Mixed:
    return Mixed(rows.numbers + by, rows.codes)


def _relabelled(
    rows: Mixed, order: NDArray[np.int64], column: int, level: int, part: float
) -> Mixed:
    codes = rows.codes.copy()
    codes[order[: round(part * len(rows))], column] = level
    return Mixed(rows.numbers, codes)
