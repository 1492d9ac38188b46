"""Permutation test of the energy distance: stored permutations, definition, level, power."""

from __future__ import annotations

import numpy as np
import pytest

from negtransfer.metrics import energy_distance, energy_test


def draw(seed=0, n=40, m=30, move=0.5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), rng.normal(move, 1.2, size=(m, 3))


@pytest.mark.reference("energy_permutation_pvalue")
def test_the_p_value_with_stored_permutations(entry, case_arrays, stored, close):
    perms = stored(f"permutations_{entry['case']}")["perms"]
    found = energy_test(*case_arrays(entry["case"]), permutations=perms, n_splits=1)
    close([found.value, found.p_value], entry)


@pytest.mark.parametrize("estimator", ["V", "U"])
def test_the_value_is_the_energy_distance(estimator):
    pair = draw()
    tested = energy_test(*pair, estimator=estimator, n_splits=4)
    measured = energy_distance(*pair, estimator=estimator, n_splits=4)
    assert tested.value == pytest.approx(measured.value, rel=1e-10)
    np.testing.assert_allclose(tested.null.source, measured.null.source, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("estimator", ["V", "U"])
def test_permuted_values_are_the_energy_distance_of_permuted_rows(estimator):
    x, y = draw(1, 20, 12)
    rng = np.random.default_rng(0)
    orders = np.array([rng.permutation(32) for _ in range(5)])
    found = energy_test(x, y, estimator=estimator, permutations=orders)
    pooled = np.vstack([x, y])
    wanted = [
        energy_distance(pooled[o[:20]], pooled[o[20:]], estimator=estimator, n_splits=1).value
        for o in orders
    ]
    np.testing.assert_allclose(found.permuted, wanted, rtol=1e-9, atol=1e-12)


def test_the_p_value_holds_its_level_and_sees_a_shift():
    quick = {"n_permutations": 39, "n_splits": 1}
    found = [
        energy_test(*[side.round() for side in draw(s, 30, 20, 0.0)], **quick, random_state=s)
        for s in range(150)
    ]
    # scales differ by 1.2, which so few rounded rows hardly show
    assert 0.05 <= np.mean([one.p_value <= 0.2 for one in found]) <= 0.35
    assert energy_test(*draw(0, move=1.0)).p_value == 0.005


def test_the_interval_covers_the_value_of_many_rows():
    truth = energy_distance(*draw(99, 4000, 4000), n_splits=1).value
    held = 0
    for seed in range(100):
        interval = energy_test(
            *draw(seed), estimator="U", n_permutations=19, n_splits=1, random_state=seed
        ).interval
        held += interval.low <= truth <= interval.high
    assert 0.66 <= held / 100 <= 0.93  # nominal 0.8; three standard errors are 0.12


def test_the_witness_finds_the_rows_that_moved():
    x, y = draw(2, 60, 60, 0.0)
    y[:6] += 5.0
    assert set(np.argsort(energy_test(x, y).target_witness)[:6].tolist()) == set(range(6))


def test_groups_classes_and_early_stop_reach_the_engine():
    x, y = draw(3, 40, 40, 0.0)
    groups = np.repeat(np.arange(20), 4)
    found = energy_test(x, y, source_groups=groups[:40], target_groups=groups[40:])
    assert found.p_value != energy_test(x, y).p_value
    labels = np.arange(40) % 2
    assert energy_test(x, y, source_labels=labels, target_labels=labels).p_value > 0
    early = energy_test(x, y, n_permutations=999, early_stop=True, estimator="U")
    assert early.n_permutations < 999


def test_larger_sides_are_thinned_and_flagged():
    found = energy_test(*draw(0, 80, 30), max_rows=50)
    assert (found.n_source, found.n_target, found.subsampled) == (50, 30, True)


@pytest.mark.parametrize(
    ("options", "says"), [({"estimator": "W"}, "'V'"), ({"max_rows": 3}, "max_rows")]
)
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        energy_test(*draw(), **options)
