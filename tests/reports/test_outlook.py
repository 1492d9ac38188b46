"""What more target labels would change: in the verdict, in the gap section, or nowhere."""

import pytest

from negtransfer.diagnostics.document import (
    CurvePoint,
    LabelOption,
    LabelPlan,
    LabelWorth,
    Outlook,
)
from negtransfer.reports import render_html
from negtransfer.reports._outlook_figures import label_rows, outlook_plot


def outlook(**other):
    known = {
        "strategy": "pooled", "learner": "linear", "n_labels": 60, "break_even": 130.0,
        "low": 62.0, "high": None, "level": 0.9, "p_already_past": 0.04, "p_never": 0.01,
        "p_beyond": 0.06, "largest": 5000,
        "sentence": "Transfer pays below about 130 labels (90 % interval 62 to beyond 5,000).",
        "curve": [
            CurvePoint(n_labels=n, gap=g, low=g - 0.05, high=g + 0.05)
            for n, g in ((10, -0.1), (100, -0.01), (1000, 0.06), (5000, 0.09))
        ],
        "labels_until_known": 170.0, "until_known_sentence": "About 170 labels are needed.",
    }  # fmt: skip
    return Outlook(**{**known, **other})


@pytest.fixture
def ahead(diagnoses):
    return diagnoses["transfer"].model_copy(update={"outlook": outlook()})


def test_the_sentence_stands_in_the_verdict_and_with_its_picture(ahead):
    page = render_html(ahead)
    assert page.count("Transfer pays below about 130 labels") >= 2
    assert "About 170 labels are needed." in page
    assert 'id="break-even"' in page
    assert 'class="outlook"' in page


def test_nothing_is_shown_without_an_outlook(diagnoses):
    page = render_html(diagnoses["transfer"])
    assert 'class="outlook"' not in page


def test_the_crossing_is_drawn_only_inside_the_picture(ahead):
    metric = ahead.metric
    assert outlook_plot(outlook(), metric).crossing is not None
    assert outlook_plot(outlook(break_even=None), metric).crossing is None
    assert outlook_plot(outlook(break_even=0.0), metric).crossing is None
    assert outlook_plot(outlook(curve=[]), metric) is None
    assert outlook_plot(None, metric) is None


def test_more_labels_lie_further_right_and_more_harm_higher_up(ahead):
    plot = outlook_plot(outlook(), ahead.metric)
    points = [tuple(map(float, p.split(","))) for p in plot.line.split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert points[0][1] > plot.zero > points[-1][1]
    assert [row[0] for row in plot.rows] == ["10", "100", "1,000", "5,000"]


def test_words_of_the_document_are_escaped(ahead):
    nasty = outlook(sentence="<script>alert(1)</script>", learner="<b>x</b>", strategy="<i>")
    page = render_html(ahead.model_copy(update={"outlook": nasty}))
    assert "<script>alert(1)" not in page
    assert "<b>x</b>" not in page


def worth_and_plan():
    worth = LabelWorth(
        more_labels=121.0, low=42.0, high=None, level=0.9, p_none=0.1, p_beyond=0.08,
        largest=1000, words="about 120 more target labels",
        sentence="With pooled, transfer now is worth about 120 more target labels.",
    )  # fmt: skip
    options = [
        LabelOption(
            more_labels=k, n_labels=60 + k, use=use, error_target_only=0.2 - loss, low=0.1,
            high=0.25, loss=-loss, price=0.0002 * k, total=0.0002 * k - loss,
        )
        for k, use, loss in ((0, "pooled", 0.02), (100, "<i>target-only</i>", 0.05))
    ]  # fmt: skip
    plan = LabelPlan(
        label_cost=0.0002, harm_cost=3.0, strategy="pooled", learner="linear",
        transfer_weighed=False, level=0.9, largest=1000, options=options, more_labels=100,
        use="target-only", sentence="First label about 100 more target rows.",
    )  # fmt: skip
    return worth, plan


def test_worth_and_the_price_of_labels_are_shown_in_the_users_unit(ahead):
    worth, plan = worth_and_plan()
    priced = ahead.model_copy(update={"outlook": outlook(worth=worth), "label_plan": plan})
    page = render_html(priced)
    assert worth.sentence in page
    assert page.count(plan.sentence) == 2
    rows = label_rows(plan, priced.metric)
    assert rows.cost == "0.02"
    assert [row.cheapest for row in rows.rows] == [False, True]
    assert rows.rows[1].error == "15 (10 to 25)"
    assert rows.rows[1].price == "2"
    assert rows.rows[1].total == "−3.0"
    assert "only the target alone is weighed" in page
    assert "<i>target-only</i>" not in page
    text = priced.to_text()
    assert "Worth        Transfer now: about 120 more target labels" in text
    assert "More labels  First label about 100" in text


def test_the_terminal_leaves_out_a_worth_of_nothing(ahead):
    """The gap says it there; the page says it too."""
    worth, _ = worth_and_plan()
    none = worth.model_copy(update={"more_labels": 0.0, "p_none": 0.9})
    found = ahead.model_copy(update={"outlook": outlook(worth=none)})
    assert "Worth  " not in found.to_text()
    assert none.sentence in render_html(found)


def test_without_a_price_there_is_no_plan(ahead):
    page = render_html(ahead)
    assert 'id="worth"' not in page
    assert 'id="label-cost"' not in page
    assert "More labels" not in ahead.to_text()
