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
    Diagnosis,
    DomainInfo,
    LostColumn,
    MeasureInfo,
    MetricInfo,
    Outlook,
    ReferenceCases,
    Rerun,
    Tool,
)
from .learners import Learner
from .pilot import Metric, proper_score
from .predictor.outlook import outlook
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
) -> Diagnosis:
    """Return the document of a finished check."""
    from .. import __version__

    pair, pilot = evidence.pair, evidence.pilot
    info = None if metric is None else metric_info(metric, str(pair.task))
    ahead = _outlook(evidence, info)
    left_out = pilot.plan.left_out if pilot is not None else ()
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
        verdict=decide(
            checks, evidence.strategies, metric=info, no_pilot=evidence.no_pilot,
            n_labels=int(pair.target.labelled.sum()), outlook=ahead,
        ),
        checks=list(checks),
        features=evidence.features,
        measures=list(measures),
        lost_columns=[LostColumn(name=x.name, side=x.side, reason=x.reason) for x in pair.lost],
        strategies=list(evidence.strategies),
        reference=reference,
        outlook=ahead,
        harm_cost=settings.harm_cost,
        sensitivity=list(sensitivity),
        warnings=_warnings(evidence, settings),
    )  # fmt: skip


def _outlook(evidence: Evidence, metric: MetricInfo | None) -> Outlook | None:
    best = next((row for row in evidence.strategies if row.recommended), None)
    if best is None or metric is None:
        return None
    return outlook(best, metric, regression=evidence.pair.task == "regression")


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
