"""The model fitted on measured transfers: a mean, a spread, and the shape of what is left.

``gap = mean + spread * rest``.  The mean is linear in terms that have the units of the metric,
so that every prediction is a sum of contributions; the logarithm of the spread is linear in
pure numbers; the distribution of the rest is that of data sets left out while fitting.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .terms import GROUPS, NUMBERS, terms

Floats = NDArray[np.float64]
FILE = "model.json"
TARGETS = ("mean", "draw")
"""What a prediction is of: the mean over draws of so many labels, or the user's own draw."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a gap when it was predicted: (gap - mean) / spread, by mean / spread.

    Far from zero a prediction errs in another way than near it, so quantiles are kept for
    several values of mean / spread; between them they are interpolated.

    Attributes
    ----------
    at : ndarray of shape (k,)
        Increasing values of mean / spread.
    quantiles : ndarray of shape (k, q)
        At the levels (i + 1/2) / q.
    """

    at: Floats
    quantiles: Floats

    def of(self, place: Floats) -> Floats:
        """Return the quantiles for values of mean / spread (n,), as an array (n, q)."""
        place = np.clip(place, self.at[0], self.at[-1])
        right = np.clip(np.searchsorted(self.at, place), 1, len(self.at) - 1)
        left = right - 1
        share = ((place - self.at[left]) / (self.at[right] - self.at[left]))[:, None]
        return np.asarray((1 - share) * self.quantiles[left] + share * self.quantiles[right])

    def stored(self) -> dict[str, Any]:
        """Return it in plain lists, with few digits."""
        return {
            "at": [short(v, 4) for v in self.at],
            "quantiles": [[short(v, 5) for v in row] for row in self.quantiles],
        }

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Rest:
        """Read what :meth:`stored` gave."""
        return cls(np.array(stored["at"]), np.array(stored["quantiles"]))


@dataclass(frozen=True, slots=True)
class Prediction:
    """Predictive distributions of gaps, one a row.

    Attributes
    ----------
    mean, spread : ndarray of shape (n,)
        In units of the metric.
    rest : ndarray of shape (n, q), or (1, q) for all rows
        Quantiles of (gap - mean) / spread at the levels (i + 1/2) / q.
    contributions : ndarray of shape (n, groups)
        Parts of the mean by group of evidence, in the order of :data:`GROUPS`.
    """

    mean: Floats
    spread: Floats
    rest: Floats
    contributions: Floats

    def quantile(self, level: float) -> Floats:
        """Return the quantile of the gap at `level`."""
        q = self.rest.shape[1]
        place = float(np.clip(level * q - 0.5, 0, q - 1))
        left = min(int(place), q - 2)
        share = place - left
        at = (1 - share) * self.rest[:, left] + share * self.rest[:, left + 1]
        return np.asarray(self.mean + self.spread * at)

    def above(self, threshold: float | Floats) -> Floats:
        """Return the probability that the gap lies above `threshold`."""
        limit = np.broadcast_to(np.asarray(threshold, dtype=np.float64), self.mean.shape)
        at = (limit - self.mean) / self.spread
        rest = np.broadcast_to(self.rest, (at.size, self.rest.shape[1]))
        levels = (np.arange(rest.shape[1]) + 0.5) / rest.shape[1]
        inside = np.array([np.interp(x, row, levels) for x, row in zip(at, rest, strict=True)])
        # Beyond the last quantile the tail falls like that of a t with four degrees of freedom.
        low, high = np.minimum(rest[:, 0], -0.01), np.maximum(rest[:, -1], 0.01)
        tail = levels[0]
        under, over = at < rest[:, 0], at > rest[:, -1]
        inside[under] = tail * np.minimum(1, low / np.minimum(at, low))[under] ** 4
        inside[over] = 1 - tail * np.minimum(1, high / np.maximum(at, high))[over] ** 4
        return np.asarray(1 - inside)

    def expected(self, *, cost: float = 1.0) -> Floats:
        """Return the expected loss: harm counted `cost` times, gain once."""
        draws = self.mean[:, None] + self.spread[:, None] * self.rest
        return np.asarray(np.where(draws > 0, cost * draws, draws).mean(axis=1))


@dataclass(frozen=True, slots=True)
class GapModel:
    """Coefficients and quantiles.

    Attributes
    ----------
    coefficients : ndarray of shape (terms,)
    spread_coefficients : ndarray of shape (spread terms + 1,)
        The intercept first.
    rest : dict of str to Rest
        For each of :data:`TARGETS`.
    ranges : dict of str to (float, float)
        Between which numbers of the evidence lay in nearly all measured transfers.
    about : dict
        Hash of the table, sizes, versions.
    """

    coefficients: Floats
    spread_coefficients: Floats
    rest: Mapping[str, Rest]
    ranges: Mapping[str, tuple[float, float]]
    about: Mapping[str, Any]

    def predict(self, evidence: Mapping[str, Any], target: str = "mean") -> Prediction:
        """Return the predictive distributions for rows of evidence."""
        names, X, _, Z = terms(evidence)
        by_group = by_groups(names, X * self.coefficients, GROUPS)
        log_spread = self.spread_coefficients[0] + Z @ self.spread_coefficients[1:]
        spread = np.exp(np.clip(log_spread, -12, 3))
        mean = by_group.sum(axis=1)
        return Prediction(mean, spread, self.rest[target].of(mean / spread), by_group)

    def outside(self, evidence: Mapping[str, float]) -> list[str]:
        """Return the numbers of one row that lie outside what was measured."""
        return [
            name for name, (low, high) in self.ranges.items() if not low <= evidence[name] <= high
        ]

    def to_json(self) -> str:
        """Return the model as JSON text; numbers keep nine digits."""
        names, _, spread_names, _ = terms(_ONE_ROW)
        return (
            json.dumps(
                {
                    "about": dict(self.about),
                    **named(names, spread_names, self.coefficients, self.spread_coefficients),
                    "rest": {key: rest.stored() for key, rest in self.rest.items()},
                    "ranges": {key: [short(v) for v in pair] for key, pair in self.ranges.items()},
                },
                indent=1,
            )
            + "\n"
        )

    @classmethod
    def from_json(cls, text: str) -> GapModel:
        """Read a model; its terms must be those of this version."""
        stored = json.loads(text)
        names, _, spread_names, _ = terms(_ONE_ROW)
        return cls(
            *read_named(stored, names, spread_names),
            {key: Rest.from_stored(rest) for key, rest in stored["rest"].items()},
            {key: (pair[0], pair[1]) for key, pair in stored["ranges"].items()},
            stored["about"],
        )


def by_groups(names: list[tuple[str, str]], parts: Floats, groups: Sequence[str]) -> Floats:
    """Return the sums of the terms of each group, (n, groups), of terms (n, terms)."""
    place = np.array([groups.index(group) for _, group in names])
    return np.stack([parts[:, place == i].sum(axis=1) for i in range(len(groups))], axis=1)


def named(
    names: list[tuple[str, str]], spread_names: list[str], mean: Floats, spread: Floats
) -> dict[str, dict[str, float]]:
    """Return coefficients by the names of their terms, as they are stored."""
    return {
        "mean": {name: short(v) for (name, _), v in zip(names, mean, strict=True)},
        "spread": {
            name: short(v) for name, v in zip(["intercept", *spread_names], spread, strict=True)
        },
    }


def read_named(
    stored: Mapping[str, Any], names: list[tuple[str, str]], spread_names: list[str]
) -> tuple[Floats, Floats]:
    """Return the coefficients that :func:`named` gave; refuses those of other terms."""
    wanted = [name for name, _ in names], ["intercept", *spread_names]
    if (list(stored["mean"]), list(stored["spread"])) != wanted:
        raise ValueError("the stored model has other terms than this version; fit it again")
    return np.array(list(stored["mean"].values())), np.array(list(stored["spread"].values()))


def short(value: float, digits: int = 9) -> float:
    """Return a number with so many digits, as it is stored."""
    return float(f"{value:.{digits}g}")


_ONE_ROW: dict[str, Any] = {
    **{name: np.ones(1) for name in NUMBERS},
    "strategy": ["pooled"],
    "learner": ["linear"],
}


@cache
def shipped() -> GapModel:
    """Return the model that comes with the package."""
    return GapModel.from_json(resources.files(__package__).joinpath(FILE).read_text("utf-8"))
