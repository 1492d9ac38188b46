"""Transferability: how well a representation, or a source model, serves a target's labels."""

from ._coupled_score import OtceResult
from .gbc import GbcResult, gbc
from .h_score import HScoreResult, h_score
from .knn_probe import KNNProbeResult, knn_probe
from .leep import LeepResult, leep
from .lin_mse import LinMSEResult, lin_mse
from .linear_probe import LinearProbeResult, linear_probe
from .logme import LogMEResult, logme
from .nce import nce
from .nleep import NleepResult, nleep
from .otce import f_otce, otce
from .pactran import PactranResult, pactran
from .parc import PARCResult, parc
from .sfda import SFDAResult, sfda
from .shrunken_h_score import ShrunkenHScoreResult, shrunken_h_score
from .source_head_risk import SourceHeadRiskResult, source_head_risk
from .spectral_scores import SpectralScores, spectral_scores
from .task2vec import Task2VecDistanceResult, Task2VecResult, task2vec, task2vec_distance
from .transrate import TransRateResult, transrate

__all__ = [
    "GbcResult",
    "HScoreResult",
    "KNNProbeResult",
    "LeepResult",
    "LinMSEResult",
    "LinearProbeResult",
    "LogMEResult",
    "NleepResult",
    "OtceResult",
    "PARCResult",
    "PactranResult",
    "SFDAResult",
    "ShrunkenHScoreResult",
    "SourceHeadRiskResult",
    "SpectralScores",
    "Task2VecDistanceResult",
    "Task2VecResult",
    "TransRateResult",
    "f_otce",
    "gbc",
    "h_score",
    "knn_probe",
    "leep",
    "lin_mse",
    "linear_probe",
    "logme",
    "nce",
    "nleep",
    "otce",
    "pactran",
    "parc",
    "sfda",
    "shrunken_h_score",
    "source_head_risk",
    "spectral_scores",
    "task2vec",
    "task2vec_distance",
    "transrate",
]
