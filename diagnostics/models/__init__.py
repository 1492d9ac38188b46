"""Pretrained models as sources: which one, from which layer, how adapted, or none at all."""

from ._candidates import Candidate, as_candidates
from ._extract import extract, extract_each
from ._features import CandidateFeatures
from ._match_rows import saved_rows
from ._probe_rows import Rows
from ._random_copy import random_copy
from .document import ModelRanking
from .rank import rank_models

__all__ = [
    "Candidate",
    "CandidateFeatures",
    "ModelRanking",
    "Rows",
    "as_candidates",
    "extract",
    "extract_each",
    "random_copy",
    "rank_models",
    "saved_rows",
]
