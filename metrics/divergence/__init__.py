"""How far apart two samples of rows lie, labels left aside."""

from .classifier_density_ratio import ClassifierDensityRatioResult, classifier_density_ratio
from .classifier_two_sample_test import ClassifierTwoSampleTestResult, classifier_two_sample_test
from .coral_distance import CoralDistanceResult, coral_distance
from .discrepancy_distance import DiscrepancyDistanceResult, discrepancy_distance
from .energy_distance import EnergyDistanceResult, energy_distance
from .energy_test import EnergyTestResult, energy_test
from .frechet_distance import FrechetDistanceResult, frechet_distance
from .kernel_inception_distance import KIDResult, kernel_inception_distance
from .kernel_mean_sketch import KernelMeanSketch
from .knn_kl_divergence import KnnKLDivergenceResult, knn_kl_divergence
from .lsdd import LSDDResult, lsdd
from .margin_disparity import MarginDisparity, margin_disparity
from .margin_disparity_discrepancy import (
    MarginDisparityDiscrepancyResult,
    margin_disparity_discrepancy,
)
from .max_sliced_wasserstein import MaxSlicedWassersteinResult, max_sliced_wasserstein
from .minimum_detectable_effect import MinimumDetectableEffectResult, minimum_detectable_effect
from .mixed_test import MixedTestResult, mixed_test
from .mmd import MMDResult, mmd
from .mmd_test import MMDTestResult, mmd_test
from .otdd import OTDDResult, otdd
from .precision_recall_density_coverage import PRDCResult, precision_recall_density_coverage
from .proxy_a_distance import ProxyADistanceResult, proxy_a_distance
from .relative_density_ratio import RelativeDensityRatioResult, relative_density_ratio
from .sinkhorn_divergence import SinkhornDivergenceResult, sinkhorn_divergence
from .sketched_mmd import SketchedMMDResult, sketched_mmd
from .sliced_wasserstein import SlicedWassersteinResult, sliced_wasserstein
from .support_overlap import SupportOverlapResult, support_overlap
from .wasserstein import WassersteinResult, wasserstein

__all__ = [
    "ClassifierDensityRatioResult",
    "ClassifierTwoSampleTestResult",
    "CoralDistanceResult",
    "DiscrepancyDistanceResult",
    "EnergyDistanceResult",
    "EnergyTestResult",
    "FrechetDistanceResult",
    "KIDResult",
    "KernelMeanSketch",
    "KnnKLDivergenceResult",
    "LSDDResult",
    "MMDResult",
    "MMDTestResult",
    "MarginDisparity",
    "MarginDisparityDiscrepancyResult",
    "MaxSlicedWassersteinResult",
    "MinimumDetectableEffectResult",
    "MixedTestResult",
    "OTDDResult",
    "PRDCResult",
    "ProxyADistanceResult",
    "RelativeDensityRatioResult",
    "SinkhornDivergenceResult",
    "SketchedMMDResult",
    "SlicedWassersteinResult",
    "SupportOverlapResult",
    "WassersteinResult",
    "classifier_density_ratio",
    "classifier_two_sample_test",
    "coral_distance",
    "discrepancy_distance",
    "energy_distance",
    "energy_test",
    "frechet_distance",
    "kernel_inception_distance",
    "knn_kl_divergence",
    "lsdd",
    "margin_disparity",
    "margin_disparity_discrepancy",
    "max_sliced_wasserstein",
    "minimum_detectable_effect",
    "mixed_test",
    "mmd",
    "mmd_test",
    "otdd",
    "precision_recall_density_coverage",
    "proxy_a_distance",
    "relative_density_ratio",
    "sinkhorn_divergence",
    "sketched_mmd",
    "sliced_wasserstein",
    "support_overlap",
    "wasserstein",
]
