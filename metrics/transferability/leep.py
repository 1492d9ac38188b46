"""LEEP: how well the source head's classes, taken as they are, predict the target's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .._scores import (
    Caution,
    Labels,
    ScoreResult,
    check_labels,
    check_probabilities,
    label_cautions,
    normalise,
)
from .._validation import Floats, Ints, RandomState, require_rows
from ..registry import register
from ._asked import Asked, check_asked, one_class
from ._table_scores import class_sums, expected_predictions, negative_conditional_entropy


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeepResult(ScoreResult):
    """Outcome of :func:`leep`.

    Attributes
    ----------
    soft_nce : float or None
        Negative conditional entropy of the mean joint probabilities, at most ``value`` and at
        least -H(Y). What pactran calls NCE.
    """

    soft_nce: float | None = None


@register(
    family="transferability", inputs="probabilities and labels", units="nats a row",
    range=(-math.inf, 0.0), direction="larger means more transferable",
    invariances=("row order", "column order", "relabelling"), min_rows=2, cost="O(n S)",
)  # fmt: skip
def leep(
    probabilities: ArrayLike,
    labels: ArrayLike,
    *,
    n_permutations: int = 100,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> LeepResult:
    r"""Return the log expected empirical prediction: a source head judged without new training.

    Parameters
    ----------
    probabilities : array_like of shape (n, S)
        What the source head gives to its classes on the target rows; rows sum to 1.
    labels : array_like of shape (n,)
        Target classes.
    n_permutations : int
        Shuffles of the labels for the chance level, O(n S) each; 0 for none.
    n_draws : int
        Half-samples behind the interval; 0 for none.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    LeepResult
        Mean log-probability of the true labels, between -H(Y), the entropy of the target labels,
        and 0; in nats. None with one target class.

    Notes
    -----
    :math:`\frac1n \sum_i \log \sum_z P(y_i|z)\, \theta_{iz}` with :math:`P(y|z) = \sum_{i: y_i=y}
    \theta_{iz} / \sum_i \theta_{iz}`. Rows are used as they are, not brought to sum to 1, and
    nothing is added to any cell. A source class without any mass on the target has no P(y|z); it
    weighs nothing and is left out, with a caution (elsewhere it makes the score NaN).

    P(y|z) is learned from the rows on which it is judged: with as many source classes as rows the
    score tends to 0 whatever the labels. The chance level has the same optimism, so compare heads
    of different S by ``normalised``. Exchanging the names of target classes changes nothing: a
    head that is systematically wrong looks as good as one that is right; see
    :func:`source_head_risk`.

    References
    ----------
    Nguyen, Hassner, Seeger & Archambeau (2020), LEEP: a new measure to evaluate transferability
    of learned representations, ICML, equation 2.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(200) % 2
    >>> good = np.where(labels[:, None] == [0, 1], 0.9, 0.1)
    >>> result = leep(good, labels)
    >>> round(result.value, 2), round(leep(good, rng.permutation(labels)).value, 2)
    (-0.2, -0.69)
    """
    asked = check_asked(n_permutations, n_draws, level, random_state)
    theta = check_probabilities(probabilities)
    target = check_labels(labels, len(theta))
    require_rows(len(theta), "probabilities", 2)
    return score_predictions([theta], target, asked, "LEEP")


def score_predictions(
    heads: Sequence[Floats], target: Labels, asked: Asked, name: str,
    cautions: tuple[Caution, ...] = (),
) -> LeepResult:  # fmt: skip
    """Return the mean LEEP of checked probabilities, with chance level and interval."""
    n = len(target.codes)
    cautions = (*cautions, *label_cautions(target), *_empty(heads[0]))
    if target.n_classes == 1:
        reason = one_class(target, name)
        return LeepResult(value=None, reason=reason, n_rows=n, cautions=cautions)

    def score(codes: Ints, rows: Ints | None = None) -> Floats:
        used = (theta if rows is None else theta[rows] for theta in heads)
        found = [expected_predictions(theta, codes, target.n_classes) for theta in used]
        return np.asarray(np.mean(found, axis=0))

    observed = target.codes[None]
    value = float(score(observed)[0])
    chance = asked.chance(score, target)
    joints = (class_sums(theta, observed, target.n_classes)[0].T / n for theta in heads)
    return LeepResult(
        value=value,
        normalised=normalise(value, chance, best=0.0),
        chance=chance,
        interval=asked.interval(score, target, value, low=-math.inf, high=0.0),
        n_rows=n,
        cautions=cautions,
        soft_nce=float(np.mean([negative_conditional_entropy(joint) for joint in joints])),
    )


def _empty(theta: Floats) -> tuple[Caution, ...]:
    empty = int(np.count_nonzero(theta.sum(axis=0) == 0))
    if not empty:
        return ()
    return (Caution(
        "no mass in a source class",
        f"{empty} of {theta.shape[1]} source classes get no probability in any row; they are left "
        "out.",
    ),)  # fmt: skip
