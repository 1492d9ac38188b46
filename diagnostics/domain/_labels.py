"""Labels of two domains made comparable: one spelling per class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ._column import missing
from ._words import canonical, is_number, listing, number_text, short

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._domain import Domain

_TRUTH = {"false": "0", "no": "0", "true": "1", "yes": "1"}
_SPELLED = {"false": "False", "true": "True"}


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """One side's labels: numbers where they are numbers, else words in one spelling.

    Attributes
    ----------
    name : str
        The domain's name, for sentences.
    values : ndarray
        float64 with NaN, or an object array of ``str`` and ``None``.
    """

    name: str
    values: NDArray[Any]

    @property
    def numeric(self) -> bool:
        """Whether they are numbers."""
        return self.values.dtype != object

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which rows have a label."""
        return ~missing(self.values)

    @property
    def distinct(self) -> list[Any]:
        """The distinct labels, sorted."""
        present = self.values[self.labelled]
        return list(np.unique(present)) if self.numeric else sorted(set(present))

    @property
    def continuous(self) -> bool:
        """Whether they look like a quantity rather than classes."""
        return self.numeric and (not whole(self.distinct) or len(self.distinct) > 20)


def whole(numbers: list[Any]) -> bool:
    """Tell whether all numbers are integers."""
    return all(float(v).is_integer() for v in numbers)


def harmonised(source: Domain, target: Domain, notices: list[str]) -> tuple[Labels, Labels]:
    """Return both sides' labels in one spelling; a side without labels is all NaN."""
    a, b = _labels(source), _labels(target)
    if a.labelled.any() and b.labelled.any():
        if source.label_name != target.label_name:
            notices.append(
                f"the label is called {short(source.label_name)} in the source and "
                f"{short(target.label_name)} in the target: they are taken to be the same"
            )
        if a.numeric != b.numeric:
            a, b = _same_type(a, b, notices)
    if not a.numeric and not b.numeric:
        a, b = _one_truth(a, b)
        _note_case(a, b, notices)
    return a, b


def _labels(domain: Domain) -> Labels:
    values = domain.labels
    if values is None or missing(values).all():
        return Labels(domain.name, np.full(domain.n_rows, np.nan))
    if values.dtype == object:
        values = _mapped(values, {w: canonical(w) for w in set(values) if w is not None})
    return Labels(domain.name, values)


def _mapped(values: NDArray[Any], words: dict[str, Any]) -> NDArray[Any]:
    return np.array([None if v is None else words.get(v, v) for v in values] + [None], object)[:-1]


def _numbers(labels: Labels, words: dict[str, str] | None = None) -> Labels:
    found = labels.values if words is None else _mapped(labels.values, words)
    return Labels(labels.name, np.array([np.nan if v is None else float(v) for v in found]))


def _same_type(a: Labels, b: Labels, notices: list[str]) -> tuple[Labels, Labels]:
    """Bring text and numbers together: 1 and "1" are one class, and 1 and "True"."""
    text, numbers = (b, a) if a.numeric else (a, b)
    if all(is_number(w) for w in text.distinct):
        text = _numbers(text)
    elif _truth(text) and set(numbers.distinct) <= {0.0, 1.0}:
        words = {w: _TRUTH[w.lower()] for w in text.distinct}
        shown = ", ".join(f"{short(w)} as {n}" for w, n in words.items())
        notices.append(f"labels of {short(text.name)} are read as in the other domain: {shown}")
        text = _numbers(text, words)
    elif numbers.continuous:
        raise InputError(
            f"domain {short(text.name)} has text labels (such as {listing(text.distinct, 2)}) but "
            f"domain {short(numbers.name)} has a quantity (such as "
            f"{', '.join(number_text(v) for v in numbers.distinct[:2])}); "
            "give both the same kind of label"
        )
    return (numbers, text) if a.numeric else (text, numbers)


def _truth(labels: Labels) -> bool:
    return all(w.lower() in _TRUTH for w in labels.distinct)


def _one_truth(a: Labels, b: Labels) -> tuple[Labels, Labels]:
    """Spell true and false alike where nothing else occurs."""
    words = {*a.distinct, *b.distinct}
    if all(w.lower() in _SPELLED for w in words):
        spelled = {w: _SPELLED[w.lower()] for w in words}
        return Labels(a.name, _mapped(a.values, spelled)), Labels(
            b.name, _mapped(b.values, spelled)
        )
    return a, b


def _note_case(a: Labels, b: Labels, notices: list[str]) -> None:
    ours = {w.strip().casefold(): w for w in a.distinct}
    near = [
        f"{short(ours[w.strip().casefold()])} and {short(w)}"
        for w in b.distinct
        if w.strip().casefold() in ours and ours[w.strip().casefold()] != w and w not in a.distinct
    ]
    if near:
        notices.append(
            f"classes that differ only in case or blanks count as different: {', '.join(near[:5])}"
        )
