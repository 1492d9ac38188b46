"""The decomposition of a shift: level, the right law named, closed forms, readings."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binom, multivariate_normal

from negtransfer.metrics import shift_decomposition
from negtransfer.metrics.shift import _shift_tests
from negtransfer.metrics.shift._domain_kl import COMPONENTS, held_out_kl
from negtransfer.metrics.shift._residuals import SideModel, left_out_residuals
from negtransfer.metrics.shift._shift_features import Labels, ShiftFeatures
from negtransfer.metrics.shift._shift_tests import conditional_test, permutation_test
from negtransfer.metrics.shift.shift_decomposition import reading_of

QUICK = {"n_permutations": 99, "n_splits": 1, "n_draws": 2}
TASKS = pytest.mark.parametrize("task", ["classification", "regression"])


def by_columns(rng, rows, task, *, move=0.0, sign=1.0, extra=0.0, curved=False):
    """Columns first, then the label given the columns."""
    X = rng.normal(move, 1.0, size=(rows, 3))
    score = 1.5 * X[:, 0] - X[:, 1] + extra * X[:, 2]
    if curved:
        score = 2 * np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]
    if task == "classification":
        return X, (rng.random(rows) < expit(sign * score)).astype(int)
    return X, sign * score + rng.normal(size=rows)


def by_label(rng, rows, task, *, move=0.0):
    """The label first, then the columns given the label."""
    if task == "classification":
        y = (rng.random(rows) < 0.5 + move / 4).astype(int)
    else:
        y = rng.normal(move, 1.0, rows)
    return rng.normal(size=(rows, 3)) + y[:, None] * [1.0, 0.5, 0.0], y


def decompose(source, target, task, **options):
    (X, y), (Y, z) = source, target
    return shift_decomposition(X, Y, source_labels=y, target_labels=z, task=task, **options)


def scenario(name, task, seed, n=300, m=250):
    rng = np.random.default_rng(seed)
    if name == "label shift":
        return by_label(rng, n, task), by_label(rng, m, task, move=0.9)
    curved = name == "curved covariate shift"
    how = {
        "no shift": {},
        "covariate shift": {"move": 0.5},
        "curved covariate shift": {"move": 0.5, "curved": True},
        "concept shift": {"extra": 1.5},
        "label flip": {"sign": -1.0},
    }[name]
    return by_columns(rng, n, task, curved=curved), by_columns(rng, m, task, **how)


def p_values(name, task, draws, **sizes):
    rows = []
    for seed in range(draws):
        found = decompose(*scenario(name, task, seed, **sizes), task, **QUICK, random_state=seed)
        rows.append([component.p_value for component in found.components])
    return dict(zip(COMPONENTS, np.array(rows).T, strict=True))


def alarms_allowed(p, share=0.1):
    return np.sum(p <= share) <= binom.ppf(0.999, len(p), share)


# --- level and power


@TASKS
def test_without_a_shift_every_test_keeps_its_level(task):
    """40 draws at 10 %, in a 99.8 % binomial band; and the p-values are not piled up high."""
    for name, p in p_values("no shift", task, 40, n=120, m=80).items():
        assert alarms_allowed(p), name
        assert p.mean() < 0.5 + 3 / np.sqrt(12 * len(p)), name
        assert p.mean() > 0.5 - 3 / np.sqrt(12 * len(p)), name


CASES = [
    # what moved, what must be named, what must not
    ("covariate shift", ("P(X)", "P(X|Y)", "P(X,Y)"), ("P(Y|X)",)),
    ("curved covariate shift", ("P(X)", "P(X|Y)", "P(X,Y)"), ("P(Y|X)",)),
    ("label shift", ("P(Y)", "P(X,Y)", "P(Y|X)"), ("P(X|Y)",)),
    ("concept shift", ("P(Y|X)", "P(X|Y)", "P(X,Y)"), ("P(X)",)),
    ("label flip", ("P(Y|X)", "P(X|Y)", "P(X,Y)"), ("P(X)", "P(Y)")),
]


@TASKS
@pytest.mark.parametrize(("name", "moved", "still"), CASES, ids=[case[0] for case in CASES])
def test_what_moved_is_named_and_what_did_not_is_not(task, name, moved, still):
    found = p_values(name, task, 30)
    for law in moved:
        assert np.mean(found[law] <= 0.1) > 0.75, law
    for law in still:
        assert alarms_allowed(found[law]), law


@pytest.mark.slow
@TASKS
@pytest.mark.parametrize(("name", "moved", "still"), CASES, ids=[case[0] for case in CASES])
@pytest.mark.parametrize("sizes", [{"n": 60, "m": 40}, {"n": 900, "m": 600}], ids=["few", "many"])
def test_level_of_what_did_not_move_at_other_sizes(task, name, moved, still, sizes):
    found = p_values(name, task, 100, **sizes)
    for law in still:
        assert alarms_allowed(found[law]), law


def test_another_noise_is_a_concept_shift():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(300, 2)), rng.normal(size=(300, 2))
    y, z = X[:, 0] + rng.normal(size=300), Y[:, 0] + 3 * rng.normal(size=300)
    found = decompose((X, y), (Y, z), "regression", **QUICK)
    assert found.labels_given_features.p_value == 0.01
    assert not found.features.moved


# --- sizes


def test_sizes_against_the_closed_form_of_a_covariate_shift():
    """KL(N(a, I) || N(0, I)) = |a|²/2, and P(Y|X) adds nothing."""
    rng = np.random.default_rng(1)
    source = by_columns(rng, 2000, "classification")
    target = by_columns(rng, 2000, "classification", move=0.5)
    found = decompose(source, target, "classification", **QUICK)
    assert found.features.value == pytest.approx(3 * 0.25 / 2, rel=0.15)
    assert found.labels_given_features.value == pytest.approx(0, abs=0.02)


def test_sizes_against_the_closed_form_of_a_label_shift():
    y, z = np.repeat([0, 1], [1000, 1000]), np.repeat([0, 1], [400, 1600])
    rng = np.random.default_rng(2)
    X, Y = (rng.normal(size=(2000, 2)) + side[:, None] for side in (y, z))
    found = decompose((X, y), (Y, z), "classification", **QUICK)
    wanted = 0.2 * np.log(0.2 / 0.5) + 0.8 * np.log(0.8 / 0.5)
    assert found.labels.value == pytest.approx(wanted, rel=0.05)
    assert found.features_given_labels.value == pytest.approx(0, abs=0.02)
    assert found.joint.value == pytest.approx(wanted, rel=0.15)


def test_size_of_a_flipped_slope_in_a_gaussian_pair():
    """KL of two bivariate normals with correlation -r and r is 2 r² / (1 - r²)."""
    r, rows = 0.5, 2000
    rng = np.random.default_rng(3)
    pairs = [
        multivariate_normal.rvs([0, 0], [[1, s], [s, 1]], rows, random_state=rng) for s in (r, -r)
    ]
    source, target = ((pair[:, :1], pair[:, 1]) for pair in pairs)
    found = decompose(source, target, "regression", **QUICK)
    wanted = 2 * r**2 / (1 - r**2)
    assert found.joint.value == pytest.approx(wanted, rel=0.15)
    assert found.labels_given_features.value == pytest.approx(wanted, rel=0.15)
    assert found.features.value == pytest.approx(0, abs=0.02)
    assert found.labels.value == pytest.approx(0, abs=0.02)


@TASKS
def test_the_chain_rule_holds_and_the_joint_stands_for_all(task):
    found = decompose(*scenario("label flip", task, 0), task, **QUICK)
    joint = found.joint.value
    assert found.features.value + found.labels_given_features.value == pytest.approx(joint)
    assert found.labels.value + found.features_given_labels.value == pytest.approx(joint)
    assert (found.value, found.interval, found.null) == (
        joint, found.joint.interval, found.joint.null,
    )  # fmt: skip
    assert [component.name for component in found.components] == list(COMPONENTS)


def test_the_interval_covers_the_mean_value():
    found = []
    for seed in range(40):
        source, target = scenario("covariate shift", "classification", seed, n=100, m=80)
        found.append(
            decompose(source, target, "classification", n_permutations=1, n_splits=1, n_draws=12)
        )
    for k in (0, 4):
        values = np.array([one.components[k].value for one in found])
        inside = [one.components[k].interval for one in found]
        covered = sum(i.low <= values.mean() <= i.high for i in inside)
        # A spread from twelve half-samples is itself off by a sixth.
        assert binom.ppf(0.001, 40, 0.77) <= covered <= binom.ppf(0.999, 40, 0.85)


def test_the_null_band_is_near_zero_and_below_a_shift():
    found = decompose(*scenario("covariate shift", "classification", 1), "classification")
    assert found.null.source.shape == found.null.target.shape == (10,)
    assert found.joint.null.percentile(found.value) == 100
    assert np.abs(found.features.null.pooled).max() < 0.1


def test_overfitting_does_not_pull_the_size_below_zero():
    """60 columns and 100 rows: held-out scores are noise, and are shrunk to it."""
    rng = np.random.default_rng(4)
    is_target = np.arange(100) % 2
    value = held_out_kl(rng.normal(size=(100, 60)), is_target, np.arange(100) // 2 % 5, 100.0)
    assert 0 <= value < 0.2


# --- what it does not depend on


@TASKS
def test_scales_order_and_meaning_free_changes(task):
    """Values are functions of standardised columns and of classes or ranks."""
    (X, y), (Y, z) = scenario("label flip", task, 5, n=80, m=60)
    plain = decompose((X, y), (Y, z), task, **QUICK).value

    def columns(side):
        return (side * [0.2, 3.0, 11.0] + [3.0, -2.0, 7.0])[:, ::-1]

    def label(side):
        return 7 - 3 * side if task == "classification" else np.exp(side)

    moved = decompose((columns(X), label(y)), (columns(Y), label(z)), task, **QUICK).value
    assert moved == pytest.approx(plain, rel=1e-6)


# --- readings


def test_every_pattern_has_a_reading():
    for pattern in product([False, True], repeat=5):
        assert reading_of(*pattern)


@pytest.mark.parametrize(
    ("moved", "reading"),
    [
        ((), "no shift found"),
        (("P(X)", "P(X|Y)", "P(Y)", "P(X,Y)"), "covariate shift"),
        (("P(X)", "P(Y)", "P(Y|X)", "P(X,Y)"), "label shift"),
        (("P(X)", "P(Y)", "P(X,Y)"), "covariate or label shift"),
        (("P(Y|X)", "P(X|Y)", "P(X,Y)"), "concept shift"),
        (("P(X)", "P(Y|X)", "P(X|Y)", "P(X,Y)"), "covariate and concept shift"),
        (("P(X,Y)",), "shift of unclear kind"),
        (("P(X|Y)",), "shift of unclear kind"),
        (("P(Y)",), "label shift"),
    ],
)
def test_readings(moved, reading):
    assert reading_of(*(law in moved for law in COMPONENTS)) == reading


# --- the parts


def test_permutations_within_strata_are_exact_under_a_label_shift():
    """Columns that follow the class only: permuting freely would alarm, within classes not."""
    free, within = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        (X, y), (Y, z) = (by_label(rng, 120, "classification", move=k) for k in (-1.2, 1.2))
        rows, strata = np.vstack([X, Y]), np.concatenate([y, z])
        side = np.repeat([0, 1], 120)
        free.append(permutation_test(rows, side, 0 * strata, 39, rng))
        within.append(permutation_test(rows, side, strata, 39, rng))
    assert np.mean(free) < 0.05
    assert alarms_allowed(np.array(within))


def test_lines_within_bins_keep_the_level_under_a_strong_label_shift():
    """Columns that follow a number closely: within a bin the shifted side lies further on."""
    plain, straightened = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        labels = np.concatenate([rng.normal(size=800), rng.normal(1.0, 1.0, size=800)])
        rows = labels[:, None] + rng.normal(0, 0.2, size=(1600, 2))
        side = np.repeat([0, 1], 800)
        features = ShiftFeatures.of(rows, Labels.of(labels, categorical=False))
        strata = features.labels.strata
        plain.append(permutation_test(features.columns, side, strata, 39, rng))
        straightened.append(permutation_test(features.within_labels, side, strata, 39, rng))
    assert np.mean(np.array(plain) <= 0.1) > 0.3
    assert alarms_allowed(np.array(straightened))


def test_a_poor_model_of_the_label_is_made_up_for_by_the_one_of_the_side():
    """Few rows, many columns: the label's model is shrunk, its residual still follows x."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X, Y = rng.normal(size=(50, 20)), rng.normal(size=(50, 20))
        Y[:, 0] += 1.5
        y, z = ((side[:, 0] + rng.normal(0, 0.7, 50) > 0.7).astype(int) for side in (X, Y))
        found.append(
            decompose((X, y), (Y, z), "classification", **QUICK).labels_given_features.p_value
        )
    assert alarms_allowed(np.array(found))


