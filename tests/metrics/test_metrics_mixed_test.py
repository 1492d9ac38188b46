"""The test on mixed columns: what it sees, that it holds its level, what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from negtransfer.metrics import mixed_test
from negtransfer.metrics.divergence.mixed_test import _blocks, _with_gaps

QUICK = {"n_permutations": 39, "n_bandwidths": 3, "n_splits": 1}


def draw(seed=0, n=60, m=50, gaps=0.2):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, 3)), rng.normal(size=(m, 3))
    X[rng.random(X.shape) < gaps] = np.nan
    Y[rng.random(Y.shape) < gaps] = np.nan
    return X, Y, rng.integers(-1, 3, (n, 2)), rng.integers(-1, 3, (m, 2))


def moved_numbers(X, Y, a, b):
    return X, Y + 0.8, a, b


def more_gaps(X, Y, a, b):
    Y = Y.copy()
    Y[: len(Y) // 2, 1] = np.nan
    return X, Y, a, b


def other_levels(X, Y, a, b):
    return X, Y, a, np.where(b == 0, 1, b)


def other_dependence(X, Y, a, b):
    """Every column keeps its law; only the tie between two categories is new."""
    return X, Y, a, np.stack([b[:, 0], b[:, 0]], axis=1)


def tie_of_kinds(X, Y, a, b):
    """The first number follows the first category in the target alone."""
    order = np.argsort(np.argsort(b[:, 0], kind="stable"), kind="stable")
    Y = Y.copy()
    Y[:, 0] = np.sort(Y[:, 0])[order]
    return X, Y, a, b


@pytest.mark.parametrize(
    "change", [moved_numbers, more_gaps, other_levels, other_dependence, tie_of_kinds]
)
def test_it_sees_a_change_of_any_kind(change):
    found = mixed_test(*change(*draw(4, 120, 110)), n_permutations=99)
    assert found.p_value <= 0.03


def test_it_holds_its_level():
    found = [mixed_test(*draw(s, 30, 24), **QUICK, random_state=s).p_value for s in range(150)]
    # 0.1 % binomial limits over 150 draws of levels 0.1 and 0.5
    assert np.mean(np.array(found) <= 0.1) <= 0.19
    assert 0.37 <= np.mean(np.array(found) <= 0.5) <= 0.63


def test_distances_are_those_of_the_docstring():
    X, Y, a, b = draw(1, 10, 8)
    numbers, codes = np.vstack([X, Y]), np.vstack([a, b])
    z = (numbers - np.nanmean(numbers, axis=0)) / np.nanstd(numbers, axis=0)
    table = _with_gaps(numbers)
    (block,) = _blocks(table, codes)
    i, j = 2, 13
    wanted = 0.0
    for one, other in zip(z[i], z[j], strict=True):
        gone = np.isnan(one) + np.isnan(other)
        wanted += {0: (one - other) ** 2, 1: 1 + np.nansum([one, other]) ** 2, 2: 0.0}[int(gone)]
    assert block.squares()[i, j] == pytest.approx(wanted)
    np.testing.assert_array_equal(block.differing(), cdist(codes, codes, "hamming") * 2)


def test_scales_codings_and_column_order_do_not_matter():
    X, Y, a, b = draw(2)
    plain = mixed_test(X, Y, a, b, **QUICK)
    coding = np.array([2, 0, 1, -1])  # the last one is read for -1
    others = [
        (X * [2.0, 5.0, 0.1] + 7.0, Y * [2.0, 5.0, 0.1] + 7.0, a, b),
        (X, Y, coding[a], coding[b]),
        (X[:, ::-1], Y[:, ::-1], a[:, ::-1], b[:, ::-1]),
    ]
    for other in others:
        found = mixed_test(*other, **QUICK)
        assert found.value == pytest.approx(plain.value, rel=1e-9)
        assert found.statistic == pytest.approx(plain.statistic, rel=1e-9)
        assert found.p_value == plain.p_value


def test_the_sides_may_be_exchanged():
    X, Y, a, b = draw(3)
    assert mixed_test(Y, X, b, a).value == pytest.approx(mixed_test(X, Y, a, b).value, rel=1e-9)


def test_numbers_or_categories_alone_serve():
    X, Y, a, b = draw(5)
    numbers = mixed_test(X, Y + 1.0, **QUICK)
    codes = mixed_test(source_codes=a, target_codes=np.where(b == 0, 1, b), **QUICK)
    assert numbers.p_value == codes.p_value == 1 / 40
    gone = np.full((30, 1), np.nan)
    assert mixed_test(gone, gone, **QUICK).p_value == 1.0


def test_whole_units_change_sides():
    X, Y, a, b = draw(6, 60, 60)
    units = np.repeat(np.arange(24), 5)
    found = mixed_test(X, Y, a, b, source_groups=units[:60], target_groups=units[60:], **QUICK)
    assert found.value == pytest.approx(mixed_test(X, Y, a, b, **QUICK).value)
    with pytest.raises(ValueError, match="both sides"):
        mixed_test(X, Y, a, b, source_groups=units[:60], target_groups=units[:60])


def test_early_stop_thinning_seed_and_inputs():
    pair = draw(7, 70, 40)
    before = [part.copy() for part in pair]
    found = mixed_test(*pair, n_permutations=999, early_stop=True, max_rows=50)
    again = mixed_test(*pair, n_permutations=999, early_stop=True, max_rows=50)
    assert found.n_permutations < 999
    assert (found.n_source, found.subsampled) == (50, True)
    assert (found.p_value, found.value) == (again.p_value, again.value)
    for part, was in zip(pair, before, strict=True):
        np.testing.assert_array_equal(part, was)


@pytest.mark.parametrize(
    ("arguments", "fault", "says"),
    [
        ((None, None, None, None), ValueError, "both missing"),
        ((np.ones((9, 2)), np.ones((9, 3))), ValueError, "columns"),
        ((np.ones((7, 2)), np.ones((9, 2))), ValueError, "7 row"),
        ((np.full((9, 2), np.inf), np.ones((9, 2))), ValueError, "infinite"),
        ((np.ones((9, 1)), np.ones((9, 1)), np.ones((8, 1), int), None), ValueError, "same rows"),
        ((np.ones((9, 1)), np.ones((9, 1)), np.ones((9, 1), int), None), ValueError, "columns"),
        ((None, None, np.ones((9, 1)), np.ones((9, 1))), TypeError, "integer codes"),
    ],
)
def test_bad_tables_are_refused(arguments, fault, says):
    with pytest.raises(fault, match=says) as raised:
        mixed_test(*arguments)
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize("part", ["numbers", "codes", "both"])
def test_tensors_give_the_same_result(part):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    X, Y = rng.normal(size=(40, 2)), rng.normal(0.4, size=(30, 2))
    X[::5, 0] = np.nan
    a, b = rng.integers(-1, 3, size=(40, 2)), rng.integers(-1, 2, size=(30, 2))
    given = {"numbers": (X, Y), "codes": (None, None, a, b), "both": (X, Y, a, b)}[part]
    tensors = [None if one is None else torch.tensor(one) for one in given]
    one, other = mixed_test(*tensors, n_splits=3), mixed_test(*given, n_splits=3)
    assert one.value == pytest.approx(other.value, rel=1e-9)
    assert one.p_value == other.p_value
    np.testing.assert_allclose(one.target_witness, other.target_witness, atol=1e-9)
    np.testing.assert_allclose(one.null.source, other.null.source, atol=1e-9)
