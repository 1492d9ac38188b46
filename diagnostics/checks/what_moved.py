"""What moved: the inputs, the labels, or what one means for the other?"""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..document import CheckResult, Component, Threshold
from ._base import Check, Evidence, register, to_interval, to_null
from ._units import HALVES, halved_sides, hang_together

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
N_UNIT_SPLITS = 5
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
    Where units are named, what moved must also be beyond what random halves of whole units show.
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
    if hang_together(pair):
        found = _beyond_units(evidence, found)
    return _result(check, evidence, found, sides[0][0].shape[1])


def _labelled(side: Side, rng: np.random.Generator) -> Rows:
    """Return columns and labels of the labelled rows, thinned at random where there are many."""
    rows = np.flatnonzero(side.labelled)
    if rows.size > MAX_ROWS:
        rows = np.sort(rng.choice(rows, MAX_ROWS, replace=False))
    return side.X[rows], side.y[rows]


def _decompose(evidence: Evidence, sides: list[Rows], **fewer: int) -> ShiftDecompositionResult:
    from ...metrics import shift_decomposition

    regression = evidence.pair.task == "regression"
    (X_s, y_s), (X_t, y_t) = sides
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return shift_decomposition(
            X_s, X_t, source_labels=y_s, target_labels=y_t,
            task="regression" if regression else "classification", alpha=ALPHA,
            random_state=evidence.seed, **{
                "n_permutations": N_PERMUTATIONS, "n_splits": max(4, round(10 * evidence.effort)),
                "n_draws": max(8, round(20 * evidence.effort)), **fewer,
            },
        )  # fmt: skip


def _beyond_units(evidence: Evidence, found: ShiftDecompositionResult) -> ShiftDecompositionResult:
    """Hold the five against random halves of whole units; what is not beyond them has not moved.

    The p-values exchange rows, and rows of new units differ from rows of known ones without any
    shift.
    """
    from ...metrics import NullBand
    from ...metrics.shift.shift_decomposition import reading_of

    pair, n_classes = evidence.pair, max(1, len(evidence.pair.classes))
    n_splits = max(3, round(N_UNIT_SPLITS * evidence.effort))
    values: dict[bool, list[list[float]]] = {True: [], False: []}
    for side, first, second in halved_sides(
        pair, seed=evidence.seed, n_splits=n_splits, labelled=True, max_rows=MAX_ROWS // 2
    ):
        halves = _reduced([(side.X[rows], side.y[rows]) for rows in (first, second)], n_classes)
        with contextlib.suppress(ValueError):  # too few rows for the folds
            one = _decompose(evidence, halves, n_permutations=1, n_splits=1, n_draws=2)
            values[side is pair.source].append([part.value for part in one.components])
    sides = [np.array(values[of]) if values[of] else None for of in (True, False)]
    if all(side is None for side in sides):
        return found
    parts = []
    for number, part in enumerate(found.components):
        null = NullBand(*(None if side is None else side[:, number] for side in sides))
        quantiles = (null.source_quantiles, null.target_quantiles)
        top = max(q[2] for q in quantiles if q is not None)
        parts.append(replace(part, null=null, moved=part.moved and part.value > top))
    return replace(
        found, features=parts[0], labels=parts[1], labels_given_features=parts[2],
        features_given_labels=parts[3], joint=parts[4], null=parts[4].null,
        reading=reading_of(*(part.moved for part in parts)),
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
    what = HALVES if hang_together(evidence.pair) else "random halves"
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
        null=to_null(joint.null, joint.value, what=what), p_value=float(joint.p_value),
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
                null=to_null(one.null, one.value, what=what), p_value=float(one.p_value),
                p_adjusted=float(one.adjusted_p_value), moved=one.moved,
            )
            for one in found.components
        ],
        remedy=REMEDIES.get(found.reading, "") if moved else "",
    )  # fmt: skip
