"""The finished result of a pre-flight check: one frozen, versioned document.

Everything that is shown anywhere (terminal, JSON, page) is read from this document; the
JSON *is* the document.  It holds no clock and no path, so the same input and seed give
the same bytes.  Numbers that do not exist are ``None``, never NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

SCHEMA_VERSION = "1.4.0"
"""Minor for what is added, major for what an older reader would misread."""

State = Literal["pass", "warn", "fail", "insufficient", "not-applicable", "error"]
Severity = Literal["none", "low", "moderate", "high"]
Group = Literal["quality", "distributions", "tasks", "model", "pilot"]
TaskKind = Literal["binary", "multiclass", "regression"]
Label = Literal[
    "transfer", "transfer-with-adaptation", "caution", "do-not-transfer", "not-enough-evidence"
]
Outcome = Literal["helps", "cannot tell", "hurts"]
ConditionState = Literal["holds", "fails", "cannot tell", "not testable"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Tool(_Model):
    """The program that made the document."""

    name: str = "negtransfer"
    version: str


class DomainInfo(_Model):
    """Who one side is."""

    name: str
    kind: str = Field(description="what was read: csv, parquet, npz, table, array, tensor")
    n_rows: int
    n_columns: int = Field(description="feature columns as given, the label not among them")
    n_labelled: int
    label: str | None = Field(description="name of the label column, if any")
    classes: dict[str, int] | None = Field(
        description="labelled rows per class; null for regression or without labels"
    )
    label_mean: float | None = Field(default=None, description="regression only")
    label_sd: float | None = Field(default=None, description="regression only")
    content_hash: str = Field(description="SHA-256 of the columns and labels as read")


class Condition(_Model):
    """One of the three conditions under which transfer helps."""

    name: Literal["tasks similar", "distributions close", "one model fits both"]
    state: ConditionState
    sentence: str
    check_ids: list[str]


class Setting(_Model):
    """The situation after Pan & Yang (2010), and what can be tested in it."""

    family: Literal["inductive", "transductive", "unsupervised"]
    name: str = Field(description="the situation in a few words")
    sentence: str
    label_space: Literal["same", "partial", "open", "overlapping", "disjoint", "unknown"]
    fine_tuning: bool = Field(
        description="fine-tuning in the narrow sense: same task, the target a narrower domain"
    )
    conditions: list[Condition]


class MetricInfo(_Model):
    """The user's metric, in which the gap is expressed."""

    name: str = Field(description="accuracy, rmse, ...")
    error_name: str = Field(description="the metric as an error: lower is better")
    unit: str = Field(description="'points' (percentage points) or 'target sd'")
    scale: float = Field(description="factor from the gap as stored to the unit: 100 for points")
    greater_is_better: bool
    margin: float = Field(description="smallest gap that matters, in the error's own scale")
    proper_score: str = Field(description="the proper score reported beside the metric")


class Contribution(_Model):
    """What one group of evidence adds to a predicted gap."""

    group: str
    value: float


class Gap(_Model):
    """Error with transfer minus error of the target-only model; positive = transfer hurts."""

    estimate: float
    low: float
    high: float
    level: float = Field(description="level of the interval, 0.8 for 80 %")
    standard_error: float
    p_harm: float = Field(description="probability that the gap is above zero")
    p_clear_harm: float = Field(description="probability that the gap is above the margin")
    p_clear_gain: float = Field(description="probability that the gap is below minus the margin")
    outcome: Outcome
    method: str
    in_calibrated_range: bool | None = Field(
        default=None, description="null where the pilot alone gave the gap"
    )
    outside: list[str] = Field(
        default_factory=list, description="what lies outside the range of measured transfers"
    )
    expected_loss: float | None = Field(
        default=None,
        description="expected gap, harm counted as often as `harm_cost` says; null in documents "
        "of before",
    )
    own_draw: list[float] | None = Field(
        default=None,
        description="interval at the same level for the very labels at hand; `low` and `high` "
        "are for the mean over draws of as many labels",
    )
    pilot_estimate: float | None = Field(
        default=None, description="what the pilot alone says; null where it is the estimate"
    )
    pilot_low: float | None = None
    pilot_high: float | None = None
    contributions: list[Contribution] = Field(
        default_factory=list, description="parts of the prediction by group of evidence"
    )


