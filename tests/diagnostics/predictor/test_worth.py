"""What labels are worth: curves that are known, what must not matter, prices and sentences."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from negtransfer import preflight
from negtransfer.diagnostics.costs import HARM_COST
from negtransfer.diagnostics.document import Diagnosis, Gap, MetricInfo, StrategyResult
from negtransfer.diagnostics.errors import InputError
from negtransfer.diagnostics.predictor.labels_first import MORE, label_plan
from negtransfer.diagnostics.predictor.outlook import outlook
from negtransfer.diagnostics.predictor.worth import (
    DRAWS,
    LARGEST,
    Situation,
    Worth,
    _stored,
    drawn_worth,
    errors_at,
    known,
    log_fall,
    worth,
)

# For the benchmarks, which lie beside the package.
sys.path.append(str(Path(__file__).resolve().parents[3]))

HERE = Situation(50, 0.25, 0.45, 20, "binary", "linear")
SITUATIONS = [
    Situation(n, error, constant, columns, task, learner)
    for n in (10, 60, 400)
    for columns in (2, 200)
    for learner in ("linear", "forest")
    for task, error, constant in (
        ("binary", 0.2, 0.4), ("multiclass", 0.5, 0.8), ("regression", 0.7, 1.0),
    )
]  # fmt: skip
METRIC = MetricInfo(
    name="accuracy", error_name="error rate", unit="points", scale=100.0, greater_is_better=True,
    margin=0.01, proper_score="brier",
)  # fmt: skip


def row(gap: float = -0.02, sd: float = 0.01, n: int = 50, **other) -> StrategyResult:
    half = 1.28155 * sd
    found = Gap(
        estimate=gap, low=gap - half, high=gap + half, level=0.8, standard_error=sd, p_harm=0.1,
        p_clear_harm=0.05, p_clear_gain=0.5, outcome="helps", method="",
    )  # fmt: skip
    return StrategyResult(**{
        "learner": "linear", "strategy": "pooled", "title": "", "adapted": False,
        "applicable": True, "n_labels": n, "error": 0.23, "error_target_only": 0.25, "gap": found,
        **other,
    })  # fmt: skip


def plan(cost: float, *, here: Situation = HERE, transfer: bool = True, harm: float = 3.0, **other):
    return label_plan(
        row(**other), here, METRIC, label_cost=cost, harm_cost=harm, transfer=transfer
    )


# The curve


def test_power_laws_left_out_are_predicted():
    """Errors fall to a floor as powers of n; fitted on some, others are foreseen."""
    pytest.importorskip("benchmarks.predictor.worth")
    from benchmarks.predictor.worth import falls, fit

    rng = np.random.default_rng(0)
    counts = (10, 20, 50, 100, 200, 500, 1000)

    def error(power: float, n: float) -> float:
        return 0.4 * (n / 10) ** -power

    rows, pilots = [], []
    for i in range(40):
        power = rng.uniform(0.25, 0.35)
        key = (f"f{i}", f"s{i}", "a", "b", "binary", "linear")
        for n in counts:
            rows += [(*key, "target-only", n, draw, error(power, n)) for draw in (0, 1)]
            pilots.append((*key, "pooled", n, 0, error(power, n), 0.5, 10))
    names = ["family", "set", "source", "target", "task", "learner", "strategy", "n_labels", "draw"]
    measured = pd.DataFrame(rows, columns=[*names, "error"])
    known_then = pd.DataFrame(pilots, columns=[*names, "base", "constant", "n_columns"])
    learned = fit(falls(measured, known_then))
    here = Situation(50, error(0.3, 50), 0.5, 10, "binary", "linear")
    for m in (100, 300, 1000):
        middle, low, high = errors_at(here, [m], learned=learned)[:, 0]
        assert middle == pytest.approx(error(0.3, m), rel=0.12)
        assert low < error(0.3, m) < high
    gap = error(0.3, 150) - error(0.3, 50)
    assert np.median(drawn_worth(here, gap, 0.0, learned=learned)) == pytest.approx(100, rel=0.35)


@pytest.mark.parametrize("here", SITUATIONS)
def test_the_error_is_what_it_is_now_and_falls_with_labels(here):
    counts = np.geomspace(here.n, LARGEST, 12)
    middle, low, high = errors_at(here, counts)
    assert [middle[0], low[0], high[0]] == pytest.approx([here.error] * 3)
    assert np.all(low <= high)
    assert middle[-1] < middle[0]
    assert np.all(high <= max(here.error, here.constant) + 1e-12)


def test_fewer_labels_at_hand_leave_more_to_gain():
    falls = [errors_at(replace(HERE, n=n), [2 * n])[0, 0] for n in (20, 100, 400)]
    assert falls == sorted(falls)


def test_the_unit_of_the_error_does_not_matter():
    scaled = replace(HERE, error=0.5, constant=0.9)
    spread = replace(HERE, task="regression"), replace(scaled, task="regression")
    (mean, *_), (other, *_) = (log_fall(one, [100, 500]) for one in spread)
    assert mean == pytest.approx(other)


def test_all_that_is_known_counts():
    """Each number of the situation moves the prediction."""
    base = log_fall(HERE, [200])[0][0]
    others = [
        {"n": 25}, {"error": 0.4}, {"constant": 0.3}, {"n_columns": 100}, {"task": "multiclass"},
        {"learner": "forest"},
    ]  # fmt: skip
    for other in others:
        changed = replace(HERE, **other)
        assert abs(log_fall(changed, [200 * changed.n // HERE.n])[0][0] - base) > 1e-4, other


def test_a_constant_that_errs_nowhere_is_no_division_by_zero():
    rows = {"n_labels": 10, "base": 0, "constant": 0, "n_columns": 5, "multiclass": 0,
            "not_linear": 0}  # fmt: skip
    assert np.isfinite(known({k: [v] for k, v in rows.items()})).all()
    perfect = replace(HERE, error=0.0, constant=0.0)
    assert errors_at(perfect, [100])[0, 0] == 0
    assert worth(perfect, 0.01, 0.0).more == 0


# Its worth


def test_harm_is_worth_nothing():
    found = worth(HERE, 0.03, 0.001)
    assert (found.more, found.low, found.high, found.p_none) == (0, 0, 0, 1)
    assert "worth no target labels" in found.sentence("pooled", "linear")


def test_a_larger_gain_is_never_worth_less():
    more = [np.sort(drawn_worth(HERE, gap, 0.01)) for gap in (0.01, 0.0, -0.01, -0.03, -0.06)]
    assert all(np.all(a <= b) for a, b in pairwise(more))


def test_a_gain_that_no_labels_reach_is_beyond():
    found = worth(HERE, -0.2499, 0.0)
    assert found.more == math.inf
    assert found.p_beyond > 0.95
    assert f"{LARGEST:,} in all" in found.words()


def test_the_worth_is_where_the_curve_meets_the_error_with_transfer():
    """Without doubt about the fall, the curve's own error gives the labels back."""
    sure = {"mean": [[-0.1, -0.05], *[[0, 0]] * 5], "spread": [-30.0, 0, 0, 0, 0], "rest": [0.0]}
    for m in (75, 200, 900):
        error = errors_at(HERE, [m], learned=sure)[0, 0]
        found = worth(HERE, error - HERE.error, 0.0, learned=sure)
        assert found.more == pytest.approx(m - HERE.n, rel=0.02)


