"""From candidates and labelled rows to the finished comparison: the calls in order."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..document import Gap, Interval, Tool
from ..document_build import environment_info, metric_info
from ..errors import InputError
from ..gap import LEVEL, compare, overlap, to_gap
from ..pilot.scores import Metric, proper_score, resolve_metric
from . import advice, combine
from ._candidates import Candidate as Given
from ._candidates import as_candidates, is_module
from ._extract import extract
from ._match_rows import saved_rows
from ._probe_rows import Rows
from .document import (
    Agreement,
    Bracket,
    Candidate,
    Layer,
    ModelRanking,
    Probe,
    Rank,
    Score,
)
from .document_entries import combination_words, distance_entry, rows_info, score_entry
from .evidence import (
    Probed,
    asked_scores,
    identical_rows,
    layer_scores,
    make_frame,
    probe_layers,
    representation_scores,
)
from .labels import TargetLabels, target_labels
from .shift import layer_shifts
from .source_head import head_scores, labelled_source_scores

if TYPE_CHECKING:
    import os

    from ._features import CandidateFeatures

Progress = Callable[[str, int, int], None]
METHOD = "paired cross-validation of linear probes on the labelled target rows"
LEARNER = "linear probe: multinomial logistic regression (ridge for quantities), penalty and " \
    "scaling chosen inside"  # fmt: skip


def rank_models(
    candidates: Any,
    target: Any,
    labels: Any = None,
    *,
    source: Any = None,
    task: Literal["binary", "multiclass", "regression"] | None = None,
    metric: str | None = None,
    untrained: bool = True,
    random_state: int = 0,
    batch_size: int = 64,
    device: str = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    name: str | None = None,
    progress: Progress | None = None,
) -> ModelRanking:
    """Say which pretrained model serves the target, from which layer, how adapted, or none.

    Parameters
    ----------
    candidates : Candidate, model, mapping of names to models, or list of these
        torch modules, encoders (rows in, array out), names such as ``"timm:resnet18"``, or
        files of saved features; see `Candidate`.
    target : Rows, path, array, list of str or table
        The target's rows, as inputs; see `Rows.load`. With saved features only: their labels.
    labels : array_like, optional
        The labels beside the rows, where `target` does not hold them; missing ones are None
        or NaN.
    source : Rows, path, array, list of str or table, optional
        Source rows, shown to the same models: then it is also told in which layers source and
        target lie apart.
    task : {'binary', 'multiclass', 'regression'}, optional
        Inferred when left out.
    metric : str, optional
        As for :func:`negtransfer.preflight`.
    untrained : bool
        Whether an untrained copy of every torch module is shown the rows too. What it reaches
        is owed to the architecture, not to the training.
    random_state : int
        The same input and seed give the same result, byte for byte.
    batch_size : int
        Rows a model sees at a time.
    device : str
        "auto" is a GPU if there is one.
    cache_dir : path, optional
        Where features are kept between runs; nowhere by default.
    name : str, optional
        How to call the target's rows.
    progress : callable, optional
        ``progress(stage, done, total)``.

    Returns
    -------
    ModelRanking
        Frozen: candidates best first, with the interval of their rank, the gap against the raw
        inputs, layers with probes and scores, and a verdict.

    Raises
    ------
    InputError
        When the input cannot be used, in one sentence.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(120) % 3
    >>> inputs = rng.normal(size=(120, 6)) + np.eye(6)[labels]
    >>> models = {"good": lambda x: np.asarray(x)[:, :3], "useless": lambda x: np.asarray(x)[:, 3:]}
    >>> result = rank_models(models, inputs, labels)
    >>> [one.name for one in result.candidates], result.candidate("useless").gap.outcome
    (['good', 'useless'], 'hurts')
    """
    every = as_candidates(candidates)
    rows = _rows(target, labels, every, name)
    beside = None if source is None else Rows.load(source)
    shown: dict[str, Any] = {
        "batch_size": batch_size, "device": device, "cache_dir": cache_dir, "progress": progress,
    }  # fmt: skip
    found = extract(every, rows, source=beside, **shown)
    twins = (
        extract(copies, rows, **shown) if (copies := _untrained(every, found, untrained)) else []
    )
    return compare_models(
        found, twins, rows, source=beside, task=task, metric=metric, random_state=random_state,
        progress=progress,
    )  # fmt: skip


def compare_models(
    found: Sequence[CandidateFeatures],
    untrained: Sequence[CandidateFeatures],
    rows: Rows,
    *,
    source: Rows | None = None,
    task: str | None = None,
    metric: str | None = None,
    random_state: int = 0,
    doubt: bool = True,
    progress: Progress | None = None,
) -> ModelRanking:
    """Return the comparison of models whose features are at hand; see `rank_models`.

    Parameters
    ----------
    found : sequence of CandidateFeatures
        On the rows.
    untrained : sequence of CandidateFeatures
        Of untrained copies, called as `Candidate.untrained` calls them.
    rows : Rows
        With labels.
    source, task, metric, random_state, progress
        As for `rank_models`.
    doubt : bool
        Whether scores get chance levels and intervals; without, they cost little.
    """
    from threadpoolctl import threadpool_limits

    known = target_labels(rows, task)
    chosen = resolve_metric(metric, known.task)
    with threadpool_limits(1, user_api="blas"):
        return _Comparison(
            rows, source, known, found, untrained, chosen, random_state, doubt, progress
        ).document()


def _untrained(
    every: Sequence[Given], found: Sequence[CandidateFeatures], wanted: bool
) -> list[Given]:
    """Return untrained copies of the candidates that are modules at hand, with the same layers."""
    return [
        one.untrained(layers=tuple(features.layers))
        for one, features in zip(every, found, strict=True)
        if wanted and is_module(one.model)
    ]


def _rows(target: Any, labels: Any, every: Sequence[Given], name: str | None) -> Rows:
    """Return the target's rows, or those that saved features tell of."""
    if target is None:
        if any(one.kind != "features" for one in every):
            raise InputError("there are no target rows; give the rows that the models shall see")
        return saved_rows(every, labels=labels, name=name or "target")
    return Rows.load(target, labels=labels, name=name or _called(target))


