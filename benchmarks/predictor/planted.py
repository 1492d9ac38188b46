"""Planted harm: does the chance of harm rise as transfer is made worse, and does it really get so?

    python -m benchmarks.predictor.planted               # about an hour on one core
    python -m benchmarks.predictor.planted --page        # write the page from the table only

Each plant of :mod:`._plants` has one knob.  At every level and seed the real check is run on the
labelled rows, and the gaps are measured on target rows that it never saw, with the same labels.
Rows are appended as they come; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ._plants import PLANTS, TEST_ROWS, Case, Plant
from ._runs import Key, Row, extend
from .judge import spearman

HERE = Path(__file__).parent
TABLE = HERE / "planted.csv"
PAGE = HERE / "PLANTED.md"
SEEDS = 4
BUDGET = 10.0
"""Seconds.  On three sets 5, 10 and 60 gave the linear learner the same chance of harm."""
NAMED = ("source-only", "pooled")
VERDICT = "(verdict)"
"""Role of the gap that the verdict speaks of, whichever strategy it belongs to."""
COLUMNS = (
    "plant", "level", "seed", "role", "strategy", "recommended", "task", "learner", "n_labels",
    "estimate", "low", "high", "p_harm", "outcome", "verdict", "measured", "n_test",
)  # fmt: skip
MOST_FALL = 0.05
LEAST_RISE = 0.5


def measured_gaps(case: Case, plant: Plant, seed: int) -> tuple[dict[str, float], int]:
    """Return the gap of every default strategy on the test rows, and how many there were.

    Error rate for classes; RMSE in standard deviations of the test labels for quantities.
    """
    from negtransfer.diagnostics.domain import Domain, align
    from negtransfer.diagnostics.learners import resolve_learners
    from negtransfer.diagnostics.pilot import resolve_metric
    from negtransfer.diagnostics.strategies import Training, chosen_strategies

    known = len(case.target[1])
    X, y = (np.concatenate([a, b]) for a, b in zip(case.target, case.test, strict=True))
    pair = align(
        Domain.load(case.source[0], y=case.source[1], name="source"),
        Domain.load(X, y=y, name="target"),
        task=plant.task,
    )
    regression = plant.task == "regression"
    n_classes = 0 if regression else len(pair.classes)
    (learner,) = resolve_learners(plant.learner, regression=regression)
    metric = resolve_metric(None, plant.task)
    source, target = pair.source, pair.target
    test = np.flatnonzero(~target.shared & (np.arange(len(y)) >= known))
    scale = float(np.std(target.y[test])) if regression else 1.0
    errors: dict[str, float] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = learner.fit(source.X, source.y, n_classes=n_classes, seed=seed)
        training = Training(
            source.X, source.y, target.X[:known], target.y[:known], n_classes, model, seed
        )
        for strategy in chosen_strategies("default"):
            if plant.task in strategy.tasks:
                predicted = strategy.fit(learner, training)(target.X[test])
                errors[strategy.name] = metric.score(target.y[test], predicted, scale)[0]
    own = errors["target-only"]
    return {name: error - own for name, error in errors.items()}, test.size


def one_run(key: Key) -> list[Row]:
    """Check one case, measure it, and return a row for each strategy asked about."""
    from threadpoolctl import threadpool_limits

    from negtransfer import preflight

    name, level, seed = str(key[0]), float(key[1]), int(key[2])
    plant = PLANTS[name]
    case = plant.make(level, seed)
    with threadpool_limits(1):
        gaps, n_test = measured_gaps(case, plant, seed)
        found = preflight(
            source=case.source, target=case.target, task=plant.task, learner=plant.learner,
            budget=BUDGET, random_state=seed, n_jobs=1,
        )  # fmt: skip
    verdict = found.verdict
    shared = {
        "plant": name, "level": level, "seed": seed, "recommended": verdict.strategy,
        "task": plant.task, "learner": plant.learner, "n_labels": verdict.n_labels,
        "verdict": verdict.label, "n_test": n_test,
    }  # fmt: skip
    asked = [(s.strategy, s.strategy, s.gap) for s in found.strategies if s.strategy in NAMED]
    asked.append((VERDICT, str(verdict.gap_strategy), verdict.gap))
    return [
        {**shared, "role": role, "strategy": strategy, "measured": gaps[strategy],
         **{n: getattr(gap, n) for n in ("estimate", "low", "high", "p_harm", "outcome")}}
        for role, strategy, gap in asked if gap is not None
    ]  # fmt: skip


def runs(seeds: int) -> list[Key]:
    """Return all runs, seed by seed, so that a table half done holds every plant."""
    return [
        (name, float(level), seed)
        for seed in range(seeds)
        for name, plant in PLANTS.items()
        for level in plant.levels
    ]


@dataclass(frozen=True)
class Rise:
    """How the chance of harm and the measured gap go with the level of one plant.

    Attributes
    ----------
    levels : ndarray of shape (n_levels,)
    p_harm, measured, error : ndarray of shape (n_levels,)
        Means over seeds, and the standard error of the measured mean.
    """

    levels: NDArray[np.float64]
    p_harm: NDArray[np.float64]
    measured: NDArray[np.float64]
    error: NDArray[np.float64]
    margin: float

    @property
    def spearman(self) -> float:
        """Rank correlation of the mean chance of harm with the level."""
        return float(spearman(self.levels, self.p_harm))

    @property
    def fall(self) -> float:
        """Largest fall of the mean chance of harm from one level to the next; 0 if none."""
        return float(max(0.0, -np.diff(self.p_harm).min()))

    @property
    def rise(self) -> float:
        """Mean chance of harm at the last level less that at the first."""
        return float(self.p_harm[-1] - self.p_harm[0])

    @property
    def planted(self) -> bool:
        """Whether the measured gap goes from no harm to clear harm.

        No harm: at most the margin (a point of error, or 0.02 sd).  Clear: beyond the margin and
        two standard errors.
        """
        clear = max(self.margin, 2 * self.error[-1])
        return bool(self.measured[0] <= self.margin and self.measured[-1] > clear)

    @property
    def kept(self) -> bool:
        """Whether it never falls by more than 0.05, and rises by 0.5 where harm was planted."""
        return self.fall <= MOST_FALL and (not self.planted or self.rise > LEAST_RISE)


def rise(rows: pd.DataFrame) -> Rise:
    """Return how the mean over seeds goes, from the rows of one plant and role."""
    by_level = rows.groupby("level")
    measured = by_level["measured"]
    quantity = rows["task"].iloc[0] == "regression"
    return Rise(
        np.array(sorted(rows["level"].unique()), dtype=np.float64),
        np.array(by_level["p_harm"].mean(), dtype=np.float64),
        np.array(measured.mean(), dtype=np.float64),
        np.array(measured.sem().fillna(0.0), dtype=np.float64),
        0.02 if quantity else 0.01,
    )


def complete(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of plants and seeds of which every level was run."""
    wanted = table["plant"].map({name: len(plant.levels) for name, plant in PLANTS.items()})
    return table[table.groupby(["plant", "seed"])["level"].transform("nunique") == wanted]


