"""Losses of an adversary at the labels a model gives, and the checks of class scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._validation import Floats, Ints, as_float


def agreement(scores: Floats, labels: Ints) -> tuple[float, Floats]:
    """Return the mean ``-log p`` of the labels and its gradient times the rows."""
    from scipy.special import softmax

    gradient = softmax(scores, axis=1)
    gradient[np.arange(len(scores)), labels] -= 1.0
    return float(log_losses(scores, labels)[0].mean()), gradient


def disagreement(scores: Floats, labels: Ints) -> tuple[float, Floats]:
    """Return the mean ``-log(1 - p)`` of the labels and its gradient times the rows."""
    from scipy.special import softmax

    # log(1 - p) is the log of the others' share, so the gradient is a difference of two softmaxes.
    gradient = softmax(scores, axis=1) - softmax(_others(scores, labels), axis=1)
    return float(log_losses(scores, labels)[1].mean()), gradient


def _others(scores: Floats, labels: Ints) -> Floats:
    """Return the scores with those of the labels at minus infinity."""
    others = scores.copy()
    others[np.arange(len(scores)), labels] = -np.inf
    return others


def log_losses(scores: Floats, labels: Ints) -> tuple[Floats, Floats]:
    """Return ``-log p`` and ``-log(1 - p)`` of the labels; exact however sure the scores are."""
    from scipy.special import logsumexp

    whole = logsumexp(scores, axis=1)
    own = scores[np.arange(len(scores)), labels]
    return whole - own, whole - logsumexp(_others(scores, labels), axis=1)


def ramp_losses(scores: Floats, labels: Ints, rho: float) -> Floats:
    """Return the ramp loss of the margin at the labels, row by row."""
    own = scores[np.arange(len(scores)), labels]
    margin = (own - _others(scores, labels).max(axis=1)) / 2
    return np.asarray(np.clip(1 - margin / rho, 0.0, 1.0))


def check_scores(values: ArrayLike, name: str) -> Floats:
    """Return finite class scores of shape (rows, classes), or say what is wrong."""
    scores = as_float(values, name)
    if scores.ndim != 2 or scores.shape[1] < 2 or not len(scores):
        raise ValueError(
            f"`{name}` must be class scores of shape (rows, classes) with two classes or more, "
            f"got shape {scores.shape}."
        )
    if not np.isfinite(scores).all():
        raise ValueError(f"`{name}` contains missing or infinite values; drop these rows first.")
    return scores


def require_same_classes(source: Floats, target: Floats) -> None:
    """Refuse scores of two models with another number of classes."""
    if source.shape[1] != target.shape[1]:
        raise ValueError(
            f"The target scores have {target.shape[1]} classes, the source scores "
            f"{source.shape[1]}; give scores of one model."
        )