class StrategyResult(_Model):
    """One strategy with one learner, as measured by the pilot."""

    learner: str
    strategy: str
    title: str
    adapted: bool = Field(description="does more than use the source rows or model as they are")
    applicable: bool
    reason: str | None = Field(default=None, description="why it could not be tried")
    n_labels: int
    error: float | None = None
    error_target_only: float | None = None
    gap: Gap | None = None
    proper_error: float | None = None
    proper_gap: Gap | None = None
    preconditions: str = ""
    family: str = Field(default="", description="its family in the taxonomy of Zhang et al.")
    cost: Literal["cheap", "medium", "dear"] | None = Field(
        default=None, description="null in documents of before"
    )
    needs: list[str] = Field(default_factory=list, description="what it learns from")
    assumes: list[str] = Field(
        default_factory=list, description="kinds of shift it is made for; none: like domains only"
    )
    fails_when: str = Field(default="", description="when it is known to fail, as a clause")
    preconditions_met: bool | None = Field(
        default=None, description="null where there is none that can be checked on the data"
    )
    note: str = Field(default="", description="a number worth knowing, as a clause")
    recommended: bool = False


class Reason(_Model):
    """A fact for or against, with the check that carries it."""

    check_id: str
    state: State
    sentence: str


class Verdict(_Model):
    """The one answer."""

    label: Label
    sentence: str
    gap: Gap | None
    p_harm: float | None
    strategy: str = Field(description="recommended strategy; 'target-only' means no transfer")
    strategy_title: str
    learner: str | None
    gap_strategy: str | None = Field(
        default=None, description="the strategy the gap belongs to, recommended or not"
    )
    n_labels: int
    reasons: list[Reason]
    counter_reasons: list[Reason]
    untested: list[str] = Field(description="what could not be tested, in sentences")
    would_change_if: str
    labels_to_settle: int | None = Field(
        description="about how many labelled target rows would settle it; null when settled"
    )
    safest_default: str


class Interval(_Model):
    """Confidence interval of a check's value."""

    low: float
    high: float
    level: float
    method: str


class NullReference(_Model):
    """The same number by chance: on random halves of one domain, or as `what` says."""

    source_quantiles: list[float] | None = Field(
        description="5 %, 50 % and 95 % on the source, over what `what` names"
    )
    target_quantiles: list[float] | None = Field(
        description="5 %, 50 % and 95 % on the target, over what `what` names"
    )
    n_splits: int
    percentile: float | None = Field(
        description="share of the null values below the value, 0 to 100"
    )
    what: str = "random halves"


class Threshold(_Model):
    """What the state was decided by."""

    value: float
    origin: str
    of: str | None = Field(
        default=None,
        description="what is held against it: 'value' for the check's value (then it is drawn), "
        "else in words, such as 'permutation p-value'; null where it is not said",
    )


class LabelShares(_Model):
    """How the labels are distributed on both sides (classes, or bins of a quantity)."""

    names: list[str]
    source: list[float]
    target: list[float]


class Confusion(_Model):
    """Rows true, columns predicted, shares of each true class (or label bin)."""

    names: list[str]
    home: list[list[float]] | None = Field(description="source model cross-validated at home")
    away: list[list[float]] | None = Field(description="source model on target labels")


class Component(_Model):
    """One of the five distributions, and whether it moved."""

    name: Literal["P(X)", "P(Y)", "P(Y|X)", "P(X|Y)", "P(X,Y)"]
    value: float
    unit: str
    interval: Interval | None
    null: NullReference
    p_value: float
    p_adjusted: float = Field(description="Holm over the five")
    moved: bool


