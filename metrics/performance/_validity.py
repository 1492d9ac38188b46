"""Whether the labelled source rows contradict what an estimator rests on."""

from __future__ import annotations

from dataclasses import dataclass

ALARM = 0.05
MARGIN = 0.02
"""Least contradiction that counts, in points of error or of shares (0.02 is two per cent)."""


@dataclass(frozen=True, slots=True)
class ValidityCheck:
    """One assumption of an estimator, as far as it can be tested.

    Attributes
    ----------
    name : str
        Of what is assumed.
    holds : bool or None
        False where it is contradicted: beyond chance and by more than two points. True means
        not contradicted, never proven. None where these data cannot test it.
    p_value : float or None
        That chance alone contradicts it so much.
    size : float or None
        By how much it is contradicted beyond chance, in the units of the value.
    sentence : str
        The same in words.
    """

    name: str
    holds: bool | None
    p_value: float | None
    size: float | None
    sentence: str


def untested(name: str, why: str) -> ValidityCheck:
    """Return a check that these data do not allow."""
    return ValidityCheck(name, None, None, None, why)


def tested(name: str, p_value: float, size: float, *, good: str, bad: str) -> ValidityCheck:
    """Return a check, contradicted where both p-value and size say so."""
    holds = not (p_value <= ALARM and size > MARGIN)
    numbers = f"by {size:.3g} beyond chance, p = {p_value:.2g}"
    return ValidityCheck(name, holds, p_value, size, f"{good if holds else bad} ({numbers}).")
