"""A kernel mean that grows row by row and merges: what a large sample leaves behind."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import Array, check_table, namespace, to_numpy
from .._validation import Floats, check_count, check_positive
from ._feature_maps import FeatureMap, fourier_features, nystroem_features

MOST_GROUPS = 256
"""Groups kept; beyond, neighbours are joined in pairs."""

_CHUNK_BYTES = 32 * 2**20


class KernelMeanSketch:
    """Sums of kernel features of a sample, in groups of consecutive rows.

    The sketch holds a few hundred sums whatever the number of rows. Sketches of parts, made on
    other machines, merge into that of the whole: same rows, same mean, up to rounding. Groups of
    equal size take the place of rows in a permutation test, see :func:`sketched_mmd`.

    Parameters
    ----------
    features : FeatureMap
        From :meth:`fourier` or :meth:`nystroem`, which also make the sketch.

    Notes
    -----
    Groups hold 1 row at first; when there are more than 256, neighbours are joined, so a group
    holds 2, 4, 8, ... rows. How rows fall into groups depends on their order and number only.
    The finer groups of earlier stages are kept, for a comparison with a much smaller sample.
    Memory is about 2 KB for each feature and each doubling of the rows.

    References
    ----------
    Rahimi & Recht (2007), NeurIPS (Fourier). Williams & Seeger (2001), NeurIPS, and Chatalic
    et al. (2022), ICML (Nyström kernel means).

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(1000, 3))
    >>> whole = KernelMeanSketch.fourier(3, bandwidth=1.5).update(rows)
    >>> parts = [whole.empty().update(part) for part in np.split(rows, 4)]
    >>> merged = parts[0].merge(parts[1]).merge(parts[2]).merge(parts[3])
    >>> merged.n_rows, bool(np.allclose(merged.mean, whole.mean))
    (1000, True)
    """

    def __init__(self, features: FeatureMap) -> None:
        self.features = features
        self._width = features.n_features + 1  # the last one is the squared norm
        self.rows_per_group = 1
        self.groups: Floats = np.zeros((0, self._width))
        self.finer: dict[int, Floats] = {}
        self._open, self._open_rows = np.zeros(self._width), 0
        self._loose, self._loose_rows = np.zeros(self._width), 0

    @classmethod
    def fourier(
        cls, n_columns: int, *, n_features: int = 1000, bandwidth: float, seed: int = 0
    ) -> KernelMeanSketch:
        """Return an empty sketch with random Fourier features of the Gaussian kernel.

        Parameters
        ----------
        n_columns, n_features : int
            An odd number of features is raised by one: a cosine and a sine each.
        bandwidth : float
            s in exp(-|x - y|²/(2 s²)).
        seed : int
            Of the frequencies; sketches that shall merge need the same.
        """
        n_columns = check_count(n_columns, "n_columns", minimum=1)
        n_features = check_count(n_features, "n_features", minimum=2)
        seed = check_count(seed, "seed", minimum=0)
        bandwidth = check_positive(bandwidth, "bandwidth")
        return cls(fourier_features(n_columns, n_features, bandwidth, seed))

    @classmethod
    def nystroem(cls, landmarks: Any, *, bandwidth: float) -> KernelMeanSketch:
        """Return an empty sketch with features that reproduce the Gaussian kernel on landmarks.

        Parameters
        ----------
        landmarks : array of shape (l, n_columns)
            Rows chosen without looking at their side, about as many as features are wanted.
        bandwidth : float
            s in exp(-|x - y|²/(2 s²)).
        """
        table = check_block(landmarks, "landmarks")
        return cls(
            nystroem_features(np.array(to_numpy(table)), check_positive(bandwidth, "bandwidth"))
        )

    def empty(self) -> KernelMeanSketch:
        """Return a sketch with the same features and no rows."""
        return KernelMeanSketch(self.features)

    @property
    def n_rows(self) -> int:
        """Rows seen."""
        return len(self.groups) * self.rows_per_group + self._open_rows + self._loose_rows

    @property
    def totals(self) -> Floats:
        """Sums of all features, and of their squared norm, over the rows seen."""
        return np.asarray(self.groups.sum(axis=0) + self._open + self._loose)

    @property
    def mean(self) -> Floats:
        """The kernel mean in features, shape (n_features,)."""
        if not self.n_rows:
            raise ValueError("The sketch has seen no rows; call `update` first.")
        return np.asarray(self.totals[:-1] / self.n_rows)

    def update(self, rows: Any, *, permutable: bool = True) -> KernelMeanSketch:
        """Add rows, in place, and return the sketch.

        Parameters
        ----------
        rows : array of shape (rows, n_columns)
        permutable : bool
            False keeps the rows out of the groups: they count in the mean, and stay on their
            side in a permutation test. Meant for rows that have chosen bandwidth or landmarks.
        """
        table = check_block(rows, "rows")
        if table.shape[1] != self.features.n_columns:
            raise ValueError(
                f"`rows` has {table.shape[1]} columns, the sketch {self.features.n_columns}; "
                "align the columns first."
            )
        most, start = max(1, _CHUNK_BYTES // (8 * self._width)), 0
        while start < table.shape[0]:
            if permutable:
                self._make_room()
            step = min(most, self._room) if permutable else most
            part = self._featured(table[start : min(start + step, table.shape[0]), :])
            if permutable:
                self._append_rows(part)
            else:
                self._set_apart(to_numpy(namespace(part).sum(part, axis=0)), part.shape[0])
            start += part.shape[0]
        return self

    def merge(self, other: KernelMeanSketch) -> KernelMeanSketch:
        """Add the rows of another sketch, in place, and return this one; the other is unchanged.

        Fewer rows than a group of the other holds may be left outside the groups: they count
        in the mean but are not permuted.
        """
        check_mergeable(self, other)
        while self.rows_per_group < other.rows_per_group:
            self._coarsen()
        self.finer = {**other.finer, **self.finer}
        for group in other.groups:
            self._append_group(group, other.rows_per_group)
        self._set_apart(other._open + other._loose, other._open_rows + other._loose_rows)
        self._make_room()
        return self

    def _featured(self, rows: Array) -> Array:
        xp = namespace(rows)
        features = self.features(rows)
        return xp.concat([features, xp.sum(features**2, axis=1)[:, None]], axis=1)

    def _append_rows(self, part: Array) -> None:
        """Fill the open group, then whole groups, and leave the rest open."""
        xp, size = namespace(part), self.rows_per_group
        first = min((size - self._open_rows) % size, part.shape[0])
        if first:
            self._append_group(to_numpy(xp.sum(part[:first, :], axis=0)), first)
        whole = (part.shape[0] - first) // size
        last = first + whole * size
        if whole:
            blocks = xp.reshape(part[first:last, :], (whole, size, self._width))
            self.groups = np.concatenate([self.groups, to_numpy(xp.sum(blocks, axis=1))])
        if last < part.shape[0]:
            self._append_group(to_numpy(xp.sum(part[last:, :], axis=0)), part.shape[0] - last)

    def _append_group(self, total: Floats, rows: int) -> None:
        """Add the sum of a few rows, at most a group's worth, to the open group."""
        if self._open_rows + rows > self.rows_per_group:
            self._set_apart(self._open, self._open_rows)
            self._open, self._open_rows = np.zeros(self._width), 0
        self._open, self._open_rows = self._open + total, self._open_rows + rows
        if self._open_rows == self.rows_per_group:
            self.groups = np.concatenate([self.groups, self._open[None, :]])
            self._open, self._open_rows = np.zeros(self._width), 0

    def _set_apart(self, total: Floats, rows: int) -> None:
        self._loose, self._loose_rows = self._loose + total, self._loose_rows + rows

    @property
    def _room(self) -> int:
        """Rows that fit before groups must be joined."""
        return (MOST_GROUPS - len(self.groups)) * self.rows_per_group - self._open_rows

    def _make_room(self) -> None:
        while self._room <= 0:
            self._coarsen()

    def _coarsen(self) -> None:
        """Join neighbouring groups; an odd one out becomes part of the open group."""
        self.finer[self.rows_per_group] = self.groups
        self.groups, left, rows = joined(self.groups, 2, self.rows_per_group)
        self._open, self._open_rows = self._open + left, self._open_rows + rows
        self.rows_per_group *= 2


def joined(groups: Floats, factor: int, rows_per_group: int) -> tuple[Floats, Floats, int]:
    """Return sums of neighbouring groups, the sum of those left over, and its rows."""
    whole = len(groups) // factor
    blocks = groups[: whole * factor].reshape(whole, factor, groups.shape[1])
    left = groups[whole * factor :]
    return blocks.sum(axis=1), left.sum(axis=0), len(left) * rows_per_group


def check_block(rows: Any, name: str) -> Array:
    """Return one finite float64 table in the library it came in."""
    return check_table(rows, name, min_rows=1)


def check_mergeable(one: KernelMeanSketch, other: KernelMeanSketch) -> None:
    """Refuse two sketches whose features are not the same."""
    differ = one.features.differences(other.features)
    if differ:
        raise ValueError(
            f"The two sketches have different features ({differ}); make both with the same "
            "bandwidth and seed, or landmarks."
        )
