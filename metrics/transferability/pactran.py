"""PACTran: the PAC-Bayesian bound on the risk of a linear head, with a Gaussian prior."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

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
from ._linear_head import fit_head, principal_axes

PactranVariant: TypeAlias = Literal["gauss"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PactranResult(ScoreResult):
    """Outcome of :func:`pactran`; smaller is better.

    Attributes
    ----------
    fit : float or None
        The mean cross-entropy of the best head with its penalty: the first part of ``value``.
    flatness : float or None
        The second part: what is to be paid for a sharp minimum.
    converged : bool
        Whether the head was fitted to the end.
    """

    fit: float | None
    flatness: float | None
    converged: bool


@register(
    family="transferability", units="nats a row", range=(0.0, math.inf),
    direction="larger means less transferable", cost="O(n d min(n, d) + steps n min(n, d) C)",
    inputs="features and labels",
    invariances=("row order", "column order", "translation", "rotation", "relabelling"),
    min_rows=4,
)  # fmt: skip
def pactran(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    variant: PactranVariant = "gauss",
    strength: float = 1.0,
    prior: float | None = None,
    n_permutations: int = 20,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> PactranResult:
    r"""Bound the risk of the best linear head by fit and flatness, after Ding et al.

    Parameters
    ----------
    features : array of shape (n, d)
        Of the source model, on target rows. Left as it is.
    labels : array of shape (n,)
        Classes, of any type.
    variant : {"gauss"}
        The prior over heads.
    strength : float
        :math:`\lambda`; the authors use 0.1, 1 and 10.
    prior : float, optional
        Prior variance summed over the columns, :math:`d\,s^2`; 100 times ``strength`` when not
        given, as the authors have it (their second choice is 10 times).
    n_permutations : int
        Shuffles of the labels for the chance level; 0 leaves it out. Each fits a head.
    n_draws : int
        Half-samples for the interval; 0 leaves it out. Each fits a head.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples; the value does not depend on it.

    Returns
    -------
    PactranResult
        At least 0; **larger means less transferable**. No value with one class.

    Notes
    -----
    With centred features, logits :math:`x W + b` and :math:`\lambda n = \Lambda`,

    .. math:: \min_{W, b} \frac1n \sum_i CE_i + \frac{|W|^2}{2 \Lambda}
        + \frac{d C}{2 \Lambda} s^2 \log\Big(\Lambda \frac{tr H}{d C}\Big),

    where the trace runs over the second derivatives of the *summed* cross-entropy by every weight
    and bias, :math:`\sum_i p_{ic}(1 - p_{ic}) x_{ij}^2`, plus :math:`1/\Lambda` a weight: the
    authors' code. A mean in place of the sum would shift every model's score by almost the same
    number, :math:`\tfrac{C}{2\Lambda} d s^2 \log n`.

    The problem is convex, and solved to the end; the authors stop a random start after 100 steps,
    others after 10, so that their values scatter, and are far off for features of large scale.

    It is in-sample, depends on the scale of the features, and is not comparable across targets:
    it falls with n. ``normalised`` is 1 at a bound of 0.

    References
    ----------
    Ding et al. (2022), PACTran: PAC-Bayesian Metrics for Estimating the Transferability of
    Pretrained Models to Classification Tasks, ECCV.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> features = rng.normal(size=(90, 4)) + 2 * np.eye(4)[labels]
    >>> result = pactran(features, labels)
    >>> round(result.value, 1), round(result.chance.mean, 1)
    (10.9, 14.7)
    """
    table = check_features(features, min_rows=4)
    n, _ = table.shape
    given = check_labels(labels, n)
    check_choice(variant, "variant", get_args(PactranVariant))
    strength = check_positive(strength, "strength")
    prior = 100 * strength if prior is None else check_positive(prior, "prior")
    n_permutations = check_count(n_permutations, "n_permutations", minimum=0)
    n_draws = check_count(n_draws, "n_draws", minimum=0)
    level, rng = check_share(level, "level"), generator(random_state)
    cautions = feature_cautions(features) + label_cautions(given)
    if given.n_classes == 1:
        reason = Caution("one class", "All labels are of one class: any head fits perfectly.")
        return PactranResult(
            value=None, reason=reason, n_rows=n, cautions=cautions, larger_is_better=False,
            fit=None, flatness=None, converged=True,
        )  # fmt: skip

    codes, n_classes = given.codes, given.n_classes
    bound = _Bound(table, n_classes, strength, prior)
    fit, flatness, converged = bound.parts(codes)
    value = fit + flatness

    def half(rows: Ints) -> float:
        return sum(_Bound(table[rows], n_classes, strength, prior).parts(codes[rows])[:2])

    chance = chance_level(
        lambda order: sum(bound.parts(codes[order])[:2]), n, n_permutations=n_permutations, rng=rng
    )
    return PactranResult(
        value=value,
        normalised=normalise(value, chance, best=0.0),
        chance=chance,
        interval=score_interval(
            half, n, value, level=level, n_draws=n_draws, rng=rng, strata=codes, low=0.0
        ),
        n_rows=n,
        cautions=cautions,
        larger_is_better=False,
        fit=fit,
        flatness=flatness,
        converged=converged,
    )


class _Bound:
    """The bound on one table, for labels in several orders."""

    def __init__(self, table: Floats, n_classes: int, strength: float, prior: float) -> None:
        self.axes = principal_axes(table)
        self.n, self.d = table.shape
        self.n_classes, self.strength, self.prior = n_classes, strength, prior
        # sums over the columns: a rotation leaves them as they are
        self.lengths = (self.axes.places**2).sum(axis=1)

    def parts(self, codes: Ints) -> tuple[float, float, bool]:
        """Return fit, flatness, and whether the head was fitted to the end."""
        whole = self.strength * self.n
        head = fit_head(
            self.axes.places, self.axes.squares, codes, self.n_classes, 1 / whole,
            tolerance=1e-6, max_steps=2000,
        )  # fmt: skip
        share = head.probabilities(self.axes.places)
        sure = (share * (1 - share)).sum(axis=1)
        weights = self.d * self.n_classes
        trace = float(sure @ self.lengths) + weights / whole + float(sure.sum())
        flatness = self.n_classes * self.prior / (2 * whole) * math.log(whole * trace / weights)
        return head.loss, flatness, head.converged
