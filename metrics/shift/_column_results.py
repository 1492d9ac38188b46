"""What the measures of one column return."""

from __future__ import annotations

from dataclasses import dataclass

from .._results import MeasureResult


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnResult(MeasureResult):
    """What a measure of one column returns; missing entries are left out and counted.

    Attributes
    ----------
    value, interval, null, n_source, n_target, warnings
        As in :class:`MeasureResult`; the rows are those with an entry.
    n_missing_source, n_missing_target : int
        Entries left out.
    """

    n_missing_source: int
    n_missing_target: int
