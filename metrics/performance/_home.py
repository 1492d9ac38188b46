"""The labelled source rows of a comparison, and an estimator as a function of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._validation import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Home:
    """Held-out source rows: all that an estimator may know beside the target's `seen`.

    Attributes
    ----------
    seen : ndarray of shape (n, ...)
        What the models say about each row without its label.
    loss : ndarray of shape (n,)
        Of the judged model on each row: 0 or 1, or a squared error.
    known : ndarray of shape (n, ...)
        What else the labels tell, where an estimator needs it.
    root : bool
        Whether the error is the root of the mean loss instead of the mean loss.
    """

    seen: Floats
    loss: Floats
    known: NDArray[Any]
    root: bool = False

    def __len__(self) -> int:
        return len(self.loss)

    def take(self, rows: Ints) -> Home:
        """Return these rows."""
        return Home(self.seen[rows], self.loss[rows], self.known[rows], self.root)

    @property
    def error(self) -> float:
        """What the judged model's error is on these rows."""
        mean = float(self.loss.mean())
        return math.sqrt(mean) if self.root else mean

    @property
    def noise(self) -> float:
        """Standard error of `error`; never 0 for a rate, however few errors there are."""
        n = len(self)
        if self.root:
            return float(self.loss.std(ddof=1)) / (2 * math.sqrt(n) * max(self.error, 1e-300))
        rate = (float(self.loss.sum()) + 1) / (n + 2)
        return math.sqrt(rate * (1 - rate) / n)


Statistic: TypeAlias = Callable[[Home, Floats], float]
"""From labelled source rows and the target's `seen` to the estimated error on the target."""


def rate_home(seen: Floats, wrong: NDArray[np.bool_], known: NDArray[Any] | None = None) -> Home:
    """Return the source rows of a classifier whose errors are `wrong`."""
    loss = wrong.astype(np.float64)
    return Home(seen, loss, loss if known is None else known)
