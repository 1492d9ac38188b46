"""The register of measures: what each takes, gives and promises.

A measure enters itself with :func:`register` above its function. The tests that every
measure must pass run over the register and read its tags, so that a promise made in a tag
is a promise tested.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Family = Literal[
    "kernel", "classifier", "transport", "moments", "support", "columns", "density ratio",
    "labels", "decomposition", "transferability", "similarity", "performance",
]  # fmt: skip
Inputs = Literal[
    "tables", "numbers", "codes", "labelled tables", "predictions", "features and labels",
    "features and targets", "probabilities and labels", "labels and labels", "paired tables",
    "other",
]  # fmt: skip
"""What the two sides are.

tables: (rows, columns) each. numbers: one numeric column each. codes: one column of integer
codes each. labelled tables: tables with ``source_labels`` and ``target_labels``.
predictions: outputs of a source model. features and labels: one table and the class of each of
its rows. features and targets: one table and quantities. probabilities and labels: of a source
model on target rows, and their classes. labels and labels: two labels of each row. paired tables:
two representations of the same rows. other: described in the docstring; tested alone.
"""
Invariance = Literal[
    "row order", "column order", "translation", "rotation", "one scale", "column scales",
    "monotone", "relabelling",
]  # fmt: skip
"""What may be done to both sides alike without changing the value.

translation: one vector added. rotation: an orthogonal matrix. one scale: one positive
factor. column scales: a positive factor a column. monotone: an increasing map of a column.
relabelling: a permutation of the codes.
"""
Attribution = Literal["columns", "directions", "rows", "classes"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One entry of the register.

    Attributes
    ----------
    name : str
        Of the function, as the field names it.
    function : callable
    family, inputs : str
    units : str
        Of ``value``.
    range : (float, float)
        Between which ``value`` always lies.
    direction : str
        What a larger value means, in words.
    symmetric : bool
        Whether exchanging the sides leaves ``value`` as it is.
    zero_on_itself : bool
        Whether a sample against itself gives 0 (unbiased estimates do not).
    invariances : frozenset of str
        Beyond "row order", which all must have unless rows are drawn or split.
    min_rows : int
        Rows needed on each side; fewer raise ``ValueError``.
    cost : str
        Time, in rows n and m and columns d.
    attribution : frozenset of str
        What the result names as the cause.
    arrays : bool
        Whether it takes tensors and computes where they lie; else everything is brought to
        NumPy first.
    label_blind : bool
        Whether it cannot see a change of meaning: then it is never the only evidence.
    """

    name: str
    function: Callable[..., Any]
    family: Family
    inputs: Inputs
    units: str
    range: tuple[float, float]
    direction: str
    symmetric: bool
    zero_on_itself: bool
    invariances: frozenset[str]
    min_rows: int
    cost: str
    attribution: frozenset[str]
    arrays: bool
    label_blind: bool

    @property
    def summary(self) -> str:
        """The first sentence of the function's docstring."""
        return (self.function.__doc__ or "").strip().split("\n", 1)[0]


REGISTRY: dict[str, Measure] = {}

F = TypeVar("F", bound=Callable[..., Any])


def register(
    *,
    family: Family,
    units: str,
    range: tuple[float, float],
    direction: str,
    cost: str,
    inputs: Inputs = "tables",
    symmetric: bool = False,
    zero_on_itself: bool = False,
    invariances: tuple[Invariance, ...] = ("row order",),
    min_rows: int = 8,
    attribution: tuple[Attribution, ...] = (),
    arrays: bool = False,
    label_blind: bool = True,
) -> Callable[[F], F]:
    """Return a decorator that enters a function as a measure under its own name."""

    def enter(function: F) -> F:
        REGISTRY[function.__name__] = Measure(
            function.__name__, function, family, inputs, units, range, direction, symmetric,
            zero_on_itself, frozenset(invariances), min_rows, cost, frozenset(attribution),
            arrays, label_blind,
        )  # fmt: skip
        return function

    return enter
