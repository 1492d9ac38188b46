"""Label marginals: are the labels equally frequent in both domains?"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from .._words import share, shortened
from ..document import CheckResult, LabelShares, Threshold
from ._base import Check, Evidence, register, to_interval, to_null, upper_null
from ._units import HALVES, Rows, hang_together, null_of_units

if TYPE_CHECKING:
    from ...metrics import NullBand
    from ..domain import Side

MIN_MARGINAL = 0.05


@register(
    "NT301", "label marginals", "tasks",
    """Compares how often each label occurs (total variation distance; for a quantity the
    Wasserstein-1 distance in source standard deviations). A difference is label shift if the
    inputs within a class are the same; then aligning the inputs makes things worse (Zhao et
    al. 2019). Needs target labels drawn at random. Where units are named, the difference must
    also be beyond what random halves of whole units show.""",
)  # fmt: skip
def label_marginals(check: Check, evidence: Evidence) -> CheckResult:
    from ...metrics import label_shift

    pair = evidence.pair
    source, target = pair.source, pair.target
    n_s, n_t = int(source.labelled.sum()), int(target.labelled.sum())
    if min(n_s, n_t) < 10:
        side, n = ("target", n_t) if n_t <= n_s else ("source", n_s)
        return check.not_run(
            evidence, f"The {side} has {n} labelled rows; comparing label marginals needs 10.",
            n_required=10, remedy="Label target rows drawn at random.",
        )  # fmt: skip
    regression = pair.task == "regression"
    found = label_shift(
        source.y[source.labelled], target.y[target.labelled],
        categorical=not regression, random_state=evidence.seed,
    )  # fmt: skip
    null = to_null(found.null, found.value)
    # Not held against the null band: its halves have fewer labels, which are few already.
    shifted = found.p_value <= 0.01 and found.value >= MIN_MARGINAL
    if hang_together(pair):  # the p-value counts rows, so that here the band decides with it
        null = to_null(_by_unit(evidence), found.value, what=HALVES)
        top = upper_null(null)
        shifted = shifted and (top is None or found.value > top)
    unit = "source sd" if regression else "total variation"
    shares = _label_shares(evidence)
    return check.result(
        evidence, state="warn" if shifted else "pass",
        severity=("moderate" if found.value > (0.5 if regression else 0.2) else "low")
        if shifted else "none",
        value=float(found.value), unit=unit, direction="larger means other label frequencies",
        interval=to_interval(found.interval), null=null, p_value=float(found.p_value),
        n_source=n_s, n_target=n_t,
        threshold=Threshold(value=MIN_MARGINAL, origin="default", of="value"),
        label_shares=shares,
        message=_marginal_message(evidence, shares, float(found.value), shifted, unit),
        remedy="Prefer strategies that see target labels, or correct the class frequencies; "
        "do not align the inputs." if shifted else "",
    )  # fmt: skip


def _by_unit(evidence: Evidence) -> NullBand:
    """Return the distance between the labels of random halves of whole units."""
    from ...metrics import label_shift

    pair = evidence.pair
    categorical = pair.task != "regression"

    def distance(side: Side, first: Rows, second: Rows) -> float:
        return label_shift(
            side.y[first], side.y[second], categorical=categorical, n_splits=1, n_bootstrap=20
        ).value

    return null_of_units(pair, distance, seed=evidence.seed, n_splits=50, labelled=True)


def _marginal_message(
    evidence: Evidence, shares: LabelShares, value: float, shifted: bool, unit: str
) -> str:
    if not shifted:
        return "The labels are distributed about alike on both sides."
    if evidence.pair.task == "regression":
        y_s, y_t = (side.y[side.labelled] for side in (evidence.pair.source, evidence.pair.target))
        return (
            f"The labels differ by {value:.3g} {unit}: mean {y_s.mean():.3g} in the source, "
            f"{y_t.mean():.3g} in the target."
        )
    gaps = np.abs(np.subtract(shares.source, shares.target))
    i = int(gaps.argmax())
    return (
        f"Class {shortened(shares.names[i])} makes up {share(shares.source[i])} of the source's "
        f"labels and {share(shares.target[i])} of the target's."
    )


def _label_shares(evidence: Evidence) -> LabelShares:
    pair = evidence.pair
    y_s, y_t = (side.y[side.labelled] for side in (pair.source, pair.target))
    if pair.task != "regression":
        n = len(pair.classes)
        return LabelShares(
            names=list(pair.classes),
            source=[float(x) for x in np.bincount(y_s, minlength=n) / len(y_s)],
            target=[float(x) for x in np.bincount(y_t, minlength=n) / len(y_t)],
        )
    both = np.concatenate([y_s, y_t])
    edges = np.linspace(both.min(), both.max(), 13)
    share_s, share_t = (np.histogram(y, bins=edges)[0] / len(y) for y in (y_s, y_t))
    return LabelShares(
        names=[f"{a:.3g} to {b:.3g}" for a, b in itertools.pairwise(edges)],
        source=[float(x) for x in share_s],
        target=[float(x) for x in share_t],
    )
