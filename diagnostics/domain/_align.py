"""Two domains become one pair: the thirty lines that call the rest in order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from ._domain import Domain
from ._encoder import Encoded, encode
from ._match import match
from ._named import Named, check_times, check_units, grouped, take_named
from ._pair import Lost, Pair, PairedColumn, Side
from ._rows import groups, row_hashes, shared_rows
from ._task import Task, settle_task
from ._usable import usable
from ._words import count, short


def align(
    source: Domain,
    target: Domain,
    *,
    task: str | None = None,
    keep_shared_rows: bool = False,
    group: str | None = None,
    time: str | None = None,
) -> Pair:
    """Align two domains by column name, settle the task and encode both alike.

    Parameters
    ----------
    source, target : Domain
    task : {"binary", "multiclass", "classification", "regression"}, optional
        Inferred from both sides' labels by default.
    keep_shared_rows : bool
        Whether rows that stand in both domains may be held out like any other.
    group : str, optional
        Column on both sides that names the unit of a row (patient, user, site); no feature.
    time : str, optional
        Column of the target that orders its rows, numbers or dates; no feature.

    Returns
    -------
    Pair

    Raises
    ------
    InputError
        If no common usable column is left, the labels do not fit the task, or the columns
        named for units and times cannot serve.

    Examples
    --------
    >>> source = Domain.load({"a": [1, 2, 3], "y": ["u", "v", "u"]}, label="y", name="s")
    >>> target = Domain.load({"a": [2, 4, 6], "y": ["v", "v", "u"]}, label="y", name="t")
    >>> align(source, target).classes
    ('u', 'v')
    """
    notices: list[str] = []
    named = take_named(source, target, group, time, notices)
    source, target = named.source, named.target
    paired, lost = match(source, target, notices)
    columns, kept, dropped = usable(paired)
    lost += dropped
    if not columns:
        raise InputError(_nothing_left(source, target, lost))
    settled = settle_task(source, target, task, notices)
    check_units(named, settled.target_labelled)
    check_times(named, settled.target_labelled, notices)
    encoded = encode(columns)
    sides = _sides(named, columns, encoded, settled, keep_shared_rows, notices)
    return Pair(
        source=sides[0],
        target=sides[1],
        task=settled.kind,
        task_origin=settled.origin,
        task_reason=settled.reason,
        classes=settled.classes,
        source_classes=settled.source_classes,
        target_classes=settled.target_classes,
        label_space=settled.label_space,
        columns=tuple(columns),
        all_columns=tuple(kept),
        encoded_names=encoded.names,
        encoded_column=encoded.column,
        lost=tuple(lost),
        notices=tuple(notices),
    )


def _nothing_left(source: Domain, target: Domain, lost: list[Lost]) -> str:
    shown = ", ".join(f"{short(c.name, 30)} {c.reason}" for c in lost[:3])
    return (
        f"domains {short(source.name)} and {short(target.name)} have no usable column in common "
        f"({shown}{f' and {len(lost) - 3:,} more' if len(lost) > 3 else ''}); "
        "give at least one feature that varies and stands in both"
    )


def _sides(
    named: Named,
    columns: list[PairedColumn],
    encoded: Encoded,
    task: Task,
    keep_shared_rows: bool,
    notices: list[str],
) -> tuple[Side, Side]:
    here, there = row_hashes(columns)
    a = (here, task.source_y, task.source_labelled)
    b = (there, task.target_y, task.target_labelled)
    shared = [shared_rows(*a, *b), shared_rows(*b, *a)]
    use = [np.zeros_like(s) for s in shared] if keep_shared_rows else shared
    same = [groups(here), groups(there)]
    copies = [len(one) - int(one.max()) - 1 for one in same]
    together = grouped(same, (task.source_labelled, task.target_labelled), named, notices)
    units = named.units or (None, None)
    _note_shared(shared, same[1], keep_shared_rows, notices)
    return (
        Side(
            named.source, encoded.source, task.source_y, task.source_labelled, use[0],
            together[0], copies[0], units[0],
        ),
        Side(
            named.target, encoded.target, task.target_y, task.target_labelled, use[1],
            together[1], copies[1], units[1], named.times,
        ),
    )  # fmt: skip


def _note_shared(shared: list[Any], same: Any, keep: bool, notices: list[str]) -> None:
    n_source, n_target = int(shared[0].sum()), int(shared[1].sum())
    if not n_target:
        return
    one = n_target == 1
    told = (
        f"{count(n_target, 'target row')} of {len(shared[1]):,} also "
        f"{'stands' if one else 'stand'} in the source ({count(n_source, 'source row')}): "
        f"{'it is' if one else 'they are'} "
    )
    if keep:
        notices.append(f"{told}kept and may be held out, as was asked")
        return
    n_repeated = int((np.bincount(same)[same] > 1).sum())
    chance = (
        "; rows repeat as often within the target, so this may be coincidence: "
        "keep shared rows if it is"
        if n_repeated >= n_target
        else ""
    )
    notices.append(f"{told}never held out{chance}")
