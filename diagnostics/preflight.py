"""The pre-flight check: the calls in order, and the gate for pipelines."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from ._words import short
from .costs import HARM_COST
from .document import Diagnosis, UntriedLearner
from .errors import InputError, NegativeTransferError
from .gate import OK, exit_code

if TYPE_CHECKING:
    from .domain import Domain, Pair
    from .gap import GapEstimator

Progress = Callable[[str, int, int], None]
MIN_BUDGET, MAX_BUDGET = 5.0, 1e6
MAX_RERUNS = 100
MAX_LABEL_COST = 1000.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that shapes a result, besides the data and the learner."""

    label: str | None = None
    source_label: str | None = None
    target_label: str | None = None
    task: str | None = None
    metric: str | None = None
    learner: str | None = None
    random_state: int = 0
    budget: float = 60.0
    keep_shared_rows: bool = False
    strategies: str = "default"
    group: str | None = None
    time: str | None = None
    reruns: int = 0
    harm_cost: float = HARM_COST
    margin: float | None = None
    label_cost: float | None = None


def preflight(
    *,
    source: Any,
    target: Any,
    label: str | None = None,
    source_label: str | None = None,
    target_label: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    learner: Any = None,
    random_state: int = 0,
    budget: float = 60.0,
    keep_shared_rows: bool = False,
    strategies: str | Sequence[str] = "default",
    group: str | None = None,
    time: str | None = None,
    reruns: int = 0,
    harm_cost: float = HARM_COST,
    margin: float | None = None,
    label_cost: float | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
    estimator: GapEstimator | None = None,
    names: tuple[str, str] | None = None,
    origin: Literal["argument", "flag"] = "argument",
) -> Diagnosis:
    """Compare a source with a target and say whether transfer will help or hurt.

    Parameters
    ----------
    source, target : Domain, path, table, array, tensor, mapping, or pair (X, y)
        The two domains; see :meth:`negtransfer.Domain.load`.  Columns are aligned by name.
    label : str, optional
        Name of the label column on both sides.  A target without it counts as unlabelled.
    source_label, target_label : str, optional
        Names that differ between the sides.
    task : {'binary', 'multiclass', 'regression'}, optional
        Kind of label; inferred, with the reason said, when left out.
    metric : str, optional
        ``accuracy`` (default for classes), ``balanced_accuracy``, ``roc_auc``, ``brier``,
        ``log_loss``; ``rmse`` (default for quantities), ``mae``, ``r2``, ``mse``.
    learner : str, estimator, or sequence or mapping of these, optional
        ``"linear"`` and ``"forest"`` by default; any scikit-learn estimator.
    random_state : int
        The same input and seed give the same result, byte for byte.
    budget : float
        Seconds for the whole check on an ordinary machine.  It is turned into sizes before
        anything runs, never into a clock, so that results can be repeated.
    keep_shared_rows : bool
        Whether rows that stand in both domains may be held out.  Only when they are different
        units with equal values.
    strategies : {'default', 'all', 'fast'} or sequence of names
        What the pilot tries: five strategies by default, every one there is, those that cost
        at most a few fits, or those named (a text may hold several, with commas between).  The
        target alone and the source model as it is are always tried.  The more are tried on the
        same rows, the more the best one's gap flatters it.
    group : str, optional
        Column on both sides that names the unit of a row, such as a patient, user or site.
        Rows of one unit are held out together, units that stand in both domains not at all
        (unless too few rows were left), and intervals count units.  It is no feature.
    time : str, optional
        Column of the target that orders its rows: numbers or dates.  The pilot then holds out
        later blocks of rows and trains on earlier ones only.  It is no feature.
    reruns : int
        How many times the pilot and the verdict are repeated with other seeds, `random_state`
        + 1 and so on, to show how fragile the verdict is: ``sensitivity`` of the result.  Each
        takes about as long as the pilot, on top of the budget.
    harm_cost : float
        How many times a harm counts against a gain of the same size when strategies are
        compared.  With 1 the least expected error wins; the larger, the safer the choice.
    margin : float, optional
        Smallest gap that matters, in the error's own scale: 0.01 is one point of error rate.
        By default one point, or 0.02 standard deviations of the target's labels.
    label_cost : float, optional
        Cost of one more target label, in the error's own scale: with 0.0001 a hundred labels
        must save one point of error rate.  Then ``label_plan`` of the result weighs more labels
        against what they are expected to save.  It never changes the verdict.
    n_jobs : int, optional
        For joblib; the result does not depend on it.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.
    estimator : GapEstimator, optional
        Turns the pilot into gaps; by default the model fitted on measured transfers, and the
        paired cross-validation of the pilot where that cannot be used.
    names : (str, str), optional
        How to call source and target; by default their file names, or "source" and "target".
    origin : {'argument', 'flag'}
        Where settings came from, for the record.

    Returns
    -------
    Diagnosis
        Frozen; with ``verdict``, ``gap``, ``strategies``, ``checks``, ``to_json``,
        ``to_html``, ``to_frame``.

    Raises
    ------
    InputError
        When the input cannot be used, in one sentence.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> result = preflight(source=(X[::2], y[::2]), target=(X[1::2], y[1::2]))
    >>> result.verdict.label
    'transfer'
    """
    from threadpoolctl import threadpool_limits

    from .checks import BEFORE_PILOT_GAP, PILOT_GAP, Evidence, run_checks
    from .document_build import build, metric_info
    from .domain import align
    from .learners import resolve_learners
    from .measures import further_measures
    from .pilot import check_metric, resolve_metric, run_pilot, why_no_pilot
    from .predictor.calibrated import CalibratedPredictor
    from .predictor.cheap_to_dear import untried as untried_learners
    from .recommend import strategy_table
    from .sensitivity import rerun_verdicts
    from .strategies import chosen_strategies, strategies_text

    random_state, budget = _seed(random_state), _seconds(budget)
    group, time = _column(group, "group"), _column(time, "time")
    settings = Settings(
        label, source_label, target_label, task, metric,
        learner if isinstance(learner, str) else None, random_state, budget, keep_shared_rows,
        strategies_text(strategies), group, time, _reruns(reruns),
        _positive(harm_cost, "harm_cost"), None if margin is None else _positive(margin, "margin"),
        None if label_cost is None else _label_cost(label_cost),
    )  # fmt: skip
    tried = chosen_strategies(strategies)
    if metric is not None:
        check_metric(metric)
    _check_names(names)
    _check_jobs(n_jobs)
    source, target = load_sides(source, target, settings, names)
    pair = align(
        source, target, task=task, keep_shared_rows=keep_shared_rows, group=group, time=time
    )
    learners = resolve_learners(learner, regression=pair.task == "regression")
    no_pilot = why_no_pilot(pair)
    chosen = None if pair.task is None else resolve_metric(metric, pair.task)
    if chosen is not None and settings.margin is not None:
        chosen = replace(chosen, margin=settings.margin)
    effort = min(1.0, budget / 60.0)
    predictor = CalibratedPredictor(
        pair, learners, seed=random_state, cost=settings.harm_cost,
        rows_at_random=time is None and not _grouped(pair),
    )  # fmt: skip
    estimator = predictor if estimator is None else estimator
    # One BLAS thread: the work is spread over fits, and sums keep their order.
    with threadpool_limits(1, user_api="blas"):
        pilot = headline = reference = None
        untried: list[UntriedLearner] = []
        if no_pilot is None and chosen is not None:
            pilot = run_pilot(
                pair, learners, chosen, strategies=tried,
                budget=budget, n_jobs=n_jobs, random_state=random_state, progress=progress,
            )  # fmt: skip
            headline = next(one for one in learners if one.name == pilot.headline)
        evidence = Evidence(pair, pilot, no_pilot, headline, random_state, effort, n_jobs)
        checks = run_checks(evidence, BEFORE_PILOT_GAP, progress)
        if pilot is not None:
            table = strategy_table(pilot, checks, estimator)
            evidence = evidence.with_strategies(table)
            best = next((row for row in table if row.recommended), None)
            if best is not None and best.gap is not None and best.gap.contributions:
                reference = predictor.reference(pilot, best.learner, best.strategy)
            untried = untried_learners(predictor, pilot, metric_info(pilot.metric, str(pair.task)))
        checks += run_checks(evidence, PILOT_GAP)
        measures = further_measures(pair, seed=random_state, effort=effort, progress=progress)
        again = rerun_verdicts(
            evidence, checks, settings.reruns, estimator,
            strategies=tried, learners=learners, budget=budget, progress=progress,
        )  # fmt: skip
        return build(
            evidence, checks, measures, chosen, learners, settings, origin, again, reference,
            untried,
        )  # fmt: skip


