"""The table of costs: the pilot of a cheap learner beside the training of a dear one."""

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks.outcomes.table import CASE
from benchmarks.predictor.cheap_to_dear import COST_HEAD, costs, pilot_seconds
from negtransfer.diagnostics.strategies import DEFAULT


def timed(learner, n_labels, seconds, draw=0):
    about = dict.fromkeys(CASE, "x")
    return [
        {**about, "learner": learner, "n_labels": n_labels, "draw": draw, "strategy": name,
         "seconds": took}
        for name, took in seconds.items()
    ]  # fmt: skip


LINEAR = dict.fromkeys(DEFAULT, 0.01) | {"source-only": 0.0, "pooled": 0.02}


@pytest.fixture(scope="module")
def outcomes():
    return pd.DataFrame([
        *timed("linear", 20, LINEAR), *timed("linear", 100, LINEAR), *timed("linear", 0, LINEAR),
        *timed("forest", 20, {"pooled": 2.0, "target-only": 9.0}),
        *timed("forest", 100, {"pooled": 4.0}), *timed("forest", 300, {"pooled": 99.0}),
    ])  # fmt: skip


def test_a_pilot_is_folds_times_repeats_of_each_strategy_and_the_fits_at_home(outcomes):
    found = pilot_seconds(outcomes).set_index("n_labels")["pilot"]
    # 10 folds twice or 5 folds three times; 0.05 s a fold of four strategies; 11 pooled fits
    assert found.to_dict() == pytest.approx({20: 20 * 0.05 + 0.22, 100: 15 * 0.05 + 0.22})


def test_ratios_are_of_the_same_draws(outcomes):
    (row,) = costs(outcomes)
    told = dict(zip(COST_HEAD, row, strict=True))
    assert told["dear learner"] == "forest"
    assert told["trainings"] == "2"  # without a pilot of the same draw nothing is compared
    assert told["one training, s"] == "3"
    assert told["tuned training, s"] == "750"
    once, tuned = (float(told[f"pilot / {name} training"].split()[0]) for name in ("one", "tuned"))
    assert once == pytest.approx((1.22 / 2 + 0.97 / 4) / 2, rel=0.02)
    assert tuned == pytest.approx(once / 250, rel=0.05)
