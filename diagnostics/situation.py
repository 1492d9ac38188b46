"""The setting after Pan & Yang, with the three conditions and fine-tuning in the narrow sense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .conditions import judge_conditions
from .document import CheckResult, Setting
from .domain import describe_setting

if TYPE_CHECKING:
    from .domain import Pair

NARROWER = 0.25
"""Share of source rows outside the target's support from which the target is narrower."""


def describe(pair: Pair, checks: Sequence[CheckResult], *, seed: int) -> Setting:
    """Return the setting of the pair, its conditions judged by the checks."""
    setting = describe_setting(pair, target_narrower=_narrower(pair, checks, seed))
    return setting.model_copy(update={"conditions": judge_conditions(checks)})


def _narrower(pair: Pair, checks: Sequence[CheckResult], seed: int) -> bool | None:
    """Return whether the target lies inside the source's support and much of it is left over."""
    support = next(check for check in checks if check.id == "NT204")
    if support.value is None:
        return None
    if support.state != "pass":
        return False
    from ..metrics import support_overlap

    back = support_overlap(pair.target.X, pair.source.X, n_null=1, random_state=seed)
    return bool(back.interval.low > NARROWER)
