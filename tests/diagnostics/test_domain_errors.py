"""Every bad input: one sentence that names the thing and says what to do."""

import datetime as dt
import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from negtransfer import Domain, InputError

X = np.arange(6.0).reshape(3, 2)

FILES = {
    "empty": ("d.csv", b"", "empty"),
    "blank": ("d.csv", b"\n \n", "empty"),
    "header only": ("d.csv", b"a,b\n", "no rows"),
    "longer row": ("d.csv", b"a,b\n1,2\n1,2,3\n", "3 values in the row that ends on line 3"),
    "shorter row": ("d.csv", b"a,b\n1,2\n1\n", "1 value in the row that ends on line 3"),
    "open quote": ("d.csv", b'a,b\n1,2\n1,"2\n3,4\n', "starts on line 3 that is never closed"),
    "NUL": ("d.csv", b"a,b\n1,\0\n", "NUL byte in line 2"),
    "latin-1": ("d.csv", "a,b\n1,é\n".encode("latin-1"), "byte 0xe9 in line 2"),
    "UTF-16": ("d.csv", "a,b\n1,2\n".encode("utf-16"), "UTF-16"),
    "double name": ("d.csv", b"a,b,a\n1,2,3\n", "more than one column named 'a'"),
    "empty name": ("d.csv", b",a\n0,1\n", "no name for column 1"),
    "infinite": ("d.csv", b"a,b\n1,inf\n2,-inf\n", "2 infinite values in column 'b'"),
    "too large": ("d.csv", b"a\n1e400\n", "1 infinite value in column 'a'"),
    "all missing": ("d.csv", b"a,b\n,NA\nnull,\n", "all are missing"),
    "bad gzip": ("d.csv.gz", b"no gzip", "gzip file is damaged"),
    "cut gzip": ("d.csv.gz", gzip.compress(b"a,b\n" * 99)[:-9], "gzip file is damaged"),
    "empty gzip": ("d.csv.gz", gzip.compress(b""), "empty"),
    "bad parquet": ("d.parquet", b"PAR1 nothing", "no parquet file or is damaged"),
    "bad npz": ("d.npz", b"PK\3\4 nothing", "no NumPy file or is damaged"),
    "bad npy": ("d.npy", b"\x93NUMPY nothing", "no NumPy file or is damaged"),
    "no npy": ("d.npy", b"nothing", "no NumPy file or is damaged"),
    "pickle": ("d.pkl", b"cos\nsystem\n", "never opened"),
    "ending": ("d.xlsx", b"x", "'.xlsx'"),
    "no ending": ("data", b"x", "no ending"),
}


def _sentence(data, **keywords):
    """Return the one sentence with which the data are refused."""
    with pytest.raises(InputError) as caught:
        Domain.load(data, **keywords)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("domain ")
    assert not text.endswith(".")
    assert len(text) < 500
    return text


@pytest.mark.parametrize("case", FILES)
def test_files(case, tmp_path):
    name, content, expected = FILES[case]
    path = tmp_path / name
    path.write_bytes(content)
    sentence = _sentence(path, name="shop")
    assert expected in sentence
    assert sentence.startswith("domain 'shop' ")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("no/such.csv", "does not exist"),
        ("", "empty path"),
        ("a\0.csv", "NUL"),
        ("x" * 5000 + ".csv", "cannot be opened"),
        ("http://host/d.csv", "nothing is read over the network"),
        ("https://host/d.csv", "nothing is read over the network"),
        ("s3://bucket/d.parquet", "nothing is read over the network"),
        ("file:///d.csv", "nothing is read over the network"),
    ],
)
def test_paths(path, expected):
    assert expected in _sentence(path)


def test_a_folder(tmp_path):
    assert "give one file in it" in _sentence(tmp_path)


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"X": X, "y": np.array(["a", None, "b"], object)}, "pickled objects in entry 'y'"),
        ({"X": X.astype(object)}, "pickled objects in entry 'X'"),
        ({"X": X, "y": [1, 2]}, "3 rows but 2 labels in 'y'"),
        ({"X": X, "y": np.zeros((3, 1))}, "labels 'y' of shape (3, 1)"),
        ({"X": X, "feature_names": ["a"]}, "1 entry in 'feature_names'"),
        ({"X": X, "feature_names": ["a", "a"]}, "more than one column named 'a'"),
        ({"X": X[0]}, "shape (2,)"),
        ({"a": X, "b": X}, "no entry 'X' among 'a', 'b'"),
        ({}, "no entry 'X'"),
    ],
)
def test_npz(arrays, expected, tmp_path):
    np.savez(tmp_path / "d.npz", **arrays)
    assert expected in _sentence(tmp_path / "d.npz")