def _called(target: Any) -> str | None:
    return None if isinstance(target, (str, Rows)) or hasattr(target, "__fspath__") else "target"


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """A candidate with all that was found out about it."""

    given: CandidateFeatures
    probed: Probed
    scores: dict[str, dict[str, Any]]
    untrained: Probed | None


class _Comparison:
    """All candidates on one frame of labelled rows."""

    def __init__(
        self,
        rows: Rows,
        source: Rows | None,
        labels: TargetLabels,
        found: Sequence[CandidateFeatures],
        untrained: Sequence[CandidateFeatures],
        metric: Metric,
        seed: int,
        doubt: bool,
        progress: Progress | None,
    ) -> None:
        self.rows, self.source, self.labels, self.metric, self.seed = (
            rows, source, labels, metric, seed,
        )  # fmt: skip
        self.info = metric_info(metric, labels.task)
        raw = None if rows.kind == "features" else rows.raw()
        self.raw = None if raw is None else raw[labels.rows]
        shown = self.raw if self.raw is not None else next(iter(found[0].layers.values()))
        groups = identical_rows(shown if self.raw is not None else shown[labels.rows])
        self.frame = make_frame(
            labels, groups, metric, proper_score(metric, labels.task), seed=seed
        )
        self._done, self._progress, self._doubt = 0, progress, doubt
        self._total = sum(2 * len(one.layers) for one in found) + sum(
            len(one.layers) for one in untrained
        )
        copies = {one.name: self._probed(one) for one in untrained}
        self.judged = [
            _Judged(
                one, self._probed(one),
                {name: self._scores(table[labels.rows]) for name, table in one.layers.items()},
                copies.get(f"{one.name} (untrained)"),
            )
            for one in found
        ]  # fmt: skip
        self.raw_probed = None if self.raw is None else probe_layers({"raw": self.raw}, self.frame)

    def _tick(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress("probes and scores", self._done, self._total)

    def _probed(self, one: CandidateFeatures) -> Probed:
        tables = {name: table[self.labels.rows] for name, table in one.layers.items()}
        return probe_layers(tables, self.frame, tick=self._tick)

    def _scores(self, table: Any) -> dict[str, Any]:
        found = layer_scores(table, self.labels, seed=self.seed, doubt=self._doubt)
        if self._doubt:
            found |= representation_scores(table, self.labels, self.raw, seed=self.seed)
        self._tick()
        return found

    # --- from what was found to the document

    def document(self) -> ModelRanking:
        """Return the finished comparison."""
        from ... import __version__

        combined = self._combined()
        spots = combine.places(combined, level=LEVEL, rng=np.random.default_rng([self.seed, 23]))
        order = sorted(range(len(self.judged)), key=lambda i: spots[i].estimate)
        raw = None if self.raw_probed is None else self._probe(self.raw_probed.chosen)
        candidates = [self._candidate(i, combined, spots[i], order[0]) for i in order]
        names = [one.given.name for one in self.judged]
        runs = [Bracket(members=[names[i] for i in run]) for run in combine.brackets(combined)]
        return ModelRanking(
            tool=Tool(version=__version__),
            command=self._command(),
            environment=environment_info(),
            seed=self.seed,
            task=self.labels.task,
            metric=self.info,
            target=rows_info(self.rows, self.labels),
            source=None if self.source is None else rows_info(self.source, None),
            learner=LEARNER,
            raw_probe=raw,
            raw_name="none" if self.raw is None else self.rows.raw_name,
            candidates=candidates,
            brackets=runs,
            agreement=self._agreement(),
            combination=combination_words(combined),
            verdict=advice.verdict(candidates, runs, raw, self.info, self.labels),
            warnings=self._warnings(),
        )

    def _combined(self) -> combine.Combined:
        scored = [self.frame.errors(one.probed.chosen, self.frame.proper) for one in self.judged]
        influences = np.stack([influence for _, influence in scored])
        covariance = self._widened(influences)
        columns = [
            [one.scores[one.probed.best][asked.name].value for one in self.judged]
            for asked in asked_scores(self.labels.task) if asked.joins
        ]  # fmt: skip
        score = combine.mean_score(columns)
        return combine.combine(np.array([error for error, _ in scored]), covariance, score)

    def _widened(self, influences: Any) -> Any:
        """Return the errors' covariance, rows that are the same counted together."""
        groups = self.frame.held_out.groups
        parts = np.stack([np.bincount(groups, weights=row) for row in influences])
        n = influences.shape[1]
        return overlap(self.frame.held_out) * (parts @ parts.T) / n**2

    def _gap(self, first: Any, second: Any) -> Gap:
        difference = compare(self.frame.held_out, self.metric, first, second)
        return to_gap(difference, margin=self.metric.margin, method=METHOD)

    def _probe(self, predictions: Any) -> Probe:
        difference = compare(
            self.frame.held_out, self.metric, predictions, self.frame.constant
        )  # fmt: skip
        error, influence = self.frame.errors(predictions, self.metric)
        reach = _reach(self._widened(influence[None])[0, 0])
        return Probe(
            error=error,
            interval=Interval(
                low=max(0.0, error - reach), high=error + reach, level=LEVEL, method=METHOD
            ),
            chance=difference.second,
            proper_error=self.frame.errors(predictions, self.frame.proper)[0],
            proper_chance=self.frame.errors(self.frame.constant, self.frame.proper)[0],
            normalised=1 - error / difference.second if difference.second > 0 else 0.0,
            n_labels=len(self.labels.y),
            n_folds=self.frame.held_out.n_folds,
            n_repeats=self.frame.held_out.n_repeats,
        )

    def _candidate(
        self, i: int, combined: combine.Combined, spot: combine.Place, first: int
    ) -> Candidate:
        one = self.judged[i]
        given, probed = one.given, one.probed
        raw = self.raw_probed
        gap = None if raw is None else self._gap(probed.chosen, raw.chosen)
        random = None if one.untrained is None else self._gap(probed.chosen, one.untrained.chosen)
        spread = _reach(combined.covariance[i, i])
        shifts = layer_shifts(given, seed=self.seed)
        layers = [
            Layer(
                name=name, n_columns=table.shape[1], probe=self._probe(probed.predictions[name]),
                scores=[score_entry(key, s) for key, s in one.scores[name].items()],
                shift=shifts.get(name),
            )
            for name, table in given.layers.items()
        ]  # fmt: skip
        last = list(given.layers)[-1]
        behind = None if last == probed.best else self._gap(
            probed.predictions[last], probed.predictions[probed.best]
        )  # fmt: skip
        use = advice.use(layers, probed.best, gap, random, behind, self.labels, given.kind)
        mean, measured = float(combined.mean[i]), self._probe(probed.chosen)
        return Candidate(
            name=given.name, kind=given.kind, n_parameters=given.n_parameters, layers=layers,
            best_layer=probed.best, error=measured.error, error_interval=measured.interval,
            combined=mean,
            combined_interval=Interval(
                low=mean - spread, high=mean + spread, level=LEVEL,
                method="probe and scores combined, normal",
            ),
            rank=Rank(estimate=spot.estimate, low=spot.low, high=spot.high, level=LEVEL),
            gap=gap, gap_random=random,
            gap_best=None if i == first else self._gap(
                probed.chosen, self.judged[first].probed.chosen
            ),
            source_scores=self._source_scores(given, probed.best),
            action=use.action, action_layer=use.layer,
            sentence=advice.sentence(gap, random, use, self.info, self.rows),
            notices=list(given.notices),
        )  # fmt: skip

    def _source_scores(self, given: CandidateFeatures, best: str) -> list[Score]:
        found = head_scores(given, self.labels, self.seed)
        found |= labelled_source_scores(given, best, self.labels, self.seed)
        return [
            distance_entry(key, one) if key == "otdd" else score_entry(key, one)
            for key, one in found.items()
        ]

    def _agreement(self) -> Agreement | None:
        names = [one.name for one in asked_scores(self.labels.task)]
        columns = [
            [one.scores[one.probed.best][name].value for one in self.judged] for name in names
        ]
        columns.append([-self.frame.errors(j.probed.chosen, self.metric)[0] for j in self.judged])
        found = combine.concordance(columns)
        if found is None:
            return None
        k, w, p = found
        how = "agree on" if p < 0.05 else "do not clearly agree on"
        return Agreement(
            n_scores=k, kendall_w=w, p_value=p,
            sentence=f"{k} scores, the probe among them, {how} the order (Kendall's W {w:.2f}).",
        )  # fmt: skip

    def _command(self) -> str:
        names = " ".join(shlex.quote(one.given.name) for one in self.judged)
        beside = "" if self.source is None else f" --source {shlex.quote(self.source.name)}"
        target = shlex.quote(self.rows.name)
        return f"negtransfer models {names} --target {target}{beside} --seed {self.seed}"

    def _warnings(self) -> list[str]:
        told = [*self.rows.notices, self.labels.reason]
        if self.source is not None:
            told += self.source.notices
        return list(dict.fromkeys(told))


def _reach(variance: float) -> float:
    """Return half the width of a normal interval."""
    from scipy.stats import norm

    return float(norm.ppf((1 + LEVEL) / 2)) * float(np.sqrt(max(variance, 0.0)))
