"""Small pieces of sentences, and how what a user gave is written in them."""

from __future__ import annotations

from collections.abc import Sequence

LIMIT = 60


def chance(probability: float) -> str:
    """Return a probability in percent; never a flat 0 % or 100 %."""
    percent = 100 * probability
    if percent > 99:
        return "> 99 %"
    return "< 1 %" if percent < 1 else f"{percent:.0f} %"


def share(value: float) -> str:
    """Return a share in percent to three digits."""
    return f"{100 * value:.3g} %"


def listed(names: Sequence[str], most: int = 4) -> str:
    """Return the first names, shortened, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shortened(name, 40) for name in names[:most]) + more


def shortened(name: str, most: int = 30) -> str:
    """Return a user-given name cut to `most` characters."""
    return name if len(name) <= most else name[: most - 3] + "..."


def short(value: object, limit: int = LIMIT) -> str:
    """Return the `repr` of a user's value, at most `limit` characters long.

    `repr` also makes line breaks, control characters and text-direction marks visible.
    """
    if isinstance(value, str) and len(value) > limit:
        value = value[:limit]
        cut = True
    else:
        cut = False
    text = repr(value)
    if len(text) <= limit and not cut:
        return text
    return text[: limit - 4].rstrip("\\") + "..." + text[-1]
