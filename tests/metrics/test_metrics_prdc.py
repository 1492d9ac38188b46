"""Precision, recall, density and coverage: a peer's values, ties, and what is uncovered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from negtransfer.metrics import precision_recall_density_coverage as prdc

QUICK = {"n_splits": 1, "n_draws": 2}


def four(found):
    return [found.value, found.recall, found.density, found.coverage]


@pytest.mark.reference("prdc")
@pytest.mark.parametrize("strict", [True, False])
def test_equals_the_package_of_the_paper(entry, case_arrays, close, strict):
    # These cases have no ties, so that both readings of a surface must agree.
    close(four(prdc(*case_arrays(entry["case"]), strict=strict, **QUICK)), entry)


def draw(seed=0, n=40, m=30, d=2, move=0.5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(move, 1.3, size=(m, d))


def by_hand(x, y, k, inside):
    """The four, one pair of rows at a time."""
    radius_x, radius_y = (np.sort(cdist(s, s), axis=1)[:, k] for s in (x, y))
    gaps = cdist(x, y)
    in_x = [[inside(gaps[i, j], radius_x[i]) for j in range(len(y))] for i in range(len(x))]
    in_y = [[inside(gaps[i, j], radius_y[j]) for j in range(len(y))] for i in range(len(x))]
    return [
        np.mean([any(row[j] for row in in_x) for j in range(len(y))]),
        np.mean([any(row) for row in in_y]),
        np.mean([sum(row[j] for row in in_x) for j in range(len(y))]) / k,
        np.mean([any(row) for row in in_x]),
    ]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.tuples(st.integers(6, 25), st.integers(6, 25)),
    k=st.integers(1, 5),
    strict=st.booleans(),
    ties=st.booleans(),
)
def test_equals_the_definition_with_and_without_ties(seed, sizes, k, strict, ties):
    x, y = draw(seed, *sizes)
    if ties:
        x, y = np.round(x), np.round(y)
    inside = (lambda a, b: a < b) if strict else (lambda a, b: a <= b)
    found = prdc(x, y, k=k, strict=strict, **QUICK)
    np.testing.assert_allclose(four(found), by_hand(x, y, k, inside), rtol=1e-12)
    assert len(found.uncovered) == round((1 - found.value) * len(y))
    # Exchanging the sides exchanges precision and recall.
    back = prdc(y, x, k=k, strict=strict, **QUICK)
    assert (back.value, back.recall) == (found.recall, found.value)


def test_rows_repeated_more_than_k_times_are_their_own_support():
    x = np.repeat(np.arange(5.0)[:, None], 8, axis=0)
    assert four(prdc(x, x.copy(), **QUICK))[:2] == [1, 1]
    assert four(prdc(x, x.copy(), strict=True, **QUICK)) == [0, 0, 0, 0]


def test_a_sample_against_itself_is_covered():
    x, _ = draw()
    found = prdc(x, x.copy(), **QUICK)
    assert (found.value, found.recall, found.coverage) == (1, 1, 1)
    assert len(found.uncovered) == 0


def test_the_uncovered_rows_are_named_farthest_first():
    x, y = draw(n=200, move=0.0)
    y = 0.3 * y
    y[[3, 17, 9]] = [[30.0, 0.0], [50.0, 0.0], [0.0, -40.0]]
    found = prdc(x, y)
    assert found.uncovered.tolist() == [17, 9, 3]
    assert (np.diff(found.excess) < 0).all()
    assert found.value == pytest.approx(27 / 30)
    assert found.value < found.null.source.min()


def test_a_corner_of_the_source_is_covered_and_recall_says_it_is_a_corner():
    rng = np.random.default_rng(0)
    found = prdc(rng.uniform(size=(400, 2)), rng.uniform(0, 0.3, size=(300, 2)))
    assert found.value > 0.95
    assert found.recall < 0.3
    assert found.coverage < 0.3


def test_one_remote_row_that_covers_the_target_is_warned_of():
    x, y = draw(move=0.0)
    found = prdc(x, y + 30, **QUICK)
    assert found.value == 0
    assert found.warnings == ()
    x[0] = [31.0, 31.0]  # its ball reaches back to the rest
    lone = prdc(x, y + 30, **QUICK)
    assert lone.value == 1
    assert lone.largest_drop == 1
    assert "rests on a few remote rows" in lone.warnings[0]


def test_many_rows_are_drawn_from_and_said_to_be():
    x, y = draw(n=300, m=200)
    found = prdc(x, y, max_rows=100, **QUICK)
    assert (found.n_source, found.n_target) == (100, 100)
    assert "more than 100 rows" in found.warnings[0]
    assert found.uncovered.max() >= 100  # numbers of rows in the whole target
    assert prdc(x, y, max_rows=300, **QUICK).n_source == 300


def test_the_interval_covers_the_mean_of_such_samples():
    found = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        pair = rng.normal(size=(60, 3)), rng.normal(0.6, 1.2, size=(50, 3))
        found.append(prdc(*pair, n_splits=1))
    mean = np.mean([one.value for one in found])
    held = np.mean([one.interval.low <= mean <= one.interval.high for one in found])
    assert 0.70 <= held <= 0.92  # nominal 0.8


@pytest.mark.parametrize(
    ("options", "says"),
    [({"k": 0}, "`k`"), ({"max_rows": 3}, "`max_rows`"), ({"k": 30}, "lower `k`")],
)
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says) as fault:
        prdc(*draw(), **options)
    assert str(fault.value).endswith(".")
