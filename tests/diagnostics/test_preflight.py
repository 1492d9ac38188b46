"""The Python interface: inputs of every kind, determinism, settings, the gate."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

import negtransfer
from negtransfer import Diagnosis, Domain, InputError, NegativeTransferError, preflight, require
from negtransfer.diagnostics.document import json_schema


def halves(n_labels=None, flip=False, seed=0):
    frame = load_breast_cancer(as_frame=True).frame.iloc[:, 20:]
    order = np.random.default_rng(seed).permutation(len(frame))
    source, target = (frame.iloc[part].reset_index(drop=True) for part in np.array_split(order, 2))
    target = target.astype({"target": "float64"})
    if flip:
        target["target"] = 1 - target["target"]
    if n_labels is not None:
        target.loc[n_labels:, "target"] = np.nan
    return source, target


def quick(source, target, **options):
    options = {"label": "target", "budget": 10.0, "learner": "linear", **options}
    return preflight(source=source, target=target, **options)


@pytest.fixture(scope="module")
def result():
    return quick(*halves())


def test_halves_of_one_data_set_transfer(result):
    assert result.verdict.label == "transfer"
    assert result.gap is result.verdict.gap
    assert result.gap.low < result.gap.estimate < result.gap.high
    assert result.verdict.n_labels == result.target.n_labelled
    assert result.verdict.gap_strategy in {s.strategy for s in result.strategies}


def test_the_document_is_frozen_and_round_trips(result):
    text = result.to_json()
    again = Diagnosis.from_json(text)
    assert again == result
    assert again.to_json() == text
    with pytest.raises(ValueError, match="frozen"):
        result.seed = 1
    with pytest.raises(TypeError, match="no truth value"):
        bool(result)


def test_the_schema_describes_the_document(result):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(json.loads(result.to_json()), json_schema())


def test_json_holds_no_nan_and_no_path_of_this_machine(result, tmp_path):
    text = result.to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))
    source, target = halves(30)
    source.to_csv(tmp_path / "a.csv", index=False)
    target.to_csv(tmp_path / "b.csv", index=False)
    assert str(tmp_path) not in quick(tmp_path / "a.csv", tmp_path / "b.csv").to_json()


def test_same_input_same_bytes_whatever_the_workers():
    sides = halves(60)
    first, second, other = (
        quick(*sides, learner=None, n_jobs=jobs, random_state=seed).to_json()
        for jobs, seed in ((1, 0), (2, 0), (1, 1))
    )
    assert first == second
    assert first != other


def test_the_order_of_columns_does_not_matter_and_nothing_is_lost():
    source, target = halves(60)
    shuffled = target[target.columns[::-1]]
    plain, turned = quick(source, target), quick(source, shuffled)
    assert plain.verdict == turned.verdict
    assert turned.lost_columns == []


def test_every_container_gives_the_same_verdict(tmp_path):
    source, target = halves(60)
    expected = quick(source, target).verdict
    for write, name in (("to_csv", "x.csv"), ("to_parquet", "x.parquet")):
        paths = [tmp_path / f"{side}-{name}" for side in ("s", "t")]
        for frame, path in zip((source, target), paths, strict=True):
            getattr(frame, write)(path, index=False)
        assert quick(*paths).verdict == expected
        assert quick(*map(str, paths)).verdict == expected
    arrays = [
        (f.drop(columns="target").to_numpy(), f["target"].to_numpy()) for f in (source, target)
    ]
    assert (
        preflight(source=arrays[0], target=arrays[1], budget=10.0, learner="linear").verdict.gap
        == expected.gap
    )
    for side, (X, y) in zip("st", arrays, strict=True):
        np.savez(tmp_path / f"{side}.npz", X=X, y=y)
    npz = [tmp_path / "s.npz", tmp_path / "t.npz"]
    assert quick(*npz, label="y").verdict.gap == expected.gap
    domains = [Domain.load(f, label="target", name=n) for f, n in ((source, "s"), (target, "t"))]
    assert quick(*domains).verdict.gap == expected.gap


def test_polars_and_pyarrow_tables_are_taken():
    source, target = halves(60)
    expected = quick(source, target).verdict
    pa = pytest.importorskip("pyarrow")
    tables = [pa.Table.from_pandas(f, preserve_index=False) for f in (source, target)]
    assert quick(*tables).verdict == expected
    pl = pytest.importorskip("polars")
    assert quick(*(pl.from_pandas(f) for f in (source, target))).verdict == expected


def test_tensors_are_taken():
    torch = pytest.importorskip("torch")
    sides = [
        (torch.tensor(f.drop(columns="target").to_numpy()), torch.tensor(f["target"].to_numpy()))
        for f in halves(60)
    ]
    found = preflight(source=sides[0], target=sides[1], budget=10.0, learner="linear")
    assert found.source.kind == "tensor"
    assert found.verdict.gap == quick(*halves(60)).verdict.gap


def test_labels_may_have_different_names():
    source, target = halves(60)
    renamed = target.rename(columns={"target": "diagnosis"})
    found = quick(source, renamed, label=None, source_label="target", target_label="diagnosis")
    assert found.verdict.gap == quick(source, target).verdict.gap
    assert (found.source.label, found.target.label) == ("target", "diagnosis")


def test_a_target_without_the_label_column_is_unlabelled_and_told():
    source, target = halves()
    found = quick(source, target.drop(columns="target"))
    assert found.verdict.label == "not-enough-evidence"
    assert found.setting.family == "transductive"
    assert any("target" in w and "unlabelled" in w for w in found.warnings)
    assert len(found.verdict.untested) >= 3
    with pytest.raises(InputError, match="no column"):
        quick(source, target.drop(columns="target"), label=None, source_label="target",
              target_label="target")  # fmt: skip


def test_a_users_estimator_is_the_learner():
    found = quick(*halves(60), learner=LogisticRegression(C=0.1))
    assert found.headline_learner == "LogisticRegression"
    assert "C=0.1" in found.learners["LogisticRegression"]
    several = quick(*halves(60), learner={"knn": KNeighborsClassifier(5), "lin": "linear"})
    assert set(several.learners) >= {"knn"}
    skipped = [s for s in several.strategies if s.learner == "knn" and not s.applicable]
    assert [s.strategy for s in skipped] == ["pooled-equal-weight"]
    assert "sample weights" in skipped[0].reason


@pytest.mark.parametrize("metric", ["balanced_accuracy", "roc_auc", "brier", "log_loss"])
def test_the_gap_is_in_the_users_metric(metric):
    found = quick(*halves(60), metric=metric)
    assert found.metric.name == metric
    tried = [s for s in found.strategies if s.gap]
    for row in tried:
        assert row.gap.pilot_estimate == pytest.approx(row.error - row.error_target_only)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"random_state": -1}, "0 or more"),
        ({"random_state": 1.5}, "whole number"),
        ({"budget": 1.0}, "at least 5"),
        ({"budget": float("nan")}, "at least 5"),
        ({"metric": "rmse"}, "does not fit a binary label"),
        ({"learner": "deep"}, "no learner 'deep'"),
    ],
)
def test_settings_that_cannot_be_are_refused(options, sentence):
    with pytest.raises(InputError, match=sentence):
        quick(*halves(60), **options)


def test_the_gate_lets_through_or_raises_with_the_result():
    assert require(fail_on="caution", result=quick(*halves())).verdict.label == "transfer"
    flipped = quick(*halves(60, flip=True))
    with pytest.raises(NegativeTransferError, match="do-not-transfer") as caught:
        require(flipped)
    assert caught.value.diagnosis is flipped
    assert require(flipped, fail_on="never") is flipped
    blind = quick(*halves(0))
    with pytest.raises(NegativeTransferError, match="not-enough-evidence"):
        require(blind)
    assert require(blind, allow_insufficient=True) is blind
    with pytest.raises(InputError, match="fail_on"):
        require(blind, fail_on="always")


def test_outputs_of_the_result(result, tmp_path):
    assert len(result.to_text().splitlines()) < 25
    page = result.to_html(tmp_path / "x.html")
    assert (tmp_path / "x.html").read_text(encoding="utf-8") == page
    frame = result.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame["id"]) == [c.id for c in result.checks]
    assert "transfer" in result._repr_html_()
    assert repr(result).startswith("Diagnosis('transfer'")
    with pytest.raises(KeyError, match="NT101"):
        result.check("NT999")


def test_a_small_budget_says_what_it_left_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 30))
    y = (X[:, 0] > 0).astype(int)
    found = preflight(source=(X[:5000], y[:5000]), target=(X[5000:], y[5000:]), budget=5.0)
    assert found.status == "partial"
    assert any("left out" in w or "of 5000" in w for w in found.warnings)


def test_regression_is_in_target_standard_deviations():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = 1000 * (X[:, 0] + 0.3 * rng.normal(size=300))
    found = preflight(source=(X[:200], y[:200]), target=(X[200:], y[200:] + 5000), budget=10.0)
    rows = {(s.learner, s.strategy): s for s in found.strategies}
    assert rows["linear", "source-only"].gap.estimate > 2  # level is off by about five sd
    assert abs(rows["linear", "source-recalibrated"].gap.estimate) < 0.2
    # as it is the source hurts, and recalibrated it gives what the target's own labels give
    assert found.verdict.label == "do-not-transfer"
    assert "nothing tried gains" in found.verdict.sentence


def test_dir_and_version():
    assert set(negtransfer.__all__) <= set(dir(negtransfer))
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    assert f'version = "{negtransfer.__version__}"' in pyproject.read_text(encoding="utf-8")
