"""GULP: how far ridge predictions from two representations lie apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from negtransfer.metrics.similarity.gulp import gulp
from negtransfer.metrics.similarity.mean_cca import mean_cca

FOLDER = Path(__file__).parent / "reference_scores" / "similarity"
PAIRS = json.loads((FOLDER / "values.json").read_text(encoding="utf-8"))["pairs"]
BARE = {"n_permutations": 0, "n_draws": 0}
PENALTIES = [0.001, 0.1, 1.0]


def array(name):
    return np.load(FOLDER / "arrays.npz")[name]


def tables(pair):
    return tuple(array(name) for name in pair.split("|"))


def scaled(table):
    """Centre to a total variance of 1."""
    table = table - table.mean(axis=0)
    return table * np.sqrt(len(table)) / np.linalg.norm(table)


def by_formula(one, other, penalty):
    """Return the traces of the definition, with inverses."""
    x, y = scaled(one), scaled(other)
    n = len(x)
    xx, yy, xy = x.T @ x / n, y.T @ y / n, x.T @ y / n
    ix, iy = (np.linalg.inv(s + penalty * np.eye(len(s))) for s in (xx, yy))
    both = np.trace(ix @ xx @ ix @ xx) + np.trace(iy @ yy @ iy @ yy)
    return both - 2 * np.trace(ix @ xy @ iy @ xy.T)


CASES = [
    (pair, penalty, values[f"gulp_sq_lambda{penalty}_centred_normed__gulp"])
    for pair, values in PAIRS.items() for penalty in PENALTIES
    if isinstance(values[f"gulp_sq_lambda{penalty}_centred_normed__gulp"], float)
]  # fmt: skip


@pytest.mark.parametrize(("pair", "penalty", "expected"), CASES)
def test_the_reference_values(pair, penalty, expected):
    found = gulp(*tables(pair), penalty=penalty, **BARE)
    assert found.value == pytest.approx(expected, abs=1e-8)
    root = gulp(*tables(pair), penalty=penalty, squared=False, **BARE)
    assert root.value == pytest.approx(np.sqrt(expected), abs=1e-8)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_more_columns_than_rows_where_the_peer_gives_up(penalty):
    one, other = tables("wide_a|wide_b")
    found = gulp(one, other, penalty=penalty, **BARE)
    assert found.value == pytest.approx(by_formula(one, other, penalty), abs=1e-9)


WHOLE = [(p, v["Gulp__resi"]) for p, v in PAIRS.items() if isinstance(v["Gulp__resi"], float)]


@pytest.mark.parametrize(("pair", "expected"), WHOLE)
def test_resi_counts_dead_units_as_directions_at_penalty_0(pair, expected):
    """A defect of the peer: eigenvalues of rounding above 0 count as 1 each."""
    one, other = tables(pair)
    more = expected - gulp(one, other, penalty=0, **BARE).value
    assert more == pytest.approx(round(more), abs=1e-8)
    dead = sum(int((np.ptp(t, axis=0) == 0).sum()) for t in (one, other))
    assert 0 <= round(more) <= dead


def test_without_a_penalty_it_counts_directions_not_shared():
    one, other = tables("mlp_a|noise")
    cca = mean_cca(one, other, squared=True, **BARE)
    shared = cca.value * len(cca.correlations)
    expected = cca.rank_first + cca.rank_second - 2 * shared
    assert gulp(one, other, penalty=0.0, **BARE).value == pytest.approx(expected, abs=1e-9)


def test_a_large_penalty_compares_covariances():
    one, other = tables("mlp_a|mlp_b")
    x, y = scaled(one), scaled(other)
    n = len(x)
    expected = sum(((a.T @ b / n) ** 2).sum() for a, b in ((x, x), (y, y)))
    expected -= 2 * ((x.T @ y / n) ** 2).sum()
    found = gulp(one, other, penalty=1e5, **BARE).value * 1e10
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("penalty", [0.01, 0.5])
def test_no_target_has_predictions_further_apart(penalty):
    rng = np.random.default_rng(0)
    one, other = array("pca16"), array("noise")
    x, y = scaled(one), scaled(other)
    n = len(x)
    hats = [t @ np.linalg.solve(t.T @ t + n * penalty * np.eye(t.shape[1]), t.T) for t in (x, y)]
    gap = hats[0] - hats[1]
    bound = gulp(one, other, penalty=penalty, **BARE).value
    worst = np.linalg.norm(gap, 2) ** 2
    assert worst <= bound + 1e-12
    targets = rng.normal(size=(n, 2000))
    mean = ((gap @ targets) ** 2).sum(axis=0).mean()
    assert mean == pytest.approx(bound, rel=0.05)


@pytest.mark.parametrize("penalty", [0.0, 0.1])
def test_each_side_may_be_moved_by_itself(penalty):
    rng = np.random.default_rng(0)
    one, other = tables("mlp_a|noise")
    turns = [np.linalg.qr(rng.normal(size=(t.shape[1],) * 2))[0] for t in (one, other)]
    moved = 3 * one @ turns[0] + 1, 0.2 * other @ turns[1] - 5
    here = gulp(one, other, penalty=penalty, **BARE).value
    assert gulp(*moved, penalty=penalty, **BARE).value == pytest.approx(here, abs=1e-9)
    if penalty == 0:
        one, other = array("pca16"), array("noise")
        here = gulp(one, other, penalty=0, **BARE).value
        mapped = one @ rng.normal(size=(16, 16))
        assert gulp(mapped, other, penalty=0, **BARE).value == pytest.approx(here, abs=1e-8)


def test_the_triangle_inequality_holds_for_the_root():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        base = rng.normal(size=(30, 4))
        one, other, third = (
            np.hstack([base * rng.uniform(0, 2), rng.normal(size=(30, k))]) for k in (1, 3, 5)
        )
        ab, bc, ac = (
            gulp(*pair, squared=False, **BARE).value
            for pair in ((one, other), (other, third), (one, third))
        )
        assert ac <= ab + bc + 1e-9


def test_a_table_against_itself_is_at_zero():
    for name in ("mlp_a", "wide_a"):
        for penalty in (0.0, 0.1):
            same = array(name), array(name).copy()
            found = gulp(*same, penalty=penalty, squared=False, **BARE)
            assert found.value == pytest.approx(0, abs=1e-10)


def test_dead_units_change_nothing():
    one, other = array("pca16"), array("noise")
    padded = np.hstack([one, np.full((300, 3), 0.1)])
    for penalty in (0.0, 0.1):
        here = gulp(one, other, penalty=penalty, **BARE).value
        assert gulp(padded, other, penalty=penalty, **BARE).value == pytest.approx(here, abs=1e-9)


def test_a_side_without_variance_has_no_value():
    one = np.random.default_rng(0).normal(size=(20, 3))
    for pair in ((one, np.full((20, 2), 0.1)), (np.zeros((20, 2)), one)):
        found = gulp(*pair)
        assert found.value is None
        assert found.reason.name == "constant columns"


def test_unrelated_tables_lie_at_chance_and_related_ones_below():
    found = gulp(*tables("mlp_a|noise"))
    assert abs(found.normalised) < 0.1
    related = gulp(*tables("mlp_a|mlp_b"))
    assert related.normalised > 0.8
    assert related.p_value == pytest.approx(1 / 31)
    assert not related.larger_is_better
    assert related.interval.low < related.value < related.interval.high


def test_the_chance_level_of_squares_has_a_closed_form():
    """Shuffled, the expected squared product of two centred unit columns is 1 / (n - 1)."""
    one, other = array("pca16"), array("noise")
    hats = []
    for table in (one, other):
        spectrum = np.linalg.svd(scaled(table), compute_uv=False) ** 2 / len(table)
        hats.append(spectrum / (spectrum + 0.1))
    expected = sum((h**2).sum() for h in hats) - 2 * hats[0].sum() * hats[1].sum() / 299
    found = gulp(one, other, n_permutations=200, n_draws=0).chance
    spread = found.values.std() / np.sqrt(200)
    assert found.mean == pytest.approx(expected, abs=4 * spread)


@pytest.mark.parametrize("squared", [True, False])
def test_without_a_penalty_few_rows_say_nothing(squared):
    """Rounding must not pass for a value better than chance."""
    wide = array("wide_a"), array("wide_noise")
    found = gulp(*wide, penalty=0.0, squared=squared, n_permutations=5)
    assert found.value == pytest.approx(0, abs=1e-10)
    assert found.normalised is None
    assert {"more columns than rows", "too few rows"} <= {c.name for c in found.cautions}
    assert found.p_value == 1.0


@pytest.mark.parametrize("penalty", [-0.1, float("inf"), float("nan"), True, "much"])
def test_a_penalty_that_is_none_is_refused(penalty):
    one = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(ValueError, match="`penalty` must be"):
        gulp(one, one, penalty=penalty)
