"""Which strategies are tried: the default, all, the fast ones, or those named."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from .._words import short
from ..errors import InputError
from ._base import STRATEGIES, Strategy

DEFAULT = ("target-only", "source-only", "pooled", "pooled-equal-weight", "source-recalibrated")
ALWAYS = ("target-only", "source-only")
"""The baseline of every gap, and what the checks of the source model read."""


def chosen_strategies(wanted: Any = "default") -> tuple[Strategy, ...]:
    """Return the strategies to try, in the order of the tables.

    Parameters
    ----------
    wanted : {'default', 'all', 'fast'}, or str or sequence of names
        A text may hold several names with commas between.  The target alone and the source
        model as it is are always tried: every gap and several checks rest on them.
    """
    names = _names(wanted)
    if not names:
        raise InputError("`strategies` is empty; use default, all, fast, or names of strategies.")
    groups = {"default": DEFAULT, "all": tuple(STRATEGIES), "fast": _fast()}
    chosen = set(ALWAYS)
    for name in names:
        if name not in groups and name not in STRATEGIES:
            near = difflib.get_close_matches(name[:100], STRATEGIES, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise InputError(
                f"There is no strategy {short(name)}{hint}; use default, all, fast, or names out "
                f"of {', '.join(STRATEGIES)}."
            )
        chosen |= set(groups.get(name, (name,)))
    return tuple(strategy for name, strategy in STRATEGIES.items() if name in chosen)


def strategies_text(wanted: Any) -> str:
    """Return the choice as it is written on the command line."""
    return ",".join(_names(wanted))


def _fast() -> tuple[str, ...]:
    return tuple(name for name, strategy in STRATEGIES.items() if strategy.fast)


def _names(wanted: Any) -> list[str]:
    if isinstance(wanted, str):
        return [part.strip() for part in wanted.split(",") if part.strip()]
    names = list(wanted) if isinstance(wanted, Iterable) else [wanted]
    if not all(isinstance(one, str) for one in names):
        raise InputError(
            f"`strategies` is {short(wanted)}; use default, all, fast, or names of strategies."
        )
    return [one.strip() for one in names]
