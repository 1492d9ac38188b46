"""From networks to features: one pass, whatever the layers, and the network left as it was."""

import numpy as np
import pytest
import torch
from torch import nn

from negtransfer.diagnostics.errors import InputError
from negtransfer.diagnostics.models import Candidate, Rows, extract, extract_each, random_copy


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Counting(nn.Module):
    """A network that counts its passes and the rows it has seen."""

    def __init__(self, *layers):
        super().__init__()
        self.body = nn.Sequential(*layers)
        self.calls, self.rows = 0, 0

    def forward(self, x):
        self.calls += 1
        self.rows += len(x)
        return self.body(x)


def images(n=40, side=8, seed=0):
    draw = np.random.default_rng(seed)
    return draw.integers(0, 256, size=(n, side, side, 3)).astype(np.uint8)


def seeded(make, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def small_net():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True),
        nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Dropout(), nn.Linear(6, 5),
    )  # fmt: skip


@pytest.mark.parametrize("layers", ["auto", "one", "all"])
def test_ten_thousand_images_pass_once_whatever_the_layers(layers):
    """Twelve layers cost as many forward passes as one."""
    parts = [nn.AvgPool2d(4), nn.Flatten()]
    parts += [nn.Linear(12, 12) for _ in range(12)]
    net = seeded(lambda: Counting(*parts))
    names = [f"body.{i}" for i in range(2, 14)]
    wanted = {"auto": "auto", "one": names[5:6], "all": names}[layers]
    rows = Rows.load(images(10_000))
    (found,) = extract(Candidate(net, layers=wanted), rows, batch_size=250)
    assert (net.calls, net.rows) == (40, 10_000)
    assert len(found.layers) == {"auto": 8, "one": 1, "all": 12}[layers]
    assert all(len(values) == 10_000 for values in found.layers.values())


def test_layers_are_what_the_network_gives_by_hand():
    net = seeded(small_net).eval()
    rows = Rows.load(images())
    names = ["0", "2", "penultimate", "output"]
    (found,) = extract(Candidate(net, layers=names, head=False), rows, batch_size=7)
    with torch.no_grad():
        x = torch.from_numpy(images()).permute(0, 3, 1, 2).float() / 255
        first = net[0](x)
        second = net[2](net[1](first.clone()))
        last = net[:8](x)
        by_hand = [first.mean((2, 3)), second.mean((2, 3)), last, net[8](last)]
    for name, expected in zip(names, by_hand, strict=True):
        np.testing.assert_allclose(found.layers[name], expected, atol=1e-6)
        assert found.layers[name].dtype == np.float32


def test_an_activation_in_place_does_not_change_the_layer_before():
    net = seeded(lambda: nn.Sequential(nn.Linear(4, 3), nn.ReLU(inplace=True)))
    rows = Rows.load(np.random.default_rng(0).normal(size=(20, 4)))
    (found,) = extract(Candidate(net, layers=["0", "1"]), rows)
    assert found.layers["0"].min() < 0
    np.testing.assert_array_equal(found.layers["0"].clip(0), found.layers["1"])


@pytest.mark.parametrize("batch_size", [1, 3, 40, 1000])
def test_the_size_of_batches_does_not_matter(batch_size):
    net = seeded(small_net)
    rows = Rows.load(images())
    (expected,) = extract(net, rows)
    (found,) = extract(net, rows, batch_size=batch_size)
    assert list(found.layers) == list(expected.layers)
    for name, values in expected.layers.items():
        np.testing.assert_allclose(found.layers[name], values, atol=1e-6)


def test_auto_takes_blocks_and_the_penultimate_and_leaves_the_head_to_itself():
    net = seeded(lambda: nn.Sequential())
    net.add_module("stem", nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()))
    net.add_module("block1", nn.Sequential(nn.Conv2d(4, 5, 3), nn.ReLU()))
    net.add_module("block2", nn.Sequential(nn.Conv2d(5, 7, 3), nn.ReLU()))
    net.add_module("pool", nn.AdaptiveAvgPool2d(1))
    net.add_module("flat", nn.Flatten())
    net.add_module("drop", nn.Dropout())
    net.add_module("fc", nn.Linear(7, 10))
    (found,) = extract(net, Rows.load(images()))
    assert list(found.layers) == ["stem", "block1", "penultimate"]  # block2 pooled is the same
    assert found.head_probabilities.shape == (40, 10)
    np.testing.assert_allclose(found.head_probabilities.sum(axis=1), 1, rtol=1e-5)
    assert any("'fc', which is taken as the head of 10" in n for n in found.notices)
    (encoder,) = extract(Candidate(net, head=False), Rows.load(images()))
    assert list(encoder.layers) == ["stem", "block1", "penultimate", "output"]
    assert encoder.head_probabilities is None


