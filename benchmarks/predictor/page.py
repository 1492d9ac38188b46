"""The tables of the predictor's page: sign, size, intervals, policy, and where it fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.outcomes.table import CASE, CELL

from . import judge

if TYPE_CHECKING:
    from .evaluate import Judged

Floats = NDArray[np.float64]
NAIVE = ("pooled", "source-only")
DIVERGENCES = (
    "measure_proxy_a_distance", "measure_classifier_two_sample_test", "measure_mmd",
    "measure_energy_distance", "measure_coral_distance", "measure_sliced_wasserstein",
    "measure_support_overlap", "measure_frechet_distance", "measure_wasserstein",
    "measure_knn_kl_divergence", "measure_relative_density_ratio",
)  # fmt: skip


def page(judged: Judged, by_draw: pd.DataFrame, pairs: pd.DataFrame, *, intro: str = "") -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    judged : Judged
        Predictions by models that had not seen the family of the case.
    by_draw : DataFrame
        Gaps of every draw, for the noise ceiling.
    pairs : DataFrame
        Measures of each pair, for the rival "best single divergence".
    intro : str
        Who made it, as a paragraph.
    """
    parts = [
        "# The gap predictor on data sets it has not seen", intro or INTRO,
        _sizes(judged), *_sign(judged, by_draw, pairs), *_calibration(judged),
        *_intervals(judged), *_policy(judged), *_by_set(judged),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


INTRO = (
    "Made by `python -m benchmarks.predictor.evaluate` from the committed tables of "
    "`benchmarks/outcomes`. Whole families of data sets are left out, in fifteen folds. Gap: "
    "error with transfer less error of the target-only model (error rate; RMSE in standard "
    "deviations of the target's labels); positive where transfer hurts. *Mean*: the gap averaged "
    "over the draws of the labels; *own*: the gap of the very draw the pilot had. *Clear*: |gap| "
    "beyond two standard errors and one point (0.02 sd). Square brackets: 90 % interval, whole "
    "families resampled.\n\nThe terms of the model, its penalty and the cost of a harm were "
    "chosen among some fifty variants while looking at families left out of these data, which "
    "flatters the numbers a little; `python -m benchmarks.predictor --data DIR` gives the same "
    "tables for data sets that nothing was chosen on."
)


def _sizes(judged: Judged) -> str:
    t = judged.table
    pairs = len(t[CASE].drop_duplicates())
    clear = t["clear"].mean()
    return (
        f"{len(t):,} cases (pair, learner, strategy, number of labels, draw of the pilot) of "
        f"{pairs} pairs, {t['set'].nunique()} data sets in {t['family'].nunique()} families; "
        f"{100 * (t['gap'] > 0).mean():.0f} % of the mean gaps are above 0, "
        f"{100 * clear:.0f} % are clear."
    )


def _groups(t: pd.DataFrame) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield the name and rows of each group of cases that has any."""
    yield from ((name, rows) for name, rows in _every_group(t) if rows.any())


def _every_group(t: pd.DataFrame) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    regression = (t["task"] == "regression").to_numpy()
    yield "all", np.ones(len(t), dtype=bool)
    yield "classification", ~regression
    yield "regression", regression
    for learner in sorted(t["learner"].unique()):
        yield f"{learner} learner", (t["learner"] == learner).to_numpy()
    for n in sorted(t["n_labels"].unique()):
        yield f"{n} labels", (t["n_labels"] == n).to_numpy()
    yield "pooled and source-only", t["strategy"].isin(NAIVE).to_numpy()
    for strategy in sorted(t["strategy"].unique()):
        yield strategy, (t["strategy"] == strategy).to_numpy()


def _sign(judged: Judged, by_draw: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    t = judged.table
    harm, own = (t["gap"] > 0).to_numpy(), (t["own"] > 0).to_numpy()
    clear = t["clear"].to_numpy()
    families = t["family"].to_numpy(dtype=str)
    raw = t["pilot_gap"].to_numpy(dtype=float)
    score = judged.p_harm
    rows = []
    for name, k in _groups(t):
        both = k & clear
        low, high = judge.by_family(
            lambda i, k=k: judge.auroc(harm[k][i], score[k][i]),
            families[k],  # type: ignore[misc]
        )
        all_ = f"{judge.auroc(harm[k], score[k]):.3f} [{low:.3f}, {high:.3f}]"
        rows.append([
            name, f"{int(k.sum()):,}", all_,
            f"{judge.auroc(harm[both], score[both]):.3f}",
            f"{judge.auroc(own[k], judged.p_harm_draw[k]):.3f}",
            f"{judge.auroc(harm[k], raw[k]):.3f}", f"{judge.auroc(harm[both], raw[both]):.3f}",
        ])  # fmt: skip
    head = ["cases", "number", "mean: all", "mean: clear", "own: all", "raw pilot: all",
            "raw pilot: clear"]  # fmt: skip
    rivals = _rivals(judged, pairs)
    return [
        "## Sign\n\nAUROC of the probability of harm for a gap above 0.",
        markdown_table(head, rows),
        "What could be reached: gaps over a few draws are noisy themselves, and the pilot has one "
        "draw. The first two rows know gaps that nobody can know before training.",
        markdown_table(
            ["what ranks", "of what", "all", "clear", "Spearman", "Brier"],
            _ceilings(judged, by_draw),
        ),
        "Rivals, over pooled and source-only (a rule that knows nothing of the strategy cannot "
        "rank others):",
        markdown_table(["score", "all", "clear"], rivals),
    ]


def _ceilings(judged: Judged, by_draw: pd.DataFrame) -> list[list[str]]:
    t = judged.table
    half = judge.split_half(by_draw[by_draw["n_labels"] >= 20])
    half = half[half["strategy"].isin(t["strategy"].unique())]
    half = half[half["learner"].isin(t["learner"].unique())]
    a, se, b = (half[name].to_numpy(dtype=float) for name in ("a", "se", "b"))
    own = t["own"].to_numpy(dtype=float)
    others = ((t["gap"] * t["draws"] - t["own"]) / (t["draws"] - 1)).to_numpy(dtype=float)
    both = t.assign(p=judged.p_harm, mean=judged.mean).groupby(CELL, sort=False)
    two = both.agg(
        p=("p", "mean"), mean=("mean", "mean"), gap=("gap", "first"), clear=("clear", "first"),
        pilots=("p", "size"),
    )  # fmt: skip
    two = two[two["pilots"] > 1]
    clear = t["clear"].to_numpy()

    def row(
        what: str, of: str, score: Floats, size: Floats, truth: Floats, clear: NDArray[np.bool_],
        brier: float,
    ) -> list[str]:  # fmt: skip
        harm = truth > 0
        found = judge.auroc(harm, score), judge.auroc(harm[clear], score[clear])
        skill = f"{100 * brier:.0f} %" if np.isfinite(brier) else ""
        return [what, of, *(f"{x:.3f}" for x in (*found, judge.spearman(size, truth))), skill]

    nan = float("nan")
    return [
        row("measured mean of the even draws", "mean of the odd draws", a, a, b,
            half["clear"].to_numpy(), judge.brier_from(a, se, b > 0)),
        row("measured gap of the pilot's draw", "mean of the other draws", own, own, others,
            clear, nan),
        row("**predictor, one pilot**", "mean of the other draws", judged.p_harm, judged.mean,
            others, clear, judge.brier_skill(others > 0, judged.p_harm)),
        row("predictor, mean of two pilots", "mean of all draws", *(
            two[name].to_numpy(dtype=float) for name in ("p", "mean", "gap")
        ), two["clear"].to_numpy(dtype=bool),
            judge.brier_skill(two["gap"].to_numpy() > 0, two["p"].to_numpy())),
    ]  # fmt: skip


def _rivals(judged: Judged, pairs: pd.DataFrame) -> list[list[str]]:
    t = judged.table
    k = t["strategy"].isin(NAIVE).to_numpy()
    part = t[k].reset_index(drop=True)
    harm, clear = (part["gap"] > 0).to_numpy(), part["clear"].to_numpy()
    scores: dict[str, Floats] = {
        "**predictor**": judged.p_harm[k],
        "raw pilot difference": part["pilot_gap"].to_numpy(dtype=float),
        "raw pilot difference in standard errors": (
            part["pilot_gap"] / part["pilot_se"].clip(lower=1e-6)
        ).to_numpy(dtype=float),
    }
    keys = ["set", "source", "target", "learner", "n_labels", "draw"]
    source = t[t["strategy"] == "source-only"][[*keys, "pilot_error"]]
    joined = part[keys].merge(source, on=keys, how="left")["pilot_error"].to_numpy(dtype=float)
    scores["error of the source model on the labelled rows"] = joined
    known = [name for name in DIVERGENCES if name in pairs]
    if known:
        values = part[CASE].merge(pairs[[*CASE, *known]], on=CASE, how="left")[known]
        found = {}
        for name in known:
            value = values[name].to_numpy(dtype=float)
            ok = np.isfinite(value)
            if ok.mean() > 0.2:
                found[name] = (judge.auroc(harm[ok], value[ok]), value)
        if found:
            best = max(found, key=lambda name: abs(found[name][0] - 0.5))
            sign = 1.0 if found[best][0] >= 0.5 else -1.0
            label = best.removeprefix("measure_").replace("_", " ")
            scores[f"best single divergence of {len(found)} ({label}, chosen on these cases)"] = (
                sign * found[best][1]
            )
    rows = []
    for name, score in scores.items():
        ok = np.isfinite(score)
        both = ok & clear
        rows.append([
            name, f"{judge.auroc(harm[ok], score[ok]):.3f}",
            f"{judge.auroc(harm[both], score[both]):.3f}",
        ])  # fmt: skip
    return rows


def _calibration(judged: Judged) -> list[str]:
    t = judged.table
    harm, own = (t["gap"] > 0).to_numpy(), (t["own"] > 0).to_numpy()
    gap = t["gap"].to_numpy(dtype=float)
    rows = []
    for name, k in _groups(t):
        rows.append([
            name, f"{judge.spearman(judged.mean[k], gap[k]):.3f}",
            f"{judge.spearman(t['pilot_gap'].to_numpy(dtype=float)[k], gap[k]):.3f}",
            f"{100 * judge.brier_skill(harm[k], judged.p_harm[k]):.0f} %",
            f"{judge.calibration_error(harm[k], judged.p_harm[k]):.3f}",
            f"{100 * judge.brier_skill(own[k], judged.p_harm_draw[k]):.0f} %",
            f"{judge.calibration_error(own[k], judged.p_harm_draw[k]):.3f}",
        ])  # fmt: skip
    return [
        "## Size and probability\n\nSpearman: rank correlation of predicted and measured mean "
        "gap. Brier: how far the Brier score lies below that of the constant prevalence. ECE: "
        "expected calibration error, ten bins.",
        markdown_table(
            [
                "cases",
                "Spearman",
                "of the raw pilot",
                "Brier, mean",
                "ECE, mean",
                "Brier, own",
                "ECE, own",
            ],
            rows,
        ),
    ]


def _intervals(judged: Judged) -> list[str]:
    t = judged.table
    gap, own = (t[k].to_numpy(dtype=float) for k in ("gap", "own"))
    raw, se = (t[k].to_numpy(dtype=float) for k in ("pilot_gap", "pilot_se"))
    se = np.maximum(se, 0.002)
    rows = []
    for name, k in _groups(t):
        cells = [name]
        for level in (0.8, 0.9):
            low, high = judged.interval[level]
            cells.append(f"{100 * np.mean((gap >= low)[k] & (gap <= high)[k]):.1f} %")
        low, high = judged.interval_draw[0.9]
        cells.append(f"{100 * np.mean((own >= low)[k] & (own <= high)[k]):.1f} %")
        low, high = judged.interval[0.9]
        width = float(np.mean((high - low)[k]))
        # Split-conformal around the raw pilot, at the coverage the predictor has here.
        cover = float(np.mean((gap >= low)[k] & (gap <= high)[k]))
        plain = 2 * float(np.quantile(np.abs(gap - raw)[k], cover))
        scaled = float(np.mean(2 * np.quantile((np.abs(gap - raw) / se)[k], cover) * se[k]))
        cells += [f"{width:.3f}", f"{plain:.3f}", f"{scaled:.3f}",
                  f"{100 * (1 - width / min(plain, scaled)):.0f} %"]  # fmt: skip
        rows.append(cells)
    return [
        "## Intervals\n\nShare of measured gaps inside, and mean width of the 90 % interval "
        "beside split-conformal intervals around the raw pilot that cover as much: of one width, "
        "and proportional to the pilot's standard error.",
        markdown_table(
            [
                "cases",
                "80 %, mean",
                "90 %, mean",
                "90 %, own",
                "width",
                "conformal, one width",
                "conformal, scaled",
                "narrower by",
            ],
            rows,
        ),
    ]


def _policy(judged: Judged) -> list[str]:
    t = judged.table.assign(
        _expected=judged.expected, _mean=judged.mean,
        _z=judged.table["pilot_gap"] / judged.table["pilot_se"].clip(lower=0.002),
    )  # fmt: skip
    best = judge.oracle(t)
    rules: dict[str, pd.DataFrame] = {
        "**least expected loss, harm counted three times**": judge.choices(t, "_expected"),
        "least predicted gap": judge.choices(t, "_mean"),
        "the pilot's best": judge.choices(t, "pilot_gap"),
        "the pilot's best, if beyond one standard error": judge.choices(t, "_z", largest=-1.0),
    }
    for strategy in ("stacking", "pooled", "pooled-equal-weight", "source-only"):
        rules[f"always {strategy}"] = judge.always(t, strategy)
    chosen = rules["**least expected loss, harm counted three times**"]
    families = best.reset_index()["family"].to_numpy(dtype=str)

    def share(rule: pd.DataFrame, k: NDArray[np.bool_] | None = None) -> str:
        own = rule["own"].to_numpy()
        top = best["own"].to_numpy()
        if k is not None:
            own, top = own[k], top[k]
        return f"{100 * own.sum() / top.sum():.0f} %" if top.sum() else "n/a"

    classes = (best.reset_index()["task"] != "regression").to_numpy()
    rows = [["oracle (best over the other draws)", f"{best['own'].mean():+.4f}", "100 %", "100 %",
             "100 %", f"{100 * best['clear_harm'].mean():.1f} %", _taken(best), ""]]  # fmt: skip
    for name, rule in rules.items():
        rule = judge.everywhere(rule, best)
        difference = (chosen.reindex(best.index)["own"] - rule["own"]).to_numpy()
        low, high = judge.by_family(
            lambda i, d=difference: float(d[i].mean()),
            families,  # type: ignore[misc]
        )
        against = "" if name.startswith("**") else (
            f"{difference.mean():+.4f} [{low:+.4f}, {high:+.4f}]"
        )  # fmt: skip
        rows.append([
            name, f"{rule['own'].mean():+.4f}", share(rule), share(rule, classes),
            share(rule, ~classes), f"{100 * rule['clear_harm'].mean():.1f} %", _taken(rule),
            against,
        ])  # fmt: skip
    rows.append(["never transfer", "+0.0000", "0 %", "0 %", "0 %", "0.0 %", "0 %",
                 _never(chosen.reindex(best.index), families)])  # fmt: skip
    return [
        "## Following it\n\nOne decision for each pair, learner, number of labels and draw: the "
        "strategy with the least score, or the target alone where none is below 0. Gain is that "
        "of the very draw; where a strategy was not measured, the target alone takes its place. "
        "Clearly worse: the mean gap of what was chosen is clear and above 0. "
        "Last column: mean gap of the first rule less that of the row (below 0: the first rule is "
        "better).",
        markdown_table(
            [
                "rule",
                "mean gap",
                "of the oracle's gain",
                "classification",
                "regression",
                "clearly worse than target-only",
                "transfers",
                "difference",
            ],
            rows,
        ),
    ]


def _taken(rule: pd.DataFrame) -> str:
    return f"{100 * (rule['strategy'] != 'target-only').mean():.0f} %"


def _never(chosen: pd.DataFrame, families: NDArray[np.str_]) -> str:
    own = chosen["own"].to_numpy()
    low, high = judge.by_family(lambda i: float(own[i].mean()), families)
    return f"{own.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


def _by_set(judged: Judged) -> list[str]:
    t = judged.table.reset_index(drop=True)
    harm = (t["gap"] > 0).to_numpy()
    squared = (judged.p_harm - harm) ** 2
    rows = []
    for name, index in t.groupby("set").groups.items():
        k = np.asarray(index)
        clear = k[t["clear"].to_numpy()[k]]
        wrong = np.mean((judged.p_harm[clear] > 0.5) != harm[clear]) if clear.size else np.nan
        low, high = judged.interval[0.9]
        gap = t["gap"].to_numpy(dtype=float)
        rows.append((
            float(squared[k].mean()),
            [str(name), str(len(k)), f"{100 * harm[k].mean():.0f} %", f"{squared[k].mean():.3f}",
             f"{100 * wrong:.0f} %", f"{100 * np.mean((gap >= low)[k] & (gap <= high)[k]):.0f} %"],
        ))  # fmt: skip
    rows.sort(key=lambda row: -row[0])
    return [
        "## By data set\n\nWorst Brier score first; wrong: share of the clear cases whose sign "
        "the probability gets wrong; inside: 90 % interval.",
        markdown_table(
            ["data set", "cases", "harm", "Brier", "wrong, clear", "inside"],
            [row for _, row in rows],
        ),
    ]


def markdown_table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
