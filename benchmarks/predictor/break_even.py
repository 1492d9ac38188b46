"""How gaps go on with more labels: fitted on measured transfers, judged on sets left out.

    python -m benchmarks.predictor.break_even               # writes break_even.json of the package
    python -m benchmarks.predictor.break_even --evaluate    # writes BREAK_EVEN.md beside this file

A curve is a pair of domains, a learner and a strategy, measured at three or more numbers of
labels.  From each measured gap of a curve to each other one the drift is a ridge regression;
what it misses, on families left out, gives the width.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls
from sklearn.model_selection import GroupKFold

from benchmarks.outcomes._crossing import break_even as measured_crossing
from benchmarks.outcomes.table import (
    CASE,
    cells,
    join,
    join_evidence,
    read,
    read_evidence,
    versions,
)
from negtransfer.diagnostics.predictor.break_even import (
    ANY,
    LARGEST,
    SE_EXPONENT,
    SMALLEST,
    crossing,
    draw_curves,
    drift,
    fine_counts,
    to_units,
)

from .cases import cases, table_hash
from .fit import SHIPPED, left_out, quantiles

Floats = NDArray[np.float64]
HERE = Path(__file__).parent
CURVE = [*CASE, "learner", "strategy"]
ENOUGH = 3
RIDGE = 3.0
FOLDS = 10
Q80 = 1.2816
JUDGED = ("source-only", "pooled", "pooled-equal-weight")
DRAWS = 500
LOW, HIGH = float(np.log2(SMALLEST)), float(np.log2(LARGEST))


def steps(measured: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each ordered two numbers of labels of a curve.

    ``start`` and ``end`` are the gaps at `n_labels` and `n_end` in asinh units of the error of
    the target alone at `n_labels`.
    """
    keep = ["family", *[name for name in CURVE if name != "family"], "n_labels", "gap", "base"]
    held = measured.loc[measured["n_labels"] > 0, keep]
    held = held[held.groupby(CURVE)["gap"].transform("size") >= ENOUGH]
    other = held[[*CURVE, "n_labels", "gap"]].rename(columns={"n_labels": "n_end", "gap": "then"})
    both = held.merge(other, on=CURVE)
    both = both[both["n_labels"] != both["n_end"]].sort_values([*CURVE, "n_labels", "n_end"])
    base = both["base"].to_numpy(dtype=np.float64)
    return both.assign(
        start=to_units(both["gap"].to_numpy(dtype=np.float64), base),
        end=to_units(both["then"].to_numpy(dtype=np.float64), base),
        octaves=np.log2(both["n_end"] / both["n_labels"]),
    ).reset_index(drop=True)


def fit_curves(rows: pd.DataFrame) -> dict[str, Any]:
    """Return ``drift`` and ``missed`` of one strategy and kind of task, from its steps."""
    design, moved, weight = _design(rows), (rows["end"] - rows["start"]).to_numpy(), _weights(rows)
    missed = np.empty(len(rows))
    families = rows["family"].to_numpy(dtype=str)
    folds = GroupKFold(min(FOLDS, len(np.unique(families))))
    for train, test in folds.split(design, groups=families):
        found = _ridge(design[train], moved[train], weight[train])
        missed[test] = moved[test] - design[test] @ found
    coefficients = _ridge(design, moved, weight).reshape(3, 2)
    octaves = rows["octaves"].to_numpy()
    spread = [_growth(np.abs(missed), side * octaves, weight) for side in (1, -1)]
    return {
        "drift": [[_short(v) for v in row] for row in coefficients],
        "missed": [[_short(v) for v in row] for row in spread],
        "curves": len(rows[CURVE].drop_duplicates()),
    }


def _design(rows: pd.DataFrame) -> Floats:
    known = np.stack(
        [np.ones(len(rows)), rows["start"], np.log2(rows["n_labels"] / 100)], axis=1
    ).astype(np.float64)
    along = drift(rows["octaves"].to_numpy(dtype=np.float64))
    return (known[:, :, None] * along[:, None, :]).reshape(len(rows), -1)


