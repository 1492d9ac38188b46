"""An optimal coupling of labelled source and target rows, and the labels it brings together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from .._scores import Labels
from .._validation import Floats, Ints
from ..divergence._label_distances import exact_table
from ..divergence._transport import exact_plan
from ._table_scores import negative_conditional_entropy


@dataclass(frozen=True, slots=True, eq=False)
class Coupled:
    """What an optimal coupling says.

    Attributes
    ----------
    cost : float
        Mean squared distance between coupled rows.
    labels : ndarray of shape (C_s, C_t)
        Mass that goes between any two classes; sums to 1.
    plan : tuple
        Source rows, target rows and masses of the entries that are not zero.
    """

    cost: float
    labels: Floats
    plan: tuple[Ints, Ints, Floats]

    @property
    def entropy(self) -> float:
        """The conditional entropy of the target's labels given the source's, in nats."""
        return -float(negative_conditional_entropy(self.labels))


def couple(
    squares: Floats, source: Ints, target: Ints, sizes: tuple[int, int], feature_weight: float
) -> Coupled:
    """Return the coupling of least mean cost between rows that all weigh the same.

    Parameters
    ----------
    squares : ndarray of shape (n, m)
        Squared distances of the rows.
    source, target : ndarray of int64, shapes (n,) and (m,)
        Codes of the labels.
    sizes : (int, int)
        Source and target classes.
    feature_weight : float
        1: labels do not enter the cost; else the share of ``squares`` in it, the rest being
        the squared Wasserstein distance of the two rows' classes.
    """
    cost = squares
    if feature_weight < 1:
        # half-samples keep every class, so that codes have no gaps here
        classes = exact_table(squares, source, target)
        cost = feature_weight * squares + (1 - feature_weight) * classes[np.ix_(source, target)]
    plan = exact_plan(cost)
    first, second, mass = plan
    together = label_masses(plan, source, target, sizes)
    return Coupled(float((squares[first, second] * mass).sum()), together, plan)


def label_masses(
    plan: tuple[Ints, Ints, Floats], source: Ints, target: Ints, sizes: tuple[int, int]
) -> Floats:
    """Return the mass that a plan moves between any two classes, (C_s, C_t)."""
    first, second, mass = plan
    cells = source[first] * sizes[1] + target[second]
    masses = np.bincount(cells, mass, minlength=sizes[0] * sizes[1])
    return masses.astype(np.float64).reshape(sizes)


def squared_distances(source: Floats, target: Floats) -> Floats:
    """Return squared Euclidean distances, (n, m)."""
    centre = (source.mean(axis=0) + target.mean(axis=0)) / 2
    return np.asarray(cdist(source - centre, target - centre, "sqeuclidean"))


def drawn_rows(labels: Labels, at_most: int, rng: np.random.Generator) -> Ints:
    """Return at most so many row numbers, ascending, every class by its share."""
    n = len(labels.codes)
    if n <= at_most:
        return np.arange(n, dtype=np.int64)
    order = rng.permutation(n)
    by_class = order[np.argsort(labels.codes[order], kind="stable")]
    places = ((np.arange(at_most) + rng.random()) * n / at_most).astype(np.int64)
    return np.sort(by_class[places]).astype(np.int64)
