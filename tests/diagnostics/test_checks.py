"""Every check on data made to trip it, and on data made not to."""

import numpy as np
import pandas as pd
import pytest

from negtransfer import preflight
from negtransfer.diagnostics.checks import CHECKS
from negtransfer.diagnostics.checks._references import agreement, best_other_assignment

ALL = sorted(CHECKS)


def make(
    n=150, *, seed=0, flip=False, move=0.0, signal=2.0, classes=2, labelled=None, kind="class"
):
    """Source and target from one model; the target may be moved or its labels reversed."""
    rng = np.random.default_rng(seed)

    def draw():
        X = rng.normal(size=(n, 4))
        score = signal * X[:, 0] + rng.normal(size=n)
        if kind == "quantity":
            return X, score
        cuts = np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1])
        return X, np.searchsorted(cuts, score)

    (X, y), (X_t, y_t) = draw(), draw()
    frames = [
        pd.DataFrame(a, columns=list("abcd")).assign(y=b) for a, b in ((X, y), (X_t + move, y_t))
    ]
    if flip:
        frames[1]["y"] = -frames[1]["y"] if kind == "quantity" else classes - 1 - frames[1]["y"]
    if labelled is not None:
        frames[1]["y"] = frames[1]["y"].astype(float)
        frames[1].loc[labelled:, "y"] = np.nan
    return frames


def check(source, target, **options):
    options.setdefault("learner", "linear")
    return preflight(source=source, target=target, label="y", budget=10.0, **options)


@pytest.fixture(scope="module")
def alike():
    return check(*make())


def test_every_check_is_in_the_document_once(alike):
    assert [c.id for c in alike.checks] == ALL
    assert all(c.message.strip().endswith(".") for c in alike.checks)


def test_nothing_is_found_where_nothing_is(alike):
    odd = {c.id: c.state for c in alike.checks if c.state not in ("pass", "not-applicable")}
    assert odd == {}
    assert alike.check("NT502").state == "not-applicable"
    assert {c.state for c in alike.setting.conditions} == {"holds"}


def test_numbers_stand_beside_their_null(alike):
    for check_id in ("NT201", "NT202", "NT203", "NT204", "NT301"):
        null = alike.check(check_id).null
        assert null.source_quantiles is not None
        assert null.target_quantiles is not None
    for check_id in ("NT302", "NT303"):
        assert alike.check(check_id).null.what == "source rows playing the target"
    for check_id in ("NT401", "NT501"):
        null = alike.check(check_id).null
        assert "exchanged" in null.what
        assert null.target_quantiles[0] < 0 < null.target_quantiles[2]
    for check_id, side in (("NT402", "source"), ("NT403", "target")):
        null = alike.check(check_id).null
        assert null.what == "the labels shuffled"
        assert alike.check(check_id).value < getattr(null, f"{side}_quantiles")[0]
    assert all(
        c.null is not None and c.interval is not None
        for c in alike.checks
        if c.group != "quality" and c.id not in ("NT203", "NT502")
    )


def test_a_value_that_equals_its_null_ranks_in_the_middle(alike):
    """No column is flagged, as between random halves: neither larger nor smaller than those."""
    found = alike.check("NT203")
    assert found.value == 0
    assert found.null.target_quantiles[:2] == [0, 0]
    assert 0 < found.null.percentile <= 50  # ties count half


def test_every_explanation_is_complete():
    for entry in CHECKS.values():
        assert len(entry.explain) > 80
        assert entry.explain.endswith(".")


@pytest.mark.parametrize("kind", ["class", "quantity"])
def test_a_reversal_fails_with_labels_and_is_invisible_without(kind):
    found = check(*make(flip=True, labelled=40, kind=kind))
    assert found.check("NT303").state == "fail"
    assert found.check("NT302").state == "fail"
    assert found.check("NT201").state == "pass"
    if kind == "class":
        assert found.verdict.label == "do-not-transfer"
    else:  # a negative scale repairs a reversed quantity, and the pilot finds it
        assert found.verdict.strategy in ("source-recalibrated", "target-only")
    blind = check(*make(flip=True, labelled=0, kind=kind))
    assert blind.check("NT303").state == "insufficient"
    assert blind.verdict.label == "not-enough-evidence"


def test_two_swapped_classes_of_three_are_named():
    source, target = make(classes=3, signal=6.0, n=240)
    target["y"] = target["y"].map({0: 0, 1: 2, 2: 1})
    found = check(source, target).check("NT303")
    assert found.state == "fail"
    assert "1 as 2" in found.message
    assert "2 as 1" in found.message


def test_a_moved_target_is_seen_in_all_measures_of_inputs():
    found = check(*make(move=3.0))
    states = {i: found.check(i).state for i in ("NT201", "NT202", "NT203", "NT204")}
    assert states == {"NT201": "warn", "NT202": "warn", "NT203": "warn", "NT204": "fail"}
    assert all(f.shifted for f in found.features)
    assert found.check("NT202").value > 1.5


