"""Break-even: crossings that are known, what it must not depend on, and its sentences."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from negtransfer.diagnostics.predictor import break_even as module
from negtransfer.diagnostics.predictor.break_even import (
    LARGEST,
    SHOWN,
    SMALLEST,
    break_even,
    crossing,
    draw_curves,
    fine_counts,
    first_known,
    labels_until_known,
    to_units,
)

STRATEGIES = ("source-only", "pooled", "pooled-equal-weight", "stacking", "one of the user's own")
KINDS = [(strategy, regression) for strategy in STRATEGIES for regression in (False, True)]


@pytest.mark.parametrize("n_star", [11, 37, 340, 2000, 4900])
def test_a_rising_curve_crosses_where_it_was_made_to(n_star):
    grid = fine_counts()
    path = 0.1 * np.log(grid / n_star)[None, :]
    assert crossing(path, grid)[0] == pytest.approx(n_star, rel=0.01)


def test_a_bump_does_not_count_as_a_crossing():
    """A short harm before a long help is noise: transfer pays up to the last turn."""
    grid = fine_counts()
    path = np.where(np.arange(37) < 30, -0.2, 0.2)
    path[5] = 0.05
    assert grid[29] <= crossing(path[None, :], grid)[0] <= grid[30]


def test_curves_that_do_not_cross():
    grid = fine_counts()
    ends = crossing(np.stack([np.full(37, 0.1), np.full(37, -0.1), np.linspace(1, -1.1, 37)]), grid)
    assert ends.tolist() == [0.0, math.inf, math.inf]


def test_lower_curves_never_turn_earlier():
    rng = np.random.default_rng(1)
    path = rng.standard_normal((500, 37)).cumsum(axis=1)
    lower = path - rng.exponential(0.2, size=path.shape)
    grid = fine_counts()
    assert np.all(crossing(lower, grid) >= crossing(path, grid))


def test_known_learning_curves_left_out_are_predicted():
    """Target errors fall as powers of n and the source's stays: the crossing is known."""
    pytest.importorskip("benchmarks.predictor.break_even")
    from benchmarks.predictor.break_even import fit_all

    rng = np.random.default_rng(0)
    counts = np.array([10, 20, 50, 100, 200, 500, 1000])

    def errors(power, n_star, n):
        return 0.1 + 0.2 * (n / 10) ** -power, 0.1 + 0.2 * (n_star / 10) ** -power

    rows = []
    for i in range(60):
        target, source = errors(rng.uniform(0.4, 0.6), 10 ** rng.uniform(1.2, 3.2), counts)
        for n, base in zip(counts, target, strict=True):
            rows.append((f"f{i}", f"s{i}", "a", "b", "binary", "linear", "source-only", n,
                         source - base, base))  # fmt: skip
    names = ["family", "set", "source", "target", "task", "learner", "strategy", "n_labels"]
    measured = pd.DataFrame(rows, columns=[*names, "gap", "base"])
    measured = pd.concat([measured, measured.assign(task="regression")])
    learned = fit_all(measured, ("source-only",))["classification"]["source-only"]
    grid, off = fine_counts(), []
    for n_star in (20, 60, 150, 400, 900):
        base, source = errors(0.5, n_star, 50)
        path = draw_curves(source - base, 0.0, 50, base, grid, model=learned)
        off.append(abs(np.log2(np.median(crossing(path, grid)) / n_star)))
    assert np.median(off) < 0.5
    assert max(off) < 1.25


def test_the_curve_passes_through_what_is_known_now():
    grid = np.array([50.0])
    learned = module.model("pooled", False)
    path = draw_curves(-0.04, 0.0, 50, 0.3, grid, model=learned)
    assert np.allclose(path, to_units(-0.04, 0.3))


