"""The pilot: every strategy with every learner on the same held-out target rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._words import short
from ..learners import Learner, Predictor
from ..strategies import DEFAULT, Memo, Strategy, Training, chosen_strategies
from ._plan import MAX_TARGET_ROWS, Plan, make_plan
from .folds import HeldOut, n_folds, strata_of, time_blocks
from .held_out import may_be_held_out, unit_notices
from .home import Home, at_home
from .scores import Metric, proper_score
from .split import Split, at_random, forward, forward_notice
from .work import OWN_MODELS, Tally, Work

if TYPE_CHECKING:
    from ..domain import Pair, Side

Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]
BASELINE = "target-only"
FAULTS = (ValueError, ArithmeticError, RuntimeError)
"""What a strategy beyond the default may fail with; it is then left out and the reason told."""


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
        Identical rows, and rows of one unit, share a number.
    n_labels : int
        Labelled target rows the strategies could learn from.
    predictions : dict
        (learner, strategy) to an array (n_repeats, n_held_out[, n_classes]).
    constant : ndarray
        The same for the constant predictor (class shares or mean of the training part).
    skipped : dict
        (learner, strategy) to the reason it was not tried.
    notes : dict
        (learner, strategy) to a clause with a number worth knowing.
    checked : frozenset of (learner, strategy)
        Those whose preconditions were checked on the data.
    headline : str
        The learner the target alone is best served by, in the proper score.  Chosen without
        looking at any strategy, so that the choice cannot favour transfer.
    home : Home
        The headline learner at home.
    scale : float
        Standard deviation of the target's labels (regression), else 1.
    work : Work or None
        Models fitted, also at home, and the rows they were trained on.
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
    notes: dict[tuple[str, str], str] = field(default_factory=dict)
    checked: frozenset[tuple[str, str]] = frozenset()
    work: Work | None = None

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
    may_fail: bool
    X: Floats = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Arm:
    """A learner with its source model, and what its strategies keep between folds."""

    learner: Learner
    source_model: Predictor
    memo: Memo


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """The labelled rows of both sides, the unlabelled ones of the target, and the folds."""

    source_X: Floats
    source_y: NDArray[Any]
    X: Floats
    y: NDArray[Any]
    unlabelled_X: Floats
    unlabelled_time: Floats | None
    split: Split
    n_classes: int
    seed: int

    def training(
        self, arm: _Arm, keep: NDArray[np.bool_], number: int, before: float = np.inf
    ) -> Training:
        """Return what a strategy may learn from: the rows of `keep`, and inputs of `before`."""
        unlabelled = self.unlabelled_X
        if self.unlabelled_time is not None:
            unlabelled = unlabelled[self.unlabelled_time < before]
        return Training(
            self.source_X, self.source_y, self.X[keep], self.y[keep], self.n_classes,
            arm.source_model, self.seed * 1000 + number, unlabelled, arm.memo,
        )  # fmt: skip

    def fold(self, arm: _Arm, repeat: int, fold: int) -> Training:
        """Return what a strategy may learn from while this fold is held out."""
        keep, number = self.split.kept(repeat, fold), repeat * self.split.k + fold
        return self.training(arm, keep, number, self.split.starts(fold))


def mean_error(metric: Metric, y: NDArray[Any], predictions: Floats, scale: float) -> float:
    """Return the mean error over the repeats of `predictions`."""
    return float(np.mean([metric.score(y, one, scale)[0] for one in predictions]))


def run_pilot(
    pair: Pair,
    learners: Sequence[Learner],
    metric: Metric,
    *,
    strategies: Sequence[Strategy] | None = None,
    budget: float = 60.0,
    n_jobs: int | None = None,
    random_state: int = 0,
    progress: Progress | None = None,
    earlier: Pilot | None = None,
) -> Pilot:
    """Cross-validate every strategy and learner on the labelled target rows, paired.

    Rows that also stand in the source may be trained on but are never held out, nor are rows of
    units that do; identical rows, and rows of one unit, share a fold.  Where the target's rows
    have a time, later blocks are held out and only what is earlier is trained on.  All
    strategies see the same folds, so their losses differ row by row only by what they learned.
    Of the target a strategy sees the labelled rows that are not held out and the unlabelled
    ones; the inputs of held-out rows are seen by none.

    Parameters
    ----------
    pair : Pair
        For which :func:`~negtransfer.diagnostics.pilot.why_no_pilot` gives ``None``.
    learners : sequence of Learner
    metric : Metric
    strategies : sequence of Strategy, optional
        The default ones if left out; see
        :func:`~negtransfer.diagnostics.strategies.chosen_strategies`.
    budget : float
        Seconds for the whole check; turned into sizes, not into a clock.
    n_jobs : int, optional
        For joblib; the result does not depend on it.
    random_state : int
    progress : callable, optional
        ``progress(stage, done, total)``.  If it has ``fitted(learner, n_rows, seconds)``, that
        is called once a learner, with the time of its source model.
    earlier : Pilot, optional
        On the same pair: where the headline learner is the same, so is what it did at home.
    """
    target, regression = pair.target, pair.task == "regression"
    n_classes = 0 if regression else len(pair.classes)
    labelled = np.flatnonzero(target.labelled)
    strata = strata_of(target.y[labelled], regression=regression)
    if target.time is None:
        k = n_folds(labelled.size, strata, target.group[labelled])
    else:
        k = time_blocks(target.time[labelled])[1]
    n_source = int(pair.source.labelled.sum())
    wanted = chosen_strategies() if strategies is None else tuple(strategies)
    plan = make_plan(n_source, labelled.size, target.X.shape[1], k, learners, budget, wanted)
    tally = Tally()
    plan = replace(plan, learners=tuple(tally.counting(one) for one in plan.learners))
    rng = np.random.default_rng([random_state, 11])
    source_rows = _thin(pair.source, plan.max_source, regression, rng)
    target_rows = _thin(target, plan.max_target, regression, rng)
    if target.time is not None:
        plan = replace(plan, n_repeats=1)
    split = _split(pair, target_rows, k, plan.n_repeats, rng)
    k, usable = split.k, split.usable
    y = target.y[target_rows]
    place = np.cumsum(usable) - 1
    shape = (plan.n_repeats, int(usable.sum())) + ((n_classes,) if n_classes else ())
    told_of_fit = getattr(progress, "fitted", None)
    source_models = {}
    with _recorded() as caught:
        for one in plan.learners:
            start = perf_counter()
            source_models[one.name] = one.fit(
                pair.source.X[source_rows], pair.source.y[source_rows],
                n_classes=n_classes, seed=random_state,
            )  # fmt: skip
            if told_of_fit is not None:
                told_of_fit(one.name, source_rows.size, perf_counter() - start)
    data = _Data(
        pair.source.X[source_rows], pair.source.y[source_rows], target.X[target_rows], y,
        *_unlabelled(target, random_state), split, n_classes, random_state,
    )  # fmt: skip
    arms = [_Arm(one, source_models[one.name], Memo(random_state)) for one in plan.learners]
    skipped = _skipped(plan, str(pair.task), told=wanted != chosen_strategies())
    with warnings.catch_warnings(record=True):
        # Which of several threads sees which warning is chance, and the document must not
        # depend on it: what is told are the warnings of the fits outside.
        warnings.simplefilter("ignore")
        checked, notes = _prechecked(plan, str(pair.task), arms[0], data, skipped)
        tried = [
            (arm, strategy)
            for arm in arms
            for strategy in plan.strategies
            if pair.task in strategy.tasks and (arm.learner.name, strategy.name) not in skipped
        ]
        predictions = {(arm.learner.name, one.name): np.empty(shape) for arm, one in tried}
        tasks = [
            task
            for arm, strategy in tried
            if arm is arms[0] or not strategy.own_model
            for task in _tasks_of(arm, strategy, data, tally)
        ]
        for task, out in _execute(tasks, n_jobs, progress):
            if isinstance(out, str):
                skipped.setdefault(task.key, out)
                continue
            where = slice(None) if task.repeat < 0 else task.repeat
            predictions[task.key][where, place[task.held]] = out
    _settle(predictions, skipped, plan)
    constant = _constant_predictions(y, split, n_classes, shape)
    scale = float(np.std(y, ddof=1)) if regression else 1.0
    proper = proper_score(metric, str(pair.task))
    headline = min(
        plan.learners,
        key=lambda one: mean_error(proper, y[usable], predictions[one.name, BASELINE], scale),
    )
    with _recorded() as later:
        if earlier is not None and earlier.headline == headline.name:
            home = earlier.home
        else:
            home = at_home(
                headline, pair, source_rows,
                target_rows if split.time is not None else target_rows[usable],
                n_classes, random_state, split=split if split.time is not None else None,
            )  # fmt: skip
    told = unit_notices(pair)
    if split.time is not None:
        told += (forward_notice(split, target_rows.size),)
    return Pilot(
        plan, metric, proper, n_classes,
        target_rows[usable], y[usable], target.group[target_rows][usable],
        source_rows, target_rows, target_rows.size, k, plan.n_repeats,
        predictions, constant, skipped, headline.name, home, scale,
        _notices([*caught, *later], plan) + told, notes, checked, tally.work(),
    )  # fmt: skip


@contextmanager
def _recorded() -> Iterator[list[warnings.WarningMessage]]:
    """Collect the warnings of a block, every one of them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def _skipped(plan: Plan, task: str, *, told: bool) -> dict[tuple[str, str], str]:
    """Return the strategies a learner cannot be used with, and why.

    That a strategy is made for other labels is `told` only where strategies were asked for.
    """
    found = {}
    for one in plan.learners:
        for strategy in plan.strategies:
            key = one.name, strategy.name
            if task not in strategy.tasks:
                if told:
                    kind = "quantities" if "regression" in strategy.tasks else "classes"
                    found[key] = f"it is made for {kind}"
            elif strategy.needs_weights and not one.takes_weights:
                found[key] = f"the learner {one.name} takes no sample weights"
    return found


