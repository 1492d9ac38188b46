"""The task, its classes, and the setting that follows."""

import numpy as np
import pytest

from negtransfer import Domain, InputError
from negtransfer.diagnostics.domain import align, describe_setting

NONE = [None] * 3


def _pair(source, target, **keywords):
    def side(labels, name):
        return Domain.load({"a": np.arange(len(labels)) % 7, "y": labels}, label="y", name=name)

    return align(side(source, "s"), side(target, "t"), **keywords)


INFERRED = {
    "two words": (["u", "v"], ["v", "u"], "binary", ("u", "v")),
    "two numbers": ([0, 1], [1, 1], "binary", ("0", "1")),
    "two decimals": ([0.5, 1.5], [0.5], "binary", ("0.5", "1.5")),
    "booleans": ([True, False], [True, False], "binary", ("False", "True")),
    "words": (["u", "v", "w"], ["u"], "multiclass", ("u", "v", "w")),
    "few integers": ([3, 10, 2], [2, 3], "multiclass", ("2", "3", "10")),
    "many integers": (list(range(21)), [1, 2], "regression", ()),
    "decimals": ([0.5, 1, 2], [1, 2], "regression", ()),
    "target only": (NONE, ["u", "v"], "binary", ("u", "v")),
    "source only": ([1, 2, 3], NONE, "multiclass", ("1", "2", "3")),
}


@pytest.mark.parametrize("case", INFERRED)
def test_inferred(case):
    source, target, task, classes = INFERRED[case]
    pair = _pair(source, target)
    assert (pair.task, pair.task_origin, pair.classes) == (task, "inferred", classes)


def test_the_reason_says_how_to_change_it():
    assert "--task regression" in _pair([1, 2, 3], [1, 2]).task_reason
    assert "--task multiclass" in _pair(list(range(30)), [1, 2]).task_reason


def test_without_labels_there_is_no_task():
    pair = _pair(NONE, NONE)
    assert (pair.task, pair.task_origin, pair.label_space) == (None, "unknown", "unknown")
    assert pair.source.y.tolist() == [-1, -1, -1]
    assert not pair.source.labelled.any()
    assert _pair(NONE, NONE, task="binary").task == "binary"
    assert np.isnan(_pair(NONE, NONE, task="regression").target.y).all()


@pytest.mark.parametrize(
    ("source", "target", "task", "expected"),
    [
        ([1, 2, 3], [1, 2], "regression", "regression"),
        (list(range(30)), [1, 2], "multiclass", "multiclass"),
        (list(range(30)), [1, 2], "classification", "multiclass"),
        ([1, 2], [1, 2], "multiclass", "multiclass"),
        ([1, 2], [1, 2], "classification", "binary"),
        ([1, 2], [1, 2], "binary", "binary"),
    ],
)
def test_given(source, target, task, expected):
    pair = _pair(source, target, task=task)
    assert (pair.task, pair.task_origin) == (expected, "given")


