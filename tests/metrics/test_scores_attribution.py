"""Attribution maps of two models: do they look at the same parts of their inputs."""

from __future__ import annotations

import numpy as np
import pytest

from negtransfer.metrics.similarity.attribution_similarity import attribution_similarity

torch = pytest.importorskip("torch")
nn = torch.nn
BARE = {"n_permutations": 0, "n_draws": 0}


def seeded(make, seed=0):
    """Build a model from its own random state, leaving the global one alone."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def network(seed=0, outputs=3, columns=5):
    return seeded(
        lambda: nn.Sequential(nn.Linear(columns, 8), nn.ReLU(), nn.Linear(8, outputs)), seed
    ).double()


def convolution(seed=0, channels=3):
    def make():
        return nn.Sequential(
            nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(),
            nn.Linear(4 * 16, 5),
        )  # fmt: skip

    return seeded(make, seed).double()


def rows(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def by_hand(model, inputs, *, method, pick):
    """One row at a time, by ``backward``."""
    maps = []
    model.eval()
    for row in torch.tensor(inputs):
        row = row[None].requires_grad_(True)
        pick(model(row)).backward()
        found = row.grad.abs() if method == "saliency" else row.grad * row.detach()
        found = found.mean(dim=1) if found.ndim == 4 else found
        maps.append(found.flatten().numpy())
    return np.array(maps)


PICKS = {"sum": lambda out: out.sum(), "largest": lambda out: out.max(), 1: lambda out: out[0, 1]}


@pytest.mark.parametrize("target", PICKS)
@pytest.mark.parametrize("method", ["saliency", "gradient_input"])
@pytest.mark.parametrize("images", [False, True])
def test_the_mean_cosine_of_maps_made_one_by_one(method, target, images):
    inputs = rows(5, 3, 6, 6) if images else rows(11, 5)
    one, other = (convolution(0), convolution(1)) if images else (network(0), network(1, 4))
    found = attribution_similarity(
        one, other, inputs, method=method, target=target, batch_size=4, **BARE
    )
    a, b = (by_hand(m, inputs, method=method, pick=PICKS[target]) for m in (one, other))
    cosines = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    np.testing.assert_allclose(found.by_row, cosines, atol=1e-12)
    assert found.value == pytest.approx(cosines.mean(), abs=1e-12)


def test_linear_models_have_the_cosine_of_their_weights():
    one, other = (seeded(lambda: nn.Linear(6, 1), s).double() for s in (0, 1))
    a, b = (np.abs(m.weight.detach().numpy()[0]) for m in (one, other))
    expected = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    found = attribution_similarity(one, other, rows(9, 6), **BARE)
    assert found.value == pytest.approx(expected, abs=1e-12)


def test_a_target_for_each_row():
    inputs, wanted = rows(8, 5), np.array([0, 1, 2, 0, 1, 2, 0, 1])
    one, other = network(0), network(1)
    mixed = attribution_similarity(one, other, inputs, target=wanted, batch_size=3, **BARE)
    for output in range(3):
        alone = attribution_similarity(one, other, inputs, target=output, **BARE)
        chosen = wanted == output
        np.testing.assert_allclose(mixed.by_row[chosen], alone.by_row[chosen], atol=1e-12)
    lists = attribution_similarity(one, other, inputs, target=wanted.tolist(), **BARE)
    assert lists.value == pytest.approx(mixed.value, abs=1e-15)


def test_gradient_times_input_is_lrp_for_relu_layers_without_biases():
    """With ε to 0, relevance flows by shares of z: checked layer by layer."""
    model = seeded(
        lambda: nn.Sequential(nn.Linear(5, 40, bias=False), nn.ReLU(), nn.Linear(40, 2, bias=False))
    ).double()
    inputs = rows(6, 5)
    first, last = (model[k].weight.detach().numpy() for k in (0, 2))
    hidden = inputs @ first.T
    active = np.maximum(hidden, 0)
    upper = active * last.sum(axis=0)  # what each hidden unit adds to the sum of outputs
    share = np.divide(upper, hidden, out=np.zeros_like(upper), where=hidden > 0)
    lrp = inputs * (share @ first)
    other = network(1, columns=5)
    found = attribution_similarity(model, other, inputs, method="gradient_input", **BARE)
    b = by_hand(other, inputs, method="gradient_input", pick=PICKS["sum"])
    cosines = (lrp * b).sum(axis=1) / np.linalg.norm(lrp, axis=1) / np.linalg.norm(b, axis=1)
    np.testing.assert_allclose(found.by_row, cosines, atol=1e-10)


@pytest.mark.parametrize("method", ["saliency", "gradient_input"])
def test_a_model_is_at_one_with_itself_and_with_a_scaled_self(method):
    one, scaled = network(0), network(0)
    with torch.no_grad():
        scaled[2].weight *= 7.0
    for other in (one, scaled):
        found = attribution_similarity(one, other, rows(30, 5), method=method)
        assert found.value == pytest.approx(1.0, abs=1e-9)
        assert found.normalised == pytest.approx(1.0, abs=1e-9)


def test_symmetry_and_batches_do_not_matter():
    one, other, inputs = convolution(0), convolution(1), rows(10, 3, 6, 6)
    here = attribution_similarity(one, other, inputs, **BARE).value
    assert attribution_similarity(other, one, inputs, **BARE).value == pytest.approx(
        here, abs=1e-12
    )
    for size in (1, 3, 100):
        found = attribution_similarity(one, other, inputs, batch_size=size, **BARE).value
        assert found == pytest.approx(here, abs=1e-12)


def test_models_are_left_as_they_were():
    one, other = convolution(0), convolution(1)
    one.train()
    one[3].eval()  # one part frozen by itself
    other.eval()
    for parameter in other.parameters():
        parameter.requires_grad_(False)
    modes = [part.training for part in one.modules()]
    states = [{k: v.clone() for k, v in m.state_dict().items()} for m in (one, other)]
    random_state, gradients_on = torch.random.get_rng_state(), torch.is_grad_enabled()
    attribution_similarity(one, other, rows(10, 3, 6, 6))
    assert [part.training for part in one.modules()] == modes
    assert not any(part.training for part in other.modules())
    for model, state in zip((one, other), states, strict=True):
        assert all(p.grad is None for p in model.parameters())
        assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random_state)
    assert torch.is_grad_enabled() == gradients_on


def test_modes_are_restored_after_a_failure():
    model = network(0).train()
    with pytest.raises(ValueError, match="does not take inputs"):
        attribution_similarity(model, model, rows(8, 4))
    assert all(part.training for part in model.modules())


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_it_works_where_gradients_are_switched_off(off):
    one, other, inputs = network(0), network(1), rows(8, 5)
    expected = attribution_similarity(one, other, inputs, **BARE).value
    with off():
        found = attribution_similarity(one, other, torch.tensor(inputs), **BARE).value
    assert found == pytest.approx(expected, abs=1e-15)


def test_tensors_lists_and_other_types_of_numbers():
    one, other, inputs = network(0), network(1), rows(8, 5).astype(np.float32)
    expected = attribution_similarity(one, other, inputs, **BARE).value
    tensor = torch.tensor(inputs, requires_grad=True)
    for given in (inputs.tolist(), inputs.astype(np.float64), tensor):
        found = attribution_similarity(one, other, given, **BARE).value
        assert found == pytest.approx(expected, abs=1e-12)
    assert tensor.grad is None
    found = attribution_similarity(one.float(), other.float(), inputs, **BARE).value
    assert found == pytest.approx(expected, abs=1e-5)
    assert type(found) is float


def test_the_chance_level_compares_maps_of_different_inputs():
    """Two models that agree only in what all inputs share are at chance."""

    class Fixed(nn.Module):
        def forward(self, batch):
            return batch @ torch.arange(1.0, 6.0, dtype=batch.dtype)[:, None]

    class Own(nn.Module):
        def forward(self, batch):
            return (batch**2).sum(dim=1, keepdim=True)

    fixed = attribution_similarity(Fixed(), Fixed(), rows(40, 5))
    assert fixed.value == pytest.approx(1.0)
    assert fixed.normalised is None
    own = attribution_similarity(Own(), Own(), rows(40, 5))
    assert own.value == pytest.approx(own.normalised) == pytest.approx(1.0)
    assert own.p_value == pytest.approx(1 / 101)
    apart = attribution_similarity(Fixed(), Own(), rows(40, 5))
    assert abs(apart.normalised) < 1e-9


def test_seeds_give_one_answer():
    given = network(0), network(1), rows(20, 5)
    one, other = (
        attribution_similarity(*given, random_state=s) for s in (3, np.random.default_rng(3))
    )
    np.testing.assert_array_equal(one.chance.values, other.chance.values)
    assert one.interval == other.interval
    assert one.interval.low < one.value < one.interval.high
    attribution_similarity(*given, random_state=None)


# --- where there is no map, and what is refused


class Half(nn.Module):
    """Sees only rows whose first column is positive."""

    def forward(self, batch):
        return torch.relu(batch[:, :1]) * batch[:, 1:].abs().sum(dim=1, keepdim=True)


def test_inputs_without_a_map_are_left_out_and_counted():
    inputs = rows(20, 5)
    found = attribution_similarity(Half(), Half(), inputs)
    seen = inputs[:, 0] > 0
    assert found.n_rows == seen.sum()
    assert (np.isfinite(found.by_row) == seen).all()
    assert [c.name for c in found.cautions] == ["not defined"]
    assert f"{(~seen).sum()} of 20" in found.cautions[0].sentence


def test_no_map_at_all_gives_no_value():
    inputs = -np.abs(rows(20, 5))
    found = attribution_similarity(Half(), network(0), inputs)
    assert found.value is None
    assert found.reason.name == "not defined"
    assert found.chance is found.interval is found.normalised is None


class Rounds(nn.Module):
    def forward(self, batch):
        return batch.detach() * 2


class Ignores(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.ones(1))

    def forward(self, batch):
        return self.bias.expand(len(batch), 1)


class Pair(nn.Module):
    def forward(self, batch):
        return batch, batch


class Total(nn.Module):
    def forward(self, batch):
        return batch.sum()


class Broken(nn.Module):
    def forward(self, batch):
        return batch / 0.0


REFUSED = [
    (Rounds(), ValueError, "by a gradient"),
    (Ignores(), ValueError, "by a gradient"),
    (Pair(), TypeError, "must return one tensor"),
    (Total(), TypeError, "must return one tensor"),
    (Broken(), ValueError, "missing or infinite"),
    (network(0, columns=7), ValueError, r"does not take inputs of shape \(5,\)"),
    ("resnet", TypeError, "must be a torch.nn.Module"),
]


@pytest.mark.parametrize(("model", "kind", "words"), REFUSED)
def test_models_that_cannot_be_explained_are_refused(model, kind, words):
    good = network(0)
    with pytest.raises(kind, match=words) as fault:
        attribution_similarity(good, model, rows(8, 5))
    assert "second_model" in str(fault.value)
    with pytest.raises(kind, match="first_model"):
        attribution_similarity(model, good, rows(8, 5))


@pytest.mark.parametrize(
    ("inputs", "kind", "words"),
    [
        (np.arange(40).reshape(8, 5), TypeError, "floating-point"),
        (np.ones(8), ValueError, "a row for each input"),
        (rows(3, 5), ValueError, "at least 4"),
        (np.full((8, 5), np.nan), ValueError, "missing or infinite"),
    ],
)
def test_inputs_that_cannot_be_used_are_refused(inputs, kind, words):
    with pytest.raises(kind, match=words):
        attribution_similarity(network(0), network(1), inputs)


@pytest.mark.parametrize("target", [-1, 3, "mean", np.zeros(7, int), np.zeros(8), True])
def test_targets_that_no_model_has_are_refused(target):
    with pytest.raises(ValueError, match="`target`"):
        attribution_similarity(network(0), network(1), rows(8, 5), target=target)


def test_unknown_methods_are_refused():
    with pytest.raises(ValueError, match="`method` must be one of"):
        attribution_similarity(network(0), network(1), rows(8, 5), method="epsilon_lrp")
