"""The three conditions under which transfer helps, each with what the checks say of it."""

from __future__ import annotations

from collections.abc import Sequence

from .document import CheckResult, Condition, ConditionState

_TASKS = ("NT302", "NT303")
_DISTRIBUTIONS = ("NT201", "NT202", "NT203", "NT204")
_MODEL = ("NT401", "NT402", "NT403")


def judge_conditions(checks: Sequence[CheckResult]) -> list[Condition]:
    """Return the three conditions: holds, fails, cannot tell, or not testable with this input."""
    by_id = {check.id: check for check in checks}
    return [
        _tasks([by_id[i] for i in _TASKS]),
        _distributions([by_id[i] for i in _DISTRIBUTIONS]),
        _model([by_id[i] for i in _MODEL]),
    ]


def _untested(checks: Sequence[CheckResult]) -> bool:
    return all(check.value is None for check in checks)


def _tasks(checks: list[CheckResult]) -> Condition:
    failed = [check for check in checks if check.state == "fail"]
    state: ConditionState
    if _untested(checks):
        state, sentence = "not testable", (
            "Whether inputs mean the same for the label cannot be tested with this input: "
            + (checks[0].not_run_reason or "no pilot was run.")
        )  # fmt: skip
    elif failed:
        state, sentence = "fails", failed[-1].message
    elif all(check.state == "pass" for check in checks):
        state, sentence = (
            "holds",
            "The source model is not worse on the target than a target model.",
        )
    else:
        state, sentence = "cannot tell", "There are too few target labels to tell."
    return Condition(
        name="tasks similar", state=state, sentence=sentence, check_ids=[c.id for c in checks]
    )


def _distributions(checks: list[CheckResult]) -> Condition:
    ran = [check for check in checks if check.state in ("pass", "warn", "fail")]
    alarms = [check for check in ran if check.state != "pass"]
    state: ConditionState
    if not ran:
        state, sentence = "not testable", checks[0].not_run_reason or "The measures did not run."
    elif any(check.state == "fail" for check in alarms):
        state, sentence = "fails", next(c for c in alarms if c.state == "fail").message
    elif alarms:
        state, sentence = "cannot tell", (
            "The inputs differ more than random halves do; that alone does not tell whether "
            "transfer hurts."
        )  # fmt: skip
    else:
        state, sentence = "holds", "The inputs differ no more than random halves of one domain do."
    return Condition(
        name="distributions close", state=state, sentence=sentence, check_ids=[c.id for c in checks]
    )


def _model(checks: list[CheckResult]) -> Condition:
    state: ConditionState
    failed = [check for check in checks if check.state == "fail"]
    if _untested(checks):
        state, sentence = "not testable", (
            "Whether one model serves both cannot be tested with this input: "
            + (checks[0].not_run_reason or "no pilot was run.")
        )  # fmt: skip
    elif failed:
        state, sentence = "fails", failed[0].message
    elif checks[0].state == "pass":
        state, sentence = "holds", checks[0].message
    else:
        state, sentence = "cannot tell", checks[0].message
    return Condition(
        name="one model fits both", state=state, sentence=sentence, check_ids=[c.id for c in checks]
    )
