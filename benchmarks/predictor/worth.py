"""How target-only errors fall with more labels: fitted, and judged on families left out.

    python -m benchmarks.predictor.worth               # writes worth.json of the package
    python -m benchmarks.predictor.worth --evaluate    # writes WORTH.md beside this file

Known is what a pilot with n labels says; what happens is the mean error over draws with m labels,
over that with n.
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
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import GroupKFold

from benchmarks.outcomes.table import CASE, cells, read, read_evidence, versions
from negtransfer.diagnostics.predictor.break_even import LEAST_BASE
from negtransfer.diagnostics.predictor.worth import (
    KNOWN,
    LARGEST,
    SMALLEST,
    SPREAD,
    Situation,
    drawn_worth,
    middle,
    terms,
)

from .cases import cases, table_hash
from .fit import SHIPPED, left_out
from .regression import QUANTILES, location_scale, quantiles, rest_of

Floats = NDArray[np.float64]
HERE = Path(__file__).parent
LEARNERS = ("linear", "forest")
CURVE = [*CASE, "learner"]
PENALTY = 30.0
FOLDS = 10
JUDGED = ("source-only", "pooled", "pooled-equal-weight")
STARTS = (20, 50, 200)


def own_errors(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return the mean error of the target alone, one row a curve and number of labels."""
    used = outcomes[(outcomes["strategy"] == "target-only") & (outcomes["n_labels"] >= SMALLEST)]
    used = used[used["learner"].isin(LEARNERS)].assign(error=lambda t: t["error"].astype(float))
    found = used.groupby([*CURVE, "n_labels"])["error"].agg(["mean", "count"]).reset_index()
    found = found[found["count"] > 1].drop(columns="count")
    return found.rename(columns={"mean": "error"})


