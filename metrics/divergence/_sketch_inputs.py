"""From tables, blocks of rows or sketches to two sketches with the same features."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from .._arrays import Array, check_tables, namespace, take, to_numpy
from .._validation import subsample
from ._array_kernels import MEDIAN_ROWS, Bandwidth, resolve_bandwidth
from ._feature_maps import FeatureKind, fourier_features
from .kernel_mean_sketch import KernelMeanSketch, check_block, check_mergeable

_PILOT_ROWS = 1000
"""Rows of a stream that choose bandwidth and landmarks, at most half of its first block."""

Pair: TypeAlias = tuple[KernelMeanSketch, KernelMeanSketch, tuple[str, ...]]


def sketches(
    source: Any, target: Any, kind: FeatureKind, n_features: int, bandwidth: Bandwidth,
    rng: np.random.Generator,
) -> Pair:  # fmt: skip
    """Return a sketch of either side, whatever came in, and what makes them doubtful."""
    made = [isinstance(side, KernelMeanSketch) for side in (source, target)]
    if all(made):
        check_mergeable(source, target)
        return source, target, ()
    if any(made):
        raise TypeError("One side is a sketch and the other is not; make a sketch of both.")
    # Drawn first, so that the frequencies do not depend on the number of rows.
    seed = int(rng.integers(2**32))
    if isinstance(source, Iterator) or isinstance(target, Iterator):
        return _from_blocks(source, target, kind, n_features, bandwidth, seed, rng)
    x, y = check_tables(source, target, min_rows=2)
    n = x.shape[0]
    chosen = subsample(n + y.shape[0], MEDIAN_ROWS, rng)
    some = (take(x, chosen[chosen < n]), take(y, chosen[chosen >= n] - n))
    sketch, notes = _empty(kind, n_features, bandwidth, seed, namespace(x).concat(some), rng)
    return sketch.empty().update(x), sketch.empty().update(y), notes


def _from_blocks(
    source: Any, target: Any, kind: FeatureKind, n_features: int, bandwidth: Bandwidth, seed: int,
    rng: np.random.Generator,
) -> Pair:  # fmt: skip
    sides = [_opened(side, name) for side, name in ((source, "source"), (target, "target"))]
    # Rows that choose the features may not be permuted; none choose when all is given.
    given = kind == "fourier" and bandwidth != "median"
    most = 0 if given else _PILOT_ROWS
    pilots = [to_numpy(first[: min(most, first.shape[0] // 2), :]) for first, _ in sides]
    if pilots[0].shape[1] != pilots[1].shape[1]:
        raise ValueError(
            f"`target` has {pilots[1].shape[1]} columns, `source` has {pilots[0].shape[1]}; align "
            "the columns first."
        )
    sketch, notes = _empty(kind, n_features, bandwidth, seed, np.concatenate(pilots), rng)
    filled = []
    for (first, rest), pilot in zip(sides, pilots, strict=True):
        one = sketch.empty()
        if len(pilot):
            one.update(pilot, permutable=False)
        for block in chain([first[len(pilot) :, :]], rest):
            one.update(block)
        filled.append(one)
    return filled[0], filled[1], notes


def _opened(side: Any, name: str) -> tuple[Array, Iterator[Any]]:
    """Return the first block and the rest."""
    blocks = side if isinstance(side, Iterator) else iter([side])
    first = next(blocks, None)
    if first is None:
        raise ValueError(f"`{name}` yields no block of rows; pass an iterator that has not run.")
    return check_block(first, name), blocks


def _empty(
    kind: FeatureKind, n_features: int, bandwidth: Bandwidth, seed: int, some: Array,
    rng: np.random.Generator,
) -> tuple[KernelMeanSketch, tuple[str, ...]]:  # fmt: skip
    """Return an empty sketch with features chosen on some rows of both sides."""
    centred = some - namespace(some).mean(some, axis=0) if some.shape[0] else some
    width, notes = resolve_bandwidth(bandwidth, centred, rng)
    if kind == "fourier":
        return KernelMeanSketch(fourier_features(some.shape[1], n_features, width, seed)), notes
    landmarks = take(some, subsample(some.shape[0], n_features, rng))
    return KernelMeanSketch.nystroem(landmarks, bandwidth=width), notes
