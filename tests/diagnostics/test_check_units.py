"""Checks where rows of a unit hang together: references of whole units, and what they find."""

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from negtransfer import Domain
from negtransfer.diagnostics.checks import CHECKS, Evidence, _references, run_checks
from negtransfer.diagnostics.checks._references import _units_apart, reference_runs
from negtransfer.diagnostics.checks._units import (
    MIN_UNITS,
    hang_together,
    pick_units,
    unit_halves,
)
from negtransfer.diagnostics.domain import align
from negtransfer.diagnostics.learners import resolve_learners
from negtransfer.diagnostics.pilot import resolve_metric, run_pilot

PER_UNIT = 12


def patients(n_units, seed, first=0, move=0.0, flip=False):
    """Rows of a unit lie around its own centre, and its labels around its own level."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(n_units), PER_UNIT)
    X = rng.normal(size=(n_units, 4))[unit] + 0.7 * rng.normal(size=(unit.size, 4))
    level = 1.5 * rng.normal(size=n_units)[unit]
    high = X[:, 0] + level + 0.3 * rng.normal(size=unit.size) > 0
    return pd.DataFrame(X + move, columns=list("abcd")).assign(
        y=np.where(high != flip, "high", "low"), who=[f"p{first + one}" for one in unit]
    )


def halves(n_source, n_target, seed):
    """Units of one law, dealt to the two sides at random."""
    both = patients(n_source + n_target, seed)
    number = both["who"].str[1:].astype(int)
    return both[number < n_source], both[number >= n_source]


def pair_of(source, target, *, group="who"):
    if group is None:
        source, target = (side.drop(columns="who") for side in (source, target))
    sides = (Domain.load(side, label="y", name=n) for n, side in (("s", source), ("t", target)))
    return align(*sides, group=group)


def evidence_of(pair, learner="linear", seed=0):
    (one,) = resolve_learners(learner, regression=False)
    metric = resolve_metric(None, pair.task)
    pilot = run_pilot(pair, [one], metric, budget=5.0, n_jobs=1, random_state=seed)
    return Evidence(pair, pilot, None, one, seed, effort=1.0, n_jobs=1)


def without_pilot(pair, seed=0):
    return Evidence(pair, None, "no pilot here", None, seed, effort=0.3, n_jobs=1)


def states(evidence, *ids):
    return {name: CHECKS[name].run(CHECKS[name], evidence).state for name in ids}


def test_picked_units_are_whole_and_enough():
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(20), rng.integers(1, 9, size=20))
    for _ in range(20):
        picked, rest = pick_units(units, 5, 10, rng)
        assert picked.size == 10
        assert not np.isin(units[picked], units[rest]).any()
        assert np.unique(units[rest]).size <= 15
    few, _ = pick_units(units, 2, 10_000, rng)  # half of the units, and all of their rows
    assert np.unique(units[few]).size == 10
    assert few.size == np.isin(units, units[few]).sum()
    assert pick_units(np.repeat(np.arange(MIN_UNITS - 1), 9), 1, 5, rng) is None


def test_halves_of_units_share_none_and_hold_all():
    units = np.repeat(np.arange(9), 4)
    found = list(unit_halves(units, 5, np.random.default_rng(0), (2, 1)))
    assert len(found) == 5
    for first, second in found:
        assert set(units[first]).isdisjoint(units[second])
        assert first.size + second.size == units.size
        assert np.unique(units[first]).size == 6
    assert not list(unit_halves(units[:8], 5, np.random.default_rng(0), (1, 1)))


def test_rows_hang_together_only_with_several_a_unit_that_are_new():
    source, target = patients(20, 0), patients(10, 1, first=100)
    assert hang_together(pair_of(source, target))
    assert not hang_together(pair_of(source, target, group=None))
    assert not hang_together(pair_of(source, patients(10, 1)))  # the same people
    alone = [side.assign(who=[f"{n}{i}" for i in range(len(side))])
             for n, side in (("s", source), ("t", target))]  # fmt: skip
    assert not hang_together(pair_of(*alone))


def test_the_reference_of_the_task_checks_splits_no_unit():
    evidence = evidence_of(pair_of(*halves(30, 12, 0)))
    pair, group = evidence.pair, evidence.pair.source.group
    for target, source in _units_apart(pair, evidence.pilot, 4, np.random.default_rng(0)):
        assert set(group[target]).isdisjoint(group[source])
        assert np.unique(group[target]).size >= 12
        assert target.size == evidence.pilot.n_labels


def test_a_source_model_does_worse_on_new_units_and_the_reference_says_so(monkeypatch):
    """Rows of known units flatter the source model, so a reference of rows sets too low a bar."""
    nearest = KNeighborsClassifier(1)
    for seed in range(2):
        pair = pair_of(*halves(30, 12, seed))
        by_unit = reference_runs(evidence_of(pair, nearest, seed))
        with monkeypatch.context() as patch:
            patch.setattr(_references, "hang_together", lambda pair: False)
            by_row = reference_runs(evidence_of(pair, nearest, seed))
        assert by_unit.difference.mean() > by_row.difference.mean() + 0.05
        assert by_unit.agreement.mean() < by_row.agreement.mean() - 0.1


BLIND = ("NT201", "NT203", "NT204", "NT301")


def test_random_halves_of_units_raise_no_alarm_about_inputs_and_labels():
    """Nothing differs but who the units are; without their names that looks like a shift."""
    alarms = {True: [], False: []}
    for seed in range(6):
        source, target = halves(24, 12, seed)
        for named in alarms:
            pair = pair_of(source, target, group="who" if named else None)
            found = states(without_pilot(pair, seed), *BLIND)
            alarms[named].append([found[name] != "pass" for name in BLIND])
    by_unit, by_row = (np.sum(alarms[named], axis=0) for named in (True, False))
    assert by_unit.max() <= 1, dict(zip(BLIND, by_unit, strict=True))
    assert by_row.max() >= 4
    assert by_row.sum() >= 3 * by_unit.sum() + 5


@pytest.mark.slow
def test_random_halves_of_units_raise_no_alarm_about_the_task():
    found = []
    for seed in range(12):
        evidence = evidence_of(pair_of(*halves(30, 12, seed)), seed=seed)
        found.append(states(evidence, "NT302", "NT303", "NT304"))
    for name in ("NT302", "NT303", "NT304"):
        assert sum(one[name] in ("warn", "fail") for one in found) <= 2, name


def test_a_shift_beyond_the_units_is_still_found():
    pair = pair_of(patients(30, 0), patients(24, 1, first=100, move=3.0))
    evidence = without_pilot(pair)
    results = {one.id: one for one in run_checks(evidence, ("distributions",))}
    for name in ("NT201", "NT202", "NT203", "NT204"):
        assert results[name].state in ("warn", "fail"), name
    for name in ("NT201", "NT204"):
        assert results[name].null.what == "random halves, of whole units"
    assert len(results["NT203"].columns) == 4


def test_reversed_labels_of_new_units_are_still_found():
    evidence = evidence_of(pair_of(patients(40, 0), patients(40, 1, first=100, flip=True)))
    found = states(evidence, "NT302", "NT303", "NT304")
    assert found == {"NT302": "fail", "NT303": "fail", "NT304": "warn"}


def test_labels_that_differ_beyond_the_units_are_found():
    source, target = patients(30, 0), patients(30, 1, first=100)
    rare = target[(target["y"] == "low") | (np.arange(len(target)) % 8 == 0)]
    assert states(without_pilot(pair_of(source, rare)), "NT301") == {"NT301": "warn"}
