"""All columns of two tables at once: the same numbers as one by one, and joint tests."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from negtransfer.metrics import (
    benjamini_hochberg,
    chi_square_shift,
    column_shift,
    column_table,
    column_wasserstein,
    cramer_von_mises,
    jensen_shannon,
    kolmogorov_smirnov,
    population_stability_index,
)
from negtransfer.metrics.shift._sorted_columns import (
    Relabellings,
    reduce_walks,
    scaled_statistic,
    sort_column,
    walks,
)

NAN = float("nan")
few = {"n_splits": 1, "n_permutations": 0}


def mixed(seed=0, n=90, m=70, move=0.8):
    """A moved, an unmoved and a tied numeric column with gaps, and a column of codes."""
    rng = np.random.default_rng(seed)
    tables = []
    for rows, by in ((n, 0.0), (m, move)):
        numbers = rng.normal(size=(rows, 3)) + np.array([by, 0, 0])
        numbers[:, 2] = np.round(numbers[:, 2])
        numbers[rng.random(rows) < 0.1, 1] = NAN
        tables.append(np.column_stack([numbers, rng.integers(-1, 3, size=rows)]))
    return tables


MASK = [False, False, False, True]


def test_every_number_is_that_of_the_single_functions():
    X, Y = mixed()
    found = column_table(X, Y, categorical=MASK, allow_missing=True, **few)
    quick = {"n_splits": 1, "n_draws": 2}
    for j in range(3):
        x, y = X[:, j], Y[:, j]
        ks = kolmogorov_smirnov(x, y, n_splits=1)
        assert found.distances[j] == pytest.approx(ks.value)
        interval = found.distance_low[j], found.distance_high[j]
        assert interval == pytest.approx((ks.interval.low, ks.interval.high))
        assert found.cramer_von_mises[j] == pytest.approx(cramer_von_mises(x, y, **quick).value)
        moved = column_wasserstein(x, y, **quick)
        assert found.wasserstein[j] == pytest.approx(moved.value)
        assert found.wasserstein_units[j] == moved.unit
        assert found.jensen_shannon[j] == pytest.approx(jensen_shannon(x, y, **quick).value)
        psi = population_stability_index(x, y, **quick).value
        assert found.stability_indices[j] == pytest.approx(psi)
        one = column_shift(x, y, categorical=False, n_splits=1)
        assert found.p_missing[j] == pytest.approx(one.p_missing)
        rates = found.missing_source[j], found.missing_target[j]
        assert rates == (one.missing_source, one.missing_target)
        joint = min(1.0, 2 * min(ks.p_value, one.p_missing)) if j == 1 else ks.p_value
        assert found.p_values[j] == pytest.approx(joint)
    codes = X[:, 3].astype(int), Y[:, 3].astype(int)
    one = column_shift(*codes, categorical=True, n_splits=1)
    assert (found.distances[3], found.p_values[3]) == pytest.approx((one.effect, one.p_value))
    assert one.p_values_only == pytest.approx(chi_square_shift(*codes, **quick).p_value)
    assert np.isnan(found.wasserstein[3])
    assert found.wasserstein_units[3] == ""
    assert found.p_adjusted == pytest.approx(benjamini_hochberg(found.p_values))


def test_tables_mappings_and_iterators_say_the_same():
    X, Y = mixed(1)
    names = ["a", "b", "c", "d"]
    options = {"allow_missing": True, "n_permutations": 19, "n_splits": 2}
    by_table = column_table(X, Y, names=names, categorical=MASK, **options)
    pairs = dict(zip(names, X.T, strict=True)), dict(zip(names[::-1], Y.T[::-1], strict=True))
    by_name = column_table(*pairs, categorical={"d"}, **options)
    one_by_one = column_table(iter(X.T), iter(Y.T), names=names, categorical=["d"], **options)
    for other in (by_name, one_by_one):
        assert other.names == by_table.names == tuple(names)
        assert (other.value, other.p_any) == (by_table.value, by_table.p_any)
        assert (other.p_family == by_table.p_family).all()
        assert (other.null.pooled == by_table.null.pooled).all()


def test_which_and_any():
    X, Y = mixed(move=1.5)
    found = column_table(X, Y, categorical=MASK, allow_missing=True)
    assert found.moved.tolist() == [True, False, False, False]
    assert found.order[0] == 0
    assert found.value == found.distances[0] > found.null.pooled.max()
    assert found.interval.low <= found.value <= found.interval.high
    assert found.p_any == found.p_family[0] == 1 / 200
    assert found.p_family[1:].min() > 0.05


@pytest.mark.parametrize("statistic", ["ks", "cvm", "wasserstein"])
def test_missing_rates_alone_are_found(statistic):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(80, 2)), rng.normal(size=(60, 2))
    Y[:30, 1] = NAN
    found = column_table(X, Y, allow_missing=True, statistic=statistic, n_permutations=99)
    assert found.p_family[1] == 0.01
    assert found.moved.tolist() == [False, True]
    gone = np.full(60, NAN)
    emptied = column_table(X, np.column_stack([Y[:, 0], gone]), allow_missing=True)
    assert np.isnan(emptied.distances[1])
    assert emptied.p_values[1] == emptied.p_missing[1] < 1e-10
    assert emptied.moved.tolist() == [False, True]
    assert emptied.order.tolist() == [0, 1]


# --- permutations


def test_walks_are_the_statistics_of_the_relabelled_rows():
    rng = np.random.default_rng(0)
    x, y = np.round(rng.normal(size=20), 1), np.round(rng.normal(1, 1, size=14), 1)
    x[3] = NAN
    both, ordered = np.append(x, y), sort_column(x, y)
    firsts = np.array([rng.permutation(34) < 20 for _ in range(5)])
    walk, a, b = walks(ordered.pooled, firsts.astype(np.uint8))
    for k, first in enumerate(firsts):
        one, other = (side[~np.isnan(side)] for side in (both[first], both[~first]))
        assert (a[k], b[k]) == (len(one), len(other))
        wanted = {
            "ks": stats.ks_2samp(one, other).statistic,
            "wasserstein": stats.wasserstein_distance(one, other),
            "cvm": cramer_von_mises(one, other, n_splits=1, n_draws=2, n_permutations=19).value,
        }
        for kind, value in wanted.items():
            found = reduce_walks(walk, a, b, ordered.pooled, kind)[k]
            assert found == pytest.approx(value), kind
        values, codes = np.unique(np.append(one, other), return_inverse=True)
        counts = [np.bincount(c, minlength=len(values)) for c in np.split(codes, [len(one)])]
        chi2 = stats.chi2_contingency(counts, correction=False).statistic
        found = scaled_statistic(walk, a, b, ordered.pooled, "chi-square")[k]
        assert found == pytest.approx(chi2)


def test_permutations_and_halves_are_of_the_right_sizes_and_shared():
    relabellings = Relabellings(40, 25, 30, 4, np.random.default_rng(0))
    rows = np.arange(40.0), np.arange(25.0) + 100
    ordered = sort_column(*rows)
    found = relabellings.permuted(ordered.pooled, "ks")
    assert len(found) == 31
    assert found[0] == pytest.approx(np.sqrt(40 * 25 / 65))
    assert found[1:].max() < found[0]
    assert (relabellings.permuted(ordered.pooled, "ks") == found).all()
    # No entry is missing: the rates never differ.
    assert relabellings.permuted_rates(ordered.pooled.order) == pytest.approx(0)
    halves = relabellings.halved(ordered.source, 0, "ks")
    assert halves.shape == (4,)
    assert ((halves > 0) & (halves < 0.8)).all()


def test_copies_of_a_column_cost_nothing():
    """Bonferroni would multiply the p-value by thirty; shared permutations see the dependence."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(60, 1)), rng.normal(0.45, 1, size=(50, 1))
    single = column_table(x, y, n_permutations=199).p_any
    many = column_table(np.repeat(x, 30, axis=1), np.repeat(y, 30, axis=1)).p_any
    assert many == single < 0.2


