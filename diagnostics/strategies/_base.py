"""What a strategy is, what it may learn from, and the register of those there are.

A strategy turns labelled source rows and labelled target rows into a predictor.  It does
not know how it is judged: folds, pairing and gaps belong to the pilot.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ._memo import Memo

Need = Literal["source rows", "source model", "target labels", "target inputs"]
Shift = Literal["covariate shift", "label shift", "concept shift", "feature shift"]
Cost = Literal["cheap", "medium", "dear"]
Fit = Callable[[Learner, "Training"], Predictor]

ALL_SHIFTS: frozenset[Shift] = frozenset(
    ("covariate shift", "label shift", "concept shift", "feature shift")
)


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
    target_unlabelled_X : ndarray of shape (n_unlabelled, p) or None
        Target rows without labels, if any.  Rows held out by the pilot are never among them:
        a model that has seen the inputs it is judged on would look better than it will be.
    memo : Memo
        Keeps what depends on the source and the learner alone between the folds.
    """

    source_X: NDArray[np.float64]
    source_y: NDArray[Any]
    target_X: NDArray[np.float64]
    target_y: NDArray[Any]
    n_classes: int
    source_model: Predictor
    seed: int
    target_unlabelled_X: NDArray[np.float64] | None = None
    memo: Memo = field(default_factory=Memo, repr=False, compare=False)

    @property
    def target_inputs(self) -> NDArray[np.float64]:
        """Inputs of all target rows that may be seen, the labelled ones first."""
        if self.target_unlabelled_X is None or len(self.target_unlabelled_X) == 0:
            return self.target_X
        return np.concatenate([self.target_X, self.target_unlabelled_X])


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
    needs : frozenset of str
        "source rows", "source model", "target labels", "target inputs" (rows with or without
        labels).  What needs none of the target is fitted once and serves every fold.
    assumes : frozenset of str
        Kinds of shift it is made for; with none of them it works only between like domains.
    fails_when : str
        When it is known to fail, as a clause.
    cost : {"cheap", "medium", "dear"}
        cheap: at most three fits of the learner, or more on the target alone.  medium: about
        ten fits, an eigenproblem or a transport plan.  dear: trains a network.
    fast : bool
        Whether it belongs to the set "fast".
    fits : (float, float)
        Nominal fits of the learner for one fold, on both domains and on the target alone.
    tasks : frozenset of str
        Kinds of label it is made for.
    needs_weights : bool
        Whether the learner must accept sample weights.
    own_model : bool
        Whether it brings its own model and takes nothing from the learner.
    preconditions : str
        What it assumes and when it is known to fail, in one sentence.
    fit : callable
        ``fit(learner, training)`` returns a predictor.
    precheck : callable or None
        ``precheck(training)`` returns the reason why it is not applicable to these data, in
        one clause, or ``None``.
    note : callable or None
        ``note(training)`` returns a clause with a number worth knowing, such as the effective
        sample size.
    """

    name: str
    title: str
    family: str
    adapted: bool
    needs: frozenset[Need]
    assumes: frozenset[Shift]
    fails_when: str
    cost: Cost
    fast: bool
    fits: tuple[float, float]
    tasks: frozenset[str]
    needs_weights: bool
    own_model: bool
    preconditions: str
    fit: Fit
    precheck: Callable[[Training], str | None] | None
    note: Callable[[Training], str] | None

    @property
    def uses_target_labels(self) -> bool:
        """Whether it learns from target labels."""
        return "target labels" in self.needs

    @property
    def one_fit_for_all_folds(self) -> bool:
        """Whether it sees nothing of the target, so that no row has to be kept from it."""
        return not self.needs & {"target labels", "target inputs"}


CLASSES = frozenset({"binary", "multiclass"})
REGRESSION = frozenset({"regression"})

STRATEGIES: dict[str, Strategy] = {}


def register(
    name: str,
    *,
    title: str,
    family: str,
    preconditions: str,
    needs: Collection[Need],
    assumes: Collection[Shift],
    fails_when: str,
    fits: tuple[float, float],
    cost: Cost = "cheap",
    fast: bool = False,
    adapted: bool = False,
    needs_weights: bool = False,
    own_model: bool = False,
    tasks: frozenset[str] = CLASSES | REGRESSION,
    precheck: Callable[[Training], str | None] | None = None,
    note: Callable[[Training], str] | None = None,
) -> Callable[[Fit], Fit]:
    """Return a decorator that enters a ``fit`` function as a strategy."""

    def enter(fit: Fit) -> Fit:
        STRATEGIES[name] = Strategy(
            name, title, family, adapted, frozenset(needs), frozenset(assumes), fails_when,
            cost, fast, fits, tasks, needs_weights, own_model, preconditions, fit, precheck, note,
        )  # fmt: skip
        return fit

    return enter
