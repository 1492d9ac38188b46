"""What text and types become."""

import datetime as dt
import decimal
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from negtransfer import Domain

NAN = float("nan")


def _read(values, **keywords):
    domain = Domain.load({"c": values, "other": np.arange(len(values))}, name="d", **keywords)
    return domain.columns[0], domain.notices


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["1", "2.5", "-3e2", " 4 ", "+5", ".5"], "numeric", [1, 2.5, -300, 4, 5, 0.5]),
        (["1", "", "NA", "n/a", "null", "NaN", " "], "numeric", [1] + [NAN] * 6),
        (["true", "FALSE", "True", None], "boolean", [1, 0, 1, NAN]),
        (["yes", "No", "", "yes"], "boolean", [1, 0, NAN, 1]),
        (["yes", "no", "maybe"], "categorical", ["yes", "no", "maybe"]),
        (["yes", "true", "no"], "categorical", ["yes", "true", "no"]),
        (["2020-01-01", "1970-01-02 12:00", None], "date", [18262, 1.5, NAN]),
        (["1970-01-01T01:00:00+01:00", "1970-01-02T00:00:00Z"], "date", [0, 1]),
        (["0001-01-01", "9999-12-31"], "date", [-719162, 2932896]),
        (["2020-01-01", "2020-02-30"], "categorical", ["2020-01-01", "2020-02-30"]),
        (["20200101", "20200102"], "numeric", [20200101, 20200102]),
        (["01.02.2020", "02.02.2020"], "categorical", ["01.02.2020", "02.02.2020"]),
        (["1_000", "0x10"], "categorical", ["1_000", "0x10"]),
        ([" a", "a"], "categorical", [" a", "a"]),
        ([1, 2.5, True], "numeric", [1, 2.5, 1]),
        ([1, None, 3], "numeric", [1, NAN, 3]),
        ([decimal.Decimal("1.5"), None], "numeric", [1.5, NAN]),
        ([2**70, 1], "numeric", [2.0**70, 1]),
        ([dt.date(1970, 1, 2), dt.datetime(1970, 1, 1, 6)], "date", [1, 0.25]),
        ([b"ab", b"c"], "categorical", ["ab", "c"]),
        ([uuid.UUID(int=1), None], "categorical", [str(uuid.UUID(int=1)), None]),
        (np.array(["1970-01-02", "NaT"], "M8[ns]"), "date", [1, NAN]),
        (np.array([True, False]), "boolean", [1, 0]),
        (np.array([2**64 - 1, 0], np.uint64), "numeric", [2.0**64, 0]),
        (pd.Series([1, None], dtype="Int64"), "numeric", [1, NAN]),
        (pd.Series([True, None], dtype="boolean"), "boolean", [1, NAN]),
        (pd.Series(["a", None], dtype="string"), "categorical", ["a", None]),
        (pd.Series([2, 10]).astype("category"), "categorical", ["2", "10"]),
        (pd.Series(["1", "x"]).astype("category"), "categorical", ["1", "x"]),
        (pd.cut([1, 9], [0, 5, 10]), "categorical", ["(0, 5]", "(5, 10]"]),
        (pd.Series(pd.date_range("1970-01-01", periods=2, tz="Etc/GMT-6")), "date", [-0.25, 0.75]),
        (pa.array(["a", "b"]).dictionary_encode(), "categorical", ["a", "b"]),
        (pa.array([dt.time(12, 30), None]), "numeric", [12.5, NAN]),
        (pa.array([dt.timedelta(days=2), None]), "numeric", [2, NAN]),
        (pa.nulls(2), "numeric", [NAN, NAN]),
        (["", "NA"], "numeric", [NAN, NAN]),
    ],
)
def test_kinds(values, kind, expected):
    column, _ = _read(values)
    assert column.kind == kind
    if kind == "categorical":
        assert column.values.tolist() == expected
    else:
        np.testing.assert_array_equal(column.values, np.array(expected, float))


@pytest.mark.parametrize(
    ("values", "notice"),
    [
        (["1", "2", "unknown"], "mixes numbers with text (1 value such as 'unknown')"),
        ([1, "x"], "mixes numbers with text"),
        (["1,5", "2,25", None], "decimal comma (such as '1,5') and stays text"),
        (["1.234,5", "7"], "decimal comma"),
        (["007", "12"], "leading zeros (such as '007')"),
        (["a", "None", "NA"], "2 values read as missing: 'None', 'NA'"),
        (["2020-01-01"] * 99 + ["soon"], "1 value that is none (such as 'soon')"),
        (np.array([2**60, 1]), "1 integer beyond 2^53"),
        (pa.array([dt.timedelta(days=2)]), "read as days"),
        (pa.array([dt.time(1)]), "read as hours"),
    ],
)
def test_what_is_decided_is_told(values, notice):
    _, notices = _read(values)
    assert len(notices) == 1
    assert notice in notices[0]
    assert notices[0].startswith("column 'c' of domain 'd' ")


@pytest.mark.parametrize(
    "values", [["a", "b"], [1, 2], ["1", ""], ["yes", "no"], ["2020-01-01", "2020-01-02"]]
)
def test_clear_columns_need_no_notice(values):
    assert _read(values)[1] == ()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["yes", "no", "yes"], ["yes", "no", "yes"]),
        ([True, False, None], ["True", "False", None]),
        (["1", "2", ""], [1, 2, NAN]),
        ([0, 1, 1], [0, 1, 1]),
        (["u", None, "NA"], ["u", None, None]),
        (pd.Series([3, 12, None]).astype("category"), ["3", "12", None]),
    ],
)
def test_labels(values, expected):
    labels = Domain.load({"a": [1, 2, 3], "y": values}, label="y").labels
    if labels.dtype == object:
        assert labels.tolist() == expected
    else:
        np.testing.assert_array_equal(labels, np.array(expected, float))


def test_long_values_are_shortened_in_notices():
    _, notices = _read(["1", "2", "z" * 10_000])
    assert len(notices[0]) < 250
