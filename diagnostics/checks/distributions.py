"""Distributions: do the inputs differ, and more than random halves of one domain do?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._words import listed, share
from ..document import CheckResult, Severity, State, Threshold
from ._base import Check, Evidence, register, to_interval, to_null, upper_null
from ._mixed import Effect, Mixed, compared, detectable, is_mixed, told_of
from ._units import HALVES, Rows, apart, hang_together, null_of_units
from .columns import FDR, MIN_EFFECT, flagged_by_chance
from .quality import MIN_ROWS

if TYPE_CHECKING:
    from ...metrics import MixedTestResult, MMDTestResult, NullBand
    from ..domain import Side

Facts = dict[str, float | int | str | None]
ALARM_P = 0.01
MOST_OUTSIDE = 0.5


def _too_few(check: Check, evidence: Evidence) -> CheckResult | None:
    smaller = min(evidence.pair.source.domain.n_rows, evidence.pair.target.domain.n_rows)
    if smaller >= MIN_ROWS:
        return None
    return check.not_run(
        evidence, f"One side has {smaller} rows; this needs at least {MIN_ROWS} on each.",
        n_required=MIN_ROWS, remedy=f"Collect at least {MIN_ROWS} rows on each side.",
    )  # fmt: skip


@register(
    "NT201", "kernel two-sample test", "distributions",
    """Asks whether the joint distribution of all columns differs (MMD-FUSE of Biggs, Schrab &
    Gretton 2023: kernels of many widths fused into one statistic, one exact permutation
    p-value, never 0). Where there are categories or missing values, rows are compared by their
    numbers, by the categories that differ and by what is missing, with nothing encoded or
    filled in; otherwise by Gaussian and Laplace kernels of the numbers. Where nothing is found,
    it says how large a shift these many rows would have shown: of the means, in standard
    deviations of the columns along a random direction, or of one category, where there are no
    numbers. The value shown is the squared MMD at the median bandwidth; its null reference is
    the same number between random halves of the source and of the target. An alarm needs
    p <= 0.01 and a value above 95 % of the random halves. Sides of more than 2,000 rows are
    thinned. Where units are named, whole units change sides and are halved, and no detectable
    shift is given. It does not predict the sign of the gap: domains may differ and transfer still
    help.""",
)  # fmt: skip
def kernel_test(check: Check, evidence: Evidence) -> CheckResult:
    if few := _too_few(check, evidence):
        return few
    found, told = _kernel_test(evidence)
    by_unit = hang_together(evidence.pair)
    null = to_null(found.null, found.value, what=HALVES if by_unit else "random halves")
    top = upper_null(null)
    differs = found.p_value <= ALARM_P and (top is None or found.value > top)
    facts: Facts = {
        "test": told, "kernels": int(found.n_kernels), "permutations": int(found.n_permutations),
    }  # fmt: skip
    if (width := getattr(found, "bandwidth", None)) is not None:
        facts["bandwidth"] = float(width)
    of_p = f"(permutation p = {found.p_value:.3g}, {told})"
    if differs:
        times = (
            f", {found.value / top:.2g} times what random halves give" if top and top > 0 else ""
        )
        message = f"The inputs differ{times} {of_p}."
    else:
        message = f"The inputs differ no more than random halves do {of_p}."
        message += "" if by_unit else _detectable(evidence, facts)
    return check.result(
        evidence, state="warn" if differs else "pass",
        severity="moderate" if differs else "none",
        value=float(found.value), unit="squared MMD", direction="larger means further apart",
        interval=None if found.interval is None else to_interval(found.interval), null=null,
        p_value=float(found.p_value),
        n_source=int(found.n_source), n_target=int(found.n_target),
        threshold=Threshold(value=ALARM_P, origin="default", of="permutation p-value"),
        message=message, facts=facts,
        remedy="See which columns differ (NT203) and whether labels mean the same (NT302)."
        if differs else "",
    )  # fmt: skip


def _kernel_test(evidence: Evidence) -> tuple[MMDTestResult | MixedTestResult, str]:
    """Return the test that fits the columns, and what it compared."""
    from ...metrics import mmd_test

    pair = evidence.pair
    groups = apart(pair) if hang_together(pair) else (None, None)
    options: dict[str, Any] = {"source_groups": groups[0], "target_groups": groups[1]}
    if is_mixed(pair.columns):
        sides = Mixed.of(pair.columns)
        return compared(*sides, seed=evidence.seed, **options), told_of(pair.columns)
    found = mmd_test(pair.source.X, pair.target.X, random_state=evidence.seed, **options)
    return found, "numbers only"


def _detectable(evidence: Evidence, facts: Facts) -> str:
    """Say which shift the test would have seen in four cases of five, also in the facts."""
    from ...metrics import minimum_detectable_effect

    pair, n_simulations = evidence.pair, max(8, round(15 * evidence.effort))
    unit: Effect = "sd"
    if is_mixed(pair.columns):
        seen, unit = detectable(
            *Mixed.of(pair.columns), alpha=ALARM_P, n_simulations=n_simulations,
            seed=evidence.seed,
        )  # fmt: skip
    else:
        seen = minimum_detectable_effect(
            pair.source.X, pair.target.X, alpha=ALARM_P, n_permutations=99,
            n_simulations=n_simulations, random_state=evidence.seed,
        ).value  # fmt: skip
    known = float(seen) if np.isfinite(seen) else None
    facts["detectable_shift_in_sd" if unit == "sd" else "detectable_total_variation"] = known
    what = "a shift of the means" if unit == "sd" else "a shift of one category"
    if known is None:
        return f" With these sizes even {what} by any amount might have gone unseen."
    by = f"{known:.2g} sd" if unit == "sd" else f"{share(known)} of the rows"
    return f" With these sizes {what} by {by} would have been seen."


@register(
    "NT202", "proxy A-distance", "distributions",
    """2 (1 - 2 err), where err is the balanced held-out error of a classifier that tells
    source rows from target rows: 0 means they cannot be told apart, 2 that they always can
    (Ben-David et al. 2007). Held out by groups of identical rows, never folded or clipped.
    It saturates near 2 in high dimension; read it beside its random halves.""",
)  # fmt: skip
def a_distance(check: Check, evidence: Evidence) -> CheckResult:
    from ...metrics import proxy_a_distance

    if few := _too_few(check, evidence):
        return few
    pair = evidence.pair
    source, target = pair.source, pair.target
    held_out = [side.group[~side.shared] for side in (source, target)]
    fewest = min(rows.size for rows in held_out)
    if fewest < MIN_ROWS or any(np.unique(rows).size < 2 for rows in held_out):
        return check.not_run(
            evidence, f"One side has {fewest} rows that do not stand in the other too; holding "
            f"rows out needs at least {MIN_ROWS}, not all alike.",
            n_required=MIN_ROWS, remedy="Compare domains that do not share their rows.",
        )  # fmt: skip
    groups = apart(pair) if hang_together(pair) else (source.group, target.group)
    found = proxy_a_distance(
        source.X, target.X, source_groups=groups[0], target_groups=groups[1],
        source_held_out=~source.shared, target_held_out=~target.shared,
        n_null=max(4, round(10 * evidence.effort)), random_state=evidence.seed,
    )  # fmt: skip
    null, interval = to_null(found.null, found.value), to_interval(found.interval)
    top = upper_null(null)
    differs = interval.low > max(0.0, top or 0.0)
    best = _named_columns(evidence, found.column_importance) if differs else []
    return check.result(
        evidence, state="warn" if differs else "pass",
        severity="moderate" if differs else "none",
        value=float(found.value), unit="proxy A-distance (0 to 2)",
        direction="larger means easier to tell apart", interval=interval, null=null,
        n_source=int(found.n_source), n_target=int(found.n_target), columns=best,
        facts={"balanced_error": float(found.balanced_error), "classifier": found.classifier},
        message=f"A classifier tells the domains apart with a balanced error of "
        f"{share(found.balanced_error)} (50 % is chance)"
        + (f", mostly by {listed(best, 3)}." if best else "."),
        remedy="Look at the columns named: a difference of units or coding can be repaired."
        if differs else "",
    )  # fmt: skip


def _named_columns(evidence: Evidence, importance: object) -> list[str]:
    weight = np.asarray(importance, dtype=np.float64)
    total = np.bincount(
        evidence.pair.encoded_column, weights=np.maximum(weight, 0),
        minlength=len(evidence.pair.columns),
    )  # fmt: skip
    order = np.argsort(-total, kind="stable")[:3]
    return [evidence.pair.columns[i].name for i in order if total[i] > 0]


@register(
    "NT203", "columns that differ", "distributions",
    """Compares every column: Wasserstein-1 distance in pooled interquartile ranges for
    quantities, total variation for categories. A column is flagged when the difference is at
    least 0.1, above 95 % of random halves, and survives Benjamini-Hochberg at 5 %. Where units
    are named, the halves are of whole units, and 95 % is of all columns at once. It cannot see a
    change of correlation; NT201 can.""",
)  # fmt: skip
def column_differences(check: Check, evidence: Evidence) -> CheckResult:
    if few := _too_few(check, evidence):
        return few
    features = evidence.features
    shifted = [feature for feature in features if feature.shifted]
    part = len(shifted) / len(features)
    names = [feature.name for feature in shifted]
    worst = features[0]
    by_chance = flagged_by_chance(evidence)
    null = to_null(by_chance, part) if len(by_chance.pooled) else None
    severity: Severity = (
        "none" if not shifted else "moderate" if part > 0.3 or (worst.effect or 0) > 1 else "low"
    )
    message = f"None of {len(features)} columns differs by more than random halves do."
    if shifted:
        message = (
            f"{len(shifted)} of {len(features)} columns differ; most of all {listed(names, 3)} "
            f"(by {shifted[0].effect:.3g} {_UNITS[shifted[0].effect_name]})."
        )
    return check.result(
        evidence, state="warn" if shifted else "pass", severity=severity,
        value=part, unit="share of columns that differ", direction="larger means more columns",
        null=null,
        p_adjusted=min((f.p_adjusted for f in features if f.p_adjusted is not None), default=None),
        threshold=Threshold(value=MIN_EFFECT, origin="default", of="effect of a column"),
        columns=names,
        message=message, facts={"false_discovery_rate": FDR, "columns": len(features)},
        remedy="Check units, coding and collection of the columns named." if shifted else "",
    )  # fmt: skip


_UNITS = {
    "wasserstein_in_iqr": "interquartile ranges",
    "wasserstein_in_sd": "standard deviations",
    "total_variation": "in total variation",
}


@register(
    "NT204", "target outside the source's support", "distributions",
    """The share of target rows that lie further from the source than 95 % of source rows lie
    from each other (fifth nearest neighbour). About 5 % is what random halves give. Where
    the source has no rows, its model extrapolates. Loses meaning with very many columns.""",
)  # fmt: skip
def support(check: Check, evidence: Evidence) -> CheckResult:
    from ...metrics import support_overlap

    if few := _too_few(check, evidence):
        return few
    found = support_overlap(
        evidence.pair.source.X, evidence.pair.target.X,
        n_null=max(4, round(10 * evidence.effort)), random_state=evidence.seed,
    )  # fmt: skip
    interval, null = to_interval(found.interval), to_null(found.null, found.share_outside)
    if hang_together(evidence.pair):
        null = to_null(_outside_by_chance(evidence), found.share_outside, what=HALVES)
    top = upper_null(null)
    outside = interval.low > max(0.05, top or 0.0)
    state: State = "pass"
    if outside:
        state = "fail" if found.share_outside > MOST_OUTSIDE else "warn"
    severity: Severity = {"pass": "none", "warn": "moderate", "fail": "high"}[state]  # type: ignore[assignment]
    return check.result(
        evidence, state=state, severity=severity,
        value=float(found.share_outside), unit="share of target rows",
        direction="larger means more extrapolation", interval=interval, null=null,
        n_source=int(found.n_source), n_target=int(found.n_target),
        threshold=Threshold(value=MOST_OUTSIDE, origin="default", of="value"),
        message=f"{share(found.share_outside)} of the target rows lie outside the source's "
        "support" + (", where a source model extrapolates." if outside else
                     "; random halves give about 5 %."),
        remedy="Prefer strategies that learn from target labels there; do not use the source "
        "model as it is." if outside else "",
    )  # fmt: skip


def _outside_by_chance(evidence: Evidence) -> NullBand:
    """Return the share of a random half of the units that lies outside the other half."""
    from ...metrics import support_overlap

    pair = evidence.pair

    def share_outside(side: Side, first: Rows, second: Rows) -> float | None:
        if min(first.size, second.size) < MIN_ROWS:
            return None
        return support_overlap(side.X[first], side.X[second], n_null=1).share_outside

    n_splits = max(4, round(10 * evidence.effort))
    return null_of_units(pair, share_outside, seed=evidence.seed, n_splits=n_splits)
