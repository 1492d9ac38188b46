"""What the source itself says: the head that a model was trained with, and labelled source rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .shift import MOST_ROWS, comparable, together

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


def labelled_source_scores(
    found: CandidateFeatures, layer: str, labels: TargetLabels, seed: int
) -> dict[str, Any]:
    """Return F-OTCE and the data set distance between labelled source rows and the target.

    On the features of one layer, at most 400 rows a side, in at most 64 principal directions of
    both. Empty without source rows of at least two classes, or for quantities.
    """
    from ... import metrics

    if layer not in found.source_layers or found.source_labels is None:
        return {}
    known = np.array([v is not None and v == v for v in found.source_labels])
    classes = found.source_labels[known].astype(str)
    if labels.task == "regression" or len(np.unique(classes)) < 2:
        return {}
    rng = np.random.default_rng([seed, 31])
    ours = np.sort(rng.permutation(len(classes))[:MOST_ROWS])
    theirs = np.sort(rng.permutation(len(labels.rows))[:MOST_ROWS])
    source, target = together(
        found.source_layers[layer][known][ours].astype(np.float64),
        found.layers[layer][labels.rows][theirs].astype(np.float64),
    )
    if not comparable(source, target):
        return {}
    more: dict[str, Any] = {
        "source_labels": classes[ours], "target_labels": np.array(labels.classes)[labels.y][theirs],
        "random_state": seed,
    }  # fmt: skip
    return {
        "f_otce": metrics.f_otce(source, target, **more),
        "otdd": metrics.otdd(source, target, **more),
    }
