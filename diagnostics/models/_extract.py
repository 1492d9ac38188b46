"""From candidates to features: each network sees each row once, whatever the number of layers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain._domain import Domain
from ..domain._words import short
from ..errors import InputError
from ._cache import Cache, features_key
from ._candidates import Candidate, as_candidates, is_module
from ._collect import Collector, Extracted
from ._doors import CandidateDoor
from ._encoder_run import Encoder
from ._feature_files import read_features
from ._features import CandidateFeatures
from ._head import check_classes, probabilities
from ._hub import resolved
from ._layers import n_parameters
from ._match_rows import matched
from ._network import HEAD, Network, failure, pick_device
from ._probe_rows import Rows
from ._random_copy import random_copy

if TYPE_CHECKING:
    from numpy.typing import NDArray

Progress = Callable[[str, int, int], None]

MOST_BYTES = 2 * 2**30


def extract(
    candidates: Any,
    rows: Rows | None,
    *,
    source: Rows | None = None,
    batch_size: int = 64,
    device: str = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    most_bytes: int = MOST_BYTES,
) -> list[CandidateFeatures]:
    """Return the features of every candidate on the rows.

    Parameters
    ----------
    candidates : Candidate, model, mapping of names to models, or list of these
        See `Candidate`.
    rows : Rows, optional
        The target's; may be left out where every candidate is a file of saved features.
    source : Rows, optional
        Source rows for all candidates that have none of their own.
    batch_size : int
        Rows a network sees at a time.
    device : str
        ``"auto"`` is a GPU if there is one; networks are moved back afterwards.
    cache_dir : path, optional
        Where features are kept; nowhere by default.
    progress : callable, optional
        Called with a stage, the rows done and all rows, after every batch.
    most_bytes : int
        What the features of one candidate may take up in memory.

    Returns
    -------
    list of CandidateFeatures
        In the order of the candidates.

    Raises
    ------
    InputError
        With one sentence that names the candidate and what to do.

    Notes
    -----
    All layers are read in one pass, ``ceil(n / batch_size)`` forward passes; which ones
    ``"auto"`` takes is settled on the first batch.  An untrained copy with batch
    normalisation takes one pass more, over at most 256 rows.  Features are float32.  A
    network's parts are afterwards in the mode they were in.

    Examples
    --------
    >>> import numpy as np
    >>> rows = Rows.load(np.arange(24.0).reshape(6, 4), name="table")
    >>> found, = extract({"sums": lambda x: x.cumsum(axis=1)}, rows)
    >>> found
    CandidateFeatures('sums', 6 rows, 'output' 4)
    """
    return list(
        extract_each(
            candidates, rows, source=source, batch_size=batch_size, device=device,
            cache_dir=cache_dir, progress=progress, most_bytes=most_bytes,
        )
    )  # fmt: skip


def extract_each(
    candidates: Any,
    rows: Rows | None,
    *,
    source: Rows | None = None,
    batch_size: int = 64,
    device: str = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    most_bytes: int = MOST_BYTES,
) -> Iterator[CandidateFeatures]:
    """Yield the features of one candidate after the other, as `extract` returns them.

    Parameters
    ----------
    candidates, rows, source, batch_size, device, cache_dir, progress, most_bytes
        As for `extract`.

    Yields
    ------
    CandidateFeatures
        So that no more than one candidate need be held in memory.
    """
    every = as_candidates(candidates)
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise InputError(f"the batch size is {short(batch_size)}; give a whole number from 1")
    cache = None if cache_dir is None else Cache(cache_dir)
    job = _Job(batch_size, device, cache, progress, most_bytes)
    for candidate in every:
        own = candidate.source if candidate.source is not None else source
        yield job.run(candidate, rows, own)


class _Job:
    """How features are computed, the same for all candidates."""

    def __init__(
        self, batch_size: int, device: str, cache: Cache | None, progress: Progress | None,
        most_bytes: int,
    ) -> None:  # fmt: skip
        self._batch_size, self._device, self._cache = batch_size, device, cache
        self._progress, self._most_bytes = progress, most_bytes

    def run(
        self, candidate: Candidate, rows: Rows | None, source: Rows | None
    ) -> CandidateFeatures:
        """Return the features of one candidate."""
        start, door = time.perf_counter(), CandidateDoor(candidate.name)
        if candidate.kind == "features":
            found = _saved(candidate, rows, door)
        else:
            if rows is None:
                raise door.error("needs rows to look at; give the target's rows")
            found = self._shown(candidate, rows, source, door)
        return replace(
            found,
            notices=tuple(dict.fromkeys((*found.notices, *door.notices))),
            seconds=time.perf_counter() - start,
        )

    def _shown(
        self, candidate: Candidate, rows: Rows, source: Rows | None, door: CandidateDoor
    ) -> CandidateFeatures:
        """Return the features of a network or an encoder."""
        published = candidate.model if isinstance(candidate.model, str) else None
        published = None if candidate.preprocess is not None else published
        loaded = resolved(candidate, rows, door)
        if loaded.seed is not None:
            loaded = replace(loaded, model=random_copy(loaded.model, loaded.seed))
        ours, cached = self._cached(loaded, published, rows, None, door)
        theirs = None
        if source is not None:
            names = list(ours.layers)
            theirs, _ = self._cached(loaded, published, source, names, door)
            _check_same(ours, theirs, door)
        probs = _probabilities(loaded, ours, door)
        classes = None if probs is None else check_classes(loaded.classes, probs.shape[1], door)  # type: ignore[arg-type]
        return CandidateFeatures(
            name=candidate.name,
            kind=candidate.kind,
            n_parameters=n_parameters(loaded.model) if is_module(loaded.model) else None,
            layers=ours.layers,
            head_probabilities=probs,
            head_classes=classes,
            source_layers={} if theirs is None else theirs.layers,
            source_labels=None if source is None else source.labels,
            source_head_probabilities=(
                None if theirs is None else _probabilities(loaded, theirs, door)
            ),
            notices=(*ours.notices, *(() if theirs is None else theirs.notices)),
            seconds=0.0,
            cached=cached,
        )

    def _cached(
        self, candidate: Candidate, published: str | None, rows: Rows, layers: list[str] | None,
        door: CandidateDoor,
    ) -> tuple[Extracted, bool]:  # fmt: skip
        """Return features from the cache, or computed and kept there."""
        key = None
        if self._cache is not None:
            key = features_key(candidate, published, rows, layers)
            if key is None:
                door.note(
                    "is not kept in the cache, because its content cannot be read; give it a key="
                )
            elif (kept := self._cache.get(key, rows, door)) is not None:
                return kept, True
        found = self._computed(candidate, rows, layers)
        if self._cache is not None and key is not None:
            self._cache.put(key, found, door)
        return found, False

    def _computed(self, candidate: Candidate, rows: Rows, layers: list[str] | None) -> Extracted:
        """Show all rows to a model, batch by batch."""
        door = CandidateDoor(candidate.name)
        collector = Collector(rows, self._most_bytes, door)
        model: Network | Encoder
        if is_module(candidate.model):
            model = Network(candidate, rows, pick_device(self._device), layers, door)
        else:
            model = Encoder(candidate, layers, door)
        stage = f"features of {short(candidate.name)} on {short(rows.name)}"
        with model:
            for start, batch in rows.batches(self._batch_size):
                collector.add(start, model(batch))
                if self._progress is not None:
                    self._progress(stage, min(start + self._batch_size, rows.n), rows.n)
        found = dict(collector.arrays)
        head = found.pop(HEAD, None)
        return Extracted(found, head, tuple(door.notices))


def _check_same(ours: Extracted, theirs: Extracted, door: CandidateDoor) -> None:
    for name, values in ours.layers.items():
        other = theirs.layers[name].shape[1]
        if values.shape[1] != other:
            raise door.error(
                f"gives {values.shape[1]:,} columns in layer {short(name)} for the target's rows "
                f"and {other:,} for the source's; bring both to one size"
            )


def _probabilities(
    candidate: Candidate, found: Extracted, door: CandidateDoor
) -> NDArray[np.float32] | None:
    """Return the class probabilities of the head, wherever it is."""
    outputs = found.head
    if callable(candidate.head):
        last = list(found.layers.values())[-1]
        try:
            outputs = np.asarray(candidate.head(last), dtype=np.float32)
        except Exception as error:
            raise door.error(f"has a head that {failure(last, len(last), error)}") from error
        if outputs.ndim != 2 or len(outputs) != len(last):
            raise door.error(
                f"has a head that gives an array of shape {outputs.shape} for {len(last):,} rows; "
                "return one row of probabilities or logits for each row"
            )
        if not np.isfinite(outputs).all():
            raise door.error("has a head that gives NaN or infinite values; check its weights")
    return None if outputs is None else probabilities(outputs, door)


def _saved(candidate: Candidate, rows: Rows | None, door: CandidateDoor) -> CandidateFeatures:
    """Return features that were saved before."""
    wanted = None if candidate.layers == "auto" else tuple(candidate.layers)
    saved = read_features(os.fsdecode(candidate.model), wanted, door)
    if rows is not None:
        saved = matched(saved, rows, door)
    probs = None if saved.probs is None else probabilities(saved.probs, door, given=True)
    classes = candidate.classes if candidate.classes is not None else saved.classes
    names = None if classes is None else tuple(classes)
    return CandidateFeatures(
        name=candidate.name,
        kind="features",
        n_parameters=None,
        layers=saved.layers,
        head_probabilities=probs,
        head_classes=None if probs is None else check_classes(names, probs.shape[1], door),
        source_layers=saved.source_layers,
        source_labels=_labels(saved.source_labels, door) if saved.source_layers else None,
        source_head_probabilities=None,
        notices=(),
        seconds=0.0,
        labels=_labels(saved.y, door),
        ids=None if saved.ids is None else tuple(map(str, saved.ids.tolist())),
    )


def _labels(values: Any, door: CandidateDoor) -> NDArray[Any] | None:
    """Return saved labels as every domain has them."""
    if values is None:
        return None
    read = Domain.load({"row": range(len(values))}, y=np.asarray(values), name=door.name)
    return read.labels
