"""How fragile the verdict is: the pilot and the policy once more, with other seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .document import CheckResult, Rerun
from .recommend import strategy_table
from .verdict import decide

if TYPE_CHECKING:
    from .checks import Evidence
    from .gap import GapEstimator
    from .learners import Learner
    from .strategies import Strategy

Progress = Callable[[str, int, int], None]


def rerun_verdicts(
    evidence: Evidence,
    checks: Sequence[CheckResult],
    n: int,
    estimator: GapEstimator,
    *,
    strategies: Sequence[Strategy] | None,
    learners: Sequence[Learner],
    budget: float,
    progress: Progress | None = None,
) -> list[Rerun]:
    """Return the verdicts of `n` pilots with the seeds that follow that of `evidence`.

    Folds, thinning and the learners' own draws change; the checks, with their null references,
    are taken as they are.  So this is the part of the doubt that comes from how the rows were
    dealt out, not from which rows there are.

    Parameters
    ----------
    evidence : Evidence
        With its pilot; without one the result is empty.
    checks : sequence of CheckResult
        The finished checks.
    n : int
    estimator : GapEstimator
    strategies, learners, budget
        As for the pilot.
    progress : callable, optional
        ``progress(stage, done, total)``.
    """
    from .document_build import metric_info
    from .pilot import run_pilot

    first = evidence.pilot
    if first is None:
        return []
    pair = evidence.pair
    found = []
    for number in range(1, n + 1):
        if progress is not None:
            progress("reruns", number - 1, n)
        seed = evidence.seed + number
        pilot = run_pilot(
            pair, learners, first.metric, strategies=strategies, budget=budget,
            n_jobs=evidence.n_jobs, random_state=seed, earlier=first,
        )  # fmt: skip
        verdict = decide(
            checks, strategy_table(pilot, checks, estimator),
            metric=metric_info(first.metric, str(pair.task)), no_pilot=None,
            n_labels=int(pair.target.labelled.sum()),
        )  # fmt: skip
        if verdict.gap is None or verdict.learner is None:
            continue
        found.append(
            Rerun(
                seed=seed, label=verdict.label, estimate=verdict.gap.estimate,
                low=verdict.gap.low, high=verdict.gap.high, p_harm=verdict.gap.p_harm,
                strategy=verdict.strategy, gap_strategy=verdict.gap_strategy or verdict.strategy,
                learner=verdict.learner,
            )
        )  # fmt: skip
    return found
