"""Measures built on canonical correlations: mean CCA, SVCCA and PWCCA."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from negtransfer.metrics.similarity.mean_cca import mean_cca
from negtransfer.metrics.similarity.pwcca import pwcca
from negtransfer.metrics.similarity.svcca import svcca

FOLDER = Path(__file__).parent / "reference_scores" / "similarity"
PAIRS = json.loads((FOLDER / "values.json").read_text(encoding="utf-8"))["pairs"]
BARE = {"n_permutations": 0, "n_draws": 0}
MEASURES = [mean_cca, svcca, pwcca]
every = pytest.mark.parametrize("measure", MEASURES)


def tables(pair):
    stored = np.load(FOLDER / "arrays.npz")
    return tuple(stored[name] for name in pair.split("|"))


def references(key):
    """Parametrise over the pairs for which the peer gave a number and no error."""
    found = [(p, v[key]) for p, v in PAIRS.items() if isinstance(v[key], float)]
    assert found, key
    return pytest.mark.parametrize(("pair", "expected"), found, ids=[p for p, _ in found])


def moved(table, seed):
    """Rotate, scale and shift a table by itself."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(table.shape[1], table.shape[1])))[0]
    return table @ turn * 2.5 + rng.normal(size=table.shape[1])


# --- reference values

# google/svcca adds 1e-10 to the diagonal of the scaled covariances, which moves its values by up
# to 1e-8


@references("svcca_k10_mean_corr__google_svcca")
def test_svcca_with_a_fixed_number_of_directions(pair, expected):
    found = svcca(*tables(pair), keep=10, **BARE)
    assert found.value == pytest.approx(expected, abs=1e-8)
    assert (found.rank_first, found.rank_second) == (10, 10)


@references("SVCCA__resi")
def test_the_share_that_resi_compares_with_a_total_keeps_one_direction(pair, expected):
    """A defect of the peer: meant as 99 % of the variance."""
    assert svcca(*tables(pair), keep=1, **BARE).value == pytest.approx(expected, abs=1e-8)


@references("svcca_dist_0.99_svd__anatome")
def test_anatome_parts_from_svcca_by_reducing_tables_that_are_not_centred(pair, expected):
    """A defect of the peer: its number is that of mean CCA after its own reduction."""

    def reduced(table):
        sizes, turn = np.linalg.svd(table, full_matrices=False)[1:]
        return table @ turn[: (np.cumsum(sizes) / sizes.sum() < 0.99).sum()].T

    one, other = (reduced(table) for table in tables(pair))
    assert mean_cca(one, other, **BARE).value == pytest.approx(1 - expected, abs=1e-8)


def test_anatomes_reduction_depends_on_the_mean_and_ours_does_not():
    one, other = tables("mlp_a|mlp_b")
    far = one + 50.0
    sizes = [np.linalg.svd(table, compute_uv=False) for table in (one, far)]
    kept = [int((np.cumsum(s) / s.sum() < 0.99).sum()) for s in sizes]
    assert kept[0] != kept[1]
    for share_of in ("variance", "singular values"):
        here, there = (svcca(t, other, share_of=share_of, **BARE) for t in (one, far))
        assert there.value == pytest.approx(here.value, abs=1e-10)
        assert there.rank_first == here.rank_first


@references("cca_mean_corr_eps1e-10__google_svcca")
def test_mean_cca_over_directions(pair, expected):
    # 1.0e-8 apart where the smallest direction has 4e-6 of the largest variance: see above
    assert mean_cca(*tables(pair), **BARE).value == pytest.approx(expected, abs=1.1e-8)


@references("mean_cca__sim_metric")
def test_mean_cca_over_columns(pair, expected):
    found = mean_cca(*tables(pair), mean_over="columns", **BARE)
    assert found.value == pytest.approx(expected, abs=1e-10)


@references("mean_sq_cca__sim_metric")
def test_mean_squared_cca_over_columns(pair, expected):
    found = mean_cca(*tables(pair), squared=True, mean_over="columns", **BARE)
    assert found.value == pytest.approx(expected, abs=1e-10)


