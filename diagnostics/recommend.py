"""The table of strategies with their gaps, and which of them comes first."""

from __future__ import annotations

from collections.abc import Sequence

from .document import CheckResult, StrategyResult
from .gap import GapEstimator
from .pilot import BASELINE, Metric, Pilot, mean_error
from .strategies import STRATEGIES


def strategy_table(
    pilot: Pilot, checks: Sequence[CheckResult], estimator: GapEstimator
) -> list[StrategyResult]:
    """Return one row for each learner and strategy, the recommended one marked."""
    rows = [
        _row(pilot, checks, estimator, learner, strategy)
        for learner in pilot.learners
        for strategy in STRATEGIES
        if (learner, strategy) in pilot.predictions or (learner, strategy) in pilot.skipped
    ]
    best = best_row(rows, pilot.headline, pilot.metric.margin)
    return [
        row.model_copy(update={"recommended": best is not None and row == best}) for row in rows
    ]


def _row(
    pilot: Pilot,
    checks: Sequence[CheckResult],
    estimator: GapEstimator,
    learner: str,
    name: str,
) -> StrategyResult:
    strategy, key = STRATEGIES[name], (learner, name)
    row = StrategyResult(
        learner=learner,
        strategy=name,
        title=strategy.title,
        adapted=strategy.adapted,
        n_labels=pilot.n_labels,
        preconditions=strategy.preconditions,
        applicable=key not in pilot.skipped,
        reason=pilot.skipped.get(key),
        family=strategy.family,
        cost=strategy.cost,
        needs=sorted(strategy.needs),
        assumes=sorted(strategy.assumes),
        fails_when=strategy.fails_when,
        preconditions_met=key not in pilot.skipped if key in pilot.checked else None,
        note=pilot.notes.get(key, ""),
    )
    if not row.applicable:
        return row

    def error(metric: Metric, which: tuple[str, str]) -> float:
        return mean_error(metric, pilot.y, pilot.predictions[which], pilot.scale)

    found: dict[str, object] = {
        "error": error(pilot.metric, key),
        "proper_error": error(pilot.proper, key),
        "error_target_only": error(pilot.metric, (learner, BASELINE)),
    }
    if name != BASELINE:
        found["gap"], found["proper_gap"] = (
            estimator.estimate(pilot, checks, learner=learner, strategy=name, metric=metric)
            for metric in (pilot.metric, pilot.proper)
        )
    return row.model_copy(update=found)


def _rank(row: StrategyResult) -> float:
    assert row.gap is not None
    assert row.gap.expected_loss is not None
    return row.gap.expected_loss


def best_row(rows: Sequence[StrategyResult], learner: str, margin: float) -> StrategyResult | None:
    """Return the transfer strategy of `learner` with the least expected loss.

    An adapted strategy has to beat the best one that uses the source as it is by half the
    margin: what is simpler wins a tie.
    """
    tried = [row for row in rows if row.learner == learner and row.gap is not None]
    if not tried:
        return None
    best = min(tried, key=_rank)
    as_is = [row for row in tried if not row.adapted]
    if best.adapted and as_is:
        plain = min(as_is, key=_rank)
        if _rank(plain) <= _rank(best) + margin / 2:
            return plain
    return best