def mixed(n=150, *, seed=0, tie=1.0, numbers=2, gaps=False):
    """A category that says which way a number leans on the source; `tie` of it on the target."""
    rng = np.random.default_rng(seed)
    frames = []
    for lean in (1.0, tie):
        city = rng.integers(0, 3, n)
        X = rng.normal(size=(n, 2))
        X[:, 0] = lean * (city - 1) + np.sqrt(1 + (1 - lean**2) * 2 / 3) * X[:, 0]  # variance 5/3
        frame = pd.DataFrame(X[:, :numbers], columns=["a", "b"][:numbers])
        frame["city"] = np.array(["x", "y", "z"])[city]
        frame["kind"] = np.array(["u", "v"])[rng.integers(0, 2, n)]
        frame["y"] = np.arange(n) % 2
        if gaps:
            frame.loc[frame["a"] > 0.5 if lean == 1 else frame["a"] < -0.5, "b"] = np.nan
        frames.append(frame)
    return frames


def test_the_kernel_test_takes_categories_and_gaps_as_they_are():
    told = {
        "numbers only": (make(), "detectable_shift_in_sd"),
        "numbers and categories together": (mixed(), "detectable_shift_in_sd"),
        "categories only": (mixed(numbers=0), "detectable_total_variation"),
    }
    for words, (pair, detectable) in told.items():
        found = check(*pair).check("NT201")
        assert found.state == "pass"
        assert found.facts["test"] == words
        assert words in found.message
        assert ("bandwidth" in found.facts) == (words == "numbers only")
        assert 0 < found.facts[detectable] < 2
        assert found.null.source_quantiles is not None
        assert found.null.target_quantiles is not None
        assert 0 <= found.null.percentile <= 100
        assert found.interval.low <= found.value <= found.interval.high


def test_a_shift_between_a_category_and_a_number_is_seen_where_no_column_differs():
    found = check(*mixed(250, tie=-1.0))
    assert found.check("NT203").state == "pass"
    assert found.check("NT201").state == "warn"


def test_a_shift_of_what_is_missing_with_what_is_seen_too():
    found = check(*mixed(250, gaps=True, tie=0.99)).check("NT201")
    assert found.state == "warn"
    assert found.facts["test"] == "numbers, categories and missing values together"


def test_huge_numbers_beside_categories_are_no_trouble_for_the_kernel_test():
    frames = [frame.assign(a=frame["a"] * 1e300) for frame in mixed()]
    found = check(*frames).check("NT201")
    assert found.state == "pass"
    assert found.value == pytest.approx(check(*mixed()).check("NT201").value, rel=1e-9)


def test_where_no_shift_would_have_been_seen_the_check_says_so(monkeypatch):
    from negtransfer.diagnostics.checks import _mixed, distributions

    monkeypatch.setattr(distributions, "ALARM_P", 0.001)  # 99 permutations never get there
    sides = _mixed.Mixed(np.zeros((20, 1)), np.zeros((20, 1), dtype=np.int64))
    few = {"alpha": 0.001, "n_simulations": 2, "seed": 0}
    assert _mixed.detectable(sides, sides, **few) == (np.inf, "sd")
    found = check(*mixed(60)).check("NT201")
    assert found.facts["detectable_shift_in_sd"] is None
    assert "might have gone unseen" in found.message


def test_another_label_share_is_label_shift():
    source, target = make(n=200)
    target = pd.concat([target[target["y"] == 1], target[target["y"] == 0].head(20)])
    found = check(source, target.reset_index(drop=True)).check("NT301")
    assert found.state == "warn"
    assert found.label_shares.target[1] > 0.75


def test_labels_without_signal_leave_nothing_to_transfer():
    found = check(*make(signal=0.0, n=300))
    assert found.check("NT402").state in ("fail", "insufficient")
    assert found.check("NT403").state in ("fail", "insufficient")


def test_opposite_relations_need_two_models():
    assert check(*make(flip=True, n=200)).check("NT401").state == "fail"


def test_missing_values_on_one_side_are_named():
    source, target = make()
    target.loc[:80, "b"] = np.nan
    found = check(source, target).check("NT103")
    assert found.state == "warn"
    assert found.columns == ["b"]


def test_a_column_constant_on_one_side_is_named():
    source, target = make()
    source["e"] = 0.0
    target["e"] = np.arange(len(target)) % 3
    assert check(source, target).check("NT104").columns == ["e"]


def test_copies_within_and_across_are_counted():
    source, target = make()
    target = pd.concat([target, target.head(40), source.head(30)], ignore_index=True)
    found = check(source, target)
    assert found.check("NT105").state == "warn"
    assert found.check("NT106").state == "warn"
    assert "30 target rows" in found.check("NT106").message


def test_identifiers_are_left_out_and_separating_columns_named():
    source, target = make()
    source["id"], target["id"] = np.arange(150), np.arange(150, 300)
    source["site"] = np.random.default_rng(0).normal(size=150)
    target["site"] = 100 + source["site"]
    found = check(source, target)
    assert found.check("NT107").columns[:2] == ["site", "id"]
    assert [c.name for c in found.lost_columns] == ["id"]


