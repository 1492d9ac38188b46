"""RSA and DDS: dissimilarity matrices compared; and weights of tasks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import cdist, pdist, squareform
from scipy.stats import kendalltau, pearsonr, spearmanr

from negtransfer.metrics.similarity.cka import cka
from negtransfer.metrics.similarity.dds import dds
from negtransfer.metrics.similarity.rsa import rsa
from negtransfer.metrics.similarity.task_weights import task_weights

FOLDER = Path(__file__).parent / "reference_scores" / "similarity"
STORED = json.loads((FOLDER / "values.json").read_text(encoding="utf-8"))
PAIRS = STORED["pairs"]
BARE = {"n_permutations": 0, "n_draws": 0}
every_pair = pytest.mark.parametrize("pair", PAIRS)


def array(name):
    return np.load(FOLDER / "arrays.npz")[name]


def tables(pair):
    return tuple(array(name) for name in pair.split("|"))


def related(n=60, p=6, q=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, np.tanh(X @ rng.normal(size=(p, q))) + 0.3 * rng.normal(size=(n, q))


def value(measure, one, other, /, **options):
    return measure(one, other, **{**BARE, **options}).value


# --- values of others

COMPARED = {
    "cosine": "cosine", "corr": "pearson", "spearman": "spearman", "rho-a": "rho-a",
    "tau-a": "kendall", "tau-b": "tau-b", "cosine_cov": "whitened cosine",
    "corr_cov": "whitened pearson",
}  # fmt: skip
DISTANCES = {"euclidean": "sqeuclidean", "correlation": "correlation"}
TOOLBOX = [
    (pair, key) for pair, values in PAIRS.items() for key in values
    if key.startswith("rsa_") and "bures" not in key
]  # fmt: skip


@pytest.mark.parametrize(("pair", "key"), TOOLBOX)
def test_reference_values_of_rsatoolbox(pair, key):
    _, distance, compare = key.split("__")[0].split("_", 2)
    options = {"distance": DISTANCES[distance], "compare": COMPARED[compare]}
    # two pairs of images are equally far apart; the peer's rounding breaks that tie
    tolerance = 4e-9 if "pixels" in pair and distance == "correlation" else 1e-10
    found = value(rsa, *tables(pair), **options)
    assert found == pytest.approx(PAIRS[pair][key], rel=tolerance, abs=1e-12)


@every_pair
def test_reference_values_of_resi(pair):
    assert value(rsa, *tables(pair)) == pytest.approx(PAIRS[pair]["RSA__resi"], rel=1e-9)


@every_pair
@pytest.mark.parametrize("normalise", ["none", "centering", "znorm"])
@pytest.mark.parametrize(
    "function", ["rbf", "laplacian", "linear", "pearson", "euclidean", "cosine"]
)
def test_reference_values_of_dds(pair, function, normalise):
    short = {"laplacian": "lap", "none": "None"}
    key = f"dds_{short.get(function, function)}_{short.get(normalise, normalise)}__dds"
    found = value(dds, *tables(pair), function=function, normalise=normalise)
    assert found == pytest.approx(PAIRS[pair][key], rel=1e-9, abs=1e-12)


# --- definitions

CONDENSED = {
    "correlation": lambda X: pdist(X, "correlation"),
    "cosine": lambda X: pdist(X, "cosine"),
    "euclidean": pdist,
    "sqeuclidean": lambda X: pdist(X, "sqeuclidean"),
    "mahalanobis": lambda X: pdist(X, "mahalanobis", VI=np.linalg.inv(np.cov(X.T))),
}
COMPARISONS = {
    "spearman": lambda u, v: spearmanr(u, v).statistic,
    "pearson": lambda u, v: pearsonr(u, v).statistic,
    "kendall": lambda u, v: kendalltau(u, v).statistic,
    "tau-b": lambda u, v: kendalltau(u, v).statistic,
    "rho-a": lambda u, v: spearmanr(u, v).statistic,
    "cosine": lambda u, v: u @ v / np.linalg.norm(u) / np.linalg.norm(v),
}


@pytest.mark.parametrize("distance", CONDENSED)
@pytest.mark.parametrize("compare", COMPARISONS)
def test_rsa_is_the_correlation_of_distances(distance, compare):
    X, Y = related()
    expected = COMPARISONS[compare](CONDENSED[distance](X), CONDENSED[distance](Y))
    found = value(rsa, X, Y, distance=distance, compare=compare)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("normalise", ["centre", "zscore"])
def test_columns_can_be_brought_to_one_scale_first(normalise):
    X, Y = related()
    X = X * np.geomspace(1, 50, 6) + 3
    done = [side - side.mean(axis=0) for side in (X, Y)]
    if normalise == "zscore":
        done = [side / side.std(axis=0) for side in done]
    found = value(rsa, X, Y, normalise=normalise)
    assert found == pytest.approx(value(rsa, *done), rel=1e-10)
    assert found != pytest.approx(value(rsa, X, Y), rel=1e-3)


def test_ties_are_ties_whatever_rounding_makes_of_them():
    """Whole numbers, also after a division and far from 0: the same ties."""
    rng = np.random.default_rng(0)
    X, Y = (rng.integers(0, 3, size=(40, 3)).astype(float) for _ in "ab")
    u, v = pdist(X, "sqeuclidean"), pdist(Y, "sqeuclidean")
    for compare in ("spearman", "tau-b"):
        expected = COMPARISONS[compare](u, v)
        for move in (lambda Z: Z, lambda Z: Z / 7, lambda Z: Z + 1e5, lambda Z: 0.1 * Z - 0.3):
            found = value(rsa, move(X), move(Y), distance="euclidean", compare=compare)
            assert found == pytest.approx(expected, rel=1e-10)


def test_without_a_correction_for_ties():
    """rho-a is the mean over ways to break them; tau-a counts them as neither."""
    rng = np.random.default_rng(0)
    X, Y = (rng.integers(0, 2, size=(12, 2)).astype(float) for _ in "ab")
    u, v = pdist(X, "sqeuclidean"), pdist(Y, "sqeuclidean")
    signs = np.sign(np.subtract.outer(u, u)) * np.sign(np.subtract.outer(v, v))
    total = len(u) * (len(u) - 1)
    found = value(rsa, X, Y, distance="sqeuclidean", compare="kendall")
    assert found == pytest.approx(signs.sum() / total, rel=1e-10)
    broken = []
    for _ in range(4000):
        a, b = (np.lexsort((rng.random(len(w)), w)).argsort() for w in (u, v))
        broken.append(np.corrcoef(a, b)[0, 1])
    found = value(rsa, X, Y, distance="sqeuclidean", compare="rho-a")
    assert found == pytest.approx(np.mean(broken), abs=4 * np.std(broken) / np.sqrt(4000))


def test_whitened_squared_distances_are_plain_cka():
    X, Y = related()
    found = value(rsa, X, Y, distance="sqeuclidean", compare="whitened cosine")
    assert found == pytest.approx(value(cka, X, Y, debiased=False), rel=1e-10)


@pytest.mark.parametrize("function", ["linear", "rbf"])
def test_kernels_without_normalisation_are_cka(function):
    X, Y = related()
    found = value(dds, X, Y, function=function, normalise="none")
    assert found == pytest.approx(value(cka, X, Y, kernel=function), rel=1e-10)


def test_matrices_may_come_ready_made():
    X, Y = related()
    matrices = [squareform(pdist(side)) for side in (X, Y)]
    found = value(rsa, *matrices, distance="precomputed")
    assert found == pytest.approx(value(rsa, X, Y, distance="euclidean"), rel=1e-10)
    found = dds(*matrices, function="precomputed", **BARE)
    expected = value(dds, X, Y, function="euclidean", normalise="none")
    assert found.value == pytest.approx(expected, rel=1e-10)
    assert found.cautions == ()


@pytest.mark.parametrize(
    ("function", "option"), [(rsa, {"distance": "precomputed"}), (dds, {"function": "precomputed"})]
)
def test_names_order_rows_and_columns_of_ready_made_matrices(function, option):
    X, Y = related()
    one, other = (squareform(pdist(side)) for side in (X, Y))
    order = np.random.default_rng(1).permutation(60)
    mixed = function(
        one, other[np.ix_(order, order)], first_ids=np.arange(60), second_ids=order, **option,
        **BARE,
    )  # fmt: skip
    assert mixed.value == pytest.approx(value(function, one, other, **option), rel=1e-10)
    assert mixed.reordered
    for wrong, match in ((X, "symmetric matrix"), (np.eye(60), "diagonal"), (X @ X[:5].T, "symm")):
        with pytest.raises(ValueError, match=match) as fault:
            function(one, wrong, **option)
        assert str(fault.value).endswith(".")


@pytest.mark.parametrize("compare", ["spearman", "pearson", "kendall", "cosine"])
def test_a_shuffle_is_the_value_of_shuffled_tables(compare):
    X, Y = related(30)
    found = rsa(X, Y, compare=compare, n_permutations=1, n_draws=0)
    order = np.random.default_rng(0).permutation(30)
    expected = value(rsa, X, Y[order], compare=compare)
    assert found.chance.values[0] == pytest.approx(expected, rel=1e-10)
    found = dds(X, Y, n_permutations=1, n_draws=0)
    assert found.chance.values[0] == pytest.approx(value(dds, X, Y[order]), rel=1e-10)


# --- what does and does not change the value


def test_rotations_change_correlation_distances_and_not_euclidean_ones():
    mlp, rot = array("mlp_a"), array("rot")
    assert value(rsa, mlp, rot, distance="euclidean") == pytest.approx(1, abs=1e-9)
    assert value(rsa, mlp, rot) == pytest.approx(0.972, abs=5e-4)
    assert value(dds, mlp, rot) == pytest.approx(0.977, abs=5e-4)
    assert value(dds, mlp, rot, function="rbf", normalise="none") == pytest.approx(1, abs=1e-9)


def test_mahalanobis_distances_see_no_invertible_map():
    X, Y = related()
    turned = X @ np.random.default_rng(4).normal(size=(6, 6)) + 3
    expected = value(rsa, X, Y, distance="mahalanobis")
    assert value(rsa, turned, Y, distance="mahalanobis") == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("function", [rsa, dds])
def test_noise_with_more_columns_than_rows_is_no_similarity(function):
    found = function(array("wide_a"), array("wide_noise"))
    assert abs(found.value) < 0.08
    assert abs(found.normalised) < 0.08
    assert "more columns than rows" in {c.name for c in found.cautions}


def test_cosines_of_distances_look_alike_whatever_the_tables():
    """Why the value is read beside its chance level."""
    found = rsa(array("mlp_a"), array("noise"), compare="cosine")
    assert found.value > 0.85
    assert abs(found.normalised) < 0.05


@pytest.mark.parametrize("function", [rsa, dds])
def test_shuffled_rows_look_like_nothing(function):
    X, Y = related(150)
    order = np.random.default_rng(1).permutation(150)
    assert function(X, Y).p_value < 0.05
    assert function(X, Y[order]).p_value > 0.05


@pytest.mark.parametrize("function", [rsa, dds])
def test_a_seeded_sample_of_many_rows(function):
    X, Y = related(90)
    found = function(X, Y, max_rows=50, random_state=3)
    assert found.n_rows == 50
    rows = np.sort(np.random.default_rng(3).choice(90, size=50, replace=False))
    assert found.value == pytest.approx(value(function, X[rows], Y[rows]), rel=1e-12)


# --- hard rows


@pytest.mark.parametrize("function", [rsa, dds])
@pytest.mark.parametrize("constant", [0.0, 0.1])
def test_no_variance_has_no_value(function, constant):
    X, _ = related()
    for pair in ((X, np.full((60, 3), constant)), (np.full((60, 3), constant), X)):
        found = function(*pair)
        assert found.value is None
        assert found.reason.name == "not defined"


@pytest.mark.parametrize("distance", ["correlation", "cosine"])
def test_rows_without_a_direction_are_as_far_as_uncorrelated_ones_and_said(distance):
    X, Y = related()
    X[3] = 0
    found = rsa(X, Y, distance=distance, **BARE)
    assert "1 of 60 rows of `first`" in " ".join(str(c) for c in found.cautions)
    kept = np.delete(np.arange(60), 3)
    D = squareform(pdist(X[kept], distance))
    whole = np.ones((60, 60))
    whole[np.ix_(kept, kept)] = D
    np.fill_diagonal(whole, 0)
    expected = spearmanr(squareform(whole), pdist(Y, distance)).statistic
    assert found.value == pytest.approx(expected, rel=1e-9)


def test_one_column_has_no_correlation_distance():
    X, Y = related(p=1)
    found = rsa(X, Y)
    assert found.value is None
    assert rsa(X, Y, distance="euclidean").value is not None


@pytest.mark.parametrize("function", ["linear", "laplacian", "euclidean", "rbf"])
def test_a_large_mean_costs_no_digits(function):
    X, Y = related()
    options = {"function": function, "normalise": "none"}
    expected = value(dds, X, Y, **options)
    assert value(dds, X + 1e6, Y, **options) == pytest.approx(expected, rel=1e-7)


def test_the_laplacian_is_that_of_scikit_learn():
    X, Y = related()
    kernels = [np.exp(-cdist(side, side, "cityblock") / side.shape[1]) for side in (X, Y)]
    found = value(dds, X, Y, function="laplacian", normalise="none")
    distances = [1 - K for K in kernels]
    assert found == pytest.approx(value(dds, *distances, function="precomputed"), rel=1e-10)


@pytest.mark.parametrize(
    ("function", "wrong"),
    [(rsa, {"distance": "city"}), (rsa, {"compare": "ndcg"}), (rsa, {"normalise": "znorm"}),
     (rsa, {"max_rows": 3}), (dds, {"function": "poly"}), (dds, {"normalise": None})],
)  # fmt: skip
def test_wrong_options_are_refused(function, wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}` must be"):
        function(*related(), **wrong)


# --- weights of tasks

ALPHA = STORED["amtnn_alpha"]


@pytest.mark.parametrize("setting", ALPHA["alpha"])
def test_task_weights_are_those_of_a_convex_solver(setting):
    spread, weight = (float(part.split("=")[1]) for part in setting.split(","))
    found = task_weights(ALPHA["R"], ALPHA["D"], spread=spread, distance_weight=weight)
    # the solver's output was stored with 3 decimals
    assert found.weights == pytest.approx(np.array(ALPHA["alpha"][setting]), abs=6e-4)
    assert found.weights.sum(axis=1) == pytest.approx(1)
    reach = np.maximum(found.thresholds[:, None] - found.costs, 0)
    assert np.linalg.norm(reach, axis=1) == pytest.approx(spread, rel=1e-9)


def test_task_weights_are_the_minimum_over_the_simplex():
    rng = np.random.default_rng(0)
    R, D = rng.random((5, 5)), rng.random((5, 5))
    found = task_weights(R, D, spread=0.6, distance_weight=0.3)
    for t in range(5):
        cost = R[t] + 0.3 * D[t]

        def price(alpha, cost=cost):
            return alpha @ cost + 0.6 * np.linalg.norm(alpha)

        best = minimize(
            price, np.full(5, 0.2), bounds=[(0, 1)] * 5,
            constraints={"type": "eq", "fun": lambda alpha: alpha.sum() - 1},
        )  # fmt: skip
        assert price(found.weights[t]) <= best.fun + 1e-9


def test_task_weights_at_both_ends():
    R, D = np.array(ALPHA["R"]), np.array(ALPHA["D"])
    alone = task_weights(R, D, spread=1e-6)
    assert alone.weights == pytest.approx(np.eye(3))
    assert alone.value == pytest.approx(0)
    equal = task_weights(R, D, spread=1e6)
    assert equal.weights == pytest.approx(1 / 3, abs=1e-6)
    assert equal.value == pytest.approx(2 / 3, abs=1e-6)
    same = task_weights(np.ones((3, 3)), np.zeros((3, 3)))
    assert same.weights == pytest.approx(1 / 3)
    # a constant added to all losses of a task does not matter
    moved = task_weights(R + np.array([[1e6], [0], [5]]), D)
    assert moved.weights == pytest.approx(task_weights(R, D).weights, abs=1e-7)


def test_wrong_tables_of_tasks_are_refused():
    R, D = np.array(ALPHA["R"]), np.array(ALPHA["D"])
    for pair, options, match in (
        ((R[:2], D), {}, "one row and one column for every task"), ((R, -D), {}, "negative"),
        ((R[:2, :2], D), {}, "2 tasks and `distances` about 3"),
        ((R, D), {"spread": 0}, "`spread` must be a positive number"),
        ((R, D), {"distance_weight": -1}, "`distance_weight` must be"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=match) as fault:
            task_weights(*pair, **options)
        assert str(fault.value).endswith(".")
