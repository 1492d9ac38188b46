"""CSV and TSV: strict about shape, every cell read as text and typed later."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from pathlib import Path
from typing import Any

from ._door import Door
from ._table import Table
from ._words import count, is_number, short

_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs"}
_BLOCK = 1 << 28


def read_csv(path: Path, door: Door) -> Table:
    """Read a comma- or tab-separated file with a header line, UTF-8, perhaps gzipped."""
    data = _content(path, door)
    usual = "\t" if ".tsv" in "".join(path.suffixes[-2:]).lower() else ","
    header, delimiter = _header(data, usual, door)
    _check_quotes(data, delimiter, door)
    table = _parse(data, len(header), delimiter, door)
    if table.num_rows < 2:
        raise door.error("has a header line but no rows; give at least one row of data")
    names = [table.column(i)[0].as_py() for i in range(table.num_columns)]
    if all(is_number(n.strip()) for n in names):
        door.note(
            "has only numbers in its first line, which is read as column names; "
            "if it is data, add a header line"
        )
    body = table.slice(1)
    return Table("csv", names, [body.column(i) for i in range(body.num_columns)])


def _content(path: Path, door: Door) -> bytes:
    """Return the bytes without byte-order mark, checked to be UTF-8 text."""
    data = path.read_bytes()
    if path.suffix.lower() == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            raise door.error(
                f"cannot be unpacked from {short(path.name)}: the gzip file is damaged; "
                "write it again"
            ) from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise door.error("is written in UTF-16; save the file as UTF-8")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data or data.isspace():
        raise door.error(f"was given the file {short(path.name)}, which is empty; give data")
    at = data.find(b"\0")
    if at >= 0:
        raise door.error(
            f"has a NUL byte in line {_line(data, at):,}: this is not a text file; "
            "export it again as CSV"
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise door.error(
            f"is not UTF-8 text (byte 0x{data[error.start]:02x} in line "
            f"{_line(data, error.start):,}); save the file as UTF-8"
        ) from None
    return data


def _line(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1


def _records(data: bytes, delimiter: str, *, strict: bool = False) -> Any:
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    return csv.reader(text, delimiter=delimiter, strict=strict)


def _header(data: bytes, usual: str, door: Door) -> tuple[list[str], str]:
    """Return the first record and the delimiter, found in the header if need be."""
    found: dict[str, list[str]] = {}
    for delimiter in (usual, *(d for d in _NAMES if d != usual)):
        try:
            found[delimiter] = next(filter(None, _records(data, delimiter)), [])
        except csv.Error as error:
            raise door.error(
                f"has a header line that cannot be read ({short(str(error))}); "
                "check its quotes and line ends"
            ) from None
        if len(found[delimiter]) > 1:
            break
    else:
        return found[usual], usual
    if delimiter != usual:
        door.note(f"is separated by {_NAMES[delimiter]}, not {_NAMES[usual]}: it is read that way")
    return found[delimiter], delimiter


def _check_quotes(data: bytes, delimiter: str, door: Door) -> None:
    """Refuse a quote that is never closed: the rest of the file would become one value."""
    if data.count(b'"') % 2 == 0:
        return
    reader = _records(data, delimiter, strict=True)
    line = 1
    try:
        for _ in reader:
            line = reader.line_num + 1
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise door.error(
                f"has a quote in the row that starts on line {line:,} that is never closed; "
                "close it, or double quotes that belong to a value"
            ) from None


def _parse(data: bytes, n_columns: int, delimiter: str, door: Door) -> Any:
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    try:
        return arrow_csv.read_csv(
            pa.BufferReader(data),
            # the header comes back as the first row, so that double names survive
            read_options=arrow_csv.ReadOptions(
                autogenerate_column_names=True, block_size=min(len(data) + 1, _BLOCK)
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types={f"f{i}": pa.large_string() for i in range(n_columns)},
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise door.error(_ragged(data, n_columns, delimiter, str(error))) from None


def _ragged(data: bytes, n_columns: int, delimiter: str, error: str) -> str:
    """Return the sentence that names the first row of another length."""
    try:
        reader = _records(data, delimiter)
        for record in reader:
            if record and len(record) != n_columns:
                return (
                    f"has {count(len(record), 'value')} in the row that ends on line "
                    f"{reader.line_num:,}, but {count(n_columns, 'column')} in its header; "
                    "give every row as many values as the header (quote values that hold "
                    f"{_NAMES[delimiter]})"
                )
    except csv.Error:
        pass
    return f"cannot be read as CSV ({short(error)}); check quotes and line ends"
