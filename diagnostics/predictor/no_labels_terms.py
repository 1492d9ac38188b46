"""From evidence without target labels to the terms of the model, in the units of the metric.

Every term is a number of the metric (what the learning curve at home still falls, what the model
has over a constant, what an estimate adds to the error at home) times a pure number (how far
apart the inputs are, how many labels are planned).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .no_labels_evidence import ESTIMATES, PLANNED

Floats = NDArray[np.float64]

NUMBERS = (
    "n_planned", "n_source", "n_columns", "n_classes", "home", "constant", "weighted", "near",
    "towards", "auc", "energy", "predicted_shift",
    *(f"curve_{n}" for n in PLANNED), *(f"est_{name}" for name in ESTIMATES),
)  # fmt: skip
GROUPS = (
    "the learning curve at home", "skill of the source model", "estimates of its error",
    "how far apart the inputs are", "sizes",
)  # fmt: skip
CURVE, SKILL, ESTIMATED, APART, SIZES = GROUPS
ERROR_AT = 50
"""Planned labels put into the terms where the error of the source model is asked for."""
LARGEST = 3.0
LEAST = 0.02
RANGED = (
    "n_source", "n_columns", "n_classes", "home", "constant", "energy", "predicted_shift",
    "n_planned",
)  # fmt: skip
"""Numbers whose range among the measured transfers is kept."""
Term = tuple[str, str, Floats]


def at_home(evidence: Mapping[str, Any]) -> Floats:
    """Return the error that as many source labels as are planned reach at home, (n,).

    Between the numbers of rows that were tried, linear in the logarithm of their number; the
    error of all source rows where the source has no more.
    """
    n = np.asarray(evidence["n_planned"], dtype=np.float64)
    home = np.asarray(evidence["home"], dtype=np.float64)
    most = 0.75 * np.asarray(evidence["n_source"], dtype=np.float64)
    known = np.stack([np.asarray(evidence[f"curve_{k}"], dtype=np.float64) for k in PLANNED], 1)
    found = np.empty(len(n))
    for i in range(len(n)):
        keep = np.isfinite(known[i]) & (np.array(PLANNED) < most[i])
        x = np.log([*np.array(PLANNED)[keep], max(most[i], 2.0)])
        found[i] = np.interp(np.log(n[i]), x, [*known[i][keep], home[i]])
    return np.clip(found, 0, LARGEST)


def terms(evidence: Mapping[str, Any]) -> tuple[list[tuple[str, str]], Floats, list[str], Floats]:
    """Return names with groups and values of the terms of the mean, and those of the spread.

    Parameters
    ----------
    evidence : mapping
        The :data:`NUMBERS`, arrays of one length.

    Returns
    -------
    names : list of (str, str)
        Term and its group.
    mean : ndarray of shape (n, terms)
        In units of the metric.
    spread_names : list of str
    spread : ndarray of shape (n, terms)
        Pure numbers; the logarithm of the spread is linear in them.
    """
    e = {k: np.asarray(evidence[k], dtype=np.float64) for k in NUMBERS}
    quantity = (e["n_classes"] == 0).astype(np.float64)
    home, constant = (np.clip(e[k], 0, LARGEST) for k in ("home", "constant"))
    skill = constant - home
    labels, ratio = np.log(e["n_planned"] / 50), np.log(e["n_source"] / e["n_planned"])
    apart = np.clip(2 * e["auc"] - 1, 0, 1)
    energy = np.sqrt(np.clip(e["energy"], 0, 4))
    predictions = np.clip(e["predicted_shift"], 0, 2)
    changes = _changes(e, home)
    mean: list[Term] = [
        ("gain", CURVE, home - at_home(evidence)),
        ("skill", SKILL, skill), ("skill x ratio", SKILL, skill * ratio),
        *((name, ESTIMATED, values) for name, values in changes.items()),
        ("constant x apart", APART, constant * apart),
        ("constant x energy", APART, constant * energy),
        ("constant x predictions", APART, constant * predictions),
        ("constant x energy x quantity", APART, constant * energy * quantity),
        ("skill x energy", APART, skill * energy),
        ("skill x predictions", APART, skill * predictions),
        ("constant", SIZES, constant), ("constant x quantity", SIZES, constant * quantity),
        ("constant x labels", SIZES, constant * labels),
        ("constant x ratio", SIZES, constant * ratio),
    ]  # fmt: skip
    spread = {
        "log constant": np.log(np.maximum(constant, LEAST)),
        "log home": np.log(np.maximum(home, LEAST)),
        "log skill": np.log(np.maximum(skill, LEAST)), "quantity": quantity, "labels": labels,
        "ratio": ratio, "apart": apart, "energy": energy, "predictions": predictions,
    }  # fmt: skip
    return (
        [(name, group) for name, group, _ in mean],
        np.stack([values for _, _, values in mean], axis=1),
        list(spread),
        np.stack(list(spread.values()), axis=1),
    )


def _changes(e: Mapping[str, Floats], home: Floats) -> dict[str, Floats]:
    """Return by how much estimates of the error lie above the error at home.

    The median of those there are, which outvotes one whose assumptions fail; the error at home
    weighted towards the target; what a step in its direction costs on the source.
    """
    each = np.stack([np.clip(e[f"est_{name}"] - home, -1, 1) for name in ESTIMATES])
    return {
        "median of the estimates": _median(each),
        "weighted": np.clip(e["weighted"] - home, -1, 1),
        "towards": np.nan_to_num(np.clip(e["towards"] - e["near"], -1, 1)),
    }


def _median(values: Floats) -> Floats:
    """Return the median over the first axis of what is known, 0 where nothing is."""
    known = np.isfinite(values).any(axis=0)
    found = np.zeros(values.shape[1])
    found[known] = np.nanmedian(values[:, known], axis=0)
    return found
