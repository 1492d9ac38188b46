"""Saved features and the cache: what is read back is what was kept, or one sentence says why."""

import functools
import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from negtransfer.diagnostics.errors import InputError
from negtransfer.diagnostics.models import Candidate, Rows, extract, saved_rows
from negtransfer.diagnostics.models._identity import fingerprint

N = 12
DRAW = np.random.default_rng(0)
LOW, HIGH = DRAW.normal(size=(N, 3)), DRAW.normal(size=(N, 5))
Y = np.array(list("abc") * 4)
IDS = np.array([f"r{i}" for i in range(N)])
PROBS = DRAW.dirichlet(np.ones(4), size=N)
SOURCE, SOURCE_Y = DRAW.normal(size=(7, 5)), np.arange(7) % 2


def saved(path, **arrays):
    np.savez(path / "net.npz", **arrays)
    return path / "net.npz"


def test_layers_and_what_came_with_them(tmp_path):
    path = saved(
        tmp_path, low=LOW, high=HIGH.astype(np.float16), y=Y, ids=IDS, probs=PROBS,
        classes=np.array(list("wxyz")), source_features_high=SOURCE, source_labels=SOURCE_Y,
    )  # fmt: skip
    (found,) = extract(path, None)
    assert (found.name, found.kind, found.n, list(found.layers)) == (
        "net", "features", N, ["low", "high"],
    )  # fmt: skip
    np.testing.assert_allclose(found.layers["low"], LOW, rtol=1e-6)
    np.testing.assert_allclose(found.head_probabilities, PROBS, rtol=1e-5)
    assert found.head_classes == tuple("wxyz")
    assert (found.labels.tolist(), found.ids) == (Y.tolist(), tuple(IDS))
    np.testing.assert_allclose(found.source_layers["high"], SOURCE, rtol=1e-6)
    assert found.source_labels.tolist() == SOURCE_Y.tolist()
    (one,) = extract(Candidate(path, layers=["high"]), None)
    assert list(one.layers) == ["high"]


def test_npy_and_parquet(tmp_path):
    np.save(tmp_path / "a.npy", LOW)
    frame = pd.DataFrame(LOW, columns=["f0", "f1", "f2"]).assign(y=Y, ids=IDS)
    frame["deep"] = list(HIGH)
    for i, name in enumerate("wxyz"):
        frame[f"probs_{name}"] = PROBS[:, i]
    frame.to_parquet(tmp_path / "b.parquet")
    (npy,) = extract(tmp_path / "a.npy", None)
    (parquet,) = extract(tmp_path / "b.parquet", None)
    np.testing.assert_allclose(npy.layers["features"], LOW, rtol=1e-6)
    np.testing.assert_allclose(parquet.layers["features"], LOW, rtol=1e-6)
    np.testing.assert_allclose(parquet.layers["deep"], HIGH, rtol=1e-6)
    np.testing.assert_allclose(parquet.head_probabilities, PROBS, rtol=1e-5)
    assert (parquet.labels.tolist(), parquet.head_classes) == (Y.tolist(), tuple("wxyz"))


def test_rows_are_matched_by_their_ids(tmp_path):
    """Another order of rows would silently turn every score into noise."""
    order = np.random.default_rng(1).permutation(N)
    path = saved(tmp_path, low=LOW[order], y=Y[order], ids=IDS[order], probs=PROBS[order])
    rows = Rows.of_features(N, ids=IDS, labels=Y)
    (found,) = extract(path, rows)
    np.testing.assert_allclose(found.layers["low"], LOW, rtol=1e-6)
    np.testing.assert_allclose(found.head_probabilities, PROBS, rtol=1e-5)
    assert "another order" in found.notices[0]
    (part,) = extract(path, Rows.of_features(3, ids=IDS[[4, 0, 9]], labels=Y[[4, 0, 9]]))
    np.testing.assert_allclose(part.layers["low"], LOW[[4, 0, 9]], rtol=1e-6)


def test_rows_are_told_by_the_files_themselves(tmp_path):
    order = np.random.default_rng(1).permutation(N)
    np.savez(tmp_path / "a.npz", low=LOW, y=Y)
    np.savez(tmp_path / "b.npz", low=LOW[order], ids=IDS[order], y=Y[order])
    np.savez(tmp_path / "c.npz", low=LOW, ids=IDS)
    files = [tmp_path / f"{name}.npz" for name in "bc"]
    rows = saved_rows(files)
    assert (rows.kind, rows.ids, rows.labels.tolist()) == (
        "features", tuple(IDS[order]), Y[order].tolist(),
    )  # fmt: skip
    for found in extract(files, rows):
        np.testing.assert_allclose(found.layers["low"], LOW[order], rtol=1e-6)
    assert saved_rows(tmp_path / "a.npz").labels.tolist() == Y.tolist()
    assert saved_rows(tmp_path / "a.npz", labels=range(N)).labels.tolist() == list(range(N))
    assert saved_rows(files[0]).content_hash != saved_rows(files[1]).content_hash
    with pytest.raises(InputError, match="needs rows to look at"):
        saved_rows(_net())


