"""Who is at the door: puts the domain's name before every error and notice."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import InputError
from ._words import short


@dataclass(slots=True)
class Door:
    """Collects the notices while one domain is read."""

    name: str
    notices: list[str] = field(default_factory=list)

    @property
    def owner(self) -> str:
        """The domain as it is called in sentences."""
        return f"domain {short(self.name)}"

    def error(self, sentence: str) -> InputError:
        """Return the error to raise; `sentence` continues after the domain's name."""
        return InputError(f"{self.owner} {sentence}")

    def note(self, sentence: str) -> None:
        """Keep a notice; `sentence` continues after the domain's name."""
        self.notices.append(f"{self.owner} {sentence}")

    def note_column(self, column: str, sentence: str) -> None:
        """Keep a notice on one column; `sentence` continues after its name."""
        self.notices.append(f"column {short(column)} of {self.owner} {sentence}")