def test_nothing_is_missed_at_the_labels_at_hand_and_more_further_away():
    grid = np.array([25.0, 50.0, 100.0, 400.0, 3200.0])
    path = draw_curves(-0.04, 0.0, 50, 0.3, grid, model=module.model("source-only", True))
    spread = path.std(axis=0)
    assert spread[1] == pytest.approx(0, abs=1e-12)
    assert spread[0] > 0
    assert np.all(np.diff(spread[1:]) > 0)


@pytest.mark.parametrize(("strategy", "regression"), KINDS)
def test_a_lower_gap_now_means_a_later_crossing(strategy, regression):
    gaps = [0.1, 0.03, 0.0, -0.01, -0.03, -0.1, -0.2]
    found = [break_even(g, 0.02, 50, 0.3, strategy=strategy, regression=regression) for g in gaps]
    for before, after in pairwise(found):
        assert after.low >= before.low
        assert after.high >= before.high
        assert after.p_already_past <= before.p_already_past
        assert after.p_beyond >= before.p_beyond
        assert after.p_never <= before.p_never
    helps = [one.n for one, g in zip(found, gaps, strict=True) if -0.1 <= g <= 0.0]
    assert helps == sorted(helps)


@pytest.mark.parametrize("factor", [0.5, 3.0, 1000.0])
def test_the_unit_of_the_error_does_not_matter(factor):
    one = break_even(-0.03, 0.02, 50, 0.3, strategy="pooled", regression=True)
    many = break_even(
        -0.03 * factor, 0.02 * factor, 50, 0.3 * factor, strategy="pooled", regression=True
    )
    assert many.n == pytest.approx(one.n)
    assert (many.low, many.high) == pytest.approx((one.low, one.high))
    assert many.sentence == one.sentence
    back = [(n, a / factor, b / factor, c / factor) for n, a, b, c in many.curve]
    np.testing.assert_allclose(back, one.curve)


@pytest.mark.parametrize(("strategy", "regression"), KINDS)
@pytest.mark.parametrize("gap", [-0.5, -0.05, -0.01, 0.0, 0.02, 0.4])
def test_intervals_contain_the_point_and_a_wider_one_the_narrower(strategy, regression, gap):
    def at(level: float):
        return break_even(gap, 0.03, 50, 0.4, strategy=strategy, regression=regression, level=level)

    wide, narrow = at(0.9), at(0.8)
    for one in (wide, narrow):
        assert one.low <= one.n <= one.high
        assert one.low == 0 or one.low >= SMALLEST
        assert math.isinf(one.high) or one.high <= LARGEST * (1 + 1e-9)
        assert all(low <= middle <= high for _, middle, low, high in one.curve)
        assert tuple(n for n, *_ in one.curve) == SHOWN
    assert wide.low <= narrow.low
    assert wide.high >= narrow.high


def test_more_doubt_now_means_a_wider_interval():
    sure, unsure = (
        break_even(-0.05, sd, 50, 0.4, strategy="source-only", regression=True)
        for sd in (0.005, 0.08)
    )
    assert unsure.low < sure.low
    assert unsure.high >= sure.high
    assert unsure.curve[2][3] - unsure.curve[2][2] > sure.curve[2][3] - sure.curve[2][2]


def test_the_same_input_gives_the_same_answer():
    call = {"strategy": "stacking", "regression": False}
    assert break_even(-0.02, 0.02, 30, 0.2, **call) == break_even(-0.02, 0.02, 30, 0.2, **call)
    assert labels_until_known(-0.02, 0.02, 30, 0.2, 0.05, **call) == labels_until_known(
        -0.02, 0.02, 30, 0.2, 0.05, **call
    )


