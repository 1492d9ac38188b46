"""The policy: from gaps and checks to one of five words.

Nothing is computed here but comparisons of numbers that are already in the document.  The
rules, in order:

1. No pilot: ``not-enough-evidence``; ``caution`` if most of the target lies outside the
   source's support.  Without labels it is never better than that.
2. The best strategy hurts (chance of harm at least 90 %) by more than the margin (at least
   50 %): ``do-not-transfer``.  Likewise when using the source as it is hurts clearly and no
   adapted strategy is likely to gain.
3. The best strategy hurts, but by less than the margin, or no check finds the domains
   different and the chance of harm is below 99 %: ``caution``.
4. The chance of clear harm is at most 20 %, or its sign cannot be told and no check finds the
   domains different, those that need labels included: ``transfer``, or
   ``transfer-with-adaptation`` when the strategy does more than use the source as it is.
   More rows of what looks like the same domain are expected to help, and the interval says
   how little the pilot adds.
5. Clear harm and clear gain are both possible: ``not-enough-evidence``; else ``caution``.
6. Where the gap was predicted outside the range of measured transfers, ``caution`` is the best
   there is.
"""

from __future__ import annotations

from collections.abc import Sequence

from ._words import chance
from .document import CheckResult, Gap, Label, MetricInfo, Outlook, Reason, StrategyResult, Verdict
from .gap import HARM
from .pilot import BASELINE, LABELS_FOR_REVERSAL

CLEAR_HARM = 0.2
SURE_HARM = 0.99
MAX_REASONS = 5
TARGET_ONLY_TITLE = "train on the target alone"
LABEL_FIRST_TITLE = "label target rows first, then train on the target alone"
DECISIVE = (
    "NT303", "NT302", "NT501", "NT401", "NT402", "NT403", "NT204", "NT301", "NT304", "NT106",
    "NT201", "NT202", "NT203", "NT107", "NT103", "NT109", "NT108",
)  # fmt: skip
DIFFERENCES = ("NT201", "NT202", "NT203", "NT204", "NT301", "NT401")
MEANINGS = ("NT302", "NT303")


def decide(
    checks: Sequence[CheckResult],
    strategies: Sequence[StrategyResult],
    *,
    metric: MetricInfo | None,
    no_pilot: str | None,
    n_labels: int,
    outlook: Outlook | None = None,
) -> Verdict:
    """Return the verdict.

    Parameters
    ----------
    checks, strategies : sequences
        All results.
    metric : MetricInfo or None
    no_pilot : str or None
        Why there is no pilot, if there is none.
    n_labels : int
        Labelled target rows.
    outlook : Outlook, optional
        What more target labels would change.
    """
    by_id = {check.id: check for check in checks}
    best = next((row for row in strategies if row.recommended), None)
    if best is None or best.gap is None or metric is None:
        return _without_pilot(by_id, no_pilot or "No strategy could be tried.", n_labels)
    label = _capped(_label(best, strategies, by_id), best.gap)
    transfers = label in ("transfer", "transfer-with-adaptation")
    for_, against = _reasons(label, by_id)
    settle = None if label in ("transfer", "transfer-with-adaptation", "do-not-transfer") else (
        labels_to_settle(best.gap, best.n_labels, metric.margin)
    )  # fmt: skip
    return Verdict(
        label=label,
        sentence=_sentence(label, best, metric),
        gap=best.gap,
        p_harm=best.gap.p_harm,
        strategy=best.strategy if transfers else BASELINE,
        strategy_title=best.title if transfers else TARGET_ONLY_TITLE,
        learner=best.learner,
        gap_strategy=best.strategy,
        n_labels=best.n_labels,
        reasons=for_,
        counter_reasons=against,
        untested=_untested(by_id),
        would_change_if=_change(label, best, by_id, settle, metric, outlook),
        labels_to_settle=settle,
        safest_default=TARGET_ONLY_TITLE,
    )


