"""The ground cost of OTDD between labelled rows, and its transport."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from scipy.spatial.distance import cdist

from .._validation import Floats, Ints
from ._label_distances import Inner, exact_table, gaussian_table
from ._sinkhorn import Potentials, Stop, entropic_plan, solve, solve_annealed, solve_symmetric
from ._transport import dense_plan, exact_cost

Outer: TypeAlias = Literal["exact", "sinkhorn"]
Task: TypeAlias = Literal["classification", "regression"]
Side: TypeAlias = tuple[Floats, Floats | Ints]
"""Rows (n, d) and their labels (n,): class numbers, or scaled outcomes."""


@dataclass(frozen=True, slots=True)
class Ground:
    """How rows and labels are compared and how mass is moved.

    Attributes
    ----------
    task, inner, outer : str
    label_weight : float
        Factor of the label term.
    shrink : bool
        Whether singular covariances are shrunk; Gaussian inner only.
    halved : bool
        Whether costs are halved and the value is left without its root.
    epsilon, tolerance, max_iter
        Of the outer Sinkhorn iteration.
    annealing : float or None
        Factor between two levels of its length scale, if it takes one step a level only.
    largest : float
        Cost at which these levels begin.
    """

    task: Task
    inner: Inner
    outer: Outer
    label_weight: float
    shrink: bool
    halved: bool
    epsilon: float
    tolerance: float
    max_iter: int
    annealing: float | None
    largest: float

    def parts(self, one: Side, other: Side) -> tuple[Floats, Floats, Floats | None]:
        """Return the cost of rows and that of labels, (n, m) each, and the class table."""
        (x, a), (y, b) = one, other
        squares = np.asarray(cdist(x, y, "sqeuclidean"))
        factor, table = (0.5 if self.halved else 1.0), None
        if self.task == "regression":
            labels = np.asarray((a[:, None] - b[None, :]) ** 2, dtype=np.float64)
        else:
            table = self._table(squares, one, other)
            labels = table[np.unique(a, return_inverse=True)[1]]
            labels = labels[:, np.unique(b, return_inverse=True)[1]]
        return factor * squares, factor * self.label_weight * labels, table

    def _table(self, squares: Floats, one: Side, other: Side) -> Floats:
        # Half-samples may lack a class, hence numbers without gaps.
        first, second = (np.unique(side[1], return_inverse=True)[1] for side in (one, other))
        if self.inner == "exact":
            return exact_table(squares, first, second, alike=one is other)
        return gaussian_table(one[0], other[0], first, second, shrink=self.shrink)

    def cost(self, one: Side, other: Side) -> Floats:
        """Return the ground cost of every pair, (n, m)."""
        rows, labels, _ = self.parts(one, other)
        return rows + labels

    def value(self, cost: float) -> float:
        """Return the distance for a mean cost."""
        cost = max(0.0, cost)
        return float(cost if self.halved else np.sqrt(cost))

    def distance(self, source: Side, target: Side) -> float:
        """Return OTDD and nothing else."""
        between = self.cost(source, target)
        if self.outer == "exact":
            return self.value(exact_cost(between))
        within = (self.cost(side, side) for side in (source, target))
        return self.value(self.debiased(between, *within)[0])

    def debiased(self, between: Floats, first: Floats, second: Floats) -> tuple[float, Potentials]:
        """Return the Sinkhorn divergence (dual form), and the potentials between the sides."""
        if self.annealing is not None:
            costs, factor = (between, first, second), self.annealing**2
            found, *own = solve_annealed(costs, self.epsilon, largest=self.largest, factor=factor)
        else:
            stop = Stop(self.tolerance, self.max_iter)
            own = [solve_symmetric(cost, self.epsilon, stop) for cost in (first, second)]
            found = solve(between, self.epsilon, stop, guess=own[1].first)
        return found.value - (own[0].value + own[1].value) / 2, found


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """What moving one labelled sample to another gave; the fields go into the result."""

    ground: Ground
    value: float
    label_share: float
    feature_distance: float
    table: Floats | None
    target_cost: Floats
    error: float


def transport(ground: Ground, source: Side, target: Side, relative: bool) -> Moved:
    """Solve the outer problem with and without the labels, and split its cost."""
    rows, labels, table = ground.parts(source, target)
    cost, error = rows + labels, 0.0
    if ground.outer == "exact":
        plan = dense_plan(cost)
        value, plain = float((plan * cost).sum()), exact_cost(rows)
    else:
        unit = (float(np.median(cost)) or 1.0) if relative else 1.0
        largest = _squared_diameter(source, target) * (1 if ground.halved else 2)
        ground = replace(ground, epsilon=ground.epsilon * unit, largest=largest)
        own = [ground.parts(side, side)[:2] for side in (source, target)]
        value, found = ground.debiased(cost, *(part[0] + part[1] for part in own))
        plain, _ = ground.debiased(rows, *(part[0] for part in own))
        plan = entropic_plan(cost, found.first, found.second, ground.epsilon)
        error = found.error
    paid = plan * cost
    total, for_labels = float(paid.sum()), float((plan * labels).sum())
    return Moved(
        ground=ground,
        value=ground.value(value),
        label_share=min(1.0, for_labels / total) if total > 0 else 0.0,
        feature_distance=ground.value(plain),
        table=table,
        target_cost=cost.shape[1] * paid.sum(axis=0),
        error=error,
    )


def _squared_diameter(source: Side, target: Side) -> float:
    """Return that of the box around all rows, the label being one more column.

    Classes count as numbers there, those of the target after those of the source: that is
    where the levels of microsoft/otdd begin.
    """
    (x, a), (y, b) = source, target
    sides = np.ptp(np.concatenate([x, y]), axis=0)
    labels = np.ptp(np.concatenate([a, b + (a.max() + 1 if a.dtype.kind == "i" else 0)]))
    return float(sides @ sides + labels**2) or 1.0
