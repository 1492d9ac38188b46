"""How much weight every task should give to the others, from losses and distances alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._scores import check_features
from .._validation import Floats, check_positive
from ..registry import register


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskWeights:
    """Outcome of :func:`task_weights`.

    Attributes
    ----------
    weights : ndarray of shape (T, T)
        Row t: the weights of all tasks in learning task t; at least 0, with sum 1.
    costs : ndarray of shape (T, T)
        What the weights trade off: loss plus weighted distance.
    thresholds : ndarray of shape (T,)
        The cost from which on a task gets no weight, for every t.
    """

    weights: Floats
    costs: Floats
    thresholds: Floats

    @property
    def value(self) -> float:
        """The mean weight that tasks give to others, from 0 (all alone) to 1 - 1/T (all equal)."""
        return float(1 - np.diagonal(self.weights).mean())


@register(
    family="similarity", inputs="other", units="share of the weight", range=(0.0, 1.0),
    direction="larger means that tasks gain more from each other", cost="O(T^2 log T)",
    invariances=(), min_rows=2,
)  # fmt: skip
def task_weights(
    losses: Any, distances: Any, *, spread: float = 1.0, distance_weight: float = 0.5
) -> TaskWeights:
    r"""Weigh tasks for each other by a bound on the error of learning them together.

    Parameters
    ----------
    losses : array of shape (T, T)
        Entry (t, i): the loss on task i of the hypothesis learned for task t, such as a linear
        head on frozen features.
    distances : array of shape (T, T)
        How far apart the inputs of tasks t and i are, such as a proxy A-distance; not negative.
    spread : float
        Price of concentrating on few tasks (kappa 1): near 0 all weight goes to the cheapest
        task, for large values all tasks weigh the same.
    distance_weight : float
        Price of distance (kappa 2), at least 0.

    Returns
    -------
    TaskWeights
        A weight near 0 says that a task is of no use for another; ``value`` is the mean weight
        given to other tasks.

    Notes
    -----
    For every task t the minimum over the simplex of
    :math:`\sum_i \alpha_i c_i + \kappa_1 |\alpha|_2` with :math:`c_i = L_{ti} + \kappa_2 d_{ti}`:
    the second step of AMTNN, with the networks held fixed. The solution is
    :math:`\alpha_i \propto (\tau - c_i)_+` with :math:`|(\tau - c)_+|_2 = \kappa_1`; the root is
    found exactly, by trying how many of the sorted costs lie below it.

    Sample sizes count as equal, as in the authors' code. The scale of losses and distances
    matters: ``spread`` is in units of the loss.

    References
    ----------
    Shui, Abbasi, Robitaille, Wang & Gagné (2019), A principled approach for learning task
    similarity in multitask learning, IJCAI, arXiv 1903.09109.

    Examples
    --------
    >>> losses = [[0.1, 0.35, 0.8], [0.4, 0.12, 0.7], [0.9, 0.75, 0.3]]
    >>> distances = [[0.0, 0.55, 0.9], [0.55, 0.0, 0.85], [0.9, 0.85, 0.0]]
    >>> task_weights(losses, distances).weights.round(2).tolist()
    [[0.7, 0.3, 0.0], [0.29, 0.71, 0.0], [0.0, 0.11, 0.89]]
    """
    first, second = _square(losses, "losses"), _square(distances, "distances")
    if first.shape != second.shape:
        raise ValueError(
            f"`losses` is about {len(first)} tasks and `distances` about {len(second)}; pass both "
            "for the same tasks in the same order."
        )
    if (second < 0).any():
        raise ValueError("`distances` contains negative values; pass distances of at least 0.")
    spread = check_positive(spread, "spread")
    if distance_weight != 0:
        check_positive(distance_weight, "distance_weight")
    costs: Floats = first + distance_weight * second
    thresholds = _thresholds(costs, spread)
    reach = np.maximum(thresholds[:, None] - costs, 0.0)
    return TaskWeights(
        weights=reach / reach.sum(axis=1, keepdims=True), costs=costs, thresholds=thresholds
    )


def _thresholds(costs: Floats, spread: float) -> Floats:
    """Return the root tau of |(tau - c)+| = spread for every row of costs.

    With the m least costs below tau it solves m tau² - 2 tau sum(c) + sum(c²) = spread².
    """
    least = costs[:, :1].copy()
    least[:, 0] = costs.min(axis=1)
    ascending = np.sort(costs - least, axis=1)
    count = np.arange(1, costs.shape[1] + 1)
    sums, squares = np.cumsum(ascending, axis=1), np.cumsum(ascending**2, axis=1)
    inside = np.maximum(sums**2 - count * (squares - spread**2), 0.0)
    roots = (sums + np.sqrt(inside)) / count
    # the norm at the m-th cost is below the spread as long as that cost lies below the root
    reach = count * ascending**2 - 2 * ascending * sums + squares
    used = (reach < spread**2).sum(axis=1) - 1
    chosen: Floats = np.take_along_axis(roots, used[:, None], axis=1) + least
    return chosen[:, 0]


def _square(values: Any, name: str) -> Floats:
    table = check_features(values, name=name)
    if table.shape[0] != table.shape[1]:
        raise ValueError(
            f"`{name}` has shape {table.shape}, expected one row and one column for every task."
        )
    return table
