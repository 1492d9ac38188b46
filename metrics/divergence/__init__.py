"""How far apart two samples of rows lie, labels left aside."""

from .mmd_test import MMDTestResult, mmd_test
from .proxy_a_distance import ProxyADistanceResult, proxy_a_distance
from .support_overlap import SupportOverlapResult, support_overlap

__all__ = [
    "MMDTestResult",
    "ProxyADistanceResult",
    "SupportOverlapResult",
    "mmd_test",
    "proxy_a_distance",
    "support_overlap",
]
