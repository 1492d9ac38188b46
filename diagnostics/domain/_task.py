"""What is to be predicted: the task, its classes, and how the label spaces relate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ._labels import Labels, harmonised, whole
from ._pair import LabelSpace, TaskKind, TaskOrigin
from ._words import count, in_order, listing, number_text, short

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._domain import Domain

MAX_CLASSES = 100
FEW_INTEGERS = 20
TINY = 1e-70
"""Labels of a quantity must spread over more than this, and stay below its reciprocal."""
TASKS = ("binary", "multiclass", "regression")


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """The task with both sides' labels ready to use (see `Pair` and `Side`)."""

    kind: TaskKind | None
    origin: TaskOrigin
    reason: str
    source_y: NDArray[Any]
    target_y: NDArray[Any]
    source_labelled: NDArray[np.bool_]
    target_labelled: NDArray[np.bool_]
    classes: tuple[str, ...] = ()
    source_classes: tuple[str, ...] = ()
    target_classes: tuple[str, ...] = ()
    label_space: LabelSpace = "unknown"


def settle_task(source: Domain, target: Domain, given: str | None, notices: list[str]) -> Task:
    """Infer the task from both sides' labels, or check the one given against them."""
    if given is not None and given not in (*TASKS, "classification"):
        raise InputError(
            f"task {short(given)} is not known; "
            "give binary, multiclass, classification or regression"
        )
    a, b = harmonised(source, target, notices)
    sides = [s for s in (a, b) if s.labelled.any()]
    if not sides:
        return _unlabelled(a, b, given)
    distinct = _distinct(sides)
    kind, reason = _given(given, sides, distinct) if given else _inferred(sides, distinct)
    origin: TaskOrigin = "given" if given else "inferred"
    if len(distinct) == 1:
        what = "value" if kind == "regression" else "class"
        raise InputError(
            f"the labels of {_names(sides)} have only one {what} ({short(distinct[0])}); "
            f"give labels with at least two {what if what == 'value' else 'classe'}s"
        )
    if kind == "regression":
        space: LabelSpace = "same" if len(sides) == 2 else "unknown"
        return Task(
            kind,
            origin,
            reason,
            _quantity(a),
            _quantity(b),
            a.labelled,
            b.labelled,
            label_space=space,
        )
    return _classification(kind, origin, reason, a, b)


def _unlabelled(a: Labels, b: Labels, given: str | None) -> Task:
    kind: Any = {"classification": None}.get(given or "", given)
    fill: Any = np.nan if kind == "regression" else -1
    return Task(
        kind,
        "given" if kind else "unknown",
        "no row of either domain has a label" + (f"; {kind} was given" if kind else ""),
        np.full(len(a.values), fill),
        np.full(len(b.values), fill),
        a.labelled,
        b.labelled,
    )


def _names(sides: list[Labels]) -> str:
    return " and ".join(short(s.name) for s in sides)


def _distinct(sides: list[Labels]) -> list[Any]:
    """Return the distinct labels of all sides: numbers, or words if any side has words."""
    if all(s.numeric for s in sides):
        return sorted({float(v) for s in sides for v in s.distinct})
    return in_order({w for s in sides for w in _class_names(s)})


def _class_names(labels: Labels) -> list[str]:
    if not labels.numeric:
        return [str(w) for w in labels.distinct]
    return [number_text(v) for v in labels.distinct]


def _inferred(sides: list[Labels], distinct: list[Any]) -> tuple[TaskKind, str]:
    n = len(distinct)
    numeric = all(s.numeric for s in sides)
    if n <= 2:
        return "binary", f"the labels have two distinct values: {_shown(distinct)}"
    if not numeric:
        _refuse_many(n, sides)
        return "multiclass", f"the labels are text with {n:,} distinct values"
    if not whole(distinct):
        return "regression", "the labels are numbers that are not all integers"
    if n <= FEW_INTEGERS:
        return "multiclass", (
            f"the labels are integers with {n} distinct values, taken as classes; "
            "pass --task regression if they are quantities"
        )
    return "regression", (
        f"the labels are integers with {n:,} distinct values, taken as quantities; "
        "pass --task multiclass if they are classes"
    )


