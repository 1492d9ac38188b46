"""What is known of every candidate before anyone trains: probes and scores, layer by layer.

All candidates, the raw inputs and the untrained copies are probed on the same labelled rows and
the same folds, so that their errors are compared row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pilot.folds import HeldOut, assign_folds, n_folds, strata_of
from ..pilot.scores import Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...metrics import LinearProbeResult
    from .labels import TargetLabels

Floats = Any
N_REPEATS = 2


@dataclass(frozen=True, eq=False)
class Frame:
    """The labelled rows and the folds on which everything is probed.

    Attributes
    ----------
    labels : TargetLabels
    folds : tuple of ndarray of shape (n,)
        The fold of every row, for every repeat.
    held_out : HeldOut
        For comparing predictions.
    metric, proper : Metric
        The user's, and the proper score that layers are chosen by.
    """

    labels: TargetLabels
    folds: tuple[NDArray[np.int64], ...]
    held_out: HeldOut
    metric: Metric
    proper: Metric

    @cached_property
    def splits(self) -> tuple[tuple[tuple[NDArray[np.int64], NDArray[np.int64]], ...], ...]:
        """For every repeat and fold the rows to train on and those held out."""
        rows = np.arange(len(self.labels.y), dtype=np.int64)
        return tuple(
            tuple((rows[fold != k], rows[fold == k]) for k in range(self.held_out.n_folds))
            for fold in self.folds
        )

    def errors(self, predictions: Floats, metric: Metric) -> tuple[float, Floats]:
        """Return the mean error over the repeats, and the mean influence of every row."""
        scored = [metric.score(self.held_out.y, p, self.held_out.scale) for p in predictions]
        return (
            float(np.mean([error for error, _ in scored])),
            np.mean([influence for _, influence in scored], axis=0),
        )

    @cached_property
    def constant(self) -> Floats:
        """Predictions of a constant, learned from the same rows as everything else."""
        y, regression = self.labels.y, self.labels.task == "regression"
        k = len(self.labels.classes)
        out = np.empty((len(self.folds), len(y)) if regression else (len(self.folds), len(y), k))
        for repeat, pairs in enumerate(self.splits):
            for train, held in pairs:
                out[repeat, held] = (
                    y[train].mean() if regression
                    else np.bincount(y[train], minlength=k) / len(train)
                )  # fmt: skip
        return out


def make_frame(
    labels: TargetLabels, groups: NDArray[np.int64], metric: Metric, proper: Metric, *, seed: int
) -> Frame:
    """Draw the folds: stratified, and never splitting identical rows."""
    regression = labels.task == "regression"
    strata = strata_of(labels.y, regression=regression)
    k = n_folds(len(labels.y), strata, groups)
    rng = np.random.default_rng([seed, 17])
    folds = tuple(assign_folds(strata, groups, k, rng) for _ in range(N_REPEATS))
    scale = float(np.std(labels.y, ddof=1)) if regression else 1.0
    frame = HeldOut(labels.y, groups, scale, k, N_REPEATS)
    return Frame(labels, folds, frame, metric, proper)


def identical_rows(table: Floats) -> NDArray[np.int64]:
    """Return the same number for rows that are the same."""
    plain = np.ascontiguousarray(table)
    keys = [row.tobytes() for row in plain]
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Probed:
    """One candidate's layers, probed.

    Attributes
    ----------
    predictions : dict of str to ndarray of shape (n_repeats, n[, C])
        By layer, of the rows held out.
    chosen : ndarray of shape (n_repeats, n[, C])
        Of the layer that was best on the other folds: what picking a layer by
        cross-validation gives, without looking at the rows it is judged on.
    best : str
        The layer that is best on all rows.
    """

    predictions: Mapping[str, Floats]
    chosen: Floats
    best: str


def probe_layers(
    layers: Mapping[str, Floats], frame: Frame, *, tick: Callable[[], None] | None = None
) -> Probed:
    """Probe every layer on the frame's folds, and choose among them fold by fold.

    Parameters
    ----------
    layers : mapping of str to ndarray of shape (n, d)
        Features of the labelled rows.
    frame : Frame
    tick : callable, optional
        Called after every layer.
    """
    predictions = {}
    for name, table in layers.items():
        predictions[name] = probe(table, frame)
        if tick is not None:
            tick()
    return Probed(predictions, _by_other_folds(predictions, frame), _best(predictions, frame))


def probe(table: Floats, frame: Frame) -> Floats:
    """Return what a linear model says of the rows held out, shape (n_repeats, n[, C])."""
    from ...metrics import linear_probe

    regression = frame.labels.task == "regression"
    out = []
    for pairs in frame.splits:
        found = linear_probe(
            table, frame.labels.y, splits=pairs, regression=regression, n_permutations=0,
            n_draws=0,
        )  # fmt: skip
        out.append(_said(found))
    return np.stack(out)


def _said(found: LinearProbeResult) -> Floats:
    if found.predictions is not None:
        return found.predictions[:, 0]
    assert found.probabilities is not None
    return found.probabilities


def _by_other_folds(predictions: Mapping[str, Floats], frame: Frame) -> Floats:
    """Return the predictions of the layer with the smaller proper loss on the other folds."""
    tables = list(predictions.values())
    if len(tables) == 1:
        return tables[0]
    chosen = np.empty_like(tables[0])
    for repeat, pairs in enumerate(frame.splits):
        losses = np.stack([_losses(t[repeat], frame) for t in tables])
        for train, held in pairs:
            chosen[repeat, held] = tables[int(losses[:, train].mean(axis=1).argmin())][repeat, held]
    return chosen


def _best(predictions: Mapping[str, Floats], frame: Frame) -> str:
    return min(predictions, key=lambda name: frame.errors(predictions[name], frame.proper)[0])


def _losses(prediction: Floats, frame: Frame) -> Floats:
    error, influence = frame.proper.score(frame.held_out.y, prediction, frame.held_out.scale)
    return error + influence


# --- scores beside the probe


@dataclass(frozen=True, slots=True)
class Asked:
    """A score of a layer, and how it is asked for.

    Attributes
    ----------
    name : str
        Of the measure.
    n_permutations, n_draws : int
    joins : bool
        Whether it is put together with the probe's proper score; which does was chosen on the
        networks of `benchmarks/networks`.
    options : tuple of (str, value)
    """

    name: str
    n_permutations: int
    n_draws: int
    joins: bool
    options: tuple[tuple[str, Any], ...] = ()


CLASS_SCORES: Sequence[Asked] = (
    Asked("parc", 20, 20, True),
    Asked("knn_probe", 20, 1, False, (("k", 5), ("metric", "cosine"))),
    Asked("logme", 20, 20, False),
    Asked("shrunken_h_score", 20, 20, False),
)
QUANTITY_SCORES: Sequence[Asked] = (
    Asked("knn_probe", 20, 1, False, (("k", 5), ("regression", True))),
    Asked("logme", 20, 20, True, (("regression", True),)),
)


def asked_scores(task: str) -> Sequence[Asked]:
    """Return the scores of a kind of label."""
    return QUANTITY_SCORES if task == "regression" else CLASS_SCORES


def representation_scores(
    table: Floats, labels: TargetLabels, raw: Floats | None, *, seed: int
) -> dict[str, Any]:
    """Return how like the labels, and how like the raw inputs, a layer arranges the rows.

    Debiased linear CKA: with the one-hot classes (or the quantity), and with the raw inputs.

    Parameters
    ----------
    table : ndarray of shape (n, d)
    labels : TargetLabels
    raw : ndarray of shape (n, p) or None
    seed : int
    """
    from ...metrics import cka

    regression = labels.task == "regression"
    wanted = labels.y[:, None] if regression else np.eye(len(labels.classes))[labels.y]
    ways = {"cka_with_labels": wanted.astype(np.float64)}
    if raw is not None:
        ways["cka_with_raw_inputs"] = raw
    return {
        name: cka(table, other, n_permutations=20, n_draws=20, random_state=seed)
        for name, other in ways.items()
    }


def layer_scores(
    table: Floats, labels: TargetLabels, *, seed: int, doubt: bool = True
) -> dict[str, Any]:  # fmt: skip
    """Return the scores of a layer by name, each a ``ScoreResult``.

    Parameters
    ----------
    table : ndarray of shape (n, d)
    labels : TargetLabels
    seed : int
    doubt : bool
        Whether chance levels and intervals are wanted too.
    """
    from ... import metrics

    return {
        one.name: getattr(metrics, one.name)(
            table, labels.y, n_permutations=one.n_permutations if doubt else 0,
            n_draws=one.n_draws if doubt else 0, random_state=seed, **dict(one.options),
        )
        for one in asked_scores(labels.task)
    }  # fmt: skip
