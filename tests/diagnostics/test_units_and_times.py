"""Columns that name units and times, from the outside: leaks, drift, refusals, the record."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from negtransfer import Domain, InputError, preflight
from negtransfer.diagnostics.cli import main
from negtransfer.diagnostics.domain import align
from negtransfer.diagnostics.pilot import why_no_pilot
from negtransfer.diagnostics.pilot.held_out import may_be_held_out


def visits(n_units, per_unit, first, seed):
    """Rows of one unit nearly alike, and labels that belong to the unit by chance."""
    rng = np.random.default_rng(seed)
    centre, y = rng.normal(size=(n_units, 4)), np.arange(n_units) % 2
    unit = np.repeat(np.arange(n_units), per_unit)
    X = centre[unit] + 0.02 * rng.normal(size=(unit.size, 4))
    frame = pd.DataFrame(X, columns=list("abcd"))
    return frame.assign(patient=[f"p{first + u}" for u in unit], y=np.array(["u", "v"])[y[unit]])


def quick(source, target, **options):
    options = {"label": "y", "budget": 5.0, "learner": "linear", "n_jobs": 1, **options}
    return preflight(source=source, target=target, **options)


def target_only(result):
    return next(s.error for s in result.strategies if s.strategy == "target-only")


@pytest.fixture(scope="module")
def leaky():
    return visits(40, 4, 0, 0), visits(24, 5, 1000, 1)


def test_a_leak_through_units_is_seen_with_the_group_alone(leaky):
    from sklearn.neighbors import KNeighborsClassifier

    nearest = KNeighborsClassifier(1)
    plain = [frame.drop(columns="patient") for frame in leaky]
    blind = quick(*plain, learner=nearest)
    seen = quick(*leaky, group="patient", learner=nearest)
    assert target_only(blind) < 0.05
    assert target_only(seen) > 0.3
    home = [result.check("NT402").facts["model"] for result in (blind, seen)]
    assert home[0] < 0.05
    assert home[1] > 0.2
    # units are counted, not rows: five rows of a unit tell hardly more than one
    assert seen.gap.standard_error > 2 * blind.gap.standard_error
    assert any("24 units" in text for text in seen.warnings)


def test_units_that_tell_every_row_apart_change_nothing():
    rng = np.random.default_rng(3)
    frames = []
    for side in "st":
        X = rng.normal(size=(70, 3))
        frames.append(pd.DataFrame(X, columns=list("abc")).assign(
            y=np.where(X[:, 0] + rng.normal(size=70) > 0, "yes", "no"),
            who=[f"{side}-{i}" for i in range(70)],
        ))  # fmt: skip
    plain = quick(*(frame.drop(columns="who") for frame in frames))
    named = quick(*frames, group="who")
    for part in ("verdict", "checks", "strategies", "features", "measures", "lost_columns"):
        assert getattr(plain, part) == getattr(named, part)
    assert set(named.warnings) > set(plain.warnings)


def test_drift_over_time_is_seen_with_the_time_alone(leaky):
    from sklearn.neighbors import KNeighborsClassifier

    # the world moves every week, and what was learned of one week says nothing of the next
    nearest, weeks = KNeighborsClassifier(1), np.repeat(np.arange(24), 5)
    source, target = (frame.drop(columns="patient") for frame in leaky)
    day = pd.to_datetime("2024-01-01") + pd.to_timedelta(7 * weeks, unit="D")
    dated = target.assign(day=day).sample(frac=1, random_state=0)
    mixed = quick(source, dated.drop(columns="day"), learner=nearest)
    forward = quick(source, dated, time="day", learner=nearest)
    assert target_only(mixed) < 0.05
    assert target_only(forward) > 0.3
    assert forward.check("NT501").facts["folds"] == 5
    assert forward.check("NT501").facts["repeats"] == 1
    assert any("held out 80 of 120 labelled target rows" in text for text in forward.warnings)
    both = quick(source.assign(day="2023-01-01"), dated, time="day", learner=nearest)
    assert both.verdict == forward.verdict


def pair_of(source, target, **named):
    return align(
        Domain.load(source, label="y", name="s"), Domain.load(target, label="y", name="t"), **named
    )


def test_units_in_both_domains_are_never_held_out(leaky):
    source, target = (frame.copy() for frame in leaky)
    target.loc[:24, "patient"] = "p3"
    pair = pair_of(source, target, group="patient")
    assert not may_be_held_out(pair.target, pair.source)[:25].any()
    assert may_be_held_out(pair.target, pair.source)[25:].all()
    free = may_be_held_out(pair.source, pair.target)
    assert np.array_equal(free, (source["patient"] != "p3").to_numpy())
    told = " ".join(quick(source, target, group="patient").warnings)
    assert "1 unit with 25 labelled target rows stands in both domains" in told
    assert "never held out" in told


def test_where_all_units_stand_in_both_there_is_no_other_way(leaky):
    source, target = leaky[0], leaky[1].assign(patient=[f"p{i // 5}" for i in range(120)])
    pair = pair_of(source, target, group="patient")
    assert why_no_pilot(pair) is None
    assert may_be_held_out(pair.target, pair.source).all()
    told = quick(source, target, group="patient").warnings
    assert any("held out all the same" in text and "flatters" in text for text in told)


def test_groups_by_hand():
    source = pd.DataFrame({"a": [1.0, 2, 3, 4], "u": [1, 1, 2, 3], "y": list("vwvw")})
    target = pd.DataFrame(
        {"a": [5.0, 6, 6, 8, 9, 7, 7.5], "u": [7, 7, 8, 8, 9, None, None], "y": list("vwwvwvw")}
    )
    pair = pair_of(source, target, group="u")
    assert pair.source.group.tolist() == [0, 0, 1, 2]
    # rows 1 and 2 are equal, so units 7 and 8 are one; rows without a unit stand alone
    assert pair.target.group.tolist() == [0, 0, 0, 0, 1, 2, 3]
    assert pair.target.n_duplicates == 1
    assert any("2 rows" in text and "unit of its own" in text for text in pair.notices)
    assert any("join the target's 5 units to 4" in text for text in pair.notices)


def test_equal_rows_in_most_units_are_chance():
    rng = np.random.default_rng(0)
    frames = [
        pd.DataFrame({"a": rng.integers(2, size=80), "b": rng.integers(2, size=80),
                      "y": rng.choice(["v", "w"], 80), "u": [f"{s}{i // 4}" for i in range(80)]})
        for s in "st"
    ]  # fmt: skip
    pair = pair_of(*frames, group="u", keep_shared_rows=True)
    assert pair.target.group.tolist() == [i // 4 for i in range(80)]
    assert any("taken as chance" in text for text in pair.notices)


def test_without_the_columns_groups_are_equal_rows():
    source = pd.DataFrame({"a": [1.0, 2, 1, 4], "y": list("vwvw")})
    pair = pair_of(source, source.assign(a=[5.0, 6, 6, 6]))
    assert pair.source.group.tolist() == [0, 1, 0, 2]
    assert pair.target.group.tolist() == [0, 1, 1, 1]
    assert (pair.target.unit, pair.target.time) == (None, None)


def spoilt(frame, **columns):
    return frame.assign(**columns)


@pytest.mark.parametrize(
    ("change", "options", "sentence"),
    [
        ({}, {"group": "patent"}, r"'patent' \(did you mean 'patient'\?\); give as group"),
        ({}, {"time": "day"}, "no column 'day'.*give as time"),
        ({}, {"group": "y"}, "as its label"),
        ({}, {"group": "a", "time": "a"}, "both as group and as time"),
        ({"patient": None}, {"group": "patient"}, "no value in its column 'patient'"),
        ({"day": np.nan}, {"time": "day"}, "no value in its column 'day'"),
        ({"patient": "p1"}, {"group": "patient"}, "one unit only in the group column 'patient'"),
        ({"day": 3}, {"time": "day"}, "1 different value in the time column 'day'"),
        ({"day": "Monday"}, {"time": "day"}, "'Monday', which have no order"),
        ({}, {"group": ["p1", "p2"]}, "give the name of a column as text"),
        ({}, {"time": 3}, "give the name of a column as text"),
        ({}, {"reruns": -1}, "whole number from 0"),
        ({}, {"reruns": "many"}, "whole number from 0"),
    ],
)  # fmt: skip
def test_what_cannot_serve_is_refused_in_one_sentence(leaky, change, options, sentence):
    with pytest.raises(InputError, match=sentence) as refused:
        quick(leaky[0], spoilt(leaky[1], **change), **options)
    assert "\n" not in str(refused.value)


def test_the_units_must_stand_in_the_source_too(leaky):
    with pytest.raises(InputError, match="domain 'source' has no column 'patient'"):
        quick(leaky[0].drop(columns="patient"), leaky[1], group="patient")


def test_arrays_have_no_names_for_units(leaky):
    sides = [(f[list("abcd")].to_numpy(), f["y"].to_numpy()) for f in leaky]
    with pytest.raises(InputError, match="give a table that holds the column"):
        preflight(source=sides[0], target=sides[1], group="patient", budget=5.0)


def test_no_features_left(leaky):
    only = [f[["patient", "y"]] for f in leaky]
    with pytest.raises(InputError, match="no feature columns besides 'patient'"):
        quick(*only, group="patient")


def test_too_few_units_or_times_give_a_reason_and_no_pilot(leaky):
    source, target = leaky
    three = target.assign(patient=[f"q{i // 40}" for i in range(120)])
    assert "belong to 3 units; the pilot needs at least 4" in why_no_pilot(
        pair_of(source, three, group="patient")
    )
    coarse = target.assign(day=[1, 2, *[3] * 118])
    assert "share a time" in why_no_pilot(pair_of(source, coarse, time="day"))
    again = target.assign(patient=[f"q{i % 6}" for i in range(120)], day=np.arange(120))
    assert "give the group or the time, not both" in why_no_pilot(
        pair_of(source, again, group="patient", time="day")
    )
    alone = target.assign(
        y=["v"] * 20 + ["u"] * 100, patient=["q"] * 20 + list(target.patient[20:])
    )
    assert "in one unit each" in why_no_pilot(pair_of(source, alone, group="patient"))
    result = quick(source, three, group="patient")
    assert result.verdict.label in ("not-enough-evidence", "caution")
    assert "3 units" in result.verdict.sentence


def test_fewer_units_than_folds_and_a_source_of_one_unit(leaky):
    source, target = leaky
    six = target.assign(patient=[f"q{i // 20}" for i in range(120)])
    result = quick(source.assign(patient="one"), six, group="patient")
    assert result.check("NT501").facts["folds"] == 5
    assert any("the source is one unit" in text for text in result.warnings)
    assert all(check.state != "error" for check in result.checks)
    four = quick(
        source, target.assign(patient=[f"q{i // 30}" for i in range(120)]), group="patient"
    )
    assert four.check("NT501").facts["folds"] == 4
    assert any("4 units" in text for text in four.warnings)


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["negtransfer", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        shown = capsys.readouterr()
        return int(stop.value.code or 0), shown.out, shown.err

    return call


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_command_line_takes_them_and_records_them(run, leaky, tmp_path, monkeypatch, ending):
    monkeypatch.chdir(tmp_path)
    for name, frame in zip(("source", "target"), leaky, strict=True):
        frame = frame.assign(day=pd.date_range("2024-01-01", periods=len(frame)).astype(str))
        getattr(frame, "to_csv" if ending == "csv" else "to_parquet")(
            f"{name}.{ending}", index=False
        )
    quickly = ("--label", "y", "--learner", "linear", "--budget", "5s", "--no-progress")
    words = (
        f"source.{ending}",
        f"target.{ending}",
        *quickly,
        "--group",
        "patient",
        "--time",
        "day",
    )
    code, _, err = run("check", *words, "--json", "r.json", "--html", "r.html",
                       "--fail-on", "never", "--allow-insufficient")  # fmt: skip
    assert (code, err) == (0, "")
    document = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert document["command"].endswith("--group patient --time day")
    assert document["config"]["group"] == {"value": "patient", "origin": "flag"}
    assert document["config"]["time"] == {"value": "day", "origin": "flag"}
    assert document["source"]["n_columns"] == 4
    assert "--group patient --time day" in (tmp_path / "r.html").read_text(encoding="utf-8")
    code, _, err = run("check", *words[:-2], "--time", "dy")
    assert code == 2
    assert "did you mean 'day'?" in err


def test_the_record_names_the_defaults(leaky):
    result = quick(*(frame.drop(columns="patient") for frame in leaky))
    for name in ("group", "time"):
        assert result.config[name].value is None
        assert result.config[name].origin == "default"
    assert "--group" not in result.command
