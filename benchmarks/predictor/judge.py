"""How good predictions are: sign, size, calibration, intervals, and what following them brings.

Pure functions on arrays and tables; nothing here fits a model or reads a file.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

Floats = NDArray[np.float64]
BINS = 10
DECISION = ["family", "set", "source", "target", "task", "learner", "n_labels", "draw"]


def auroc(harm: NDArray[np.bool_], score: Floats) -> float:
    """Return the chance that a harmful case has the larger score; NaN with one kind only."""
    harm = np.asarray(harm, dtype=bool)
    n, m = int(harm.sum()), int((~harm).sum())
    if n == 0 or m == 0:
        return float("nan")
    return float((rankdata(score)[harm].sum() - n * (n + 1) / 2) / (n * m))


def brier_skill(harm: NDArray[np.bool_], p: Floats) -> float:
    """Return one minus the Brier score over that of the prevalence; NaN with one kind only."""
    constant = harm.mean() * (1 - harm.mean())
    return float(1 - np.mean((p - harm) ** 2) / constant) if constant > 0 else float("nan")


def calibration_error(harm: NDArray[np.bool_], p: Floats) -> float:
    """Return the expected calibration error over ten bins of equal numbers."""
    order = np.argsort(p, kind="stable")
    parts = np.array_split(order, BINS)
    return float(sum(len(i) * abs(p[i].mean() - harm[i].mean()) for i in parts if len(i)) / len(p))


def spearman(a: Floats, b: Floats) -> float:
    """Return the rank correlation."""
    return float(spearmanr(a, b)[0])


def by_family(
    value: Callable[[NDArray[np.int64]], float],
    families: NDArray[np.str_],
    *,
    resamples: int = 200,
    level: float = 0.9,
) -> tuple[float, float]:
    """Return an interval for `value(rows)`, whole families resampled."""
    rng = np.random.default_rng(0)
    names, code = np.unique(families, return_inverse=True)
    rows = [np.flatnonzero(code == i) for i in range(names.size)]
    found = [
        value(np.concatenate([rows[i] for i in rng.integers(names.size, size=names.size)]))
        for _ in range(resamples)
    ]
    if np.isnan(found).all():
        return float("nan"), float("nan")
    low, high = np.nanquantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def split_half(table: pd.DataFrame) -> pd.DataFrame:
    """Return gaps over even (a) and over odd draws (b), one row a cell: the noise ceiling.

    ``a`` and ``b`` are means, ``se`` the standard error of ``a``, ``clear`` as over all draws.
    """
    from benchmarks.outcomes.table import CELL, MARGIN

    half = table.assign(half=np.where(table["draw"] % 2 == 0, "a", "b"))
    wide = half.groupby([*CELL, "half"])["gap"].mean().unstack("half")
    wide["se"] = half[half["half"] == "a"].groupby(CELL)["gap"].sem()
    every = table.groupby(CELL)["gap"].agg(["mean", "sem"])
    wide = wide.join(every).dropna().reset_index()
    size, margin = wide["mean"].abs(), wide["task"].map(MARGIN).fillna(0.01)
    wide["clear"] = (size > 2 * wide["sem"]) & (size > margin)
    return wide


def brier_from(gap: Floats, se: Floats, harm: NDArray[np.bool_]) -> float:
    """Return the Brier skill of whoever knows a mean gap and its standard error."""
    from scipy.stats import norm

    return brier_skill(harm, norm.cdf(gap / np.maximum(se * np.sqrt(2), 1e-9)))


def choices(table: pd.DataFrame, column: str, *, largest: float = 0.0) -> pd.DataFrame:
    """Return for every decision the strategy with the least `column`, target-only at `largest`.

    Parameters
    ----------
    table : DataFrame
        One row a decision and strategy, with ``own`` (gap of the very draw), ``gap``, ``clear``.
    column : str
        What is minimised; a strategy is taken only below `largest`.
    """
    best = table.loc[table.groupby(DECISION)[column].idxmin()].set_index(DECISION)
    taken = best[column] < largest
    return pd.DataFrame({
        "strategy": best["strategy"].where(taken, "target-only"),
        "own": best["own"].where(taken, 0.0),
        "gap": best["gap"].where(taken, 0.0),
        "clear_harm": taken & best["clear"] & (best["gap"] > 0),
        "weight": 1.0,
    })  # fmt: skip


def always(table: pd.DataFrame, strategy: str) -> pd.DataFrame:
    """Return the outcome of always using one strategy."""
    part = table[table["strategy"] == strategy].assign(_score=-1.0)
    return choices(part, "_score")


def everywhere(rule: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the outcome of a rule for all decisions, the target alone where it has none."""
    alone = pd.DataFrame(
        {"strategy": "target-only", "own": 0.0, "gap": 0.0, "clear_harm": False, "weight": 1.0},
        index=decisions.index.difference(rule.index),
    )
    return pd.concat([rule, alone]).reindex(decisions.index)


def oracle(table: pd.DataFrame) -> pd.DataFrame:
    """Return the choice of who knows the mean gap over the other draws.

    Judged on the very draw, which it has not seen: knowing that too would be taking luck for
    skill.
    """
    others = (table["gap"] * table["draws"] - table["own"]) / (table["draws"] - 1)
    return choices(table.assign(_score=others), "_score")
