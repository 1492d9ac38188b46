"""What the two views of a comparison of models say in words."""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Literal

from . import words
from .clean import clean, clip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..diagnostics.document import Gap, MetricInfo
    from ..diagnostics.models.document import (
        Candidate,
        Layer,
        ModelRanking,
        Probe,
        Rank,
        RowsInfo,
        Score,
    )

State = Literal["pass", "fail", "insufficient", "not-applicable"]

OUTCOME_STATES: dict[str, State] = {
    "helps": "pass",
    "hurts": "fail",
    "cannot tell": "insufficient",
}
SCORE_NAMES = {
    "cka": "CKA",
    "cka_with_labels": "CKA with the labels",
    "cka_with_raw_inputs": "CKA with the raw inputs",
    "f_otce": "F-OTCE",
    "gbc": "GBC",
    "h_score": "H-score",
    "knn_probe": "nearest neighbours",
    "leep": "LEEP",
    "lin_mse": "LinMSE",
    "logme": "LogME",
    "nce": "NCE",
    "nleep": "NLEEP",
    "otce": "OTCE",
    "otdd": "distance of the data sets (OTDD)",
    "pactran": "PACTran",
    "parc": "PARC",
    "sfda": "SFDA",
    "shrunken_h_score": "shrunken H-score",
    "source_head_risk": "risk of the source head",
    "transrate": "TransRate",
}


def short(name: str, width: int) -> str:
    """Return a name made harmless, its middle left out beyond `width`; wide signs count double."""
    text = clean(name[:2000])
    length = width
    while length > 4 and _width(clip(text, length)) > width:
        length -= 1
    return clip(text, length)


