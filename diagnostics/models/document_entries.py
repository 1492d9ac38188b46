"""Scores and rows as the document holds them; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..document import Interval, NullReference
from . import combine
from .document import RowsInfo, Score

if TYPE_CHECKING:
    from ._probe_rows import Rows
    from .labels import TargetLabels


def score_entry(name: str, found: Any) -> Score:
    """Return a score as the document holds it."""
    from ...metrics import REGISTRY

    entry = REGISTRY["cka" if name.startswith("cka_") else name]
    chance = found.chance
    family = "source model" if name == "source_head_risk" else entry.family
    return Score(
        name=name,
        family="probe" if name.endswith("probe") else cast(Any, family),
        value=found.value, units=entry.units, direction=entry.direction,
        larger_is_better=found.larger_is_better, label_only=entry.label_blind,
        normalised=found.normalised,
        chance=None if chance is None else NullReference(
            source_quantiles=None, target_quantiles=list(chance.quantiles),
            n_splits=len(chance.values),
            percentile=None if found.value is None
            else float(100 * (chance.values < found.value).mean()),
            what=f"{chance.what} shuffled",
        ),
        interval=None if found.interval is None else Interval(
            low=found.interval.low, high=found.interval.high, level=found.interval.level,
            method=found.interval.method,
        ),
        p_value=found.p_value,
        reason=None if found.reason is None else found.reason.sentence,
        cautions=[c.sentence for c in found.cautions],
    )  # fmt: skip


def distance_entry(name: str, found: Any) -> Score:
    """Return a divergence of source and target rows as the document holds scores."""
    from ...metrics import REGISTRY

    entry = REGISTRY[name]
    sides = (found.null.source_quantiles, found.null.target_quantiles)
    source, target = (None if q is None else list(q) for q in sides)
    return Score(
        name=name, family="divergence", value=found.value, units=entry.units,
        direction=entry.direction, larger_is_better=False, label_only=entry.label_blind,
        normalised=None,
        chance=NullReference(
            source_quantiles=source, target_quantiles=target, n_splits=len(found.null.pooled),
            percentile=found.null.percentile(found.value),
        ),
        interval=None if found.interval is None else Interval(
            low=found.interval.low, high=found.interval.high, level=found.interval.level,
            method=found.interval.method,
        ),
        p_value=None, cautions=list(found.warnings),
    )  # fmt: skip


def combination_words(combined: combine.Combined) -> str:
    """Return how probe and scores were put together."""
    if combined.slope is None:
        return "the probe alone: fewer than five candidates, or scores that say the same of all"
    return (
        "the probes' proper scores, drawn towards the line through them and PARC (for quantities "
        "LogME), the more the noisier the probes"
    )


def rows_info(rows: Rows, labels: TargetLabels | None) -> RowsInfo:
    """Return who the rows are."""
    return RowsInfo(
        name=rows.name, kind=rows.kind, n_rows=rows.n,
        n_labelled=0 if labels is None else len(labels.y),
        classes=None if labels is None else labels.counts, content_hash=rows.content_hash,
    )  # fmt: skip
