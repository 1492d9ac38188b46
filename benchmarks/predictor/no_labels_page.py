"""The page on prediction without target labels: how good it is, beside what rivals, and where not.

Every family of data sets is predicted by a model fitted on the others, its intervals set by what
was left of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.outcomes.table import CASE
from negtransfer.diagnostics.predictor.model import Prediction
from negtransfer.diagnostics.predictor.no_labels_evidence import ESTIMATES, PLANNED
from negtransfer.diagnostics.predictor.no_labels_model import NoLabelModel
from negtransfer.diagnostics.predictor.no_labels_terms import at_home

from .judge import auroc, brier_skill, by_family, calibration_error
from .no_labels import Rows, folds, left_out
from .regression import quantiles

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
LEVELS = (0.8, 0.9)
MISSED = 0.35
SHOWN = 10
NOTHING = "No measured transfer stands beside evidence without labels."


@dataclass(frozen=True)
class Found:
    """One answer of rows predicted by models that had not seen their family."""

    rows: Rows
    truth: Floats
    middle: Floats
    p_above: Floats
    interval: dict[float, tuple[Floats, Floats]]

    def take(self, keep: Bools) -> Found:
        """Return some of the rows."""
        ends = {level: (low[keep], high[keep]) for level, (low, high) in self.interval.items()}
        return Found(
            self.rows.take(keep), self.truth[keep], self.middle[keep], self.p_above[keep], ends
        )

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of the table."""
        return self.rows.table[name].to_numpy()


def cross_validated(data: Rows, answer: str) -> Found:
    """Return predictions whose fit and whose quantiles have not seen the family."""
    rows, truth = data.of(answer)
    mean, spread = left_out(rows, truth)
    n = len(truth)
    ends = {level: (np.empty(n), np.empty(n)) for level in LEVELS}
    middle, above = np.empty(n), np.empty(n)
    for test in folds(rows, n):
        rest = quantiles(((truth - mean) / spread)[~test], rows.take(~test).weights)
        one = Prediction(mean[test], spread[test], rest[None], np.empty((0, 0)))
        middle[test], above[test] = one.quantile(0.5), one.above(0.0)
        for level, (low, high) in ends.items():
            low[test], high[test] = one.quantile((1 - level) / 2), one.quantile((1 + level) / 2)
    return Found(rows, truth, middle, above, ends)


def by_model(data: Rows, answer: str, model: NoLabelModel) -> Found:
    """Return the predictions of a fitted model for rows that it has not seen."""
    rows, truth = data.of(answer)
    one = model.heads[answer].predict(rows.evidence)
    ends = {v: (one.quantile((1 - v) / 2), one.quantile((1 + v) / 2)) for v in LEVELS}
    return Found(rows, truth, one.quantile(0.5), one.above(0.0), ends)


def rivals(rows: Rows) -> dict[str, Floats]:
    """Return simple scores; the larger, the more harm is expected."""
    e, table = rows.evidence, rows.table
    estimates = np.stack([e[f"est_{name}"] for name in ESTIMATES])
    counts = np.isfinite(estimates).sum(axis=0)
    total = np.nansum(estimates, axis=0)
    mean = np.where(counts > 0, total / np.maximum(counts, 1), e["home"])
    return {
        "planned labels alone": e["n_planned"],
        "planned labels over source rows": e["n_planned"] / e["n_source"],
        "estimated error of the source model alone": mean,
        "estimated error less that at home": mean - e["home"],
        "estimated error less the home curve at the planned labels": mean - at_home(e),
        **{f"divergence: {title}": table[name].to_numpy(dtype=np.float64)
           for name, title in DIVERGENCES.items()},
    }  # fmt: skip


DIVERGENCES = {
    "auc": "AUC of a domain classifier", "energy": "energy distance",
    "outside": "share outside the source's support", "mean_shift": "shift of the column means",
    "predicted_shift": "shift of the predictions",
}  # fmt: skip


