"""Cases in which transfer is made to get worse: one knob each, everything else held.

With one seed, all levels of a plant share their rows and their random numbers: what differs
between two levels is the plant alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = tuple[Floats, NDArray[Any]]
NOISE = (0, 10, 20, 30, 40, 50, 75, 100)
ANGLES = (0, 30, 60, 90, 120, 150, 180)
TEST_ROWS = 2000


@dataclass(frozen=True)
class Case:
    """Labelled rows of both sides, and rows of the target that only the truth sees."""

    source: Rows
    target: Rows
    test: Rows


@dataclass(frozen=True)
class Plant:
    """One way of making transfer worse.

    Attributes
    ----------
    title : str
        What grows, or its unit.
    task : {"binary", "multiclass", "regression"}
    levels : tuple of float
        From none to the most.
    make : callable
        ``make(level, seed)`` returns the case.
    learner : str
        A learner that can fit the data.
    """

    title: str
    task: str
    levels: tuple[float, ...]
    make: Callable[[float, int], Case]
    learner: str = "linear"


def noisy(y: NDArray[Any], percent: float, task: str, rng: np.random.Generator) -> NDArray[Any]:
    """Return labels of which `percent` are wrong.

    Classes: another class, drawn evenly.  Quantities: that of another row.  What is wrong at one
    level is wrong in the same way at all higher ones.
    """
    order = rng.permutation(len(y))
    hit = order[: round(len(y) * percent / 100)]
    out = y.copy()
    if task == "regression":
        out[hit] = y[rng.permutation(len(y))][hit]
        return out
    classes = np.unique(y)
    code = np.searchsorted(classes, y)
    step = rng.integers(1, classes.size, len(y))
    out[hit] = classes[(code + step) % classes.size][hit]
    return out


def linear(
    task: str, n: int, rng: np.random.Generator, weights: Floats | None = None, sd: float = 1.0
) -> Rows:
    """Return rows whose label is a linear function of ten inputs, and noise of `sd`."""
    X = rng.normal(size=(n, 10))
    if task == "multiclass":
        scores = X[:, :3] * 2 + X[:, 3:6] + sd * rng.normal(size=(n, 3))
        return X, scores.argmax(axis=1)
    b = np.ones(10) / np.sqrt(10) if weights is None else weights
    score = X @ b + sd * rng.normal(size=n)
    return X, score if task == "regression" else (score > 0).astype(int)


def _generated_noise(task: str, labels: int) -> Callable[[float, int], Case]:
    def make(level: float, seed: int) -> Case:
        rng = np.random.default_rng([seed, 1])
        X, y = linear(task, 400, rng)
        target, test = linear(task, labels, rng), linear(task, TEST_ROWS, rng)
        return Case((X, noisy(y, level, task, rng)), target, test)

    return make


def _bundled(name: str) -> Rows:
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return X, y


def _bundled_noise(name: str, task: str, labels: int) -> Callable[[float, int], Case]:
    def make(level: float, seed: int) -> Case:
        source, target, test = _thirds(_bundled(name), labels, seed)
        rng = np.random.default_rng([seed, 2])
        return Case((source[0], noisy(source[1], level, task, rng)), target, test)

    return make


def _thirds(rows: Rows, labels: int, seed: int) -> tuple[Rows, Rows, Rows]:
    """Cut rows at random: half (at most 500) is the source, the rest `labels` rows and a test."""
    X, y = rows
    order = np.random.default_rng([seed, 3]).permutation(len(y))
    n = min(len(y) // 2, 500)
    source, target, test = np.split(order, [n, n + labels])
    return (X[source], y[source]), (X[target], y[target]), (X[test], y[test])


def _digits_exchanged(level: float, seed: int) -> Case:
    """Exchange the first `level` classes of the source cyclically: 0 is called 1, and so on."""
    (X, y), target, test = _thirds(_bundled("digits"), 100, seed)
    k = int(level)
    return Case((X, np.where(y < k, (y + 1) % max(k, 1), y)), target, test)


def _turned_weights(level: float, seed: int) -> Case:
    """Turn the coefficients of the source by an angle towards a direction at right angles."""
    rng = np.random.default_rng([seed, 4])
    one, other = np.linalg.qr(rng.normal(size=(10, 2)))[0].T
    angle = np.deg2rad(level)
    moved = np.cos(angle) * one + np.sin(angle) * other
    source = linear("regression", 400, rng, moved)
    target, test = (linear("regression", n, rng, one) for n in (40, TEST_ROWS))
    return Case(source, target, test)


def _rotation(level: float) -> Floats:
    a = np.deg2rad(level)
    return np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])


def _shear(level: float) -> Floats:
    return np.array([[1.0, level], [0.0, 1.0]])


def _scaling(level: float) -> Floats:
    return level * np.eye(2)


def _moons(matrix: Callable[[float], Floats]) -> Callable[[float, int], Case]:
    """Two moons of 600 points, as in the survey; the source's are moved about their centre."""

    def make(level: float, seed: int) -> Case:
        from sklearn.datasets import make_moons

        (X, y), target, test = (
            make_moons(n, noise=0.1, random_state=3 * seed + i)
            for i, n in enumerate((600, 60, TEST_ROWS))
        )
        centre = np.array([0.5, 0.25])
        return Case(((X - centre) @ matrix(level).T + centre, y), target, test)

    return make


_WRONG = "labels of the source that are wrong, %"
_SHUFFLED = "labels of the source taken from other rows, %"
_TWO, _MORE, _QUANTITY = "binary", "multiclass", "regression"
PLANTS: dict[str, Plant] = {
    "noise-2-classes": Plant(_WRONG, _TWO, NOISE, _generated_noise(_TWO, 40)),
    "noise-3-classes": Plant(_WRONG, _MORE, NOISE, _generated_noise(_MORE, 40)),
    "noise-quantity": Plant(_SHUFFLED, _QUANTITY, NOISE, _generated_noise(_QUANTITY, 40)),
    "noise-breast-cancer": Plant(_WRONG, _TWO, NOISE, _bundled_noise("breast_cancer", _TWO, 40)),
    "noise-wine": Plant(_WRONG, _MORE, NOISE, _bundled_noise("wine", _MORE, 30)),
    "noise-digits": Plant(_WRONG, _MORE, NOISE, _bundled_noise("digits", _MORE, 100)),
    "noise-diabetes": Plant(_SHUFFLED, _QUANTITY, NOISE, _bundled_noise("diabetes", _QUANTITY, 50)),
    "moons-rotated": Plant("degrees", _TWO, ANGLES, _moons(_rotation), "forest"),
    "moons-sheared": Plant("shear", _TWO, (0, 0.5, 1, 1.5, 3, 6), _moons(_shear), "forest"),
    "moons-scaled": Plant("factor", _TWO, (1, 1.5, 2, 3, 5), _moons(_scaling), "forest"),
    "digits-exchanged": Plant("classes", _MORE, (0, 2, 4, 6, 8, 10), _digits_exchanged),
    "coefficients-turned": Plant("degrees", _QUANTITY, ANGLES, _turned_weights),
}
