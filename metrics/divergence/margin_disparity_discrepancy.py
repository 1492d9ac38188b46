"""Margin disparity discrepancy: how far an adversary can disagree with one source model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .._doubt import Sample, half_sample_interval, null_band
from .._results import MeasureResult
from .._validation import (
    Floats,
    Ints,
    RandomState,
    check_count,
    check_pair,
    check_positive,
    check_share,
    generator,
)
from ..registry import register
from ._margin import (
    agreement,
    check_scores,
    disagreement,
    ramp_losses,
    require_same_classes,
)

_STEPS = 100
_STANDARDISED = 1e-12  # relative spread below which a column is constant but for rounding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarginDisparityDiscrepancyResult(MeasureResult):
    """Outcome of :func:`margin_disparity_discrepancy`.

    Attributes
    ----------
    source_disparity, target_disparity : float
        Of the adversaries on the rows they did not see; ``value`` is their difference.
    training_value : float
        The same difference on the rows they were trained on, which is what peers report.
    source_rows, target_rows : ndarray of shape (n_source,) and (n_target,)
        Ramp loss of every row by the adversary that did not see it: 1 where it disagrees.
    rho, gamma, penalty : float
        As used.
    """

    source_disparity: float
    target_disparity: float
    training_value: float
    source_rows: Floats
    target_rows: Floats
    rho: float
    gamma: float
    penalty: float


@register(
    family="classifier", inputs="other", units="difference of mean ramp losses",
    range=(-1.0, 1.0), direction="larger means more room to disagree on the target alone",
    cost="O((n_splits + n_draws) steps (n + m) d k)", invariances=(), min_rows=16,
    attribution=("rows",),
)  # fmt: skip
def margin_disparity_discrepancy(
    source: ArrayLike,
    target: ArrayLike,
    *,
    source_logits: ArrayLike,
    target_logits: ArrayLike,
    rho: float = 1.0,
    gamma: float | None = None,
    penalty: float = 1e-3,
    n_splits: int = 10,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> MarginDisparityDiscrepancyResult:
    """Find how far a linear adversary disagrees with a source model on target rows alone.

    The adversary is trained to agree with the model on source rows and to disagree on target
    rows. Two are trained, each on one half of either side and read on the other half.

    Parameters
    ----------
    source, target : array_like of shape (n_source, d) and (n_target, d)
        What the adversary sees: columns, or an embedding of the model. Standardised here over
        both sides.
    source_logits, target_logits : array_like of shape (n_source, k) and (n_target, k)
        Class scores of the source model on these rows; only their order within a row counts.
    rho : float
        Margin from which agreement costs nothing.
    gamma : float or None
        Weight of agreement on the source in training; None takes ``exp(rho)``, as the theory
        has it (the authors' code has 4 by default).
    penalty : float
        Half of it weighs the squared coefficients in training.
    n_splits : int
        Random halves of each side for the null band.
    n_draws : int
        Half-samples behind the interval.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed.

    Returns
    -------
    MarginDisparityDiscrepancyResult
        In [-1, 1]; about 0 or below when source and target rows cannot be told apart in a way
        that matters to the model, towards 1 when a linear model as good as it on the source
        contradicts it on the target.

    Notes
    -----
    The discrepancy sup_f' [disp_target(f', f) - disp_source(f', f)] (Zhang et al. 2019,
    Definition 3.3; see :func:`margin_disparity`) enters the bound target error <= source margin
    error + discrepancy + lambda. The sup is approached by multinomial logistic adversaries
    that minimise gamma E_s[-log p_h] + E_t[-log(1 - p_h)] by L-BFGS from zero. For two classes
    this is convex, for more it is not, and a local minimum is a lower value.

    Reading the adversary on other rows than it was trained on makes this a lower estimate of
    the linear sup; ``training_value`` overstates it, the more so with many columns. The
    interval is for the mean of this lower estimate, the adversary being trained anew for every
    half-sample; it is not an interval for the sup.

    A linear adversary moves all rows of a region towards the same classes. Where the model
    gives the target its labels in equal shares, contradicting every one of them is beyond it,
    and the value stays near 0 however far the target lies: train a richer adversary on one half
    and read it with :func:`margin_disparity` on the other. Nor does the value say anything
    about lambda, which needs target labels. Brought to NumPy.
    Cost is ``2 (1 + 2 n_splits + n_draws)`` fits of at most 100 steps.

    References
    ----------
    Zhang, Liu, Long & Jordan (2019), Bridging theory and algorithm for domain adaptation, ICML
    (Definition 3.3 and the loss of Section 4).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(80, 2)), rng.normal(size=(80, 2)) + [2.0, 6.0]
    >>> f = lambda rows: np.column_stack([rows[:, 0], -rows[:, 0]])
    >>> found = margin_disparity_discrepancy(x, y, source_logits=f(x), target_logits=f(y))
    >>> found.value > 0.4
    True
    """
    x, y = check_pair(source, target, min_rows=16)
    f, g = (
        check_scores(source_logits, "source_logits"),
        check_scores(target_logits, "target_logits"),
    )
    _same_rows(f, x, "source_logits", "source")
    _same_rows(g, y, "target_logits", "target")
    require_same_classes(f, g)
    rho, penalty = check_positive(rho, "rho"), check_positive(penalty, "penalty")
    gamma = math.exp(rho) if gamma is None else check_positive(gamma, "gamma")
    n_splits = check_count(n_splits, "n_splits", minimum=1)
    n_draws = check_count(n_draws, "n_draws", minimum=2)
    level = check_share(level, "level")
    rng = generator(random_state)
    game = _Game(f.shape[1], rho, gamma, penalty, rng)
    x, y = _standardised(x, y)
    sides = (x, f.argmax(axis=1)), (y, g.argmax(axis=1))

    def value(one: Sample, other: Sample) -> float:
        return game.play(one, other).value

    played = game.play(*sides)
    return MarginDisparityDiscrepancyResult(
        value=played.value,
        interval=half_sample_interval(
            value, *sides, played.value, level=level, n_draws=n_draws, rng=rng, low=-1.0, high=1.0
        ),
        null=null_band(value, *sides, n_splits=n_splits, rng=rng),
        n_source=len(x),
        n_target=len(y),
        source_disparity=float(played.source.mean()),
        target_disparity=float(played.target.mean()),
        training_value=played.training_value,
        source_rows=played.source,
        target_rows=played.target,
        rho=rho,
        gamma=gamma,
        penalty=penalty,
    )


_Side: TypeAlias = tuple[Floats, Ints]


@dataclass(frozen=True, slots=True, eq=False)
class _Played:
    """Held-out ramp losses of every row, and the mean difference on training rows."""

    source: Floats
    target: Floats
    training_value: float

    @property
    def value(self) -> float:
        return float(self.target.mean() - self.source.mean())


@dataclass(frozen=True, slots=True, eq=False)
class _Game:
    """The adversary's task; a side is its columns and the model's labels."""

    n_classes: int
    rho: float
    gamma: float
    penalty: float
    rng: np.random.Generator

    def play(self, source: Sample, target: Sample) -> _Played:
        """Train on one half of either side, read on the other, and the other way round."""
        sides = source, target
        halves = [self.rng.permutation(len(side[0])) % 2 for side in sides]
        losses = np.empty(len(source[0])), np.empty(len(target[0]))
        trained = []
        for held in (0, 1):
            train = [_part(side, half != held) for side, half in zip(sides, halves, strict=True)]
            adversary = self._adversary(*train)
            for side, half, loss in zip(sides, halves, losses, strict=True):
                rows, labels = _part(side, half == held)
                loss[half == held] = ramp_losses(adversary(rows), labels, self.rho)
            on_source, on_target = (
                ramp_losses(adversary(rows), labels, self.rho).mean() for rows, labels in train
            )
            trained.append(on_target - on_source)
        return _Played(*losses, float(np.mean(trained)))

    def _adversary(self, source: _Side, target: _Side) -> Callable[[Floats], Floats]:
        """Return the trained adversary: a function from columns to class scores."""
        from scipy.optimize import minimize

        (x, source_labels), (y, target_labels) = source, target
        rows = np.vstack([x, y])
        n, shape = len(x), (rows.shape[1] + 1, self.n_classes)

        def loss(flat: Floats) -> tuple[float, Floats]:
            weights = flat.reshape(shape)
            scores = rows @ weights[:-1] + weights[-1]
            agree, gradient_x = agreement(scores[:n], source_labels)
            differ, gradient_y = disagreement(scores[n:], target_labels)
            pull = np.vstack([self.gamma * gradient_x / n, gradient_y / len(y)])
            gradient = np.vstack([rows.T @ pull + self.penalty * weights[:-1], pull.sum(axis=0)])
            ridge = self.penalty * float((weights[:-1] ** 2).sum()) / 2
            return self.gamma * agree + differ + ridge, gradient.ravel()

        found = minimize(
            loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B",
            options={"maxiter": _STEPS},
        )  # fmt: skip
        weights = found.x.reshape(shape)
        return lambda columns: np.asarray(columns @ weights[:-1] + weights[-1])


def _part(side: Sample, rows: Ints) -> _Side:
    return side[0][rows], side[1][rows]


def _standardised(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    rows = np.vstack([x, y])
    centred = rows - rows.mean(axis=0)
    scale = centred.std(axis=0)
    constant = scale <= _STANDARDISED * np.abs(rows).max(axis=0)
    centred[:, constant] = 0.0
    centred /= np.where(constant, 1.0, scale)
    return centred[: len(x)], centred[len(x) :]


def _same_rows(scores: Floats, rows: Floats, name: str, side: str) -> None:
    if len(scores) != len(rows):
        raise ValueError(
            f"`{name}` has {len(scores)} row(s), `{side}` has {len(rows)}; give one row of scores "
            "for each."
        )
