import re
import unicodedata

import pytest

from negtransfer.reports import render_text

NUMBER = r"-?\d+(\.\d+)?"
LAST = re.compile(
    r"verdict=(transfer|transfer-with-adaptation|caution|do-not-transfer|not-enough-evidence) "
    rf"gap=(none|{NUMBER} \[{NUMBER},{NUMBER}\]) p_harm=(none|[01]\.\d\d) checks=\d+/\d+"
    r"( html=\S+)?( json=\S+)?"
)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 132, 400])
@pytest.mark.parametrize("color", [False, True])
def test_under_25_lines_and_the_last_for_programs(diagnosis, width, color):
    lines = render_text(diagnosis, width=width, color=color, html="out/r.html").splitlines()
    assert len(lines) < 25
    assert LAST.fullmatch(lines[-1])
    assert lines[-1].endswith("html=out/r.html")


@pytest.mark.parametrize("width", [40, 80])
def test_keeps_to_the_width(diagnosis, width):
    from rich.cells import cell_len

    lines = render_text(diagnosis, width=width).splitlines()
    assert max(map(cell_len, lines[:-1])) <= width


def test_nothing_but_line_feeds_controls(diagnosis):
    text = render_text(diagnosis, html="a\x1b[2J\nverdict=transfer", json="b\u202e")
    odd = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert odd <= {"\n"}
    assert sum(line.startswith("verdict=") for line in text.splitlines()) == 1


def test_verdict_comes_first_in_word_and_sentence(diagnosis):
    first, second, *_ = render_text(diagnosis).splitlines()
    assert first.split()[1] == diagnosis.verdict.label
    assert second.split()[0] == diagnosis.verdict.sentence.split()[0]


def test_gap_is_in_the_unit_and_names_what_it_belongs_to(diagnoses):
    text = " ".join(render_text(diagnoses["do-not-transfer"]).split())
    assert "+21 points of error rate (80 % interval +16 to +27); chance of harm > 99 %" in text
    assert "pooled, learner linear, 40 target labels" in text
    assert "gap=21 [16,27] p_harm=1.00 checks=15/17" in text
    text = " ".join(render_text(diagnoses["regression"]).split())
    assert "−0.13 target sd of rmse (80 % interval −0.20 to −0.06)" in text


def test_without_a_gap_none_is_named(diagnoses):
    text = render_text(diagnoses["not-enough-evidence"])
    assert "gap=none p_harm=none" in text
    assert "\nGap" not in text
    assert text.count("30 target rows") == 1
    assert "Until then: train on the target alone." in text
    assert "html=" not in text


def test_many_reasons_are_counted_not_listed(diagnoses):
    text = render_text(diagnoses["wide"])
    assert "Why (5 of 20" in text
    assert "and 37 more" in text


def test_colour_only_adds_escapes(diagnoses, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    d = diagnoses["do-not-transfer"]
    colored = render_text(d, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render_text(d)
    assert "\x1b" not in colored.splitlines()[-1]


def test_no_color_is_obeyed(diagnoses, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    colored = render_text(diagnoses["caution"], color=True)
    assert not re.search(r"\x1b\[[0-9;]*3\d", colored)


def test_wide_characters_count_double(diagnoses):
    from rich.cells import cell_len

    d = diagnoses["caution"]
    verdict = d.verdict.model_copy(update={"sentence": "目標領域" * 60})
    lines = render_text(d.model_copy(update={"verdict": verdict})).splitlines()
    assert max(map(cell_len, lines[:-1])) <= 80
