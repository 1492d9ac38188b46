"""The notebook card: the verdict and a table of the checks, small enough to keep in a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import words
from .html import environment

if TYPE_CHECKING:
    from ..diagnostics.document import Diagnosis

CARD_ROWS = 40


def render_card(diagnosis: Diagnosis) -> str:
    """Return the notebook view of a diagnosis, a fragment of HTML of at most 100 kB.

    Parameters
    ----------
    diagnosis : Diagnosis
        The finished document.

    Returns
    -------
    str
        Verdict, gap and one line a check, with styles of its own only; the notebook's
        colours shine through, so that it reads in a dark theme as well.
    """
    gap = diagnosis.verdict.gap
    return (
        environment()
        .get_template("card.html.j2")
        .render(
            d=diagnosis,
            v=diagnosis.verdict,
            gap=words.gap_words(gap, diagnosis.metric) if gap else None,
            checks=diagnosis.checks[:CARD_ROWS],
        )
    )
