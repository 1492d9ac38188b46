"""The data sets of the benchmark: which there are, their pairs, and how a domain is read.

A data set is a folder of parquet domains with the label in column ``y``, or a named reader of
the image and text features.  A *family* joins data sets that share rows or whole domains:
whoever holds out a data set has to hold out its family.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
MOST_PAIRS = 12
MAX_SOURCE = 1000
MAX_TARGET = 3000
COMPONENTS = 50
"""Columns kept of embeddings: principal components of the inputs of both sides."""

EQUAL_VALUES = frozenset((
    "school_chem97_lea", "cps_wage_region", "arrests_year", "gss_vocab_year",
    "star_school_type", "vehicle_insurance_area",
))  # fmt: skip
"""Few coarse columns: rows with equal values are different units."""
SAME_UNITS_BY_INDEX = frozenset((
    "school_bdf_tasks", "computer_survey", "energy_efficiency", "psid_wage_year", "nt_moon",
))  # fmt: skip
"""The same units stand in every domain, in the same order."""
SAME_UNITS_BY_CONTENT = frozenset(("lalonde",))
"""Some domains are subsets of others: a row is known by all its values."""
SAME_ORIGIN = {
    "adult_country": "adult", "adult_workclass": "adult",
    "beijing_air": "beijing", "beijing_air_season": "beijing",
    "taxis_nyc": "taxis", "taxis_borough": "taxis",
    "office_caltech10": "office", "office_caltech10_surf": "office",
    "amazon_blitzer_bow": "reviews", "fdu_mtl": "reviews", "blitzer_raw": "reviews",
    "digits": "digits", "mnist_usps_jda": "digits",
    "school_bdf_tasks": "school_bdf", "defect_promise_ck": "defect", "defect_aeeem": "defect",
    "defect_relink": "defect",
}  # fmt: skip
FEATURES = (
    "office_caltech10", "office_caltech10_surf", "mnist_usps_jda", "digits",
    "amazon_blitzer_bow", "fdu_mtl", "spam",
)  # fmt: skip


@dataclass(frozen=True)
class DataSet:
    """One data set.

    Attributes
    ----------
    name : str
    folder : Path
    domains : tuple of str
    regression : bool
    embedded : bool
        Whether the columns are an embedding, to be brought to :data:`COMPONENTS` columns.
    """

    name: str
    folder: Path
    domains: tuple[str, ...]
    regression: bool
    embedded: bool

    @property
    def family(self) -> str:
        """What has to be held out together with this data set."""
        return SAME_ORIGIN.get(self.name, self.name)

    def pairs(self, most: int = MOST_PAIRS) -> list[tuple[str, str]]:
        """Return at most `most` ordered pairs, spread evenly over all there are."""
        if self.name == "landmine":
            return _landmine_pairs()
        every = list(permutations(self.domains, 2))
        keep = np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int)
        return [every[i] for i in np.unique(keep)]

    def read(self, domain: str) -> pd.DataFrame:
        """Return all rows of a domain, in their order."""
        if not self.embedded:
            return pd.read_parquet(self.folder / f"{domain}.parquet")
        X, y = _features(self.name, self.folder, domain)
        frame = pd.DataFrame(X, columns=[f"f{i:04d}" for i in range(X.shape[1])])
        frame["y"] = y.astype(str)
        return frame


def _landmine_pairs() -> list[tuple[str, str]]:
    """Three pairs inside each of the two known clusters and three each way between them."""
    numbers = [(1, 6), (7, 12), (13, 3), (16, 21), (22, 27), (28, 18),
               (2, 17), (8, 23), (14, 29), (19, 4), (24, 9), (26, 15)]  # fmt: skip
    return [(f"task{a:02d}", f"task{b:02d}") for a, b in numbers]


def tabular_sets(folder: Path) -> list[DataSet]:
    """Return the data sets of a folder with an ``INDEX.json``."""
    found = []
    for entry in json.loads((folder / "INDEX.json").read_text(encoding="utf-8")):
        name = entry["dataset"]
        domains = tuple(sorted(path.stem for path in (folder / name).glob("*.parquet")))
        if len(domains) > 1:
            regression = entry["task"] == "regression"
            found.append(DataSet(name, folder / name, domains, regression, False))
    return found


def feature_sets(folder: Path) -> list[DataSet]:
    """Return the image and text sets, in their feature forms."""
    found = []
    for name in FEATURES:
        stems = sorted(path.stem for path in (folder / name).glob("*.npz"))
        if name == "office_caltech10":
            domains = [s.removesuffix("_features") for s in stems if s.endswith("_features")]
        elif name in ("fdu_mtl", "spam"):
            domains = [s.removesuffix("_minilm") for s in stems if s.endswith("_minilm")]
        else:
            domains = [s for s in stems if not s.endswith("_features")]
        found.append(DataSet(name, folder / name, tuple(domains), False, True))
    return found


def all_sets(data: Path | None = None) -> list[DataSet]:
    """Return the sets of `data`, a folder laid out like the tabular one; all shared by default."""
    if data is not None:
        return tabular_sets(data)
    return tabular_sets(SHARED / "tabular") + feature_sets(SHARED / "vision_text")


Labelled = tuple[NDArray[np.float64], NDArray[np.int64]]


def _features(name: str, folder: Path, domain: str) -> Labelled:
    if name == "office_caltech10":
        data = np.load(folder / f"{domain}_features.npz")
        return data["mnv2_100_imagenet"].astype(np.float64), data["y"]
    if name in ("fdu_mtl", "spam"):
        data = np.load(folder / f"{domain}_minilm.npz")
        return data["x"].astype(np.float64), data["y"]
    data = np.load(folder / f"{domain}.npz")
    if name == "amazon_blitzer_bow":
        from scipy.sparse import csr_matrix

        counts = csr_matrix(
            (data["data"], data["indices"].astype(np.int32), data["indptr"]), tuple(data["shape"])
        )
        keep = np.sort(np.random.default_rng(0).permutation(counts.shape[0])[:MAX_TARGET])
        return np.log1p(counts[keep].toarray().astype(np.float64)), data["y"][keep]
    X = data["x"].astype(np.float64)
    if name == "digits":
        X = _eight_by_eight(X)
    elif name == "office_caltech10_surf":
        X = X / np.maximum(X.sum(axis=1, keepdims=True), 1) * 100
    return X.reshape(len(X), -1), data["y"]


def _eight_by_eight(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return pictures of any size as 8 x 8 means of grey values in [0, 1]."""
    grey = X.mean(axis=3) if X.ndim == 4 else X
    size = grey.shape[1]
    edges = np.linspace(0, size, 9)
    left = np.maximum(edges[:-1, None], np.arange(size))
    right = np.minimum(edges[1:, None], np.arange(1, size + 1))
    weight = np.clip(right - left, 0, None)
    weight /= weight.sum(axis=1, keepdims=True)
    small = np.einsum("ai,nij,bj->nab", weight, grey, weight)
    return np.asarray(small / (16.0 if size == 8 else 255.0))


