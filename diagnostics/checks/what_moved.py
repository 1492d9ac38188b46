"""What moved: the inputs, the labels, or what one means for the other?"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..document import CheckResult, Component, Threshold
from ._base import Check, Evidence, register, to_interval, to_null

if TYPE_CHECKING:
    from ...metrics import ShiftDecompositionResult
    from ..domain import Side

Rows: TypeAlias = tuple[NDArray[np.float64], NDArray[Any]]
ALPHA = 0.01
N_PERMUTATIONS = 999
MIN_LABELLED = 30
MAX_ROWS = 1000
MAX_PRODUCTS = 800
"""Columns times classes; beyond it the columns are reduced to principal components."""
MIN_COMPONENTS = 10
WORDS = {
    "P(X)": "the inputs",
    "P(Y)": "the labels",
    "P(Y|X)": "what inputs mean for the label",
    "P(X|Y)": "the inputs within a label",
    "P(X,Y)": "inputs and label together",
}


REMEDIES = {
    "covariate shift": "Weight or select source rows that look like the target's.",
    "label shift": "Correct the class frequencies; do not align the inputs.",
    "covariate or label shift": "Weighting may help; label more target rows to tell which.",
    "concept shift": "Learn from the target's labels; weighting and alignment cannot help.",
    "covariate and concept shift": "Learn from the target's labels, and expect little from the "
    "source.",
    "shift of unclear kind": "Label more target rows to tell what moved.",
}


@register(
    "NT304", "what moved", "tasks",
    """Which of five distributions differs between the labelled rows of both domains: inputs
    P(X), labels P(Y), the label given the inputs P(Y|X), the inputs given the label P(X|Y),
    and both together. Each is a Kullback-Leibler divergence in nats, estimated by a
    cross-fitted classifier of the domain, with a permutation or resampling p-value, corrected
    for looking at five (after Polo et al. 2022). It tells which remedy fits: weighting for
    covariate shift, other class frequencies for label shift, target labels for concept shift.
    A relation that the classifier cannot express is missed, so a pass is not a proof. Very wide
    data are reduced to principal components first, without a look at domain or label.""",
)  # fmt: skip
def what_moved(check: Check, evidence: Evidence) -> CheckResult:
    pair = evidence.pair
    n_s, n_t = int(pair.source.labelled.sum()), int(pair.target.labelled.sum())
    if pair.task is None or min(n_s, n_t) < MIN_LABELLED:
        side, n = ("target", n_t) if n_t <= n_s else ("source", n_s)
        return check.not_run(
            evidence,
            f"The {side} has {n} labelled rows; telling apart what moved needs {MIN_LABELLED}.",
            n_required=MIN_LABELLED, remedy="Label target rows drawn at random.",
        )  # fmt: skip
    rng = np.random.default_rng([evidence.seed, 21])
    labelled = [_labelled(side, rng) for side in (pair.source, pair.target)]
    sides = _reduced(labelled, max(1, len(pair.classes)))
    try:
        found = _decompose(evidence, sides)
    except ValueError as fault:
        return check.not_run(evidence, str(fault), n_required=MIN_LABELLED)
    return _result(check, evidence, found, sides[0][0].shape[1])


def _labelled(side: Side, rng: np.random.Generator) -> Rows:
    """Return columns and labels of the labelled rows, thinned at random where there are many."""
    rows = np.flatnonzero(side.labelled)
    if rows.size > MAX_ROWS:
        rows = np.sort(rng.choice(rows, MAX_ROWS, replace=False))
    return side.X[rows], side.y[rows]


def _decompose(evidence: Evidence, sides: list[Rows]) -> ShiftDecompositionResult:
    from ...metrics import shift_decomposition

    regression = evidence.pair.task == "regression"
    (X_s, y_s), (X_t, y_t) = sides
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return shift_decomposition(
            X_s, X_t, source_labels=y_s, target_labels=y_t,
            task="regression" if regression else "classification", alpha=ALPHA,
            n_permutations=N_PERMUTATIONS, n_splits=max(4, round(10 * evidence.effort)),
            n_draws=max(8, round(20 * evidence.effort)), random_state=evidence.seed,
        )  # fmt: skip


def _reduced(sides: list[Rows], n_classes: int) -> list[Rows]:
    """Return both sides on the leading principal components of their pooled rows, if too wide.

    The components are blind to domain and label, so the permutation tests stay exact.
    """
    keep = max(MIN_COMPONENTS, MAX_PRODUCTS // n_classes)
    pooled = np.concatenate([X for X, _ in sides])
    if pooled.shape[1] <= keep:
        return sides
    centre = pooled.mean(axis=0)
    axes = np.linalg.svd(pooled - centre, full_matrices=False)[2][:keep].T
    return [((X - centre) @ axes, y) for X, y in sides]


def _result(
    check: Check, evidence: Evidence, found: ShiftDecompositionResult, n_used: int
) -> CheckResult:
    joint = found.joint
    moved = list(found.moved)
    message = "None of the five distributions moved beyond chance."
    if moved:
        named = " and ".join(WORDS[name] for name in moved if name != "P(X,Y)" or len(moved) == 1)
        message = f"This looks like {found.reading}: what moved is {named}."
    return check.result(
        evidence, state="warn" if moved else "pass", severity="moderate" if moved else "none",
        value=float(joint.value), unit="nats, of inputs and label together",
        direction="larger means further apart",
        interval=None if joint.interval is None else to_interval(joint.interval),
        null=to_null(joint.null, joint.value), p_value=float(joint.p_value),
        p_adjusted=float(joint.adjusted_p_value), n_source=found.n_source, n_target=found.n_target,
        threshold=Threshold(value=ALPHA, origin="default", of="adjusted p-value of the five"),
        message=message, facts={
            "reading": found.reading,
            "encoded_columns": evidence.pair.source.X.shape[1],
            "columns_or_components_used": n_used,
            **({"doubts": " ".join(found.warnings)} if found.warnings else {}),
        },
        components=[
            Component(
                name=one.name, value=float(one.value), unit="nats",
                interval=None if one.interval is None else to_interval(one.interval),
                null=to_null(one.null, one.value), p_value=float(one.p_value),
                p_adjusted=float(one.adjusted_p_value), moved=one.moved,
            )
            for one in found.components
        ],
        remedy=REMEDIES.get(found.reading, "") if moved else "",
    )  # fmt: skip
