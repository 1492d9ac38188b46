"""How fragile the verdict is, in all views: words and shapes, and nothing when not asked."""

import re

import pytest

from negtransfer.diagnostics.document import Rerun
from negtransfer.reports import render_html, render_text, words
from negtransfer.reports._fragile_figures import rerun_strip

LABELS = ("transfer", "transfer-with-adaptation", "caution", "do-not-transfer",
          "not-enough-evidence")  # fmt: skip


def rerun(seed, label, estimate):
    return Rerun(
        seed=seed, label=label, estimate=estimate, low=estimate - 0.01, high=estimate + 0.01,
        p_harm=0.5, strategy="pooled", gap_strategy="pooled", learner="linear",
    )  # fmt: skip


def with_reruns(d, labels):
    return d.model_copy(
        update={"sensitivity": [rerun(i + 1, x, 0.005 * i - 0.01) for i, x in enumerate(labels)]}
    )


@pytest.fixture
def shaky(diagnoses):
    d = diagnoses["do-not-transfer"]
    return with_reruns(d, ["do-not-transfer"] * 18 + ["caution", "not-enough-evidence"])


def test_the_sentence_counts(shaky, diagnoses):
    assert words.fragility(shaky) == (
        "Same verdict in 18 of 20 reruns (the others: caution 1, not-enough-evidence 1)."
    )
    d = diagnoses["transfer"]
    assert words.fragility(with_reruns(d, ["transfer"])) == "Same verdict in 1 of 1 rerun."
    assert words.fragility(d) == ""


def test_the_page_has_the_section_only_when_asked(shaky, diagnoses):
    page = render_html(shaky)
    assert 'id="fragile"' in page
    assert "Same verdict in 18 of 20 reruns" in page
    assert "--reruns 20" not in page
    plain = render_html(diagnoses["do-not-transfer"])
    assert 'id="fragile"' not in plain
    assert plain.count("--reruns 20") == 1
    blind = render_html(diagnoses["not-enough-evidence"])
    assert "--reruns" not in blind


def test_every_verdict_has_a_shape_and_its_word(diagnoses):
    page = render_html(with_reruns(diagnoses["caution"], LABELS))
    strip = re.search(r'<svg class="reruns".*?</svg>', page, re.S)[0]
    for label in LABELS:
        assert f"{words.VERDICT_GLYPHS[label]} {label}: 1 rerun" in strip
    shapes = re.findall(r"<g transform=[^>]*>(.*?)</g>", strip)
    assert len(shapes) == 6
    assert len(set(shapes)) == 5
    assert all("<title>" in strip and "<desc>" in strip for _ in shapes)


def test_the_strip_puts_each_run_under_its_verdict(shaky):
    strip = rerun_strip(shaky)
    assert [(g.label, len(g.marks)) for g in strip.groups] == [
        ("do-not-transfer", 1), ("caution", 1), ("do-not-transfer", 18), ("not-enough-evidence", 1),
    ]  # fmt: skip
    ys = [mark.y for group in strip.groups for mark in group.marks]
    assert ys == sorted(ys)
    assert ys[-1] < strip.height
    for group in strip.groups:
        at = [mark.estimate for mark in group.marks]
        assert at == sorted(at)
        assert group.y < group.marks[0].y
        assert all(m.low <= m.estimate <= m.high for m in group.marks)


def test_a_hundred_runs_still_fit(diagnoses):
    strip = rerun_strip(with_reruns(diagnoses["transfer"], ["transfer"] * 100))
    assert strip.height < 700


def test_the_terminal_says_it_in_a_line(shaky, diagnoses):
    shown = render_text(shaky)
    assert re.search(r"^Other seeds +Same verdict in 18 of 20 reruns", shown, re.M)
    assert len(shown.splitlines()) < 25
    assert "Other seeds" not in render_text(diagnoses["do-not-transfer"])


def test_numbers_that_are_not_finite_draw_nothing(diagnoses):
    d = diagnoses["transfer"]
    odd = rerun(1, "transfer", 0.0).model_copy(update={"estimate": float("nan")})
    d = d.model_copy(update={"sensitivity": [odd]})
    assert rerun_strip(d) is None
    assert 'id="fragile"' in render_html(d)
