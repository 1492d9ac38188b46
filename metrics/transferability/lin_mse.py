"""LinMSE: minus the error of the best linear map from features to quantities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .._scores import (
    Caution,
    Chance,
    ScoreResult,
    check_features,
    check_targets,
    distinct,
    feature_cautions,
    normalise,
)
from .._validation import Bools, Floats, Ints, RandomState
from ..registry import register
from ._asked import check_asked
from ._spectral_data import SpectralData, View, quantities
from ._spectral_draws import Statistic, draw


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinMSEResult(ScoreResult):
    """Outcome of :func:`lin_mse`.

    Attributes
    ----------
    by_target : ndarray of shape (q,) or None
        What every target column adds to ``value``.
    """

    by_target: Floats | None = None


@register(
    family="transferability", inputs="features and targets", units="squared units of the targets",
    range=(-math.inf, 0.0), direction="larger means more transferable",
    invariances=(
        "row order", "column order", "translation", "rotation", "one scale", "column scales",
    ),
    min_rows=3,
    cost="O(n d min(n, d))",
)  # fmt: skip
def lin_mse(
    features: ArrayLike,
    targets: ArrayLike,
    *,
    penalty: float = 0.0,
    n_permutations: int = 100,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> LinMSEResult:
    r"""Return minus the mean squared error of linear regression, with its penalty.

    Parameters
    ----------
    features : array_like of shape (n, d)
        What the source model makes of the target rows.
    targets : array_like of shape (n,) or (n, q)
        Quantities. For classes pass indicator columns, at most the number of classes less one
        of which is free; then it is minus the Brier score of least squares.
    penalty : float
        Weight of the squared coefficients, at least 0; the intercept is free. Above 0 the scale
        of the features matters.
    n_permutations : int
        Shuffles of the targets for the chance level, O(n d q) each; 0 for none.
    n_draws : int
        Half-samples behind the interval, one decomposition each; 0 for none.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    LinMSEResult
        At most 0, in squared units of the targets, summed over their columns. ``normalised`` is a
        coefficient of determination whose 0 is the fit of shuffled targets. None if all targets
        are constant. No interval without penalty where half of the rows are not more than the
        columns: there every half is fitted exactly.

    Notes
    -----
    :math:`-\min_{A, b} \frac1n \lVert Y - F A - 1 b^\top \rVert^2 + \lambda \lVert A \rVert^2`.
    The error is that on the rows of the fit: without penalty and with n - 1 columns or more it
    is 0 whatever the targets, ``normalised`` is then None, and :func:`logme` with
    ``regression=True`` should be read. Without a penalty any invertible affine map of the
    features leaves it as it is. With the outputs of the source model as features it is LabMSE.

    References
    ----------
    Nguyen et al. (2023), Simple transferability estimation for regression tasks, UAI.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> features = rng.normal(size=(80, 3))
    >>> target = features @ [1.0, 2.0, 0.0] + rng.normal(size=80)
    >>> result = lin_mse(features, target)
    >>> round(result.value, 3), round(result.normalised, 3)
    (-1.109, 0.821)
    """
    asked = check_asked(n_permutations, n_draws, level, random_state)
    _check_penalty(penalty)
    table = check_features(features, min_rows=3)
    wanted = quantities(check_targets(targets, len(table)))
    flat: Bools = np.logical_not(wanted.less_mean.any(axis=0))
    cautions = distinct((*feature_cautions(features), *_constant(flat)))
    if flat.all():
        return LinMSEResult(value=None, reason=cautions[-1], n_rows=len(table), cautions=cautions)
    data = SpectralData(table, wanted)
    drawn = draw(data, [_scores(penalty)], asked)[0]
    by_target = _by_target(data, data.as_given, penalty)[0]
    value = float(by_target.sum())
    total = float(wanted.norms(centred=True).sum()) / len(table)
    halved = penalty > 0 or data.spectrum("affine").rank < len(table) // 2 - 1
    return LinMSEResult(
        value=value,
        normalised=_share(value, drawn.chance, total),
        chance=drawn.chance,
        interval=drawn.interval(value, len(table), high=0.0) if halved else None,
        n_rows=len(table),
        cautions=cautions if penalty > 0 else data.fits_everything(cautions),
        by_target=by_target,
    )


def _check_penalty(penalty: float) -> None:
    is_number = isinstance(penalty, int | float | np.number) and not isinstance(penalty, bool)
    if not is_number or not 0 <= penalty < math.inf:
        raise ValueError(f"`penalty` must be a finite number of at least 0, got {penalty!r}.")


def _constant(flat: Bools) -> tuple[Caution, ...]:
    if not flat.any():
        return ()
    return (Caution(
        "constant target",
        f"{int(flat.sum())} of {len(flat)} target column(s) are constant: the intercept alone "
        "fits them.",
    ),)  # fmt: skip


def _scores(penalty: float) -> Statistic:
    def scores(data: SpectralData, orders: Ints) -> Floats:
        values: Floats = _by_target(data, orders, penalty).sum(axis=1)
        return values

    return scores


def _by_target(data: SpectralData, orders: Ints, penalty: float) -> Floats:
    """Return minus the penalised error of every column for every order, shape (p, q)."""
    # without penalty the scale of columns plays no part and may be chosen for precision
    view: View = "centred" if penalty > 0 else "affine"
    found = data.spectrum(view)
    power = data.projected(view, orders) ** 2
    total = data.design.norms(centred=True)
    if found.interpolates:
        rest = np.zeros(power.shape[:2])
    else:
        rest = np.maximum(total - power.sum(axis=2), 0.0)
    if penalty > 0:
        weight = data.n_rows * penalty
        rest = rest + power @ (weight / (found.squares + weight))
    errors: Floats = 0.0 - rest / data.n_rows
    return errors


def _share(value: float, chance: Chance | None, total: float) -> float | None:
    """Normalise in units of the targets' variance, so that these do not matter."""
    if chance is None:
        return None
    return normalise(value / total, Chance(chance.values / total, chance.what), best=0.0)