def test_the_joint_test_keeps_its_level():
    """Ties, gaps and codes together; 0.2 is rejected in about 20 of 100."""
    rejected = []
    for seed in range(100):
        X, Y = mixed(seed, n=30, m=24, move=0.0)
        found = column_table(
            X, Y, categorical=MASK, allow_missing=True, n_permutations=39, n_splits=1,
            random_state=seed,
        )  # fmt: skip
        rejected.append(found.p_any <= 0.2)
    assert 0.1 <= np.mean(rejected) <= 0.31


def test_permutation_p_values_stand_in_where_no_others_exist():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 2)), rng.normal(size=(40, 2)) * [1.0, 4.0]
    for statistic in ("cvm", "wasserstein"):
        found = column_table(X, Y, statistic=statistic, n_permutations=99)
        assert found.p_values[1] <= 0.03 < found.p_values[0]
        assert found.p_values[0] * 100 == pytest.approx(round(found.p_values[0] * 100))


# --- properties


def tables(rows):
    return arrays(np.float64, (rows, 3), elements=st.integers(-2, 2).map(float))


@settings(max_examples=25, deadline=None)
@given(X=tables(6), Y=tables(9))
def test_symmetry_and_ranges_with_ties_and_constant_columns(X, Y):
    X[:, 2] = 1.0
    there, back = column_table(X, Y, **few), column_table(Y, X, **few)
    for field in ("distances", "cramer_von_mises", "wasserstein", "jensen_shannon", "p_values"):
        assert getattr(there, field) == pytest.approx(getattr(back, field)), field
    assert ((there.distances >= 0) & (there.distances <= 1)).all()
    assert ((there.p_values > 0) & (there.p_values <= 1)).all()
    assert (there.p_adjusted >= there.p_values - 1e-12).all()
    itself = column_table(X, X[::-1], **few)
    assert itself.value == 0
    assert (itself.p_values == 1).all()
    assert itself.stability_indices == pytest.approx(0)


