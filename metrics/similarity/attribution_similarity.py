"""Attribution-map similarity: whether two models look at the same parts of their inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from .._scores import Caution, ScoreResult
from .._validation import Bools, Floats, Ints, RandomState, check_choice, check_count, require_rows
from ..registry import register
from ._attribution import Maps, Method, Target, attribution_maps
from ._judged import check_doubt, judged

_BLOCK = 2_000_000
"""Numbers of a map table turned to float64 at a time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttributionSimilarityResult(ScoreResult):
    """Outcome of :func:`attribution_similarity`.

    Attributes
    ----------
    by_row : ndarray of shape (n,)
        Cosine of the two maps of each input; NaN where a map is 0 everywhere.
    """

    by_row: Floats


@register(
    family="similarity", inputs="other", units="cosine", range=(-1.0, 1.0),
    direction="larger means more similar", symmetric=True, invariances=("row order",),
    min_rows=4, cost="O(n) forward and backward passes of each model",
)  # fmt: skip
def attribution_similarity(
    first_model: Any,
    second_model: Any,
    inputs: Any,
    *,
    method: Method = "saliency",
    target: Target | Sequence[int] | NDArray[Any] = "sum",
    batch_size: int = 64,
    n_permutations: int = 100,
    n_draws: int = 40,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> AttributionSimilarityResult:
    r"""Measure whether two models look at the same parts of their inputs.

    Parameters
    ----------
    first_model, second_model : torch.nn.Module
        Models, or encoders, that take the same inputs; their outputs may differ in width.
    inputs : array or tensor of shape (n, ...)
        Probe rows: images as (n, channels, height, width), tables as (n, columns).
    method : {"saliency", "gradient_input"}
        saliency: absolute gradient of the target by the input. gradient_input: gradient times
        input; for networks of ReLU layers without biases this is ε-LRP with small ε.
    target : {"sum", "largest"}, int, or array of int of shape (n,)
        Which output is explained. sum: all outputs together, as for encoders. largest: the largest
        output of each model. A number, or one for each row: that output.
    batch_size : int
        Inputs a pass.
    n_permutations, n_draws : int
        Shuffles of the inputs of one side behind the chance level, and half-samples behind the
        interval; both are cheap, no model runs again.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples.

    Returns
    -------
    AttributionSimilarityResult
        Mean cosine, -1 to 1 (0 to 1 for saliency); larger means more similar. No value when no
        input has a map other than 0 in both models.

    Notes
    -----
    The mean over inputs of the cosine of the two attribution maps, each averaged over channels
    and flattened. Inputs whose map is 0 everywhere in one of the models are left out and counted
    in a caution. Models run in evaluation mode and are left in the mode they were in, part by
    part; no gradient is added to their parameters.

    Maps of unrelated models agree where the inputs do (the middle of an image): the chance level
    compares maps of different inputs, and only what lies above it is about the models' use of each
    input. Gradients are local and noisy; average over some hundred inputs. ε-LRP for general
    networks needs rules layer by layer and is not offered.

    References
    ----------
    Song, Chen, Wang, Shen & Song (2019), Deep model transferability from attribution maps,
    NeurIPS, section 3.

    Examples
    --------
    >>> import numpy as np, torch
    >>> rng = np.random.default_rng(0)
    >>> one, other = torch.nn.Linear(4, 2), torch.nn.Linear(4, 3)
    >>> with torch.no_grad():
    ...     _ = one.weight.copy_(torch.tensor([[2.0, 1, 0, 0], [1, 1, 0, 0]]))
    ...     _ = other.weight.copy_(torch.tensor([[0, 0, 1.0, 2], [0, 0, 1, 1], [0, 0, 1, 1]]))
    >>> rows = rng.normal(size=(20, 4))
    >>> round(attribution_similarity(one, one, rows).value, 6)
    1.0
    >>> attribution_similarity(one, other, rows).value
    0.0
    """
    _check_model(first_model, "first_model")
    _check_model(second_model, "second_model")
    rows = _check_inputs(inputs)
    check_choice(method, "method", get_args(Method))
    wanted = _check_target(target, len(rows))
    batch_size = check_count(batch_size, "batch_size", minimum=1)
    doubt = check_doubt(n_permutations, n_draws, level, random_state)
    one, other = (
        attribution_maps(model, rows, name, method=method, target=wanted, batch_size=batch_size)
        for model, name in ((first_model, "first_model"), (second_model, "second_model"))
    )
    shown: Bools = (_products(one, one) > 0) & (_products(other, other) > 0)
    cautions = _cautions(shown)
    if not shown.any():
        return AttributionSimilarityResult(
            value=None, reason=cautions[0], n_rows=len(rows), by_row=np.full(len(rows), np.nan)
        )
    one, other = one[shown], other[shown]
    lengths = np.sqrt(_products(one, one)), np.sqrt(_products(other, other))

    def compared(order: Ints) -> Floats:
        """Return the cosines of the maps of the first, in this order, with those of the second."""
        both: Floats = lengths[0][order] * lengths[1]
        return np.clip(_products(one, other, order) / both, -1.0, 1.0)

    cosines = compared(np.arange(len(one)))
    judgement = judged(
        float(cosines.mean()), doubt, rows=len(cosines), best=1.0, low=-1.0, high=1.0,
        halved=lambda half: float(cosines[half].mean()),
        shuffled=lambda order: float(compared(order).mean()),
    )  # fmt: skip
    by_row = np.full(len(rows), np.nan)
    by_row[shown] = cosines
    return AttributionSimilarityResult(
        value=judgement.value,
        normalised=judgement.normalised,
        chance=judgement.chance,
        interval=judgement.interval,
        n_rows=len(cosines),
        cautions=cautions,
        by_row=by_row,
    )


def _check_model(model: Any, name: str) -> None:
    import torch

    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"`{name}` must be a torch.nn.Module, got {type(model).__name__}.")


