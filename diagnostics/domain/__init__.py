"""The one door for data, and the aligned pair everything else works on."""

from ._align import align
from ._column import Column, Kind
from ._domain import Domain
from ._pair import Lost, Pair, PairedColumn, Side
from ._setting import describe_setting

__all__ = [
    "Column",
    "Domain",
    "Kind",
    "Lost",
    "Pair",
    "PairedColumn",
    "Side",
    "align",
    "describe_setting",
]
