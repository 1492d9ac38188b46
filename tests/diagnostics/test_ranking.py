"""Ranking pretrained models: what the comparison promises on real and on planted data."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.datasets import load_digits

from negtransfer import InputError
from negtransfer.diagnostics.models import ModelRanking, Rows, advice, rank_models
from negtransfer.diagnostics.models.labels import target_labels

DIGITS = load_digits()
ROWS = np.random.default_rng(0).permutation(len(DIGITS.target))[:150]
IMAGES = (DIGITS.images[ROWS] * 15).astype(np.uint8)
LABELS = DIGITS.target[ROWS]


def pixels(rows):
    return np.asarray(rows, dtype=float).reshape(len(rows), -1)


def good(rows):
    flat = pixels(rows)
    return np.hstack([flat, np.eye(10)[LABELS_OF(flat)] * 200])


def LABELS_OF(flat):  # noqa: N802 -- a stand-in for what a perfect model has learned
    known = {row.tobytes(): label for row, label in zip(pixels(IMAGES), LABELS, strict=True)}
    return np.array([known[row.tobytes()] for row in flat])


def noise(rows):
    return np.random.default_rng(len(rows)).normal(size=(len(rows), 20))


def layered(rows):
    flat = pixels(rows)
    return {"early": flat, "late": np.round(flat[:, :2] / 100)}


@pytest.fixture(scope="module")
def ranking():
    models = {"noise": noise, "good": good, "layered": layered}
    return rank_models(models, IMAGES, LABELS, name="digits")


def test_the_best_comes_first_and_the_useless_is_called_negative_transfer(ranking):
    assert [c.name for c in ranking.candidates] == ["good", "layered", "noise"]
    assert ranking.candidate("noise").gap.outcome == "hurts"
    assert ranking.candidate("noise").action == "train from scratch"
    assert "negative transfer" in ranking.candidate("noise").sentence
    assert ranking.candidate("good").gap.outcome == "helps"
    assert ranking.verdict.label == "transfer"
    assert ranking.verdict.candidate == "good"


def test_the_layer_is_chosen_among_all(ranking):
    found = ranking.candidate("layered")
    assert found.best_layer == "early"
    assert [layer.name for layer in found.layers] == ["early", "late"]
    early, late = (layer.probe.error for layer in found.layers)
    assert early < late


def test_a_copy_of_the_raw_inputs_neither_helps_nor_hurts():
    found = rank_models({"copy": lambda rows: Rows.load(rows).raw()}, IMAGES, LABELS)
    gap = found.candidates[0].gap
    assert gap.estimate == pytest.approx(0, abs=1e-9)
    assert gap.outcome == "cannot tell"
    assert found.verdict.label in ("caution", "not-enough-evidence")


def test_only_useless_models_give_do_not_transfer():
    found = rank_models(
        {"noise": noise, "constant": lambda r: pixels(r)[:, :1] * 0}, IMAGES, LABELS
    )
    assert found.verdict.label == "do-not-transfer"
    assert found.verdict.candidate is None
    assert found.verdict.action == "train from scratch"


def test_every_number_has_its_reference(ranking):
    for candidate in ranking.candidates:
        assert candidate.rank.low <= candidate.rank.estimate <= candidate.rank.high
        assert candidate.error_interval.low <= candidate.error
        for layer in candidate.layers:
            assert layer.probe.interval.low <= layer.probe.error <= layer.probe.interval.high
            assert layer.probe.chance > 0.5
            for score in layer.scores:
                assert (score.value is None) == (score.reason is not None)
                assert score.chance is not None or score.value is None


def test_label_only_scores_are_never_the_only_evidence(ranking):
    for candidate in ranking.candidates:
        assert all(layer.probe is not None for layer in candidate.layers)
    assert {s.name for s in ranking.candidates[0].layers[0].scores if s.label_only}


def test_the_same_input_gives_the_same_bytes_and_reads_back(ranking):
    models = {"noise": noise, "good": good, "layered": layered}
    again = rank_models(models, IMAGES, LABELS, name="digits")
    assert again.to_json() == ranking.to_json()
    assert ModelRanking.from_json(ranking.to_json()) == ranking
    assert "NaN" not in ranking.to_json()
    json.loads(ranking.to_json())


def test_the_order_of_candidates_does_not_matter(ranking):
    models = {"layered": layered, "good": good, "noise": noise}
    again = rank_models(models, IMAGES, LABELS, name="digits")
    assert [c.name for c in again.candidates] == [c.name for c in ranking.candidates]
    for one, other in zip(again.candidates, ranking.candidates, strict=True):
        assert one.gap == other.gap


def test_quantities_are_ranked_too():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(120, 8))
    y = X[:, 0] + 0.1 * rng.normal(size=120)
    models = {
        "right": lambda r: np.asarray(r, dtype=float)[:, :2],
        "wrong": lambda r: np.asarray(r, dtype=float)[:, 4:],
    }
    found = rank_models(models, X, y)
    assert found.task == "regression"
    assert found.candidates[0].name == "right"
    assert found.candidate("wrong").gap.outcome == "hurts"
    assert {s.name for s in found.candidates[0].layers[0].scores} == {
        "logme", "knn_probe", "cka_with_labels", "cka_with_raw_inputs",
    }  # fmt: skip


def test_unlabelled_rows_are_left_out_and_counted():
    labels = [None if i % 3 == 0 else int(v) for i, v in enumerate(LABELS)]
    found = rank_models({"good": good}, IMAGES, labels)
    assert found.target.n_rows == 150
    assert found.target.n_labelled == 100


@pytest.mark.parametrize(
    ("labels", "said"),
    [(None, "no labels"), ([1] * 150, "only one class"), ([0, 1] * 5 + [None] * 140, "10 labels")],
)
def test_too_little_to_go_by_is_one_sentence(labels, said):
    with pytest.raises(InputError, match=said):
        rank_models({"good": pixels}, IMAGES, labels)


def test_there_is_no_truth_value(ranking):
    with pytest.raises(TypeError, match="verdict"):
        bool(ranking)


def test_source_rows_show_where_layers_part():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(150, 6)) + np.eye(6)[np.arange(150) % 3]
    source = rng.normal(size=(200, 6))
    source[:, 5] += 4
    models = {"net": lambda r: {"first": np.asarray(r)[:, :3], "second": np.asarray(r)[:, 3:]}}
    found = rank_models(models, X, np.arange(150) % 3, source=source)
    layers = {layer.name: layer.shift for layer in found.candidates[0].layers}
    assert not layers["second"].agrees
    assert layers["second"].p_adjusted >= layers["second"].p_value


def test_an_untrained_copy_is_the_reference_for_networks():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU())
    rows = IMAGES[..., None]
    found = rank_models(
        {"net": net}, Rows.load(rows, labels=LABELS, name="digits"),
    )  # fmt: skip
    assert found.candidates[0].gap_random is not None
    alone = rank_models({"net": net}, Rows.load(rows, labels=LABELS), untrained=False)
    assert alone.candidates[0].gap_random is None
    assert any("untrained" in told for told in alone.verdict.untested)


def test_a_head_that_names_the_classes_wrongly_is_seen():
    """Scores that only match labels cannot see a flip; the risk of the named head does."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    y = np.arange(120) % 2
    X = (rng.normal(size=(120, 2)) + 3 * np.eye(2)[y]).astype(np.float32)
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    with torch.no_grad():
        for layer in net:
            layer.weight.copy_(torch.eye(2))
            layer.bias.zero_()
    names = np.array(["cat", "dog"])[y]

    def risk(classes):
        from negtransfer.diagnostics.models import Candidate

        given = Candidate(net, name="net", head="1", classes=classes)
        found = rank_models(given, X, names, untrained=False)
        return {s.name: s for s in found.candidates[0].source_scores}, found

    right, _ = risk(["cat", "dog"])
    flipped, found = risk(["dog", "cat"])
    assert right["source_head_risk"].value < 0.1 < 0.9 < flipped["source_head_risk"].value
    assert flipped["leep"].value == pytest.approx(right["leep"].value)
    assert any("do not mean the same" in r.sentence for r in found.verdict.counter_reasons)


