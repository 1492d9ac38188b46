"""The results page of the outcomes benchmark: its sums by hand, and a page from made-up tables."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.append(ROOT)

from benchmarks.outcomes import _choice, _crossing, _level, _shares, _signs  # noqa: E402
from benchmarks.outcomes import _pictures as pictures  # noqa: E402
from benchmarks.outcomes import _words as words  # noqa: E402
from benchmarks.outcomes._measured import Measured  # noqa: E402
from benchmarks.outcomes.results import answers, page, readme_section  # noqa: E402
from benchmarks.outcomes.table import CASE, cells, gaps  # noqa: E402


def rows_of(sets: list[str], families: list[str] | None = None) -> pd.DataFrame:
    return pd.DataFrame({"set": sets, "family": families or sets})


def test_every_data_set_counts_the_same():
    frame = rows_of(["a", "a", "a", "b"])
    assert _shares.mean_of([1, 1, 0, 0], frame).value == pytest.approx(1 / 3)
    assert _shares.even_weights(frame["set"]) == pytest.approx([1 / 3] * 3 + [1])


def test_an_interval_resamples_families():
    """Ten data sets of one family are one observation; of ten families they are ten."""
    values = [0.0, 1.0] * 5
    sets = [f"s{i}" for i in range(10)]
    alone = _shares.mean_of(values, rows_of(sets, ["one"] * 10))
    assert alone.low == alone.high == alone.value == 0.5
    apart = _shares.mean_of(values, rows_of(sets))
    se = 0.5 / np.sqrt(10)
    assert apart.value == 0.5
    assert apart.high - apart.low == pytest.approx(2 * 1.96 * se, rel=0.25)
    assert apart == _shares.mean_of(values, rows_of(sets))  # the same every time


def test_no_rows_and_nothing_below_give_no_number():
    assert np.isnan(_shares.mean_of([], rows_of([])).value)
    assert np.isnan(_shares.ratio_of([1, 2], [0, 0], rows_of(["a", "b"])).value)


def test_a_quantile_weighs_data_sets_evenly():
    values, sets = [1.0, 2.0, 3.0, 10.0], ["a", "a", "a", "b"]
    assert _shares.quantile_of(values, sets, 0.5) == 3.0
    assert _shares.quantile_of(values, sets, 0.9) == 10.0
    assert _shares.quantile_of(values, sets, 1.0) == 10.0
    assert np.isnan(_shares.quantile_of([], [], 0.5))


def test_outcomes_add_up():
    frame = rows_of(["a", "a", "b", "b"]).assign(
        gap=[0.2, -0.2, 0.2, 0.001], clear=[True, True, True, False]
    )
    found = _shares.outcome_of(frame)
    assert (found.hurt.value, found.helped.value, found.unclear.value) == (0.5, 0.25, 0.25)
    assert (found.cells, found.sets) == (4, 2)


def test_auroc_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(1)
    frame = rows_of([f"s{i}" for i in rng.integers(0, 12, 300)])
    score = rng.integers(0, 9, 300).astype(float)  # with ties
    positive = score + rng.normal(size=300) * 4 > 4
    score[:7] = np.nan
    found = _shares.auroc(score, positive, frame)
    weight = _shares.even_weights(frame["set"][7:])
    assert found.value == pytest.approx(
        roc_auc_score(positive[7:], score[7:], sample_weight=weight)
    )
    assert found.low < found.value < found.high
    turned = _shares.auroc(-score, positive, frame)
    assert turned.value == pytest.approx(1 - found.value)
    assert turned.low == pytest.approx(1 - found.high)


def test_the_interval_of_auroc_is_that_of_resampled_rows():
    rng = np.random.default_rng(2)
    frame = rows_of([f"s{i // 5}" for i in range(60)])
    score, positive = rng.normal(size=60), rng.random(60) < 0.5
    found = _shares.auroc(score, positive, frame)
    names = np.unique(frame["family"])
    slow = []
    for times in _shares.resamples(len(names))[:200]:
        again = dict(zip(names, times.astype(int), strict=True))
        pick = np.concatenate([np.flatnonzero(frame["family"] == f) for f in names for _ in
                               range(again[f])])  # fmt: skip
        up, down = score[pick][positive[pick]], score[pick][~positive[pick]]
        slow.append(np.mean(up[:, None] > down[None, :]))
    low, high = np.quantile(slow, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.02)
    assert found.high == pytest.approx(high, abs=0.02)


def test_auroc_needs_both_kinds():
    assert np.isnan(_shares.auroc([1, 2], [True, True], rows_of(["a", "b"])).value)
    assert np.isnan(_shares.auroc([np.nan, 2], [True, False], rows_of(["a", "b"])).value)


@pytest.mark.parametrize(
    ("gap", "found"),
    [
        ([-0.2, -0.1, 0.1], (316.2, True, False)),
        ([0.1, 0.2, 0.3], (10.0, True, True)),
        ([-0.3, -0.2, -0.1], (1000.0, False, False)),
        ([-0.2, 0.0, 0.1], (100.0, True, False)),
        # a gap that falls again is smoothed: (0.1 - 0.1) / 2 = 0 from 100 labels on
        ([-0.2, 0.1, -0.1], (100.0, True, False)),
        ([-0.2, 0.1, -0.3], (1000.0, False, False)),
    ],
)
def test_break_even(gap, found):
    assert _crossing.break_even([10, 100, 1000], gap) == found


def found_crossings(times: list[float], reached: list[bool], sets: list[str]) -> pd.DataFrame:
    frame = rows_of(sets)
    return frame.assign(n_labels=times, reached=reached, at_once=False)


def test_still_helping_counts_a_pair_for_as_long_as_it_was_measured():
    """Four data sets: gone at 10, last seen at 20, gone at 50, last seen at 100."""
    found = found_crossings([50, 20, 10, 100], [True, False, True, False], list("abcd"))
    share, low, high = _crossing.still_helping(found, [5, 10, 20, 50, 100])
    assert share == pytest.approx([1, 3 / 4, 3 / 4, 3 / 8, 3 / 8])
    assert np.all((low <= share) & (share <= high))
    assert _crossing.median_labels(found) == 50
    none = found_crossings([50, 20], [False, False], ["a", "b"])
    assert np.isnan(_crossing.median_labels(none))


def test_still_helping_weighs_data_sets_evenly():
    found = found_crossings([10, 10, 10, 50], [True] * 4, ["a", "a", "a", "b"])
    assert _crossing.still_helping(found, [10])[0] == pytest.approx([0.5])


def by_draw(gap: dict[str, list[float]]) -> pd.DataFrame:
    about = {"family": "f", "set": "f", "source": "s", "target": "t", "task": "binary",
             "learner": "linear", "n_labels": 20}  # fmt: skip
    return pd.DataFrame([
        {**about, "strategy": name, "draw": draw, "gap": value}
        for name, values in gap.items() for draw, value in enumerate(values)
    ])  # fmt: skip


def test_the_oracle_is_chosen_and_judged_on_different_draws():
    wide = _choice.on_common_cells(
        by_draw({"one": [-0.3, -0.3, 0.2, 0.2], "other": [-0.1, -0.1, -0.4, -0.4]}),
        ["one", "other"],
    )
    found = _choice.oracle_split(wide, 2).iloc[0]
    assert found["chosen"] == "one"
    assert found["oracle"] == pytest.approx(0.2)
    assert found["other"] == pytest.approx(-0.4)


def test_the_oracle_may_leave_the_source_alone():
    wide = _choice.on_common_cells(by_draw({"one": [0.3, 0.3, -0.2, -0.2]}), ["one"])
    found = _choice.oracle_split(wide, 2).iloc[0]
    assert (found["chosen"], found["oracle"]) == ("target-only", 0.0)


def test_common_cells_are_those_in_which_every_strategy_has_a_gap():
    draws = by_draw({"one": [0.1, 0.2, 0.3], "other": [0.1, np.nan, 0.3]})
    wide = _choice.on_common_cells(draws, ["one", "other"])
    assert list(wide.index.get_level_values("draw")) == [0, 2]


def test_a_duel_is_fought_on_the_same_draws():
    """Both vary much and together: the difference is clear though neither gap is."""
    wide = _choice.on_common_cells(
        by_draw({"one": [0.5, -0.5, 0.3, -0.3], "other": [0.55, -0.44, 0.35, -0.26]}),
        ["one", "other"],
    )
    found = _choice.duel(wide, "one", "other", pd.Series({"binary": 0.01}))
    assert found["difference"].value == pytest.approx(-0.05)
    assert (found["one"].value, found["other"].value) == (1.0, 0.0)
    strict = _choice.duel(wide, "one", "other", pd.Series({"binary": 0.1}))
    assert strict["one"].value == 0.0


def test_harm_that_offset_and_scale_take_away():
    frame = rows_of(["a", "b", "c", "d"]).assign(
        gap=[0.4, 0.4, 0.4, -0.4], clear=True, margin=0.02, se_second=0.001,
        gap_second=[0.4, 0.0, -0.3, 0.4],
    )  # fmt: skip
    found = _level.harm_of(frame)
    assert found.cells == 3
    assert found.gone.value == pytest.approx(2 / 3)
    assert found.helps.value == pytest.approx(1 / 3)
    assert found.part.value == pytest.approx(2 / 3)


def test_numbers_in_words():
    estimate = _shares.Estimate(0.123, 0.05, 0.2)
    assert words.share(estimate) == "12 % (5 to 20)"
    assert words.share(_shares.UNKNOWN) == words.MISSING
    assert words.gain(_shares.Estimate(-7.3, -18.0, -0.02)) == "< −100 % (< −100 to −2)"
    assert words.signed(-0.0123, False) == "−1.2"
    assert words.signed_estimate(_shares.Estimate(0.1, -0.1, 0.3), True) == (
        "+0.100 (−0.100 to +0.300)"
    )
    assert words.code("P(Y|X)") == "`P(Y\\|X)`"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.table(["x", "y"], [["a", 1]]).splitlines() == [
        "| x | y |", "| --- | ---: |", "| a | 1 |",
    ]  # fmt: skip


LABELS = (10, 20, 100, 500)


def made_up(learners: tuple[str, ...] = ("linear", "forest")) -> pd.DataFrame:
    """Return errors of six data sets; the odd ones are hurt by their source."""
    rng = np.random.default_rng(0)
    rows = []
    effects = {"target-only": 0.0, "source-only": 1.5, "source-recalibrated": 0.8, "pooled": 1.0,
               "pooled-equal-weight": 0.7, "pooled-cv-weight": 0.2, "stacking": 0.1,
               "hypothesis-residual": 0.3}  # fmt: skip
    for i in range(6):
        for pair in range(2):
            about = {"family": f"f{i // 2}", "set": f"set{i}", "source": f"s{pair}", "target": "t",
                     "task": "regression" if i < 3 else "binary"}  # fmt: skip
            for learner in learners:
                for n in LABELS:
                    for draw in range(8):
                        own = 0.2 + 1 / n + 0.01 * rng.normal()
                        for name, effect in effects.items():
                            if name == "source-recalibrated" and i >= 3:
                                continue
                            harm = effect * ((0.1 - 1.5 / n) if i % 2 else -2 / n)
                            error = own + harm + 0.005 * rng.normal()
                            rows.append({
                                **about, "learner": learner, "strategy": name, "n_labels": n,
                                "draw": draw, "n_source": 100, "n_test": 100, "error": error,
                                "second": own + 0.2 * harm, "seconds": 0.0,
                            })  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def tables() -> Measured:
    raw = made_up()
    found = cells(raw)
    pairs = found[found["n_labels"] == 100][CASE].drop_duplicates().reset_index(drop=True)
    odd = pairs["set"].str[-1].astype(int) % 2 == 1
    rng = np.random.default_rng(3)
    pairs = pairs.assign(
        n_labels=50, check_NT201=odd + 0.01 * rng.random(len(pairs)),
        check_NT301_state=np.where(odd, "fail", "pass"),
        moved=np.where(odd, "concept shift", None), measure_luck=rng.random(len(pairs)),
        measure_silent=np.nan, check_text="words", check_of_one_column=np.nan,
    )  # fmt: skip
    pilot = gaps(raw).rename(columns={"gap": "pilot_gap"})
    pilot = pilot[pilot["draw"] < 2][[*CASE, "learner", "strategy", "n_labels", "draw",
                                      "pilot_gap"]]  # fmt: skip
    return Measured(raw, gaps(raw), found, pairs, pilot)


def test_the_page_answers_first(tables):
    text = page(tables)
    head = text.split("## 1.")[0]
    for topic in ("Measured", "How often", "By number of labels", "By strategy", "By task",
                  "By learner", "Offset and scale", "Break-even", "Kind of shift",
                  "Single measures", "Safest default"):  # fmt: skip
        assert f"**{topic}" in head
    assert "nan" not in text.replace("not answer", "")
    assert answers(tables) == answers(tables)
    assert "6 real data sets of 3 families, 12 ordered pairs" in head
    assert len(readme_section(tables).strip().splitlines()) <= 20


def test_planted_evidence_tells_and_luck_does_not(tables):
    signs = {one.name: one for one in _signs.signs_of(tables, "pooled", 100, False)}
    assert set(signs) == {"check_NT201", "measure_luck"}
    assert signs["check_NT201"].values["linear"].value > 0.9
    assert _signs.signs_of(tables, "pooled", 100, False)[0].name == "check_NT201"
    assert np.isnan(signs["check_NT201"].values["boosting"].value)
    pilot = _signs.pilot_signs(tables, "pooled", 100, False)
    assert [one.name for one in pilot] == ["pilot_gap"]
    assert pilot[0].values["linear"].value > 0.9


def test_without_evidence_and_other_learners_the_page_says_so():
    raw = made_up(("linear",))
    text = page(Measured(raw, gaps(raw), cells(raw)))
    assert "evidence_pairs.parquet" in text
    assert "Only one learner is measured so far." in text
    assert "**Single measures" not in text


def test_pictures_are_small_and_well_formed(tables):
    drawn = pictures.every(tables)
    assert set(drawn) == {"shares", "break_even", "offset", "defaults", "signs"}
    for name, text in drawn.items():
        assert len(text) < 40_000, name
        root = ElementTree.fromstring(text)
        assert [child.tag.split("}")[1] for child in list(root)[:3]] == ["title", "desc", "style"]
        assert "prefers-color-scheme: dark" in text
        assert "nan" not in text
