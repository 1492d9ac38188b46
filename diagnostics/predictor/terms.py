"""From evidence to the terms of the model: numbers in the units of the metric.

Every term is a scale times a pure number.  Scales are the standard error of the pilot and how
far the predictions of the two models lie apart, which bounds how different their errors can
be, and what lies between the two; pure numbers are studentised differences and what modifies
them (sizes, difficulty).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STRATEGIES = (
    "source-only", "pooled", "pooled-equal-weight", "source-recalibrated",
    "source-recalibrated-classes", "stacking", "feature-augmentation", "hypothesis-residual",
)  # fmt: skip
METRICS = ("accuracy", "rmse")
"""In which transfers were measured."""
LEARNERS = ("forest", "boosting", "network")
"""Besides the linear one."""
LEAST_SE = 0.002
LEAST_APART = 0.005
MANY = 200
"""From so many labels on, things may change with their number in another way."""
GROUPS = (
    "pilot, in the metric", "pilot, in the proper score", "other strategies in the pilot",
    "how differently the models predict", "how far apart the inputs are", "sizes and difficulty",
    "what the strategy usually does", "what the learner usually does",
)  # fmt: skip
METRIC, PROPER, OTHERS, APART, INPUTS, SIZES, STRATEGY, LEARNER = GROUPS


def terms(evidence: Mapping[str, Any]) -> tuple[list[tuple[str, str]], Floats, list[str], Floats]:
    """Return names with groups and values of the terms of the mean, and those of the spread.

    Parameters
    ----------
    evidence : mapping
        Column name to an array (n,): ``pilot_gap``, ``pilot_se``, ``pilot_proper_gap``,
        ``pilot_proper_se``, ``pilot_apart``, ``source_z``, ``pooled_z``, ``base``,
        ``base_proper``, ``constant_proper``, ``home_proper``, ``joint_proper``,
        ``scale_ratio``, ``n_labels``, ``n_source``, ``n_columns``, ``n_held_out``,
        ``regression``, ``shift_auc``, ``shift_energy``, ``shift_outside``,
        ``shift_predicted_shift`` (NaN where not known), and text arrays ``strategy`` and
        ``learner``.

    Returns
    -------
    names : list of (str, str)
        Term and its group.
    mean : ndarray of shape (n, terms)
        In units of the metric.
    spread_names : list of str
    spread : ndarray of shape (n, terms)
        Pure numbers; the logarithm of the spread is linear in them.
    """
    e = {k: np.asarray(evidence[k], dtype=np.float64) for k in NUMBERS}
    strategy, learner = (np.asarray(evidence[k], dtype=str) for k in ("strategy", "learner"))
    se = np.maximum(np.clip(e["pilot_se"], 0, 2), LEAST_SE)
    gap = np.clip(e["pilot_gap"], -3, 3)
    z = np.clip(gap / se, -6, 6)
    proper = _z(e["pilot_proper_gap"], e["pilot_proper_se"])
    missing = np.isnan(e["pilot_apart"])
    apart = np.where(missing, TYPICAL_APART, np.clip(e["pilot_apart"], 0, 3))
    least = np.maximum(e["constant_proper"], 1e-6)
    n, regression = e["n_labels"], e["regression"]
    modifiers = {
        "labels": np.log(n / 50),
        "ratio": np.log(e["n_source"] / n),
        "skill": np.clip(1 - e["base_proper"] / least, -1, 1),
        "home": np.clip((e["home_proper"] - e["base_proper"]) / least, -1, 1),
        "joint": np.clip((e["joint_proper"] - e["base_proper"]) / least, -1, 1),
        "scales": np.abs(np.log(np.clip(e["scale_ratio"], 0.1, 10))),
    }
    columns = np.log(e["n_columns"] / n)
    many = np.maximum(0.0, np.log(n / MANY))
    between = np.sqrt(se * apart)
    shrunk = 1 / (1 + (se / np.maximum(apart, 0.01)) ** 2)
    tz, tp = np.tanh(z / 3), np.tanh(proper / 3)
    mean: list[tuple[str, str, Floats]] = [
        ("gap", METRIC, gap), ("gap, shrunk", METRIC, gap * shrunk),
        ("z, bounded", METRIC, np.tanh(z / 2) * se), ("z, bounded, apart", METRIC, tz * apart),
        ("proper", PROPER, proper * se), ("proper, shrunk", PROPER, proper * se * shrunk),
        ("proper, bounded", PROPER, np.tanh(proper / 2) * se),
        ("proper, bounded, apart", PROPER, tp * apart),
        ("apart", APART, apart), ("apart x many labels", SIZES, apart * many),
        ("se", SIZES, se), ("se x many labels", SIZES, se * many),
        ("no rows to compare on", SIZES, missing * se),
        ("gap x many labels", METRIC, gap * many),
        ("gap, shrunk x many labels", METRIC, gap * shrunk * many),
        ("proper x many labels", PROPER, proper * se * many),
        ("proper, bounded, apart x many labels", PROPER, tp * apart * many),
        ("z, bounded, between", METRIC, tz * between),
        ("proper, bounded, between", PROPER, tp * between),
        ("between", SIZES, between), ("between x labels", SIZES, between * modifiers["labels"]),
        ("between x quantity", SIZES, between * regression),
    ]  # fmt: skip
    bounded = {}
    for name in ("source", "pooled"):
        other = np.clip(np.nan_to_num(e[f"{name}_z"]), -6, 6)
        bounded[name] = to = np.tanh(other / 3)
        mean.append((f"{name} z", OTHERS, other * se))
        mean.append((f"{name} z, apart", OTHERS, to * apart))
        mean.append((f"{name} z, between", OTHERS, to * between))
        if name == "source":
            for tag, by in (("labels", modifiers["labels"]), ("quantity", regression)):
                mean.append((f"{name} z, apart x {tag}", OTHERS, to * apart * by))
    to = bounded["source"]
    mean.append(("source z x pooled z, between", OTHERS, to * bounded["pooled"] * between))
    mean.append(("source z x proper, between", OTHERS, to * tp * between))
    for tag, by in (*modifiers.items(), ("quantity", regression)):
        mean.append((f"proper x {tag}", PROPER, proper * se * by))
        mean.append((f"proper, bounded, apart x {tag}", PROPER, tp * apart * by))
    for tag, by in (*modifiers.items(), ("columns", columns), ("quantity", regression)):
        mean.append((f"apart x {tag}", APART, apart * by))
        mean.append((f"se x {tag}", SIZES, se * by))
    for name, far in _far(e).items():
        mean.append((f"apart x {name}", INPUTS, apart * far))
        if name in ("inputs told apart", "energy"):
            mean.append((f"apart x {name} x quantity", INPUTS, apart * far * regression))
    for name in STRATEGIES:
        here = (strategy == name).astype(np.float64)
        for scale, size in (("apart", apart), ("se", se)):
            mean.append((f"{name}, {scale}", STRATEGY, here * size))
            for tag, by in (
                ("labels", modifiers["labels"]), ("ratio", modifiers["ratio"]),
                ("quantity", regression),
            ):  # fmt: skip
                mean.append((f"{name}, {scale} x {tag}", STRATEGY, here * size * by))
        mean.append((f"{name}, proper, bounded, apart", STRATEGY, here * tp * apart))
        mean.append((f"{name}, proper", STRATEGY, here * proper * se))
        mean.append((f"{name}, proper x quantity", STRATEGY, here * proper * se * regression))
    for name in LEARNERS:
        here = (learner == name).astype(np.float64)
        mean.append((f"{name}, apart", LEARNER, here * apart))
        mean.append((f"{name}, se", LEARNER, here * se))
        mean.append((f"{name}, proper", LEARNER, here * proper * se))
        mean.append((f"{name}, proper, bounded, apart", LEARNER, here * tp * apart))
        mean.append((f"{name}, proper, bounded, between", LEARNER, here * tp * between))
        mean.append((f"{name}, z, bounded, between", LEARNER, here * tz * between))
        mean.append((f"{name}, between", LEARNER, here * between))
    log_se, log_apart = np.log(se), np.log(np.maximum(apart, LEAST_APART))
    source = np.minimum(np.abs(np.nan_to_num(e["source_z"])), 5)
    spread: dict[str, Floats] = {
        "log se": log_se, "log apart": log_apart,
        "log base": np.log(np.maximum(np.clip(e["base"], 0, 3), 0.05)),
        "labels": modifiers["labels"], "many labels": many, "ratio": modifiers["ratio"],
        "columns": columns,
        "quantity": regression, "log se x quantity": log_se * regression,
        "log apart x quantity": log_apart * regression, "|proper|": np.minimum(np.abs(proper), 5),
        "|source|": source, "skill": modifiers["skill"], "scales": modifiers["scales"],
        "held out": np.log(e["n_held_out"]), "no rows to compare on": missing.astype(float),
    }  # fmt: skip
    spread |= {name: (strategy == name).astype(np.float64) for name in STRATEGIES}
    spread |= {name: (learner == name).astype(np.float64) for name in LEARNERS}
    return (
        [(name, group) for name, group, _ in mean],
        np.stack([values for _, _, values in mean], axis=1),
        list(spread),
        np.stack(list(spread.values()), axis=1),
    )


NUMBERS = (
    "pilot_gap", "pilot_se", "pilot_proper_gap", "pilot_proper_se", "pilot_apart", "source_z",
    "pooled_z", "base", "base_proper", "constant_proper", "home_proper", "joint_proper",
    "scale_ratio", "n_labels", "n_source", "n_columns", "n_held_out", "regression",
    "shift_auc", "shift_energy", "shift_outside", "shift_predicted_shift",
)  # fmt: skip
TYPICAL_APART = 0.2


def _far(e: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return pure numbers of how far apart the sides are, 0 where that is not known."""
    return {
        "inputs told apart": 2 * np.nan_to_num(e["shift_auc"], nan=0.5) - 1,
        "energy": np.log1p(np.clip(np.nan_to_num(e["shift_energy"]), 0, 10)),
        "outside": np.clip(np.nan_to_num(e["shift_outside"]), 0, 1),
        "predictions": np.clip(np.nan_to_num(e["shift_predicted_shift"]), 0, 3),
    }


def _z(gap: Floats, se: Floats) -> Floats:
    return np.clip(gap / np.maximum(se, 1e-6), -6, 6)


def studentised(gap: Any, se: Any) -> Floats:
    """Return a difference in its standard errors, between -6 and 6."""
    return _z(np.asarray(gap, dtype=np.float64), np.asarray(se, dtype=np.float64))