def _capped(label: Label, gap: Gap) -> Label:
    """Return no better word than ``caution`` where nothing of the kind was measured."""
    favourable = label in ("transfer", "transfer-with-adaptation")
    return "caution" if favourable and gap.in_calibrated_range is False else label


def _label(
    best: StrategyResult, strategies: Sequence[StrategyResult], by_id: dict[str, CheckResult]
) -> Label:
    gap = best.gap
    assert gap is not None
    as_is = [
        row.gap
        for row in strategies
        if row.learner == best.learner and row.gap is not None and not row.adapted
    ]
    naive_hurts = bool(as_is) and all(g.p_clear_harm >= HARM for g in as_is)
    alike = look_alike(by_id, best.n_labels)
    if gap.p_harm >= HARM:
        sure = gap.p_clear_harm >= 0.5 and (not alike or gap.p_harm >= SURE_HARM)
        return "do-not-transfer" if sure else "caution"
    if naive_hurts and gap.p_clear_gain < 0.5:
        return "do-not-transfer"
    if alike or gap.p_clear_harm <= CLEAR_HARM:
        if best.adapted:
            return "transfer-with-adaptation"
        return "caution" if by_id["NT303"].state == "fail" else "transfer"
    if gap.p_clear_gain > CLEAR_HARM:
        return "not-enough-evidence"
    return "caution"


def look_alike(by_id: dict[str, CheckResult], n_labels: int) -> bool:
    """Return whether no check finds the domains different, with labels enough to see it."""
    return (
        n_labels >= LABELS_FOR_REVERSAL
        and all(by_id[i].state == "pass" for i in MEANINGS)
        and not any(by_id[i].state in ("warn", "fail", "error") for i in DIFFERENCES)
    )


def labels_to_settle(gap: Gap, n_labels: int, margin: float) -> int:
    """Return about how many target labels would settle the sign, to two digits.

    The interval shrinks like one over the square root of the number of labels; it must get
    as narrow as the estimate, or as the margin if that is larger.
    """
    half = (gap.high - gap.low) / 2
    needed = n_labels * (half / max(abs(gap.estimate), margin)) ** 2
    return _round_up(max(needed, n_labels + 10))


