"""How to use a model, and the one answer: from measured gaps to words.

Fine-tuning is not run here. What is said about it follows from what frozen layers give, and the
sentences say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .document import Action, Bracket, Candidate, Layer, Probe, Reason, Verdict

if TYPE_CHECKING:
    from ..document import Gap, Label, MetricInfo, Outcome
    from ._probe_rows import Rows
    from .labels import TargetLabels

TO_TUNE = 20
"""Labels a class (or a fifth of the rows of a quantity) from which fine-tuning is named. With so
many it gained 9 to 14 points on three of four image sets, and lost one on the set that the network
had been trained on; with 5 it lost on two of four (`benchmarks/networks/FINE_TUNE.md`)."""
GOOD_ENOUGH = 0.95
"""Frozen features this near to no error (0 is a constant prediction) leave nothing to tune for."""


_STATES: dict[Outcome, Literal["pass", "fail", "insufficient"]] = {
    "helps": "pass", "hurts": "fail", "cannot tell": "insufficient",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Use:
    """What to do with a candidate, and from which layer."""

    action: Action | None
    layer: str | None
    why: str


def use(
    layers: Sequence[Layer],
    best: str,
    gap: Gap | None,
    random: Gap | None,
    behind: Gap | None,
    labels: TargetLabels,
    kind: str,
) -> Use:
    """Return how to use a candidate.

    Parameters
    ----------
    layers : sequence of Layer
        From the input side.
    best : str
        The layer whose probe is best.
    gap, random : Gap or None
        Against the raw inputs, and against an untrained copy.
    behind : Gap or None
        Of the last layer against the best one; None when they are the same.
    labels : TargetLabels
    kind : str
        Of the candidate; only networks can be tuned.
    """
    if gap is not None and gap.outcome == "hurts":
        return Use("train from scratch", None, "the raw inputs serve the labels better")
    if random is not None and random.outcome == "hurts":
        return Use("train from scratch", None, "an untrained copy serves the labels better")
    names = [layer.name for layer in layers]
    frozen = Use(
        "frozen features with a linear probe", best, f"of its layers {best} serves the labels best"
    )
    each = _labels_each(labels)
    if kind != "network" or each < TO_TUNE:
        return frozen
    apart = next((n.name for n in layers if n.shift is not None and not n.shift.agrees), None)
    if behind is not None and behind.outcome == "hurts":
        after = names[names.index(best) + 1]
        return Use("fine-tune from layer", after, f"layers after {best} serve the labels worse")
    if apart is not None and apart != names[0]:
        return Use("fine-tune from layer", apart, f"source and target lie apart from {apart} on")
    probe = next(n.probe for n in layers if n.name == best)
    if probe is not None and probe.normalised < GOOD_ENOUGH:
        return Use("fine-tune all layers", None, f"there are {each:.0f} labels a class to tune on")
    return frozen


def _labels_each(labels: TargetLabels) -> float:
    """Return the labels of the smallest class, or a fifth of those of a quantity."""
    counts = labels.counts
    return len(labels.y) / 5 if counts is None else float(min(counts.values()))


def sentence(
    gap: Gap | None, random: Gap | None, use: Use, metric: MetricInfo, rows: Rows
) -> str:  # fmt: skip
    """Return what a candidate does for the target, in words."""
    told = []
    if gap is None:
        told.append("There are no raw inputs to hold it against.")
    else:
        told.append(f"{_against(gap, metric)} {rows.raw_name} alone.")
    if random is not None:
        told.append(f"{_against(random, metric)} an untrained copy.")
    if use.action is not None:
        told.append(f"Use: {_use(use)}, because {use.why}.")
    return " ".join(told)


def _use(use: Use) -> str:
    if use.action == "fine-tune from layer":
        return f"fine-tune from layer {use.layer}"
    if use.action == "frozen features with a linear probe":
        return f"frozen features of {use.layer} with a linear probe"
    return str(use.action)


def _against(gap: Gap, metric: MetricInfo) -> str:
    scale, unit = metric.scale, metric.unit
    size = f"{abs(gap.estimate) * scale:.3g} {unit}"
    if gap.outcome == "helps":
        return f"It lowers the {metric.error_name} by {size} against"
    if gap.outcome == "hurts":
        return f"It raises the {metric.error_name} by {size} (negative transfer) against"
    size = f"{_number(gap.estimate * scale)} {unit}"
    return f"It cannot be told whether it is better or worse (gap {size}) than"


def verdict(
    candidates: Sequence[Candidate],
    runs: Sequence[Bracket],
    raw: Probe | None,
    metric: MetricInfo,
    labels: TargetLabels,
) -> Verdict:
    """Return the one answer: the candidate ranked first, or none.

    Parameters
    ----------
    candidates : sequence of Candidate
        Best first.
    runs : sequence of Bracket
    raw : Probe or None
    metric : MetricInfo
    labels : TargetLabels
    """
    first = candidates[0]
    label = _label(first, raw, metric.margin)
    return Verdict(
        label=label, sentence=_headline(first, label, runs, metric),
        candidate=None if label == "do-not-transfer" else first.name,
        layer=None if label == "do-not-transfer" else first.best_layer,
        action=first.action, reasons=_reasons(first, candidates, metric),
        counter_reasons=_against_it(first, runs, metric), untested=_untested(candidates, raw),
        would_change_if=_change(label, runs, first, labels),
        safest_default=_safest(label, first),
    )  # fmt: skip


def _label(first: Candidate, raw: Probe | None, margin: float) -> Label:
    gap = first.gap
    if gap is None or raw is None:
        return "not-enough-evidence"
    if gap.outcome == "hurts":
        return "do-not-transfer"
    if gap.outcome == "cannot tell":
        # both a gain and a harm that matter are still possible
        open_ = gap.low < -margin and gap.high > margin
        return "not-enough-evidence" if open_ else "caution"
    if first.gap_random is not None and first.gap_random.outcome != "helps":
        return "caution"
    return "transfer-with-adaptation" if _adapted(first) else "transfer"


def _adapted(first: Candidate) -> bool:
    return (first.action or "").startswith("fine-tune")


def _headline(first: Candidate, label: str, runs: Sequence[Bracket], metric: MetricInfo) -> str:
    if first.gap is None:
        return (
            f"{first.name} is ranked first, but there are no raw inputs to hold it against: "
            "whether any of the models helps was not tested."
        )
    if label == "do-not-transfer":
        return (
            f"None of the models: even {first.name}, ranked first, does worse than the raw inputs. "
            f"{_against(first.gap, metric)} them. Train from scratch."
        )
    tied = next((r.members for r in runs if first.name in r.members), [])
    equal = max(0, len(tied) - 1)
    beside = f" {equal} more cannot be told from it." if equal else " It stands alone at the top."
    told = _against(first.gap, metric)
    return f"{first.name}: {told[0].lower()}{told[1:]} the raw inputs.{beside}"


def _reasons(first: Candidate, candidates: Sequence[Candidate], metric: MetricInfo) -> list[Reason]:
    told = []
    if first.gap is not None:
        told.append(Reason(
            state=_STATES[first.gap.outcome],
            sentence=f"{first.name} against the raw inputs: gap "
            f"{_range(first.gap, metric)}.",
        ))  # fmt: skip
    if first.gap_random is not None:
        good = first.gap_random.outcome == "helps"
        told.append(Reason(
            state="pass" if good else "warn",
            sentence=f"Against an untrained copy of itself: gap {_range(first.gap_random, metric)}"
            + ("." if good else "; what it gives may be owed to its architecture alone."),
        ))  # fmt: skip
    worse = [c.name for c in candidates if c.gap is not None and c.gap.outcome == "hurts"]
    if worse and first.name not in worse:
        told.append(Reason(
            state="warn",
            sentence=f"Worse than the raw inputs (negative transfer): {_listed(worse)}.",
        ))  # fmt: skip
    return told


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _range(gap: Gap, metric: MetricInfo) -> str:
    s = metric.scale
    return (
        f"{_number(gap.estimate * s)} {metric.unit} ({100 * gap.level:.0f} % interval "
        f"{_number(gap.low * s)} to {_number(gap.high * s)})"
    )


def _number(value: float) -> str:
    """Return three digits with a sign; never -0."""
    return f"{value + 0.0:+.3g}".replace("-", "\u2212")


def _against_it(first: Candidate, runs: Sequence[Bracket], metric: MetricInfo) -> list[Reason]:
    told = []
    tied = next((r.members for r in runs if first.name in r.members), [])
    others = [name for name in tied if name != first.name]
    if others:
        told.append(Reason(
            state="insufficient",
            sentence=f"{first.name} cannot be told from {_listed(others)}: take the smallest or "
            "cheapest of them.",
        ))  # fmt: skip
    for score in first.source_scores:
        if score.name == "source_head_risk" and score.normalised is not None:
            told += [Reason(
                state="fail",
                sentence="The model's own head does worse than chance on the target's labels: its "
                "classes do not mean the same here.",
            )] if score.normalised < 0 else []  # fmt: skip
    return told


def _untested(candidates: Sequence[Candidate], raw: Probe | None) -> list[str]:
    told = ["Fine-tuning was not run: what is said about it follows from the frozen layers."]
    if raw is None:
        told.append("Whether any model beats the raw inputs: give the rows, not features alone.")
    if all(c.gap_random is None for c in candidates):
        told.append(
            "Whether training, or architecture alone, gives the features: give torch modules, of "
            "which an untrained copy can be made."
        )
    if all(layer.shift is None for c in candidates for layer in c.layers):
        told.append("In which layers source and target lie apart: give source rows.")
    return told


def _change(label: str, runs: Sequence[Bracket], first: Candidate, labels: TargetLabels) -> str:
    tied = any(first.name in r.members for r in runs)
    if label == "do-not-transfer":
        return "A model trained on data nearer to the target."
    if label == "not-enough-evidence" or (first.gap and first.gap.outcome == "cannot tell"):
        return f"More labelled target rows than the {len(labels.y)} there are."
    if tied:
        return "More labels would tell the models at the top apart; the gain itself is clear." \
            if label.startswith("transfer") else "More labelled target rows."  # fmt: skip
    return "Labels that were not drawn at random from the rows you care about."


def _safest(label: Label, first: Candidate) -> str:
    """Return what to do meanwhile, or if in doubt."""
    if label.startswith("transfer"):
        return f"Frozen features of {first.best_layer} of {first.name} with a linear probe."
    return "A model of your own on the raw inputs, beside a linear probe on the frozen features."
