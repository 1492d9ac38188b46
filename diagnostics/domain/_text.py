"""Text to numbers, booleans, dates or categories: one rule for every container."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import numpy as np

from ._column import Column
from ._door import Door
from ._words import count, is_number, listing, short

#: The words that mean "missing", surrounding blanks aside: those of ``pandas.read_csv``.
MISSING_WORDS = frozenset(
    [
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND"),
        *("1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    ]
)
_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}(:\d{2}(:\d{2}(\.\d{1,9})?)?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?)?",
    re.ASCII,
)
_DECIMAL_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+", re.ASCII)
_PAIRS = (("false", "true"), ("no", "yes"))
_DATE_SHARE = 0.95
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def type_text(name: str, array: Any, door: Door, *, as_label: bool = False) -> Column:
    """Return the typed column of an arrow text array.

    Numbers if every value is one; booleans for true/false and yes/no; dates if at least
    95 % are ISO dates; categories otherwise.  Labels keep their yes and no as words.
    """
    kept = _without_missing(array)
    numbers = _cast(kept, "float64")
    if numbers is not None:
        return _numeric(name, array, numbers, door)
    moments = _all_dates(kept)
    if moments is not None:
        return Column(name, "date", moments)
    words, codes = _dictionary(array)
    stripped = [w.strip() for w in words]
    present = [i for i, w in enumerate(stripped) if w not in MISSING_WORDS]
    if all(is_number(stripped[i]) for i in present):
        table = np.full(len(words) + 1, np.nan)
        table[present] = [float(stripped[i]) for i in present]
        return _numeric(name, array, table[codes], door)
    if not as_label:
        found = _boolean(name, stripped, present, codes)
        if found is not None:
            return found
    dates = _dates(name, stripped, present, codes, door)
    if dates is not None:
        return dates
    _notices(name, stripped, present, codes, door)
    return _categorical(name, words, present, codes)


def declared_categories(name: str, array: Any, door: Door) -> Column:
    """Return the column of a text array the user has declared categorical: no guessing."""
    words, codes = _dictionary(array)
    stripped = [w.strip() for w in words]
    present = [i for i, w in enumerate(stripped) if w not in MISSING_WORDS]
    _notice_missing_words(name, stripped, present, codes, door)
    return _categorical(name, words, present, codes)


def _without_missing(array: Any) -> Any:
    """Return the array with the words for missing made null, but for those within blanks."""
    import pyarrow as pa
    import pyarrow.compute as pc

    nothing = pc.is_in(array, value_set=pa.array(sorted(MISSING_WORDS), pa.large_string()))
    return pc.if_else(nothing, pa.scalar(None, pa.large_string()), array)


def _cast(array: Any, kind: str) -> Any:
    """Return NumPy values if every entry can be read as `kind`, else ``None`` (fast)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.cast(array, kind).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None


def _all_dates(array: Any) -> Any:
    """Return days since 1970 if every entry is a date without a zone, else ``None`` (fast)."""
    first = array.drop_null()
    if not len(first) or _DATE.fullmatch(first[0].as_py()) is None:
        return None
    moments = _cast(array, "timestamp[us]")
    if moments is None:
        return None
    days = moments.astype(np.int64).astype(np.float64) / 86_400e6
    return np.where(np.isnat(moments), np.nan, days)


def _numeric(name: str, array: Any, values: Any, door: Door) -> Column:
    import pyarrow.compute as pc

    padded = pc.match_substring_regex(array, r"^\s*[+-]?0\d")
    if pc.any(padded).as_py():
        door.note_column(
            name,
            f"holds numbers with leading zeros "
            f"(such as {short(pc.filter(array, padded)[0].as_py())}): it is read as numbers",
        )
    return Column(name, "numeric", np.array(values, dtype=np.float64))


def _dictionary(array: Any) -> tuple[list[str], Any]:
    """Return the distinct words, and per row the index of its word (-1 = missing)."""
    import pyarrow.compute as pc

    encoded = pc.dictionary_encode(array)
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return encoded.dictionary.to_pylist(), codes.astype(np.int64)


