"""Density ratios of target to source: by least squares, and by a classifier of the sides."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from negtransfer.metrics import classifier_density_ratio, relative_density_ratio

VALUES = json.loads((Path(__file__).parent / "reference" / "values.json").read_text("utf-8"))[
    "values"
]
QUICK = {"n_splits": 1, "n_draws": 2}
BOTH = pytest.mark.parametrize("ratio", [relative_density_ratio, classifier_density_ratio])


def draw(seed=0, n=60, m=50, d=2, move=0.5, scale=1.3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(move, scale, size=(m, d))


# --- least squares


def as_densratio(entry, case_arrays, stored, **options):
    """The peer's setting: its numerator is our target; alpha 0, see below."""
    X, Y = case_arrays(entry["case"])
    centres = stored(f"{entry['case']}_rulsif_centers")["centers"]
    return relative_density_ratio(
        Y, X, alpha=0.0, bandwidth=math.sqrt(X.shape[1]), ridge=0.1, centres=centres,
        normalised=False, held_out=False, **QUICK, **options,
    )  # fmt: skip


@pytest.mark.reference("rulsif_ratio_at_Y_first5")
def test_the_ratio_equals_densratio(entry, case_arrays, stored, close):
    # Its recipe says alpha=0.1, but densratio() takes alpha for method="RuLSIF" only and
    # otherwise fits the plain ratio: only alpha=0 gives the stored numbers.
    assert entry["sigma"] ** 2 == pytest.approx(case_arrays(entry["case"])[0].shape[1])
    assert entry["lam"] == 0.1
    close(as_densratio(entry, case_arrays, stored).source_weights[:5], entry)


@pytest.mark.parametrize("case", ["gauss_shift", "breast_cancer_malignant_vs_benign"])
def test_the_divergence_has_the_right_sizes_where_densratio_has_not(
    case, case_arrays, stored, close
):
    entry = next(v for v in VALUES if (v["case"], v["measure"]) == (case, "rulsif_alpha_PE"))
    found = as_densratio(entry, case_arrays, stored)
    at_source, at_target = found.source_weights, found.target_ratio
    first = at_target.mean() - 0.5
    # As shipped: the sum over the source rows is divided by the target rows.
    close(first - (at_source @ at_source) / len(at_target) / 2, entry)
    assert found.value == pytest.approx(first - np.mean(at_source**2) / 2, rel=1e-12)
    assert abs(found.value - entry["value"]) > 0.5
    # The stored correction reads the same ratios, fitted with alpha 0, with alpha 0.1.
    mixed = first - 0.05 * np.mean(at_target**2) - 0.45 * np.mean(at_source**2)
    close(mixed, entry, expected=entry["correct_value"])


def pearson(alpha, move, scale):
    """Pearson divergence of N(move, scale²) from its mixture with N(0, 1)."""

    def at(point):
        p, q = norm.pdf(point, move, scale), norm.pdf(point)
        mixture = alpha * p + (1 - alpha) * q
        return mixture * (p / mixture - 1) ** 2 / 2

    return quad(at, -10, 10)[0]


@pytest.mark.parametrize(("alpha", "move", "scale"), [(0.1, 1.0, 0.8), (0.5, 2.0, 1.0)])
def test_it_comes_near_the_true_divergence_and_ratio(alpha, move, scale):
    x, y = draw(1, 1000, 800, 1, move, scale)
    found = relative_density_ratio(x, y, alpha=alpha)
    assert found.value == pytest.approx(pearson(alpha, move, scale), rel=0.15)
    p, q = norm.pdf(x[:, 0], move, scale), norm.pdf(x[:, 0])
    true = p / (alpha * p + (1 - alpha) * q)
    assert np.corrcoef(found.source_weights, true)[0, 1] > 0.95
    assert np.abs(found.source_weights - true).mean() < 0.2
    assert 0.8 < found.mean_ratio < 1.25


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("bandwidth", ["cross_validation", 5.0])
def test_the_mean_over_the_mixture_is_1_once_normalised(alpha, bandwidth):
    x, y = draw()
    found = relative_density_ratio(x, y, alpha=alpha, bandwidth=bandwidth, **QUICK)
    mean = alpha * found.target_ratio.mean() + (1 - alpha) * found.source_weights.mean()
    assert mean == pytest.approx(1, rel=1e-12)
    raw = relative_density_ratio(x, y, alpha=alpha, bandwidth=bandwidth, normalised=False, **QUICK)
    np.testing.assert_allclose(raw.source_weights / raw.mean_ratio, found.source_weights)
    assert (found.source_weights >= 0).all()


