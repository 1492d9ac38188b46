"""Distances after the best alignment: Procrustes and the angular shape metric."""

from __future__ import annotations

import json
import math
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negtransfer.metrics.similarity.procrustes import procrustes
from negtransfer.metrics.similarity.shape_distance import shape_distance

FOLDER = Path(__file__).parent / "reference_scores" / "similarity"
PAIRS = json.loads((FOLDER / "values.json").read_text(encoding="utf-8"))["pairs"]
BARE = {"n_permutations": 0, "n_draws": 0}
VARIANTS = {
    "procrustes": (procrustes, {}),
    "procrustes, root": (procrustes, {"squared": False}),
    "procrustes, not scaled": (procrustes, {"scale": "none"}),
    "angle": (shape_distance, {}),
    "angle, half whitened": (shape_distance, {"alpha": 0.5}),
    "angle, whitened": (shape_distance, {"alpha": 0.0}),
    "angle, permutation": (shape_distance, {"alignment": "permutation"}),
}
every = pytest.mark.parametrize("variant", VARIANTS)
TURNING = [v for v in VARIANTS if "permutation" not in v]


def distance(variant, one, other, **options):
    function, chosen = VARIANTS[variant]
    return function(one, other, **{**BARE, **chosen, **options})


def array(name):
    return np.load(FOLDER / "arrays.npz")[name]


def tables(pair):
    return tuple(array(name) for name in pair.split("|"))


def references(key):
    """Parametrise over the pairs of a key."""
    found = [(p, v[key]) for p, v in PAIRS.items()]
    return pytest.mark.parametrize(("pair", "expected"), found, ids=list(PAIRS))


def centred(table):
    return table - table.mean(axis=0)


def turn(width, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(width, width)))[0]


# --- reference values


@references("procrustes_sq_centred_unitfro__sim_metric")
def test_procrustes_squared(pair, expected):
    assert procrustes(*tables(pair), **BARE).value == pytest.approx(expected, abs=1e-10)


@references("OrthogonalProcrustesCenteredAndNormalized__resi")
def test_procrustes_root(pair, expected):
    found = procrustes(*tables(pair), squared=False, **BARE)
    assert found.value == pytest.approx(expected, abs=1e-10)


@references("opd__anatome")
def test_anatomes_procrustes_is_half_of_the_square(pair, expected):
    assert procrustes(*tables(pair), **BARE).value / 2 == pytest.approx(expected, abs=1e-10)


@references("ProcrustesSizeAndShapeDistance__resi")
def test_procrustes_without_scaling(pair, expected):
    found = procrustes(*tables(pair), scale="none", squared=False, **BARE)
    assert found.value == pytest.approx(expected, abs=1e-8)


@references("netrep_euclidean_alpha1.0__netrep")
def test_netreps_euclidean_distance_is_procrustes_without_scaling(pair, expected):
    found = procrustes(*tables(pair), scale="none", squared=False, **BARE)
    assert found.value == pytest.approx(expected, abs=1e-8)


@references("PermutationProcrustes__resi")
def test_resis_permutation_procrustes_depends_on_the_means(pair, expected):
    """A convention that is not offered: tables are not centred. It follows for centred ones."""
    one, other = tables(pair)
    angle = shape_distance(one, other, alignment="permutation", **BARE).value
    lengths = [np.linalg.norm(centred(t)) for t in (one, other)]
    ours = math.sqrt(sum(x**2 for x in lengths) - 2 * math.cos(angle) * math.prod(lengths))
    assert expected > ours + 1
    from scipy.optimize import linear_sum_assignment

    for pairing, wanted in (((one, other), expected), ((centred(one), centred(other)), ours)):
        cross = pairing[0].T @ pairing[1]
        best = cross[linear_sum_assignment(cross, maximize=True)].sum()
        left = math.sqrt(sum((t**2).sum() for t in pairing) - 2 * best)
        assert left == pytest.approx(wanted, abs=1e-8)


@references("OrthogonalAngularShapeMetricCentered__resi")
def test_shape_angle_of_resi(pair, expected):
    assert shape_distance(*tables(pair), **BARE).value == pytest.approx(expected, abs=1e-8)


@references("netrep_angular_alpha1.0__netrep")
def test_shape_angle(pair, expected):
    assert shape_distance(*tables(pair), **BARE).value == pytest.approx(expected, abs=1e-8)


@references("netrep_angular_alpha0.5__netrep")
def test_shape_angle_half_whitened(pair, expected):
    found = shape_distance(*tables(pair), alpha=0.5, **BARE)
    assert found.value == pytest.approx(expected, abs=1e-8)


@references("netrep_angular_alpha0.0__netrep")
def test_shape_angle_whitened(pair, expected):
    found = shape_distance(*tables(pair), alpha=0.0, **BARE)
    assert found.value == pytest.approx(expected, abs=1e-8)


@references("netrep_permutation_angular__netrep")
def test_shape_angle_after_matching_columns(pair, expected):
    found = shape_distance(*tables(pair), alignment="permutation", **BARE)
    assert found.value == pytest.approx(expected, abs=1e-8)


