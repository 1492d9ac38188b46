"""A small network, trained on the source and taken on to the target.

Float64 on the processor, its own generator, fixed numbers of steps: the same rows and seed
give the same network, and no global state is touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

    from ..learners import Predictor
    from ._base import Training

Floats = NDArray[np.float64]

HIDDEN = 32
SOURCE_STEPS, TARGET_STEPS = 600, 300
BATCH = 64
SOURCE_RATE, TARGET_RATE = 1e-2, 3e-3
DECAY = 1e-3
TITLE = f"{HIDDEN} rectified units"


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Weights (body, body bias, head, head bias) and the units of a quantity."""

    weights: tuple[torch.Tensor, ...]
    level: float
    spread: float

    def features(self, X: Floats) -> Floats:
        """Return the hidden units."""
        import torch

        with torch.no_grad():
            found: Floats = _hidden(self.weights, torch.from_numpy(np.ascontiguousarray(X))).numpy()
        return found

    def predictor(self, n_classes: int) -> Predictor:
        """Return a predictor of probabilities or quantities."""
        import torch

        def predict(rows: Floats) -> Floats:
            with torch.no_grad():
                out = _forward(self.weights, torch.from_numpy(np.ascontiguousarray(rows)))
                if n_classes:
                    proba: Floats = torch.softmax(out, dim=1).numpy()
                    return proba
                value: Floats = out[:, 0].numpy() * self.spread + self.level
            return value

        return predict


def source_network(training: Training) -> Network:
    """Return the network trained on the source, the same for every fold."""
    found: Network = training.memo.get("network", lambda: _from_source(training))
    return found


def _from_source(training: Training) -> Network:
    import torch

    X, y, seed = training.source_X, training.source_y, training.memo.seed
    level, spread = 0.0, 1.0
    if training.n_classes == 0:
        level, spread = float(y.mean()), float(y.std()) or 1.0
    draw = torch.Generator().manual_seed(seed % 2**63)
    n_out = max(training.n_classes, 1)

    def random(n_in: int, n_out: int) -> torch.Tensor:
        drawn: torch.Tensor = torch.randn(n_in, n_out, generator=draw, dtype=torch.float64)
        return drawn.mul_((2 / n_in) ** 0.5)

    weights = (
        random(X.shape[1], HIDDEN), torch.zeros(HIDDEN, dtype=torch.float64),
        0.1 * random(HIDDEN, n_out), torch.zeros(n_out, dtype=torch.float64),
    )  # fmt: skip
    start = Network(weights, level, spread)
    return train(start, X, y, training.n_classes, seed, steps=SOURCE_STEPS, rate=SOURCE_RATE)


def train(
    network: Network,
    X: Floats,
    y: NDArray[Any],
    n_classes: int,
    seed: int,
    *,
    steps: int = TARGET_STEPS,
    rate: float = TARGET_RATE,
    towards: Sequence[torch.Tensor] | None = None,
    pull: float = 0.0,
) -> Network:
    """Return the network after Adam steps on batches, the rate falling to 0.

    The penalty is ``pull``/2 |w - towards|^2, or ``DECAY``/2 |w|^2 without `towards`.
    """
    import torch

    inputs = torch.from_numpy(np.ascontiguousarray(X))
    answer = torch.from_numpy(
        np.asarray(y, dtype=np.int64) if n_classes else (y - network.level) / network.spread
    )
    weights = [w.clone().requires_grad_(True) for w in network.weights]
    optimiser = torch.optim.Adam(weights, lr=rate)
    rng = np.random.default_rng([seed, 64])
    for step, batch in enumerate(_batches(len(y), steps, rng)):
        for group in optimiser.param_groups:
            group["lr"] = rate * (1 - step / steps)
        rows = torch.from_numpy(batch)
        out = _forward(weights, inputs[rows])
        if n_classes:
            loss = torch.nn.functional.cross_entropy(out, answer[rows])
        else:
            loss = ((out[:, 0] - answer[rows]) ** 2).mean()
        if towards is None:
            loss = loss + DECAY / 2 * sum((w**2).sum() for w in weights)
        else:
            away = zip(weights, towards, strict=True)
            loss = loss + pull / 2 * sum(((w - w0) ** 2).sum() for w, w0 in away)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return Network(tuple(w.detach() for w in weights), network.level, network.spread)


def with_head(network: Network, head: Floats) -> Network:
    """Return the same body under another head, of shape (HIDDEN + 1, outputs)."""
    import torch

    body = network.weights[:2]
    last = (torch.from_numpy(head[:-1].copy()), torch.from_numpy(head[-1].copy()))
    return Network((*body, *last), network.level, network.spread)


def _batches(n: int, steps: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    size = min(n, BATCH)
    rounds = -(-steps * size // n)
    order = np.concatenate([rng.permutation(n) for _ in range(rounds)])
    return [order[i * size : (i + 1) * size] for i in range(steps)]


def _hidden(weights: Sequence[torch.Tensor], X: torch.Tensor) -> torch.Tensor:
    hidden: torch.Tensor = (X @ weights[0] + weights[1]).relu()
    return hidden


def _forward(weights: Sequence[torch.Tensor], X: torch.Tensor) -> torch.Tensor:
    return _hidden(weights, X) @ weights[2] + weights[3]
