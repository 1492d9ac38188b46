"""Measures of shared neighbours: mutual kNN, CKNNA, Jaccard, ranks, second order, cycles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from negtransfer.metrics.similarity import _neighbour_lists
from negtransfer.metrics.similarity._neighbour_lists import neighbours
from negtransfer.metrics.similarity.cka import cka
from negtransfer.metrics.similarity.cknna import cknna
from negtransfer.metrics.similarity.mutual_knn import mutual_knn
from negtransfer.metrics.similarity.neighbour_similarity import neighbour_similarity

FOLDER = Path(__file__).parent / "reference_scores" / "similarity"
PAIRS = json.loads((FOLDER / "values.json").read_text(encoding="utf-8"))["pairs"]
BARE = {"n_permutations": 0, "n_draws": 0}
every_pair = pytest.mark.parametrize("pair", PAIRS)
COMPARISONS = ["jaccard", "rank", "second-order cosine", "cycle"]
MEASURES = {
    "mutual kNN": (mutual_knn, {}),
    "CKNNA": (cknna, {"offset": 0.0}),
    **{name: (neighbour_similarity, {"compare": name}) for name in COMPARISONS},
}
every = pytest.mark.parametrize("name", MEASURES)


def array(name):
    return np.load(FOLDER / "arrays.npz")[name]


def tables(pair):
    return tuple(array(name) for name in pair.split("|"))


def measure(name, one, other, **options):
    function, chosen = MEASURES[name]
    return function(one, other, **{**chosen, **options})


def related(n=90, p=5, q=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, np.tanh(X @ rng.normal(size=(p, q))) + 0.3 * rng.normal(size=(n, q))


# --- values of others

MUTUAL = {
    "mutual_knn_k5_innerprod_l2norm__platonic": {"k": 5},
    "mutual_knn_k10_innerprod_l2norm__platonic": {},
    "mutual_knn_k10_innerprod_raw__platonic": {"metric": "inner"},
}


@every_pair
@pytest.mark.parametrize("key", MUTUAL)
def test_reference_values_of_mutual_neighbours(pair, key):
    # the peer's mean is in single precision; its products of raw pixels (in sixteenths) have ties,
    # which it breaks otherwise: one neighbour of the 3,000
    tolerance = 4e-4 if "raw" in key and "pixels" in pair else 1e-7
    found = mutual_knn(*tables(pair), **MUTUAL[key], n_draws=0, n_permutations=0)
    assert found.value == pytest.approx(PAIRS[pair][key], abs=tolerance)
    assert (tolerance > 1e-6) == any("comes first in the table" in str(c) for c in found.cautions)


@every_pair
def test_reference_values_of_cknna(pair):
    found = cknna(*tables(pair), **BARE).value
    assert found == pytest.approx(PAIRS[pair]["cknna_k10_l2norm__platonic"], rel=1e-9)


OTHERS = {
    "JaccardSimilarity__resi": ("jaccard", 1e-9),
    "RankSimilarity__resi": ("rank", 1e-9),
    "SecondOrderCosineSimilarity__resi": ("second-order cosine", 1e-9),
    "cycle_knn_k10_l2norm__platonic": ("cycle", 1e-7),  # a mean in single precision
}


@every_pair
@pytest.mark.parametrize("key", OTHERS)
def test_reference_values_of_other_comparisons(pair, key):
    compare, tolerance = OTHERS[key]
    found = neighbour_similarity(*tables(pair), compare=compare, **BARE).value
    assert found == pytest.approx(PAIRS[pair][key], rel=tolerance)


# --- neighbours


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("whole", [True, False])
def test_neighbours_are_those_of_scikit_learn(metric, whole, monkeypatch):
    if not whole:
        monkeypatch.setattr(_neighbour_lists, "_WHOLE", 0)
        monkeypatch.setattr(_neighbour_lists, "_BLOCK", 17)
    X = np.random.default_rng(0).normal(size=(200, 7)) * np.geomspace(0.1, 10, 7) + 3
    expected = NearestNeighbors(n_neighbors=13, metric=metric).fit(X).kneighbors(X)[1][:, 1:]
    assert np.array_equal(neighbours(X, 12, metric).rows, expected)


def test_neighbours_closer_than_single_precision_can_tell():
    """All rows nearly alike: only double precision knows their order."""
    X = 1 + 1e-5 * np.random.default_rng(0).normal(size=(150, 4))
    for metric in ("cosine", "inner"):
        unit = X / np.linalg.norm(X, axis=1, keepdims=True) if metric == "cosine" else X
        products = np.array([[np.longdouble(a) @ b for b in unit.astype(np.longdouble)]
                             for a in unit.astype(np.longdouble)])  # fmt: skip
        np.fill_diagonal(products, -np.inf)
        found = neighbours(X, 10, metric).rows
        best = -np.sort(-products, axis=1)[:, :10]
        # to the 12 digits in which products count as different
        reached = np.take_along_axis(products, found, axis=1)
        assert np.abs((reached - best).astype(float)).max() < 3e-12


def test_ties_are_taken_in_the_order_of_the_table():
    X = np.repeat(np.random.default_rng(0).normal(size=(6, 3)), 5, axis=0)
    found = neighbours(X, 4, "euclidean").rows
    group = np.arange(30) // 5
    assert (group[found] == group[:, None]).all()
    assert (np.diff(found, axis=1) > 0).all()
    assert mutual_knn(X, X, k=4, metric="euclidean", **BARE).cautions == ()
    tied = mutual_knn(X, X, k=3, metric="euclidean", **BARE)
    assert "For 30 of 30 rows of `first`" in tied.cautions[0].sentence


def test_mutual_neighbours_by_hand():
    X, Y = related()
    lists = [NearestNeighbors(n_neighbors=8, metric="cosine").fit(s).kneighbors(s)[1][:, 1:]
             for s in (X, Y)]  # fmt: skip
    common = [len(set(a) & set(b)) for a, b in zip(*lists, strict=True)]
    assert mutual_knn(X, Y, k=7, **BARE).value == pytest.approx(np.mean(common) / 7, rel=1e-12)


def test_all_rows_as_neighbours_give_debiased_cka_of_the_same_kernels():
    X, Y = related(40)
    units = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (X, Y)]
    found = cknna(X, Y, k=39, offset=0, **BARE).value
    assert found == pytest.approx(cka(*units, **BARE).value, rel=1e-9)


def test_the_offset_takes_a_little_off_and_is_no_part_of_the_normalised_value():
    X, _ = related()
    found = cknna(X, X)
    assert 1 - 1e-3 < found.value < 1 - 1e-6
    assert found.normalised == pytest.approx(1, abs=1e-12)
    assert cknna(X, X, offset=0).value == pytest.approx(1, abs=1e-12)


# --- chance and interval


@pytest.mark.parametrize(("n", "k"), [(60, 10), (200, 5)])
def test_the_chance_level_of_mutual_neighbours_is_k_over_the_other_rows(n, k):
    X, Y = related(n)
    found = mutual_knn(X, Y, k=k, n_permutations=300, n_draws=0).chance
    spread = found.values.std() / np.sqrt(300)
    assert found.mean == pytest.approx(k / (n - 1), abs=4 * spread)


@every
def test_a_shuffle_is_the_value_of_shuffled_tables(name):
    """It only renumbers the lists once found."""
    X, Y = related(50)
    found = measure(name, X, Y, n_permutations=1, n_draws=0)
    order = np.random.default_rng(0).permutation(50)
    expected = measure(name, X, Y[order], **BARE).value
    assert found.chance.values[0] == pytest.approx(expected, rel=1e-9)


@every
def test_halves_find_their_neighbours_in_the_lists_of_all(name):
    """The spread of half-samples against that of values of halved tables."""
    X, Y = related(120)
    found = measure(name, X, Y, k=6, n_permutations=0, n_draws=60, random_state=1)
    rng = np.random.default_rng(2)
    near = 3 if name == "cycle" else 6  # with six of half of the rows it is almost always 1
    by_hand = []
    for _ in range(60):
        rows = np.sort(rng.permutation(120)[:60])
        by_hand.append(measure(name, X[rows], Y[rows], k=near, **BARE).value)
    spread = (found.interval.high - found.value) / 1.2816
    assert spread == pytest.approx(np.std(by_hand, ddof=1), rel=0.35)


# --- what does and does not change the value


@every
def test_rotations_and_scales_do_not_matter_but_translations_do(name):
    X, Y = related()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
    expected = measure(name, X, Y, **BARE).value
    assert measure(name, 3 * X @ turn, Y, **BARE).value == pytest.approx(expected, rel=1e-9)
    assert measure(name, X + 2, Y, **BARE).value != pytest.approx(expected, rel=1e-3)
    near = measure(name, X, Y, metric="euclidean", **BARE).value
    moved = measure(name, X + 2e3, Y - 5, metric="euclidean", **BARE).value
    assert moved == pytest.approx(near, rel=1e-6)


def test_a_rotation_of_the_peers_table():
    mlp, rot = array("mlp_a"), array("rot")
    assert mutual_knn(mlp, rot, metric="euclidean", **BARE).value == 1
    assert mutual_knn(mlp, rot, metric="inner", **BARE).value == pytest.approx(0.833, abs=5e-3)
    jaccard = neighbour_similarity(mlp, rot, **BARE).value
    assert jaccard == pytest.approx(0.933, abs=5e-3)


def test_cycles_are_not_symmetric():
    X, Y = related()
    one = neighbour_similarity(X, Y, compare="cycle", k=3, **BARE).value
    assert neighbour_similarity(Y, X, compare="cycle", k=3, **BARE).value != one


@every
def test_noise_with_more_columns_than_rows_is_no_similarity(name):
    found = measure(name, array("wide_a"), array("wide_noise"))
    assert abs(found.normalised) < 0.12
    assert found.p_value > 0.05
    assert "more columns than rows" in {c.name for c in found.cautions}


@every
def test_classes_that_both_tables_see_are_seen(name):
    """Within classes nothing is shared; still neighbours are of the same class."""
    rng = np.random.default_rng(5)
    centres = 8 * np.eye(6)[np.arange(120) // 20]
    X, Y = (centres + rng.normal(size=(120, 6)) for _ in "ab")
    found = measure(name, X, Y)
    assert found.p_value < 0.03
    assert 0.1 < found.normalised < 0.95


# --- hard rows


@every
@pytest.mark.parametrize("constant", [0.0, 0.1])
def test_no_variance_has_no_value(name, constant):
    X, _ = related()
    for pair in ((X, np.full((90, 3), constant)), (np.full((90, 3), constant), X)):
        found = measure(name, *pair)
        assert found.value is None
        assert found.reason.name == "constant columns"


@every
def test_rows_of_zeros_have_no_cosine_and_are_counted(name):
    X, Y = related()
    X[4:7] = 0
    found = measure(name, X, Y, **BARE)
    assert np.isfinite(found.value)
    assert any("3 of 90 rows of `first`" in str(c) for c in found.cautions)


@every
def test_names_and_other_rows(name):
    X, Y = related()
    order = np.random.default_rng(3).permutation(90)
    found = measure(name, X, Y[order], first_ids=np.arange(90), second_ids=order, **BARE)
    assert found.value == pytest.approx(measure(name, X, Y, **BARE).value, rel=1e-12)
    assert found.reordered
    with pytest.raises(ValueError, match="mmd_test"):
        measure(name, X, Y[:50])


@every
def test_wrong_options_are_refused(name):
    X, Y = related(20)
    for options, match in (
        ({"k": 20}, "20 rows have 19 neighbours"), ({"k": 0}, "`k` must be"),
        ({"k": 2.5}, "`k` must be"), ({"metric": "city"}, "`metric` must be"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=match) as fault:
            measure(name, X, Y, **options)
        assert str(fault.value).endswith(".")


def test_wrong_options_of_single_measures_are_refused():
    X, Y = related(20)
    with pytest.raises(ValueError, match="`k` must be at least 2"):
        cknna(X, Y, k=1)
    with pytest.raises(ValueError, match="`offset` must be"):
        cknna(X, Y, offset=-1)
    with pytest.raises(ValueError, match="`compare` must be"):
        neighbour_similarity(X, Y, compare="overlap")
