"""What every score of labels is asked beside its data: shuffles, half-samples, level, seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .._results import Interval
from .._scores import Caution, Chance, Labels, permutations, score_interval
from .._validation import Ints, RandomState, check_count, check_share, generator
from ._table_scores import CodedScore

_AT_ONCE = 2**22
"""Labels shuffled at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Checked numbers of shuffles and half-samples, nominal coverage and generator."""

    n_permutations: int
    n_draws: int
    level: float
    rng: np.random.Generator

    def chance(self, score: CodedScore, labels: Labels) -> Chance | None:
        """Return a score of shuffled labels; ``score`` takes many orders at once."""
        if self.n_permutations == 0:
            return None
        values = [score(codes) for codes in self._shuffled(labels.codes)]
        return Chance(np.concatenate(values), "labels")

    def _shuffled(self, codes: Ints) -> Iterator[Ints]:
        together = max(1, _AT_ONCE // len(codes))
        orders = permutations(len(codes), self.n_permutations, self.rng)
        for low in range(0, self.n_permutations, together):
            here = min(together, self.n_permutations - low)
            yield np.stack([codes[next(orders)] for _ in range(here)])

    def interval(
        self, score: CodedScore, labels: Labels, value: float, *, low: float, high: float
    ) -> Interval | None:
        """Return the interval of a score from halves of every class.

        ``score`` takes the codes of one half in a row, and the numbers of its rows.
        """
        return score_interval(
            lambda rows: float(score(labels.codes[None, rows], rows)[0]), len(labels.codes), value,
            level=self.level, n_draws=self.n_draws, rng=self.rng, strata=labels.codes, low=low,
            high=high,
        )  # fmt: skip


def check_asked(
    n_permutations: int, n_draws: int, level: float, random_state: RandomState
) -> Asked:
    """Check what every score is asked."""
    return Asked(
        check_count(n_permutations, "n_permutations", minimum=0),
        check_count(n_draws, "n_draws", minimum=0),
        check_share(level, "level"),
        generator(random_state),
    )


def one_class(labels: Labels, score: str) -> Caution:
    """Return the reason why a score of labels does not exist for one class."""
    return Caution(
        "one class",
        f"All {len(labels.codes)} labels are {labels.classes[0]!s}: {score} compares classes and "
        "is not defined for one.",
    )