# --- PWCCA: three packages, three numbers; the paper's formula is offered


def paper_pwcca(one, other):
    """Formula of Morcos et al. with plain linear algebra, for full ranks p <= q."""
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    bases = [np.linalg.qr(t)[0] for t in (one, other)]
    turn, rho, _ = np.linalg.svd(bases[0].T @ bases[1], full_matrices=False)
    alpha = np.abs((bases[0] @ turn).T @ one).sum(axis=1)
    return alpha @ rho / alpha.sum()


def sim_metric_pwcca(one, other, last=None):
    """Return js-d/sim_metric's similarity; ``last`` turns its directions without a partner."""
    one, other = (t - t.mean(axis=0) for t in (one, other))
    bases = []
    for t in (one, other):
        left, sizes, _ = np.linalg.svd(t, full_matrices=False)
        bases.append(left[:, sizes > 1e-10 * sizes[0]])
    turn, rho, _ = np.linalg.svd(bases[0].T @ bases[1])
    if last is not None:
        turn[:, len(rho) :] = turn[:, len(rho) :] @ last
    alpha = np.abs((bases[0] @ turn).T @ one).sum(axis=1)
    return alpha[: len(rho)] @ rho / alpha.sum()


def google_pwcca(one, other, eps=1e-10):
    """google/svcca's recipe: coefficients of whitened columns put to raw ones, means left in."""

    def root(matrix):
        sizes, turn = np.linalg.eigh(np.linalg.pinv(matrix))
        return (turn * np.sqrt(sizes)) @ turn.T

    one, other = (t[:, np.ptp(t, axis=0) > 0] for t in (one, other))
    p = one.shape[1]
    joint = np.cov(one.T, other.T)
    tops = abs(joint[:p, :p]).max(), abs(joint[p:, p:]).max()
    xx = joint[:p, :p] / tops[0] + eps * np.eye(p)
    yy = joint[p:, p:] / tops[1] + eps * np.eye(len(joint) - p)
    turn, rho, _ = np.linalg.svd(root(xx) @ joint[:p, p:] @ root(yy) / np.sqrt(tops[0] * tops[1]))
    centre = one.mean(axis=0)[:, None]
    basis = np.linalg.qr((turn.T @ (one.T - centre) + centre).T)[0]
    alpha = np.abs(basis.T @ one).sum(axis=1)
    return alpha @ rho / alpha.sum()


def test_pwcca_is_the_papers_formula():
    one, other = np.load(FOLDER / "arrays.npz")["pca16"], tables("mlp_a|noise")[1]
    found = pwcca(one, other, **BARE)
    assert found.by_first == pytest.approx(paper_pwcca(one, other), abs=1e-10)
    assert found.value == pytest.approx((found.by_first + found.by_second) / 2, abs=1e-15)
    for side, expected in (("first", found.by_first), ("second", found.by_second)):
        assert pwcca(one, other, weighted_by=side, **BARE).value == expected


def test_sim_metrics_pwcca_is_ours_when_the_first_rank_is_not_larger():
    one, other = np.load(FOLDER / "arrays.npz")["pca16"], tables("mlp_a|noise")[1]
    assert pwcca(one, other, **BARE).by_first == pytest.approx(
        sim_metric_pwcca(one, other), abs=1e-10
    )


@references("pwcca_dist__sim_metric")
def test_sim_metrics_pwcca_is_arbitrary_when_the_first_rank_is_larger(pair, expected):
    """A defect of the peer: weights of directions that no rule picks. All stored pairs are such.

    Another choice of these directions gives another number, so that theirs cannot be held.
    """
    one, other = tables(pair)
    rng = np.random.default_rng(0)
    ours = pwcca(one, other, **BARE)
    free = ours.rank_first - ours.rank_second
    assert free > 0
    turns = [np.linalg.qr(rng.normal(size=(free, free)))[0] for _ in range(5)]
    values = [sim_metric_pwcca(one, other, last) for last in turns]
    assert np.ptp(values) > 1e-6
    assert 1 - expected == pytest.approx(np.mean(values), abs=0.1)
    assert max(*values, 1 - expected) < ours.by_first


