"""Measures: arrays in, numbers out.

Every measure is one function named as the field names it and returns a small frozen
result: the value, its interval, and its null band, which is what the same measure says
about random halves of one and the same sample. Nothing here knows files, domains,
verdicts or plots.
"""

from ._halves import random_halves
from ._results import Interval, NullBand
from .column_shift import ColumnShiftResult, benjamini_hochberg, column_shift
from .label_shift import LabelShiftResult, label_shift
from .mmd_test import MMDTestResult, mmd_test
from .proxy_a_distance import ProxyADistanceResult, proxy_a_distance
from .support_overlap import SupportOverlapResult, support_overlap

__all__ = [
    "ColumnShiftResult",
    "Interval",
    "LabelShiftResult",
    "MMDTestResult",
    "NullBand",
    "ProxyADistanceResult",
    "SupportOverlapResult",
    "benjamini_hochberg",
    "column_shift",
    "label_shift",
    "mmd_test",
    "proxy_a_distance",
    "random_halves",
    "support_overlap",
]
