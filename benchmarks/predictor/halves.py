"""False alarms of the verdict: the real check on random halves of one domain, 500 times.

    python -m benchmarks.predictor.halves --runs 500 --jobs 2   # about an hour
    python -m benchmarks.predictor.halves --page                # write the page from the table only

Source and target are random halves of the same rows, so that using the source cannot mean
anything else.  Data: bundled with scikit-learn, generated, and the shared real sets where they
stand beside the checkout.  Rows are appended as they come; a run that was stopped goes on where
it was.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ._runs import Key, Row, extend

HERE = Path(__file__).parent
TABLE = HERE / "halves.csv"
PAGE = HERE / "HALVES.md"
SHARED = HERE.parents[2] / "shared" / "data" / "tabular"
RUNS = 500
BUDGET = 10.0
SIZES = (60, 125, 250, 500, 1000, 2000)
"""Rows of both halves together."""
LABELS = (20, 50, 100, 200, 300)
VERDICTS = (
    "transfer", "transfer-with-adaptation", "caution", "do-not-transfer", "not-enough-evidence",
    "refused", "crashed",
)  # fmt: skip
AGAINST = "do-not-transfer"
COLUMNS = (
    "run", "set", "task", "learners", "rows", "n_labels", "verdict", "strategy",
    "recommended", "estimate", "low", "high", "p_harm", "p_harm_pooled", "p_harm_source_only",
    "hurts", "alarms", "note",
)  # fmt: skip
MOST_SHARE = 0.01

Load = Callable[[np.random.Generator], pd.DataFrame]


def _bundled(name: str) -> Load:
    def load(rng: np.random.Generator) -> pd.DataFrame:
        from sklearn import datasets

        frame: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
        return frame.rename(columns={"target": "y"})

    return load


def _shared(path: str) -> Load:
    def load(rng: np.random.Generator) -> pd.DataFrame:
        return pd.read_parquet(SHARED / f"{path}.parquet")

    return load


def _generated(kind: str) -> Load:
    """Return a maker of 2,000 rows of eight inputs; ``kind`` is the relation to the label."""

    def load(rng: np.random.Generator) -> pd.DataFrame:
        X = rng.normal(size=(max(SIZES), 8))
        noise = rng.normal(size=len(X))
        scores = {
            "linear": X[:, 0] + 0.5 * X[:, 1] + noise,
            "product": 2 * X[:, 0] * X[:, 1] + noise,
            "wave": 2 * np.sin(2 * X[:, 0]) + X[:, 1] ** 2 + noise,
            "none": noise,
        }
        return pd.DataFrame(X, columns=[f"x{i}" for i in range(8)]).assign(y=scores[kind])

    return load


def _classes(load: Load, *cuts: float) -> Load:
    """Cut the quantity of `load` into classes at fixed values."""

    def cut(rng: np.random.Generator) -> pd.DataFrame:
        frame = load(rng)
        return frame.assign(y=np.digitize(frame["y"], cuts))

    return cut


_CLASSES, _QUANTITY = "classes", "regression"
SETS: dict[str, tuple[Load, str]] = {
    "breast_cancer": (_bundled("breast_cancer"), _CLASSES),
    "diabetes": (_bundled("diabetes"), _QUANTITY),
    "digits": (_bundled("digits"), _CLASSES),
    "wine": (_bundled("wine"), _CLASSES),
    "iris": (_bundled("iris"), _CLASSES),
    "linear, 2 classes": (_classes(_generated("linear"), 0.5), _CLASSES),
    "linear, 4 classes": (_classes(_generated("linear"), -1, 0, 1), _CLASSES),
    "linear, quantity": (_generated("linear"), _QUANTITY),
    "product, 2 classes": (_classes(_generated("product"), 0), _CLASSES),
    "product, quantity": (_generated("product"), _QUANTITY),
    "wave, 3 classes": (_classes(_generated("wave"), 0, 2), _CLASSES),
    "wave, quantity": (_generated("wave"), _QUANTITY),
    "no relation, 2 classes": (_classes(_generated("none"), 0), _CLASSES),
    "no relation, quantity": (_generated("none"), _QUANTITY),
    "rare class (5 %)": (_classes(_generated("linear"), 2.5), _CLASSES),
    "abalone/I": (_shared("abalone/I"), _QUANTITY),
    "adult_country/Latin_America": (_shared("adult_country/Latin_America"), _CLASSES),
    "bank_marketing/apr": (_shared("bank_marketing/apr"), _CLASSES),
    "bike_sharing_seoul/Spring": (_shared("bike_sharing_seoul/Spring"), _QUANTITY),
    "defect_aeeem/jdt": (_shared("defect_aeeem/jdt"), _CLASSES),
    "diamonds_cut/Fair": (_shared("diamonds_cut/Fair"), _QUANTITY),
    "elec2/period1": (_shared("elec2/period1"), _CLASSES),
    "german_credit/radio_tv": (_shared("german_credit/radio_tv"), _CLASSES),
    "heart_disease/cleveland": (_shared("heart_disease/cleveland"), _CLASSES),
    "landmine/task01": (_shared("landmine/task01"), _CLASSES),
    "student_performance/portuguese_GP": (_shared("student_performance/portuguese_GP"), _QUANTITY),
    "wine_quality/red": (_shared("wine_quality/red"), _QUANTITY),
    "ames_neighborhood/College_Creek": (_shared("ames_neighborhood/College_Creek"), _QUANTITY),
}  # fmt: skip


def available() -> list[str]:
    """Return the data sets there are; the shared ones only beside the checkout."""
    return [n for n in SETS if "/" not in n or (SHARED / f"{n}.parquet").exists()]


def halves(
    frame: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, int, int]:
    """Return two random halves, labels on some rows of the second, and both sizes.

    The number of rows and that of labels are drawn from `SIZES` and `LABELS`, as far as the rows
    reach; a number of labels is at most that of the rows of the second half.
    """
    fitting = [n for n in SIZES if n <= len(frame)]
    n_rows = int(rng.choice(fitting))
    frame = frame.iloc[rng.permutation(len(frame))[:n_rows]].reset_index(drop=True)
    source, target = frame[: n_rows // 2], frame[n_rows // 2 :].reset_index(drop=True)
    n_labels = int(rng.choice([n for n in LABELS if n <= len(target)]))
    target = target.assign(y=target["y"].where(target.index < n_labels))
    return source, target, n_rows, n_labels


def one_run(key: Key) -> list[Row]:
    """Check one pair of halves; what goes wrong is a row too."""
    from threadpoolctl import threadpool_limits

    from negtransfer import preflight
    from negtransfer.diagnostics.errors import InputError

    run, name = int(key[0]), str(key[1])
    load, kind = SETS[name]
    rng = np.random.default_rng([run, 11])
    frame = load(rng)
    if kind == _CLASSES:
        frame["y"] = "class " + frame["y"].astype(str)
    source, target, n_rows, n_labels = halves(frame, rng)
    task = _QUANTITY if kind == _QUANTITY else None
    row: dict[str, object] = {"run": run, "set": name, "rows": n_rows, "n_labels": n_labels}
    try:
        with threadpool_limits(1):
            found = preflight(
                source=source, target=target, label="y", task=task,
                random_state=run, budget=BUDGET, n_jobs=1,
            )  # fmt: skip
    except InputError as error:
        return [{**row, "verdict": "refused", "note": str(error)}]
    except Exception as error:  # one crash is counted, and does not end the other runs
        return [{**row, "verdict": "crashed", "note": f"{type(error).__name__}: {error}"}]
    verdict, gap = found.verdict, found.verdict.gap
    tried = [s for s in found.strategies if s.gap is not None]
    naive = {s.strategy: s.gap for s in tried if s.learner == verdict.learner}
    row |= {
        "task": found.task, "verdict": verdict.label, "strategy": verdict.gap_strategy,
        "recommended": verdict.strategy,
        "learners": " ".join(dict.fromkeys(s.learner for s in tried)),
        "hurts": sum(s.gap is not None and s.gap.outcome == "hurts" for s in tried),
        "alarms": " ".join(c.id for c in found.checks if c.state in ("warn", "fail", "error")),
    }  # fmt: skip
    for word, strategy in (("p_harm_pooled", "pooled"), ("p_harm_source_only", "source-only")):
        row[word] = None if (its := naive.get(strategy)) is None else its.p_harm
    if gap is not None:
        row |= {n: getattr(gap, n) for n in ("estimate", "low", "high", "p_harm")}
    return [row]


def runs(count: int) -> Iterator[Key]:
    """Yield the runs, data sets in turn."""
    names = available()
    for run in range(count):
        yield run, names[run % len(names)]


def share(hits: int, of: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a share (Clopper & Pearson 1934)."""
    from scipy.stats import binomtest

    found = binomtest(hits, of).proportion_ci(0.95, method="exact")
    return float(found.low), float(found.high)


