"""Linear probe: what a linear head on top of the features gets right on rows held out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from .._scores import (
    ScoreResult,
    chance_level,
    check_features,
    check_labels,
    check_targets,
    feature_cautions,
    label_cautions,
    normalise,
)
from .._validation import (
    Floats,
    Ints,
    RandomState,
    check_choice,
    check_count,
    check_positive,
    check_share,
    generator,
)
from ..registry import register
from ._probe_paths import Candidate, Scaling, held_out
from ._probe_tasks import ClassTask, QuantityTask, by_row
from ._splits import Splits, check_splits, random_folds

ProbeScaling: TypeAlias = Literal["auto", "columns", "one", "none"]
_GRID = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4)
"""Inverse penalties tried, over the number of columns."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearProbeResult(ScoreResult):
    """Outcome of :func:`linear_probe`.

    Fields by row are means over the times that a row was held out. Two models probed with the
    same ``splits`` are compared row by row.

    Attributes
    ----------
    rows : ndarray of shape (m,)
        The rows held out at least once, ascending; what the fields by row stand for.
    correct : ndarray of shape (m,), or None
        Share of the times that a row was told right; None for quantities.
    log_loss : ndarray of shape (m,), or None
        Minus the logarithm of the probability of the own class, in nats.
    brier : ndarray of shape (m,), or None
        Squared distance of the probabilities from the one-hot class, summed over the classes.
    squared_error : ndarray of shape (m,), or None
        For quantities, mean over the columns of the targets.
    probabilities : ndarray of shape (m, C), or None
        In the order of the sorted classes.
    predictions : ndarray of shape (m, t), or None
        For quantities.
    by_split : ndarray of shape (n_splits,)
        The score on the rows of each split; for classes, their mean is what scikit-learn's
        ``cross_val_score`` gives. A quantity's error is in units of its variance over all rows.
    splits : tuple of (ndarray, ndarray)
        Rows to train on and held out; pass them on to probe another model on the same.
    scalings : tuple of str
        Chosen for every split.
    strengths : tuple of float
        Inverse penalties chosen for every split.
    """

    rows: Ints | None = None
    correct: Floats | None = None
    log_loss: Floats | None = None
    brier: Floats | None = None
    squared_error: Floats | None = None
    probabilities: Floats | None = None
    predictions: Floats | None = None
    by_split: Floats | None = None
    splits: Splits
    scalings: tuple[str, ...] = ()
    strengths: tuple[float, ...] = ()

    @property
    def mean_log_loss(self) -> float | None:
        """Over the rows, in nats."""
        return None if self.log_loss is None else float(self.log_loss.mean())

    @property
    def mean_brier(self) -> float | None:
        """Over the rows; between 0 and 2."""
        return None if self.brier is None else float(self.brier.mean())

    @property
    def rmse(self) -> float | None:
        """Root of the mean squared error, in units of the targets."""
        return None if self.squared_error is None else math.sqrt(float(self.squared_error.mean()))