def _width(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def score_name(name: str) -> str:
    """Put the name of a score into words."""
    return SCORE_NAMES.get(name, name.replace("_", " "))


def outcome_state(gap: Gap | None) -> State:
    """Return the state that an outcome is drawn as."""
    return "not-applicable" if gap is None else OUTCOME_STATES[gap.outcome]


def outcome_words(gap: Gap | None) -> str:
    """Return the outcome in a word, with its mark."""
    told = "not compared" if gap is None else words.OUTCOME_WORDS[gap.outcome]
    return f"{words.STATE_GLYPHS[outcome_state(gap)]} {told}"


def rank_words(rank: Rank | None) -> str:
    """Return the interval of a rank, "2 to 5"."""
    if rank is None:
        return words.MISSING
    return f"{rank.low}" if rank.low == rank.high else f"{rank.low} to {rank.high}"


def rank_sentence(rank: Rank | None) -> str:
    """Say which places a candidate may hold."""
    if rank is None:
        return "no rank"
    told = f"rank {rank.estimate}"
    level = words.percent(rank.level)
    if rank.low == rank.high:
        return f"{told} ({level} interval: no other place)"
    return f"{told} ({level} interval {rank_words(rank)})"


def error_words(c: Candidate, metric: MetricInfo) -> str:
    """Return the measured error of a candidate with its interval, without the unit."""
    told = words.in_metric(c.error, metric, bare=True)
    if c.error is None or c.error_interval is None:
        return told
    return f"{told} ({interval_words(c.error_interval.low, c.error_interval.high, metric)})"


def probe_words(probe: Probe | None, metric: MetricInfo) -> str:
    """Return a probe's error with its interval, without the unit."""
    if probe is None:
        return words.MISSING
    low, high = probe.interval.low, probe.interval.high
    told = words.in_metric(probe.error, metric, bare=True)
    return f"{told} ({interval_words(low, high, metric)})"


def interval_words(low: float, high: float, metric: MetricInfo) -> str:
    """Return an interval of an error in the metric's unit, "3.4 to 8.2"."""
    ends = (words.in_metric(v, metric, bare=True) for v in (low, high))
    return " to ".join(ends)


def gap_meaning(gap: Gap, metric: MetricInfo, than: str) -> str:
    """Say in the user's metric what a gap means: "accuracy 2.5 points higher (better) than ..."."""
    size = words.gap_words(gap, metric).estimate.lstrip(f"+{words.MINUS}")
    if not any(c in "123456789" for c in size):
        return f"{metric.name} the same as {than}"
    worse = gap.estimate > 0
    lower = worse if metric.greater_is_better else not worse
    return (
        f"{metric.name} {size} {metric.unit} {'lower' if lower else 'higher'} "
        f"({'worse' if worse else 'better'}) than {than}"
    )


def gap_short(gap: Gap | None, metric: MetricInfo) -> str:
    """Return a gap with its interval, without the unit."""
    if gap is None:
        return words.MISSING
    w = words.gap_words(gap, metric)
    return f"{w.estimate} ({w.interval})"


def use_words(action: str | None, layer: str | None, best: str | None) -> str:
    """Return what to do with a candidate, with the layer it is about."""
    if action is None:
        return words.MISSING
    if action == "fine-tune from layer":
        return f"{action} {layer}" if layer is not None else "fine-tune from a later layer"
    if action == "frozen features with a linear probe":
        where = layer if layer is not None else best
        return action if where is None else f"frozen features of {where} with a linear probe"
    return action


def verdict_use(ranking: ModelRanking) -> str:
    """Return what the verdict says to do."""
    v = ranking.verdict
    owner = next((c for c in ranking.candidates if c.name == v.candidate), None)
    layer = owner.action_layer if owner is not None and owner.action == v.action else v.layer
    return use_words(v.action, layer, v.layer)


def separation(ranking: ModelRanking, most: int = 6) -> list[str]:
    """Say which candidates cannot be told apart, one sentence for every bracket."""
    members = [b.members for b in ranking.brackets if b.members]
    if members:
        return [f"{listed(names, most)} cannot be separated." for names in members]
    errors = [c.error for c in ranking.candidates]
    if len(errors) < 2 or None in errors:
        return []
    return ["Every candidate can be told apart from every other."]


def listed(names: Sequence[str], most: int = 6) -> str:
    """Return names as "A, B and C", the last ones counted where there are many."""
    shown = [short(n, 32) for n in names[:most]]
    more = len(names) - len(shown)
    if more:
        shown.append(f"{more} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def best(candidate: Candidate) -> Layer | None:
    """Return the layer of a candidate that is named as its best."""
    return next((one for one in candidate.layers if one.name == candidate.best_layer), None)


def best_scores(candidate: Candidate) -> list[Score]:
    """Return the scores of a candidate's best layer that say how well it serves."""
    layer = best(candidate)
    return [] if layer is None else [s for s in layer.scores if s.family != "similarity"]


def similarities(layers: Sequence[Layer]) -> list[str]:
    """Return the names of the scores that say how alike layers are to something else."""
    found = (s.name for one in layers for s in one.scores if s.family == "similarity")
    return list(dict.fromkeys(found))


def score_of(layer: Layer, name: str) -> Score | None:
    """Return the score of this name, if the layer has it."""
    return next((s for s in layer.scores if s.name == name), None)


def similarity_words(score: Score | None) -> str:
    """Return a similarity with its interval, or why there is none."""
    if score is None:
        return words.MISSING
    if score.value is None or score.interval is None:
        return words.number(score.value, 2) if score.reason is None else score_value(score)
    low, high = words.number(score.interval.low, 2), words.number(score.interval.high, 2)
    return f"{words.number(score.value, 2)} ({low} to {high})"


def normalised(probe: Probe | None) -> float | None:
    """Return where a probe stands between a constant prediction, 0, and no error at all, 1."""
    return None if probe is None or not math.isfinite(probe.normalised) else probe.normalised


def agreement_words(layers: Sequence[Layer]) -> str:
    """Say in which layers source rows and target rows agree; empty where none was tested."""
    apart = [i for i, one in enumerate(layers, 1) if one.shift and not one.shift.agrees]
    close = [i for i, one in enumerate(layers, 1) if one.shift and one.shift.agrees]
    if not apart and not close:
        return ""
    if not apart:
        return "source and target agree in every layer tested"
    if not close:
        return "source and target lie apart in every layer tested"
    return f"{_layers(close)}, {_runs(apart)} {'does' if len(apart) == 1 else 'do'} not"


def _layers(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"layer {numbers[0]} agrees"
    return f"layers {_runs(numbers)} agree"


def _runs(numbers: Sequence[int]) -> str:
    """Return rising numbers as "1 to 3 and 7"."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    told = [f"{a}" if a == b else f"{a} to {b}" for a, b in runs]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


def classes_words(rows: RowsInfo) -> str:
    """Say how many classes there are, and how few and many labels they have."""
    counts = list((rows.classes or {}).values())
    if not counts:
        return words.MISSING
    each = words.count(min(counts))
    if max(counts) > min(counts):
        each += f" to {words.count(max(counts))}"
    return f"{words.plural(len(counts), 'class', 'classes')}, {each} labels each"


def chance_error(ranking: ModelRanking) -> float | None:
    """Return the error of a constant prediction, the same on all folds."""
    probes = [ranking.raw_probe, *(x.probe for c in ranking.candidates for x in c.layers)]
    return next((p.chance for p in probes if p is not None), None)


def score_value(score: Score) -> str:
    """Return the value of a score with unit and interval, or why there is none."""
    if score.value is None:
        return words.sentence(score.reason or "no value")
    told = f"{words.number(score.value)} {score.units}".strip()
    if score.interval is not None:
        low, high = words.number(score.interval.low), words.number(score.interval.high)
        told += f" ({words.percent(score.interval.level)} interval {low} to {high})"
    return told


def score_chance(score: Score) -> str:
    """Say what chance gives of a score, 5 % to 95 %."""
    return (words.null_ranges(score.chance) if score.chance is not None else "") or words.MISSING
