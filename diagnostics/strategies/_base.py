"""What a strategy is, and the register of those there are.

A strategy turns labelled source rows and labelled target rows into a predictor.  It does
not know how it is judged: folds, pairing and gaps belong to the pilot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor


@dataclass(frozen=True, slots=True)
class Training:
    """Everything a strategy may learn from.

    Attributes
    ----------
    source_X, target_X : ndarray of shape (n_source, p), (n_target, p)
        Labelled rows, encoded by the one shared encoder.
    source_y, target_y : ndarray
        Class codes, or quantities.
    n_classes : int
        Number of classes over both domains; 0 for regression.
    source_model : callable
        The learner fitted on the source alone, fitted once and handed to all who need it.
    seed : int
        For the learner.
    """

    source_X: NDArray[np.float64]
    source_y: NDArray[Any]
    target_X: NDArray[np.float64]
    target_y: NDArray[Any]
    n_classes: int
    source_model: Predictor
    seed: int


@dataclass(frozen=True, slots=True)
class Strategy:
    """A named way of using the source.

    Attributes
    ----------
    name, title : str
        Identifier and words for people.
    family : str
        Its family in the taxonomy of Zhang et al. (2023).
    adapted : bool
        ``False`` when source rows or model are used as they are.
    uses_target_labels : bool
        ``False`` when one fit serves every fold.
    tasks : frozenset of str
        Kinds of label it is made for.
    needs_weights : bool
        Whether the learner must accept sample weights.
    preconditions : str
        What it assumes and when it is known to fail, in one sentence.
    fit : callable
        ``fit(learner, training)`` returns a predictor.
    """

    name: str
    title: str
    family: str
    adapted: bool
    uses_target_labels: bool
    tasks: frozenset[str]
    needs_weights: bool
    preconditions: str
    fit: Callable[[Learner, Training], Predictor]


CLASSES = frozenset({"binary", "multiclass"})
REGRESSION = frozenset({"regression"})

STRATEGIES: dict[str, Strategy] = {}


def register(
    name: str,
    *,
    title: str,
    family: str,
    preconditions: str,
    adapted: bool = False,
    uses_target_labels: bool = True,
    needs_weights: bool = False,
    tasks: frozenset[str] = CLASSES | REGRESSION,
) -> Callable[[Callable[[Learner, Training], Predictor]], Callable[[Learner, Training], Predictor]]:
    """Return a decorator that enters a ``fit`` function as a strategy."""

    def enter(
        fit: Callable[[Learner, Training], Predictor],
    ) -> Callable[[Learner, Training], Predictor]:
        STRATEGIES[name] = Strategy(
            name, title, family, adapted, uses_target_labels, tasks, needs_weights,
            preconditions, fit,
        )  # fmt: skip
        return fit

    return enter
