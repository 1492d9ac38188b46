"""Comparisons of models made by hand: one for each verdict and each awkward kind of content."""

from __future__ import annotations

import math
from html.parser import HTMLParser
from typing import Any

import pytest

from negtransfer.diagnostics.document import Gap, Interval, MetricInfo, NullReference, Tool
from negtransfer.diagnostics.models.document import (
    Agreement,
    Bracket,
    Candidate,
    Layer,
    LayerShift,
    ModelRanking,
    Probe,
    Rank,
    Reason,
    RowsInfo,
    Score,
    Verdict,
)

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</title><script>alert(2)</script>",
    "</style><b>{{ 7*7 }}",
    "\x1b[31mred\x1b[0m\x07",
    "abc\u202edcba\u2066",
    "two\nlines\r\ttab verdict=transfer",
    "x" * 200,
    "' onmouseover='alert(3)",
    "\x00null",
    "目標領域" * 20,
)
LABELS = (
    "transfer",
    "transfer-with-adaptation",
    "caution",
    "do-not-transfer",
    "not-enough-evidence",
)
EXAMPLES = (*LABELS, "regression", "alone", "many", "hostile", "bare", "empty")
ACCURACY = MetricInfo(
    name="accuracy", error_name="error rate", unit="points", scale=100, greater_is_better=True,
    margin=0.01, proper_score="Brier score",
)  # fmt: skip
RMSE = MetricInfo(
    name="rmse", error_name="rmse", unit="target sd", scale=0.25, greater_is_better=False,
    margin=0.08, proper_score="squared error",
)  # fmt: skip


def make_gap(estimate: float, error: float = 0.015) -> Gap:
    def above(x: float) -> float:
        return 0.5 * math.erfc((x - estimate) / error / math.sqrt(2))

    low, high = estimate - 1.28 * error, estimate + 1.28 * error
    return Gap(
        estimate=estimate, low=low, high=high, level=0.8, standard_error=error, p_harm=above(0),
        p_clear_harm=above(0.01), p_clear_gain=1 - above(-0.01),
        outcome="hurts" if low > 0 else "helps" if high < 0 else "cannot tell", method="paired",
    )  # fmt: skip


def make_probe(error: float, chance: float = 0.8) -> Probe:
    return Probe(
        error=error, interval=Interval(low=error - 0.02, high=error + 0.02, level=0.8, method="m"),
        chance=chance, proper_error=error / 2, proper_chance=chance / 2,
        normalised=1 - error / chance if chance else 0.0, n_labels=200, n_folds=5, n_repeats=2,
    )  # fmt: skip


def make_score(name: str, normalised: float | None, **more: Any) -> Score:
    null = NullReference(
        source_quantiles=None, target_quantiles=[-0.1, 0.0, 0.1], n_splits=20, percentile=100,
        what="labels shuffled",
    )  # fmt: skip
    lost = normalised is None and "value" not in more
    value = None if normalised is None else 3 * normalised
    given = {
        "family": "transferability", "value": value, "units": "nats",
        "direction": "larger means more transferable", "larger_is_better": True,
        "label_only": True, "chance": None if lost else null, "interval": None, "p_value": None,
        "reason": "too few rows for it" if lost else None,
    }  # fmt: skip
    return Score(name=name, normalised=normalised, **{**given, **more})


def make_shift(agrees: bool) -> LayerShift:
    null = NullReference(
        source_quantiles=[-0.01, 0.0, 0.01], target_quantiles=[-0.01, 0.0, 0.01], n_splits=100,
        percentile=50,
    )  # fmt: skip
    p = 0.61 if agrees else 0.005
    return LayerShift(
        measure="mmd_test", value=0.004 if agrees else 0.37, null=null, p_value=p, p_adjusted=p,
        agrees=agrees,
    )  # fmt: skip


def make_candidate(
    name: str, error: float, place: int, *, raw: float = 0.2, n_layers: int = 5,
    reach: tuple[int, int] | None = None, **more: Any,
) -> Candidate:  # fmt: skip
    best = n_layers // 2
    layers = [
        Layer(
            name=f"block{i}", n_columns=64, probe=make_probe(error + 0.03 * abs(i - best)),
            scores=[
                make_score("logme", 1 - 2 * error), make_score("knn_probe", 0.9 - error),
                make_score("source_head_risk", 0.5, label_only=False),
                make_score("cka_with_labels", None, family="similarity", value=0.1 + 0.1 * (i % 5)),
            ],
            shift=make_shift(i <= best),
        )
        for i in range(n_layers)
    ]  # fmt: skip
    low, high = reach or (place, place)
    gap = make_gap(error - raw)
    given: dict[str, Any] = {
        "kind": "network", "n_parameters": 1_000_000 * place, "layers": layers,
        "best_layer": f"block{best}", "error": error,
        "error_interval": Interval(low=error - 0.02, high=error + 0.02, level=0.8, method="m"),
        "combined": error / 2,
        "combined_interval": Interval(low=error / 2 - 0.02, high=error / 2 + 0.02, level=0.8,
                                      method="m"),
        "rank": Rank(estimate=place, low=low, high=high, level=0.8), "gap": gap,
        "gap_random": make_gap(-0.3), "gap_best": None if place == 1 else make_gap(0.02),
        "action": "train from scratch" if gap.outcome == "hurts"
        else "frozen features with a linear probe",
        "action_layer": None if gap.outcome == "hurts" else f"block{best}",
        "sentence": f"What {name} does.",
    }  # fmt: skip
    return Candidate(name=name, **{**given, **more})


