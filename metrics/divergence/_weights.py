"""What weights cost: the rows that remain once they are applied."""

from __future__ import annotations

from .._validation import Floats

_SMALL_SHARE = 0.1


def effective_sample_size(weights: Floats) -> float:
    """Return (sum w)² / sum w² (Kish 1965); 0 when all weights are 0."""
    # Over the largest first, so that squares neither overflow nor vanish.
    largest = float(weights.max(initial=0.0))
    if largest <= 0:
        return 0.0
    scaled = weights / largest
    return float(scaled.sum() ** 2 / (scaled @ scaled))


def weight_warnings(weights: Floats) -> tuple[str, ...]:
    """Return a sentence when the weights leave little of the source."""
    left = effective_sample_size(weights)
    if left >= _SMALL_SHARE * len(weights):
        return ()
    return (
        f"The weights leave {left:.0f} of {len(weights)} source rows in effect; a weighted fit "
        "will be unstable.",
    )
