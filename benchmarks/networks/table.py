"""The tables of the rankings of real networks, from the cells.

    python -m benchmarks.networks.table [--cache FOLDER]

With ``--cache`` the parts written by ``benchmarks.networks.rank`` are first gathered into
``cells.csv`` and ``outcomes.csv`` beside this file; the page ``RESULTS.md`` is made from these.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
KEYS = ["set", "split", "labels_a_class", "draw"]
DATA_SETS = {"office_caltech10": "office", "digits": "digits", "cifar10": "cifar"}
BASELINES = ("ImageNet accuracy, then size", "number of features", "probe")
CLEAR = 0.01
"""A network is better or worse than raw pixels from one point of accuracy on."""


def gather(cache: Path) -> None:
    """Put the parts together, in one order, each cell once."""
    for kind in ("cells", "outcomes"):
        parts = [pd.read_csv(path) for path in sorted(cache.glob(f"{kind}-*.csv"))]
        table = pd.concat(parts).drop_duplicates()
        table.sort_values(list(table.columns[:6])).to_csv(
            HERE / f"{kind}.csv", index=False, lineterminator="\n"
        )


def markdown(table: pd.DataFrame) -> str:
    """Return a table with its index as the first column."""
    head = [table.index.name or "", *map(str, table.columns)]
    rows = [[str(i), *map(str, row)] for i, row in zip(table.index, table.values, strict=True)]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def over_sets(cells: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the mean over cells within image sets: methods by image sets."""
    return cells.pivot_table(index="method", columns="set", values=column, aggfunc="mean")


def regrets(cells: pd.DataFrame) -> pd.DataFrame:
    """Return mean regret in points by labels a class and overall, and weighted tau."""
    out = {}
    for each in sorted(cells.labels_a_class.unique()):
        part = cells[cells.labels_a_class == each]
        out[f"regret, {each} a class"] = 100 * over_sets(part, "regret").mean(axis=1)
    every = 100 * over_sets(cells, "regret")
    out["regret, all"] = every.mean(axis=1)
    out["worst set"] = every.max(axis=1)
    out["weighted tau, all"] = over_sets(cells, "weighted_tau").mean(axis=1)
    return pd.DataFrame(out).sort_values("regret, all")


