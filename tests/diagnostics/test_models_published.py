"""Networks by name: what the packages are asked for, shown on stand-ins; none is downloaded."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from negtransfer.diagnostics.errors import InputError
from negtransfer.diagnostics.models import Candidate, Rows, extract

IMAGES = Rows.load(np.random.default_rng(0).integers(0, 256, (5, 10, 10, 3)).astype(np.uint8))
TEXTS = Rows.load(["one two", "three"])


def net():
    made = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    made.add_module("fc", nn.Linear(4, 3))
    return made


def module(name, **members):
    made = ModuleType(name)
    made.__dict__.update(members)
    return made


@pytest.fixture
def timm(monkeypatch):
    asked = []

    def create_model(name, pretrained):
        asked.append((name, pretrained))
        return net()

    def config(model):
        return {"input_size": (3, 6, 8), "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.1)}

    data = module("timm.data", resolve_model_data_config=config)
    fake = module(
        "timm", create_model=create_model, is_model=lambda n: n == "tiny",
        list_models=lambda: ["tiny"], data=data,
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "timm", fake)
    monkeypatch.setitem(sys.modules, "timm.data", data)
    return asked


def test_timm_networks_see_images_as_they_were_trained_on(timm):
    shapes = []
    hook = nn.modules.module.register_module_forward_pre_hook(
        lambda m, x: shapes.append(x[0]) if isinstance(m, nn.Conv2d) else None
    )
    try:
        (found,) = extract("timm:tiny.weights", IMAGES)
    finally:
        hook.remove()
    assert timm == [("tiny.weights", True)]
    assert (found.name, found.kind, found.head_probabilities.shape) == (
        "timm:tiny.weights", "network", (5, 3),
    )  # fmt: skip
    assert shapes[0].shape == (5, 3, 6, 8)
    pixels = Rows.load(IMAGES.take(range(5)), size=(6, 8)).take(range(5)) / 255
    expected = (pixels - np.array([0.5, 0.4, 0.3])) / np.array([0.2, 0.2, 0.1])
    np.testing.assert_allclose(shapes[0].permute(0, 2, 3, 1), expected, atol=1e-5)


def test_untrained_copies_of_published_networks(timm):
    (found,) = extract(Candidate("timm:tiny").untrained(), IMAGES)
    assert found.name == "timm:tiny (untrained)"
    assert found.head_probabilities is None


def test_a_network_timm_does_not_know(timm):
    with pytest.raises(InputError, match=r"no network that timm knows \(did you mean 'tiny'\?\)"):
        extract("timm:tinny", IMAGES)


def test_torchvision_networks_come_with_their_classes(monkeypatch):
    shown = SimpleNamespace(crop_size=[7], mean=(0.5,) * 3, std=(0.5,) * 3)
    weights = SimpleNamespace(transforms=lambda: shown, meta={"categories": ["a", "b", "c"]})
    models = module(
        "torchvision.models", list_models=lambda: ["resnet1"],
        get_model=lambda name, weights: net(),
        get_model_weights=lambda name: SimpleNamespace(DEFAULT=weights),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "torchvision", module("torchvision", models=models))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    (found,) = extract("torchvision:resnet1", IMAGES)
    assert found.head_classes == ("a", "b", "c")
    with pytest.raises(InputError, match="did you mean 'resnet1'"):
        extract("torchvision:resnt1", IMAGES)


def test_transformers_read_texts_through_their_tokenizer(monkeypatch):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(50, 6)

        def forward(self, input_ids, attention_mask):
            return {"last_hidden_state": self.embed(input_ids)}

    def tokenizer(batch, padding, truncation, return_tensors):
        assert (padding, truncation, return_tensors) == (True, True, "pt")
        return {"input_ids": torch.ones(len(batch), 3).long(),
                "attention_mask": torch.ones(len(batch), 3).long()}  # fmt: skip

    def from_pretrained(name, use_safetensors):
        assert use_safetensors  # the older files of weights are pickles
        return Model()

    fake = module(
        "transformers",
        AutoModel=SimpleNamespace(from_pretrained=from_pretrained),
        AutoTokenizer=SimpleNamespace(from_pretrained=lambda name: tokenizer),
    )
    monkeypatch.setitem(sys.modules, "transformers", fake)
    (found,) = extract("hf:org/name", TEXTS)
    assert {v.shape for v in found.layers.values()} == {(2, 6)}
    with pytest.raises(InputError, match="understands texts or images"):
        extract("hf:org/name", Rows.load(np.eye(3)))


@pytest.mark.parametrize("name", ["timm:x", "torchvision:x", "hf:x"])
def test_a_package_that_is_missing_is_named(name, monkeypatch):
    package = {"timm": "timm", "torchvision": "torchvision", "hf": "transformers"}
    wanted = package[name.partition(":")[0]]
    for module_name in (wanted, f"{wanted}.models"):
        monkeypatch.setitem(sys.modules, module_name, None)
    with pytest.raises(InputError, match=f"pip install {wanted}") as caught:
        extract(name, IMAGES)
    assert str(caught.value).startswith(f"candidate {name!r} needs the package")


def test_a_download_that_fails_is_one_sentence(timm, monkeypatch):
    def fails(name, pretrained):
        raise OSError("no route\nto host")

    monkeypatch.setattr(sys.modules["timm"], "create_model", fails)
    with pytest.raises(InputError, match=r"cannot be loaded \(OSError: 'no route'\)"):
        extract("timm:tiny", IMAGES)


def test_images_without_pillow(monkeypatch, tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(InputError, match=r"needs the package pillow.*pip install pillow"):
        Rows.load(tmp_path)
