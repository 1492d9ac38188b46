"""Data quality: is there enough, and does anything give the answer away?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._words import listed
from .._words import share as share_of
from ..document import CheckResult, Interval, Severity, State, Threshold
from ..pilot import BASELINE, MIN_CLASS_ROWS, MIN_LABELS
from ._base import Check, Evidence, register

if TYPE_CHECKING:
    from ..domain import PairedColumn

MIN_ROWS = 20
MISSING_GAP = 0.05
SURE = 0.8
MOST_NOISE = 0.08
LEVEL = 0.8
SEPARATION = 0.99


@register(
    "NT101", "rows", "quality",
    """Counts the rows of both domains. Two-sample measures need at least 20 rows a side to
    see anything but the crudest difference; below that they are not run. Remedy: more rows;
    for the target they need not be labelled.""",
)  # fmt: skip
def rows(check: Check, evidence: Evidence) -> CheckResult:
    n_s, n_t = (side.domain.n_rows for side in (evidence.pair.source, evidence.pair.target))
    smaller = min(n_s, n_t)
    enough = smaller >= MIN_ROWS
    return check.result(
        evidence,
        state="pass" if enough else "insufficient",
        value=smaller, unit="rows", direction="more is better", n_required=MIN_ROWS,
        threshold=Threshold(value=MIN_ROWS, origin="default", of="value"),
        message=f"The source has {n_s} rows and the target {n_t}.",
        not_run_reason=None if enough else f"fewer than {MIN_ROWS} rows on one side",
        remedy="" if enough else f"Collect at least {MIN_ROWS} rows on each side.",
    )  # fmt: skip


@register(
    "NT102", "labelled rows", "quality",
    """Counts labelled rows, per class where the label is a class. The pilot needs at least 12
    labelled target rows that can be held out and three rows in each of two classes. Remedy:
    label more target rows, the rare classes first.""",
)  # fmt: skip
def labelled_rows(check: Check, evidence: Evidence) -> CheckResult:
    pair = evidence.pair
    n_s, n_t = int(pair.source.labelled.sum()), int(pair.target.labelled.sum())
    message = f"{n_s} source rows and {n_t} target rows are labelled."
    thin: list[str] = []
    if pair.task in ("binary", "multiclass") and n_t:
        codes = pair.target.y[pair.target.labelled]
        counts = np.bincount(codes, minlength=len(pair.classes))
        thin = [pair.classes[i] for i in range(len(counts)) if 0 < counts[i] < 5]
        if thin:
            message += f" Fewer than five target rows have the label {listed(thin)}."
    if n_t == 0:
        return check.not_run(
            evidence, "The target has no labelled rows.", value=0.0, unit="labelled target rows",
            n_required=MIN_LABELS,
            remedy=f"Label at least {MIN_LABELS} target rows drawn at random (30 detect a "
            "reversal).",
        )  # fmt: skip
    state: State = "insufficient" if evidence.pilot is None else "warn" if thin else "pass"
    return check.result(
        evidence, state=state, severity="low" if thin else "none",
        value=n_t, unit="labelled target rows", direction="more is better",
        n_required=MIN_LABELS, threshold=Threshold(value=MIN_LABELS, origin="default", of="value"),
        message=message, not_run_reason=evidence.no_pilot if evidence.pilot is None else None,
        facts={"labelled_source": n_s, "classes_needed_rows": MIN_CLASS_ROWS},
        remedy="" if state == "pass" else "Label more target rows, the rare classes first.",
    )  # fmt: skip


@register(
    "NT103", "missing values", "quality",
    """Compares the share of missing values column by column (two-proportion test, Bonferroni
    over columns). A column that is often missing on one side only shifts every model that
    uses it, and the fact that it is missing can itself become a signal that holds in one
    domain only. Remedy: find out why; leave the column out if the reason differs.""",
)  # fmt: skip
def missing_values(check: Check, evidence: Evidence) -> CheckResult:
    pair = evidence.pair
    shares = np.array(
        [[_missing(c.source).mean(), _missing(c.target).mean()] for c in pair.columns]
    )
    gap = shares[:, 1] - shares[:, 0]
    n_s, n_t = pair.source.domain.n_rows, pair.target.domain.n_rows
    p = _two_proportions(shares[:, 0], shares[:, 1], n_s, n_t)
    flagged = (p * len(p) <= 0.01) & (np.abs(gap) >= MISSING_GAP)
    names = [pair.columns[i].name for i in np.argsort(-np.abs(gap), kind="stable") if flagged[i]]
    worst = int(np.abs(gap).argmax())
    total = float(shares.max())
    if total == 0:
        message = "No value is missing in the columns in use."
    elif names:
        message = (
            f"{listed(names)} {'is' if len(names) == 1 else 'are'} missing at clearly different "
            f"rates; the widest is {share_of(shares[worst, 0])} of source rows against "
            f"{share_of(shares[worst, 1])} of target rows."
        )
    else:
        message = "Values are missing at about the same rates on both sides."
    severity: Severity = "none" if not names else "moderate" if abs(gap[worst]) > 0.3 else "low"
    return check.result(
        evidence, state="warn" if names else "pass", severity=severity,
        value=float(np.abs(gap[worst])), unit="largest difference of missing shares",
        direction="larger means missing on one side only",
        p_adjusted=float(min(1.0, p.min() * len(p))),
        threshold=Threshold(value=MISSING_GAP, origin="default", of="value"),
        message=message, columns=names,
        remedy="Find out why; leave the column out if the reason differs." if names else "",
    )  # fmt: skip


@register(
    "NT104", "constant columns", "quality",
    """Names columns that have one value only in one domain. A model cannot learn from the
    other domain what such a column means there. Columns constant in both are dropped.""",
)  # fmt: skip
def constant_columns(check: Check, evidence: Evidence) -> CheckResult:
    names = [
        column.name
        for column in evidence.pair.columns
        if _distinct(column.source) <= 1 or _distinct(column.target) <= 1
    ]
    found = bool(names)
    return check.result(
        evidence, state="warn" if found else "pass", severity="low" if found else "none",
        value=len(names), unit="columns constant on one side", columns=names,
        message=f"{listed(names)} {'has' if len(names) == 1 else 'have'} one value only in one "
        "domain." if found else "Every column in use varies in both domains.",
        remedy="Leave such a column out unless its value is meant to be part of the domain."
        if found else "",
    )  # fmt: skip


@register(
    "NT105", "duplicates within a domain", "quality",
    """Counts rows that repeat an earlier row of the same domain in every column in use.
    Copies are kept in one fold, so they cannot make held-out errors look better; many of
    them mean that the effective number of rows is smaller than it looks.""",
)  # fmt: skip
def duplicates_within(check: Check, evidence: Evidence) -> CheckResult:
    source, target = evidence.pair.source, evidence.pair.target
    shares = [side.n_duplicates / side.domain.n_rows for side in (source, target)]
    many = max(shares) > 0.1
    return check.result(
        evidence, state="warn" if many else "pass", severity="low" if many else "none",
        value=max(shares), unit="share of rows that repeat another",
        direction="larger means fewer independent rows",
        threshold=Threshold(value=0.1, origin="default", of="value"),
        message=f"{source.n_duplicates} source rows ({share_of(shares[0])}) and "
        f"{target.n_duplicates} target rows ({share_of(shares[1])}) repeat another row of their "
        "domain; copies share a fold.",
        remedy="Remove copies if they are the same unit recorded twice." if many else "",
    )  # fmt: skip


@register(
    "NT106", "rows in both domains", "quality",
    """Counts target rows that also stand in the source. A model that has seen them would
    look better than it is, so they are trained on but never held out. If most rows are
    shared because the columns are coarse, and they are different units, say so with
    --keep-shared-rows.""",
)  # fmt: skip
def rows_in_both(check: Check, evidence: Evidence) -> CheckResult:
    source, target = evidence.pair.source, evidence.pair.target
    n_t, n_s = int(target.shared.sum()), int(source.shared.sum())
    share = n_t / target.domain.n_rows
    state: State = "pass" if n_t == 0 else "fail" if share > 0.5 else "warn"
    severity: Severity = "none" if n_t == 0 else "high" if share > 0.5 else "low"
    return check.result(
        evidence, state=state, severity=severity, value=share, unit="share of target rows",
        direction="larger means less that can be held out", facts={"source_rows": n_s},
        message="No row stands in both domains." if n_t == 0 else
        f"{n_t} target rows ({share_of(share)}) also stand in the source; they are kept out of "
        "every held-out fold.",
        remedy="" if n_t == 0 else "Remove them from one side; or, if they are different units "
        "with equal values, run with --keep-shared-rows.",
    )  # fmt: skip


@register(
    "NT107", "columns that give the domain away", "quality",
    """Looks for identifiers, dates that do not overlap, and any single column that separates
    the domains almost perfectly. Identifiers and such dates are taken out of the comparison;
    a column in use that separates is named, because it makes every divergence trivially
    large. Remedy: drop it unless the target's values will be met in the source later.""",
)  # fmt: skip
def leaking_columns(check: Check, evidence: Evidence) -> CheckResult:
    used = {column.name for column in evidence.pair.columns}
    dropped = [c.name for c in evidence.pair.all_columns if c.name not in used]
    separating = [c.name for c in evidence.pair.columns if _separation(c) >= SEPARATION]
    names = separating + dropped
    parts = []
    if separating:
        parts.append(
            f"{listed(separating)} alone {'tells' if len(separating) == 1 else 'tell'} source "
            "and target rows apart."
        )
    if dropped:
        parts.append(f"{listed(dropped)} left out as identifier or date.")
    return check.result(
        evidence, state="warn" if separating else "pass",
        severity="moderate" if separating else "none",
        value=len(separating), unit="columns", columns=names,
        message=" ".join(parts) or "No single column tells the domains apart.",
        threshold=Threshold(
            value=SEPARATION, origin="default", of="balanced accuracy of one column"
        ),
        remedy="Drop the column, unless its values in the target will also occur in the source."
        if separating else "",
    )  # fmt: skip


