"""Three pairs of real data that scikit-learn carries, which come out differently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError
from .preflight import preflight

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Case:
    """A pair of domains and the story it tells."""

    slug: str
    title: str
    make: Callable[[int], tuple[Any, Any]]


def _diabetes(seed: int) -> tuple[Any, Any]:
    """Half of the patients as source; of the other half, 60 with a known outcome."""
    from sklearn.datasets import load_diabetes

    frame = load_diabetes(as_frame=True, scaled=False).frame
    order = np.random.default_rng(seed).permutation(len(frame))
    source = frame.iloc[order[:220]].reset_index(drop=True)
    target = frame.iloc[order[220:]].reset_index(drop=True).astype({"target": "float64"})
    target.loc[60:, "target"] = np.nan
    return source, target


def _digits(seed: int) -> tuple[Any, Any]:
    """'Is the digit even?' learned on 0 to 4, asked on 5 to 9."""
    from sklearn.datasets import load_digits

    frame = load_digits(as_frame=True).frame
    low = frame["target"] < 5
    even = frame["target"].mod(2).map({0: "even", 1: "odd"})
    frame = frame.assign(target=even)
    rng = np.random.default_rng(seed)
    source, target = (frame[m].reset_index(drop=True) for m in (low, ~low))
    hidden = rng.permutation(len(target))[150:]
    target.loc[hidden, "target"] = None
    return source, target


def _tumours(seed: int) -> tuple[Any, Any]:
    """Small tumours as source, large ones as target, no diagnosis known for the large ones."""
    from sklearn.datasets import load_breast_cancer

    frame = load_breast_cancer(as_frame=True).frame
    small = frame["mean radius"] < frame["mean radius"].median()
    source, target = (frame[m].reset_index(drop=True) for m in (small, ~small))
    return source, target.drop(columns="target")


CASES = (
    Case("diabetes", "diabetes progression: one half of a clinic's patients to the other",
         _diabetes),
    Case("digits", "is a digit even? learned on 0-4, asked on 5-9", _digits),
    Case("tumours", "tumour diagnosis: small tumours to large ones, large ones undiagnosed",
         _tumours),
)  # fmt: skip


def run_demo(
    folder: Path, *, seed: int = 0, n_jobs: int | None = None, progress: Progress | None = None
) -> int:
    """Check the three cases, write page and JSON of each into `folder`, and print a summary."""
    from ..reports import render_text

    written = []
    for case in CASES:
        source, target = case.make(seed)
        result = preflight(
            source=source, target=target, label="target", random_state=seed, n_jobs=n_jobs,
            progress=progress, names=(f"{case.slug}-source", f"{case.slug}-target"),
        )  # fmt: skip
        stem = folder / f"negtransfer-demo-{case.slug}"
        try:
            result.to_json(f"{stem}.json")
            result.to_html(f"{stem}.html")
        except OSError as fault:
            raise InputError(
                f"The demo writes its reports into {str(folder)!r}, which failed ({fault}); run "
                "it in a folder you may write to."
            ) from fault
        written.append(f"{stem.name}.html")
        print(f"== {case.title}\n")
        print(render_text(result, html=written[-1]).rstrip("\n"), end="\n\n")
    print(f"Reports, to be opened in a browser: {', '.join(written)}")
    print(f"They are in {folder}")
    return 0
