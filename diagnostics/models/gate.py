"""Exit codes of a comparison of models; the same numbers as for a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._words import short
from ..errors import InputError
from ..gate import FAIL_ON, GATE, INSUFFICIENT, OK, trips

if TYPE_CHECKING:
    from .document import ModelRanking


def exit_code(
    ranking: ModelRanking, *, fail_on: str = "against", allow_insufficient: bool = False
) -> int:
    """Return 0 (go on), 1 (the verdict trips the gate) or 3 (not enough evidence).

    Parameters
    ----------
    ranking : ModelRanking
    fail_on : {'against', 'caution', 'insufficient', 'never'}
        The mildest verdict that trips the gate.
    allow_insufficient : bool
        Whether too little evidence lets the pipeline go on.
    """
    if fail_on not in FAIL_ON:
        raise InputError(f"fail_on is {short(fail_on)}; use {', '.join(FAIL_ON)}.")
    label = ranking.verdict.label
    if trips(label, fail_on):
        return GATE
    if label == "not-enough-evidence" and not allow_insufficient:
        return INSUFFICIENT
    return OK
