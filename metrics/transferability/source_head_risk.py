"""Risk of a source head on target labels as they are named: sees what blind scores cannot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from .._results import Interval
from .._scores import (
    Caution,
    Labels,
    ScoreResult,
    check_labels,
    check_probabilities,
    label_cautions,
    normalise,
)
from .._validation import (
    Floats,
    Ints,
    RandomState,
    check_choice,
    check_count,
    check_share,
    on_host,
    require_rows,
)
from ..registry import register
from ._asked import check_asked
from ._head_losses import (
    ABSENT,
    HeadLoss,
    HeadLosses,
    among,
    constant_risk,
    cross_fitted_match,
    folds,
    head_losses,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceHeadRiskResult(ScoreResult):
    """Outcome of :func:`source_head_risk`; ``value`` is the risk as named.

    Attributes
    ----------
    constant_risk : float
        Of the best prediction that is the same for all rows: a head above it does harm as it is.
    relabelled_risk : float
        After the best match of source classes to target classes, found on other rows.
    relabelling_gain : float or None
        ``value`` less ``relabelled_risk``. Clearly above 0: the head knows the classes under
        other names; they were renamed, shuffled or flipped.
    gain_interval : Interval or None
        For ``relabelling_gain``.
    classes : ndarray of shape (C,)
        Target classes.
    named_columns : ndarray of int64, shape (C,)
        Column of ``probabilities`` that bears the name of each; -1 for none.
    matched_columns : ndarray of int64, shape (C,)
        Column that suits each best on all rows, no column twice; -1 for none.
    unnamed_share : float
        Share of the rows whose class the source does not have: always wrong as named.
    foreign_mass : float
        Mean probability that goes to classes which the target does not have.
    loss : str
        As asked for.
    """

    constant_risk: float
    relabelled_risk: float
    relabelling_gain: float | None
    gain_interval: Interval | None
    classes: NDArray[Any]
    named_columns: Ints
    matched_columns: Ints
    unnamed_share: float
    foreign_mass: float
    loss: str


@register(
    family="transferability", inputs="probabilities and labels",
    units="share of rows; nats for log_loss", range=(0.0, math.inf),
    direction="larger means a worse source head on the target", invariances=("row order",),
    min_rows=2, cost="O(n S + C^2 S)", label_blind=False,
)  # fmt: skip
def source_head_risk(
    probabilities: ArrayLike,
    labels: ArrayLike,
    *,
    source_classes: ArrayLike | None = None,
    loss: HeadLoss = "error",
    renormalise: bool = False,
    floor: float = 1e-6,
    n_folds: int = 5,
    n_permutations: int = 100,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> SourceHeadRiskResult:
    r"""Return how wrong a source head is on the target, its classes taken by name.

    Parameters
    ----------
    probabilities : array_like of shape (n, S)
        What the source head gives to its classes on the target rows; rows sum to 1.
    labels : array_like of shape (n,)
        Target classes.
    source_classes : array_like of shape (S,), optional
        The class of every column, in the target's names. By default 0 to S - 1, for labels that
        are whole numbers; texts need it.
    loss : {"error", "log_loss", "brier"}
        error: share of rows whose most probable class is another one. log_loss: mean -log of the
        probability of the true class. brier: mean squared distance to the true class, over all
        source classes, between 0 and 2.
    renormalise : bool
        Whether only classes that the target has may be predicted, their probabilities brought to
        sum to 1. By default what goes to other classes is lost, and counts as wrong.
    floor : float
        Probabilities below this count as this; log_loss only, which otherwise were infinite
        wherever the source lacks a class.
    n_folds : int
        Parts of the rows; the match of classes that is judged on one was found on the others.
    n_permutations : int
        Shuffles of the labels for the chance level; 0 for none.
    n_draws : int
        Half-samples behind the interval; 0 for none.
    level : float
        Nominal coverage of the intervals.
    random_state : int, numpy.random.Generator or None
        Seed of folds, shuffles and half-samples.

    Returns
    -------
    SourceHeadRiskResult
        At least 0; smaller is better. None where the source has none of the target's classes:
        then only ``relabelled_risk`` has a meaning. ``normalised`` is 0 for a head that is as
        wrong as on shuffled labels, 1 for one without any loss and below 0 for worse than chance.

    Notes
    -----
    Mean loss over the rows, the source's classes matched to the target's by their names. Beside
    it stand the risk of the best constant prediction and the risk after the best one-to-one match
    of classes (an assignment problem, Kuhn 1955), cross-fitted so that it is not too low: it is
    found on the other folds, and ties go to the names.

    This is the one score here that does not stay the same when target classes change their names,
    so it is what finds a flipped label: ``value`` far above ``relabelled_risk``, and with two
    classes above ``constant_risk``. It judges the head as it is, without any new training: a
    high risk alone does not say that the features are useless. It misleads where equal names
    stand for different things, and where probabilities are badly scaled (log_loss and brier).

    References
    ----------
    Kuhn (1955), The Hungarian method for the assignment problem, Nav. Res. Logist. Q. 2. Brier
    (1950), Verification of forecasts expressed in terms of probability, Mon. Weather Rev. 78.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.arange(100) % 2
    >>> head = np.where(labels[:, None] == [0, 1], 0.8, 0.2)
    >>> right, flipped = source_head_risk(head, labels), source_head_risk(head, 1 - labels)
    >>> right.value, flipped.value, flipped.relabelled_risk, flipped.constant_risk
    (0.0, 1.0, 0.0, 0.5)
    """
    asked = check_asked(n_permutations, n_draws, level, random_state)
    check_choice(loss, "loss", get_args(HeadLoss))
    floor, n_folds = check_share(floor, "floor"), check_count(n_folds, "n_folds", minimum=2)
    theta = check_probabilities(probabilities)
    require_rows(len(theta), "probabilities", 2)
    target = check_labels(labels, len(theta))
    named = _named_columns(target, source_classes, theta.shape[1])
    shared = named[named != ABSENT]

    def losses(columns: Ints) -> HeadLosses:
        kept = columns[columns != ABSENT]
        return head_losses(among(theta, kept) if renormalise and len(kept) else theta, loss, floor)

    as_named = losses(named)
    found = as_named.of(named[target.codes])
    matched, relabelled = cross_fitted_match(
        head_losses(theta, loss, floor), losses, target.codes, named,
        folds(target.codes, n_folds, asked.rng),
    )  # fmt: skip
    known: dict[str, Any] = {
        "n_rows": len(theta), "cautions": label_cautions(target), "larger_is_better": False,
        "constant_risk": constant_risk(target.counts, loss),
        "relabelled_risk": float(relabelled.mean()),
        "classes": target.classes, "named_columns": named, "matched_columns": matched,
        "unnamed_share": float(np.mean(named[target.codes] == ABSENT)),
        "foreign_mass": max(0.0, float(1 - theta[:, shared].sum(axis=1).mean())), "loss": loss,
    }  # fmt: skip
    if not len(shared):
        return SourceHeadRiskResult(
            value=None, reason=_no_names(), relabelling_gain=None, gain_interval=None, **known
        )

    def score(codes: Ints, rows: Ints | None = None) -> Floats:
        # half-samples keep their labels, so their losses are known already
        if rows is not None:
            return np.array([found[rows].mean()])
        return np.array([as_named.of(named[order]).mean() for order in codes])

    value, chance = float(found.mean()), asked.chance(score, target)
    return SourceHeadRiskResult(
        value=value,
        normalised=normalise(value, chance, best=0.0),
        chance=chance,
        interval=asked.interval(score, target, value, low=0.0, high=math.inf),
        relabelling_gain=float((found - relabelled).mean()),
        gain_interval=_mean_interval(found - relabelled, asked.level),
        **known,
    )


def _named_columns(target: Labels, source_classes: ArrayLike | None, columns: int) -> Ints:
    """Return for every target class the column of that name, or ``ABSENT``."""
    if source_classes is None:
        if target.classes.dtype.kind not in "iub":
            raise ValueError(
                f"`source_classes` is needed, because `labels` are texts such as "
                f"{target.classes[0]!s}: pass the class of each of the {columns} columns of "
                "`probabilities`."
            )
        names: NDArray[Any] = np.arange(columns)
    else:
        names = _checked_names(source_classes, columns, target)
    where = {name: k for k, name in enumerate(names.tolist())}
    return np.array([where.get(c, ABSENT) for c in target.classes.tolist()], dtype=np.int64)


def _checked_names(given: ArrayLike, columns: int, target: Labels) -> NDArray[Any]:
    names = np.asarray(on_host(given))
    if names.shape != (columns,):
        raise ValueError(
            f"`source_classes` has shape {names.shape}, expected one class for each of the "
            f"{columns} columns of `probabilities`."
        )
    coded = check_labels(names, columns, "source_classes")
    if coded.n_classes < columns:
        twice = coded.classes[coded.counts.argmax()]
        raise ValueError(
            f"`source_classes` holds {twice!s} more than once; add up the probabilities of columns "
            "that mean the same class first."
        )
    texts = [kind.dtype.kind in "US" for kind in (coded.classes, target.classes)]
    if texts[0] != texts[1]:
        raise TypeError(
            f"`source_classes` holds values such as {coded.classes[0]!r} and `labels` such as "
            f"{target.classes[0]!r}; use the same names for both."
        )
    return np.asarray(coded.classes[coded.codes])


def _no_names() -> Caution:
    return Caution(
        "not defined",
        "The source has none of the target's classes, so its head cannot be judged by name; see "
        "`relabelled_risk`, or pass `source_classes`.",
    )


def _mean_interval(values: Floats, level: float) -> Interval | None:
    if len(values) < 8:
        return None
    reach = float(norm.ppf((1 + level) / 2)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    mean = float(values.mean())
    return Interval(mean - reach, mean + reach, level, "mean of the rows, normal")
