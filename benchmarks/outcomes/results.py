"""The results page and its figures, from the tables.

    python -m benchmarks.outcomes.results                # outcomes.parquet beside this file
    python -m benchmarks.outcomes.results --parts DIR    # the parts of an unfinished run

Writes ``RESULTS.md`` and ``figures/*.svg``; every number in them is worked out here.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from . import _agreement, _defaults, _frequency, _level, _pictures, _signs
from . import _words as w
from ._measured import USUAL, Measured, load
from ._shares import LEVEL, TIMES
from .arms import DRAWS, MOST_DRAWS, PILOTED
from .table import HERE, MARGIN, TABLE

PAGE = HERE / "RESULTS.md"
FIGURES = HERE / "figures"
NOTES = f"""\
*Gap*: error with transfer minus error of the target alone, same learner, same labels, same test
rows; error rate for classes, RMSE in standard deviations of the target's labels for quantities.
Above 0 transfer hurts. A *cell* is a pair of domains, a learner, a strategy and a number of labels;
its gap is the mean over {DRAWS} draws of labels and test rows, and over up to {MOST_DRAWS} for the
usual strategies of the linear learner with {PILOTED[0]} to {PILOTED[-1]:,} labels.
It *clearly* hurts or helps where the
mean is further from 0 than two standard errors over the draws and than the margin: one point of
error rate, {MARGIN["regression"]} standard deviations. Were there no gap at all, {{alarm}} of
cells ({{fewer}} with {MOST_DRAWS} draws) would pass the first of the two by luck, half of them on
each side; the margin leaves fewer. Draws of one pair share rows, so a cell speaks of that pair,
not of all pairs like it.

Every data set counts the same, however many pairs it has. Intervals hold {w.percent(LEVEL)}
of {TIMES} resamples of whole *families*: data sets with common rows or domains are one family."""


def page(m: Measured) -> str:
    """Return the whole results page."""
    sections = [
        ("What was measured", _frequency.measured(m) + "\n\n" + notes()),
        ("How often transfer hurts", _frequency.how_often(m)),
        ("By how much", _frequency.how_much(m)),
        ("Regression: offset and scale", _level.offset_and_scale(m)),
        ("Break-even", _defaults.break_even(m)),
        ("The safest default", _defaults.safest(m)),
        ("By kind of shift", _signs.by_kind(m)),
        ("Which single measures predict the sign", _signs.single_measures(m)),
        ("Do learners agree?", _agreement.agreement(m)),
    ]
    head = (
        "# How often does transfer hurt?\n\nMade by `python -m benchmarks.outcomes.results` from "
        "`outcomes.parquet`; no number is written by hand.\n\n"
    )
    body = [f"## {i}. {title}\n\n{text}" for i, (title, text) in enumerate(sections, 1)]
    return head + bullets(answers(m)) + "\n\n" + "\n\n".join(body) + "\n"


def notes() -> str:
    """Return what the words of the page mean."""
    from scipy.stats import t

    alarm, fewer = (w.percent(float(2 * t.sf(2, n - 1))) for n in (DRAWS, MOST_DRAWS))
    return NOTES.format(alarm=alarm, fewer=fewer)


def answers(m: Measured) -> list[str]:
    """Return the answers, one sentence or two each."""
    found = [
        _measured_answer(m), _often(m), _by_labels(m), _by_strategy(m), _by_kind_of_task(m),
        _by_learner(m), _level.answer(m), _defaults.answer_break_even(m), _signs.answer_kind(m),
        _signs.answer_measures(m), _defaults.answer(m),
    ]  # fmt: skip
    return [one for one in found if one]


def bullets(lines: list[str]) -> str:
    """Return a Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def _measured_answer(m: Measured) -> str:
    pairs = m.raw[["set", "source", "target"]].drop_duplicates()
    return (
        f"**Measured**: {m.raw['set'].nunique()} real data sets of {m.raw['family'].nunique()} "
        f"families, {w.count(len(pairs))} ordered pairs of domains, {m.raw['learner'].nunique()} "
        f"{'learner' if m.raw['learner'].nunique() == 1 else 'learners'}, "
        f"{m.cells['strategy'].nunique()} strategies, {w.count(len(m.cells))} cells, "
        f"{w.count(len(m.raw))} errors."
    )


