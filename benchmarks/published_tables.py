"""Published tables of task similarity and transferability, beside what this package finds.

Taskonomy's transfers ranked by DDS and RSA (Dwivedi et al. 2020), Ding et al.'s layers of BERT,
Model Spider's table of scores, and the example of Kornblith et al. From stored dissimilarities
our own functions compute the whole of the first table; for the layers and for Model Spider the
distances and scores themselves are published, and only what was made of them is done again. The
stored data are not part of the project: `../shared/data/outcomes` beside the checkout.

    python -m benchmarks.published_tables            # some seconds
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import squareform
from scipy.stats import kendalltau, rankdata, spearmanr, weightedtau
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from negtransfer.metrics.similarity.cka import cka
from negtransfer.metrics.similarity.dds import dds
from negtransfer.metrics.similarity.mean_cca import mean_cca
from negtransfer.metrics.similarity.rsa import rsa

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "outcomes"
VALUE_ONLY: dict[str, Any] = {"n_permutations": 0, "n_draws": 0}
OTHER_FILE = "the published file of scores gives another value than the published table"
ROUNDED = "the published mean is that of the published, rounded cells"

# tasks left out of the published table, and names that differ between the two sources
LEFT_OUT = ("colorization", "class_places", "inpainting_whole")
RENAMED = {
    "segmentsemantic": "segmentsemantic_rb",
    "vanishing_point": "vanishing_point_well_defined",
}
PIXEL_TASKS = ("autoencoder", "denoise", "edge2d", "keypoint2d", "segment2d")
STAGES = {"final": "all data", "16k": "16k images", "1k": "1k images"}

DING = {"Procrustes": (0.574, 0.435), "CKA": (0.628, 0.473), "PWCCA": (0.491, 0.368)}

SETS = ("Aircraft", "Caltech101", "Cars", "CIFAR10", "CIFAR100", "DTD", "Pet", "SUN397")
SPIDER = {
    "H-Score": (0.328, 0.738, 0.616, 0.797, 0.784, 0.395, 0.610, 0.918, 0.648),
    "NCE": (0.501, 0.752, 0.771, 0.694, 0.617, 0.403, 0.696, 0.892, 0.666),
    "LEEP": (0.244, 0.014, 0.704, 0.601, 0.620, -0.111, 0.680, 0.509, 0.408),
    "NLEEP": (-0.725, 0.599, 0.622, 0.768, 0.776, 0.074, 0.787, 0.730, 0.454),
    "LogME": (0.540, 0.666, 0.677, 0.802, 0.798, 0.429, 0.628, 0.870, 0.676),
    "PACTranDirichlet": (0.031, 0.200, 0.665, 0.717, 0.620, -0.236, 0.616, 0.565, 0.397),
    "OTCE": (-0.241, -0.011, -0.157, 0.569, 0.573, -0.165, 0.402, 0.218, 0.149),
    "LFC": (0.279, -0.165, 0.243, 0.346, 0.418, -0.722, 0.215, -0.344, 0.034),
    "GBC": (-0.744, -0.055, -0.265, 0.758, 0.544, -0.102, 0.163, 0.457, 0.095),
}
"""Weighted tau on the sets in the order of SETS, and the mean: README of Model-Spider."""
SPIDER_DIFFERS = {
    ("LEEP", "Aircraft"): OTHER_FILE,
    ("NLEEP", "Aircraft"): OTHER_FILE,
    ("LogME", "Aircraft"): OTHER_FILE,
    ("LEEP", "mean"): "as for Aircraft",
    ("NLEEP", "mean"): "as for Aircraft",
    ("LogME", "mean"): "as for Aircraft",
    ("GBC", "mean"): ROUNDED,
}


@dataclass(frozen=True)
class Cell:
    """One published number and ours; ``published`` is None where nobody printed it."""

    table: str
    what: str
    found: float
    published: float | None = None
    digits: int = 3
    remark: str = ""

    @property
    def equal(self) -> bool | None:
        """Whether ours rounds to the published number."""
        if self.published is None:
            return None
        return abs(self.found - self.published) <= 0.5 * 10.0**-self.digits * (1 + 1e-6)


# --- Taskonomy: does similarity to the target's encoder rank the sources?


@dataclass(frozen=True)
class Taskonomy:
    """Dissimilarities of the encoders, and how well every source served every target.

    Attributes
    ----------
    tasks : tuple of str
        The 17 tasks of the published table.
    matrices : mapping
        From "0_199" and "200_399", the images used, to an array of shape (17, 200, 200).
    outcomes : mapping
        From a name such as "affinity_final" to an array (source, target) of shape (17, 17).
    """

    tasks: tuple[str, ...]
    matrices: Mapping[str, np.ndarray]
    outcomes: Mapping[str, np.ndarray]


def read_taskonomy(data: Path) -> Taskonomy:
    """Return the stored matrices for the tasks of the published table."""
    stored = np.load(data / "taskonomy" / "dds_rdms_znorm_cosine.npz")
    transfers = np.load(data / "taskonomy" / "taskonomy_first_order.npz")
    kept = [k for k, task in enumerate(stored["tasks"]) if task not in LEFT_OUT]
    tasks = [str(stored["tasks"][k]) for k in kept]
    names = [RENAMED.get(task, task) for task in tasks]
    sources = [transfers["sources"].tolist().index(name) for name in names]
    targets = [transfers["targets"].tolist().index(name) for name in names]
    matrices = {
        images: np.stack([squareform(m) for m in stored[f"rdm_condensed_images_{images}"][kept]])
        for images in ("0_199", "200_399")
    }
    outcomes = {
        name: transfers[name][np.ix_(sources, targets)]
        for name in transfers.files
        if name not in ("sources", "targets")
    }
    return Taskonomy(tuple(tasks), matrices, outcomes)


def value_of(result: Any) -> float:
    """Return the value of a similarity; without one no table is made."""
    if result.value is None:
        raise ValueError(str(result.reason))
    return float(result.value)


def all_pairs(matrices: np.ndarray, similarity: Callable[[Any, Any], float]) -> np.ndarray:
    """Return the similarity of every two encoders; a task is like itself, 1."""
    out = np.eye(len(matrices))
    for i, j in zip(*np.triu_indices(len(matrices), 1), strict=True):
        out[i, j] = out[j, i] = similarity(matrices[i], matrices[j])
    return out


def by_dds(first: np.ndarray, second: np.ndarray) -> float:
    """Return the duality diagram similarity of two matrices."""
    return value_of(dds(first, second, function="precomputed", **VALUE_ONLY))


def by_rsa(first: np.ndarray, second: np.ndarray) -> float:
    """Return the rank correlation of two matrices."""
    return value_of(rsa(first, second, distance="precomputed", **VALUE_ONLY))


def mean_rank_correlation(score: np.ndarray, outcome: np.ndarray, *, itself: bool) -> float:
    """Return Spearman's correlation over sources, averaged over targets.

    ``itself``: whether the target's own encoder counts among the sources, as it does in the
    published tables, where it is always the first.
    """
    found = []
    for target in range(len(score)):
        rows = np.arange(len(score))
        rows = rows if itself else rows[rows != target]
        found.append(spearmanr(score[rows, target], outcome[rows, target]).statistic)
    return float(np.mean(found))


def taskonomy_table(stored: Taskonomy) -> Iterator[Cell]:
    """Yield the published correlations, and the same without the target itself."""
    printed = {
        ("DDS", "affinity_final", "0_199"): (0.8620242214532873, 12),
        ("DDS", "wins_vs_scratch_16k", "0_199"): (0.8381203313797776, 12),
        ("RSA", "affinity_final", "0_199"): (0.8572664359861593, 12),
    }
    table = "Taskonomy: mean rank correlation over 17 targets"
    for name, similarity, images in (
        ("DDS", by_dds, "0_199"), ("RSA", by_rsa, "0_199"), ("DDS", by_dds, "200_399"),
    ):  # fmt: skip
        score = all_pairs(stored.matrices[images], similarity)
        for outcome, words in (("affinity_final", "affinity"), ("wins_vs_scratch_16k", "wins")):
            published, digits = printed.get((name, outcome, images), (None, 3))
            what = f"{name}, {words}, images {images.replace('_', '-')}"
            for itself in (True, False):
                yield Cell(
                    table, what if itself else f"{what}, without itself",
                    mean_rank_correlation(score, stored.outcomes[outcome], itself=itself),
                    published if itself else None, digits,
                )  # fmt: skip


def negative_transfer_table(stored: Taskonomy) -> Iterator[Cell]:
    """Yield how well DDS tells transfers that beat training from scratch from those that do not.

    Nobody published these; they say what a threshold on a similarity is worth.
    """
    score = all_pairs(stored.matrices["0_199"], by_dds)
    ranks = np.column_stack([_ranks_without_itself(score, k) for k in range(len(score))])
    others = ~np.eye(len(score), dtype=bool)
    semantic = others & ~np.isin(stored.tasks, PIXEL_TASKS)[None, :]
    table = "Taskonomy: area under the curve of DDS for beating training from scratch"
    for stage, words in STAGES.items():
        won = stored.outcomes[f"wins_vs_scratch_{stage}"] >= 0.5
        mixed = [k for k in range(len(score)) if 0 < won[others[:, k], k].mean() < 1]
        within = [roc_auc_score(won[others[:, k], k], score[others[:, k], k]) for k in mixed]
        yield Cell(table, f"{words}, within a target ({len(mixed)} mixed)", float(np.mean(within)))
        yield Cell(table, f"{words}, one threshold for all", _area(won, score, others))
        yield Cell(table, f"{words}, one threshold, 12 targets", _area(won, score, semantic))
        yield Cell(table, f"{words}, rank in the target, 12 targets", _area(won, ranks, semantic))


def _ranks_without_itself(score: np.ndarray, target: int) -> np.ndarray:
    out = np.zeros(len(score))
    others = np.arange(len(score)) != target
    out[others] = rankdata(score[others, target])
    return out


def _area(won: np.ndarray, score: np.ndarray, cells: np.ndarray) -> float:
    return float(roc_auc_score(won[cells], score[cells]))


# --- Ding et al. 2021: does the distance to the best layer follow the loss of accuracy?


def ding_table(data: Path) -> Iterator[Cell]:
    """Yield the correlations of the layer experiment on QNLI, from the stored distances."""
    stored = np.load(data / "taskonomy" / "ding2021_bert_layers.npz")
    accuracy, layer = stored["relative_accuracy_QNLI"], stored["layer"]
    for name, printed in DING.items():
        distance = stored[f"dist_{name}"].astype(np.float64)
        found = []
        for at in np.unique(layer):
            rows = np.flatnonzero(layer == at)
            best = rows[accuracy[rows].argmax()]
            lost = np.abs(accuracy - accuracy[best])
            found.append([f(distance[best], lost).statistic for f in (spearmanr, kendalltau)])
        for value, published, words in zip(
            np.mean(found, axis=0), printed, ("Spearman", "Kendall"), strict=True
        ):
            yield Cell("BERT layers (Ding et al. 2021), QNLI", f"{name}, {words}", float(value),
                       published)  # fmt: skip


# --- Model Spider: how well do scores rank ten networks?


def spider_table(data: Path) -> Iterator[Cell]:
    """Yield the weighted tau of every score on every set, and its mean over sets.

    By descending accuracy alone (``rank=None``, accuracy first); SciPy's default averages over
    both rankings and gives other numbers.
    """
    folder = data / "model_spider"
    scores = pd.read_csv(folder / "baseline_results.csv")
    both = scores.merge(pd.read_csv(folder / "finetuning_accuracy.csv"), on=["Dataset", "Model"])
    groups = dict(tuple(both.groupby("Dataset")))
    for name, printed in SPIDER.items():
        found = [
            float(weightedtau(groups[s]["accuracy"], groups[s][name], rank=None).statistic)
            for s in SETS
        ]
        for where, value, published in zip(
            (*SETS, "mean"), (*found, float(np.mean(found))), printed, strict=True
        ):
            yield Cell(
                "Model Spider: weighted tau over 10 networks", f"{name}, {where}", value, published,
                remark=SPIDER_DIFFERS.get((name, where), ""),
            )  # fmt: skip


# --- Kornblith et al. 2019: the example of their notebook


def kornblith_table() -> Iterator[Cell]:
    """Yield the numbers of the notebook's example, whose seed is 1337."""
    state = np.random.RandomState(1337)  # the notebook's generator
    X = state.randn(100, 10)
    Y = state.randn(100, 10) + X
    # a table and its mirror image have mean 0: centring, which the notebook leaves out for CCA,
    # then does nothing
    mirrored = np.vstack([X, -X]), np.vstack([Y, -Y])
    table = "Example of Kornblith et al. (2019), seed 1337"
    for what, result, published, remark in (
        ("linear CKA", cka(X, Y, debiased=False, **VALUE_ONLY), 0.55761, ""),
        ("rbf CKA", cka(X, Y, kernel="rbf", debiased=False, **VALUE_ONLY), 0.65483, ""),
        ("debiased linear CKA", cka(X, Y, **VALUE_ONLY), 0.51346, ""),
        ("mean squared CCA", mean_cca(*mirrored, squared=True, **VALUE_ONLY), 0.54312,
         "the notebook does not centre; here too, by mirrored rows"),
        ("mean squared CCA, centred", mean_cca(X, Y, squared=True, **VALUE_ONLY), None, ""),
    ):  # fmt: skip
        yield Cell(table, what, value_of(result), published, 5, remark)


