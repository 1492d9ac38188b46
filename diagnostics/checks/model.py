"""Model: can one learner serve both domains, and is there anything to transfer?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..document import CheckResult, Gap, Interval, NullReference, State
from ..gap import LEVEL, Difference, compare, exchanged, to_gap
from ..pilot import BASELINE, HeldOut, Pilot, mean_error
from ._base import Check, Evidence, register, to_null
from ._references import EXCHANGED

SHUFFLED = "the labels shuffled"
N_SHUFFLES = 99


def _no_pilot(check: Check, evidence: Evidence) -> CheckResult:
    return check.not_run(
        evidence, evidence.no_pilot or "No pilot was run.",
        remedy="Label target rows drawn at random.",
    )  # fmt: skip


@register(
    "NT401", "one model for both", "model",
    """Cross-validates one joint model of both domains (equal total weight) and one model for
    each, and adds up what the joint one loses on both sides, in the proper score. This
    estimates the joint error (lambda of Ben-David et al. 2010), the part of the target error
    that no amount of source data removes. Clearly positive: no single model of this family
    serves both.""",
)  # fmt: skip
def joint_model(check: Check, evidence: Evidence) -> CheckResult:
    from ...metrics import NullBand

    pilot, learner = evidence.pilot, evidence.headline
    if pilot is None or learner is None:
        return _no_pilot(check, evidence)
    home, own = pilot.home, pilot.predictions[learner.name, BASELINE]
    joint_target = np.broadcast_to(home.joint_target, own.shape)
    at_home = compare(home.frame, pilot.proper, home.joint_source, home.own)
    away = compare(pilot.frame, pilot.proper, joint_target, own)
    both = Difference(
        at_home.estimate + away.estimate,
        float(np.hypot(at_home.standard_error, away.standard_error)),
        min(at_home.df, away.df), at_home.first + away.first, at_home.second + away.second,
    )  # fmt: skip
    gap = to_gap(both, margin=pilot.proper.margin, method="paired cross-validation")
    rng = np.random.default_rng([evidence.seed, 16])
    chance = exchanged(home.frame, pilot.proper, home.joint_source, home.own, rng)
    chance += exchanged(pilot.frame, pilot.proper, joint_target, own, rng)
    state: State = "fail" if gap.p_clear_harm >= 0.9 else "pass"
    if state == "pass" and gap.p_clear_harm > 0.3:
        state = "insufficient"
    words = {
        "fail": "One model cannot serve both",
        "pass": "One model can serve both",
        "insufficient": "Too few labels to tell whether one model serves both",
    }[state]
    return check.result(
        evidence, state=state, severity="moderate" if state == "fail" else "none",
        value=gap.estimate, unit=f"{pilot.proper.error_name}, joint minus separate, both sides",
        direction="positive means one joint model loses", interval=_interval(gap),
        null=to_null(NullBand(None, chance), gap.estimate, what=EXCHANGED),
        n_source=len(home.frame.y), n_target=len(pilot.y),
        message=f"{words}: summed {pilot.proper.error_name} {both.first:.3g} for a joint "
        f"{learner.name} model, {both.second:.3g} for separate ones.",
        facts={"source_loss": at_home.estimate, "target_loss": away.estimate,
               "learner": learner.name},
        remedy="Let the model tell the domains apart, or train on the target alone."
        if state == "fail" else "Label more target rows." if state == "insufficient" else "",
        not_run_reason="too few target labels to tell" if state == "insufficient" else None,
    )  # fmt: skip


@register(
    "NT402", "source model at home", "model",
    """Is the source model any good on its own domain? Its cross-validated error there against
    that of a constant prediction (class shares or mean). A model without skill at home has
    nothing to transfer.""",
)  # fmt: skip
def source_at_home(check: Check, evidence: Evidence) -> CheckResult:
    from ...metrics import NullBand

    pilot, learner = evidence.pilot, evidence.headline
    if pilot is None or learner is None:
        return _no_pilot(check, evidence)
    home = pilot.home
    constant = _constant(home.frame, pilot, home.own.shape)
    found = compare(home.frame, pilot.proper, home.own, constant)
    chance = _shuffled(home.frame, pilot, home.own, constant, evidence.seed)
    return _skill(
        check,
        evidence,
        pilot,
        found,
        f"the source's {learner.name} model at home",
        len(home.frame.y),
        to_null(NullBand(chance, None), found.estimate, what=SHUFFLED),
    )  # fmt: skip


@register(
    "NT403", "signal in the target", "model",
    """Do the columns carry the target's label at all? The cross-validated error of a model
    trained on the target labels alone against that of a constant prediction. If even that
    shows nothing, either labels are too few or the columns in use do not tell.""",
)  # fmt: skip
def target_signal(check: Check, evidence: Evidence) -> CheckResult:
    from ...metrics import NullBand

    pilot, learner = evidence.pilot, evidence.headline
    if pilot is None or learner is None:
        return _no_pilot(check, evidence)
    own = pilot.predictions[learner.name, BASELINE]
    found = compare(pilot.frame, pilot.proper, own, pilot.constant)
    chance = _shuffled(pilot.frame, pilot, own, pilot.constant, evidence.seed)
    return _skill(
        check, evidence, pilot, found, f"a {learner.name} model of the target alone",
        len(pilot.y), to_null(NullBand(None, chance), found.estimate, what=SHUFFLED),
    )  # fmt: skip


def _shuffled(
    frame: HeldOut,
    pilot: Pilot,
    own: NDArray[np.float64],
    constant: NDArray[np.float64],
    seed: int,
) -> NDArray[np.float64]:
    """Return model minus constant where the predictions have nothing to do with the labels."""
    rng = np.random.default_rng([seed, 17])
    found = []
    for _ in range(N_SHUFFLES):
        y = rng.permutation(frame.y)
        model, none = (mean_error(pilot.proper, y, p, frame.scale) for p in (own, constant))
        found.append(model - none)
    return np.array(found)


def _skill(
    check: Check, evidence: Evidence, pilot: Pilot, found: Difference, what: str, n: int,
    null: NullReference,
) -> CheckResult:  # fmt: skip
    gap = to_gap(found, margin=pilot.proper.margin, method="paired cross-validation")
    skilled = gap.p_harm <= 1 - (1 + LEVEL) / 2
    absent = not skilled and gap.low > -0.05 * max(found.second, 1e-12)
    state: State = "pass" if skilled else "fail" if absent else "insufficient"
    return check.result(
        evidence, state=state, severity="moderate" if state == "fail" else "none",
        value=gap.estimate, unit=f"{pilot.proper.error_name}, model minus constant",
        direction="negative means the model beats a constant", interval=_interval(gap), null=null,
        n_target=n if check.id == "NT403" else len(pilot.y),
        n_source=n if check.id == "NT402" else len(pilot.source_rows),
        message=_skill_message(check.id, pilot, found, what, state),
        facts={"model": found.first, "constant": found.second},
        remedy="" if skilled else "Find columns that carry the label, or more labelled rows.",
        not_run_reason="too few labels to tell" if state == "insufficient" else None,
    )  # fmt: skip


def _skill_message(check_id: str, pilot: Pilot, found: Difference, what: str, state: State) -> str:
    numbers = f"{pilot.proper.error_name} {found.first:.3g}, of a constant {found.second:.3g}"
    if state == "insufficient":
        return f"Too few labels to tell whether {what} beats a constant: {numbers}."
    if state == "pass":
        return f"{what[0].upper()}{what[1:]} beats a constant: {numbers}."
    lacks = "no skill to transfer" if check_id == "NT402" else "no signal found"
    return f"{what[0].upper()}{what[1:]} does not beat a constant, {lacks}: {numbers}."


def _constant(frame: HeldOut, pilot: Pilot, shape: tuple[int, ...]) -> NDArray[np.float64]:
    if pilot.n_classes == 0:
        return np.full(shape, float(np.mean(frame.y)))
    shares = np.bincount(frame.y, minlength=pilot.n_classes) / len(frame.y)
    return np.broadcast_to(shares, shape)


def _interval(gap: Gap) -> Interval:
    return Interval(low=gap.low, high=gap.high, level=gap.level, method=gap.method)
