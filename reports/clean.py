"""Text that came from outside, made harmless and short enough to show.

Names of columns, classes and files are the user's.  Markup is neutralised where markup is
written (the templates escape everything); here go the characters that no escaping of markup
catches: terminal escape sequences, line breaks, and marks that turn the reading direction.
"""

from __future__ import annotations

import re
import unicodedata

_KEEP = {"\u200c", "\u200d"}  # joiners: needed to write Persian, Hindi, and some emoji
_SPACES = {"\n", "\r", "\t", "\v", "\f", "\x85", "\u2028", "\u2029"}
_PLAIN = re.compile(r"[\x20-\x7e]*\Z")
_LONG_WORD = re.compile(r"\S{61,}")


def clean(text: str) -> str:
    """Return `text` on one line, control and direction characters written out as escapes."""
    if _PLAIN.match(text):
        return text
    return "".join(_one(c) for c in text)


def _one(char: str) -> str:
    if char in _SPACES:
        return " "
    if char in _KEEP or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Cn", "Co"}:
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def clip(text: str, length: int = 48) -> str:
    """Return `text` with its middle left out where it is longer than `length`."""
    if len(text) <= length:
        return text
    tail = length // 3
    return text[: length - tail - 1] + "…" + text[-tail:]


def prose(text: str, length: int = 900) -> str:
    """Return a sentence for display: clean, over-long words and whole shortened."""
    text = clean(text[: 40 * length])  # a name of a million characters costs no time
    text = _LONG_WORD.sub(lambda m: clip(m.group()), text)
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
