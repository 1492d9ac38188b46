import re
import shutil
import subprocess

import pytest

from negtransfer.diagnostics.models.document import Bracket, ModelRanking
from negtransfer.reports import render_models_html
from negtransfer.reports.figures import layer_strip, ranking_plot, score_panels

SECTIONS = ["verdict", "why", "models", "layers", "use", "heads", "method"]


@pytest.fixture(scope="module")
def html(ranking):
    return render_models_html(ranking)


@pytest.fixture(scope="module")
def page(html, parse):
    return parse(html)


def test_is_well_formed(html, page):
    assert html.lstrip().startswith("<!DOCTYPE html>")
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == len(page.all("nav")) == len(page.all("footer")) == 1
    assert page.all("html")[0]["attrs"]["lang"] == "en"
    assert len(page.ids) == len(set(page.ids))
    assert not any(re.search(r"\s", i) or not i for i in page.ids)


def test_every_link_has_its_target_and_every_section_its_link(page):
    links = [a["attrs"]["href"] for a in page.all("a")]
    assert {h[1:] for h in links} <= set(page.ids)
    sections = [n["attrs"]["id"] for n in page.all("section")]
    assert {f"#{s}" for s in sections} <= set(links)


def test_sections_stand_in_order_and_heads_only_where_there_are_some(ranking, page):
    heads = any(c.source_scores for c in ranking.candidates)
    wanted = [s for s in SECTIONS if heads or s != "heads"]
    assert [n["attrs"]["id"] for n in page.all("section")] == wanted


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


def test_tables_and_pictures_say_what_they_are(page):
    for table in page.all("table"):
        assert table["children"][0]["tag"] == "caption"
        assert table["children"][0]["text"].strip()
    assert all(th["attrs"].get("scope") in {"row", "col"} for th in page.all("th"))
    for figure in page.all("figure"):
        assert any(c["tag"] == "figcaption" for c in figure["children"])
    for svg in page.all("svg"):
        if svg["attrs"].get("aria-hidden") != "true":
            assert svg["attrs"]["role"] == "img"
            title, desc = svg["children"][:2]
            assert (title["tag"], desc["tag"]) == ("title", "desc")
            assert title["text"].strip()
            assert desc["text"].strip()


def test_rows_have_as_many_cells_as_the_head(page):
    for table in page.all("table"):
        groups = {c["tag"]: c["children"] for c in table["children"]}
        if "thead" in groups:
            n = len(groups["thead"][0]["children"])
            for row in groups["tbody"]:
                spans = (int(c["attrs"].get("colspan", 1)) for c in row["children"])
                assert sum(spans) == n


def test_coordinates_are_numbers_and_sizes_not_negative(html):
    assert not re.search(r'(?:\bd|x|y|cx|width)="[^"]*(nan|inf|None|…)', html)
    for size in re.findall(r' (?:width|height|r)="([^"]+)"', html):
        if re.fullmatch(r"-?[\d.]+", size):
            assert float(size) >= 0


def test_is_small_and_the_same_twice_and_through_json(ranking, html):
    assert len(html.encode()) < 1_000_000
    assert render_models_html(ranking) == html
    assert render_models_html(ModelRanking.from_json(ranking.to_json())) == html
    assert ranking.to_html() == html


def test_date_is_printed_only_when_given(rankings):
    assert "2026-11-23" not in render_models_html(rankings["caution"])
    assert "2026-11-23" in render_models_html(rankings["caution"], date="2026-11-23")


def test_hostile_names_stay_text(rankings, parse):
    text = render_models_html(rankings["hostile"])
    page = parse(text)
    assert "<img src=x onerror=alert(1)>" in page.shown
    assert not page.all("script", "img", "b2")
    assert "x" * 150 not in re.sub('<pre>.*?</pre>|title="[^"]*"', "", text)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f]", text
    )
    assert "\\u202e" in page.shown
    assert "{{ 7*7 }}" in page.shown
    assert "<" not in "".join(n["text"] for n in page.all("style"))


