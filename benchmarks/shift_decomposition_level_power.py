"""How often the decomposition names each of its five laws, where it is known what moved.

Source 300 and target 200 rows, d = 5.  Each law is tested alone at 0.1, so that laws that did
not move should be named in 10 % of the draws; the last column is the share of draws whose
reading (all five at 0.05, Holm) is the right one.

    python -m benchmarks.shift_decomposition_level_power [DRAWS]    # 200 draws: a minute or two

The table is printed and written beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from negtransfer.metrics import shift_decomposition

N, M, D = 300, 200, 5
ALPHA = 0.1
FIRST_DRAW = 5000  # the design was chosen on draws below 2,000
LAWS = ("P(X)", "P(Y)", "P(Y|X)", "P(X|Y)", "P(X,Y)")
SCENARIOS = {
    # what must not move, and the right readings
    "no shift": (LAWS, ("no shift found",)),
    "covariate shift": (("P(Y|X)",), ("covariate shift",)),
    "covariate shift, curved": (("P(Y|X)",), ("covariate shift",)),
    "label shift": (("P(X|Y)",), ("label shift",)),
    "concept shift": (("P(X)",), ("concept shift",)),
    "label flip": (("P(X)",), ("concept shift",)),
}
Labelled = tuple[NDArray[np.float64], NDArray[np.generic]]


def draw(scenario: str, task: str, index: int) -> tuple[Labelled, Labelled]:
    """Return source and target, each with its labels."""
    rng = np.random.default_rng([index, sorted(SCENARIOS).index(scenario), task == "regression"])
    side = _by_label if scenario == "label shift" else _by_columns
    return side(rng, N, scenario, task, moved=False), side(rng, M, scenario, task, moved=True)


def _by_columns(
    rng: np.random.Generator, rows: int, scenario: str, task: str, *, moved: bool
) -> Labelled:
    """Draw the columns, then the label given the columns."""
    X = rng.normal(size=(rows, D))
    if moved and scenario.startswith("covariate"):
        X = X * [1, 1, 1.3, 1, 1] + [0.6, 0.6, 0, 0, 0]
    score = X[:, 0] - X[:, 1] + X[:, 2] / 2
    if scenario.endswith("curved"):
        score = 2 * np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + X[:, 3] ** 2 - 1
    if moved and scenario == "concept shift":
        score = score + 1.5 * X[:, 4]
    if moved and scenario == "label flip":
        score = -score
    if task == "classification":
        return X, (rng.random(rows) < expit(score)).astype(np.int64)
    return X, score + rng.normal(size=rows)


def _by_label(
    rng: np.random.Generator, rows: int, scenario: str, task: str, *, moved: bool
) -> Labelled:
    """Draw the label, then the columns given the label."""
    if task == "classification":
        y = (rng.random(rows) < (0.7 if moved else 0.5)).astype(np.int64)
    else:
        y = rng.normal(0.6 if moved else 0.0, 1.0, rows)
    return rng.normal(size=(rows, D)) + y[:, None] * [0.8, 0.8, 0.8, 0, 0], y


def rates(scenario: str, task: str, draws: int) -> tuple[list[float], float]:
    """Return how often each law is named, and how often the reading is right."""
    p_values, right = [], []
    for index in range(FIRST_DRAW, FIRST_DRAW + draws):
        (X, y), (Y, z) = draw(scenario, task, index)
        found = shift_decomposition(
            X, Y, source_labels=y, target_labels=z, task=task, n_splits=1, n_draws=2,
            random_state=index,
        )  # fmt: skip
        p_values.append([component.p_value for component in found.components])
        right.append(found.reading in SCENARIOS[scenario][1])
    return (np.array(p_values) <= ALPHA).mean(axis=0).tolist(), float(np.mean(right))


def main(draws: int) -> None:
    """Print the table and write it beside this file."""
    lines = [
        f"Share of {draws} draws with p <= {ALPHA}; *: did not move, so that {ALPHA} is right "
        f"(standard error {np.sqrt(ALPHA * (1 - ALPHA) / draws):.3f}). "
        "`python -m benchmarks.shift_decomposition_level_power`",
        "",
        "| labels | scenario | " + " | ".join(LAWS).replace("|X", "\\|X").replace("|Y", "\\|Y")
        + " | right reading |",
        "|---" * (len(LAWS) + 3) + "|",
    ]  # fmt: skip
    print("\n".join(lines), flush=True)
    for task in ("classification", "regression"):
        for scenario, (still, _) in SCENARIOS.items():
            found, right = rates(scenario, task, draws)
            cells = [
                f"{rate:.3f}" + ("*" if law in still else "")
                for rate, law in zip(found, LAWS, strict=True)
            ]
            lines.append(f"| {task} | {scenario} | " + " | ".join(cells) + f" | {right:.2f} |")
            print(lines[-1], flush=True)
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