@pytest.mark.parametrize(
    ("gap", "sd", "n", "base"),
    [
        (0.0, 0.0, 50, 0.3), (-0.1, 0.0, 1, 0.3), (-0.01, 0.01, 20_000, 0.1), (0.0, 0.0, 20, 0.0),
        (5.0, 3.0, 20, 0.8), (-1e9, 1e9, 20, 0.8), (1e300, 0.0, 20, 0.8), (0.1, 1e-300, 20, 1e-300),
    ],
)  # fmt: skip
def test_extreme_inputs_give_an_answer(gap, sd, n, base):
    found = break_even(gap, sd, n, base, strategy="pooled", regression=True)
    assert found.low <= found.n <= found.high
    assert not math.isnan(found.n)
    assert np.isfinite(found.curve).all()
    known = labels_until_known(gap, sd, n, base, 0.1, strategy="pooled", regression=False)
    assert known.low <= known.n <= known.high


@pytest.mark.parametrize(
    "change",
    [
        {"gap_mean": math.nan}, {"gap_sd": -1.0}, {"gap_sd": math.inf}, {"n": 0}, {"base": -0.1},
        {"base": math.nan}, {"level": 1.0}, {"level": 0.0},
    ],
)  # fmt: skip
def test_numbers_out_of_range_are_refused(change):
    call = {"gap_mean": -0.1, "gap_sd": 0.1, "n": 50, "base": 0.3, "level": 0.9} | change
    with pytest.raises(ValueError, match=next(iter(change))):
        break_even(**call, strategy="pooled", regression=False)


def test_a_negative_standard_error_is_refused():
    with pytest.raises(ValueError, match="pilot_se"):
        labels_until_known(0.0, 0.1, 50, 0.3, -1.0, strategy="pooled", regression=False)


@pytest.mark.parametrize(
    ("gap", "sd", "start"),
    [
        (2.0, 0.01, "Transfer never pays: it hurts at any number of labels from 10 on (prob"),
        (-2.0, 0.01, "Transfer still pays at 5,000 labels, the most that can be said (prob"),
        (-0.03, 0.01, "Transfer pays below about "),
        (0.01, 0.01, "Break-even is probably already past with 50 labels: transfer pays below "),
    ],
)
def test_sentences(gap, sd, start):
    found = break_even(gap, sd, 50, 0.3, strategy="source-only", regression=False)
    assert found.sentence.startswith(start)
    assert found.sentence.endswith(".")
    if "about" in start:
        assert "(90 % interval " in found.sentence


def test_probabilities_add_up_and_say_what_the_sentence_says():
    past = break_even(0.3, 0.01, 50, 0.3, strategy="pooled", regression=False)
    assert past.p_already_past > 0.9
    assert past.p_never <= past.p_already_past
    assert past.p_already_past + past.p_beyond <= 1


def test_labels_until_known_falls_with_the_size_of_the_gap():
    def at(gap: float) -> float:
        return labels_until_known(
            gap, 0.0, 50, 0.3, 0.05, strategy="pooled", regression=False, margin=0.01
        ).n

    assert at(0.3) == 50
    assert at(0.04) >= at(0.08) >= at(0.3)
    noisy, exact = (
        labels_until_known(0.04, 0.0, 50, 0.3, se, strategy="pooled", regression=False)
        for se in (0.2, 0.05)
    )
    assert noisy.n >= exact.n


def test_labels_until_known_says_when_it_cannot_be_known():
    found = labels_until_known(
        -0.001, 0.0, 50, 0.3, 5.0, strategy="source-only", regression=False, margin=0.01
    )
    assert math.isinf(found.n)
    assert found.p_beyond > 0.5
    assert "More than 5,000 labels" in found.sentence
    clear = labels_until_known(0.3, 0.0, 50, 0.3, 0.01, strategy="pooled", regression=False)
    assert clear.sentence.startswith("The 50 labels at hand")


def test_a_margin_takes_more_labels():
    small, large = (
        labels_until_known(
            0.05, 0.0, 50, 0.3, 0.04, strategy="source-only", regression=False, margin=margin
        ).n
        for margin in (0.0, 0.03)
    )
    assert large >= small


def test_the_first_number_at_which_an_interval_leaves_the_margin():
    grid = np.array([50.0, 100.0, 200.0, 400.0, 800.0])
    curves = np.stack([np.full(5, 0.06), np.full(5, -0.06), np.zeros(5), np.full(5, 0.3)])
    # The half width at level 0.9 is 1.645 x 0.05 = 0.082, halved by every fourfold.
    found = first_known(curves, 0.05, grid, exponent=0.5, margin=0.01)
    assert found.tolist() == [200.0, 200.0, math.inf, 50.0]


def test_a_standard_error_that_falls_faster_tells_sooner():
    grid = module.counts_from(20)
    slow, fast = (
        first_known(np.full((1, len(grid)), 0.05), 0.2, grid, exponent=e, margin=0.0)[0]
        for e in (0.5, 0.9)
    )
    assert 20 < fast < slow < LARGEST


def test_later_pilots_start_from_the_real_one_and_err_by_their_standard_error():
    grid = np.array([50.0, 200.0, 5000.0])
    true = np.broadcast_to([0.02, 0.01, 0.0], (20_000, 3))
    found = module.later_pilots(true, 0.12, 0.05, grid, exponent=0.5)
    assert np.allclose(found[:, 0], 0.12)
    # Of 2 standard errors now, half a fourfold later: 1, of errors half as large.
    assert found[:, 1].mean() == pytest.approx(0.01 + 0.025, abs=0.001)
    assert found[:, 1].std() == pytest.approx(0.025 * math.sqrt(0.75), rel=0.03)
    assert found[:, 2].std() == pytest.approx(0.005, rel=0.03)


def test_a_pilot_that_tells_already_needs_no_more_labels():
    call = {"strategy": "pooled", "regression": False}
    told, open_ = (
        labels_until_known(0.0, 0.01, 50, 0.3, 0.05, pilot_gap=g, **call) for g in (0.1, 0.05)
    )
    assert (told.low, told.n, told.high) == (50, 50, 50)
    assert open_.low > 50
    assert open_.low in SHOWN


def test_for_regression_it_is_not_said_how_many_labels_tell():
    assert labels_until_known(0.1, 0.1, 50, 0.8, 0.1, strategy="pooled", regression=True) is None


@pytest.mark.parametrize("regression", [False, True])
def test_every_strategy_has_a_standard_error_that_falls(regression):
    for strategy in (*STRATEGIES, "source-recalibrated", "hypothesis-residual"):
        assert 0.3 < module.se_exponent(strategy, regression) < 1.5


def test_the_fall_of_a_standard_error_is_learned_from_pilots():
    fit_exponents = pytest.importorskip("benchmarks.predictor.break_even").fit_exponents
    rng = np.random.default_rng(0)
    rows = [
        ("f", f"s{i % 4}", "a", f"t{i}", task, "linear", name, n, draw,
         level * n ** -power * np.exp(0.02 * rng.standard_normal()))
        for task, shift in (("binary", 0.0), ("regression", 0.1))
        for i in range(30)
        for level in [rng.uniform(0.1, 2)]
        for name, power in (("pooled", 0.7 + shift), ("source-only", 0.5 + shift))
        for draw in (0, 1)
        for n in ((20, 50, 200) if i % 2 else (20, 100, 500))
    ]  # fmt: skip
    names = ["family", "set", "source", "target", "task", "learner", "strategy", "n_labels"]
    pilots = pd.DataFrame(rows, columns=[*names, "draw", "pilot_se"])
    lost = pilots.head(40).assign(draw=9, pilot_se=0.0)
    found = fit_exponents(pd.concat([pilots, lost]))
    for kind, shift in (("classification", 0.0), ("regression", 0.1)):
        assert found[kind]["pooled"] == pytest.approx(0.7 + shift, abs=0.01)
        assert found[kind]["source-only"] == pytest.approx(0.5 + shift, abs=0.01)
        assert found[kind]["any"] == pytest.approx(0.6 + shift, abs=0.01)


