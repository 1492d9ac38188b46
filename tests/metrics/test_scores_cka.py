"""CKA whole, in batches and in one pass; and the contract of paired rows."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negtransfer.metrics.similarity._gram import double_centred, u_centred
from negtransfer.metrics.similarity._paired import check_paired
from negtransfer.metrics.similarity.cka import cka
from negtransfer.metrics.similarity.minibatch_cka import minibatch_cka
from negtransfer.metrics.similarity.streaming_cka import CkaStream, streaming_cka

FOLDER = Path(__file__).parent / "reference_scores" / "similarity"
STORED = json.loads((FOLDER / "values.json").read_text(encoding="utf-8"))
PAIRS = STORED["pairs"]
BARE = {"n_permutations": 0, "n_draws": 0}
every_pair = pytest.mark.parametrize("pair", PAIRS)


def array(name):
    return np.load(FOLDER / "arrays.npz")[name]


def tables(pair):
    return tuple(array(name) for name in pair.split("|"))


def value(one, other, **options):
    return cka(one, other, **{**BARE, **options}).value


def related(n=90, p=5, q=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, np.tanh(X @ rng.normal(size=(p, q))) + 0.3 * rng.normal(size=(n, q))


# --- values of others

VALUES = {
    "cka_linear_biased__google_demo_gram": {"debiased": False},
    "cka_linear_biased__google_demo_feature": {"debiased": False},
    "cka_linear_biased__sim_metric": {"debiased": False},
    "CKA__resi": {"debiased": False},
    "cka_linear_debiased__google_demo_gram": {},
    "cka_linear_debiased__google_demo_feature": {},
    "cka_rbf0.5median_biased__google_demo": {"kernel": "rbf", "debiased": False},
    "cka_rbf0.5median_debiased__google_demo": {"kernel": "rbf"},
}
OFFSET = {
    # 1e-6 in the peer's denominator: up to 1e-6 of the value for kernels in these units, and more
    # for its unbiased HSIC, which it divides by n²
    "cka_linear_biased__platonic": ({"debiased": False}, 1e-9),
    "cka_linear_unbiased__platonic": ({}, 1e-6),
    "cka_rbf_sigma1_biased__platonic": ({"kernel": "rbf", "bandwidth": 1, "debiased": False}, 1e-6),
}


@every_pair
@pytest.mark.parametrize("key", VALUES)
def test_reference_values(pair, key):
    found = value(*tables(pair), **VALUES[key])
    assert found == pytest.approx(PAIRS[pair][key], rel=1e-9, abs=1e-12)


@every_pair
@pytest.mark.parametrize("key", OFFSET)
def test_reference_values_with_an_offset_in_the_denominator(pair, key):
    options, tolerance = OFFSET[key]
    found = value(*tables(pair), **options)
    assert found == pytest.approx(PAIRS[pair][key], rel=tolerance, abs=tolerance)


@every_pair
def test_distances_of_others_are_functions_of_the_value(pair):
    stored, sides = PAIRS[pair], tables(pair)
    plain, debiased = value(*sides, debiased=False), value(*sides)
    assert 1 - plain == pytest.approx(stored["lincka_dist__anatome"], abs=1e-12)
    assert 1 - debiased == pytest.approx(stored["lincka_dist_debiased__anatome"], abs=1e-12)
    assert np.arccos(plain) == pytest.approx(stored["cka_arccos__netrep"], rel=1e-9)


def test_values_printed_by_kornblith_and_others():
    rng = np.random.RandomState(1337)  # the notebook's own generator
    X = rng.randn(100, 10)
    Y = rng.randn(100, 10) + X
    stored = STORED["google_demo_seed1337"]
    found = {
        "linear_cka": value(X, Y, debiased=False),
        "rbf_cka_0.5": value(X, Y, kernel="rbf", debiased=False),
        "linear_cka_debiased": value(X, Y),
    }
    for key, number in found.items():
        assert number == pytest.approx(stored[key], rel=1e-12), key
        assert round(number, 5) == stored["printed_in_notebook"][key]


# --- definitions and closed forms


@pytest.mark.parametrize("widths", [(3, 2), (40, 3), (40, 40)])
@pytest.mark.parametrize("debiased", [True, False])
def test_the_two_forms_are_one_number(widths, debiased):
    """Columns when there are more rows than columns, rows otherwise; here both by hand."""
    X, Y = related(30, *widths)
    centre = u_centred if debiased else double_centred
    K, L = centre(X @ X.T), centre(Y @ Y.T)
    expected = (K * L).sum() / np.sqrt((K * K).sum() * (L * L).sum())
    assert value(X, Y, debiased=debiased) == pytest.approx(expected, rel=1e-10)


def test_u_centring_gives_the_unbiased_estimate_of_song_and_others():
    X, Y = related(12)
    K, L = X @ X.T, Y @ Y.T
    np.fill_diagonal(K, 0)
    np.fill_diagonal(L, 0)
    m, one = 12, np.ones(12)
    song = np.trace(K @ L) + (one @ K @ one) * (one @ L @ one) / ((m - 1) * (m - 2))
    song = (song - 2 / (m - 2) * (one @ K @ L @ one)) / (m * (m - 3))
    assert (u_centred(K) * u_centred(L)).sum() / (m * (m - 3)) == pytest.approx(song, rel=1e-12)


def test_the_debiased_value_is_0_on_average_over_all_orders_of_rows():
    """The exact chance level, here from all 120 orders of five rows."""
    X, Y = related(5, 2, 2)
    found = [value(X, Y[list(order)]) for order in permutations(range(5))]
    assert np.mean(found) == pytest.approx(0, abs=1e-12)
    plain = [value(X, Y[list(order)], debiased=False) for order in permutations(range(5))]
    assert np.mean(plain) > 0.2


def test_one_column_each_is_the_squared_correlation():
    X, Y = related(50, 1, 1)
    r = np.corrcoef(X[:, 0], Y[:, 0])[0, 1]
    assert value(X, Y, debiased=False) == pytest.approx(r**2, rel=1e-12)


def test_the_chance_level_is_that_of_shuffled_rows():
    X, Y = related(60)
    found = cka(X, Y, n_permutations=300, n_draws=0)
    rng = np.random.default_rng(8)
    by_hand = [value(X, Y[rng.permutation(60)]) for _ in range(300)]
    assert found.chance.what == "rows"
    assert found.chance.mean == pytest.approx(0, abs=0.01)
    assert np.std(found.chance.values) == pytest.approx(np.std(by_hand), rel=0.2)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("debiased", [True, False])
def test_a_shuffle_is_the_value_of_shuffled_tables(kernel, debiased):
    """It only moves entries, and must not forget any."""
    X, Y = related(40)
    shuffled = cka(X, Y, kernel=kernel, debiased=debiased, n_permutations=1, n_draws=0)
    order = np.random.default_rng(0).permutation(40)
    expected = value(X, Y[order], kernel=kernel, debiased=debiased)
    assert shuffled.chance.values[0] == pytest.approx(expected, rel=1e-10)


# --- traps


def test_noise_with_more_columns_than_rows_is_no_similarity():
    """Plain: 0.41 linear and 0.70 rbf for tables that have nothing to do with each other."""
    wide, noise = array("wide_a"), array("wide_noise")
    assert abs(value(wide, noise)) < 0.05
    assert abs(value(wide, noise, kernel="rbf")) < 0.05
    assert value(wide, noise, debiased=False) == pytest.approx(0.407, abs=0.001)
    assert value(wide, noise, kernel="rbf", debiased=False) == pytest.approx(0.697, abs=0.001)
    found = cka(wide, noise)
    assert abs(found.normalised) < 0.05
    assert "more columns than rows" in {c.name for c in found.cautions}


def test_negative_values_are_reported():
    assert value(array("mlp_a"), array("noise")) < 0


def test_a_rotation_a_scale_and_a_shift_do_not_matter():
    mlp, rot = array("mlp_a"), array("rot")
    for kernel in ("linear", "rbf"):
        assert value(mlp, rot, kernel=kernel) == pytest.approx(1, abs=1e-9)
        other = array("mlp_b")
        expected = value(mlp, other, kernel=kernel)
        assert value(rot, other, kernel=kernel) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_dead_units_do_not_matter(kernel):
    X, Y = related()
    dead = np.hstack([X, np.zeros((90, 3)), np.full((90, 1), 0.1), np.full((90, 1), 1e5)])
    found = cka(dead, Y, kernel=kernel, **BARE)
    assert found.value == pytest.approx(value(X, Y, kernel=kernel), rel=1e-9)
    assert "constant columns" in {c.name for c in found.cautions}


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e8])
def test_no_variance_has_no_value(kernel, constant):
    X, _ = related()
    for pair in ((X, np.full((90, 2), constant)), (np.full((90, 2), constant), X)):
        found = cka(*pair, kernel=kernel)
        assert found.value is None
        assert found.reason.name == "constant columns"
        assert found.normalised is found.interval is found.chance is None


def test_rows_equally_far_apart_have_no_value():
    X = np.random.default_rng(0).normal(size=(20, 3))
    for kernel in ("linear", "rbf"):
        found = cka(np.eye(20), X, kernel=kernel)
        assert found.value is None
        assert found.reason.name == "not defined"


def test_mostly_equal_rows_give_no_bandwidth():
    X, Y = related(40)
    X[:36] = X[0]
    found = cka(X, Y, kernel="rbf")
    assert found.value is None
    assert "bandwidth" in found.reason.sentence
    assert value(X, Y) is not None


def test_shuffled_rows_look_like_nothing():
    X, Y = related(300)
    order = np.random.default_rng(1).permutation(300)
    assert value(X, Y) > 0.5
    assert abs(value(X, Y[order])) < 0.05
    assert cka(X, Y[order]).p_value > 0.05


@pytest.mark.parametrize("far", [1e3, 1e6])
def test_a_large_mean_costs_no_digits(far):
    X, Y = related()
    assert value(X + far, Y - far) == pytest.approx(value(X, Y), rel=1e-8)


def test_single_precision_with_a_large_mean_is_computed_in_double_and_said():
    X, Y = related()
    X = (X + 1e4).astype(np.float32)
    found = cka(X, Y)
    assert found.value == pytest.approx(value(X.astype(np.float64), Y), rel=1e-12)
    assert "single precision with a large mean" in {c.name for c in found.cautions}


def test_the_width_can_be_given():
    X, Y = related(30)
    assert value(X, Y, kernel="rbf", bandwidth=1.0) != pytest.approx(value(X, Y, kernel="rbf"))
    # a wide Gaussian sees what the linear kernel sees
    wide = value(X, Y, kernel="rbf", bandwidth=1e3)
    assert wide == pytest.approx(value(X, Y), rel=1e-4)


def test_many_rows_are_cut_for_the_rbf_kernel_only():
    X, Y = related(60)
    assert cka(X, Y, kernel="rbf", max_rows=40, **BARE).n_rows == 40
    assert cka(X, Y, max_rows=40, **BARE).n_rows == 60


@pytest.mark.parametrize(
    "wrong", [{"kernel": "cubic"}, {"threshold": 0}, {"bandwidth": -1}, {"max_rows": 3}]
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}` must be"):
        cka(*related(), **wrong)


# --- paired rows

FUNCTIONS = pytest.mark.parametrize("function", [cka, minibatch_cka])


@FUNCTIONS
def test_names_put_the_second_table_into_the_order_of_the_first(function):
    X, Y = related()
    ids = np.array([f"row {k}" for k in range(90)])
    order = np.random.default_rng(2).permutation(90)
    straight = function(X, Y, first_ids=ids, second_ids=ids, **BARE)
    mixed = function(X, Y[order], first_ids=ids, second_ids=ids[order], **BARE)
    assert mixed.value == pytest.approx(straight.value, rel=1e-12)
    assert (straight.reordered, mixed.reordered) == (False, True)


def test_other_rows_are_sent_to_the_measures_that_compare_samples():
    X, Y = related()
    with pytest.raises(ValueError, match=r"90 rows and `second` has 80.*mmd_test"):
        cka(X, Y[:80])
    ids = np.arange(90)
    with pytest.raises(ValueError, match=r"3 of `first` are missing.*3 the other.*mmd_test"):
        cka(X, Y, first_ids=ids, second_ids=ids + 3)
    with pytest.raises(ValueError, match=r"10 of `first` are missing.*0 the other.*mmd_test"):
        check_paired(X, Y[:80], first_ids=ids, second_ids=ids[:80])


def test_names_that_name_nothing_are_refused():
    X, Y = related()
    ids = np.arange(90)
    twice = np.r_[ids[:-1], 0]
    for options, match in (
        ({"first_ids": ids}, "without `second_ids`"),
        ({"second_ids": ids}, "without `first_ids`"),
        ({"first_ids": ids[:5], "second_ids": ids}, r"`first_ids` has shape \(5,\)"),
        ({"first_ids": twice, "second_ids": ids}, "the ids of rows must differ"),
        ({"first_ids": ids, "second_ids": np.where(ids == 4, np.nan, ids)}, "are missing"),
    ):
        with pytest.raises(ValueError, match=match) as fault:
            check_paired(X, Y, **options)
        assert str(fault.value).endswith(".")


def test_names_may_be_numbers_or_texts():
    X, Y = related(6)
    for ids in ([5, 3, 1, 0, 2, 4], list("fbcade"), [1, *list("bcdef")]):
        back = np.asarray(ids)[::-1]
        assert check_paired(X, Y, first_ids=ids, second_ids=back)[1] == pytest.approx(Y[::-1])


# --- one pass

CUTS = st.lists(st.integers(1, 89), unique=True, max_size=6).map(sorted)


def parts(table, cuts):
    return np.split(table, cuts)


@settings(max_examples=40, deadline=None)
@given(cuts=CUTS, far=st.sampled_from([0.0, 1e3, -1e5]), scale=st.sampled_from([1e-3, 1.0, 1e4]))
def test_one_pass_gives_the_whole_whatever_the_batches(cuts, far, scale):
    X, Y = related()
    X = X * scale + far
    found = streaming_cka(list(zip(parts(X, cuts), parts(Y, cuts), strict=True)))
    assert found.n_rows == 90
    expected = value(X, Y)
    # a mean 1e8 times the spread leaves 8 of the 16 digits of the rows themselves
    assert found.between(0, 1).value == pytest.approx(expected, rel=1e-9 if abs(far) < 1 else 1e-6)


@settings(max_examples=20, deadline=None)
@given(cut=st.integers(1, 89), cuts=CUTS)
def test_streams_can_be_merged(cut, cuts):
    X, Y = related()
    streams = CkaStream(), CkaStream()
    for stream, rows in zip(streams, (slice(0, cut), slice(cut, None)), strict=True):
        inside = [c for c in cuts if c < len(X[rows])]
        for one, other in zip(parts(X[rows], inside), parts(Y[rows], inside), strict=True):
            stream.update(one, other)
    streams[0].merge(streams[1])
    assert streams[0].n_rows == 90
    assert streams[1].n_rows == 90 - cut
    assert streams[0].result().values[0, 1] == pytest.approx(value(X, Y), rel=1e-9)


def test_all_pairs_of_layers_at_once():
    X, Y = related(70)
    layers = {"in": X, "middle": np.maximum(X[:, :3], 0), "out": Y, "wide": X @ np.ones((5, 90))}
    batches = [
        {name: layer[k : k + 16] for name, layer in layers.items()} for k in range(0, 70, 16)
    ]
    # the order of the names within a later batch does not matter
    batches[2] = dict(reversed(batches[2].items()))
    found = streaming_cka(batches)
    assert found.names == tuple(layers)
    assert np.array_equal(found.values, found.values.T)
    for one, X_one in layers.items():
        for other, X_other in layers.items():
            expected = value(X_one, X_other)
            assert found.between(one, other).value == pytest.approx(expected, rel=1e-9), (
                one,
                other,
            )


def test_results_can_be_had_in_between():
    X, Y = related()
    stream = CkaStream(["x", "y"])
    for end in (30, 60, 90):
        stream.update(X[end - 30 : end], Y[end - 30 : end])
        assert stream.result().values[0, 1] == pytest.approx(value(X[:end], Y[:end]), rel=1e-10)


def test_a_stream_keeps_no_view_of_what_it_was_given():
    X, Y = related()
    stream = CkaStream()
    room = np.empty((30, 5)), np.empty((30, 4))
    for start in range(0, 90, 30):
        room[0][:], room[1][:] = X[start : start + 30], Y[start : start + 30]
        stream.update(*room)
    assert stream.result().values[0, 1] == pytest.approx(value(X, Y), rel=1e-10)


def test_what_a_stream_keeps_does_not_grow_with_the_rows():
    stream = CkaStream()
    rng = np.random.default_rng(0)
    for _ in range(300):
        stream.update(rng.normal(size=(10, 6)), rng.normal(size=(10, 4)))
    assert stream.n_rows == 3000
    assert sum(len(rows) for rows in stream._waiting) < 10


def test_layers_without_variance_have_a_reason_and_leave_the_others_alone():
    X, Y = related()
    found = streaming_cka([
        {"x": X[k : k + 30], "dead": np.full((30, 3), 0.1), "y": Y[k : k + 30]}
        for k in (0, 30, 60)
    ])  # fmt: skip
    assert [reason and reason.name for reason in found.reasons] == [None, "constant columns", None]
    assert found.between("x", "y").value == pytest.approx(value(X, Y), rel=1e-10)
    none = found.between("x", "dead")
    assert none.value is None
    assert none.reason.sentence.endswith(".")
    assert np.isnan(found.values[1]).all()


def test_wrong_batches_are_refused():
    X, Y = related()
    stream = CkaStream(["x", "y"])
    with pytest.raises(ValueError, match="at least 4 are needed"):
        stream.result()
    stream.update(X, Y)
    for layers, match in (
        ((X,), "was given 1 layer"), ((X, Y[:5]), "rows"), ((X, Y[:, :2]), "columns"),
        ((X, np.full_like(Y, np.nan)), "missing or infinite"), ((X[0], Y), "table"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=match) as fault:
            stream.update(*layers)
        assert str(fault.value).endswith(".")
    assert stream.n_rows == 90
    with pytest.raises(ValueError, match="other layers"):
        stream.merge(CkaStream(["x", "z"]))
    with pytest.raises(ValueError, match="repeats a name"):
        CkaStream(["x", "x"])
    with pytest.raises(ValueError, match="empty"):
        streaming_cka([])
    with pytest.raises(ValueError, match="the first had"):
        streaming_cka([{"x": X, "y": Y}, {"x": X, "z": Y}])
    with pytest.raises(ValueError, match="No layer is named"):
        stream.result().between("x", "z")


# --- batches


def test_one_batch_is_the_whole():
    for X, Y in (related(), related(40, 60, 50)):
        assert minibatch_cka(X, Y, **BARE).value == pytest.approx(value(X, Y), rel=1e-10)


def test_batches_come_close_to_the_whole_without_bias():
    """For many orders: the mean of ratios would be off, the ratio of sums is not."""
    X, Y = related(240, 12, 10)
    expected = value(X, Y)
    spread = {}
    for size in (16, 60):
        found = [
            minibatch_cka(X, Y, batch_size=size, random_state=k, **BARE).value for k in range(30)
        ]
        spread[size] = np.std(found)
        assert np.mean(found) == pytest.approx(expected, abs=4 * spread[size] / np.sqrt(30) + 2e-3)
    assert spread[60] < spread[16]


def test_the_sums_come_first_and_the_ratio_last():
    X, Y = related(24)
    terms = []
    for k in (0, 8, 16):
        K, L = (u_centred(side[k : k + 8] @ side[k : k + 8].T) for side in (X, Y))
        terms.append([(K * L).sum(), (K * K).sum(), (L * L).sum()])
    xy, xx, yy = np.sum(terms, axis=0)
    found = minibatch_cka(X, Y, batch_size=8, shuffle=False, **BARE).value
    assert found == pytest.approx(xy / np.sqrt(xx * yy), rel=1e-10)


def test_a_rest_of_fewer_than_four_rows_joins_the_last_batch():
    X, Y = related(27)
    terms = []
    for rows in (slice(0, 8), slice(8, 16), slice(16, 27)):
        K, L = (u_centred(side[rows] @ side[rows].T) for side in (X, Y))
        m = len(K)
        terms.append([(a * b).sum() / (m * (m - 3)) for a, b in ((K, L), (K, K), (L, L))])
    xy, xx, yy = np.sum(terms, axis=0)
    found = minibatch_cka(X, Y, batch_size=8, shuffle=False, **BARE).value
    assert found == pytest.approx(xy / np.sqrt(xx * yy), rel=1e-10)


@pytest.mark.parametrize("size", [0, 3, 2.5])
def test_batches_of_fewer_than_four_rows_are_refused(size):
    with pytest.raises(ValueError, match="`batch_size` must be a whole number of at least 4"):
        minibatch_cka(*related(), batch_size=size)


def test_rows_sorted_by_class_must_be_dealt_out():
    """Batches of one class only see what differs within the class: here, nothing in common."""
    rng = np.random.default_rng(3)
    y = np.repeat(np.arange(6), 50)
    X = 6 * np.eye(6)[y] + rng.normal(size=(300, 6))
    Y = 6 * np.eye(6)[y] + rng.normal(size=(300, 6))
    whole = value(X, Y)
    dealt = minibatch_cka(X, Y, batch_size=50, **BARE).value
    sorted_rows = minibatch_cka(X, Y, batch_size=50, shuffle=False, **BARE).value
    assert dealt == pytest.approx(whole, abs=0.02)
    assert abs(sorted_rows) < 0.1 < 0.7 < whole
