"""The situation after Pan & Yang (2010), in plain words.

References
----------
Pan, S. J. and Yang, Q. (2010). A survey on transfer learning. IEEE TKDE 22(10), Table 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ._words import count

if TYPE_CHECKING:
    from ..document import Setting
    from ._pair import LabelSpace, Pair

Family = Literal["inductive", "transductive", "unsupervised"]

_CLASSES: dict[LabelSpace, tuple[str, str]] = {
    "same": ("same classes", "with the same classes"),
    "partial": ("fewer classes in the target", "the target with only some of the source's classes"),
    "open": ("new classes in the target", "the target with classes the source does not know"),
    "overlapping": ("classes partly shared", "with classes that only partly agree"),
    "disjoint": ("different classes", "with no class in common"),
    "unknown": ("classes unknown", "with classes that cannot be compared"),
}


@dataclass(frozen=True, slots=True)
class _Situation:
    family: Family
    name: str
    sentence: str


def describe_setting(pair: Pair, *, target_narrower: bool | None = None) -> Setting:
    """Return which kind of transfer this is.

    Parameters
    ----------
    pair : Pair
    target_narrower : bool, optional
        Whether the target's rows lie within the source's; makes it fine-tuning in the
        narrow sense if the task is the same and both sides have labels.

    Returns
    -------
    Setting
        Without its conditions, which need the checks.
    """
    from ..document import Setting

    n_source, n_target = int(pair.source.labelled.sum()), int(pair.target.labelled.sum())
    if n_source and n_target:
        found = _both(pair, n_source, n_target)
    elif n_source:
        found = _source_only(n_source)
    elif n_target:
        found = _target_only(n_target)
    else:
        found = _neither()
    fine_tuning = bool(
        target_narrower and n_source and n_target and pair.label_space in ("same", "partial")
    )
    more = (
        " It is fine-tuning in the narrow sense: the same task in a narrower domain."
        if fine_tuning
        else ""
    )
    return Setting(
        family=found.family,
        name=found.name,
        sentence=found.sentence + more,
        label_space=pair.label_space,
        fine_tuning=fine_tuning,
        conditions=[],
    )


def _both(pair: Pair, n_source: int, n_target: int) -> _Situation:
    if pair.task == "regression":
        what, told = "the same quantity", "with the same quantity to predict"
    else:
        what, told = _CLASSES[pair.label_space]
    return _Situation(
        "inductive",
        f"inductive transfer: {what}, labels on both sides",
        f"Both domains have labels ({count(n_source, 'source row')}, "
        f"{count(n_target, 'target row')}), {told}: transfer can be measured on target labels.",
    )


def _source_only(n_source: int) -> _Situation:
    return _Situation(
        "transductive",
        "transductive transfer (domain adaptation): target without labels",
        f"Only the source has labels ({count(n_source, 'row')}): how the features differ can be "
        "tested, but not whether the same features mean the same label in the target.",
    )


def _target_only(n_target: int) -> _Situation:
    return _Situation(
        "inductive",
        "inductive transfer (self-taught): labels in the target only",
        f"Only the target has labels ({count(n_target, 'row')}): the source can give features, "
        "not labels to learn from.",
    )


def _neither() -> _Situation:
    return _Situation(
        "unsupervised",
        "unsupervised transfer: no labels on either side",
        "No row of either domain has a label: only how the features differ can be tested.",
    )
