"""Puts the finished pieces together as the document; decides nothing."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from .checks import Evidence
from .document import (
    CheckResult,
    ConfigValue,
    Cost,
    Diagnosis,
    DomainInfo,
    LabelPlan,
    LostColumn,
    MeasureInfo,
    MetricInfo,
    Outlook,
    ReferenceCases,
    Rerun,
    StrategyResult,
    Tool,
    UntriedLearner,
    Verdict,
)
from .learners import Learner
from .pilot import BASELINE, Metric, mean_error, proper_score
from .predictor.labels_first import label_plan
from .predictor.outlook import outlook
from .predictor.terms import METRICS
from .predictor.worth import LARGEST, Situation
from .situation import describe
from .verdict import decide

if TYPE_CHECKING:
    from .domain import Pair, Side
    from .preflight import Settings


def build(
    evidence: Evidence,
    checks: Sequence[CheckResult],
    measures: Sequence[MeasureInfo],
    metric: Metric | None,
    learners: Sequence[Learner],
    settings: Settings,
    origin: Literal["argument", "flag"],
    sensitivity: Sequence[Rerun] = (),
    reference: ReferenceCases | None = None,
    untried: Sequence[UntriedLearner] = (),
) -> Diagnosis:
    """Return the document of a finished check."""
    from .. import __version__

    pair, pilot = evidence.pair, evidence.pilot
    info = None if metric is None else metric_info(metric, str(pair.task))
    ahead = _outlook(evidence, info)
    left_out = pilot.plan.left_out if pilot is not None else ()
    verdict = decide(
        checks, evidence.strategies, metric=info, no_pilot=evidence.no_pilot,
        n_labels=int(pair.target.labelled.sum()), outlook=ahead,
    )  # fmt: skip
    plan, no_plan = _label_plan(evidence, settings, info, ahead, verdict)
    return Diagnosis(
        tool=Tool(version=__version__),
        command=_command(pair, settings),
        config=_config(settings, origin),
        environment=environment_info(),
        seed=settings.random_state,
        status="partial" if left_out else "complete",
        source=_domain(pair, pair.source),
        target=_domain(pair, pair.target),
        task=pair.task,
        task_origin=pair.task_origin,
        setting=describe(pair, checks, seed=settings.random_state),
        metric=info,
        learners={one.name: one.title for one in learners},
        headline_learner=None if evidence.headline is None else evidence.headline.name,
        verdict=verdict,
        checks=list(checks),
        features=evidence.features,
        measures=list(measures),
        lost_columns=[LostColumn(name=x.name, side=x.side, reason=x.reason) for x in pair.lost],
        strategies=list(evidence.strategies),
        reference=reference,
        outlook=ahead,
        harm_cost=settings.harm_cost,
        label_plan=plan,
        untried=list(untried),
        cost=_cost(evidence),
        sensitivity=list(sensitivity),
        warnings=[*_warnings(evidence, settings), *filter(None, [no_plan])],
    )  # fmt: skip


def _outlook(evidence: Evidence, metric: MetricInfo | None) -> Outlook | None:
    best = _best(evidence)
    if best is None or metric is None:
        return None
    regression = evidence.pair.task == "regression"
    return outlook(best, metric, regression=regression, here=_situation(evidence, best))


def _cost(evidence: Evidence) -> Cost | None:
    pair = evidence.pair
    work = None if evidence.pilot is None else evidence.pilot.work
    if work is None:
        return None
    labelled = int(pair.source.labelled.sum()) + int(pair.target.labelled.sum())
    return Cost(fits=work.fits, rows_fitted=work.rows, rows_full_training=labelled)


def _best(evidence: Evidence) -> StrategyResult | None:
    return next((row for row in evidence.strategies if row.recommended), None)


def _situation(evidence: Evidence, best: StrategyResult) -> Situation | None:
    """Return what is known of the target with the labels at hand."""
    pilot, pair = evidence.pilot, evidence.pair
    if pilot is None or best.error_target_only is None or best.n_labels < 1:
        return None
    constant = mean_error(pilot.metric, pilot.y, pilot.constant, pilot.scale)
    return Situation(
        best.n_labels, best.error_target_only, constant, max(1, pair.target.X.shape[1]),
        str(pair.task), best.learner,
    )  # fmt: skip


def _label_plan(
    evidence: Evidence,
    settings: Settings,
    metric: MetricInfo | None,
    ahead: Outlook | None,
    verdict: Verdict,
) -> tuple[LabelPlan | None, str | None]:
    """Return what labels cost against what they save, or why that cannot be said."""
    if settings.label_cost is None:
        return None, None
    best = _best(evidence)
    here = None if best is None else _situation(evidence, best)
    if best is None or here is None or metric is None:
        return None, "labels were priced, and without a pilot what they save cannot be told"
    if ahead is None or metric.name not in METRICS:
        return None, (
            "labels were priced, and what they save was measured only for accuracy and RMSE, the "
            "usual strategies and ten labels or more"
        )
    if here.n >= LARGEST:
        return None, (
            f"labels were priced, and what they save was measured only up to {LARGEST:,} labels"
        )
    found = label_plan(
        best, here, metric, label_cost=settings.label_cost, harm_cost=settings.harm_cost,
        transfer=verdict.strategy != BASELINE,
    )  # fmt: skip
    return found, None


def _warnings(evidence: Evidence, settings: Settings) -> list[str]:
    pair = evidence.pair
    told = [*pair.source.domain.notices, *pair.target.domain.notices, *pair.notices]
    if pair.task is not None:
        told.append(pair.task_reason)
    if evidence.pilot is not None:
        told += evidence.pilot.notices
    elif settings.reruns:
        told.append("reruns were asked for, and there is no pilot that could be run again")
    return list(dict.fromkeys(told))


def _domain(pair: Pair, side: Side) -> DomainInfo:
    domain = side.domain
    labels = side.y[side.labelled]
    classes = mean = sd = None
    if labels.size and pair.task == "regression":
        mean = float(labels.mean())
        sd = float(labels.std(ddof=1)) if labels.size > 1 else None
    elif labels.size:
        counts = np.bincount(labels, minlength=len(pair.classes))
        classes = {name: int(n) for name, n in zip(pair.classes, counts, strict=True) if n}
    return DomainInfo(
        name=domain.name, kind=domain.kind, n_rows=domain.n_rows, n_columns=len(domain.columns),
        n_labelled=int(side.labelled.sum()), label=domain.label_name, classes=classes,
        label_mean=mean, label_sd=sd, content_hash=domain.content_hash,
    )  # fmt: skip


def metric_info(metric: Metric, task: str) -> MetricInfo:
    """Return the user's metric as documents hold it."""
    return MetricInfo(
        name=metric.name, error_name=metric.error_name, unit=metric.unit, scale=metric.unit_scale,
        greater_is_better=metric.greater_is_better, margin=metric.margin,
        proper_score=proper_score(metric, task).error_name,
    )  # fmt: skip


def _config(settings: Settings, origin: Literal["argument", "flag"]) -> dict[str, ConfigValue]:
    from .preflight import changed

    given = changed(settings)
    return {
        name: ConfigValue(value=value, origin=origin if name in given else "default")
        for name in settings.__slots__
        for value in [getattr(settings, name)]
    }


_ENDINGS = {"csv": ".csv", "parquet": ".parquet", "npz": ".npz", "npy": ".npy"}


def _command(pair: Pair, settings: Settings) -> str:
    """Return a command that repeats the check: file names, not paths, and no outputs."""
    from .preflight import changed

    sides = [
        shlex.quote(side.domain.name + _ENDINGS.get(side.domain.kind, ""))
        for side in (pair.source, pair.target)
    ]
    words = ["negtransfer", "check", *sides]
    for name, value in changed(settings).items():
        flag = "--seed" if name == "random_state" else "--" + name.replace("_", "-")
        words.append(flag)
        if value is not True:
            words.append(shlex.quote(f"{value:g}" if isinstance(value, float) else str(value)))
    return " ".join(words)


def environment_info() -> dict[str, str]:
    """Return the versions that results depend on."""
    import scipy
    import sklearn

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }
