"""The pilot with chosen strategies: honest, planned, and told."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from negtransfer import Diagnosis, InputError, preflight
from negtransfer.diagnostics.cli import app
from negtransfer.diagnostics.domain import Domain, align
from negtransfer.diagnostics.learners import default_learners
from negtransfer.diagnostics.pilot import resolve_metric, run_pilot
from negtransfer.diagnostics.pilot._plan import MAX_SOURCE_ROWS, make_plan
from negtransfer.diagnostics.strategies import DEFAULT, STRATEGIES, chosen_strategies


def sides(task="binary", n_source=120, n_target=40, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_source + n_target, 3))
    score = X[:, 0] + X[:, 1] + 0.5 * rng.normal(size=len(X))
    y = score if task == "regression" else (score > 0).astype(int)
    return (X[:n_source], y[:n_source]), (X[n_source:], y[n_source:])


def checked(strategies, task="binary", **more):
    source, target = sides(task)
    options = {"budget": 30.0, "learner": "linear", "n_jobs": 1, **more}
    return preflight(source=source, target=target, strategies=strategies, **options)


@pytest.fixture(scope="module")
def fast():
    return checked("fast")


def test_the_default_is_the_same_asked_for_or_not():
    source, target = sides()
    left_out = preflight(source=source, target=target, budget=30.0, learner="linear")
    assert checked("default") == left_out
    assert [s.strategy for s in left_out.strategies] == list(DEFAULT[:4])
    assert "--strategies" not in left_out.command
    assert left_out.warnings == [w for w in left_out.warnings if "were tried" not in w]


def test_more_strategies_do_not_change_what_the_default_ones_measure(fast):
    before = {s.strategy: s for s in checked("default").strategies}
    after = {s.strategy: s for s in fast.strategies}
    for name, row in before.items():
        assert after[name].model_copy(update={"recommended": row.recommended}) == row


def test_the_document_says_what_every_strategy_is(fast):
    for row in fast.strategies:
        strategy = STRATEGIES[row.strategy]
        assert (row.family, row.cost, row.fails_when) == (
            strategy.family, strategy.cost, strategy.fails_when
        )  # fmt: skip
        assert set(row.needs) == strategy.needs
        assert set(row.assumes) == strategy.assumes
        assert row.preconditions_met is None or strategy.precheck is not None
    by_name = {row.strategy: row for row in fast.strategies}
    assert by_name["align-coral"].preconditions_met is True
    assert by_name["source-class-subset"].preconditions_met is False
    assert "none to leave out" in by_name["source-class-subset"].reason
    assert by_name["stacking"].preconditions_met is None
    assert "made for quantities" in by_name["source-recalibrated"].reason
    assert any(f"{len(fast.strategies)} strategies were tried" in w for w in fast.warnings)
    assert Diagnosis.from_json(fast.to_json()) == fast


def test_choice_is_recorded_and_repeated_by_the_command(fast):
    assert fast.config["strategies"].value == "fast"
    assert "--strategies fast" in fast.command
    named = checked(["stacking", "pooled"])
    assert "--strategies stacking,pooled" in named.command
    assert [s.strategy for s in named.strategies] == [
        "target-only", "source-only", "pooled", "stacking",
    ]  # fmt: skip


def test_the_page_shows_families_and_preconditions(fast):
    page = fast.to_html()
    assert "Family: secure transfer; cost: cheap" in page
    assert "preconditions met" in page
    assert "every class of the source occurs in the target" in page
    assert len(fast.to_text().splitlines()) < 25


def test_effective_sample_sizes_are_reported():
    found = checked(["importance-classifier", "select-discriminator"])
    notes = {s.strategy: s.note for s in found.strategies}
    assert "of 120 source rows" in notes["importance-classifier"]
    assert "pass the gate" in notes["select-discriminator"]
    assert notes["pooled" if "pooled" in notes else "source-only"] == ""


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_the_result_does_not_depend_on_the_workers(task):
    wanted = ["stacking", "label-shift-em", "importance-least-squares"]
    if task == "binary":
        wanted += ["network-l2-sp", "align-entropic-ot"]
    one, two = (checked(wanted, task, n_jobs=n, budget=12.0) for n in (1, 2))
    assert one.to_json() == two.to_json()


def test_a_model_of_its_own_is_fitted_once_and_shown_for_every_learner():
    found = checked("hypothesis-shrunk", learner=None)
    rows = [s for s in found.strategies if s.strategy == "hypothesis-shrunk"]
    assert [s.learner for s in rows] == ["linear", "forest"]
    assert rows[0].error == rows[1].error
    assert rows[0].error_target_only != rows[1].error_target_only


def pair_of(n_labelled=30, n_unlabelled=10, copies=0):
    source, (X, y) = sides(n_target=n_labelled + n_unlabelled)
    X[n_labelled : n_labelled + copies] = X[:copies]
    y = y.astype(float)
    y[n_labelled:] = np.nan
    return align(
        Domain.load(source[0], y=source[1], name="source"),
        Domain.load(X, y=y, name="target"), task="binary",
    )  # fmt: skip


def pilot_with(strategy, pair):
    return run_pilot(
        pair, default_learners(False)[:1], resolve_metric(None, "binary"), n_jobs=1,
        strategies=(*chosen_strategies("target-only"), strategy), budget=30.0,
    )  # fmt: skip


def test_no_strategy_sees_the_inputs_it_is_judged_on():
    seen, judged = [], []
    pair = pair_of(copies=4)

    def fit(learner, training):
        seen.append(training.target_inputs)
        inner = STRATEGIES["target-only"].fit(learner, training)

        def predict(rows):
            judged.append(rows)
            return inner(rows)

        return predict

    spy = replace(STRATEGIES["align-coral"], name="spy", fit=fit, precheck=None)
    pilot_with(spy, pair)
    assert len(seen) == len(judged) > 5
    unlabelled = pair.target.X[~pair.target.labelled]
    for inputs, rows in zip(seen, judged, strict=True):
        known = {tuple(row) for row in inputs}
        assert not known & {tuple(row) for row in rows}
        # six of the ten unlabelled rows are no copies of labelled ones
        assert sum(tuple(row) in known for row in unlabelled[4:]) == 6


@pytest.mark.parametrize("fault", [ValueError("too few rows"), np.linalg.LinAlgError("singular")])
def test_a_strategy_that_fails_is_left_out_with_the_reason(fault):
    def fit(learner, training):
        raise fault

    broken = replace(STRATEGIES["stacking"], name="broken", fit=fit)
    pilot = pilot_with(broken, pair_of())
    assert ("linear", "broken") not in pilot.predictions
    assert str(fault) in pilot.skipped["linear", "broken"]

    def nowhere(learner, training):
        return lambda rows: np.full((len(rows), 2), np.nan)

    pilot = pilot_with(replace(broken, fit=nowhere), pair_of())
    assert "no finite numbers" in pilot.skipped["linear", "broken"]


def test_the_plan_counts_strategies_and_drops_the_dearest_first():
    learners = default_learners(False)
    sizes = (2000, 400, 30, 5)
    default = make_plan(*sizes, learners, 60.0)
    assert [s.name for s in default.strategies] == list(DEFAULT)
    assert make_plan(*sizes, learners, 60.0, chosen_strategies("default")) == default
    every = chosen_strategies("all")
    rich, poor = (make_plan(*sizes, learners, seconds, every) for seconds in (3600.0, 10.0))
    assert rich.strategies == every
    assert not rich.left_out
    assert {s.name for s in poor.strategies} >= set(DEFAULT)
    assert len(poor.strategies) < len(every)
    assert any("left out the strategies" in told and "reweight-tradaboost" in told
               for told in poor.left_out)  # fmt: skip
    assert rich.n_repeats >= poor.n_repeats
    assert make_plan(20_000, 400, 30, 5, learners, 3600.0, every).max_source == MAX_SOURCE_ROWS


def test_the_command_line_takes_strategies(tmp_path):
    for name, (X, y) in zip(("a", "b"), sides(), strict=True):
        np.savez(tmp_path / f"{name}.npz", X=X, y=y)
    run = ["check", str(tmp_path / "a.npz"), str(tmp_path / "b.npz"), "--learner", "linear",
           "--no-progress", "--budget", "10s"]  # fmt: skip
    out = tmp_path / "x.json"
    CliRunner().invoke(app, [*run, "--strategies", "stacking", "--json", str(out)])
    told = json.loads(out.read_text(encoding="utf-8"))
    assert [s["strategy"] for s in told["strategies"]][-1] == "stacking"
    assert told["config"]["strategies"] == {"value": "stacking", "origin": "flag"}
    wrong = CliRunner().invoke(app, [*run, "--strategies", "stackin"])
    assert wrong.exit_code == 2


def test_unknown_strategies_are_refused_before_anything_is_read():
    with pytest.raises(InputError, match="no strategy 'x'"):
        preflight(source="nowhere.csv", target="nowhere.csv", strategies="x")