def _given(given: str, sides: list[Labels], distinct: list[Any]) -> tuple[TaskKind, str]:
    n = len(distinct)
    numeric = all(s.numeric for s in sides)
    if given == "regression":
        if not numeric:
            text = next(s for s in sides if not s.numeric)
            raise InputError(
                f"task 'regression' was given, but the labels of {short(text.name)} are text "
                f"({listing(text.distinct, 3)}); give numbers, or a classification task"
            )
        return "regression", "regression was given"
    if numeric and n > 2 and not whole(distinct):
        value = next(v for v in distinct if not float(v).is_integer())
        raise InputError(
            f"task {short(given)} was given, but the labels of {_names(sides)} are numbers that "
            f"are not all integers (such as {number_text(value)}); "
            "give task 'regression', or classes"
        )
    _refuse_many(n, sides)
    if given == "binary" and n > 2:
        raise InputError(
            f"task 'binary' was given, but the labels of {_names(sides)} have {n:,} classes "
            f"({_shown(distinct, 5)}); give task 'multiclass', or two classes"
        )
    kind: TaskKind = "multiclass" if given == "multiclass" or n > 2 else "binary"
    return kind, f"{given} was given; the labels have {count(n, 'class', 'classes')}"


def _shown(distinct: list[Any], most: int = 2) -> str:
    words = [v if isinstance(v, str) else number_text(v) for v in distinct]
    return listing(words, most)


def _refuse_many(n: int, sides: list[Labels]) -> None:
    if n > MAX_CLASSES:
        raise InputError(
            f"the labels of {_names(sides)} have {n:,} classes, more than {MAX_CLASSES}; "
            "check that the right label column was given, or merge rare classes"
        )


def _quantity(labels: Labels) -> NDArray[np.float64]:
    """Return the labels as numbers; refuses those whose squares would leave the range."""
    present = labels.values[labels.labelled].astype(np.float64)
    if present.size:
        size, width = float(np.abs(present).max()), float(np.ptp(present))
        if size > 1 / TINY or 0 < width < TINY:
            what = f"as large as {size:.2g}" if size > 1 else f"only {width:.2g} apart"
            raise InputError(
                f"the labels of {short(labels.name)} are {what}, too "
                f"{'large' if size > 1 else 'close'} to compute with; give them in another unit"
            )
    return np.array(labels.values, dtype=np.float64)


def _classification(kind: TaskKind, origin: TaskOrigin, reason: str, a: Labels, b: Labels) -> Task:
    mine, theirs = in_order(_class_names(a)), in_order(_class_names(b))
    classes = in_order({*mine, *theirs})
    return Task(
        kind,
        origin,
        reason,
        _codes(a, classes),
        _codes(b, classes),
        a.labelled,
        b.labelled,
        tuple(classes),
        tuple(mine),
        tuple(theirs),
        label_space(set(mine), set(theirs)),
    )


def _codes(labels: Labels, classes: list[str]) -> NDArray[np.int64]:
    rank = {c: i for i, c in enumerate(classes)}
    if not labels.numeric:
        return np.array([rank.get(v, -1) for v in labels.values], dtype=np.int64)
    codes = np.full(len(labels.values), -1, dtype=np.int64)
    for value in labels.distinct:
        codes[labels.values == value] = rank[number_text(value)]
    return codes


def label_space(source: set[str], target: set[str]) -> LabelSpace:
    """Return how the target's classes lie to the source's."""
    if not source or not target:
        return "unknown"
    if source == target:
        return "same"
    if target < source:
        return "partial"
    if target > source:
        return "open"
    return "overlapping" if source & target else "disjoint"
