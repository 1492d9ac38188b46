"""Checks whose outcome is known beforehand, on the largest domain of every data set.

    python -m benchmarks.outcomes.sanity       # about ten minutes on one core; goes on if stopped

``own half``
    the source is the other half of the target's own rows: should never hurt clearly.
``permuted``
    the same half with its labels permuted: should never help clearly.
``more labels``
    the target alone along the numbers of labels of the outcomes table: never clearly worse.
``itself``
    a strategy against itself with another seed: centred at 0, with the stated standard error.

Every exception is measured once more with fresh halves, permutations and draws.  Cells go to
``sanity.csv`` and what they say to ``SANITY.md``.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from negtransfer.diagnostics.learners import Learner
from negtransfer.diagnostics.strategies import STRATEGIES, Training

from .arms import CORE, DRAWS, Stage, learner_named
from .measure import aligned, constant, cut, errors, measure_pair, scale_of
from .sets import SAME_UNITS_BY_INDEX, DataSet, all_sets, read_pair, seed_of
from .table import CASE, MARGIN, TABLE, TEXTS, join, read

HERE = Path(__file__).parent
CELLS = HERE / "sanity.csv"
AGAIN = " again"
SOURCES = {"own half": "other", "permuted": "noise"}
LABELS = (0, 10, 20, 50, 100, 500)
FOREST = ("pooled", "stacking")
FEW = (20, 100)
BLOCKS = 3
COLUMNS = (
    "check", "set", "pair", "learner", "strategy", "n_before", "n_labels", "round", "gap", "se",
    "gap_constant", "se_constant", "base", "error", "shrunk", "margin",
)  # fmt: skip


@dataclass(frozen=True)
class Halves(DataSet):
    """A data set made of one domain: ``own`` and ``other`` halves, ``noise``: other, permuted."""

    def read(self, domain: str) -> pd.DataFrame:
        """Return one half; a name that ends in " again" is of a second, fresh halving."""
        kind = domain.removesuffix(AGAIN)
        frame = _reader(self).read(self.domains[0])
        rng = np.random.default_rng(seed_of(self.name, "halves", domain.removeprefix(kind)))
        order = rng.permutation(len(frame))
        half = order[: len(frame) // 2] if kind == "own" else order[len(frame) // 2 :]
        frame = frame.iloc[np.sort(half)].reset_index(drop=True)
        if kind == "noise":
            frame["y"] = rng.permutation(frame["y"].to_numpy())
        return frame


@dataclass(frozen=True)
class Fresh(DataSet):
    """The same data set; a domain whose name ends in " again" gives other draws of itself."""

    def read(self, domain: str) -> pd.DataFrame:
        """Return the rows of the domain."""
        return _reader(self).read(domain.removesuffix(AGAIN))


def _reader(one: DataSet) -> DataSet:
    name = one.name.removesuffix(" halves")
    return DataSet(name, one.folder, one.domains, one.regression, one.embedded)


def halves(dataset: DataSet) -> Halves:
    """Return the halves of the largest domain."""
    largest = max(dataset.domains, key=lambda domain: len(dataset.read(domain)))
    # Here equal places are not equal units, as they are between the domains of such sets.
    name = dataset.name + " halves" * (dataset.name in SAME_UNITS_BY_INDEX)
    return Halves(name, dataset.folder, (largest,), dataset.regression, dataset.embedded)


def against(table: pd.DataFrame, base: str, same_labels: bool) -> pd.DataFrame:
    """Return gaps to the strategy `base`, draw by draw, as mean and standard error a cell."""
    keys = ["draw", *(["n_labels", "learner"] if same_labels else [])]
    other = table[table["strategy"] == base][[*keys, "error"]]
    joined = table[~table["strategy"].isin(("source-constant", "target-only"))].merge(
        other, on=keys, suffixes=("", "_base")
    )
    joined["gap"] = joined["error"] - joined["error_base"]
    grouped = joined.groupby(["learner", "strategy", "n_labels"])
    found: pd.DataFrame = grouped.agg(
        gap=("gap", "mean"), se=("gap", "sem"), base=("error_base", "mean"),
        error=("error", "mean"),
    )  # fmt: skip
    return found


def measured(
    one: DataSet, source: str, target: str, stages: tuple[Stage, ...], margin: float
) -> pd.DataFrame:
    """Return the cells of one pair: gaps to the target alone and to the source's constant."""
    frames = [measure_pair(one, source, target, stage) for stage in stages]
    table = pd.concat([frame for frame in frames if len(frame.columns) > 6] or [pd.DataFrame()])
    if table.empty:
        return pd.DataFrame({"strategy": ["too few rows"]})
    labelled = against(table, "target-only", same_labels=True)
    without = against(table, "source-constant", same_labels=False)
    none = without[without.index.get_level_values("n_labels") == 0]
    found = pd.concat([labelled, none])
    found[["gap_constant", "se_constant"]] = without.loc[found.index, ["gap", "se"]]
    found["margin"] = margin
    return found.reset_index()


