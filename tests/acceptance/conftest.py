"""Runs the command line in this process, on files."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

SHARED = Path(__file__).parents[3] / "shared" / "data" / "tabular"


@dataclass
class Ran:
    """What a run of the command line left."""

    code: int
    out: str
    err: str
    result: dict | None


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """Return a function that writes two tables as CSV, checks them and reads the result."""

    def run(source: pd.DataFrame, target: pd.DataFrame, *options: str) -> Ran:
        from negtransfer.diagnostics.cli import main

        files = [tmp_path / "source.csv", tmp_path / "target.csv", tmp_path / "result.json"]
        source.to_csv(files[0], index=False)
        target.to_csv(files[1], index=False)
        files[2].unlink(missing_ok=True)
        words = ["check", *map(str, files[:2]), "--json", str(files[2]), *options]
        monkeypatch.setattr(sys, "argv", ["negtransfer", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        shown = capsys.readouterr()
        result = json.loads(files[2].read_text(encoding="utf-8")) if files[2].exists() else None
        return Ran(int(stop.value.code or 0), shown.out, shown.err, result)

    return run


class SharedData:
    """The shared real data sets, one file a domain."""

    def __call__(self, data_set: str, domain: str) -> pd.DataFrame:
        return pd.read_parquet(SHARED / data_set / f"{domain}.parquet")

    def domains(self, data_set: str) -> list[str]:
        return sorted(path.stem for path in (SHARED / data_set).glob("*.parquet"))


@pytest.fixture
def shared():
    """Return the shared real data; skip where they are not beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("the shared real data sets are not beside this checkout")
    return SharedData()