def page(table: pd.DataFrame) -> str:
    """Return the page as Markdown, from the table alone."""
    n = len(table)
    against = table[table["verdict"] == AGAINST]
    low, high = share(len(against), n)
    kept = len(against) <= MOST_SHARE * n
    lines = [
        "# Verdicts on random halves", "",
        f"Made by `python -m benchmarks.predictor.halves --runs {n}` from `halves.csv`. " + INTRO,
        "",
        f"**Promise**: `{AGAINST}` in at most {MOST_SHARE:.0%} of {RUNS} runs. **Found**: "
        f"{len(against)} of {n} ({len(against) / n:.1%}; exact 95 % interval {low:.2%} to "
        f"{high:.2%}). {'Kept' if kept else 'Not kept'}"
        + (" so far." if n < RUNS else "."), "",
    ]  # fmt: skip
    if len(against):
        lines += ["Every such run:", "", *_runs(against), ""]
    known = table[table["p_harm"].notna()]
    naive = table[table["p_harm_pooled"].notna()]
    lines += [
        f"Chance of harm of the strategy that the verdict speaks of: median "
        f"{known['p_harm'].median():.2f}, 90th percentile {known['p_harm'].quantile(0.9):.2f}, "
        f"0.9 or more in {(known['p_harm'] >= 0.9).sum()} of {len(known)} runs; of `pooled` "
        f"{(naive['p_harm_pooled'] >= 0.9).sum()} and of `source-only` "
        f"{(naive['p_harm_source_only'] >= 0.9).sum()} of {len(naive)}. Where the target's own "
        "labels do as well as more of the same, half of all gaps lie above zero: this is not an "
        "error of the check.", "",
    ]  # fmt: skip
    both = table["learners"].fillna("").str.split()
    lines += [
        f"The linear model took part in {both.map(lambda names: 'linear' in names).sum()} runs, "
        f"the forest in {both.map(lambda names: 'forest' in names).sum()}.", "",
    ]  # fmt: skip
    for word, column in (("labels", "n_labels"), ("rows", "rows"), ("data set", "set")):
        lines += [f"## By {word}", "", *_counts(table, word, column), ""]
    return "\n".join([*lines, *_alarms(table), ""])


