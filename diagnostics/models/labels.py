"""The labels of the rows, and the rows that have one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain import Domain
from ..domain._task import settle_task
from ..errors import InputError
from ..pilot.folds import MIN_LABELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..document import TaskKind
    from ._probe_rows import Rows


@dataclass(frozen=True, slots=True, eq=False)
class TargetLabels:
    """What is to be predicted, on the rows where it is known.

    Attributes
    ----------
    task : {"binary", "multiclass", "regression"}
    reason : str
        Why the task is taken to be this.
    rows : ndarray of shape (n,)
        The labelled rows, ascending.
    y : ndarray of shape (n,)
        Class codes, or quantities.
    classes : tuple of str
        Empty for quantities.
    """

    task: TaskKind
    reason: str
    rows: NDArray[np.int64]
    y: NDArray[Any]
    classes: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int] | None:
        """Rows in each class; None for quantities."""
        if self.task == "regression":
            return None
        found = np.bincount(self.y, minlength=len(self.classes))
        return {name: int(n) for name, n in zip(self.classes, found, strict=True)}


def target_labels(rows: Rows, task: str | None) -> TargetLabels:
    """Return the labels of the rows, read by the same door as every other label.

    Raises
    ------
    InputError
        Without labels, with too few, or with one class only.
    """
    if rows.labels is None:
        raise InputError(
            f"the rows {rows.name!r} have no labels; give a few dozen labelled rows, since without "
            "labels no model can be preferred to another"
        )
    # the row number stands in for the columns: only labels are read here
    side = Domain.load({"row": range(rows.n)}, y=rows.labels, name=rows.name)
    settled = settle_task(side, side, task, [])
    labelled = np.flatnonzero(settled.target_labelled)
    if labelled.size < MIN_LABELS:
        raise InputError(
            f"the rows {rows.name!r} have {labelled.size} labels; give at least {MIN_LABELS}"
        )
    if settled.kind is None:
        raise InputError(f"the rows {rows.name!r} have no labels that are known; label some")
    return TargetLabels(
        settled.kind, settled.reason, labelled, settled.target_y[labelled], settled.classes
    )