def test_classes_may_have_other_names(tmp_path):
    path = saved(tmp_path, low=LOW, y=np.array([7, 8, 9] * 4))
    extract(path, Rows.of_features(N, labels=Y))


def test_a_cache_gives_the_same_features_without_a_pass(tmp_path):
    net, calls = _net(), []
    net.register_forward_pre_hook(functools.partial(_count, calls))
    rows, source = Rows.load(_images()), Rows.load(_images(1))
    given = {"source": source, "batch_size": 5, "cache_dir": tmp_path / "cache"}
    (first,) = extract(Candidate(net, key="net-1"), rows, **given)
    done = len(calls)
    (second,) = extract(Candidate(net, key="net-1"), rows, **given)
    assert (done, len(calls)) == (6, 6)
    assert (first.cached, second.cached) == (False, True)
    assert list(first.layers) == list(second.layers)
    for name, values in first.layers.items():
        np.testing.assert_array_equal(values, second.layers[name])
        np.testing.assert_array_equal(first.source_layers[name], second.source_layers[name])
    np.testing.assert_array_equal(first.head_probabilities, second.head_probabilities)
    assert first.notices == second.notices
    assert (first.n_parameters, first.head_classes) == (second.n_parameters, second.head_classes)


def _count(calls, *_):
    calls.append(1)


def _images(seed=0, n=12):
    draw = np.random.default_rng(seed)
    return draw.integers(0, 256, size=(n, 6, 6, 3)).astype(np.uint8)


def _net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        net.add_module("fc", nn.Linear(4, 3))
        return net


def _cached(folder, rows=None, net=None, **words):
    net = _net() if net is None else net
    rows = Rows.load(_images()) if rows is None else rows
    (found,) = extract(Candidate(net, **words), rows, cache_dir=folder)
    return found.cached


def _other_weights():
    net = _net()
    net[0].weight.data[0, 0, 0, 0] += 1e-3
    return net


def _other_stride():
    net = _net()
    net[0].stride = (2, 2)
    return net


SCALE = 2.0


def _scaled(batch):
    return torch.from_numpy(batch).permute(0, 3, 1, 2).float() * SCALE


def test_the_cache_forgets_when_anything_that_counts_has_changed(tmp_path, monkeypatch):
    assert not _cached(tmp_path)
    assert _cached(tmp_path)
    assert _cached(tmp_path, rows=Rows.load(_images(), labels=range(12), name="renamed"))
    changes = [
        {"rows": Rows.load(_images(seed=1))}, {"rows": Rows.load(_images()[::-1])},
        {"rows": Rows.load(_images(), size=5)}, {"net": _other_weights()},
        {"net": _other_stride()}, {"layers": ["0"]}, {"head": False}, {"pooling": "cls"},
        {"preprocess": _scaled},
    ]  # fmt: skip
    for change in changes:
        assert not _cached(tmp_path, **change), change
        assert _cached(tmp_path, **change), change
    monkeypatch.setattr(f"{__name__}.SCALE", 3.0)  # what the preprocessing refers to
    assert not _cached(tmp_path, preprocess=_scaled)


def test_untrained_copies_are_kept_by_their_seed(tmp_path):
    rows = Rows.load(_images())
    for key in (None, "mine"):
        net = Candidate(_net(), key=key)
        every = [net, net.untrained(0), net.untrained(1), net.untrained(0)]
        found = [extract(one, rows, cache_dir=tmp_path)[0].cached for one in every]
        assert found == [False, False, False, True]