def _check_inputs(inputs: Any) -> Any:
    import torch

    rows = inputs if isinstance(inputs, torch.Tensor) else torch.as_tensor(np.asarray(inputs))
    if rows.ndim < 2:
        raise ValueError(
            f"`inputs` must have a row for each input, such as (rows, columns), got shape "
            f"{tuple(rows.shape)}."
        )
    require_rows(len(rows), "inputs", 4)
    if not rows.is_floating_point():
        raise TypeError(
            f"`inputs` must hold floating-point numbers, got {rows.dtype}: there is no gradient "
            "by whole numbers; pass embeddings of tokens, or convert pixels."
        )
    if not bool(torch.isfinite(rows).all()):
        raise ValueError("`inputs` contains missing or infinite values; drop these rows first.")
    return rows


def _check_target(target: Any, rows: int) -> Target | Ints:
    if isinstance(target, str):
        check_choice(target, "target", ("sum", "largest"))
        return "sum" if target == "sum" else "largest"
    if isinstance(target, int | np.integer) and not isinstance(target, bool):
        return check_count(int(target), "target", minimum=0)
    wanted = np.asarray(target)
    if wanted.shape != (rows,) or wanted.dtype.kind not in "iu" or (wanted < 0).any():
        raise ValueError(
            "`target` must be 'sum', 'largest', the number of an output, or one such number for "
            f"each of the {rows} rows; got an array of type {wanted.dtype} and shape "
            f"{wanted.shape}."
        )
    return wanted.astype(np.int64)


def _products(first: Maps, second: Maps, order: Ints | None = None) -> Floats:
    """Return the inner product of each row of the first, in another order if given."""
    found = np.empty(len(first))
    step = max(1, _BLOCK // first.shape[1])
    for start in range(0, len(first), step):
        rows = slice(start, start + step)
        left = first[rows] if order is None else first[order[rows]]
        found[rows] = np.einsum("ij,ij->i", left, second[rows], dtype=np.float64)
    return found


def _cautions(shown: Bools) -> tuple[Caution, ...]:
    gone = int((~shown).sum())
    if not gone:
        return ()
    return (Caution(
        "not defined",
        f"{gone} of {len(shown)} inputs have an attribution map of zeros in one of the models, "
        "which has no direction; they are left out.",
    ),)  # fmt: skip