@register(
    "NT108",
    "label noise",
    "quality",
    """Estimates how many labels may be wrong: the share that a cross-validated model contradicts
    among the fifth of the rows it is surest of. Wrong labels are spread over easy rows too,
    hard rows are not among them, so this is about the most that can be wrong by chance; a task
    that is hard everywhere cannot be told from noise. It warns when the model claims at least
    80 % certainty there and yet more than 8 % are contradicted. Shown for the source and, from
    the pilot, for the target.""",
)
def label_noise(check: Check, evidence: Evidence) -> CheckResult:
    pilot, learner = evidence.pilot, evidence.headline
    if evidence.pair.task == "regression":
        return check.not_run(
            evidence, "Label noise is estimated for classes only.", applicable=False
        )
    if pilot is None or learner is None:
        return check.not_run(evidence, evidence.no_pilot or "No pilot was run.")
    home = pilot.home
    source = _noise(home.frame.y, home.own[0])
    target = _noise(pilot.y, pilot.predictions[learner.name, BASELINE].mean(axis=0))
    noisy = [side for side, noise in (("source", source), ("target", target)) if noise.suspect]
    return check.result(
        evidence,
        state="warn" if noisy else "pass",
        severity="low" if noisy else "none",
        value=source.share,
        unit="share of the surest source labels contradicted",
        direction="larger means more suspect labels",
        interval=Interval(low=source.low, high=source.high, level=LEVEL, method="Wilson"),
        facts={
            "target_share": target.share,
            "target_low": target.low,
            "target_high": target.high,
            "learner": learner.name,
        },
        n_source=len(home.frame.y),
        n_target=len(pilot.y),
        threshold=Threshold(value=MOST_NOISE, origin="default", of="value"),
        message=f"At most about {share_of(source.high)} of the source's and "
        f"{share_of(target.high)} of the target's labels may be wrong: a {learner.name} model "
        f"contradicts {share_of(source.share)} and {share_of(target.share)} of those it is surest "
        "of.",
        remedy=f"Look at contradicted labels of the {' and the '.join(noisy)} first."
        if noisy
        else "",
    )


