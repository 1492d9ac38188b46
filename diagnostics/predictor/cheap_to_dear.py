"""Gaps of learners that were not tried, predicted from the pilot of the linear one.

A pilot with boosting or a network can cost as much as training them.  How far the pilot of a
linear model speaks for them was learned from transfers measured with both.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from .._words import chance
from ..document import Gap, MetricInfo, UntriedGap, UntriedLearner
from .calibrated import CalibratedPredictor
from .model import GapModel
from .terms import LEARNERS, METRICS

if TYPE_CHECKING:
    from ..pilot import Pilot

FILE = "cheap_to_dear.json"
CHEAP = "linear"
TITLES = {
    "forest": "a random forest",
    "boosting": "gradient boosting of trees",
    "network": "a small neural network",
}
OUTCOMES = {
    "helps": "is likely to help",
    "hurts": "is likely to hurt",
    "cannot tell": "may help or hurt",
}


def untried(
    predictor: CalibratedPredictor, pilot: Pilot, metric: MetricInfo
) -> list[UntriedLearner]:
    """Return what the linear pilot says of forest, boosting and network, where not tried.

    Empty without a linear pilot, in metrics in which the gaps of such learners were not
    measured, and with more target labels than were measured.

    Parameters
    ----------
    predictor : CalibratedPredictor
    pilot : Pilot
    metric : MetricInfo
        Of the pilot.
    """
    model = shipped()
    known = CHEAP in pilot.learners and pilot.metric.name in METRICS
    if not known or pilot.n_labels > predictor.most_labels(model):
        return []
    tried = {predictor.kind(name) for name in pilot.learners}
    found = []
    for learner in LEARNERS:
        if learner in tried or learner not in model.about["strategies"]:
            continue
        gaps = [
            UntriedGap(
                strategy=strategy,
                gap=predictor.of_another(pilot, CHEAP, learner, strategy, model),
            )
            for strategy in predictor.evidence(pilot, CHEAP)
            if strategy in model.about["strategies"][learner]
        ]
        if gaps:
            best = min(gaps, key=lambda one: _loss(one.gap))
            found.append(
                UntriedLearner(
                    learner=learner, title=TITLES[learner], piloted=CHEAP, gaps=gaps,
                    strategy=best.strategy, sentence=_sentence(learner, best, metric),
                )
            )  # fmt: skip
    return found


def _loss(gap: Gap) -> float:
    assert gap.expected_loss is not None
    return gap.expected_loss


def _sentence(learner: str, best: UntriedGap, metric: MetricInfo) -> str:
    gap = best.gap
    low, middle, high = (f"{v * metric.scale:+.2g}" for v in (gap.low, gap.estimate, gap.high))
    return (
        f"With {TITLES[learner]}, {best.strategy} {OUTCOMES[gap.outcome]}: gap {middle} "
        f"{metric.unit} ({100 * gap.level:.0f} % interval {low} to {high}; chance of harm "
        f"{chance(gap.p_harm)}), predicted from the {CHEAP} pilot and not tried."
    )


@cache
def shipped() -> GapModel:
    """Return the model that comes with the package."""
    return GapModel.from_json(resources.files(__package__).joinpath(FILE).read_text("utf-8"))