def load_sides(
    source: Any, target: Any, settings: Settings, names: tuple[str, str] | None = None
) -> tuple[Domain, Domain]:
    """Read both sides; a target may lack the shared label column, a source may not."""
    source_label = settings.source_label or settings.label
    target_label = settings.target_label or settings.label
    called = names or (None, None)
    first = _load(source, "source", called[0], source_label, optional=False)
    second = _load(
        target, "target", called[1], target_label, optional=settings.target_label is None
    )
    if first.name == second.name:
        first = replace(first, name=f"{first.name} (source)")
        second = replace(second, name=f"{second.name} (target)")
    return first, second


def _load(data: Any, side: str, name: str | None, label: str | None, *, optional: bool) -> Domain:
    import os

    from .domain import Domain

    y = None
    if isinstance(data, tuple):
        if len(data) != 2:
            raise InputError(f"`{side}` is a tuple of {len(data)}; give (X, y), a table or a path.")
        data, y = data
    if name is None and not isinstance(data, (str, os.PathLike)):
        name = side
    return Domain.load(data, label=label, y=y, name=name, label_optional=optional)


def _seed(value: Any) -> int:
    from operator import index

    try:
        seed = -1 if isinstance(value, bool) else index(value)
    except TypeError:
        seed = -1
    if seed < 0:
        raise InputError(f"random_state is {short(value)}; give a whole number, 0 or more.")
    return seed


