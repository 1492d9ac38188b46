"""Strategies held against each other on the same cells: an oracle, and two at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ._shares import Estimate, mean_of

CELL = ["family", "set", "source", "target", "task", "n_labels"]


def on_common_cells(by_draw: pd.DataFrame, strategies: Sequence[str]) -> pd.DataFrame:
    """Return the gaps of these strategies, one row a cell and draw, where all have one.

    Parameters
    ----------
    by_draw : pandas.DataFrame
        Gaps of one learner, one row a draw.
    strategies : sequence of str

    Returns
    -------
    pandas.DataFrame
        The strategies are the columns, cell and draw the index.
    """
    part = by_draw[by_draw["strategy"].isin(strategies)]
    wide = part.pivot(index=[*CELL, "draw"], columns="strategy", values="gap")
    return wide.reindex(columns=list(strategies)).dropna()


def oracle_split(wide: pd.DataFrame, half: int) -> pd.DataFrame:
    """Return gaps on the later draws, beside that of the strategy best on the earlier ones.

    The target alone, gap 0, can be the best.

    Parameters
    ----------
    wide : pandas.DataFrame
        From :func:`on_common_cells`.
    half : int
        The first draw that judges.

    Returns
    -------
    pandas.DataFrame
        One row a cell; the strategies and ``oracle``, and ``chosen``.
    """
    first = wide.index.get_level_values("draw") < half
    earlier = wide[first].groupby(level=CELL, sort=True).mean()
    later = wide[~first].groupby(level=CELL, sort=True).mean()
    both = earlier.index.intersection(later.index, sort=None)
    earlier, later = earlier.loc[both].copy(), later.loc[both].copy()
    earlier["target-only"], later["target-only"] = 0.0, 0.0
    best = earlier.to_numpy().argmin(axis=1)
    later["oracle"] = later.to_numpy()[np.arange(len(later)), best]
    later["chosen"] = earlier.columns.to_numpy()[best]
    return later.drop(columns="target-only").reset_index()


def duel(wide: pd.DataFrame, one: str, other: str, margin: pd.Series) -> dict[str, Estimate]:
    """Return how the gap of `one` differs from that of `other` on the same draws.

    Parameters
    ----------
    wide : pandas.DataFrame
        From :func:`on_common_cells`.
    one, other : str
    margin : pandas.Series
        Least difference that counts, by task.

    Returns
    -------
    dict
        ``difference`` (negative: `one` is better), and the shares of cells in which ``one``
        and ``other`` are clearly better.
    """
    by_cell = (wide[one] - wide[other]).groupby(level=CELL, sort=True)
    cells = by_cell.agg(["mean", "sem"]).reset_index()
    least = np.maximum(cells["task"].map(margin), 2 * cells["sem"])
    return {
        "difference": mean_of(cells["mean"], cells),
        "one": mean_of(cells["mean"] < -least, cells),
        "other": mean_of(cells["mean"] > least, cells),
    }
