"""A number that explains what was missed is found, and one that does not is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

further = pytest.importorskip("benchmarks.predictor.further", reason="benchmarks are not here")
cases = pytest.importorskip("benchmarks.predictor.cases")


def planted(effect: float, seed: int = 0):
    """Return 40 families of ten pairs whose misses follow `effect` times a check value."""
    rng = np.random.default_rng(seed)
    n = 400
    table = pd.DataFrame({
        "family": [f"f{i // 10}" for i in range(n)], "set": [f"s{i // 10}" for i in range(n)],
        "source": [f"a{i}" for i in range(n)], "target": "b", "learner": "linear",
    })  # fmt: skip
    value = rng.normal(size=n)
    table["gap"] = 0.1 * effect * value + 0.1 * rng.normal(size=n)
    pairs = table[["set", "source", "target"]].assign(
        check_NT999=value, measure_noise=rng.normal(size=n), check_NT999_state="fine",
        check_constant=1.0,
    )  # fmt: skip
    evidence = {"pilot_apart": np.full(n, 0.2), "regression": np.zeros(n)}
    return cases.Cases(table, evidence), np.zeros(n), np.full(n, 0.1), pairs


def test_what_explains_the_misses_is_found_and_noise_is_not():
    found = further.leftovers(*planted(1.0)).set_index("evidence")["t"]
    assert found.index[0] == "check_NT999"
    assert found["check_NT999"] > 8
    assert abs(found["measure_noise"]) < 4
    assert set(found.index) == {"check_NT999", "measure_noise"}


def test_standard_errors_hold_without_effect():
    found = [
        further.leftovers(*planted(0.0, seed)).set_index("evidence")["t"]["check_NT999"]
        for seed in range(60)
    ]
    assert 0.6 < np.std(found) < 1.5
    assert "So no further" in further.page(
        pd.DataFrame({"evidence": ["a", "b"], "t": [1.0, -2.0]}), planted(0.0)[0]
    )
