"""The picture of a model's layers: a strip of cells from the input side to the output side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _model_words as told
from . import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..diagnostics.models.document import Candidate, Layer

WIDTH = 392.0
WIDEST = 64.0
ROW = 28.0


@dataclass(frozen=True, slots=True)
class LayerCell:
    """One layer: its shade, its number, and whether source and target agree in it."""

    x: float
    shade: float | None
    text: str
    number: str
    best: bool
    agrees: bool | None


@dataclass(frozen=True, slots=True)
class SimilarityRow:
    """How alike every layer is to something else: 0 not at all, 1 in every respect."""

    y: float
    name: str
    cells: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class LayerStrip:
    """All layers of one candidate."""

    cells: tuple[LayerCell, ...]
    step: float
    width: float
    height: float
    tested: bool
    alike: tuple[SimilarityRow, ...]
    layers: tuple[tuple[int, Layer], ...]
    left_out: int
    words: str
    desc: str


def layer_strip(candidate: Candidate, most: int = 60) -> LayerStrip | None:
    """Return the strip of a candidate, at most `most` layers; None where it has none."""
    shown = _thinned(candidate, most)
    if not shown:
        return None
    step = round(min(WIDEST, WIDTH / len(shown)), 2)
    every = max(1, -(-len(shown) * 16 // int(WIDTH)))  # room for a number every 16 units
    cells = tuple(
        _cell(one, i, number, step, candidate.best_layer, every)
        for i, (number, one) in enumerate(shown)
    )
    tested = any(c.agrees is not None for c in cells)
    foot = 74.0 if tested else 60.0
    names = told.similarities(candidate.layers)
    alike = tuple(_alike(n, shown, step, foot + ROW * i) for i, n in enumerate(names))
    finding = told.agreement_words(candidate.layers)
    said = [f"{_short(one.name)} {_percent(one)}" for _, one in shown[:12]]
    width = round(step * len(shown), 1)
    return LayerStrip(
        cells,
        step,
        width,
        foot + ROW * len(alike),
        tested,
        alike,
        tuple(shown),
        len(candidate.layers) - len(shown),
        finding,
        ". ".join(
            filter(None, [
                f"Best layer: {_short(candidate.best_layer)}" if candidate.best_layer else "",
                words.sentence(finding).rstrip("."),
                f"From a constant prediction, 0, to no error, 100: {', '.join(said)}",
            ])
        ),
    )  # fmt: skip


def _thinned(candidate: Candidate, most: int) -> list[tuple[int, Layer]]:
    """Number the layers, and keep `most` of them, evenly spread, the best among them."""
    layers = list(enumerate(candidate.layers, 1))
    if len(layers) <= most:
        return layers
    kept = {round(i * (len(layers) - 1) / (most - 1)) for i in range(most)}
    best = next((i for i, (_, x) in enumerate(layers) if x.name == candidate.best_layer), None)
    if best is not None and best not in kept:
        kept = {*kept - {min(kept - {0}, key=lambda i: abs(i - best))}, best}
    return [layers[i] for i in sorted(kept)]


def _cell(
    layer: Layer, place: int, number: int, step: float, best: str | None, every: int
) -> LayerCell:
    share = told.normalised(layer.probe)
    return LayerCell(
        round(place * step, 1),
        None if share is None else round(0.9 * min(1.0, max(0.0, share)), 2),
        _percent(layer) if step >= 20 or layer.name == best else "",
        str(number) if place % every == 0 else "",
        layer.name == best,
        None if layer.shift is None else layer.shift.agrees,
    )


def _alike(name: str, shown: Sequence[tuple[int, Layer]], step: float, y: float) -> SimilarityRow:
    values = [
        (round(i * step, 1), score.value)
        for i, (_, one) in enumerate(shown)
        if (score := told.score_of(one, name)) is not None
    ]
    cells = tuple((x, round(0.9 * min(1.0, max(0.0, v)), 2)) for x, v in values if v is not None)
    return SimilarityRow(y, told.score_name(name), cells)


def _percent(layer: Layer) -> str:
    share = told.normalised(layer.probe)
    return words.MISSING if share is None else f"{100 * share:.0f}".replace("-", words.MINUS)


def _short(name: str) -> str:
    return told.short(name, 24)


def strips(
    candidates: Sequence[Candidate], most: int = 60, cells: int = 1200
) -> list[tuple[Candidate, LayerStrip | None]]:
    """Return every candidate's strip, all of them together of bounded size."""
    shown = candidates[:most]
    each = min(60, max(12, cells // max(1, len(shown))))
    return [(c, layer_strip(c, each)) for c in shown]
