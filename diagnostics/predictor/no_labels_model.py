"""The model without target labels: the gap by planned labels, and the error of the source model.

Two answers from the same terms, each ``answer = mean + spread * rest`` like the model with
labels: a mean that is a sum of contributions, a spread, and the shape of what was left for whole
families of data sets that were not fitted on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .model import Prediction, by_groups, named, read_named, short
from .no_labels_terms import GROUPS, NUMBERS, terms

Floats = NDArray[np.float64]
FILE = "no_labels.json"
ANSWERS = ("gap", "error")
"""Of the source model as it is: its gap to the target alone, and its error on the target."""


@dataclass(frozen=True, slots=True)
class Head:
    """Coefficients of one answer.

    Attributes
    ----------
    coefficients : ndarray of shape (terms,)
    spread_coefficients : ndarray of shape (spread terms + 1,)
        The intercept first.
    rest : ndarray of shape (q,)
        Quantiles of the standardised rest at the levels (i + 1/2) / q.
    """

    coefficients: Floats
    spread_coefficients: Floats
    rest: Floats

    def predict(self, evidence: Mapping[str, Any]) -> Prediction:
        """Return the predictive distributions for rows of evidence."""
        names, X, _, Z = terms(evidence)
        by_group = by_groups(names, X * self.coefficients, GROUPS)
        log_spread = self.spread_coefficients[0] + Z @ self.spread_coefficients[1:]
        return Prediction(
            by_group.sum(axis=1), np.exp(np.clip(log_spread, -12, 3)), self.rest[None], by_group
        )


@dataclass(frozen=True, slots=True)
class NoLabelModel:
    """Both answers.

    Attributes
    ----------
    heads : dict of str to Head
        For each of :data:`ANSWERS`.
    ranges : dict of str to (float, float)
        Between which numbers of the evidence lay in nearly all measured transfers.
    about : dict
        Hashes of the tables, sizes, versions.
    """

    heads: Mapping[str, Head]
    ranges: Mapping[str, tuple[float, float]]
    about: Mapping[str, Any]

    def outside(self, numbers: Mapping[str, float]) -> list[str]:
        """Return the numbers that lie outside what was measured."""
        return [
            name for name, (low, high) in self.ranges.items() if not low <= numbers[name] <= high
        ]

    def to_json(self) -> str:
        """Return the model as JSON text; numbers keep nine digits."""
        names, _, spread_names, _ = terms(_ONE_ROW)
        stored: dict[str, Any] = {"about": dict(self.about)}
        for answer, head in self.heads.items():
            stored[answer] = {
                **named(names, spread_names, head.coefficients, head.spread_coefficients),
                "rest": [short(value) for value in head.rest],
            }
        stored["ranges"] = {key: [short(v) for v in pair] for key, pair in self.ranges.items()}
        return json.dumps(stored, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> NoLabelModel:
        """Read a model; its terms must be those of this version."""
        stored = json.loads(text)
        names, _, spread_names, _ = terms(_ONE_ROW)
        heads = {
            answer: Head(
                *read_named(stored[answer], names, spread_names), np.array(stored[answer]["rest"])
            )
            for answer in ANSWERS
        }
        ranges = {key: (pair[0], pair[1]) for key, pair in stored["ranges"].items()}
        return cls(heads, ranges, stored["about"])


_ONE_ROW: dict[str, Any] = {name: np.ones(1) for name in NUMBERS}


@cache
def shipped() -> NoLabelModel:
    """Return the model that comes with the package."""
    return NoLabelModel.from_json(resources.files(__package__).joinpath(FILE).read_text("utf-8"))