def test_npy_of_objects_and_wrong_endings(tmp_path):
    np.save(tmp_path / "o.npy", np.array([[1, "a"]], object))
    assert "never opened" in _sentence(tmp_path / "o.npy")
    np.save(tmp_path / "a.npy", X)
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    assert "rename it to .npy" in _sentence(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", X=X)
    (tmp_path / "b.npz").rename(tmp_path / "b.npy")
    assert "rename it to .npz" in _sentence(tmp_path / "b.npy")


DATA = {
    "1-D": (X[0], "shape (2,)"),
    "3-D": (np.zeros((2, 2, 2)), "shape (2, 2, 2)"),
    "0-D": (np.array(1.0), "shape ()"),
    "structured": (np.zeros(3, [("a", float)]), "structured array"),
    "complex": (X + 1j, "complex numbers in 'x0'"),
    "no rows": (X[:0], "no rows"),
    "no columns": (X[:, :0], "no columns"),
    "long double": (np.full((1, 1), np.longdouble("1e4000")), "1 infinite value"),
    "infinite twice": (np.full((2, 3), np.inf), "column 'x0' (and in 2 more columns)"),
    "list": ([[1, 2], [3, 4]], "is a list"),
    "none": (None, "'NoneType'"),
    "number": (3, "'int'"),
    "series": (pd.Series([1]), "single series"),
    "empty mapping": ({}, "no columns"),
    "scalar column": ({"a": 3}, "'int' as 'a'"),
    "text as column": ({"a": "abc"}, "'str' as 'a'"),
    "frame as column": ({"a": pd.DataFrame({"b": [1]})}, "'DataFrame' as 'a'"),
    "matrix as column": ({"a": X}, "shape (3, 2) in 'a'"),
    "lengths": ({"a": [1, 2], "b": [1]}, "different lengths ('a' 2, 'b' 1)"),
    "blank name": ({"a": [1], " ": [1]}, "no name for column 2"),
    "lists inside": ({"a": [[1], [2]]}, "nested values (list) in column 'a'"),
    "structs inside": (pa.table({"a": [{"x": 1}]}), "nested values"),
    "lists in arrow": (pa.table({"a": [[1]]}), "nested values"),
    "objects inside": ({"a": [object()]}, "objects of type 'object' in column 'a'"),
    "complex inside": ({"a": [1j]}, "complex numbers in 'a'"),
    "bytes": ({"a": [b"\xff"]}, "binary values in column 'a'"),
    "binary arrow": (pa.table({"a": [b"\xff"]}), "binary values in column 'a'"),
    "surrogates": ({"a": ["\ud800"]}, "not valid Unicode"),
    "huge integer": ({"a": [10**400, -(10**400)]}, "2 infinite values in column 'a'"),
    "pandas double": (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column named 'a'"),
    "pandas alike": (pd.DataFrame([[1, 2]], columns=[1, "1"]), "more than one column named '1'"),
    "pandas levels": (
        pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])),
        "2 levels of column names",
    ),
    "pandas complex": (pd.DataFrame({"a": [1j]}), "complex numbers in 'a'"),
    "pandas empty": (pd.DataFrame(), "no columns"),
    "pandas no rows": (pd.DataFrame({"a": []}), "no rows"),
    "arrow double": (
        pa.Table.from_arrays([pa.array([1])] * 2, names=["a", "a"]),
        "more than one column named 'a'",
    ),
}


@pytest.mark.parametrize("case", DATA)
def test_data(case):
    data, expected = DATA[case]
    assert expected in _sentence(data, name="shop")


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([1, 2], "3 rows but 2 labels"),
        (np.zeros((3, 1)), "shape (3, 1); give a 1-D array"),
        (np.zeros((3, 2)), "shape (3, 2); give a 1-D array"),
        ([[1], [2], [3]], "nested values (list)"),
        ("abc", "'str'"),
        (3, "'int'"),
        (pd.DataFrame({"a": [1, 2, 3]}), "'DataFrame'"),
        ([1, np.inf, 2], "1 infinite value in its label column"),
        ([1j, 2, 3], "complex"),
        ([dt.date(2020, 1, 1)] * 3, "dates in its label column"),
        (["2020-01-01", "2020-01-02", "2020-01-03"], "dates in its label column"),
    ],
)
def test_labels(y, expected):
    assert expected in _sentence(X, y=y)


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({"label": "age"}, "no column 'age' (did you mean 'Age'?)"),
        ({"label": "zzz"}, "give as label one of its columns: 'Age', 'y'"),
        ({"label": 3}, "3 as label"),
        ({"label": "y", "y": [1, 2]}, "labels twice"),
        ({"y": [1, 2]}, "a column of the same name"),
    ],
)
def test_label_names(keywords, expected):
    assert expected in _sentence({"Age": [1, 2], "y": [3, 4]}, **keywords)


def test_only_the_label():
    assert "no feature columns, only the label 'y'" in _sentence({"y": [1]}, label="y")


@pytest.mark.parametrize("make", ["to_sparse", "cfloat", "flatten"])
def test_tensors(make):
    torch = pytest.importorskip("torch")
    tensor = getattr(torch.eye(3), make)()
    expected = {"to_sparse": "sparse tensor", "cfloat": "complex", "flatten": "shape (9,)"}[make]
    assert expected in _sentence(tensor)


def test_sparse_matrices():
    sparse = pytest.importorskip("scipy.sparse")
    assert "toarray()" in _sentence(sparse.eye(3))


def test_polars():
    polars = pytest.importorskip("polars")
    assert "nested" in _sentence(polars.DataFrame({"a": [[1]]}))
    objects = polars.DataFrame({"a": polars.Series([object()], dtype=polars.Object)})
    assert "'object'" in _sentence(objects)
    assert "single series" in _sentence(polars.Series([1]))


def test_user_text_is_shortened_and_made_visible():
    sentence = _sentence({"a\n\u202e" + "b" * 10_000: [[1]]}, name="<b>" * 1000)
    assert "a\\n\\u202e" in sentence
    assert len(sentence) < 320


def test_pickles_are_never_opened(tmp_path):
    opened = tmp_path / "opened"

    class Bomb:
        def __reduce__(self):
            return (open, (str(opened), "w"))

    np.save(tmp_path / "d.npy", np.array([[Bomb()]], object))
    np.savez(tmp_path / "d.npz", X=np.array([[Bomb()]], object))
    for name in ("d.npy", "d.npz"):
        _sentence(tmp_path / name)
    assert not opened.exists()
