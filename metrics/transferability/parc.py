"""PARC: do rows that look alike to the model have the same label?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from .._scores import (
    Caution,
    ScoreResult,
    chance_level,
    check_features,
    check_labels,
    feature_cautions,
    label_cautions,
    normalise,
    score_interval,
)
from .._validation import (
    Bools,
    Floats,
    Ints,
    RandomState,
    check_choice,
    check_count,
    check_share,
    generator,
    subsample,
)
from ..registry import register

PcaSolver: TypeAlias = Literal["exact", "randomized"]
_DIGITS = 12
"""Correlations that differ beyond this digit differ by rounding only, and are ties."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PARCResult(ScoreResult):
    """Outcome of :func:`parc`.

    Attributes
    ----------
    n_left_out : int
        Rows dropped because all their standardised entries are equal.
    n_components : int or None
        Principal components used; None for the columns themselves.
    """

    n_left_out: int
    n_components: int | None


@register(
    family="transferability", units="per cent of rank correlation", range=(-100.0, 100.0),
    direction="larger means more transferable", cost="O(n^2 (d + log n)), n at most max_rows",
    inputs="features and labels",
    invariances=("row order", "column order", "translation", "one scale", "column scales",
                 "relabelling"), min_rows=4,
)  # fmt: skip
def parc(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    pca: int | None = None,
    pca_solver: PcaSolver = "exact",
    standardise: bool = True,
    max_rows: int = 2000,
    n_permutations: int = 100,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> PARCResult:
    r"""Pairwise annotation representation comparison, after Bolya et al.

    Parameters
    ----------
    features : array of shape (n, d)
        Of the source model, on target rows.
    labels : array of shape (n,)
        Classes, of any type.
    pca : int, optional
        Principal components to keep (the paper's variant has 32); at most as many as there are
        rows and columns. None keeps the columns.
    pca_solver : {"exact", "randomized"}
        The authors' randomised one takes a single power iteration and the seed 1919; pass that as
        ``random_state`` for their digits.
    standardise : bool
        Whether columns (or components) are brought to mean 0 and variance 1 first.
    max_rows : int
        Beyond, that many are drawn at random; the paper has 500.
    n_permutations : int
        Shuffles of the labels for the chance level; 0 leaves it out.
    n_draws : int
        Half-samples for the interval; 0 leaves it out.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of drawn rows, shuffles and half-samples.

    Returns
    -------
    PARCResult
        Between -100 and 100; about 0 when rows of one class look no more alike than others. No
        value with one class, with all rows of different classes, or with a single column (a row
        of one entry correlates with nothing).

    Notes
    -----
    100 times Spearman's correlation, over all pairs of rows, of 1 minus Pearson's correlation of
    the two rows of features with 1 minus that of their one-hot labels. The latter takes two
    values, so the score is the correlation of average ranks with "of different classes". The
    largest value possible is below 100, because of these ties; ``normalised`` takes it as 1.

    Ranks are computed once; shuffles of the labels only add up other parts of them, and
    half-samples rank their own pairs again. Correlations equal up to 12 digits are ties.

    With ``pca``, the signs of the components, which mean nothing, change the correlations of
    rows; they are scikit-learn's. Pairs within the large classes weigh most, and n rows give
    n (n - 1) / 2 dependent pairs.

    References
    ----------
    Bolya, Mittapalli & Hoffman (2021), Scalable Diverse Model Selection for Accessible Transfer
    Learning, NeurIPS 34.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> features = rng.normal(size=(90, 4)) + 2 * np.eye(4)[labels]
    >>> result = parc(features, labels)
    >>> round(result.value, 1), abs(result.chance.mean) < 1
    (59.5, True)
    """
    table = check_features(features, min_rows=4)
    given = check_labels(labels, len(table))
    pca = None if pca is None else check_count(pca, "pca", minimum=1)
    check_choice(pca_solver, "pca_solver", get_args(PcaSolver))
    max_rows = check_count(max_rows, "max_rows", minimum=4)
    n_permutations = check_count(n_permutations, "n_permutations", minimum=0)
    n_draws = check_count(n_draws, "n_draws", minimum=0)
    level, rng = check_share(level, "level"), generator(random_state)
    cautions = feature_cautions(features) + label_cautions(given)

    kept = subsample(len(table), max_rows, rng)
    table, codes = (
        _prepared(table[kept], pca, pca_solver, standardise, random_state),
        given.codes[kept],
    )
    alike, usable = _correlations(table)
    left_out = int((~usable).sum())
    codes, n = codes[usable], int(usable.sum())
    if left_out:
        cautions += (Caution(
            "not defined",
            f"{left_out} row(s) have equal entries throughout once standardised, correlate with "
            "nothing, and are left out.",
        ),)  # fmt: skip
    components = None if pca is None else table.shape[1]

    value = _spearman(alike, codes) if n > 2 else None
    if value is None:
        return PARCResult(
            value=None, reason=_undefined(codes, n), n_rows=n, cautions=cautions,
            n_left_out=left_out, n_components=components,
        )  # fmt: skip
    ranks = _ranks(alike) if n_permutations else np.empty((0, 0))
    chance = chance_level(
        lambda order: _from_ranks(ranks, codes[order]) or 0.0, n,
        n_permutations=n_permutations, rng=rng,
    )  # fmt: skip
    return PARCResult(
        value=value,
        normalised=normalise(value, chance, best=_best(ranks, codes)) if n_permutations else None,
        chance=chance,
        interval=score_interval(
            lambda rows: _spearman(alike[np.ix_(rows, rows)], codes[rows]), n, value,
            level=level, n_draws=n_draws, rng=rng, strata=codes, low=-100.0, high=100.0,
        ),
        n_rows=n,
        cautions=cautions,
        n_left_out=left_out,
        n_components=components,
    )  # fmt: skip


def _undefined(codes: Ints, n: int) -> Caution:
    if n <= 2:
        return Caution(
            "not defined", "Rows have too few different entries to correlate with each other."
        )
    if len(np.unique(codes)) == 1:
        return Caution("one class", "All labels are of one class: all pairs of rows are alike.")
    return Caution(
        "not defined", "Either no two rows share a class, or all pairs of rows look equally alike."
    )


def _prepared(
    table: Floats, pca: int | None, solver: PcaSolver, standardise: bool, seed: RandomState
) -> Floats:
    """Return principal components, where asked for, with mean 0 and variance 1."""
    if pca is not None:
        from sklearn.decomposition import PCA

        kept = min(pca, *table.shape)
        if solver == "exact":
            model = PCA(kept, svd_solver="full")
        else:
            number = seed if isinstance(seed, int) else int(generator(seed).integers(2**31))
            model = PCA(kept, svd_solver="randomized", random_state=number, iterated_power=1)
        table = np.asarray(model.fit_transform(table))
    if not standardise:
        return table
    table = table - table.mean(axis=0)
    spread = table.std(axis=0)
    # what remains of a constant column after its mean went is rounding
    flat = spread <= 1e-14 * np.maximum(np.abs(table).max(), np.finfo(float).tiny)
    return np.asarray(np.where(flat, 0.0, table / np.where(flat, 1.0, spread)))


def _correlations(table: Floats) -> tuple[Floats, Bools]:
    """Return Pearson's correlations of the rows that vary, and which these are."""
    largest = np.abs(table).max(axis=1, keepdims=True)
    centred = table - table.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    usable = (length > 1e-12 * np.maximum(largest, np.finfo(float).tiny))[:, 0]
    unit = centred[usable] / length[usable]
    return np.round(unit @ unit.T, _DIGITS), usable


def _ranks(alike: Floats) -> Floats:
    """Return average ranks of dissimilarity of all pairs, centred; the diagonal is 0."""
    from scipy.stats import rankdata

    upper = np.triu_indices(len(alike), 1)
    ranks = rankdata(-alike[upper])
    square = np.zeros_like(alike)
    square[upper] = ranks - ranks.mean()
    return np.asarray(square + square.T)


def _spearman(alike: Floats, codes: Ints) -> float | None:
    return _from_ranks(_ranks(alike), codes)


def _from_ranks(ranks: Floats, codes: Ints) -> float | None:
    """Return 100 times the correlation of centred ranks with "of different classes"."""
    counts = np.bincount(codes)
    pairs = len(codes) * (len(codes) - 1) / 2
    same = float((counts * (counts - 1)).sum() / 2)
    spread = float(np.vdot(ranks, ranks)) / 2
    if same in (0.0, pairs) or spread == 0:
        return None
    indicator = np.eye(len(counts))[codes]
    within = float(((ranks @ indicator) * indicator).sum()) / 2
    found = -within / np.sqrt(spread * same * (pairs - same) / pairs)
    return float(np.clip(100 * found, -100, 100))


def _best(ranks: Floats, codes: Ints) -> float:
    """Return the score if the pairs of one class were those that look most alike."""
    counts = np.bincount(codes)
    same = int((counts * (counts - 1)).sum() // 2)
    order = np.sort(ranks[np.triu_indices(len(ranks), 1)])
    pairs = len(order)
    spread = float(order @ order) * same * (pairs - same) / pairs
    return float(-100 * order[:same].sum() / np.sqrt(spread))
