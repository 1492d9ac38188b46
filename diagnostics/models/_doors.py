"""Who speaks in the sentences about candidates."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain._door import Door
from ..domain._words import short


@dataclass(slots=True)
class CandidateDoor(Door):
    """Collects the notices of one candidate, and puts its name before every sentence."""

    @property
    def owner(self) -> str:
        """The candidate as it is called in sentences."""
        return f"candidate {short(self.name)}"