@references("pwcca_eps1e-10__google_svcca")
def test_googles_pwcca_mixes_the_sides_where_the_first_is_wider(pair, expected):
    """A defect of the peer: it puts coefficients of the second side to columns of the first.

    Where the mask of these columns does not fit, it raises: so for all but one stored pair.
    """
    found = pwcca(*tables(pair), **BARE)
    assert found.rank_first > found.rank_second
    assert min(abs(expected - v) for v in (found.by_first, found.by_second)) > 0.01


@references("pwcca_eps1e-10_reversed__google_svcca")
def test_googles_pwcca_changes_with_a_constant(pair, expected):
    """A defect of the peer: means are left in, coefficients are put to columns not whitened."""
    other, one = tables(pair)
    assert google_pwcca(one, other) == pytest.approx(expected, abs=1e-8)
    far = one + np.where(np.ptp(one, axis=0) > 0, 1.0, 0.0)
    if pair != "pixels|pca16":  # there all correlations are 1 and no weights matter
        assert abs(google_pwcca(far, other) - expected) > 1e-4
    here, there = pwcca(one, other, **BARE), pwcca(far, other, **BARE)
    assert there.value == pytest.approx(here.value, abs=1e-9)


@references("pwcca_dist_svd__anatome")
def test_anatomes_pwcca_weights_rows_instead_of_columns(pair, expected):
    """A defect of the peer (its issue 30): null directions of dead units count as well."""
    one, other = tables(pair)
    constant = any((np.ptp(t, axis=0) == 0).any() for t in (one, other))
    assert constant
    if pair != "pixels|pca16":
        assert abs(1 - expected - pwcca(one, other, **BARE).by_first) > 0.01


def test_all_stored_values_of_the_family_are_held_or_named():
    """Every key of the peers; those that only record an error have no number."""
    names = {k for v in PAIRS.values() for k in v if "cca" in k.lower() and "Jaccard" not in k}
    text = Path(__file__).read_text(encoding="utf-8")
    numbers = {n for n in names if any(isinstance(v[n], float) for v in PAIRS.values())}
    assert all(f'references("{name}")' in text for name in numbers)
    assert names - numbers == {"PWCCA__resi"}


# --- invariances, each side by itself


@every
def test_each_side_may_be_moved_by_itself(measure):
    one, other = tables("mlp_a|noise")
    options = {"weights": "squared"} if measure is pwcca else {}
    here = measure(one, other, **BARE, **options)
    there = measure(moved(one, 1), moved(other, 2), **BARE, **options)
    assert there.value == pytest.approx(here.value, abs=1e-9)
    assert (there.rank_first, there.rank_second) == (here.rank_first, here.rank_second)


def test_mean_cca_allows_for_any_invertible_map_of_each_side():
    rng = np.random.default_rng(3)
    one, other = tables("pixels|pca16")[1], tables("mlp_a|noise")[1]
    here = mean_cca(one, other, **BARE).value
    maps = [rng.normal(size=(t.shape[1], t.shape[1])) for t in (one, other)]
    assert mean_cca(one @ maps[0], other @ maps[1], **BARE).value == pytest.approx(here, abs=1e-9)
    tiny = one * np.geomspace(1e-9, 1e9, one.shape[1])
    assert mean_cca(tiny, other, **BARE).value == pytest.approx(here, abs=1e-9)


def test_pwcca_by_the_second_side_allows_for_any_map_of_the_first():
    rng = np.random.default_rng(3)
    one, other = tables("pixels|pca16")[1], tables("mlp_a|noise")[1]
    here = pwcca(one, other, weighted_by="second", **BARE).value
    one = one @ rng.normal(size=(16, 16))
    assert pwcca(one, other, weighted_by="second", **BARE).value == pytest.approx(here, abs=1e-9)


# --- closed forms


def test_one_column_each_gives_the_absolute_correlation():
    rng = np.random.default_rng(0)
    a = rng.normal(size=50)
    b = -0.5 * a + rng.normal(size=50)
    expected = abs(np.corrcoef(a, b)[0, 1])
    for measure in MEASURES:
        found = measure(a[:, None], b[:, None], **BARE)
        assert found.value == pytest.approx(expected, abs=1e-12)
    assert mean_cca(a[:, None], b[:, None], squared=True, **BARE).value == pytest.approx(
        expected**2, abs=1e-12
    )


