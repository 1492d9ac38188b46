"""A store for what the folds have in common, so that it is computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any


@dataclass(slots=True, eq=False)
class Memo:
    """Keeps results that depend on the source and the learner alone.

    Which fold comes first must not matter, so what is kept may not depend on the fold: not
    on its rows and not on its seed, but on `seed` here.
    """

    seed: int = 0
    _kept: dict[str, Any] = field(default_factory=dict, repr=False)
    _lock: Any = field(default_factory=RLock, repr=False)

    def get(self, key: str, make: Callable[[], Any]) -> Any:
        """Return what is kept under `key`, made now if there is nothing."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            return self._kept[key]
