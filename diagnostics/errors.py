"""The two exceptions that reach users, each with one sentence for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .document import Diagnosis


class InputError(ValueError):
    """What was given cannot be used; the message says what, what was expected, what to do."""


class NegativeTransferError(RuntimeError):
    """Raised by :func:`negtransfer.require` when a verdict trips the gate.

    Attributes
    ----------
    diagnosis : Diagnosis
        The whole result, so that a pipeline can write the report before it stops.
    """

    def __init__(self, message: str, diagnosis: Diagnosis) -> None:
        super().__init__(message)
        self.diagnosis = diagnosis