def against(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the paired difference in regret to the combined ranking, over image sets."""
    every = 100 * over_sets(cells, "regret")
    rng = np.random.default_rng(0)
    rows = {}
    for method in every.index.drop("combined"):
        difference = (every.loc[method] - every.loc["combined"]).dropna().to_numpy()
        draws = rng.choice(difference, size=(4000, len(difference))).mean(axis=1)
        low, high = np.quantile(draws, [0.05, 0.95])
        rows[method] = {
            "more regret than combined": f"{difference.mean():+.2f}",
            "90 % interval over image sets": f"{low:+.2f} to {high:+.2f}",
        }
    return pd.DataFrame(rows).T


def brackets(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return how often the best network is in the top bracket, and how large that is."""
    rows = {}
    for each, part in outcomes.groupby("labels_a_class"):
        grouped = part.groupby(KEYS)
        size = grouped.in_top_bracket.sum()
        holds = grouped.apply(
            lambda c: c.loc[c.reached >= c.reached.max() - 1e-9, "in_top_bracket"].max()
        )
        near = grouped.apply(
            lambda c: c.reached.max() - c.loc[c.in_top_bracket == 1, "reached"].max()
        )
        alone = size == 1
        lost = grouped.apply(lambda c: c.reached.max() - c.loc[c["rank"].idxmin(), "reached"])
        within = (part.rank_low <= _true_rank(part)) & (_true_rank(part) <= part.rank_high)
        rows[f"{each} a class"] = {
            "networks in the top bracket": f"{size.mean():.1f}",
            "best network in it": f"{holds.mean():.0%}",
            "best of it, points below the best": f"{100 * near.mean():.2f}",
            "one stands alone": f"{alone.mean():.0%}",
            "regret where one stands alone": f"{100 * lost[alone].mean():.2f}" if alone.any()
            else "",
            "true rank inside the 80 % interval": f"{within.mean():.0%}",
        }  # fmt: skip
    return pd.DataFrame(rows).T


def _true_rank(part: pd.DataFrame) -> pd.Series:
    return part.groupby(KEYS).reached.rank(ascending=False, method="average")


def flags(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return what was said against raw pixels, beside what the full probes reach."""
    part = outcomes.copy()
    gap = part.raw_reached - part.reached
    part["really"] = np.select(
        [gap > CLEAR, gap < -CLEAR], ["worse", "better"], default="within one point"
    )
    return (
        pd.crosstab([part.labels_a_class, part.really], part.outcome_against_raw)
        .reset_index()
        .rename(columns={"labels_a_class": "labels a class", "really": "in truth"})
    )


def by_network(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return, on office pictures, how often a network is called helping or hurting."""
    part = outcomes[outcomes.set.str.startswith("office_caltech10")]
    rows = {}
    for network, own in part.groupby("network"):
        truth = own.drop_duplicates(["set", "split"])
        gain = 100 * (truth.reached - truth.raw_reached).mean()
        rows[network] = {
            "full probe less raw pixels, points": f"{gain:+.1f}",
            **{
                f"{each} a class: helps / cannot tell / hurts": " / ".join(
                    f"{(now.outcome_against_raw == word).mean():.0%}"
                    for word in ("helps", "cannot tell", "hurts")
                )
                for each, now in own.groupby("labels_a_class")
            },
        }
    return pd.DataFrame(rows).T


def page(cells: pd.DataFrame, outcomes: pd.DataFrame) -> str:
    """Return the results page."""
    whole = regrets(cells)
    complete = cells.groupby("method").size() == cells.groupby("method").size().max()
    told = whole.map(lambda v: f"{v:.2f}")
    told["cells"] = cells.groupby("method").size().reindex(told.index)
    per_set = (100 * over_sets(cells, "regret")).map(lambda v: f"{v:.2f}")
    keep = ["combined", *BASELINES, "parc", "logme", "shrunken_h_score", "knn_probe"]
    counts = cells.drop_duplicates(KEYS).groupby("labels_a_class").size()
    return TEXT.format(
        cells=", ".join(f"{n} with {each} labels a class" for each, n in counts.items()),
        regrets=markdown(told),
        per_set=markdown(per_set.loc[[k for k in keep if k in per_set.index]]),
        against=markdown(against(cells[cells.method.isin(complete[complete].index)])),
        brackets=markdown(brackets(outcomes)),
        flags=markdown(flags(outcomes).set_index("labels a class")),
        networks=markdown(by_network(outcomes)),
    )  # fmt: skip


TEXT = """# Which of fifteen pretrained networks?

Made by `python -m benchmarks.networks.table` from `cells.csv` and `outcomes.csv`, which
`benchmarks.networks.features`, `.truth` and `.rank` wrote. Fifteen small networks (ImageNet,
iNaturalist, VOC, PoseNet, CIFAR-10) on nine sets of images; for every cell labels are drawn from
one half of the images, and every ranking is judged by what a full linear probe on all of that half
reaches on the other half. Cells:
{cells}; where a class has fewer
images, all of them.

Regret: accuracy of the best network less accuracy of the one ranked first, in points, mean over
cells within an image set, then over image sets. Weighted tau: `scipy.stats.weightedtau(accuracy,
score, rank=None)`. Ties at the top share. Scores of a source head (LEEP, NCE) rank the networks
without a head last. NLEEP and
PACTran were computed up to 400 labels.

{regrets}

How the combined ranking joins the probe's proper score with PARC, and how often the probe's noise
counts, was chosen on these same images, from about sixty rules that differed by 0.1 to 0.3 points;
so its figures are a little too good, by less than that. PARC alone, which needs no fit at all, does
as well here within the noise; it sees neither the raw inputs nor the size of an error, so it can
stand for no verdict.

## By image set: mean regret in points

{per_set}

## Against the combined ranking

Mean difference in regret over image sets, with a bootstrap interval over the image sets.

{against}

## What it says when it cannot separate

{brackets}

## Against raw pixels

What was said of each network against the raw pixels, beside what the full probes reach
(better or worse from one point on): number of networks and cells.

{flags}

Office pictures (four domains), network by network:

{networks}
"""


def main() -> int:
    """Gather, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--cache", type=Path)
    cache = parser.parse_args().cache
    if cache is not None:
        gather(cache)
    cells, outcomes = (pd.read_csv(HERE / f"{kind}.csv") for kind in ("cells", "outcomes"))
    (HERE / "RESULTS.md").write_text(page(cells, outcomes), encoding="utf-8")
    print(f"{len(cells.drop_duplicates(KEYS))} cells")
    return 0


if __name__ == "__main__":
    sys.exit(main())
