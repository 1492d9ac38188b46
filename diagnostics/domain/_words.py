"""How values, names and counts are written in sentences for people."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from .._words import short as short

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.I)


def listing(values: Iterable[object], most: int = 8) -> str:
    """Return names as ``'a', 'b' and 3 more``."""
    every = list(values)
    shown = ", ".join(short(v) for v in every[:most])
    return shown if len(every) <= most else f"{shown} and {len(every) - most:,} more"


def count(n: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 row``, ``2,000 rows``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def fold(name: str) -> str:
    """Return a name without the differences of case and surrounding blanks."""
    return name[:200].strip().casefold()


def closest(wanted: str, names: Sequence[str]) -> str | None:
    """Return the name the user may have meant, if one is close."""
    folded = {fold(name): name for name in reversed(names)}
    key = fold(wanted)
    if key in folded:
        return folded[key]
    found = difflib.get_close_matches(key, list(folded)[:2000], n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(wanted: str, names: Sequence[str]) -> str:
    """Return ``(did you mean 'Y'?)`` with a leading space, or nothing."""
    found = closest(wanted, names)
    return f" (did you mean {short(found)}?)" if found is not None else ""


def is_unicode(text: str) -> bool:
    """Tell whether a text can be written in any encoding: it has no lone surrogate."""
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)


def is_number(text: str) -> bool:
    """Tell whether a stripped text is a number in plain (English) notation."""
    return _NUMBER.fullmatch(text) is not None


def number_text(value: float) -> str:
    """Return one spelling per number: ``1`` for 1.0, ``0.5`` for 0.50."""
    value = float(value)
    if value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    return repr(value)


def canonical(text: str) -> str:
    """Return numbers in their one spelling and any other text as it is."""
    stripped = text.strip()
    return number_text(float(stripped)) if is_number(stripped) else text


def in_order(words: Iterable[str]) -> list[str]:
    """Sort words; by value when all of them are numbers."""
    every = list(words)
    if all(is_number(w.strip()) for w in every):
        return sorted(every, key=lambda w: (float(w), w))
    return sorted(every)