def _boolean(name: str, stripped: list[str], present: list[int], codes: Any) -> Column | None:
    spellings = {stripped[i].lower() for i in present}
    for pair in _PAIRS:
        if spellings <= set(pair):
            table = np.full(len(stripped) + 1, np.nan)
            table[present] = [float(stripped[i].lower() == pair[1]) for i in present]
            by_value = {stripped[i].lower(): stripped[i] for i in reversed(present)}
            spelled = (by_value.get(pair[0], pair[0]), by_value.get(pair[1], pair[1]))
            return Column(name, "boolean", table[codes], spelled)
    return None


def _dates(
    name: str, stripped: list[str], present: list[int], codes: Any, door: Door
) -> Column | None:
    if sum(_DATE.fullmatch(stripped[i]) is not None for i in present[:100]) < 0.5 * len(
        present[:100]
    ):
        return None
    table = np.full(len(stripped) + 1, np.nan)
    table[present] = [_days(stripped[i]) for i in present]
    rows = np.bincount(codes[codes >= 0], minlength=len(stripped))
    wrong = [i for i in present if np.isnan(table[i])]
    n_wrong, n = int(rows[wrong].sum()), int(rows[present].sum())
    if n_wrong > (1 - _DATE_SHARE) * n:
        return None
    if n_wrong:
        door.note_column(
            name,
            f"is read as dates; {count(n_wrong, 'value')} that "
            f"{'is' if n_wrong == 1 else 'are'} none (such as {short(stripped[wrong[0]])}) "
            f"{'is' if n_wrong == 1 else 'are'} treated as missing",
        )
    return Column(name, "date", table[codes])


def _days(text: str) -> float:
    """Return days since 1970 (UTC); NaN for what is no ISO date."""
    if _DATE.fullmatch(text) is None:
        return np.nan
    try:
        moment = dt.datetime.fromisoformat(text.replace(" Z", "Z"))
    except ValueError:
        return np.nan
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return (zoned - _EPOCH) / dt.timedelta(days=1)


def _categorical(name: str, words: list[str], present: list[int], codes: Any) -> Column:
    table = np.full(len(words) + 1, None, dtype=object)
    for i in present:
        table[i] = words[i]
    if not present:
        return Column(name, "numeric", np.full(len(codes), np.nan))
    return Column(name, "categorical", table[codes])


def _notices(name: str, stripped: list[str], present: list[int], codes: Any, door: Door) -> None:
    _notice_missing_words(name, stripped, present, codes, door)
    rows = np.bincount(codes[codes >= 0], minlength=len(stripped))
    n = int(rows[present].sum())
    numbers = [i for i in present if is_number(stripped[i])]
    n_numbers = int(rows[numbers].sum())
    commas = [i for i in present if _DECIMAL_COMMA.fullmatch(stripped[i])]
    if commas and n_numbers + int(rows[commas].sum()) == n:
        door.note_column(
            name,
            f"holds numbers with a decimal comma "
            f"(such as {short(stripped[commas[0]])}) and stays text; "
            "write them with a point to have them read as numbers",
        )
    elif n_numbers >= 0.05 * n and n_numbers:
        other = next(i for i in present if i not in set(numbers))
        door.note_column(
            name,
            f"mixes numbers with text "
            f"({count(n - n_numbers, 'value')} such as {short(stripped[other])}): "
            "it is read as categories",
        )


def _notice_missing_words(
    name: str, stripped: list[str], present: list[int], codes: Any, door: Door
) -> None:
    kept = set(present)
    taken = [i for i, w in enumerate(stripped) if i not in kept and w]
    if taken and present:
        n = int(np.isin(codes, taken).sum())
        door.note_column(
            name, f"has {count(n, 'value')} read as missing: {listing(stripped[i] for i in taken)}"
        )
