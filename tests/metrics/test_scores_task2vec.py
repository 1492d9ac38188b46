"""Task2Vec: embeddings and their distances."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from negtransfer.metrics.transferability.task2vec import task2vec, task2vec_distance

FOLDER = Path(__file__).parent / "reference_scores" / "transferability"
CASES = json.loads((FOLDER / "values.json").read_text())["cases"]
NONE = {"n_permutations": 0, "n_draws": 0}
DISTANCES = ("cosine", "normalized_cosine", "correlation", "kl", "asymmetric_kl", "jsd", "entropy")
STORED = next(case for case in CASES if case["case"] == "task2vec_embeddings")["results"]


def task(n=90, d=6, first=0, gap=2.0, seed=0):
    """Return three classes told apart by the columns from ``first`` on."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return rng.normal(size=(n, d)) + gap * np.eye(d)[first + y], y


@pytest.mark.parametrize("entry", STORED, ids=[entry["call"] for entry in STORED])
def test_distances_of_the_authors(entry):
    z = np.load(FOLDER / "task2vec_embeddings.npz")
    name, one, two = re.fullmatch(r"\w+\.(\w+)\(e(\d), e(\d)\)", entry["call"]).groups()
    found = task2vec_distance(
        z["hessian"][int(one)], z["hessian"][int(two)], distance=name, scale=z["scale"][0]
    )
    assert found.value == pytest.approx(entry["value"], rel=1e-9, abs=1e-12)


def test_every_distance_is_stored():
    assert {entry["metric"].split(": ")[1] for entry in STORED} == set(DISTANCES)
    assert len(STORED) == 28


@pytest.mark.parametrize("d", [6, 150])
def test_embedding_is_the_fisher_information_of_a_logistic_regression(d):
    X, y = task(d=d)
    found = task2vec(X, y, **NONE)
    unit = X / np.sqrt(X.var(axis=0).mean())
    share = LogisticRegression(tol=1e-10, max_iter=10_000).fit(unit, y).predict_proba(unit)
    expected = np.mean((share * (1 - share)).T @ X**2 / 90, axis=0)
    np.testing.assert_allclose(found.embedding, expected, rtol=2e-3)
    assert found.value == pytest.approx(found.embedding.sum())


def test_embedding_is_the_mean_squared_gradient_of_labels_drawn_from_the_model():
    X, y = task(gap=1.0)
    rng = np.random.default_rng(1)
    unit = X / np.sqrt(X.var(axis=0).mean())
    share = LogisticRegression(tol=1e-8, max_iter=10_000).fit(unit, y).predict_proba(unit)
    total = np.zeros(6)
    for _ in range(400):
        drawn = (share.cumsum(axis=1) > rng.random((90, 1))).argmax(axis=1)
        gradients = (share - np.eye(3)[drawn])[:, :, None] * X[:, None, :]
        total += (gradients**2).mean(axis=(0, 1))
    np.testing.assert_allclose(task2vec(X, y, **NONE).embedding, total / 400, rtol=0.05)


def test_harder_tasks_are_larger_and_shuffled_labels_hardest():
    easy, hard = (task2vec(*task(gap=gap)) for gap in (3.0, 1.0))
    assert easy.value < hard.value < hard.chance.mean
    assert easy.chance.p_value(easy.value, larger=False) == pytest.approx(1 / 21)


@pytest.mark.parametrize("distance", DISTANCES)
def test_samples_of_one_task_are_closer_than_other_tasks(distance):
    one, same = (task2vec(*task(n=300, first=0, seed=s), **NONE) for s in (0, 1))
    other = task2vec(*task(n=300, first=3, seed=2), **NONE)
    near = task2vec_distance(one, same, distance=distance).value
    assert near < task2vec_distance(one, other, distance=distance).value
    assert task2vec_distance(one, one, distance=distance).value == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("distance", DISTANCES)
