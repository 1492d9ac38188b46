"""Rows of a table, as any domain is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain._column import Column, content_hash
from ..domain._domain import Domain
from ..domain._encoder import encode
from ..domain._match import match
from ..domain._usable import usable
from ..domain._words import short
from ..errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """The feature columns of a domain."""

    domain: Domain
    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return self.domain.n_rows

    def take(self, index: NDArray[np.int64]) -> Any:
        """Return numbers of shape (batch, columns), or a data frame if any column is text."""
        if all(column.kind != "categorical" for column in self.columns):
            return np.stack([c.values[index] for c in self.columns], axis=1).astype(np.float32)
        import pandas as pd

        return pd.DataFrame({c.name: c.values[index] for c in self.columns})

    def add_to(self, digest: Any) -> None:
        """Feed the content of the columns, whatever container they were read from."""
        digest.update(content_hash(self.columns, None, None).encode())

    def raw(self, *others: Any) -> list[NDArray[np.float32]]:
        """Return the columns in the encoding every diagnosis uses, blind to labels."""
        if len(others) > 1:
            raise InputError("tables are encoded two at a time; give one other set of rows")
        # alone, the rows stand on both sides, which changes no mean and no spread
        paired, _ = match(_only(self), _only(others[0] if others else self), [])
        columns, _, _ = usable(paired)
        if not columns:
            raise InputError(
                f"domain {short(self.domain.name)} has no column whose values vary; "
                "give features that vary"
            )
        found = encode(columns)
        sides = (found.source, found.target) if others else (found.source,)
        return [side.astype(np.float32) for side in sides]

    @property
    def raw_name(self) -> str:
        """What the raw inputs are, in words."""
        return f"the {len(self.columns):,} columns of the table, encoded"


def _only(rows: TableRows) -> Domain:
    """Return the domain with the columns that are inputs."""
    d = rows.domain
    return Domain(
        d.name, d.kind, rows.columns, None, None, d.n_rows, d.content_hash, d.notices
    )  # fmt: skip
