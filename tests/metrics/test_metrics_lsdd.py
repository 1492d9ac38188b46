"""Least-squares density difference: closed forms, the choice of its parameters, and doubt."""

from __future__ import annotations

import numpy as np
import pytest

from negtransfer.metrics import lsdd as lsdd
from negtransfer.metrics.divergence.lsdd import (
    _Basis,
    _left_out_errors,
)


def draw(seed=0, n=300, m=250, d=1, move=2.0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(m, d))
    y[:, 0] += move
    return rng.normal(size=(n, d)), y


def exact(d, move):
    return 2 * (1 - np.exp(-(move**2) / 4)) / (4 * np.pi) ** (d / 2)


@pytest.mark.parametrize(("d", "move"), [(1, 1.0), (1, 2.0), (2, 1.0), (2, 2.0), (4, 2.0)])
def test_gaussian_samples_approach_the_closed_form(d, move):
    found = lsdd(*draw(1, 2000, 1500, d, move), n_splits=2)
    assert found.value == pytest.approx(exact(d, move), rel=0.12)
    assert found.relative == pytest.approx(1 - np.exp(-(move**2) / 4), rel=0.12)


def test_the_fit_follows_the_difference_of_the_densities():
    x, y = draw(2, 1500, 1500)
    found = lsdd(x, y, n_splits=1)

    def difference(z):
        return (np.exp(-(z**2) / 2) - np.exp(-((z - 2) ** 2) / 2)) / np.sqrt(2 * np.pi)

    assert np.abs(found.source_difference - difference(x[:, 0])).mean() < 0.02
    assert np.abs(found.target_difference - difference(y[:, 0])).mean() < 0.02


def by_definition(x, y, centres, width, ridge):
    def gap(a, b):
        return ((a[:, None] - b[None]) ** 2).sum(axis=2)

    d = x.shape[1]
    volume = (np.pi * width**2) ** (d / 2)
    overlaps = volume * np.exp(-gap(centres, centres) / (4 * width**2))
    h = np.exp(-gap(x, centres) / (2 * width**2)).mean(axis=0)
    h = h - np.exp(-gap(y, centres) / (2 * width**2)).mean(axis=0)
    theta = np.linalg.solve(overlaps + ridge * volume * np.eye(len(centres)), h)
    return 2 * h @ theta - theta @ overlaps @ theta


def test_given_parameters_give_the_definition():
    x, y = draw(3, 40, 30, 2)
    found = lsdd(x, y, bandwidth=0.8, ridge=0.05, n_centres=70)  # all rows are centres
    wanted = by_definition(x, y, np.concatenate([x, y]), 0.8, 0.05)
    assert found.value == pytest.approx(wanted, rel=1e-9)
    assert (found.bandwidth, found.ridge) == (0.8, 0.05)


def test_the_error_left_out_equals_leaving_rows_out():
    x, y = draw(4, 12, 9, 2)
    centres, ridge = np.concatenate([x, y])[::2], 0.3
    basis = _Basis.around(centres, 0.9)
    phi_x, phi_y = basis.features(x), basis.features(y)
    overlaps = np.exp(-((centres[:, None] - centres[None]) ** 2).sum(axis=2) / (4 * 0.81))
    inverse = np.linalg.inv(overlaps + ridge * np.eye(len(centres)))
    theta = inverse @ (phi_x.mean(axis=0) - phi_y.mean(axis=0))
    product = 0.0
    for phi, sign in ((phi_x, 1), (phi_y, -1)):
        for row in range(len(phi)):
            rest = np.delete(phi, row, axis=0).mean(axis=0)
            other = phi_y if sign == 1 else phi_x
            product += (phi[row] @ inverse @ (rest - other.mean(axis=0))) / len(phi)
    wanted = theta @ overlaps @ theta - 2 * product
    assert _left_out_errors(basis, x, y, np.array([ridge]))[0] == pytest.approx(wanted, rel=1e-9)


def test_the_error_left_out_is_right_on_average():
    centres, width, ridge, move = (
        np.linspace(-2.0, 4.0, 7)[:, None],
        0.8,
        np.array([0.01, 1.0]),
        1.5,
    )
    basis = _Basis.around(centres, width)

    def mean_feature(mu):
        spread = width**2 + 1
        return width / spread**0.5 * np.exp(-((centres[:, 0] - mu) ** 2) / (2 * spread))

    gap = mean_feature(0.0) - mean_feature(move)
    overlaps = (basis.vectors * basis.overlaps) @ basis.vectors.T
    guesses, errors = [], []
    for seed in range(400):
        x, y = draw(seed, 15, 10, 1, move)
        guesses.append(_left_out_errors(basis, x, y, ridge))
        found = basis.features(x).mean(axis=0) - basis.features(y).mean(axis=0)
        thetas = np.array([basis.solve(found, one) for one in ridge])
        errors.append(np.einsum("rb,bc,rc->r", thetas, overlaps, thetas) - 2 * thetas @ gap)
    apart = np.array(guesses) - np.array(errors)
    assert (np.abs(apart.mean(axis=0)) < 3.5 * apart.std(axis=0) / 400**0.5).all()


def test_no_shift_lies_within_its_null():
    inside = 0
    for seed in range(20):
        found = lsdd(*draw(seed, 100, 80, 2, 0.0), n_splits=10, n_draws=2)
        inside += found.value <= np.quantile(found.null.pooled, 0.95)
    assert inside >= 17


def test_a_shift_lies_above_its_null():
    found = lsdd(*draw(6, 100, 80, 2, 1.5))
    assert found.value > found.null.pooled.max()
    assert found.interval.low > found.null.source_quantiles[1]


def test_scaling_the_columns_scales_the_density_and_leaves_the_relative_value():
    x, y = draw(7, 60, 50, 3)
    one, other = lsdd(x, y), lsdd(5 * x, 5 * y)
    assert other.value == pytest.approx(one.value / 5**3, rel=1e-6)
    assert other.relative == pytest.approx(one.relative, rel=1e-6)


def test_densities_that_never_meet_have_a_relative_value_about_one():
    assert lsdd(*draw(8, 100, 100, 1, 30.0)).relative == pytest.approx(1.0, abs=0.02)


def test_large_sides_are_drawn_and_said():
    x, y = draw(9, 400, 30)
    found = lsdd(x, y, max_rows=100, n_splits=1)
    assert (found.n_source, found.n_target, found.subsampled) == (100, 30, True)
    assert "100 rows" in found.warnings[0]
    assert found.source_difference.shape == (100,)


def test_many_columns_are_named_and_stay_finite():
    found = lsdd(*draw(10, 60, 50, 500))
    assert np.isfinite(found.value)
    assert 0 <= found.relative <= 2
    assert "500 columns" in found.warnings[0]


def test_densities_too_large_for_a_number_are_refused():
    x, y = draw(11, 30, 30, 200)
    with pytest.raises(ValueError, match=r"standardise the columns .*\."):
        lsdd(1e-3 * x, 1e-3 * y)


def test_few_rows_have_a_value_and_no_interval():
    x, y = draw(12, 15, 40)
    assert lsdd(x, y).interval is None
    with pytest.raises(ValueError, match="at least 4"):
        lsdd(x[:3], y)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"bandwidth": "scott"}, "bandwidth"),
        ({"bandwidth": -1.0}, "bandwidth"),
        ({"ridge": 0.0}, "ridge"),
        ({"n_centres": 1}, "n_centres"),
        ({"max_rows": 3}, "max_rows"),
        ({"n_draws": 1}, "n_draws"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says) as fault:
        lsdd(*draw(), **options)
    assert str(fault.value).endswith(".")
