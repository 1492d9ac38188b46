"""The pictures of the results page, from the tables."""

from __future__ import annotations

from . import _defaults, _signs
from ._crossing import crossings, still_helping
from ._figures import Curve, Panel, Row, dots, panels
from ._level import harm_of, quantities_at
from ._measured import USUAL, Measured
from ._shares import UNKNOWN, Estimate


def every(m: Measured) -> dict[str, str]:
    """Return all pictures by their file's name."""
    drawn = {
        "shares": shares(m),
        "break_even": break_even(m),
        "offset": offset(m),
        "defaults": defaults(m),
        "signs": signs(m),
    }
    return {name: text for name, text in drawn.items() if text}


def shares(m: Measured) -> str:
    """Return the shares hurt and helped against the number of labels, a panel a strategy."""
    labels = m.labels()
    shown = []
    for name in m.main_strategies():
        found = [m.outcome(name, n) for n in labels]
        shown.append(
            Panel(name, (Curve("clearly hurts", tuple(one.hurt for one in found)),
                         Curve("clearly helps", tuple(one.helped for one in found))))
        )  # fmt: skip
    about = "One panel a strategy: shares of cells in which transfer clearly hurts and helps."
    return panels(
        "How often transfer hurts and helps", about, shown, [str(n) for n in labels],
        "labelled target rows; linear learner; bands over families", 3,
    )  # fmt: skip


def break_even(m: Measured) -> str:
    """Return the shares of pairs in which transfer still helps, a panel a kind of task."""
    labels = m.labels()
    shown = []
    for kind in ("classes", "quantities"):
        curves = []
        for name in _defaults.FOLLOWED:
            found = crossings(m.pick(name, None, kind=kind))
            if len(found):
                along = zip(*still_helping(found, labels), strict=True)
                curves.append(Curve(name, tuple(Estimate(*map(float, one)) for one in along)))
        if curves:
            shown.append(Panel(kind, tuple(curves)))
    if not shown:
        return ""
    about = "Share of pairs in which transfer still helps on average, by number of labels."
    return panels(
        "Break-even", about, shown, [str(n) for n in labels],
        "labelled target rows; linear learner; bands over families", 2,
    )  # fmt: skip


def offset(m: Measured) -> str:
    """Return the share of clear harm in RMSE that is offset and scale, by strategy."""
    rows = []
    for name in m.main_strategies("quantities"):
        found = harm_of(quantities_at(m, name, None))
        if found.cells:
            rows.append(Row(name, (found.gone, found.part)))
    if not rows:
        return ""
    return dots(
        "Offset and scale", "Share of regression's clear harm that offset and scale explain.",
        rows, ("cells with no clear harm left", "mean share of the gap gone"),
        "of the clear harms in RMSE, linear learner, all numbers of labels",
    )  # fmt: skip


def defaults(m: Measured) -> str:
    """Return how often every strategy hurts and helps on the same cells, classes first."""
    rows = []
    for kind in ("classes", "quantities"):
        for one in _defaults.board(m, kind).defaults:
            if one.name in m.main_strategies():
                row = (one.outcome.hurt, one.outcome.helped)
                rows.append(Row(f"{one.name}, {kind}", row))
    if not rows:
        return ""
    about = "Shares of the same cells in which each strategy hurts and helps."
    return dots(
        "Strategies as defaults", about, rows, ("clearly hurts", "clearly helps"),
        "of cells with 20, 100 and 500 labels, linear learner; least harm first",
    )  # fmt: skip


def signs(m: Measured) -> str:
    """Return the AUROC of the most telling measures, by learner."""
    if m.pairs is None:
        return ""
    pilot = _signs.pilot_signs(m, "pooled", USUAL, False)
    told = (*pilot[:3], *_signs.signs_of(m, "pooled", USUAL, False)[: _signs.SHOWN])
    rows = [
        Row(one.name, tuple(one.values.get(name, UNKNOWN) for name in _signs.LEARNERS))
        for one in told
    ]
    if not rows:
        return ""
    return dots(
        "Single measures", "AUROC of the most telling measures for the sign of the gap of pooled.",
        rows, _signs.LEARNERS, f"AUROC for harm by pooled, {USUAL} labels; 0.5 is a coin",
        0.0, 1.0, 0.5, False,
    )  # fmt: skip