class TimesChance(_Model):
    """A measure on the scale of its own chance: 0 at the middle of it, 1 at its 95 % point.

    The middle is the mean of the two sides' medians of the null reference, the 95 % point the
    larger of the two sides' points.
    """

    value: float = Field(description="(value - middle) / (95 % point - middle)")
    interval: list[float] | None = Field(description="both ends of the interval, on this scale")
    lowest: float = Field(description="the smaller 5 % point of the two sides, on this scale")


class MeasureInfo(_Model):
    """A measure of how far apart the inputs are, beside the same number by chance."""

    name: str
    family: str
    summary: str
    units: str
    direction: str
    value: float | None
    interval: Interval | None = None
    null: NullReference | None = None
    times_chance: TimesChance | None = Field(
        default=None, description="null where chance has no spread or no reference"
    )
    p_value: float | None = None
    n_source: int
    n_target: int
    columns: list[str] = Field(default_factory=list, description="columns most responsible")
    reason: str | None = Field(default=None, description="why there is no value")
    warnings: list[str] = Field(default_factory=list, description="what makes it doubtful")


class CheckResult(_Model):
    """One piece of evidence."""

    id: str
    name: str
    group: Group
    state: State
    severity: Severity = "none"
    value: float | None = None
    unit: str = ""
    direction: str = Field(default="", description="what a large value means, in words")
    interval: Interval | None = None
    null: NullReference | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    n_source: int
    n_target: int
    n_required: int | None = None
    threshold: Threshold | None = None
    message: str
    remedy: str = ""
    not_run_reason: str | None = None
    columns: list[str] = Field(default_factory=list, description="columns concerned")
    label_shares: LabelShares | None = None
    confusion: Confusion | None = None
    components: list[Component] = Field(
        default_factory=list, description="what moved, of the five distributions"
    )
    facts: dict[str, float | int | str | None] = Field(
        default_factory=dict, description="further numbers behind the sentence"
    )


class Histogram(_Model):
    """Shares of both sides on common bins or categories."""

    bins: list[str] = Field(description="category names, or formatted bin limits")
    edges: list[float] | None = Field(description="numeric bin edges, one more than shares")
    source: list[float]
    target: list[float]


class Feature(_Model):
    """One column: how far apart the two sides are in it."""

    name: str
    kind: str
    shifted: bool
    effect: float | None = Field(
        description="numeric: Wasserstein-1 in pooled interquartile ranges; "
        "categorical: total variation distance"
    )
    effect_name: str
    null_95: float | None = Field(description="95 % of the effect over random halves")
    p_value: float | None
    p_adjusted: float | None = Field(description="Benjamini-Hochberg over the columns")
    missing_source: float
    missing_target: float
    mean_source: float | None = None
    mean_target: float | None = None
    histogram: Histogram | None = None


class LostColumn(_Model):
    """A column that was given and is not used, and why."""

    name: str
    side: Literal["source", "target", "both"]
    reason: str


class ConfigValue(_Model):
    """A setting with where it came from."""

    value: str | int | float | bool | None
    origin: Literal["default", "flag", "argument", "inferred"]


class ReferenceCase(_Model):
    """A measured transfer beside what was predicted for it without having seen its data set."""

    data_set: str
    source: str
    target: str
    n_labels: int
    predicted: float
    low: float
    high: float
    observed: float
    near: bool = Field(description="one of the measured transfers most like this one")


class ReferenceCases(_Model):
    """Measured transfers of the same strategy and kind of label, the nearest ones first."""

    strategy: str
    learner: str
    n_cases: int = Field(description="all there are, of which those listed are a spread")
    coverage: float = Field(description="share of all whose interval holds what was measured")
    level: float
    n_sets: int = Field(description="data sets the predictor was fitted on")
    n_pairs: int
    cases: list[ReferenceCase]


class UntriedGap(_Model):
    """The predicted gap of one strategy with a learner that was not tried."""

    strategy: str
    gap: Gap


