"""Measured transfers to stand beside a prediction: the nearest ones, and a spread of others.

Their predictions were made by models that had not seen their family of data sets.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FILE = "reference.npz"
NEAREST = 8
OTHERS = 52
TEXTS = ("names", "strategy", "learner", "metric")
PLACE = ("pilot_gap", "pilot_se", "pilot_apart", "base", "n_labels", "n_source", "skill")
"""By what cases are near: in units of their spread over all cases, sizes as logarithms."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Measured transfers, one a row.

    Attributes
    ----------
    names : ndarray of str, shape (n, 3)
        Data set, source, target.
    strategy, learner : ndarray of str, shape (n,)
    metric : ndarray of str, shape (n,)
        Empty for accuracy and RMSE.
    regression : ndarray of bool, shape (n,)
    place : ndarray of shape (n, 7)
        Where each case lies, standardised.
    centre, scale : ndarray of shape (7,)
        What it was standardised with.
    predicted, low, high, observed : ndarray of shape (n,)
        Predicted gap with its 80 % interval, and the measured mean gap.
    n_labels : ndarray of int, shape (n,)
    """

    names: NDArray[np.str_]
    strategy: NDArray[np.str_]
    learner: NDArray[np.str_]
    metric: NDArray[np.str_]
    regression: NDArray[np.bool_]
    place: Floats
    centre: Floats
    scale: Floats
    predicted: Floats
    low: Floats
    high: Floats
    observed: Floats
    n_labels: NDArray[np.int64]

    def near(
        self, evidence: dict[str, float], *, strategy: str, learner: str, metric: str = ""
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], int, float]:
        """Return the nearest cases, a spread of the others, how many there are, and coverage.

        All of the same kind of label, metric and strategy, of the same learner if any were
        measured with it.  Coverage is the share of them whose interval holds what was measured.
        """
        like = (self.regression == bool(evidence["regression"])) & (self.strategy == strategy)
        like &= self.metric == metric
        same = like & (self.learner == learner)
        rows = np.flatnonzero(same if same.any() else like)
        if rows.size == 0:
            return rows, rows, 0, float("nan")
        here = (placed(evidence) - self.centre) / self.scale
        away = np.linalg.norm(self.place[rows] - here, axis=1)
        order = rows[np.argsort(away, kind="stable")]
        others = order[NEAREST:]
        if others.size > OTHERS:
            others = others[np.linspace(0, others.size - 1, OTHERS).round().astype(int)]
        inside = (self.observed >= self.low) & (self.observed <= self.high)
        return order[:NEAREST], others, int(rows.size), float(inside[rows].mean())


def placed(evidence: dict[str, Any]) -> Floats:
    """Return where evidence lies, before it is standardised; rows for arrays."""
    skill = 1 - np.asarray(evidence["base_proper"]) / np.maximum(evidence["constant_proper"], 1e-6)
    columns = [
        np.clip(evidence["pilot_gap"], -1, 1), np.log(np.maximum(evidence["pilot_se"], 0.002)),
        np.nan_to_num(np.clip(evidence["pilot_apart"], 0, 2), nan=0.2),
        np.clip(evidence["base"], 0, 2), np.log(evidence["n_labels"]),
        np.log(evidence["n_source"]), np.clip(skill, -1, 1),
    ]  # fmt: skip
    return np.stack([np.asarray(c, dtype=np.float64) for c in columns], axis=-1)


def to_bytes(reference: Reference) -> bytes:
    """Return the cases as a compact archive without pickles."""
    small = {
        name: getattr(reference, name).astype(np.float16)
        for name in ("place", "predicted", "low", "high", "observed")
    }
    texts = {}
    for name in TEXTS:
        values = getattr(reference, name)
        known, codes = np.unique(values, return_inverse=True)
        texts[name] = known
        texts[f"{name}_codes"] = codes.reshape(values.shape).astype(np.int16)
    arrays: dict[str, Any] = {
        **small, **texts, "centre": reference.centre, "scale": reference.scale,
        "regression": reference.regression, "n_labels": reference.n_labels.astype(np.int16),
    }  # fmt: skip
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def from_bytes(data: bytes) -> Reference:
    """Read what :func:`to_bytes` wrote."""
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        part = {name: stored[name] for name in stored.files}
    numbers = {
        name: part[name].astype(np.float64)
        for name in ("place", "predicted", "low", "high", "observed")
    }
    texts = {name: part[name][part[f"{name}_codes"]] for name in TEXTS}
    return Reference(
        **texts, **numbers, centre=part["centre"], scale=part["scale"],
        regression=part["regression"], n_labels=part["n_labels"].astype(np.int64),
    )  # fmt: skip


@cache
def shipped_reference() -> Reference:
    """Return the cases that come with the package."""
    return from_bytes(resources.files(__package__).joinpath(FILE).read_bytes())
