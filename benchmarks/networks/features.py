"""Features of real pretrained networks on real images: computed once, kept, resumed.

    python -m benchmarks.networks.features --shared ../shared --cache FOLDER

Fifteen networks, nine sets of labelled images (four office domains, four kinds of digits,
CIFAR-10).  For every pair one file with the pooled features before the head, and the head's
class probabilities where the network has a head.  Per image set also the raw pixels, and the
features of the same architecture with the weights of every tensor shuffled: what a network gives
that has learned nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import itertools
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

IMAGE_SETS = (
    "office_caltech10/amazon", "office_caltech10/caltech", "office_caltech10/dslr",
    "office_caltech10/webcam", "digits/mnist", "digits/mnistm_style", "digits/optdigits",
    "digits/usps", "cifar10/test",
)  # fmt: skip
BATCH = 64


def image_sets() -> tuple[str, ...]:
    """Return the names of the image sets, as dataset/domain."""
    return IMAGE_SETS


def load_images(shared: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8 images (n, h, w, 3) and their classes."""
    folder = shared / "data" / "vision_text"
    packed = folder / f"{name}_jpeg.npz"
    if packed.exists():
        from PIL import Image

        stored = np.load(packed)
        bytes_, ends = stored["jpeg"], stored["offsets"]
        pictures = [
            np.asarray(Image.open(io.BytesIO(bytes_[a:b].tobytes())).convert("RGB"))
            for a, b in itertools.pairwise(ends)
        ]
        return np.stack(pictures), stored["y"].astype(np.int64)
    stored = np.load(folder / f"{name}.npz")
    images = stored["x"] if "x" in stored.files else stored["X"]
    if images.ndim == 3:
        images = np.repeat(images[..., None], 3, axis=3)
    return images.astype(np.uint8), stored["y"].astype(np.int64)


def resized(images: np.ndarray, size: int) -> np.ndarray:
    """Return the images at another size, bilinear."""
    from PIL import Image

    if images.shape[1] == size:
        return images
    return np.stack([
        np.asarray(Image.fromarray(one).resize((size, size), Image.Resampling.BILINEAR))
        for one in images
    ])  # fmt: skip


def size_for(model: str, images: np.ndarray) -> int:
    """Return the side length a network is shown: CIFAR networks 32, the others 96 to 144."""
    if model.startswith("resnet"):
        return 32
    return 128 if images.shape[1] >= 128 else 96


def raw_pixels(images: np.ndarray) -> np.ndarray:
    """Return 16 x 16 colour pixels as features, shape (n, 768)."""
    return resized(images, 16).reshape(len(images), -1).astype(np.float32) / 255


def read_loaders(shared: Path) -> Any:
    """Import the loaders that lie beside the stored networks."""
    path = shared / "data" / "models" / "loaders.py"
    spec = importlib.util.spec_from_file_location("stored_network_loaders", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shuffled_weights(network: Any, seed: int = 0) -> None:
    """Shuffle every weight tensor in place: same scales, nothing learned."""
    import torch

    draw = torch.Generator().manual_seed(seed)
    tensors = network.t if hasattr(network, "t") else network.w
    for name, tensor in tensors.items():
        if torch.is_tensor(tensor) and tensor.ndim >= 2:
            order = torch.randperm(tensor.numel(), generator=draw)
            tensors[name] = tensor.flatten()[order].reshape(tensor.shape)


def compute(network: Any, images: np.ndarray) -> dict[str, np.ndarray]:
    """Return pooled features, and the head's probabilities where there is a head."""
    import torch

    features, heads = [], []
    for start in range(0, len(images), BATCH):
        batch = network.preprocess(images[start : start + BATCH].copy())
        if hasattr(network, "run"):
            pooled, logits = network.run(batch)
            logits = logits.mean((2, 3)) if logits.ndim == 4 else logits
        else:
            pooled = network.features(batch)
            try:
                logits = network.logits(pooled)
            except ValueError:
                logits = None
        features.append(pooled.numpy())
        if logits is not None:
            heads.append(torch.softmax(logits.double(), dim=1).numpy().astype(np.float32))
    found = {"features": np.concatenate(features).astype(np.float32)}
    if heads:
        found["probabilities"] = np.concatenate(heads)
    return found


def main() -> int:
    """Compute what is not there yet."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.cache.mkdir(parents=True, exist_ok=True)
    loaders = read_loaders(options.shared)
    models = sorted((options.shared / "data" / "models").glob("*.npz"))
    for name in IMAGE_SETS:
        images, labels = load_images(options.shared, name)
        stem = name.replace("/", "__")
        np.savez(options.cache / f"{stem}.npz", y=labels, pixels=raw_pixels(images))
        for path in models:
            for kind in ("trained", "shuffled"):
                out = options.cache / f"{stem}__{path.stem}__{kind}.npz"
                if out.exists() or (kind == "shuffled" and not path.stem.startswith(CONTROLS)):
                    continue
                begin = time.process_time()
                network = loaders.load(str(path))
                if kind == "shuffled":
                    shuffled_weights(network)
                found = compute(network, resized(images, size_for(path.stem, images)))
                partial = out.with_suffix(".tmp.npz")
                np.savez(partial, **found)
                partial.rename(out)
                print(f"{out.name}: {time.process_time() - begin:.0f} s", flush=True)
    return 0


CONTROLS = ("mnv1_025", "mnv2_100_imagenet", "resnet20")
"""Networks whose shuffled copies are computed: one of each build."""

if __name__ == "__main__":
    sys.exit(main())