def page(table: pd.DataFrame) -> str:
    """Return the page as Markdown, from the table alone."""
    roles = (*NAMED, VERDICT)
    found = {
        (plant, role): rise(table[(table["plant"] == plant) & (table["role"] == role)])
        for plant in PLANTS if (table["plant"] == plant).any()
        for role in roles
    }  # fmt: skip
    plants = list(dict.fromkeys(plant for plant, _ in found))
    head = (
        "plant", "strategy", "Spearman", "largest fall", "rise", "measured gap, first",
        "measured gap, last", "harm planted", "kept",
    )  # fmt: skip
    lines = [
        "# Planted harm", "",
        "Made by `python -m benchmarks.predictor.planted` from `planted.csv`. " + INTRO, "",
        *_promise(found), "", _row(head), "|---" * len(head) + "|",
    ]  # fmt: skip
    for (plant, role), one in found.items():
        lines.append(_row((
            plant, role, f"{one.spearman:.2f}", f"{one.fall:.2f}", f"{one.rise:+.2f}",
            f"{one.measured[0]:+.3f}", f"{one.measured[-1]:+.3f}",
            "yes" if one.planted else "no", "yes" if one.kept else "**no**",
        )))  # fmt: skip
    broken = [_why(plant, role, one) for (plant, role), one in found.items() if not one.kept]
    if broken:
        lines += ["", "## Where it was not kept", "", WHY, "", *broken]
    lines += ["", "## By level", "", LEVELS, ""]
    for plant in plants:
        lines += [*_by_level(plant, table[table["plant"] == plant]), ""]
    return "\n".join(lines)