def test_scikit_learn_finds_the_same_correlations():
    from sklearn.cross_decomposition import CCA

    rng = np.random.default_rng(1)
    one = rng.normal(size=(200, 3))
    other = one @ rng.normal(size=(3, 4)) + 2 * rng.normal(size=(200, 4))
    found = CCA(3, max_iter=5000, tol=1e-14).fit(one, other).transform(one, other)
    expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(*(f.T for f in found), strict=True)]
    ours = mean_cca(one, other, **BARE).correlations
    np.testing.assert_allclose(ours, np.sort(expected)[::-1], atol=1e-6)  # theirs is iterative


@pytest.mark.parametrize(
    ("keep", "kept"), [(0.5, 1), (0.9, 2), (0.999, 3), (1.0, 4), (1, 1), (9, 4)]
)
def test_the_fewest_directions_that_reach_the_share_are_kept(keep, kept):
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(40, 5)) - 0)[0]
    basis = np.linalg.qr(basis - basis.mean(axis=0))[0][:, :4]
    table = (basis - basis.mean(axis=0)) * np.sqrt([70.0, 25.0, 4.95, 0.05])
    assert svcca(table, table, keep=keep, **BARE).rank_first == kept


def test_singular_values_keep_more_than_variances():
    one, other = tables("mlp_a|mlp_b")
    by = {how: svcca(one, other, share_of=how, **BARE) for how in ("variance", "singular values")}
    assert (by["variance"].rank_first, by["singular values"].rank_first) == (19, 33)


# --- traps


@every
def test_dead_units_and_repeated_columns_change_nothing(measure):
    one, other = tables("pixels|pca16")[1], tables("mlp_a|noise")[1]
    options = {"weighted_by": "second"} if measure is pwcca else {}
    if measure is svcca:
        options = {"keep": 1.0}
    here = measure(one, other, **BARE, **options)
    full = np.hstack(
        [one, np.zeros((300, 2)), np.full((300, 1), 0.1), one[:, :3], one @ one[0][:, None]]
    )
    there = measure(full, other, **BARE, **options)
    assert there.value == pytest.approx(here.value, abs=1e-9)
    assert there.rank_first == here.rank_first == 16
    assert {"constant columns", "duplicate columns"} <= {c.name for c in there.cautions}


@every
def test_a_table_with_dead_units_is_at_one_with_itself(measure):
    one = tables("mlp_a|mlp_b")[0]
    found = measure(one, one.copy(), n_draws=0)
    assert found.value == pytest.approx(1.0, abs=1e-9)
    assert found.normalised == pytest.approx(1.0, abs=1e-9)


def test_a_mean_over_columns_counts_dead_units_against():
    one = tables("mlp_a|mlp_b")[0]
    found = mean_cca(one, one.copy(), mean_over="columns", n_draws=0)
    assert found.value == pytest.approx(36 / 40, abs=1e-9)
    assert found.normalised == pytest.approx(1.0, abs=1e-9)


def test_a_unit_that_varies_in_its_last_digits_is_dead():
    rng = np.random.default_rng(0)
    one, other = tables("pixels|pca16")[1], tables("mlp_a|noise")[1]
    nearly = 0.3 * (1 + np.finfo(float).eps * rng.integers(-2, 3, size=(300, 2)))
    assert (np.ptp(nearly, axis=0) > 0).all()
    found = mean_cca(np.hstack([one, nearly]), other, **BARE)
    assert found.rank_first == 16
    assert found.value == pytest.approx(mean_cca(one, other, **BARE).value, abs=1e-9)
    assert mean_cca(nearly, other).reason.name == "constant columns"


def test_columns_that_repeat_in_single_precision_are_no_directions():
    one, other = tables("pixels|pca16")[1], tables("mlp_a|noise")[1]
    mixed = (one @ np.random.default_rng(0).normal(size=(16, 30))).astype(np.float32)
    found = mean_cca(mixed, other, **BARE)
    assert found.rank_first == 16
    assert found.value == pytest.approx(mean_cca(one, other, **BARE).value, abs=1e-5)


