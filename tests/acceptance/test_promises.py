"""What the pre-flight check promises, from the command line on files."""

import os
import resource
import subprocess
import sys
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

BUNDLED = ("breast_cancer", "diabetes")
SHARED_SETS = {
    "german_credit": ("radio_tv", None),
    "abalone": ("I", "regression"),
    "student_performance": ("portuguese_GP", "regression"),
    "defect_aeeem": ("jdt", None),
    "adult_country": ("Latin_America", None),
}
OTHER_PAIRS = {
    "heart_disease": None,
    "landmine": None,
    "wine_quality": "regression",
    "defect_relink": None,
    "bike_sharing_seoul": "regression",
}
WORSE = ("caution", "do-not-transfer", "not-enough-evidence")


def bundled(name):
    load = load_breast_cancer if name == "breast_cancer" else load_diabetes
    return load(as_frame=True).frame.rename(columns={"target": "y"})


def halves(frame, seed):
    order = np.random.default_rng(seed).permutation(len(frame))
    return [frame.iloc[part].reset_index(drop=True) for part in np.array_split(order, 2)]


def keep_labels(frame, n):
    frame = frame.copy()
    frame["y"] = frame["y"].astype(object)
    frame.loc[n:, "y"] = None
    return frame


def flipped(frame):
    return frame.assign(y=1 - frame["y"])


def verdict_of_halves(cli, frame, seed, task):
    options = ["--label", "y", "--seed", str(seed), *(["--task", task] if task else [])]
    ran = cli(*halves(frame.sample(min(len(frame), 1000), random_state=0), seed), *options)
    assert ran.code in (0, 1, 3), ran.err
    return ran.result["verdict"]["label"]


@pytest.mark.parametrize("name", BUNDLED)
def test_a_half_is_not_warned_against_its_other_half(cli, name):
    assert verdict_of_halves(cli, bundled(name), 1, None) not in WORSE


@pytest.mark.shared
@pytest.mark.slow
def test_random_halves_over_a_hundred_seeds(cli, shared):
    """`do-not-transfer` never; `caution` or worse (also no evidence) in at most ten."""
    frames = {name: (bundled(name), None) for name in BUNDLED}
    frames |= {n: (shared(n, domain), task) for n, (domain, task) in SHARED_SETS.items()}
    names = list(frames)
    found = {}
    for i in range(100):
        name, seed = names[i % len(names)], 100 + i // len(names)
        frame, task = frames[name]
        found[name, seed] = verdict_of_halves(cli, frame, seed, task)
    assert len(found) == 100
    worse = {key: label for key, label in found.items() if label in WORSE}
    print(f"{len(worse)} of {len(found)} worse than transfer: {worse}")
    assert "do-not-transfer" not in found.values()
    assert len(worse) <= 10, worse


def test_a_label_flip_is_a_no_with_forty_labels(cli):
    source, target = halves(bundled("breast_cancer"), 0)
    ran = cli(source, keep_labels(flipped(target), 40), "--label", "y")
    assert ran.code == 1
    assert ran.result["verdict"]["label"] == "do-not-transfer"
    assert ran.out.splitlines()[-1].startswith("verdict=do-not-transfer gap=")
    assert "NT303" in ran.out
    assert len(ran.out.splitlines()) < 25


@pytest.mark.parametrize("how", ["empty", "absent"])
def test_a_label_flip_without_labels_is_not_enough_evidence_and_says_what_is_missing(cli, how):
    source, target = halves(bundled("breast_cancer"), 0)
    target = flipped(target)
    target = keep_labels(target, 0) if how == "empty" else target.drop(columns="y")
    ran = cli(source, target, "--label", "y")
    assert ran.code == 3
    assert ran.result["verdict"]["label"] == "not-enough-evidence"
    assert "NT302" in ran.out
    assert any("NT303" in sentence for sentence in ran.result["verdict"]["untested"])
    assert ran.result["verdict"]["labels_to_settle"] >= 30


def test_eight_target_rows_are_not_enough(cli):
    source, target = halves(bundled("breast_cancer"), 0)
    assert cli(source, target.head(8), "--label", "y").code == 3


@pytest.mark.slow
def test_fifty_thousand_rows_moved_by_a_fiftieth_of_a_standard_deviation_raise_no_alarm(cli):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100_000, 10))
    y = (X[:, 0] + rng.normal(size=100_000) > 0).astype(int)
    X[50_000:] += 0.02
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(10)]).assign(y=y)
    ran = cli(frame[:50_000], frame[50_000:], "--label", "y")
    assert ran.code == 0
    assert ran.result["verdict"]["label"] == "transfer"
    alarms = [c["id"] for c in ran.result["checks"] if c["state"] in ("warn", "fail", "error")]
    assert alarms == []


def test_same_input_and_seed_give_the_same_bytes(cli, tmp_path):
    source, target = halves(bundled("diabetes"), 3)
    texts = []
    for _ in range(2):
        cli(source, keep_labels(target, 50), "--label", "y", "--seed", "5", "--budget", "10s")
        texts.append((tmp_path / "result.json").read_bytes())
    assert texts[0] == texts[1]


@pytest.mark.shared
@pytest.mark.parametrize("name", OTHER_PAIRS)
def test_a_real_pair_runs(cli, shared, name):
    domains = shared.domains(name)
    _run_pair(cli, shared, name, domains[0], domains[1], 50)


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("n_labels", [20, 50, 200])
@pytest.mark.parametrize("name", OTHER_PAIRS)
def test_every_real_pair_runs(cli, shared, name, n_labels):
    domains = shared.domains(name)
    every = list(permutations(domains, 2))
    keep = np.unique(np.linspace(0, len(every) - 1, min(12, len(every))).round().astype(int))
    for index in keep:
        _run_pair(cli, shared, name, *every[index], n_labels)


def _run_pair(cli, shared, name, source, target, n_labels):
    rng = np.random.default_rng(0)
    away = shared(name, target)
    away = away.iloc[rng.permutation(len(away))[:1000]].reset_index(drop=True)
    task = OTHER_PAIRS[name]
    options = ["--label", "y", "--budget", "5s", *(["--task", task] if task else [])]
    ran = cli(shared(name, source).head(3000), keep_labels(away, n_labels), *options)
    assert ran.code in (0, 1, 3), ran.err
    assert [c["id"] for c in ran.result["checks"] if c["state"] == "error"] == []
    verdict = ran.result["verdict"]
    assert (verdict["gap"] is None) == (verdict["learner"] is None)
    assert ran.result["status"] in ("complete", "partial")


@pytest.mark.slow
def test_the_default_check_takes_half_a_minute_and_less_than_a_gigabyte(tmp_path):
    """10,000 x 50 against 1,000 x 50; on two cores with nothing else to do."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(11_000, 50))
    y = (X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(size=11_000) > 0).astype(int)
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(50)]).assign(y=y)
    files = [tmp_path / "source.csv", tmp_path / "target.csv"]
    frame[:10_000].to_csv(files[0], index=False)
    frame[10_000:].to_csv(files[1], index=False)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "negtransfer", "check", *map(str, files), "--label", "y"],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1), done.stderr
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert cpu < 55, f"{cpu:.0f} CPU seconds do not fit into 30 s on two cores"
    assert after.ru_maxrss < 1_000_000, f"{after.ru_maxrss / 1000:.0f} MB"
