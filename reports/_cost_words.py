"""What the pilot cost beside the training it guards, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import words

if TYPE_CHECKING:
    from ..diagnostics.document import Cost


def in_short(cost: Cost) -> str:
    """Return the cost of the pilot as one line of the terminal."""
    fits, rows = sum(cost.fits.values()), sum(cost.rows_fitted.values())
    return (
        f"{words.plural(fits, 'fit')} on {words.plural(rows, 'row')} in all; one training with "
        f"both: {words.plural(cost.rows_full_training, 'row')}"
    )


def sentence(cost: Cost) -> str:
    """Return the cost of the pilot in whole sentences."""
    fits, rows = sum(cost.fits.values()), sum(cost.rows_fitted.values())
    each = ", ".join(f"{name} {words.count(n)}" for name, n in cost.fits.items())
    by_learner = f" ({each})" if len(cost.fits) > 1 else ""
    full = cost.rows_full_training
    ratio = rows / max(full, 1)
    times = f"{ratio:.2g}" if ratio < 10 else f"{ratio:,.0f}"
    return (
        f"The pilot fitted {words.plural(fits, 'model')}{by_learner} on "
        f"{words.plural(rows, 'row')} in all, a row counted as often as it was trained on: {times} "
        f"times the {words.plural(full, 'row')} of one training with transfer on all that is "
        "labelled. The training it guards costs more where its model is dearer a row, or tuned."
    )