def test_wrong_labels_are_suspected_and_hard_ones_are_not():
    assert check(*make(signal=1.0, n=400)).check("NT108").state == "pass"
    source, target = make(signal=20.0, n=400)
    assert check(source, target).check("NT108").state == "pass"
    wrong = source.index[source["a"].abs() > 1][::6]
    source.loc[wrong, "y"] = 1 - source.loc[wrong, "y"]
    noisy = check(source, target).check("NT108")
    assert noisy.state == "warn"
    assert "of the source first" in noisy.remedy


def test_a_broken_check_says_so_and_stops_nothing(monkeypatch):
    from negtransfer.diagnostics.checks import _base

    def broken(entry, evidence):
        raise RuntimeError("boom")

    old = CHECKS["NT105"]
    monkeypatch.setitem(
        CHECKS, "NT105", _base.Check(old.id, old.name, old.group, old.explain, broken)
    )
    found = check(*make())
    assert found.check("NT105").state == "error"
    assert "boom" in found.check("NT105").message
    assert found.verdict.label == "transfer"


def test_agreement_runs_from_reversed_to_perfect():
    y = np.tile([0, 1], 10)
    proba = np.eye(2)[y]
    assert agreement(y, proba) == 1
    assert agreement(1 - y, proba) == -1
    assert agreement(y, np.full((20, 2), 0.5)) == 0
    assert agreement(np.arange(9.0), -np.arange(9.0)) == pytest.approx(-1)
    three = np.tile([0, 1, 2], 10)
    assert agreement(three, np.eye(3)[three]) > 0
    assert agreement((three + 1) % 3, np.eye(3)[three]) == -1


def test_the_best_other_assignment_is_the_swap_that_was_made():
    y = np.repeat([0, 1, 2, 3], 5)
    predicted = np.array([0, 2, 1, 3])[y]
    hits, other, mapping = best_other_assignment(y, np.eye(4)[predicted])
    assert (hits, other) == (10, 20)
    assert mapping.tolist() == [0, 2, 1, 3]


@pytest.mark.parametrize(
    ("options", "moved"),
    [({}, set()), ({"move": 1.0}, {"P(X)", "P(Y|X)"}), ({"flip": True}, {"P(Y|X)"})],
    ids=["nothing", "inputs and meaning", "meaning"],
)
@pytest.mark.parametrize("kind", ["class", "quantity"])
def test_what_moved_is_told_apart(options, moved, kind):
    found = check(*make(n=300, kind=kind, **options)).check("NT304")
    names = {c.name for c in found.components if c.moved}
    assert len(found.components) == 5
    assert names >= moved
    assert found.state == ("warn" if moved else "pass")
    if not moved:
        assert names == set()
    if moved == {"P(Y|X)"}:
        assert "P(X)" not in names
        assert "concept" in found.message


def test_what_moved_copes_with_more_columns_and_classes_than_it_can_multiply():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(400, 120))
    X[:, 1:80] = X[:, :1] + 0.5 * X[:, 1:80]  # one thing behind most columns: a component
    y = np.digitize(X[:, 0], np.quantile(X[:, 0], np.linspace(0, 1, 13)[1:-1]))
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(120)])
    source, target = frame[:200].assign(y=y[:200]), frame[200:].assign(y=11 - y[200:])
    found = check(source, target, task="multiclass").check("NT304")
    assert found.facts["encoded_columns"] == 120
    assert found.facts["columns_or_components_used"] == 66
    assert {c.name for c in found.components if c.moved} >= {"P(Y|X)"}


def test_what_moved_needs_labels():
    found = check(*make(labelled=10)).check("NT304")
    assert found.state == "insufficient"
    assert found.components == []
    assert "10 labelled rows" in found.message


def test_further_measures_stand_beside_their_null(alike):
    assert len(alike.measures) >= 7
    for one in alike.measures:
        assert one.reason is None
        assert one.null.source_quantiles[0] <= one.null.source_quantiles[2]
        assert one.interval.low <= one.value <= one.interval.high
        assert one.direction.startswith("larger means")


def test_further_measures_name_the_column_that_moved():
    source, target = make(n=200)
    target["c"] += 4
    found = {one.name: one for one in check(source, target).measures}
    for name in ("max_sliced_wasserstein", "frechet_distance", "classifier_two_sample_test"):
        assert found[name].columns[0] == "c"
    moments = ("coral_distance", "discrepancy_distance")  # a move of the mean is none of these
    assert all(
        (one.value > one.null.source_quantiles[2]) == (name not in moments)
        for name, one in found.items()
    )


def test_too_few_rows_give_a_reason_in_place_of_a_measure():
    source, target = make(n=60)
    found = check(source, target.head(7))
    assert found.measures
    assert all(m.value is not None or m.reason.endswith(".") for m in found.measures)
