"""The finished result of a comparison of pretrained models: one frozen, versioned document.

Everything shown anywhere (terminal, JSON, page) is read from it; the JSON *is* the document. It
holds no clock and no path, so the same input and seed give the same bytes. Numbers that do not
exist are ``None``, never NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..document import Gap, Interval, Label, MetricInfo, NullReference, TaskKind, Tool

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

SCHEMA_VERSION = "1.0.0"

Action = Literal[
    "frozen features with a linear probe", "fine-tune from layer", "fine-tune all layers",
    "train from scratch",
]  # fmt: skip


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class RowsInfo(_Model):
    """The rows the models are compared on."""

    name: str
    kind: Literal["images", "texts", "table", "features"]
    n_rows: int
    n_labelled: int
    classes: dict[str, int] | None = Field(description="labelled rows per class")
    content_hash: str


class Score(_Model):
    """One measure of one layer, beside its chance level."""

    name: str
    family: Literal["transferability", "similarity", "probe", "source model", "divergence"]
    value: float | None
    units: str
    direction: str
    larger_is_better: bool
    label_only: bool = Field(description="cannot see a change of meaning: never the only evidence")
    normalised: float | None = Field(description="0 by chance, 1 at best")
    chance: NullReference | None
    interval: Interval | None
    p_value: float | None
    reason: str | None = Field(default=None, description="why there is no value")
    cautions: list[str] = Field(default_factory=list)


class Probe(_Model):
    """Error of a linear model on the layer, cross-validated on the labelled target rows."""

    error: float
    interval: Interval
    chance: float = Field(description="error of a constant prediction on the same folds")
    proper_error: float = Field(description="the proper score beside the metric, lower is better")
    proper_chance: float = Field(description="the proper score of the constant prediction")
    normalised: float = Field(description="error from the constant prediction (0) to none (1)")
    n_labels: int
    n_folds: int
    n_repeats: int


class LayerShift(_Model):
    """How far source rows and target rows lie apart in a layer."""

    measure: str
    value: float
    null: NullReference
    p_value: float
    p_adjusted: float = Field(description="Holm over the layers of the candidate")
    agrees: bool = Field(description="not further apart than random halves")


class Layer(_Model):
    """One layer of a candidate, from the input side."""

    name: str
    n_columns: int
    probe: Probe | None
    scores: list[Score]
    shift: LayerShift | None = None


class Rank(_Model):
    """Place among the candidates, 1 is best."""

    estimate: int
    low: int
    high: int
    level: float


class Candidate(_Model):
    """One pretrained model: its layers, its place, what it gains and how to use it."""

    name: str
    kind: str
    n_parameters: int | None
    layers: list[Layer]
    best_layer: str | None
    error: float | None = Field(
        description="measured error of the layer that cross-validation picks, fold by fold"
    )
    error_interval: Interval | None
    combined: float | None = Field(
        description="proper score (lower is better) expected of it, probe and scores together; "
        "candidates are ranked by it"
    )
    combined_interval: Interval | None
    rank: Rank | None
    gap: Gap | None = Field(
        description="error on its best layer less error on the raw inputs: positive = it hurts"
    )
    gap_random: Gap | None = Field(
        description="the same against an untrained copy of the same architecture"
    )
    gap_best: Gap | None = Field(description="the same against the candidate ranked first")
    source_scores: list[Score] = Field(
        default_factory=list, description="of its source head, and of labelled source rows"
    )
    action: Action | None
    action_layer: str | None = Field(default=None, description="first layer to train, or to use")
    sentence: str
    notices: list[str] = Field(default_factory=list)


class Bracket(_Model):
    """Candidates, in order, of which no two can be told apart."""

    members: list[str]


class Agreement(_Model):
    """How far the scores agree on the order of the candidates."""

    n_scores: int
    kendall_w: float | None = Field(description="0 no agreement, 1 the same order everywhere")
    p_value: float | None
    sentence: str


class Reason(_Model):
    """A fact for or against the verdict."""

    state: Literal["pass", "warn", "fail", "insufficient"]
    sentence: str


class Verdict(_Model):
    """The one answer."""

    label: Label
    sentence: str
    candidate: str | None
    layer: str | None
    action: Action | None
    reasons: list[Reason]
    counter_reasons: list[Reason]
    untested: list[str]
    would_change_if: str
    safest_default: str


class ModelRanking(_Model):
    """The whole result of :func:`negtransfer.diagnostics.rank_models`.

    There is no truth value: ask for :attr:`verdict`.
    """

    document: Literal["models"] = "models"
    schema_version: str = SCHEMA_VERSION
    tool: Tool
    command: str
    environment: dict[str, str]
    seed: int
    task: TaskKind
    metric: MetricInfo
    target: RowsInfo
    source: RowsInfo | None
    learner: str
    raw_probe: Probe | None = Field(description="the same linear model on the raw inputs")
    raw_name: str = Field(description="what the raw inputs were")
    candidates: list[Candidate] = Field(description="best first")
    brackets: list[Bracket]
    agreement: Agreement | None
    combination: str = Field(description="how probe and scores were put together, in words")
    verdict: Verdict
    warnings: list[str]

    def __bool__(self) -> bool:
        raise TypeError("a ModelRanking has no truth value; use .verdict.label")

    def __repr__(self) -> str:
        order = " > ".join(c.name for c in self.candidates[:3])
        return f"ModelRanking({self.verdict.label!r}, {order})"

    __str__ = __repr__

    def candidate(self, name: str) -> Candidate:
        """Return the candidate of this name; raises ``KeyError`` naming those there are."""
        for found in self.candidates:
            if found.name == name:
                return found
        names = ", ".join(c.name for c in self.candidates)
        raise KeyError(f"no candidate {name!r}; there are {names}")

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
    def from_json(cls, text: str) -> ModelRanking:
        """Read a document written by :meth:`to_json`."""
        return cls.model_validate_json(text)

    def to_html(self, path: str | Path | None = None) -> str:
        """Return the report as one self-contained page, and write it to `path` if given."""
        from ...reports import render_models_html

        text: str = render_models_html(self)
        if path is not None:
            _write(path, text)
        return text

    def to_text(self) -> str:
        """Return the terminal view without colour."""
        from ...reports import render_models_text

        text: str = render_models_text(self)
        return text

    def to_frame(self) -> pd.DataFrame:
        """Return every score of every layer as a data frame, one row each."""
        import pandas as pd

        return pd.DataFrame([
            {
                "candidate": c.name, "layer": layer.name, "score": s.name, "value": s.value,
                "normalised": s.normalised, "p_value": s.p_value, "reason": s.reason,
            }
            for c in self.candidates for layer in c.layers for s in layer.scores
        ])  # fmt: skip


def _write(path: str | Path, text: str) -> None:
    from pathlib import Path

    Path(path).write_text(text, encoding="utf-8", newline="\n")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    schema = ModelRanking.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
