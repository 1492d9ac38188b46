"""Where the gap comes from: a model of measured transfers, or the pilot alone."""

import json
import re

import pytest

from negtransfer.diagnostics.document import Diagnosis
from negtransfer.diagnostics.predictor import other_metrics
from negtransfer.diagnostics.predictor.terms import GROUPS
from negtransfer.reports import _prediction_words as told
from negtransfer.reports import render_card, render_html, render_text
from negtransfer.reports.figures import contribution_plot, reference_plot, side_lines
from negtransfer.reports.glossary import GLOSSARY

ADDED = ("in_calibrated_range", "outside", "expected_loss", "own_draw", "pilot_estimate",
         "pilot_low", "pilot_high", "contributions")  # fmt: skip


def plain(html):
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def svg(html, name):
    return re.search(rf'<svg class="{name}".*?</svg>', html, re.S)[0]


def without(node):
    """Take out, everywhere, what documents of schema 1.1 do not have."""
    if isinstance(node, dict):
        return {k: without(v) for k, v in node.items() if k not in ADDED}
    return [without(v) for v in node] if isinstance(node, list) else node


def test_a_document_of_before_still_renders(diagnoses):
    data = without(diagnoses["predicted"].to_dict())
    data["schema_version"] = "1.1.0"
    for key in ("reference", "harm_cost", "sensitivity"):
        del data[key]
    old = Diagnosis.from_json(json.dumps(data))
    html = render_html(old)
    assert "Measured by the pilot alone." in html
    assert "This document knows of no measured transfers" in html
    assert "measured by the pilot alone" in " ".join(render_text(old).split())
    assert "measured by the pilot alone" in render_card(old)
    for absent in ("Expected loss</th>", "made-of", 'class="reference"', "Outside the calibrated"):
        assert absent not in html


def test_the_pilot_alone_says_so_and_why(diagnoses):
    d = diagnoses["caution"].model_copy(update={"harm_cost": 3.0})
    html = render_html(d)
    assert "Measured by the pilot alone." in html
    assert "it speaks for strategies measured often enough" in html
    assert side_lines(d.gap, None, d.metric) == ()
    assert contribution_plot(d.gap, d.metric) is None


def test_the_verdict_says_where_the_gap_comes_from(diagnoses):
    html = render_html(diagnoses["predicted"])
    assert (
        "Predicted from the pilot by a model fitted on transfers measured between "
        "550 pairs of domains of 52 data sets." in plain(html)
    )
    bar = svg(html, "verdict-bar")
    assert "the pilot alone: " in bar
    assert "for the very labels at hand: " in bar
    assert "The pilot alone says −5 points" in plain(html)
    assert 'class="outside"' not in html
    assert "Outside the calibrated range" not in html


def test_outside_the_range_it_is_hatched_and_said(diagnoses):
    d = diagnoses["outside"]
    html = render_html(d)
    assert 'class="outside"' in svg(html, "verdict-bar")
    assert "Outside the range of measured transfers." in svg(html, "verdict-bar")
    said = plain(html)
    assert "the learner (knn); the number of columns (4,000)" in said
    assert re.search("Verdicts are capped at caution", said)
    assert html.count("outside the calibrated range</b>") == sum(1 for s in d.strategies if s.gap)
    text = " ".join(render_text(d).split())
    assert "Outside the calibrated range: the learner (knn); the number of columns" in text
    assert "Outside the calibrated range: the learner (knn)" in plain(render_card(d))


def test_contributions_are_shown_with_their_sum(diagnoses):
    d = diagnoses["predicted"]
    plot = contribution_plot(d.gap, d.metric)
    assert [row.value for row in plot.rows] == ["−4.3", "+1.2", "−3.1"]
    assert plot.total.value == "−6.2"
    assert sum(c.value for c in d.gap.contributions) == pytest.approx(d.gap.estimate)
    assert [plot.zero in (row.start, row.end) for row in (*plot.rows, plot.total)] == [True] * 4
    assert [row.start < plot.zero for row in plot.rows] == [True, False, True]
    html = render_html(d)
    picture = svg(html, "contributions")
    assert "sum of these: the predicted gap" in picture
    assert 'class="zero"' in picture
    for row in plot.rows:
        assert row.name in picture
        assert row.meaning
        assert row.meaning.replace("'", "&#39;") in html
    assert 'href="#made-of"' in html