def test_auto_opens_what_holds_most_of_the_network():
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 10, enable_nested_tensor=False
    )
    net = nn.Sequential(nn.Linear(4, 16), nn.Unflatten(1, (4, 4)), nn.Linear(4, 16), encoder)
    rows = Rows.load(np.random.default_rng(0).normal(size=(12, 4)))
    (found,) = extract(net, rows)
    assert list(found.layers)[-1] == "3.layers.9"
    assert len(found.layers) == 8
    assert sum(name.startswith("3.layers.") for name in found.layers) >= 6


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_was(training):
    net = seeded(small_net)
    net.train(training)
    net[1].eval()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    extract(net, Rows.load(images()))
    assert net[0].training is training
    assert net[1].training is False
    assert all(v.equal(before[k]) for k, v in net.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


def test_the_network_is_left_as_it_was_when_interrupted():
    net = seeded(small_net).train()

    def stop(stage, done, total):
        assert stage == "features of 'Sequential' on 'rows'"
        assert (done, total) == (16, 40)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(net, Rows.load(images()), batch_size=16, progress=stop)
    assert net.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


def test_spatial_outputs_tokens_and_time():
    class Shapes(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1d, self.norm = nn.Conv1d(4, 6, 1), nn.LayerNorm(5)
            self.last = nn.Identity()

        def forward(self, x):
            line = self.conv1d(x[:, :, None].expand(-1, -1, 9))
            tokens = self.norm(x[:, :, None].expand(-1, -1, 5) * torch.arange(5.0))
            self.last(tokens.reshape(len(x), 2, 2, 5))
            return line, tokens

    net = seeded(Shapes).eval()
    rows = Rows.load(np.random.default_rng(0).normal(size=(10, 4)))
    names = ["conv1d", "norm", "last"]
    (mean,) = extract(Candidate(net, layers=names), rows)
    (cls,) = extract(Candidate(net, layers=["norm"], pooling="cls"), rows)
    assert [v.shape[1] for v in mean.layers.values()] == [6, 5, 5]
    with torch.no_grad():
        line, tokens = net(torch.from_numpy(rows.take(range(10))))
    np.testing.assert_allclose(mean.layers["conv1d"], line.mean(2), atol=1e-6)
    np.testing.assert_allclose(mean.layers["norm"], tokens.mean(1), atol=1e-6)
    np.testing.assert_allclose(mean.layers["last"], tokens.mean(1), atol=1e-6)  # channels last
    np.testing.assert_allclose(cls.layers["norm"], tokens[:, 0], atol=1e-6)


def test_padding_does_not_count():
    """Features of a text do not depend on the longer texts beside it."""

    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(100, 8)

        def forward(self, input_ids, attention_mask):
            return {"last_hidden_state": self.embed(input_ids)}

    def tokens(batch):
        ids = [[len(w) for w in text.split()] for text in batch]
        longest = max(map(len, ids))
        padded = torch.tensor([i + [99] * (longest - len(i)) for i in ids])
        return {"input_ids": padded, "attention_mask": (padded != 99).long()}

    net = seeded(Words)
    rows = Rows.load(["a b", "one two three four", "x", "much longer than all of the others"])
    candidate = Candidate(net, preprocess=tokens, layers=["output"])
    (alone,) = extract(candidate, rows, batch_size=1)
    (together,) = extract(candidate, rows, batch_size=4)
    np.testing.assert_allclose(alone.layers["output"], together.layers["output"], atol=1e-6)


def test_encoders_are_functions_of_a_batch():
    def encode(batch):
        values = batch.reshape(len(batch), -1).astype(float)
        return {"low": values[:, :5], "high": torch.tensor(values), "logits": values[:, :3]}

    rows = Rows.load(images(9))
    (found,) = extract({"mine": encode}, rows, batch_size=4)
    assert (found.name, found.kind, found.n_parameters) == ("mine", "encoder", None)
    flat = images(9).reshape(9, -1)
    np.testing.assert_array_equal(found.layers["high"], flat)
    np.testing.assert_array_equal(found.layers["low"], flat[:, :5])
    assert found.head_probabilities.shape == (9, 3)
    (one,) = extract(Candidate(encode, layers=["low"]), rows)
    assert list(one.layers) == ["low"]


def test_a_head_may_be_a_layer_or_a_function():
    net = seeded(small_net).eval()
    rows = Rows.load(images())
    names = [f"c{i}" for i in range(5)]
    layer = Candidate(net, head="8", classes=names, layers=["penultimate"], name="layer")
    function = Candidate(
        net, head=lambda f: net[8](torch.from_numpy(f)).detach(), layers=["penultimate"], name="f"
    )
    a, b = extract([layer, function], rows)
    np.testing.assert_allclose(a.head_probabilities, b.head_probabilities, atol=1e-6)
    assert (a.head_classes, b.head_classes) == (tuple(names), None)
    assert list(a.layers) == ["penultimate"]


def test_source_rows_pass_through_the_same_layers():
    net = seeded(small_net)
    target, source = Rows.load(images(20)), Rows.load(images(11, seed=1), labels=range(11))
    (both,) = extract(net, target, source=source)
    assert list(both.source_layers) == list(both.layers)
    assert {len(v) for v in both.source_layers.values()} == {11}
    assert both.source_labels.tolist() == list(range(11))
    (own,) = extract(Candidate(net, source=source), target)
    for name, values in both.source_layers.items():
        np.testing.assert_array_equal(values, own.source_layers[name])


def test_random_copies_keep_the_scale_and_leave_everything_else_alone():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.norm = nn.Linear(6, 4), nn.BatchNorm1d(4)
            self.token = nn.Parameter(torch.arange(12.0))
            self.norm.running_mean += 3

        def forward(self, x):
            return self.norm(self.fc(x)) + self.token[:4]

    net = seeded(Odd)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    state = torch.random.get_rng_state()
    copies = [random_copy(net, seed) for seed in (0, 0, 1)]
    assert torch.random.get_rng_state().equal(state)
    assert all(v.equal(before[k]) for k, v in net.state_dict().items())
    one, same, other = (c.state_dict() for c in copies)
    assert all(v.equal(same[k]) for k, v in one.items())
    for name in ("fc.weight", "fc.bias", "token"):
        assert not one[name].equal(before[name])
        assert not one[name].equal(other[name])
    assert one["token"].sort().values.equal(before["token"])  # shuffled: no rule to draw it by
    assert one["norm.running_mean"].eq(0).all()
    assert one["norm.weight"].eq(1).all()


def test_batch_normalisation_of_an_untrained_copy_is_calibrated():
    """Its running statistics fit the rows, whatever scale they come in."""
    net = seeded(lambda: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 2)))
    rows = Rows.load(np.random.default_rng(0).normal(50, 20, size=(100, 4)))
    (found,) = extract(Candidate(net, layers=["1"]).untrained(3), rows)
    assert (found.name, list(found.layers)) == ("Sequential (untrained)", ["1"])
    np.testing.assert_allclose(found.layers["1"].mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(found.layers["1"].std(axis=0), 1, atol=0.05)
    assert found.head_probabilities is None


def test_an_untrained_copy_is_read_at_the_layers_of_the_trained():
    rows, candidate = Rows.load(images()), Candidate(seeded(small_net))
    (trained,) = extract(candidate, rows)
    (untrained,) = extract(candidate.untrained(layers=trained.layers), rows)
    assert list(untrained.layers) == list(trained.layers)


def test_a_calibration_is_one_pass_more_over_few_rows():
    net = Counting(nn.Flatten(), nn.BatchNorm1d(192), nn.Linear(192, 3))
    seen = []
    net.register_forward_pre_hook(lambda _, x: seen.append(len(x[0])))
    extract(Candidate(net).untrained(), Rows.load(images(600)), batch_size=300)
    assert seen == [256, 300, 300]


def test_names_of_candidates():
    net = small_net()
    found = extract([net, net, Candidate(net, name="third")], Rows.load(images(4)))
    assert [f.name for f in found] == ["Sequential", "Sequential (2)", "third"]
    assert found[0].n_parameters == sum(p.numel() for p in net.parameters())


def test_each_is_lazy():
    done = []

    def encode(batch):
        done.append(len(batch))
        return batch

    each = extract_each({"a": encode, "b": encode}, Rows.load(np.eye(3)))
    assert done == []
    assert next(each).name == "a"
    assert done == [3]


class Raises(nn.Module):
    def forward(self, x):
        raise RuntimeError("no\nmore \x1b[31m today")


class Lists(nn.Module):
    def __init__(self):
        super().__init__()
        self.part = nn.Module()
        self.part.forward = lambda x: {"x": [1, 2]}
        self.dead = nn.Linear(2, 2)

    def forward(self, x):
        self.part(x)
        return x.flatten(1)


def bad_weights():
    net = nn.Sequential(nn.Flatten(), nn.Linear(192, 3))
    net[1].weight.data[1, 1] = float("nan")
    return net


def grows():
    sizes = iter([2, 3, 4, 5])
    return lambda batch: np.ones((len(batch), next(sizes)))


HOSTILE = {
    "another size": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(50, 3)),
                     r"failed on a batch of shape \(16, 3, 8, 8\) .*shapes cannot be multiplied"),
    "fails": (Raises, r"failed on .*\(RuntimeError: 'no'\)"),
    "nan": (bad_weights, r"NaN or infinite values in layer .* first of them '0' \(row 1\)"),
    "typo": (lambda: Candidate(small_net(), layers=["ouput"]), "no layer 'ouput' .did you mean"),
    "no layer": (lambda: Candidate(small_net(), layers=["x" * 500]), "has no layer 'xxx"),
    "no tensor": (lambda: Candidate(Lists(), layers=["part"]), "'part', which gives a dict"),
    "never runs": (lambda: Candidate(Lists(), layers=["dead"]), "'dead', which did not run"),
    "no penultimate": (lambda: Candidate(Lists(), layers=["penultimate"]), "no final linear"),
    "one for all": (lambda: Candidate(lambda x: np.ones((1, 3)), name="f"), "one entry for each"),
    "a scalar": (lambda: Candidate(lambda x: 3.0, name="f"), r"shape \(\) for a batch of 16"),
    "texts back": (lambda: Candidate(lambda x: ["a"] * len(x), name="f"), "not an array"),
    "nothing": (lambda: Candidate(lambda x: {}, name="f"), "returns no features"),
    "other widths": (lambda: Candidate(grows(), name="f"), "2 columns .* and 3 for another"),
    "infinite": (lambda: Candidate(lambda x: np.full((len(x), 2), 1e300), name="f"), "infinite"),
    "preprocess fails": (lambda: Candidate(small_net(), preprocess=lambda x: x.nothing),
                         "AttributeError"),
    "classes": (lambda: Candidate(small_net(), classes=["a"]), "5 columns in its head but 1"),
    "head fails": (lambda: Candidate(small_net(), head=lambda f: 1 / 0), "head that failed"),
    "head shape": (lambda: Candidate(small_net(), head=lambda f: f[:3]), "for 40 rows"),
    "too much": (lambda: Candidate(lambda x: np.ones((len(x), 50_000)), name="f"), "GiB allowed"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_models_get_one_sentence(case):
    make, words = HOSTILE[case]
    candidate = Candidate.of(make())
    with pytest.raises(InputError, match=words) as caught:
        extract(candidate, Rows.load(images()), batch_size=16, most_bytes=2**20)
    sentence = str(caught.value)
    assert sentence.startswith(f"candidate {candidate.name!r} ")
    assert sentence.isprintable()
    assert len(sentence) < 500


REFUSED = {
    "a number": (lambda: Candidate(3), "is of type 'int'"),
    "a class": (lambda: Candidate(nn.Linear), "is the class 'Linear'"),
    "a pickle": (lambda: Candidate("model.pt"), "never opened"),
    "a word": (lambda: Candidate("resnet18"), "timm:NAME"),
    "an address": (lambda: Candidate("https://x.org/a"), "timm:NAME"),
    "layers": (lambda: Candidate(small_net(), layers=3), "names of layers"),
    "no layers": (lambda: Candidate(small_net(), layers=[]), "names of layers"),
    "head": (lambda: Candidate(small_net(), head=3), "has 3 as head"),
    "preprocess": (lambda: Candidate(small_net(), preprocess="x"), "'x' as preprocess"),
    "pooling": (lambda: Candidate(small_net(), pooling="max"), "the pooling 'max'"),
    "untrained function": (lambda: Candidate(print).untrained(), "no untrained copy"),
    "none": (lambda: extract([], None), "no candidates"),
    "nothing": (lambda: extract(None, None), "of type 'NoneType'"),
    "twice": (lambda: extract([Candidate(print, name="a")] * 2, None), "2 candidates .* 'a'"),
    "no rows": (lambda: extract(small_net(), None), "needs rows"),
    "batch": (lambda: extract(small_net(), None, batch_size=0), "batch size is 0"),
    "device": (lambda: extract(small_net(), Rows.load(images()), device="abacus"), "'abacus'"),
    "texts": (lambda: extract(small_net(), Rows.load(["a", "b"])), "give preprocess="),
    "text columns": (lambda: extract(small_net(), Rows.load({"a": ["u", "v"]}, kind="table")),
                     "columns of text"),
    "features": (lambda: extract(small_net(), Rows.of_features(3)), "features only"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_be_no_candidate_is_refused(case):
    make, words = REFUSED[case]
    with pytest.raises(InputError, match=words) as caught:
        make()
    assert str(caught.value).isprintable()
