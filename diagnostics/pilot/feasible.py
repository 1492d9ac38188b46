"""Whether a pilot can be run at all, and if not, why, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .folds import MIN_LABELS

if TYPE_CHECKING:
    from ..domain import Pair

MIN_CLASS_ROWS = 3
"""Rows wanted in each of at least two classes."""


def why_no_pilot(pair: Pair) -> str | None:
    """Return the reason why no pilot can be run, in one sentence, or ``None``."""
    source, target = pair.source, pair.target
    if pair.task is None or not target.labelled.any():
        return "The target has no labelled rows, so no strategy can be tried on it."
    if not source.labelled.any():
        return "The source has no labelled rows, so there is no source model to transfer."
    usable = target.labelled & ~target.shared
    n_usable = int(usable.sum())
    if n_usable == 0:
        return (
            "Every labelled target row also stands in the source, so none can be held out; "
            "if they are different units, add the column that tells them apart or keep shared "
            "rows (--keep-shared-rows)."
        )
    if n_usable < MIN_LABELS:
        return (
            f"The target has {n_usable} labelled {'row' if n_usable == 1 else 'rows'} that can be "
            f"held out; the pilot needs at least {MIN_LABELS}."
        )
    if pair.task == "regression":
        if np.ptp(target.y[usable]) == 0 or np.ptp(source.y[source.labelled]) == 0:
            return "The labels of one side are constant, so there is nothing to predict."
        return None
    if not set(np.unique(source.y[source.labelled])) & set(np.unique(target.y[usable])):
        return "Source and target share no class, so nothing learned on the source can be tried."
    if np.unique(source.y[source.labelled]).size < 2:
        return "The source has one class only, so it teaches no distinction."
    counts = np.sort(np.unique(target.y[usable], return_counts=True)[1])[::-1]
    if counts.size < 2 or counts[1] < MIN_CLASS_ROWS:
        second = int(counts[1]) if counts.size > 1 else 0
        return (
            f"Of the target's {n_usable} usable labels only {second} are not of the commonest "
            f"class; the pilot needs at least {MIN_CLASS_ROWS} rows in each of two classes."
        )
    return None