def test_every_group_of_evidence_has_its_words():
    assert set(told.GROUP_WORDS) == {*GROUPS, *other_metrics.GROUPS}


def test_measured_transfers_lie_where_they_belong(diagnoses):
    d = diagnoses["predicted"]
    plot = reference_plot(d.reference, d.gap, d.metric)
    assert (len(plot.near), len(plot.others)) == (3, 9)
    assert [p.x for p in plot.near] == sorted(p.x for p in plot.near)
    assert [p.y for p in plot.near] == sorted((p.y for p in plot.near), reverse=True)
    assert all(p.low <= p.x <= p.high for p in plot.near + plot.others)
    assert plot.band[0] < plot.here < plot.band[1]
    assert plot.here < plot.zero[0]
    across, up = ({t.label: t.x for t in ticks} for ticks in (plot.ticks, plot.rises))
    assert across.keys() == up.keys()
    assert all(across[k] - 46 == pytest.approx(354 - up[k], abs=0.2) for k in across)
    assert reference_plot(None, d.gap, d.metric) is None


def test_the_page_shows_the_measured_transfers(diagnoses):
    html = render_html(diagnoses["predicted"])
    picture, said = svg(html, "reference"), plain(html)
    assert "Of 286 measured transfers of this strategy the 80 % interval held 78 %." in (
        said.replace("\u00a0", " ")
    )
    for name in ("harm foreseen", "harm not foreseen", "gain foreseen", "gain not foreseen"):
        assert f">{name}<" in picture
    assert picture.count('class="case"') == 9
    assert picture.count('class="mark"') == 3 + 1  # the near ones, and this case
    assert 'class="here-line"' in picture
    rows = re.search(r"most like this one, the nearest first.*?</table>", html, re.S)[0]
    assert rows.count("<tr><th") == 1 + 3
    assert "a set" in rows
    assert rows.count(">yes<") == 3
    assert ">no<" in re.search(r"A spread of the other.*?</table>", html, re.S)[0]


def test_strategies_show_what_they_are_chosen_by(diagnoses):
    d = diagnoses["predicted"]
    html = render_html(d)
    section = html[html.index('id="strategies"') :]
    assert "Expected loss</th>" in section
    assert "with harm counted 3 times" in section
    assert section.count(">predicted</span>") == sum(1 for s in d.strategies if s.gap)
    one = next(s.gap for s in d.strategies if s.gap)
    assert f'data-label="Expected loss">{told.loss(one, d.metric)}' in section
    assert "pilot alone</span>" in render_html(diagnoses["caution"])


def test_the_terminal_says_it_in_a_line(diagnoses):
    text = " ".join(render_text(diagnoses["predicted"]).split())
    assert "Gap from predicted, learned from 550 measured pairs of 52 data sets; the pilot" in text
    assert "Outside" not in text


def test_numbers_that_are_not_finite_draw_nothing(diagnoses):
    d, nan = diagnoses["predicted"], float("nan")
    gap = d.gap.model_copy(
        update={"pilot_low": nan, "own_draw": [0.1], "estimate": nan, "expected_loss": nan}
    )
    odd = d.reference.cases[0].model_copy(update={"observed": nan})
    cases = d.reference.model_copy(update={"cases": [odd]})
    assert told.pilot_gap(gap) is None
    assert told.own_gap(gap) is None
    assert contribution_plot(gap, d.metric) is None
    assert reference_plot(cases, gap, d.metric) is None
    verdict = d.verdict.model_copy(update={"gap": gap})
    html = render_html(d.model_copy(update={"reference": cases, "verdict": verdict}))
    assert 'class="reference"' not in html
    assert "Of 286 measured transfers" in html


def test_the_terms_are_explained():
    terms = {term for term, _ in GLOSSARY}
    assert {"Predicted gap", "Calibrated range", "Expected loss", "Contribution"} <= terms
    assert "Break-even" in terms
