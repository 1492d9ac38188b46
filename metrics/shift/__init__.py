"""What it is that shifted: single columns, label shares, or the relation between the two."""

from .black_box_shift_estimation import BlackBoxShiftEstimationResult, black_box_shift_estimation
from .chi_square_shift import ChiSquareShiftResult, chi_square_shift
from .column_shift import ColumnShiftResult, benjamini_hochberg, column_shift
from .column_table import ColumnTableResult, column_table
from .column_wasserstein import ColumnWassersteinResult, column_wasserstein
from .cramer_von_mises import CramerVonMisesResult, cramer_von_mises
from .em_prior_estimation import EMPriorEstimationResult, em_prior_estimation
from .jensen_shannon import JensenShannonResult, jensen_shannon
from .kolmogorov_smirnov import KolmogorovSmirnovResult, kolmogorov_smirnov
from .label_shift import LabelShiftResult, label_shift
from .missing_rate_shift import MissingRateShiftResult, missing_rate_shift
from .population_stability_index import (
    PopulationStabilityIndexResult,
    population_stability_index,
)
from .shift_decomposition import ShiftComponent, ShiftDecompositionResult, shift_decomposition
from .within_class_divergence import WithinClassDivergenceResult, within_class_divergence

__all__ = [
    "BlackBoxShiftEstimationResult",
    "ChiSquareShiftResult",
    "ColumnShiftResult",
    "ColumnTableResult",
    "ColumnWassersteinResult",
    "CramerVonMisesResult",
    "EMPriorEstimationResult",
    "JensenShannonResult",
    "KolmogorovSmirnovResult",
    "LabelShiftResult",
    "MissingRateShiftResult",
    "PopulationStabilityIndexResult",
    "ShiftComponent",
    "ShiftDecompositionResult",
    "WithinClassDivergenceResult",
    "benjamini_hochberg",
    "black_box_shift_estimation",
    "chi_square_shift",
    "column_shift",
    "column_table",
    "column_wasserstein",
    "cramer_von_mises",
    "em_prior_estimation",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "label_shift",
    "missing_rate_shift",
    "population_stability_index",
    "shift_decomposition",
    "within_class_divergence",
]
