"""What the head that a model was trained with says of the target's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ._features import CandidateFeatures
    from .labels import TargetLabels


def head_scores(found: CandidateFeatures, labels: TargetLabels, seed: int) -> dict[str, Any]:
    """Return LEEP and NCE of the head, and its risk where it knows the target's classes.

    Empty without a head, or for quantities. The first two are blind to what the classes mean;
    the risk is not, and is there only where source and target classes have names in common.
    """
    from ... import metrics

    if found.head_probabilities is None or labels.task == "regression":
        return {}
    given = found.head_probabilities[labels.rows].astype(np.float64)
    given /= given.sum(axis=1, keepdims=True)
    more: dict[str, Any] = {"random_state": seed}
    scores = {
        "leep": metrics.leep(given, labels.y, **more),
        "nce": metrics.nce(given.argmax(axis=1), labels.y, **more),
    }
    named = set(found.head_classes or ()) & set(labels.classes)
    if len(named) >= 2:
        named_labels = np.array(labels.classes)[labels.y]
        scores["source_head_risk"] = metrics.source_head_risk(
            given, named_labels, source_classes=list(found.head_classes or ()), **more
        )
    return scores
