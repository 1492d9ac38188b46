"""The contract of paired rows: two tables about the same rows, in the same order.

A measure of paired rows means nothing when row i of one table is not row i of the other: shuffled
rows look like "no similarity". Names of the rows are the only protection, so they are checked, and
tables of different rows are sent to the measures that compare distributions instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._scores import Caution, ScoreResult, check_features, distinct, feature_cautions
from .._validation import Floats, Ints, on_host
from ._judged import Judged

_POINTER = (
    "to compare different rows use the divergence measures of negtransfer.metrics, such as "
    "mmd_test."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimilarityResult(ScoreResult):
    """What a measure of two representations of the same rows returns.

    Attributes
    ----------
    reordered : bool
        Whether the rows of the second table were put into the order of the first, by their ids.
    """

    reordered: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """Two tables whose rows belong together.

    Attributes
    ----------
    first, second : ndarray of shape (n, p) and (n, q)
    order : ndarray of shape (n,) or None
        Which rows of the second, as given, were put where; None when none had to be moved.
    cautions : tuple of Caution
        What is doubtful about either table.
    """

    first: Floats
    second: Floats
    order: Ints | None
    cautions: tuple[Caution, ...]

    @property
    def reordered(self) -> bool:
        """Whether the rows of the second had to be put into the order of the first."""
        return self.order is not None


def check_paired(
    first: Any, second: Any, *, first_ids: Any = None, second_ids: Any = None, min_rows: int = 4
) -> tuple[Floats, Floats]:
    """Return two finite float64 tables with the same rows in the same order.

    Parameters
    ----------
    first, second : array of shape (n, p) and (n, q)
        Two representations.
    first_ids, second_ids : array of shape (n,), optional
        Names of the rows: for both sides or for neither. The second table is put into the order
        of the first; names that occur on one side only are refused.
    min_rows : int
    """
    one, other, _ = _matched(first, second, first_ids, second_ids, min_rows)
    return one, other


def paired_rows(
    first: Any, second: Any, *, first_ids: Any = None, second_ids: Any = None, min_rows: int = 4
) -> Paired:
    """Return what :func:`check_paired` does, which rows were moved, and what is doubtful."""
    one, other, order = _matched(first, second, first_ids, second_ids, min_rows)
    cautions = distinct(
        (*feature_cautions(first, name="first"), *feature_cautions(second, name="second"))
    )
    return Paired(one, other, order, cautions)


def paired_matrices(
    first: Any, second: Any, *, first_ids: Any = None, second_ids: Any = None, min_rows: int = 4
) -> Paired:
    """Return two square matrices whose rows, and columns, are the same rows of data."""
    one, other, order = _matched(first, second, first_ids, second_ids, min_rows)
    if order is not None and other.shape[0] == other.shape[1]:
        other = other[:, order]
    return Paired(one, other, order, ())


def _matched(
    first: Any, second: Any, first_ids: Any, second_ids: Any, min_rows: int
) -> tuple[Floats, Floats, Ints | None]:
    one = check_features(first, name="first", min_rows=min_rows)
    other = check_features(second, name="second", min_rows=min_rows)
    order = matching_order(first_ids, second_ids, len(one), len(other))
    return one, other if order is None else other[order], order


def matching_order(first_ids: Any, second_ids: Any, n_first: int, n_second: int) -> Ints | None:
    """Return the rows of the second side in the order of the first; None where they are in it."""
    if (first_ids is None) != (second_ids is None):
        given, missing = ("second", "first") if first_ids is None else ("first", "second")
        raise ValueError(
            f"`{given}_ids` was given without `{missing}_ids`; pass the names of the rows of both "
            "sides, or of neither."
        )
    if first_ids is None:
        if n_first != n_second:
            raise ValueError(
                f"`first` has {n_first} rows and `second` has {n_second}, expected two "
                f"representations of the same rows; {_POINTER}"
            )
        return None
    one, other = _ids(first_ids, n_first, "first"), _ids(second_ids, n_second, "second")
    if len(one) == len(other) and all(a == b for a, b in zip(one, other, strict=True)):
        return None
    place = {name: row for row, name in enumerate(other)}
    lost, extra = sum(name not in place for name in one), len(set(other) - set(one))
    if lost or extra:
        raise ValueError(
            f"`first_ids` and `second_ids` name different rows: {lost} of `first` are missing "
            f"from `second` and {extra} the other way round; keep the rows that both have, or, "
            f"{_POINTER}"
        )
    return np.array([place[name] for name in one], dtype=np.int64)


def _ids(values: Any, rows: int, side: str) -> list[Any]:
    ids: NDArray[Any] = np.asarray(on_host(values))
    if ids.shape != (rows,):
        raise ValueError(
            f"`{side}_ids` has shape {ids.shape}, expected one name for each of the {rows} rows of "
            f"`{side}`."
        )
    names: list[Any] = ids.tolist()
    missing = sum(name is None or name != name for name in names)
    if missing:
        raise ValueError(
            f"{missing} of the names in `{side}_ids` are missing; name every row, or pass no ids."
        )
    twice = rows - len(set(names))
    if twice:
        raise ValueError(
            f"`{side}_ids` names {twice} row(s) with a name that another row has; the ids of rows "
            "must differ."
        )
    return names


def outcome(
    pair: Paired, judgement: Judged, *, n_rows: int, more: tuple[Caution, ...] = ()
) -> SimilarityResult:
    """Return a value with its doubt as a result."""
    return SimilarityResult(
        value=judgement.value,
        normalised=judgement.normalised,
        chance=judgement.chance,
        interval=judgement.interval,
        n_rows=n_rows,
        cautions=distinct((*pair.cautions, *more)),
        reordered=pair.reordered,
    )


def no_value(
    pair: Paired, reason: Caution, *, n_rows: int, more: tuple[Caution, ...] = ()
) -> SimilarityResult:
    """Return a result without a value."""
    return SimilarityResult(
        value=None, reason=reason, n_rows=n_rows, cautions=distinct((*pair.cautions, *more)),
        reordered=pair.reordered,
    )  # fmt: skip
