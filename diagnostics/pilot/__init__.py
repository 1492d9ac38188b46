"""The pilot: strategies and learners tried on the few labelled target rows."""

from .feasible import MIN_CLASS_ROWS, why_no_pilot
from .folds import LABELS_FOR_REVERSAL, MIN_LABELS, HeldOut, assign_folds
from .held_out import MIN_UNITS
from .home import Home
from .run import BASELINE, Pilot, mean_error, run_pilot
from .scores import METRICS, Metric, check_metric, proper_score, resolve_metric
from .work import OWN_MODELS, Work

__all__ = [
    "BASELINE",
    "LABELS_FOR_REVERSAL",
    "METRICS",
    "MIN_CLASS_ROWS",
    "MIN_LABELS",
    "MIN_UNITS",
    "OWN_MODELS",
    "HeldOut",
    "Home",
    "Metric",
    "Pilot",
    "Work",
    "assign_folds",
    "check_metric",
    "mean_error",
    "proper_score",
    "resolve_metric",
    "run_pilot",
    "why_no_pilot",
]