def conditional_p_values(task, draws=60, n=300, m=50, **moved):
    """Of P(Y|X), under a curved law and a covariate shift, from few target rows."""
    found, categorical = [], task == "classification"
    for seed in range(draws):
        rng = np.random.default_rng([seed, n, m])
        X, y = by_columns(rng, n, task, curved=True)
        Y, z = by_columns(rng, m, task, **{"curved": True, "move": 0.8, **moved})
        rows = np.vstack([X, Y])
        labels = Labels.of(np.concatenate([y, z]), categorical=categorical)
        features, side = ShiftFeatures.of(rows, labels), np.repeat([0, 1], [n, m])
        found.append(
            conditional_test(features, rows, side, categorical=categorical, n_draws=59, rng=rng)
        )
    return np.array(found)


@TASKS
def test_a_curved_law_and_few_target_rows_are_no_concept_shift(task):
    assert alarms_allowed(conditional_p_values(task))


def test_few_target_rows_show_a_concept_shift_of_a_curved_law():
    assert np.mean(conditional_p_values("regression", 30, curved=False) <= 0.1) > 0.6


def test_either_model_alone_keeps_the_level(monkeypatch):
    """Label residuals that are no residuals, then a side drawn blindly; both is too much."""

    class Blind(SideModel):
        @classmethod
        def fit(cls, basis, is_target, n_plain):
            return super().fit(0 * basis, is_target, n_plain)

    with monkeypatch.context() as patched:
        patched.setattr(_shift_tests, "left_out_residuals", lambda _, r: r - r.mean(axis=0))
        assert alarms_allowed(conditional_p_values("regression", 40))
        patched.setattr(_shift_tests, "SideModel", Blind)
        assert np.mean(conditional_p_values("regression", 20) <= 0.1) > 0.5
    monkeypatch.setattr(_shift_tests, "SideModel", Blind)
    assert alarms_allowed(conditional_p_values("regression", 40, m=200))


