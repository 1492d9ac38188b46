"""What more target labels would change: in the verdict, in the gap section, or nowhere."""

import pytest

from negtransfer.diagnostics.document import CurvePoint, Outlook
from negtransfer.reports import render_html
from negtransfer.reports._outlook_figures import outlook_plot


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
