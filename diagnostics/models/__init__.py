"""Pretrained models as sources: which one, from which layer, how adapted, or none at all."""

from ._candidates import Candidate, as_candidates
from ._extract import extract, extract_each
from ._features import CandidateFeatures
from ._match_rows import saved_rows
from ._probe_rows import Rows
from ._random_copy import random_copy

__all__ = [
    "Candidate",
    "CandidateFeatures",
    "Rows",
    "as_candidates",
    "extract",
    "extract_each",
    "random_copy",
    "saved_rows",
]
