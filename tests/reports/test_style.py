"""Contrast of the page's colours, computed from the style sheet itself."""

import re
from importlib.resources import files

import pytest

STYLE = files("negtransfer.reports").joinpath("templates/style.css").read_text("utf-8")


def _schemes():
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", STYLE, re.S)
    )
    return {"light": light, "dark": dark}


SCHEMES = _schemes()
TEXT = [
    ("ink", "paper"),
    ("ink", "panel"),
    ("ink", "none-bg"),
    ("muted", "paper"),
    ("muted", "panel"),
    ("muted", "none-bg"),
    ("link", "paper"),
    ("link", "panel"),
    ("link", "none-bg"),
    ("source-ink", "paper"),
    ("target-ink", "paper"),
    ("pass-ink", "pass-bg"),
    ("warn-ink", "warn-bg"),
    ("fail-ink", "fail-bg"),
    ("none-ink", "none-bg"),
]
MARKS = [
    ("source", "paper"),
    ("target-ink", "paper"),
    ("mark", "paper"),
    ("mark", "panel"),
    ("mark", "band"),
    ("hatch", "paper"),
    ("hatch", "panel"),
    ("muted", "band"),
]


def _luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a, b):
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _blend(top, ground, share):
    pairs = [(int(top[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


def test_both_schemes_name_the_same_colours():
    assert set(SCHEMES["light"]) == set(SCHEMES["dark"])
    used = set(re.findall(r"var\(--([\w-]+)\)", STYLE))
    assert used <= set(SCHEMES["light"])


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("front", "back"), TEXT)
def test_text(scheme, front, back):
    colours = SCHEMES[scheme]
    assert _contrast(colours[front], colours[back]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("front", "back"), MARKS)
def test_marks(scheme, front, back):
    colours = SCHEMES[scheme]
    assert _contrast(colours[front], colours[back]) >= 3


@pytest.mark.parametrize("scheme", SCHEMES)
def test_numbers_in_the_darkest_cell(scheme):
    colours = SCHEMES[scheme]
    cell = _blend(colours["hatch"], colours["paper"], 0.5)
    assert _contrast(colours["ink"], cell) >= 4.5


def test_source_and_target_are_okabe_ito():
    assert SCHEMES["light"]["source"] == "#0072b2"
    assert SCHEMES["dark"]["source"] == "#56b4e9"
    assert SCHEMES["light"]["target"] == SCHEMES["dark"]["target"] == "#e69f00"


def test_paper_has_its_own_rules():
    assert "details-content" in STYLE
    assert "table-header-group" in STYLE
    assert "screen and (prefers-color-scheme: dark)" in STYLE
