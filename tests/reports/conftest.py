"""Documents made by hand, one for each verdict and each awkward kind of content."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import pytest

from negtransfer.diagnostics.document import (
    CheckResult,
    Component,
    Condition,
    ConfigValue,
    Confusion,
    Contribution,
    Diagnosis,
    DomainInfo,
    Feature,
    Gap,
    Histogram,
    Interval,
    LabelShares,
    LostColumn,
    MeasureInfo,
    MetricInfo,
    NullReference,
    Reason,
    ReferenceCase,
    ReferenceCases,
    Setting,
    StrategyResult,
    Threshold,
    Tool,
    Verdict,
)
from negtransfer.diagnostics.measures import times_chance

if TYPE_CHECKING:
    from collections.abc import Sequence

LABELS = (
    "transfer",
    "transfer-with-adaptation",
    "caution",
    "do-not-transfer",
    "not-enough-evidence",
)
EXAMPLES = (
    *LABELS, "regression", "multiclass", "wide", "hostile", "bare", "predicted", "outside",
)  # fmt: skip

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</title><script>alert(2)</script>",
    "</style><b>{{ 7*7 }}",
    "\x1b[31mred\x1b[0m\x07",
    "abc\u202edcba\u2066",
    "two\nlines\r\ttab",
    "x" * 10_000,
    "' onmouseover='alert(3)",
    '" onfocus="alert(4)',
    "السعر",
    "\x00null",
)

ACCURACY = MetricInfo(
    name="accuracy",
    error_name="error rate",
    unit="points",
    scale=100,
    greater_is_better=True,
    margin=0.01,
    proper_score="log loss",
)
RMSE = MetricInfo(
    name="rmse",
    error_name="rmse",
    unit="target sd",
    scale=0.25,
    greater_is_better=False,
    margin=0.08,
    proper_score="squared error",
)


def make_gap(estimate: float, error: float, margin: float = 0.01) -> Gap:
    def above(x: float) -> float:
        return 0.5 * math.erfc((x - estimate) / error / math.sqrt(2))

    outcome = "hurts" if above(0) > 0.9 else "helps" if above(0) < 0.1 else "cannot tell"
    return Gap(
        estimate=estimate,
        low=estimate - 1.28 * error,
        high=estimate + 1.28 * error,
        level=0.8,
        standard_error=error,
        p_harm=above(0),
        p_clear_harm=above(margin),
        p_clear_gain=1 - above(-margin),
        outcome=outcome,
        method="paired differences over 5 x 10 folds, corrected t",
    )


# what differs between the verdicts: gap of pooling, its error, words
_CASES: dict[str, dict[str, Any]] = {
    "transfer": {
        "gap": (-0.062, 0.018),
        "strategy": "pooled",
        "title": "Train on source and target together",
        "sentence": "Transfer is likely to improve accuracy on clinic_b by 6.2 points over "
        "training on its 40 labelled rows alone.",
        "change": "A gap above zero in a pilot with other target rows would change this.",
    },
    "transfer-with-adaptation": {
        "gap": (-0.041, 0.017),
        "strategy": "source-recalibrated",
        "title": "Train on the source, recalibrate its output on target labels",
        "sentence": "The source helps once its output is recalibrated on target labels; as it "
        "is, it would not.",
        "change": "If pooling turned out as good as recalibration, adaptation would be needless.",
    },
    "caution": {
        "gap": (0.006, 0.024),
        "strategy": "target-only",
        "title": "Train on the target alone",
        "sentence": "Gain and harm are both possible: the pilot cannot tell whether pooling "
        "helps or hurts.",
        "change": "More labelled target rows: the interval is wider than the margin.",
        "settle": 160,
    },
    "do-not-transfer": {
        "gap": (0.214, 0.041),
        "strategy": "target-only",
        "title": "Train on the target alone",
        "sentence": "Transfer is likely to hurt accuracy on clinic_b by 21 points: the labels "
        "mean the opposite of what they mean in clinic_a.",
        "change": "If the target labels turned out to be coded the other way round, "
        "everything above would turn as well: check the coding first.",
    },
    "not-enough-evidence": {
        "gap": None,
        "strategy": "target-only",
        "title": "Train on the target alone",
        "sentence": "Without target labels nobody can say whether the labels mean the same "
        "on both sides, and that is the most common cause of negative transfer.",
        "change": "Labels for 30 target rows would detect a reversal of the labels.",
        "settle": 30,
    },
}

_NAMES = (
    "mean radius",
    "mean texture",
    "mean smoothness",
    "age",
    "glucose",
    "bmi",
    "smoker",
    "site",
)


def make_diagnosis(label: str = "do-not-transfer") -> Diagnosis:
    """Return one of `EXAMPLES`."""
    if label == "bare":
        return _bare()
    if label in LABELS:
        return _base(label)
    if label == "regression":
        return _regression()
    if label == "multiclass":
        return _multiclass()
    if label == "wide":
        return _wide()
    if label == "hostile":
        return _hostile()
    if label == "predicted":
        return with_prediction(_base("transfer"))
    if label == "outside":
        d = _base("caution")
        return with_prediction(d, outside=["the learner (knn)", "the number of columns (4,000)"])
    raise KeyError(label)


def _domain(name: str, labelled: int, shares: float, rows: int) -> DomainInfo:
    ones = round(labelled * shares)
    return DomainInfo(
        name=name,
        kind="csv",
        n_rows=rows,
        n_columns=10,
        n_labelled=labelled,
        label="diagnosis" if labelled else None,
        classes={"benign": labelled - ones, "malignant": ones} if labelled else None,
        content_hash=("9f2c41d07be35a68" if name == "clinic_a" else "b07713ac5d9e2f40") * 4,
    )


def _feature(name: str, effect: float, i: int) -> Feature:
    edges = [round(-3 + 0.5 * k, 2) for k in range(13)]
    middles = [e + 0.25 for e in edges[:-1]]
    source = [math.exp(-(m**2) / 2) for m in middles]
    target = [math.exp(-((m - effect) ** 2) / 2) for m in middles]
    categorical = i % 8 > 5
    if categorical:
        bins = ["yes", "no"] if i % 8 == 6 else ["north", "south", "east", "west", "(missing)"]
        source = [1.0 + (k * 7) % 3 for k in range(len(bins))]
        target = [1.0 + effect * 4 + (k * 5) % 4 for k in range(len(bins))]
    else:
        bins = [f"{a:g} to {b:g}" for a, b in itertools.pairwise(edges)]
    return Feature(
        name=name,
        kind="categorical" if categorical else "numeric",
        shifted=effect > 0.25,
        effect=effect,
        effect_name="total variation" if categorical else "Wasserstein-1 / IQR",
        null_95=0.141 + 0.003 * (i % 5),
        p_value=0.0004 if effect > 0.25 else 0.31,
        p_adjusted=0.0021 if effect > 0.25 else 0.62,
        missing_source=0.012 * (i % 3),
        missing_target=0.04 if i % 4 == 0 else 0.0,
        mean_source=None if categorical else 0.0,
        mean_target=None if categorical else effect,
        histogram=Histogram(
            bins=bins,
            edges=None if categorical else edges,
            source=[s / sum(source) for s in source],
            target=[t / sum(target) for t in target],
        ),
    )


def _null(q: tuple[float, float, float], percentile: float) -> NullReference:
    return NullReference(
        source_quantiles=list(q),
        target_quantiles=[1.15 * v for v in q],
        n_splits=199,
        percentile=percentile,
    )


def _checks(label: str) -> list[CheckResult]:
    flipped, blind = label == "do-not-transfer", label == "not-enough-evidence"
    n: dict[str, Any] = {"n_source": 285, "n_target": 284}
    few: dict[str, Any] = {"n_source": 285, "n_target": 0 if blind else 40}
    default = "default"

    def blindly(check: CheckResult) -> CheckResult:
        if not blind:
            return check
        return CheckResult(
            id=check.id,
            name=check.name,
            group=check.group,
            state="insufficient",
            n_source=285,
            n_target=0,
            n_required=30,
            message="Not checkable without target labels.",
            remedy="Label about 30 target rows, chosen at random.",
            not_run_reason="the target has no labels",
        )

    shares = LabelShares(names=["benign", "malignant"], source=[0.63, 0.37], target=[0.55, 0.45])
    away = [[0.06, 0.94], [0.92, 0.08]] if flipped else [[0.91, 0.09], [0.12, 0.88]]
    return [
        CheckResult(
            id="NT101",
            name="rows",
            group="quality",
            state="pass",
            value=284,
            unit="rows on the smaller side",
            n_required=30,
            message="Both sides have enough rows for every test below.",
            threshold=Threshold(value=30, origin=default, of="value"),
            **n,
        ),
        blindly(
            CheckResult(
                id="NT102",
                name="labels per class",
                group="quality",
                state="warn",
                severity="low",
                value=18,
                unit="labelled rows in the rarest target class",
                n_required=20,
                facts={"classes_needed_rows": 20},
                message="Class 'malignant' has 18 labelled target rows; 20 are wanted.",
                remedy="Label a few more rows of the rare class.",
                threshold=Threshold(value=20, origin=default, of="value"),
                **few,
            )
        ),
        CheckResult(
            id="NT103",
            name="missing values",
            group="quality",
            state="pass",
            value=0.04,
            unit="largest difference in the share missing",
            message="Values are missing equally often on both sides.",
            **n,
        ),
        CheckResult(
            id="NT106",
            name="rows in both domains",
            group="quality",
            state="pass",
            value=0,
            unit="rows",
            message="No row occurs in both files.",
            **n,
        ),
        CheckResult(
            id="NT107",
            name="leaking columns",
            group="quality",
            state="not-applicable",
            message="No column names a time or a group.",
            not_run_reason="no group or time column was named",
            **n,
        ),
        CheckResult(
            id="NT201",
            name="kernel two-sample test",
            group="distributions",
            state="warn",
            severity="moderate",
            value=0.0312,
            unit="MMD²",
            direction="larger = the columns taken together are further apart",
            interval=Interval(low=0.0247, high=0.0391, level=0.9, method="bootstrap"),
            null=_null((-0.0011, 0.0002, 0.0024), 100.0),
            p_value=0.0005,
            p_adjusted=0.001,
            threshold=Threshold(value=0.01, origin=default, of="permutation p-value"),
            message="The two sides are further apart than any of 199 random splits.",
            remedy="Look at the columns that differ most; weight the source rows.",
            facts={"bandwidth": 2.31, "kernel": "gaussian", "permutations": 1999},
            **n,
        ),
        CheckResult(
            id="NT202",
            name="proxy A-distance",
            group="distributions",
            state="pass",
            value=0.21,
            unit="of 2",
            direction="larger = a classifier tells the sides apart more easily",
            interval=Interval(low=0.05, high=0.38, level=0.9, method="folds"),
            null=_null((0.01, 0.12, 0.33), 81.0),
            message="A classifier can hardly tell the sides apart.",
            **n,
        ),
        CheckResult(
            id="NT203",
            name="columns that differ",
            group="distributions",
            state="warn",
            severity="low",
            value=0.375,
            unit="of the columns",
            direction="larger = more columns differ",
            null=_null((0.0, 0.0, 0.125), 99.5),
            message="3 of 8 columns differ after correction for looking at 8.",
            columns=["mean radius", "glucose", "site"],
            **n,
        ),
        CheckResult(
            id="NT204",
            name="support",
            group="distributions",
            state="error",
            message="Could not run: the covariance matrix is singular.",
            remedy="Drop columns that are copies of others.",
            not_run_reason="numerical failure",
            **n,
        ),
        blindly(
            CheckResult(
                id="NT301",
                name="label marginals",
                group="tasks",
                state="pass",
                value=0.08,
                unit="total variation",
                direction="larger = the classes are shared out more differently",
                interval=Interval(low=0.01, high=0.2, level=0.9, method="bootstrap"),
                null=_null((0.0, 0.05, 0.14), 77.0),
                message="The classes are about equally frequent on both sides.",
                label_shares=shares,
                **few,
            )
        ),
        blindly(
            CheckResult(
                id="NT302",
                name="concept shift",
                group="tasks",
                state="fail" if flipped else "pass",
                severity="high" if flipped else "none",
                value=0.86 if flipped else 0.05,
                unit="difference in accuracy, home minus target",
                direction="larger = what the source learned holds less on the target",
                interval=Interval(low=0.78, high=0.92, level=0.9, method="bootstrap")
                if flipped
                else Interval(low=-0.02, high=0.11, level=0.9, method="bootstrap"),
                null=_null((-0.03, 0.0, 0.04), 100.0 if flipped else 92.0),
                p_value=0.0002,
                message="The source model is right in 95.8 % at home and in 7 % on the target."
                if flipped
                else "The source model is about as good on the target as at home.",
                confusion=Confusion(
                    names=["benign", "malignant"], home=[[0.97, 0.03], [0.06, 0.94]], away=away
                ),
                **few,
            )
        ),
        blindly(
            CheckResult(
                id="NT303",
                name="label reversal",
                group="tasks",
                state="fail" if flipped else "pass",
                severity="high" if flipped else "none",
                value=0.93 if flipped else 0.07,
                unit="probability",
                direction="larger = the labels are more likely reversed",
                threshold=Threshold(value=0.5, origin=default, of="value"),
                message="On the target the labels are the reverse of what the source model says."
                if flipped
                else "The labels are not reversed.",
                remedy="Check how the target's labels are coded." if flipped else "",
                **few,
            )
        ),
        blindly(
            CheckResult(
                id="NT304",
                name="what moved",
                group="tasks",
                state="warn" if flipped else "pass",
                value=3.11 if flipped else 0.01,
                unit="nats",
                direction="larger means further apart",
                message="This looks like concept shift." if flipped else "Nothing moved.",
                components=_components(flipped),
                **few,
            )
        ),
        blindly(
            CheckResult(
                id="NT401",
                name="one model for both",
                group="model",
                state="fail" if flipped else "pass",
                severity="high" if flipped else "none",
                value=0.31 if flipped else 0.01,
                unit="nats of log loss",
                direction="larger = one model for both sides fits worse than two",
                null=_null((-0.01, 0.0, 0.02), 100.0 if flipped else 70.0),
                message="One model for both sides fits clearly worse than two."
                if flipped
                else "One model fits both sides as well as two.",
                **few,
            )
        ),
        CheckResult(
            id="NT402",
            name="source model at home",
            group="model",
            state="pass",
            value=0.958,
            unit="accuracy",
            direction="larger = the source has more to teach",
            interval=Interval(low=0.931, high=0.978, level=0.9, method="folds"),
            message="The source model works at home: 95.8 % right.",
            **n,
        ),
        blindly(
            CheckResult(
                id="NT403",
                name="target signal",
                group="model",
                state="pass",
                value=0.87,
                unit="accuracy",
                direction="larger = the target labels alone teach more",
                interval=Interval(low=0.79, high=0.93, level=0.9, method="folds"),
                message="The target's labels can be learned from its own rows.",
                **few,
            )
        ),
        blindly(
            CheckResult(
                id="NT501",
                name="the pilot's gap",
                group="pilot",
                state="fail" if flipped else "warn" if label == "caution" else "pass",
                severity="high" if flipped else "none",
                value=0.214 if flipped else -0.041,
                unit="error rate",
                direction="above zero = transfer hurts",
                message="Every strategy that uses the source does worse than the target alone."
                if flipped
                else "At least one strategy does better than the target alone.",
                **few,
            )
        ),
    ]


def _strategies(label: str) -> list[StrategyResult]:
    case = _CASES[label]
    rows = []
    specs = (
        ("target-only", "Train on the target alone", None, False),
        ("source-only", "Use the source model as it is", 2.6, False),
        ("pooled", "Train on source and target together", 1.0, False),
        ("pooled-equal-weight", "Pool, both sides counting the same", 0.7, True),
        ("source-recalibrated", "Source model, recalibrated on target labels", 0.9, True),
    )
    for learner in ("linear", "forest"):
        for strategy, title, factor, adapted in specs:
            blind = case["gap"] is None
            gap = None
            if factor is not None and not blind:
                estimate, error = case["gap"]
                shrink = 1 if learner == "linear" else 0.6
                gap = make_gap(estimate * factor * shrink, error * (1 + 0.2 * factor))
                if strategy == (
                    case["strategy"] if case["strategy"] != "target-only" else "pooled"
                ):
                    gap = make_gap(estimate * shrink, error)
            tried = not (blind or (strategy == "source-recalibrated" and learner == "forest"))
            rows.append(
                StrategyResult(
                    learner=learner,
                    strategy=strategy,
                    title=title,
                    adapted=adapted,
                    applicable=tried,
                    reason=None
                    if tried
                    else "needs labelled target rows"
                    if blind
                    else "the forest gives no margin to recalibrate",
                    n_labels=0 if blind else 40,
                    error=0.125 + gap.estimate if gap and tried else 0.125 if tried else None,
                    error_target_only=0.125 if tried else None,
                    gap=gap if tried else None,
                    proper_error=0.31 if tried else None,
                    preconditions="at least 5 labelled target rows per class",
                    recommended=tried and strategy == case["strategy"] and learner == "linear",
                )
            )
    return rows


def _conditions(label: str) -> list[Condition]:
    flipped, blind = label == "do-not-transfer", label == "not-enough-evidence"
    return [
        Condition(
            name="tasks similar",
            state="fails" if flipped else "not testable" if blind else "holds",
            sentence="The labels are reversed."
            if flipped
            else "No target labels: nothing can be said."
            if blind
            else "The source model is right on the target about as often as at home.",
            check_ids=["NT302", "NT303"],
        ),
        Condition(
            name="distributions close",
            state="cannot tell",
            sentence="Further apart than random splits, but a classifier can hardly tell.",
            check_ids=["NT201", "NT202"],
        ),
        Condition(
            name="one model fits both",
            state="fails" if flipped else "not testable" if blind else "holds",
            sentence="One model for both was compared with two." if not blind else "No labels.",
            check_ids=["NT401"],
        ),
    ]


def _measures() -> list[MeasureInfo]:
    """Far, near and without a value, with and without interval and null."""
    about: dict[str, Any] = {
        "family": "kernel", "summary": "Measure something.", "units": "units",
        "direction": "larger means further apart", "n_source": 285, "n_target": 284,
    }  # fmt: skip
    seen = Interval(low=0.3, high=0.5, level=0.8, method="half-samples")
    far, near = _null((-0.001, 0.002, 0.01), 100), _null((0.05, 0.1, 0.2), 50)
    return [
        MeasureInfo(name="energy_distance", value=0.4, interval=seen, p_value=0.01, null=far,
                    times_chance=times_chance(0.4, seen, far), columns=["age", "bmi"], **about),
        MeasureInfo(name="sliced_wasserstein", value=0.1, null=near,
                    times_chance=times_chance(0.1, None, near), **about),
        MeasureInfo(name="frechet_distance", value=2.0, **about),
        MeasureInfo(name="mmd", value=1.0, null=_null((0.5, 0.5, 0.5), 100), **about),
        MeasureInfo(name="coral_distance", value=None, reason="Too few rows.", **about),
    ]  # fmt: skip


def _components(moved: bool) -> list[Component]:
    names = ("P(X)", "P(Y)", "P(Y|X)", "P(X|Y)", "P(X,Y)")
    values = (0.01, 0.0, 3.1, -0.02, 3.11) if moved else (0.01, 0.0, -0.01, 0.02, 0.01)
    return [
        Component(
            name=name, value=value, unit="nats", null=_null((-0.02, 0.0, 0.05), 50),
            interval=Interval(low=value - 0.1, high=value + 0.1, level=0.8, method="half-samples")
            if i else None,
            p_value=0.002 if value > 1 else 0.4, p_adjusted=0.01 if value > 1 else 1.0,
            moved=value > 1,
        )
        for i, (name, value) in enumerate(zip(names, values, strict=True))
    ]  # fmt: skip


def _base(label: str) -> Diagnosis:
    case = _CASES[label]
    blind = case["gap"] is None
    checks = _checks(label)
    strategies = _strategies(label)
    gap = None
    if not blind:
        wanted = "pooled" if case["strategy"] == "target-only" else case["strategy"]
        gap = next(
            s.gap for s in strategies if s.strategy == wanted and s.learner == "linear" and s.gap
        )
    against = [c for c in checks if c.state == ("insufficient" if blind else "fail")]
    supporting = [c for c in checks if c.state in ("pass", "warn") and c.value is not None]
    reasons = (against or supporting)[:5]
    counter = [c for c in supporting if c not in reasons][-2:]
    features = [_feature(n, round(0.9 / (1 + i), 3), i) for i, n in enumerate(_NAMES)]
    return Diagnosis(
        tool=Tool(version="0.1.0"),
        command="negtransfer check clinic_a.csv clinic_b.csv --label diagnosis --html report.html",
        config={
            "metric": ConfigValue(value="accuracy", origin="inferred"),
            "margin": ConfigValue(value=0.01, origin="default"),
            "label": ConfigValue(value="diagnosis", origin="flag"),
            "seed": ConfigValue(value=0, origin="default"),
            "max_rows": ConfigValue(value=None, origin="default"),
        },
        environment={"python": "3.11.7", "numpy": "2.4.6", "scikit-learn": "1.9.1"},
        seed=0,
        status="partial" if label == "caution" else "complete",
        source=_domain("clinic_a", 285, 0.37, 285),
        target=_domain("clinic_b", 0 if blind else 40, 0.45, 284),
        task="binary",
        task_origin="inferred",
        setting=Setting(
            family="transductive" if blind else "inductive",
            name="same columns, same classes, few target labels"
            if not blind
            else "same columns, no target labels",
            sentence="Source and target share their columns; the target has "
            + ("no labels." if blind else "40 labels."),
            label_space="unknown" if blind else "same",
            fine_tuning=False,
            conditions=_conditions(label),
        ),
        metric=ACCURACY,
        learners={
            "linear": "logistic regression, L2, C = 1, standardised columns",
            "forest": "random forest, 200 trees, at least 2 rows a leaf",
        },
        headline_learner="linear",
        verdict=Verdict(
            label=label,
            sentence=case["sentence"],
            gap=gap,
            p_harm=gap.p_harm if gap else None,
            strategy=case["strategy"],
            strategy_title=case["title"],
            learner="linear",
            n_labels=0 if blind else 40,
            reasons=[Reason(check_id=c.id, state=c.state, sentence=c.message) for c in reasons],
            counter_reasons=[
                Reason(check_id=c.id, state=c.state, sentence=c.message) for c in counter
            ],
            untested=[
                "Whether the labels mean the same on both sides: the target has no labels.",
                "How large the gap is: a pilot needs target labels.",
            ]
            if blind
            else ["Whether the source's range covers the target's (the check could not run)."],
            would_change_if=case["change"],
            labels_to_settle=case.get("settle"),
            safest_default="train on the target alone",
        ),
        checks=checks,
        features=features,
        measures=_measures(),
        lost_columns=[
            LostColumn(name="patient_id", side="both", reason="a different value in every row"),
            LostColumn(name="ward", side="target", reason="missing in the source"),
        ],
        strategies=strategies,
        warnings=["Rows were taken as independent; name a group column if they are not."],
    )


def _regression() -> Diagnosis:
    d = _base("transfer")
    gap = make_gap(-0.52, 0.21, margin=0.08)
    confusion = Confusion(
        names=["low", "middle", "high"],
        home=[[0.8, 0.2, 0.0], [0.1, 0.8, 0.1], [0.0, 0.2, 0.8]],
        away=[[0.7, 0.3, 0.0], [0.2, 0.6, 0.2], [0.0, 0.4, 0.6]],
    )
    shares = LabelShares(
        names=["12.4 to 18.1", "18.1 to 22.5", "22.5 to 50"],
        source=[0.33, 0.34, 0.33],
        target=[0.2, 0.3, 0.5],
    )
    checks = [
        c.model_copy(
            update={
                "confusion": confusion if c.confusion else None,
                "label_shares": shares if c.label_shares else None,
            }
        )
        for c in d.checks
    ]
    strategies = [
        s.model_copy(
            update={
                "gap": gap if s.gap and s.strategy == "pooled" else None,
                "error": 4.4 if s.applicable else None,
                "error_target_only": 4.92 if s.applicable else None,
            }
        )
        for s in d.strategies
    ]
    sides = {"classes": None, "label": "price"}
    return d.model_copy(
        update={
            "task": "regression",
            "metric": RMSE,
            "source": d.source.model_copy(update=sides | {"label_mean": 22.5, "label_sd": 9.2}),
            "target": d.target.model_copy(update=sides | {"label_mean": 25.1, "label_sd": 4.0}),
            "checks": checks,
            "strategies": strategies,
            "verdict": d.verdict.model_copy(
                update={
                    "gap": gap,
                    "p_harm": gap.p_harm,
                    "sentence": "Transfer is likely to lower the rmse by 0.13 target sd.",
                }
            ),
        }
    )


def with_prediction(
    d: Diagnosis, outside: Sequence[str] = (), names: Sequence[str] = ("a set", "a", "b")
) -> Diagnosis:
    """Return `d` as if its gaps had been predicted by a model of measured transfers."""

    def predicted(gap: Gap | None) -> Gap | None:
        if gap is None:
            return None
        parts = [("pilot, in the metric", 0.7), ("sizes and difficulty", -0.2),
                 ("what the strategy usually does", 0.5)]  # fmt: skip
        update: dict[str, Any] = {
            "in_calibrated_range": not outside,
            "outside": list(outside),
            "expected_loss": 1.25 * gap.estimate,
            "own_draw": [gap.low - 0.01, gap.high + 0.01],
            "pilot_estimate": gap.estimate + 0.013,
            "pilot_low": gap.low - 0.02,
            "pilot_high": gap.high + 0.05,
            "contributions": [
                Contribution(group=group, value=share * gap.estimate) for group, share in parts
            ],
        }
        return gap.model_copy(update=update)

    cases = [
        ReferenceCase(
            data_set=names[0], source=f"{names[1]} {i}", target=names[2], n_labels=20 + i,
            predicted=0.01 * (i - 6), low=0.01 * (i - 8), high=0.01 * (i - 4),
            observed=0.012 * (i - 6) + (0.1 if i == 5 else 0), near=i < 3,
        )
        for i in range(12)
    ]  # fmt: skip
    reference = ReferenceCases(
        strategy="pooled", learner="linear", n_cases=286, coverage=0.78, level=0.8, n_sets=52,
        n_pairs=550, cases=cases,
    )  # fmt: skip
    return d.model_copy(
        update={
            "reference": reference,
            "harm_cost": 3.0,
            "verdict": d.verdict.model_copy(update={"gap": predicted(d.verdict.gap)}),
            "strategies": [s.model_copy(update={"gap": predicted(s.gap)}) for s in d.strategies],
        }
    )


def _multiclass() -> Diagnosis:
    d = _base("do-not-transfer")
    k = 12
    names = [f"class {i}" if i % 5 else f"a rather long class name {i}" for i in range(k)]
    home = [[0.89 if i == j else 0.01 for j in range(k)] for i in range(k)]
    swap = {3: 8, 8: 3}
    away = [[0.78 if j == swap.get(i, i) else 0.02 for j in range(k)] for i in range(k)]
    shares = LabelShares(
        names=names,
        source=[1 / k] * k,
        target=[(i + 1) / (k * (k + 1) / 2) for i in range(k)],
    )
    checks = [
        c.model_copy(
            update={
                "confusion": Confusion(names=names, home=home, away=away) if c.confusion else None,
                "label_shares": shares if c.label_shares else None,
            }
        )
        for c in d.checks
    ]
    return d.model_copy(
        update={
            "task": "multiclass",
            "checks": checks,
            "source": d.source.model_copy(update={"classes": dict.fromkeys(names, 120)}),
            "target": d.target.model_copy(
                update={"classes": {n: 2 + i for i, n in enumerate(names)}}
            ),
        }
    )


def _wide() -> Diagnosis:
    d = _base("caution")
    features = [
        _feature(f"pixel_{i // 8}_{i % 8}", round(1.6 / (1 + i / 6), 3), i) for i in range(64)
    ]
    reasons = [
        Reason(
            check_id=f"NT2{i:02d}",
            state="warn",
            sentence=f"Reason {i}: "
            + "the sides differ in a way that takes a sentence to say " * 3,
        )
        for i in range(20)
    ]
    lost = [LostColumn(name=f"lost_column_{i}", side="both", reason="constant") for i in range(40)]
    return d.model_copy(
        update={
            "features": features,
            "lost_columns": lost,
            "verdict": d.verdict.model_copy(
                update={
                    "reasons": reasons,
                    "counter_reasons": reasons[:9],
                    "untested": ["Something that could not be tested, told at length. " * 3] * 9,
                }
            ),
        }
    )


def _hostile() -> Diagnosis:
    d = with_prediction(_base("do-not-transfer"), outside=HOSTILE, names=HOSTILE)
    features = [_feature(name, 0.5, i) for i, name in enumerate(HOSTILE)]
    classes = dict.fromkeys(HOSTILE, 5)
    nasty = "Column " + ", ".join(HOSTILE) + " differs."
    k = len(HOSTILE)
    confusion = Confusion(
        names=list(HOSTILE),
        home=[[1.0 if i == j else 0.0 for j in range(k)] for i in range(k)],
        away=[[1 / k] * k] * k,
    )
    checks = [
        c.model_copy(
            update={
                "message": nasty,
                "remedy": nasty,
                "columns": list(HOSTILE),
                "unit": HOSTILE[0],
                "facts": {h: h for h in HOSTILE},
                "confusion": confusion if c.confusion else None,
                "label_shares": LabelShares(
                    names=list(HOSTILE), source=[1 / k] * k, target=[1 / k] * k
                )
                if c.label_shares
                else None,
            }
        )
        for c in d.checks
    ]
    source = d.source.model_copy(
        update={"name": HOSTILE[1] + HOSTILE[3], "classes": classes, "label": HOSTILE[0]}
    )
    target = d.target.model_copy(
        update={"name": HOSTILE[6] + HOSTILE[4], "classes": classes, "label": HOSTILE[8]}
    )
    return d.model_copy(
        update={
            "command": "negtransfer check " + " ".join(HOSTILE),
            "config": {h: ConfigValue(value=h, origin="flag") for h in HOSTILE},
            "environment": {h: h for h in HOSTILE},
            "learners": {h: h for h in HOSTILE},
            "warnings": list(HOSTILE),
            "features": features,
            "measures": [
                m.model_copy(
                    update=dict.fromkeys(("summary", "units", "direction", "family"), nasty)
                    | {
                        "columns": list(HOSTILE),
                        "name": HOSTILE[i],
                        "reason": m.reason and nasty,
                        "warnings": list(HOSTILE),
                    }
                )
                for i, m in enumerate(d.measures)
            ],
            "checks": checks,
            "source": source,
            "target": target,
            "lost_columns": [LostColumn(name=h, side="both", reason=h) for h in HOSTILE],
            "strategies": [
                s.model_copy(update={"title": HOSTILE[0], "reason": nasty, "preconditions": nasty})
                for s in d.strategies
            ],
            "verdict": d.verdict.model_copy(
                update={
                    "sentence": nasty,
                    "would_change_if": nasty,
                    "strategy_title": nasty,
                    "untested": list(HOSTILE),
                    "reasons": [
                        Reason(check_id=HOSTILE[0], state="fail", sentence=nasty),
                        Reason(check_id="NT303", state="fail", sentence=nasty),
                    ],
                }
            ),
        }
    )


def _bare() -> Diagnosis:
    """Nothing but what the schema demands, with numbers that are not finite."""
    d = _base("not-enough-evidence")
    nan = float("nan")
    return d.model_copy(
        update={
            "config": {},
            "environment": {},
            "command": "",
            "task": None,
            "task_origin": "unknown",
            "metric": None,
            "learners": {},
            "headline_learner": None,
            "checks": [
                CheckResult(
                    id="NT201",
                    name="kernel two-sample test",
                    group="distributions",
                    state="error",
                    value=nan,
                    interval=Interval(low=nan, high=float("inf"), level=0.9, method=""),
                    null=NullReference(
                        source_quantiles=[nan, nan, nan],
                        target_quantiles=None,
                        n_splits=0,
                        percentile=None,
                    ),
                    n_source=0,
                    n_target=0,
                    message="",
                )
            ],
            "features": [],
            "lost_columns": [],
            "strategies": [],
            "warnings": [],
            "verdict": d.verdict.model_copy(
                update={
                    "reasons": [],
                    "counter_reasons": [],
                    "untested": [],
                    "would_change_if": "",
                    "labels_to_settle": None,
                    "learner": None,
                }
            ),
        }
    )


@pytest.fixture(scope="session")
def diagnoses() -> dict[str, Diagnosis]:
    return {name: make_diagnosis(name) for name in EXAMPLES}


@pytest.fixture(scope="session", params=EXAMPLES)
def diagnosis(request: pytest.FixtureRequest, diagnoses: dict[str, Diagnosis]) -> Diagnosis:
    return diagnoses[request.param]


@pytest.fixture(scope="session")
def hostile_names() -> tuple[str, ...]:
    return HOSTILE