@pytest.mark.parametrize(
    "label",
    ["transfer", "transfer-with-adaptation", "caution", "do-not-transfer", "not-enough-evidence"],
)
def test_each_verdict_is_named_and_its_gap_drawn(rankings, parse, label):
    page = parse(render_models_html(rankings[label]))
    word = page.find("p", "word")[0]
    assert label in word["text"].split()
    bar = page.find("svg", "verdict-bar")
    assert len(bar) == 1
    assert any(n["attrs"].get("class") == "harm" for n in bar[0]["children"])
    # no estimate in large type without evidence
    assert bool(page.find("p", "estimate")) == (label != "not-enough-evidence")


def test_the_gap_is_in_the_metric(rankings, parse):
    shown = " ".join(parse(render_models_html(rankings["transfer"])).section("verdict").split())
    assert "accuracy 10.0 points higher (better) than on the raw inputs" in shown
    assert "80 % interval −11.9 to −8.1 points" in shown
    shown = " ".join(parse(render_models_html(rankings["regression"])).section("verdict").split())
    assert "rmse 0.1000 target sd lower (better) than on the raw inputs" in shown
    shown = " ".join(
        parse(render_models_html(rankings["do-not-transfer"])).section("verdict").split()
    )
    assert "accuracy 10.0 points lower (worse)" in shown
    assert "Train from scratch." in shown


def test_candidates_that_hurt_are_negative_transfer(rankings, parse):
    page = parse(render_models_html(rankings["transfer"]))
    assert "random does worse than the raw inputs" in page.section("models")
    rows = {n["attrs"]["id"]: n["text"] for n in page.all("tr") if "id" in n["attrs"]}
    assert [key for key, text in rows.items() if "negative transfer" in text] == ["candidate-3"]


def test_unseparated_candidates_are_named_and_joined(rankings, parse):
    page = parse(render_models_html(rankings["transfer"]))
    assert "resnet and vit cannot be separated." in page.section("models")
    assert len(page.find("path", "bracket")) == 1
    plot = ranking_plot(rankings["transfer"])
    assert plot.brackets[0].ys == (plot.rows[0].y, plot.rows[1].y)
    assert plot.end < plot.brackets[0].x < 400


def test_brackets_that_overlap_do_not_touch(rankings):
    plot = ranking_plot(rankings["many"])
    assert len(plot.brackets) == 26
    assert plot.left_out == 0
    for i, one in enumerate(plot.brackets):
        for other in plot.brackets[i + 1 :]:
            apart = one.ys[-1] < other.ys[0] or other.ys[-1] < one.ys[0]
            assert one.x != other.x or apart


def test_brackets_without_room_are_counted_and_still_in_words(rankings, parse):
    d = rankings["many"]
    names = [c.name for c in d.candidates]
    full = d.model_copy(
        update={"brackets": [Bracket(members=[names[0], names[i]]) for i in range(1, 30)]}
    )
    plot = ranking_plot(full)
    assert len(plot.brackets) + plot.left_out == 29
    assert plot.left_out
    page = parse(render_models_html(full))
    assert f"{plot.left_out} more brackets are in words" in page.section("models")
    told = [n["text"] for n in page.all("li") if "cannot be separated." in n["text"]]
    assert len(told) == 29


def test_no_brackets_says_so(rankings, parse):
    d = rankings["transfer"].model_copy(update={"brackets": []})
    page = parse(render_models_html(d))
    assert "Every candidate can be told apart from every other." in page.section("models")
    assert not page.find("path", "bracket")


def test_errors_lie_on_one_axis_with_raw_inputs_and_chance(rankings):
    plot = ranking_plot(rankings["transfer"])
    values = [row.value for row in plot.rows]
    assert values == sorted(values)
    lines = {r.kind: r.x for r in plot.references}
    assert values[1] < lines["raw"] < values[2] < lines["chance"]
    assert [row.state for row in plot.rows] == ["pass", "pass", "fail"]
    assert [row.beside for row in plot.rows] == [
        "● helps · rank 1 to 2",
        "● helps · rank 1 to 2",
        "■ hurts · rank 3",
    ]


