"""Bhattacharyya overlap of classes taken as normal laws."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from .._validation import Floats, Ints
from ._table_scores import class_sums

ClassCovariance: TypeAlias = Literal["diagonal", "spherical", "full"]
SphericalConvention: TypeAlias = Literal["dimension", "scalar"]

_CELLS = 2**22
"""Numbers in the arrays of class pairs held at a time (32 MB)."""


def log_overlaps(
    table: Floats, codes: Ints, n_classes: int, covariance: ClassCovariance, floor: float,
    convention: SphericalConvention,
) -> tuple[Floats, int]:  # fmt: skip
    """Return -D_B of every pair of classes, (C, C), and how many variances were floored."""
    means = class_sums(table, codes[None], n_classes)[0]
    counts = np.bincount(codes, minlength=n_classes)[:, None]
    means /= counts
    centred = table - means[codes]
    if covariance == "full":
        return _full(means, *_covariances(centred, codes, n_classes, floor))
    variances = class_sums(centred**2, codes[None], n_classes)[0] / counts
    floored = int(np.count_nonzero(variances < floor))
    variances = np.maximum(variances, floor)
    if covariance == "diagonal":
        return _diagonal(means, variances, 1), floored
    times = table.shape[1] if convention == "dimension" else 1
    return _diagonal(means, variances.mean(axis=1, keepdims=True), times), floored


def _diagonal(means: Floats, variances: Floats, times: int) -> Floats:
    """Return -D_B for variances (C, d) or (C, 1); ``times`` multiplies the logarithm."""
    n_classes, d = means.shape
    logs = np.log(variances).sum(axis=1)
    found = np.empty((n_classes, n_classes))
    step = max(1, _CELLS // (n_classes * d))
    for low in range(0, n_classes, step):
        here = slice(low, low + step)
        pooled = (variances[here, None] + variances) / 2
        away = ((means[here, None] - means) ** 2 / pooled).sum(axis=2) / 8
        spread = np.log(pooled).sum(axis=2) - (logs[here, None] + logs) / 2
        found[here] = -away - times * spread / 2
    return found


def _covariances(
    centred: Floats, codes: Ints, n_classes: int, floor: float
) -> tuple[Floats, Floats, int]:
    """Return covariances (C, d, d) with eigenvalues of at least ``floor``, and their log det."""
    d = centred.shape[1]
    matrices, logs, floored = np.empty((n_classes, d, d)), np.empty(n_classes), 0
    for k in range(n_classes):
        rows = centred[codes == k]
        values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
        floored += int(np.count_nonzero(values < floor))
        values = np.maximum(values, floor)
        matrices[k], logs[k] = (vectors * values) @ vectors.T, np.log(values).sum()
    return matrices, logs, floored


def _full(means: Floats, matrices: Floats, logs: Floats, floored: int) -> tuple[Floats, int]:
    n_classes, d = means.shape
    found = np.zeros((n_classes, n_classes))
    first, second = np.triu_indices(n_classes, 1)
    step = max(1, _CELLS // d**2)
    for low in range(0, len(first), step):
        one, other = first[low : low + step], second[low : low + step]
        pooled = (matrices[one] + matrices[other]) / 2
        moved = means[one] - means[other]
        away = (np.linalg.solve(pooled, moved[..., None])[..., 0] * moved).sum(axis=1) / 8
        spread = np.linalg.slogdet(pooled)[1] - (logs[one] + logs[other]) / 2
        found[one, other] = found[other, one] = -away - spread / 2
    return found, floored