def test_the_model_of_the_side_is_near_the_truth_and_draws_by_it():
    rng = np.random.default_rng(8)
    columns = rng.normal(size=(3000, 3))
    truth = expit(columns @ [1.0, -1.0, 0.0] - 1)
    side = (rng.random(3000) < truth).astype(float)
    model = SideModel.fit(columns, side, 3)
    assert np.abs(model.chances - truth).mean() < 0.02
    assert model.chances.mean() == pytest.approx(side.mean(), abs=1e-3)  # the constant is free
    drawn = model.drawn(400, rng)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert np.abs(drawn.mean(axis=1) - model.chances).max() < 5 * 0.5 / np.sqrt(400)
    # Nothing is left of what the model has itself, and all of what it lacks.
    weighted = model.variances[:, None] * model.beyond(columns)
    assert np.abs(weighted.mean(axis=0)).max() < 1e-6
    assert np.abs(model.beyond(columns)).max() < 0.05
    lacking = columns[:, :1] * columns[:, 1:2]
    assert model.beyond(lacking).std() > 0.8 * lacking.std()


def test_more_features_than_rows_still_have_power():
    rng = np.random.default_rng(5)
    side = np.repeat([0, 1], 40)
    features = rng.normal(size=(80, 120)) + 0.6 * side[:, None]
    assert permutation_test(features, side, 0 * side, 99, rng) == 0.01