def test_labelled_source_rows_give_the_distance_of_the_data_sets():
    rng = np.random.default_rng(2)
    y = np.arange(120) % 3
    X = rng.normal(size=(120, 6)) + 2 * np.eye(6)[y]
    z = np.arange(90) % 3
    source = Rows.load(rng.normal(size=(90, 6)) + 2 * np.eye(6)[z], labels=z, name="source")
    models = {"all": lambda r: np.asarray(r, dtype=float)}
    found = rank_models(models, X, y, source=source).candidates[0]
    scores = {s.name: s for s in found.source_scores}
    assert set(scores) == {"f_otce", "otdd"}
    assert scores["f_otce"].normalised > 0.15
    assert scores["otdd"].chance.target_quantiles is not None


@pytest.mark.parametrize("n_source", [3, 60])
def test_dead_layers_and_few_source_rows_stop_nothing(n_source):
    """What cannot be compared is left out; the rest of the answer stands."""
    rng = np.random.default_rng(3)
    y = np.arange(90) % 3
    X = rng.normal(size=(90, 4)) + 2 * np.eye(4)[y]
    z = np.arange(n_source) % 3
    source = Rows.load(rng.normal(size=(n_source, 4)), labels=z, name="source")
    models = {"net": lambda r: {"alive": np.asarray(r), "dead": np.zeros((len(r), 5))}}
    found = rank_models(models, X, y, source=source).candidates[0]
    shifts = {layer.name: layer.shift for layer in found.layers}
    assert shifts["dead"] is None
    assert (shifts["alive"] is None) == (n_source < 8)
    assert bool(found.source_scores) == (n_source >= 8)


@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize(
    ("low", "high", "label"),
    [
        (-2.0, 2.0, "not-enough-evidence"),
        (-0.5, 0.5, "caution"),
        (-3.0, 0.5, "caution"),
        (-0.5, 3.0, "caution"),
    ],
)
def test_what_is_too_little_is_measured_by_the_margin_of_the_metric(
    ranking, low, high, label, scale
):
    """An interval that leaves open a gain and a harm that matter is no answer, in any unit."""
    margin = scale * ranking.metric.margin
    metric = ranking.metric.model_copy(update={"margin": margin})
    ends = {"low": low * margin, "high": high * margin, "outcome": "cannot tell"}
    first = ranking.candidates[0]
    first = first.model_copy(update={"gap": first.gap.model_copy(update=ends)})
    labels = target_labels(Rows.load(IMAGES, labels=LABELS), None)
    assert advice.verdict([first], [], ranking.raw_probe, metric, labels).label == label
