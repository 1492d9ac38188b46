"""What every measure asks of its arguments, said once.

The checks stand at the border: below them the arrays are float64, finite and of
matching width, and nothing is asked again.
"""

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
RandomState: TypeAlias = int | np.random.Generator | None

MIN_HALF = 8
"""Rows a random half needs at least; a sample of fewer than two halves has no null band."""


def check_pair(
    source: ArrayLike, target: ArrayLike, *, min_rows: int = MIN_HALF
) -> tuple[Floats, Floats]:
    """Return two finite float64 tables with the same columns, or say what is wrong."""
    clean_source = _table(source, "source", min_rows)
    clean_target = _table(target, "target", min_rows)
    if clean_source.shape[1] != clean_target.shape[1]:
        raise ValueError(
            f"`target` has {clean_target.shape[1]} columns, `source` has "
            f"{clean_source.shape[1]}; align the columns first."
        )
    return clean_source, clean_target


def _table(values: ArrayLike, name: str, min_rows: int) -> Floats:
    table = as_float(values, name)
    if table.ndim != 2:
        raise ValueError(
            f"`{name}` must be a table of shape (rows, columns), got an array with "
            f"{table.ndim} dimension(s); reshape one column to (rows, 1)."
        )
    if table.shape[1] == 0:
        raise ValueError(f"`{name}` has no columns; pass at least one.")
    if not np.isfinite(table).all():
        raise ValueError(
            f"`{name}` contains {int((~np.isfinite(table)).sum())} missing or infinite "
            "value(s); impute them or drop the rows first."
        )
    require_rows(len(table), name, min_rows)
    return table


def check_columns(
    source: ArrayLike, target: ArrayLike, *, categorical: bool, min_rows: int = 1
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return one column of each side: float64 with NaN, or int64 codes with -1, for missing."""
    clean = []
    for values, name in ((source, "source"), (target, "target")):
        column = as_codes(values, name) if categorical else as_float(values, name)
        if column.ndim != 1:
            raise ValueError(
                f"`{name}` must be one column of shape (rows,), got shape {column.shape}; "
                "pass one column at a time."
            )
        if not categorical and np.isinf(column).any():
            raise ValueError(f"`{name}` contains infinite values; mark them as missing (NaN).")
        require_rows(len(column), name, min_rows)
        clean.append(column)
    return clean[0], clean[1]


def require_rows(rows: int, name: str, min_rows: int) -> None:
    """Refuse a side with fewer rows than a measure needs."""
    if rows < min_rows:
        raise ValueError(
            f"`{name}` has {rows} row(s), at least {min_rows} are needed; collect more rows "
            "or leave this measure out."
        )


def as_float(values: ArrayLike, name: str) -> Floats:
    """Convert to a float64 array or say which argument is not numeric."""
    try:
        return np.asarray(on_host(values), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"`{name}` must hold numbers, got {_kind(values)}; encode the columns as numbers first."
        ) from error


def on_host(values: Any) -> Any:
    """Bring a tensor to the host's memory, without its gradient; leave all else as it is."""
    return values.detach().cpu() if hasattr(values, "detach") else values


def as_codes(values: ArrayLike, name: str) -> Ints:
    """Convert integer codes to int64; floats and texts are refused rather than truncated."""
    codes = np.asarray(on_host(values))
    if codes.dtype.kind not in "iub":
        raise TypeError(
            f"`{name}` must hold integer codes (-1 for missing), got {_kind(values)}; "
            "encode the levels of both sides with one shared coding first."
        )
    codes = codes.astype(np.int64)
    if codes.size and codes.min() < -1:
        raise ValueError(
            f"`{name}` holds the code {int(codes.min())}; codes start at 0 and -1 means missing."
        )
    return codes


def _kind(values: ArrayLike) -> str:
    return f"values of type {np.asarray(values, dtype=object).ravel()[:1].tolist()!r}"


def optional_vector(
    values: ArrayLike | None, rows: int, name: str, *, dtype: type[np.generic]
) -> NDArray[Any] | None:
    """Check a vector with one entry per row (groups, masks); None passes through."""
    if values is None:
        return None
    vector = np.asarray(on_host(values))
    expected = "bool" if dtype is np.bool_ else "integer"
    if vector.dtype.kind not in ("b" if dtype is np.bool_ else "iu"):
        raise TypeError(f"`{name}` must be an array of type {expected}, got {vector.dtype}.")
    if vector.shape != (rows,):
        raise ValueError(
            f"`{name}` has shape {vector.shape}, expected one entry for each of the {rows} rows."
        )
    return vector.astype(dtype)


def check_count(value: int, name: str, *, minimum: int) -> int:
    """Return a whole number not below ``minimum``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < minimum:
        raise ValueError(f"`{name}` must be a whole number of at least {minimum}, got {value!r}.")
    return int(value)


def check_share(value: float, name: str) -> float:
    """Return a number strictly between 0 and 1."""
    if not 0 < value < 1:
        raise ValueError(f"`{name}` must lie strictly between 0 and 1, got {value!r}.")
    return float(value)


def check_choice(value: object, name: str, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is not one of those allowed."""
    if value not in allowed:
        raise ValueError(f"`{name}` must be one of {', '.join(map(repr, allowed))}, got {value!r}.")


def check_positive(value: float, name: str) -> float:
    """Return a finite number above 0."""
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not 0 < value < math.inf:
        raise ValueError(f"`{name}` must be a positive number, got {value!r}.")
    return float(value)


def generator(random_state: RandomState) -> np.random.Generator:
    """Turn an int, a Generator or None into a numpy Generator."""
    if isinstance(random_state, np.random.Generator):
        return random_state
    if random_state is not None and (
        isinstance(random_state, bool) or not isinstance(random_state, int | np.integer)
    ):
        raise TypeError(
            "`random_state` must be an int, a numpy Generator or None, got "
            f"{type(random_state).__name__}."
        )
    return np.random.default_rng(random_state)


def subsample(rows: int, at_most: int, rng: np.random.Generator) -> Ints:
    """Draw at most ``at_most`` of ``rows`` row numbers uniformly, in ascending order."""
    if rows <= at_most:
        return np.arange(rows, dtype=np.int64)
    return np.sort(rng.choice(rows, size=at_most, replace=False)).astype(np.int64)
