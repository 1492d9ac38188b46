"""Every reader gives the same domain for the same content."""

import gzip
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from negtransfer import Domain

FRAME = {
    "age": [30.5, None, 41.0, 18.25],
    "count": [1, 2, 3, 4],
    "town": ["Ulm", None, 'Köln, "Süd"', "line\nbreak"],
    "member": [True, False, True, True],
    "since": ["2020-01-01", "2021-06-30", None, "1999-12-31"],
    "y": ["no", "yes", None, "no"],
}


def _pandas():
    frame = pd.DataFrame(FRAME)
    frame["since"] = pd.to_datetime(frame["since"])
    return frame


def _csv(folder, *, name="data.csv", sep=",", encoding="utf-8"):
    path = folder / name
    data = pd.DataFrame(FRAME).to_csv(index=False, sep=sep).encode(encoding)
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def _parquet(folder):
    path = folder / "data.parquet"
    _pandas().to_parquet(path)
    return path


def _polars(_):
    return pytest.importorskip("polars").from_pandas(_pandas())


WAYS = {
    "csv": _csv,
    "path as text": lambda d: str(_csv(d)),
    "upper case ending": lambda d: _csv(d, name="DATA.CSV"),
    "csv.gz": lambda d: _csv(d, name="data.csv.gz"),
    "tsv": lambda d: _csv(d, name="data.tsv", sep="\t"),
    "semicolons": lambda d: _csv(d, sep=";"),
    "tabs in a csv": lambda d: _csv(d, sep="\t"),
    "byte-order mark": lambda d: _csv(d, encoding="utf-8-sig"),
    "parquet": _parquet,
    "pandas": lambda _: _pandas(),
    "pandas with its own missing values": lambda _: _pandas().convert_dtypes(),
    "pandas objects": lambda _: _pandas().astype(object),
    "pyarrow": lambda _: pa.Table.from_pandas(_pandas(), preserve_index=False),
    "polars": _polars,
    "polars lazy": lambda d: _polars(d).lazy(),
    "mapping": lambda _: FRAME,
    "mapping of series": lambda _: dict(_pandas().items()),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_container_does_not_matter(way, tmp_path):
    expected = Domain.load(FRAME, label="y", name="d")
    found = Domain.load(WAYS[way](tmp_path), label="y", name="d")
    assert [(c.name, c.kind) for c in found.columns] == [
        ("age", "numeric"),
        ("count", "numeric"),
        ("town", "categorical"),
        ("member", "boolean"),
        ("since", "date"),
    ]
    for one, other in zip(found.columns, expected.columns, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
    assert found.labels.tolist() == ["no", "yes", None, "no"]
    assert found.content_hash == expected.content_hash
    assert (found.n_rows, found.label_name) == (4, "y")
    split = way in ("semicolons", "tabs in a csv")
    assert len(found.notices) == 1 + split  # a row without label; the delimiter found


X = np.array([[1.0, 2.0], [np.nan, 4.0], [5.0, 6.0]])
Y = np.array([0, 1, 1])


def _npz(folder, **arrays):
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return path


def _npy(folder):
    path = folder / "data.npy"
    np.save(path, X)
    return path


ARRAYS = {
    "array": lambda _: X,
    "fortran order": lambda _: np.asfortranarray(X),
    "big endian": lambda _: X.astype(">f8"),
    "single precision": lambda _: X.astype(np.float32),
    "half precision": lambda _: X.astype(np.float16),
    "matrix": lambda _: X.view(np.matrix),
    "masked": lambda _: np.ma.masked_array(np.nan_to_num(X), mask=np.isnan(X)),
    "objects": lambda _: np.where(np.isnan(X), None, X.astype(object)),
    "npy": _npy,
    "npz": lambda d: _npz(d, X=X),
    "npz with one array of any name": lambda d: _npz(d, anything=X),
    "mapping": lambda _: {"x0": X[:, 0], "x1": list(X[:, 1])},
}


@pytest.mark.parametrize("way", ARRAYS)
def test_arrays_agree(way, tmp_path):
    expected = Domain.load(X, y=Y)
    found = Domain.load(ARRAYS[way](tmp_path), y=Y)
    assert [c.name for c in found.columns] == ["x0", "x1"]
    assert found.content_hash == expected.content_hash
    assert found.labels.tolist() == [0.0, 1.0, 1.0]


LABELS = {
    "list": lambda: [0, 1, 1],
    "array": lambda: Y,
    "pandas": lambda: pd.Series(Y),
    "pyarrow": lambda: pa.array(Y),
    "pyarrow chunked": lambda: pa.chunked_array([[0, 1], [1]]),
    "polars": lambda: pytest.importorskip("polars").Series(Y.tolist()),
    "torch": lambda: pytest.importorskip("torch").tensor(Y),
    "text": lambda: ["0", "1", "1"],
}


@pytest.mark.parametrize("way", LABELS)
def test_labels_beside_an_array(way):
    assert Domain.load(X, y=LABELS[way]()).labels.tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("kind", ["float64", "float32", "bfloat16"])
def test_tensors(kind):
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(X, dtype=getattr(torch, kind), requires_grad=True)
    found = Domain.load(tensor, y=torch.tensor(Y))
    assert found.kind == "tensor"
    assert found.content_hash == Domain.load(X, y=Y).content_hash


def test_torch_is_never_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert Domain.load(X).kind == "array"
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(Tensor=int))
    assert Domain.load(X).kind == "array"


def test_npz_entries(tmp_path):
    path = _npz(tmp_path, X=X, y=Y, z=Y + 1, feature_names=np.array(["a", "b"]))
    plain = Domain.load(path)
    assert (plain.label_name, plain.labels.tolist()) == ("y", [0.0, 1.0, 1.0])
    assert [c.name for c in plain.columns] == ["a", "b"]
    assert "'z'" in plain.notices[0]
    assert Domain.load(path, label="z").labels.tolist() == [1.0, 2.0, 2.0]
    column = Domain.load(path, label="b")
    assert column.labels.tolist() == [2.0, 4.0, 6.0]
    assert [c.name for c in column.columns] == ["a"]


def test_a_domain_comes_back_as_it_is():
    domain = Domain.load(X)
    assert Domain.load(domain) is domain


def test_a_label_can_be_a_column_of_an_array():
    found = Domain.load(X, label="x1")
    assert found.labels.tolist() == [2.0, 4.0, 6.0]
    assert [c.name for c in found.columns] == ["x0"]


def test_a_missing_label_can_be_a_notice():
    found = Domain.load({"a": [1, 2], "Y": [0, 1]}, label="y", label_optional=True, name="t")
    assert found.labels is None
    assert found.notices == (
        "domain 't' has no column 'y' (did you mean 'Y'?): its rows are treated as unlabelled",
    )


def test_all_labels_missing_is_unlabelled():
    found = Domain.load({"a": [1, 2], "y": [None, None]}, label="y")
    assert np.isnan(found.labels).all()
    assert "2 rows of 2 without a label" in found.notices[0]


def test_names(tmp_path):
    assert Domain.load(_csv(tmp_path, name="shop.csv.gz")).name == "shop"
    assert Domain.load(X, name="mine").name == "mine"
    assert repr(Domain.load(X, name="mine", y=Y)) == "Domain('mine', array, 3 x 2, label 'y')"


def test_a_single_row_is_a_domain():
    assert Domain.load({"a": [1], "y": ["u"]}, label="y").n_rows == 1


def test_the_hash_sees_content():
    base = {"a": [1.0, 2.0], "b": ["u", "v"]}
    hashes = {
        Domain.load(data, label=label).content_hash
        for data, label in [
            (base, None),
            (base, "b"),
            ({"a": [1.0, 2.5], "b": ["u", "v"]}, None),
            ({"a": [1.0, None], "b": ["u", "v"]}, None),
            ({"a": [1.0, 2.0], "b": ["uv", None]}, None),
            ({"a": [1.0, 2.0], "b": ["u", "vw"]}, None),
            ({"A": [1.0, 2.0], "b": ["u", "v"]}, None),
            ({"b": ["u", "v"], "a": [1.0, 2.0]}, None),
            ({"a": [2.0, 1.0], "b": ["v", "u"]}, None),
        ]
    }
    assert len(hashes) == 9
    assert (
        Domain.load({"a": [0.0, 1.0]}).content_hash == Domain.load({"a": [-0.0, 1.0]}).content_hash
    )


def test_a_pandas_index_is_named_when_left_out(tmp_path):
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["u", "v"], name="key"))
    assert "'key'" in Domain.load(frame).notices[0]
    path = tmp_path / "p.parquet"
    frame.rename_axis(None).to_parquet(path)
    found = Domain.load(path)
    assert [c.name for c in found.columns] == ["a"]
    assert "index" in found.notices[0]


def test_hostile_names_are_kept(tmp_path):
    names = ["<script>alert(1)</script>", "a\nb", "\u202eabc", "x" * 10_000, "'; --", "\x1b[31m"]
    frame = pd.DataFrame({n: [1.0, 2.0] for n in names})
    path = tmp_path / "hostile.csv"
    frame.to_csv(path, index=False)
    for data in (frame, path, {n: [1.0, 2.0] for n in names}):
        found = Domain.load(data, name="<b>\n")
        assert [c.name for c in found.columns] == names
        assert len(repr(found)) < 200
        assert "\n" not in repr(found)


def test_the_unit_of_time_does_not_matter(tmp_path):
    moments = pd.Series(
        pd.to_datetime(["2020-01-01 12:34:56.789123", None, "1960-05-05 00:00:01.5"])
    )
    path = tmp_path / "times.csv"
    moments.to_frame("t").assign(a=[1, 2, 3]).to_csv(path, index=False)
    hashes = {
        Domain.load({"t": moments.astype(f"datetime64[{unit}]"), "a": [1, 2, 3]}).content_hash
        for unit in ("us", "ns")
    }
    assert hashes == {Domain.load(path).content_hash}
