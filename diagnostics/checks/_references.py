"""The task comparisons inside the source: what they show where nothing differs.

Some source rows, as many as the target has labels, play the target; the rest stays source.
Where rows of a unit hang together, whole units play it, at least as many as the target has: a
source model that knows some rows of a unit does well on the others, and would set a bar that no
new unit can meet.
The difference between the source model and a model of those few rows is then the null
reference of the concept-shift check, and the source model's agreement with them that of the
reversal check.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..document import NullReference
from ..gap import compare
from ..pilot import HeldOut, Metric, assign_folds
from ..pilot.folds import strata_of
from ._base import to_null
from ._units import Halves, hang_together, pick_units

if TYPE_CHECKING:
    from ..domain import Pair
    from ..learners import Learner
    from ..pilot import Pilot
    from ._base import Evidence

N_RUNS = 6
EXCHANGED = "the two models exchanged at random"
MAX_ROWS = 1500
"""Rows of the source in one run: enough for a reference, and cheap."""
MIN_AS_TARGET, MAX_AS_TARGET = 10, 300
"""Rows that play the target."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Values of the task comparisons over pseudo-targets drawn from the source.

    Attributes
    ----------
    n_rows : int
        Rows of each pseudo-target.
    difference : ndarray of shape (n_runs,)
        Error of the pseudo-source model minus error of the model of the pseudo-target.
    agreement : ndarray of shape (n_runs,)
        How well the pseudo-source model orders the pseudo-target (see ``agreement``).
    """

    n_rows: int
    difference: NDArray[np.float64]
    agreement: NDArray[np.float64]


def agreement(y: NDArray[Any], predicted: NDArray[np.float64]) -> float:
    """Return how well predictions follow the labels, from -1 (reversed) to 1.

    Two classes: 2 AUC - 1.  More classes: (hits - hits of the best other assignment of
    predicted classes to true ones) / rows.  A quantity: Spearman's rank correlation.
    """
    if predicted.ndim == 1:
        from scipy.stats import spearmanr

        if np.ptp(predicted) == 0 or np.ptp(y) == 0:
            return 0.0
        return float(spearmanr(predicted, y).statistic)
    if predicted.shape[1] == 2:
        from scipy.stats import rankdata

        positive = y == 1
        n_pos, n_neg = int(positive.sum()), int((~positive).sum())
        if not n_pos or not n_neg:
            return 0.0
        ranks = rankdata(predicted[:, 1])[positive].sum()
        return float(2 * (ranks - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg) - 1)
    hits, other, _ = best_other_assignment(y, predicted)
    return (hits - other) / len(y)


def best_other_assignment(
    y: NDArray[Any], proba: NDArray[np.float64]
) -> tuple[int, int, NDArray[np.int64]]:
    """Return the hits as labelled, the hits of the best relabelling, and that relabelling.

    The relabelling is the assignment of predicted to true classes with the most hits among
    those that move every class it can gain by (Hungarian method on the confusion counts,
    with the diagonal lowered just enough to lose ties).
    """
    from scipy.optimize import linear_sum_assignment

    n_classes = proba.shape[1]
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (y, proba.argmax(axis=1)), 1)
    _, mapping = linear_sum_assignment(-(counts + 1e-9 * np.eye(n_classes)))
    moved = mapping != np.arange(n_classes)
    if not moved.any():  # the identity is best: the strongest rival swaps one pair
        gain = counts + counts.T - counts.diagonal()[:, None] - counts.diagonal()[None, :]
        np.fill_diagonal(gain, -np.inf)
        a, b = np.unravel_index(int(gain.argmax()), gain.shape)
        mapping = np.arange(n_classes)
        mapping[[a, b]] = mapping[[b, a]]
    hits = int(counts.trace())
    return hits, int(counts[np.arange(n_classes), mapping].sum()), mapping


def reference_runs(evidence: Evidence) -> Reference | None:
    """Run the comparisons inside the source; ``None`` when it has too few rows."""
    pilot, learner = evidence.pilot, evidence.headline
    if pilot is None or learner is None:
        return None
    source = evidence.pair.source
    rng = np.random.default_rng([evidence.seed, 13])
    n_runs = max(3, round(N_RUNS * evidence.effort))
    if hang_together(evidence.pair):
        picks = _units_apart(evidence.pair, pilot, n_runs, rng)
    else:
        picks = _rows_apart(pilot, n_runs, rng)
    if not picks:
        return None
    from joblib import Parallel, delayed

    with warnings.catch_warnings(record=True):
        warnings.simplefilter("ignore")
        values = Parallel(n_jobs=evidence.n_jobs, prefer="threads")(
            delayed(_one_run)(
                learner, pilot.metric, source.X, source.y, source.group,
                as_target, as_source, pilot.n_classes, evidence.seed + number,
            )
            for number, (as_target, as_source) in enumerate(picks)
        )  # fmt: skip
    found = np.array([v for v in values if v is not None], dtype=np.float64)
    if len(found) < 3:
        return None
    return Reference(len(picks[0][0]), found[:, 0], found[:, 1])


def _rows_apart(pilot: Pilot, n_runs: int, rng: np.random.Generator) -> list[Halves]:
    """Return rows that play the target, and the rest, for every run; nothing with too few."""
    rows = pilot.source_rows
    if rows.size > MAX_ROWS:
        rows = np.sort(rng.choice(rows, MAX_ROWS, replace=False))
    n_rows = min(pilot.n_labels, rows.size // 2, MAX_AS_TARGET)
    if n_rows < MIN_AS_TARGET:
        return []
    orders = [rng.permutation(rows) for _ in range(n_runs)]
    return [(order[:n_rows], order[n_rows:]) for order in orders]


def _units_apart(pair: Pair, pilot: Pilot, n_runs: int, rng: np.random.Generator) -> list[Halves]:
    """Return the same with whole units on either side."""
    rows = pilot.source_rows
    n_rows = min(pilot.n_labels, rows.size // 2, MAX_AS_TARGET)
    n_units = np.unique(pair.target.group[pilot.target_rows]).size
    picks = []
    for _ in range(n_runs):
        picked = pick_units(pair.source.group[rows], n_units, n_rows, rng)
        if picked is None or picked[0].size < MIN_AS_TARGET:
            continue
        as_target, rest = (rows[part] for part in picked)
        if rest.size > MAX_ROWS - n_rows:
            rest = np.sort(rng.choice(rest, MAX_ROWS - n_rows, replace=False))
        picks.append((as_target, rest))
    return picks


def _one_run(
    learner: Learner,
    metric: Metric,
    X: NDArray[np.float64],
    y: NDArray[Any],
    group: NDArray[np.int64],
    target: NDArray[np.int64],
    source: NDArray[np.int64],
    n_classes: int,
    seed: int,
) -> tuple[float, float] | None:
    regression = n_classes == 0
    y_t = y[target]
    if np.unique(y_t).size < 2 or np.unique(y[source]).size < 2:
        return None
    model = learner.fit(X[source], y[source], n_classes=n_classes, seed=seed)
    away = model(X[target])
    rng = np.random.default_rng([seed, 14])
    k = 5
    fold = assign_folds(strata_of(y_t, regression=regression), group[target], k, rng)
    own = np.empty_like(away)
    for held in range(k):
        keep = fold != held
        if keep.all():
            continue
        fitted = learner.fit(X[target][keep], y_t[keep], n_classes=n_classes, seed=seed + held)
        own[~keep] = fitted(X[target][~keep])
    scale = float(np.std(y_t, ddof=1)) if regression else 1.0
    frame = HeldOut(y_t, group[target], scale, k, 1)
    return compare(frame, metric, away[None], own[None]).estimate, agreement(y_t, away)


def upper_bound(values: NDArray[np.float64]) -> float:
    """Return the value that one more draw of the few would exceed in 5 % of cases."""
    from scipy.stats import t

    n = len(values)
    return float(values.mean() + t.ppf(0.95, n - 1) * values.std(ddof=1) * math.sqrt(1 + 1 / n))


def source_null(values: NDArray[np.float64] | None, value: float) -> NullReference | None:
    """Return the runs inside the source as the null reference of `value`."""
    if values is None:
        return None
    from ...metrics import NullBand

    return to_null(NullBand(values, None), value, what="source rows playing the target")
