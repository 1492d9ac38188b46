"""Checks: measures turned into evidence with a state, a sentence and a remedy."""

from . import (  # noqa: F401  (imported to register)
    concept_shift,
    distributions,
    label_marginals,
    label_reversal,
    model,
    pilot_gap,
    quality,
    what_moved,
    without_labels,
)
from ._base import BEFORE_PILOT_GAP, CHECKS, PILOT_GAP, Check, Evidence, register, run_checks

__all__ = [
    "BEFORE_PILOT_GAP",
    "CHECKS",
    "PILOT_GAP",
    "Check",
    "Evidence",
    "register",
    "run_checks",
]