def test_gaps_regress_to_the_usual_one_in_both_directions():
    """Gaps that are new at every number of labels say nothing of each other, before or after."""
    fit_all = pytest.importorskip("benchmarks.predictor.break_even").fit_all
    rng = np.random.default_rng(0)
    rows = [
        (f"f{i // 4}", f"s{i}", "a", "b", task, "linear", "pooled", n, gap, 0.4)
        for task in ("binary", "regression")
        for i in range(120)
        for n, gap in zip((20, 80, 320, 1280), 0.1 * rng.standard_normal(4), strict=True)
    ]
    names = ["family", "set", "source", "target", "task", "learner", "strategy", "n_labels"]
    measured = pd.DataFrame(rows, columns=[*names, "gap", "base"])
    learned = fit_all(measured, ("pooled",))["classification"]["pooled"]
    grid = np.array([20.0, 1280.0])
    apart = np.abs(np.subtract(*(
        draw_curves(gap, 0.0, 160, 0.4, grid, model=learned).mean(axis=0) for gap in (-0.1, 0.1)
    )))  # fmt: skip
    now = float(to_units(0.1, 0.4) - to_units(-0.1, 0.4))
    assert np.all(apart < 0.35 * now)


def test_a_pilot_that_tells_is_found_at_the_first_test_that_does():
    told = pytest.importorskip("benchmarks.predictor.break_even")._told
    keys = dict(zip(["family", "set", "source", "target", "task", "learner", "strategy"],
                    ["f", "s", "a", "b", "binary", "linear", "pooled"], strict=True))  # fmt: skip
    seen = pd.DataFrame({"n_labels": [20, 50, 200, 500], "pilot_gap": [0.1, 0.0, 0.1, 0.0]})
    seen = seen.assign(**keys, draw=0, pilot_se=[0.1, 0.05, 0.02, 0.02], margin=0.01)
    seen["pilot_df"] = seen["n_labels"] - 1.0
    never = seen.assign(draw=1, pilot_gap=0.0)
    at_once = seen.assign(draw=2, pilot_gap=1.0)
    found = told(pd.concat([seen, never, at_once], ignore_index=True))
    assert found["draw"].tolist() == [0, 0, 1, 1]
    assert found["first"].tolist() == [200.0, 200.0, math.inf, math.inf]
    assert set(found["last"]) == {500.0}


def test_results_cannot_be_changed():
    found = break_even(0.0, 0.1, 50, 0.3, strategy="pooled", regression=False)
    with pytest.raises(AttributeError):
        found.n = 3  # type: ignore[misc]
    assert replace(found, n=3.0).n == 3.0


@pytest.mark.slow
def test_the_shipped_curves_are_those_of_the_stored_table():
    outcomes = pytest.importorskip("benchmarks.outcomes.table")
    if not outcomes.TABLE.exists():
        pytest.skip("the table of measured transfers is not stored")
    from benchmarks.predictor.break_even import SHIPPED, fit_all, fit_exponents
    from benchmarks.predictor.cases import table_hash

    table, pilots = outcomes.read(), outcomes.read_evidence("pilot")
    stored = module._stored()
    assert stored["about"]["outcomes_sha256"] == table_hash(table)
    assert stored["about"]["pilots_sha256"] == table_hash(pilots)
    slopes = fit_exponents(pilots)
    assert slopes.keys() == stored["se_exponent"].keys()
    for kind, by_strategy in slopes.items():
        assert stored["se_exponent"][kind] == pytest.approx(by_strategy, abs=1e-4)
    assert (SHIPPED / "break_even.json").stat().st_size < 60_000
    fitted = fit_all(outcomes.cells(table))
    for kind, by_strategy in fitted.items():
        assert by_strategy.keys() == stored["curves"][kind].keys()
        for strategy, curves in by_strategy.items():
            kept = stored["curves"][kind][strategy]
            assert curves["curves"] == kept["curves"]
            np.testing.assert_allclose(curves["drift"], kept["drift"], atol=1e-4)
            np.testing.assert_allclose(curves["missed"], kept["missed"], atol=1e-4)