@register(
    family="transferability", units="share of rows told right, or of variance explained",
    range=(-math.inf, 1.0), direction="larger means more transferable",
    cost="O(folds n d min(n, d) + candidates folds steps n min(n, d) C)",
    inputs="features and labels",
    invariances=("column order", "translation", "one scale", "relabelling"), min_rows=4,
)  # fmt: skip
def linear_probe(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    folds: int = 5,
    repeats: int = 1,
    splits: Iterable[tuple[ArrayLike, ArrayLike]] | None = None,
    scaling: ProbeScaling = "auto",
    strengths: Sequence[float] | None = None,
    balanced: bool = False,
    regression: bool = False,
    n_permutations: int = 10,
    n_draws: int = 1,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> LinearProbeResult:
    r"""Cross-validate a linear head on the features.

    Parameters
    ----------
    features : array of shape (n, d)
        Of the source model, on target rows.
    labels : array of shape (n,), or (n, t) with ``regression``
        Classes of any type, or quantities.
    folds : int
        Shuffled, and stratified by class; at most n.
    repeats : int
        Times that the folds are drawn.
    splits : iterable of (rows to train on, rows held out), optional
        In place of random folds: those of another model's result, so that both are compared on
        the same rows, or any of one's own.
    scaling : {"auto", "columns", "one", "none"}
        By the rows to train on: "columns" brings each to variance 1, "one" all to mean variance 1
        by the same factor, "auto" tries both, "none" neither.
    strengths : sequence of float, optional
        Inverse penalties to try (scikit-learn's ``C``; for quantities 1/``alpha``). When not
        given, 0.1 to 10,000 in steps of 10, divided by the number of columns.
    balanced : bool
        Whether every class counts the same, whatever its number of rows.
    regression : bool
        Whether ``labels`` are quantities: ridge regression, scored by the coefficient of
        determination.
    n_permutations : int
        Shuffles of the labels for the chance level; 0 leaves it out. Each costs what the value
        costs.
    n_draws : int
        0 leaves the interval out. It is found from the rows held out, without further draws.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of folds and shuffles.

    Returns
    -------
    LinearProbeResult
        Accuracy over the rows held out, between 0 and 1; or the share of variance explained, at
        most 1, negative where the mean predicts better. No value with one class or constant
        targets.

    Notes
    -----
    Multinomial logistic regression (ridge for quantities) with free intercept, in the space of
    the principal axes of the rows to train on: with n < d it has n unknowns a class. With a single
    setting to try it is fitted to eight digits. Scales, axes and penalty come from the rows to
    train on alone, and folds are shuffled, so that sorted rows do no harm.

    Scaling and penalty of a fold are those with the smallest logarithmic (squared) loss on the
    rows of the *other* folds, each predicted while held out. That takes a fifth of the fits of a
    nested cross-validation; the models that predicted them have seen the fold at hand, but no row
    is ever judged by a penalty that its own loss helped to choose. With forced ``splits`` in which
    not all rows to train on are held out elsewhere, five folds inside are used.

    On networks' features with 5 labels a class, one scale for all columns beats standardised
    columns (rarely active units have no reliable variance there); on tables of mixed units it is
    the other way round; "auto" finds out.

    A class missing from the rows to train on gets the probability that one more row would have.
    The interval of an accuracy is Wilson's, for the rows held out over 1.3; that of a share of
    variance is normal, from the influence of every row, times 1.5; both because other training
    rows give another head. It is for the value that samples of this size give on average.

    It needs labels enough to train on, and says what a *linear* head gets; fine-tuning may go
    further. Value and chance use the same number of rows: with more labels, both change.

    References
    ----------
    Alain & Bengio (2017), Understanding intermediate layers using linear classifier probes, ICLR
    workshop. Kornblith, Shlens & Le (2019), Do Better ImageNet Models Transfer Better?, CVPR.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> features = rng.normal(size=(90, 4)) + 2 * np.eye(4)[labels]
    >>> result = linear_probe(features, labels)
    >>> round(result.value, 2), round(result.chance.mean, 2), round(result.mean_log_loss, 2)
    (0.89, 0.32, 0.27)
    >>> other = linear_probe(features[:, :2], labels, splits=result.splits)
    >>> float((result.log_loss < other.log_loss).mean()) > 0.5
    True
    """
    table = check_features(features, min_rows=4)
    n, d = table.shape
    check_choice(scaling, "scaling", get_args(ProbeScaling))
    n_permutations = check_count(n_permutations, "n_permutations", minimum=0)
    n_draws = check_count(n_draws, "n_draws", minimum=0)
    level, rng = check_share(level, "level"), generator(random_state)
    candidates = _candidates(scaling, strengths, d)
    cautions = tuple(c for c in feature_cautions(features) if c.name != "more columns than rows")
    if regression:
        task: ClassTask | QuantityTask = QuantityTask(check_targets(labels, n, name="labels"))
    else:
        given = check_labels(labels, n)
        # with nothing to choose the head is fitted as exactly as a reference would be
        task = ClassTask(given, balanced, 1e-8 if len(candidates) == 1 else 1e-4)
        cautions += label_cautions(given)
    pairs = (
        _random_splits(task.strata, folds, repeats, rng)
        if splits is None else check_splits(splits, n)
    )  # fmt: skip
    if task.reason is not None:
        return LinearProbeResult(
            value=None, reason=task.reason, n_rows=n, cautions=cautions, splits=pairs
        )

    said, chosen = held_out(task.path, table, pairs, candidates, task.strata)
    rows, fields = by_row(task, said, pairs, n)
    value = task.score(rows, fields)

    def shuffled(order: Ints) -> float:
        # rows move past labels and folds, so that the folds stay stratified
        again, _ = held_out(task.path, table[order], pairs, candidates, task.strata)
        return task.score(*by_row(task, again, pairs, n))

    chance = chance_level(shuffled, n, n_permutations=n_permutations, rng=rng)
    return LinearProbeResult(
        value=value,
        normalised=normalise(value, chance, best=1.0),
        chance=chance,
        interval=task.interval(value, rows, fields, level) if n_draws else None,
        n_rows=n,
        cautions=cautions,
        rows=rows,
        correct=fields.get("correct"),
        log_loss=fields.get("log_loss"),
        brier=fields.get("brier"),
        squared_error=fields.get("squared_error"),
        probabilities=fields.get("probabilities"),
        predictions=fields.get("predictions"),
        by_split=np.array([
            task.score(*by_row(task, [one], (pair,), n))
            for one, pair in zip(said, pairs, strict=True)
        ]),
        splits=pairs,
        scalings=tuple(one.scaling for one in chosen),
        strengths=tuple(one.strength for one in chosen),
    )  # fmt: skip


def _candidates(
    scaling: ProbeScaling, strengths: Sequence[float] | None, columns: int
) -> list[Candidate]:
    """Return all settings to try."""
    if strengths is None:
        strengths = [step / columns for step in _GRID]
    strengths = [check_positive(one, "strengths") for one in strengths]
    if not strengths:
        raise ValueError("`strengths` is empty; pass at least one inverse penalty.")
    scalings: tuple[Scaling, ...] = ("columns", "one") if scaling == "auto" else (scaling,)
    return [Candidate(how, one) for how in scalings for one in strengths]


def _random_splits(strata: Ints, folds: int, repeats: int, rng: np.random.Generator) -> Splits:
    folds = check_count(folds, "folds", minimum=2)
    repeats = check_count(repeats, "repeats", minimum=1)
    if folds > len(strata):
        raise ValueError(f"`folds` is {folds}, but there are {len(strata)} rows; lower it.")
    return tuple(pair for _ in range(repeats) for pair in random_folds(strata, folds, rng))