def make_ranking(
    candidates: list[Candidate], brackets: list[list[str]], **more: Any
) -> ModelRanking:
    first = candidates[0] if candidates else None
    verdict = Verdict(
        label="transfer", sentence="The first model helps.",
        candidate=first.name if first else None, layer=first.best_layer if first else None,
        action=first.action if first else None,
        reasons=[Reason(state="pass", sentence="It beats the raw inputs.")],
        counter_reasons=[Reason(state="warn", sentence="The second is nearly as good.")],
        untested=["Fine-tuning was not run."], would_change_if="more labels",
        safest_default="A model of your own.",
    )  # fmt: skip
    given: dict[str, Any] = {
        "tool": Tool(version="0.1.0"), "command": "negtransfer models a b --target scans",
        "environment": {"python": "3.11.7"}, "seed": 7, "task": "multiclass", "metric": ACCURACY,
        "target": RowsInfo(
            name="scans", kind="images", n_rows=400, n_labelled=200,
            classes={"cat": 90, "dog": 70, "owl": 40}, content_hash="0123456789abcdef" * 4,
        ),
        "source": RowsInfo(
            name="photos", kind="images", n_rows=900, n_labelled=0, classes=None,
            content_hash="fedcba9876543210" * 4,
        ),
        "learner": "linear probe", "raw_probe": make_probe(0.2), "raw_name": "the pixels",
        "brackets": [Bracket(members=b) for b in brackets],
        "agreement": Agreement(
            n_scores=3, kendall_w=0.8, p_value=0.01, sentence="3 scores agree on the order."
        ),
        "combination": "the probe alone", "verdict": verdict, "warnings": ["a warning"],
    }  # fmt: skip
    return ModelRanking(candidates=candidates, **{**given, **more})


def relabelled(ranking: ModelRanking, label: str, **more: Any) -> ModelRanking:
    verdict = ranking.verdict.model_copy(update={"label": label, **more})
    return ranking.model_copy(update={"verdict": verdict})


def _three() -> ModelRanking:
    candidates = [
        make_candidate("resnet", 0.1, 1, reach=(1, 2)),
        make_candidate("vit", 0.11, 2, reach=(1, 2)),
        make_candidate("random", 0.4, 3),
    ]
    return make_ranking(candidates, [["resnet", "vit"]])


def _many() -> ModelRanking:
    names = [f"model-{i:02}" for i in range(30)]
    candidates = [
        make_candidate(n, 0.1 + 0.008 * i, i + 1, n_layers=24, reach=(max(1, i - 2), i + 4))
        for i, n in enumerate(names)
    ]
    return make_ranking(candidates, [names[i : i + 5] for i in range(26)])


def _hostile() -> ModelRanking:
    candidates = []
    for i, name in enumerate(HOSTILE):
        one = make_candidate(name, 0.1 + 0.01 * i, i + 1, n_layers=2, sentence=name, notices=[name])
        layers = [x.model_copy(update={"name": f"{name}{k}"}) for k, x in enumerate(one.layers)]
        candidates.append(one.model_copy(update={
            "layers": layers, "best_layer": layers[1].name, "action_layer": layers[1].name,
            "action": "fine-tune from layer", "kind": name,
            "source_scores": [make_score(name, -0.2, units=name, direction=name)],
        }))  # fmt: skip
    ranking = make_ranking(candidates, [list(HOSTILE[:3]), list(HOSTILE[2:6])])
    target = ranking.target.model_copy(update={
        "name": HOSTILE[0], "classes": dict.fromkeys(HOSTILE, 5), "content_hash": HOSTILE[1],
    })  # fmt: skip
    reason = Reason(state="fail", sentence=HOSTILE[0])
    verdict = ranking.verdict.model_copy(update={
        "sentence": HOSTILE[0], "reasons": [reason], "counter_reasons": [reason],
        "untested": list(HOSTILE), "would_change_if": HOSTILE[1], "safest_default": HOSTILE[0],
    })  # fmt: skip
    return ranking.model_copy(update={
        "target": target, "verdict": verdict, "command": " ".join(HOSTILE), "raw_name": HOSTILE[2],
        "environment": {n: n for n in HOSTILE}, "warnings": list(HOSTILE), "learner": HOSTILE[2],
        "combination": HOSTILE[1],
    })  # fmt: skip


