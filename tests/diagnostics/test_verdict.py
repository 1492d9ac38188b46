"""The policy: which numbers give which of the five words."""

import pytest

from negtransfer.diagnostics.document import CheckResult, MetricInfo, StrategyResult
from negtransfer.diagnostics.gap import Difference, to_gap
from negtransfer.diagnostics.recommend import best_row
from negtransfer.diagnostics.verdict import decide, labels_to_settle

METRIC = MetricInfo(
    name="accuracy", error_name="error rate", unit="points", scale=100, greater_is_better=True,
    margin=0.01, proper_score="Brier score",
)  # fmt: skip
IDS = ("NT106", "NT201", "NT202", "NT203", "NT204", "NT301", "NT302", "NT303", "NT401", "NT402",
       "NT403", "NT501")  # fmt: skip


def _gap(estimate, se, n=100):
    return to_gap(Difference(estimate, se, n - 1.0, 0, 0), margin=0.01, method="test")


def _row(strategy, estimate, se, *, adapted=False, recommended=False):
    return StrategyResult(
        learner="linear", strategy=strategy, title=strategy, adapted=adapted, applicable=True,
        n_labels=100, gap=_gap(estimate, se), recommended=recommended,
    )  # fmt: skip


def _checks(**states):
    return [
        CheckResult(
            id=i, name=i, group="tasks", state=states.get(i, "pass"), value=1.0, n_source=9,
            n_target=9, message=f"{i} says.",
        )
        for i in IDS
    ]  # fmt: skip


def _verdict(rows, **states):
    best = best_row(rows, "linear", METRIC.margin)
    marked = [r.model_copy(update={"recommended": r is best}) for r in rows]
    return decide(_checks(**states), marked, metric=METRIC, no_pilot=None, n_labels=100)


DIFFER = {"NT201": "warn"}


@pytest.mark.parametrize(
    ("rows", "label", "strategy"),
    [
        ([_row("pooled", -0.05, 0.01)], "transfer", "pooled"),
        ([_row("pooled", 0.0, 0.003)], "transfer", "pooled"),
        ([_row("pooled", 0.08, 0.01), _row("pooled-equal-weight", -0.04, 0.01, adapted=True)],
         "transfer-with-adaptation", "pooled-equal-weight"),
        ([_row("pooled", 0.05, 0.01)], "do-not-transfer", "target-only"),
        ([_row("pooled", 0.006, 0.002)], "caution", "target-only"),
        ([_row("pooled", 0.015, 0.02)], "caution", "target-only"),
        ([_row("pooled", -0.01, 0.06)], "not-enough-evidence", "target-only"),
        ([_row("pooled", 0.08, 0.01), _row("pooled-equal-weight", -0.001, 0.01, adapted=True)],
         "do-not-transfer", "target-only"),
    ],
)  # fmt: skip
def test_numbers_give_the_word(rows, label, strategy):
    verdict = _verdict(rows, **DIFFER)
    assert (verdict.label, verdict.strategy) == (label, strategy)
    assert "100 target labels" in verdict.sentence
    assert verdict.would_change_if


@pytest.mark.parametrize(
    ("estimate", "se", "label"),
    [(0.015, 0.02, "transfer"), (-0.01, 0.06, "transfer"), (0.05, 0.03, "caution"),
     (0.2, 0.03, "do-not-transfer")],
)  # fmt: skip
def test_domains_that_look_alike_get_the_benefit_of_the_doubt_but_not_of_evidence(
    estimate, se, label
):
    assert _verdict([_row("pooled", estimate, se)]).label == label


def test_looking_alike_needs_the_checks_that_need_labels():
    rows = [_row("pooled", 0.015, 0.02)]
    assert _verdict(rows, NT302="insufficient").label == "caution"
    assert _verdict(rows, NT303="insufficient").label == "caution"


def test_what_is_simpler_wins_a_tie():
    rows = [_row("pooled", -0.02, 0.01), _row("pooled-equal-weight", -0.024, 0.01, adapted=True)]
    assert _verdict(rows).strategy == "pooled"


def test_a_reversal_forbids_plain_transfer():
    assert _verdict([_row("pooled", -0.05, 0.01)], NT303="fail").label == "caution"


@pytest.mark.parametrize("alarm", [False, True])
def test_without_a_pilot_it_is_never_transfer(alarm):
    verdict = decide(
        _checks(NT204="fail" if alarm else "pass"), [], metric=METRIC,
        no_pilot="The target has no labelled rows.", n_labels=0,
    )  # fmt: skip
    assert verdict.label == ("caution" if alarm else "not-enough-evidence")
    assert verdict.gap is None
    assert verdict.labels_to_settle >= 30


def test_reasons_stand_on_the_right_side():
    hurt = _verdict([_row("pooled", 0.05, 0.01)], NT302="fail", NT501="fail")
    assert [r.check_id for r in hurt.reasons] == ["NT302", "NT501"]
    assert all(r.state == "pass" for r in hurt.counter_reasons)
    fine = _verdict([_row("pooled", -0.05, 0.01)], NT201="warn")
    assert fine.reasons[0].check_id == "NT501"
    assert [r.check_id for r in fine.counter_reasons] == ["NT201"]


def test_labels_to_settle_grow_with_doubt():
    few = labels_to_settle(_gap(-0.05, 0.05), 40, 0.01)
    many = labels_to_settle(_gap(-0.02, 0.05), 40, 0.01)
    assert 40 < few < many
    assert labels_to_settle(_gap(0.0, 5.0), 40, 0.01) <= 1_000_000