REFUSED = {
    "one class": (["u", "u"], ["u"], None, r"'s' and 't' have only one class \('u'\)"),
    "one number": ([1, 1], NONE, None, "labels of 's' have only one class"),
    "one value": ([1, 1], [1], "regression", "only one value"),
    "text regression": (["u", "v"], ["u"], "regression", r"labels of 's' are text \('u', 'v'\)"),
    "decimals as classes": ([0.5, 1, 2], [1], "multiclass", "not all integers"),
    "many classes": (list(range(101)), [1], "multiclass", "101 classes, more than 100"),
    "many words": ([f"w{i}" for i in range(101)], ["w1"], None, "101 classes, more than 100"),
    "three as binary": ([1, 2, 3], [1], "binary", "have 3 classes"),
    "unknown task": ([1, 2], [1], "ranking", "'ranking' is not known"),
    "text and quantity": (["u", "v"], [0.5, 1, 2], None, "'s' has text labels .* 't' has a quant"),
    "quantity and text": (list(range(25)), ["u", "v"], None, "'t' has text labels"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    source, target, task, sentence = REFUSED[case]
    with pytest.raises(InputError, match=sentence) as caught:
        _pair(source, target, task=task)
    assert len(str(caught.value)) < 400


HARMONISED = {
    "1 and 1.0": ([1, 2], [1.0, 2.0], ("1", "2")),
    "1 and text": ([1, 2], ["1", "2.0"], ("1", "2")),
    "1 in mixed text": ([1, 2], ["1.0", "A"], ("1", "2", "A")),
    "spelled twice": (["1", "A"], ["1.0", "A"], ("1", "A")),
    "true and 1": ([True, False], [1, 0], ("0", "1")),
    "1 and yes": ([0, 1], ["no", "yes"], ("0", "1")),
    "True and true": ([True, False], ["true", "false"], ("False", "True")),
}


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("case", HARMONISED)
def test_classes_are_harmonised(case, swap):
    source, target, classes = HARMONISED[case]
    pair = _pair(target, source) if swap else _pair(source, target)
    assert pair.classes == classes
    first, last = (pair.target, pair.source) if swap else (pair.source, pair.target)
    assert first.y[0] == (last.y[0] if case not in ("1 and yes", "true and 1") else first.y[0])
    assert pair.label_space != "disjoint"


def test_truth_is_mapped_the_right_way_round():
    pair = _pair([0, 1, 1], ["no", "yes", None])
    assert pair.source.y.tolist() == [0, 1, 1]
    assert pair.target.y.tolist() == [0, 1, -1]
    assert "'no' as 0, 'yes' as 1" in pair.notices[0]


def test_classes_differing_in_case_are_told():
    pair = _pair(["Cat", "dog"], ["cat", "dog"])
    assert pair.classes == ("Cat", "cat", "dog")
    assert "'Cat' and 'cat'" in pair.notices[0]


def test_labels_of_other_names_are_told():
    source = Domain.load({"a": [1, 2], "y": [0, 1]}, label="y")
    target = Domain.load({"a": [1, 3], "z": [0, 1]}, label="z")
    assert "called 'y' in the source and 'z' in the target" in align(source, target).notices[0]


def test_codes_and_unlabelled_rows():
    pair = _pair(["b", None, "a"], ["c", "b", None])
    assert pair.source.y.tolist() == [1, -1, 0]
    assert pair.target.y.tolist() == [2, 1, -1]
    assert pair.source.y.dtype == np.int64
    assert pair.source.labelled.tolist() == [True, False, True]
    assert (pair.source_classes, pair.target_classes) == (("a", "b"), ("b", "c"))


def test_quantities_and_unlabelled_rows():
    pair = _pair([0.5, None, 2], [1, 2, 3])
    np.testing.assert_array_equal(pair.source.y, [0.5, np.nan, 2])
    assert pair.source.labelled.tolist() == [True, False, True]
    assert (pair.classes, pair.label_space) == ((), "same")


SPACES = {
    "same": (["u", "v"], ["v", "u"], "same classes"),
    "partial": (["u", "v"], ["u"], "fewer classes"),
    "open": (["u"], ["u", "v"], "new classes"),
    "overlapping": (["u", "v"], ["v", "w"], "partly shared"),
    "disjoint": (["u", "v"], ["w", "x"], "different classes"),
    "unknown": (["u", "v"], NONE, "domain adaptation"),
}


@pytest.mark.parametrize("space", SPACES)
def test_label_spaces_and_their_setting(space):
    source, target, words = SPACES[space]
    pair = _pair(source, target)
    assert pair.label_space == space
    setting = describe_setting(pair, target_narrower=True)
    assert setting.label_space == space
    assert words in setting.name
    assert setting.fine_tuning is (space in ("same", "partial"))
    assert ("fine-tuning" in setting.sentence) is setting.fine_tuning
    assert setting.conditions == []


def test_numbers_and_words_without_a_common_class_are_disjoint():
    assert _pair([1, 2, 3], ["u", "v"]).label_space == "disjoint"


@pytest.mark.parametrize(
    ("source", "target", "family", "name"),
    [
        (["u", "v"], ["u", "v"], "inductive", "same classes, labels on both sides"),
        ([0.5, 1, 2], [0.5, 1, 2], "inductive", "the same quantity, labels on both sides"),
        (["u", "v"], NONE, "transductive", "target without labels"),
        (NONE, ["u", "v"], "inductive", "labels in the target only"),
        (NONE, NONE, "unsupervised", "no labels on either side"),
    ],
)
def test_settings(source, target, family, name):
    setting = describe_setting(_pair(source, target))
    assert setting.family == family
    assert setting.name.endswith(name)
    assert not setting.fine_tuning
    assert setting.sentence.endswith(".")