def test_a_far_constant_is_named_and_does_not_squeeze_the_rest(rankings):
    d = rankings["alone"]
    plot = ranking_plot(d)
    assert [r.kind for r in plot.references] == ["raw", "far"]
    assert "constant 80" in plot.references[1].label
    assert plot.rows[0].interval[1] - plot.rows[0].interval[0] > 50


def test_numbers_of_every_picture_are_in_a_table(ranking, page):
    """The errors of the dot plot, the bars of the scores, the cells of the strips."""
    if not ranking.candidates:
        return
    tables = " ".join(" ".join(t["text"] for t in page.all("table")).split())
    for row in page.find("svg", "scores"):
        for text in row["children"]:
            if text["tag"] == "text" and text["attrs"].get("text-anchor") == "end":
                assert text["text"].split()[-1] in tables or "…" in text["text"]
    numbers = [f"{100 * c.error:.3g}" for c in ranking.candidates if c.error]
    if ranking.metric.name == "accuracy":
        assert all(n in tables for n in numbers)
    cells = [
        x.probe.error / x.probe.chance for c in ranking.candidates for x in c.layers if x.probe
    ]
    assert all(f"{100 * (1 - share):.3g}" in tables for share in cells)


def test_shades_run_from_a_constant_to_no_error(rankings):
    from negtransfer.diagnostics.models.document import Layer

    one = rankings["alone"].candidates[0]
    probe = one.layers[0].probe

    def layer(name, error):
        update = {"error": error, "normalised": 1 - error / probe.chance}
        made = probe.model_copy(update=update)
        return Layer(name=name, n_columns=1, probe=made, scores=[])

    layers = [layer("a", 0.8), layer("b", 0.4), layer("c", 0.0), layer("d", 0.9)]
    layers.append(Layer(name="e", n_columns=1, probe=None, scores=[]))
    strip = layer_strip(one.model_copy(update={"layers": layers, "best_layer": "c"}))
    assert [c.shade for c in strip.cells] == [0.0, 0.45, 0.9, 0.0, None]
    assert [c.text for c in strip.cells] == ["0", "50", "100", "−12", "–"]
    assert [c.best for c in strip.cells] == [False, False, True, False, False]


def test_layers_that_agree_are_told(rankings, parse):
    html = render_models_html(rankings["transfer"])
    page = parse(html)
    assert "Layers 1 to 3 agree, 4 to 5 do not." in page.section("layers")
    strip = page.find("svg", "layer-strip")[0]
    marks = [n["attrs"].get("class") for n in page.tags]
    assert marks.count("apart") == 2 * 3
    assert marks.count("agree") == 3 * 3
    assert "Layers 1 to 3 agree" in strip["text"] or "layers 1 to 3 agree" in strip["text"].lower()


def test_without_source_rows_no_layer_is_said_to_agree(rankings, parse):
    d = rankings["alone"]
    one = d.candidates[0]
    plain = [x.model_copy(update={"shift": None}) for x in one.layers]
    d = d.model_copy(update={"candidates": [one.model_copy(update={"layers": plain})]})
    page = parse(render_models_html(d))
    assert "was not tested" in page.section("layers")
    assert "agree," not in page.section("layers")
    assert not page.find("circle", "agree")


def test_many_layers_are_thinned_and_the_best_stays(rankings):
    one = rankings["alone"].candidates[0]
    layers = [one.layers[0].model_copy(update={"name": f"l{i}"}) for i in range(500)]
    strip = layer_strip(one.model_copy(update={"layers": layers, "best_layer": "l301"}))
    assert len(strip.cells) == 60
    assert strip.left_out == 440
    names = [x.name for _, x in strip.layers]
    assert {"l0", "l301", "l499"} <= set(names)
    assert sum(c.best for c in strip.cells) == 1


