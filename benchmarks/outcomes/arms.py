"""What is measured on which pairs: learners, strategies, numbers of labels, draws.

A stage is one such choice; stages are run in the order below, and each writes one file a pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negtransfer.diagnostics.learners import Learner, Predictor, default_learners
from negtransfer.diagnostics.strategies import STRATEGIES, Memo, Training
from negtransfer.diagnostics.strategies._network import TITLE, source_network

LABELS = (0, 10, 20, 50, 100, 200, 500, 1000)
FEW = (20, 100, 500)
DRAWS = 8
MORE_DRAWS, MOST_DRAWS = 16, 24
"""So that mean gaps are less noisy where pilots are held against them."""
PILOTED = (20, 50, 100, 200, 500, 1000)

CORE = (
    "target-only", "source-only", "source-recalibrated", "source-recalibrated-classes", "pooled",
    "pooled-equal-weight", "pooled-cv-weight", "stacking", "feature-augmentation",
    "hypothesis-residual",
)  # fmt: skip
USUAL = tuple(name for name in CORE if name != "pooled-cv-weight")
TREES = USUAL
"""A shared copy of a column means nothing to a tree, but feature augmentation is tried anyway."""
NETWORK = (
    "target-only", "source-only", "source-recalibrated", "source-recalibrated-classes", "pooled",
    "network-fine-tune", "network-probe-then-tune", "network-l2-sp",
)  # fmt: skip
WITHOUT_LABELS = ("source-only", "label-shift-em", "align-coral", "align-linear-ot")
FREE = tuple(name for name in WITHOUT_LABELS if name != "source-only")
MEDIUM = (
    "importance-classifier", "importance-least-squares", "reweight-tradaboost", "align-tca",
    "align-entropic-ot",
)  # fmt: skip
OTHERS = tuple(
    name for name, strategy in STRATEGIES.items() if strategy.cost == "cheap" and name not in CORE
)


@dataclass(frozen=True)
class Stage:
    """One choice of what to measure.

    Attributes
    ----------
    name : str
    learner : str
    strategies : tuple of str
        The target alone is always measured beside them.
    labels : tuple of int
    draws : range
    most_pairs : int
        Of each data set.
    """

    name: str
    learner: str
    strategies: tuple[str, ...]
    labels: tuple[int, ...]
    draws: range
    most_pairs: int


STAGES = (
    Stage("linear", "linear", CORE, LABELS, range(DRAWS), 15),
    Stage("forest", "forest", TREES, FEW, range(DRAWS), 8),
    Stage("boosting", "boosting", TREES, FEW, range(DRAWS), 4),
    Stage("linear-others", "linear", OTHERS, FEW, range(DRAWS), 15),
    Stage("linear-medium", "linear", MEDIUM, (20, 100), range(DRAWS), 2),
    Stage("network", "network", NETWORK, (20, 100), range(DRAWS), 1),
    Stage("linear-free", "linear", FREE, (0,), range(DRAWS), 15),
    Stage("linear-draws", "linear", CORE, (20, 50, 200), range(DRAWS, MORE_DRAWS), 15),
    Stage("linear-draws-many", "linear", USUAL, (100, 500, 1000), range(DRAWS, MORE_DRAWS), 15),
    Stage("linear-draws-more", "linear", USUAL, PILOTED, range(MORE_DRAWS, MOST_DRAWS), 15),
    Stage("forest-draws", "forest", TREES, (20, 100), range(DRAWS, MORE_DRAWS), 8),
    Stage("network-draws", "network", NETWORK, (20, 100), range(DRAWS, MORE_DRAWS), 1),
)


def learner_named(name: str, regression: bool) -> Learner:
    """Return a learner of the benchmark; all settings are fixed, the same on both sides."""
    for one in default_learners(regression):
        if one.name == name:
            return one
    if name == "boosting":
        return Learner("boosting", BOOSTING, _regressor if regression else _classifier)
    if name == "network":
        return NetworkLearner(
            "network", f"network of {TITLE}, Adam, 600 steps", _no_estimator, takes_weights=False
        )
    raise ValueError(f"no learner {name!r}")


BOOSTING = (
    "histogram gradient boosting, 50 trees of depth at most 4, leaves of at least 5 rows, "
    "learning rate 0.1"
)
_SETTINGS: dict[str, Any] = {
    "max_iter": 50, "max_depth": 4, "min_samples_leaf": 5, "early_stopping": False,
}  # fmt: skip


def _classifier(n_rows: int, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=seed, **_SETTINGS)


def _regressor(n_rows: int, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(random_state=seed, **_SETTINGS)


def _no_estimator(n_rows: int, seed: int) -> Any:
    raise NotImplementedError("the network is fitted by its own routine")


class NetworkLearner(Learner):
    """The small network of the torch strategies, trained from random weights."""

    def fit(
        self,
        X: NDArray[np.float64],
        y: NDArray[Any],
        *,
        n_classes: int,
        seed: int,
        weight: NDArray[np.float64] | None = None,
    ) -> Predictor:
        """Train on these rows, whichever domain they are from."""
        if weight is not None:
            raise ValueError("the network takes no sample weights")

        def source_model(rows: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.zeros(len(rows))

        alone = Training(X, y, X[:0], y[:0], n_classes, source_model, seed, memo=Memo(seed))
        return source_network(alone).predictor(n_classes)