@pytest.mark.parametrize("damage", ["cut", "pickle", "other", "nothing"])
def test_a_damaged_file_is_computed_again_with_a_notice(damage, tmp_path):
    _cached(tmp_path)
    (file,) = tmp_path.iterdir()
    data = file.read_bytes()
    if damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "nothing":
        file.write_bytes(b"")
    elif damage == "pickle":
        np.savez(file, told=np.array([{}], dtype=object))
    else:
        told = {"key": "another", "layers": ["0"], "notices": []}
        told = np.frombuffer(json.dumps(told).encode(), np.uint8)
        np.savez(file, told=told, layer_0=np.ones((12, 4), dtype=np.float32))
    (found,) = extract(_net(), Rows.load(_images()), cache_dir=tmp_path)
    assert not found.cached
    assert any("damaged file" in notice for notice in found.notices)
    assert _cached(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1  # nothing half written is left


def test_what_cannot_be_read_is_not_kept(tmp_path):
    generator = torch.Generator()

    def encode(batch):
        return batch.mean((1, 2)) + 0 * generator.initial_seed()

    rows = Rows.load(_images())
    (found,) = extract({"f": encode}, rows, cache_dir=tmp_path)
    assert any("give it a key=" in notice for notice in found.notices)
    assert list(tmp_path.iterdir()) == []
    assert not extract(Candidate(encode, key="mine"), rows, cache_dir=tmp_path)[0].cached
    assert extract(Candidate(encode, key="mine"), rows, cache_dir=tmp_path)[0].cached


def test_functions_are_known_by_all_they_refer_to():
    def make(factor, net):
        return lambda batch: [net(row) * factor for row in batch]

    net = _net()
    prints = [fingerprint(f) for f in (make(1, net), make(1, _net()), make(2, net))]
    assert prints[0] == prints[1] is not None
    assert prints[0] != prints[2]
    net[0].bias.data += 1
    assert fingerprint(make(1, net)) != prints[0]
    assert fingerprint(torch.Generator()) is None
    assert fingerprint((1, "a")) != fingerprint((1, "b"))
    assert fingerprint(np.zeros((2, 3))) != fingerprint(np.zeros((3, 2)))


def test_a_cache_that_cannot_be_one(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=r"cache folder .* cannot be used"):
        extract(_net(), Rows.load(_images()), cache_dir=tmp_path / "file")


def _objects(p):
    return saved(p, low=np.array([[1, {}]], dtype=object))


def _text(p):
    return saved(p, low=np.array([["a", "b"]]))


def _nan(p):
    return saved(p, low=np.where(np.arange(36).reshape(N, 3) == 4, np.nan, LOW))


def _cut(p):
    path = saved(p, low=LOW, high=HIGH)
    path.write_bytes(path.read_bytes()[:300])
    return path


def _lists(p):
    frame = pd.DataFrame({"deep": [[1.0, 2.0], [1.0]]})
    frame.to_parquet(p / "f.parquet")
    return p / "f.parquet"


def _not_parquet(p):
    (p / "f.parquet").write_bytes(b"PAR1 no")
    return p / "f.parquet"


def _no_archive(p):
    (p / "f.npz").write_bytes(b"hello")
    return p / "f.npz"


HOSTILE = {
    "no archive": (_no_archive, None, "no NumPy file or is damaged"),
    "missing": (lambda p: p / "none.npz", None, "does not exist"),
    "cut": (_cut, None, "is damaged"),
    "no parquet": (_not_parquet, None, "no parquet file or is damaged"),
    "objects": (_objects, None, "pickled objects in entry 'low'"),
    "text": (_text, None, "save features as numbers"),
    "nan": (_nan, None, "NaN or infinite values in the entry 'low', in 1 row"),
    "beyond float32": (lambda p: saved(p, low=LOW * 1e300), None, "NaN or infinite"),
    "four axes": (lambda p: saved(p, low=np.ones((N, 2, 2, 2))), None, "averaged over places"),
    "only labels": (lambda p: saved(p, y=Y, z=Y), None, "holds no features"),
    "empty": (lambda p: saved(p), None, "holds no features"),
    "other counts": (lambda p: saved(p, low=LOW, high=HIGH[:5]), None, "12 rows in 'low'"),
    "labels": (lambda p: saved(p, low=LOW, y=Y[:3]), None, "entry 'y' of shape .3,."),
    "no probabilities": (lambda p: saved(p, low=LOW, probs=LOW), None, "that are none"),
    "classes": (lambda p: saved(p, low=LOW, probs=PROBS, classes=np.array(["a"])), None,
                "4 columns in its head but 1 class name"),
    "source of which": (lambda p: saved(p, low=LOW, high=HIGH, source_features=SOURCE), None,
                        "without saying of which"),
    "source width": (lambda p: saved(p, low=LOW, source_features=SOURCE), None, "5 columns in"),
    "source labels": (lambda p: saved(p, high=HIGH, source_features=SOURCE, source_labels=Y), None,
                      "'source_labels' of shape"),
    "row count": (lambda p: saved(p, low=LOW), Rows.of_features(5), "12 rows, but 'rows' has 5"),
    "ids": (lambda p: saved(p, low=LOW, ids=IDS), Rows.of_features(2, ids=["r0", "zz"]), "'zz'"),
    "ids twice": (lambda p: saved(p, low=LOW, ids=np.repeat("a", N)),
                  Rows.of_features(1, ids=["a"]), "same id on more than one row"),
    "other labels": (lambda p: saved(p, low=LOW, y=Y), Rows.of_features(N, labels=sorted(Y)),
                     "differ from those of 'rows' in 6 rows of 12"),
    "uneven lists": (_lists, None, "lists of different lengths"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_get_one_sentence(case, tmp_path):
    make, rows, words = HOSTILE[case]
    path = make(tmp_path)
    with pytest.raises(InputError, match=words) as caught:
        extract(path, rows)
    sentence = str(caught.value)
    assert sentence.startswith("candidate '")
    assert sentence.isprintable()


def test_an_unknown_layer_of_a_file(tmp_path):
    with pytest.raises(InputError, match=r"no layer 'lo' \(did you mean 'low'\?\)"):
        extract(Candidate(saved(tmp_path, low=LOW), layers=["lo"]), None)
