"""Real networks on real photographs: the extractor gives what the networks' own code gives."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from negtransfer.diagnostics.models import Candidate, Rows, extract

SHARED = Path(__file__).parents[3] / "shared" / "data"
NETWORKS = ("mnv1_025_imagenet", "mnv2_050_voc_seg")
PIXELS = 96

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def loaders():
    path = SHARED / "models" / "loaders.py"
    if not path.exists():
        pytest.skip("the shared networks and photographs are not beside this checkout")
    spec = importlib.util.spec_from_file_location("stored_network_loaders", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def photographs(loaders):
    file = SHARED / "vision_text" / "office_caltech10" / "dslr_jpeg.npz"
    return loaders.jpeg_images(file, PIXELS)


@pytest.fixture(scope="module")
def by_hand(loaders, photographs):
    """Return each network, and its features and logits by its own code, in one batch."""
    found = {}
    for name in NETWORKS:
        network = loaders.load(str(SHARED / "models" / f"{name}.npz"))
        features = network.features(network.preprocess(photographs[0].copy()))
        logits = network.logits(features) if network.meta["head"] else None
        found[name] = network, features.numpy(), logits
    return found


class Wrapped(nn.Module):
    """A stored network as a torch module, its last convolutional output as a layer."""

    def __init__(self, network):
        super().__init__()
        self.network, self.body = network, nn.Identity()

    def forward(self, x):
        return self.body(self.network.features(x, pool=False))


@pytest.mark.parametrize("name", NETWORKS)
def test_functions_and_modules_give_the_network_s_own_features(name, by_hand, photographs):
    network, features, logits = by_hand[name]
    images, y = photographs
    rows = Rows.load(images, labels=y)

    def encode(batch):
        return network.features(network.preprocess(batch))

    as_function = Candidate(
        encode, name=name,
        head=None if logits is None else lambda f: network.logits(torch.from_numpy(f)),
    )  # fmt: skip
    as_module = Candidate(
        Wrapped(network), name=f"{name} as a module", preprocess=network.preprocess, layers=["body"]
    )
    function, module = extract([as_function, as_module], rows, batch_size=32)
    scale = np.abs(features).max()
    np.testing.assert_allclose(function.layers["output"], features, atol=1e-5 * scale)
    np.testing.assert_allclose(module.layers["body"], features, atol=1e-5 * scale)
    if logits is not None:
        expected = torch.softmax(logits.double(), dim=1).numpy()
        np.testing.assert_allclose(function.head_probabilities, expected, atol=1e-5)


def test_a_folder_of_photographs_is_the_array_of_them(photographs, tmp_path):
    """Written without loss, the same photographs come back through the folder's door."""
    image = pytest.importorskip("PIL.Image")
    images, y = photographs
    for i, (picture, label) in enumerate(zip(images[:40], y[:40], strict=True)):
        place = tmp_path / f"class_{label}"
        place.mkdir(exist_ok=True)
        image.fromarray(picture).save(place / f"{i:04d}.png")
    rows = Rows.load(tmp_path)
    order = [int(name[-8:-4]) for name in rows.ids]
    np.testing.assert_array_equal(rows.take(range(40)), images[order])
    assert rows.labels.tolist() == [f"class_{y[i]}" for i in order]
    np.testing.assert_allclose(rows.raw(), Rows.load(images[order]).raw(), atol=1e-6)
