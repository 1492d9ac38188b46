"""How the columns of two domains are brought together, and which are lost."""

import numpy as np
import pandas as pd
import pytest

from negtransfer import Domain, InputError
from negtransfer.diagnostics.domain import align

RNG = np.random.default_rng(0)
N = 60
BASE = RNG.normal(size=N)
ORDER = RNG.permutation(2 * N)


def _domains(source, target):
    """Return two domains that share a plain column, so that something is always left."""
    return (
        Domain.load({"base": BASE, **source}, name="s"),
        Domain.load({"base": BASE + 0.1, **target}, name="t"),
    )


def _pair(source, target):
    return align(*_domains({"c": source}, {"c": target}))


def _repeat(*values):
    return (list(values) * N)[:N]


def test_by_name_in_the_sources_order():
    pair = align(*_domains({"b": BASE * 2, "a": BASE * 3}, {"a": BASE * 3, "b": BASE * 2}))
    assert [c.name for c in pair.columns] == ["base", "b", "a"]
    np.testing.assert_array_equal(pair.columns[2].target, BASE * 3)
    assert (pair.lost, pair.notices) == ((), ())


def test_one_sided_columns_are_named():
    lost = {c.name: c for c in align(*_domains({"u": BASE, "Age": BASE}, {"age": BASE})).lost}
    assert (lost["u"].side, lost["u"].reason) == ("source", "stands only in the source")
    assert "'age': name them alike" in lost["Age"].reason
    assert lost["age"].side == "target"


def test_the_other_sides_label_is_pointed_out():
    source = Domain.load({"a": BASE, "y": _repeat(0, 1)}, label="y", name="s")
    target = Domain.load({"a": BASE + 1, "y": _repeat(0, 1)}, name="t")
    (lost,) = align(source, target).lost
    assert (lost.name, lost.side) == ("y", "target")
    assert "is the label of 's'" in lost.reason


def test_no_common_column():
    with pytest.raises(InputError, match=r"'s' and 't' have no column in common \('a' against 'b'"):
        align(Domain.load({"a": [1]}, name="s"), Domain.load({"b": [1]}, name="t"))


def test_nothing_left():
    source, target = (Domain.load({"a": [1, 1]}, name=n) for n in "st")
    with pytest.raises(InputError, match=r"no usable column in common \('a' has the same value"):
        align(source, target)


LOST = {
    "missing in one": (BASE, [None] * N, "has no value in the target"),
    "missing in both": ([None] * N, [""] * N, "has no value on both sides"),
    "constant": ([3] * N, [3] * N, "has the same value in every row"),
    "constant text": (["u"] * N, ["u"] * N, "has the same value in every row"),
    "row numbers": (list(range(N)), list(range(N)), "numbers the rows consecutively"),
    "row numbers, dealt out": (ORDER[:N], ORDER[N:], "numbers the rows consecutively"),
    "names": (
        [f"n{i}" for i in range(N)],
        [f"m{i}" for i in range(N)],
        "text with 120 different values in 120 rows",
    ),
    "dates apart": (
        pd.date_range("2020-01-01", periods=N),
        pd.date_range("2021-01-01", periods=N),
        "the date alone tells the domains apart",
    ),
    "date and number": (pd.date_range("2020-01-01", periods=N), BASE, "dates in the source"),
    "number and text": (
        BASE,
        [f"{i},5" for i in range(N)],
        "numbers in the source but text in the target (such as '0,5')",
    ),
}


@pytest.mark.parametrize("case", LOST)
def test_lost(case):
    source, target, reason = LOST[case]
    pair = _pair(source, target)
    (lost,) = pair.lost
    assert (lost.name, lost.side) == ("c", "both")
    assert reason in lost.reason
    assert [c.name for c in pair.columns] == ["base"]


@pytest.mark.parametrize("case", ["row numbers", "names", "dates apart"])
def test_identifiers_stay_at_hand_for_the_leak_check(case):
    pair = _pair(*LOST[case][:2])
    assert [c.name for c in pair.all_columns] == ["base", "c"]


@pytest.mark.parametrize("name", ["id", "customerId", "CustomerID", "row_id", "Unnamed: 0", "uuid"])
def test_sparse_numbers_named_like_identifiers(name):
    values = RNG.choice(10**9, 2 * N, replace=False)
    pair = align(*_domains({name: values[:N]}, {name: values[N:]}))
    assert "is an identifier" in pair.lost[0].reason
    kept = align(*_domains({"income": values[:N]}, {"income": values[N:]}))
    assert kept.lost == ()


@pytest.mark.parametrize("name", ["width", "paid", "idea", "grid", "candidate"])
def test_words_that_only_contain_id(name):
    values = RNG.choice(10**9, 2 * N, replace=False)
    assert align(*_domains({name: values[:N]}, {name: values[N:]})).lost == ()


def test_text_with_many_values_is_kept_while_they_repeat():
    levels = [f"l{i}" for i in range(51)]
    source, target = (Domain.load({"c": levels * 3}, name=n) for n in "st")
    assert align(source, target).lost == ()
    many = [f"l{i}" for i in range(1001)] * 4
    with pytest.raises(InputError, match="1,001 different values"):
        align(Domain.load({"c": many}), Domain.load({"c": many}))


