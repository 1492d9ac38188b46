"""Classifier two-sample test: can a trained classifier tell held-out rows of the sides apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .._halves import random_halves
from .._permutation import permutation_p_value
from .._results import MeasureResult, NullBand
from .._validation import (
    Floats,
    Ints,
    RandomState,
    check_count,
    check_pair,
    check_share,
    generator,
    optional_vector,
)
from ..registry import register
from ._auc import auc, delong_interval, held_out_p_value, permute_sides
from ._held_out import Judge, Judged, make_classifier, make_splitter

Statistic: TypeAlias = Literal["auc", "accuracy"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassifierTwoSampleTestResult(MeasureResult):
    """Outcome of :func:`classifier_two_sample_test`.

    Attributes
    ----------
    statistic : str
        ``"auc"`` or ``"accuracy"``: what ``value`` is.
    auc : float
        Area under the ROC curve of the held-out rows; 0.5 when nothing differs.
    error, balanced_error : float
        Share of held-out rows put on the wrong side, and the mean of the two sides' shares.
    p_value : float or None
        That nothing differs; None with folds and without permutations.
    p_method : str
        How ``p_value`` was found.
    classifier, split : str
        What was trained, and how rows were held out.
    column_importance : ndarray of shape (d,)
        By how much ``value`` drops when the column is shuffled among held-out rows.
    source_probability, target_probability : ndarray of shape (n_source,) and (n_target,)
        Of being a target row, by a classifier that did not see the row; NaN for rows that
        were only trained on.
    """

    statistic: str
    auc: float
    error: float
    balanced_error: float
    p_value: float | None
    p_method: str
    classifier: str
    split: str
    column_importance: Floats
    source_probability: Floats
    target_probability: Floats

    @property
    def proxy_a_distance(self) -> float:
        """``2 (1 - 2 balanced_error)``, in [-2, 2]."""
        return 2 * (1 - 2 * self.balanced_error)

    @property
    def unbalanced_proxy_a_distance(self) -> float:
        """``2 (1 - 2 error)``: above 0 for sides of unequal size even when nothing differs."""
        return 2 * (1 - 2 * self.error)

    @property
    def by_column(self) -> Floats:
        """How much each column has to do with the value, shape (d,)."""
        return self.column_importance


@register(
    family="classifier", units="AUC, or balanced accuracy, on held-out rows", range=(0.0, 1.0),
    direction="larger means easier to tell apart", cost="O(fits (n + m) d)",
    invariances=("column order", "translation", "column scales"), attribution=("columns", "rows"),
)  # fmt: skip
def classifier_two_sample_test(
    source: ArrayLike,
    target: ArrayLike,
    *,
    classifier: Any = "logistic",
    statistic: Statistic = "auc",
    split: Any = "half",
    source_groups: ArrayLike | None = None,
    target_groups: ArrayLike | None = None,
    n_permutations: int = 0,
    n_splits: int = 10,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> ClassifierTwoSampleTestResult:
    """Test whether a classifier tells held-out target rows from held-out source rows.

    The classifier is trained on one half of either side and judged on the other. Rows that it
    never saw are exchangeable when nothing differs, which gives the p-value without a
    permutation of the training rows.

    Parameters
    ----------
    source : array_like of shape (n_source, d)
        Source rows.
    target : array_like of shape (n_target, d)
        Target rows, same columns.
    classifier : {"logistic", "forest"} or estimator
        Logistic regression (C = 1) on columns standardised on the training rows, or 100 trees
        with at least 5 rows a leaf; both weigh the sides equally. An estimator in the manner
        of scikit-learn with ``fit`` and ``predict_proba`` is cloned for every fit; set its own
        ``random_state``.
    statistic : {"auc", "accuracy"}
        The area under the ROC curve, or the balanced accuracy at probability 0.5.
    split : {"half", "folds"} or splitter
        One random half of every side; five folds whose held-out scores are pooled; or an
        object with ``split(X, y, groups)`` as scikit-learn's, y being 1 for target rows.
    source_groups, target_groups : array_like of int, shape (n_source,) and (n_target,)
        Group ids in one numbering for both sides (one patient, one session, identical rows).
        A group never straddles training and held-out rows, and is permuted as a whole. Give
        both or none.
    n_permutations : int
        Refits with the sides permuted; 0 uses the held-out rows of one split.
    n_splits : int
        Random halves of each side for the null band.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    ClassifierTwoSampleTestResult
        Between 0 and 1: 0.5 when the sides cannot be told apart, 1 when perfectly, below 0.5
        by chance.

    Notes
    -----
    AUC = P(s(y) > s(x)) + P(s(y) = s(x)) / 2 for held-out scores s; for hard predictions the
    same formula is the balanced accuracy. The p-value is that of the rank sum given ties:
    counted out up to 100 held-out rows, normal beyond; of hard predictions Fisher's exact
    test at any size. The binomial law of Lopez-Paz & Oquab holds where the sides of the rows
    are coin tosses, not where as many of each are held out. With groups of several rows the
    held-out groups are permuted. Out-of-fold predictions share training rows, so no law is
    claimed for "folds": ask for permutations, each of which refits.

    The interval is DeLong's (groups as units) and is for this classifier on new rows: what
    another training half would change is not in it, and with folds it is approximate.

    Power is less than that of a kernel test (:func:`mmd_test`), since half of the rows
    train; the worth lies in the attribution. Logistic regression sees shifted means only, not
    variances or correlations: take the forest for these. It misleads when a column names the
    side (ids, dates, file names): read ``column_importance``, which columns with the same
    information share between them. Brought to NumPy. Cost is ``folds (1 + 2 n_splits +
    n_permutations)`` fits and 3 d predictions.

    References
    ----------
    Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests, ICLR; Kim, Ramdas,
    Singh & Wasserman (2021), Ann. Stat. 49; DeLong, DeLong & Clarke-Pearson (1988),
    Biometrics 44; Ben-David et al. (2010), Mach. Learn. 79, for the proxy A-distance.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> found = classifier_two_sample_test(rng.normal(size=(80, 2)), rng.normal(9, size=(60, 2)))
    >>> found.value, found.p_value < 1e-6
    (1.0, True)
    """
    x, y = check_pair(source, target)
    n_permutations = check_count(n_permutations, "n_permutations", minimum=0)
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    level = check_share(level, "level")
    rng = generator(random_state)
    make, name = make_classifier(classifier, rng)
    if statistic not in ("auc", "accuracy"):
        raise ValueError(f"`statistic` must be 'auc' or 'accuracy', got {statistic!r}.")
    judge = Judge(make, make_splitter(split), statistic == "accuracy", rng)
    rows, is_target = np.vstack([x, y]), np.repeat([0, 1], [len(x), len(y)])
    groups = _groups(source_groups, target_groups, len(x), len(y))

    judged = judge.run(rows, is_target, groups, importance=True)
    if judged is None:
        raise ValueError(
            "A side has fewer than two groups of rows, so that none can be held out; use finer "
            "groups, or leave this measure out."
        )
    null = NullBand(
        *(
            _null_values(judge, rows[at], groups[at], len(x), len(y), n_splits)
            for at in (slice(0, len(x)), slice(len(x), None))
        )
    )
    held = judged.held_out
    scores, sides = judge.read(judged.probability[held]), is_target[held]
    p_value, p_method = _p_value(judge, judged, rows, is_target, groups, n_permutations)
    wrong = (judged.probability[held] > 0.5) != sides
    return ClassifierTwoSampleTestResult(
        value=judged.value,
        interval=delong_interval(scores, sides, groups[held], level),
        null=null,
        n_source=len(x),
        n_target=len(y),
        statistic=statistic,
        auc=auc(judged.probability[held], sides),
        error=float(wrong.mean()),
        balanced_error=float(wrong[sides == 0].mean() + wrong[sides == 1].mean()) / 2,
        p_value=p_value,
        p_method=p_method,
        classifier=name,
        split=split if isinstance(split, str) else str(split),
        column_importance=judged.importance,
        source_probability=judged.probability[: len(x)],
        target_probability=judged.probability[len(x) :],
    )


def _null_values(
    judge: Judge, rows: Floats, groups: Ints, n: int, m: int, n_splits: int
) -> Floats | None:
    values = []
    for first, second in random_halves(len(rows), n, m, n_splits=n_splits, rng=judge.rng):
        both = np.concatenate([first, second])
        sides = np.repeat([0, 1], [len(first), len(second)])
        judged = judge.run(rows[both], sides, groups[both])
        if judged is None:
            return None
        values.append(judged.value)
    return np.array(values) if values else None


def _p_value(
    judge: Judge, judged: Judged, rows: Floats, is_target: Ints, groups: Ints, n_permutations: int
) -> tuple[float | None, str]:
    if n_permutations:
        values = [judged.value]
        for _ in range(n_permutations):
            again = judge.run(rows, permute_sides(is_target, groups, judge.rng), groups)
            values.append(again.value if again is not None else np.inf)
        return permutation_p_value(np.array(values)), f"{n_permutations} permutations, refitted"
    held = judged.held_out
    if judged.n_fits > 1:
        return None, "none: out-of-fold predictions follow no known law"
    scores = judge.read(judged.probability[held])
    return held_out_p_value(scores, is_target[held], groups[held], judge.rng)


def _groups(source: ArrayLike | None, target: ArrayLike | None, n: int, m: int) -> Ints:
    if (source is None) != (target is None):
        raise ValueError(
            "Only one of `source_groups` and `target_groups` was given; give both in one "
            "numbering (a row on its own gets an id of its own), or neither."
        )
    x = optional_vector(source, n, "source_groups", dtype=np.int64)
    y = optional_vector(target, m, "target_groups", dtype=np.int64)
    return np.arange(n + m) if x is None or y is None else np.concatenate([x, y])