def test_a_wide_basis_inflates_the_ratio_and_says_so():
    x, y = draw(d=5)
    wide = relative_density_ratio(x, y, bandwidth=5.0, ridge=0.001, normalised=False, **QUICK)
    assert wide.mean_ratio > 1.5
    assert f"mean of {wide.mean_ratio:.2f} where 1 is right, and it was left in" in wide.warnings[0]


def test_held_out_values_do_not_reward_learning_by_heart():
    x, y = draw(move=0.0, scale=1.0, d=3)
    narrow = {"bandwidth": 0.2, "ridge": 0.001, **QUICK}
    by_heart = relative_density_ratio(x, y, held_out=False, **narrow).value
    honest = relative_density_ratio(x, y, **narrow).value
    assert by_heart > 1
    assert honest < 0.5


def test_only_part_of_many_rows_is_fitted_and_all_are_weighted():
    x, y = draw(n=400, m=300, d=1, move=1.0)
    found = relative_density_ratio(x, y, max_rows=100, **QUICK)
    assert (found.n_source, found.n_target) == (100, 100)
    assert (len(found.source_weights), len(found.target_ratio)) == (400, 300)
    assert "more than 100 rows" in " ".join(found.warnings)
    near, away = x[:, 0] > 0.7, x[:, 0] < -0.7
    assert found.source_weights[near].mean() > 2 * found.source_weights[away].mean()


def test_sides_out_of_reach_have_the_largest_value_or_are_refused_with_the_reason():
    x, y = draw(d=1)
    far = relative_density_ratio(x, y + 1e5, alpha=0.1, bandwidth=1.0)
    assert far.value == pytest.approx(4.5, abs=0.2)  # (1/alpha - 1)/2
    assert (far.null.source == 0).all()  # no centre is near, so nothing tells halves apart
    with pytest.raises(ValueError, match="No source row lies near the target") as fault:
        relative_density_ratio(x, y + 1e5, alpha=0.0, bandwidth=1.0)
    assert str(fault.value).endswith(".")
    with pytest.raises(ValueError, match="No target row lies near a centre"):
        relative_density_ratio(x, y, bandwidth=1.0, centres=[[1e5]])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"alpha": 1.0}, "`alpha`"),
        ({"alpha": -0.1}, "`alpha`"),
        ({"bandwidth": 0.0}, "`bandwidth`"),
        ({"ridge": "best"}, "`ridge`"),
        ({"centres": np.zeros((3, 1))}, "`centres` must have shape"),
        ({"centres": np.full((3, 2), np.nan)}, "`centres` contains"),
        ({"n_centres": 0}, "`n_centres`"),
    ],
)
def test_least_squares_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says) as fault:
        relative_density_ratio(*draw(), **options)
    assert str(fault.value).endswith(".")


# --- classifier


