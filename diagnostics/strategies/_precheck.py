"""Preconditions that can be checked on the data before a strategy is tried.

They look at all labelled target rows, held-out ones too: they decide whether a strategy is
tried at all, not what it predicts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._base import Training

MIN_EFFECTIVE_SHARE = 0.05
"""Below this share of source rows left in effect, weighting is not tried."""
LABEL_SHIFT_LEVEL = 0.01
LABEL_SHIFT_SIZE = 0.1
"""Alignment is not tried where labels differ by more than this (total variation of class
shares, or largest difference of distribution functions) and not by chance."""


def effective_share(weight: NDArray[np.float64]) -> float:
    """Return Kish's effective sample size as a share of the rows."""
    largest = float(weight.max(initial=0.0))
    if largest <= 0:
        return 0.0
    scaled = weight / largest
    return float(scaled.sum() ** 2 / (scaled @ scaled)) / len(weight)


def enough_left(weights: Callable[[Training], NDArray[np.float64]]) -> Callable[[Training], Any]:
    """Return a precheck that these weights leave enough of the source in effect."""

    def precheck(training: Training) -> str | None:
        share = effective_share(weights(training))
        if share >= MIN_EFFECTIVE_SHARE:
            return None
        return (
            f"the weights leave {100 * share:.2g} % of the source rows in effect, less than "
            f"{100 * MIN_EFFECTIVE_SHARE:.0f} %"
        )

    return precheck


def no_label_shift(training: Training) -> str | None:
    """Return a reason where the labels are distributed differently on the two sides."""
    size, p_value, words = _label_shift(training)
    if p_value >= LABEL_SHIFT_LEVEL or size <= LABEL_SHIFT_SIZE:
        return None
    return (
        f"the labels are distributed differently ({words} {size:.2f}), and moving inputs onto "
        "each other would mix the classes"
        if training.n_classes
        else f"the labels are distributed differently ({words} {size:.2f}), and moving inputs onto "
        "each other would undo that"
    )


def _label_shift(training: Training) -> tuple[float, float, str]:
    from scipy.stats import chi2_contingency, ks_2samp

    source, target = training.source_y, training.target_y
    if training.n_classes == 0:
        found = ks_2samp(source, target, method="asymp")
        return float(found.statistic), float(found.pvalue), "Kolmogorov-Smirnov distance"
    counts = np.stack([np.bincount(y, minlength=training.n_classes) for y in (source, target)])
    counts = counts[:, counts.sum(axis=0) > 0]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = float(np.abs(shares[0] - shares[1]).sum() / 2)
    if counts.shape[1] < 2 or size == 0:
        return size, 1.0, "total variation"
    return size, float(chi2_contingency(counts, correction=False).pvalue), "total variation"


def classes_known(training: Training) -> str | None:
    """Return a reason where the target has a class the source never shows."""
    new = np.setdiff1d(training.target_y, training.source_y)
    if new.size == 0:
        return None
    return f"{new.size} of the target's classes do not occur in the source"
