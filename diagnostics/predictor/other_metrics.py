"""The gap in other metrics than accuracy and RMSE.

Transfers were measured most often in the error rate and the RMSE.  What the model says of that
gap is taken for evidence here, beside what the pilot says in the user's own metric: a second,
small model of the same form for each metric, fitted on transfers measured in it.
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

from .model import Prediction, Rest, by_groups, named, read_named
from .terms import LEAST_SE, METRIC, PROPER, SIZES, STRATEGIES, STRATEGY, studentised

Floats = NDArray[np.float64]
FILE = "other_metrics.json"
MEASURED = ("balanced_accuracy", "roc_auc", "brier", "log_loss", "mae", "r2")
SAME = {"mse": "r2"}
"""Metrics whose error is that of another."""
MOST_LABELS = 500
"""With which gaps were measured in these metrics."""
USUAL = "the gap in accuracy or RMSE"
GROUPS = (USUAL, METRIC, PROPER, SIZES, STRATEGY)
NUMBERS = (
    "mean", "spread", "metric_gap", "metric_se", "pilot_se", "pilot_proper_gap",
    "pilot_proper_se", "n_labels",
)  # fmt: skip


def measured_as(metric: str) -> str:
    """Return the metric in which gaps in `metric` were measured."""
    return SAME.get(metric, metric)


def terms(evidence: Mapping[str, Any]) -> tuple[list[tuple[str, str]], Floats, list[str], Floats]:
    """Return names with groups and values of the terms of the mean, and those of the spread.

    Parameters
    ----------
    evidence : mapping
        Arrays (n,): ``mean`` and ``spread`` of the gap predicted in the usual metric,
        ``metric_gap`` and ``metric_se`` of the pilot in this one, ``pilot_se`` in the usual one,
        ``pilot_proper_gap`` and ``pilot_proper_se``, ``n_labels``; and the texts ``strategy``.

    Returns
    -------
    names : list of (str, str)
        Term and its group.
    mean : ndarray of shape (n, terms)
        In units of this metric.
    spread_names : list of str
    spread : ndarray of shape (n, terms)
        Pure numbers; the logarithm of the spread is linear in them.
    """
    e = {name: np.asarray(evidence[name], dtype=np.float64) for name in NUMBERS}
    strategy = np.asarray(evidence["strategy"], dtype=str)
    se = np.maximum(np.clip(e["metric_se"], 0, 3), LEAST_SE)
    gap = np.clip(e["metric_gap"], -3, 3)
    # What one unit of the usual metric is worth in this one, as far as the pilot can tell.
    rate = np.clip(se / np.maximum(e["pilot_se"], LEAST_SE), 0.2, 5)
    wide = e["spread"] * rate
    between = np.sqrt(se * wide)
    shrunk = 1 / (1 + (se / wide) ** 2)
    z = np.clip(gap / se, -6, 6)
    usual = np.clip(e["mean"] / e["spread"], -6, 6)
    proper = studentised(e["pilot_proper_gap"], e["pilot_proper_se"])
    labels = np.log(e["n_labels"] / 50)
    mean: list[tuple[str, str, Floats]] = [
        ("usual", USUAL, e["mean"]), ("usual, exchanged", USUAL, e["mean"] * rate),
        ("usual, bounded", USUAL, np.tanh(usual) * e["spread"]),
        ("usual, bounded, se", USUAL, np.tanh(usual) * se),
        ("usual, bounded, wide", USUAL, np.tanh(usual) * wide),
        ("usual, bounded, between", USUAL, np.tanh(usual) * between),
        ("gap", METRIC, gap), ("gap, shrunk", METRIC, gap * shrunk),
        ("gap x labels", METRIC, gap * shrunk * labels),
        ("z, bounded", METRIC, np.tanh(z / 2) * se),
        ("z, bounded, wide", METRIC, np.tanh(z / 2) * wide),
        ("z, bounded, between", METRIC, np.tanh(z / 2) * between),
        ("proper", PROPER, proper * se), ("proper, wide", PROPER, np.tanh(proper / 3) * wide),
        ("se", SIZES, se), ("se x labels", SIZES, se * labels),
        ("wide", SIZES, wide), ("wide x labels", SIZES, wide * labels),
        ("between", SIZES, between), ("between x labels", SIZES, between * labels),
    ]  # fmt: skip
    for name in STRATEGIES:
        here = (strategy == name).astype(np.float64)
        mean.append((f"{name}, se", STRATEGY, here * se))
        mean.append((f"{name}, wide", STRATEGY, here * wide))
        mean.append((f"{name}, z, bounded", STRATEGY, here * np.tanh(z / 2) * se))
    spread = {
        "log se": np.log(se), "log spread": np.log(e["spread"]),
        "log rate": np.log(rate), "labels": labels, "|z|": np.minimum(np.abs(z), 5),
        "|usual|": np.minimum(np.abs(usual), 5), "|apart|": np.minimum(np.abs(z - usual), 5),
    }  # fmt: skip
    spread |= {name: (strategy == name).astype(np.float64) for name in STRATEGIES}
    return (
        [(name, group) for name, group, _ in mean],
        np.stack([values for _, _, values in mean], axis=1),
        list(spread),
        np.stack(list(spread.values()), axis=1),
    )


@dataclass(frozen=True, slots=True)
class MetricModel:
    """Coefficients for one metric.

    Attributes
    ----------
    coefficients : ndarray of shape (terms,)
    spread_coefficients : ndarray of shape (spread terms + 1,)
        The intercept first.
    rest : dict of str to Rest
        As the model of the usual metric has them.
    """

    coefficients: Floats
    spread_coefficients: Floats
    rest: Mapping[str, Rest]

    def predict(self, evidence: Mapping[str, Any], target: str = "mean") -> Prediction:
        """Return the predictive distributions for rows of evidence."""
        names, X, _, Z = terms(evidence)
        parts = by_groups(names, X * self.coefficients, GROUPS)
        log_spread = self.spread_coefficients[0] + Z @ self.spread_coefficients[1:]
        mean, spread = parts.sum(axis=1), np.exp(np.clip(log_spread, -12, 3))
        return Prediction(mean, spread, self.rest[target].of(mean / spread), parts)


@dataclass(frozen=True, slots=True)
class OtherMetrics:
    """A model for each metric, and what they were fitted on."""

    models: Mapping[str, MetricModel]
    about: Mapping[str, Any]

    def of(self, metric: str) -> MetricModel | None:
        """Return the model for a metric of this name, or ``None``."""
        return self.models.get(measured_as(metric))

    def to_json(self) -> str:
        """Return the models as JSON text; numbers keep nine digits."""
        names, _, spread_names, _ = terms(_ONE_ROW)
        stored: dict[str, Any] = {"about": dict(self.about)}
        for metric, model in self.models.items():
            stored[metric] = {
                **named(names, spread_names, model.coefficients, model.spread_coefficients),
                "rest": {key: rest.stored() for key, rest in model.rest.items()},
            }
        return json.dumps(stored, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> OtherMetrics:
        """Read the models; their terms must be those of this version."""
        stored = json.loads(text)
        names, _, spread_names, _ = terms(_ONE_ROW)
        models = {
            metric: MetricModel(
                *read_named(stored[metric], names, spread_names),
                {key: Rest.from_stored(rest) for key, rest in stored[metric]["rest"].items()},
            )
            for metric in MEASURED
        }
        return cls(models, stored["about"])


_ONE_ROW: dict[str, Any] = {**{name: np.ones(1) for name in NUMBERS}, "strategy": ["pooled"]}


@cache
def shipped() -> OtherMetrics:
    """Return the models that come with the package."""
    return OtherMetrics.from_json(resources.files(__package__).joinpath(FILE).read_text("utf-8"))
