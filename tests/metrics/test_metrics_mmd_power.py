"""Power of the fused test on shifts that no single kernel sees all of.

n = m = 100. The shares in full, on many draws, are in benchmarks/kernel_test_power.md; here
40 draws, other than those of the benchmark and of the choice of the design, guard against a
loss. The limits lie about three standard errors below the power.
"""

import numpy as np
import pytest

from negtransfer.metrics import mmd_test


def normal(rng, d=10):
    return rng.standard_normal((100, d)), rng.standard_normal((100, d))


def mean_shift(rng):
    x, y = normal(rng)
    return x, y + 0.15


def random_mean_shift(rng):
    x, y = normal(rng)
    u = rng.standard_normal(10)
    return x, y + 0.6 * u / np.linalg.norm(u)


def correlation_shift(rng):
    x, y = normal(rng)
    return x, y @ np.linalg.cholesky(0.7 * np.eye(10) + 0.3).T


def heavy_tails(rng):
    return rng.standard_t(2.5, (100, 10)), rng.standard_t(2.5, (100, 10)) + 0.3


def two_of_many_columns(rng):
    x, y = normal(rng, 100)
    y[:, :2] += 0.7
    return x, y


@pytest.mark.parametrize(
    ("draw", "at_least"),
    [
        (mean_shift, 0.55), (random_mean_shift, 0.55), (correlation_shift, 0.95),
        (heavy_tails, 0.65), (two_of_many_columns, 0.65),
    ],
)  # fmt: skip
def test_power(draw, at_least):
    found = [
        mmd_test(
            *draw(np.random.default_rng([5, seed])), n_permutations=99, n_splits=1,
            random_state=seed,
        ).p_value <= 0.05
        for seed in range(40)
    ]  # fmt: skip
    assert np.mean(found) >= at_least
