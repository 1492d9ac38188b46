"""How much the pilot does: decided from sizes, never from a clock.

A clock would make two runs of the same input differ.  The nominal costs below are those of
one core of an ordinary machine; the plan keeps their sum below a share of the budget.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..learners import Learner
from ..strategies import DEFAULT, Strategy, chosen_strategies

MAX_SOURCE_ROWS = 10_000
MAX_TARGET_ROWS = 5_000
MAX_FITS = 20
"""Most folds times repeats: 2 repeats of 10 folds, 3 of 5."""
PILOT_SHARE = 0.5
SMALL_SOURCE_ROWS = 2_000
OWN_SECONDS = {"cheap": 0.005, "medium": 0.2, "dear": 0.3}
"""Nominal seconds a fold of a strategy takes besides fits of the learner, by its cost class."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of the pilot and what had to be left out for the budget."""

    learners: tuple[Learner, ...]
    n_repeats: int
    max_source: int
    max_target: int
    left_out: tuple[str, ...] = ()
    strategies: tuple[Strategy, ...] = ()


def make_plan(
    n_source: int,
    n_target: int,
    n_columns: int,
    k: int,
    learners: Sequence[Learner],
    budget: float,
    strategies: Sequence[Strategy] | None = None,
) -> Plan:
    """Return a plan whose nominal cost fits the budget, as far as one repeat allows.

    Parameters
    ----------
    n_source, n_target : int
        Labelled rows.
    n_columns : int
        Encoded columns.
    k : int
        Folds of one repeat.
    learners : sequence of Learner
    budget : float
        Seconds allowed for the whole check.
    strategies : sequence of Strategy, optional
        The default ones if left out.  Where the budget does not allow all of them, those with
        the largest nominal cost go first, those of the default never.
    """
    allowed = PILOT_SHARE * budget
    chosen = tuple(learners)
    tried = chosen_strategies() if strategies is None else tuple(strategies)
    max_source = min(n_source, MAX_SOURCE_ROWS)
    max_target = min(n_target, MAX_TARGET_ROWS)
    left_out: list[str] = []

    def cost() -> float:
        rows = max_source + max_target
        return k * sum(_strategy_seconds(one, chosen, rows, max_target, n_columns) for one in tried)

    if cost() > allowed and max_source > SMALL_SOURCE_ROWS:
        max_source = SMALL_SOURCE_ROWS
        left_out.append(f"the pilot used {max_source} of {n_source} labelled source rows")
    if cost() > allowed and max_target > SMALL_SOURCE_ROWS:
        max_target = SMALL_SOURCE_ROWS
        left_out.append(f"the pilot used {max_target} of {n_target} labelled target rows")
    dropped = []
    while cost() > allowed and any(one.name not in DEFAULT for one in tried):
        dearest = max(
            (one for one in tried if one.name not in DEFAULT),
            key=lambda s: _strategy_seconds(s, chosen, max_source + max_target, max_target,
                                            n_columns),
        )  # fmt: skip
        dropped.append(dearest.name)
        tried = tuple(one for one in tried if one is not dearest)
    if dropped:
        which = "strategy" if len(dropped) == 1 else "strategies"
        left_out.append(
            f"the pilot left out the {which} {', '.join(dropped)} "
            f"for the budget of {budget:g} seconds"
        )
    if cost() > allowed and len(chosen) > 1:
        left_out.append(f"the pilot left out the learner {', '.join(o.name for o in chosen[1:])}")
        chosen = chosen[:1]
    repeats = int(max(1, min(3, MAX_FITS // k, allowed // max(cost(), 1e-9))))
    return Plan(chosen, repeats, max_source, max_target, tuple(left_out), tried)


def _strategy_seconds(
    strategy: Strategy, learners: Sequence[Learner], rows: int, target_rows: int, n_columns: int
) -> float:
    """Return the nominal seconds of one fold with all learners."""
    own = 0.0 if strategy.name in DEFAULT else OWN_SECONDS[strategy.cost]
    if strategy.own_model:
        return own
    both, alone = strategy.fits
    return sum(
        own
        + both * _fit_seconds(one, rows, n_columns)
        + alone * _fit_seconds(one, target_rows, n_columns)
        for one in learners
    )


def _fit_seconds(learner: Learner, n_rows: int, n_columns: int) -> float:
    """Return the nominal seconds of one fit; an estimator we do not know counts as a forest."""
    if learner.name == "linear":
        return 0.005 + 1e-8 * n_rows * n_columns * min(n_rows, n_columns)
    return 0.08 + 4e-4 * min(n_rows, 1000) * math.sqrt(n_columns / 50)
