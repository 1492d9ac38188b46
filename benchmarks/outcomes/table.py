"""The measured transfers as one table: joined from the parts, stored small, read again.

    python -m benchmarks.outcomes.table        # join the parts into outcomes.parquet

One row is one pair of domains, learner, strategy, number of labels and draw.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from negtransfer.diagnostics.predictor.no_labels_evidence import DISTANCES

HERE = Path(__file__).parent
TABLE = HERE / "outcomes.parquet"
CASE = ["family", "set", "source", "target", "task"]
CELL = [*CASE, "learner", "strategy", "n_labels"]
MARGIN = {"regression": 0.02}
"""Least gap that counts: 0.02 standard deviations, or one point of error for classes."""
AWAY = "shift_"
"""Begins the columns of pilots that come from the evidence without labels."""
TEXTS = [*CASE, "learner", "strategy"]


def join(parts: Path) -> pd.DataFrame:
    """Return all measured errors below `parts`, one row a draw, in a fixed order."""
    from .arms import STAGES

    frames = [
        pd.read_parquet(path)
        for stage in STAGES
        for path in sorted((parts / stage.name).glob("*.parquet"))
    ]
    table = pd.concat([one.drop(columns="met") for one in frames if len(one)], ignore_index=True)
    keys = [*CELL, "draw"]
    # The target alone stands in several stages of one learner; it is the same every time.
    table = table.drop_duplicates(keys, keep="first").sort_values(keys, kind="stable")
    for name in ("error", "second"):
        table[name] = table[name].round(4).astype(np.float32)
    table["seconds"] = table["seconds"].round(3).astype(np.float32)
    for name in ("n_labels", "n_source", "n_test"):
        table[name] = table[name].astype(np.int16)
    table["draw"] = table["draw"].astype(np.int8)
    for name in TEXTS:
        table[name] = table[name].astype("category")
    return table.reset_index(drop=True)


def join_evidence(parts: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what a check could have known: by pair, and by pilot and strategy."""
    from .evidence import PILOTS

    def every(stage: str) -> list[pd.DataFrame]:
        frames = [pd.read_parquet(path) for path in sorted((parts / stage).glob("*.parquet"))]
        return [one for one in frames if len(one)]

    pilots = pd.concat([one for stage in PILOTS for one in every(stage)], ignore_index=True)
    pilots = pilots.sort_values([*CELL, "draw"], kind="stable").reset_index(drop=True)
    pilots = _with_distances(pilots, every("no-labels"))
    checks = every("checks")
    pairs = pd.concat(checks, ignore_index=True) if checks else pd.DataFrame(columns=CASE)
    pairs = pairs.sort_values(CASE, kind="stable").reset_index(drop=True)
    return tuple(_small(one) for one in (pairs, pilots))  # type: ignore[return-value]


def _with_distances(pilots: pd.DataFrame, unlabelled: list[pd.DataFrame]) -> pd.DataFrame:
    """Add to pilots how far apart the inputs of the same draw are, NaN where not known."""
    keys = ["set", "source", "target", "draw"]
    names = {name: f"{AWAY}{name}" for name in DISTANCES}
    if not unlabelled:
        return pilots.assign(**dict.fromkeys(names.values(), np.nan))
    known = pd.concat([one for one in unlabelled if "draw" in one], ignore_index=True)
    return pilots.merge(known[[*keys, *names]].rename(columns=names), on=keys, how="left")


def _small(table: pd.DataFrame) -> pd.DataFrame:
    """Return numbers in single precision with six digits, texts as categories."""
    out = {}
    for name in table.columns:
        column = table[name]
        if name in TEXTS or not pd.api.types.is_numeric_dtype(column):
            if name not in TEXTS and pd.to_numeric(column, errors="coerce").notna().any():
                column = pd.to_numeric(column, errors="coerce")
            else:
                out[name] = column.astype("category")
                continue
        whole = name in ("n_labels", "draw")
        out[name] = column.astype(np.int16 if whole else np.float32)
    return pd.DataFrame(out)


def read_evidence(name: str, folder: Path = HERE) -> pd.DataFrame:
    """Return the stored evidence, ``pairs``, ``pilot``, ``no_labels`` or ``metrics``."""
    table = pd.read_parquet(folder / f"evidence_{name}.parquet")
    for name in table.columns:
        if isinstance(table[name].dtype, pd.CategoricalDtype):
            table[name] = table[name].astype(str if name in TEXTS else object)
    return table


def write(table: pd.DataFrame, path: Path = TABLE) -> None:
    """Store the table compactly."""
    table.to_parquet(path, index=False, compression="zstd", compression_level=19)


def read(path: Path = TABLE) -> pd.DataFrame:
    """Return the stored table: one row a draw.

    ``error`` is the error rate, or the RMSE in standard deviations of the target's labels;
    ``second`` the log-loss, or the RMSE left after the best offset and scale.
    """
    table = pd.read_parquet(path)
    for name in TEXTS:
        table[name] = table[name].astype(str)
    return table


def gaps(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a draw with the gap of every strategy to the target alone, in both scores.

    Strategies without labels (``n_labels`` 0) are compared with the constant of the source.
    """
    keys = [*CASE, "learner", "n_labels", "draw"]
    base_name = np.where(table["n_labels"] == 0, "source-constant", "target-only")
    base = table[table["strategy"].to_numpy() == base_name]
    base = base[[*keys, "error", "second"]].rename(
        columns={"error": "base", "second": "base_second"}
    )
    joined = table[table["strategy"].to_numpy() != base_name].merge(base, on=keys)
    joined["gap"] = joined["error"].astype(float) - joined["base"]
    joined["gap_second"] = joined["second"].astype(float) - joined["base_second"]
    return joined


def cells(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a pair, learner, strategy and number of labels: the gap over the draws.

    ``gap`` mean, ``se`` its standard error, ``clear`` whether |gap| > 2 se and > the margin,
    ``base`` the error of the target alone; the same with ``_second`` for the second score.
    """
    by_draw = gaps(table)
    grouped = by_draw.groupby(CELL, sort=True)
    found = grouped.agg(
        gap=("gap", "mean"), se=("gap", "sem"), draws=("gap", "count"), error=("error", "mean"),
        base=("base", "mean"), gap_second=("gap_second", "mean"),
        se_second=("gap_second", "sem"), n_source=("n_source", "median"),
        n_test=("n_test", "median"),
    ).reset_index()  # fmt: skip
    margin = found["task"].map(MARGIN).fillna(0.01)
    found["margin"] = margin
    found["clear"] = (found["gap"].abs() > 2 * found["se"]) & (found["gap"].abs() > margin)
    return found[found["draws"] > 1].reset_index(drop=True)


def versions() -> dict[str, str]:
    """Return what the table was made with."""
    import platform
    from importlib.metadata import version

    names = ("numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "torch", "POT", "negtransfer")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def main() -> None:
    """Join the parts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", type=Path, default=HERE / "parts")
    parts = parser.parse_args().parts
    table = join(parts)
    write(table)
    for name, evidence in zip(("pairs", "pilot"), join_evidence(parts), strict=True):
        write(evidence, HERE / f"evidence_{name}.parquet")
    if (parts / "no-labels").exists():
        from .no_labels import join_no_labels

        write(join_no_labels(parts), HERE / "evidence_no_labels.parquet")
    if (parts / "metrics").exists():
        from .metrics import join_metrics

        write(join_metrics(parts), HERE / "evidence_metrics.parquet")
    (HERE / "versions.json").write_text(json.dumps(versions(), indent=1) + "\n", encoding="utf-8")
    print(f"{len(table)} rows, {TABLE.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