def _bare() -> ModelRanking:
    nothing: dict[str, Any] = {
        "n_parameters": None, "best_layer": None, "error": None,
        "error_interval": None, "combined": None, "combined_interval": None, "rank": None,
        "gap": None, "gap_random": None,
        "gap_best": None, "action": None, "sentence": "", "kind": "features",
    }  # fmt: skip
    layer = Layer(name="output", n_columns=3, probe=None, scores=[])
    candidates = [Candidate(name=n, layers=x, **nothing) for n, x in (("a", [layer]), ("b", []))]
    verdict = Verdict(
        label="not-enough-evidence", sentence="Nothing is known.", candidate=None, layer=None,
        action=None, reasons=[], counter_reasons=[], untested=[], would_change_if="",
        safest_default="",
    )  # fmt: skip
    return make_ranking(
        candidates, [], source=None, raw_probe=None, raw_name="none", agreement=None,
        verdict=verdict, warnings=[], environment={}, command="",
        target=RowsInfo(
            name="", kind="features", n_rows=3, n_labelled=0, classes=None, content_hash=""
        ),
    )  # fmt: skip


def _regression() -> ModelRanking:
    candidates = [
        make_candidate("far", 0.5, 1, raw=0.9, source_scores=[make_score("leep", 0.4)]),
        make_candidate("lost", 0.7, 2, raw=0.9, layers=[
            Layer(name="block2", n_columns=4, probe=make_probe(0.7), scores=[
                make_score("logme", None), make_score("knn_probe", -0.3),
            ]),
        ]),
    ]  # fmt: skip
    rows = {"classes": None, "kind": "table"}
    ranking = make_ranking(candidates, [], metric=RMSE, task="regression")
    return ranking.model_copy(update={"target": ranking.target.model_copy(update=rows)})


def make(which: str) -> ModelRanking:
    """Return one of `EXAMPLES`."""
    if which == "do-not-transfer":
        worse = make_candidate("resnet", 0.3, 1)
        ranking = make_ranking([worse], [])
        return relabelled(ranking, which, candidate=None, layer=None)
    if which == "caution":
        unsure = [make_candidate("resnet", 0.2, 1), make_candidate("vit", 0.21, 2)]
        return relabelled(make_ranking(unsure, [["resnet", "vit"]]), which)
    if which == "transfer-with-adaptation":
        tuned = make_candidate("resnet", 0.1, 1, action="fine-tune from layer",
                               action_layer="block3")  # fmt: skip
        return relabelled(make_ranking([tuned], []), which, action="fine-tune from layer")
    if which == "empty":
        return make_ranking([], [])
    makers = {
        "regression": _regression, "many": _many, "hostile": _hostile, "bare": _bare,
        "alone": lambda: make_ranking([make_candidate("only", 0.1, 1)], []),
    }  # fmt: skip
    if which in makers:
        return makers[which]()
    return relabelled(_three(), which)


@pytest.fixture(scope="session")
def rankings() -> dict[str, ModelRanking]:
    return {name: make(name) for name in EXAMPLES}


@pytest.fixture(scope="session", params=EXAMPLES)
def ranking(request: pytest.FixtureRequest, rankings: dict[str, ModelRanking]) -> ModelRanking:
    return rankings[request.param]


@pytest.fixture(scope="session")
def hostile_names() -> tuple[str, ...]:
    return HOSTILE


class Page(HTMLParser):
    """Collects what the tests ask for, and refuses tags that do not balance."""

    VOID = frozenset({"meta", "br", "img", "link", "hr", "input", "col"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[dict[str, Any]] = []
        self.tags: list[dict[str, Any]] = []
        self.shown = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any, closed: bool = False) -> None:
        assert len({k for k, _ in attrs}) == len(attrs), f"attribute twice in {tag} {attrs}"
        node: dict[str, Any] = {"tag": tag, "attrs": dict(attrs), "children": [], "text": ""}
        if self.open:
            self.open[-1]["children"].append(node)
        self.tags.append(node)
        if tag not in self.VOID and not closed:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.handle_starttag(tag, attrs, closed=True)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"closing {tag} without an opening"
        assert self.open[-1]["tag"] == tag, f"{tag} closes {self.open[-1]['tag']}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.shown += data
        for node in self.open:
            node["text"] += data

    def all(self, *tags: str) -> list[dict[str, Any]]:
        return [n for n in self.tags if n["tag"] in tags]

    def find(self, tag: str, cls: str) -> list[dict[str, Any]]:
        return [n for n in self.all(tag) if cls in n["attrs"].get("class", "").split()]

    @property
    def ids(self) -> list[str]:
        return [n["attrs"]["id"] for n in self.tags if "id" in n["attrs"]]

    def section(self, name: str) -> str:
        text: str = next(n["text"] for n in self.all("section") if n["attrs"]["id"] == name)
        return text


@pytest.fixture(scope="session")
def parse() -> type[Page]:
    return Page
