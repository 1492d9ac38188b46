"""Subspace alignment: the source's principal axes turned onto the target's."""

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ._base import Training, register
from ._precheck import no_label_shift
from ._rows import fit_together

Floats = NDArray[np.float64]

VARIANCE = 0.95
MAX_AXES = 30


@register(
    "align-subspace",
    title="turn the source's principal axes onto the target's, then train on both",
    family="data transferability: features",
    adapted=True,
    needs={"source rows", "target inputs"},
    assumes={"feature shift"},
    fails_when="class shares differ, or the label lives in directions of little variance",
    fits=(1, 0),
    fast=True,
    precheck=no_label_shift,
    preconditions="Assumes that what matters for the label has large variance on both sides and "
    "labels have the same shares; with few target rows the axes are noise.",
)
def fit(learner: Learner, training: Training) -> Predictor:
    """Write source rows as X P_s P_s' P_t and target rows as X P_t (Fernando et al. 2013)."""
    mean_s, axes_s, share_s = _axes(training.source_X)
    mean_t, axes_t, share_t = _axes(training.target_inputs)
    needed = max(int(np.searchsorted(share, VARIANCE)) + 1 for share in (share_s, share_t))
    d = min(needed, MAX_AXES, axes_s.shape[1], axes_t.shape[1])
    axes_s, axes_t = axes_s[:, :d], axes_t[:, :d]
    moved = (training.source_X - mean_s) @ axes_s @ (axes_s.T @ axes_t)

    def project(rows: Floats) -> Floats:
        return (rows - mean_t) @ axes_t

    model = fit_together(learner, training, moved, training.source_y, project(training.target_X))
    return lambda rows: model(project(rows))


def _axes(X: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the mean, the principal axes in columns, and the share of variance up to each."""
    mean = X.mean(axis=0)
    _, sizes, axes = np.linalg.svd(X - mean, full_matrices=False)
    # The signs of axes are arbitrary; P_s' P_t makes up for those of both sides.
    variance = np.cumsum(sizes**2)
    return mean, axes.T, variance / max(float(variance[-1]), 1e-300)
