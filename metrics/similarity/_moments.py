"""Sums over rows from which debiased linear CKA of all pairs of layers follows exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._validation import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sums over the rows of several layers side by side, taken about a common point.

    Attributes
    ----------
    widths : ndarray of int64, shape (layers,)
        Columns of each layer.
    rows : int
    shift : ndarray of shape (width,)
        The point that was subtracted from every row; near the mean, so that nothing cancels.
    sums : ndarray of shape (width,)
        Of the rows.
    products : ndarray of shape (width, width)
        Of columns with columns.
    lengths : ndarray of shape (layers,)
        Sums of squared lengths, layer by layer.
    weighted : ndarray of shape (width, layers)
        Sums of the rows, each times its squared length in one layer.
    quartic : ndarray of shape (layers, layers)
        Sums of products of squared lengths.
    """

    widths: Ints
    rows: int
    shift: Floats
    sums: Floats
    products: Floats
    lengths: Floats
    weighted: Floats
    quartic: Floats

    @property
    def layers(self) -> list[slice]:
        """Which columns each layer has."""
        ends = np.cumsum(self.widths)
        return [slice(int(e - w), int(e)) for e, w in zip(ends, self.widths, strict=True)]

    def about(self, point: Floats) -> Moments:
        """Return the sums about another point."""
        if point is self.shift:
            return self
        step = self.shift - point
        blocks = np.zeros((len(step), len(self.widths)))
        for layer, columns in enumerate(self.layers):
            blocks[columns, layer] = step[columns]
        # squared length of a row z + e in a layer: |z|² + 2 z'e + |e|²
        square = np.einsum("ij,ij->j", blocks, blocks)
        turned = self.products @ blocks
        lengths = self.lengths + 2 * blocks.T @ self.sums + self.rows * square
        weighted = self.weighted + 2 * turned + np.outer(self.sums, square)
        weighted += np.outer(step, lengths)
        once = 2 * self.weighted.T @ blocks + np.outer(
            self.lengths + 2 * blocks.T @ self.sums, square
        )
        quartic = self.quartic + once + once.T + 4 * blocks.T @ turned
        quartic += self.rows * np.outer(square, square)
        outer = np.outer(self.sums, step)
        products = self.products + outer + outer.T + self.rows * np.outer(step, step)
        return Moments(
            self.widths, self.rows, point, self.sums + self.rows * step, products, lengths,
            weighted, quartic,
        )  # fmt: skip

    def plus(self, other: Moments) -> Moments:
        """Return the sums over the rows of both; the point is that of the first."""
        moved = other.about(self.shift)
        return Moments(
            self.widths, self.rows + moved.rows, self.shift, self.sums + moved.sums,
            self.products + moved.products, self.lengths + moved.lengths,
            self.weighted + moved.weighted, self.quartic + moved.quartic,
        )  # fmt: skip

    def centred(self) -> Moments:
        """Return the sums about the mean."""
        return self.about(self.shift + self.sums / self.rows)

    def hsic(self) -> Floats:
        """Return n² HSIC, debiased, of every pair of layers; the sums must be about the mean."""
        n, parts = self.rows, self.layers
        cross = np.empty((len(parts), len(parts)))
        for a, one in enumerate(parts):
            for b, other in enumerate(parts[: a + 1]):
                block = self.products[one, other]
                cross[a, b] = cross[b, a] = np.vdot(block, block)
        outer = np.outer(self.lengths, self.lengths) / ((n - 1) * (n - 2))
        total: Floats = cross - n / (n - 2) * self.quartic + outer
        return total


def moments(stacked: Floats, widths: Ints, shift: Floats | None = None) -> Moments:
    """Return the sums over the rows of layers side by side, about their mean or a given point."""
    point: Floats = stacked.mean(axis=0) if shift is None else shift
    stacked = stacked - point
    starts = np.cumsum(widths) - widths
    squares = np.stack(
        [np.einsum("ij,ij->i", part, part) for part in np.split(stacked, starts[1:], axis=1)],
        axis=1,
    )
    return Moments(
        widths, len(stacked), point, stacked.sum(axis=0), stacked.T @ stacked,
        squares.sum(axis=0), stacked.T @ squares, squares.T @ squares,
    )  # fmt: skip
