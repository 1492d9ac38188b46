"""H-score, shrunken H-score, LogME and TransRate from one decomposition of the features."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from .._scores import check_features, check_labels, distinct, feature_cautions, label_cautions
from .._validation import RandomState
from ._asked import check_asked, one_class
from ._spectral_data import SpectralData, classes
from ._spectral_draws import draw
from .h_score import HScoreResult, h_score_of, h_scores
from .logme import LogMEResult, evidence, evidences, logme_of
from .shrunken_h_score import ShrunkenHScoreResult, shrunken_h_score_of, shrunken_h_scores
from .transrate import TransRateResult, transrate_of, transrates


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpectralScores:
    """Outcome of :func:`spectral_scores`; each part as its own function returns it.

    Attributes
    ----------
    h_score : HScoreResult
    shrunken_h_score : ShrunkenHScoreResult
    logme : LogMEResult
        With intercept.
    transrate : TransRateResult
        Classes weighted by their rows, eps 1e-4.
    """

    h_score: HScoreResult
    shrunken_h_score: ShrunkenHScoreResult
    logme: LogMEResult
    transrate: TransRateResult


def spectral_scores(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    n_permutations: int = 20,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> SpectralScores:
    """Return four scores of features and labels for little more than the price of one.

    Parameters
    ----------
    features : array_like of shape (n, d)
        What the source model makes of the target rows.
    labels : array_like of shape (n,)
        Target classes.
    n_permutations : int
        Shuffles of the labels, the same for all scores; 0 for none. TransRate makes them dear.
    n_draws : int
        Half-samples behind the intervals, the same for all scores; 0 for none.
    level : float
        Nominal coverage of the intervals.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    SpectralScores
        What :func:`h_score`, :func:`shrunken_h_score`, :func:`logme` and :func:`transrate` return
        with these numbers and otherwise their defaults.

    Notes
    -----
    All four need of the features only their singular values and the sums of left singular
    vectors over classes, so that the decomposition, O(n d min(n, d)), is shared, as are the sums
    for shuffled labels and the decompositions of half-samples.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> features = rng.normal(size=(90, 4))
    >>> features[:, 0] += 2 * labels
    >>> scores = spectral_scores(features, labels)
    >>> round(scores.h_score.value, 3), round(scores.logme.value, 3)
    (0.842, -0.439)
    """
    asked = check_asked(n_permutations, n_draws, level, random_state)
    table = check_features(features, min_rows=3)
    target = check_labels(labels, len(table))
    cautions = distinct((*feature_cautions(features), *label_cautions(target)))
    n = len(table)
    if target.n_classes == 1:
        reason = one_class(target, "every one of these scores")
        return SpectralScores(
            h_score=HScoreResult(value=None, reason=reason, n_rows=n, cautions=cautions),
            shrunken_h_score=ShrunkenHScoreResult(
                value=None, reason=reason, n_rows=n, cautions=cautions
            ),
            logme=LogMEResult(value=None, reason=reason, n_rows=n, cautions=cautions),
            transrate=TransRateResult(value=None, reason=reason, n_rows=n, cautions=cautions),
        )
    data = SpectralData(table, classes(target))
    data.spectrum("centred")  # first, so that the H-score shares it
    statistics = [h_scores, shrunken_h_scores("centred", "n - 1"), evidences(), transrates()]
    by_h, by_shrunken, by_evidence, by_rate = draw(data, statistics, asked)
    return SpectralScores(
        h_score=h_score_of(data, by_h, cautions),
        shrunken_h_score=shrunken_h_score_of(data, by_shrunken, cautions),
        logme=logme_of(data, evidence(data), by_evidence, cautions),
        transrate=transrate_of(data, by_rate, cautions),
    )