def test_doubt_widens_the_interval_and_the_middle_lies_in_it():
    narrow, wide = (worth(HERE, -0.02, sd) for sd in (0.001, 0.03))
    for one in (narrow, wide):
        assert one.low <= one.more <= one.high
    assert wide.p_none > narrow.p_none
    assert wide.low <= narrow.low


def test_the_sentence_names_strategy_learner_number_and_interval():
    found = Worth(120.4, 41.0, 404.0, 0.9, 0.04, 0.01)
    assert found.sentence("pooled", "linear") == (
        "With pooled and linear, transfer now is worth about 120 more target labels (90 % interval "
        "41 to 400)."
    )
    assert "beyond 1,000 in all" in replace(found, high=math.inf).words()


@pytest.mark.parametrize(
    "bad", [(math.nan, 0.1), (0.1, -1.0), (0.1, math.inf)], ids=["no gap", "negative", "infinite"]
)
def test_bad_gaps_are_refused(bad):
    with pytest.raises(ValueError, match="finite"):
        worth(HERE, *bad)


def test_nothing_is_said_beyond_what_was_measured():
    with pytest.raises(ValueError, match=f"{LARGEST}"):
        worth(replace(HERE, n=LARGEST), -0.1, 0.1)
    far = replace(HERE, n=LARGEST)
    assert outlook(row(n=LARGEST), METRIC, regression=False, here=far).worth is None
    assert outlook(row(), METRIC, regression=False).worth is None
    assert outlook(row(), METRIC, regression=False, here=HERE).worth.largest == LARGEST


def test_the_same_input_gives_the_same_draws():
    first, again = (drawn_worth(HERE, -0.02, 0.01) for _ in range(2))
    assert np.array_equal(first, again)
    assert len(first) == DRAWS


# The price of labels


def test_the_dearer_labels_the_fewer():
    more = [plan(cost).more_labels for cost in (1e-7, 1e-5, 1e-4, 1e-3, 1e-2, 1.0)]
    assert more == sorted(more, reverse=True)
    assert more[0] == max(MORE)
    assert more[-1] == 0


def test_the_cheapest_option_is_the_one_named_and_sums_are_right():
    found = plan(1e-4)
    for one in found.options:
        assert one.price == pytest.approx(1e-4 * one.more_labels)
        assert one.total == pytest.approx(one.loss + one.price)
        assert one.n_labels == HERE.n + one.more_labels <= LARGEST
        assert one.low <= one.high
    best = min(found.options, key=lambda one: one.total)
    assert (found.more_labels, found.use) == (best.more_labels, best.use)
    assert f"{100 * best.total:+.2g} points" in found.sentence
    assert "extrapolated" in found.sentence


def test_without_labels_the_target_alone_loses_nothing():
    hurts = plan(1e-4, gap=0.1)
    assert hurts.options[0].use == "target-only"
    assert hurts.options[0].loss == 0