class UntriedLearner(_Model):
    """What the pilot of a cheap learner says of a dearer one, which was not tried.

    It never changes the verdict.
    """

    learner: str
    title: str
    piloted: str = Field(description="the learner the pilot was run with")
    strategy: str = Field(description="of the predicted ones that with the least expected loss")
    gaps: list[UntriedGap]
    sentence: str


class CurvePoint(_Model):
    """The predicted gap with so many target labels."""

    n_labels: int
    gap: float
    low: float
    high: float


class LabelWorth(_Model):
    """How many more target labels would do for the target alone what transfer does now."""

    more_labels: float | None = Field(
        description="0 where transfer hurts; null where more than `largest` labels in all"
    )
    low: float | None
    high: float | None = Field(description="null: beyond `largest`")
    level: float
    p_none: float = Field(description="probability that transfer is worth nothing")
    p_beyond: float = Field(description="probability that it is worth more than was measured")
    largest: int = Field(description="most target labels with which errors were measured")
    words: str = Field(description="the worth as a clause")
    sentence: str


class LabelOption(_Model):
    """So many more target labels, and the better of two uses of what there is then."""

    more_labels: int
    n_labels: int
    use: str = Field(description="the strategy of the verdict, or 'target-only'")
    error_target_only: float = Field(description="expected error of the target alone")
    low: float
    high: float
    loss: float = Field(
        description="expected error less that of the target alone with the labels at hand, harm "
        "counted as often as `harm_cost` says"
    )
    price: float = Field(description="of the labels, in the error's own scale")
    total: float


class LabelPlan(_Model):
    """What labels cost against what they save: beside the verdict, which it never changes.

    An extrapolation by curves learned from measured transfers.
    """

    label_cost: float = Field(description="of one more target label, in the error's own scale")
    harm_cost: float
    strategy: str
    learner: str
    transfer_weighed: bool = Field(
        description="false where the verdict does not recommend the strategy: then only the "
        "target alone is weighed"
    )
    level: float
    largest: int
    options: list[LabelOption]
    more_labels: int = Field(description="of the cheapest option")
    use: str
    sentence: str


class Outlook(_Model):
    """What more target labels would change, for the strategy of the verdict."""

    strategy: str
    learner: str
    n_labels: int
    break_even: float | None = Field(
        description="target labels beyond which transfer no longer pays; 0 if it hurts at every "
        "number of labels, null if it still pays at `largest`"
    )
    low: float | None
    high: float | None = Field(description="null: it may still pay at `largest`")
    level: float
    p_already_past: float = Field(description="probability that break-even is behind us")
    p_never: float = Field(description="probability that transfer hurts at every number")
    p_beyond: float = Field(description="probability that it still pays at `largest`")
    largest: int
    sentence: str
    curve: list[CurvePoint]
    labels_until_known: float | None = Field(
        description="target labels until the pilot tells help from harm; null beyond `largest`, "
        "and for quantities, where it cannot be said"
    )
    until_known_sentence: str
    worth: LabelWorth | None = Field(
        default=None,
        description="null in documents of before, and with as many labels as were measured",
    )


class Cost(_Model):
    """What the pilot fitted, beside one training with transfer; counts, no clock."""

    fits: dict[str, int] = Field(
        description="models fitted by the pilot, by learner; 'own models' are those of "
        "strategies that bring their own"
    )
    rows_fitted: dict[str, int] = Field(
        description="the same, each counted as often as it had rows to train on"
    )
    rows_full_training: int = Field(
        description="rows of one training with transfer: all labelled ones of both sides"
    )


class Rerun(_Model):
    """The verdict once more: the pilot repeated with another seed, the checks as they were."""

    seed: int
    label: Label
    estimate: float = Field(description="the gap the verdict rests on, as of `Gap`")
    low: float
    high: float
    p_harm: float
    strategy: str = Field(description="what was recommended")
    gap_strategy: str = Field(description="the strategy the gap belongs to")
    learner: str