def _seconds(value: Any) -> float:
    try:
        seconds = math.nan if isinstance(value, str) else float(value)
    except TypeError:
        seconds = math.nan
    if not MIN_BUDGET <= seconds <= MAX_BUDGET:
        given = short(value) if math.isnan(seconds) else f"{seconds:g} seconds"
        raise InputError(
            f"The budget is {given}; give at least {MIN_BUDGET:g} and at most {MAX_BUDGET:,.0f} "
            "seconds."
        )
    return seconds


def _grouped(pair: Pair) -> bool:
    """Return whether some unit has more than one row, so that rows are held out together."""
    unit = pair.target.unit
    return unit is not None and len(set(unit.tolist())) < len(unit)


def _column(name: Any, role: str) -> str | None:
    if name is None or isinstance(name, str):
        return name
    raise InputError(
        f"`{role}` is {short(name)}; give the name of a column as text, so put the values as a "
        "column into the table (the columns of an array are called x0, x1, ...)."
    )


def _reruns(value: Any) -> int:
    from operator import index

    try:
        n = -1 if isinstance(value, bool) else index(value)
    except TypeError:
        n = -1
    if not 0 <= n <= MAX_RERUNS:
        raise InputError(
            f"reruns is {short(value)}; give a whole number from 0 (none) to {MAX_RERUNS}."
        )
    return n


def _positive(value: Any, name: str) -> float:
    try:
        number = math.nan if isinstance(value, (str, bool)) else float(value)
    except TypeError:
        number = math.nan
    if not 0 < number < math.inf:
        raise InputError(f"{name} is {short(value)}; give a number above 0.")
    return number


def _label_cost(value: Any) -> float:
    number = _positive(value, "label_cost")
    if number > MAX_LABEL_COST:
        raise InputError(
            f"label_cost is {number:g}; it is in the error's own scale, so give at most "
            f"{MAX_LABEL_COST:,.0f}."
        )
    return number


def _check_names(names: Any) -> None:
    if names is not None and (not isinstance(names, (tuple, list)) or len(names) != 2):
        raise InputError(f"`names` is {short(names)}; give two: (source, target).")


def _check_jobs(n_jobs: Any) -> None:
    if n_jobs is not None and (not isinstance(n_jobs, int) or n_jobs == 0):
        raise InputError(f"n_jobs is {short(n_jobs)}; give a number of workers, or leave it out.")


def changed(settings: Settings) -> dict[str, Any]:
    """Return the settings that differ from their defaults."""
    return {
        f.name: getattr(settings, f.name)
        for f in fields(settings)
        if getattr(settings, f.name) != f.default
    }


def require(
    result: Diagnosis | None = None,
    *,
    fail_on: str = "against",
    allow_insufficient: bool = False,
    **arguments: Any,
) -> Diagnosis:
    """Let a pipeline go on only if transfer is not warned against.

    Parameters
    ----------
    result : Diagnosis, optional
        A finished check; otherwise one is run with `arguments` as for :func:`preflight`.
    fail_on : {'against', 'caution', 'insufficient', 'never'}
        The mildest verdict that stops.
    allow_insufficient : bool
        Whether too little evidence lets the pipeline go on.

    Returns
    -------
    Diagnosis

    Raises
    ------
    NegativeTransferError
        With the verdict's sentence; the result is its ``diagnosis``.
    """
    diagnosis = preflight(**arguments) if result is None else result
    code = exit_code(diagnosis, fail_on=fail_on, allow_insufficient=allow_insufficient)
    if code != OK:
        verdict = diagnosis.verdict
        raise NegativeTransferError(f"{verdict.label}: {verdict.sentence}", diagnosis)
    return diagnosis
