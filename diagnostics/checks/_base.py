"""What a check is, the register of checks, and how they are run.

A check never raises for bad data: it returns ``insufficient`` or ``not-applicable`` with a
reason.  A defect inside one becomes the state ``error`` and stops nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..document import CheckResult, Feature, Group, Interval, NullReference, StrategyResult

if TYPE_CHECKING:
    from ...metrics import Interval as MetricInterval
    from ...metrics import NullBand
    from ..domain import Pair
    from ..learners import Learner
    from ..pilot import Pilot
    from ._references import Reference

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Evidence:
    """Everything a check may look at.

    Attributes
    ----------
    pair : Pair
        The aligned, encoded domains.
    pilot : Pilot or None
        Held-out predictions on the target; ``None`` when no pilot could be run.
    no_pilot : str or None
        Then why, in one sentence.
    headline : Learner or None
        The learner in which the verdict is expressed.
    seed : int
    effort : float
        1 for the usual number of random halves, less for a small budget.
    n_jobs : int or None
        For joblib.
    strategies : tuple of StrategyResult
        The pilot's gaps; empty until they are known.
    """

    pair: Pair
    pilot: Pilot | None
    no_pilot: str | None
    headline: Learner | None
    seed: int
    effort: float = 1.0
    n_jobs: int | None = None
    strategies: tuple[StrategyResult, ...] = ()

    def with_strategies(self, table: Iterable[StrategyResult]) -> Evidence:
        """Return the same evidence with the pilot's gaps; what was computed stays computed."""
        found = replace(self, strategies=tuple(table))
        computed = {key: value for key, value in vars(self).items() if key in _CACHED}
        vars(found).update(computed)
        return found

    @cached_property
    def features(self) -> list[Feature]:
        """One entry a column in use, biggest effect first."""
        from .columns import column_table

        return column_table(self)

    @cached_property
    def reference(self) -> Reference | None:
        """The task comparisons repeated inside the source, where nothing differs."""
        from ._references import reference_runs

        return reference_runs(self)


_CACHED = ("features", "reference")


@dataclass(frozen=True, slots=True)
class Check:
    """A registered check.

    Attributes
    ----------
    id, name, group : str
        Stable id, name for people, group of the report.
    explain : str
        What it looks at, how, when it misleads and what to do: shown by
        ``negtransfer explain ID``.
    run : callable
    """

    id: str
    name: str
    group: Group
    explain: str
    run: Callable[[Check, Evidence], CheckResult]

    def result(self, evidence: Evidence, **fields: Any) -> CheckResult:
        """Return a result of this check; sizes are those of the domains unless given."""
        sizes = {
            "n_source": evidence.pair.source.domain.n_rows,
            "n_target": evidence.pair.target.domain.n_rows,
        }
        return CheckResult(
            **{"id": self.id, "name": self.name, "group": self.group, **sizes, **fields}
        )

    def not_run(
        self, evidence: Evidence, reason: str, *, remedy: str = "", applicable: bool = True,
        **fields: Any,
    ) -> CheckResult:  # fmt: skip
        """Return the result of a check that could not be run with this input."""
        state = "insufficient" if applicable else "not-applicable"
        return self.result(
            evidence, state=state, message=reason, not_run_reason=reason, remedy=remedy, **fields
        )


CHECKS: dict[str, Check] = {}
BEFORE_PILOT_GAP: tuple[Group, ...] = ("quality", "distributions", "tasks", "model")
PILOT_GAP: tuple[Group, ...] = ("pilot",)

Run = Callable[[Check, Evidence], CheckResult]


def register(check_id: str, name: str, group: Group, explain: str) -> Callable[[Run], Run]:
    """Return a decorator that enters a function as a check."""

    def enter(run: Run) -> Run:
        CHECKS[check_id] = Check(check_id, name, group, " ".join(explain.split()), run)
        return run

    return enter


def run_checks(
    evidence: Evidence, groups: Collection[Group], progress: Progress | None = None
) -> list[CheckResult]:
    """Run the registered checks of these groups in the order of the ids."""
    results = []
    chosen = sorted((c for c in CHECKS.values() if c.group in groups), key=lambda c: c.id)
    for done, check in enumerate(chosen):
        if progress is not None:
            progress(check.name, done, len(chosen))
        results.append(_run_one(check, evidence))
    return results


def _run_one(check: Check, evidence: Evidence) -> CheckResult:
    try:
        return check.run(check, evidence)
    except Exception as fault:
        reason = f"This check broke: {type(fault).__name__}: {' '.join(str(fault).split())}"
        return check.result(
            evidence,
            state="error",
            message=reason,
            not_run_reason=reason,
            remedy="Please report this as a defect; the other checks are not affected.",
        )


def to_interval(interval: MetricInterval) -> Interval:
    """Turn a measure's interval into the document's."""
    return Interval(
        low=float(interval.low), high=float(interval.high), level=interval.level,
        method=interval.method,
    )  # fmt: skip


def to_null(band: NullBand, value: float, *, what: str = "random halves") -> NullReference:
    """Turn a null band into the document's; `what` says where its values come from."""

    def plain(quantiles: Any) -> list[float] | None:
        return None if quantiles is None else [float(q) for q in quantiles]

    return NullReference(
        source_quantiles=plain(band.source_quantiles),
        target_quantiles=plain(band.target_quantiles),
        n_splits=len(band.pooled),
        percentile=band.percentile(value),
        what=what,
    )


def upper_null(null: NullReference) -> float | None:
    """Return the larger 95 % quantile of the two sides, if there is one."""
    tops = [q[2] for q in (null.source_quantiles, null.target_quantiles) if q is not None]
    return max(tops) if tops else None
