"""Level and power of the kernel two-sample test on two classic shifts.

n = m = 100, d = 10, X standard normal; null: Y the same; mean: Y + 0.15 in every coordinate;
correlation: Y equicorrelated at 0.3 with unit variances.  199 permutations, level 0.05.

    python -m benchmarks.kernel_test_power [DRAWS]     # 200 draws: about half a minute
"""

from __future__ import annotations

import sys

import numpy as np

from negtransfer.metrics import mmd_test

# The design of the test was chosen on draws 0 to 199 of each scenario; these are others.
FIRST_DRAW = 500


def draw(scenario: int, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples of one draw of scenario 1 (null), 2 (mean) or 3 (correlation)."""
    rng = np.random.default_rng(1000 * scenario + FIRST_DRAW + index)
    X, Y = rng.standard_normal((100, 10)), rng.standard_normal((100, 10))
    if scenario == 2:
        Y = Y + 0.15
    if scenario == 3:
        Y = Y @ np.linalg.cholesky(0.7 * np.eye(10) + 0.3).T
    return X, Y


def main(draws: int) -> None:
    """Print the share of rejections with its standard error."""
    for scenario, name in ((1, "level"), (2, "power, mean shift"), (3, "power, correlation")):
        p = [mmd_test(*draw(scenario, i), random_state=i).p_value for i in range(draws)]
        share = float(np.mean(np.array(p) <= 0.05))
        error = np.sqrt(share * (1 - share) / draws)
        print(f"{name:20} {share:.3f} +- {error:.3f}  ({draws} draws)", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
