"""NCE, LEEP, NLEEP and the source-head risk: reference values, bounds, traps, optimism."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from negtransfer.metrics.transferability.leep import leep
from negtransfer.metrics.transferability.nce import nce
from negtransfer.metrics.transferability.nleep import nleep
from negtransfer.metrics.transferability.source_head_risk import source_head_risk

FOLDER = Path(__file__).parent / "reference_scores" / "transferability"
BARE = {"n_permutations": 0, "n_draws": 0}
SCORES = [nce, leep, nleep, source_head_risk]


@cache
def cases():
    return json.loads((FOLDER / "values.json").read_text(encoding="utf-8"))["cases"]


def stored(*metrics):
    """Return every usable reference value of these metrics as pytest parameters."""
    return [
        pytest.param(case["file"], found["peer"], found["value"], id=f"{case['case']}-{k}")
        for case in cases() if "file" in case and "one_class" not in case["case"]
        for k, found in enumerate(case["results"])
        if found["metric"] in metrics and found["status"] == "ok"
    ]  # fmt: skip


@cache
def arrays(file):
    with np.load(FOLDER / file) as given:
        return dict(given)


# pactran and Model-Spider add 1e-10, stable_transfer computes in single precision
ROUGH = {"pactran": 2e-9, "Model-Spider": 2e-9, "google-research stable_transfer": 1e-7}


@pytest.mark.parametrize(("file", "peer", "expected"), stored("LEEP"))
def test_leep_of_the_peers(file, peer, expected):
    given = arrays(file)
    found = leep(given["probs"], given["labels"], **BARE).value
    assert found == pytest.approx(expected, rel=ROUGH.get(peer, 1e-9), abs=1e-9)


@pytest.mark.parametrize(("file", "peer", "expected"), stored("NCE"))
def test_nce_of_the_peers(file, peer, expected):
    given = arrays(file)
    probabilities, labels = given["probs"], given["labels"]
    hard = probabilities.argmax(axis=1)
    found = nce(hard, labels, **BARE).value
    if peer == "pactran":
        # the soft joint, another number under the same name
        found = leep(probabilities, labels, **BARE).soft_nce
    if peer == "parc (original)":
        # A defect: 1e-5 is added to every cell, but only once to the sums over them, so that
        # P(y|z) does not sum to 1. Here the defect is put in, to show that it is all there is.
        table = np.zeros((hard.max() + 1, labels.max() + 1))
        np.add.at(table, (hard, labels), 1 / len(labels))
        margin = table.sum(axis=1, keepdims=True)
        assert found == pytest.approx((table * np.log(table / margin, where=table > 0,
                                                      out=np.zeros_like(table))).sum())  # fmt: skip
        table, margin = table + 1e-5, margin + 1e-5
        found = (table * np.log(table / margin)).sum()
    assert found == pytest.approx(expected, rel=ROUGH.get(peer, 1e-9), abs=1e-9)


def test_closed_forms():
    labels = np.repeat([0, 1, 2], 40)
    assert nce(labels, labels, **BARE).value == 0.0
    assert nce(np.zeros(120, int), labels, **BARE).value == pytest.approx(-np.log(3), rel=1e-12)
    assert leep(np.eye(3)[labels], labels, **BARE).value == 0.0
    even = leep(np.full((120, 4), 0.25), labels, **BARE)
    assert even.value == pytest.approx(-np.log(3), rel=1e-12)
    # two source classes with probability p of the right one: P(y|z) is p too
    head = np.where(np.arange(100)[:, None] % 2 == [0, 1], 0.8, 0.2)
    assert leep(head, np.arange(100) % 2, **BARE).value == pytest.approx(np.log(0.68), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_leep_lies_between_the_entropy_the_soft_nce_and_zero(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 90)
    head = rng.dirichlet(np.full(7, 0.4), 90)
    shares = np.bincount(labels) / 90
    entropy = -(shares * np.log(shares)).sum()
    found = leep(head, labels, **BARE)
    assert -entropy <= found.soft_nce <= found.value <= 0
    assert -entropy <= nce(head.argmax(axis=1), labels, **BARE).value <= 0
    hard = np.eye(7)[head.argmax(axis=1)]
    assert leep(hard, labels, **BARE).value == pytest.approx(
        nce(head.argmax(axis=1), labels, **BARE).value, rel=1e-12
    )


def test_the_order_of_the_two_labels_matters():
    source, target = np.array([0, 0, 1, 1, 2, 2] * 5), np.array([0, 0, 0, 0, 1, 1] * 5)
    assert nce(source, target, **BARE).value == 0.0
    assert nce(target, source, **BARE).value == pytest.approx(-np.log(2) * 2 / 3)


def test_a_source_class_without_mass_is_named_and_changes_nothing():
    rng = np.random.default_rng(0)
    head, labels = rng.dirichlet(np.ones(3), 60), rng.integers(0, 2, 60)
    wide = np.insert(head, 1, 0.0, axis=1)
    found = leep(wide, labels)
    assert found.value == pytest.approx(leep(head, labels).value, rel=1e-14)
    assert [c.name for c in found.cautions] == ["no mass in a source class"]
    tiny = wide.copy()
    tiny[:, 1] = 1e-320
    assert np.isfinite(leep(tiny, labels).value)


def data(seed=0, n=120):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    head = rng.dirichlet(np.ones(4), n)
    head[np.arange(n), labels] += 0.5
    rows = rng.normal(size=(n, 4)) + 2 * np.eye(3, 4)[labels]
    return head / head.sum(axis=1, keepdims=True), labels, rows


def call(score, labels, seed=0, **options):
    head, _, rows = data(seed, len(labels))
    if score is nce:
        return nce(head.argmax(axis=1), labels, **options)
    if score is nleep:
        return nleep(rows, labels, n_starts=1, **options)
    return score(head, labels, **options)


@pytest.mark.parametrize("score", [nce, leep, nleep])
def test_names_of_classes_do_not_matter_to_blind_scores(score):
    labels = data()[1]
    expected = call(score, labels, **BARE).value
    for renamed in ((labels + 1) % 3, np.array(["b", "c", "a"])[labels], labels.astype(float)):
        assert call(score, renamed, **BARE).value == pytest.approx(expected, rel=1e-12)
    gap = np.array([0, 2, 3])[labels]
    found = call(score, gap, **BARE)
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert "label gap" in [c.name for c in found.cautions]


@pytest.mark.parametrize("loss", ["error", "log_loss", "brier"])
def test_a_flipped_label_shows_in_the_source_head_risk_alone(loss):
    head, labels, _ = data()
    right = source_head_risk(head, labels, loss=loss)
    flipped = source_head_risk(head, (labels + 1) % 3, loss=loss)
    assert right.value < right.constant_risk < flipped.value
    assert right.normalised > 0.5 > 0 > flipped.normalised
    assert flipped.relabelled_risk == pytest.approx(right.value, rel=1e-12)
    assert right.relabelling_gain == pytest.approx(0)
    assert flipped.gain_interval.low > 0.3
    assert right.p_value < 0.05 < flipped.p_value
    np.testing.assert_array_equal(right.matched_columns, [0, 1, 2])
    np.testing.assert_array_equal(flipped.matched_columns, [2, 0, 1])
    assert not right.larger_is_better


def test_relabelling_finds_nothing_where_there_is_nothing_to_find():
    """Fitted on the rows it is judged on, the best match would always seem to gain."""
    gains = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        head, labels = rng.dirichlet(np.ones(6), 60), rng.integers(0, 6, 60)
        found = source_head_risk(head, labels, **BARE, random_state=seed)
        own = found.matched_columns[labels]
        assert np.mean(head.argmax(axis=1) != own) < found.value
        gains.append(found.relabelling_gain)
    assert abs(np.mean(gains)) < 0.03


@pytest.mark.parametrize("loss", ["error", "log_loss", "brier"])
def test_risks_of_the_library(loss):
    from sklearn.metrics import log_loss

    head, labels, _ = data()
    head = head[:, :3] / head[:, :3].sum(axis=1, keepdims=True)
    truth = np.eye(3)[labels]
    expected = {
        "error": np.mean(head.argmax(axis=1) != labels),
        "log_loss": log_loss(labels, head),
        "brier": ((head - truth) ** 2).sum(axis=1).mean(),
    }[loss]
    found = source_head_risk(head, labels, loss=loss, floor=1e-15, **BARE)
    assert found.value == pytest.approx(expected, rel=1e-12)
    shares = np.bincount(labels) / len(labels)
    flat = np.tile(shares, (len(labels), 1))
    assert found.constant_risk == pytest.approx(
        source_head_risk(flat, labels, loss=loss, **BARE).value, rel=1e-9
    )


def test_mass_outside_the_target_classes():
    """A head that is right among shared classes but prefers a foreign one."""
    labels = np.arange(60) % 2
    head = np.hstack([np.where(labels[:, None] == [0, 1], 0.35, 0.05), np.full((60, 1), 0.6)])
    names = ["cat", "dog", "plane"]
    texts = np.array(["cat", "dog"])[labels]
    lost = source_head_risk(head, texts, source_classes=names)
    kept = source_head_risk(head, texts, source_classes=names, renormalise=True)
    assert (lost.value, kept.value, lost.foreign_mass) == (1.0, 0.0, pytest.approx(0.6))
    log = source_head_risk(head, texts, source_classes=names, renormalise=True, loss="log_loss")
    assert log.value == pytest.approx(-np.log(0.35 / 0.4))
    empty = np.tile([0.0, 0.0, 1.0], (60, 1))
    even = source_head_risk(
        empty, texts, source_classes=names, renormalise=True, loss="log_loss", **BARE
    )
    assert even.value == pytest.approx(np.log(2))


def test_classes_that_only_one_side_has():
    head, labels, _ = data()
    part = source_head_risk(head[:, :2] / head[:, :2].sum(axis=1, keepdims=True), labels)
    assert part.unnamed_share == pytest.approx(np.mean(labels == 2))
    assert part.value >= part.unnamed_share
    np.testing.assert_array_equal(part.named_columns, [0, 1, -1])
    none = source_head_risk(head, labels, source_classes=[7, 8, 9, 10])
    assert none.value is none.normalised is none.p_value is none.relabelling_gain is None
    assert none.reason.name == "not defined"
    assert none.relabelled_risk == pytest.approx(source_head_risk(head, labels).value, rel=1e-12)
    assert source_head_risk(head, labels + 100, loss="log_loss").value is None


def test_columns_in_another_order_are_found_by_name():
    head, labels, _ = data()
    order = [2, 0, 3, 1]
    found = source_head_risk(head[:, order], labels, source_classes=order)
    assert found.value == source_head_risk(head, labels).value


def test_source_classes_that_do_not_fit():
    head, labels, _ = data()
    texts = np.array(["a", "b", "c"])[labels]
    with pytest.raises(ValueError, match="`source_classes` is needed"):
        source_head_risk(head, texts)
    with pytest.raises(ValueError, match="expected one class for each of the 4 columns"):
        source_head_risk(head, labels, source_classes=[0, 1, 2])
    with pytest.raises(ValueError, match="more than once"):
        source_head_risk(head, labels, source_classes=[0, 1, 1, 2])
    with pytest.raises(TypeError, match="same names for both"):
        source_head_risk(head, labels, source_classes=["0", "1", "2", "3"])


def test_one_class_of_labels():
    head, _, rows = data()
    same = np.zeros(120, int)
    for found in (nce(head.argmax(axis=1), same), leep(head, same), nleep(rows, same)):
        assert found.value is found.normalised is found.chance is found.interval is None
        assert found.reason.name == "one class"
        assert found.p_value is None
    # whether a head is right on rows of one class is a sound question
    found = source_head_risk(head, same)
    assert 0 < found.value < 1
    assert found.constant_risk == 0
    assert "one class" in [c.name for c in found.cautions]


@pytest.mark.parametrize("score", SCORES)
def test_a_class_of_one_row_is_named(score):
    labels = np.array([0, 1] * 59 + [1, 2])
    found = call(score, labels)
    assert np.isfinite(found.value)
    assert "few rows in a class" in [c.name for c in found.cautions]


@pytest.mark.parametrize("score", [nce, leep, source_head_risk])
def test_rows_sorted_by_class_give_the_same(score):
    head, labels, _ = data()
    order = np.argsort(labels, kind="stable")
    first = head.argmax(axis=1) if score is nce else head
    expected = score(first, labels, **BARE).value
    assert score(first[order], labels[order], **BARE).value == pytest.approx(expected, rel=1e-12)


def test_nleep_on_rows_sorted_by_class():
    _, labels, rows = data()
    order = np.argsort(labels, kind="stable")
    assert nleep(rows[order], labels[order], **BARE).value > -0.6
    assert nleep(rows, labels, **BARE).value > -0.6


@pytest.mark.parametrize("score", [nce, leep])
def test_the_chance_level_shows_the_optimism_of_many_source_classes(score):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 100)
    for classes in (2, 20, 100):
        source = rng.integers(0, classes, 100) if classes < 100 else np.arange(100)
        found = score(np.eye(classes)[source] if score is leep else source, labels)
        assert found.chance.mean == pytest.approx(found.value, abs=0.12)
        if classes == 2:
            assert found.value < -0.6
    # every row its own source class: nothing is left unknown, and nothing was found
    assert found.value == 0.0
    assert found.normalised is None
    assert found.p_value == 1.0


def test_many_orders_at_once_give_what_one_by_one_gives():
    head, labels, _ = data()
    found = leep(head, labels, n_permutations=7, n_draws=0, random_state=3)
    rng = np.random.default_rng(3)
    orders = [rng.permutation(120) for _ in range(7)]
    singly = [leep(head, labels[order], **BARE).value for order in orders]
    np.testing.assert_allclose(found.chance.values, singly, rtol=1e-12)
    hard = head.argmax(axis=1)
    found = nce(hard, labels, n_permutations=7, n_draws=0, random_state=3)
    singly = [nce(hard, labels[order], **BARE).value for order in orders]
    np.testing.assert_allclose(found.chance.values, singly, rtol=1e-12)


def test_nce_of_more_cells_than_memory_is_spent_on(monkeypatch):
    from negtransfer.metrics.transferability import _table_scores

    head, labels, _ = data()
    hard = head.argmax(axis=1)
    expected = nce(hard, labels, n_permutations=9)
    monkeypatch.setattr(_table_scores, "_CELLS", 5)
    found = nce(hard, labels, n_permutations=9)
    assert found.value == pytest.approx(expected.value, rel=1e-12)
    np.testing.assert_allclose(found.chance.values, expected.chance.values, rtol=1e-12)


@pytest.mark.parametrize("score", SCORES)
def test_interval_seed_and_switches(score):
    labels = data()[1]
    found = call(score, labels, random_state=5)
    again = call(score, labels, random_state=np.random.default_rng(5))
    assert found.interval.low <= found.value <= found.interval.high
    assert (found.value, found.interval) == (again.value, again.interval)
    np.testing.assert_array_equal(found.chance.values, again.chance.values)
    assert len(found.chance.values) == 100
    bare = call(score, labels, **BARE)
    assert bare.chance is bare.interval is bare.normalised is None
    assert found.n_rows == 120


@pytest.mark.parametrize("score", [nce, leep])
def test_the_interval_covers_the_value_on_average(score):
    """Nominal 80 %: of fresh samples of the same size, around their mean value."""
    found = []
    for seed in range(50):
        head, labels, _ = data(seed, 150)
        first = head.argmax(axis=1) if score is nce else head
        found.append(score(first, labels, n_permutations=0, n_draws=20))
    middle = np.mean([f.value for f in found])
    share = np.mean([f.interval.low <= middle <= f.interval.high for f in found])
    assert 0.65 <= share <= 0.95


@pytest.mark.parametrize("score", SCORES)
def test_tensors_lists_and_single_precision(score):
    torch = pytest.importorskip("torch")
    head, labels, rows = data()
    first = {nce: head.argmax(axis=1), nleep: rows}.get(score, head)
    expected = score(first, labels, **BARE).value
    assert score(torch.tensor(first), torch.tensor(labels), **BARE).value == expected
    assert score(first.tolist(), labels.tolist(), **BARE).value == expected
    if score is not nleep:
        kind = np.int8 if score is nce else np.float32
        narrow = score(first.astype(kind), labels.astype(np.int16), **BARE).value
        assert narrow == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("score", [leep, source_head_risk])
def test_bad_probabilities(score):
    head, labels, _ = data()
    with pytest.raises(ValueError, match="must sum to 1"):
        score(2 * head, labels)
    with pytest.raises(ValueError, match="negative"):
        score(head - 0.5, labels)
    with pytest.raises(ValueError, match="missing or infinite"):
        score(np.where(head > 0.5, np.nan, head), labels)


@pytest.mark.parametrize("score", SCORES)
def test_bad_labels_and_options(score):
    labels = data()[1]
    head, _, rows = data()
    first = {nce: head.argmax(axis=1), nleep: rows}.get(score, head)
    with pytest.raises(ValueError, match="one label for each"):
        score(first, labels[:-1])
    with pytest.raises(TypeError, match="not whole"):
        score(first, labels + 0.5)
    with pytest.raises(ValueError, match="missing labels"):
        score(first, np.where(labels == 0, np.nan, labels))
    with pytest.raises(ValueError, match="`n_permutations`"):
        score(first, labels, n_permutations=-1)
    with pytest.raises(ValueError, match="`level`"):
        score(first, labels, level=80)
    with pytest.raises(ValueError, match=r"1 row|one label"):
        score(first[:1], labels[:1])


# --- NLEEP: held by what it promises, because fits differ between versions


def test_nleep_is_leep_of_the_posteriors_of_the_mixture_it_names():
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    _, labels, rows = data()
    found = nleep(rows, labels, variance=1.0, n_starts=1, random_state=4, **BARE)
    assert (found.n_components, found.n_dimensions, found.covariance) == (15, 4, "full")
    scores = PCA(4).fit_transform(rows)
    mixture = GaussianMixture(
        15, tol=1e-2, random_state=int(np.random.default_rng(4).integers(2**31, size=1)[0])
    ).fit(scores / np.sqrt(np.mean(scores**2)))
    theta = mixture.predict_proba(scores / np.sqrt(np.mean(scores**2)))
    # the sign of a component is free, which leaves rounding in the fit
    assert found.value == pytest.approx(leep(theta, labels, **BARE).value, abs=1e-6)


@pytest.mark.parametrize(
    ("file", "peer", "expected"),
    [
        # with 2 rows a cluster full covariances mean nothing and the peers differ by 0.5
        given for given in stored(
            "NLEEP (log, max(min(C,.2n),.1n) comps)", "NLEEP (log, 5*(max label+1) comps)"
        ) if "d_gt_n" not in given.id
    ],
)  # fmt: skip
def test_nleep_is_of_the_size_of_the_peers(file, peer, expected):
    """Within 0.1: other numbers of clusters and components, one start. SFDA has no logarithm."""
    given = arrays(file)
    found = nleep(given["features"], given["labels"], **BARE)
    assert found.value == pytest.approx(expected, abs=0.1)


def test_nleep_orders_clear_cases_and_knows_chance():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 4
    noise = rng.normal(size=(200, 6))
    values = [
        nleep(noise + move * np.eye(4, 6)[labels], labels, n_starts=2, n_draws=0)
        for move in (0, 2, 8)
    ]
    assert values[0].value < values[1].value < values[2].value
    assert abs(values[0].normalised) < 0.1
    assert values[0].p_value > 0.05 > values[2].p_value
    assert values[2].normalised > 0.9
    # in-sample optimism: far above the entropy of the labels with nothing to find
    assert values[0].value > -np.log(4) + 0.1


def test_nleep_stays_the_same_under_what_it_promises():
    _, labels, rows = data()
    quick = {"n_starts": 1, **BARE}
    expected = nleep(rows, labels, **quick).value
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]
    for other in (rows[:, ::-1], rows + 50, 1e3 * rows, 1e-3 * rows, rows @ turn):
        assert nleep(other, labels, **quick).value == pytest.approx(expected, abs=1e-6)


def test_nleep_chooses_covariances_that_rows_can_carry():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    wide = rng.normal(size=(60, 40)) + 3 * np.eye(3, 40)[labels]
    found = nleep(wide, labels)
    assert found.covariance == "diagonal"
    assert found.n_dimensions > 60 / found.n_components
    for covariance in ("full", "tied", "spherical"):
        other = nleep(wide, labels, covariance=covariance, **BARE)
        assert (other.covariance, len(other.start_values)) == (covariance, 5)
        assert other.value == pytest.approx(np.mean(other.start_values))
    assert nleep(wide[:9], labels[:9], **BARE).n_components == 4
    assert not nleep(wide, labels, max_iter=1, tolerance=1e-9, **BARE).converged


def test_nleep_of_columns_that_do_not_vary():
    found = nleep(np.ones((30, 3)), np.arange(30) % 2)
    assert found.value is None
    assert found.reason.name == "constant columns"
    rows = np.random.default_rng(0).normal(size=(30, 2))
    repeated = np.repeat(rows[:3], 10, axis=0)
    assert np.isfinite(nleep(repeated, np.arange(30) // 10).value)


def test_bad_options_of_nleep_and_the_risk():
    head, labels, rows = data()
    with pytest.raises(ValueError, match="`variance`"):
        nleep(rows, labels, variance=0.0)
    with pytest.raises(ValueError, match="`covariance`"):
        nleep(rows, labels, covariance="diag")
    with pytest.raises(ValueError, match="`components_per_class`"):
        nleep(rows, labels, components_per_class=0)
    with pytest.raises(ValueError, match="missing or infinite"):
        nleep(np.where(rows > 2, np.inf, rows), labels)
    with pytest.raises(ValueError, match="`loss`"):
        source_head_risk(head, labels, loss="hinge")
