"""Similarity of two representations of the same rows."""

from ._paired import SimilarityResult
from .attribution_similarity import AttributionSimilarityResult, attribution_similarity
from .cka import cka
from .cknna import cknna
from .dds import dds
from .gulp import gulp
from .mean_cca import CcaResult, mean_cca
from .minibatch_cka import minibatch_cka
from .mutual_knn import mutual_knn
from .neighbour_similarity import neighbour_similarity
from .procrustes import procrustes
from .pwcca import PwccaResult, pwcca
from .rsa import rsa
from .shape_distance import shape_distance
from .streaming_cka import CkaMatrix, CkaStream, streaming_cka
from .svcca import svcca
from .task_weights import TaskWeights, task_weights

__all__ = [
    "AttributionSimilarityResult",
    "CcaResult",
    "CkaMatrix",
    "CkaStream",
    "PwccaResult",
    "SimilarityResult",
    "TaskWeights",
    "attribution_similarity",
    "cka",
    "cknna",
    "dds",
    "gulp",
    "mean_cca",
    "minibatch_cka",
    "mutual_knn",
    "neighbour_similarity",
    "procrustes",
    "pwcca",
    "rsa",
    "shape_distance",
    "streaming_cka",
    "svcca",
    "task_weights",
]