@register(
    "NT109", "columns lost", "quality",
    """Names every column that was given and is not used, with the reason: present on one side
    only, all missing, constant, an identifier, text with too many values. What is lost on one
    side may carry the target's signal.""",
)  # fmt: skip
def columns_lost(check: Check, evidence: Evidence) -> CheckResult:
    lost = evidence.pair.lost
    one_sided = [one for one in lost if one.side != "both"]
    message = f"All {len(evidence.pair.columns)} columns are used."
    if lost:
        message = f"{len(lost)} columns are not used: {listed([one.name for one in lost])}."
    return check.result(
        evidence, state="warn" if one_sided else "pass", severity="low" if one_sided else "none",
        value=len(lost), unit="columns", columns=[one.name for one in lost], message=message,
        remedy="Supply the missing columns on both sides, or accept that they are not used."
        if one_sided else "",
    )  # fmt: skip


def _missing(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return np.isnan(values)
    return np.asarray(values < 0)


def _distinct(values: NDArray[np.float64]) -> int:
    return int(np.unique(values[~_missing(values)]).size)


def _two_proportions(
    first: NDArray[np.float64], second: NDArray[np.float64], n_first: int, n_second: int
) -> NDArray[np.float64]:
    from scipy.stats import norm

    pooled = (first * n_first + second * n_second) / (n_first + n_second)
    se = np.sqrt(pooled * (1 - pooled) * (1 / n_first + 1 / n_second))
    z = np.divide(np.abs(first - second), se, out=np.zeros_like(se), where=se > 0)
    return np.asarray(2 * norm.sf(z), dtype=np.float64)


def _separation(column: PairedColumn) -> float:
    """Return the best balanced accuracy of one threshold (or one set of levels)."""
    source = column.source[~_missing(column.source)]
    target = column.target[~_missing(column.target)]
    if min(source.size, target.size) < MIN_ROWS:
        return 0.5
    if column.levels is not None:
        n = len(column.levels)
        a = np.bincount(source.astype(np.int64), minlength=n) / source.size
        b = np.bincount(target.astype(np.int64), minlength=n) / target.size
        return float(0.5 + np.abs(a - b).sum() / 4)
    cuts = np.concatenate([source, target])
    below = [np.searchsorted(np.sort(v), cuts, side="right") / v.size for v in (source, target)]
    return float(0.5 + np.abs(below[0] - below[1]).max() / 2)


@dataclass(frozen=True, slots=True)
class _Noise:
    """Share of contradicted labels among the surest rows, and whether that is suspect."""

    share: float
    low: float
    high: float
    suspect: bool


def _noise(y: NDArray[np.int64], proba: NDArray[np.float64]) -> _Noise:
    from scipy.stats import binomtest

    top = proba.max(axis=1)
    surest = np.argsort(-top, kind="stable")[: max(1, math.ceil(len(y) / 5))]
    wrong = int((proba[surest].argmax(axis=1) != y[surest]).sum())
    test = binomtest(wrong, surest.size)
    interval = test.proportion_ci(LEVEL, method="wilson")
    surely = test.proportion_ci(0.98, method="wilson").low
    return _Noise(
        wrong / surest.size,
        float(interval.low),
        float(interval.high),
        bool(surely > MOST_NOISE and top[surest].mean() >= SURE),
    )