def test_left_out_residuals_are_those_of_leaving_rows_out():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(6)
    basis = rng.normal(size=(30, 4))
    basis -= basis.mean(axis=0)
    response = basis @ [1.0, 0.0, -1.0, 0.5] + rng.normal(size=30)
    found = left_out_residuals(basis, response[:, None])[:, 0]
    candidates = []
    for penalty in np.geomspace(1e-4, 1e4, 17) * np.mean(np.linalg.svd(basis)[1] ** 2):
        left_out = []
        for row in range(30):
            rest = np.arange(30) != row
            # The centring of the basis used the row too; an unpenalised intercept undoes it.
            model = Ridge(penalty).fit(basis[rest], response[rest])
            left_out.append(response[row] - model.predict(basis[[row]])[0])
        candidates.append(left_out)
    best = min(candidates, key=lambda r: np.sum(np.square(r)))
    np.testing.assert_allclose(found, best, rtol=1e-6)


def test_many_classes_times_many_columns_are_cut_to_leading_directions():
    rng = np.random.default_rng(7)
    pooled = rng.normal(size=(200, 60))
    features = ShiftFeatures.of(pooled, Labels.of(np.arange(200) % 10, categorical=True))
    assert features.products.shape == (200, 200)
    assert features.joint.shape == (200, 120 + 10 + 200)


