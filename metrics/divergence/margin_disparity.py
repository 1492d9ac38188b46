"""Margin disparity: how far one adversary disagrees with a model on target and source rows."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from .._validation import Floats, check_positive
from ._margin import check_scores, log_losses, ramp_losses, require_same_classes


@dataclass(frozen=True, slots=True)
class MarginDisparity:
    """Outcome of :func:`margin_disparity`.

    Attributes
    ----------
    value : float
        ``target_disparity - source_disparity``, in [-1, 1].
    source_disparity, target_disparity : float
        Mean ramp loss of the adversary's margin at the model's own label, in [0, 1].
    source_surrogate, target_surrogate : float
        Mean ``-log p`` on source rows and mean ``-log(1 - p)`` on target rows, p being the
        adversary's probability of the model's own label. Training minimises ``gamma
        source_surrogate + target_surrogate``.
    """

    value: float
    source_disparity: float
    target_disparity: float
    source_surrogate: float
    target_surrogate: float


def margin_disparity(
    source_logits: ArrayLike,
    target_logits: ArrayLike,
    source_adversary: ArrayLike,
    target_adversary: ArrayLike,
    *,
    rho: float = 1.0,
) -> MarginDisparity:
    """Compare how far an adversary disagrees with a model on target and on source rows.

    Parameters
    ----------
    source_logits, target_logits : array_like of shape (n_source, k) and (n_target, k)
        Class scores of the model.
    source_adversary, target_adversary : array_like of shape (n_source, k) and (n_target, k)
        Class scores of the adversary on the same rows.
    rho : float
        Margin from which agreement costs nothing.

    Returns
    -------
    MarginDisparity
        Above 0 where the adversary disagrees more on the target.

    Notes
    -----
    With the label h(x) = argmax f(x), the margin m(x) = (f'_h(x) - max_{c != h(x)} f'_c(x)) / 2
    and the ramp Phi(m) = clip(1 - m / rho, 0, 1), the disparity is the mean of Phi(m(x))
    (Zhang et al. 2019, Definitions 3.1 and 3.2). Some codes leave out the half in the margin;
    pass ``rho / 2`` for theirs. Cost is O((n + m) k).

    References
    ----------
    Zhang, Liu, Long & Jordan (2019), Bridging theory and algorithm for domain adaptation, ICML.

    Examples
    --------
    >>> f, agrees, disagrees = [[2.0, 0.0]], [[4.0, 0.0]], [[0.0, 4.0]]
    >>> margin_disparity(f, f, agrees, disagrees).value
    1.0
    """
    source, source_other = _score_pair(source_logits, source_adversary, "source")
    target, target_other = _score_pair(target_logits, target_adversary, "target")
    require_same_classes(source, target)
    rho = check_positive(rho, "rho")
    source_labels, target_labels = source.argmax(axis=1), target.argmax(axis=1)
    on_source = float(ramp_losses(source_other, source_labels, rho).mean())
    on_target = float(ramp_losses(target_other, target_labels, rho).mean())
    return MarginDisparity(
        on_target - on_source,
        on_source,
        on_target,
        float(log_losses(source_other, source_labels)[0].mean()),
        float(log_losses(target_other, target_labels)[1].mean()),
    )


def _score_pair(model: ArrayLike, adversary: ArrayLike, side: str) -> tuple[Floats, Floats]:
    own, other = check_scores(model, f"{side}_logits"), check_scores(adversary, f"{side}_adversary")
    if own.shape != other.shape:
        raise ValueError(
            f"`{side}_adversary` has shape {other.shape}, `{side}_logits` has {own.shape}; give "
            "both for the same rows and classes."
        )
    return own, other