def test_where_the_verdict_does_not_recommend_the_source_it_is_not_weighed():
    """However large the gain, a price of labels lifts no warning."""
    found = plan(1e-4, gap=-0.2, transfer=False)
    assert {one.use for one in found.options} == {"target-only"}
    assert not found.transfer_weighed
    assert plan(1e-4, gap=-0.2).options[0].use == "pooled"


def test_a_dearer_harm_makes_using_the_source_no_better():
    mild, harsh = (plan(1e-4, sd=0.03, harm=cost) for cost in (1.0, 10.0))
    assert all(a.loss <= b.loss for a, b in zip(mild.options, harsh.options, strict=True))


def test_near_the_end_of_what_was_measured_there_are_fewer_options():
    far = replace(HERE, n=960)
    found = plan(1e-4, here=far, n=960)
    assert [one.more_labels for one in found.options] == [0, 10, 20]
    alone = plan(1e-4, here=replace(HERE, n=995), n=995)
    assert [one.more_labels for one in alone.options] == [0]
    assert "do not pay" in alone.sentence


# The whole check


def cancer(n: int = 40):
    X, y = load_breast_cancer(return_X_y=True)
    return {"source": (X[:300], y[:300]), "target": (X[300 : 300 + n], y[300 : 300 + n])}


@pytest.fixture(scope="module")
def checked() -> tuple[Diagnosis, Diagnosis]:
    said = {**cancer(), "learner": "linear", "budget": 5}
    return preflight(**said), preflight(**said, label_cost=0.0001)


def test_a_price_of_labels_changes_nothing_but_the_plan(checked):
    plain, priced = checked
    assert plain.label_plan is None
    assert priced.label_plan.label_cost == 0.0001
    assert priced.label_plan.harm_cost == HARM_COST
    assert "--label-cost 0.0001" in priced.command
    same = ("command", "config", "label_plan")
    without = [{k: v for k, v in one.to_dict().items() if k not in same} for one in checked]
    assert without[0] == without[1]


def test_worth_and_plan_are_shown_and_read_again(checked):
    priced = checked[1]
    assert Diagnosis.from_json(priced.to_json()) == priced
    page = priced.to_html()
    assert priced.outlook.worth.sentence in page
    assert page.count("At this price") == 2
    assert page.count("(cheapest)") == 1
    assert "More labels  At this price" in priced.to_text()
    assert len(priced.to_text().splitlines()) <= 24


def test_a_document_of_before_can_be_shown(checked):
    old = checked[0].to_dict()
    del old["outlook"]["worth"], old["label_plan"]
    page = Diagnosis.model_validate(old).to_html()
    assert 'id="break-even"' in page
    assert 'id="worth"' not in page


@pytest.mark.parametrize(
    ("given", "why"),
    [({"metric": "roc_auc"}, "accuracy and RMSE"), ({"target": None}, "without a pilot")],
)
def test_where_labels_cannot_be_priced_the_reason_is_said(given, why):
    data = cancer()
    if "target" in given:
        X, y = data["target"]
        given = {"target": (X, np.where(np.arange(len(y)) < 3, y, np.nan))}
    result = preflight(**{**data, **given}, learner="linear", budget=5, label_cost=0.001)
    assert result.label_plan is None
    assert [one for one in result.warnings if "labels were priced" in one and why in one]


@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf, "x", True, 1e9])
def test_a_bad_price_gets_one_sentence(bad):
    with pytest.raises(InputError, match=r"label_cost is .*give") as fault:
        preflight(**cancer(), label_cost=bad)
    assert "\n" not in str(fault.value)


def test_help_loads_no_more_for_it():
    code = (
        "import sys; import negtransfer.diagnostics.cli; "
        "print([m for m in ('numpy', 'pydantic', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_shipped_file_names_the_committed_tables():
    cases = pytest.importorskip("benchmarks.predictor.cases")
    table = pytest.importorskip("benchmarks.outcomes.table")
    if not table.TABLE.exists():
        pytest.skip("the table of measured transfers is not stored")
    about = _stored()["about"]
    assert about["outcomes_sha256"] == cases.table_hash(table.read())
    assert about["pilots_sha256"] == cases.table_hash(table.read_evidence("pilot"))


@pytest.mark.slow
def test_the_shipped_file_is_what_the_committed_tables_give():
    found = pytest.importorskip("benchmarks.predictor.worth")
    table = pytest.importorskip("benchmarks.outcomes.table")
    if not table.TABLE.exists():
        pytest.skip("the table of measured transfers is not stored")
    again = json.loads(found.shipped_text(table.read(), table.read_evidence("pilot")))
    assert again["tasks"].keys() == _stored()["tasks"].keys()
    for here in SITUATIONS:
        kind = "regression" if here.task == "regression" else "classification"
        counts = np.geomspace(here.n, LARGEST, 8)
        # Other versions of numpy and scipy stop the search elsewhere.
        np.testing.assert_allclose(
            errors_at(here, counts, learned=again["tasks"][kind]), errors_at(here, counts),
            rtol=0.01,
        )  # fmt: skip