def falls(outcomes: pd.DataFrame, pilots: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each pilot and each larger number of labels that was measured.

    ``fall`` is the log of the error at ``n_end`` over that at ``n_labels``; errors below
    :data:`LEAST_BASE` count as that.
    """
    measured = own_errors(outcomes)
    known = ["base", "constant", "n_columns"]
    rows = pilots.drop_duplicates([*CURVE, "n_labels", "draw"])
    rows = rows[[*CURVE, "n_labels", "draw", *known]].merge(measured, on=[*CURVE, "n_labels"])
    later = measured.rename(columns={"n_labels": "n_end", "error": "then"})
    rows = rows.merge(later, on=CURVE)
    rows = rows[rows["n_end"] > rows["n_labels"]]
    rows = rows.sort_values([*CURVE, "n_labels", "draw", "n_end"], kind="stable")
    ends, starts = (np.maximum(rows[name], LEAST_BASE) for name in ("then", "error"))
    return rows.assign(
        fall=np.log(ends / starts), octaves=np.log2(rows["n_end"] / rows["n_labels"]),
        multiclass=rows["task"] == "multiclass", not_linear=rows["learner"] != "linear",
    ).reset_index(drop=True)  # fmt: skip


def weights(rows: pd.DataFrame) -> Floats:
    """Return the weight of each row, mean 1.

    A data set counts by the root of its rows with a learner, so that forests, with fewer, count.
    """
    size = rows.groupby(["set", "learner"])["set"].transform("size")
    weight = 1 / np.sqrt(size.to_numpy(dtype=np.float64))
    return np.asarray(weight / weight.mean())


def coefficients_of(rows: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return the coefficients of mean and log spread."""
    X, Z = terms(rows, rows["octaves"])
    return location_scale(
        X, Z, rows["fall"].to_numpy(), weights(rows), penalty=PENALTY, max_iter=400, tolerance=1e-9
    )


def by_family(rows: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return mean and spread of every row by fits that have not seen its family."""
    mean, spread = np.empty(len(rows)), np.empty(len(rows))
    families = rows["family"].to_numpy(dtype=str)
    folds = GroupKFold(min(FOLDS, len(np.unique(families))))
    for train, test in folds.split(mean, groups=families):
        b, c = coefficients_of(rows.iloc[train])
        X, Z = terms(rows.iloc[test], rows["octaves"].iloc[test])
        mean[test], spread[test] = X @ b, np.exp(np.clip(c[0] + Z @ c[1:], -8, 2))
    return mean, spread


def fit(rows: pd.DataFrame) -> dict[str, Any]:
    """Return ``mean``, ``spread`` and ``rest`` of one kind of task."""
    mean, spread = by_family(rows)
    b, c = coefficients_of(rows)
    rest = quantiles((rows["fall"].to_numpy() - mean) / spread, weights(rows))
    return {
        "mean": [[_short(v) for v in pair] for pair in b.reshape(len(KNOWN), 2)],
        "spread": [_short(v) for v in c],
        "rest": [_short(v) for v in rest],
        "curves": len(rows[CURVE].drop_duplicates()),
    }


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def by_task(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each kind of task."""
    regression = rows["task"] == "regression"
    return {"classification": rows[~regression], "regression": rows[regression]}


def shipped_text(outcomes: pd.DataFrame, pilots: pd.DataFrame) -> str:
    """Return the file that the tables give."""
    rows = falls(outcomes, pilots)
    used = {k: v for k, v in versions().items() if k in ("numpy", "scipy", "scikit-learn")}
    about = {
        "outcomes_sha256": table_hash(outcomes), "pilots_sha256": table_hash(pilots),
        "rows": len(rows), "families": int(rows["family"].nunique()), "terms": list(KNOWN),
        "spread_terms": ["one", *SPREAD], "versions": used,
    }  # fmt: skip
    tasks = {task: fit(part) for task, part in by_task(rows).items()}
    return json.dumps({"about": about, "tasks": tasks}, indent=1) + "\n"


def judge_falls(rows: pd.DataFrame) -> pd.DataFrame:
    """Return relative falls with predictions of fits without the family, and of rivals.

    The quantiles for a family are those of what was left of the other families.
    """
    parts = []
    for part in by_task(rows).values():
        mean, spread = by_family(part)
        families = part["family"].to_numpy(dtype=str)
        z, weight = (part["fall"].to_numpy() - mean) / spread, weights(part)
        ends = np.empty((len(part), 4))
        levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
        for name in np.unique(families):
            test = families == name
            at = np.interp([0.1, 0.9, 0.05, 0.95], levels, quantiles(z[~test], weight[~test]))
            ends[test] = mean[test, None] + spread[test, None] * at
        found = part.assign(
            ratio=np.exp(part["fall"]), predicted=np.exp(mean), none=1.0,
            root=2 ** (-0.5 * part["octaves"]),
        )  # fmt: skip
        found[["low80", "high80", "low90", "high90"]] = np.exp(ends)
        parts.append(found)
    return pd.concat(parts, ignore_index=True)


def fall_table(judged: pd.DataFrame) -> str:
    """Return the page's first table."""
    lines = [
        "| task | learner | n to m | rows | families | predicted | no fall | 1/sqrt(n) "
        "| bias | 80 % covers | 90 % covers |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    kind = np.where(judged["task"] == "regression", "regression", "classification")
    bands = {"up to x2.5": (0, 1.4), "x4 to x10": (1.4, 3.4), "more": (3.4, 99), "all": (0, 99)}
    for task in ("classification", "regression", "all"):
        for learner in (*LEARNERS, "all"):
            for band, (low, high) in bands.items():
                keep = (judged["octaves"] > low) & (judged["octaves"] <= high)
                if task != "all":
                    keep &= kind == task
                if learner != "all":
                    keep &= judged["learner"] == learner
                part = judged[keep]
                if len(part) and (band == "all" or learner != "all"):
                    lines.append(_fall_line([task, learner, band], part))
    return "\n".join(lines)


def _fall_line(head: list[str], part: pd.DataFrame) -> str:
    def off(name: str) -> str:
        return f"{(part[name] - part['ratio']).abs().median():.3f}"

    def covered(level: int) -> str:
        low, high = part[f"low{level}"], part[f"high{level}"]
        return f"{((low <= part['ratio']) & (part['ratio'] <= high)).mean():.0%}"

    bias = f"{(part['predicted'] - part['ratio']).median():+.3f}"
    found = [*head, len(part), part["family"].nunique(), off("predicted"), off("none"),
             off("root"), bias, covered(80), covered(90)]  # fmt: skip
    return "| " + " | ".join(map(str, found)) + " |"


def measured_worth(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return with how many labels the target alone reaches each measured error with transfer.

    ``there`` is that number: n itself where transfer hurts (``where`` none), infinity where the
    largest number measured does not do (beyond).  Errors of the target alone are smoothed so
    that they never rise.
    """
    wanted = cells(outcomes)
    wanted = wanted[wanted["strategy"].isin(JUDGED) & wanted["learner"].isin(LEARNERS)]
    wanted = wanted[wanted["n_labels"] >= SMALLEST]
    rows = []
    curves = own_errors(outcomes).groupby(CURVE, sort=True)
    smooth = {}
    for key, part in curves:
        if len(part) >= 3:
            n = np.log(part["n_labels"].to_numpy(dtype=np.float64))
            fitted = IsotonicRegression(increasing=False).fit_transform(n, part["error"])
            smooth[key] = n, fitted
    for row in wanted.itertuples(index=False):
        key = tuple(getattr(row, name) for name in CURVE)
        if key not in smooth or row.n_labels >= np.exp(smooth[key][0][-1]) - 0.5:
            continue
        n, errors = smooth[key]
        aim = np.interp(np.log(row.n_labels), n, errors) + row.gap
        there, where = float("inf"), "beyond"
        if row.gap >= 0:
            there, where = float(row.n_labels), "none"
        elif errors[-1] <= aim:
            k = int(np.argmax(errors <= aim))
            part = (errors[k - 1] - aim) / (errors[k - 1] - errors[k])
            there = float(np.exp(n[k - 1] + part * (n[k] - n[k - 1])))
            where = "inside"
        rows.append((*key, row.strategy, row.n_labels, there, where, float(np.exp(n[-1]))))
    names = [*CURVE, "strategy", "n_labels", "there", "where", "last"]
    return pd.DataFrame(rows, columns=names)


def judge_worth(outcomes: pd.DataFrame, pilots: pd.DataFrame) -> pd.DataFrame:
    """Return measured worth beside predictions by fits without the family.

    The gap comes from the package's predictor, fitted without the family too, and is taken as
    normal, as the package does.
    """
    data = cases(outcomes, pilots)
    mean, spread = left_out(data)
    rest = rest_of(data.table["gap"].to_numpy(), mean, spread, data.weights).of(mean / spread)
    low, high = np.quantile(rest, [0.1, 0.9], axis=1)
    table = data.table.assign(mean=mean, sd=spread * (high - low) / 2.5631)
    keys = [*CURVE, "strategy", "n_labels"]
    held = table[table["n_labels"].isin(STARTS) & table["strategy"].isin(JUDGED)]
    held = held.merge(measured_worth(outcomes), on=keys)
    rows = falls(outcomes, pilots)
    parts = []
    for task, part in by_task(held).items():
        learn = by_task(rows)[task]
        families = np.unique(part["family"])
        folds = GroupKFold(min(FOLDS, len(families)))
        for _, left in folds.split(families, groups=families):
            out = families[left]
            learned = fit(learn[~learn["family"].isin(out)])
            seen = part[~part["family"].isin(out)]
            inside = seen[seen["where"] == "inside"]
            usual = (inside["there"] / inside["n_labels"]).groupby(inside["strategy"]).median()
            test = part[part["family"].isin(out)]
            found = [_worth_of(row, learned) for row in test.itertuples(index=False)]
            names = ["at", "low80", "high80", "low90", "high90", "p_none"]
            parts.append(
                pd.concat([test.reset_index(drop=True), pd.DataFrame(found, columns=names)], axis=1)
                .assign(usual=lambda t, u=usual: t["n_labels"] * t["strategy"].map(u).fillna(1.0))
            )  # fmt: skip
    judged = pd.concat(parts, ignore_index=True)
    share = np.clip(1 + judged["mean"] / np.maximum(judged["base"], LEAST_BASE), 0.05, 1.0)
    return judged.assign(root=judged["n_labels"] / share**2)


def _worth_of(row: Any, learned: dict[str, Any]) -> tuple[float, ...]:
    here = Situation(
        int(row.n_labels), float(row.base), float(row.constant), int(row.n_columns),
        row.task, row.learner,
    )  # fmt: skip
    more = drawn_worth(here, float(row.mean), float(row.sd), learned=learned)
    ends = np.quantile(more, [0.1, 0.9, 0.05, 0.95], method="nearest")
    return (here.n + middle(more), *(here.n + ends), float(np.mean(more == 0)))


def worth_table(judged: pd.DataFrame) -> str:
    """Return the page's second table: where the measured worth lies inside the range."""
    lines = [
        "| task | strategy | labels held | inside | predicted | within x2 | in more labels "
        "| no worth | usual factor | 1/sqrt(n) | 80 % covers | 90 % covers |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_inside_line(head, part) for head, part in _parts(judged))])


def all_table(judged: pd.DataFrame) -> str:
    """Return the page's third table: all pilots, those with no worth and beyond among them."""
    lines = [
        "| task | strategy | labels held | pilots | predicted | no worth | usual factor "
        "| 1/sqrt(n) | said none: where none / inside / beyond | beyond: 90 % reaches |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_all_line(head, part) for head, part in _parts(judged))])


def _parts(judged: pd.DataFrame) -> Iterator[tuple[list[str], pd.DataFrame]]:
    for task, of_task in {**by_task(judged), "all": judged}.items():
        for strategy in (*JUDGED, "all"):
            part = of_task if strategy == "all" else of_task[of_task["strategy"] == strategy]
            if strategy == "all":
                for n in STARTS:
                    yield [task, strategy, str(n)], part[part["n_labels"] == n]
            yield [task, strategy, "all"], part


def _inside_line(head: list[str], part: pd.DataFrame) -> str:
    inside = part[part["where"] == "inside"]
    true, n = inside["there"], inside["n_labels"].astype(float)

    def off(values: pd.Series) -> pd.Series:
        return np.log2(values.clip(upper=LARGEST) / true).abs()

    def covered(level: int) -> str:
        low, high = inside[f"low{level}"], inside[f"high{level}"]
        return f"{((low <= true) & (true <= high)).mean():.0%}"

    more = (inside["at"].clip(upper=LARGEST) - n).clip(lower=1)
    extra = np.log2(more / (true - n).clip(lower=1)).abs().median()
    found = [
        *head, len(inside), f"{off(inside['at']).median():.2f}",
        f"{(off(inside['at']) <= 1).mean():.0%}", f"{extra:.2f}", f"{off(n).median():.2f}",
        f"{off(inside['usual']).median():.2f}", f"{off(inside['root']).median():.2f}",
        covered(80), covered(90),
    ]  # fmt: skip
    return "| " + " | ".join(map(str, found)) + " |"


def _all_line(head: list[str], part: pd.DataFrame) -> str:
    true, last = np.minimum(part["there"], part["last"]), part["last"]

    def off(values: pd.Series) -> str:
        return f"{np.log2(np.minimum(values, last) / true).abs().mean():.2f}"

    said = [
        f"{(some['p_none'] >= 0.5).mean():.0%} of {len(some)}"
        for some in (part[part["where"] == where] for where in ("none", "inside", "beyond"))
    ]
    beyond = part[part["where"] == "beyond"]
    reach = f"{(beyond['high90'] >= beyond['last']).mean():.0%} of {len(beyond)}"
    found = [*head, len(part), off(part["at"]), off(part["n_labels"].astype(float)),
             off(part["usual"]), off(part["root"]), " / ".join(said), reach]  # fmt: skip
    return "| " + " | ".join(map(str, found)) + " |"


PAGE = """# What target labels are worth, on data sets left out

Made by `python -m benchmarks.predictor.worth --evaluate`; outcomes {hash}.

Whole families of data sets are left out.  Known is what one pilot with n labels says (error of
the target alone, that of a constant, columns, kind of task, learner).

## How the error of the target alone falls

What is predicted is the mean error with m labels over that with n: 1 means no fall, 0.5 half the
error.  Columns *predicted*, *no fall* and *1/sqrt(n)* (errors that fall as the root of the number
of labels) are medians of |predicted - measured ratio|.  *bias* is the median of predicted minus
measured: above 0 the fall is larger than was said.

{falls}

## What transfer is worth in labels

With how many labels does the target alone reach the error that transfer has with n?  Held are
pilots with 20, 50 or 200 labels.  Rivals: *no worth* (n itself), *usual factor* (the median
factor of the strategy in the other families, where it lies inside), *1/sqrt(n)* with the same
predicted gap.

First, pilots where that number was measured to lie above n and *inside* the tested range.
*predicted* is the median of |log2(predicted / measured)| of that number, *in more labels* the
same of what it is above n, which is much harder to hit where transfer gains little.  The *usual
factor* is flattered in this table: that the number lies inside is known only afterwards, and a
factor says of every transfer that it helps.

{worth}

Second, all pilots; what lies beyond the range counts as its end, on both sides.  Means of
|log2(predicted / measured)|.  *said none*: how often the prediction was that transfer is worth
nothing, where it is measured to be so (the error with transfer is not below that of the target
alone), where the worth lies inside, and where it lies beyond the range.  *beyond*: how often the
90 % interval reaches the largest number measured.

{all}
"""


def main() -> None:
    """Fit, or judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--evaluate", action="store_true")
    asked = parser.parse_args()
    outcomes, pilots = read(), read_evidence("pilot")
    if asked.evaluate:
        judged = judge_worth(outcomes, pilots)
        page = PAGE.format(
            hash=f"`{table_hash(outcomes)[:16]}`", worth=worth_table(judged), all=all_table(judged),
            falls=fall_table(judge_falls(falls(outcomes, pilots))),
        )  # fmt: skip
        (HERE / "WORTH.md").write_text(page, encoding="utf-8")
        print(page)
    else:
        text = shipped_text(outcomes, pilots)
        (SHIPPED / "worth.json").write_text(text, encoding="utf-8")
        print(f"{len(text) / 1e3:.1f} kB")


if __name__ == "__main__":
    main()
