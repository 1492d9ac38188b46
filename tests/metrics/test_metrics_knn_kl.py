"""k-nearest-neighbour divergence: values of the formula, closed forms, and ties."""

from __future__ import annotations

import math

import numpy as np
import pytest

from negtransfer.metrics import knn_kl_divergence

QUICK = {"n_splits": 1, "n_draws": 2}


@pytest.mark.reference("knn_kl_X_to_Y_k1", "knn_kl_X_to_Y_k5")
def test_equals_the_formula_through_a_tree(entry, case_arrays, close):
    k = int(entry["measure"][-1])
    pair = case_arrays(entry["case"])
    close(knn_kl_divergence(*pair, k=k, direction="source_to_target", **QUICK).value, entry)


def draw(seed=0, n=40, m=30, d=2, move=0.5, scale=1.3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(move, scale, size=(m, d))


def normal_kl(move, scale):
    """KL of N(move, scale²) from N(0, 1), one column."""
    return (scale**2 + move**2 - 1) / 2 - math.log(scale)


@pytest.mark.parametrize(("move", "scale"), [(0.0, 1.0), (1.0, 1.0), (0.5, 0.4)])
def test_it_comes_near_the_closed_form(move, scale):
    # 2,000 rows a side in one column: spread about 0.04, bias below it.
    pair = draw(3, 2000, 2000, 1, move, scale)
    found = knn_kl_divergence(*pair, **QUICK)
    assert found.value == pytest.approx(normal_kl(move, scale), abs=0.12)


def test_the_direction_exchanges_the_sides():
    x, y = draw()
    one = knn_kl_divergence(x, y, **QUICK)
    other = knn_kl_divergence(y, x, direction="source_to_target", **QUICK)
    assert one.value == other.value
    assert one.value != knn_kl_divergence(x, y, direction="source_to_target", **QUICK).value


def test_the_rows_that_the_source_lacks_stand_out():
    x, y = draw(n=300, m=200, move=0.0, scale=1.0)
    y[:20] += 30.0
    found = knn_kl_divergence(x, y, **QUICK)
    assert found.log_ratio.mean() == pytest.approx(found.value, rel=1e-12)
    assert set(np.argsort(-found.log_ratio)[:20]) == set(range(20))
    # The other way the missing rows do not weigh: KL is not symmetric.
    assert knn_kl_divergence(x, y, direction="source_to_target", **QUICK).value < found.value / 2


def test_null_and_interval():
    x, y = draw(n=100, m=80, move=1.5, scale=1.0)
    found = knn_kl_divergence(x, y)
    low, _, high = found.null.source_quantiles
    assert low < 0 < high + 0.3
    assert found.value > high
    assert found.interval.low > 0


def test_the_interval_covers_the_mean_of_such_samples():
    found = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        pair = rng.normal(size=(60, 3)), rng.normal(0.6, 1.2, size=(50, 3))
        found.append(knn_kl_divergence(*pair, n_splits=1))
    mean = np.mean([one.value for one in found])
    held = np.mean([one.interval.low <= mean <= one.interval.high for one in found])
    assert 0.70 <= held <= 0.92  # nominal 0.8


def test_ties_that_leave_no_logarithm_are_refused_by_name():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 2)), rng.normal(size=(30, 2))
    for side, name in ((0, "source"), (1, "target")):
        pair = [x.copy(), y.copy()]
        pair[side][:6] = 0.0  # six equal rows have five others each
        with pytest.raises(ValueError, match=f"`{name}` has 6 row.s. that occur more than 5"):
            knn_kl_divergence(*pair, **QUICK)
    across = y.copy()
    across[:5] = x[0]
    with pytest.raises(ValueError, match=r"1 row\(s\) occur at least 5 times in the other side"):
        knn_kl_divergence(x, across, **QUICK)


def test_a_few_repeated_rows_are_counted_and_warned_of():
    x, y = draw()
    x[:3] = x[0]
    found = knn_kl_divergence(x, y)
    assert found.n_repeated == 3
    assert "3 row(s) occur more than once" in found.warnings[0]
    assert np.isfinite(found.null.pooled).all()
    assert knn_kl_divergence(*draw()).warnings == ()


def test_repeats_across_the_sides_below_k_keep_every_half_finite():
    x, y = draw(n=40, m=40)
    y[:20] = x[:20]
    found = knn_kl_divergence(x, y, n_splits=30)
    assert np.isfinite(found.null.pooled).all()
    assert np.isfinite([found.interval.low, found.interval.high]).all()


def test_many_columns_are_warned_of():
    assert "miss much" in knn_kl_divergence(*draw(d=11), **QUICK).warnings[0]


def test_many_rows_are_drawn_from_and_said_to_be():
    x, y = draw(n=300, m=200)
    found = knn_kl_divergence(x, y, max_rows=100, **QUICK)
    assert (found.n_source, found.n_target) == (100, 100)
    assert "more than 100 rows" in found.warnings[0]
    assert found.rows.max() >= 100


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"k": 0}, "`k`"),
        ({"k": 30}, "lower `k`"),
        ({"direction": "both"}, "'target_to_source', 'source_to_target'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says) as fault:
        knn_kl_divergence(*draw(), **options)
    assert str(fault.value).endswith(".")
