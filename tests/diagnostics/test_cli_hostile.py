"""Hostile and broken input through the real command line: one sentence, never a traceback."""

import io
import json
import os
import pickle
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import negtransfer
from negtransfer import InputError, preflight, require
from negtransfer.diagnostics import cli
from negtransfer.diagnostics.document import Diagnosis

EXECUTED = "executed-by-pickle"
CLASS_NAME = re.compile(r"\b[A-Z][A-Za-z]+(Error|Exception|Warning)\b")


# --- running the command line


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder with one good source and one good target."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.csv").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "t.csv").write_text(TARGET, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Run the command line in this process."""

    def call(command, *more):
        words = shlex.split(command) if isinstance(command, str) else list(command)
        words += [str(word) for word in more]
        monkeypatch.setattr(sys, "argv", ["negtransfer", *words])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        told = capsys.readouterr()
        assert not (folder / EXECUTED).exists(), "a pickle was opened"
        return Ran(stopped.value.code or 0, told.out, told.err)

    return call


@pytest.fixture
def check(run, folder):
    """Check s.csv against t.csv with the small budget; return the run and its document."""

    def call(*more, source="s.csv", target="t.csv", label="y"):
        words = ["check", source, target, "--budget", "5s", "--jobs", "1", "--no-progress"]
        words += ["--label", label] if label else []
        ran = run([*words, "--json", "out.json", "--html", "out.html", *more])
        if ran.code not in (0, 1, 3):
            return ran, None
        return ran, _document(ran, folder / "out.json")

    return call


def _document(ran, path):
    """Return the document of a finished run, after the checks every document must pass."""
    assert ran.err == ""
    _assert_harmless_on_a_terminal(ran.out)
    text = path.read_text(encoding="utf-8")
    found = Diagnosis.from_json(text)
    assert found.to_json() == text
    broken = [c.message for c in found.checks if c.state == "error"]
    assert not broken
    return found


def _refused(ran, pattern, code=2):
    """Assert that a command was refused with one clear sentence that names the thing."""
    assert ran.code == code, ran
    assert ran.out == ""
    assert ran.err.endswith("\n")
    (line,) = ran.err.splitlines()
    assert line.startswith("negtransfer: ")
    assert len(line) < 600
    assert line.isprintable()
    assert "Traceback" not in line
    assert "Errno" not in line
    assert not CLASS_NAME.search(line), line
    assert re.search(pattern, line), line


def _assert_harmless_on_a_terminal(text):
    wild = {c for c in text if not (c.isprintable() or c in "\n\u200c\u200d")}
    assert not wild, wild


# --- data


def _frame(n, seed, n_columns=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_columns)).round(3)
    frame = pd.DataFrame(X, columns=[f"col{i}" for i in range(n_columns)])
    frame["y"] = (X[:, 0] + 0.5 * rng.normal(size=n) > 0).astype(int)
    return frame


FIRST, SECOND = _frame(60, 1), _frame(40, 2)
SOURCE, TARGET = FIRST.to_csv(index=False), SECOND.to_csv(index=False)


class _Evil:
    """Leaves a file behind when its pickle is opened."""

    def __reduce__(self):
        return open, (EXECUTED, "w")


def _npy(array):
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def _npz(**arrays):
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def _parquet():
    out = io.BytesIO()
    FIRST.to_parquet(out)
    return out.getvalue()


def _huge_header():
    """A header of an npy that promises far more than there is."""
    out = io.BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (10**12, 3)}
    np.lib.format.write_array_header_1_0(out, shape)
    return out.getvalue() + b"\0" * 64


X = FIRST[["col0", "col1", "col2"]].to_numpy()
EVIL = np.array([[_Evil(), 1.0]], dtype=object)
PICKLE = pickle.dumps(_Evil())
PARQUET = _parquet()

FILES = {
    "empty": ("d.csv", b"", "'d.csv', which is empty"),
    "blank": ("d.csv", b"\n\n  \n", "'d.csv', which is empty"),
    "header only": ("d.csv", b"col0,y\n", "header line but no rows"),
    "ragged": ("d.csv", b"col0,y\n1,2\n1,2,3\n", "3 values in the row that ends on line 3"),
    "ragged short": ("d.csv", b"col0,col1,y\n1,2,0\n1\n", "1 value in the row"),
    "open quote": ("d.csv", b'col0,y\n1,"2\n3,4\n', "never closed"),
    "NUL byte": ("d.csv", b"col0,y\n1,\0\n", "NUL byte in line 2"),
    "latin-1": ("d.csv", "col0,y\n1,é\n".encode("latin-1"), "not UTF-8 text .*0xe9"),
    "UTF-16": ("d.csv", SOURCE.encode("utf-16"), "UTF-16"),
    "UTF-16 no mark": ("d.csv", SOURCE.encode("utf-16-le"), "NUL byte in line 1"),
    "double names": ("d.csv", b"col0,y,col0\n1,0,3\n", "more than one column named 'col0'"),
    "empty name": ("d.csv", b",col0,y\n0,1,0\n", "no name for column 1"),
    "blank name": ("d.csv", b"col0,y,  \n0,1,0\n", "no name for column 3"),
    "label only": ("d.csv", b"y\n0\n1\n", "no feature columns"),
    "infinite": ("d.csv", b"col0,y\n1,0\ninf,1\n", "1 infinite value in column 'col0'"),
    "infinite label": ("d.csv", b"col0,y\n1,0.5\n2,-inf\n", "infinite value.*label column 'y'"),
    "date label": ("d.csv", b"col0,y\n1,2020-01-01\n2,2021-01-01\n", "dates in its label"),
    "all missing": ("d.csv", b"col0,y\nNA,0\n,1\n", "all are missing"),
    "bad gzip": ("d.csv.gz", b"\x1f\x8bnothing", "gzip file is damaged"),
    "parquet as csv": ("d.csv", PARQUET, "NUL byte"),
    "csv as parquet": ("d.parquet", SOURCE.encode(), "no parquet file or is damaged"),
    "cut parquet": ("d.parquet", PARQUET[: len(PARQUET) // 2], "is damaged"),
    "bad parquet": ("d.parquet", PARQUET[:40] + b"\xff" * 400 + PARQUET[440:], "is damaged"),
    "bad npz": ("d.npz", b"PK\3\4 nothing", "is damaged"),
    "cut npz": ("d.npz", _npz(X=X, y=np.zeros(60))[:-50], "is damaged"),
    "bad npy": ("d.npy", b"\x93NUMPY nothing", "is damaged"),
    "cut npy": ("d.npy", _npy(X)[:-8], "is damaged"),
    "huge npy": ("d.npy", _huge_header(), "is damaged"),
    "npz without X": ("d.npz", _npz(a=X, b=X, y=np.zeros(60)), "no entry 'X' among 'a', 'b', 'y'"),
    "npz label length": ("d.npz", _npz(X=X, y=np.zeros(9)), "60 rows but 9 labels in 'y'"),
    "npz names": ("d.npz", _npz(X=X, feature_names=["a"]), "1 entry in 'feature_names'"),
    "1-D": ("d.npy", _npy(X[:, 0]), r"shape \(60,\)"),
    "3-D": ("d.npy", _npy(X.reshape(60, 3, 1)), r"shape \(60, 3, 1\)"),
    "0-D": ("d.npy", _npy(np.array(1.0)), r"shape \(\)"),
    "complex": ("d.npy", _npy(X + 1j), "complex"),
    "structured": ("d.npy", _npy(np.zeros(4, "i4,f8")), "structured array"),
    "pickled npy": ("d.npy", _npy(EVIL), "pickled objects.*never opened"),
    "pickled X": ("d.npz", _npz(X=EVIL), "pickled objects in entry 'X'"),
    "pickled y": ("d.npz", _npz(X=X, y=EVIL[0]), "pickled objects in entry 'y'"),
    "pickled names": ("d.npz", _npz(X=X, feature_names=EVIL[0]), "pickled objects in entry"),
    "pickle as npy": ("d.npy", PICKLE, "no NumPy file or is damaged"),
    "pickle as npz": ("d.npz", PICKLE, "no NumPy file or is damaged|never opened"),
    "pickle as parquet": ("d.parquet", PICKLE, "no parquet file"),
    "pickle as csv": ("d.csv", PICKLE, "NUL byte|not UTF-8"),
    "pkl": ("d.pkl", PICKLE, "'.pkl' files are never opened"),
    "joblib": ("d.joblib", PICKLE, "'.joblib' files are never opened"),
    "torch": ("d.pt", PICKLE, "'.pt' files are never opened"),
    "excel": ("d.xlsx", b"PK", "ending '.xlsx' is not one of them"),
    "no ending": ("data", b"x", "no ending"),
    "two infinite": ("d.csv", b"col0,col1,y\ninf,-inf,0\n1,1,1\n", "and in 1 more column"),
}


def test_the_pickle_is_a_live_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickle.loads(PICKLE).close()
    assert (tmp_path / EXECUTED).exists()


@pytest.mark.parametrize("case", FILES)
def test_broken_files(case, run, folder):
    name, content, pattern = FILES[case]
    (folder / name).write_bytes(content)
    _refused(run(["check", name, "t.csv", "--label", "y"]), pattern)
    _refused(run(["check", "s.csv", name, "--label", "y"]), pattern)


# --- words on the command line

LONG = "x" * 10_000
WILD = "\x1b[31mred\x1b[0m\u202e\nnext"

WORDS = {
    "no such file": ("check none.csv t.csv", "'none.csv', which does not exist"),
    "no such target": ("check s.csv none.csv", "'none.csv', which does not exist"),
    "a folder": ("check . t.csv", "folder '.'"),
    "empty path": ("check '' t.csv", "empty path"),
    "a device": ("check /dev/null t.csv", "'/dev/null', which is not a regular file"),
    "http": ("check http://example.org/a.csv t.csv", "'http://.*over the network"),
    "https": ("check s.csv https://example.org/a.csv", "'https://.*over the network"),
    "s3": ("check s3://bucket/a.parquet t.csv", "'s3://.*over the network"),
    "file address": ("check file:///etc/passwd t.csv", "'file:///.*over the network"),
    "long path": (f"check {LONG}.csv t.csv", "'xxx.*check the path"),
    "wild path": (["check", f"{WILD}.csv", "t.csv"], "x1b.*does not exist"),
    "label slip": ("check s.csv t.csv --label Y", "no column 'Y'.*did you mean 'y'"),
    "feature as label slip": ("check s.csv t.csv --label col9", "did you mean 'col[012]'"),
    "no such label": ("check s.csv t.csv --label outcome", "'outcome'.*give as label"),
    "source label": ("check s.csv t.csv --label y --source-label z", "'s' has no column 'z'"),
    "target label": ("check s.csv t.csv --label y --target-label z", "'t' has no column 'z'"),
    "long label": (f"check s.csv t.csv --label {LONG}", "no column 'xxx"),
    "wild label": (["check", "s.csv", "t.csv", "--label", WILD], "no column"),
    "empty label": ("check s.csv t.csv --label ''", "no column ''"),
    "task": ("check s.csv t.csv --label y --task nonsense", "'nonsense'.*binary, multiclass"),
    "task without labels": ("check s.csv t.csv --task nonsense", "'nonsense'"),
    "long task": (f"check s.csv t.csv --label y --task {LONG}", "xxx.*binary"),
    "metric of quantities": ("check s.csv t.csv --label y --metric rmse", "'rmse'.*accuracy"),
    "metric slip": ("check s.csv t.csv --label y --metric acuracy", "did you mean 'accuracy'"),
    "metric": ("check s.csv t.csv --label y --metric nonsense", "'nonsense'.*accuracy"),
    "metric without labels": ("check s.csv t.csv --metric nonsense", "'nonsense'.*accuracy"),
    "long metric": (f"check s.csv t.csv --label y --metric {LONG}", "xxx.*accuracy"),
    "learner": ("check s.csv t.csv --label y --learner nonsense", "'nonsense'.*'linear'"),
    "long learner": (f"check s.csv t.csv --label y --learner {LONG}", "xxx.*'linear'"),
    "fail-on": ("check s.csv t.csv --fail-on nonsense", "'nonsense'.*against, caution"),
    "long fail-on": (f"check s.csv t.csv --fail-on {LONG}", "xxx.*against"),
    "format": ("check s.csv t.csv --format xml", "'xml'.*text, json or quiet"),
    "long format": (f"check s.csv t.csv --format {LONG}", "xxx.*json"),
    "budget words": ("check s.csv t.csv --budget abc", "'abc'.*60s"),
    "budget 0": ("check s.csv t.csv --budget 0", "0 seconds.*at least 5"),
    "budget negative": ("check s.csv t.csv --budget -1s", "'-1s'.*60s"),
    "budget small": ("check s.csv t.csv --budget 1s", "1 second.*at least 5"),
    "budget large": ("check s.csv t.csv --budget 9999999h", "e.10 seconds.*at most"),
    "long budget": (f"check s.csv t.csv --budget {'9' * 9000}", "budget.*(at most|60s)"),
    "seed": ("check s.csv t.csv --seed -1", "-1.*0 or more"),
    "jobs": ("check s.csv t.csv --jobs -1", "-1.*0 for one"),
    "html in no folder": ("check s.csv t.csv --html none/a.html", "'none/a.html'.*create it"),
    "json in no folder": ("check s.csv t.csv --json none/a.json", "'none/a.json'.*create it"),
    "html a folder": ("check s.csv t.csv --html .", "'.' is a folder"),
    "html an input": ("check s.csv t.csv --html s.csv", "'s.csv' is one of the inputs"),
    "json an input": ("check s.csv t.csv --json ./t.csv", "'t.csv' is one of the inputs"),
    "one output": ("check s.csv t.csv --json a --html a", "both name 'a'"),
    "one output, spelled twice": ("check s.csv t.csv --json a --html ../{}/a", "both name"),
    "long html": (f"check s.csv t.csv --html {LONG}", "'xxx"),
    "wild html": (["check", "s.csv", "t.csv", "--html", f"{WILD}/a"], "create it"),
    "full disk": ("check s.csv t.csv --html /dev/full", "could not be written.*space"),
    "no such result": ("report none.json --html a.html", "'none.json'.*negtransfer check --json"),
    "result a folder": ("report . --html a.html", "'.'.*negtransfer check --json"),
    "result without end": ("report /dev/zero --html a.html", "'/dev/zero' is not a regular file"),
    "result long": (f"report {LONG} --html a.html", "'xxx"),
    "report over itself": ("report s.csv --html s.csv", "one of the inputs"),
    "report in no folder": ("report s.csv --html none/a.html", "create it first"),
    "explain slip": ("explain NT30", "'NT30'.*Did you mean NT30"),
    "explain": ("explain nonsense", "'nonsense'.*lists them all"),
    "explain long": (f"explain {LONG}", "xxx.*lists them all"),
    "explain wild": (["explain", WILD], "lists them all"),
}


@pytest.mark.parametrize("case", WORDS)
def test_broken_words(case, run, folder):
    words, pattern = WORDS[case]
    if isinstance(words, str):
        words = shlex.split(words.replace("{}", folder.name))
    _refused(run(words), pattern)
    assert not (folder / "a.html").exists()
    assert (folder / "s.csv").read_text(encoding="utf-8") == SOURCE


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("check s.csv", "TARGET"),
        ("check", "SOURCE"),
        ("check s.csv t.csv --nonsense", "--nonsense"),
        ("check s.csv t.csv more.csv", "more.csv"),
        ("check s.csv t.csv --seed abc", "--seed"),
        ("check s.csv t.csv --jobs 1.5", "--jobs"),
        ("check s.csv t.csv --label", "--label"),
        ("report a.json", "--html"),
        ("nonsense", "nonsense"),
    ],
)
def test_usage(words, named, run):
    ran = run(words)
    assert ran.code == 2
    assert ran.out == ""
    assert named in ran.err
    assert "Error" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="may write anywhere")
def test_output_in_a_closed_folder(run, folder):
    (folder / "closed").mkdir(mode=0o500)
    _refused(run("check s.csv t.csv --html closed/a.html"), "'closed/a.html' may not be written")


def test_output_that_is_an_input_by_another_name(run, folder):
    (folder / "link.csv").symlink_to(folder / "t.csv")
    _refused(run("check s.csv t.csv --json link.csv"), "'link.csv' is one of the inputs")


# --- pairs that cannot be compared


def _csv(folder, name, frame):
    frame.to_csv(folder / name, index=False)
    return name


def _with(frame, **columns):
    return frame.assign(**columns)


CLASSES_200 = [f"class {i}" for i in range(200)]
REFUSED_PAIRS = {
    "one class": (_with(FIRST, y=1), _with(SECOND, y=1), [], "one class"),
    "constant quantity": (
        _with(FIRST, y=0.5), _with(SECOND, y=0.5), ["--task", "regression"], "only one value",
    ),
    "quantity against text": (
        _with(FIRST, y=FIRST.col1 * 1.5), _with(SECOND, y=list("ab") * 20), [],
        "text labels .* quantity",
    ),
    "200 classes": (
        pd.concat([FIRST] * 4, ignore_index=True).head(200).assign(y=CLASSES_200), SECOND, [],
        "20[02] classes",
    ),
    "binary with three": (
        _with(FIRST, y=list("abc") * 20), SECOND.assign(y="a"), ["--task", "binary"], "3 classes",
    ),
    "regression of text": (
        _with(FIRST, y=list("ab") * 30), SECOND, ["--task", "regression"], "are text",
    ),
    "classes of a quantity": (
        _with(FIRST, y=FIRST.col1), SECOND, ["--task", "multiclass"], "not all integers",
    ),
    "nothing in common": (
        FIRST, SECOND.rename(columns=lambda c: c if c == "y" else f"other_{c}"), [],
        "no column in common",
    ),
    "nothing that varies": (
        _with(FIRST[["col0", "y"]], col0=1), _with(SECOND[["col0", "y"]], col0=1), [],
        "no usable column in common .*'col0'",
    ),
    "numbers against text": (
        FIRST[["col0", "y"]].assign(col0=range(60)),
        SECOND[["col0", "y"]].assign(col0=[f"word{i}" for i in range(40)]), [],
        "no usable column in common .*'col0'",
    ),
    "only an identifier": (
        FIRST[["col0", "y"]].assign(col0=range(60)),
        SECOND[["col0", "y"]].assign(col0=range(40)), [], "identifier",
    ),
    "1e300 as labels": (
        FIRST, _with(SECOND, y=SECOND.col0 * 1e300), [], r"labels of 't' are as large as 2.*e\+300",
    ),
    "1e-300 as labels": (
        _with(FIRST, y=FIRST.col0 * 1e-300), SECOND, ["--task", "regression"], "another unit",
    ),
    "largest numbers": (
        FIRST, _with(SECOND, col0=-np.finfo(float).max), [],
        r"40 values beyond 1e\+302 \(perhaps a code for missing\) in column 'col0'",
    ),
    "largest labels": (
        FIRST, _with(SECOND, y=np.finfo(float).max), [], "perhaps a code .* label column 'y'",
    ),
    "missing on one side": (
        FIRST, SECOND.assign(col0=np.nan, col1=np.nan, col2=np.nan), [], "all are missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED_PAIRS)
def test_refused_pairs(case, run, folder):
    source, target, more, pattern = REFUSED_PAIRS[case]
    _csv(folder, "s.csv", source)
    _csv(folder, "t.csv", target)
    _refused(run(["check", "s.csv", "t.csv", "--label", "y", *more]), pattern)
    assert not (folder / "out.json").exists()


# --- pairs that run, but have not enough evidence

LINEAR = ["--learner", "linear"]
NO_Y = SECOND.drop(columns="y")
THIN_PAIRS = {
    "unlabelled": (FIRST, NO_Y, [], "target has no labelled rows"),
    "source labels missing": (_with(FIRST, y=np.nan), SECOND, [], "source has no labelled rows"),
    "both unlabelled": (FIRST.drop(columns="y"), NO_Y, ["no label"], "no labelled rows"),
    "one class in the source": (_with(FIRST, y=1), SECOND, [], "one class only"),
    "one class in the target": (FIRST, _with(SECOND, y=1), [], "commonest class"),
    "disjoint labels": (
        _with(FIRST, y=list("ab") * 30), _with(SECOND, y=list("cd") * 20), [], "share no class",
    ),
    "one constant quantity": (
        _with(FIRST, y=0.5), _with(SECOND, y=SECOND.col1), [], "labels of one side are constant",
    ),
    "eight rows": (FIRST, SECOND.head(8), [], "8 labelled rows.* at least 12"),
    "eight rows each": (FIRST.head(8), SECOND.head(8), [], "8 labelled rows"),
    "two rows": (FIRST, SECOND.head(2), [], "2 labelled rows"),
    "one row": (FIRST, SECOND.head(1), [], "1 labelled row "),
    "one row each": (FIRST.head(1), SECOND.assign(y=1 - FIRST.y[0]).head(1), [], "1 labelled row"),
    "one source row": (FIRST.head(1), SECOND, [], "one class only"),
    "the same file": (FIRST, FIRST, [], "--keep-shared-rows"),
    "part of the file": (FIRST, FIRST.tail(20), [], "--keep-shared-rows"),
    "a column all missing": (_with(FIRST, col0=np.nan), SECOND.head(9), [], "9 labelled"),
    "a column of other kind": (
        FIRST, _with(SECOND, col0=[f"w{i}" for i in range(40)]).head(9), [], "9 labelled",
    ),
    "200 numbers": (
        pd.concat([FIRST] * 4, ignore_index=True).head(200).assign(y=range(200)), SECOND.head(9),
        [], "9 labelled",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", THIN_PAIRS)
def test_thin_pairs(case, check, folder):
    source, target, more, pattern = THIN_PAIRS[case]
    _csv(folder, "s.csv", source)
    _csv(folder, "t.csv", target)
    ran, found = check(label=None if more else "y")
    assert ran.code == 3, ran
    assert found.verdict.label in ("not-enough-evidence", "caution")
    assert re.search(pattern, found.verdict.sentence), found.verdict.sentence
    assert found.verdict.would_change_if
    if case.startswith("a column"):
        assert [c.name for c in found.lost_columns] == ["col0"]
    _assert_harmless_page((folder / "out.html").read_text(encoding="utf-8"))


def test_label_only_in_the_target(run, check, folder):
    _csv(folder, "s.csv", FIRST.drop(columns="y"))
    _refused(run("check s.csv t.csv --label y"), "domain 's' has no column 'y'")
    ran, found = check("--target-label", "y", label=None)
    assert ran.code == 3
    assert "source has no labelled rows" in found.verdict.sentence
    assert found.setting.family == "inductive"


# --- pairs that must run


def _wide():
    """Far more columns than rows, and than the 64 to 250 beyond which checks take less of each."""
    return _frame(30, 3, 800), _frame(30, 4, 800)


def _huge():
    scale = [1e300, 1e-300, 1.0]
    columns = ["col0", "col1", "col2"]
    return tuple(f.assign(**(f[columns] * scale).to_dict("list")) for f in (FIRST, SECOND))


def _gaps():
    """Half of all values missing, and a column with one value only besides the gaps."""
    rng = np.random.default_rng(5)
    return tuple(
        f.assign(
            col0=f.col0.where(rng.random(len(f)) < 0.5),
            col1=np.where(rng.random(len(f)) < 0.5, 1.0, np.nan),
        )
        for f in (FIRST, SECOND)
    )


RUNNING_PAIRS = {
    "wide": _wide,
    "1e300": _huge,
    "gaps": _gaps,
    "subnormal": lambda: tuple(f.assign(col0=f.col0 * 5e-324) for f in (FIRST, SECOND)),
    "huge integers": lambda: tuple(f.assign(col0=2**63 - 1 - f.index) for f in (FIRST, SECOND)),
    "copies": lambda: (pd.concat([FIRST.head(6)] * 9), pd.concat([SECOND.head(6)] * 5)),
    "one rare class": lambda: (FIRST.assign(y=["rare"] + ["a", "b"] * 29 + ["b"]),
                               SECOND.assign(y=["a", "b"] * 20)),
}  # fmt: skip


@pytest.mark.parametrize("case", RUNNING_PAIRS)
def test_pairs_that_must_run(case, check, folder):
    source, target = RUNNING_PAIRS[case]()
    _csv(folder, "s.csv", source)
    _csv(folder, "t.csv", target)
    ran, found = check(*LINEAR)
    assert ran.code in (0, 1, 3), ran
    assert found.strategies, "the pilot did not run"
    page = (folder / "out.html").read_text(encoding="utf-8")
    _assert_harmless_page(page)
    for word in (">nan<", ">inf<", "nan points", "inf points"):
        assert word not in page


# --- hostile names

HOSTILE = {
    "image": "<img src=x onerror=alert(1)>",
    "script": "</title><script>alert(1)</script>",
    "style": "</style><b>bold</b>",
    "attribute": '" onmouseover="alert(1)" x=\'',
    "comment": "--><script>alert(1)</script><!--",
    "line breaks": "two\nlines\r\nand\rmore",
    "bells": "\x07\x08bell\x7f\x9b31m",
    "escapes": "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "right to left": "abc\u202edcba\u2066x",
    "long": "x" * 10_000,
    "emoji": "👩‍👩‍👧 🇩🇪 ＡＢＣ",
    "quotes": 'it\'s "quoted" `so` \\ back',
    "template": "{{7*7}} ${7*7} #{7*7}",
    "block": "{% raw %}{% include '/etc/passwd' %}",
    "rich": "[red]not red[/red][/]",
    "path": "../../../etc/passwd",
    "formula": "=cmd|' /C calc'!A0",
    "address": "javascript:alert(1)",
    "entity": "&lt;script&gt;&#0;&amp;",
    "surrogate pair": "\U0001d11e\ufeff\ufffd\u2028next",
}

FORBIDDEN = {
    "script", "img", "iframe", "object", "embed", "link", "form", "input", "base", "video",
    "audio", "applet", "frame", "foreignobject",
}  # fmt: skip


class _Page(HTMLParser):
    """Collects the tags and text of a page and refuses anything that could act."""

    def __init__(self):
        super().__init__()
        self.text = []
        self.titles = 0

    def handle_starttag(self, tag, attrs):
        assert tag not in FORBIDDEN, tag
        self.titles += tag == "title"
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            if name in ("href", "src", "xlink:href", "action"):
                assert value.startswith("#"), (tag, name, value)

    def handle_data(self, data):
        self.text.append(data)

    def handle_comment(self, data):
        assert "alert" not in data


def _assert_harmless_page(page):
    """Assert that nothing on the page can act; return its text."""
    assert not {c for c in page if ord(c) < 32 and c not in "\n\t"}
    assert not re.search("[\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    found = _Page()
    found.feed(page)
    found.close()
    return "".join(found.text)


def _renamed(frame, name):
    """Return a frame in which a column, its values, the label and its classes are hostile."""
    words = np.array([name, "plain", f"{name}2"], dtype=object)
    return pd.DataFrame(
        {
            name: frame.col0,
            "number": frame.col1,
            f"text {name}": words[np.arange(len(frame)) % 3],
            f"label {name}": words[frame.y + 1],
        }
    )


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_names(case, check, folder):
    name = HOSTILE[case]
    _csv(folder, "s.csv", _renamed(FIRST, name))
    _csv(folder, "t.csv", _renamed(SECOND.head(10), name))
    ran, found = check(label=f"label {name}")
    assert ran.code == 3, ran
    assert found.source.label == f"label {name}"
    assert name in {f.name for f in found.features}
    assert set(found.source.classes) == {"plain", f"{name}2"}
    page = (folder / "out.html").read_text(encoding="utf-8")
    text = _assert_harmless_page(page)
    if case == "template":
        assert name in text
    if case in ("image", "script", "style", "comment"):
        assert name not in page


def test_all_hostile_names_at_once(check, run, folder):
    def made(n, seed):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, len(HOSTILE)))
        frame = pd.DataFrame(X, columns=list(HOSTILE.values()))
        frame["y"] = np.array(list(HOSTILE.values())[:4])[(X[:, 0] * 1.3).round().astype(int) % 4]
        return frame

    _csv(folder, "s.csv", made(80, 6))
    _csv(folder, "t.csv", made(60, 7))
    _, found = check(*LINEAR)
    assert found.strategies
    page = (folder / "out.html").read_text(encoding="utf-8")
    text = _assert_harmless_page(page)
    assert HOSTILE["image"] in text
    again = run("report out.json --html again.html")
    assert again == Ran(0, "html=again.html\n", "")
    _assert_harmless_page((folder / "again.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", ["image", "escapes", "emoji", "quotes", "template", "line breaks"])
def test_hostile_file_names(case, check, folder):
    name = re.sub(r"[/\\\\]", "", HOSTILE[case])
    (folder / "s.csv").rename(folder / f"{name}.csv")
    _csv(folder, "t.csv", SECOND.head(10))
    ran, found = check(source=f"{name}.csv")
    assert ran.code == 3, ran
    assert found.source.name == name
    _assert_harmless_page((folder / "out.html").read_text(encoding="utf-8"))


def test_hostile_output_names(check, run, folder):
    _csv(folder, "t.csv", SECOND.head(10))
    ran, found = check()
    name = f"{HOSTILE['escapes']}.html"
    ran = run("check s.csv t.csv --label y --no-progress --html", name)
    assert ran.code == 3
    _assert_harmless_on_a_terminal(ran.out)
    ran = run("report out.json --html", name)
    assert ran.code == 0
    _assert_harmless_on_a_terminal(ran.out)
    assert found.verdict.label == "not-enough-evidence"


# --- the gate


@pytest.fixture(scope="module")
def cancer():
    """Two halves of the breast cancer data, and the second with its labels exchanged."""
    from sklearn.datasets import load_breast_cancer

    frame = load_breast_cancer(as_frame=True).frame
    first, second = frame[::2], frame[1::2].head(60)
    return first, second, second.assign(target=1 - second.target)


@pytest.mark.parametrize(
    ("which", "more", "code"),
    [
        ("same", "", 0),
        ("same", "--fail-on caution", 0),
        ("flipped", "", 1),
        ("flipped", "--fail-on insufficient", 1),
        ("flipped", "--fail-on never", 0),
        ("few", "", 3),
        ("few", "--fail-on never", 3),
        ("few", "--fail-on insufficient", 1),
        ("few", "--allow-insufficient", 0),
        ("few", "--fail-on never --allow-insufficient", 0),
    ],
)
def test_gate(which, more, code, cancer, check, folder):
    first, second, flipped = cancer
    target = {"same": second, "flipped": flipped, "few": second.head(8)}[which]
    _csv(folder, "s.csv", first)
    _csv(folder, "t.csv", target)
    ran, found = check(*LINEAR, *more.split(), label="target")
    assert ran.code == code, ran
    expected = {"same": "transfer", "flipped": "do-not-transfer", "few": "not-enough-evidence"}
    assert found.verdict.label.startswith(expected[which])


# --- results read again


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """The text of a small finished result."""
    return preflight(
        source=FIRST, target=SECOND.head(10), label="y", budget=5, names=("s", "t")
    ).to_json()


def _edited(text, **changes):
    return json.dumps({**json.loads(text), **changes})


RESULTS = {
    "not JSON": (lambda text: b"hello", "not a result of schema"),
    "truncated": (lambda text: text[: len(text) // 2], "not a result of schema"),
    "empty": (lambda text: b"", "not a result of schema"),
    "binary": (lambda text: b"\x80\xff\0" * 50, "cannot be read|not UTF-8"),
    "other JSON": (lambda text: b"[1, 2, 3]", "not a result of schema"),
    "null": (lambda text: b"null", "not a result of schema"),
    "other version": (lambda text: _edited(text, schema_version="2.0.0"), "schema '?2.0.0.*1.4.0"),
    "another version's shape": (lambda text: b'{"schema_version": "2.0.0", "new": 1}',
                                "schema '?2.0.0.*1.4.0"),
    "version a number": (lambda text: _edited(text, schema_version=2), "schema"),
    "wild version": (lambda text: _edited(text, schema_version=f"9{WILD}{LONG}"), "schema"),
    "more keys": (lambda text: _edited(text, **{f"{WILD}{LONG}": 1}), "x1b|\\?\\[31m|red"),
    "wrong type": (lambda text: _edited(text, seed="many"), "at 'seed'"),
    "wrong label": (lambda text: text.replace('"not-enough-evidence"', '"go"'), "verdict.label"),
    "lone surrogate": (lambda text: _edited(text, command="\ud800"), "not a result of schema"),
    "nested": (lambda text: b"[" * 100_000, "not a result of schema"),
}  # fmt: skip


@pytest.mark.parametrize("case", RESULTS)
def test_broken_results(case, run, folder, result):
    make, pattern = RESULTS[case]
    content = make(result)
    content = content.encode() if isinstance(content, str) else content
    (folder / "r.json").write_bytes(content)
    ran = run("report r.json --html a.html")
    _refused(ran, pattern)
    assert "r.json" in ran.err
    assert not (folder / "a.html").exists()


# --- from Python


class _NoPredict:
    def fit(self, X, y):
        return self


def _estimators():
    from sklearn.linear_model import LogisticRegression, Ridge

    return {"classifier": LogisticRegression(), "regressor": Ridge()}


BAD_CALLS = {
    "tuple of one": ({"source": (X,)}, "tuple of 1"),
    "tuple of three": ({"source": (X, FIRST.y, 3)}, "tuple of 3"),
    "None": ({"source": None}, "None"),
    "number": ({"target": 5}, "int|5"),
    "label a number": ({"label": 5}, "label"),
    "labels too short": ({"source": (X, [0, 1]), "label": None}, "60 rows but 2 labels"),
    "no fit": ({"learner": object()}, "no fit and predict"),
    "no predict": ({"learner": _NoPredict()}, "no fit and predict"),
    "a class": ({"learner": _NoPredict}, "class '_NoPredict'.*instance"),
    "estimator class": (
        {"learner": type(_estimators()["classifier"])}, "class 'LogisticRegr.*instance",
    ),
    "regressor for classes": ({"learner": _estimators()["regressor"]}, "Ridge.*is a class"),
    "classifier for regression": (
        {"learner": _estimators()["classifier"], "task": "regression"}, "LogisticReg.*a quantity",
    ),
    "no learners": ({"learner": []}, "empty"),
    "no named learners": ({"learner": {}}, "empty"),
    "learner twice": ({"learner": ["linear", "linear"]}, "one name"),
    "learner a number": ({"learner": 5}, "no fit and predict"),
    "seed text": ({"random_state": "a"}, "random_state is 'a'"),
    "seed true": ({"random_state": True}, "random_state is True"),
    "seed None": ({"random_state": None}, "random_state is None"),
    "seed negative": ({"random_state": -1}, "0 or more"),
    "seed a generator": ({"random_state": np.random.default_rng(0)}, "random_state is Generator"),
    "budget text": ({"budget": "60s"}, "budget.*'60s'"),
    "budget NaN": ({"budget": float("nan")}, "budget"),
    "budget None": ({"budget": None}, "budget.*None"),
    "budget infinite": ({"budget": float("inf")}, "budget.*at most"),
    "task a number": ({"task": 5}, "task 5"),
    "metric a number": ({"metric": 5}, "metric 5"),
    "metric a function": ({"metric": max}, "metric <built-in"),
    "task long": ({"task": LONG}, "binary"),
    "no jobs": ({"n_jobs": 0}, "n_jobs is 0"),
    "jobs text": ({"n_jobs": "all"}, "n_jobs is 'all'"),
    "names one": ({"names": ("a",)}, "names"),
    "names text": ({"names": "ab"}, "names"),
    "column name of no encoding": (
        {"target": {"col0": [1.0, 2.0], "caf\udce9": [1.0, 2.0], "y": [0, 1]}},
        r"'caf\\udce9', which is not valid Unicode",
    ),
    "column name of no encoding, pandas": (
        {"source": FIRST.set_axis(pd.Index(["a", "b\ud800", "c", "y"], dtype=object), axis=1)},
        r"'b\\ud800', which is not valid Unicode",
    ),
    "class of no encoding": ({"source": (X[:2], ["a", "\ud800"])}, "not valid Unicode"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_calls(case):
    changes, pattern = BAD_CALLS[case]
    arguments = {"source": FIRST, "target": SECOND, "label": "y", "budget": 5.0, **changes}
    with pytest.raises(InputError) as caught:
        preflight(**arguments)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert len(sentence) < 600
    assert re.search(pattern, sentence), sentence


def test_bad_gate_call():
    with pytest.raises(InputError, match="fail_on is 'nonsense'"):
        require(source=FIRST, target=SECOND.head(9), label="y", budget=5, fail_on="nonsense")


def test_seed_of_any_size():
    seeded = {"source": FIRST, "target": SECOND, "label": "y", "budget": 5, "learner": "linear"}
    found = preflight(**seeded, random_state=10**30)
    assert not [c.message for c in found.checks if c.state == "error"]
    assert found.seed == 10**30
    assert Diagnosis.from_json(found.to_json()) == found


def test_seed_of_numpy():
    thin = {"source": FIRST, "target": SECOND.head(9), "label": "y"}
    found = preflight(**thin, random_state=np.int64(3), budget=np.float64(5))
    assert found.to_json() == preflight(**thin, random_state=3, budget=5).to_json()


# --- as a program of its own

ENVIRONMENT = {
    **os.environ, "PYTHONPATH": str(Path(negtransfer.__file__).parents[1]), "PYTHONWARNINGS": "",
}  # fmt: skip
PROGRAM = [sys.executable, "-m", "negtransfer"]


def _program(*words, **more):
    options = {"capture_output": True, "timeout": 120, "env": ENVIRONMENT, **more}
    return subprocess.run([*PROGRAM, *words], check=False, **options)


def _told(done):
    return Ran(done.returncode, (done.stdout or b"").decode(), done.stderr.decode())


def test_program_refuses(folder):
    _refused(_told(_program("check", "none.csv", "t.csv")), "none.csv")


def test_program_prints_no_warning(folder):
    for name, frame in zip(("s.csv", "t.csv"), _huge(), strict=True):
        _csv(folder, name, frame)
    done = _told(_program("check", "s.csv", "t.csv", "--label", "y", "--budget", "5s",
                          "--no-progress", *LINEAR))  # fmt: skip
    assert done.code in (0, 1, 3)
    assert done.err == ""


def test_program_in_plain_ascii(folder):
    """A terminal or a file that knows no Unicode gets the answer all the same."""
    _csv(folder, "t.csv", SECOND.head(10))
    plain = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    words = ["check", "s.csv", "t.csv", "--label", "y", "--no-progress"]
    done = _told(_program(*words, env=plain))
    assert (done.code, done.err) == (3, "")
    assert done.out.splitlines()[-1].startswith("verdict=not-enough-evidence")


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes there")
def test_program_with_a_file_name_of_no_encoding(folder):
    name = b"caf\xe9.csv"
    os.rename(b"s.csv", name)
    _csv(folder, "t.csv", SECOND.head(10))
    done = _told(_program("check", name, "t.csv", "--label", "y", "--html", b"p\xe9.html",
                          "--no-progress"))  # fmt: skip
    assert (done.code, done.err) == (3, "")
    _assert_harmless_page(Path(os.fsdecode(b"p\xe9.html")).read_text(encoding="utf-8"))


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_program_on_a_full_disk(folder):
    with open("/dev/full", "wb") as full:
        done = _told(_program("schema", stdout=full, stderr=subprocess.PIPE, capture_output=False))
    _refused(done, "space")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell with pipefail")
@pytest.mark.parametrize("command", ["schema", "explain"])
def test_program_before_head(command, folder):
    line = f"set -o pipefail; {shlex.join([*PROGRAM, command])} | head -1"
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, timeout=60, env=ENVIRONMENT, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pipes close differently")
def test_program_whose_reader_has_gone(folder):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*PROGRAM, "schema"], stdout=write, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_program_interrupted(folder):
    """Ctrl-C in the middle of the pilot, after the first line of progress."""
    for name, seed in (("s.csv", 8), ("t.csv", 9)):
        _csv(folder, name, _frame(4000, seed, 20))
    words = ["check", "s.csv", "t.csv", "--label", "y", "--budget", "600s", "--html", "p.html"]
    with subprocess.Popen(
        [*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as running:
        first = running.stderr.readline()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert first.startswith(b"negtransfer: ")
    assert running.returncode == 130
    assert out == b""
    assert err.splitlines()[-1] == b"Interrupted."
    assert b"Traceback" not in err
    assert not (folder / "p.html").exists()
