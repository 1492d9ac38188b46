"""Finite features whose inner product approximates the Gaussian kernel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from .._arrays import Array, like, namespace
from .._validation import Floats
from ._array_kernels import gaussian

FeatureKind: TypeAlias = Literal["fourier", "nystroem"]

_EIGENVALUE_CUT = 1e-10
"""Directions of the landmarks with less than this share of the largest are rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMap:
    """A map from rows to features, fixed before any row is looked at by side.

    Attributes
    ----------
    kind : str
    n_columns, n_features : int
    bandwidth : float
        s in exp(-|x - y|²/(2 s²)).
    seed : int or None
        Of the frequencies; None for landmarks.
    points : ndarray
        Frequencies (n_columns, n_features / 2), or landmarks (l, n_columns).
    mixing : ndarray of shape (l, n_features) or None
        Makes the features of the landmarks reproduce the kernel between them.
    """

    kind: FeatureKind
    n_columns: int
    n_features: int
    bandwidth: float
    seed: int | None
    points: Floats = field(repr=False)
    mixing: Floats | None = field(repr=False, default=None)

    def __call__(self, rows: Array) -> Array:
        """Return the features of rows, shape (rows, n_features), in their library."""
        xp = namespace(rows)
        points = like(self.points, rows)
        if self.mixing is None:
            phase = rows @ points
            scale = self.points.shape[1] ** -0.5
            return scale * xp.concat([xp.cos(phase), xp.sin(phase)], axis=1)
        # Far from zero, squared distances would lose digits.
        centre = xp.mean(points, axis=0)
        kernel = gaussian(rows - centre, points - centre, factor=0.5 / self.bandwidth**2)
        return kernel @ like(self.mixing, rows)

    def differences(self, other: FeatureMap) -> str:
        """Return in words how two maps differ; empty when they are the same."""
        names = ("kind", "n_columns", "n_features", "bandwidth", "seed")
        pairs = [(name, getattr(self, name), getattr(other, name)) for name in names]
        found = [f"{name} {one} and {two}" for name, one, two in pairs if one != two]
        if not found and not np.array_equal(self.points, other.points):
            found = ["other landmarks"]
        return ", ".join(found)


def fourier_features(n_columns: int, n_features: int, bandwidth: float, seed: int) -> FeatureMap:
    """Return random Fourier features: cosines and sines (Rahimi & Recht 2007)."""
    half = (n_features + 1) // 2
    frequencies = np.random.default_rng(seed).standard_normal((n_columns, half)) / bandwidth
    return FeatureMap("fourier", n_columns, 2 * half, bandwidth, seed, frequencies)


def nystroem_features(landmarks: Floats, bandwidth: float) -> FeatureMap:
    """Return features that reproduce the kernel on landmarks (Williams & Seeger 2001)."""
    centred = landmarks - landmarks.mean(axis=0)
    kernel = gaussian(centred, centred, factor=0.5 / bandwidth**2)
    values, vectors = np.linalg.eigh(kernel)
    kept = values > _EIGENVALUE_CUT * values[-1]
    mixing = vectors[:, kept] / np.sqrt(values[kept])
    columns = landmarks.shape[1]
    return FeatureMap("nystroem", columns, mixing.shape[1], bandwidth, None, landmarks, mixing)