def _weights(rows: pd.DataFrame) -> Floats:
    """Every data set counts the same."""
    weight = 1 / rows.groupby("set")["set"].transform("size").to_numpy(dtype=np.float64)
    return np.asarray(weight / weight.mean())


def _ridge(design: Floats, moved: Floats, weight: Floats) -> Floats:
    heavy = design * weight[:, None]
    return np.linalg.solve(heavy.T @ design + RIDGE * np.eye(design.shape[1]), heavy.T @ moved)


def _growth(missed: Floats, octaves: Floats, weight: Floats) -> Floats:
    """Return the variance of a random walk for each octave, and of a random slope.

    Matched to the 80 % range of what was missed at each distance.
    """
    far = octaves.round(3)
    at = np.unique(far[far > 0])
    variance = np.array([_upper(missed[far == v], weight[far == v]) for v in at])
    count = np.array([weight[far == v].sum() for v in at])
    trust = np.sqrt(count) / variance
    found, _ = nnls(np.stack([at, at**2], axis=1) * trust[:, None], variance * trust)
    return np.asarray(found)


def _upper(missed: Floats, weight: Floats) -> float:
    order = np.argsort(missed, kind="stable")
    total = np.cumsum(weight[order])
    place = min(int(np.searchsorted(total, 0.8 * total[-1])), len(order) - 1)
    return max(float(missed[order][place]) / Q80, 1e-3) ** 2


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def fit_all(measured: pd.DataFrame, strategies: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the curves by kind of task and strategy (all of them by default)."""
    rows = steps(measured)
    regression = rows["task"].to_numpy() == "regression"
    found: dict[str, Any] = {}
    for kind, part in (("classification", rows[~regression]), ("regression", rows[regression])):
        names = strategies or (ANY, *sorted(part["strategy"].unique()))
        found[kind] = {
            name: fit_curves(part if name == ANY else part[part["strategy"] == name])
            for name in names
            if name == ANY or part.loc[part["strategy"] == name, "family"].nunique() >= FOLDS
        }
    return found


def shipped_text(outcomes: pd.DataFrame) -> str:
    """Return the file that a table of outcomes gives."""
    used = {k: v for k, v in versions().items() if k in ("numpy", "scipy", "scikit-learn")}
    about = {"outcomes_sha256": table_hash(outcomes), "rows": len(outcomes), "versions": used}
    return json.dumps({"about": about, "curves": fit_all(cells(outcomes))}, indent=1) + "\n"


def crossings(measured: pd.DataFrame) -> pd.DataFrame:
    """Return where each measured curve crosses 0: inside the range, ``before`` it or ``after``."""
    rows = []
    for key, part in measured[measured["n_labels"] > 0].groupby(CURVE, sort=True):
        if len(part) >= ENOUGH:
            part = part.sort_values("n_labels")
            found = measured_crossing(part["n_labels"], part["gap"])
            where = "before" if found.at_once else "inside" if found.reached else "after"
            first = float(part["n_labels"].iloc[0])
            rows.append((*key, found.n_labels, where, first))
    return pd.DataFrame(rows, columns=[*CURVE, "crossing", "where", "first"])


def judge(outcomes: pd.DataFrame, pilots: pd.DataFrame) -> pd.DataFrame:
    """Return predicted and measured break-evens, predicted by fits without the family.

    What is known of the gap comes from the predictor of the package, fitted without the family
    too.
    """
    measured = cells(outcomes)
    measured = measured[measured["strategy"].isin(JUDGED)]
    data = cases(outcomes, pilots)
    mean, spread = left_out(data)
    rest = quantiles((data.table["gap"].to_numpy() - mean) / spread, data.weights)
    wide = (np.quantile(rest, 0.9) - np.quantile(rest, 0.1)) / (2 * Q80)
    held = data.table.assign(mean=mean, sd=spread * wide)
    held = held.merge(crossings(measured), on=CURVE)
    held = held[held["strategy"].isin(JUDGED)].sort_values([*CURVE, "draw", "n_labels"])
    held["line"] = _straight(held)
    held["kind"] = np.where(held["task"] == "regression", "regression", "classification")
    families = held["family"].to_numpy(dtype=str)
    parts = []
    for train, test in GroupKFold(FOLDS).split(held, groups=families):
        seen = measured[measured["family"].isin(np.unique(families[train]))]
        parts.append(_predicted(held.iloc[test], fit_all(seen, JUDGED), held.iloc[train]))
    return pd.concat(parts, ignore_index=True)


def _predicted(held: pd.DataFrame, curves: dict[str, Any], seen: pd.DataFrame) -> pd.DataFrame:
    grid, usual = fine_counts(), _usual(seen)
    rows = []
    for row in held.itertuples(index=False):
        path = draw_curves(
            row.mean, row.sd, row.n_labels, max(row.base, 0.02), grid,
            model=curves[row.kind][row.strategy], draws=DRAWS,
        )  # fmt: skip
        found = crossing(path, grid)
        within = found[np.isfinite(found) & (found > 0)]
        ends = np.quantile(found, [0.1, 0.9, 0.05, 0.95], method="nearest")
        middle = np.median(within) if within.size else np.quantile(found, 0.5, method="nearest")
        at = min(max(float(middle), ends[2]), ends[3])
        rows.append((at, *ends, usual[row.kind, row.strategy]))
    columns = ["at", "low80", "high80", "low90", "high90", "usual"]
    found = pd.DataFrame(rows, columns=columns)
    return pd.concat([held.reset_index(drop=True), found], axis=1)


def _usual(seen: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Return the median measured crossing by kind of task and strategy."""
    inside = seen[seen["where"] == "inside"].drop_duplicates(CURVE)
    median = inside.groupby(["kind", "strategy"])["crossing"].median()
    return {(str(kind), str(name)): float(value) for (kind, name), value in median.items()}


def _straight(held: pd.DataFrame) -> Floats:
    """Return where a straight line through a pilot and the one with fewer labels meets 0."""
    before = held.groupby([*CURVE, "draw"])[["n_labels", "pilot_gap"]].shift()
    here, left = np.log2(held["n_labels"]), np.log2(before["n_labels"].astype(float))
    rise = (held["pilot_gap"] - before["pilot_gap"]) / (here - left)
    at = here - held["pilot_gap"] / rise.where(rise.abs() > 1e-12)
    flat = np.where(held["pilot_gap"] < 0, HIGH, LOW)
    # A line that falls never turns from helping to hurting.
    at = np.where(before["n_labels"].isna(), np.nan, np.where(rise > 0, at, flat))
    return np.asarray(2 ** np.clip(at, LOW, HIGH))


def table_of(judged: pd.DataFrame) -> str:
    """Return the page of results in Markdown."""
    lines = [
        "| task | strategy | labels held | crossings inside | predicted | within x2 "
        "| usual crossing | pilot's line | 80 % covers | 90 % covers "
        "| before: 80 / 90 % reach | after: 80 / 90 % reach |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for kind in ("classification", "regression", "all"):
        of_kind = judged if kind == "all" else judged[judged["kind"] == kind]
        for strategy in (*JUDGED, "all"):
            part = of_kind if strategy == "all" else of_kind[of_kind["strategy"] == strategy]
            for n in (20, 50, 200, "all"):
                some = part if n == "all" else part[part["n_labels"] == n]
                if n == "all" or strategy != "all" or kind == "all":
                    lines.append(_line(kind, strategy, n, some))
    return "\n".join(lines)


def _line(kind: str, strategy: str, n: int | str, part: pd.DataFrame) -> str:
    inside = part[part["where"] == "inside"]
    true = np.log2(inside["crossing"])

    def off(name: str) -> pd.Series:
        return (np.log2(inside[name].clip(SMALLEST, LARGEST)) - true).abs()

    def covered(level: int) -> float:
        low, high = inside[f"low{level}"], inside[f"high{level}"]
        return float(((low <= inside["crossing"]) & (inside["crossing"] <= high)).mean())

    before, after = part[part["where"] == "before"], part[part["where"] == "after"]

    def reach(level: int) -> tuple[float, float]:
        first = (before[f"low{level}"] <= before["first"]).mean()
        return float(first), float((after[f"high{level}"] >= after["crossing"]).mean())

    (b80, a80), (b90, a90) = reach(80), reach(90)
    line = off("line").median()
    found = [
        kind, strategy, n, len(inside), f"{off('at').median():.2f}",
        f"{(off('at') <= 1).mean():.0%}", f"{off('usual').median():.2f}",
        "" if np.isnan(line) else f"{line:.2f}", f"{covered(80):.0%}", f"{covered(90):.0%}",
        f"{b80:.0%} / {b90:.0%} of {len(before)}", f"{a80:.0%} / {a90:.0%} of {len(after)}",
    ]  # fmt: skip
    return "| " + " | ".join(map(str, found)) + " |"


def agreement(outcomes: pd.DataFrame) -> str:
    """Return how well the measured break-evens of two halves of the draws agree."""
    used = outcomes[outcomes["strategy"].isin((*JUDGED, "target-only", "source-constant"))]
    used = used[used["learner"] == "linear"]
    first, second = (crossings(cells(used[used["draw"] % 2 == k])) for k in (0, 1))
    both = first.merge(second, on=CURVE)
    both = both[(both["where_x"] == "inside") & (both["where_y"] == "inside")]
    both["off"] = np.log2(both["crossing_x"] / both["crossing_y"]).abs()
    both["kind"] = np.where(both["task"] == "regression", "regression", "classification")
    lines = ["| task | strategy | curves | median log2 ratio |", "|---|---|---|---|"]
    for (kind, strategy), part in both.groupby(["kind", "strategy"]):
        lines.append(f"| {kind} | {strategy} | {len(part)} | {part['off'].median():.2f} |")
    return "\n".join(lines)


def exponents(pilots: pd.DataFrame) -> Iterator[str]:
    """Yield lines: how the standard error of a pilot falls with the number of labels."""
    keys = [*CURVE, "draw"]
    wide = pilots.pivot_table(index=keys, columns="n_labels", values="pilot_se")
    wide = wide[(wide[20] > 0) & (wide[200] > 0)]
    power = np.log(wide[20] / wide[200]) / np.log(10)
    yield "| strategy | measured | used |"
    yield "|---|---|---|"
    for name, value in power.groupby("strategy").median().items():
        yield f"| {name} | {value:.2f} | {SE_EXPONENT.get(str(name), 0.7)} |"


PAGE = """# Break-even on data sets left out

Made by `python -m benchmarks.predictor.break_even --evaluate`; outcomes {hash}.

Whole families of data sets are left out, of the predictor and of the curves.  Held are pilots
with 20, 50 or 200 labels (linear learner, two draws); the measured break-even is where the mean
gap over eight draws, made monotone, meets 0.  *predicted*, *usual crossing* (the median of the
other families) and *pilot's line* (a straight line in log n through a pilot and the one with
fewer labels) are medians of |log2(predicted / measured)| where the measured crossing lies inside
the tested range.  *before*, *after*: the crossing lies outside the tested range; how often the
interval reaches there.

The goal is a median of 1 at most (a factor 2).  The form of the curves, though not their
numbers, was chosen while looking at families left out, and the shape of the predictor's rest
is that of all families together.

{table}

## How well it can be known

The same crossing measured by two halves of the draws, where both lie inside the range:

{agreement}

## How a pilot's standard error falls

As n to minus this, between 20 and 200 labels (median):

{exponents}
"""


def main() -> None:
    """Fit, or judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", type=Path, help="instead of the stored tables")
    parser.add_argument("--evaluate", action="store_true")
    asked = parser.parse_args()
    outcomes = join(asked.parts) if asked.parts else read()
    if asked.evaluate:
        pilots = join_evidence(asked.parts)[1] if asked.parts else read_evidence("pilot")
        page = PAGE.format(
            hash=f"`{table_hash(outcomes)[:16]}`", table=table_of(judge(outcomes, pilots)),
            agreement=agreement(outcomes), exponents="\n".join(exponents(pilots)),
        )  # fmt: skip
        (HERE / "BREAK_EVEN.md").write_text(page, encoding="utf-8")
        print(page)
    else:
        text = shipped_text(outcomes)
        (SHIPPED / "break_even.json").write_text(text, encoding="utf-8")
        print(f"{len(text) / 1e3:.1f} kB")


if __name__ == "__main__":
    main()
