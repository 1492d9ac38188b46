"""Features with labels or targets, their spectra found once, and what shuffling does to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from .._scores import Caution, Labels, Regime
from .._validation import Floats, Ints
from ._spectrum import Spectrum, centre, from_gram, spectrum, unit_columns

View: TypeAlias = Literal["centred", "affine", "raw", "standardised"]
"""Of the features. affine: centred, on whatever scale of the columns is most precise, for scores
that no scale changes."""


class Design(Protocol):
    """Columns of n numbers that features are to explain."""

    @property
    def n_columns(self) -> int:
        """How many there are, q."""

    @property
    def strata(self) -> Ints | None:
        """Classes that are halved each by itself."""

    def column(self, which: int, *, centred: bool) -> Floats:
        """Return one of them, shape (n,)."""

    def norms(self, *, centred: bool) -> Floats:
        """Return their squared norms, shape (q,)."""

    def sums(self, rows: Floats, orders: Ints, *, centred: bool) -> Floats:
        """Return their products with ``rows``, entry i moved to row ``order[i]``: (p, q, r)."""

    def part(self, rows: Ints) -> Design:
        """Return the same for some of the rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """The indicators of every class, never formed."""

    labels: Labels
    members: Ints

    @property
    def n_columns(self) -> int:
        """How many classes."""
        return self.labels.n_classes

    @property
    def strata(self) -> Ints | None:
        """The classes."""
        return self.labels.codes

    def column(self, which: int, *, centred: bool) -> Floats:
        """Return the indicator of one class."""
        inside: Floats = (self.labels.codes == which).astype(np.float64)
        if centred:
            inside -= inside.mean()
        return inside

    def norms(self, *, centred: bool) -> Floats:
        """Return the squared norms of the indicators."""
        counts = self.labels.counts.astype(np.float64)
        return counts * (1 - counts / counts.sum()) if centred else counts

    def sums(self, rows: Floats, orders: Ints, *, centred: bool) -> Floats:
        """Return sums over the rows of each class; centred rows need no centred indicators."""
        counts = self.labels.counts
        ends = np.append(0, np.cumsum(np.tile(counts, len(orders))))
        places = orders[:, self.members].reshape(-1)
        shape = (len(ends) - 1, len(rows))
        indicators = csr_array((np.ones(len(places)), places, ends), shape=shape)
        summed: Floats = indicators @ rows
        return summed.reshape(len(orders), len(counts), rows.shape[1])

    def part(self, rows: Ints) -> Classes:
        """Return the classes of some rows, in which each must occur."""
        return classes(Labels(self.labels.codes[rows], self.labels.classes))


def classes(labels: Labels) -> Classes:
    """Return the indicators of labels."""
    return Classes(labels, np.argsort(labels.codes, kind="stable").astype(np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Quantities, and the same less their means."""

    given: Floats
    less_mean: Floats
    strata: Ints | None = None

    @property
    def n_columns(self) -> int:
        """How many quantities."""
        return int(self.given.shape[1])

    def column(self, which: int, *, centred: bool) -> Floats:
        """Return one of them."""
        return self._used(centred)[:, which]

    def norms(self, *, centred: bool) -> Floats:
        """Return their squared norms."""
        used = self._used(centred)
        squared: Floats = np.einsum("ij,ij->j", used, used)
        return squared

    def sums(self, rows: Floats, orders: Ints, *, centred: bool) -> Floats:
        """Return the moved targets times the rows."""
        back = np.empty_like(orders)
        np.put_along_axis(back, orders, np.arange(len(rows))[None], axis=1)
        moved = self._used(centred)[back].transpose(1, 0, 2).reshape(len(rows), -1)
        return (moved.T @ rows).reshape(len(orders), self.n_columns, rows.shape[1])

    def part(self, rows: Ints) -> Targets:
        """Return the targets of some rows."""
        return quantities(self.given[rows])

    def _used(self, centred: bool) -> Floats:
        return self.less_mean if centred else self.given


def quantities(given: Floats) -> Targets:
    """Return checked targets."""
    return Targets(given, centre(given))


@dataclass(slots=True, eq=False)
class SpectralData:
    """Checked features and what they are to explain.

    Attributes
    ----------
    table : ndarray of shape (n, d)
    design : Classes or Targets
    """

    table: Floats
    design: Design
    _centred: Floats | None = None
    _spectra: dict[View, Spectrum] = field(default_factory=dict)
    _latest: tuple[Spectrum, Ints, Floats] | None = None
    _identity: Ints | None = None

    @property
    def n_rows(self) -> int:
        """How many rows."""
        return len(self.table)

    @property
    def centred(self) -> Floats:
        """The table less its column means."""
        if self._centred is None:
            self._centred = centre(self.table)
        return self._centred

    def spectrum(self, view: View) -> Spectrum:
        """Return a decomposition, found at the first call."""
        if view not in self._spectra:
            self._spectra[view] = self._decomposed(view)
        return self._spectra[view]

    def _decomposed(self, view: View) -> Spectrum:
        if view == "raw":
            return spectrum(self.table, self.n_rows)
        degrees = self.n_rows - 1
        if view == "centred":
            return spectrum(self.centred, degrees)
        if view == "standardised":
            return spectrum(unit_columns(self.centred) * np.sqrt(self.n_rows), degrees)
        # shared with the other scores wherever columns of different scale cost no precision
        found = self._spectra.get("centred") or from_gram(self.centred, degrees)
        if found is None or not found.clean:
            return spectrum(unit_columns(self.centred), degrees)
        self._spectra["centred"] = found
        return found

    def projected(self, view: View, orders: Ints) -> Floats:
        """Return ``U' t`` of every column for every order, shape (p, q, k)."""
        found = self.spectrum(view)
        if self._latest is None or self._latest[0] is not found or self._latest[1] is not orders:
            sums = self.design.sums(found.rows, orders, centred=view != "raw")
            self._latest = found, orders, found.project(sums)
        return self._latest[2]

    def part(self, rows: Ints) -> SpectralData:
        """Return the same for some of the rows."""
        return SpectralData(self.table[rows], self.design.part(rows))

    @property
    def as_given(self) -> Ints:
        """The order that moves nothing, shape (1, n)."""
        if self._identity is None:
            self._identity = np.arange(self.n_rows)[None]
        return self._identity

    def fits_everything(self, cautions: tuple[Caution, ...]) -> tuple[Caution, ...]:
        """Add to cautions that a score without regularisation is the same for all labels."""
        name: Regime = "more columns than rows"
        if not self.spectrum("affine").interpolates or name in (c.name for c in cautions):
            return cautions
        sentence = (
            f"The features span all {self.n_rows - 1} dimensions that {self.n_rows} rows have: a "
            "score without regularisation fits any labels perfectly here."
        )
        return (*cautions, Caution(name, sentence))