def seed_of(*parts: object) -> int:
    """Return a seed that depends on names only."""
    return zlib.crc32("/".join(map(str, parts)).encode())


@dataclass(frozen=True)
class Rows:
    """Rows of both sides before encoding, and which unit each row is.

    `source_unit` and `target_unit` are ``None`` where units are not shared by the sides.
    """

    source: pd.DataFrame
    target: pd.DataFrame
    source_unit: NDArray[np.int64] | None
    target_unit: NDArray[np.int64] | None


def read_pair(dataset: DataSet, source: str, target: str) -> Rows:
    """Return both sides, thinned at random, embeddings brought to few columns."""
    rng = np.random.default_rng(seed_of(dataset.name, source, target, "rows"))
    sides = []
    for domain, most in ((source, MAX_SOURCE), (target, MAX_TARGET)):
        frame = dataset.read(domain)
        keep = rng.permutation(len(frame))[:most]
        sides.append((frame.iloc[np.sort(keep)].reset_index(drop=True), np.sort(keep)))
    (a, index_a), (b, index_b) = sides
    units: tuple[NDArray[np.int64] | None, NDArray[np.int64] | None] = (None, None)
    if dataset.name in SAME_UNITS_BY_INDEX:
        units = (index_a, index_b)
    elif dataset.name in SAME_UNITS_BY_CONTENT:
        both = pd.util.hash_pandas_object(pd.concat([a, b], ignore_index=True), index=False)
        codes = np.unique(both.to_numpy(), return_inverse=True)[1].astype(np.int64).ravel()
        units = (codes[: len(a)], codes[len(a) :])
    if dataset.embedded:
        a, b = _components(a, b)
    return Rows(a, b, *units)


def _components(a: pd.DataFrame, b: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    from sklearn.decomposition import PCA

    X = np.concatenate([a.drop(columns="y").to_numpy(), b.drop(columns="y").to_numpy()])
    k = min(COMPONENTS, X.shape[1], len(X) - 1)
    Z = PCA(k, svd_solver="randomized", random_state=0).fit_transform(X)
    names = [f"c{i:02d}" for i in range(k)]
    out = []
    for frame, part in ((a, Z[: len(a)]), (b, Z[len(a) :])):
        small = pd.DataFrame(part, columns=names)
        small["y"] = frame["y"].to_numpy()
        out.append(small)
    return out[0], out[1]


def every_pair(sets: list[DataSet]) -> Iterator[tuple[DataSet, str, str]]:
    """Yield the pairs of all sets, one of each set in turn, so that any beginning is balanced."""
    waiting = [(one, one.pairs()) for one in sets]
    rng = np.random.default_rng(0)
    waiting = [(one, [pairs[i] for i in rng.permutation(len(pairs))]) for one, pairs in waiting]
    for turn in range(max(len(pairs) for _, pairs in waiting)):
        for one, pairs in waiting:
            if turn < len(pairs):
                yield one, *pairs[turn]