def netrep_length(table, width, alpha):
    """Return the length netrep gives a table: directions of no variance count as 1e-7."""
    sizes = np.linalg.svd(centred(table), compute_uv=False)
    sizes = sizes[sizes > 1e-6 * sizes[0]]
    spectrum = np.append(sizes**2, np.full(width - len(sizes), 1e-7))
    grown = alpha * np.sqrt(spectrum) + 1 - alpha
    return np.linalg.norm(alpha * sizes + 1 - alpha) * np.sqrt(spectrum.sum() / (grown**2).sum())


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("pair", PAIRS)
def test_netreps_euclidean_distance_follows_from_the_angle(pair, alpha):
    """A convention that is not offered: lengths depend on dead units and on padding."""
    one, other = tables(pair)
    expected = PAIRS[pair][f"netrep_euclidean_alpha{alpha}__netrep"]
    width = max(one.shape[1], other.shape[1])
    a, b = netrep_length(one, width, alpha), netrep_length(other, width, alpha)
    angle = shape_distance(one, other, alpha=alpha, **BARE).value
    found = math.sqrt(a**2 + b**2 - 2 * a * b * math.cos(angle))
    assert found == pytest.approx(expected, abs=1e-8)


def test_all_stored_values_of_the_family_are_held_or_named():
    names = {k for k in PAIRS["mlp_a|mlp_b"] if "rocrustes" in k or "hape" in k or "netrep" in k}
    held = Path(__file__).read_text(encoding="utf-8")
    named = {n for n in names if f'references("{n}")' in held}
    assert names - named == {
        "netrep_euclidean_alpha0.5__netrep", "netrep_euclidean_alpha0.0__netrep",  # law of cosines
        "cka_arccos__netrep",  # an angle of CKA
    }  # fmt: skip


def test_scipy_finds_the_same():
    from scipy.linalg import orthogonal_procrustes
    from scipy.spatial import procrustes as scipy_procrustes

    one, other = array("mlp_a"), array("mlp_b")
    overlap = orthogonal_procrustes(centred(one), centred(other))[1]
    lengths = [np.linalg.norm(centred(t)) for t in (one, other)]
    found = shape_distance(one, other, **BARE).value
    assert math.cos(found) == pytest.approx(overlap / math.prod(lengths), abs=1e-12)
    # scipy also fits the scale: 1 - cos^2
    assert math.sin(found) ** 2 == pytest.approx(scipy_procrustes(one, other)[2], abs=1e-10)


# --- closed forms and relations


@every
def test_a_table_against_itself_is_at_zero(variant):
    for name in ("mlp_a", "wide_a"):
        one = array(name)
        assert distance(variant, one, one.copy()).value == pytest.approx(0, abs=1e-9)
        assert distance(variant, one, one[:, ::-1]).value == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("variant", TURNING)
def test_a_table_against_its_own_rotation_is_at_zero(variant):
    """To 1e-10, where an arc cosine or a difference of squares would leave 1e-8."""
    one = array("mlp_a")
    moved = one @ turn(40) + 3.0
    assert distance(variant, one, moved).value < 1e-10


def test_the_stored_rotation_is_at_zero():
    assert shape_distance(array("mlp_a"), array("rot"), **BARE).value < 1e-10


@pytest.mark.parametrize("variant", TURNING)
def test_each_side_may_be_rotated_and_moved_by_itself(variant):
    one, other = tables("mlp_a|noise")
    here = distance(variant, one, other).value
    there = distance(variant, one @ turn(40, 1) + 1.0, other @ turn(32, 2) - 7.0).value
    assert there == pytest.approx(here, abs=1e-9)


def test_one_column_may_be_reflected_but_not_in_a_permutation():
    a = np.random.default_rng(0).normal(size=(30, 1))
    assert shape_distance(a, -a, **BARE).value < 1e-9
    found = shape_distance(a, -a, alignment="permutation", **BARE)
    assert found.value == pytest.approx(math.pi)


def test_whitened_angles_allow_for_any_invertible_map_of_each_side():
    rng = np.random.default_rng(0)
    one, other = array("pca16"), array("noise")
    here = shape_distance(one, other, alpha=0.0, **BARE).value
    mapped = one @ rng.normal(size=(16, 16)), other @ rng.normal(size=(32, 32))
    assert shape_distance(*mapped, alpha=0.0, **BARE).value == pytest.approx(here, abs=1e-9)
    assert (
        abs(shape_distance(*mapped, **BARE).value - shape_distance(one, other, **BARE).value) > 1e-3
    )


def test_columns_of_zero_change_nothing():
    one, other = array("pca16"), array("mlp_b")
    padded = np.hstack([one, np.zeros((300, 24))])
    for variant in VARIANTS:
        expected = distance(variant, one, other).value
        assert distance(variant, padded, other).value == pytest.approx(expected, abs=1e-10)


def test_the_chord_of_the_angle_is_procrustes():
    one, other = tables("pixels|mlp_a")
    angle = shape_distance(one, other, **BARE).value
    assert procrustes(one, other, **BARE).value == pytest.approx(2 - 2 * math.cos(angle), abs=1e-12)


