"""The gap as measured transfers teach to predict it from the pilot."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..document import (
    CheckResult,
    Contribution,
    Gap,
    ReferenceCase,
    ReferenceCases,
)
from ..gap import HARM_COST, LEVEL, PairedCrossValidation, outcome_of
from ..learners import Learner
from ..pilot import Metric, Pilot
from . import other_metrics
from .evidence import (
    disagreement,
    in_metric,
    in_usual_metric,
    of_inputs,
    of_pilot,
    of_strategy,
)
from .model import TARGETS, GapModel, Prediction, shipped
from .other_metrics import OtherMetrics, measured_as
from .reference import Reference, shipped_reference
from .terms import GROUPS, METRICS, STRATEGIES, studentised

if TYPE_CHECKING:
    from ..domain import Pair

WIDER = 1.5
"""Outside the calibrated range the spread grows by this factor."""
SLACK = 1.25
"""How far beyond the measured range a number may lie and still count as inside."""
NOT_HELD_AGAINST = ("n_source", "pilot_gap", "pilot_proper_gap", "n_held_out")
"""More source rows than were measured, or a larger gap, do not make a case strange."""
SMALL_IS_FINE = (
    "base", "base_proper", "constant_proper", "home_proper", "joint_proper", "pilot_se",
    "pilot_proper_se", "pilot_apart", "n_columns", "shift_auc", "shift_energy", "shift_outside",
    "shift_predicted_shift",
)  # fmt: skip
"""Nor do an easy task, few columns, or little doubt."""
WORDS = {
    "pilot_se": "the pilot's standard error", "pilot_proper_se": "the proper score's error",
    "pilot_apart": "how differently the models predict", "base": "the target-only error",
    "base_proper": "the target-only proper score", "constant_proper": "the constant's score",
    "home_proper": "the source's score at home", "joint_proper": "the joint model's score",
    "scale_ratio": "the ratio of the labels' spreads", "n_labels": "the number of target labels",
    "shift_auc": "how well inputs of the sides are told apart",
    "shift_energy": "the energy distance of the inputs",
    "shift_outside": "the share of target rows outside the source",
    "shift_predicted_shift": "how far the source model's predictions move",
    "n_columns": "the number of columns", "learner": "the learner", "strategy": "the strategy",
}  # fmt: skip
FAMILIES = {
    "linear_model": "linear", "svm": "linear", "discriminant_analysis": "linear",
    "_forest": "forest", "_hist_gradient_boosting": "boosting", "_gb": "boosting",
    "neural_network": "network",
}  # fmt: skip


OTHER_METHOD = "predicted from the pilot of another learner by a model fitted on measured transfers"


class CalibratedPredictor:
    """Predicts the gap from the pilot with the model fitted on measured transfers.

    Accuracy and RMSE were measured most often; the gap in another metric of the user is
    predicted from theirs and from what the pilot says in it.  Where no model was fitted, and
    always for the proper score beside the metric, the paired cross-validation of the pilot
    stands alone: strategies that were not measured often enough, more target labels than were
    measured.

    Parameters
    ----------
    pair : Pair
    learners : sequence of Learner
    seed : int
    cost : float
        How many times a harm counts against a gain of the same size.
    rows_at_random : bool
        Whether the pilot holds out rows at random, as it did where transfers were measured.
    model : GapModel, optional
        The shipped one if left out.
    others : OtherMetrics, optional
        For metrics besides accuracy and RMSE; the shipped ones if left out.
    """

    name = "predicted from the pilot by a model fitted on measured transfers"

    def __init__(
        self,
        pair: Pair,
        learners: Sequence[Learner],
        *,
        seed: int = 0,
        cost: float = HARM_COST,
        rows_at_random: bool = True,
        model: GapModel | None = None,
        others: OtherMetrics | None = None,
    ) -> None:
        self._pair = pair
        self._learners = {one.name: one for one in learners}
        self._seed = seed
        self._cost = cost
        self._rows_at_random = rows_at_random
        self._model = model or shipped()
        self._others = others or other_metrics.shipped()
        self._plain = PairedCrossValidation(cost=cost)
        # Each pilot is kept with its evidence: the id of one that is gone may be given again.
        self._kept: dict[tuple[int, str], tuple[Pilot, dict[str, dict[str, float]]]] = {}

    def estimate(
        self,
        pilot: Pilot,
        checks: Sequence[CheckResult],
        *,
        learner: str,
        strategy: str,
        metric: Metric,
    ) -> Gap:
        """Return the predicted gap of `strategy` with `learner` in `metric`."""
        plain = self._plain.estimate(
            pilot, checks, learner=learner, strategy=strategy, metric=metric
        )
        usual = metric.name in METRICS
        known = metric is pilot.metric and strategy in STRATEGIES
        known &= usual or self._others.of(metric.name) is not None
        if not known or pilot.n_labels > self.most_labels():
            return plain
        row = self.evidence(pilot, learner)[strategy]
        outside = self._outside(row, self._model)
        outside += self._unmeasured(learner, metric.name, pilot.n_labels)
        mean, own = (
            self._predict(row, learner, strategy, target, bool(outside), metric.name)
            for target in TARGETS
        )
        groups = GROUPS if usual else other_metrics.GROUPS
        return _gap(mean, own, metric, self._cost, outside, plain, self.name, groups)

    def evidence(self, pilot: Pilot, learner: str) -> dict[str, dict[str, float]]:
        """Return the evidence of every strategy of `learner`, by strategy."""
        key = id(pilot), learner
        if key not in self._kept:
            usual = in_usual_metric(pilot, str(self._pair.task))
            tried = [s for s in pilot.plan.strategies if (learner, s.name) in pilot.predictions]
            apart = disagreement(
                self._pair, self._learners[learner], [s for s in tried if s.name in STRATEGIES],
                pilot=pilot, seed=self._seed,
            )  # fmt: skip
            shared = of_pilot(usual, self._pair, learner)
            shared["n_labels"] = float(pilot.n_labels)
            shared["regression"] = float(self._pair.task == "regression")
            shared |= self._inputs
            rows = {
                s.name: of_strategy(usual, learner, s.name) for s in tried if s.name in STRATEGIES
            }
            if usual is not pilot:
                for name, row in rows.items():
                    row |= in_metric(pilot, learner, name, pilot.metric)
            z = {
                name: float(studentised(row["pilot_proper_gap"], row["pilot_proper_se"]))
                for name, row in rows.items()
            }
            others = {
                "source_z": z.get("source-only", np.nan), "pooled_z": z.get("pooled", np.nan)
            }  # fmt: skip
            found = {
                name: {**shared, **row, **others, "pilot_apart": apart.get(name, np.nan)}
                for name, row in rows.items()
            }
            self._kept[key] = pilot, found
        return self._kept[key][1]

    def reference(self, pilot: Pilot, learner: str, strategy: str) -> ReferenceCases | None:
        """Return measured transfers to stand beside the prediction, or ``None``."""
        rows = self.evidence(pilot, learner)
        if strategy not in rows:
            return None
        known = shipped_reference()
        kind = self.kind(learner) or "linear"
        usual = pilot.metric.name in METRICS
        metric = "" if usual else measured_as(pilot.metric.name)
        about = (self._model if usual else self._others).about
        near, others, n, coverage = known.near(
            rows[strategy], strategy=strategy, learner=kind, metric=metric
        )
        if n == 0:
            return None
        return ReferenceCases(
            strategy=strategy, learner=kind, n_cases=n, coverage=coverage, level=LEVEL,
            n_sets=int(about["sets"]), n_pairs=int(about["pairs"]),
            cases=[_case(known, i, True) for i in near] + [_case(known, i, False) for i in others],
        )  # fmt: skip

    @cached_property
    def _inputs(self) -> dict[str, float]:
        return of_inputs(self._pair, seed=self._seed)

    def most_labels(self, model: GapModel | None = None) -> float:
        """Return with how many target labels a model may still be asked."""
        return (model or self._model).ranges["n_labels"][1] * SLACK

    def of_another(
        self, pilot: Pilot, learner: str, other: str, strategy: str, model: GapModel
    ) -> Gap:
        """Return the gap of the learner `other` from the pilot of `learner`, by `model`."""
        metric = pilot.metric
        plain = self._plain.estimate(pilot, (), learner=learner, strategy=strategy, metric=metric)
        row = self.evidence(pilot, learner)[strategy]
        outside = self._outside(row, model)
        mean, own = (
            self._from_model(model, row, other, strategy, target, bool(outside))
            for target in TARGETS
        )
        found = _gap(mean, own, metric, self._cost, outside, plain, OTHER_METHOD, GROUPS)
        # What the pilot alone says is of the learner it was run with.
        return found.model_copy(
            update={"pilot_estimate": None, "pilot_low": None, "pilot_high": None}
        )

    def _predict(
        self, row: dict[str, float], learner: str, strategy: str, target: str, wide: bool,
        metric: str,
    ) -> Prediction:  # fmt: skip
        kind, model = self.kind(learner) or "linear", self._others.of(metric)
        if model is None:
            return self._from_model(self._model, row, kind, strategy, target, wide)
        usual = self._from_model(self._model, row, kind, strategy, "mean", False)
        columns = {key: np.array([self._inside(key, value)]) for key, value in row.items()}
        columns |= {"mean": usual.mean, "spread": usual.spread}
        found = model.predict({**columns, "strategy": np.array([strategy])}, target)
        return _wider(found) if wide else found

    def _from_model(
        self, model: GapModel, row: dict[str, float], kind: str, strategy: str, target: str,
        wide: bool,
    ) -> Prediction:  # fmt: skip
        columns = {key: np.array([self._inside(key, value)]) for key, value in row.items()}
        texts = {"strategy": np.array([strategy]), "learner": np.array([kind])}
        found = model.predict({**columns, **texts}, target)
        return _wider(found) if wide else found

    def _inside(self, key: str, value: float) -> float:
        """Return a size no larger than any that was measured."""
        if key == "n_source":
            return min(value, self._model.ranges[key][1])
        return value

    def kind(self, learner: str) -> str | None:
        """Return the kind of learner that was measured, or ``None``."""
        one = self._learners[learner]
        measured = self._model.about.get("learners", ("linear",))
        if one.name in ("linear", "forest"):
            return one.name if one.name in measured else None
        estimator = one.make(100, 0)
        last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
        module = type(last).__module__
        if not module.startswith("sklearn."):
            return None
        found = next((kind for part, kind in FAMILIES.items() if part in module), None)
        return found if found in measured else None

    def _outside(self, row: dict[str, float], model: GapModel) -> list[str]:
        found = []
        for name, (low, high) in model.ranges.items():
            value = row.get(name, np.nan)
            if name in NOT_HELD_AGAINST or np.isnan(value):
                continue
            least = -np.inf if name in SMALL_IS_FINE else low / SLACK - 1e-9
            if not least <= value <= high * SLACK + 1e-9:
                found.append(f"{WORDS[name]} ({value:.3g}, measured {low:.3g} to {high:.3g})")
        if not self._rows_at_random:
            found.append("how rows are held out (by units or in time, measured at random)")
        return found

    def _unmeasured(self, learner: str, metric: str, n_labels: int) -> list[str]:
        kind = self.kind(learner)
        found = [] if kind else [f"{WORDS['learner']} ({learner})"]
        if metric in METRICS:
            return found
        if kind and kind not in self._others.about["learners"]:
            found.append(f"{WORDS['learner']} in this metric ({learner})")
        most = other_metrics.MOST_LABELS
        if n_labels > most * SLACK:
            found.append(f"{WORDS['n_labels']} in this metric ({n_labels}, measured to {most})")
        return found


def _wider(found: Prediction) -> Prediction:
    return Prediction(found.mean, found.spread * WIDER, found.rest, found.contributions)


def _case(known: Reference, i: int, near: bool) -> ReferenceCase:
    data_set, source, target = (str(name) for name in known.names[i])
    return ReferenceCase(
        data_set=data_set, source=source, target=target, n_labels=int(known.n_labels[i]),
        predicted=float(known.predicted[i]), low=float(known.low[i]), high=float(known.high[i]),
        observed=float(known.observed[i]), near=near,
    )  # fmt: skip


def _gap(
    prediction: Prediction, own: Prediction, metric: Metric, cost: float,
    outside: list[str], plain: Gap, method: str, groups: Sequence[str],
) -> Gap:  # fmt: skip
    low, high = (float(prediction.quantile(q)[0]) for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    own_ends = [float(own.quantile(q)[0]) for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)]
    p_harm = float(prediction.above(0.0)[0])
    found = Gap(
        estimate=float(prediction.mean[0]),
        low=low,
        high=high,
        level=LEVEL,
        standard_error=float(prediction.spread[0]),
        p_harm=p_harm,
        p_clear_harm=float(prediction.above(metric.margin)[0]),
        p_clear_gain=1 - float(prediction.above(-metric.margin)[0]),
        outcome=outcome_of(p_harm),
        method=method,
        in_calibrated_range=not outside,
        outside=outside,
        expected_loss=float(prediction.expected(cost=cost)[0]),
        own_draw=own_ends,
        pilot_estimate=plain.estimate,
        pilot_low=plain.low,
        pilot_high=plain.high,
        contributions=[
            Contribution(group=group, value=float(value))
            for group, value in zip(groups, prediction.contributions[0], strict=True)
        ],
    )
    return _no_surer(found, plain) if outside else found


def _no_surer(gap: Gap, pilot: Gap) -> Gap:
    """Return a gap that is no surer than the pilot alone: how far to believe it was not learned.

    The interval holds that of the pilot, and probabilities are half its own.
    """
    assert gap.own_draw is not None
    assert gap.expected_loss is not None
    assert pilot.expected_loss is not None
    ends = ((gap.low, gap.high), gap.own_draw)
    (low, high), own = ((min(a, pilot.low), max(b, pilot.high)) for a, b in ends)
    names = ("p_harm", "p_clear_harm", "p_clear_gain", "expected_loss")
    update = {name: (getattr(gap, name) + getattr(pilot, name)) / 2 for name in names}
    update |= {"low": low, "high": high, "own_draw": list(own)}
    return gap.model_copy(update=update | {"outcome": outcome_of(update["p_harm"])})
