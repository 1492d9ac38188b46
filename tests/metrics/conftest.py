"""The reference values of independent implementations, and the inputs they belong to.

`reference/values.json` names for every value the case, the peer, its function and the exact
recipe; the arrays lie beside it. Values that record a defect of a peer say so.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent / "reference"
VALUES = json.loads((FOLDER / "values.json").read_text(encoding="utf-8"))["values"]


def _standard(X, Y):
    pooled = np.vstack([X, Y])
    centre, scale = pooled.mean(axis=0), pooled.std(axis=0)
    return (X - centre) / scale, (Y - centre) / scale


def read_case(case):
    """Return the two samples of a case of `values.json`, made or read as its header says."""
    from sklearn import datasets

    if case == "gauss_corr":
        rng = np.random.default_rng(20240502)
        X = rng.standard_normal((80, 4))
        root = np.linalg.cholesky(0.4 * np.eye(4) + 0.6 * np.ones((4, 4)))
        return X, rng.standard_normal((80, 4)) @ root.T
    if case == "digits_0to4_vs_5to9":
        X, y = datasets.load_digits(return_X_y=True)
        return X[y < 5] / 16, X[y >= 5] / 16
    if case == "breast_cancer_even_vs_odd":
        X = datasets.load_breast_cancer().data
        return _standard(X[0::2], X[1::2])
    if case == "diabetes_sex":
        data = datasets.load_diabetes()
        rest = np.delete(data.data, 1, axis=1)
        sex = data.data[:, 1]
        return _standard(rest[sex <= 0], rest[sex > 0])
    stored = np.load(FOLDER / f"{case}.npz")
    return stored["X"], stored["Y"]


def pytest_generate_tests(metafunc):
    """Run a test marked ``reference(*measures)`` over every value of these measures."""
    mark = metafunc.definition.get_closest_marker("reference")
    if mark is None:
        return
    found = [
        value for value in VALUES
        if value["measure"] in mark.args and "NOT a valid" not in value["recipe"]
    ]  # fmt: skip
    assert found, mark.args
    ids = [f"{v['measure']}-{v['case']}-{k}" for k, v in enumerate(found)]
    metafunc.parametrize("entry", found, ids=ids)


@pytest.fixture
def case_arrays():
    """Return a function from the name of a case to its two samples."""
    return read_case


@pytest.fixture
def stored():
    """Return a function from the name of a stored file to its arrays."""
    return lambda name: np.load(FOLDER / f"{name}.npz")


@pytest.fixture
def close():
    """Return a function that holds numbers against an entry, within its own tolerance."""

    def check(found, entry, expected=None):
        wanted = entry["value"] if expected is None else expected
        relative = float(entry["tolerance"].split()[0])
        np.testing.assert_allclose(found, wanted, rtol=relative, atol=1e-10)

    return check
