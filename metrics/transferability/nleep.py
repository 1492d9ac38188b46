"""NLEEP: LEEP for features, with the clusters of a mixture in the place of source classes."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from .._scores import Caution, check_features, check_labels, feature_cautions, label_cautions
from .._validation import (
    Floats,
    RandomState,
    check_choice,
    check_count,
    check_positive,
)
from ..registry import register
from ._asked import check_asked, one_class
from ._principal import principal_scores
from ._table_scores import expected_predictions
from .leep import LeepResult, score_predictions

MixtureCovariance: TypeAlias = Literal["auto", "full", "diagonal", "tied", "spherical"]

CHEAP = 10_000_000
"""Rows times components times clusters below which one fit is a matter of a second."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NleepResult(LeepResult):
    """Outcome of :func:`nleep`.

    Attributes
    ----------
    n_components : int
        Clusters of the mixture.
    n_dimensions : int
        Principal components it was fitted in.
    covariance : str
        As used: "full", "diagonal", "tied" or "spherical".
    converged : bool
        Whether every fit ended by its tolerance, not by ``max_iter``.
    start_values : tuple of float
        The score of every start of the fit; ``value`` is their mean.
    """

    n_components: int = 0
    n_dimensions: int = 0
    covariance: str = ""
    converged: bool = False
    start_values: tuple[float, ...] = ()


@register(
    family="transferability", inputs="features and labels", units="nats a row",
    range=(-math.inf, 0.0), direction="larger means more transferable",
    invariances=("column order", "translation", "rotation", "one scale", "relabelling"),
    min_rows=2, cost="O(n d min(n, d) + iterations n K k), times k with full covariances",
)  # fmt: skip
def nleep(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    components_per_class: int = 5,
    variance: float = 0.8,
    covariance: MixtureCovariance = "auto",
    tolerance: float = 1e-2,
    max_iter: int = 100,
    n_starts: int | None = None,
    n_permutations: int = 100,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> NleepResult:
    r"""Return LEEP of the clusters that features form: no source head is needed.

    Parameters
    ----------
    features : array_like of shape (n, d)
        Of the source model on the target rows.
    labels : array_like of shape (n,)
        Target classes.
    components_per_class : int
        Clusters of the mixture for every target class; in all at most half the rows.
    variance : float
        Share of the variance that the principal components must hold; 1 keeps all.
    covariance : {"auto", "full", "diagonal", "tied", "spherical"}
        Of the clusters. auto: full, as in the paper, where a cluster has on average more rows
        than components, else diagonal: with fewer rows a full covariance is singular and the
        clusters depend on nothing but the number that hides it.
    tolerance, max_iter : float, int
        Gain in mean log-likelihood, and number of steps, at which the fit ends.
    n_starts : int, optional
        Fits from different starts, over which the score is averaged. By default 5 where one is
        cheap (rows times clusters times components below 10 million), else 1.
    n_permutations : int
        Shuffles of the labels for the chance level; 0 for none.
    n_draws : int
        Half-samples behind the interval; 0 for none.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of the mixture's start, of shuffles and half-samples.

    Returns
    -------
    NleepResult
        Between -H(Y), the entropy of the target labels, and 0; in nats. None with one target
        class, or where no column varies.

    Notes
    -----
    Features are brought to their principal components (exact eigen-decomposition) and divided by
    one number; a Gaussian mixture is fitted there without the labels, and
    :func:`leep` is taken of its posterior probabilities. Other code differs: SFDA has full
    covariances and leaves out the logarithm, pactran takes max(min(C, n/5), n/10) clusters,
    stable_transfer 5 a class without principal components (``variance=1.0`` here).

    Fits from different starts end at different mixtures: the scores of one start scatter by 0.015
    to 0.04 on sets of 180 to 900 rows, which the interval leaves out, and versions of
    scikit-learn differ likewise. The more clusters, the closer to 0, whatever the labels (0
    with as many as rows). The chance level keeps the mixture, which has never seen the labels,
    and has the same optimism. Blind to names of classes, like LEEP.

    References
    ----------
    Li et al. (2021), Ranking neural checkpoints, CVPR, section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(120) % 3
    >>> near, far = rng.normal(size=(2, 120, 4)) + 6 * np.eye(3, 4)[labels] * [[[0.1]], [[1]]]
    >>> nleep(near, labels).value < -0.5 < -0.1 < nleep(far, labels).value
    True
    """
    asked = check_asked(n_permutations, n_draws, level, random_state)
    check_choice(covariance, "covariance", get_args(MixtureCovariance))
    per_class = check_count(components_per_class, "components_per_class", minimum=1)
    tolerance = check_positive(tolerance, "tolerance")
    max_iter = check_count(max_iter, "max_iter", minimum=1)
    if not 0 < variance <= 1:
        raise ValueError(f"`variance` must lie above 0 and be at most 1, got {variance!r}.")
    table = check_features(features)
    target = check_labels(labels, len(table))
    cautions = feature_cautions(features)
    reason = one_class(target, "NLEEP") if target.n_classes == 1 else _constant(table)
    if reason is not None:
        return NleepResult(
            value=None, reason=reason, n_rows=len(table),
            cautions=(*cautions, *label_cautions(target)),
        )  # fmt: skip
    scores = principal_scores(table, float(variance))
    scores /= math.sqrt(float(np.mean(scores**2)))
    n_components = max(1, min(per_class * target.n_classes, len(table) // 2))
    if covariance == "auto":
        covariance = "full" if len(table) > scores.shape[1] * n_components else "diagonal"
    if n_starts is None:
        n_starts = 5 if scores.size * n_components < CHEAP else 1
    seeds = asked.rng.integers(2**31, size=check_count(n_starts, "n_starts", minimum=1))
    fits = [_fitted(scores, n_components, covariance, tolerance, max_iter, int(s)) for s in seeds]
    found = score_predictions([theta for theta, _ in fits], target, asked, "NLEEP", cautions)
    return NleepResult(
        **{field.name: getattr(found, field.name) for field in fields(found)},
        n_components=n_components,
        n_dimensions=scores.shape[1],
        covariance=covariance,
        converged=all(done for _, done in fits),
        start_values=tuple(
            float(expected_predictions(theta, target.codes[None], target.n_classes)[0])
            for theta, _ in fits
        ),
    )


def _constant(table: Floats) -> Caution | None:
    if np.ptp(table, axis=0).any():
        return None
    return Caution(
        "constant columns",
        "No column of `features` varies, so there are no clusters and NLEEP is not defined.",
    )


def _fitted(
    scores: Floats, n_components: int, covariance: str, tolerance: float, max_iter: int, seed: int
) -> tuple[Floats, bool]:
    """Return the posterior probabilities of the clusters, (n, K), and whether the fit ended."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(
        n_components, covariance_type="diag" if covariance == "diagonal" else covariance,
        tol=tolerance, max_iter=max_iter, random_state=seed,
    )  # fmt: skip
    with warnings.catch_warnings():
        # said in the result; and fewer different rows than clusters are no fault here
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(scores)
    return np.asarray(mixture.predict_proba(scores)), bool(mixture.converged_)
