"""A table of runs that grows as they end, and goes on where it was left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

Key = tuple[str | int | float, ...]
Row = Mapping[str, object]


def extend(
    path: Path,
    names: Sequence[str],
    keys: Sequence[Key],
    work: Callable[[Key], list[Row]],
    columns: Sequence[str],
    *,
    jobs: int,
) -> None:
    """Do what is not in the table yet, and append its rows as they come.

    Parameters
    ----------
    path : Path
        CSV file; made if it is not there.
    names : sequence of str
        Columns that hold the key of a run.
    keys : sequence of tuple
        The runs wanted, in order.
    work : callable
        ``work(key)`` returns the rows of one run, each with `columns`.
    columns : sequence of str
    jobs : int
        Processes.  The table does not depend on it.
    """
    from joblib import Parallel, delayed

    seen: set[Key] = set()
    if path.exists():
        done = pd.read_csv(path, usecols=list(names))
        seen = set(done[list(names)].itertuples(index=False, name=None))
    else:
        pd.DataFrame(columns=list(columns)).to_csv(path, index=False)
    left = [key for key in keys if key not in seen]
    ran = Parallel(n_jobs=jobs, return_as="generator")(delayed(work)(key) for key in left)
    for count, rows in enumerate(ran, start=1):
        table = pd.DataFrame(rows, columns=list(columns))
        table.to_csv(path, mode="a", header=False, index=False, float_format="%.5g")
        print(f"{count} of {len(left)}: {' '.join(map(str, left[count - 1]))}", flush=True)