@pytest.mark.parametrize(("move", "scale"), [(1.0, 1.0), (0.7, 0.6), (0.0, 1.0)])
def test_the_bound_comes_near_the_divergence(move, scale):
    # The log ratio of these laws is a parabola, so that the bound can be reached.
    x, y = draw(2, 1500, 1000, 1, move, scale)
    found = classifier_density_ratio(x, y, **QUICK)
    exact = (scale**2 + move**2 - 1) / 2 - math.log(scale)
    assert found.value == pytest.approx(exact, abs=0.1)  # 3 standard deviations
    true = norm.pdf(x[:, 0], move, scale) / norm.pdf(x[:, 0])
    assert np.abs(found.source_weights - true).mean() < 0.15


def test_weights_have_mean_1_and_move_the_source_onto_the_target():
    x, y = draw(3, 800, 600, 2, 0.8, 0.9)
    found = classifier_density_ratio(x, y, **QUICK)
    assert found.source_weights.mean() == pytest.approx(1, rel=1e-12)
    moved = np.average(x, axis=0, weights=found.source_weights)
    assert np.abs(moved - y.mean(axis=0)).max() < 0.15
    assert 0 < found.effective_sample_size < 800


def test_the_column_that_moved_is_named():
    x, y = draw(4, 200, 150, 5, 0.0, 1.0)
    y[:, 2] += 1.0
    y[:, 4] *= 2.0  # seen through its square
    found = classifier_density_ratio(x, y, **QUICK)
    assert set(np.argsort(found.column_part)[-2:]) == {2, 4}


def test_like_sides_get_no_evidence_from_scores_that_point_the_wrong_way():
    values = []
    for seed in range(40):
        found = classifier_density_ratio(*draw(seed, 40, 40, 5, 0.0, 1.0), **QUICK)
        assert found.slope >= 0
        values.append(found.value)
    assert np.mean(values) < 0.1
    raw = [
        classifier_density_ratio(*draw(seed, 40, 40, 5, 0.0, 1.0), calibrated=False, **QUICK).value
        for seed in range(40)
    ]
    # Left alone, the classifier is too sure of itself.
    assert np.mean(raw) < np.mean(values) - 0.1


def test_more_than_the_rows_support_is_warned_of():
    found = classifier_density_ratio(*draw(move=8.0), **QUICK)
    assert found.value > math.log(60)
    assert "no sample of that size supports it" in found.warnings[0]


def test_equal_rows_share_a_fold():
    # Copies of rows of pure noise must not help to tell the sides apart.
    rng = np.random.default_rng(0)
    x, y = (np.repeat(rng.normal(size=(15, 10)), 10, axis=0) for _ in "ab")
    found = classifier_density_ratio(x, y, calibrated=False, **QUICK)
    assert found.value < 0


# --- both


@BOTH
def test_null_band_and_interval_of_a_shift(ratio):
    found = ratio(*draw(n=150, m=120, move=1.2, scale=1.0))
    assert found.value > found.null.pooled.max()
    assert found.interval.low > 0
    like = ratio(*draw(n=150, m=120, move=0.0, scale=1.0))
    assert abs(like.value) < 0.2
    assert like.effective_sample_size > 100


@BOTH
def test_the_effective_sample_size_is_that_of_the_weights(ratio):
    found = ratio(*draw(n=100, m=80, d=1, move=3.0, scale=0.3), **QUICK)
    w = found.source_weights
    assert found.effective_sample_size == pytest.approx(w.sum() ** 2 / (w @ w))
    assert found.effective_sample_size < 10
    assert "source rows in effect" in found.warnings[-1]


@pytest.mark.slow
@BOTH
def test_the_interval_covers_the_mean_of_such_samples(ratio):
    found = [ratio(*draw(seed, 60, 50, 3, 0.6, 1.2), n_splits=1) for seed in range(100)]
    mean = np.mean([one.value for one in found])
    held = np.mean([one.interval.low <= mean <= one.interval.high for one in found])
    assert 0.65 <= held <= 0.92  # nominal 0.8


@BOTH
def test_few_rows_have_a_value_and_no_interval(ratio):
    found = ratio(*draw(n=15, m=40))
    assert found.interval is None
    assert found.null.source is None