def _prechecked(
    plan: Plan, task: str, arm: _Arm, data: _Data, skipped: dict[tuple[str, str], str]
) -> tuple[frozenset[tuple[str, str]], dict[tuple[str, str], str]]:
    """Add to `skipped` what fails its preconditions; return those checked, and the notes."""
    checked, notes = set(), {}
    every = np.ones(len(data.y), dtype=bool)
    training = data.training(arm, every, 0)
    for strategy in plan.strategies:
        if task not in strategy.tasks:
            continue
        reason, note = _precheck(strategy, training)
        for one in plan.learners:
            key = one.name, strategy.name
            if key in skipped:
                continue
            if strategy.precheck is not None:
                checked.add(key)
            if reason is not None:
                skipped[key] = reason
            if note:
                notes[key] = note
    return frozenset(checked), notes


def _precheck(strategy: Strategy, training: Training) -> tuple[str | None, str]:
    try:
        reason = None if strategy.precheck is None else strategy.precheck(training)
        return reason, "" if strategy.note is None else strategy.note(training)
    except FAULTS as fault:
        return f"its preconditions could not be checked: {short(str(fault), 120)}", ""


def _split(
    pair: Pair,
    rows: NDArray[np.int64],
    k: int,
    n_repeats: int,
    rng: np.random.Generator,
) -> Split:
    """Return what is held out when, of these target rows."""
    target = pair.target
    usable = may_be_held_out(target, pair.source)[rows]
    if target.time is not None:
        return forward(
            target.time[rows], None if target.unit is None else target.unit[rows], usable
        )
    strata = strata_of(target.y[rows], regression=pair.task == "regression")
    return at_random(strata, target.group[rows], usable, k, n_repeats, rng)