def cells(data: Path) -> Iterator[Cell]:
    """Yield every cell of every table."""
    stored = read_taskonomy(data)
    yield from taskonomy_table(stored)
    yield from negative_transfer_table(stored)
    yield from ding_table(data)
    yield from spider_table(data)
    yield from kornblith_table()


def page(found: list[Cell]) -> str:
    """Return the cells as one table in Markdown for each published table, and the count."""
    lines = []
    for table in dict.fromkeys(cell.table for cell in found):
        lines += [f"\n## {table}\n", "| | published | here | | remark |", "|---|---|---|---|---|"]
        for c in (cell for cell in found if cell.table == table):
            digits = max(3, c.digits)
            printed = "none" if c.published is None else f"{c.published:.{digits}f}"
            mark = {True: "equal", False: "differs", None: ""}[c.equal]
            lines.append(f"| {c.what} | {printed} | {c.found:.{digits}f} | {mark} | {c.remark} |")
    printed_ones = [cell for cell in found if cell.equal is not None]
    equal = sum(bool(cell.equal) for cell in printed_ones)
    lines.append(f"\n{equal} of {len(printed_ones)} published numbers are equal.")
    return "\n".join(lines)


def main() -> None:
    """Print published beside found."""
    parser = argparse.ArgumentParser(description="Published tables beside what is found here.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the stored outcomes")
    data = parser.parse_args().data
    if not (data / "taskonomy").is_dir():
        parser.error(f"no stored outcomes in {data}; name their folder with --data")
    with threadpool_limits(1):
        print(page(list(cells(data))))


if __name__ == "__main__":
    main()