def test_only_one_distance_depends_on_the_order(distance):
    one, other = (task2vec(*task(first=k, seed=k), **NONE).embedding for k in (0, 3))
    there = task2vec_distance(one, other, distance=distance).value
    back = task2vec_distance(other, one, distance=distance).value
    assert (there == pytest.approx(back, rel=1e-6)) == (distance != "asymmetric_kl")


def test_the_asymmetric_distance_takes_off_complexity():
    one, other = np.array([3.0, 1.0, 5.0]), np.array([1.0, 1.0, 2.0])
    plain = task2vec_distance(one, other)
    found = task2vec_distance(one, other, asymmetric=0.15)
    trivial = task2vec_distance(one, np.ones(3)).value
    assert found.symmetric_value == plain.value
    assert found.to_trivial == pytest.approx(trivial)
    assert found.value == pytest.approx(plain.value - 0.15 * trivial)


def test_scale_is_the_trivial_embedding():
    X, y = task()
    found = task2vec(X, y, scale=4.0, **NONE)
    np.testing.assert_array_equal(found.scale, np.full(6, 4.0))
    trivial = task2vec_distance(found, np.full(6, 4.0), distance="kl").value
    assert task2vec_distance(found, found, distance="kl", asymmetric=1.0).value == (
        pytest.approx(-trivial)
    )


# --- traps


def test_names_and_order_do_not_matter():
    X, y = task()
    expected = task2vec(X, y, **NONE).embedding
    order = np.argsort(y, kind="stable")
    names = np.array(["dog", "ant", "cat"])
    found = task2vec(X[order], names[y[order]], **NONE).embedding
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_dead_units_are_left_out_and_said_to_be():
    X, y = task()
    wide = np.hstack([X, np.zeros((90, 2))])
    one = task2vec(wide, y, **NONE)
    np.testing.assert_array_equal(one.embedding[6:], 0)
    other = np.r_[task2vec(*task(first=3), **NONE).embedding, 0, 0]
    for distance in DISTANCES:
        found = task2vec_distance(one, other, distance=distance)
        narrow = task2vec_distance(one.embedding[:6], other[:6], distance=distance)
        assert found.value == pytest.approx(narrow.value)
        assert found.cautions[0].name == "constant columns"


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_column_used_by_one_task_only(distance):
    found = task2vec_distance([1.0, 2.0, 0.0], [1.0, 1.0, 3.0], distance=distance)
    if distance in ("cosine", "entropy"):
        assert found.value > 0
    else:
        assert (found.value, found.reason.name) == (None, "not defined")


def test_nothing_used_or_nothing_varying_is_not_defined():
    assert task2vec_distance(np.zeros(3), np.zeros(3)).value is None
    assert task2vec_distance(np.ones(3), np.ones(3), distance="correlation").value is None


def test_one_class_has_no_embedding():
    X, _ = task()
    found = task2vec(X, np.zeros(90, dtype=int))
    assert (found.value, found.reason.name, found.embedding) == (None, "one class", None)
    with pytest.raises(ValueError, match="`first` has no embedding"):
        task2vec_distance(found, found)


def test_more_columns_than_rows_have_an_embedding():
    z = np.load(FOLDER / "degenerate_d_gt_n.npz")
    found = task2vec(z["features"], z["labels"], **NONE)
    assert found.embedding.shape == (100,)
    assert (found.embedding > 0).all()


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], "`second` has 3 entries"),
        ([1.0, -2.0], [1.0, 2.0], "at least 0"),
        ([1.0, np.nan], [1.0, 2.0], "finite"),
        ([[1.0, 2.0]], [1.0, 2.0], "shape"),
    ],
)
def test_wrong_embeddings_are_refused(first, second, words):
    with pytest.raises(ValueError, match=words):
        task2vec_distance(first, second)


def test_wrong_options_are_refused():
    X, y = task()
    with pytest.raises(ValueError, match="`scale` must be"):
        task2vec(X, y, scale=0.0)
    with pytest.raises(ValueError, match="`distance` must be one of"):
        task2vec_distance([1.0], [2.0], distance="euclid")
    X[0, 0] = np.inf
    with pytest.raises(ValueError, match="missing or infinite"):
        task2vec(X, y)