def _often(m: Measured) -> str:
    said = []
    for name in ("pooled", "source-only"):
        found = m.outcome(name)
        if found.cells:
            said.append(
                f"`{name}` clearly hurts in {w.share(found.hurt)} of cells and clearly helps in "
                f"{w.share(found.helped)}"
            )
    if not said:
        return ""
    return (
        f"**How often** (linear learner, {USUAL} labels, {w.percent(LEVEL)} intervals): "
        + "; ".join(said) + "; the rest cannot be told."
    )  # fmt: skip


def _by_labels(m: Measured) -> str:
    said = []
    for name in ("pooled", "source-only"):
        at = [f"{n}: {_frequency.short(m.outcome(name, n))}" for n in m.labels()]
        said.append(f"`{name}` " + ", ".join(at))
    return "**By number of labels**, hurts / helps in % of cells: " + "; ".join(said) + "."


def _by_strategy(m: Measured) -> str:
    every = sorted(
        (m.outcome(name).hurt.value, name) for name in m.main_strategies() if m.outcome(name).cells
    )
    if not every:
        return ""
    said = [f"`{name}` {w.percent(value)}" for value, name in every]
    return f"**By strategy**, share clearly hurt at {USUAL} labels: " + ", ".join(said) + "."


def _by_kind_of_task(m: Measured) -> str:
    said = []
    for kind in ("classes", "quantities"):
        found = {name: m.outcome(name, kind=kind) for name in ("pooled", "source-only")}
        at = [f"`{name}` {_frequency.short(one)}" for name, one in found.items() if one.cells]
        if at:
            said.append(f"{kind}: {', '.join(at)}")
    return f"**By task** at {USUAL} labels, hurts / helps in %: " + "; ".join(said) + "."


def _by_learner(m: Measured) -> str:
    said = []
    for learner in m.cells["learner"].unique():
        if learner == "linear":
            continue
        own, linear = _frequency.beside_linear(m, learner, "pooled", USUAL)
        if own.cells:
            said.append(
                f"{learner} {_frequency.short(own)} where linear has {_frequency.short(linear)}"
            )
    if not said:
        return ""
    return (
        f"**By learner**, `pooled` with {USUAL} labels, hurts / helps in % of the same cells: "
        + "; ".join(said) + "."
    )  # fmt: skip


def readme_section(m: Measured | None = None) -> str:
    """Return the part of the README about these results."""
    m = load() if m is None else m
    kept = [
        _often(m), _by_strategy(m), _by_learner(m), _level.answer(m),
        _defaults.answer_break_even(m), _signs.answer_measures(m), _defaults.answer(m),
    ]  # fmt: skip
    return (
        "## How often does transfer hurt?\n\n"
        + _measured_answer(m).replace("**Measured**: ", "Measured on ")
        + " A cell *clearly* hurts or helps where its gap is beyond two standard errors over the "
        "draws and beyond a margin.\n\n"
        + bullets([one for one in kept if one])
        + "\n\n![Share of cells hurt and helped, by number of labels]"
        "(benchmarks/outcomes/figures/shares.svg)\n\n"
        "All tables, and how they were made: "
        "[benchmarks/outcomes/RESULTS.md](benchmarks/outcomes/RESULTS.md).\n"
    )


def main() -> None:
    """Write the page and the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", type=Path, default=None, help="of an unfinished run")
    parser.add_argument("--table", type=Path, default=TABLE, help="the joined outcomes")
    parser.add_argument("--evidence", type=Path, default=None, help="folder of evidence_*.parquet")
    parser.add_argument("--out", type=Path, default=HERE, help="where the page is written")
    parser.add_argument("--readme", action="store_true", help="print the README's part as well")
    asked = parser.parse_args()
    m = load(asked.table, asked.parts, asked.evidence)
    figures = asked.out / FIGURES.name
    figures.mkdir(parents=True, exist_ok=True)
    for name, drawn in _pictures.every(m).items():
        (figures / f"{name}.svg").write_text(drawn, encoding="utf-8")
    (asked.out / PAGE.name).write_text(page(m), encoding="utf-8")
    if asked.readme:
        print(readme_section(m))


if __name__ == "__main__":
    main()
