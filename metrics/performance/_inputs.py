"""What goes in: predictions of one model or of several, labels, groups, and what is asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .._validation import (
    Floats,
    Ints,
    RandomState,
    as_codes,
    as_float,
    check_count,
    check_share,
    generator,
    on_host,
    require_rows,
)
from ..shift._predictions import check_probabilities

MIN_ROWS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Checked numbers of random halves and resamples, nominal coverage and generator."""

    n_splits: int
    n_draws: int
    level: float
    rng: np.random.Generator


def check_asked(n_splits: int, n_draws: int, level: float, random_state: RandomState) -> Asked:
    """Check what every estimator is asked."""
    return Asked(
        check_count(n_splits, "n_splits", minimum=1),
        check_count(n_draws, "n_draws", minimum=2),
        check_share(level, "level"),
        generator(random_state),
    )


def check_sides(
    source: ArrayLike, target: ArrayLike, source_labels: ArrayLike
) -> tuple[Floats, Floats, Ints]:
    """Return the probabilities of one model on both sides and the labels of the source."""
    given = np.asarray(on_host(source))
    classes = given.shape[1] if given.ndim == 2 else 0
    x = check_probabilities(source, "source", classes, MIN_ROWS)
    y = check_probabilities(target, "target", classes, MIN_ROWS)
    labels = check_codes(source_labels, "source_labels", len(x))
    if labels.max() >= classes:
        raise ValueError(
            f"`source_labels` holds the code {int(labels.max())}, but there are {classes} classes; "
            "codes run from 0 to classes - 1."
        )
    return x, y, labels


def check_codes(values: ArrayLike, name: str, rows: int) -> Ints:
    """Return one code, not missing, for each row."""
    codes = as_codes(values, name)
    if codes.shape != (rows,):
        raise ValueError(
            f"`{name}` has shape {codes.shape}, expected one entry for each of the {rows} source "
            "rows."
        )
    if codes.min() < 0:
        raise ValueError(f"`{name}` has missing entries (-1); leave these rows out.")
    return codes


def check_groups(values: ArrayLike | None, rows: int, otherwise: Ints) -> Ints:
    """Return the subpopulation of each source row; `otherwise` where none are given."""
    return otherwise if values is None else check_codes(values, "source_groups", rows)


def check_models(
    source: ArrayLike, target: ArrayLike, *, least: int, most: int | None = None
) -> tuple[Ints, Ints]:
    """Return the predicted codes of several models on both sides, (models, rows) each."""
    sides = _classes(source, "source"), _classes(target, "target")
    _same_models(len(sides[0]), len(sides[1]), least, most)
    for side, name in zip(sides, ("source", "target"), strict=True):
        require_rows(side.shape[1], name, MIN_ROWS)
    return sides


def _classes(values: ArrayLike, name: str) -> Ints:
    table = np.asarray(on_host(values))
    if table.ndim == 3 and table.size:
        return np.stack(
            [check_probabilities(t, name, table.shape[2], 1).argmax(axis=1) for t in table]
        )
    if table.ndim != 2:
        raise ValueError(
            f"`{name}` must hold predicted codes of shape (models, rows), or probabilities of "
            f"shape (models, rows, classes), got shape {table.shape}."
        )
    codes = as_codes(table, name)
    if codes.size and codes.min() < 0:
        raise ValueError(f"`{name}` has missing entries (-1); leave these rows out.")
    return codes


def check_quantities(source: ArrayLike, target: ArrayLike) -> tuple[Floats, Floats]:
    """Return the predicted quantities of two models on both sides, (2, rows) each."""
    sides = as_float(source, "source"), as_float(target, "target")
    for side, name in zip(sides, ("source", "target"), strict=True):
        if side.ndim != 2:
            raise ValueError(
                f"`{name}` must hold predicted quantities of shape (2, rows), got shape "
                f"{side.shape}."
            )
        if not np.isfinite(side).all():
            raise ValueError(
                f"`{name}` contains {int((~np.isfinite(side)).sum())} missing or infinite "
                "value(s); leave these rows out."
            )
    _same_models(len(sides[0]), len(sides[1]), 2, 2)
    for side, name in zip(sides, ("source", "target"), strict=True):
        require_rows(side.shape[1], name, MIN_ROWS)
    return sides


def _same_models(first: int, second: int, least: int, most: int | None) -> None:
    if first != second:
        raise ValueError(
            f"`source` holds predictions of {first} models and `target` of {second}; give the same "
            "models, in the same order, for both sides."
        )
    if first < least or (most is not None and first > most):
        wanted = f"{least} models" if most == least else f"at least {least} models"
        raise ValueError(f"`source` holds predictions of {first} model(s), {wanted} are needed.")
