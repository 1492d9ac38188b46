"""What the kernel test could have seen: against the power of the test itself."""

from __future__ import annotations

import numpy as np
import pytest

from negtransfer.metrics import minimum_detectable_effect, mmd_test

QUICK = {"n_simulations": 10, "n_permutations": 19, "n_bandwidths": 2}


def draw(seed=0, n=40, m=40, d=2):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d))


def test_the_test_sees_the_value_about_as_often_as_asked():
    value = minimum_detectable_effect(*draw(0, 60, 60), power=0.8, n_simulations=40).value
    seen = []
    for seed in range(100):
        x, y = draw(2000 + seed, 60, 60)
        u = np.random.default_rng(seed).normal(size=2)
        found = mmd_test(
            x, y + value * u / np.linalg.norm(u), n_permutations=59, n_bandwidths=4, n_splits=1
        )
        seen.append(found.p_value <= 0.05)
    assert 0.6 <= np.mean(seen) <= 0.95


def test_more_rows_see_less_and_more_power_needs_more():
    few = minimum_detectable_effect(*draw(0, 20, 20), **QUICK)
    many = minimum_detectable_effect(*draw(0, 160, 160), **QUICK)
    assert many.value < 0.6 * few.value
    least = minimum_detectable_effect(*draw(0, 20, 20), power=0.3, **QUICK)
    assert least.value < few.value
    assert few.interval.low <= few.value <= few.interval.high
    assert (few.smallest_seen == np.sort(few.smallest_seen)).all()


def test_units_of_the_columns_and_a_true_shift_do_not_matter():
    x, y = draw()
    plain = minimum_detectable_effect(x, y, **QUICK)
    assert minimum_detectable_effect(3 + 40 * x, 3 + 40 * y, **QUICK).value == plain.value
    sides = minimum_detectable_effect(y, x, **QUICK)
    assert 0.5 < sides.value / plain.value < 2.0


@pytest.mark.parametrize("direction", ["random", "all", "column"])
def test_every_direction_has_the_same_length(direction):
    from negtransfer.metrics.divergence.minimum_detectable_effect import _unit_vector

    drawn = _unit_vector(direction, 7, np.random.default_rng(0))
    assert np.linalg.norm(drawn) == pytest.approx(1.0)
    assert minimum_detectable_effect(*draw(), direction=direction, **QUICK).value > 0


def test_larger_sides_are_scaled_and_said():
    whole = minimum_detectable_effect(*draw(0, 120, 120), n_simulations=12)
    scaled = minimum_detectable_effect(*draw(0, 120, 120), n_simulations=12, max_rows=60)
    assert 0.7 < scaled.value / whole.value < 1.4
    assert not whole.warnings
    assert "60 and 60 rows" in scaled.warnings[0]


def test_a_constant_column_moves_nothing_and_constants_are_never_seen():
    x, y = np.ones((10, 1)), np.ones((10, 1))
    found = minimum_detectable_effect(x, y, **QUICK)
    assert found.value <= 0.1  # any shift of a constant is seen at once
    assert (found.null.source, found.null.target) == (None, None)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"power": 1.0}, "power"),
        ({"alpha": 0.01, "n_permutations": 19}, "at least 99"),
        ({"direction": "mean"}, "'random'"),
        ({"n_simulations": 1}, "n_simulations"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says) as fault:
        minimum_detectable_effect(*draw(), **options)
    assert str(fault.value).endswith(".")


def test_tensors_give_the_same_result():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    pair = rng.normal(size=(30, 2)), rng.normal(size=(25, 2))
    found = minimum_detectable_effect(*map(torch.tensor, pair), n_simulations=5)
    wanted = minimum_detectable_effect(*pair, n_simulations=5)
    np.testing.assert_allclose(found.smallest_seen, wanted.smallest_seen)
