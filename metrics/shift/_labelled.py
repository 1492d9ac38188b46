"""Two tables with labels, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._validation import Floats, as_codes, as_float, check_pair, require_rows


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPair:
    """Rows with a label on either side; ``warnings`` says how many had none."""

    source: Floats
    target: Floats
    source_labels: NDArray[Any]
    target_labels: NDArray[Any]
    warnings: tuple[str, ...]


def check_labelled(
    source: ArrayLike,
    target: ArrayLike,
    source_labels: ArrayLike,
    target_labels: ArrayLike,
    *,
    categorical: bool,
    min_rows: int,
) -> LabelledPair:
    """Return the labelled rows of both sides; codes of -1 and NaN are missing labels."""
    tables = check_pair(source, target, min_rows=min_rows)
    kept, labels, warnings = [], [], []
    for table, given, name in (
        (tables[0], source_labels, "source"),
        (tables[1], target_labels, "target"),
    ):
        column = _column(given, f"{name}_labels", len(table), categorical)
        has_label = column >= 0 if categorical else ~np.isnan(column)
        require_rows(int(has_label.sum()), f"{name}_labels", min_rows)
        if not has_label.all():
            missing = int((~has_label).sum())
            warnings.append(f"{missing} row(s) of `{name}` have no label and were left out.")
        kept.append(table[has_label])
        labels.append(column[has_label])
    return LabelledPair(kept[0], kept[1], labels[0], labels[1], tuple(warnings))


def _column(given: ArrayLike, name: str, rows: int, categorical: bool) -> NDArray[Any]:
    column: NDArray[Any] = as_codes(given, name) if categorical else as_float(given, name)
    if column.shape != (rows,):
        raise ValueError(
            f"`{name}` has shape {column.shape}, expected one label for each of the {rows} rows; "
            "mark rows without a label as missing."
        )
    if not categorical and np.isinf(column).any():
        raise ValueError(f"`{name}` contains infinite values; mark them as missing (NaN).")
    return column
