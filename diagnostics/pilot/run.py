"""The pilot: every strategy with every learner on the same held-out target rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..learners import Learner, Predictor
from ..strategies import STRATEGIES, Strategy, Training
from ._plan import Plan, make_plan
from .folds import HeldOut, assign_folds, n_folds, strata_of
from .home import Home, at_home
from .scores import Metric, proper_score

if TYPE_CHECKING:
    from ..domain import Pair, Side

Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]
BASELINE = "target-only"


@dataclass(frozen=True, slots=True)
class Pilot:
    """Held-out predictions of every strategy and learner on the same target rows.

    Attributes
    ----------
    rows : ndarray of shape (n_held_out,)
        Target rows that were held out, as indices into the target.
    y : ndarray of shape (n_held_out,)
        Their labels.
    groups : ndarray of shape (n_held_out,)
        Identical rows share a number.
    n_labels : int
        Labelled target rows the strategies could learn from.
    predictions : dict
        (learner, strategy) to an array (n_repeats, n_held_out[, n_classes]).
    constant : ndarray
        The same for the constant predictor (class shares or mean of the training part).
    skipped : dict
        (learner, strategy) to the reason it was not tried.
    headline : str
        The learner the target alone is best served by, in the proper score.  Chosen without
        looking at any strategy, so that the choice cannot favour transfer.
    home : Home
        The headline learner at home.
    scale : float
        Standard deviation of the target's labels (regression), else 1.
    """

    plan: Plan
    metric: Metric
    proper: Metric
    n_classes: int
    rows: NDArray[np.int64]
    y: NDArray[Any]
    groups: NDArray[np.int64]
    source_rows: NDArray[np.int64]
    target_rows: NDArray[np.int64]
    n_labels: int
    n_folds: int
    n_repeats: int
    predictions: dict[tuple[str, str], Floats]
    constant: Floats
    skipped: dict[tuple[str, str], str]
    headline: str
    home: Home
    scale: float
    notices: tuple[str, ...] = ()

    @property
    def frame(self) -> HeldOut:
        """The target rows on which everything is compared."""
        return HeldOut(self.y, self.groups, self.scale, self.n_folds, self.n_repeats)

    @property
    def learners(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.plan.learners)


@dataclass(slots=True)
class _Task:
    """One fit: which predictor, on which held-out rows its output goes."""

    key: tuple[str, str]
    repeat: int
    held: NDArray[np.intp]
    fit: Callable[[], Predictor]
    X: Floats = field(repr=False)


def mean_error(metric: Metric, y: NDArray[Any], predictions: Floats, scale: float) -> float:
    """Return the mean error over the repeats of `predictions`."""
    return float(np.mean([metric.score(y, one, scale)[0] for one in predictions]))


def run_pilot(
    pair: Pair,
    learners: Sequence[Learner],
    metric: Metric,
    *,
    budget: float = 60.0,
    n_jobs: int | None = None,
    random_state: int = 0,
    progress: Progress | None = None,
) -> Pilot:
    """Cross-validate every strategy and learner on the labelled target rows, paired.

    Rows that also stand in the source may be trained on but are never held out; identical
    rows share a fold.  All strategies see the same folds, so their losses differ row by row
    only by what they learned.

    Parameters
    ----------
    pair : Pair
        For which :func:`~negtransfer.diagnostics.pilot.why_no_pilot` gives ``None``.
    learners : sequence of Learner
    metric : Metric
    budget : float
        Seconds for the whole check; turned into sizes, not into a clock.
    n_jobs : int, optional
        For joblib; the result does not depend on it.
    random_state : int
    progress : callable, optional
        ``progress(stage, done, total)``.
    """
    target, regression = pair.target, pair.task == "regression"
    n_classes = 0 if regression else len(pair.classes)
    labelled = np.flatnonzero(target.labelled)
    strata = strata_of(target.y[labelled], regression=regression)
    k = n_folds(labelled.size, strata, target.group[labelled])
    n_source = int(pair.source.labelled.sum())
    plan = make_plan(n_source, labelled.size, target.X.shape[1], k, learners, budget)
    rng = np.random.default_rng([random_state, 11])
    source_rows = _thin(pair.source, plan.max_source, regression, rng)
    target_rows = _thin(target, plan.max_target, regression, rng)
    strata = strata_of(target.y[target_rows], regression=regression)
    usable = ~target.shared[target_rows]
    folds = [assign_folds(strata, target.group[target_rows], k, rng) for _ in range(plan.n_repeats)]
    y = target.y[target_rows]
    place = np.cumsum(usable) - 1
    shape = (plan.n_repeats, int(usable.sum())) + ((n_classes,) if n_classes else ())
    with _recorded() as caught:
        source_models = {
            one.name: one.fit(
                pair.source.X[source_rows], pair.source.y[source_rows],
                n_classes=n_classes, seed=random_state,
            )
            for one in plan.learners
        }  # fmt: skip
    skipped = _skipped(plan, str(pair.task))
    tried = [
        (one, strategy)
        for one in plan.learners
        for strategy in STRATEGIES.values()
        if pair.task in strategy.tasks and (one.name, strategy.name) not in skipped
    ]
    predictions = {(one.name, strategy.name): np.empty(shape) for one, strategy in tried}
    tasks = [
        task
        for one, strategy in tried
        for task in _tasks_of(
            one, strategy, pair, source_rows, target_rows, usable, folds, k,
            source_models[one.name], n_classes, random_state,
        )
    ]  # fmt: skip
    with warnings.catch_warnings(record=True):
        # Which of several threads sees which warning is chance, and the document must not
        # depend on it: what is told are the warnings of the fits outside.
        warnings.simplefilter("ignore")
        for task, out in _execute(tasks, n_jobs, progress):
            where = slice(None) if task.repeat < 0 else task.repeat
            predictions[task.key][where, place[task.held]] = out
    constant = _constant_predictions(y, usable, folds, k, n_classes, shape)
    scale = float(np.std(y, ddof=1)) if regression else 1.0
    proper = proper_score(metric, str(pair.task))
    headline = min(
        plan.learners,
        key=lambda one: mean_error(proper, y[usable], predictions[one.name, BASELINE], scale),
    )
    with _recorded() as later:
        home = at_home(headline, pair, source_rows, target_rows[usable], n_classes, random_state)
    return Pilot(
        plan, metric, proper, n_classes,
        target_rows[usable], y[usable], target.group[target_rows][usable],
        source_rows, target_rows, target_rows.size, k, plan.n_repeats,
        predictions, constant, skipped, headline.name, home, scale,
        _notices([*caught, *later], plan),
    )  # fmt: skip


@contextmanager
def _recorded() -> Iterator[list[warnings.WarningMessage]]:
    """Collect the warnings of a block, every one of them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def _skipped(plan: Plan, task: str) -> dict[tuple[str, str], str]:
    """Return the strategies a learner cannot be used with, and why."""
    return {
        (one.name, strategy.name): f"the learner {one.name} takes no sample weights"
        for one in plan.learners
        for strategy in STRATEGIES.values()
        if task in strategy.tasks and strategy.needs_weights and not one.takes_weights
    }