@settings(max_examples=25, deadline=None)
@given(X=tables(5), Y=tables(4), holes=arrays(np.bool_, (9, 3)))
def test_any_pattern_of_missing_entries_gives_numbers_or_one_sentence(X, Y, holes):
    X[holes[:5]], Y[holes[5:]] = NAN, NAN
    options = {"allow_missing": True, "n_permutations": 19, "n_splits": 1}
    whole = ~(holes[:5].all(axis=0) | holes[5:].all(axis=0))
    if not whole.any():
        with pytest.raises(ValueError, match="No column has an entry"):
            column_table(X, Y, **options)
        return
    found = column_table(X, Y, **options)
    assert (np.isfinite(found.distances) == whole).all()
    assert ((found.p_values > 0) & (found.p_values <= 1)).all()
    assert found.missing_source == pytest.approx(holes[:5].mean(axis=0))
    assert (found.p_family >= 1 / 20).all()


# --- bad input


@pytest.mark.parametrize(
    ("pair", "options", "message"),
    [
        ((np.ones((1, 2)), np.ones((5, 2))), {}, r"`source` has 1 row\(s\), at least 2"),
        ((np.ones((5, 2)), np.ones((5, 3))), {}, "`target` has 3 columns, `source` has 2"),
        ((np.ones((5, 0)), np.ones((5, 0))), {}, "have no columns"),
        ((np.ones(5), np.ones((5, 1))), {}, "`source` must be a table"),
        (({"a": [1, 2]}, {"b": [1, 2]}), {}, "different columns"),
        (({"a": [1, 2], "b": [1]}, {"a": [1, 2], "b": [1, 2]}), {}, "Column 'b' has 1 and 2"),
        (({"a": [[1, 2]]}, {"a": [1, 2]}), {}, "'a' of `source` must have shape"),
        ((iter([[1, 2]]), iter([[1, 2], [1, 2]])), {}, "One side has more columns"),
        ((np.ones((5, 1)), np.full((5, 1), 0.5)), {"categorical": [True]}, "whole codes"),
        ((np.ones((5, 2)), np.ones((5, 2))), {"categorical": [True]}, "`categorical` must"),
        ((np.ones((5, 2)), np.ones((5, 2))), {"names": ["a"]}, "`names` has 1 entries"),
        ((np.ones((5, 1)), np.full((5, 1), np.inf)), {"allow_missing": True}, "infinite"),
        ((np.ones((5, 1)), np.full((5, 1), NAN)), {}, "`target` contains 5 missing"),
        ((np.ones((5, 1)), np.ones((5, 1))), {"statistic": "t"}, "`statistic` must"),
        ((np.ones((5, 1)), np.ones((5, 1))), {"n_permutations": 5}, "`n_permutations` must"),
        (
            (np.ones((5, 1)), np.ones((5, 1))),
            {"statistic": "cvm", "n_permutations": 0},
            "`n_permutations` must",
        ),
    ],
)
def test_bad_input_is_refused_in_a_sentence(pair, options, message):
    with pytest.raises(ValueError, match=message):
        column_table(*pair, **options)


def test_a_table_and_a_mapping_do_not_go_together():
    with pytest.raises(TypeError, match="two tables, two mappings or two iterators"):
        column_table({"a": [1, 2]}, [[1], [2]])
