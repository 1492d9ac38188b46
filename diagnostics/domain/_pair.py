"""Two domains brought together: the types everything downstream works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._column import Kind
from ._words import short

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._domain import Domain

TaskKind = Literal["binary", "multiclass", "regression"]
TaskOrigin = Literal["inferred", "given", "unknown"]
LabelSpace = Literal["same", "partial", "open", "overlapping", "disjoint", "unknown"]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One domain of a pair, encoded.

    Attributes
    ----------
    domain : Domain
    X : ndarray of shape (n, p)
        float64, finite, from the one encoder both sides share.
    y : ndarray of shape (n,)
        Classification: int64 codes into `Pair.classes`, -1 = unlabelled.  Regression:
        float64, NaN = unlabelled.  Without a task: all -1.
    labelled : ndarray of bool, shape (n,)
    shared : ndarray of bool, shape (n,)
        The row also stands in the other domain (features as aligned, and the label where
        both rows have one): it must never be held out.
    group : ndarray of int64, shape (n,)
        Rows that are held out together share an id, numbered by first appearance: those with
        identical aligned features, and those of one unit where units are named.
    n_duplicates : int
        Rows beyond the first of each set of identical ones.
    unit : ndarray of int64, shape (n,), or None
        Ids of the units, where a column names them; one number a unit in both domains.
    time : ndarray of float64, shape (n,), or None
        What orders the target's rows, where a column gives it; NaN = unknown.
    """

    domain: Domain
    X: NDArray[np.float64]
    y: NDArray[Any]
    labelled: NDArray[np.bool_]
    shared: NDArray[np.bool_]
    group: NDArray[np.int64]
    n_duplicates: int
    unit: NDArray[np.int64] | None = None
    time: NDArray[np.float64] | None = None

    def __repr__(self) -> str:
        n, p = self.X.shape
        return f"Side({short(self.domain.name)}, X {n} x {p}, {int(self.labelled.sum())} labelled)"


@dataclass(frozen=True, slots=True, eq=False)
class PairedColumn:
    """One column of both domains on a common footing.

    Attributes
    ----------
    name : str
    kind : {"numeric", "boolean", "categorical", "date"}
    source, target : ndarray
        float64 with NaN = missing; categorical: int64 codes into `levels`, -1 = missing.
    levels : tuple of str or None
        The pooled categories, sorted.
    """

    name: str
    kind: Kind
    source: NDArray[Any]
    target: NDArray[Any]
    levels: tuple[str, ...] | None

    def __repr__(self) -> str:
        return f"PairedColumn({short(self.name)}, {self.kind})"

    @property
    def pooled(self) -> NDArray[Any]:
        """The values of both sides, the source's first."""
        return np.concatenate([self.source, self.target])

    @property
    def missing_source(self) -> NDArray[np.bool_]:
        """Which source rows have no value."""
        return _missing(self.source, self.levels)

    @property
    def missing_target(self) -> NDArray[np.bool_]:
        """Which target rows have no value."""
        return _missing(self.target, self.levels)


def _missing(values: NDArray[Any], levels: tuple[str, ...] | None) -> NDArray[np.bool_]:
    gone: NDArray[np.bool_] = np.isnan(values) if levels is None else values < 0
    return gone


@dataclass(frozen=True, slots=True)
class Lost:
    """A column that was given and is not used.

    Attributes
    ----------
    name : str
    side : {"source", "target", "both"}
        Where it stands.
    reason : str
        A clause without a full stop.
    """

    name: str
    side: Literal["source", "target", "both"]
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A source and a target with aligned columns, harmonised labels and one encoding.

    Attributes
    ----------
    source, target : Side
    task : {"binary", "multiclass", "regression"} or None
        ``None`` without any label on either side.
    task_origin : {"inferred", "given", "unknown"}
    task_reason : str
        Why, in a sentence.
    classes : tuple of str
        Union of both sides' classes, sorted (by value when all are numbers).
    source_classes, target_classes : tuple of str
    label_space : {"same", "partial", "open", "overlapping", "disjoint", "unknown"}
        partial: the target's classes are a proper subset of the source's; open: a superset.
    columns : tuple of PairedColumn
        In use, in the source's order.
    all_columns : tuple of PairedColumn
        Also those aligned but dropped as identifiers, for the leak check.
    encoded_names : tuple of str
        One per column of ``X``.
    encoded_column : ndarray of int64, shape (p,)
        Index into `columns` per column of ``X``.
    lost : tuple of Lost
    notices : tuple of str
    """

    source: Side
    target: Side
    task: TaskKind | None
    task_origin: TaskOrigin
    task_reason: str
    classes: tuple[str, ...]
    source_classes: tuple[str, ...]
    target_classes: tuple[str, ...]
    label_space: LabelSpace
    columns: tuple[PairedColumn, ...]
    all_columns: tuple[PairedColumn, ...]
    encoded_names: tuple[str, ...]
    encoded_column: NDArray[np.int64]
    lost: tuple[Lost, ...]
    notices: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Pair({self.source!r}, {self.target!r}, {self.task}, {len(self.columns)} columns)"