class Diagnosis(_Model):
    """The whole result of :func:`negtransfer.preflight`.

    There is no truth value: ask for :attr:`verdict`.
    """

    schema_version: str = SCHEMA_VERSION
    tool: Tool
    command: str
    config: dict[str, ConfigValue]
    environment: dict[str, str]
    seed: int
    status: Literal["complete", "partial"]
    source: DomainInfo
    target: DomainInfo
    task: TaskKind | None
    task_origin: Literal["inferred", "given", "unknown"]
    setting: Setting
    metric: MetricInfo | None
    learners: dict[str, str] = Field(description="learner name to what exactly it is")
    headline_learner: str | None
    verdict: Verdict
    checks: list[CheckResult]
    features: list[Feature]
    measures: list[MeasureInfo] = Field(
        default_factory=list, description="further measures of the inputs; none decides alone"
    )
    lost_columns: list[LostColumn]
    strategies: list[StrategyResult]
    reference: ReferenceCases | None = Field(
        default=None, description="null where the pilot alone gave the gap of the verdict"
    )
    outlook: Outlook | None = Field(
        default=None, description="null where no transfers of the kind were measured"
    )
    harm_cost: float | None = Field(
        default=None, description="how many times a harm counts against a gain, in the choice"
    )
    label_plan: LabelPlan | None = Field(
        default=None, description="null where labels were not priced, or could not be"
    )
    untried: list[UntriedLearner] = Field(
        default_factory=list,
        description="learners that were not tried; empty where nothing can be said of them",
    )
    cost: Cost | None = Field(
        default=None, description="null without a pilot, and in documents of before"
    )
    sensitivity: list[Rerun] = Field(
        default_factory=list,
        description="the verdict with other seeds; empty where that was not asked for",
    )
    warnings: list[str]

    def __bool__(self) -> bool:
        raise TypeError(
            "a Diagnosis has no truth value; use .verdict.label, or negtransfer.require(...)"
        )

    def __repr__(self) -> str:
        gap = self.verdict.gap
        shown = f", gap={gap.estimate:+.3g} [{gap.low:+.3g}, {gap.high:+.3g}]" if gap else ""
        names = f"{self.source.name!r} -> {self.target.name!r}"
        return f"Diagnosis({self.verdict.label!r}{shown}, {names})"

    __str__ = __repr__

    @property
    def gap(self) -> Gap | None:
        """The gap the verdict rests on, or ``None`` when nothing could be measured."""
        return self.verdict.gap

    def check(self, check_id: str) -> CheckResult:
        """Return the check with this id; raises ``KeyError`` naming the ids there are."""
        for found in self.checks:
            if found.id == check_id:
                return found
        raise KeyError(f"no check {check_id!r}; there are {', '.join(c.id for c in self.checks)}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python data, as in the JSON."""
        return self.model_dump(mode="json")

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the document as JSON text, and write it to `path` if one is given."""
        text = self.model_dump_json(indent=2) + "\n"
        if path is not None:
            _write(path, text)
        return text

    @classmethod
    def from_json(cls, text: str) -> Diagnosis:
        """Read a document written by :meth:`to_json`."""
        return cls.model_validate_json(text)

    def to_html(self, path: str | Path | None = None) -> str:
        """Return the report as one self-contained page, and write it to `path` if given."""
        from ..reports import render_html

        text = render_html(self)
        if path is not None:
            _write(path, text)
        return text

    def to_text(self) -> str:
        """Return the terminal view without colour."""
        from ..reports import render_text

        return render_text(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the checks as a data frame, one row a check."""
        import pandas as pd

        keep = ("id", "name", "group", "state", "value", "unit", "p_value", "message", "remedy")
        return pd.DataFrame([{k: getattr(c, k) for k in keep} for c in self.checks])

    def _repr_html_(self) -> str:
        from ..reports import render_card

        return render_card(self)


def _write(path: str | Path, text: str) -> None:
    from pathlib import Path

    Path(path).write_text(text, encoding="utf-8", newline="\n")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    schema = Diagnosis.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
