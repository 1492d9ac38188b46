"""Strategies the verdict may recommend, one file each."""

from . import (  # noqa: F401, I001  (imported to register, in the order of the tables)
    target_only,
    source_only,
    pooled,
    pooled_equal_weight,
    source_recalibrated,
)
from ._base import STRATEGIES, Strategy, Training, register

__all__ = ["STRATEGIES", "Strategy", "Training", "register"]