def test_scores_run_from_chance_to_best(rankings):
    panels = {p.name: p for p in score_panels(rankings["regression"].candidates)}
    low = panels["nearest neighbours"]
    assert low.rows[1].start < low.zero == low.rows[1].end
    assert low.zero < low.rows[0].end < low.one
    lost = panels["LogME"].rows[1]
    assert lost.start == lost.end
    assert lost.value_words == "–"


def test_label_only_scores_are_marked(rankings, parse):
    page = parse(render_models_html(rankings["transfer"]))
    titles = [p["text"] for p in page.find("p", "panel-title")]
    assert "LogME □ label-only" in titles
    assert "risk of the source head" in titles
    assert "never the only evidence" in page.section("models")


def test_similarities_are_strips_of_their_own_and_no_scores(rankings, parse):
    d = rankings["transfer"]
    strip = layer_strip(d.candidates[0])
    assert [row.name for row in strip.alike] == ["CKA with the labels"]
    shades = [shade for _, shade in strip.alike[0].cells]
    assert shades == [0.09, 0.18, 0.27, 0.36, 0.45]
    assert strip.alike[0].y + 24 < strip.height
    assert "CKA" not in {p.name for p in score_panels(d.candidates)}
    page = parse(render_models_html(d))
    assert "centred kernel alignment" in page.section("layers")
    assert page.section("layers").count("too few rows") == 0
    heads = [th["text"] for th in page.all("th") if th["text"] == "CKA with the labels"]
    assert len(heads) == 3


def test_source_heads_below_chance_are_named(rankings, parse):
    page = parse(render_models_html(rankings["hostile"]))
    assert "■ worse than chance" in page.section("heads")
    page = parse(render_models_html(rankings["regression"]))
    assert "worse than chance" not in page.section("heads")
    assert "LEEP" in page.section("heads")


def test_what_is_missing_is_said(rankings, parse):
    page = parse(render_models_html(rankings["bare"]))
    assert "no candidate has an error" in page.section("models")
    assert "No score was computed." in page.section("models")
    assert "No layers." in page.section("layers")
    assert not page.find("svg", "verdict-bar")
    assert "There are no candidates." in parse(render_models_html(rankings["empty"])).shown
    shown = parse(render_models_html(rankings["regression"])).shown
    assert "Too few rows for it." in shown


def test_hundreds_of_candidates_stay_small(rankings, parse):
    d = rankings["many"]
    many = [c.model_copy(update={"name": f"{c.name}-{k}"}) for k in range(10) for c in d.candidates]
    text = render_models_html(d.model_copy(update={"candidates": many}))
    assert len(text.encode()) < 1_000_000
    assert "240 more candidates are in the JSON document" in parse(text).shown


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PDFTOTEXT = shutil.which("pdftotext")


@pytest.mark.slow
@pytest.mark.skipif(not (CHROMIUM and PDFTOTEXT), reason="needs chromium and pdftotext")
def test_print_holds_every_candidate_and_layer_and_the_identity_on_each_page(rankings, tmp_path):
    d = rankings["many"]
    page, pdf = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(render_models_html(d), encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--no-first-run", "--no-pdf-header-footer"]  # fmt: skip
    where = [f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={pdf}", page.as_uri()]
    subprocess.run([CHROMIUM, *flags, *where], check=True, capture_output=True, timeout=120)
    text = subprocess.run(
        [PDFTOTEXT, "-layout", str(pdf), "-"], check=True, capture_output=True, text=True
    ).stdout
    sheets = text.strip("\f\n").split("\f")
    assert all("30 models for scans" in sheet for sheet in sheets)
    assert all(f"page {i + 1} of {len(sheets)}" in s for i, s in enumerate(sheets))
    assert all(text.count(c.name) > 3 for c in d.candidates)
    assert text.count("block23") >= 30  # inside closed parts
    assert "Negative transfer" in text  # the glossary, closed
