"""Fréchet distance: independent values, closed forms, and its parts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negtransfer.metrics import frechet_distance

QUICK = {"n_splits": 1, "n_draws": 2}


@pytest.mark.reference("frechet_squared")
def test_equals_three_peers(entry, case_arrays, close):
    close(frechet_distance(*case_arrays(entry["case"]), **QUICK).value, entry)


@pytest.mark.reference("bures_wasserstein_distance_POT")
def test_equals_pot_with_its_conventions(entry, case_arrays, close):
    pair = case_arrays(entry["case"])
    close(frechet_distance(*pair, ddof=0, ridge=1e-6, root=True, **QUICK).value, entry)


def draw(seed=0, n=40, m=30, d=3, move=0.5, scale=1.3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(move, scale, size=(m, d))


def with_moments(mean, root, rows=50):
    """Rows whose sample mean is `mean` and whose covariance is root'root, exactly."""
    raw = np.random.default_rng(1).normal(size=(rows, len(mean)))
    raw -= raw.mean(axis=0)
    white = np.linalg.qr(raw)[0] * math.sqrt(rows - 1)
    return white @ np.asarray(root) + mean


def test_the_closed_form_of_covariances_that_commute():
    x = with_moments([0.0, 1.0, 2.0], np.diag([1.0, 2.0, 3.0]))
    y = with_moments([1.0, 1.0, 0.0], np.diag([2.0, 2.0, 0.5]), rows=35)
    found = frechet_distance(x, y, **QUICK)
    np.testing.assert_allclose(found.mean_part, [1, 0, 4], atol=1e-12)
    np.testing.assert_allclose(found.spread_part, [1, 0, 6.25], atol=1e-12)
    assert found.value == pytest.approx(12.25, rel=1e-12)
    assert found.correlation_part == pytest.approx(0, abs=1e-12)


def test_a_correlation_alone_is_named_as_such():
    r = 0.8
    x = with_moments([0.0, 0.0], np.eye(2))
    y = with_moments([0.0, 0.0], np.linalg.cholesky([[1, r], [r, 1]]).T)
    found = frechet_distance(x, y, **QUICK)
    # Eigenvalues 1 + r and 1 - r against 1 and 1.
    exact = (math.sqrt(1 + r) - 1) ** 2 + (math.sqrt(1 - r) - 1) ** 2
    assert found.value == pytest.approx(exact, rel=1e-10)
    assert found.correlation_part == pytest.approx(exact, rel=1e-10)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.tuples(st.integers(2, 20), st.integers(2, 20)),
    d=st.integers(1, 12),
    ridge=st.sampled_from([0.0, 0.1]),
    ddof=st.sampled_from([0, 1]),
)
def test_parts_add_up_and_equal_the_root_of_the_product(seed, sizes, d, ridge, ddof):
    x, y = draw(seed, *sizes, d)
    found = frechet_distance(x, y, ridge=ridge, ddof=ddof, **QUICK)
    total = found.mean_part.sum() + found.spread_part.sum() + found.correlation_part
    assert total == pytest.approx(found.value, rel=1e-9, abs=1e-12)
    s, t = (
        np.cov(side, rowvar=False, ddof=ddof).reshape(d, d) + ridge * np.eye(d) for side in (x, y)
    )
    values, vectors = np.linalg.eigh(s)
    half = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    root = np.sqrt(np.maximum(np.linalg.eigvalsh(half @ t @ half), 0)).sum()
    gap = x.mean(axis=0) - y.mean(axis=0)
    exact = gap @ gap + np.trace(s) + np.trace(t) - 2 * root
    # The root of a product of rank below d is right to half the digits only.
    assert found.value == pytest.approx(exact, rel=1e-5, abs=1e-5)


def test_the_root_keeps_the_triangle_inequality():
    for seed in range(20):
        a, b = draw(seed)
        c = np.random.default_rng(seed + 99).normal(-0.5, 0.7, size=(25, 3))
        ab, bc, ac = (
            frechet_distance(p, q, root=True, **QUICK).value for p, q in ((a, b), (b, c), (a, c))
        )
        assert ac <= ab + bc + 1e-12


def test_root_reaches_interval_and_null():
    pair = draw()
    plain, root = frechet_distance(*pair), frechet_distance(*pair, root=True)
    assert root.value == pytest.approx(math.sqrt(plain.value))
    np.testing.assert_allclose(root.null.source, np.sqrt(plain.null.source))
    assert root.interval.high < plain.interval.high


def test_more_columns_than_rows_is_real_zero_on_itself_and_warned_of():
    x, y = draw(d=100)
    assert frechet_distance(x, x.copy(), **QUICK).value == pytest.approx(0, abs=1e-11)
    found = frechet_distance(x, y, **QUICK)
    assert "no full rank" in found.warnings[0]
    assert frechet_distance(x[:, :3], y[:, :3], **QUICK).warnings == ()


def test_the_null_band_shows_the_bias_of_small_samples():
    x, y = draw(3, 60, 60, 10, move=0.0, scale=1.0)
    found = frechet_distance(x, y, n_splits=20)
    low, _, high = found.null.source_quantiles
    assert found.value > 0.5
    assert low > found.value / 2  # the halves are smaller, hence further apart
    assert high < 6 * found.value


def test_the_stated_bias_of_like_sides():
    rng = np.random.default_rng(0)
    values = [
        frechet_distance(rng.normal(size=(200, 10)), rng.normal(size=(150, 10)), **QUICK).value
        for _ in range(60)
    ]
    assert np.mean(values) == pytest.approx((10 + 110 / 4) * (1 / 200 + 1 / 150), rel=0.08)


def test_the_interval_covers_the_mean_of_such_samples():
    found = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        pair = rng.normal(size=(60, 3)), rng.normal(0.6, 1.2, size=(50, 3))
        found.append(frechet_distance(*pair, n_splits=1))
    mean = np.mean([one.value for one in found])
    held = np.mean([one.interval.low <= mean <= one.interval.high for one in found])
    assert 0.70 <= held <= 0.90  # nominal 0.8


def test_few_rows_have_a_value_and_no_interval():
    x, y = draw(0, 15, 40)
    found = frechet_distance(x, y)
    assert found.interval is None
    assert found.null.source is None
    assert frechet_distance(x[:2], y[:2]).value > 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"ddof": 2}, "`ddof`"),
        ({"ridge": -1.0}, "`ridge`"),
        ({"ridge": math.inf}, "`ridge`"),
        ({"n_splits": 0}, "`n_splits`"),
        ({"n_draws": 1}, "`n_draws`"),
        ({"level": 1}, "`level`"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says) as fault:
        frechet_distance(*draw(), **options)
    assert str(fault.value).endswith(".")
