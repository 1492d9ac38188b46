"""Does fine-tuning change the picture? The smallest CIFAR network, tuned on a few labels.

    python -m benchmarks.networks.fine_tune --shared ../shared --cache FOLDER

For four image sets, with 5 and 20 labels a class: a linear probe on frozen features, fine-tuning of
all layers from the trained weights (head first, then all), and the same training from shuffled
weights, judged on the rows that no ranking sees.  One halving, one draw, 32 x 32 pixels.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from .features import load_images, read_loaders, resized, shuffled_weights
from .rank import drawn_rows
from .truth import full_probe, halves

NETWORK = "resnet20_cifar10"
EPOCHS, BATCH, RATE, WARM = 25, 50, 1e-3, 8
SETS = ("office_caltech10/amazon", "office_caltech10/webcam", "digits/mnist", "cifar10/test")


def forward(network: Any, images: Any) -> Any:
    """Return pooled features with gradients; the loader's own function has none."""
    return type(network).features.__wrapped__(network, images)


def tune(network: Any, images: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Train a new head, then everything, and return what is said of the test images."""
    import torch

    torch.manual_seed(0)
    weights = [w.requires_grad_() for w in network.w.values() if w.ndim == 4]
    x = network.preprocess(images)
    with torch.no_grad():
        wide = forward(network, x[:2]).shape[1]
    head = torch.nn.Linear(wide, int(y.max()) + 1)
    labels = torch.tensor(y)
    for epoch in range(WARM + EPOCHS):
        everything = epoch >= WARM
        if epoch in (0, WARM):
            chosen = [*head.parameters(), *(weights if everything else [])]
            optimiser = torch.optim.AdamW(chosen, RATE if everything else 1e-2, weight_decay=1e-2)
        for rows in torch.randperm(len(x)).split(BATCH):
            optimiser.zero_grad()
            batch = x[rows]
            if torch.rand(()) < 0.5:
                batch = batch.flip(3)
            torch.nn.functional.cross_entropy(
                head(forward(network, batch)), labels[rows]
            ).backward()
            optimiser.step()
    with torch.no_grad():
        parts = [
            head(forward(network, network.preprocess(test[i : i + 250]))).argmax(1)
            for i in range(0, len(test), 250)
        ]
    return torch.cat(parts).numpy()


PAGE = """# Frozen features, or fine-tuning?

Made by `python -m benchmarks.networks.fine_tune`: accuracy on up to 500 held-out images of the
smallest CIFAR-10 network, with a linear probe on its frozen features, fine-tuned (head first, then
all layers), and trained in the same way from shuffled weights. One halving, one draw of labels.

{table}
"""


def main() -> int:
    """Print one line an image set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--each", type=int, nargs="+", default=[5, 20], help="labels a class")
    import torch

    options = parser.parse_args()
    loaders = read_loaders(options.shared)
    torch.set_num_threads(1)
    path = str(options.shared / "data" / "models" / f"{NETWORK}.npz")
    head = ("image set", "labels a class", "linear probe", "fine-tuned",
            "same training, shuffled weights")  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "| --- | --- | --- | --- | --- |"]
    for each, name in ((each, name) for each in options.each for name in SETS):
        images, labels = load_images(options.shared, name)
        seen, judged = halves(labels, 0)
        rows = drawn_rows(labels, seen, each, [0, each, 0])
        small, test = resized(images[rows], 32), resized(images[judged[:500]], 32)
        truth = labels[judged[:500]]
        stem = name.replace("/", "__")
        kept = np.load(options.cache / f"{stem}__{NETWORK}__trained.npz")["features"]
        kept = kept.astype(np.float64)
        reached = [full_probe(kept[rows], labels[rows], kept[judged[:500]], truth)]
        for shuffle in (False, True):
            network = loaders.load(path)
            if shuffle:
                shuffled_weights(network)
            reached.append(float((tune(network, small, labels[rows], test) == truth).mean()))
        lines.append(f"| {name} | {each} | " + " | ".join(f"{v:.3f}" for v in reached) + " |")
        print(lines[-1], flush=True)
    (Path(__file__).parent / "FINE_TUNE.md").write_text(PAGE.format(table="\n".join(lines)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
