"""How well a source model does on target rows without labels, as far as that can be told."""

from ._judged import PerformanceResult
from ._validity import ValidityCheck
from .agreement_on_the_line import AgreementOnTheLineResult, agreement_on_the_line
from .average_confidence import average_confidence
from .average_thresholded_confidence import (
    AverageThresholdedConfidenceResult,
    average_thresholded_confidence,
)
from .confidence_optimal_transport import (
    ConfidenceOptimalTransportResult,
    confidence_optimal_transport,
)
from .difference_of_confidences import difference_of_confidences
from .model_agreement import ModelAgreementResult, model_agreement
from .regression_disagreement import RegressionDisagreementResult, regression_disagreement

__all__ = [
    "AgreementOnTheLineResult",
    "AverageThresholdedConfidenceResult",
    "ConfidenceOptimalTransportResult",
    "ModelAgreementResult",
    "PerformanceResult",
    "RegressionDisagreementResult",
    "ValidityCheck",
    "agreement_on_the_line",
    "average_confidence",
    "average_thresholded_confidence",
    "confidence_optimal_transport",
    "difference_of_confidences",
    "model_agreement",
    "regression_disagreement",
]
