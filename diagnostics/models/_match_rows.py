"""Saved features brought into the order of the rows, or refused: order is all that ties them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain._column import missing
from ..domain._words import canonical, count, number_text, short
from ._candidates import as_candidates
from ._doors import CandidateDoor
from ._feature_files import Saved, read_features
from ._probe_rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


def saved_rows(candidates: Any, *, labels: Any = None, name: str = "target") -> Rows:
    """Return the rows that files of saved features tell of: how many, their ids and labels.

    Parameters
    ----------
    candidates : as for `extract`
        All of them files of features.
    labels : array_like of shape (n,), optional
        Overrule those that were saved.
    name : str

    Returns
    -------
    Rows
        Of kind ``features``, in the order of the first file with ids, or else of the first.
        Give them to `extract`, which brings every file into that order.
    """
    every = as_candidates(candidates)
    for candidate in every:
        if candidate.kind != "features":
            raise CandidateDoor(candidate.name).error(
                "needs rows to look at; give the target's rows"
            )
    doors = [CandidateDoor(c.name) for c in every]
    files = [
        read_features(os.fsdecode(c.model), None, door)
        for c, door in zip(every, doors, strict=True)
    ]
    first = next((f for f in files if f.ids is not None), files[0])
    alike = [f for f in files if f is first or (f.ids is None and f.n == first.n)]
    if labels is None:
        labels = next((f.y for f in [first, *alike] if f.y is not None), None)
    return Rows.of_features(first.n, ids=first.ids, labels=labels, name=name)


def matched(saved: Saved, rows: Rows, door: CandidateDoor) -> Saved:
    """Return saved features in the order of the rows.

    Ids are matched where both sides have them; otherwise the counts must agree, and so must
    the labels where both sides have them, up to how the classes are called.
    """
    if saved.ids is not None and rows.named:
        saved = _by_ids(saved, rows, door)
    elif saved.n != rows.n:
        raise door.error(
            f"holds features of {count(saved.n, 'row')}, but {short(rows.name)} has "
            f"{rows.n:,}; save the features of these rows, in this order"
        )
    if saved.y is not None and rows.labels is not None:
        _check_labels(saved.y, rows, door)
    return saved


def _by_ids(saved: Saved, rows: Rows, door: CandidateDoor) -> Saved:
    assert saved.ids is not None
    place = {str(v): i for i, v in enumerate(saved.ids.tolist())}
    if len(place) < saved.n:
        raise door.error("has the same id on more than one row; give each row its own id")
    gone = [name for name in rows.ids if name not in place]
    if gone:
        raise door.error(
            f"holds no features of {count(len(gone), 'row')} of {short(rows.name)}, such as "
            f"{short(gone[0])}; save the features of every row"
        )
    order = np.array([place[name] for name in rows.ids])
    if saved.n > rows.n:
        door.note(f"holds features of {saved.n - rows.n:,} further rows, which are not used")
    elif (order != np.arange(saved.n)).any():
        door.note("holds its rows in another order: they are matched by their ids")
    return replace(
        saved,
        layers={name: values[order] for name, values in saved.layers.items()},
        y=None if saved.y is None else saved.y[order],
        ids=saved.ids[order],
        probs=None if saved.probs is None else saved.probs[order],
    )


def _check_labels(y: NDArray[Any], rows: Rows, door: CandidateDoor) -> None:
    """Refuse labels that cannot be those of these rows, whatever the classes are called."""
    assert rows.labels is not None
    known = ~missing(rows.labels)
    ours = [_word(v) for v in rows.labels[known]]
    theirs = [_word(v) for v in y[known].tolist()]
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if b is not None]
    wrong = sum(a != b for a, b in pairs)
    if wrong and not _one_to_one(pairs):
        raise door.error(
            f"holds labels 'y' that differ from those of {short(rows.name)} in "
            f"{count(wrong, 'row')} of {len(pairs):,}: its rows are others or in another order; "
            "save features of these rows, in this order"
        )


def _word(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (int, float, np.number)):
        return number_text(float(value))
    return canonical(str(value))


def _one_to_one(pairs: list[tuple[Any, Any]]) -> bool:
    """Tell whether one set of classes is the other under new names, several rows each."""
    links = set(pairs)
    forth, back = {a for a, _ in links}, {b for _, b in links}
    return len(links) == len(forth) == len(back) < len(pairs)
