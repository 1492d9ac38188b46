import re
from html.parser import HTMLParser

import pytest

from negtransfer.reports import render_card, render_html

VOID = {"meta", "br", "img", "link", "hr", "input", "col"}


class Page(HTMLParser):
    """Collects what the tests ask for, and refuses tags that do not balance."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.links = [], [], [], []
        self.texts = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs, closed=False):
        assert len({k for k, _ in attrs}) == len(attrs), f"attribute twice in {tag} {attrs}"
        node = {"tag": tag, "attrs": dict(attrs), "children": [], "text": ""}
        if self.open:
            self.open[-1]["children"].append(node)
        self.tags.append(node)
        if "id" in node["attrs"]:
            self.ids.append(node["attrs"]["id"])
        if tag not in VOID and not closed:
            self.open.append(node)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs, closed=True)

    def handle_endtag(self, tag):
        assert self.open, f"closing {tag} without an opening"
        assert self.open[-1]["tag"] == tag, f"{tag} closes {self.open[-1]['tag']}"
        self.open.pop()

    def handle_data(self, data):
        self.texts.append(data)
        for node in self.open:
            node["text"] += data

    def all(self, *tags):
        return [n for n in self.tags if n["tag"] in tags]


@pytest.fixture(scope="module")
def html(diagnosis):
    return render_html(diagnosis)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_is_well_formed(html, page):
    assert html.lstrip().startswith("<!DOCTYPE html>")
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == len(page.all("nav")) == len(page.all("footer")) == 1
    assert page.all("html")[0]["attrs"]["lang"] == "en"
    assert len(page.ids) == len(set(page.ids))
    assert not any(re.search(r"\s", i) or not i for i in page.ids)


def test_every_link_has_its_target(page):
    links = [a["attrs"]["href"] for a in page.all("a")]
    assert links
    assert {h[1:] for h in links} <= set(page.ids)


def test_loads_and_runs_nothing(page):
    assert not page.all("script", "img", "link", "iframe", "object", "embed", "form", "base")
    for node in page.tags:
        for key, value in node["attrs"].items():
            assert not key.startswith("on")
            if key in {"src", "href", "xlink:href", "action"}:
                assert value.startswith("#")
    style = "".join(n["text"] for n in page.all("style"))
    assert "http" not in style
    assert "@import" not in style
    assert re.findall(r"url\(([^)]*)\)", style) == [
        "#hatch-harm", "#hatch-outside", "#hatch-target",
    ]  # fmt: skip
    policy = next(m["attrs"] for m in page.all("meta") if "http-equiv" in m["attrs"])
    assert policy["content"].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src")


def test_tables_are_told_apart(page):
    for table in page.all("table"):
        assert table["children"][0]["tag"] == "caption"
        assert table["children"][0]["text"].strip()
    assert all(th["attrs"].get("scope") in {"row", "col"} for th in page.all("th"))
    for figure in page.all("figure"):
        assert any(c["tag"] == "figcaption" for c in figure["children"])


def test_pictures_say_what_they_show(page):
    for svg in page.all("svg"):
        if svg["attrs"].get("aria-hidden") == "true":
            continue
        assert svg["attrs"]["role"] == "img"
        title, desc = svg["children"][:2]
        assert (title["tag"], desc["tag"]) == ("title", "desc")
        assert title["text"].strip()
        assert desc["text"].strip()
        assert "viewbox" in svg["attrs"]


def test_coordinates_are_numbers(html):
    assert not re.search(r'(?:d|x|y|cx|width)="[^"]*(nan|inf|None|…)', html)
    for width in re.findall(r'(?:width|height|r)="([^"]+)"', html):
        if re.fullmatch(r"-?[\d.]+", width):
            assert float(width) >= 0


def test_is_small_and_the_same_twice(diagnosis, html):
    assert len(html.encode()) < 1_000_000
    assert render_html(diagnosis) == html


def test_survives_the_way_through_json(diagnoses):
    from negtransfer.diagnostics.document import Diagnosis

    d = diagnoses["do-not-transfer"]
    assert render_html(Diagnosis.from_json(d.to_json())) == render_html(d)


def test_every_check_has_a_row(diagnosis, page):
    rows = [n["attrs"]["id"] for n in page.all("tr") if "id" in n["attrs"]]
    assert sorted(rows) == sorted(c.id for c in diagnosis.checks)


def test_date_is_printed_only_when_given(diagnoses):
    d = diagnoses["caution"]
    assert "2026-11-23" not in render_html(d)
    assert render_html(d, date="2026-11-23").count("2026-11-23") >= 1


@pytest.mark.parametrize("render", [render_html, render_card])
def test_hostile_names_stay_text(diagnoses, hostile_names, render):
    text = render(diagnoses["hostile"])
    page = Page(text)
    shown = "".join(page.texts)
    assert "<img src=x onerror=alert(1)>" in shown
    assert not page.all("script", "img", "b2")
    assert "x" * 400 not in re.sub("<pre>.*?</pre>", "", text)  # the command is shown whole
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f]", text
    )
    assert "\\u202e" in shown
    assert "{{ 7*7 }}" in shown
    style = "".join(n["text"] for n in page.all("style"))
    assert "<" not in style
    text.encode("utf-8")


def test_css_strings_cannot_be_left():
    from negtransfer.reports.html import _css_string

    escaped = str(_css_string("a\"; } </style><script>'\\\n"))
    assert re.fullmatch(r"(?:[A-Za-z0-9 ]|\\[0-9a-f]+ )*", escaped)


def _sections(page):
    return [n["attrs"]["id"] for n in page.all("section")]


def test_the_answer_comes_first(page, diagnosis):
    found = _sections(page)
    assert found[0] == "verdict"
    second = "data" if diagnosis.verdict.label == "not-enough-evidence" else "why"
    assert found[1] == second
    assert found[-1] == "method"
    assert len(found) == 9


def test_no_estimate_in_large_type_without_evidence(diagnoses):
    unclear = diagnoses["not-enough-evidence"]
    gap = diagnoses["caution"].gap
    d = unclear.model_copy(
        update={"verdict": unclear.verdict.model_copy(update={"gap": gap, "p_harm": 0.6})}
    )
    text = render_html(d)
    assert 'class="estimate"' not in text
    assert "We cannot tell yet" in text
    assert 'class="estimate"' in render_html(diagnoses["caution"])


@pytest.mark.parametrize(
    "label",
    ["transfer", "transfer-with-adaptation", "caution", "do-not-transfer", "not-enough-evidence"],
)
def test_each_verdict_is_named_by_its_word(diagnoses, label):
    page = Page(render_html(diagnoses[label]))
    word = next(n for n in page.all("p") if n["attrs"].get("class") == "word")
    assert label in word["text"].split()


def test_states_are_mark_word_and_colour(page):
    from negtransfer.reports.words import STATE_GLYPHS

    chips = [n for n in page.all("span") if "chip" in n["attrs"].get("class", "").split()]
    assert chips
    for chip in chips:
        _, state = chip["attrs"]["class"].split()
        assert chip["text"].startswith(STATE_GLYPHS[state])
        assert len(chip["text"].split()) >= 2


def test_numbers_of_every_picture_are_in_a_table(diagnoses):
    page = Page(render_html(diagnoses["multiclass"]))
    text = "".join(n["text"] for n in page.all("details"))
    for name in ("class 3", "class 8"):
        assert name in text
    assert "16 to +27" in "".join(page.texts)


def test_swapping_the_sides_swaps_the_pictures(diagnoses):
    from negtransfer.reports.figures import counts_plot, histogram, shares_plot

    d = diagnoses["caution"]
    feature = d.features[0]
    other = feature.histogram.model_copy(
        update={"source": feature.histogram.target, "target": feature.histogram.source}
    )
    there = histogram(feature)
    back = histogram(feature.model_copy(update={"histogram": other}))
    assert [(b, t, s) for b, s, t in there.rows] == list(back.rows)
    assert there.source != back.source
    here, back = counts_plot(d.source, d.target, 20), counts_plot(d.target, d.source, 20)
    assert [(r.source, r.target) for r in here.rows] == [(r.target, r.source) for r in back.rows]
    shares = d.check("NT301").label_shares
    swapped = shares.model_copy(update={"source": shares.target, "target": shares.source})
    assert [(r.source, r.target) for r in shares_plot(shares).rows] == [
        (r.target, r.source) for r in shares_plot(swapped).rows
    ]
    page = Page(render_html(d.model_copy(update={"source": d.target, "target": d.source})))
    assert page.all("h1")[0]["text"].split() == ["clinic_b", "→", "clinic_a"]


def test_a_thousand_columns_stay_small(diagnoses):
    d = diagnoses["wide"]
    many = [f.model_copy(update={"name": f"{f.name}_{i}"}) for i in range(16) for f in d.features]
    text = render_html(d.model_copy(update={"features": many}))
    assert len(text.encode()) < 1_000_000
    assert text.count('class="histogram"') == 20
    assert "pixel_7_7_15" in text


def test_only_a_threshold_of_the_value_is_drawn(diagnoses):
    from negtransfer.reports.figures import forest_row

    d = diagnoses["do-not-transfer"]
    assert forest_row(d.check("NT303")).threshold is not None
    assert forest_row(d.check("NT201")).threshold is None
    assert "0.01 on the permutation p-value (default)" in render_html(d)


def test_null_bands_run_from_5_to_95_percent(diagnoses):
    from negtransfer.reports.figures import forest_row

    row = forest_row(diagnoses["transfer"].check("NT202"))
    assert [side for side, *_ in row.bands] == ["source", "target"]
    for _, low, high, middle in row.bands:
        assert low < middle < high
    assert row.interval[0] < row.value < row.interval[1]


def test_the_line_of_a_histogram_reaches_the_end(diagnoses):
    from negtransfer.reports.figures import histogram

    for feature in diagnoses["wide"].features[:8]:
        plot = histogram(feature)
        assert plot.source.count("H") == len(plot.rows)
        assert f'd="{plot.source}"' in render_html(diagnoses["wide"])


def test_card_is_small_and_balanced(diagnosis):
    text = render_card(diagnosis)
    page = Page(text)
    assert len(text.encode()) < 100_000
    assert diagnosis.verdict.label in "".join(page.texts)
    assert not page.all("script", "style", "link", "img")
    assert not page.ids


def test_card_with_many_checks_stays_small(diagnoses):
    d = diagnoses["hostile"]
    text = render_card(d.model_copy(update={"checks": d.checks * 100}))
    assert len(text.encode()) < 100_000
    assert "more checks" in text


def test_import_is_cheap():
    import subprocess
    import sys
    from pathlib import Path

    import negtransfer

    root = Path(negtransfer.__file__).resolve().parent.parent
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r}); import negtransfer.reports;"
        "print(sorted({'jinja2','rich','matplotlib','pandas','numpy'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
