"""Measures: arrays in, numbers out.

Every measure is one function named as the field names it and returns a small frozen
result: the value, its interval, and its null band, which is what the same measure says
about random halves of one and the same sample. ``REGISTRY`` lists them with their units,
range, direction and invariances. Nothing here knows files, domains, verdicts or plots.
"""

from . import divergence, performance, shift, similarity, transferability
from ._halves import random_halves
from ._results import Interval, MeasureResult, NullBand
from ._scores import Caution, Chance, ScoreResult
from .divergence import *  # noqa: F403
from .performance import *  # noqa: F403
from .registry import REGISTRY, Measure
from .shift import *  # noqa: F403
from .similarity import *  # noqa: F403
from .transferability import *  # noqa: F403

__all__ = [
    "REGISTRY",
    "Caution",
    "Chance",
    "Interval",
    "Measure",
    "MeasureResult",
    "NullBand",
    "ScoreResult",
    "random_halves",
]
__all__ += divergence.__all__
__all__ += performance.__all__
__all__ += shift.__all__
__all__ += similarity.__all__
__all__ += transferability.__all__
__all__.sort()