def _thin(side: Side, limit: int, regression: bool, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the labelled rows, or a stratified random subset of `limit` of them."""
    rows = np.flatnonzero(side.labelled)
    if rows.size <= limit:
        return rows
    strata = strata_of(side.y[rows], regression=regression)
    order = np.lexsort((rng.random(rows.size), strata))
    picked = order[np.linspace(0, rows.size - 1, limit).round().astype(np.int64)]
    return np.sort(rows[picked])


def _tasks_of(
    learner: Learner,
    strategy: Strategy,
    pair: Pair,
    source_rows: NDArray[np.int64],
    target_rows: NDArray[np.int64],
    usable: NDArray[np.bool_],
    folds: list[NDArray[np.int64]],
    k: int,
    source_model: Predictor,
    n_classes: int,
    seed: int,
) -> Iterator[_Task]:
    X, y = pair.target.X[target_rows], pair.target.y[target_rows]

    def training(keep: NDArray[np.bool_], repeat: int, fold: int) -> Training:
        return Training(
            pair.source.X[source_rows], pair.source.y[source_rows], X[keep], y[keep],
            n_classes, source_model, seed * 1000 + repeat * k + fold,
        )  # fmt: skip

    if not strategy.uses_target_labels:
        held = np.flatnonzero(usable)
        every = np.ones(len(y), dtype=bool)
        yield _Task(
            (learner.name, strategy.name), -1, held,
            lambda: strategy.fit(learner, training(every, 0, 0)), X[held],
        )  # fmt: skip
        return
    for repeat, fold_of in enumerate(folds):
        for fold in range(k):
            held = np.flatnonzero((fold_of == fold) & usable)
            if held.size == 0:
                continue

            def fit(keep: NDArray[np.bool_] = fold_of != fold, r: int = repeat, f: int = fold
                    ) -> Predictor:  # fmt: skip
                return strategy.fit(learner, training(keep, r, f))

            yield _Task((learner.name, strategy.name), repeat, held, fit, X[held])


def _execute(
    tasks: list[_Task], n_jobs: int | None, progress: Progress | None
) -> Iterator[tuple[_Task, Floats]]:
    from joblib import Parallel, delayed

    def work(task: _Task) -> Floats:
        return task.fit()(task.X)

    outputs = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(
        delayed(work)(task) for task in tasks
    )
    for done, (task, out) in enumerate(zip(tasks, outputs, strict=True), start=1):
        if progress is not None:
            progress("pilot", done, len(tasks))
        yield task, out


def _constant_predictions(
    y: NDArray[Any],
    usable: NDArray[np.bool_],
    folds: list[NDArray[np.int64]],
    k: int,
    n_classes: int,
    shape: tuple[int, ...],
) -> Floats:
    out = np.empty(shape)
    for repeat, fold_of in enumerate(folds):
        for fold in range(k):
            train = y[fold_of != fold]
            value = (
                np.bincount(train, minlength=n_classes) / len(train) if n_classes else train.mean()
            )
            out[repeat, fold_of[usable] == fold] = value
    return out


def _notices(caught: Sequence[warnings.WarningMessage], plan: Plan) -> tuple[str, ...]:
    kinds: dict[str, int] = {}
    for one in caught:
        kinds[one.category.__name__] = kinds.get(one.category.__name__, 0) + 1
    told = [
        f"a learner raised {name} {count} times on the source"
        for name, count in sorted(kinds.items())
    ]
    return tuple(told) + plan.left_out
