"""Strategies the verdict may recommend, one file each."""

from . import (  # noqa: F401, I001  (imported to register, in the order of the tables)
    target_only,
    source_only,
    pooled,
    pooled_equal_weight,
    source_recalibrated,
    source_recalibrated_classes,
    stacking,
    pooled_cv_weight,
    label_shift_em,
    importance_classifier,
    importance_least_squares,
    source_class_subset,
    select_discriminator,
    reweight_tradaboost,
    align_coral,
    align_linear_ot,
    align_subspace,
    align_entropic_ot,
    align_tca,
    feature_augmentation,
    hypothesis_residual,
    hypothesis_shrunk,
    network_fine_tune,
    network_probe_then_tune,
    network_l2_sp,
)
from ._base import STRATEGIES, Strategy, Training, register
from ._choose import DEFAULT, chosen_strategies, strategies_text
from ._memo import Memo

__all__ = [
    "DEFAULT",
    "STRATEGIES",
    "Memo",
    "Strategy",
    "Training",
    "chosen_strategies",
    "register",
    "strategies_text",
]