INTRO = (
    f"The real check (budget {BUDGET:g} s, the rest as by default) on two random "
    "halves of the same rows, where the source means exactly what the target means. *Rows*: of "
    "both halves together. Data sets with a slash are real ones from beside the checkout; `no "
    "relation` has labels that do not depend on the inputs."
)


def _counts(table: pd.DataFrame, word: str, column: str) -> list[str]:
    words = VERDICTS if table["verdict"].isin(VERDICTS[-2:]).any() else VERDICTS[:-2]
    lines = [_row((word, "runs", *words)), "|---" * (len(words) + 2) + "|"]
    every = [(value, part) for value, part in table.groupby(column)] + [("all", table)]
    for value, part in every:
        said = Counter(part["verdict"])
        lines.append(_row((value, len(part), *(said[v] for v in words))))
    return lines


def _runs(rows: pd.DataFrame) -> list[str]:
    names = ("run", "set", "rows", "n_labels", "strategy", "recommended", "estimate",
             "low", "high", "p_harm", "alarms")  # fmt: skip
    return [
        _row(names), "|---" * len(names) + "|",
        *(_row(row) for row in rows[list(names)].itertuples(index=False, name=None)),
    ]  # fmt: skip


def _alarms(table: pd.DataFrame) -> list[str]:
    counts: Counter[str] = Counter()
    for one in table["alarms"].dropna():
        counts.update(one.split())
    ran = int((~table["verdict"].isin(("refused", "crashed"))).sum())
    return [
        "## Checks that warned or failed", "",
        "Some of them speak of the data and not of a difference (few labels, a weak source model), "
        "and are right to.", "",
        "| check | runs | share |", "|---|---|---|",
        *(_row((c, n, f"{n / ran:.1%}")) for c, n in sorted(counts.items())),
    ]  # fmt: skip


def _row(cells: tuple[object, ...]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def read(path: Path = TABLE) -> pd.DataFrame:
    """Read the table in the order of the runs."""
    return pd.read_csv(path).sort_values("run", kind="stable")


def main() -> None:
    """Run what is missing and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--page", action="store_true", help="only write the page")
    asked = parser.parse_args()
    if not asked.page:
        extend(TABLE, ("run", "set"), list(runs(asked.runs)), one_run, COLUMNS, jobs=asked.jobs)
    text = page(read())
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