INTRO = (
    "Each plant has one knob that makes the source worse; everything else, the random numbers "
    "too, is held. At every level and seed the real check is run on the labelled rows (one "
    f"learner, budget {BUDGET:g} s), and the gap is measured with the same labels on target rows "
    f"that the check never saw ({TEST_ROWS:,} fresh ones for generated data, what is left over "
    "for bundled data). Gap: error with transfer less error of the target-only model, same "
    "learner and labels; error rate, or RMSE in standard deviations; positive where transfer "
    f"hurts. `{VERDICT}` is the strategy whose gap the verdict speaks of: the best that was "
    "tried, which may escape the plant."
)
LEVELS = (
    "Means over the seeds: chance of harm / measured gap. *Followed*: measured gap of what the "
    "check recommends, 0 where that is the target alone."
)


WHY = (
    "What was planted in the source need not stay in the strategy that the verdict speaks of: it "
    "picks what suffers least. A source turned by 180 degrees serves again once its slope is "
    "recalibrated, so there the chance of harm falls because the harm does. With a few dozen "
    "target labels it also follows the pilot's rows where they say otherwise than fresh ones."
)


def _why(plant: str, role: str, one: Rise) -> str:
    at = int(np.diff(one.p_harm).argmin())
    said = [f"rises from {one.p_harm[0]:.2f} to {one.p_harm[-1]:.2f}"]
    if one.fall > MOST_FALL:
        said.append(
            f"falls by {one.fall:.2f} from level {one.levels[at]:g} to {one.levels[at + 1]:g}, "
            f"where the measured gap goes from {one.measured[at]:+.3f} to "
            f"{one.measured[at + 1]:+.3f}"
        )
    return f"- {plant}, {role}: {'; '.join(said)}."


def _promise(found: dict[tuple[str, str], Rise]) -> list[str]:
    kept = sum(one.kept for one in found.values())
    due = [one for one in found.values() if one.planted]
    broken = [f"{plant} ({role})" for (plant, role), one in found.items() if not one.kept]
    return [
        f"**Promise**: the mean chance of harm falls by at most {MOST_FALL} from one level to the "
        f"next, and rises by more than {LEAST_RISE} over all levels where the measured gap goes "
        "from no harm (at most a point of error or 0.02 sd) to clear harm (beyond that and two "
        f"standard errors). Kept in {kept} of {len(found)} rows below; the rise was due in "
        f"{len(due)} and came in {sum(one.rise > LEAST_RISE for one in due)}. "
        + (f"Not kept: {'; '.join(broken)}." if broken else "Nowhere broken.")
    ]


def _by_level(plant: str, rows: pd.DataFrame) -> list[str]:
    about = PLANTS[plant]
    lines = [
        f"### {plant}", "",
        f"{about.task}, learner {about.learner}, {int(rows['n_labels'].iloc[0])} target labels, "
        f"{rows['seed'].nunique()} seeds, {int(rows['n_test'].min())} test rows.", "",
    ]  # fmt: skip
    head = (about.title, *NAMED, VERDICT, "followed", "verdicts")
    lines += [_row(head), "|---" * len(head) + "|"]
    for level, part in rows.groupby("level"):
        by_role = part.groupby("role")
        cells = [
            f"{by_role['p_harm'].mean()[role]:.2f} / {by_role['measured'].mean()[role]:+.3f}"
            for role in (*NAMED, VERDICT)
        ]
        said = part[part["role"] == VERDICT]
        followed = np.where(said["recommended"] == said["strategy"], said["measured"], 0.0)
        verdicts = ", ".join(f"{n} {word}" for word, n in said["verdict"].value_counts().items())
        lines.append(_row((f"{level:g}", *cells, f"{followed.mean():+.3f}", verdicts)))
    return lines


def _row(cells: Any) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def read(path: Path = TABLE) -> pd.DataFrame:
    """Read the table in a fixed order, whatever order its rows came in."""
    table = pd.read_csv(path)
    return table.sort_values(["plant", "level", "seed", "role"], kind="stable")


def main() -> None:
    """Run what is missing and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--page", action="store_true", help="only write the page")
    asked = parser.parse_args()
    if not asked.page:
        names = ("plant", "level", "seed")
        extend(TABLE, names, runs(asked.seeds), one_run, COLUMNS, jobs=asked.jobs)
    text = page(complete(read()))
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