def test_the_permutation_is_the_best_of_all():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 30, 5))
    a, b = (centred(t) / np.linalg.norm(centred(t)) for t in (one, other))
    best = max((a[:, list(order)] * b).sum() for order in permutations(range(5)))
    found = shape_distance(one, other, alignment="permutation", **BARE).value
    assert found == pytest.approx(math.acos(best), abs=1e-10)


def test_no_rotation_does_better():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 40, 4))
    a, b = (centred(t) / np.linalg.norm(centred(t)) for t in (one, other))
    found = procrustes(one, other, **BARE).value
    tried = [((a @ turn(4, seed) - b) ** 2).sum() for seed in range(200)]
    assert found <= min(tried)


@pytest.mark.parametrize("variant", ["procrustes, root", "angle", "angle, half whitened",
                                     "angle, whitened", "angle, permutation"])  # fmt: skip
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), mix=st.floats(0, 1), widths=st.tuples(*[st.integers(1, 6)] * 3))
def test_the_triangle_inequality_holds(variant, seed, mix, widths):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(12, 6))
    one, other, third = (
        mix * base[:, :w] + (1 - mix) * rng.normal(size=(12, w)) + 1e-9 * rng.normal(size=(12, w))
        for w in widths
    )
    ab, bc, ac = (
        distance(variant, *pair).value for pair in ((one, other), (other, third), (one, third))
    )
    assert ac <= ab + bc + 1e-7


# --- traps


def test_squared_distances_break_the_triangle_inequality():
    """Why the root is offered: three tables on a line."""
    rng = np.random.default_rng(0)
    one, third = rng.normal(size=(2, 500, 2))
    middle = one / np.linalg.norm(one) + third / np.linalg.norm(third)
    ab, bc, ac = (
        procrustes(*pair, **BARE).value for pair in ((one, middle), (middle, third), (one, third))
    )
    assert ac > ab + bc


@every
def test_a_side_without_variance_has_no_value(variant):
    one = np.random.default_rng(0).normal(size=(20, 3))
    for pair in ((one, np.full((20, 2), 0.1)), (np.zeros((20, 2)), one)):
        found = distance(variant, *pair, n_permutations=5, n_draws=5)
        assert found.value is None
        assert found.reason.name == "constant columns"
        assert not found.larger_is_better


@every
def test_single_precision_far_from_zero(variant):
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 60, 3))
    expected = distance(variant, one, other).value
    far = ((t + 1e4).astype(np.float32) for t in (one, other))
    found = distance(variant, *far)
    assert found.value == pytest.approx(expected, abs=0.02, rel=1e-3)  # rounded by 5e-4 before
    found = distance(variant, one + 1e7, other - 1e7)
    assert found.value == pytest.approx(expected, abs=1e-6, rel=1e-6)


@every
def test_unrelated_tables_lie_at_chance_and_related_ones_below(variant):
    found = distance(variant, *tables("mlp_a|noise"), n_permutations=20)
    assert abs(found.normalised) < 0.15
    related = distance(variant, *tables("pixels|pca16"), n_permutations=20, n_draws=20)
    assert 0.1 < related.normalised < 1
    assert related.p_value == pytest.approx(1 / 21)
    assert related.interval.low < related.value < related.interval.high


@every
def test_shuffled_rows_are_the_chance_level(variant):
    for name, second in (("mlp_a", "mlp_b"), ("wide_a", "wide_b")):
        one, other = array(name), array(second)
        order = np.random.default_rng(0).permutation(len(one))
        chance = distance(variant, one, other, n_permutations=1).chance.values[0]
        assert distance(variant, one[order], other).value == pytest.approx(chance, abs=1e-7)


def test_intervals_without_scaling_are_of_the_size_of_the_value():
    found = procrustes(*tables("mlp_a|mlp_b"), scale="none", n_permutations=0)
    assert found.value - found.interval.low < 0.5 * found.value


def test_a_whitened_wide_table_is_said_to_say_nothing():
    """Rounding must not pass for a value better than chance."""
    found = shape_distance(array("wide_a"), array("wide_noise"), alpha=0.0, n_permutations=5)
    assert found.value == pytest.approx(0, abs=1e-10)
    assert found.normalised is None
    assert {"more columns than rows", "too few rows"} <= {c.name for c in found.cautions}
    assert found.p_value == 1.0


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan"), True, "half"])
def test_an_alpha_beyond_its_range_is_refused(alpha):
    one = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(ValueError, match="`alpha` must be"):
        shape_distance(one, one, alpha=alpha)


def test_options_that_do_not_go_together_are_refused():
    one = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(ValueError, match="needs `alpha=1`"):
        shape_distance(one, one, alpha=0.5, alignment="permutation")
    with pytest.raises(ValueError, match="`alignment` must be one of"):
        shape_distance(one, one, alignment="affine")
    with pytest.raises(ValueError, match="`scale` must be one of"):
        procrustes(one, one, scale="rms")