def page(data: Rows) -> str:
    """Return the page."""
    gap, error = (cross_validated(data, answer) for answer in ("gap", "error"))
    keep = np.isin(gap.column("n_planned"), PLANNED)
    gap = gap.take(keep)
    table = gap.rows.table
    pairs = len(table[["set", "source", "target"]].drop_duplicates())
    parts = [
        HEAD.format(
            pairs=pairs, sets=table["set"].nunique(), families=table["family"].nunique(),
            rows=len(table),
        ),
        "## Sign of the gap\n", _signs(gap),
        "\n## Beside simple rivals\n", _rivals(gap),
        "\n## What it leans on\n", _ablations(data, keep),
        "\n## Intervals\n", _intervals(gap, error),
        "\n## What it says where it says something\n", _said(gap),
        "\n## Where it fails\n", _failures(gap),
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def unseen(data: Rows, model: NoLabelModel) -> str:
    """Return the tables for data sets that the model has not seen."""
    gap, error = (by_model(data, answer, model) for answer in ("gap", "error"))
    gap = gap.take(np.isin(gap.column("n_planned"), PLANNED))
    if not len(gap.truth):
        return NOTHING
    parts = [
        f"Columns as in `NO_LABELS.md`, by the model of the package ({model.about['pairs']} pairs "
        f"of {model.about['sets']} data sets).\n",
        "### Sign of the gap\n", _signs(gap),
        "\n### Beside simple rivals\n", _rivals(gap),
        "\n### Intervals\n", _intervals(gap, error),
        "\n### What it says where it says something\n", _said(gap),
    ]  # fmt: skip
    return "\n".join(parts)


def _row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _head(*cells: str) -> list[str]:
    return [_row(*cells), _row(*["---"] + ["---:"] * (len(cells) - 1))]


def _slices(gap: Found) -> dict[str, Bools]:
    n, task = gap.column("n_planned"), gap.column("task")
    found = {
        "all": np.ones(len(n), dtype=bool),
        **{f"{k} planned labels": n == k for k in PLANNED},
        **{str(k): task == k for k in np.unique(task)},
    }
    return {name: keep for name, keep in found.items() if keep.any()}


def _signs(gap: Found) -> str:
    lines = _head("", "rows", "harmful", "AUROC", "AUROC, clear", "Brier skill", "ECE")
    for name, keep in _slices(gap).items():
        one = gap.take(keep)
        harm, clear, p = one.truth > 0, one.column("clear"), one.p_above
        lines.append(_row(
            name, len(p), f"{100 * harm.mean():.0f} %", f"{auroc(harm, p):.3f}",
            f"{auroc(harm[clear], p[clear]):.3f}", f"{brier_skill(harm, p):+.3f}",
            f"{calibration_error(harm, p):.3f}",
        ))  # fmt: skip
    harm, families = gap.truth > 0, gap.column("family").astype(str)
    clear = gap.column("clear")
    every = _range(harm, gap.p_above, families)
    some = _range(harm[clear], gap.p_above[clear], families[clear])
    lines.append(
        f"\n90 % intervals, families resampled: AUROC {every}, over clear cells {some}.  The "
        "target set for it was 0.78."
    )
    return "\n".join(lines)


def _range(harm: Bools, score: Floats, families: NDArray[np.str_]) -> str:
    """Return the interval of the AUROC, which needs rows of both kinds."""
    if harm.all() or not harm.any():
        return "n/a"
    low, high = by_family(lambda i: auroc(harm[i], score[i]), families)
    return f"{low:.3f} to {high:.3f}"


def _rivals(gap: Found) -> str:
    harm, clear = gap.truth > 0, gap.column("clear")
    lines = _head("score", "AUROC", "AUROC, clear", *(f"clear, n = {n}" for n in PLANNED))
    n, found = gap.column("n_planned"), {}
    for name, score in {"**the model**": gap.p_above, **rivals(gap.rows)}.items():
        cells = [auroc(harm[k], score[k]) for k in (np.ones(len(n), bool), clear)]
        cells += [auroc(harm[k], score[k]) for k in (clear & (n == size) for size in PLANNED)]
        lines.append(_row(name, *(f"{value:.3f}" for value in cells)))
        found[name] = cells
    model, *others = found.values()
    beaten = [
        str(size) for i, size in enumerate(PLANNED, start=2)
        if any(cells[i] > model[i] for cells in others)
    ]  # fmt: skip
    lines.append(
        f"\nOf these numbers of planned labels, the best single score ranks the clear cells better "
        f"than the model at {', '.join(beaten) or 'none'}.  It is the best of ten, chosen after "
        "the fact; it gives no chance and no interval."
    )
    return "\n".join(lines)


def _ablations(data: Rows, keep: Bools) -> str:
    """Return how well the model does, fitted again, without a part of the evidence."""
    e = data.evidence
    nothing = {f"est_{name}": np.full(len(e["home"]), np.nan) for name in ESTIMATES}
    near = {"auc": np.full(len(e["home"]), 0.5), "energy": np.zeros(len(e["home"]))}
    without: dict[str, dict[str, Any]] = {
        "everything": {},
        "without the estimates of the error": nothing,
        "without these, the weighted error and the step towards the target": {
            **nothing, "weighted": e["home"], "towards": e["near"],
        },
        "without the distances of the inputs": near,
        "without these and the shift of the predictions": {
            **near, "predicted_shift": np.zeros(len(e["home"])),
        },
    }  # fmt: skip
    lines = _head("evidence", "AUROC", "AUROC, clear")
    for name, instead in without.items():
        rows = Rows(data.table, {**e, **instead})
        values = rows.of("gap")[1]
        mean, spread = left_out(rows, values)
        harm, score, clear = values[keep] > 0, (mean / spread)[keep], data.table["clear"][keep]
        lines.append(_row(
            name, f"{auroc(harm, score):.3f}", f"{auroc(harm[clear], score[clear]):.3f}"
        ))  # fmt: skip
    return "\n".join(lines)


def _intervals(gap: Found, error: Found) -> str:
    lines = _head("", "rows", "80 % covers", "90 % covers", "mean width of 80 %")
    slices = {f"gap, {name}": gap.take(keep) for name, keep in _slices(gap).items()}
    slices["error of the source model, all"] = error
    for name in np.unique(error.column("task")):
        slices[f"error of the source model, {name}"] = error.take(error.column("task") == name)
    for name, one in slices.items():
        covers = [
            np.mean((one.truth >= low) & (one.truth <= high)) for low, high in one.interval.values()
        ]
        low, high = one.interval[0.8]
        lines.append(_row(
            name, len(one.truth), *(f"{100 * c:.0f} %" for c in covers),
            f"{np.mean(high - low):.3f}",
        ))  # fmt: skip
    return "\n".join(lines)


def _said(gap: Found) -> str:
    lines = _head("chance of harm", "rows", "harmful", "clearly harmful", "clearly helpful")
    clear = gap.column("clear")
    for low, high, name in (
        (0.9, 1.01, "at least 90 %: likely hurts"), (0.5, 0.9, "50 to 90 %"),
        (0.1, 0.5, "10 to 50 %"), (-0.01, 0.1, "below 10 %: still 'cannot tell'"),
    ):  # fmt: skip
        keep = (gap.p_above >= low) & (gap.p_above < high)
        if not keep.any():
            lines.append(_row(name, 0, "", "", ""))
            continue
        harm = gap.truth[keep] > 0
        lines.append(_row(
            name, int(keep.sum()), *(f"{100 * np.mean(v):.0f} %" for v in (
                harm, harm & clear[keep], ~harm & clear[keep]))
        ))  # fmt: skip
    return "\n".join(lines)


def _failures(gap: Found) -> str:
    """Return the transfers that were thought harmless and clearly hurt, by data set."""
    table = gap.rows.table.assign(
        p=gap.p_above, gap=gap.truth, missed=gap.truth > gap.interval[0.9][1]
    )
    hidden = table[(table["p"] < MISSED) & table["clear"] & (table["gap"] > 0)]
    worst = hidden.groupby([*CASE, "n_planned"], observed=True).mean(numeric_only=True)
    worst = worst.reset_index().sort_values("gap", ascending=False)
    worst = worst.drop_duplicates(["set"]).head(SHOWN)
    like = hidden["auc"] < 0.7
    lines = [
        f"{len(hidden)} of {int((table['clear'] & (table['gap'] > 0)).sum())} clearly harmful "
        f"cases were given a chance of harm below {100 * MISSED:.0f} %; in "
        f"{100 * float(like.mean()) if len(like) else 0:.0f} % of these a classifier hardly tells "
        "the inputs apart (AUC below 0.7).  Above the 90 % interval lie "
        f"{100 * float(table['missed'].mean()):.1f} % of all cases (5 % expected).  The worst of "
        "each data set:\n",
        *_head("data set", "source, target", "planned", "gap", "chance of harm said", "AUC",
               "energy"),
    ]  # fmt: skip
    for row in worst.to_dict("records"):
        lines.append(_row(
            row["set"], f"{row['source']}, {row['target']}", row["n_planned"],
            f"{row['gap']:+.3f}", f"{100 * row['p']:.0f} %", f"{row['auc']:.2f}",
            f"{row['energy']:.2f}",
        ))  # fmt: skip
    return "\n".join(lines) + FOOT


HEAD = """# Prediction without target labels

Made by `python -m benchmarks.predictor.no_labels --evaluate` from the tables of measured
transfers ({pairs} pairs, {sets} data sets, {families} families, {rows} rows).  Asked: the gap of
the linear source model, used as it is, to a linear model of n target labels, before any of these
labels is there.  Gap in error rate, or in RMSE over the target's standard deviation; positive
means that transfer hurts; `clear` as in the table of outcomes.  Two draws of the target's inputs a
pair are two rows.  Whole families are left out, of the fit and of the quantiles.  The terms and
the penalty were chosen once, among five sets of terms, on the first 148 pairs measured, which
flatters the numbers below a little; the 76 terms tried first did worse than a divergence alone.
"""
FOOT = """

Why: two domains with the same inputs and other labels are, without labels, two equal domains. A
reversed, moved or rescaled label (concept shift, another level of the target) leaves every number
that goes in here as it was; the interval is wide because such transfers are among those it was
fitted on, and no more than that can be done about them.  About 30 target labels detect them.
"""
