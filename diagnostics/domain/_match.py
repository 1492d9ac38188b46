"""Columns of two domains brought together by name, kind and category."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from ..errors import InputError
from ._column import Column
from ._domain import Domain
from ._pair import Lost, PairedColumn
from ._words import canonical, fold, in_order, is_number, listing, number_text, short

FEW_LEVELS = 50
_CALLED = {"numeric": "numbers", "boolean": "true/false", "categorical": "text", "date": "dates"}


def match(
    source: Domain, target: Domain, notices: list[str]
) -> tuple[list[PairedColumn], list[Lost]]:
    """Pair the columns both domains have, in the source's order; name the others as lost."""
    theirs = {c.name: c for c in target.columns}
    mine = {c.name for c in source.columns}
    if not mine & set(theirs):
        raise InputError(
            f"domains {short(source.name)} and {short(target.name)} have no column in common "
            f"({listing([c.name for c in source.columns], 5)} against "
            f"{listing(list(theirs), 5)}); name the columns alike in both"
        )
    paired: list[PairedColumn] = []
    lost = _one_sided(source, target, "source") + _one_sided(target, source, "target")
    for column in source.columns:
        if column.name not in theirs:
            continue
        found = _pair(column, theirs[column.name], notices)
        if isinstance(found, Lost):
            lost.append(found)
        else:
            paired.append(found)
    return paired, lost


def _one_sided(domain: Domain, other: Domain, side: Literal["source", "target"]) -> list[Lost]:
    """Name the columns the other domain does not have, and the likely slip of the pen."""
    own = {c.name for c in domain.columns}
    theirs = {c.name for c in other.columns}
    alike = {fold(n): n for n in theirs - own}
    lost = []
    for name in (c.name for c in domain.columns if c.name not in theirs):
        reason = f"stands only in the {side}"
        if name == other.label_name:
            reason += (
                f", where it was not given as the label; it is the label of {short(other.name)}"
            )
        elif fold(name) in alike:
            reason += f"; the other domain has {short(alike[fold(name)])}: name them alike"
        lost.append(Lost(name, side, reason))
    return lost


def _pair(source: Column, target: Column, notices: list[str]) -> PairedColumn | Lost:
    """Return the paired column, with kinds reconciled where they can be."""
    for empty, side in ((source, "source"), (target, "target")):
        if empty.missing.all():
            both = source.missing.all() and target.missing.all()
            where = "on both sides" if both else f"in the {side}"
            return Lost(source.name, "both", f"has no value {where}")
    kinds = {source.kind, target.kind}
    if kinds == {"categorical"}:
        return _categories(source, target)
    if len(kinds) == 1:
        return PairedColumn(source.name, source.kind, source.values, target.values, None)
    if kinds == {"numeric", "boolean"}:
        notices.append(
            f"column {short(source.name)} holds numbers in one domain and true/false in the "
            "other: true counts as 1, false as 0"
        )
        return PairedColumn(source.name, "numeric", source.values, target.values, None)
    return _unlike(source, target, notices)


def _unlike(source: Column, target: Column, notices: list[str]) -> PairedColumn | Lost:
    """Reconcile text with numbers or booleans; dates with anything else are lost."""
    told = f"holds {_CALLED[source.kind]} in the source but {_CALLED[target.kind]} in the target"
    if "date" in (source.kind, target.kind):
        return Lost(source.name, "both", f"{told}; write it the same way in both")
    numbers = [_as_numbers(c) for c in (source, target)]
    if numbers[0] is not None and numbers[1] is not None:
        notices.append(f"column {short(source.name)} {told}: it is read as numbers")
        return PairedColumn(source.name, "numeric", numbers[0], numbers[1], None)
    example = next(v for c in (source, target) if c.kind == "categorical" for v in _unparsed(c))
    paired = _categories(as_text(source), as_text(target))
    if paired.levels is not None and len(paired.levels) <= FEW_LEVELS:
        notices.append(
            f"column {short(source.name)} {told} (such as {short(example)}): "
            "it is read as categories"
        )
        return paired
    return Lost(
        source.name,
        "both",
        f"{told} (such as {short(example)}) and has too many values "
        "for categories; write it the same way in both",
    )


def _as_numbers(column: Column) -> Any:
    if column.kind != "categorical":
        return column.values if column.kind == "numeric" else None
    if next(_unparsed(column), None) is not None:
        return None
    return np.array([np.nan if v is None else float(v) for v in column.values])


def _unparsed(column: Column) -> Iterator[str]:
    """Yield the values of a text column that are no numbers."""
    return (v for v in column.values if v is not None and not is_number(v.strip()))


def as_text(column: Column) -> Column:
    """Return any column as text, each number and truth value in one spelling."""
    if column.kind == "categorical":
        values = [None if v is None else canonical(v) for v in column.values]
    elif column.kind == "boolean":
        no, yes = column.words or ("False", "True")
        values = [None if np.isnan(v) else (yes if v else no) for v in column.values]
    else:
        values = [None if np.isnan(v) else number_text(v) for v in column.values]
    return Column(column.name, "categorical", np.array([*values, None], dtype=object)[:-1])


def _categories(source: Column, target: Column) -> PairedColumn:
    """Return integer codes into the pooled, sorted levels."""
    import pyarrow as pa
    import pyarrow.compute as pc

    pooled = pa.array(np.concatenate([source.values, target.values]), pa.large_string())
    encoded = pooled.dictionary_encode()
    words = encoded.dictionary.to_pylist()
    levels = in_order(words)
    rank = {w: i for i, w in enumerate(levels)}
    place = np.array([*(rank[w] for w in words), -1], dtype=np.int64)
    codes = place[pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)]
    n = len(source.values)
    return PairedColumn(source.name, "categorical", codes[:n], codes[n:], tuple(levels))