def test_dates_that_overlap_are_used():
    pair = _pair(pd.date_range("2020-01-01", periods=N), pd.date_range("2020-01-15", periods=N))
    assert [c.kind for c in pair.columns] == ["numeric", "date"]


def test_gaps_in_a_constant_say_something():
    pair = _pair(_repeat(1, None), _repeat(1, 1, None))
    assert pair.encoded_names == ("base", "c is missing")


@pytest.mark.parametrize(
    ("source", "target", "kind", "values"),
    [
        (_repeat(1, 0), _repeat(True, False), "numeric", [1, 0]),
        (_repeat(True, False), _repeat("yes", "no"), "boolean", [1, 0]),
        (_repeat(1, 2), pd.Series(_repeat("1", "2")).astype("category"), "numeric", [1, 2]),
    ],
)
def test_kinds_that_can_be_reconciled(source, target, kind, values):
    column = _pair(source, target).columns[1]
    assert column.kind == kind
    assert column.target[:2].tolist() == values


@pytest.mark.parametrize(
    ("source", "target", "levels"),
    [
        (_repeat(1, 2.0), _repeat("1", "2", "A"), ("1", "2", "A")),
        (_repeat("1", "A"), _repeat("1.0", "2"), ("1", "2", "A")),
        (_repeat("yes", "no"), _repeat("yes", "no", "maybe"), ("maybe", "no", "yes")),
    ],
)
def test_few_values_of_unlike_kinds_become_categories(source, target, levels):
    pair = _pair(source, target)
    assert pair.columns[1].kind == "categorical"
    assert pair.columns[1].levels == levels
    assert "it is read as categories" in pair.notices[0]


def test_categories_are_codes_into_pooled_sorted_levels():
    column = _pair(_repeat("b", None), _repeat("a", "c")).columns[1]
    assert column.levels == ("a", "b", "c")
    assert column.source[:2].tolist() == [1, -1]
    assert column.target[:2].tolist() == [0, 2]
    assert column.missing_source[:2].tolist() == [False, True]


def _rows(keep=False, target_labels=("u", "v", "v", None)):
    source = {"a": [1.0, 1.0, 2.0, None, 5.0], "b": ["x", "x", "x", "y", None]}
    target = {"a": [1.0, None, 2.0, 5.0], "b": ["x", "y", "z", None]}
    return align(
        Domain.load({**source, "y": ["u", "u", "v", "u", "v"]}, label="y", name="s"),
        Domain.load({**target, "y": list(target_labels)}, label="y", name="t"),
        keep_shared_rows=keep,
    )


def test_rows_that_agree_by_coincidence_are_suspected():
    low = {"a": _repeat(0, 1, 2), "b": _repeat("u", "v")}
    (notice,) = align(Domain.load(low), Domain.load(low)).notices
    assert "may be coincidence" in notice
    assert "coincidence" not in _rows().notices[0]


def test_huge_whole_numbers_overflow_nowhere():
    values = (np.arange(N) - N / 2) / (N / 2) * 1e302
    assert _pair(values, values[::-1]).lost == ()


def test_groups_are_identical_rows():
    pair = _rows()
    assert pair.source.group.tolist() == [0, 0, 1, 2, 3]
    assert pair.target.group.tolist() == [0, 1, 2, 3]
    assert (pair.source.n_duplicates, pair.target.n_duplicates) == (1, 0)


def test_shared_rows_agree_in_features_and_label():
    pair = _rows()
    # the second target row has the features of a source row, but another label;
    # the last one has no label, and is taken to be the same
    assert pair.target.shared.tolist() == [True, False, False, True]
    assert pair.source.shared.tolist() == [True, True, False, False, True]
    assert "2 target rows of 4 also stand in the source (3 source rows)" in pair.notices[0]


def test_shared_rows_can_be_kept():
    pair = _rows(keep=True)
    assert not pair.target.shared.any()
    assert not pair.source.shared.any()
    assert "as was asked" in pair.notices[0]


def test_rows_share_features_alone_where_one_side_has_no_labels():
    pair = _rows(target_labels=(None,) * 4)
    assert pair.target.shared.tolist() == [True, True, False, True]


def test_rows_do_not_depend_on_the_column_they_agree_in():
    left = Domain.load({"a": [1.0, 2.0, 1.0], "b": [2.0, 1.0, 1.0]}, name="s")
    right = Domain.load({"a": [2.0, 5.0], "b": [2.0, 5.0]}, name="t")
    pair = align(left, right)
    assert pair.source.group.tolist() == [0, 1, 2]
    assert not pair.target.shared.any()


def test_hostile_names_survive_alignment():
    names = ["<script>", "a\nb", "\u202eabc", "x" * 10_000, "{0}%s"]
    data = {n: BASE + i for i, n in enumerate(names)}
    pair = align(Domain.load(data, name="\x1b["), Domain.load(data, name="t"))
    assert [c.name for c in pair.columns] == names
    assert len(repr(pair)) < 400


def test_single_rows_align():
    pair = align(Domain.load({"a": [1.0]}), Domain.load({"a": [2.0]}))
    assert pair.source.X.tolist() == [[-1.0]]
    assert pair.target.X.tolist() == [[1.0]]
