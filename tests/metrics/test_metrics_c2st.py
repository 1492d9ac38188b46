"""Classifier two-sample test: reference values, level, groups, and what it points at."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, mannwhitneyu, norm

from negtransfer.metrics import classifier_two_sample_test
from negtransfer.metrics.divergence._auc import (
    auc,
    delong_interval,
    held_out_p_value,
    permute_sides,
)


def normal_pair(seed, n=60, m=60, d=3, move=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + move


def peers_recipe():
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=1, max_iter=5000))
    return {"classifier": model, "split": StratifiedKFold(5, shuffle=True, random_state=0)}


@pytest.mark.reference("c2st_logreg")
def test_the_peers_recipe_gives_the_peers_numbers(entry, case_arrays):
    X, Y = case_arrays(entry["case"])
    found = classifier_two_sample_test(X, Y, **peers_recipe(), n_splits=1)
    error, balanced, area, distance, balanced_distance = entry["value"]
    row = 1 / (len(X) + len(Y))
    one_side_row = 0.5 / min(len(X), len(Y))
    assert found.error == pytest.approx(error, abs=1.001 * row)
    assert found.balanced_error == pytest.approx(balanced, abs=1.001 * one_side_row)
    assert found.auc == pytest.approx(area, abs=1e-3)
    assert found.unbalanced_proxy_a_distance == pytest.approx(distance, abs=4.001 * row)
    assert found.proxy_a_distance == pytest.approx(balanced_distance, abs=4.001 * one_side_row)


def test_pooled_folds_claim_no_p_value():
    found = classifier_two_sample_test(*normal_pair(0), split="folds", n_splits=1)
    assert found.p_value is None
    assert found.p_method.startswith("none")
    assert not np.isnan(found.source_probability).any()
    permuted = classifier_two_sample_test(
        *normal_pair(0, move=1.0), split="folds", n_permutations=19, n_splits=1
    )
    assert permuted.p_value == pytest.approx(0.05)


@pytest.mark.parametrize("statistic", ["auc", "accuracy"])
def test_no_more_alarms_than_the_level(statistic):
    p_values = [
        classifier_two_sample_test(
            *normal_pair(seed, 40, 24), statistic=statistic, n_splits=1
        ).p_value
        for seed in range(120)
    ]
    assert np.mean(np.array(p_values) <= 0.1) <= binom.ppf(0.999, 120, 0.1) / 120


def test_rank_sum_law_is_counted_exactly():
    """Against every choice of the target rows, ties included."""
    scores = np.array([1, 1, 2, 3, 3, 3, 4, 5.0, 6])
    sides = np.array([0, 0, 0, 1, 0, 1, 1, 0, 1])
    reached = []
    for chosen in itertools.combinations(range(9), 4):
        other = np.zeros(9, dtype=np.int64)
        other[list(chosen)] = 1
        reached.append(auc(scores, other) >= auc(scores, sides) - 1e-12)
    found, how = held_out_p_value(scores, sides, np.arange(9), np.random.default_rng(0))
    assert found == pytest.approx(np.mean(reached))
    assert how.startswith("exact")


def test_rank_sum_law_without_ties_is_that_of_scipy():
    scores = np.random.default_rng(3).normal(size=60)
    sides = np.arange(60) % 3 // 2
    found, _ = held_out_p_value(scores, sides, np.arange(60), np.random.default_rng(0))
    peer = mannwhitneyu(scores[sides == 1], scores[sides == 0], alternative="greater",
                        method="exact")  # fmt: skip
    assert found == pytest.approx(peer.pvalue, rel=1e-9)


def test_predictions_all_alike_are_no_evidence():
    sides = np.repeat([0, 1], 10)
    assert held_out_p_value(np.ones(20), sides, np.arange(20), np.random.default_rng(0))[0] == 1


def test_hard_scores_make_the_area_the_balanced_accuracy():
    found = classifier_two_sample_test(*normal_pair(4, 50, 30, move=0.5), statistic="accuracy")
    assert found.value == pytest.approx(1 - found.balanced_error)
    assert found.p_method == "exact (Fisher)"


@pytest.mark.parametrize(("n", "move"), [(12, 0.0), (12, 1.5), (12, 4.0), (80, 1.0)])
def test_delong_covers_the_area_of_fixed_scores(n, move):
    rng = np.random.default_rng(0)
    truth, sides, hits = norm.cdf(move / np.sqrt(2)), np.repeat([0, 1], n), 0
    for _ in range(200):
        interval = delong_interval(rng.normal(size=2 * n) + move * sides, sides,
                                   np.arange(2 * n), 0.8)  # fmt: skip
        hits += interval.low <= truth <= interval.high
    assert hits >= binom.ppf(0.001, 200, 0.8)


def test_delong_variance_is_that_of_the_published_formula():
    rng = np.random.default_rng(1)
    sides = np.repeat([0, 1], [30, 40])
    scores = rng.normal(size=70) + sides
    above = scores[sides == 1][:, None] > scores[sides == 0][None, :]
    variance = above.mean(axis=0).var(ddof=1) / 30 + above.mean(axis=1).var(ddof=1) / 40
    interval = delong_interval(scores, sides, np.arange(70), 0.8)
    assert (interval.high - interval.low) / 2 >= norm.ppf(0.9) * np.sqrt(variance) * (1 - 1e-9)
    assert (interval.high - interval.low) / 2 <= norm.ppf(0.9) * np.sqrt(variance) * 1.1


def test_groups_are_the_units_of_interval_and_test():
    """Sessions with an offset of their own: rows within are nearly copies."""

    def sessions(seed):
        rng = np.random.default_rng(seed)
        centres = np.repeat(rng.normal(size=(24, 6)), 10, axis=0)
        rows = centres + 0.05 * rng.normal(size=centres.shape)
        groups = np.repeat(np.arange(24), 10)
        return (rows[:120], rows[120:]), {
            "source_groups": groups[:120], "target_groups": groups[120:]
        }  # fmt: skip

    blind, seen = [], []
    for seed in range(12):
        pair, groups = sessions(seed)
        blind.append(classifier_two_sample_test(*pair, n_splits=1))
        seen.append(classifier_two_sample_test(*pair, **groups, n_splits=1))
    assert np.mean([found.p_value <= 0.1 for found in blind]) > 0.8
    assert np.mean([found.p_value <= 0.1 for found in seen]) < 0.4
    widths = [np.mean([f.interval.high - f.interval.low for f in side]) for side in (blind, seen)]
    assert widths[1] > 2 * widths[0]
    assert "groups" in seen[0].p_method


@given(seed=st.integers(0, 999), n_groups=st.integers(2, 12))
@settings(max_examples=25, deadline=None)
def test_permuted_sides_keep_groups_whole(seed, n_groups):
    rng = np.random.default_rng(seed)
    sides, groups = rng.integers(0, 2, size=40), rng.integers(0, n_groups, size=40)
    moved = permute_sides(sides, groups, rng)
    pure = 0
    for group in range(n_groups):
        before, after = sides[groups == group], moved[groups == group]
        if len(before) and before.min() != before.max():
            assert before.sum() == after.sum()
        elif len(before):
            assert after.min() == after.max()
            pure += after[0] - before[0]
    assert pure == 0


def test_columns_and_rows_are_named():
    source, target = normal_pair(5, 150, 150, d=4)
    target[:, 2] += 1.5
    found = classifier_two_sample_test(source, target, split="folds", n_splits=1)
    assert found.column_importance.argmax() == 2
    assert found.column_importance[2] > 5 * np.abs(found.column_importance[[0, 1, 3]]).max()
    assert found.target_probability.mean() > found.source_probability.mean() + 0.2
    assert np.corrcoef(found.target_probability, target[:, 2])[0, 1] > 0.9


def test_only_the_forest_sees_a_correlation():
    rng = np.random.default_rng(6)
    source = rng.normal(size=(300, 2))
    target = rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], size=300)
    blind = classifier_two_sample_test(source, target, n_splits=1)
    seen = classifier_two_sample_test(source, target, classifier="forest", n_splits=1)
    assert blind.value < 0.58
    assert seen.value > 0.65
    assert seen.p_value < 1e-3


def test_permutations_refit_and_agree_with_the_held_out_law():
    pair = normal_pair(7, 40, 40, move=0.4)
    found = classifier_two_sample_test(*pair, n_permutations=99, n_splits=1)
    once = classifier_two_sample_test(*pair, n_splits=1)
    assert found.p_method == "99 permutations, refitted"
    assert found.value == once.value
    assert found.p_value == pytest.approx(once.p_value, abs=0.1)


def test_a_shuffle_of_several_splits_claims_no_law():
    from sklearn.model_selection import StratifiedShuffleSplit

    once = StratifiedShuffleSplit(1, test_size=0.3, random_state=0)
    thrice = StratifiedShuffleSplit(3, test_size=0.3, random_state=0)
    pair = normal_pair(8)
    assert classifier_two_sample_test(*pair, split=once, n_splits=1).p_value is not None
    assert classifier_two_sample_test(*pair, split=thrice, n_splits=1).p_value is None


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"classifier": "svm"}, "'logistic', 'forest'"),
        ({"statistic": "f1"}, "'auc' or 'accuracy'"),
        ({"split": "thirds"}, "'half', 'folds'"),
        ({"source_groups": np.zeros(60, dtype=int)}, "Only one of"),
        ({"n_permutations": -1}, "n_permutations"),
    ],
)
def test_bad_options_are_answered_in_a_sentence(option, words):
    with pytest.raises(ValueError, match=words) as fault:
        classifier_two_sample_test(*normal_pair(9), **option)
    assert str(fault.value).endswith(".")


def test_one_group_a_side_cannot_be_held_out():
    groups = {"source_groups": np.zeros(60, dtype=int), "target_groups": np.ones(60, dtype=int)}
    with pytest.raises(ValueError, match="fewer than two groups"):
        classifier_two_sample_test(*normal_pair(10), **groups)


def test_a_splitter_blind_to_the_sides_is_refused():
    from sklearn.model_selection import KFold

    with pytest.raises(ValueError, match="stratified"):
        classifier_two_sample_test(*normal_pair(11), split=KFold(2))


def test_refitted_permutations_keep_groups_whole_too():
    """Sixteen sessions of near copies: rows alone would be told apart at once."""
    rng = np.random.default_rng(12)
    rows = np.repeat(rng.normal(size=(16, 6)), 8, axis=0) + 0.05 * rng.normal(size=(128, 6))
    groups = np.repeat(np.arange(16), 8)
    halves = {"source_groups": groups[:64], "target_groups": groups[64:]}
    found = classifier_two_sample_test(
        rows[:64], rows[64:], **halves, n_permutations=39, n_splits=1
    )
    assert found.p_value > 0.1
    # A session is either trained on or held out.
    for side, ids in (
        (found.source_probability, groups[:64]),
        (found.target_probability, groups[64:]),
    ):
        trained = np.isnan(side)
        assert 0 < trained.sum() < 64
        assert all(trained[ids == session].all() or not trained[ids == session].any()
                   for session in np.unique(ids))  # fmt: skip
