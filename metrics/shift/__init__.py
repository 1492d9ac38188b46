"""What it is that shifted: single columns, label shares, or the relation between the two."""

from .column_shift import ColumnShiftResult, benjamini_hochberg, column_shift
from .label_shift import LabelShiftResult, label_shift

__all__ = [
    "ColumnShiftResult",
    "LabelShiftResult",
    "benjamini_hochberg",
    "column_shift",
    "label_shift",
]
