import re
import unicodedata

import pytest

from negtransfer.reports import render_models_text

NUMBER = r"-?\d+(\.\d+)?"
LAST = re.compile(
    r"verdict=(transfer|transfer-with-adaptation|caution|do-not-transfer|not-enough-evidence) "
    rf"candidate=\S+ layer=\S+ gap=(none|{NUMBER} \[{NUMBER},{NUMBER}\]) "
    r"p_harm=(none|[01]\.\d\d) candidates=\d+( html=\S+)?( json=\S+)?"
)


def flat(text):
    return " ".join(text.split())


@pytest.mark.parametrize("color", [False, True])
def test_under_25_lines_and_the_last_for_programs(ranking, color):
    lines = render_models_text(ranking, color=color, html="out/r.html").splitlines()
    assert len(lines) < 25
    assert LAST.fullmatch(lines[-1])
    assert lines[-1].endswith("html=out/r.html")
    assert f"candidates={len(ranking.candidates)}" in lines[-1]


def test_keeps_to_80_columns(ranking):
    from rich.cells import cell_len

    lines = render_models_text(ranking).splitlines()
    assert max(map(cell_len, lines[:-1])) <= 80


def test_nothing_but_line_feeds_controls(ranking):
    text = render_models_text(ranking, html="a\x1b[2J\nverdict=transfer", json="b\u202e")
    odd = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert odd <= {"\n"}
    assert sum(line.startswith("verdict=") for line in text.splitlines()) == 1


def test_verdict_comes_first_in_word_and_sentence(ranking):
    first, second, *_ = render_models_text(ranking).splitlines()
    assert first.split()[1] == ranking.verdict.label
    assert second.split()[0] == ranking.verdict.sentence.split()[0]


def test_the_same_twice_and_through_the_document(ranking):
    assert render_models_text(ranking) == render_models_text(ranking) == ranking.to_text()


def test_a_row_tells_rank_error_gap_outcome_layer_and_use(rankings):
    lines = [flat(line) for line in render_models_text(rankings["transfer"]).splitlines()]
    assert "Rank Model Error Gap to raw inputs Layer Use" in lines
    assert "1 (1-2) resnet 10 −10.0 (−11.9 to −8.1) ● helps block2 probe" in lines
    assert "3 random 40 +20.0 (+18.1 to +21.9) ■ hurts block2 scratch" in lines
    assert "Best first (points; 80 % intervals in brackets)" in lines


def test_what_cannot_be_told_apart_is_said(rankings):
    text = flat(render_models_text(rankings["transfer"]))
    assert "resnet and vit cannot be separated." in text
    apart = rankings["transfer"].model_copy(update={"brackets": []})
    assert "Every candidate can be told apart" in render_models_text(apart)
    assert "told apart" not in render_models_text(rankings["alone"])


def test_harm_is_named(rankings):
    text = flat(render_models_text(rankings["transfer"]))
    assert "random does worse than the raw inputs (negative transfer)." in text
    assert "negative transfer" not in render_models_text(rankings["alone"])


def test_untested_and_what_would_change_are_said(rankings):
    text = render_models_text(rankings["transfer"])
    assert "Not tested\n  ◇ Fine-tuning was not run." in text
    assert "Would change More labels." in text


def test_advice_names_model_layer_and_way(rankings):
    text = flat(render_models_text(rankings["transfer-with-adaptation"]))
    assert "Recommended resnet: fine-tune from layer block3." in text
    assert "tune from block3" in text
    text = flat(render_models_text(rankings["caution"]))
    assert "Recommended nothing for sure; if resnet is used:" in text
    assert "Recommended Train from scratch." in flat(
        render_models_text(rankings["do-not-transfer"])
    )


def test_many_candidates_are_counted_not_listed(rankings):
    text = render_models_text(rankings["many"])
    shown = len(re.findall(r"(?m)^\d+ .*model-\d\d .*block12", text))
    assert 3 <= shown < 30
    assert f"{30 - shown} more in the report" in text
    assert re.search(r"\d+ more brackets\s+in the report", text)


def test_the_last_line_has_names_without_blanks(rankings):
    d = rankings["alone"]
    verdict = d.verdict.model_copy(
        update={"candidate": "my model\n verdict=x", "layer": "a b", "label": "caution"}
    )
    last = render_models_text(d.model_copy(update={"verdict": verdict})).splitlines()[-1]
    assert last.startswith("verdict=caution candidate=my_model_verdict=x layer=a_b gap=-10.0")
    assert "gap=10.0 [8.1,11.9] p_harm=1.00" in render_models_text(rankings["do-not-transfer"])
    none = render_models_text(rankings["bare"]).splitlines()[-1]
    assert none.startswith("verdict=not-enough-evidence candidate=none layer=none gap=none p_harm=")


def test_colour_only_adds_escapes(rankings, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    d = rankings["transfer"]
    colored = render_models_text(d, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render_models_text(d)
    assert "\x1b" not in colored.splitlines()[-1]


def test_no_color_is_obeyed(rankings, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    colored = render_models_text(rankings["transfer"], color=True)
    assert not re.search(r"\x1b\[[0-9;]*3\d", colored)