def stages_of(names: tuple[str, ...], labels: tuple[int, ...], forest: bool) -> tuple[Stage, ...]:
    """Return the stages: linear with everything, the forest with few strategies."""
    found = [Stage("linear", "linear", names, labels, range(DRAWS), 1)]
    few = tuple(n for n in FEW if n in labels)
    some = tuple(name for name in FOREST if name in names)
    if forest and few and some:
        found.append(Stage("forest", "forest", some, few, range(DRAWS), 1))
    return tuple(found)


def clear(cells: pd.DataFrame, sign: int, suffix: str = "") -> pd.Series:
    """Return which gaps are clear in one direction: beyond 2 standard errors and the margin."""
    gap, se = sign * cells["gap" + suffix], cells["se" + suffix]
    return (gap > 2 * se) & (gap > cells["margin"])


def shrunk_error(one: DataSet, source: str, target: str, learner: str, n: int) -> float:
    """Return the least error of blends of the target's own model with the source's constant.

    The share is chosen on the test rows: what pulling towards a constant could give at best.
    """
    rows = read_pair(one, source, target)
    pair, found = aligned(one, rows), []
    k, fitted = 0 if one.regression else len(pair.classes), learner_named(learner, one.regression)
    for draw in range(DRAWS):
        c = cut(one, rows, pair, source, target, draw)
        X, y, has = pair.target.X, pair.target.y, c.pool[:n]
        own = fitted.fit(X[has], y[has], n_classes=k, seed=draw)(X[c.test])
        flat = constant(pair, pair.source.y[c.source], len(c.test))
        found.append([
            errors(str(pair.task), y[c.test], (1 - share) * own + share * flat, scale_of(pair))[0]
            for share in np.linspace(0, 1, 11)
        ])  # fmt: skip
    return float(np.mean(found, axis=0).min())