def _unlabelled(side: Side, seed: int) -> tuple[Floats, Floats | None]:
    """Return inputs of unlabelled rows, and their times if they have any.

    Copies of labelled rows, and rows of their units, are not among them: those may be held out.
    """
    rows = np.flatnonzero(~side.labelled & ~np.isin(side.group, side.group[side.labelled]))
    if rows.size > MAX_TARGET_ROWS:
        rng = np.random.default_rng([seed, 13])
        rows = np.sort(rng.choice(rows, MAX_TARGET_ROWS, replace=False))
    return side.X[rows], None if side.time is None else side.time[rows]


def _settle(
    predictions: dict[tuple[str, str], Floats], skipped: dict[tuple[str, str], str], plan: Plan
) -> None:
    """Give every learner what models of their own predict, and drop what failed in a fold."""
    first = plan.learners[0].name
    for learner, name in list(predictions):
        if next(one for one in plan.strategies if one.name == name).own_model:
            predictions[learner, name] = predictions[first, name]
            if (first, name) in skipped:
                skipped[learner, name] = skipped[first, name]
        if (learner, name) in skipped:
            del predictions[learner, name]


def _thin(side: Side, limit: int, regression: bool, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the labelled rows, or a stratified random subset of `limit` of them."""
    rows = np.flatnonzero(side.labelled)
    if rows.size <= limit:
        return rows
    strata = strata_of(side.y[rows], regression=regression)
    order = np.lexsort((rng.random(rows.size), strata))
    picked = order[np.linspace(0, rows.size - 1, limit).round().astype(np.int64)]
    return np.sort(rows[picked])


def _tasks_of(arm: _Arm, strategy: Strategy, data: _Data, tally: Tally) -> Iterator[_Task]:
    key, may_fail = (arm.learner.name, strategy.name), strategy.name not in DEFAULT
    if strategy.one_fit_for_all_folds:
        held = np.flatnonzero(data.split.usable)
        every = np.ones(len(data.y), dtype=bool)
        yield _Task(
            key, -1, held,
            lambda: strategy.fit(arm.learner, data.training(arm, every, 0)), may_fail, data.X[held],
        )  # fmt: skip
        return
    for repeat in range(len(data.split.fold_of)):
        for fold in range(data.split.k):
            held = np.flatnonzero(data.split.held(repeat, fold))
            if held.size == 0:
                continue
            if strategy.own_model:
                kept = int(data.split.kept(repeat, fold).sum())
                tally.add(OWN_MODELS, len(data.source_y) + kept)

            def fit(repeat: int = repeat, fold: int = fold) -> Predictor:
                return strategy.fit(arm.learner, data.fold(arm, repeat, fold))

            yield _Task(key, repeat, held, fit, may_fail, data.X[held])


def _execute(
    tasks: list[_Task], n_jobs: int | None, progress: Progress | None
) -> Iterator[tuple[_Task, Floats | str]]:
    """Run the tasks; a text instead of predictions says why a strategy failed."""
    from joblib import Parallel, delayed

    def work(task: _Task) -> Floats | str:
        if not task.may_fail:
            return task.fit()(task.X)
        try:
            found = task.fit()(task.X)
        except FAULTS as fault:
            return f"it failed on a fold: {short(str(fault), 120)}"
        return found if np.isfinite(found).all() else "it predicted no finite numbers on a fold"

    outputs = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(
        delayed(work)(task) for task in tasks
    )
    for done, (task, out) in enumerate(zip(tasks, outputs, strict=True), start=1):
        if progress is not None:
            progress("pilot", done, len(tasks))
        yield task, out


def _constant_predictions(
    y: NDArray[Any], split: Split, n_classes: int, shape: tuple[int, ...]
) -> Floats:
    out = np.empty(shape)
    for repeat in range(len(split.fold_of)):
        for fold in range(split.k):
            train = y[split.kept(repeat, fold)]
            value = (
                np.bincount(train, minlength=n_classes) / len(train) if n_classes else train.mean()
            )
            out[repeat, split.held(repeat, fold)[split.usable]] = value
    return out


def _notices(caught: Sequence[warnings.WarningMessage], plan: Plan) -> tuple[str, ...]:
    kinds: dict[str, int] = {}
    for one in caught:
        kinds[one.category.__name__] = kinds.get(one.category.__name__, 0) + 1
    told = [
        f"a learner raised {name} {count} times on the source"
        for name, count in sorted(kinds.items())
    ]
    if len(plan.strategies) > len(DEFAULT):
        told.append(
            f"{len(plan.strategies)} strategies were tried on the same rows: the gap of the best "
            "of so many looks better than it is, the more so with few labels"
        )
    return tuple(told) + plan.left_out