@every
def test_more_columns_than_rows_is_said_and_not_believed(measure):
    one, other = (
        np.load(FOLDER / "arrays.npz")["wide_a"],
        np.load(FOLDER / "arrays.npz")["wide_noise"],
    )
    options = {"keep": 1.0} if measure is svcca else {}
    found = measure(one, other, n_permutations=5, n_draws=3, **options)
    assert found.value == pytest.approx(1.0, abs=1e-9)
    assert {"more columns than rows", "too few rows"} <= {c.name for c in found.cautions}
    assert found.normalised is None
    assert found.p_value == 1.0


def test_spans_that_must_meet_are_named_with_their_number():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(20, 12)), rng.normal(size=(20, 10))
    found = mean_cca(one, other, **BARE)
    caution = next(c for c in found.cautions if c.name == "too few rows")
    assert "at least 3 of" in caution.sentence
    assert (found.correlations > 1 - 1e-9).sum() == 3
    enough = mean_cca(rng.normal(size=(23, 12)), rng.normal(size=(23, 10)), **BARE)
    assert not enough.cautions


@every
def test_a_side_without_variance_has_no_value(measure):
    one = np.random.default_rng(0).normal(size=(20, 3))
    for pair in ((one, np.full((20, 2), 0.1)), (np.zeros((20, 2)), one)):
        found = measure(*pair)
        assert found.value is None
        assert found.reason.name == "constant columns"
        assert found.normalised is found.chance is found.interval is None
        assert 0 in (found.rank_first, found.rank_second)


@every
def test_unrelated_tables_lie_at_chance_and_related_ones_above(measure):
    one, noise = tables("mlp_a|noise")
    found = measure(one, noise)
    assert abs(found.normalised) < 0.1
    related = measure(*tables("mlp_a|mlp_b"))
    assert related.normalised > 0.5
    assert related.p_value == pytest.approx(1 / 31)
    assert related.interval.low < related.value <= related.interval.high <= 1


@every
def test_shuffled_rows_are_the_chance_level(measure):
    """The shortcut by fixed bases is the same as shuffling the table."""
    one, other = tables("mlp_a|mlp_b")
    order = np.random.default_rng(0).permutation(300)
    chance = measure(one, other, n_permutations=1, n_draws=0).chance.values[0]
    assert measure(one[order], other, **BARE).value == pytest.approx(chance, abs=1e-10)


def test_half_samples_of_mean_cca_are_the_value_on_those_rows():
    """The shortcut by the bases at hand is the same as starting from the table."""
    from negtransfer.metrics._scores import half_of

    for name, second in (("pca16", "noise"), ("mlp_a", "mlp_b"), ("wide_a", "wide_b")):
        one, other = (np.load(FOLDER / "arrays.npz")[k] for k in (name, second))
        rng = np.random.default_rng(5)
        halves = [half_of(len(one), rng) for _ in range(4)]
        values = [mean_cca(one[rows], other[rows], **BARE).value for rows in halves]
        found = mean_cca(one, other, n_permutations=0, n_draws=4, random_state=5).interval
        reach = 1.2815515655446004 * np.std(values, ddof=1)  # the normal quantile of 0.9
        value = mean_cca(one, other, **BARE).value
        assert found.low == pytest.approx(max(0, value - reach), abs=1e-7)


@pytest.mark.parametrize("keep", [0, -1, 0.0, 1.5, True, "all", float("nan")])
def test_a_number_to_keep_that_makes_no_sense_is_refused(keep):
    one = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(ValueError, match="`keep` must be"):
        svcca(one, one, keep=keep)


def test_unknown_words_are_refused():
    one = np.random.default_rng(0).normal(size=(20, 3))
    for measure, option in (
        (svcca, "share_of"), (mean_cca, "mean_over"), (pwcca, "weights"), (pwcca, "weighted_by"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"`{option}` must be one of"):
            measure(one, one, **{option: "other"})