def null_gaps(one: Halves, margin: float) -> pd.DataFrame:
    """Return gaps of strategies against themselves: two seeds, or two separate sets of labels."""
    rows = read_pair(one, "other", "own")
    pair, found = aligned(one, rows), []
    k, task, scale = 0 if one.regression else len(pair.classes), str(pair.task), scale_of(pair)

    def error(learner: Learner, strategy: str, has: NDArray[np.int64], seed: int) -> float:
        y_t = pair.target.y
        training = Training(
            pair.source.X[c.source], pair.source.y[c.source], pair.target.X[has], y_t[has], k,
            _unused, seed,
        )  # fmt: skip
        predict = STRATEGIES[strategy].fit(learner, training)
        return errors(task, y_t[c.test], predict(pair.target.X[c.test]), scale)[0]

    linear, forest = (learner_named(name, one.regression) for name in ("linear", "forest"))
    for draw in range(BLOCKS * DRAWS):
        c = cut(one, rows, pair, "other", "own", draw)
        for n in FEW:
            if min(len(c.test), len(c.source)) < 10 or len(c.pool) < 2 * n:
                continue
            first, second = c.pool[:n], c.pool[n : 2 * n]
            gap = error(linear, "target-only", first, 0) - error(linear, "target-only", second, 0)
            found.append(("linear", "target-only", n, draw // DRAWS, gap))
            if draw < DRAWS and n == FEW[0]:
                gap = error(forest, "pooled", first, draw) - error(forest, "pooled", first, ~draw)
                found.append(("forest", "pooled", n, 0, gap))
    if not found:
        return pd.DataFrame({"strategy": ["too few rows"]})
    frame = pd.DataFrame(found, columns=["learner", "strategy", "n_labels", "block", "gap"])
    grouped = frame.groupby(["learner", "strategy", "n_labels", "block"])["gap"]
    cells = grouped.agg(gap="mean", se="sem").reset_index()
    return cells.drop(columns="block").assign(margin=margin)


def _unused(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    raise NotImplementedError("these strategies use source rows, not the source model")


def worsenings(table: pd.DataFrame) -> pd.DataFrame:
    """Return every step to the next larger number of labels of the target alone."""
    own = table[(table["strategy"] == "target-only") & (table["n_labels"] > 0)]
    wide = own.pivot(index=[*CASE, "learner", "draw"], columns="n_labels", values="error")
    steps = []
    for learner, part in wide.groupby("learner"):
        grid = [n for n in wide.columns if part[n].notna().any()]
        for before, after in pairwise(grid):
            gap = (part[after].astype(float) - part[before]).dropna()
            one = gap.groupby(CASE).agg(gap="mean", se="sem").reset_index()
            base = part[before].astype(float).groupby(CASE).mean().rename("base").reset_index()
            one = one.merge(base, on=CASE)
            steps.append(one.assign(learner=learner, n_before=before, n_labels=after))
    found = pd.concat(steps, ignore_index=True)
    found["margin"] = found["task"].map(MARGIN).fillna(0.01)
    found["pair"] = found["source"] + " > " + found["target"]
    return found.drop(columns=["family", "task"])


def store(cells: pd.DataFrame, path: Path, **about: str | int) -> None:
    """Append the cells of one unit of work in one write."""
    cells = cells.assign(**about).reindex(columns=list(COLUMNS))
    text = cells.to_csv(index=False, header=not path.exists(), float_format="%.4f")
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def stored(path: Path) -> pd.DataFrame:
    """Return the cells so far."""
    return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=list(COLUMNS))


def work(sets: list[DataSet], path: Path, forest: bool) -> None:
    """Measure what is not there yet: first round, then the exceptions again."""
    have = stored(path)
    done = set(zip(have["check"], have["set"], have["round"], strict=True))
    for dataset in sets:
        margin = MARGIN["regression"] if dataset.regression else 0.01
        one, name = halves(dataset), dataset.name
        about = {"set": name, "pair": one.domains[0]}
        if ("itself", name, 1) not in done:
            store(null_gaps(one, margin), path, check="itself", round=1, **about)
        for check, source in SOURCES.items():
            if (check, name, 1) not in done:
                cells = measured(one, source, "own", stages_of(CORE, LABELS, forest), margin)
                store(cells, path, check=check, round=1, **about)
            if (check, name, 2) not in done:
                repeat(stored(path), one, check, name, path, forest)
        print(name, flush=True)


def repeat(
    have: pd.DataFrame, one: Halves, check: str, name: str, path: Path, forest: bool
) -> None:
    """Measure the exceptions of one check and set on fresh halves and draws."""
    cells = have[(have["check"] == check) & (have["set"] == name) & (have["round"] == 1)]
    odd = cells[clear(cells, 1 if check == "own half" else -1)]
    if odd.empty:
        return
    labels = tuple(n for n in LABELS if n in {0, *odd["n_labels"]})
    names = tuple(n for n in CORE if n in set(odd["strategy"]))
    source, target = SOURCES[check] + AGAIN, "own" + AGAIN
    margin = float(odd["margin"].iloc[0])
    again = measured(one, source, target, stages_of(names, labels, forest), margin)
    keys = ["learner", "strategy", "n_labels"]
    again = again.merge(odd[keys], on=keys)
    if check == "permuted":
        best = {
            (learner, n): shrunk_error(one, source, target, learner, n)
            for learner, n in set(zip(again["learner"], again["n_labels"], strict=True))
            if n > 0
        }
        places = zip(again["learner"], again["n_labels"], strict=True)
        again["shrunk"] = [best.get(place, np.nan) for place in places]
    store(again, path, check=check, round=2, set=name, pair=one.domains[0])


def repeat_worsenings(steps: pd.DataFrame, sets: list[DataSet], path: Path) -> None:
    """Measure every clear worsening again, with fresh draws of the same pair."""
    have, by_name = stored(path), {one.name: one for one in sets}
    have = have[have["check"] == "more labels"]
    keys = ["set", "pair", "learner", "n_before", "n_labels"]
    done = set(have[keys].itertuples(index=False, name=None))
    for step in steps[clear(steps, 1)].to_dict("records"):
        if tuple(step[key] for key in keys) in done or step["set"] not in by_name:
            continue
        dataset = by_name[step["set"]]
        fresh = Fresh(
            dataset.name, dataset.folder, dataset.domains, dataset.regression, dataset.embedded
        )
        pair = (int(step["n_before"]), int(step["n_labels"]))
        stage = Stage("again", step["learner"], (), pair, range(DRAWS), 1)
        table = measure_pair(fresh, step["source"], step["target"] + AGAIN, stage)
        again = worsenings(table).assign(pair=step["pair"])
        store(again, path, check="more labels", round=2, strategy="target-only")


def exceptions(cells: pd.DataFrame, check: str, sign: int) -> pd.DataFrame:
    """Return the clear cells of the first round beside the same cells measured again."""
    part = cells[cells["check"] == check]
    keys = ["set", "pair", "learner", "strategy", "n_before", "n_labels"]
    first = part[(part["round"] == 1) & clear(part, sign)]
    second = part[part["round"] == 2].assign(twice=clear(part[part["round"] == 2], sign))
    return first.merge(second, on=keys, suffixes=("", "_2"), how="left")


def coverage(cells: pd.DataFrame) -> list[str]:
    """Return what the gaps of strategies against themselves say."""
    from scipy.stats import binomtest, t

    lines = [
        "| gap of | cells | mean gap / se | se of that | within 2 se | 95 % interval | clear |",
        "|---|---|---|---|---|---|---|",
    ]
    part = cells[(cells["check"] == "itself") & cells["gap"].notna()]
    names = {"target-only": "target alone, two sets of labels", "pooled": "pooled, two seeds"}
    for key, one in part.groupby(["learner", "strategy"]):
        learner, strategy = map(str, key)
        title = f"{learner}, {names[strategy]}"
        moved = one[one["se"] > 0]
        ratio = (moved["gap"] / moved["se"]).to_numpy(dtype=float)
        spread = float(np.std(ratio, ddof=1)) / np.sqrt(max(len(ratio), 1))
        inside, n = int((one["gap"].abs() <= 2 * one["se"]).sum()), len(one)
        low, high = binomtest(inside, n).proportion_ci()
        both = (clear(one, 1) | clear(one, -1)).mean()
        lines.append(
            f"| {title} | {n} | {ratio.mean():+.3f} | {spread:.3f} "
            f"| {inside / n:.1%} | {low:.1%} to {high:.1%} | {float(both):.1%} |"
        )
    share = 1 - 2 * t.sf(2, DRAWS - 1)
    lines += ["", f"With the right standard error from {DRAWS} draws, {share:.1%} lie within 2 of"]
    lines += [
        "them (a t of 7 degrees of freedom, not a normal). Rows of one set are not independent,"
    ]
    lines += ["so the intervals are a little too narrow."]
    return lines


def counts(cells: pd.DataFrame, check: str, sign: int) -> list[str]:
    """Return a table of clear cells by strategy and number of labels."""
    part = cells[(cells["check"] == check) & (cells["round"] == 1) & cells["gap"].notna()]
    odd = clear(part, sign)
    labels = sorted(part["n_labels"].unique())
    lines = [f"| strategy | {' | '.join(f'n = {n:.0f}' for n in labels)} |"]
    lines.append("|---" * (len(labels) + 1) + "|")
    for (learner, strategy), one in part.groupby(["learner", "strategy"], sort=False):
        row = []
        for n in labels:
            here = one["n_labels"] == n
            row.append(f"{odd[one.index][here].sum()} of {here.sum()}" if here.any() else "")
        lines.append(f"| {learner}, {strategy} | {' | '.join(row)} |")
    return lines


def listed(odd: pd.DataFrame, *, permuted: bool = False) -> list[str]:
    """Return exceptions by name, the ones that stayed clear first."""
    if odd.empty:
        return ["No exception."]
    extra = " gap to the constant, se | target alone shrunk at best |" if permuted else ""
    lines = [
        "| set: pair or domain | learner, strategy | labels | target alone | gap, se | again: gap, "
        f"se | clear twice |{extra}",
        "|---" * (9 if permuted else 7) + "|",
    ]
    odd = odd.assign(twice=odd["twice"].fillna(False).astype(bool))
    for row in odd.sort_values(["twice", "set"], ascending=[False, True]).to_dict("records"):
        n = f"{row['n_labels']:.0f}"
        if not np.isnan(row["n_before"]):
            n = f"{row['n_before']:.0f} to {n}"
        again = f"{row['gap_2']:+.3f}, {row['se_2']:.3f}" if not np.isnan(row["gap_2"]) else "none"
        line = (
            f"| {row['set']}: {row['pair']} | {row['learner']}, {row['strategy']} | {n} "
            f"| {row['base']:.3f} | {row['gap']:+.3f}, {row['se']:.3f} | {again} "
            f"| {'yes' if row['twice'] else 'no'} |"
        )
        if permuted:
            line += f" {row['gap_constant_2']:+.3f}, {row['se_constant_2']:.3f} "
            line += f"| {row['shrunk_2'] - row['base_2']:+.3f} |"
        lines.append(line)
    return lines


def whence(cells: pd.DataFrame, harms: pd.DataFrame) -> list[str]:
    """Return whether the source itself or what is done with it does the harm that stays."""
    keys = ["set", "learner", "n_labels"]
    own = cells[(cells["check"] == "own half") & (cells["round"] == 1)]
    own = own[own["strategy"] == "source-only"][[*keys, "gap"]]
    stay = harms[harms["twice"].fillna(False).astype(bool)]
    both = stay.merge(own, on=keys, suffixes=("", "_source"))
    fine = int((both["gap_source"] <= both["margin"]).sum())
    names = ", ".join(sorted(set(stay["strategy"]))) or "none"
    return [
        f"Strategies among the harms that stay: {names}. In {fine} of {len(both)} such cells the",
        "model of the source alone does not hurt beyond the margin: there the correction by a",
        "handful of labels does, which adds its own noise, and not the source.",
    ]


def report(cells: pd.DataFrame, steps: pd.DataFrame, clear_both: float) -> str:
    """Return SANITY.md."""
    harms = exceptions(cells, "own half", 1)
    gains = exceptions(cells, "permuted", -1)
    worse = steps[clear(steps, 1)].assign(check="more labels", round=1, strategy="target-only")
    worse = exceptions(pd.concat([worse, cells[cells["check"] == "more labels"]]), "more labels", 1)
    n_sets = cells["set"].nunique()
    few = sorted(set(cells["set"]) - set(cells[cells["gap"].notna()]["set"]))

    def rates(check: str, odd: pd.DataFrame) -> str:
        part = cells[(cells["check"] == check) & (cells["round"] == 1) & cells["gap"].notna()]
        stay = odd[odd["twice"].fillna(False).astype(bool)]
        return (
            f"{len(odd)} of {len(part)} cells are clear ({len(odd) / max(len(part), 1):.1%}), in "
            f"{odd['set'].nunique()} sets; {len(stay)} of them, in {stay['set'].nunique()} sets, "
            "stay so on fresh halves and draws. Chance alone gives about "
            f"{clear_both / 2:.1%}, were every true gap 0 (half of what is clear for the target "
            "alone against itself, below). Exceptions come in clumps: the strategies and numbers "
            "of labels of one set share halves and draws, and the standard error is over draws "
            "within these halves, not over halves."
        )

    beyond = gains[clear(gains.rename(columns=_second), -1, "_constant")]
    beyond = beyond[beyond["twice"].fillna(False).astype(bool)]
    stay = gains[gains["twice"].fillna(False).astype(bool)]
    matched = beyond[beyond["shrunk_2"] <= beyond["error_2"] + beyond["margin"]]
    text = [
        "# Where the outcome is known beforehand", "",
        "Made by `python -m benchmarks.outcomes.sanity` on the largest domain of each of",
        f"{n_sets} data sets; all cells in [`sanity.csv`](sanity.csv).",
        "A gap is clear beyond 2 standard errors and the margin (one point of error, 0.02",
        "standard deviations); positive: transfer hurts. Every",
        "clear exception was measured again with a fresh halving, permutation and draws: what",
        "stays clear twice is taken for real.",
        *(["", f"Too few rows for test rows and labels: {', '.join(few)}."] if few else []), "",
        "## The source is the other half of the same domain", "", rates("own half", harms), "",
        *whence(cells, harms), "",
        *counts(cells, "own half", 1), "", *listed(harms), "",
        "## The same half with permuted labels", "", rates("permuted", gains), "",
        "Permuted labels still tell the class shares or the mean, from many more rows than the",
        "target has: with few labels that is worth something, and a strategy that falls back on it",
        "really gains. So every gain is also compared with the constant of the source. Of the",
        f"{len(stay)} that stay clear, {len(beyond)} beat that constant clearly too.",
        *(
            [f"In {len(matched)} of these the target's own model, pulled towards the constant by",
             "the best of eleven shares, comes within the margin or does better: there the noise",
             "acts as a penalty. In the rest the likely reason is the right level, learnt from the",
             "many source rows, joined with slopes from the target's few, which no blend of two",
             "finished predictions gives."] if len(beyond)
            else ["So nothing is gained beyond the shares or the mean."]
        ), "",
        *counts(cells, "permuted", -1), "", *listed(gains, permuted=True), "",
        "## A strategy against itself", "", *coverage(cells), "",
        "## More labels for the target alone", "",
        f"{len(worse)} of {len(steps)} steps of the grid "
        f"({len(worse) / max(len(steps), 1):.1%}) are clearly worse; "
        f"{int(worse['twice'].fillna(False).astype(bool).sum())} stay so on fresh draws"
        f" ({int(worse['gap_2'].isna().sum())} not measured again).", "",
        *listed(worse), "",
    ]  # fmt: skip
    return "\n".join(text)


_second = {"gap_constant_2": "gap_constant", "se_constant_2": "se_constant",
           "gap_constant": "gap_constant_1", "se_constant": "se_constant_1"}  # fmt: skip


def main() -> None:
    """Measure what is not there yet and write the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--cells", type=Path, default=CELLS)
    parser.add_argument("--parts", type=Path, default=None, help="instead of the stored table")
    parser.add_argument("--forest", action="store_true", help="the random forest as well")
    parser.add_argument("--report-only", action="store_true")
    asked = parser.parse_args()
    sets = all_sets(asked.data)
    table = (
        read(TABLE) if asked.parts is None else join(asked.parts).astype(dict.fromkeys(TEXTS, str))
    )
    steps = worsenings(table)
    if not asked.report_only:
        with threadpool_limits(1):
            work(sets, asked.cells, asked.forest)
            repeat_worsenings(steps, sets, asked.cells)
    cells = stored(asked.cells)
    alone = cells[(cells["check"] == "itself") & (cells["strategy"] == "target-only")]
    clear_both = float((clear(alone, 1) | clear(alone, -1)).mean())
    text = report(cells, steps, clear_both)
    asked.cells.with_name("SANITY.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