# --- input


def test_rows_without_a_label_are_left_out():
    (X, y), (Y, z) = scenario("covariate shift", "regression", 8)
    wanted = decompose((X[7:], y[7:]), (Y, z), "regression", **QUICK)
    y[:7] = np.nan
    X[:7] = 1e6
    found = decompose((X, y), (Y, z), "regression", **QUICK)
    assert found.value == wanted.value
    assert found.warnings == ("7 row(s) of `source` have no label and were left out.",)


def test_large_sides_are_thinned_and_said_so():
    source, target = scenario("covariate shift", "classification", 9)
    found = decompose(source, target, "classification", max_rows=100, **QUICK)
    assert (found.n_source, found.n_target, found.subsampled) == (100, 100, True)
    assert len(found.warnings) == 1


def test_too_few_permutations_for_five_tests_are_said():
    source, target = scenario("label flip", "classification", 10)
    found = decompose(source, target, "classification", n_permutations=19, n_splits=1, n_draws=2)
    assert found.moved == ()
    assert "use at least 99" in found.warnings[0]
    assert decompose(source, target, "classification", **QUICK).moved


@TASKS
def test_equal_labels_and_equal_rows_are_no_shift(task):
    kind = int if task == "classification" else float
    sides = [(np.ones((20, 2)), np.ones(20, dtype=kind)) for _ in "ab"]
    found = decompose(*sides, task, **QUICK)
    assert found.reading == "no shift found"
    assert found.value == 0
    assert "All labels are equal" in found.warnings[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "ranking"}, "`task` must be one of classification, regression"),
        ({"penalty": 0.0}, "`penalty` must be a positive"),
        ({"alpha": 1.0}, "`alpha` must lie"),
        ({"target_labels": [0] * 9}, "`target_labels` has shape"),
        ({"target_labels": [-1] * 20 + [0] * 5}, "`target_labels` has 5 row"),
        ({"task": "regression", "target_labels": [np.inf] * 25}, "infinite"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(options, message):
    (X, y), (Y, z) = scenario("no shift", "classification", 11, n=25, m=25)
    with pytest.raises(ValueError, match=message) as fault:
        shift_decomposition(X, Y, **{"source_labels": y, "target_labels": z, **options})
    assert str(fault.value).endswith(".")


def test_numbers_are_not_taken_for_classes():
    source, target = scenario("no shift", "regression", 12)
    with pytest.raises(TypeError, match="integer codes"):
        decompose(source, target, "classification")
