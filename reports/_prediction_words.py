"""How a gap was come by, in words: predicted by a model of measured transfers, or by the pilot.

A document of before the model has neither, and is read as what it is: the pilot alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from . import words

if TYPE_CHECKING:
    from ..diagnostics.document import Diagnosis, Gap, MetricInfo, ReferenceCase, ReferenceCases

GROUP_WORDS = {
    "the gap in accuracy or RMSE": "what is predicted in the metric in which most transfers were "
    "measured, brought to the units of this one",
    "pilot, in the metric": "the gap that the pilot measured, drawn towards zero as far as such "
    "gaps have proved to be chance",
    "pilot, in the proper score": "the same difference in a score that also counts how sure a "
    "model was, and so is less noisy",
    "other strategies in the pilot": "how the source as it is, and pooling, did on the same rows",
    "how differently the models predict": "how far the predictions with the source lie from those "
    "without, which bounds how different their errors can be",
    "how far apart the inputs are": "how well the inputs of the two sides can be told apart, and "
    "how far the source model's predictions move between them",
    "sizes and difficulty": "the pilot's own noise, rows and labels on both sides, and how hard "
    "the label is to predict",
    "what the strategy usually does": "what this strategy did on average where transfer was "
    "measured",
    "what the learner usually does": "what this kind of learner did on average where transfer "
    "was measured",
}
"""What each group of evidence is, by its name in the document."""


def predicted(gap: Gap) -> bool:
    """Say whether a model fitted on measured transfers gave the gap."""
    return gap.in_calibrated_range is not None


def extrapolated(gap: Gap) -> bool:
    """Say whether the gap was predicted outside the range of measured transfers."""
    return gap.in_calibrated_range is False


def source(gap: Gap) -> str:
    """Say in two words where the gap comes from."""
    return "predicted" if predicted(gap) else "pilot alone"


def origin(d: Diagnosis) -> str:
    """Say where the gap of the verdict comes from, as a clause without a full stop."""
    gap = d.verdict.gap
    if gap is None:
        return ""
    if not predicted(gap):
        return "measured by the pilot alone"
    return f"predicted from the pilot by a model fitted on {fitted_on(d.reference)}"


def origin_in_short(d: Diagnosis) -> str:
    """Say the same in half a line."""
    gap = d.verdict.gap
    if gap is None or not predicted(gap) or d.reference is None:
        return origin(d)
    pairs = words.plural(d.reference.n_pairs, "measured pair")
    return f"predicted, learned from {pairs} of {words.plural(d.reference.n_sets, 'data set')}"


def fitted_on(reference: ReferenceCases | None) -> str:
    """Say what the model was fitted on."""
    if reference is None:
        return "measured transfers"
    pairs = words.plural(reference.n_pairs, "pair of domains", "pairs of domains")
    return f"transfers measured between {pairs} of {words.plural(reference.n_sets, 'data set')}"


def pilot_gap(gap: Gap) -> Gap | None:
    """Return what the pilot alone says, where that is not the gap itself."""
    found = (gap.pilot_estimate, gap.pilot_low, gap.pilot_high)
    if any(v is None or not math.isfinite(v) for v in found):
        return None
    estimate, low, high = found
    return gap.model_copy(update={"estimate": estimate, "low": low, "high": high})


def own_gap(gap: Gap) -> Gap | None:
    """Return the gap with the interval for the very labels at hand, where there is one."""
    ends = gap.own_draw
    if not ends or len(ends) != 2 or not all(map(math.isfinite, ends)):
        return None
    return gap.model_copy(update={"low": ends[0], "high": ends[1]})


def pilot_says(gap: Gap, metric: MetricInfo | None) -> str:
    """Say what the pilot alone says, as a clause; empty where that is the gap itself."""
    alone = pilot_gap(gap)
    if alone is None:
        return ""
    w = words.gap_words(alone, metric)
    return f"the pilot alone says {w.estimate} {w.unit} ({w.level} interval {w.interval})"


def outside(gap: Gap, most: int = 20) -> str:
    """Name what lies outside the range of measured transfers."""
    if not extrapolated(gap):
        return ""
    more = len(gap.outside) - most
    named = "; ".join(gap.outside[:most]) or "what, is not said"
    return named + (f"; and {more} more" if more > 0 else "")


def loss(gap: Gap | None, metric: MetricInfo | None) -> str:
    """Format the expected loss in the user's unit, its sign written."""
    if gap is None or gap.expected_loss is None:
        return words.MISSING
    return words.alike([gap.expected_loss], metric)[0]


def choice(d: Diagnosis) -> str:
    """Say how the strategy was chosen; empty where the document does not know of that."""
    if d.harm_cost is None:
        return ""
    times = words.number(d.harm_cost)
    cost = "once, like gain" if times == "1" else f"{times} times"
    whose = f" of the learner {d.headline_learner}" if d.headline_learner else ""
    return (
        f"Chosen is the strategy{whose} with the least expected loss, that is its expected gap "
        f"with harm counted {cost}; one that adapts the source must beat the best one that does "
        "not by half the margin."
    )


def coverage(reference: ReferenceCases) -> str:
    """Say how often the intervals held, over all measured transfers of the strategy."""
    cases = words.plural(reference.n_cases, "measured transfer")
    return (
        f"Of {cases} of this strategy the {words.percent(reference.level)} interval held "
        f"{words.percent(reference.coverage)}."
    )


def held(case: ReferenceCase) -> bool:
    """Say whether the interval holds what was measured."""
    return case.low <= case.observed <= case.high
