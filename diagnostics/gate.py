"""Exit codes: what a verdict means for a pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from ._words import short
from .errors import InputError

if TYPE_CHECKING:
    from .document import Diagnosis

FailOn = Literal["against", "caution", "insufficient", "never"]
FAIL_ON: tuple[str, ...] = get_args(FailOn)

OK, GATE, USAGE, INSUFFICIENT, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 130

_TRIPS: dict[str, frozenset[str]] = {
    "never": frozenset(),
    "against": frozenset({"do-not-transfer"}),
    "caution": frozenset({"do-not-transfer", "caution"}),
    "insufficient": frozenset({"do-not-transfer", "caution", "not-enough-evidence"}),
}
REQUIRED = ("NT302", "NT303", "NT501")


def exit_code(
    diagnosis: Diagnosis, *, fail_on: str = "against", allow_insufficient: bool = False
) -> int:
    """Return 0 (go on), 1 (the verdict trips the gate) or 3 (not enough evidence).

    Parameters
    ----------
    diagnosis : Diagnosis
    fail_on : {'against', 'caution', 'insufficient', 'never'}
        The mildest verdict that trips the gate: ``do-not-transfer`` for "against", also
        ``caution``, also ``not-enough-evidence``, or none.
    allow_insufficient : bool
        Whether too little evidence lets the pipeline go on.
    """
    if fail_on not in _TRIPS:
        raise InputError(f"fail_on is {short(fail_on)}; use {', '.join(FAIL_ON)}.")
    if trips(diagnosis.verdict.label, fail_on):
        return GATE
    if not allow_insufficient and missing_evidence(diagnosis):
        return INSUFFICIENT
    return OK


def trips(label: str, fail_on: str) -> bool:
    """Return whether a verdict of this word trips the gate."""
    return label in _TRIPS[fail_on]


def missing_evidence(diagnosis: Diagnosis) -> bool:
    """Return whether the verdict lacks evidence or a required check could not run."""
    if diagnosis.verdict.label == "not-enough-evidence":
        return True
    return any(
        check.id in REQUIRED and (check.value is None or check.state == "error")
        for check in diagnosis.checks
    )
