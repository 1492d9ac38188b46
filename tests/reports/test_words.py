import pytest

from negtransfer.reports import words
from negtransfer.reports.clean import clean, clip, prose
from negtransfer.reports.scales import fit, ticks


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.12345, "0.123"),
        (12.345, "12.3"),
        (284.0, "284"),
        (12345.6, "12,346"),
        (-2.1, "−2.1"),
        (0.00001234, "1.23e−5"),
        (99999999.0, "1e8"),
        (9.999, "10"),
    ],
)
def test_number(value, said):
    assert words.number(value) == said


@pytest.mark.parametrize(
    ("share", "said"), [(0.8, "80 %"), (0.0, "0 %"), (0.004, "< 1 %"), (0.996, "> 99 %")]
)
def test_percent(share, said):
    assert words.percent(share).replace(words.NBSP, " ") == said


def test_an_estimated_chance_is_never_certain():
    assert words.chance(1.0).replace(words.NBSP, " ") == "> 99 %"
    assert words.chance(0.0).replace(words.NBSP, " ") == "< 1 %"


def test_gap_is_as_fine_as_its_interval(diagnoses):
    d = diagnoses["regression"]
    w = words.gap_words(d.gap, d.metric)
    assert (w.estimate, w.low, w.high, w.unit) == ("−0.13", "−0.20", "−0.06", "target sd")


def test_a_gap_that_rounds_to_nothing_has_no_direction(diagnoses):
    d = diagnoses["caution"]
    gap = d.gap.model_copy(update={"estimate": 0.0001})
    assert "same with and without" in words.gap_meaning(gap, d.metric)
    assert words.gap_words(gap, d.metric).estimate == "0.0"


def test_states_and_verdicts_are_those_of_the_document():
    from typing import get_args

    from negtransfer.diagnostics.document import ConditionState, Label, Outcome, State
    from negtransfer.reports.glossary import VERDICT_MEANINGS

    assert set(words.STATE_GLYPHS) == set(get_args(State))
    assert len(set(words.STATE_GLYPHS.values())) == len(words.STATE_GLYPHS)
    for table in (words.VERDICT_GLYPHS, words.VERDICT_HEADLINES, VERDICT_MEANINGS):
        assert set(table) == set(get_args(Label))
    assert set(words.CONDITION_STATES) == set(get_args(ConditionState))
    assert set(words.OUTCOME_WORDS) == set(get_args(Outcome))


def test_clean_writes_out_what_cannot_be_seen():
    assert clean("a\x1b[31m") == "a\\x1b[31m"
    assert clean("a\u202eb\u200f") == "a\\u202eb\\u200f"
    assert clean("a\nb\r\u2028c") == "a b  c"
    assert clean("\ud800") == "\\ud800"
    assert clean("Größe 目標 السعر ✕") == "Größe 目標 السعر ✕"


def test_clip_and_prose_shorten():
    assert len(clip("x" * 10_000, 48)) == 48
    assert clip("short") == "short"
    assert len(prose("y" * 10_000)) < 70
    assert len(prose("word " * 10_000)) <= 900


def test_ticks_lie_inside_and_are_few():
    for low, high in [(0, 1), (-3.2, 27), (-0.0004, 0.0011), (5, 5e6)]:
        found = ticks(low, high)
        assert 1 < len(found) <= 7
        assert all(low <= t <= high for t in found)


def test_a_scale_without_numbers_still_draws():
    assert fit([None, float("nan")], 0, 10)(0.5) == 5
    assert 0 < fit([3.0], 0, 10)(3.0) < 10
