"""Parquet, from one local file."""

from __future__ import annotations

import re
from pathlib import Path

from ._door import Door
from ._table import Table, check_names
from ._words import listing, short

_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def read_parquet(path: Path, door: Door) -> Table:
    """Read a parquet file; an unnamed pandas index stored in it is left out, with a notice."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as file, pq.ParquetFile(file) as parquet:
            names = list(parquet.schema_arrow.names)
            check_names(names, door)
            table = parquet.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, type(door.error(""))):
            raise
        raise door.error(
            f"cannot be read from {short(path.name)}: it is no parquet file or is damaged; "
            "write it again"
        ) from None
    index = [n for n in names if _PANDAS_INDEX.fullmatch(n)]
    if index:
        door.note(f"holds a pandas index ({listing(index)}), which is left out")
    kept = [n for n in names if n not in index]
    return Table("parquet", kept, [table.column(n) for n in kept])