def _round_up(number: float) -> int:
    number = min(number, 1e6)
    step = 10 ** max(1, len(str(int(number))) - 2)
    return int(-(-number // step) * step)


def _without_pilot(by_id: dict[str, CheckResult], reason: str, n_labels: int) -> Verdict:
    alarm = by_id["NT204"].state == "fail"
    label: Label = "caution" if alarm else "not-enough-evidence"
    settle = max(LABELS_FOR_REVERSAL, n_labels + 10)
    for_, against = _reasons(label, by_id)
    if (expected := by_id.get("NT502")) is not None and expected.value is not None:
        for_ = [*for_[: MAX_REASONS - 1], _reason(expected)]
    title = TARGET_ONLY_TITLE if n_labels else LABEL_FIRST_TITLE
    sentence = f"We cannot tell yet whether transfer helps or hurts. {reason}"
    if alarm:
        sentence = f"{by_id['NT204'].message} {reason}"
    return Verdict(
        label=label, sentence=sentence, gap=None, p_harm=None, strategy=BASELINE,
        strategy_title=title, learner=None, n_labels=n_labels,
        reasons=for_, counter_reasons=against, untested=_untested(by_id),
        would_change_if=f"About {settle} labelled target rows, drawn at random: they detect a "
        "reversal and let the pilot measure the gap.",
        labels_to_settle=settle, safest_default=title,
    )  # fmt: skip


def _number(value: float, metric: MetricInfo) -> str:
    return f"{abs(value) * metric.scale:.2g} {metric.unit}"


def _sentence(label: Label, best: StrategyResult, metric: MetricInfo) -> str:
    gap = best.gap
    assert gap is not None
    low, high = (f"{v * metric.scale:+.2g}" for v in (gap.low, gap.high))
    context = f"{best.strategy}, {best.learner} learner, {best.n_labels} target labels"
    interval = f"{100 * gap.level:.0f} % interval of the gap {low} to {high}"
    doubt = f"chance of harm {chance(gap.p_harm)}"
    name = metric.error_name
    if label == "do-not-transfer" and gap.p_harm < HARM:
        return (
            f"Using the source as it is hurts, and nothing tried gains: the best strategy "
            f"changes the {name} by {gap.estimate * metric.scale:+.2g} {metric.unit} "
            f"({context}; {interval})."
        )
    if gap.outcome == "hurts":
        return (
            f"Transfer is likely to hurt: even the best strategy raises the {name} by "
            f"{_number(gap.estimate, metric)} ({context}; {interval}; {doubt})."
        )
    if gap.outcome == "helps":
        return (
            f"Transfer is likely to help: it lowers the {name} by {_number(gap.estimate, metric)} "
            f"({context}; {interval}; {doubt})."
        )
    change = f"{gap.estimate * metric.scale:+.2g} {metric.unit}"
    if label in ("transfer", "transfer-with-adaptation"):
        return (
            f"Transfer does no measurable harm: it changes the {name} by {change} ({context}; "
            f"{interval}; {doubt})."
        )
    return (
        f"We cannot tell whether transfer helps or hurts: it changes the {name} by {change} "
        f"({context}; {interval}; {doubt})."
    )


def _reasons(label: Label, by_id: dict[str, CheckResult]) -> tuple[list[Reason], list[Reason]]:
    ordered = [by_id[i] for i in DECISIVE if i in by_id]
    bad = [c for c in ordered if c.state in ("fail", "warn", "error")]
    bad.sort(key=lambda c: c.state != "fail")
    good = [c for c in ordered if c.state == "pass" and c.group != "quality"]
    good.sort(key=lambda c: c.id != "NT501")
    thin = [c for c in ordered if c.state == "insufficient"]
    if label in ("transfer", "transfer-with-adaptation"):
        for_, against = good, bad + thin
    elif label == "not-enough-evidence":
        for_, against = thin + [c for c in bad if c.id == "NT501"], [
            c for c in bad + good if c.id != "NT501"
        ]  # fmt: skip
    else:
        for_, against = bad + thin, good
    return _distinct(for_), _distinct(against)


def _distinct(checks: Sequence[CheckResult]) -> list[Reason]:
    """Return the first reasons, each sentence once: one cause may stop many checks."""
    found: dict[str, Reason] = {}
    for check in checks:
        found.setdefault(check.message, _reason(check))
    return list(found.values())[:MAX_REASONS]


def _reason(check: CheckResult) -> Reason:
    return Reason(check_id=check.id, state=check.state, sentence=check.message)


def _untested(by_id: dict[str, CheckResult]) -> list[str]:
    sentences = {
        "NT302": "Concept shift (NT302): whether inputs mean the same for the label.",
        "NT303": "Label reversal (NT303): whether the source model points the right way.",
        "NT401": "One model for both (NT401): whether one learner can serve both domains.",
        "NT301": "Label marginals (NT301): whether the labels are equally frequent.",
        "NT201": "Input distributions (NT201 to NT204): too few rows.",
    }
    return [
        sentence
        for check_id, sentence in sentences.items()
        if by_id[check_id].value is None and by_id[check_id].state != "not-applicable"
    ]


def _change(
    label: Label,
    best: StrategyResult,
    by_id: dict[str, CheckResult],
    settle: int | None,
    metric: MetricInfo,
    outlook: Outlook | None,
) -> str:
    if by_id["NT303"].state == "fail":
        return "Finding that the label is coded the other way round on one side."
    if settle is not None:
        return f"About {settle} labelled target rows instead of {best.n_labels}."
    if label == "do-not-transfer":
        return "A source, or a part of it, in which inputs mean the same for the label."
    if outlook is not None and outlook.break_even and outlook.break_even > best.n_labels:
        return f"More target labels: {outlook.sentence[0].lower()}{outlook.sentence[1:]}"
    return (
        f"A much larger number of target labels than {best.n_labels}: the target-only model "
        f"then catches up, and the {metric.error_name} may no longer fall."
    )
